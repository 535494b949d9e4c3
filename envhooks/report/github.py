"""for GitHub Actions: annotations (workflow commands), and a summary of the job in Markdown"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from envhooks.base.dataclass import replace
from envhooks.base.hygiene import printable, printable_block
from envhooks.base.refs import Change
from envhooks.judge.facts import VERDICT_WORDS, Finding, Report, TagReport
from envhooks.report._faults import Fault, faults
from envhooks.report._kinds import grouped, in_order, shown
from envhooks.report._look import Look

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_NAMED = 10
_LINE = 20_000
"""Characters. A command that is cut off is another command."""
SUMMARY_LIMIT = 900_000
"""Bytes; GitHub drops the whole summary of a step that goes over 1 MiB."""


def render(report: Report, look: Look) -> str:
    """One command a line: the verdict, then what it rests on.

    GitHub shows ten errors, ten warnings and ten notices of a step, and drops the rest: so what warns is one command
    a kind, and errors come in the order of tags. The summary of the job has all.
    """
    lines = list(_verdict(report))
    found = list(faults(report))
    lines += [_command(fault) for fault in found if fault.level == "error"]
    milder = [finding for tag in report.tags for finding in shown(tag)[1]]
    lines += [_grouped(group) for group in grouped(in_order(milder))]
    lines += [f"::notice title=envhooks::{_data(printable_block(note))}" for note in report.notes]
    return "".join(f"{line}\n" for line in lines)


def _verdict(report: Report) -> Iterator[str]:
    said = list(_said(report))
    if said:
        command = "error" if report.exit_code else "notice"
        yield f"::{command} title=envhooks::{_data('; '.join(said))}"


def _said(report: Report) -> Iterator[str]:
    """`refused: v1, v2`, and the like for each verdict, the worst first."""
    for verdict in ("refused", "undecided", "accepted"):
        names = [printable(tag.tag) for tag in report.tags if tag.verdict == verdict]
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"{VERDICT_WORDS[verdict]}: {', '.join(names[:_NAMED])}{more}"


def _grouped(group: Sequence[Finding]) -> str:
    first, more = group[0], len(group) - 1
    (fault,) = faults(Report((TagReport(first.tag, "", Change.STANDING, None, None, "accepted", (first,)),)))
    text = f"and {more} more of this kind; envhooks check --verbose shows each"
    return _command(replace(fault, details=(*fault.details, text)) if more else fault)


def _command(fault: Fault) -> str:
    properties = {}
    if fault.path:
        properties = {"file": printable(fault.path), "line": str(fault.line or 1)}
    properties["title"] = f"{fault.rule} {fault.tag}".rstrip()
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[fault.level]} {listed}::{_data(fault.text)}"


def _data(text: str) -> str:
    """As the runner decodes it: `%0A` of a tag's own stays what it is, and starts no further command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# ---------------------------------------------------------------------------------------- summary


def summary(report: Report) -> str:
    """The report for $GITHUB_STEP_SUMMARY, at most SUMMARY_LIMIT bytes long."""
    lines = ["## envhooks", "", *(f"{_words(said)}\n" for said in _said(report))]
    lines += [f"**could not judge:** {_block(error)}\n" for error in report.errors]
    lines += [
        line for tag in sorted(report.tags, key=lambda tag: tag.verdict == "accepted") for line in _tag(tag)
    ]
    if not report.tags and not report.errors:
        lines.append("There was nothing to judge.\n")
    lines += [f"**note:** {_block(note)}\n" for note in report.notes]
    return _fitted(lines)


def _fitted(lines: Iterable[str]) -> str:
    kept, size, dropped = [], 0, 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > SUMMARY_LIMIT:
            dropped += 1
        else:
            kept.append(line)
    if dropped:
        kept += ["", f"**{dropped} more lines are left out here; the log has them.**"]
    return "".join(f"{line}\n" for line in kept)


def _tag(tag: TagReport) -> Iterator[str]:
    yield f"### {_code(tag.tag)}: {VERDICT_WORDS[tag.verdict]}"
    yield ""
    if tag.findings:
        yield "| check | level | where | what | fix |"
        yield "|---|---|---|---|---|"
        yield from (_row(finding) for finding in in_order(tag.findings))
        yield ""
    for unknown in dict.fromkeys(tag.undecided.values()):
        which = ", ".join(check for check, why in tag.undecided.items() if why == unknown)
        way_out = _fixes(unknown.fix) or _block(unknown.advice)
        yield f"- could not judge {_words(which)}: {_words(unknown.why)} {way_out}"
    if tag.undecided:
        yield ""


def _row(finding: Finding) -> str:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    where = _code(place) if place else ""
    what = [_words(finding.message)]
    what += [
        f"{name}: {_code(text)}"
        for name, text in (("found", finding.got), ("expected", finding.expected))
        if text
    ]
    advice = _block(finding.advice) if finding.advice else ""
    cells = (_words(finding.check), finding.level, where, "<br>".join(what), _fixes(finding.fix) or advice)
    return f"| {' | '.join(cells)} |"


def _fixes(fix: str) -> str:
    return "<br>".join(_code(line) for line in fix.split("\n")) if fix else ""


def _code(text: str) -> str:
    return f"<code>{_words(text, _LINE)}</code>"


def _block(text: str) -> str:
    return "<br>".join(_words(line) for line in printable_block(text).split("\n"))


def _words(text: str, limit: int = 500) -> str:
    """Text that neither Markdown nor HTML reads as anything else: a character reference is never markup."""
    return re.sub(r"[^0-9A-Za-z ]", _reference, printable(text, limit))


def _reference(match: re.Match[str]) -> str:
    char = match.group()
    return f"&#{ord(char)};" if char.isascii() else char
