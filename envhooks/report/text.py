"""for people: what is refused first, with place, found and expected, and a fix to paste"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from envhooks.base.hygiene import printable, printable_block
from envhooks.base.refs import Change
from envhooks.judge.facts import VERDICT_WORDS, Finding, Report, TagReport
from envhooks.report._kinds import counted, grouped, in_order, is_misnamed, shown, tally, warned
from envhooks.report._look import MANY, Look

_COLOURS = {
    "error": "31",
    "warning": "33",
    "note": "36",
    "accepted": "32",
    "refused": "31",
    "undecided": "33",
}
_LINE = 20_000
"""Characters. A command that is cut off is another command."""
_ORDER = ("refused", "undecided", "accepted")
_BY_NATURE = frozenset(
    {*(f"the tag is {change.value}" for change in Change), "the tag is new", "the tag does not change"}
)
"""Reason why a check that looks at changes does not judge this tag: said where all is said."""
_MOST_LINES = 40
"""Tags with a line of their own in a brief report."""
_MOST_NAMES = 10


class _Page:
    """Colour and the width of lines."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.whole = look.detail == "full"

    def paint(self, text: str, kind: str) -> str:
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self.look.colour else text

    def lines(self, head: str, text: str, kind: str = "", indent: int = 6) -> list[str]:
        """`head` and `text`, broken between words where a width is known; a word is never broken."""
        start = len(head) - len(head.lstrip())
        if self.look.width is None or len(head) + len(text) <= self.look.width:
            return [f"{head[:start]}{self.paint(head[start:], kind) if kind else head[start:]}{text}"]
        import textwrap  # not at the top: a good tag prints nothing in a hook

        wrapped = textwrap.wrap(
            text,
            max(self.look.width, indent + 20),
            initial_indent=" " * len(head),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if not wrapped:
            return [head]
        painted = self.paint(head[start:], kind) if kind else head[start:]
        return [f"{head[:start]}{painted}{wrapped[0][len(head) :]}", *wrapped[1:]]


def render(report: Report, look: Look) -> str:
    """The report in lines; nothing where there is nothing to say."""
    page = _Page(look)
    lines: list[str] = []
    for error in report.errors:
        first, *rest = printable_block(error).split("\n")
        lines += [*page.lines("could not judge: ", first, "undecided", indent=2), *rest]
    tags = sorted(report.tags, key=lambda tag: _ORDER.index(tag.verdict))
    if look.detail == "quiet":
        tags = [tag for tag in tags if tag.verdict != "accepted"]
    if look.detail == "brief" or (look.detail == "quiet" and len(tags) > MANY):
        lines += _brief(tags, page)
    else:
        lines += [line for tag in tags for line in _tag(tag, page)]
    if look.detail != "quiet":
        for note in report.notes:
            first, *rest = printable_block(note).split("\n")
            lines += [*page.lines("note: ", first, "note", indent=2), *rest]
        if look.summary and len(tags) > 1:
            lines.append(_summary(report.tags, look))
    return "".join(f"{line}\n" for line in lines)


def _summary(tags: Sequence[TagReport], look: Look) -> str:
    numbers = [
        (sum(tag.verdict == verdict for tag in tags), "not judged" if verdict == "undecided" else said)
        for verdict, said in VERDICT_WORDS.items()
    ]
    text = ", ".join(f"{number} {said}" for number, said in numbers if number)
    more = "; in full: envhooks check TAG, or --verbose for all" if look.detail == "brief" else ""
    return f"{counted(len(tags), 'tag')}: {text}{more}"


# ------------------------------------------------------------------------------------- tag by tag


def _tag(tag: TagReport, page: _Page) -> Iterator[str]:
    change = "" if tag.change in (Change.CREATED, Change.STANDING) else f" ({tag.change.value})"
    errors, rest = (in_order(tag.findings), []) if page.whole else shown(tag)
    severe = [finding for finding in (*errors, *rest) if finding.level != "note"]
    many = f" ({tally(severe)})" if len(severe) > 1 else ""
    yield f"{printable(tag.tag)}{change}: {page.paint(VERDICT_WORDS[tag.verdict], tag.verdict)}{many}"
    for finding in errors:
        yield from _finding(finding, page)
    yield from _undecided(tag, page)
    if page.look.detail == "quiet":
        return
    groups = grouped(rest)
    for group in groups:
        yield from _group(group, page)
    name = printable(shlex.quote(tag.tag))
    asked = name if page.look.exists else f"--as {name} {tag.commit[:12]}" if tag.commit else ""
    if asked and any(len(group) > 1 or group[0].fix for group in groups):
        yield f"  each with its fix: envhooks check --verbose {asked}"
    yield from _passed(tag, page)
    if page.whole or tag.verdict == "accepted":
        for field, why in tag.not_compared.items():
            yield from page.lines("  not compared: ", f"the {printable(field)}, because {printable(why)}")
    yield from _reasons(tag, page)


def _finding(finding: Finding, page: _Page) -> Iterator[str]:
    yield from page.lines(f"  {finding.level} ", _headline(finding), finding.level)
    if finding.got:
        yield from page.lines("      found:    ", printable(finding.got), indent=16)
    if finding.expected:
        yield from page.lines("      expected: ", printable(finding.expected), indent=16)
    yield from _fix(finding.fix)
    yield from _advice(finding.advice, page)


def _headline(finding: Finding) -> str:
    place = printable(finding.path) + (f":{finding.line}" if finding.line else "")
    where = f"{place}: " if place else ""
    return f"[{finding.check}] {where}{printable(finding.message)}"


def _group(group: Sequence[Finding], page: _Page) -> Iterator[str]:
    first, more = group[0], len(group) - 1
    text = _headline(first)
    if more:
        text += f" (and {more} more of this kind)"
    elif first.got and first.got not in first.message:
        text += f" (found: {printable(first.got)})"
    yield from page.lines(f"  {first.level} ", text, first.level)


def _undecided(tag: TagReport, page: _Page) -> Iterator[str]:
    for unknown in dict.fromkeys(tag.undecided.values()):  # one reason, said once for all checks
        which = ", ".join(check for check, why in tag.undecided.items() if why == unknown)
        yield from page.lines("  could not judge ", f"[{which}] {printable(unknown.why)}", "undecided")
        yield from _fix(unknown.fix)
        yield from _advice(unknown.advice, page)


def _passed(tag: TagReport, page: _Page) -> Iterator[str]:
    """The checks that passed; by name where there is no fault that a list would bury."""
    mild = warned(tag)
    passed = [check for check in tag.passed if check not in mild]
    if not page.whole and is_misnamed(tag):
        mild = []
    if passed:
        by_name = tag.verdict == "accepted" or page.whole
        text = ", ".join(passed) if by_name else counted(len(passed), "check")
        yield from page.lines("  passed: ", text, indent=10)
    if mild:
        yield from page.lines("  warned: ", ", ".join(mild), indent=10)


def _reasons(tag: TagReport, page: _Page) -> Iterator[str]:
    """Reasons of checks that did not judge: waiting for a fault in a refused tag, not compared in a good one."""
    waits = ("refuses the tag", "could not judge", "no tag object yet")
    for reason in dict.fromkeys(tag.not_applicable.values()):
        is_waiting = reason.endswith(waits)
        worth = is_waiting if tag.verdict != "accepted" else reason not in _BY_NATURE
        if page.whole or worth:
            which = ", ".join(check for check, why in tag.not_applicable.items() if why == reason)
            yield from page.lines("  not judged: ", f"{which} ({printable(reason)})", indent=14)


def _fix(fix: str) -> Iterator[str]:
    """The lines of a fix: never broken, as they are pasted."""
    for number, line in enumerate(fix.split("\n") if fix else ()):
        yield f"      {'' if number else 'fix:':9} {printable(line, _LINE)}"


def _advice(advice: str, page: _Page) -> Iterator[str]:
    """For a person to decide."""
    from envhooks.base.commands import as_case  # a good tag has none

    for number, line in enumerate(advice.split("\n") if advice else ()):
        head = f"      {'' if number else 'advice:':9} "
        case, command = as_case(printable(line, _LINE))
        if not command or page.look.width is None or len(head) + len(line) <= page.look.width:
            yield from page.lines(head, printable(line, _LINE), indent=16)
        else:  # to be pasted, and so never broken
            yield from page.lines(head, case, indent=16)
            yield f"{' ' * (18 if 18 + len(command) <= page.look.width else 8)}{command}"


# ------------------------------------------------------------------------------------ many tags


def _brief(tags: Iterable[TagReport], page: _Page) -> Iterator[str]:
    """A line for each tag that is not good; the good ones, and what is warned of, in one."""
    tags = list(tags)
    bad = [tag for tag in tags if tag.verdict != "accepted"]
    alike: dict[tuple[str, str], list[TagReport]] = {}
    for tag in bad:
        alike.setdefault((tag.verdict, _why(tag)), []).append(tag)
    lines = [*alike.items()]
    for (verdict, why), group in lines[:_MOST_LINES]:
        yield from page.lines(f"{VERDICT_WORDS[verdict]}: ", f"{_names(group)}: {why}", verdict)
    if len(lines) > _MOST_LINES:
        yield f"... and {sum(len(group) for _, group in lines[_MOST_LINES:])} more tags"
    good = [tag for tag in tags if tag.verdict == "accepted"]
    if good:
        yield from page.lines("good: ", _names(good), "accepted")
    warnings: dict[str, list[int]] = {}
    for tag in (tag for tag in tags if not is_misnamed(tag)):
        for check in warned(tag):
            found = [
                finding for finding in tag.findings if (finding.check, finding.level) == (check, "warning")
            ]
            warnings.setdefault(check, []).append(len(found))
    for check, numbers in warnings.items():
        text = f"[{check}] {counted(sum(numbers), 'warning')} in {counted(len(numbers), 'tag')}"
        yield from page.lines("warning ", text, "warning")


def _names(tags: Sequence[TagReport]) -> str:
    more = f" and {len(tags) - _MOST_NAMES} more" if len(tags) > _MOST_NAMES else ""
    return ", ".join(printable(tag.tag) for tag in tags[:_MOST_NAMES]) + more


def _why(tag: TagReport) -> str:
    errors, _ = shown(tag)
    said = [_headline(finding) for finding in errors]
    said += [f"[{check}] {printable(unknown.why)}" for check, unknown in tag.undecided.items()]
    return said[0] + (f" (and {len(said) - 1} more)" if len(said) > 1 else "")
