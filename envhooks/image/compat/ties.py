"""Packages that ask for one framework exactly: vllm, sglang, and wheels whose local version names their torch."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from envhooks.base.place import Level
from envhooks.image import CompatFault, Environment, Package
from envhooks.image.compat.frameworks import cuda_of, last, variant_of
from envhooks.image.compat.table import Table, key
from envhooks.image.requirements.versions import allows

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NAMES: Mapping[str, tuple[str, ...]] = {
    "torch": ("torch", "pytorch"),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu"),
}
"""The packages that are one framework; `pytorch` is conda's name."""
_BUILT = (
    r"(?a)cu(?P<cuda>[0-9]{2,3})torch(?P<major>[0-9])\.(?P<minor>[0-9]{1,2})(?:cxx.*)?",  # flash-attn, mamba-ssm, ...
    r"(?a)torch(?P<major>[0-9])(?P<minor>[0-9]{1,2})[0-9]cu(?P<cuda>[0-9]{2,3})",  # natten: torch280cu128
    r"(?a)pt(?P<major>[0-9])(?P<minor>[0-9]{1,2})(?:cu(?P<cuda>[0-9]{2,3})|cpu)",  # torch-scatter, pyg-lib, ...
)


@cache
def load_ties() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Package -> release -> requirements of its metadata: `torch==2.7.1`."""
    data = tomllib.loads((Path(__file__).parent / "ties.toml").read_text(encoding="utf-8"))
    return {
        package: {version: tuple(row["requires"]) for row in rows for version in row["versions"]}
        for package, rows in data["ties"].items()
    }


def required_by(table: Table, name: str, version: str) -> tuple[str, ...]:
    """Requirements of a release on the frameworks, by the policy's rows first; empty where no row states any."""
    own = table.own_ties.get(name, {})
    return own[version] if version in own else load_ties().get(name, {}).get(version, ())


def order(version: str) -> tuple[tuple[int, ...], int]:
    """Compares releases as they follow each other; a post release stands behind its own."""
    public, _, post = version.partition(".post")
    return key(public), int(post[:9] or 0) if post[:9].isdigit() else -1


def ties_of(table: Table, name: str) -> Mapping[str, tuple[str, ...]]:
    """Release of a package -> its requirements, for all releases that a row names."""
    return {**load_ties().get(name, {}), **table.own_ties.get(name, {})}


def unmet(requires: Iterable[str], pins: Mapping[str, str]) -> tuple[str, ...]:
    """The requirements that a set of exact versions does not meet; those of packages that it lacks are met."""
    found = []
    for requirement in requires:
        match = parted(requirement)
        if match is None:
            continue
        names = _NAMES.get(match[0], (match[0],))
        version = next((pins[name] for name in names if name in pins), "").partition("+")[0]
        if version and not allows(match[1], version):
            found.append(requirement)
    return tuple(found)


def parted(requirement: str) -> tuple[str, str] | None:
    """(name, specifier); `>=1.9.*`, which packaging refuses, is `>=1.9`."""
    match = re.fullmatch(r"([A-Za-z0-9._-]+?)((?:[<>=!~]).*)", requirement)
    return (match[1], re.sub(r"(>=?[0-9.]+)\.\*", r"\1", match[2])) if match else None


def judge_ties(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """Faults of packages against the framework that they are made for."""
    for package in environment.packages:
        if not package.exact or not package.version or package.how == "base":
            continue
        for requirement in required_by(table, package.name, package.version):
            match = parted(requirement)
            if match is not None:
                yield from _required(environment, package, *match)
        yield from _built_for(environment, package)


def _required(environment: Environment, package: Package, name: str, specifier: str) -> Iterator[CompatFault]:
    other = last(environment, *_NAMES.get(name, (name,)))
    if other is None or other.version is None or other.name == package.name:
        return
    if allows(specifier, other.version):
        return
    exact = re.fullmatch(r"===?[0-9.]+", specifier) is not None
    reason = f"{package.name} {package.version} requires {name} {specifier}"
    level: Level = "error" if exact or other.place == package.place else "warning"
    if package.bare:
        level = "warning"
        reason += ", and it is installed without its dependencies"
    elif other.how == "base":
        level = "warning"
        reason += f", and pip replaces the {other.name} {other.version} of the base image"
    yield CompatFault(
        "companion", level, f"{package.name} {package.version}", f"{other.name} {other.version}",
        f"{name} {specifier.lstrip('=') if exact else specifier}", reason, package.place,
    )  # fmt: skip


def _built_for(environment: Environment, package: Package) -> Iterator[CompatFault]:
    """A wheel whose local version names the torch, and the CUDA, that it was compiled for."""
    match = next((m for form in _BUILT if (m := re.fullmatch(form, package.local or ""))), None)
    torch = last(environment, "torch", "pytorch")
    if match is None or torch is None or torch.version is None:
        return
    one, wanted = f"{package.name} {package.version}+{package.local}", f"{match['major']}.{match['minor']}"
    if torch.version.split(".")[:2] != wanted.split("."):
        yield CompatFault(
            "companion", "error", one, f"torch {torch.version}", f"torch {wanted}",
            f"this wheel was compiled for torch {wanted}", package.place,
        )  # fmt: skip
    ours = cuda_of(variant_of(torch) or "")
    if match["cuda"] and ours and ours.split(".")[0] != match["cuda"][:2]:
        yield CompatFault(
            "variant", "warning", one, f"torch {torch.version}+{variant_of(torch)}",
            f"a build for CUDA {ours.split('.')[0]}", "both have to be built for the same CUDA", package.place,
        )  # fmt: skip
