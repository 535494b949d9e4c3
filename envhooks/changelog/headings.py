"""Reading of a changelog's heading: the release that it names, and its date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.catalog.lookup import Words
from envhooks.catalog.lookup import words as catalog_words
from envhooks.tagname.names import TagName
from envhooks.tagname.template import NUMBER_OF, is_package

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_END_OF_DATE = r"(?:(?=T[0-9]{2}:)|(?![0-9A-Za-z]))"  # an ISO 8601 time may follow
_DATE = re.compile(
    r"(?<![0-9A-Za-z.])(?:"
    r"(?P<y1>[0-9]{4})(?P<sep>[-./])(?P<m1>[0-9]{1,2})(?P=sep)(?P<d1>[0-9]{1,2})"
    rf"|{_MONTH.format('m2')} (?P<d2>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<y2>[0-9]{{4}})"
    rf"|(?P<d3>[0-9]{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH.format('m3')},? (?P<y3>[0-9]{{4}})"
    rf"){_END_OF_DATE}",
    re.ASCII | re.IGNORECASE,
)
# What nearly every heading has; to compile the names of the months takes 1 ms.
_NUMBERED = r"(?<![0-9A-Za-z.])(?P<y1>[0-9]{4})(?P<sep>[-./])(?P<m1>[0-9]{1,2})(?P=sep)(?P<d1>[0-9]{1,2})"
_NUMBERED_DATE = re.compile(_NUMBERED + _END_OF_DATE, re.ASCII)
_BEFORE_DATE = r"(?i)[\s*_(>-]*(?:(?:release[d ]*)?(?:date|on)?[\s*_:]*)?"
_NOT_YET = r"(?i)(?<![a-z])(?:unreleased|not released|tbd|tba)(?![a-z])"


def is_unreleased(text: str) -> bool:
    """Whether a heading says that what it names is not out yet."""
    folded = text.casefold()
    return ("released" in folded or "tb" in folded) and re.search(_NOT_YET, text) is not None


def is_yanked(text: str) -> bool:
    """Whether a heading says that its release was taken back, as Keep a Changelog writes it."""
    return "yanked" in text.casefold() and re.search(r"(?i)[\[(]yanked[\])]", text) is not None


def date_alone(line: str) -> str | None:
    """The date of a line that holds nothing else, such as `*Released: 6 August 2025*`; None for any other line."""
    found = heading_date(line) if len(line) < 80 else None
    if found is None:
        return None
    before, _, behind = line.partition(found)
    return found if re.fullmatch(_BEFORE_DATE, before) and re.fullmatch(r"[\s*_).]*", behind) else None


@lru_cache(4096)
def heading_date(text: str) -> str | None:
    """The first real date in a heading, as written; None where it says that it is not released, or yanked."""
    if is_unreleased(text) or is_yanked(text):
        return None
    lower = text.lower()
    pattern = _DATE if any(month in lower for month in _MONTHS) else _NUMBERED_DATE
    return next((match.group() for match in pattern.finditer(text) if _is_date(match)), None)


def _is_date(match: re.Match[str]) -> bool:
    """Whether a match of `_DATE` is a day that the calendar has."""
    part = match.groupdict()
    year = part["y1"] or part["y2"] or part["y3"]
    day = part["d1"] or part["d2"] or part["d3"]
    name = None if part["y1"] else part["m2"] or part["m3"]
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(part["m1"])
    try:
        date(int(year), month, int(day))
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------------------- versions

_STAGES = {
    "a": "alpha", "alpha": "alpha", "b": "beta", "beta": "beta", "c": "rc", "rc": "rc", "pre": "rc",
    "preview": "rc", "prerelease": "rc", "candidate": "rc", "post": "post", "rev": "post", "r": "post",
}  # fmt: skip
_LOOSE = "[-_. (\u2013\u2014]{0,3}"
_VERSION = re.compile(
    r"(?<![0-9.])(?P<numbers>[0-9]{1,18}(?:\.[0-9]{1,18})*)"
    r"(?:[-_.]?(?P<letter>[abcr])(?P<n1>[0-9]{1,9})"
    rf"|{_LOOSE}(?:release )?(?P<word>alpha|beta|candidate|preview|pre(?:-?release)?|rc|post|rev)"
    r"(?:[-_. ]?(?P<n2>[0-9]{1,9}))?)?"
    r"(?![0-9A-Za-z+_-]|\.[0-9A-Za-z])",  # `2.8-gpu`, `2.8+cu128` and `2.8.dev1` are other things
    re.ASCII | re.IGNORECASE,
)
_WORD = r"(?a)[A-Za-z]+"
_LINK = r"\]\([^()\s]*\)"
# "Changes since 2.8-rc1" speaks of a release and is not its entry
_ABOUT = frozenset(
    ("since", "from", "after", "before", "until", "with", "to", "against", "on", "tested", "known", "compared",
     "versus", "vs")
)  # fmt: skip
_OTHERS_VERSION = r"(?ai)(?:python|py|cudnn|ubuntu|debian|driver)[-_ ]?v?\Z"
_HARDWARE_VERSION = r"(?ai)(?<![a-z])([a-z]+)[-_ ]?v?([0-9]+(?:\.[0-9]+)*)"

_Release = tuple[tuple[int, ...], str, int]


def _release(match: re.Match[str]) -> _Release:
    """(numbers, stage, stage number) of a match of `_VERSION`."""
    word = (match["letter"] or match["word"] or "").lower().replace("-", "")
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    return numbers, _STAGES[word] if word else "stable", int(match["n1"] or match["n2"] or "0")


_MENTIONS = 4
"""Mentions of one version in a heading that are looked at; a heading with more of them is hostile."""


@dataclass(frozen=True)
class _Wanted:
    """Parts that a heading must name to be the entry of a release."""

    numbers: tuple[tuple[int, ...], ...]
    """The version, the release and the versions of packages, as far as the name carries them: each has to be there."""
    stage: tuple[str, int]
    """Behind one of the first two; the other carries none."""
    day: str
    """The digits of the name's date; the heading's has to be the same."""
    whole: tuple[str, ...]
    """Complete spellings in lower case; any one of them is enough."""


def release_in(heading: str) -> tuple[int, int] | None:
    """(start, end) of the first version in a heading; None where there is none."""
    match = next((one for one in _VERSION.finditer(heading)), None)
    return match.span() if match else None


def _wanted(name: TagName) -> _Wanted:
    release = name.field("release")
    texts = (name.version_text, release, *(version for _, version in name.packages))
    numbers = tuple(tuple(map(int, re.findall("[0-9]+", text))) for text in texts if text)
    day = _digits(name.field("date"))
    composed: tuple[str, ...] = ()
    if len(numbers) + bool(day) > 1:
        told, date = name.release_text.lower(), name.field("date")
        spelled = {date, *(f"{day[:4]}{mark}{day[4:6]}{mark}{day[6:]}" for mark in ("", "-", "."))}
        composed = tuple(told.replace(date, one) for one in sorted(spelled)) if day else (told,)
    return _Wanted(numbers, (name.stage, name.stage_number), day, (name.text.lower(), *composed))


def _digits(date: str) -> str:
    return re.sub("[^0-9]", "", date)


def _day(text: str) -> str:
    """The first real date of a heading as eight digits; empty where it has none."""
    match = next((found for found in _DATE.finditer(text) if _is_date(found)), None)
    return _written_day(match) if match else ""


def _written_day(match: re.Match[str]) -> str:
    part = match.groupdict()
    name = part["m2"] or part["m3"]
    month = _MONTHS.index(name[:3].lower()) + 1 if name else int(part["m1"])
    year, day = part["y1"] or part["y2"] or part["y3"], part["d1"] or part["d2"] or part["d3"]
    return f"{year}{month:02}{int(day):02}"


def _plain(text: str) -> str:
    """The heading without Markdown's marks, its runs of blanks made one."""
    text = re.sub(_LINK, "]", text[:1000].replace("\\", "").replace("`", "").replace("**", ""))
    return " ".join(text.split())


