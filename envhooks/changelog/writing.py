"""A changelog with a new entry: its bytes as the file itself would have them, its place, marks, dates and line ends.

What stands below `Unreleased` becomes the text of the entry; what it leaves open is put below it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.changelog.dates import is_unreleased
from envhooks.changelog.links import linked_heading, linked_lines
from envhooks.changelog.near import foreign_entry
from envhooks.changelog.reader import EntryPlace, read_changelog
from envhooks.changelog.style import DAY, USUAL, is_oldest_first, styled
from envhooks.tagname.names import TagName

_BOM = b"\xef\xbb\xbf"
_LINK = r"\[[^\]]+\]: *\S+.*"
_PLAIN_FILE = (".rst", ".txt")


@dataclass(frozen=True)
class Part:
    """A part of an entry: a title, and sentences or items."""

    title: str
    lines: tuple[str, ...]
    """Sentences; where there are several they are items of a list."""
    words: str = ""
    """A pattern; where the text that is there already matches it, the part is left out. Empty: never."""


@dataclass(frozen=True)
class Written:
    """A changelog with the entry in it."""

    data: bytes
    heading: str
    """Without its mark."""
    text: str
    """The entry as it stands in the file, heading and all."""
    is_waiting: bool = False
    """Whether what stood below `Unreleased` has become its own."""
    unlinked: str = ""
    """The label of the heading, where the entries before it have an address behind theirs and this one lacks it."""


def with_entry(
    data: bytes | None, path: str, name: TagName, template: str | None, day: date, parts: Sequence[Part]
) -> Written:
    """The changelog with an entry for a release that has none.

    Args:
        data: the file's bytes; None where there is no file.
        path: of the changelog; `.rst` and `.txt` have no `###` headings.
        template: the policy's form of headings, or None.
        day: the day of the release.
        parts: of the entry, in their order.

    Raises:
        CannotJudge: the file is not UTF-8, or too large.
    """
    raw = b"# Changelog\n" if data is None else data
    newline = "\r\n" if b"\r\n" in raw else "\n"
    entries = read_changelog(raw, path)
    lines = raw.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    places = [*entries.places]
    newest = next((place for place in places if not is_unreleased(place.text)), None)
    waiting = next((place for place in places if is_unreleased(place.text)), None)
    heading, form = styled(entries.headings, name, template)
    heading = heading.replace(DAY, day.strftime(form))
    is_last = is_oldest_first(places)
    before = [place.text for place in places if not is_unreleased(place.text)][:: -1 if is_last else 1]
    heading = linked_heading(heading, before, name.text)
    style = newest or waiting
    mark = style.mark if style else USUAL
    own = _heading(heading, mark, style is not None and style.is_overlined)
    bullet = _bullet(places)
    has_sections = newest is None or any(entry.sections for entry in entries)
    told = waiting.body if waiting is not None else ""
    is_waiting = bool(told.strip())
    left = [part for part in parts if not (is_waiting and part.words and re.search(part.words, told))]
    title = _titled(mark, path) if has_sections else None
    body = _body(left, title, bullet, path)
    if is_waiting and waiting is not None:
        start = waiting.line + (0 if waiting.mark.startswith("#") else 1)
        end = _end(lines, start, places, waiting)
        kept = "\n".join(lines[start:end]).strip("\n").split("\n")
        entry = [*own, "", *kept, *(["", *body] if body else [])]
        done = [*lines[:start], "", *entry, "", *lines[end:]]
    elif newest is not None and not is_last:
        entry = [*own, "", *body]
        at = newest.line - (2 if newest.is_overlined else 1)
        done = [*lines[:at], *entry, "", *lines[at:]]
    else:
        foreign = foreign_entry(lines) if not places else None
        if foreign is not None:
            raise CannotJudge(
                "its entries are no headings, so that it is not known where the next one belongs; write it there,"
                f" with what changed below it: {mark} {heading}",
                place=f"{path}:{foreign + 1}",
            )
        entry = [*own, "", *body]
        at = _without_links(lines, len(lines))
        above = "\n".join(lines[:at]).rstrip("\n").split("\n")
        done = [*(above if above != [""] else []), "", *entry, "", *lines[at:]]
    done, unlinked = linked_lines(done, heading, before, name.text, is_last)
    text = re.sub(r"\n+\Z", "\n", "\n".join(done)).lstrip("\n")
    bom = _BOM if raw.startswith(_BOM) else b""
    return Written(
        bom + text.replace("\n", newline).encode(), heading, "\n".join(entry), is_waiting, unlinked
    )


def _heading(text: str, mark: str, is_overlined: bool) -> list[str]:
    if mark.startswith("#"):
        return [f"{mark} {text}"]
    line = mark * len(text)
    return [line, text, line] if is_overlined else [text, line]


def _end(lines: Sequence[str], start: int, places: Sequence[EntryPlace], waiting: EntryPlace) -> int:
    """Index of the first line behind what stands below `Unreleased`."""
    below = [place for place in places if place.line > waiting.line]
    if below:
        return below[0].line - (2 if below[0].is_overlined else 1)
    return max(_without_links(lines, len(lines)), start)


def _without_links(lines: Sequence[str], end: int) -> int:
    """Index behind the last line that is more than a link's definition at the file's end."""
    at = end
    while at and (not lines[at - 1].strip() or re.fullmatch(_LINK, lines[at - 1])):
        at -= 1
    return at if any(re.fullmatch(_LINK, line) for line in lines[at:end]) else end


def _bullet(places: Sequence[EntryPlace]) -> str:
    """The mark of the file's lists."""
    marks = re.findall(r"(?m)^ {0,3}([-*+]) +\S", "\n".join(place.body for place in places[:20]))
    return max(dict.fromkeys(marks), key=marks.count, default="-")


def _titled(mark: str, path: str) -> str:
    """Mark of a title: the text before it, or `**` around it."""
    if path.lower().endswith(_PLAIN_FILE):
        return "**"
    return f"{mark}#"[:6] if mark.startswith("#") else "###"


def _body(parts: Sequence[Part], title: str | None, bullet: str, path: str) -> list[str]:
    done: list[str] = []
    for part in parts:
        items = [_safe(line, path) for line in part.lines]
        if title is None:
            done += (
                [f"{part.title}: {items[0]}", ""]
                if len(items) == 1
                else [*(f"{bullet} {one}" for one in items), ""]
            )
            continue
        head = f"**{part.title}**" if title == "**" else f"{title} {part.title}"
        done += [head, "", *([items[0]] if len(items) == 1 else [f"{bullet} {one}" for one in items]), ""]
    return done[:-1]


def _safe(line: str, path: str) -> str:
    """A line that neither hides what follows nor makes a heading: subjects of commits are untrusted text."""
    line = line.replace("<!--", "<! --").replace("```", "'''").replace("~~~", "---")
    return re.sub(r"([\\*`|_])", r"\\\1", line) if path.lower().endswith(".rst") else line
