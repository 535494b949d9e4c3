"""Going through the open rows of the ledger: ask, confirm, build; what could not be done is tried again.

Everything that starts builds comes through here: the watcher behind a push, a server's post-receive,
`envhooks builds --retry`. Several may run at once; a row is built by the process that claims it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.builds import confirm as confirming
from envhooks.builds import remote as remotes
from envhooks.builds.consent import why_not
from envhooks.builds.context import Allowed, remove_context, write_context
from envhooks.builds.heartbeat import Heartbeat
from envhooks.builds.kept import remove as remove_kept
from envhooks.builds.ledger import Ending, Ledger, Row, is_waiting_for_push
from envhooks.builds.notify import notify
from envhooks.builds.owner import host_of
from envhooks.builds.types import Job, Plan, Result
from envhooks.git.addresses import redact_text
from envhooks.git.repository import Git
from envhooks.policy import BuildPolicy

PAUSES = (1.0, 3.0, 10.0, 30.0, 90.0, 300.0)
"""Seconds between one pass and the next; `git config envhooks.pauses "5 60"` says otherwise."""
ABSENT_ASKS = 3
"""Answers without the tag before its row is dropped: the server may outlive a push that was killed."""
BUILD_ATTEMPTS = 4
"""Starts of a failing builder in one run."""
ALL_ATTEMPTS = 12
"""After so many a hook does not start it again by itself."""
WAITS_FOR_CONSENT = "; to see and allow it: envhooks builds --allow"

SAID_AGAIN = 60.0
"""Seconds between two lines about another process that is waited for."""
MAX_PATIENCE = 900.0
"""Seconds that a run waits for a service that asked for patience; beyond, the next hook takes it up."""
ENDINGS: Mapping[str, tuple[Ending, str]] = {
    "done": ("done", "done"),
    "started": ("requested", "requested, and not heard of again"),
    "gone": ("dropped", "dropped"),
}
"""Statuses of a Result that end a build -> (the state, its text for the person)."""

Say = Callable[[str], None]
Record = Callable[
    [Git, confirming.Confirmed, remotes.Remote, Plan, Result, Mapping[str, str]],
    str,
]
"""Records a build that is done, and answers with a sentence on the result; empty where there is nothing to say."""


def pauses(git: Git) -> tuple[float, ...]:
    """The pauses of this clone.

    Raises:
        CannotJudge: the setting is not a list of seconds.
    """
    text = git.setting("envhooks.pauses")
    if not text:
        return PAUSES
    if not re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,3})?(?: +[0-9]{1,6}(?:\.[0-9]{1,3})?)*", text):
        raise CannotJudge(
            f"envhooks.pauses is no list of seconds: {printable(text, 60)}",
            fix='git config envhooks.pauses "1 3 10 30 90 300"',
        )
    return tuple(map(float, text.split()))


@dataclass
class Worker:
    """One run over the ledger."""

    git: Git
    ledger: Ledger
    environ: Mapping[str, str]
    say: Say
    """Called with every step, one line each; redacted."""
    known: Mapping[str, remotes.Remote] = field(default_factory=dict)
    """Redacted URL -> the remote with its secrets, where this run was given them."""
    absent_asks: int = ABSENT_ASKS
    refused: set[str] = field(default_factory=set)
    """Keys of what this run could not even try: no builder was to blame."""
    record: Record | None = None
    _absent: dict[str, int] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def run(self, keys: Collection[str] | None, waits: Sequence[float]) -> None:
        """Work on these rows, or on all that are open, until nothing is left or the pauses are used up."""
        for pause in (*waits, None):
            left = self._pass(keys, is_last=pause is None)
            if not left or pause is None:
                return
            time.sleep(max(pause, min(self._patience(keys), MAX_PATIENCE)))

    def _patience(self, keys: Collection[str] | None) -> float:
        """Seconds until the first of these rows may be tried, as its service asked; 0 where one may be now."""
        rows = [row for row in self.ledger.rows() if keys is None or row.key in keys]
        times = [row.after for row in rows if row.state in ("pending", "confirmed")]
        return max(min(times, default=0.0) - time.time(), 0.0)

    # ------------------------------------------------------------------------------------ a pass

    def _pass(self, keys: Collection[str] | None, *, is_last: bool) -> bool:
        """One look at every open row; whether trying again may help."""
        groups: dict[tuple[str, str], list[Row]] = {}
        is_patient = False
        for row in self.ledger.rows():
            if row.state == "building":
                self.ledger.reclaim(row.key)
        for row in self.ledger.rows():
            chosen = keys is None or row.key in keys
            if chosen and not row.held and row.state in ("pending", "confirmed"):
                if is_waiting_for_push(row):
                    continue  # that push has a watcher of its own
                if row.after > time.time():
                    is_patient = True
                    continue
                groups.setdefault((row.url, row.remote if row.place == "client" else "\0"), []).append(row)
        left = [self._group(rows, is_last=is_last) for rows in groups.values()]
        return any(left) or is_patient

    def _group(self, rows: Sequence[Row], *, is_last: bool) -> bool:
        remote = self._remote(rows[0])
        try:
            refs = remotes.list_refs(self.git, remote, self.environ)
            there = [row for row in rows if self._is_there(row, refs)]
            if there:
                tags = {row.ref: row.tag_object for row in there}
                confirmed = confirming.confirm(self.git, remote, refs, tags, self.environ)
        except EnvhooksError as error:
            for row in rows:
                self._note(row, error.message)
            return True
        left = [self._one(row, confirmed, remote, is_last=is_last) for row in there]
        return any(left) or any(row.key in self._absent for row in rows)

    def _remote(self, row: Row) -> remotes.Remote:
        if row.place == "server":
            return remotes.own_repository(self.git)
        return self.known.get(row.url) or remotes.recorded(self.git, row.remote, row.url, self.environ)

    def _is_there(self, row: Row, refs: remotes.RemoteRefs) -> bool:
        found = refs.refs.get(row.ref)
        if found == row.tag_object:
            self._absent.pop(row.key, None)
            return True
        if found is not None:
            self._drop(row, f"the remote holds another object under this name: {found[:12]}")
            return False
        asked = self._absent[row.key] = self._absent.get(row.key, 0) + 1
        if asked >= self.absent_asks:
            del self._absent[row.key]
            self._drop(row, "the remote does not hold this tag: the push was refused, or never sent")
        else:
            self._note(row, "the remote does not hold this tag yet")
        return False

    def _one(
        self, row: Row, confirmed: confirming.Confirmed, remote: remotes.Remote, *, is_last: bool
    ) -> bool:
        """Take a tag that the remote holds as far as it goes; whether trying again may help."""
        why, is_final = confirmed.fault(row.ref)
        if why:
            (self._drop if is_final else self._note)(row, why)
            return not is_final
        build = next((b for b in confirmed.policy.builds if b.name == row.build), None)
        if build is None:
            self._drop(row, f"the policy has no build called {row.build} any more")
            return False
        try:
            plan = confirming.plan_for(self.git, confirmed, row.ref, remote, build)
        except EnvhooksError as error:
            return self._cannot_build(row, error)
        refused = why_not(self.git, build)
        if refused is not None:
            self._note(row, refused.message + WAITS_FOR_CONSENT)
            return False
        self.ledger.confirm(row.key)
        return self._build(row, plan, build, confirmed, remote, is_last=is_last)

    def _cannot_build(self, row: Row, error: EnvhooksError) -> bool:
        self.refused.add(row.key)
        self.ledger.confirm(row.key)
        if self.ledger.claim(row.key) is not None:
            self.ledger.finish(row.key, "failed", redact_text(str(error)))
            self._tell(row, f"failed: {error}")
        return False

    # ---------------------------------------------------------------------------------- building

    def _build(
        self,
        row: Row,
        plan: Plan,
        build: BuildPolicy,
        confirmed: confirming.Confirmed,
        remote: remotes.Remote,
        *,
        is_last: bool,
    ) -> bool:
        log = self.log_path(row)
        claimed = self.ledger.claim(row.key, str(log))
        if claimed is None:
            return False  # somebody else is at it
        for note in plan.notes:
            self._tell(row, note)
        self._tell(row, f"building with {plan.using}; log: {log}")
        self.ledger.keep(row.key, image=plan.own)
        with Heartbeat(self.ledger, row.key):
            try:
                result = self._attempt(claimed, plan, build, confirmed, remote, log)
            except EnvhooksError as error:  # what the commit holds will be no better the next time
                result = Result("failed", None, None, str(error), None, may_help=False)
            except Exception as error:
                text = f"the builder {plan.using} fell over: {type(error).__name__}: {printable(str(error), 200)}"
                result = Result("failed", None, None, text, None)
            if result.status == "done" and self.record is not None:
                # reads the image's layers where the builder did not: as long as a build, and claimed as long
                result = self._recorded(self.record, confirmed, remote, plan, result)
        left = self._finished(claimed, result, is_last=is_last)
        if not left:
            self._notify(claimed.key)
        return left

    def _notify(self, key: str) -> None:
        """Tell the person how it ended, as they set it up."""
        row = self.ledger.row(key)
        if row is not None and row.state != "building":
            fault = notify(self.git, row, row.state, row.reason, self.environ)
            if fault:
                self._tell(row, fault)

    def _recorded(
        self,
        record: Record,
        confirmed: confirming.Confirmed,
        remote: remotes.Remote,
        plan: Plan,
        result: Result,
    ) -> Result:
        """The result, with a sentence on its record; the build is done in any case."""
        try:
            said = record(self.git, confirmed, remote, plan, result, self.environ)
        except Exception as error:
            said = f"not recorded: {type(error).__name__}: {printable(str(error), 200)}"
        return replace(result, message=f"{result.message}; {said}") if said else result

    def _finished(self, row: Row, result: Result, *, is_last: bool) -> bool:
        found = {"digest": result.digest, "run_url": result.run_url, "log": result.log}
        message = redact_text(result.message)
        if not result.may_help:
            self.refused.add(row.key)
        after = time.time() + result.after if result.after else 0.0
        again = False
        if result.status in ENDINGS:
            state, said = ENDINGS[result.status]
            step = "follow" if state == "requested" else None
            self.ledger.finish(row.key, state, message, 0.0, **found, step=step)
        elif result.is_final:
            self.ledger.finish(row.key, "final", message, 0.0, **found)
            said = "failed for good"
        else:
            failures = self._failures[row.key] = self._failures.get(row.key, 0) + 1
            again = not is_last and result.may_help and failures < BUILD_ATTEMPTS
            self.ledger.finish(row.key, "confirmed" if again or after else "failed", message, after, **found)
            said = "failed, and is tried again" if again else "failed"
        now = self.ledger.row(row.key)
        if now is None or now.state in ("done", "final", "dropped"):
            remove_kept(kept_path(self.ledger, row.key))
        self._tell(row, f"{said}: {message}{_until(after)}")
        return again

    def _attempt(
        self,
        row: Row,
        plan: Plan,
        build: BuildPolicy,
        confirmed: confirming.Confirmed,
        remote: remotes.Remote,
        log: Path,
    ) -> Result:
        from envhooks.builds.attempt import Attempt  # a client of registries: not in a hook

        context = context_path(self.ledger, plan.key)
        remove_context(context)  # what a killed run left
        job = Job(
            kept_path(self.ledger, plan.key),
            row.request,
            keep=lambda **found: self.ledger.keep(row.key, **found),
            is_wanted=lambda: self.ledger.is_mine(row.key),
        )
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", buffering=1) as file:
                write_context(self.git, plan.commit, context, Allowed.by(build.options), plan.epoch)
                environ = remotes.user_environment(self.environ)
                return Attempt(self.git, row, plan, build, confirmed.policy, remote, environ, file, job).run(
                    context
                )
        finally:
            remove_context(context)

    def log_path(self, row: Row) -> Path:
        """The log of a row's next attempt."""
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", f"{row.tag}-{row.build}")[:120]
        return self.ledger.folder / "logs" / f"{safe}-{row.key[:8]}-{row.attempts + 1}.log"

    # --------------------------------------------------------------------------------- what is said

    def _note(self, row: Row, why: str) -> None:
        why = redact_text(why)
        self.ledger.note(row.key, why)
        self._tell(row, f"waits: {why}")

    def _drop(self, row: Row, why: str) -> None:
        if self.ledger.drop(row.key, why):
            self._tell(row, f"dropped: {why}")

    def _tell(self, row: Row, text: str) -> None:
        self.say(f"{printable(row.tag)} ({printable(row.build)}): {text}")


