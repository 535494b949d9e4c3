"""From a push to its builds: the intent is recorded, and a process of its own waits for the push to end.

Git has no client hook after a push. So pre-push records what it let pass and leaves a watcher behind, which
waits for the `git push` above it to end and asks the remote what it holds. Its every descriptor is closed:
one left open would block a caller that captures the output of the push.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.base.refs import Change, RefUpdate
from envhooks.builds import owner
from envhooks.builds import remote as remotes
from envhooks.builds.confirm import sections_for
from envhooks.builds.consent import why_not
from envhooks.builds.ledger import Intent, Ledger, Place, Row
from envhooks.builds.work import PAUSES, WAITS_FOR_CONSENT, Record, Worker, pauses, resumable
from envhooks.git.addresses import redact_text
from envhooks.git.repository import Git
from envhooks.policy import BuildPolicy, Policy

BULK = 3
"""Tags in one push whose builds start by themselves; more need a word (`envhooks builds --retry`)."""
MAX_PUSH = 24 * 3600
"""Seconds after which a push is not waited for any longer."""
MAX_LOG = 1 << 20
MAX_KEYS = 100
"""Rows that one watcher receives; a pipe holds 16 KiB everywhere."""
_PUSH_FD = 3
# It waits before it imports: on a machine with few cores, its start would be at the expense of the push. A descriptor
# that is not there answers at once, and `_wait_for_end` knows another way.
_MAIN = f"""import select, sys
poll = select.poll()
poll.register({_PUSH_FD}, select.POLLIN)
poll.poll({MAX_PUSH * 1000})
sys.path += [p for p in sys.argv.pop(1).split("\\n") if p not in sys.path]
from envhooks.records.after import watch
watch()"""


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether this is a CI job: nothing outlives it, so nothing is left behind in it."""
    return environ.get("CI", "").lower() not in ("", "0", "false", "no")


# ----------------------------------------------------------------------------------------- the hooks