@dataclass(frozen=True)
class _Read:
    """Facts of a heading that do not depend on the release that is looked for."""

    plain: str
    lower: str
    is_unreleased: bool
    releases: tuple[tuple[re.Match[str], _Release], ...]
    named: frozenset[tuple[int, ...]]
    """The numbers of `releases`."""


@lru_cache(4096)
def _read(text: str) -> _Read:
    """The same headings stand in the changelogs of many commits."""
    plain = _plain(text)
    unreleased = is_unreleased(plain.lstrip("[( ")[:10])
    releases = tuple((match, _release(match)) for match in _VERSION.finditer(plain))
    named = frozenset(numbers for _, (numbers, _, _) in releases)
    return _Read(plain, plain.lower(), unreleased, releases, named)


def _find_whole(heading: _Read, wanted: _Wanted) -> re.Match[str] | None:
    """Match of the release's whole name in a heading."""
    for text in wanted.whole:
        if text not in heading.lower:
            continue  # most headings: a pattern for each name would have to be compiled
        found = re.search(
            rf"(?<![\w.+-])(?:{re.escape(text)})(?![\w+-]|\.\w)", heading.plain, re.ASCII | re.IGNORECASE
        )
        if found is not None:
            return found
    return None


def _has_all(heading: _Read, name: TagName, wanted: _Wanted, vocabulary: Words) -> bool:
    """Whether a heading names the version, the release, the packages and the day of a name, each as its own."""
    if wanted.day and _day(heading.plain) != wanted.day:
        return False
    stages: list[tuple[str, int]] = []
    for at, numbers in enumerate(wanted.numbers):
        same = [(match, release[1:]) for match, release in heading.releases if release[0] == numbers]
        if len(numbers) == 1:  # the `30` of 2026-01-30 is not a release
            dates = [date.span() for date in _DATE.finditer(heading.plain)]
            same = [one for one in same if not any(low <= one[0].start() < high for low, high in dates)]
        if at >= len(wanted.numbers) - len(name.packages):
            if not same:
                return False
            continue
        found = [stage for match, stage in same[:_MENTIONS] if _names(match, heading.plain, name, vocabulary)]
        if not found:
            return False
        stages.append(wanted.stage if wanted.stage in found else found[0])
    written = {stage for stage in stages if stage != ("stable", 0)}
    return not stages or written == ({wanted.stage} - {("stable", 0)})