def kept_path(ledger: Ledger, key: str) -> Path:
    """Folder that outlives an attempt at a build: it holds an image that waits to be published."""
    return ledger.folder / "kept" / key[:16]


def _until(after: float) -> str:
    """The time from which a service may be asked again, as a clause; empty where none asked to wait."""
    return (
        f"; it asked to be left alone until {time.strftime('%H:%M:%S', time.localtime(after))}"
        if after
        else ""
    )


def context_path(ledger: Ledger, key: str) -> Path:
    """Folder that the tree of a build is written to."""
    return ledger.folder / "work" / key[:16]


def work_in_foreground(worker: Worker, keys: Sequence[str], out: TextIO) -> None:
    """Work on these rows once, with their logs on `out`; what another process is at is waited for."""
    from envhooks.builds.show import live_log

    with live_log(worker.ledger, keys, out):
        worker.run(keys, ())
        said = 0.0
        while others := [row for row in worker.ledger.rows() if row.key in keys and row.state == "building"]:
            if time.monotonic() - said > SAID_AGAIN or not said:
                said = time.monotonic()
                for row in others:
                    where = printable(host_of(row.owner), 60)
                    name = f"{printable(row.tag)} ({printable(row.build)})"
                    worker.say(f"{name}: another process builds it, on {where}; waiting for it")
            time.sleep(0.2)
            if any(row.key in keys and worker.ledger.reclaim(row.key) for row in worker.ledger.rows()):
                worker.run(keys, ())


def resumable(rows: Iterable[Row]) -> tuple[str, ...]:
    """Keys of what a hook takes up again by itself: not what waits for a person's word."""
    return tuple(
        row.key
        for row in rows
        if not row.held
        and row.after < time.time() + MAX_PATIENCE
        and not row.reason.endswith(WAITS_FOR_CONSENT)
        and (row.state in ("pending", "confirmed", "building") or _may_fail_again(row))
    )


def _may_fail_again(row: Row) -> bool:
    return row.state == "failed" and row.attempts < ALL_ATTEMPTS
