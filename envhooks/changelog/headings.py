"""Reading of a changelog's headings: the one that names a release."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from envhooks.base.dataclass import dataclass
from envhooks.catalog.lookup import Words
from envhooks.catalog.lookup import words as catalog_words
from envhooks.changelog.dates import days, digits_of, find_day, is_unreleased
from envhooks.tagname.names import TagName

_STAGES = {
    "a": "alpha", "alpha": "alpha", "b": "beta", "beta": "beta", "c": "rc", "rc": "rc", "pre": "rc",
    "preview": "rc", "prerelease": "rc", "candidate": "rc", "post": "post", "rev": "post", "r": "post",
}  # fmt: skip
_LOOSE = "[-_. (\u2013\u2014]{0,3}"
VERSION = re.compile(
    r"(?<![0-9.])(?P<numbers>[0-9]{1,18}(?:\.[0-9]{1,18})*)"
    r"(?:[-_.]?(?P<letter>[abcr])(?P<n1>[0-9]{1,9})"
    rf"|{_LOOSE}(?:release )?(?P<word>alpha|beta|candidate|preview|pre(?:-?release)?|rc|post|rev)"
    r"(?:[-_. ]?(?P<n2>[0-9]{1,9}))?)?"
    r"(?![0-9A-Za-z+_-]|\.[0-9A-Za-z])",  # `2.8-gpu`, `2.8+cu128` and `2.8.dev1` are other things
    re.ASCII | re.IGNORECASE,
)
Release = tuple[tuple[int, ...], str, int]


def release_of(match: re.Match[str]) -> Release:
    """(numbers, stage, stage number) of a match of `VERSION`."""
    word = (match["letter"] or match["word"] or "").lower().replace("-", "")
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    return numbers, _STAGES[word] if word else "stable", int(match["n1"] or match["n2"] or "0")


def release_in(heading: str) -> tuple[int, int] | None:
    """(start, end) of the first version in a heading; None where there is none."""
    match = next((one for one in VERSION.finditer(heading)), None)
    return match.span() if match else None


_WORD = r"(?a)[A-Za-z]+"
_LINK = r"\]\([^()\s]*\)"
# "Changes since 2.8-rc1" speaks of a release and is not its entry
_ABOUT = frozenset(
    ("since", "from", "after", "before", "until", "with", "to", "against", "on", "tested", "known", "compared",
     "versus", "vs")
)  # fmt: skip
_OTHERS_VERSION = r"(?ai)([A-Za-z]*(?:python|py|cudnn|ubuntu|debian|driver))[-_ ]?v?\Z"
_HARDWARE_VERSION = r"(?ai)(?<![a-z])([a-z]+)[-_ ]?v?([0-9]+(?:\.[0-9]+)*)"

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


def _wanted(name: TagName) -> _Wanted:
    release = name.field("release")
    texts = (name.version_text, release, *(version for _, version in name.packages))
    numbers = tuple(tuple(map(int, re.findall("[0-9]+", text))) for text in texts if text)
    day = re.sub("[^0-9]", "", name.field("date"))
    composed: tuple[str, ...] = ()
    if len(numbers) + bool(day) > 1:
        told, date = name.release_text.lower(), name.field("date")
        spelled = {date, *(f"{day[:4]}{mark}{day[4:6]}{mark}{day[6:]}" for mark in ("", "-", "."))}
        composed = tuple(told.replace(date, one) for one in sorted(spelled)) if day else (told,)
    return _Wanted(numbers, (name.stage, name.stage_number), day, (name.text.lower(), *composed))


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
    releases: tuple[tuple[re.Match[str], Release], ...]
    named: frozenset[tuple[int, ...]]
    """The numbers of `releases`."""


@lru_cache(4096)
def _read(text: str) -> _Read:
    """The same headings stand in the changelogs of many commits."""
    plain = _plain(text)
    unreleased = is_unreleased(plain.lstrip("[( ")[:10])
    releases = tuple((match, release_of(match)) for match in VERSION.finditer(plain))
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
    if wanted.day:
        day = find_day(heading.plain)
        if day is None or digits_of(day) != wanted.day:
            return False
    stages: list[tuple[str, int]] = []
    for at, numbers in enumerate(wanted.numbers):
        same = [(match, release[1:]) for match, release in heading.releases if release[0] == numbers]
        if len(numbers) == 1:  # the `30` of 2026-01-30 is not a release
            dates = [day.span() for day in days(heading.plain)]
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
    if name.hardware_version and versions and not any(agree(v, name.hardware_version) for v in versions):
        return 0
    return 1 + (framework in frameworks) + (hardware in kinds)


def agree(one: str, other: str) -> bool:
    """Whether two versions are equal as far as both go: `12.8.1` is a 12.8."""
    return all(a == b for a, b in zip(one.split("."), other.split("."), strict=False))


def _own(name: TagName) -> tuple[str, str]:
    return (name.framework or "").lower(), (name.hardware or "").lower()


def _speaks_about(before: str) -> bool:
    return any(word.lower() in _ABOUT for word in re.findall(_WORD, before))


def _names(match: re.Match[str], text: str, name: TagName, vocabulary: Words) -> bool:
    """Whether a version in a heading that is this release's is not that of something else there."""
    before = text[: match.start()]
    other = re.search(_OTHERS_VERSION, before)
    # `CuPy 13.6` is CuPy's own
    is_others = other is not None and _said(other[1], vocabulary) != _own(name)[0]
    if is_others or _speaks_about(before):
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


def find_heading(headings: Sequence[str], name: TagName, vocabulary: Words | None = None) -> int | None:
    """The number of the heading for a release in any usual form, counted from 0, or None.

    Args:
        headings: newest first, without their marks.
        name: the release. Its whole name in a heading wins over its version and stage, and a heading that
            names its framework and hardware over one that does not.
        vocabulary: words that name frameworks and hardware; None for those of the catalog.
    """
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
