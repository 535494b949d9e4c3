"""Refs and their updates, as git hands them to a hook.

Object ids are lower-case hexadecimal, 40 digits in a SHA-1 repository and 64 in a SHA-256 one. Ref names are full
(`refs/tags/NAME`); a *tag* is the part after `refs/tags/`.
"""

from __future__ import annotations

import enum

from envhooks.base.dataclass import dataclass

TAGS = "refs/tags/"
HEADS = "refs/heads/"


class Hook(enum.Enum):
    """Hook or command that judges a tag; the value is its name in messages."""

    TAG = "git tag"
    PUSH = "git push"
    RECEIVE = "pre-receive"
    CHECK = "envhooks check"


class Change(enum.Enum):
    """Kind of a ref's update. `STANDING`: no update; the ref is judged as it is."""

    CREATED = "created"
    MOVED = "moved"
    DELETED = "deleted"
    STANDING = "standing"


@dataclass(frozen=True)
class RefUpdate:
    """One line of a hook: a ref, and the object it named and is going to name."""

    ref: str
    """Full ref name on the side that takes the update."""
    old: str | None
    """Object id before; None where the ref did not exist."""
    new: str | None
    """Object id after; None where the ref is deleted."""
    symref: str = ""
    """The ref that this one only points to, where it is a symbolic one and stands."""

    @property
    def change(self) -> Change:
        """Kind of this update, by its two object ids."""
        if self.new is None:
            return Change.DELETED
        if self.old is None:
            return Change.CREATED
        return Change.STANDING if self.old == self.new else Change.MOVED