def arm(
    git: Git, policy: Policy, updates: Sequence[RefUpdate], name: str, url: str, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """After a clean pre-push: record the builds of the tags that it creates, and start the watcher.

    Args:
        git: the clone.
        policy: the policy by which the push was judged.
        updates: the release tags that were judged and accepted.
        name: the remote's name, or its URL, as git told the hook.
        url: its URL, as git told the hook.
        environ: the hook's environment.

    Returns:
        What the person should know, one sentence each.

    Raises:
        CannotJudge: the ledger cannot be written.
    """
    remote = remotes.pushed_to(name, url, Path.cwd())
    pid = owner.nearest_push()
    started = owner.identity(pid) if pid else ""
    ledger = Ledger(git.common_dir)
    # what is left of earlier pushes goes along, but for what is recorded now
    old = resumable(ledger.rows()) if ledger.exists else ()
    keys, notes = _record(git, ledger, policy, updates, remote, "client", started)
    if keys or old:
        payload = {"remote": remote.name, "url": remote.url, "keys": [*keys, *old][:MAX_KEYS]}
        foreground = in_ci(environ)
        _spawn(git.common_dir, payload, environ, pid, foreground=foreground)
        if keys and not notes:
            notes = ("once the remote holds the tag, its image is built: envhooks builds --follow",)
        if foreground and keys:
            notes += (
                "CI is set, so the build goes on in this job; where the job ends with the push, end it with:"
                " envhooks builds --retry",
            )
    return notes


def resume(git: Git, environ: Mapping[str, str]) -> None:
    """At any other hook: resume builds that an earlier watcher had to leave."""
    ledger = Ledger(git.common_dir)
    old = resumable(ledger.rows()) if ledger.exists and not in_ci(environ) else ()
    if old:
        payload = {"remote": "", "url": "", "keys": old[:MAX_KEYS]}
        _spawn(git.common_dir, payload, environ, None, foreground=False)


def landed(
    git: Git, policy: Policy, updates: Sequence[RefUpdate], environ: Mapping[str, str]
) -> tuple[str, ...]:
    """After a push to this repository: record the builds of the tags that it created, and start them."""
    ledger = Ledger(git.common_dir)
    old = resumable(ledger.rows()) if ledger.exists else ()
    keys, notes = _record(git, ledger, policy, updates, remotes.own_repository(git), "server", "")
    if keys or old:
        payload = {"remote": "", "url": "", "keys": [*keys, *old][:MAX_KEYS]}
        _spawn(git.common_dir, payload, environ, None, foreground=False)
    return notes


def _record(
    git: Git,
    ledger: Ledger,
    policy: Policy,
    updates: Iterable[RefUpdate],
    remote: remotes.Remote,
    place: Place,
    push: str,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys of what may start by itself, and what is to be said."""
    intents = []
    for update in updates:
        if update.change is Change.CREATED and update.new is not None:
            for build in sections_for(git, policy, update.ref, remote, (place,)):
                intents.append((build, Intent(update.ref, update.new, build.name)))
    if not intents:
        return (), ()
    tags = len({intent.ref for _, intent in intents})
    held = f"{tags} tags in one push: to start their builds: envhooks builds --retry" if tags > BULK else ""
    keys = ledger.record(
        remote.shown, remote.name, place, [intent for _, intent in intents], held=held, push=push
    )
    if held:
        return (), (held,)
    refused = [why_not(git, build) for build in {build.name: build for build, _ in intents}.values()]
    notes = tuple(why.message + WAITS_FOR_CONSENT for why in refused if why is not None)
    return keys, notes + _known_faults(git, policy, [build for build, _ in intents], place)


def _known_faults(git: Git, policy: Policy, builds: Iterable[BuildPolicy], place: Place) -> tuple[str, ...]:
    """Known obstacles to these builds, as far as they are seen without starting anything."""
    from envhooks.builds.sections import missing_here

    found = (missing_here(build, policy.image, os.environ) for build in {b.name: b for b in builds}.values())
    return tuple(str(fault) for fault in found if fault is not None)


def _is_bad(row: Row) -> bool:
    """Whether a build failed, also where it is going to be tried again."""
    return row.state in ("failed", "final") or (
        row.state == "confirmed" and row.attempts > 0 and bool(row.reason)
    )


def unfinished(git: Git, *, most: int = 3) -> tuple[str, ...]:
    """One line for each build that failed and was neither built since nor forgotten: said at the next hook."""
    ledger = Ledger(git.common_dir)
    rows = [row for row in ledger.rows() if _is_bad(row)] if ledger.exists else []
    lines = [
        f"the build {printable(row.build, 60)} of {printable(row.tag, 100)} failed: "
        + printable(row.reason.partition("\n")[0], 300)
        for row in rows[-most:]
    ]
    left = f"{len(rows) - most} more failed; " if len(rows) > most else ""
    return (*lines, f"{left}to look: envhooks builds") if rows else ()


# ------------------------------------------------------------------------------------ leaving it behind


def _spawn(
    common_dir: Path,
    payload: Mapping[str, object],
    environ: Mapping[str, str],
    push: int | None,
    *,
    foreground: bool,
) -> None:
    """Start `main` in a process of its own: a new program, for this one's arguments may hold a password.

    In the foreground it keeps the session and standard error, so that a reader who waits for the output of the push
    waits for the build.
    """
    data = json.dumps({**payload, "common_dir": os.fspath(common_dir), "pid": push or 0}).encode()
    pidfd = _pidfd(push)
    environ = remotes.user_environment(environ)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        if pidfd is not None:
            os.close(pidfd)
        return
    try:
        if not foreground:
            os.setsid()
        if os.fork():
            os._exit(0)
        _become(data, environ, pidfd, foreground)
    finally:
        os._exit(1)  # the ledger has it; the next hook finds it there


def _become(data: bytes, environ: Mapping[str, str], pidfd: int | None, foreground: bool) -> None:
    os.chdir("/")
    read = _pipe_with(data)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(read, 0)
    os.dup2(2 if foreground else null, 1)
    if not foreground:
        os.dup2(null, 2)
    if pidfd is not None and pidfd != _PUSH_FD:
        os.dup2(pidfd, _PUSH_FD)
    elif pidfd is not None:
        os.set_inheritable(pidfd, True)
    _close_from(_PUSH_FD + (pidfd is not None))
    argv = [sys.executable, "-I", "-c", _MAIN, "\n".join(filter(None, sys.path))]
    os.execve(sys.executable, argv, environ)  # noqa: S606 - no shell, and every word of it is our own


def _pipe_with(data: bytes) -> int:
    """A descriptor to read `data` from; not a file, for the URL in it may hold a password."""
    read, write = os.pipe()
    os.write(write, data)  # fits: MAX_KEYS sees to it
    os.close(write)
    return read


def _close_from(first: int) -> None:
    """Close every descriptor from `first` on, including those that other code opened."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            for name in os.listdir(folder):  # noqa: PTH208 - names, not paths
                if name.isdigit() and int(name) >= first:
                    with suppress(OSError):
                        os.close(int(name))
            return
    os.closerange(first, 4096)


def _pidfd(pid: int | None) -> int | None:
    """Taken while the hook still runs, so that its number cannot have gone to another process."""
    if pid is None or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


# ------------------------------------------------------------------------------------- the watcher itself


def main(record: Record | None = None) -> None:
    """Wait for the push, then work. What goes wrong is in the ledger, and in `watcher.log` beside it.

    The process is started by what records as well, `envhooks.records.after.watch`: this package does not know it.
    """
    payload: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    common_dir = Path(payload["common_dir"])
    say = _logger(common_dir)
    try:
        _watch(payload, common_dir, say, record)
    except EnvhooksError as error:
        say(str(error))
    except Exception as error:
        say(f"the watcher fell over: {type(error).__name__}: {printable(str(error))}")


def _watch(
    payload: Mapping[str, Any], common_dir: Path, say: Callable[[str], None], record: Record | None
) -> None:
    if payload["pid"]:
        _wait_for_end(payload["pid"])
    known = {}
    if payload["url"]:
        remote = remotes.pushed_to(payload["remote"] or payload["url"], payload["url"], common_dir)
        known[remote.shown] = remote
    ledger = Ledger(common_dir)
    keys = payload["keys"]
    with Git(common_dir) as git:
        try:
            waits = pauses(git)
        except CannotJudge as error:
            say(str(error))
            waits = PAUSES
        ledger.reopen(keys)
        Worker(git, ledger, os.environ, say, known, record=record).run(keys, waits)


def _wait_for_end(pid: int) -> None:
    """Return when the process has ended, however it did."""
    with suppress(OSError):
        os.fstat(_PUSH_FD)
        poll = select.poll()
        poll.register(_PUSH_FD, select.POLLIN)
        poll.poll(MAX_PUSH * 1000)
        os.close(_PUSH_FD)
        return
    started, end = owner.start_time(pid), time.monotonic() + MAX_PUSH
    while started is not None and owner.start_time(pid) == started and time.monotonic() < end:
        time.sleep(0.1)


def _logger(common_dir: Path) -> Callable[[str], None]:
    path = common_dir / "envhooks" / "watcher.log"

    def say(text: str) -> None:
        line = f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {redact_text(printable(text))}\n"
        with suppress(OSError):
            print(f"envhooks: {line.split(' ', 1)[1]}", end="", flush=True)
        with suppress(OSError):
            if path.exists() and path.stat().st_size > MAX_LOG:
                path.unlink()
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(line)

    return say