def _score(heading: _Read, name: TagName, wanted: _Wanted, vocabulary: Words) -> int:
    """Score of a heading for the release: 0 not at all, more for more of its name."""
    plain = heading.plain
    if heading.is_unreleased:
        return 0
    whole = _find_whole(heading, wanted)
    if whole is not None:
        return 0 if _speaks_about(plain[: whole.start()]) else 100
    if not (wanted.numbers or wanted.day) or not _has_all(heading, name, wanted, vocabulary):
        return 0
    words = {word.lower() for word in re.findall(_WORD, plain)}
    framework, hardware = _own(name)
    frameworks = {vocabulary.frameworks[word] for word in words & vocabulary.frameworks.keys()}
    frameworks |= words & {framework}
    kinds = {vocabulary.hardware[word] for word in words & vocabulary.hardware.keys()} | (words & {hardware})
    if (framework and frameworks and framework not in frameworks) or (
        hardware and kinds and hardware not in kinds
    ):
        return 0
    stated = re.findall(_HARDWARE_VERSION, plain)
    versions = {v for word, v in stated if vocabulary.hardware.get(word.lower(), word.lower()) == hardware}
    if name.hardware_version and versions and not any(_agree(v, name.hardware_version) for v in versions):
        return 0
    return 1 + (framework in frameworks) + (hardware in kinds)


def _agree(one: str, other: str) -> bool:
    """Whether two versions are equal as far as both go: `12.8.1` is a 12.8."""
    return all(a == b for a, b in zip(one.split("."), other.split("."), strict=False))


def _own(name: TagName) -> tuple[str, str]:
    return (name.framework or "").lower(), (name.hardware or "").lower()


def _speaks_about(before: str) -> bool:
    return any(word.lower() in _ABOUT for word in re.findall(_WORD, before))


def _names(match: re.Match[str], text: str, name: TagName, vocabulary: Words) -> bool:
    """Whether a version in a heading that is this release's is not that of something else there."""
    before = text[: match.start()]
    if _speaks_about(before) or re.search(_OTHERS_VERSION, before):
        return False
    bare = before[:-1] if re.search(r"(?:\A|[^A-Za-z0-9])[vV]\Z", before) else before
    if bare[-1:].isalnum():  # `CUDA12.8`
        return False
    framework, hardware = _own(name)
    compound = re.split(r"[\s\[\]()]", bare)[-1]
    known = {framework, hardware, "v", "release", "version", *(value.lower() for _, value in name.extra)}
    if any(_said(word, vocabulary) not in known for word in re.findall(_WORD, compound)):
        return False
    named = [_said(word, vocabulary) for word in re.findall(_WORD, bare)]
    last = next((word for word in reversed(named) if word in vocabulary.frameworks.values()), framework)
    if framework and last != framework:
        return False  # `PyTorch Lightning 2.5`, `PyTorch with torchvision 0.23`
    if bare != before or not _ends_with_hardware(bare, vocabulary):
        return True
    # `PyTorch CUDA 2.8` means the release; `CUDA 2.8` alone is a version of CUDA
    return framework in named


