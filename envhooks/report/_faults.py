"""Common part of the formats that annotate: a report as one list of faults, each with a stable fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.hygiene import printable, printable_block
from envhooks.judge.facts import Finding, Report, TagReport
from envhooks.report._kinds import RANK

UNDECIDED = "could-not-judge"
"""Rule id of results that could not be judged: a report without them would read as a pass."""
UNDECIDED_SUMMARY = (
    "Refuses a tag of which a fact cannot be had that the verdict needs: it counts as not good."
)
STAND_IN = ".envhooks/policy.toml"
"""The file that a fault of the tag itself is shown at, where a format insists on one: it holds the policy."""


@dataclass(frozen=True)
class Fault:
    """A finding, or a reason why something could not be judged; all text is fit to print."""

    rule: str
    """The check's id, or `UNDECIDED`."""
    level: Literal["error", "warning", "note"]
    tag: str
    """The tag's name; empty where the whole run could not judge."""
    message: str
    """One sentence without a final full stop."""
    details: tuple[str, ...] = ()
    """Finding, expectation, fix or advice: a line each."""
    path: str = ""
    """As found in the repository, not yet fit to print; empty where there is no one place."""
    line: int | None = None
    mark: str = ""
    """64 hexadecimal digits that stay the same as long as the fault does, wherever its line moves."""

    @property
    def text(self) -> str:
        """The message and the details, in lines."""
        return "\n".join((self.message, *self.details))


def faults(report: Report) -> Iterator[Fault]:
    """All faults, errors first: those of the whole run, then tag by tag; of two that are equal, both.

    Their marks differ then.
    """
    seen: dict[str, int] = {}
    for fault, key in sorted(_unmarked(report), key=lambda one: RANK[one[0].level]):
        number = seen[key] = seen.get(key, 0) + 1
        mark = hashlib.sha256(f"{key}\0{number}".encode("utf-8", "surrogatepass")).hexdigest()
        yield replace(fault, mark=mark)


def _unmarked(report: Report) -> Iterator[tuple[Fault, str]]:
    for error in report.errors:
        first, *rest = printable_block(error).split("\n")
        fault = Fault(UNDECIDED, "error", "", first, tuple(line.strip() for line in rest))
        yield fault, f"{UNDECIDED}\0\0{error}"
    for tag in report.tags:
        for finding in tag.findings:
            parts = (finding.check, tag.tag, finding.path, finding.message, finding.got)
            yield _of_finding(tag, finding), "\0".join(parts)
        yield from _undecided(tag)


def _of_finding(tag: TagReport, finding: Finding) -> Fault:
    found = (("found", finding.got), ("expected", finding.expected))
    details = [f"{name}: {printable(text)}" for name, text in found if text]
    return Fault(
        rule=finding.check,
        level=finding.level,
        tag=printable(tag.tag),
        message=printable(finding.message),
        details=(*details, *_fix(finding.fix), *_advice(finding.advice)),
        path=finding.path,
        line=finding.line,
    )


def _undecided(tag: TagReport) -> Iterator[tuple[Fault, str]]:
    for unknown in dict.fromkeys(tag.undecided.values()):  # one reason, said once for all checks
        which = ", ".join(check for check, why in tag.undecided.items() if why == unknown)
        text = f"could not judge {which}: {printable(unknown.why)}"
        fault = Fault(
            UNDECIDED, "error", printable(tag.tag), text, (*_fix(unknown.fix), *_advice(unknown.advice))
        )
        yield fault, "\0".join((UNDECIDED, tag.tag, unknown.why))


def _fix(fix: str) -> tuple[str, ...]:
    return tuple(f"fix: {line}" for line in printable_block(fix).split("\n")) if fix else ()


def _advice(advice: str) -> tuple[str, ...]:
    return tuple(f"advice: {line}" for line in printable_block(advice).split("\n")) if advice else ()
