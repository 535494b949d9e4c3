"""A changelog's bytes -> its entries, in any usual form; Keep a Changelog is not required.

Headings are ATX (`## [2.8.0-rc1] - 2026-05-01`), setext or reStructuredText (underlined, overlined).
Headings inside code fences and HTML comments do not count. All reading is linear in the file's length.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import lru_cache

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.catalog.lookup import Words
from envhooks.changelog import ChangelogEntry
from envhooks.changelog.dates import date_alone, find_day, heading_date, is_unreleased, is_yanked
from envhooks.changelog.headings import find_heading
from envhooks.tagname.names import TagName

MAX_BYTES = 8 * 1024 * 1024
FILE_NAME = (
    r"(?i:change[-_]?log|changes|history|releases?|release[-_]?notes|news|whats[-_]?new)"
    r"(?i:\.(?:md|rst|txt|adoc))?"
)
"""Pattern of the names that changelogs usually have."""
MAX_HEADING = 500
"""Characters. A longer line with a mark before it is text, not a heading."""

# Every line that may make a heading, in one scan: an ATX heading, or what underlines the line above it.
# Both are disjoint, begin at a line feed, and leave the next one to the next match.
_CANDIDATE = r"\n(?:( {0,3}#{1,6}[ \t]+\S.*)|([=~^\"'+*#:.-])\2{2,}[^\S\n]*(?=\n|\Z))"
_ATX = r"(?s) {0,3}(#{1,6})[ \t]+(\S.*)"
_UNDERLINE = r"([=~^\"'+*#:.-])\1{2,}"
_ITEM = r"\s*(?:[-*+>|]\s|\t)"
_FENCE = r" {0,3}(`{3,}|~{3,})([^\n]*)"
# A release in the middle of a deeper level: some tools write patch releases one level below.
_RELEASE = r"(?ai)\[?v?[0-9]+(?:\.[0-9]+)+[^\s\]]*\]?(?:\([^)\s]*\))?[ (–—-]*"


@dataclass(frozen=True)
class _Title:
    """Facts of a heading's text, in any format of file."""

    text: str
    is_entry: bool
    """Whether it carries a number, or says `Unreleased`."""
    is_release: bool
    """Whether it begins with a version and carries a date: an entry of its own on any level."""


@dataclass
class _Heading:  # not frozen: an audit makes twenty of them for each tag
    title: _Title
    level: int
    first: int
    """Index of the heading's first line."""
    below: int
    """Index of the first line below it."""
    line: int
    """Line of its text, counted from 1."""


@dataclass(frozen=True)
class EntryPlace:
    """One entry as it stands in the file."""

    text: str
    """The heading without its marks."""
    line: int
    """Line of its text, counted from 1."""
    mark: str
    """`##` and the like, or the character that underlines it."""
    body: str
    is_overlined: bool


class Entries:
    """The entries of one changelog in its order. Each is made when it is asked for: mostly one of them is."""

    def __init__(self, headings: Sequence[_Heading], text: str) -> None:
        """`text` is the file without comments."""
        self._all = headings
        self._entries = [number for number, heading in enumerate(headings) if heading.title.is_entry]
        self._text = text
        self._lines: list[str] = []
        self.headings = tuple([headings[number].title.text for number in self._entries])
        """The headings of the entries, without their marks."""

    @property
    def lines(self) -> tuple[int, ...]:
        """Lines of the headings, counted from 1."""
        return tuple(self._all[number].line for number in self._entries)

    def __len__(self) -> int:
        return len(self.headings)

    def __iter__(self) -> Iterator[ChangelogEntry]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> ChangelogEntry:
        """The entry with this number, counted from 0."""
        begin = self._entries[number]
        heading = self._all[begin]
        # No further than to the next heading of its level: all entries together cost the file's length
        # times the depth of its headings.
        end = begin + 1
        self._lines = self._lines or self._text.split("\n")
        while end < len(self._all) and not self._ends(heading, self._all[end]):
            end += 1
        if end == begin + 1 and self._is_title_of(heading, end):
            while end < len(self._all) and not self._is_next(heading, self._all[end]):
                end += 1
        last = self._all[end].first if end < len(self._all) else len(self._lines)
        title, below = heading.title.text, heading.below
        date = heading_date(title)
        if date is None and not (is_unreleased(title) or is_yanked(title)):
            while below < last and not self._lines[below].strip():
                below += 1
            date = date_alone(self._lines[below]) if below < last else None
            below = below + 1 if date else heading.below
        return ChangelogEntry(
            heading=title,
            line=heading.line,
            date=date,
            body="\n".join(self._lines[below:last]).strip("\n"),
            sections=tuple(one.title.text for one in self._all[begin + 1 : end]),
            is_yanked=is_yanked(title),
        )

    def _is_title_of(self, heading: _Heading, end: int) -> bool:
        """Whether a heading on the level of an entry, right behind its own, is a title in it: `## What's Changed`."""
        if end == len(self._all) or self._is_next(heading, self._all[end]):
            return False
        return not any(line.strip() for line in self._lines[heading.below : self._all[end].first])

    @staticmethod
    def _is_next(heading: _Heading, following: _Heading) -> bool:
        """Whether a heading is that of another entry, or stands above this one."""
        return following.title.is_entry or following.level < heading.level

    @property
    def places(self) -> Iterator[EntryPlace]:
        """Places of the entries and their marks, in their order."""
        lines = self._text.split("\n")
        for number, entry in zip(self._entries, self, strict=True):
            heading, line = self._all[number], lines[entry.line - 1]
            atx = re.match(r" {0,3}(#{1,6})[ \t]", line)
            mark = atx[1] if atx and heading.below == entry.line else lines[entry.line][:1]
            yield EntryPlace(entry.heading, entry.line, mark, entry.body, heading.first < entry.line - 1)

    @staticmethod
    def _ends(heading: _Heading, following: _Heading) -> bool:
        # some tools write a patch release one level below the minor one that stands above it
        return following.title.is_release or following.level <= heading.level


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


