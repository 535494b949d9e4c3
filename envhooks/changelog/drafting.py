"""What a changelog lacks for a release, and the command that writes it as the file itself would have it.

The description of the changes is a person's. Until then the written sentences take its place: answers to the first
questions of a changelog's readers.
"""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.hygiene import word
from envhooks.catalog.lookup import Words
from envhooks.catalog.lookup import words as catalog_words
from envhooks.changelog import Changelog, Near
from envhooks.changelog.dates import doubtful_day, heading_date, is_unreleased
from envhooks.changelog.near import closest
from envhooks.changelog.reader import Entries, find_entry, read_changelog, text_of
from envhooks.changelog.style import DAY, USUAL, is_oldest_first, styled, usual_heading
from envhooks.changelog.weaving import Spot, printed, raw_lines, woven
from envhooks.tagname.names import TagName

_UNDATED = r"(?i)\s*[-–—:(\[]*\s*(?:unreleased|not released|tbd|tba)\s*[)\]]*\s*\Z"
_ISO = "%Y-%m-%d"


@dataclass(frozen=True)
class _File:
    """A changelog that lacks something, and the release."""

    path: str
    lines: tuple[str, ...]
    raw: tuple[str, ...]
    """The same lines with what `lines` leaves out: carriage returns and the byte order mark."""
    entries: Entries
    name: TagName
    template: str | None
    vocabulary: Words

    def spot(self, at: int, more: int = 0) -> Spot:
        """The place of the line at an index."""
        return Spot.of(self.path, self.raw, at, more)


def changelog_for(
    data: bytes | None, path: str, name: TagName, template: str | None, vocabulary: Words | None = None
) -> Changelog:
    """What a changelog holds for a release, and what would mend it; the arguments are those of `draft`.

    Raises:
        CannotJudge: as `read_changelog`, or a field in the template that does not exist.
    """
    if data is None:
        return draft(None, Changelog(path, exists=False), name, template, vocabulary)
    entries = read_changelog(data, path)
    found = Changelog(path, True, find_entry(entries, name, template, vocabulary), entries.headings)
    return found if found.is_good else draft(data, found, name, template, vocabulary)


def draft(
    data: bytes | None, found: Changelog, name: TagName, template: str | None, vocabulary: Words | None = None
) -> Changelog:
    """A changelog with what would mend it: a heading that would do, the command, and the line that comes closest.

    Args:
        data: the file's bytes; None where there is no file.
        found: what was found in it for the release.
        name: the release.
        template: the policy's form of headings, or None.
        vocabulary: words that name frameworks and hardware; None for those of the catalog.
    """
    if data is None:
        heading, fix = _new_file(found.path, name, template)
        return replace(found, heading=heading, fix=fix)
    text = text_of(data, found.path)
    known = vocabulary or catalog_words()
    lines, raw = tuple(text.split("\n")), tuple(raw_lines(data))
    file = _File(found.path, lines, raw, read_changelog(data, found.path), name, template, known)
    if found.entry is None:
        close = closest(text, file.entries, found.path, name, template, known)
        heading, fix = _new_entry(file)
        if close is None:
            return replace(found, heading=heading, fix=fix)
        if close.near.is_foreign:  # where the file's own next entry belongs is not known
            return replace(found, heading=heading, near=close.near)
        mended = _mended(file, close.mended, close.near.line - 1, close.more)
        return replace(
            found, heading=heading, fix=mended or fix, near=replace(close.near, is_mended=bool(mended))
        )
    if found.entry.is_yanked:
        return replace(found, heading=found.entry.heading)
    if found.entry.date is None:
        heading, fix = _dated(file, found.entry.line)
        day, why = doubtful_day(found.entry.heading)
        near = Near(found.entry.heading, found.entry.line, why, is_mended=bool(fix)) if day else None
        return replace(found, heading=heading, fix=fix, near=near)
    return replace(found, heading=found.entry.heading, fix=_told(file, found.entry.line))


def _new_file(path: str, name: TagName, template: str | None) -> tuple[str, str]:
    """(heading, command) of the first entry of a changelog that is not there."""
    heading = _marked(usual_heading(name, template))
    lines = ["# Changelog", "", heading, "", _body(name)]
    folder = path.rpartition("/")[0]
    made = f"mkdir -p {word(folder)} && " if folder else ""
    return heading, f"{made}{printed(lines, _ISO)} > {word(path)}"


