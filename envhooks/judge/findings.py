"""Findings of checks, and the report that a run makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from envhooks.base.dataclass import dataclass, field
from envhooks.base.place import Level, Place
from envhooks.base.refs import Change
from envhooks.judge.facts import Unknown


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one tag. The engine stamps `check` and `tag`."""

    message: str
    """One sentence about this tag, without a final full stop."""
    level: Level = "error"
    got: str = ""
    expected: str = ""
    path: str = ""
    line: int | None = None
    fix: str = ""
    """Shell commands that put it right, to be pasted as they are."""
    check: str = ""
    tag: str = ""

    @classmethod
    def at(cls, place: Place, message: str, **more: Any) -> Finding:
        """A finding with a place."""
        return cls(message, path=place.path, line=place.line, **more)


TagVerdict = Literal["accepted", "refused", "undecided"]


@dataclass(frozen=True)
class TagReport:
    """All that was found out about one tag."""

    tag: str
    ref: str
    change: Change
    object: str | None
    commit: str | None
    verdict: TagVerdict
    findings: tuple[Finding, ...] = ()
    passed: tuple[str, ...] = ()
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    """Check id -> why it does not apply."""
    undecided: Mapping[str, Unknown] = field(default_factory=dict)
    """Check id -> why it could not judge, and what would let it."""


@dataclass(frozen=True)
class Report:
    """The outcome of one run."""

    tags: tuple[TagReport, ...] = ()
    errors: tuple[str, ...] = ()
    """What kept the whole run from judging: exit code 2."""
    notes: tuple[str, ...] = ()
    """What a person should know and no tag is to blame for."""

    @property
    def exit_code(self) -> int:
        """0 good, 1 found something, 2 could not judge; 2 outranks 1 outranks 0."""
        verdicts = {tag.verdict for tag in self.tags}
        if self.errors or "undecided" in verdicts:
            return 2
        return 1 if "refused" in verdicts else 0
