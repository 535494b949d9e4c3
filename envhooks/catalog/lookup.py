"""Tables that readers ask, derived from the entries of the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from envhooks.base.dataclass import dataclass
from envhooks.catalog.frameworks import FRAMEWORKS, Evidence
from envhooks.catalog.hardware import HARDWARE

PACKAGES: Mapping[str, tuple[str, ...]] = {one.name: one.packages for one in FRAMEWORKS}
"""Canonical framework name -> the distributions that carry it."""
KINDS = tuple(one.name for one in HARDWARE)
"""Canonical hardware names."""
ALIASES: Mapping[str, str] = {
    **{alias: one.name for one in FRAMEWORKS for alias in one.aliases},
    **{alias: kind.name for kind in HARDWARE for alias in kind.aliases},
    **{f"cu{major}{minor}": f"CUDA{major}.{minor}" for major in range(9, 14) for minor in range(10)},
}
"""Lower-case spelling -> the name that is probably meant."""
BY_INDEX = frozenset(package for one in FRAMEWORKS for package in one.by_index)
BY_LOCAL = frozenset(package for one in FRAMEWORKS for package in one.by_local)
BY_BUILD = frozenset(package for one in FRAMEWORKS for package in one.by_build)
COMPANIONS = frozenset(package for one in FRAMEWORKS for package in one.companions) | {"cudatoolkit"}
_BUILDS = {package: evidence for one in FRAMEWORKS for package, evidence in one.builds.items()}


def built_for(package: str) -> Evidence | None:
    """The hardware that a framework's distribution is built for by its name; None where the name does not tell."""
    return _BUILDS.get(package)


def carried_by(package: str) -> Evidence | None:
    """The hardware for which alone a distribution exists; None where it runs on others as well."""
    if package in _BUILDS:
        return _BUILDS[package]
    kind = next((one.name for one in HARDWARE if one.carriers and re.fullmatch(one.carriers, package)), None)
    if kind is None:
        return None
    major = re.search(r"cuda([0-9]{2})", package)
    return kind, major.group(1) if major else None


def package_of(framework: str) -> str:
    """How facts and hints call a framework, told by its name, alias or package in any case: `PyTorch` -> `torch`."""
    return framework_package(framework) or framework.lower()


def framework_package(name: str) -> str | None:
    """The package of the framework that a name, alias or package means, in any case; None where it means none."""
    wanted = name.lower()
    for one in FRAMEWORKS:
        if wanted in (one.name.lower(), *one.aliases, *one.packages):
            return one.packages[0]
    return None


@cache
def version_variables() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """A pattern of ARG and ENV names that claim a framework's version, and the package of each of its groups."""
    patterns = [
        one.variables or f"{re.sub('[^A-Za-z0-9]', '_', one.name)}_(?:VERSION|VER)" for one in FRAMEWORKS
    ]
    return re.compile("|".join(f"({text})" for text in patterns), re.IGNORECASE), tuple(
        one.packages[0] for one in FRAMEWORKS
    )


@dataclass(frozen=True)
class Words:
    """Words by which a heading names a framework or hardware, lower case."""

    frameworks: Mapping[str, str]
    """Word -> framework in lower case; a project that is none stands for itself."""
    hardware: Mapping[str, str]
    """Word -> hardware in lower case."""


def words(frameworks: Iterable[str] = (), hardware: Iterable[str] = ()) -> Words:
    """The catalog's words, and the names that a policy adds."""
    known: dict[str, str] = {}
    for one in FRAMEWORKS:
        known.update({relative: relative for relative in one.relatives if relative not in known})
    for one in FRAMEWORKS:
        own = (
            one.name.lower(),
            *one.words,
            *(word for word in (*one.aliases, *one.packages) if len(word) > 3),
        )
        known.update({word: one.name.lower() for word in own if word.isalnum()})
    kinds = {
        word: one.name.lower() for one in HARDWARE for word in (one.name.lower(), *one.words, *one.aliases)
    }
    known.update({name.lower(): name.lower() for name in frameworks if name.lower() not in known})
    kinds.update({name.lower(): name.lower() for name in hardware if name.lower() not in kinds})
    return Words(known, kinds)
