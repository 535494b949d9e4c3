"""Days in a changelog: those that are read, those that are written so that nobody can tell, and what is not out yet."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_NUMBERED = r"(?P<y1>[0-9]{4})(?P<sep>[-./])(?P<m1>[0-9]{1,2})(?P=sep)(?P<d1>[0-9]{1,2})"
_BEGIN = r"(?<![0-9A-Za-z.])"
_END = r"(?:(?=T[0-9]{2}:)|(?![0-9A-Za-z]))"  # an ISO 8601 time may follow
_ORDINAL = "(?:st|nd|rd|th)?"
_DAY = re.compile(
    rf"{_BEGIN}(?:{_NUMBERED}"
    rf"|{_MONTH.format('m2')} {{1,3}}(?P<d2>[0-9]{{1,2}}){_ORDINAL},? {{1,3}}(?P<y2>[0-9]{{4}})"
    rf"|(?P<d3>[0-9]{{1,2}}){_ORDINAL}(?:-| {{1,3}}(?:of )?){_MONTH.format('m3')}(?:-|,? {{1,3}})(?P<y3>[0-9]{{4}})"
    r"|(?P<y4>[0-9]{4}) ?年 ?(?P<m4>[0-9]{1,2}) ?月 ?(?P<d4>[0-9]{1,2}) ?日"
    rf"){_END}",
    re.ASCII | re.IGNORECASE,
)
# What nearly every heading has; to compile the names of the months takes 1 ms.
_NUMBERED_DAY = re.compile(f"{_BEGIN}{_NUMBERED}{_END}", re.ASCII)
_BEFORE_DAY = r"(?i)[\s*_(>-]*(?:(?:release[d ]*)?(?:date|on)?[\s*_:]*)?"
_NOT_YET = r"(?i)(?<![a-z])(?:unreleased|not released|tbd|tba)(?![a-z])"
_YANKED = r"(?i)[\[(*_]\s*yanked\s*[\])*_]|[-–—:;,\s]\s*yanked[\s*_.!]*\Z"

_SHORT_DAY = re.compile(rf"{_BEGIN}([0-9]{{1,2}})([-./])([0-9]{{1,2}})\2([0-9]{{4}}){_END}", re.ASCII)
_COMPACT_DAY = re.compile(rf"{_BEGIN}([12][0-9]{{3}})([01][0-9])([0-3][0-9]){_END}", re.ASCII)
_NO_DAY = re.compile(
    rf"(?i){_BEGIN}(?:{_MONTH.format('m')},? [0-9]{{4}}|[12][0-9]{{3}}-[0-9]{{1,2}}){_END}(?![-./])"
)
_OPEN_DAY = "(?:dd|xx?|[?]{2})"
PLACEHOLDER = (
    r"(?i)(?<![0-9a-z])(?:[0-9y]{4}|20xx|x{4})([-./])"
    rf"(?:(?:mm|xx?|[?]{{2}})\1(?:{_OPEN_DAY}|[0-9]{{2}})|[0-9]{{2}}\1{_OPEN_DAY})(?![0-9a-z])"
)
"""A day that is still to be written: `YYYY-MM-DD`, `2026-MM-DD`, `2026-xx-xx`."""


def is_unreleased(text: str) -> bool:
    """Whether a heading says that what it names is not out yet."""
    folded = text.casefold()
    return ("released" in folded or "tb" in folded) and re.search(_NOT_YET, text) is not None


def is_yanked(text: str) -> bool:
    """Whether a heading says that its release was taken back: `[YANKED]`, or the word in other marks or at its end."""
    return "yanked" in text.casefold() and re.search(_YANKED, text) is not None


def find_day(text: str) -> re.Match[str] | None:
    """The first day in a text that the calendar has."""
    return next((match for match in days(text) if is_day(match)), None)


def days(text: str) -> list[re.Match[str]]:
    """All that is written as a day, whether or not the calendar has it."""
    lower = text.lower()
    in_words = "年" in text or any(month in lower for month in _MONTHS)
    return list((_DAY if in_words else _NUMBERED_DAY).finditer(text))


def day_at(text: str, at: int) -> re.Match[str] | None:
    """The day that begins at a character of a text; None where none does."""
    match = _DAY.match(text, at)
    return match if match is not None and is_day(match) else None


def digits_of(match: re.Match[str]) -> str:
    """The eight digits of a day that was found: `20260501`."""
    year, month, day = _parts(match)
    return f"{year:04}{month:02}{day:02}"


def is_day(match: re.Match[str]) -> bool:
    """Whether the calendar has a day that was found."""
    return _is_in_calendar(*_parts(match))


def _parts(match: re.Match[str]) -> tuple[int, int, int]:
    """(year, month, day) of what `days` found."""
    part = match.groupdict()
    name = part.get("m2") or part.get("m3")
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(part["m1"] or part["m4"])
    year, day = (
        next(part[f"{key}{form}"] for form in "1234" if part.get(f"{key}{form}")) for key in ("y", "d")
    )
    return int(year), month, int(day)


def _is_in_calendar(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


@lru_cache(4096)
def heading_date(text: str) -> str | None:
    """The first real date in a heading, as written; None where it says that it is not released, or yanked."""
    if is_unreleased(text) or is_yanked(text):
        return None
    match = find_day(text)
    return match.group() if match else None


def date_alone(line: str) -> str | None:
    """The date of a line that holds nothing else, such as `*Released: 6 August 2025*`; None for any other line."""
    found = heading_date(line) if len(line) < 80 else None
    if found is None:
        return None
    before, _, behind = line.partition(found)
    return found if re.fullmatch(_BEFORE_DAY, before) and re.fullmatch(r"[\s*_).]*", behind) else None


def doubtful_day(text: str) -> tuple[str, str]:
    """(what looks like a day and is not read as one, why); two empty texts where there is nothing of the kind."""
    short, compact = _SHORT_DAY.search(text), _COMPACT_DAY.search(text)
    if short is not None:
        return short.group(), _why_short(int(short[1]), int(short[3]), int(short[4]))
    if compact is not None and _is_in_calendar(*map(int, compact.groups())):
        return compact.group(), f"a day has marks between its parts: {'-'.join(compact.groups())}"
    gone = next(iter(days(text)), None)
    if gone is not None:
        return gone.group(), "the calendar has no such day"
    placeholder, month = re.search(PLACEHOLDER, text), _NO_DAY.search(text)
    if placeholder is not None:
        return placeholder.group(), "the day is still to be written"
    return (month.group(), "it names no day") if month is not None else ("", "")


def _why_short(first: int, second: int, year: int) -> str:
    ways = [(second, first), (first, second)]  # day first, then month first
    real = dict.fromkeys(
        f"{year}-{month:02}-{day:02}" for month, day in ways if _is_in_calendar(year, month, day)
    )
    if not real:
        return "the calendar has no such day"
    return f"it may be {' or '.join(real)}" if len(real) > 1 else f"write {next(iter(real))}"
