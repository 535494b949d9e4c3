"""The line of a changelog that comes closest to an entry for a release that has none, what it lacks, and its repair."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from envhooks.base.dataclass import dataclass, replace
from envhooks.catalog.lookup import Words, evidence_of_word
from envhooks.changelog import Near
from envhooks.changelog.dates import PLACEHOLDER, find_day, is_unreleased
from envhooks.changelog.headings import VERSION, agree, find_heading, release_of
from envhooks.changelog.reader import MAX_HEADING, Entries, is_underline, shown_lines
from envhooks.changelog.style import DAY, USUAL, usual_heading
from envhooks.changelog.templates import matches_template
from envhooks.tagname.names import TagName

MOST = 2000
"""Lines that are looked at beside the headings, of those with the version in them."""
_LONGEST = 120
"""Characters of a line that may be meant as a heading, though nothing marks it as one."""
_OPENING = re.compile(r"\s*(?P<mark>#+|={2,6}(?= )|<h[1-6][^<>]*>|\*{1,3}|_{1,3}|[-+•>](?= ))?[ \t]*")
_CLOSING = re.compile(r"(?:[\s#=*_:]|</h[1-6]>)*\Z")
_TITLE_WORDS = frozenset(
    (
        "v",
        "version",
        "release",
        "released",
        "changes",
        "changelog",
        "in",
        "for",
        "of",
        "the",
        "new",
        "on",
        "date",
    )
)
_NUMBERS = re.compile(r"(?<![0-9.])[0-9]+(?:\.[0-9]+)+(?![0-9]|\.[0-9])")
_BEGINNING = re.compile(
    r"(?:[\s|*+>_-]|<[^<>]*>|\w[\w.+-]* \()*[vV]?(?:[0-9]+\.[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9])"
)
"""A version or a day behind marks of a list, a table, bold text or HTML, or behind a package's name: `envs (2.7-1)`."""
_BUILD = re.compile(r"(?<=[0-9])[+_.-](?P<word>[A-Za-z]+[0-9]*(?:\.[0-9]+)*)(?![0-9A-Za-z.])")


@dataclass(frozen=True)
class Close:
    """The line that comes closest, and the lines that would take its place."""

    near: Near
    mended: tuple[str, ...] = ()
    """Empty where it is another's, or where a person has to look."""
    more: int = 0
    """Lines behind it that go with it: the one that underlines it."""


@dataclass(frozen=True)
class _Line:
    """A line that may be meant as the heading."""

    at: int
    """Its index."""
    text: str
    """Without its marks."""
    is_heading: bool
    fault: str = ""
    """Why it is no heading; empty for one."""
    is_hidden: bool = False
    """Whether a comment or a block of code holds it."""
    is_meant: bool = True
    """Whether marks show that it is meant as a heading."""


def closest(
    text: str, entries: Entries, path: str, name: TagName, template: str | None, vocabulary: Words
) -> Close | None:
    """What comes closest to an entry for a release.

    Args:
        text: of the file, its line ends made one.
        entries: of the same file.
        path: of the file; `.rst` and `.txt` underline their headings.
        name: the release, for which there is no entry.
        template: the policy's form of headings, or None.
        vocabulary: words that name frameworks and hardware.
    """
    lines = text.split("\n")
    other: Close | None = None
    for line in _candidates(lines, shown_lines(text), entries, name):
        if not (line.is_heading or line.is_meant or _is_title(line.text, vocabulary)):
            continue
        reason, mended = _reading(line.text, name, template, vocabulary)
        if not (line.is_heading or mended):
            continue
        why = "; ".join(filter(None, (line.fault, reason)))
        if not why:
            continue
        near = Near(line.text, line.at + 1, why)
        if mended and not line.is_hidden:
            return _close(near, mended, lines, line, entries, path)
        other = other or Close(near)
    return other or _unreleased(entries) or _foreign(lines, entries)


def _foreign(lines: Sequence[str], entries: Entries) -> Close | None:
    at = None if entries.lines else foreign_entry(lines)
    if at is None:
        return None
    why = "it looks like an entry, and an entry is a heading"
    return Close(Near(" ".join(lines[at].split()), at + 1, why, is_foreign=True))


def foreign_entry(lines: Sequence[str]) -> int | None:
    """Index of the first line that begins as entries do, with a version or a day, whatever stands before: `* 2.7`."""
    for at, line in enumerate(lines):
        if len(line) <= MAX_HEADING and _BEGINNING.match(line):
            return at
    return None


