"""The difference of two environments, and whether one holds a package of some versions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from envhooks.base.dataclass import dataclass
from envhooks.image import Environment, Package
from envhooks.image.compat.drivers import driver_needs, full_driver, least_driver
from envhooks.image.compat.table import Table

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

Change = Literal["added", "removed", "changed", "unknown"]


@dataclass(frozen=True)
class Difference:
    """One fact in which two environments differ."""

    kind: str
    """`base`, `python`, `hardware`, `driver` or `package`."""
    name: str
    """Name of the package or of the hardware; else as `kind`."""
    before: str
    """Empty where it is added."""
    after: str
    """Empty where it is removed."""
    change: Change
    """`unknown` where one of the two sides cannot be determined."""


def differences(
    before: Environment, after: Environment, table: Table | None = None
) -> tuple[Difference, ...]:
    """The facts in which two environments differ: base, Python, hardware, driver, then packages by name."""
    found = []
    for kind, one, other in (
        ("base", base_text(before), base_text(after)),
        ("python", before.python or "", after.python or ""),
    ):
        if one != other:
            found.append(Difference(kind, kind, one, other, _change(one, other)))
    ours, theirs = _hardware(before), _hardware(after)
    for name in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(name, ""), theirs.get(name, "")
        if one != other:
            found.append(Difference("hardware", name, one, other, _change(one, other)))
    one, other = driver_text(before, table), driver_text(after, table)
    if one != other:
        found.append(Difference("driver", "driver", one, other, _change(one, other)))
    mine, yours = packages_of(before), packages_of(after)
    for name in sorted(mine.keys() | yours.keys()):
        change = _package(mine.get(name), yours.get(name), before, after)
        if change is not None:
            texts = [version_text(side[name]) if name in side else "" for side in (mine, yours)]
            found.append(Difference("package", name, texts[0], texts[1], change))
    return tuple(found)


def asks_otherwise(
    left: Environment, target: Environment, of: str, table: Table | None = None
) -> tuple[str, ...]:
    """A sentence for each need of a node in which an environment is not met where another one runs.

    That is a newer NVIDIA driver, or another version of the hardware; a driver that is not known is said as well.

    Args:
        of: name of the environment that runs there, `left`.
    """
    found = []
    ours, theirs = _hardware(left), _hardware(target)
    for kind in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(kind, "none"), theirs.get(kind, "none")
        if one != other:
            found.append(f"{kind}: {other}, and {of} has {one}")
    needs = driver_needs(target, table)
    least, before = least_driver(needs), least_driver(driver_needs(left, table))
    if least is None:
        if any(need.kind == "CUDA" for need in needs):
            found.append("which NVIDIA driver it needs is not known")
    elif before is None or _numbers(least) > _numbers(before):
        has = f"needs {before}" if before else "names none"
        found.append(f"needs NVIDIA driver {least} or newer, and {of} {has}")
    return tuple(found)


def _numbers(driver: str) -> tuple[int, ...]:
    return tuple(map(int, driver.split(".")))


def _change(one: str, other: str) -> Change:
    return "added" if not one else "removed" if not other else "changed"


def _package(
    one: Package | None, other: Package | None, before: Environment, after: Environment
) -> Change | None:
    if one and other:
        if version_text(one) == version_text(other):
            return None if one.exact else "unknown"  # `numpy>=1` twice may be two versions
        return "changed" if one.exact and other.exact else "unknown"
    if one is None and other is not None:
        return "unknown" if hides(before, other.name) else "added"
    if one is not None:
        return "unknown" if hides(after, one.name) else "removed"
    return None


def base_text(environment: Environment) -> str:
    """The base image as it is written, with tag and digest; empty where there is none."""
    base = environment.base
    if base is None:
        return ""
    return base.image + (f":{base.tag}" if base.tag else "") + (f"@{base.digest}" if base.digest else "")


def packages_of(environment: Environment) -> Mapping[str, Package]:
    """Name -> package as the last install leaves it."""
    return {package.name: package for package in environment.packages}


def version_text(package: Package) -> str:
    """`2.8.0+cu128` where it is exact, else the specifier: `>=1.26`, `any version`."""
    if not package.exact:
        return package.specifier or "any version"
    return f"{package.version}+{package.local}" if package.local else package.version or ""


def _hardware(environment: Environment) -> Mapping[str, str]:
    """Kind -> versions, those of base and wheels together: `CUDA` -> `12.8.1, 12.8`."""
    kinds: dict[str, dict[str, None]] = {}
    for one in environment.hardware:
        kinds.setdefault(one.kind, {})[one.version or ""] = None
    return {kind: ", ".join(text for text in versions if text) or "some" for kind, versions in kinds.items()}


def driver_text(environment: Environment, table: Table | None = None) -> str:
    """The least NVIDIA driver, `525.60.13 (570.26 for all of CUDA)`; empty where none is needed or it is not known."""
    needs = driver_needs(environment, table)
    least, full = least_driver(needs), full_driver(needs)
    if least is None:
        return ""
    return least if full in (None, least) else f"{least} ({full} for all of CUDA)"


def hides(environment: Environment, package: str) -> bool:
    """Whether an environment may hold a package that its files do not name, as far as its open points go."""
    return any(
        doubt.what == package or doubt.what not in ("python", "hardware") for doubt in environment.cannot_tell
    )


def holds(environment: Environment, wanted: Requirement, *, direct: bool = False) -> bool | str:
    """Whether an environment holds a package in one of some versions: yes, no, or why that is not known.

    Args:
        wanted: a name and a specifier, `torch<2.6`; a name alone asks for any version.
        direct: count a package that no file names as not there. Dependencies of the packages that are named may
            bring it all the same.
    """
    from packaging.utils import canonicalize_name

    names = _names(canonicalize_name(wanted.name))
    found = [package for package in environment.packages if package.name in names]
    if not found:
        if direct:
            return False
        if hides(environment, names[0]):
            doubt = environment.cannot_tell[0]
            return f"{doubt.what}: {doubt.why}"
        return "its files do not name it, and a dependency may bring it"
    last = found[-1]
    if not last.exact or not last.version:
        return _of_range(last, wanted)
    if not last.local and any("+" in one.version for one in wanted.specifier):
        # `torch==2.8.0` by PyTorch's own index installs 2.8.0+cu128: a build is part of the version
        return f"its files do not say which build of {last.version} it is"
    return wanted.specifier.contains(version_text(last), prereleases=True)


def _of_range(package: Package, wanted: Requirement) -> bool | str:
    """The answer for a package of which a range of versions is asked for, and not one of them."""
    if not wanted.specifier:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    unknown = f"its version is not pinned: {version_text(package)}"
    try:  # conda's own forms, such as `1.26.*|2.*`, are none
        asked = SpecifierSet(package.specifier)
    except InvalidSpecifier:
        return unknown
    ours, theirs = _span(asked), _span(wanted.specifier)
    if package.how == "conda" or ours is None or theirs is None:
        return unknown
    if _ends_before(ours, theirs) or _ends_before(theirs, ours):
        return False
    is_whole = all(one.operator != "!=" for one in wanted.specifier)
    return True if is_whole and _is_within(ours, theirs) else unknown


_Bound = tuple["Version", bool] | None
"""(a version, whether the bound lies behind it and not before it): they compare so; None: no bound on this side."""
_Span = tuple[_Bound, _Bound]


def _span(specifiers: SpecifierSet) -> _Span | None:
    """The lowest and the highest version that specifiers let in; None where it cannot be told.

    Superset of what they let in: `!=` takes away from it, and which pre-releases and posts of the two ends themselves
    are let in is PEP 440's own. With ends that are final releases, two spans compare as what they let in does.
    """
    from packaging.version import Version

    low: _Bound = None
    high: _Bound = None
    for one in specifiers:
        if one.operator == "!=":
            continue
        is_prefix = one.version.endswith(".*")
        version = Version(one.version.removesuffix(".*")) if one.operator != "===" else None
        if version is None or version.public != version.base_version or version.local:
            return None
        if is_prefix or one.operator == "~=":
            parts = version.release if is_prefix else version.release[:-1]
            above = Version(f"{version.epoch}!" + ".".join(map(str, (*parts[:-1], parts[-1] + 1))))
            # `==2.*` lets in 2.0.dev0 as well
            least = Version(f"{version.base_version}.dev0") if is_prefix else version
            ends: _Span = ((least, False), (above, False))
        else:
            is_in = "=" in one.operator
            ends = (
                None if "<" in one.operator else (version, not is_in),
                None if ">" in one.operator else (version, is_in),
            )
        if ends[0] and (low is None or ends[0] > low):
            low = ends[0]
        if ends[1] and (high is None or ends[1] < high):
            high = ends[1]
    return low, high


def _ends_before(one: _Span, other: _Span) -> bool:
    """Whether all of one span lies below the other."""
    high, low = one[1], other[0]
    return high is not None and low is not None and high <= low


def _is_within(inner: _Span, outer: _Span) -> bool:
    """Whether one span lies in another."""
    (low, high), (least, most) = inner, outer
    return (least is None or (low is not None and low >= least)) and (
        most is None or (high is not None and high <= most)
    )


def _names(name: str) -> tuple[str, ...]:
    """A package and its other names: conda's `pytorch` is `torch`."""
    from envhooks.catalog.lookup import package_of

    return tuple(dict.fromkeys((name, package_of(name), *(("pytorch",) if name == "torch" else ()))))