def _said(word: str, vocabulary: Words) -> str:
    """The framework or hardware that a word names, else the word itself; in lower case."""
    lower = word.lower()
    return vocabulary.frameworks.get(lower) or vocabulary.hardware.get(lower) or lower


def _ends_with_hardware(text: str, vocabulary: Words) -> bool:
    match = re.search(r"(?<![A-Za-z])([A-Za-z]+)[-_ ]*\Z", text, re.ASCII)
    return match is not None and match.group(1).lower() in vocabulary.hardware


# ------------------------------------------------------------------------------------ templates

_FIELD = r"\{([^{}]*)\}"


def _matches_template(template: str, heading: str, name: TagName) -> bool:
    """Whether a heading is what the policy's template makes of this release.

    The template is walked along the heading: literal text has to stand there, and each field is known
    from the tag or reads one date or version. There is nothing to go back for, so no time to lose.
    Without a `{stage}` of its own, `{version}` includes the stage: `2.8-rc1`.
    """
    text, at = " ".join(heading.split()), 0
    parts = re.split(_FIELD, " ".join(template.lstrip("# \t").split()))
    staged = "stage" in parts[1::2]
    for number, part in enumerate(parts):
        if number % 2:
            end = _field(part, text, at, name, staged)
        else:
            follows_stage = number + 1 < len(parts) and parts[number + 1] == "stage"
            literal = part.rstrip("-_. ") if follows_stage and name.stage == "stable" else part
            end = at + len(literal) if text[at : at + len(literal)].casefold() == literal.casefold() else None
        if end is None:
            return False
        at = end
    return at == len(text)


def _field(field: str, text: str, at: int, name: TagName, staged: bool) -> int | None:
    """End of the field in `text`; None where the field is not there."""
    if field == "date":
        match = _DATE.match(text, at)
        if match is None or not _is_date(match):
            return None
        own = _digits(name.field("date"))
        return match.end() if not own or own == _written_day(match) else None
    if field == "version" and not staged:
        match = _VERSION.match(text, at + (text[at : at + 1] in ("v", "V")))
        wanted = (name.version, name.stage, name.stage_number)
        return match.end() if match and _release(match) == wanted else None
    known = {
        "version": name.version_text,
        "stage": name.stage_text,
        "tag": name.text,
        "framework": name.framework or "",
        "hardware": (name.hardware or "") + (name.hardware_version or ""),
        **{
            number: (name.hardware_version or "") if name.hardware == kind else ""
            for number, kind in NUMBER_OF.items()
        },
        **{other: name.field(other) for other in ("python", "cudnn", "os", "release", "variant")},
        **dict(name.packages),
    }
    if field not in known and is_package(field):
        return None  # this name does not carry it
    if field not in known:
        fields = ", ".join(f"{{{one}}}" for one in (*known, "date"))
        raise CannotJudge(
            f"the changelog's heading template has an unknown field {{{field}}}", fix=f"use {fields}"
        )
    value = known[field]
    return at + len(value) if text[at : at + len(value)].casefold() == value.casefold() else None


def find_heading(
    headings: Sequence[str], name: TagName, template: str | None, vocabulary: Words | None = None
) -> int | None:
    """The number of the heading for a release, counted from 0, or None.

    Args:
        headings: newest first, without their marks.
        name: the release. Its whole name in a heading wins over its version and stage, and a heading that
            names its framework and hardware over one that does not.
        template: the policy's, such as `## jax {version} ({date})`, or None for any usual form.
        vocabulary: words that name frameworks and hardware; None for those of the catalog.

    Raises:
        CannotJudge: a field in the template that does not exist.
    """
    if template is not None:
        return next((at for at, text in enumerate(headings) if _matches_template(template, text, name)), None)
    best, found = 0, None
    known = vocabulary or catalog_words()
    wanted = _wanted(name)
    needed = frozenset(wanted.numbers)
    for at, text in enumerate(headings):
        heading = _read(text)
        # few headings of a long file
        if needed <= heading.named or any(whole in heading.lower for whole in wanted.whole):
            score = _score(heading, name, wanted, known)
            if score > best:
                best, found = score, at
    return found