def unread_headings(text: str) -> Iterator[tuple[int, str]]:
    """(index, the heading that it would be) of each dated line that is a heading but for a blank behind its marks."""
    for at, line in enumerate(shown_lines(text)):
        found = re.match(r" {0,3}(#{1,6})(?=\[?[vV]?[0-9]+\.[0-9])", line)
        if found is not None and find_day(line) is not None:
            yield at, f"{found[1]} {line[found.end() :]}"


def _unreleased(entries: Entries) -> Close | None:
    for heading, line in zip(entries.headings, entries.lines, strict=True):
        if is_unreleased(heading):
            return Close(Near(heading, line, "what stands below it is of no release yet"))
    return None


def _candidates(
    lines: Sequence[str], shown: Sequence[str], entries: Entries, name: TagName
) -> Iterator[_Line]:
    """Lines that name the version, as far as the name has one: headings first."""
    key = _key(name)
    headings = {number - 1: text for text, number in zip(entries.headings, entries.lines, strict=True)}
    found = [at for at, line in enumerate(lines) if len(line) <= MAX_HEADING and key in line.casefold()]
    yield from (_Line(at, headings[at], True) for at in found if at in headings)
    yield from (_no_heading(lines, shown, at) for at in [at for at in found if at not in headings][:MOST])


def _key(name: TagName) -> str:
    """Characters that every spelling of the release has."""
    numbers = name.version_text or name.field("release")
    if numbers:
        return re.sub(r"(?:\.0)+\Z", "", numbers)
    return name.field("date")[:4] or name.text.casefold()


def _no_heading(lines: Sequence[str], shown: Sequence[str], at: int) -> _Line:
    line = lines[at]
    opening = _OPENING.match(line)
    mark = (opening["mark"] or "") if opening else ""
    text = _CLOSING.sub("", line[opening.end() :] if opening else line)
    if mark[:1] in ("*", "_"):
        text = text.replace(mark, "", 1)  # the other end of what is bold
    if not shown[at].strip():
        where = "it stands in a comment or a block of code"
        return _Line(at, text, False, where, is_hidden=True, is_meant=mark.startswith("#"))
    if line[:4] == "    " or line[:1] == "\t":
        return _Line(at, text, False, "it is indented, which makes it code", is_meant=mark.startswith("#"))
    if mark.startswith("#"):
        fault = "a heading has at most six marks" if len(mark) > 6 else f"`{mark}` needs a blank behind it"
        return _Line(at, text, False, f"it is no heading: {fault}")
    if at + 1 < len(lines) and is_underline(lines[at + 1]):
        above = lines[at - 1].strip() if at else ""
        fault = "a blank line is missing above it" if above else "its underline is shorter than it"
        return _Line(at, text, False, f"it is no heading: {fault}")
    return _Line(
        at, text, False, "it is no heading: nothing marks it as one", is_meant=mark[:1] in ("<", "=")
    )


def _is_title(text: str, vocabulary: Words) -> bool:
    """Whether a line holds a version, a date and names, and nothing that would be said of them."""
    if len(text) > _LONGEST:
        return False
    day = find_day(text)
    bare = VERSION.sub(" ", re.sub(PLACEHOLDER, " ", text.replace(day.group(), " ") if day else text))
    bare = _NUMBERS.sub(" ", _BUILD.sub(" ", bare))
    known = _TITLE_WORDS | vocabulary.frameworks.keys() | vocabulary.hardware.keys()
    return all(word.lower() in known for word in re.findall(r"[^\W\d_]+", bare))


def _close(near: Near, mended: str, lines: Sequence[str], line: _Line, entries: Entries, path: str) -> Close:
    """The lines in place of one, marked as the file marks its own."""
    at, raw = line.at, lines[line.at]
    underline = lines[at + 1] if at + 1 < len(lines) and is_underline(lines[at + 1]) else ""
    if line.is_heading and raw.lstrip().startswith("#"):
        return Close(near, (f"{raw[: raw.index('#')]}{_marks(raw)} {mended}",))
    place = next((one for one in entries.places if not is_unreleased(one.text)), None)
    mark = underline[:1] or (_marks(raw)[:6] or (place.mark if place else _usual(path)))
    if mark.startswith("#") and not underline:
        return Close(near, (f"{mark} {mended}",))
    if line.is_heading and at and is_underline(lines[at - 1]):
        return Close(near)  # the line above it would have to grow as well
    gap = [""] if at and lines[at - 1].strip() else []
    return Close(near, (*gap, mended, mark * (len(mended) + 24)), 1 if underline else 0)