def _marked(heading: str) -> str:
    return heading if heading.startswith("#") else f"{USUAL} {heading}"


def _new_entry(file: _File) -> tuple[str, str]:
    """(heading, command) of an entry beside the newest release; what stands below `Unreleased` becomes its own."""
    heading, form = styled(file.entries.headings, file.name, file.template)
    places = [*file.entries.places]
    newest = next((place for place in places if not is_unreleased(place.text)), None)
    waiting = next((place for place in places if is_unreleased(place.text)), None)
    mark = newest.mark if newest else waiting.mark if waiting else USUAL
    own = [f"{mark} {heading}"] if mark.startswith("#") else [heading, mark * (len(heading) + 12)]
    if any(place.is_overlined for place in places):
        return heading, ""
    if waiting is not None and waiting.body.strip():
        more = 0 if waiting.mark.startswith("#") else 1
        return own[0], woven(file.spot(waiting.line - 1, more), own, form, "behind")
    new = [*own, "", _body(file.name)]
    if newest is not None and not is_oldest_first(places):
        return own[0], woven(file.spot(newest.line - 1), new, form, "before")
    return own[0], f"{printed(['', *new], form)} >> {word(file.path)}"


def _dated(file: _File, line: int) -> tuple[str, str]:
    """(heading, command) that puts the day behind the heading of an entry that has none."""
    place = next(one for one in file.entries.places if one.line == line)
    heading, _ = styled(_dated_headings(file), file.name, file.template)
    if place.is_overlined:
        return heading, ""
    if place.mark.startswith("#"):
        return heading, _mended(file, (f"{place.mark} {place.text}",), line - 1, 0)
    return heading, _mended(file, (place.text, place.mark * (len(place.text) + 24)), line - 1, 1)


def _dated_headings(file: _File) -> list[str]:
    return [text for text in file.entries.headings if heading_date(text)]


def _with_day(heading: str) -> str:
    """A heading with the day of today, in the place of a day that is none."""
    if heading_date(heading) is not None:
        return heading
    bare = re.sub(_UNDATED, "", heading)
    unread, why = doubtful_day(bare)
    if unread and why.startswith("write "):
        return bare.replace(unread, why.removeprefix("write "), 1)
    return bare.replace(unread, DAY, 1) if unread else f"{bare} - {DAY}"


def _told(file: _File, line: int) -> str:
    """The command that puts sentences below the heading of an entry that says nothing."""
    place = next(one for one in file.entries.places if one.line == line)
    more = 0 if place.mark.startswith("#") else 1
    return woven(file.spot(line - 1, more), [_body(file.name)], _ISO, "behind")


def _mended(file: _File, lines: tuple[str, ...], at: int, more: int) -> str:
    """The command that puts lines, with a day and a text where they lack one, in the place of others.

    Empty where the entry would not be good then.
    """
    _, form = styled(_dated_headings(file), file.name, file.template)
    dated = tuple(_with_day_behind_mark(line) if re.search(r"\w", line) else line for line in lines)
    for new in (lines, dated, (*dated, "", _body(file.name))):
        if new and _is_good(file, new, at, more):
            return woven(file.spot(at, more), new, form, "instead")
    return ""


def _with_day_behind_mark(line: str) -> str:
    mark = re.match(r"\s*#*\s*", line)
    start = mark.end() if mark else 0
    return line[:start] + _with_day(line[start:])


def _is_good(file: _File, new: tuple[str, ...], at: int, more: int) -> bool:
    """Whether the file has a good entry for the release with these lines in the place of those."""
    written = (line.replace(DAY, "2026-01-01") for line in new)
    lines = [*file.lines[:at], *written, *file.lines[at + 1 + more :]]
    entries = read_changelog("\n".join(lines).encode(), file.path)
    entry = find_entry(entries, file.name, file.template, file.vocabulary)
    return entry is not None and entry.is_good


def _body(name: TagName) -> str:
    what = " ".join(filter(None, (name.framework, name.version_text)))
    hardware = " ".join(filter(None, (name.hardware, name.hardware_version)))
    built = f" for {hardware}" if hardware else ""
    usual = ". No known issues. Upgrading needs nothing."
    return f"{what or name.text}{built}{usual if name.is_stable else ', to try out; not for production.'}"
