"""Verdicts kept between runs of `envhooks check --all`, by everything that they depend on.

A verdict is taken from here only if the tag is the same object under the same name, the law, the checks, the
programs and this package are the same, its commit still is, or still is not, on main, and no date has passed that
could matter. The doors never look here, nor does a server, nor a CI that does not ask for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

from envhooks import keptfile
from envhooks.errors import CannotJudge
from envhooks.git import Git
from envhooks.keptcontext import context
from envhooks.law import FOLDER, Standpoint
from envhooks.model import (
    TAGS,
    Ancestry,
    Change,
    Door,
    Finding,
    RefUpdate,
    Report,
    Subject,
    TagReport,
    Unknown,
)
from envhooks.records import dataclass

LONGEST = 86400
"""Seconds that a verdict is kept at most, whatever the dates say."""
_JSON = json.JSONEncoder(separators=(",", ":"))
_FINDING = ("message", "level", "got", "expected", "path", "line", "fix", "check", "tag")


@dataclass(frozen=True)
class _Row:
    """One verdict as it is written: a line of JSON."""

    line: bytes
    ref: str
    object: str
    commit: str | None
    on_main: bool | None
    """Whether the commit was on a protected branch; None where the tag names no commit."""
    since: float
    until: float
    report: Sequence[Any]

    @classmethod
    def read(cls, line: bytes) -> _Row:
        """The row that `_write` wrote."""
        return cls(line, *json.loads(line))


class Kept:
    """The verdicts of one repository."""

    def __init__(self, git: Git, now: datetime | None = None) -> None:
        """`now` is the time at which verdicts are looked for and made."""
        self._git = git
        self._now = (now or datetime.now(timezone.utc)).timestamp()
        self._context = ""
        self._reused: list[bytes] = []

    def find(
        self, standpoint: Standpoint, check_ids: Sequence[str], updates: Sequence[RefUpdate]
    ) -> dict[str, TagReport]:
        """Full ref -> the report that still holds."""
        if not self._may_keep(standpoint):
            return {}
        self._context = context(self._git, standpoint, check_ids)
        head, _, lines = (keptfile.load(self._git.common_dir) or b"").partition(b"\n")
        if head.decode("ascii", "replace") != self._context:
            return {}
        # a symbolic ref names its object today and may name another tomorrow
        standing = {u.ref: u for u in updates if u.change is Change.STANDING and not u.symref}
        rows = [
            row
            for row in map(_Row.read, filter(None, lines.split(b"\n")))
            if row.ref in standing
            and row.object == standing[row.ref].new
            and row.since <= self._now < row.until
        ]
        good = self._reachable_as_before(rows, standpoint)
        self._reused = [row.line for row in good]
        return {row.ref: _report(row) for row in good}

    def _may_keep(self, standpoint: Standpoint) -> bool:
        """Whether the law decides alone: on the first day a person's own configuration does too."""
        return standpoint.door is Door.CHECK and standpoint.law.has_signers and not self._git.is_shallow

    def _reachable_as_before(self, rows: Sequence[_Row], standpoint: Standpoint) -> list[_Row]:
        """The rows whose commits are on main where they were on main, and only there: main moves."""
        commits = [row.commit for row in rows if row.commit is not None]
        if commits and not standpoint.mains:
            return []
        try:
            outside = self._git.outside(commits, (branch.tip for branch in standpoint.mains))
        except CannotJudge:
            return []
        return [row for row in rows if row.commit is None or row.on_main == (row.commit not in outside)]

    def keep(self, standpoint: Standpoint, subjects: Sequence[Subject], report: Report) -> None:
        """Add what was judged anew to what was found, and forget the rest."""
        if not self._context or not subjects:
            return
        lines = [*self._reused, *self._lines(standpoint, subjects, report)]
        keptfile.save(self._git.common_dir, b"\n".join([self._context.encode(), *lines]))

    def _lines(self, standpoint: Standpoint, subjects: Sequence[Subject], report: Report) -> Iterator[bytes]:
        from envhooks.signatures.packets import PacketError
        from envhooks.signatures.signers import read_signers
        from envhooks.signatures.turning import next_turn, turning_points

        try:
            points = turning_points(read_signers(standpoint.law.signer_files, FOLDER))
        except (CannotJudge, PacketError):
            return
        longest = min(next_turn(points, self._now), self._now + LONGEST)
        for subject, found in zip(subjects, report.tags, strict=True):
            own = subject.facts.get("turning_points")
            if isinstance(own, frozenset) and _is_for_keeps(subject, found):
                yield self._line(subject, found, min(next_turn(own, self._now), longest))

    def _line(self, subject: Subject, found: TagReport, until: float) -> bytes:
        ancestry = subject.facts.get("ancestry")
        row = (
            found.ref,
            found.object,
            ancestry.commit if isinstance(ancestry, Ancestry) else None,
            ancestry.on_main if isinstance(ancestry, Ancestry) else None,
            self._now,
            until,
            _written(found),
        )
        return _JSON.encode(row).encode()


def _is_for_keeps(subject: Subject, found: TagReport) -> bool:
    """Whether the verdict says something, and from facts that are all there and all the tag's own."""
    return (
        found.change is Change.STANDING
        and not subject.update.symref
        and found.verdict != "undecided"
        and not found.undecided
        and not subject.facts.get("siblings")
        and not any(isinstance(fact, Unknown) for fact in subject.facts.values())
    )


def _written(found: TagReport) -> list[Any]:
    findings = [[getattr(finding, name) for name in _FINDING] for finding in found.findings]
    return [found.commit, found.verdict, findings, found.passed, dict(found.not_applicable)]


def _report(row: _Row) -> TagReport:
    commit, verdict, findings, passed, not_applicable = row.report
    tag = row.ref[len(TAGS) :]
    return TagReport(
        tag=tag,
        ref=row.ref,
        change=Change.STANDING,
        object=row.object,
        commit=commit,
        verdict=verdict,
        findings=tuple(Finding(*finding) for finding in findings),
        passed=tuple(passed),
        not_applicable=MappingProxyType(not_applicable),
    )
