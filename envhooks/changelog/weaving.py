"""Commands that put lines into a file, at a line found by its text: the file may have grown since it was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import word
from envhooks.changelog.style import DAY

_BOM = "\ufeff"


@dataclass(frozen=True)
class Spot:
    """A place in a file: a line, and those behind it that belong to it."""

    path: str
    text: str
    """The line to the byte, with the carriage return at its end and the byte order mark before it."""
    number: int = 1
    """Which of the lines with this text it is, counted from 1."""
    more: int = 0
    """Lines behind it that belong to it: the one that underlines a heading."""

    @classmethod
    def of(cls, path: str, lines: Sequence[str], at: int, more: int = 0) -> Spot:
        """The place of the line at an index of a file's lines, as `raw_lines` gives them."""
        return cls(path, lines[at], lines[: at + 1].count(lines[at]), more)


def raw_lines(data: bytes) -> list[str]:
    """The lines of a file as other programs see them, split at line feeds alone."""
    return data.decode("utf-8", "replace").split("\n")


def printed(lines: Sequence[str], form: str) -> str:
    """The command that prints lines, with today in the form of `date` for `DATE`."""
    return f"printf '%s\\n' {' '.join(_line(line, form) for line in lines)}"


def woven(spot: Spot, lines: Sequence[str], form: str, where: Literal["before", "behind", "instead"]) -> str:
    """The command that puts lines before or behind a place, or into it."""
    if where == "before" and spot.text.startswith(_BOM):
        lines, where = [*lines, "", spot.text.removeprefix(_BOM)], "instead"
    seen = "!n++" if spot.number == 1 else f"++n == {spot.number}"
    found = f'$0 == ENVIRON["at"] && {seen}'
    further = "getline; " * spot.more
    script = {
        "before": f'{found} {{ print ENVIRON["new"] "\\n" }} 1',
        "behind": f'{found} {{ {"print; getline; " * spot.more}print; print "\\n" ENVIRON["new"]; next }} 1',
        "instead": f'{found} {{ print ENVIRON["new"]; {further}next }} 1',
    }[where]
    file, fresh = word(spot.path), word(f"{spot.path}.new")
    new = _line(lines[0], form) if len(lines) == 1 else f'"$({printed(lines, form)})"'
    return f"at={word(spot.text)} new={new} awk '{script}' {file} > {fresh} && mv {fresh} {file}"


def _line(text: str, form: str) -> str:
    """One word of the shell, with the day of today for `DATE`."""
    if DAY not in text:
        return word(text)
    before, _, after = text.partition(DAY)
    today = '"$(date +%F)"' if form == "%Y-%m-%d" else f'"$(LC_ALL=C date +{word(form)})"'
    return f"{word(before) if before else ''}{today}{word(after) if after else ''}"
