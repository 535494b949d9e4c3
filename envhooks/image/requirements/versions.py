"""Whether one version satisfies, equals or loosens what another requirement asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envhooks.base.dataclass import replace
from envhooks.base.place import Place
from envhooks.image import Package, Unpinned
from envhooks.image.requirements.specs import Requirement

_LOWER_BOUNDS = r"\(?(?:(?:>=?|!=)[ ]*[0-9A-Za-z.*+-]+[ ]*(?:,[ ]*|(?=\)?\Z)))*\)?"
INSTALLERS = frozenset(
    ("pip", "setuptools", "wheel", "uv", "poetry", "pipenv", "pdm", "conda", "mamba", "virtualenv", "pipx")
)
"""Packages that install others; a floating version of one is worth a note only."""


def loose_pin(requirement: Requirement, place: Place) -> Unpinned | None:
    """The Unpinned of a requirement that is not exact; None where a commit pins it."""
    if requirement.url is not None:
        if re.search(r"@[0-9a-f]{40}(?:[0-9a-f]{24})?(?:#.*)?\Z", requirement.url):
            return None
        why = "what its URL names may change"
    elif not requirement.specifier:
        why = "it has no version"
    else:
        why = f"{requirement.specifier} allows more than one version"
    kind = "installer" if requirement.name in INSTALLERS else "python"
    manager = "conda" if requirement.how == "conda" else "pip"
    return Unpinned(requirement.name, kind, requirement.text, why, place, manager=manager)


def untouched(package: Package | None, requirement: Requirement) -> bool:
    """Whether a package that is there is left alone by an install of the requirement."""
    if package is None:
        return False
    if requirement.exact:
        return _same(package, requirement)
    return requirement.url is None and (
        satisfied(package, requirement) or _newest_serves(package, requirement)
    )


def _newest_serves(package: Package, requirement: Requirement) -> bool:
    """Whether the newest release of a package, which is there, is all that a requirement with lower bounds asks for.

    `pip install torch --index-url .../cpu`, then `torch>=2.0` of a file: the build that is there stays.
    """
    if package.exact or package.how == "conda" or requirement.how == "conda":
        return False
    bounds = (package.specifier, requirement.specifier)
    return all(re.fullmatch(_LOWER_BOUNDS, one) for one in bounds)


def _same(package: Package, requirement: Requirement) -> bool:
    """Whether installing the requirement over the package changes nothing that is stated."""
    if not requirement.exact or not package.exact or package.version is None:
        return False
    if requirement.local is not None and requirement.local != package.local:
        return False
    return equal_versions(package.version, requirement.version or "")


def same_release(package: Package | None, requirement: Requirement) -> bool:
    """Whether both are exact and of one public version, whatever their builds."""
    if package is None or not (package.exact and requirement.exact):
        return False
    return equal_versions(package.version or "", requirement.version or "")


def equal_versions(one: str, other: str) -> bool:
    """Whether two public versions are the same one: `2.8` is `2.8.0`."""
    if one == other:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False


def satisfied(package: Package, requirement: Requirement) -> bool:
    """Whether an exact package that is there already satisfies a looser requirement."""
    if not package.exact or package.version is None:
        return False
    if not requirement.specifier:
        return True
    if requirement.how == "conda":
        return False
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(requirement.specifier.strip("()"))
        return specifiers.contains(package.version, prereleases=True)
    except InvalidSpecifier:
        return False


def constrained(requirement: Requirement, constraints: Iterable[Requirement]) -> Requirement | None:
    """The requirement with the version that a constraint file gives it; None where none does."""
    found = [one for one in constraints if one.name == requirement.name and not one.marker]
    if len(found) != 1 or not found[0].exact:
        return None
    bound = found[0]
    probe = Package(bound.name, bound.version, bound.local, True, "", "", Place(""))
    if not satisfied(probe, requirement):
        return None
    return replace(
        requirement, specifier=bound.specifier, version=bound.version, local=bound.local, exact=True
    )


def allows(specifier: str, version: str) -> bool:
    """Whether a version satisfies a specifier; `3.12` counts as the newest possible 3.12.

    What is not a version satisfies everything: another check judges it.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    if re.fullmatch(r"[0-9]+\.[0-9]+", version, re.ASCII) and ">=3" in specifier:
        version += ".99"  # `>=3.7.1` is met by an image's 3.7
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True
