"""Ledger of pushed tags and their builds: one SQLite file in the git common directory.

One row for each (repository, ref, tag object, build name); a repository is one whatever the spelling of its address. A
row is claimed by one process at a time; a claim names the process and when it was started, so that one that was killed
holds nothing. SQLite's own journal keeps the file whole through `kill -9` at any point.

    pending ──> confirmed ──> building ──> done
       │            │             ├──────> requested: a service builds it, and nobody here will hear how it ends
       │            │             ├──────> failed: tried again, from the step that failed
       │            │             └──────> final: trying again would only repeat it
       └────────────┴────────────────────> dropped: the remote does not hold this tag, or refuses it
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable, word
from envhooks.builds import owner
from envhooks.builds.plan import key_of
from envhooks.builds.rows import COLUMNS, VERSION, migrate
from envhooks.builds.rows import OPEN as OPEN
from envhooks.builds.rows import Ending as Ending
from envhooks.builds.rows import Intent as Intent
from envhooks.builds.rows import Place as Place
from envhooks.builds.rows import Row as Row
from envhooks.builds.rows import State as State

if TYPE_CHECKING:
    import sqlite3

FOREIGN_CLAIM = 24 * 3600
"""Seconds after which a `git push` that cannot be seen from here (another container) is not waited for."""
LAPSE = 90.0
"""Seconds without a heartbeat after which a claim of a process that cannot be seen from here has lapsed."""
BUSY_TIMEOUT = 30.0
"""Seconds that one process waits for another one's transaction, which takes milliseconds."""