def _marks(line: str) -> str:
    found = re.match(r"\s*(#+)", line)
    return found[1] if found else ""


def _usual(path: str) -> str:
    return "-" if path.lower().endswith((".rst", ".txt")) else USUAL


# ------------------------------------------------------------------------------- one line's reading


def _reading(text: str, name: TagName, template: str | None, vocabulary: Words) -> tuple[str, str]:
    """(why a line is not the heading of the entry, the heading that it would have to be); empty where there is none."""
    if _is_entry(text, name, vocabulary):
        if template is None or matches_template(template, text, name):
            return "", text
        day = find_day(text)
        wanted = re.sub(r"\A#+\s*", "", usual_heading(name, template)).replace(
            DAY, day.group() if day else DAY
        )
        return f"the policy's form is `{template}`", wanted
    if is_unreleased(text):
        return "it says that it is not released", ""
    whys, respelt = _respelt(text, name, vocabulary)
    if whys and _is_entry(respelt, name, vocabulary):
        reason, mended = _reading(respelt, name, template, vocabulary)
        return "; ".join(filter(None, (*whys, reason))), mended
    return _of_another(text, name, vocabulary), ""


def _is_entry(text: str, name: TagName, vocabulary: Words) -> bool:
    return find_heading([text], name, vocabulary) is not None


def _respelt(text: str, name: TagName, vocabulary: Words) -> tuple[list[str], str]:
    """(what is spelt otherwise than in the tag, the text with the tag's spelling)."""
    whys = []
    own = (name.hardware or "").lower()

    def without_build(match: re.Match[str]) -> str:
        word = match["word"].lower()
        kind, number = evidence_of_word(word) or (vocabulary.hardware.get(word, ""), None)
        told = name.hardware_version
        if kind.lower() != own or not own or (told and number and not agree(number, told)):
            return match.group()
        whys.append(f"`{match.group()}` behind the version makes it that of one build")
        return ""

    def padded(match: re.Match[str]) -> str:
        numbers = match.group()
        if numbers == name.version_text or _trimmed(numbers) != _trimmed(name.version_text):
            return numbers
        whys.append(f"it says {numbers}, and the tag {name.version_text}")
        return name.version_text

    bare = _BUILD.sub(without_build, text)
    return whys, _NUMBERS.sub(padded, bare) if name.version else bare


def _trimmed(numbers: str) -> str:
    return re.sub(r"(?:\.0+)+\Z", "", numbers)


def _of_another(text: str, name: TagName, vocabulary: Words) -> str:
    """Whose entry it is; empty where it names the release nowhere."""
    releases = [release_of(match) for match in VERSION.finditer(text)]
    for numbers, stage, number in releases:
        other = replace(name, version=numbers if name.version else (), stage=stage, stage_number=number)
        same = not name.version or _trimmed(other.version_text) == _trimmed(name.version_text)
        if same and (stage, number) != (name.stage, name.stage_number) and _is_entry(text, other, vocabulary):
            return f"it is of {_stage(other)}, and the tag of {_stage(name)}"
    words = {word.lower() for word in re.findall("[A-Za-z]+", text)}
    for word in sorted(words & vocabulary.frameworks.keys()):
        if _is_entry(text, replace(name, framework=vocabulary.frameworks[word]), vocabulary):
            return f"it is of {word}, and the tag of {name.framework}"
    for word in sorted(words & vocabulary.hardware.keys()):
        if _is_entry(text, replace(name, hardware=vocabulary.hardware[word]), vocabulary):
            return f"it is for {word}, and the tag for {name.hardware}"
    if name.hardware_version and _is_entry(text, replace(name, hardware_version=None), vocabulary):
        return f"it is for another {name.hardware} than {name.hardware_version}"
    for field, value in name.extra:
        left = tuple(one for one in name.extra if one[0] != field)
        if (name.version or left) and _is_entry(text, replace(name, extra=left), vocabulary):
            return f"it does not name the {field} {value}"
    if name.version and any(numbers == name.version for numbers, _, _ in releases):
        return f"it speaks of {name.version_text} and is no entry of it"
    return ""


def _stage(name: TagName) -> str:
    return name.stage_text or "the stable release"
