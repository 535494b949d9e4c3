"""The rows of the ledger, the table that holds them, and that of earlier versions made into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from envhooks.base.dataclass import dataclass, field_names, replace
from envhooks.base.errors import CannotJudge
from envhooks.builds.plan import key_of

if TYPE_CHECKING:
    import sqlite3

State = Literal["pending", "confirmed", "building", "requested", "done", "failed", "final", "dropped"]
Ending = Literal["confirmed", "requested", "done", "failed", "final", "dropped"]
"""State in which a claim ends; `confirmed`: to be tried again."""
Step = Literal["", "verify", "publish", "follow"]
"""Step at which the next attempt begins; empty: the first."""
Place = Literal["client", "server"]
OPEN: tuple[State, ...] = ("pending", "confirmed", "building")
"""States from which a build goes on by itself."""


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
    """Number of times the builder was started."""
    created: float
    updated: float
    digest: str
    run_url: str
    log: str
    reason: str
    """One sentence about the state; why it waits, failed or was dropped."""
    held: int
    """1 where it waits for a decision of the person: too many tags in one push."""
    owner: str
    """The process that is building, or the `git push` that a pending row waits for; else empty."""
    image: str = ""
    """The tag's own reference, where the policy names an image."""
    step: Step = ""
    after: float = 0.0
    """Earliest time of the next attempt: a service asked to wait."""
    request: str = ""
    """Id of the run that a service started, for the next attempt to follow."""
    beat: float = 0.0
    """Time of the last heartbeat of the process that is building."""

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


VERSION = 1
"""Version of the file's tables, as SQLite's `user_version` has it; 0 is that of envhooks 0.2."""
COLUMNS = field_names(Row)
_SCHEMA = """
CREATE TABLE builds (
    key TEXT PRIMARY KEY, url TEXT NOT NULL, remote TEXT NOT NULL, place TEXT NOT NULL, ref TEXT NOT NULL,
    tag_object TEXT NOT NULL, build TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL, updated REAL NOT NULL, digest TEXT NOT NULL DEFAULT '',
    run_url TEXT NOT NULL DEFAULT '', log TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    held INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '', image TEXT NOT NULL DEFAULT '',
    step TEXT NOT NULL DEFAULT '', after REAL NOT NULL DEFAULT 0, request TEXT NOT NULL DEFAULT '',
    beat REAL NOT NULL DEFAULT 0
)
"""
_BEST_FIRST: tuple[State, ...] = (
    "done",
    "requested",
    "building",
    "confirmed",
    "pending",
    "final",
    "failed",
    "dropped",
)
"""Order in which states are kept, where two rows turn out to be of one repository."""


def migrate(db: sqlite3.Connection) -> None:
    """Make the tables, or make them of those of an earlier envhooks, in one transaction.

    Raises:
        CannotJudge: a later envhooks wrote the file.
    """
    db.execute("BEGIN EXCLUSIVE")  # of two processes the second finds it done
    try:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise CannotJudge(
                f"a later envhooks wrote the ledger of builds (version {found}, this one knows {VERSION})",
                fix="pip install --upgrade envhooks",
            )
        if found < VERSION:
            is_old = db.execute("SELECT 1 FROM sqlite_master WHERE name='builds'").fetchone()
            old = _rows_of_version_0(db) if is_old else {}
            db.execute("DROP TABLE IF EXISTS builds")
            db.execute(_SCHEMA)
            marks = ",".join("?" * len(COLUMNS))
            for row in old.values():
                values = [getattr(row, name) for name in COLUMNS]
                db.execute(f"INSERT INTO builds ({','.join(COLUMNS)}) VALUES ({marks})", values)  # noqa: S608 - own names
            db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _rows_of_version_0(db: sqlite3.Connection) -> dict[str, Row]:
    """New key -> row; there, the spelling of an address was part of the key."""
    names = COLUMNS[: COLUMNS.index("image")]
    found: dict[str, Row] = {}
    for values in db.execute(f"SELECT {','.join(names)} FROM builds ORDER BY created, rowid"):  # noqa: S608 - own names
        row = Row(*values)
        key = key_of(row.url, row.ref, row.tag_object, row.build)
        other = found.get(key)
        if other is None or _BEST_FIRST.index(row.state) <= _BEST_FIRST.index(other.state):
            found[key] = replace(row, key=key)
    return found
