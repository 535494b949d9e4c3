"""show what was pushed and what became of its builds

--retry starts what waits, --allow allows what they run.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable, word
from envhooks.builds import confirm, consent, kept, leftovers, show
from envhooks.builds import remote as remotes
from envhooks.builds.ledger import OPEN, Ledger, Row
from envhooks.builds.work import Worker, kept_path, resumable, work_in_foreground
from envhooks.cli._manner import answer, note, quiet
from envhooks.cli.build import outcome, require_consent, say
from envhooks.git.repository import Git
from envhooks.policy.branches import release_remote
from envhooks.records import after

AGAIN = "envhooks builds --retry"
QUIET = 15.0
"""Seconds without any change after which --follow says that nothing is going on."""

GROUP = "build and record"
EXITS = (
    "listed; with --retry or --follow: all is built",
    "a build failed, or a tag is refused",
    "something waits, or could not be tried",
)
EXAMPLES = (
    ("envhooks builds", ""),
    ("envhooks builds --follow", "the logs, until nothing is under way"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--follow`, `--retry`, `--allow`, `--clean`, `--cancel`, `--forget`."""
    parser.add_argument("--follow", action="store_true", help="show the logs until nothing is under way")
    parser.add_argument("--retry", action="store_true", help="start what waits or failed, in the foreground")
    parser.add_argument(
        "--allow", action="store_true", help="show what the policy's build sections run, and allow it here"
    )
    parser.add_argument(
        "--cancel", metavar="TAG", help="build nothing more of this tag here; ends what is being built"
    )
    parser.add_argument(
        "--forget", metavar="TAG", help="take the builds of this tag out of this clone's ledger"
    )
    parser.add_argument(
        "--clean",
        action="store_true",
        help=f"remove what builds left here, and all but the last {leftovers.KEPT_IMAGES} images of each name",
    )


def run(options: argparse.Namespace) -> int:
    """Do what is asked, then print the ledger."""
    with Git.open(Path.cwd()) as git:
        ledger = Ledger(git.common_dir)
        if options.allow:
            _allow(git)
        if options.cancel:
            _cancel(ledger, options.cancel)
        if options.forget:
            _forget(ledger, options.forget)
        if options.clean:
            removed = list(leftovers.clean(ledger, os.environ))
            for line in removed or ["nothing is left of earlier builds"]:
                say(line)
        refused = _retry(git, ledger) if options.retry else ()
        if options.follow and not options.retry:
            follow(ledger)
    rows = ledger.rows()
    answer(builds=show.documents(rows))
    listed = [row for row in rows if not quiet() or row.state not in ("done", "dropped")]
    if listed:
        # those that failed just now are shown below, with more of their logs
        print(show.table(listed, "" if options.retry or options.follow else AGAIN), end="")
    elif not (rows or options.allow or options.clean or options.cancel or options.forget):
        note("envhooks: nothing was built from here yet")
    if options.retry or options.follow:
        return outcome(rows, AGAIN, refused)
    return 0


def _allow(git: Git) -> None:
    name = release_remote(git)
    target = remotes.named(git, name, os.environ) if name else remotes.own_repository(git)
    policy = confirm.stand_at(git, target).root.policy
    if not policy.builds:
        say(f"{policy.origin} has no [[build]], so there is nothing to allow")
    new = [build for build in policy.builds if not consent.allowed(git, build)]
    require_consent(git, new, give=True)
    for build in policy.builds:
        say(f"{build.name}: {'allowed in this clone' if build in new else 'was allowed before'}")


def _of(ledger: Ledger, tag: str) -> list[Row]:
    """The builds of a tag.

    Raises:
        UsageError: there are none.
    """
    found = [row for row in ledger.rows() if tag in (row.tag, row.ref)]
    if not found:
        raise UsageError(f"nothing was built of {printable(tag)} from here", fix="envhooks builds")
    return found


def _cancel(ledger: Ledger, tag: str) -> None:
    rows = _of(ledger, tag)
    count = ledger.cancel([row.key for row in rows], "cancelled by a person")
    for row in rows:
        kept.remove(kept_path(ledger, row.key))
        if row.step == "follow" and row.state in ("building", "requested"):
            where = f": {printable(row.run_url)}" if row.run_url else ""
            say(f"{printable(row.tag)} ({printable(row.build)}): what its service runs goes on there{where}")
    say(f"{printable(tag)}: {'nothing was waiting or being built' if not count else f'cancelled {count}'}")


def _forget(ledger: Ledger, tag: str) -> None:
    rows = _of(ledger, tag)
    if any(row.state == "building" for row in rows):
        raise UsageError(f"{printable(tag)} is being built", fix=f"envhooks builds --cancel {word(tag)}")
    say(
        f"{printable(tag)}: forgot {ledger.forget([row.key for row in rows])}; what is published stays published"
    )


def _retry(git: Git, ledger: Ledger) -> Collection[str]:
    """Start what waits; the keys of what could not be tried."""
    keys = [row.key for row in ledger.rows() if row.state not in ("done", "dropped", "final")]
    worker = Worker(git, ledger, os.environ, say, absent_asks=1, record=after.record)
    if keys:
        ledger.release(keys, also=("requested",))
        work_in_foreground(worker, keys, sys.stderr)
    return worker.refused


def follow(ledger: Ledger) -> None:
    """Show every step and log until nothing goes on by itself any more."""
    tail = show.Tail(ledger, sys.stderr)
    states: dict[str, str] = {}
    followed: set[str] = set()
    changed = time.monotonic()
    while True:
        rows = ledger.rows()
        now = {row.key: row.state for row in rows}
        building = {row.key for row in rows if show.state_of(row) == "building"}
        followed |= {row.key for row in rows if row.state in OPEN}  # it may end between two looks
        tail.copy(sorted(followed))  # the log of what ended is whole, and stands above its end
        for row in rows if states else ():
            if states.get(row.key) != row.state:
                say(f"{row.tag} ({row.build}): {row.state}{f': {row.reason}' if row.reason else ''}")
        if now != states:
            states, changed = dict(now), time.monotonic()
        if not building and (not _under_way(rows) or time.monotonic() - changed > QUIET):
            return
        time.sleep(0.3)


def _under_way(rows: Sequence[Row]) -> bool:
    own = resumable(rows)
    return any(row.key in own and row.state in ("pending", "confirmed") for row in rows)
