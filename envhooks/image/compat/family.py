"""Pins that work together by the table: the packages that move with a framework, and their versions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.image import Environment
from envhooks.image.compat.frameworks import COMPANIONS, best_variant, cuda_of, last, variant_of
from envhooks.image.compat.table import Table, TorchRelease, key, release
from envhooks.image.requirements.versions import allows

_TORCH = ("torch", "pytorch")
_VARIANT = r"(?:cu[0-9]{2,4}|rocm[0-9.]+|cpu|xpu)"


@dataclass(frozen=True)
class Target:
    """Versions that a tag's name requires of the environment; empty where there is no name."""

    packages: tuple[str, ...] = ()
    """The packages of its framework."""
    version: str = ""
    """Two to four numbers; two stand for any release of theirs."""
    hardware: str = ""
    hardware_version: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """(package, version) of other packages in the name: (("flash-attn", "2.8.3"),)."""


@dataclass(frozen=True)
class Pins:
    """Versions that work together, or the reason why the table has none."""

    versions: dict[str, str] = field(default_factory=dict)
    """Package -> its version, with the local one where the pin has one or is to have one: `2.8.0+cu128`."""
    index: tuple[str, str] | None = None
    """The build that the index offers now, and the one that it should."""
    why_not: str = ""


def pins_for(environment: Environment, table: Table, target: Target) -> Pins:
    """The pins of the framework and its companions that work together, nearest to the present ones."""
    names = {package.name for package in environment.packages} | {one.name for one in environment.unpinned}
    pins = _of_framework(environment, table, target, names)
    apart = {
        name: version
        for name, version in target.fields
        if name in names and name not in pins.versions and name not in (*_TORCH, *COMPANIONS, "jax", "jaxlib")
    }
    return replace(pins, versions={**pins.versions, **apart})


def _of_framework(environment: Environment, table: Table, target: Target, names: set[str]) -> Pins:
    if not names.isdisjoint(_TORCH):
        return _torch(environment, table, target, names)
    if "jax" in names:
        return _jax(environment, table, target)
    own = last(environment, *target.packages)
    if own is None or target.version.count(".") < 2:
        return Pins()
    return Pins({own.name: target.version})


def _torch(environment: Environment, table: Table, target: Target, names: set[str]) -> Pins:
    torch = last(environment, *_TORCH)
    name = torch.name if torch else next(one for one in _TORCH if one in names)
    if torch is not None and torch.how in ("base", "lock"):
        where = "the base image" if torch.how == "base" else "a lock file"
        return Pins(why_not=f"torch comes with {where}: change it there")
    named = target.version if not {*target.packages}.isdisjoint(_TORCH) else ""
    version = torch.version if torch is not None else None
    row = _row(table, version or "", named or _asked_for(environment, table))
    if row is None:
        return Pins(why_not=_unlisted(table, named or version or ""))
    if environment.python is not None and not allows(row.requires_python, environment.python):
        return Pins(
            why_not=f"torch {row.version} needs Python {row.requires_python}, and here is {environment.python}"
        )
    old = variant_of(torch) if torch is not None else _index_of(environment)
    variant = _variant(environment, row, old, target)
    if variant is None:
        builds = ", ".join((*row.cuda_variants, *row.cuda_variants_seen))
        return Pins(why_not=f"torch {row.version} was published for {builds}, and not for what the name says")
    keeps = torch is not None and version is not None and release(version) == row.version
    own = version if keeps and version else row.version
    local = f"+{variant}" if variant and (torch is None or torch.local) and name == "torch" else ""
    versions = {name: own + local}
    for companion in COMPANIONS:
        if companion not in names:
            continue
        found, listed = last(environment, companion), getattr(row, companion)
        if not listed:
            return Pins(why_not=f"the table lists no {companion} for torch {row.version}")
        said = dict(target.fields).get(companion, "")
        if said:
            asked = [one for one in listed if key(one)[: len(key(said))] == key(said)]
            if not asked:
                others = " or ".join(listed)
                return Pins(why_not=f"{companion} {said} does not go with torch {row.version}: {others} does")
            listed = tuple(asked)
        fits = found is not None and found.version is not None and release(found.version) in listed
        kept = found.version if fits and found and found.version else listed[0]
        bears = found.local if found is not None else local
        versions[companion] = kept + (f"+{variant}" if bears and variant else "")
    index = (old, variant) if old and variant and old != variant else None
    tied, why_not = tied_to(environment, table, versions)
    return Pins({**versions, **tied}, index, why_not)


def _asked_for(environment: Environment, table: Table) -> str:
    """The torch that an installed package pins in its own metadata; empty where none does, or two do not agree."""
    if all(one.name not in table.tied and one.name not in table.own_ties for one in environment.packages):
        return ""
    from envhooks.image.compat.ties import required_by

    asked = {
        requirement.partition("==")[2]
        for package in environment.packages
        if package.exact and package.version and package.name not in COMPANIONS
        for requirement in required_by(table, package.name, package.version)
        if requirement.startswith("torch==")
    }
    return asked.pop() if len(asked) == 1 else ""