class Ledger:
    """The builds of one clone or server. Each method is one transaction."""

    def __init__(self, common_dir: Path) -> None:
        """The ledger of the repository with this git common directory; the file is made when first written."""
        self.folder = common_dir / "envhooks"
        self.path = self.folder / "builds.sqlite3"

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded here."""
        return self.path.exists()

    # ------------------------------------------------------------------------------------ writing

    def record(
        self,
        url: str,
        remote: str,
        place: Place,
        intents: Iterable[Intent],
        *,
        held: str = "",
        push: str = "",
    ) -> tuple[str, ...]:
        """Note what a push asks for; answers the keys of what is open now.

        What is done, requested, final, confirmed or under way stays as it is; what failed or was dropped is open again,
        for it is being pushed again. `held` is why none of it may start by itself; `push` is the process that has to
        end before the remote's word counts.
        """
        now = time.time()
        keys = []
        with self._transaction() as db:
            for intent in intents:
                key = key_of(url, intent.ref, intent.tag_object, intent.build)
                values = (key, url, remote, place, intent.ref, intent.tag_object, intent.build, "pending")
                db.execute(
                    "INSERT INTO builds (key, url, remote, place, ref, tag_object, build, state, created,"
                    " updated, reason, held, owner) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                    " state='pending', url=excluded.url, remote=excluded.remote, updated=excluded.updated,"
                    " reason=excluded.reason, held=excluded.held, owner=excluded.owner"
                    " WHERE state IN ('pending', 'failed', 'dropped')",
                    (*values, now, now, held, int(bool(held)), push),
                )
                found = db.execute("SELECT state FROM builds WHERE key=?", (key,)).fetchone()
                if found[0] in OPEN:
                    keys.append(key)
        return tuple(keys)

    def note(self, key: str, reason: str) -> None:
        """Say why an open row goes no further for now."""
        self._move(key, ("pending", "confirmed"), None, reason)

    def confirm(self, key: str) -> bool:
        """The remote holds the tag; whether the row was still waiting for that."""
        return self._move(key, ("pending", "confirmed"), "confirmed", "")

    def drop(self, key: str, reason: str) -> bool:
        """Drop a row, with the reason; a row that is being built is left alone."""
        return self._move(key, ("pending", "confirmed"), "dropped", reason)

    def reopen(self, keys: Iterable[str]) -> None:
        """Try again what failed."""
        with self._transaction() as db:
            for key in keys:
                db.execute("UPDATE builds SET state='pending' WHERE key=? AND state='failed'", (key,))

    def release(self, keys: Iterable[str], *, also: Sequence[State] = (), afresh: bool = False) -> None:
        """A person asked for these: what was held or failed is open again, and what is in one of the states `also`.

        With `afresh`, what was requested of a service that cannot be followed is requested anew.
        """
        marks = ",?" * len(also)
        with self._transaction() as db:
            for key in keys:
                db.execute(
                    "UPDATE builds SET held=0,"  # noqa: S608 - question marks
                    " step=CASE WHEN ? AND step='follow' AND request='' THEN '' ELSE step END,"
                    " state=CASE WHEN state IN ('pending', 'confirmed') THEN state ELSE 'pending' END"
                    f" WHERE key=? AND state IN ('pending', 'confirmed', 'failed'{marks})",
                    (afresh, key, *also),
                )

    def forget(self, keys: Iterable[str]) -> int:
        """Take rows out, but for those that are being built; answers how many."""
        with self._transaction() as db:
            return sum(
                db.execute("DELETE FROM builds WHERE key=? AND state<>'building'", (key,)).rowcount
                for key in keys
            )

    def cancel(self, keys: Iterable[str], reason: str) -> int:
        """Cancel these builds; a process whose claim is taken ends its build. Answers how many."""
        with self._transaction() as db:
            return sum(
                db.execute(
                    "UPDATE builds SET state='dropped', reason=?, updated=?, owner='', held=0, step='', request=''"
                    " WHERE key=? AND state IN ('pending', 'confirmed', 'building', 'failed')",
                    (reason, time.time(), key),
                ).rowcount
                for key in keys
            )

    def is_mine(self, key: str) -> bool:
        """Whether this process has the claim still."""
        row = self.row(key)
        return row is not None and row.state == "building" and row.owner == owner.myself()

    def keep(self, key: str, **found: str) -> None:
        """Write down, while this process has the claim, from where another attempt would go on.

        `found` may give `step`, `digest`, `image`, `request` and `run_url`.
        """
        assert found.keys() <= {"step", "digest", "image", "request", "run_url"}
        names = ", ".join(f"{name}=?" for name in found)
        with self._transaction() as db:
            db.execute(
                f"UPDATE builds SET {names} WHERE key=? AND state='building' AND owner=?",  # noqa: S608 - own names
                (*found.values(), key, owner.myself()),
            )

    def claim(self, key: str, log: str = "") -> Row | None:
        """Take a confirmed row for this process; None if another one has it."""
        with self._transaction() as db:
            row = _one(db, key)
            if row is None or row.state != "confirmed":
                return None
            db.execute(
                "UPDATE builds SET state='building', owner=?, attempts=attempts+1, updated=?, log=?, reason='',"
                " after=0, beat=? WHERE key=?",
                (owner.myself(), time.time(), log, time.time(), key),
            )
            return _one(db, key)

    def beat(self, key: str) -> bool:
        """Say that this process is still building; False where the claim is not its own any more."""
        with self._transaction() as db:
            done = db.execute(
                "UPDATE builds SET beat=? WHERE key=? AND state='building' AND owner=?",
                (time.time(), key, owner.myself()),
            )
            return done.rowcount == 1

    def reclaim(self, key: str) -> bool:
        """Take a row back from a process that was killed while it was building."""
        with self._transaction() as db:
            row = _one(db, key)
            if row is None or row.state != "building" or not is_stale(row):
                return False
            reason = "the process that was building it was killed"
            db.execute(
                "UPDATE builds SET state='confirmed', owner='', updated=?, reason=? WHERE key=?",
                (time.time(), reason, key),
            )
            return True

    def finish(self, key: str, state: Ending, reason: str, after: float = 0.0, **found: str | None) -> bool:
        """End the claim of this process: done, requested, failed, final, or back to be tried again.

        `found` may give `digest`, `run_url`, `log`, `step` and `request`; `after` is the earliest time of another
        attempt. False where the claim is not this process's any more.
        """
        extra = {name: value for name, value in found.items() if value is not None}
        assert extra.keys() <= {"digest", "run_url", "log", "step", "request"}
        if state in ("done", "final", "dropped"):
            extra |= {"step": "", "request": ""}
        names = "".join(f", {name}=?" for name in extra)
        with self._transaction() as db:
            done = db.execute(
                f"UPDATE builds SET state=?, reason=?, updated=?, after=?, owner=''{names}"  # noqa: S608 - own names
                " WHERE key=? AND state='building' AND owner=?",
                (state, reason, time.time(), after, *extra.values(), key, owner.myself()),
            )
            return done.rowcount == 1

    def _move(self, key: str, sources: Sequence[State], target: State | None, reason: str) -> bool:
        marks = ",".join("?" * len(sources))
        with self._transaction() as db:
            done = db.execute(
                "UPDATE builds SET state=COALESCE(?, state), reason=?, updated=?, owner=''"  # noqa: S608 - question marks
                f" WHERE key=? AND state IN ({marks})",
                (target, reason, time.time(), key, *sources),
            )
            return done.rowcount == 1

    # ------------------------------------------------------------------------------------ reading

    def rows(self) -> tuple[Row, ...]:
        """Everything, the newest last."""
        if not self.exists:
            return ()
        with self._connection() as db:
            found = db.execute(f"SELECT {','.join(COLUMNS)} FROM builds ORDER BY created, rowid")  # noqa: S608
            return tuple(Row(*values) for values in found)

    def row(self, key: str) -> Row | None:
        """One row."""
        if not self.exists:
            return None
        with self._connection() as db:
            return _one(db, key)

    # --------------------------------------------------------------------------------- the file

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        import sqlite3

        with self._connection() as db:
            # IMMEDIATE: two that read first and write then would not exclude each other
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has ended it already where the disk is full
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        import sqlite3  # 5 ms, and a hook without builds does not need it

        try:
            self._make_file()
            # isolation_level None: transactions are begun above, and never behind our back
            with closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT, isolation_level=None)) as db:
                if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                    migrate(db)
                yield db
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> CannotJudge:
        """The fault of a ledger, with the way out: what is published is in the registry, so a ledger may go."""
        import sqlite3

        path, why = str(self.path), str(error)
        is_damaged = type(error) is sqlite3.DatabaseError
        is_another_s = self.path.is_file() and not os.access(self.path, os.R_OK | os.W_OK)
        if is_another_s:
            owner_id = self.path.stat().st_uid
            whose = "it is not writable" if owner_id == os.geteuid() else f"it belongs to the user {owner_id}"
            why = f"{whose}: {why}"
        may_go = is_damaged or is_another_s or self.path.is_dir() or self.path.is_symlink()
        may_go = may_go and os.access(self.folder, os.W_OK)
        return CannotJudge(
            f"the ledger of builds cannot be used: {why}",
            place=printable(path),
            fix=f"mv {word(path)} {word(f'{path}.damaged' if is_damaged else f'{path}.before')}"
            if may_go
            else "",
        )

    def _make_file(self) -> None:
        """0600 from the start; SQLite gives its journal the mode of the file itself."""
        if not self.path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))


def is_waiting_for_push(row: Row) -> bool:
    """Whether the `git push` that this row is about still runs: until then the remote's word does not count."""
    if row.state != "pending" or not row.owner:
        return False
    gone = owner.is_gone(row.owner)
    # a clock that was set back shows the row in the future
    return abs(time.time() - row.updated) < FOREIGN_CLAIM if gone is None else not gone


def is_stale(row: Row) -> bool:
    """Whether the process that was building is gone: seen, or by its heartbeat where it cannot be seen."""
    gone = owner.is_gone(row.owner)
    return abs(time.time() - max(row.beat, row.updated)) > LAPSE if gone is None else gone


def _one(db: sqlite3.Connection, key: str) -> Row | None:
    found = db.execute(f"SELECT {','.join(COLUMNS)} FROM builds WHERE key=?", (key,)).fetchone()  # noqa: S608
    return Row(*found) if found else None
