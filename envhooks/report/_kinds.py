"""Findings that say the same of several things, taken together: fifty packages without a version are one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envhooks.judge.facts import Finding, TagReport

_WORD = re.compile(r"[^\s,:;`'\"()]+")
RANK = {"error": 0, "warning": 1, "note": 2}
"""Place of a level where what is wrong stands first."""


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then warnings, then notes, else as they were found."""
    return sorted(findings, key=lambda finding: RANK[finding.level])


def is_misnamed(tag: TagReport) -> bool:
    """Whether the name itself is refused: what is merely warned of is then about nothing that will be released."""
    return any((finding.check, finding.level) == ("tag-name", "error") for finding in tag.findings)


def shown(tag: TagReport) -> tuple[list[Finding], list[Finding]]:
    """(errors, the rest) of a tag, as far as they are worth a line; beside an error, notes are not."""
    ordered = in_order(tag.findings)
    errors = [finding for finding in ordered if finding.level == "error"]
    rest = [] if is_misnamed(tag) else ordered[len(errors) :]
    return errors, [finding for finding in rest if finding.level != "note" or not errors]


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The findings by level, check and kind of message; each group in order, and the groups by their first."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.level, finding.check, _kind(finding)), []).append(finding)
    return list(groups.values())


def warned(tag: TagReport) -> list[str]:
    """The ids of the checks that refuse nothing and warn of something."""
    refusing = {finding.check for finding in tag.findings if finding.level == "error"}
    warning = (finding.check for finding in tag.findings if finding.level == "warning")
    return [check for check in dict.fromkeys(warning) if check not in refusing]


def counted(number: int, word: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def tally(findings: Iterable[Finding]) -> str:
    """`1 error, 53 warnings`; notes are not counted."""
    levels = [finding.level for finding in findings]
    numbers = {"error": levels.count("error"), "warning": levels.count("warning")}
    return ", ".join(counted(number, word) for word, number in numbers.items() if number)


def _kind(finding: Finding) -> str:
    """The message without what is one finding's own: names that it quotes from what was found, and numbers."""
    own = set(_WORD.findall(re.sub(r"[=<>!~\[\]]", " ", f"{finding.got} {finding.expected}")))

    def general(match: re.Match[str]) -> str:
        word = match.group()
        return "…" if word in own or any(char.isdigit() for char in word) else word

    return _WORD.sub(general, finding.message)
