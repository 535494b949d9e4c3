"""A changelog's bytes -> its entries, in any usual form; Keep a Changelog is not required.

Headings are ATX (`## [2.8.0-rc1] - 2026-05-01`), setext or reStructuredText (underlined, overlined).
Headings inside code fences and HTML comments are none. All reading is linear in the file's length.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from envhooks import lazyre
from envhooks.environment.headings import find_entry, heading_date, is_unreleased
from envhooks.errors import CannotJudge
from envhooks.hygiene import printable
from envhooks.model import ChangelogEntry
from envhooks.records import dataclass

__all__ = ["find_entry", "read_changelog"]

MAX_BYTES = 8 * 1024 * 1024
MAX_HEADING = 500
"""Characters. A longer line with a mark before it is text, not a heading."""

_ATX = lazyre.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)", re.DOTALL)
_UNDERLINE = lazyre.compile(r"([=~^\"'+*#:.-])\1{2,}")
_MARKS = frozenset("=~^\"'+*#:.-")
_ITEM = lazyre.compile(r"\s*(?:[-*+>|]\s|\t)")
_FENCE = lazyre.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)")
# A release in the middle of a deeper level: some tools write patch releases one level below.
_RELEASE = lazyre.compile(
    r"\[?v?[0-9]+(?:\.[0-9]+)+[^\s\]]*\]?(?:\([^)\s]*\))?[ (–—-]*", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True)
class _Heading:
    text: str
    level: int
    first: int
    """Index of the heading's first line."""
    below: int
    """Index of the first line below it."""
    line: int
    """Where its text stands, counted from 1."""


def _decode(data: bytes, path: str) -> str:
    if len(data) > MAX_BYTES:
        raise CannotJudge(
            f"the changelog is larger than {MAX_BYTES // 1024 // 1024} MiB; older entries can move to another file",
            place=path,
        )
    word = shlex.quote(printable(path))
    mend = f"iconv -f {{}} -t utf-8 {word} > changelog.utf8 && mv changelog.utf8 {word}"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise CannotJudge("the changelog is UTF-16 and must be UTF-8", place=path, fix=mend.format("utf-16"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CannotJudge(
            "the changelog is not UTF-8", place=f"{path}:{line}", fix=mend.format("latin1")
        ) from None


def _visible(lines: list[str]) -> tuple[list[str], list[str]]:
    """(lines without comments and code fences, lines without comments); their number stays the same."""
    shown: list[str] = []
    kept: list[str] = []
    fence, comment = "", False
    for line in lines:
        if fence:
            mark = line.strip(" \t")
            if line[:4] != "    " and mark.startswith(fence) and not mark.strip(fence[0]):
                fence = ""
            shown.append("")
            kept.append(line)
            continue
        visible = line
        if comment or "<!--" in line:
            visible, comment = _without_comments(line, comment)
        kept.append(visible)
        opening = _FENCE.fullmatch(visible) if "```" in visible or "~~~" in visible else None
        if opening and not _is_no_fence(opening, shown[-1].strip() if shown else ""):
            fence, visible = opening.group(1), ""
        shown.append(visible)
    return shown, kept


def _is_no_fence(opening: re.Match[str], above: str) -> bool:
    """Code spans on a line of their own, and reStructuredText's underline of tildes."""
    mark, info = opening.groups()
    if mark[0] == "`":
        return "`" in info
    return bool(above) and not info and len(mark) >= max(4, len(above))


def _without_comments(line: str, inside: bool) -> tuple[str, bool]:
    """(what is left of a line, whether a comment goes on behind it)."""
    left: list[str] = []
    at = 0
    while True:
        mark = line.find("-->" if inside else "<!--", at)
        if mark < 0:
            return "".join(left) + ("" if inside else line[at:]), inside
        if not inside:
            left.append(line[at:mark])
        at = mark + (3 if inside else 4)
        inside = not inside


def _headings(lines: list[str]) -> Iterator[_Heading]:
    levels: dict[tuple[str, bool], int] = {("=", False): 1, ("-", False): 2}
    quiet = True  # whether the line before leaves room for an underlined heading
    skip = 0
    for at, line in enumerate(lines):
        if at < skip:
            continue
        atx = _ATX.fullmatch(line) if "#" in line[:4] and len(line) <= MAX_HEADING else None
        if atx is not None:
            text = atx.group(2).rstrip(" \t")
            bare = text.rstrip("#")
            if bare[-1:] in (
                " ",
                "\t",
                "",
            ):  # a closing run of marks has a blank before it: `C#` keeps its own
                text = bare.rstrip(" \t")
            if text:
                yield _Heading(text, len(atx.group(1)), at, at + 1, at + 1)
            quiet = True
            continue
        under = _under(lines, at) if quiet else None
        if under is not None:
            overlined = at > 0 and _UNDERLINE.fullmatch(lines[at - 1].rstrip()) is not None
            level = levels.setdefault((under, overlined), len(levels) + 1)
            yield _Heading(line.strip(), level, at - overlined, at + 2, at + 1)
            skip, quiet = at + 2, True
            continue
        quiet = not line.strip() or _UNDERLINE.fullmatch(line.rstrip()) is not None


def _under(lines: list[str], at: int) -> str | None:
    """The character that underlines line `at`, or None where it is no heading."""
    if at + 1 == len(lines) or lines[at + 1][:1] not in _MARKS:
        return None
    title = lines[at].rstrip()
    if not title.strip() or len(title) > MAX_HEADING:
        return None
    if title[:4] == "    " or _ITEM.match(title) or _UNDERLINE.fullmatch(title):
        return None
    match = _UNDERLINE.fullmatch(lines[at + 1].rstrip())
    if match is None:
        return None
    # Markdown takes any length of = and -; the others are reStructuredText, which wants the full width
    enough = match.group(1) in "=-" or len(match.group()) >= len(title.strip())
    return match.group(1) if enough else None


def _ends(headings: list[_Heading]) -> list[int]:
    """For each heading the number of the first one behind it that is no part of its text."""
    ends = [len(headings)] * len(headings)
    still_open: list[int] = []
    for number, heading in enumerate(headings):
        # some tools write a patch release one level below the minor one that stands above it
        match = _RELEASE.match(heading.text)
        released = match is not None and heading_date(heading.text[match.end() - 1 :]) is not None
        while still_open and (released or headings[still_open[-1]].level >= heading.level):
            ends[still_open.pop()] = number
        still_open.append(number)
    return ends


def read_changelog(data: bytes, path: str) -> tuple[ChangelogEntry, ...]:
    """The entries in the file's order: headings that carry a number, or say `Unreleased`.

    Args:
        data: the file's bytes, UTF-8 with or without a byte order mark.
        path: for messages.

    Raises:
        CannotJudge: not UTF-8, or larger than MAX_BYTES.
    """
    visible, kept = _visible([line.removesuffix("\r") for line in _decode(data, path).split("\n")])
    headings = list(_headings(visible))
    entries = []
    for number, end in enumerate(_ends(headings)):
        heading = headings[number]
        if not re.search(r"[0-9]", heading.text) and not is_unreleased(heading.text):
            continue
        last = headings[end].first if end < len(headings) else len(kept)
        entries.append(
            ChangelogEntry(
                heading=heading.text,
                line=heading.line,
                date=heading_date(heading.text),
                body="\n".join(kept[heading.below : last]).strip("\n"),
                sections=tuple(one.text for one in headings[number + 1 : end]),
            )
        )
    return tuple(entries)