def tied_to(
    environment: Environment, table: Table, versions: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """(packages that pin their framework, at their newest release that takes these versions; why there is none).

    What such a release pins itself comes along, where it is installed.
    """
    if all(one.name not in table.tied and one.name not in table.own_ties for one in environment.packages):
        return {}, ""
    from envhooks.image.compat.ties import order, ties_of, unmet

    found: dict[str, str] = {}
    for package in environment.packages:
        known = package.name in versions or package.name in found
        if known or not package.exact or not package.version or package.how == "base":
            continue
        releases = ties_of(table, package.name)
        if not unmet(releases.get(package.version, ()), versions):
            continue
        fits = [version for version, requires in releases.items() if not unmet(requires, versions)]
        if not fits:
            name, version = next(iter(versions.items()))
            asks = ", ".join(releases[package.version])
            return (
                {},
                f"the table has no {package.name} for {name} {version}; {package.version} asks for {asks}",
            )
        found[package.name] = max(fits, key=order)
        for requirement in releases[found[package.name]]:
            other, exact, version = requirement.partition("==")
            if exact and other not in versions and environment.find(other):
                found[other] = version
    return found, ""


def older_with_build(environment: Environment, table: Table, target: Target) -> str:
    """The newest torch below the one that is installed that has its build, where the name allows it; else nothing."""
    torch = last(environment, *_TORCH)
    variant = variant_of(torch) if torch is not None else None
    if torch is None or torch.version is None or variant is None:
        return ""
    numbers = key(target.version) if target.version and not {*target.packages}.isdisjoint(_TORCH) else ()
    fits = (
        one
        for one, row in table.torch.items()
        if variant in row.cuda_variants
        and key(one) < key(torch.version)
        and key(one)[: len(numbers)] == numbers
    )
    return max(fits, key=key, default="")


def _row(table: Table, version: str, named: str) -> TorchRelease | None:
    """The release that the name asks for, else the one that is installed."""
    if not named:
        return table.torch.get(release(version))
    numbers = key(named)
    fits = [one for one in table.torch if key(one)[: len(numbers)] == numbers[: len(key(one))]]
    if release(version) in fits:
        return table.torch[release(version)]
    return table.torch[max(fits, key=key)] if fits else None


def _unlisted(table: Table, version: str) -> str:
    newest = max(table.torch, key=key)
    if key(version) > key(newest):
        return f"torch {version} is newer than the table of {table.compiled}"
    same = [one for one in table.torch if key(one)[:2] == key(version)[:2]]
    there = f"; of its series there are {', '.join(same)}" if same else ""
    return f"there is no torch {version} in the table of {table.compiled}{there}"


def _index_of(environment: Environment) -> str | None:
    """The build that an index offers for packages that carry no version."""
    found = [re.search(rf"/({_VARIANT})/?\Z", package.index) for package in environment.packages]
    return next((match[1] for match in found if match), None)


def _variant(environment: Environment, row: TorchRelease, old: str | None, target: Target) -> str | None:
    """The build: the name's, else the one that stands there, else the best; empty for PyPI's, None for none."""
    builds = (*row.cuda_variants, *row.cuda_variants_seen)
    if target.hardware == "CUDA" and target.hardware_version:
        wanted = "cu" + "".join(target.hardware_version.split(".")[:2])
        if old is None and row.pypi_cuda and "cu" + row.pypi_cuda.replace(".", "") == wanted:
            return ""
        return next((one for one in builds if one == wanted or one[:-1] == wanted), None)
    if old is None:
        return ""
    if cuda_of(old) is None:
        return old if target.hardware != "CUDA" or not row.cuda_variants else best_variant(environment, row)
    return old if old in builds or not row.cuda_variants else best_variant(environment, row)


def _jax(environment: Environment, table: Table, target: Target) -> Pins:
    jax = last(environment, "jax")
    named = target.version if "jax" in target.packages else ""
    if jax is None or jax.version is None or jax.how in ("base", "lock"):
        return Pins()
    numbers = key(named) if named else ()
    fits = [one for one in table.jax if key(one)[: len(numbers)] == numbers] if named else []
    version = (
        release(jax.version) if not named or release(jax.version) in fits else max(fits, key=key, default="")
    )
    row = table.jax.get(version)
    if row is None:
        return Pins(why_not=f"the table of {table.compiled} lists no jax {named or jax.version}")
    if environment.python is not None and not allows(row.requires_python, environment.python):
        return Pins(
            why_not=f"jax {version} needs Python {row.requires_python}, and here is {environment.python}"
        )
    versions = {"jax": jax.version if release(jax.version) == version else version}
    for package in environment.packages:
        is_plugin = re.fullmatch(r"jax-cuda[0-9]{2}-(?:plugin|pjrt)", package.name) is not None
        specifier = row.jaxlib if package.name == "jaxlib" or row.plugin == "lockstep" else row.plugin
        if (package.name != "jaxlib" and not is_plugin) or not specifier or package.version is None:
            continue
        newest = re.split("[=]", specifier)[-1]
        kept = package.version if allows(specifier, package.version) else newest
        versions[package.name] = kept + (f"+{package.local}" if package.local else "")
    return Pins(versions)
