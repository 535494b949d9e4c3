"""What was pushed, and what became of its builds: one SQLite file in the git common directory.

One row for each (redacted remote URL, ref, tag object, build name). A row is claimed by one process at a
time; a claim names the process and when it was started, so that one that was killed holds nothing. SQLite's
own journal keeps the file whole through `kill -9` at any point.

    pending ──> confirmed ──> building ──> done | failed
       └────────────┴────> dropped: the remote does not hold this tag, or refuses it
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from envhooks.base.dataclass import dataclass, field_names
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds import owner
from envhooks.builds.plan import key_of

if TYPE_CHECKING:
    import sqlite3

State = Literal["pending", "confirmed", "building", "done", "failed", "dropped"]
Place = Literal["client", "server"]
OPEN: tuple[State, ...] = ("pending", "confirmed", "building")
"""States from which a build goes on by itself."""
FOREIGN_CLAIM = 24 * 3600
"""Seconds after which a claim of a process that cannot be seen from here (another host) has lapsed."""
BUSY_TIMEOUT = 30.0
"""Seconds that one process waits for another one's transaction, which takes milliseconds."""


@dataclass(frozen=True)
class Row:
    """One build of one tag on one remote."""

    key: str
    url: str
    """Redacted; the absolute path of the repository itself on a server."""
    remote: str
    """The remote's name in this clone; empty for a push by URL and on a server."""
    place: Place
    ref: str
    tag_object: str
    build: str
    state: State
    attempts: int
    """How often the builder was started."""
    created: float
    updated: float
    digest: str
    run_url: str
    log: str
    reason: str
    """One sentence about the state; why it waits, failed or was dropped."""
    held: int
    """1 where it waits for a word of the person's: too many tags in one push."""
    owner: str
    """The process that is building, or the `git push` that a pending row waits for; else empty."""

    @property
    def tag(self) -> str:
        """The tag's short name."""
        return self.ref.removeprefix("refs/tags/")


@dataclass(frozen=True)
class Intent:
    """A build that a push asks for, if the remote takes the push."""

    ref: str
    tag_object: str
    build: str


_COLUMNS = field_names(Row)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS builds (
    key TEXT PRIMARY KEY, url TEXT NOT NULL, remote TEXT NOT NULL, place TEXT NOT NULL, ref TEXT NOT NULL,
    tag_object TEXT NOT NULL, build TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL, updated REAL NOT NULL, digest TEXT NOT NULL DEFAULT '',
    run_url TEXT NOT NULL DEFAULT '', log TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    held INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '',
    UNIQUE (url, ref, tag_object, build)
)
"""


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

        What is done, confirmed or under way stays as it is; what failed or was dropped is open again, for it is
        being pushed again. `held` is why none of it may start by itself; `push` is the process that has to end before
        the remote's word counts.
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
                    " state='pending', remote=excluded.remote, updated=excluded.updated,"
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
        """Nothing is going to be built, and why; a row that is being built is left alone."""
        return self._move(key, ("pending", "confirmed"), "dropped", reason)

    def reopen(self, keys: Iterable[str]) -> None:
        """Try again what failed."""
        with self._transaction() as db:
            for key in keys:
                db.execute("UPDATE builds SET state='pending' WHERE key=? AND state='failed'", (key,))

    def release(self, keys: Iterable[str]) -> None:
        """A person asked for these: what was held or failed is open again."""
        with self._transaction() as db:
            for key in keys:
                db.execute(
                    "UPDATE builds SET held=0, state=CASE state WHEN 'failed' THEN 'pending' ELSE state END"
                    " WHERE key=? AND state IN ('pending', 'confirmed', 'failed')",
                    (key,),
                )

    def claim(self, key: str, log: str = "") -> Row | None:
        """Take a confirmed row for this process; None if another one has it."""
        with self._transaction() as db:
            row = _one(db, key)
            if row is None or row.state != "confirmed":
                return None
            db.execute(
                "UPDATE builds SET state='building', owner=?, attempts=attempts+1, updated=?, log=?, reason='',"
                " digest='', run_url='' WHERE key=?",
                (owner.myself(), time.time(), log, key),
            )
            return _one(db, key)

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

    def finish(
        self, key: str, state: Literal["confirmed", "done", "failed"], reason: str, **found: str | None
    ) -> bool:
        """End the claim of this process: done, failed, or back to be tried again.

        `found` may give `digest`, `run_url` and `log`. False where the claim is not this process's any more.
        """
        extra = {name: value for name, value in found.items() if value is not None}
        assert extra.keys() <= {"digest", "run_url", "log"}
        names = "".join(f", {name}=?" for name in extra)
        with self._transaction() as db:
            done = db.execute(
                f"UPDATE builds SET state=?, reason=?, updated=?, owner=''{names}"  # noqa: S608 - own names
                " WHERE key=? AND state='building' AND owner=?",
                (state, reason, time.time(), *extra.values(), key, owner.myself()),
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
            found = db.execute(f"SELECT {','.join(_COLUMNS)} FROM builds ORDER BY created, rowid")  # noqa: S608
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
        with self._connection() as db:
            # IMMEDIATE: two that read first and write then would not exclude each other
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
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
                db.execute(_SCHEMA)
                yield db
        except (sqlite3.Error, OSError) as error:
            raise CannotJudge(
                f"the ledger of builds cannot be used: {error}", place=printable(str(self.path))
            ) from None

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
    return time.time() - row.updated < FOREIGN_CLAIM if gone is None else not gone


def is_stale(row: Row) -> bool:
    """Whether the process that was building is gone; one on another host is given a day."""
    gone = owner.is_gone(row.owner)
    return time.time() - row.updated > FOREIGN_CLAIM if gone is None else gone


def _one(db: sqlite3.Connection, key: str) -> Row | None:
    found = db.execute(f"SELECT {','.join(_COLUMNS)} FROM builds WHERE key=?", (key,)).fetchone()  # noqa: S608
    return Row(*found) if found else None