def _visible(text: str) -> tuple[str, str]:
    """(text without comments and code fences, text without comments); their lines stay the same ones."""
    if not any(mark in text for mark in ("<!--", "```", "~~~")):
        return text, text
    shown: list[str] = []
    kept: list[str] = []
    fence, comment = "", False
    for line in text.split("\n"):
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
        opening = re.fullmatch(_FENCE, visible) if "```" in visible or "~~~" in visible else None
        if opening and not _is_no_fence(opening, shown[-1].strip() if shown else ""):
            fence, visible = opening.group(1), ""
        shown.append(visible)
    return "\n".join(shown), "\n".join(kept)


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


@lru_cache(4096)
def _title(text: str) -> _Title:
    """The same headings stand in the changelogs of many commits."""
    release = re.match(_RELEASE, text)
    return _Title(
        text,
        is_entry=re.search(r"[0-9]", text) is not None or is_unreleased(text),
        is_release=release is not None and find_day(text[release.end() - 1 :]) is not None,
    )


@lru_cache(4096)
def _atx(line: str) -> tuple[_Title, int] | None:
    """(title, level) of an ATX heading; None where it has no text."""
    match = re.fullmatch(_ATX, line)
    assert match is not None, "_CANDIDATE has matched it"
    text = match.group(2).rstrip(" \t")
    bare = text.rstrip("#")
    if bare[-1:] in (" ", "\t", ""):  # a closing run of marks has a blank before it: `C#` keeps its own
        text = bare.rstrip(" \t")
    return (_title(text), len(match.group(1))) if text else None


def _headings(text: str) -> Iterator[_Heading]:
    """The headings of a text without comments and code fences, each told by the lines around it."""
    levels: dict[tuple[str, bool], int] = {("=", False): 1, ("-", False): 2}
    lines: list[str] = []
    at = counted = 0
    text = f"\n{text}"
    for candidate in re.finditer(_CANDIDATE, text):
        at += text.count("\n", counted, candidate.start())
        counted = candidate.start()
        line = candidate.group(1)
        if line is not None:
            atx = _atx(line) if len(line) <= MAX_HEADING else None
            if atx is not None:
                yield _Heading(*atx, at, at + 1, at + 1)
            continue
        lines = lines or text[1:].split("\n")
        under = _under(lines, at - 1)
        if under is not None:
            overlined = at > 1 and is_underline(lines[at - 2])
            level = levels.setdefault((under, overlined), len(levels) + 1)
            yield _Heading(_title(lines[at - 1].strip()), level, at - 1 - overlined, at + 1, at)


def is_underline(line: str) -> bool:
    """Whether a line could underline a heading."""
    return re.fullmatch(_UNDERLINE, line.rstrip()) is not None


def _is_atx(line: str) -> bool:
    return len(line) <= MAX_HEADING and re.fullmatch(_ATX, line) is not None


def _under(lines: list[str], at: int) -> str | None:
    """The character with which line `at + 1` underlines line `at`, or None where that is not a heading."""
    if at < 0:
        return None
    title = lines[at].rstrip()
    if not title.strip() or len(title) > MAX_HEADING:
        return None
    if title[:4] == "    " or re.match(_ITEM, title) or is_underline(title) or _is_atx(lines[at]):
        return None
    above = lines[at - 1] if at else ""
    if above.strip() and not is_underline(above) and not _is_atx(above):
        return None  # the last line of a paragraph
    match = re.fullmatch(_UNDERLINE, lines[at + 1].rstrip())
    if match is None:
        return None
    # Markdown takes any length of = and -; the others are reStructuredText, which wants the full width
    enough = match.group(1) in "=-" or len(match.group()) >= len(title.strip())
    return match.group(1) if enough else None


def read_changelog(data: bytes, path: str) -> Entries:
    """The entries in the file's order: headings that carry a number, or say `Unreleased`.

    Args:
        data: the file's bytes, UTF-8 with or without a byte order mark.
        path: for messages.

    Raises:
        CannotJudge: not UTF-8, or larger than MAX_BYTES.
    """
    visible, kept = _visible(text_of(data, path))
    return Entries(list(_headings(visible)), kept)


def text_of(data: bytes, path: str) -> str:
    """The text of a changelog, its line ends made one.

    Raises:
        CannotJudge: as `read_changelog`.
    """
    return _decode(data, path).replace("\r\n", "\n").removesuffix("\r")


def shown_lines(text: str) -> list[str]:
    """Lines of a text, empty where a comment or a block of code holds them."""
    return _visible(text)[0].split("\n")


def find_entry(
    entries: Entries, name: TagName, heading: str | None, vocabulary: Words | None = None
) -> ChangelogEntry | None:
    """The entry for a release, or None.

    Args:
        entries: newest first.
        name: the release.
        heading: the policy's template, such as `## jax {version} ({date})`, or None for any usual form.
        vocabulary: words that name frameworks and hardware; None for those of the catalog.

    Raises:
        CannotJudge: a field in the template that does not exist.
    """
    if heading is None:
        number = find_heading(entries.headings, name, vocabulary)
    else:
        from envhooks.changelog.templates import matches_template

        fitting = (at for at, text in enumerate(entries.headings) if matches_template(heading, text, name))
        number = next(fitting, None)
    return None if number is None else entries[number]
