"""for people: per tag what passed and what was refused, with place, found and expected, and a fix to paste"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.base.hygiene import printable, printable_block
from envhooks.base.refs import Change
from envhooks.judge.findings import Finding, Report, TagReport

_COLOURS = {
    "error": "31",
    "warning": "33",
    "note": "36",
    "accepted": "32",
    "refused": "31",
    "undecided": "33",
}
_VERDICTS = {"accepted": "good", "refused": "refused", "undecided": "could not judge"}


class _Paint:
    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, kind: str) -> str:
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self.on else text


def render(report: Report, colour: bool) -> str:
    """The report in lines; nothing where there is nothing to say."""
    paint = _Paint(colour)
    lines = [line for tag in report.tags for line in _tag(tag, paint)]
    for error in report.errors:
        lines += [paint("could not judge: ", "undecided") + printable_block(error)]
    lines += [f"{paint('note', 'note')}: {printable_block(note)}" for note in report.notes]
    return "".join(f"{line}\n" for line in lines)


def _tag(tag: TagReport, paint: _Paint) -> Iterator[str]:
    change = "" if tag.change in (Change.CREATED, Change.STANDING) else f" ({tag.change.value})"
    yield f"{printable(tag.tag)}{change}: {paint(_VERDICTS[tag.verdict], tag.verdict)}"
    for finding in tag.findings:
        yield from _finding(finding, paint)
    yield from _undecided(tag, paint)
    if tag.passed:
        yield f"  passed: {', '.join(tag.passed)}"
    if tag.not_applicable and tag.verdict != "accepted":
        yield from _reasons(tag)


def _finding(finding: Finding, paint: _Paint) -> Iterator[str]:
    place = printable(finding.path) + (f":{finding.line}" if finding.line else "")
    where = f"{place}: " if place else ""
    yield f"  {paint(finding.level, finding.level)} [{finding.check}] {where}{printable(finding.message)}"
    if finding.got:
        yield f"      found:    {printable(finding.got)}"
    if finding.expected:
        yield f"      expected: {printable(finding.expected)}"
    yield from _fix(finding.fix)


def _undecided(tag: TagReport, paint: _Paint) -> Iterator[str]:
    for unknown in dict.fromkeys(tag.undecided.values()):  # one reason, said once for all checks
        which = ", ".join(check for check, why in tag.undecided.items() if why == unknown)
        yield f"  {paint('could not judge', 'undecided')} [{which}] {printable(unknown.why)}"
        yield from _fix(unknown.fix)


def _reasons(tag: TagReport) -> Iterator[str]:
    for reason in dict.fromkeys(tag.not_applicable.values()):
        which = ", ".join(check for check, why in tag.not_applicable.items() if why == reason)
        yield f"  not judged: {which} ({printable(reason)})"


def _fix(fix: str) -> Iterator[str]:
    for number, line in enumerate(fix.split("\n") if fix else ()):
        yield f"      {'fix:     ' if number == 0 else '         '} {printable(line)}"
