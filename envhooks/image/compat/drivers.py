"""The least driver of the node that an environment starts with, by published fact.

Two things ask for a driver: the base image, which the container runtime holds to NVIDIA_REQUIRE_CUDA before anything
starts, and what is installed, which finds no GPU where the driver is too old for its CUDA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envhooks.base.dataclass import dataclass
from envhooks.base.place import Place
from envhooks.image import Environment
from envhooks.image.compat.frameworks import cuda_of_wheels
from envhooks.image.compat.table import Drivers, Table, key, load_table

_DRIVER = r"(?a)[0-9]{2,4}(?:\.[0-9]{1,4}){0,3}"
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
"""Values of NVIDIA_DISABLE_REQUIRE that the container runtime takes for true."""
_CONSTRAINT = r"(?a)(cuda|driver|brand|arch)(=|!=|<=|>=|<|>)([0-9A-Za-z.-]{1,40})"


@dataclass(frozen=True)
class DriverNeed:
    """One part of an environment that asks for a driver of the node."""

    source: str
    """`base` or `wheel`."""
    what: str
    """The base image, or the package: `nvidia/cuda:12.8.1-base-ubuntu22.04`, `torch 2.8.0+cu128`."""
    kind: str
    """`CUDA` or `ROCm`."""
    version: str
    """The version of CUDA or ROCm: `12.8`, `12` where no more is stated."""
    least: str | None
    """The least driver with which it starts; None where no published fact says so."""
    full: str | None
    """The driver of its own toolkit, with which everything in it works; None where that is not known."""
    branches: tuple[str, ...]
    """Older driver branches that the base lets in on data-center and workstation GPUs."""
    place: Place
    at_start: bool = False
    """Whether the container runtime holds the node to it before anything starts, by NVIDIA_REQUIRE_CUDA."""


@dataclass(frozen=True)
class DriverVerdict:
    """Whether one driver is enough for one part."""

    need: DriverNeed
    answer: str
    """`yes`, `minor` (by minor-version compatibility only), `branch` (on data-center GPUs only), `no` or `unknown`."""


def driver_needs(environment: Environment, table: Table | None = None) -> tuple[DriverNeed, ...]:
    """The parts of an environment that ask for a driver; empty where nothing is built for NVIDIA or AMD."""
    table = table or load_table()
    needs = (
        *_of_base(environment, table.drivers),
        *_of_variables(environment, table.drivers),
        *_of_wheels(environment, table),
    )
    return tuple(dict.fromkeys(needs))


def least_driver(needs: tuple[DriverNeed, ...]) -> str | None:
    """The least driver that is enough for all parts; None where one of them is not known, or there is none."""
    least = [need.least for need in needs if need.kind == "CUDA"]
    if not least or None in least:
        return None
    return max((text for text in least if text), key=key)


def full_driver(needs: tuple[DriverNeed, ...]) -> str | None:
    """The least driver with which no part depends on minor-version compatibility; None where that is not known."""
    full = [need.full for need in needs if need.kind == "CUDA"]
    if not full or None in full:
        return None
    return max((text for text in full if text), key=key)


def is_driver(text: str) -> bool:
    """Whether a text is a driver's version: `570`, `570.195`, `570.124.06`."""
    return re.fullmatch(_DRIVER, text) is not None


def judge_driver(need: DriverNeed, have: str) -> DriverVerdict:
    """Whether a driver is enough for one part. A branch (`570`) counts as its oldest release."""
    if need.kind != "CUDA" or need.least is None:
        return DriverVerdict(need, "unknown")
    ours = key(have)
    if ours >= key(need.least):
        enough = need.full is not None and ours >= key(need.full)
        return DriverVerdict(need, "yes" if enough or need.at_start else "minor")
    return DriverVerdict(need, "branch" if have.split(".")[0] in need.branches else "no")


def _of_base(environment: Environment, drivers: Drivers) -> Iterator[DriverNeed]:
    base = environment.base
    if base is None:
        return
    name = base.image + (f":{base.tag}" if base.tag else "")
    runtime = dict(environment.runtime)
    # whoever sets the variable anew replaces the base image's
    starts_by_base = "NVIDIA_REQUIRE_CUDA" not in runtime and not _is_disabled(runtime)
    for one in environment.hardware:
        if one.source != "base" or one.kind not in ("CUDA", "ROCm") or not one.version:
            continue
        if one.kind == "ROCm":
            yield _rocm("base", name, one.version, one.place, drivers)
        elif _last_parts(base.image) == "nvidia/cuda" and starts_by_base:
            full = toolkit_driver(one.version, drivers)
            minor = ".".join(one.version.split(".")[:2])
            branches = drivers.require.get(minor, ())
            # NVIDIA_REQUIRE_CUDA names the CUDA of the driver itself: the branch of that CUDA, or a newer one
            least = full.split(".")[0] if full else None
            yield DriverNeed("base", name, "CUDA", one.version, least, full, branches, one.place, True)
        else:
            yield _cuda("base", name, one.version, one.place, drivers)


def _is_disabled(runtime: Mapping[str, str | None]) -> bool:
    return runtime.get("NVIDIA_DISABLE_REQUIRE", "") in _TRUE


def _of_variables(environment: Environment, drivers: Drivers) -> Iterator[DriverNeed]:
    """The conditions that the Dockerfile itself sets: NVIDIA_REQUIRE_CUDA and others of its kind."""
    runtime = dict(environment.runtime)
    if environment.base is None or _is_disabled(runtime):
        return
    for name, value in runtime.items():
        if name == "NVIDIA_DISABLE_REQUIRE" or value == "":
            continue
        least, branches, version = _required(value or "", drivers)
        place = environment.base.place
        yield DriverNeed(
            "base", f"{name} of the Dockerfile", "CUDA", version, least, least, branches, place, True
        )


def _required(text: str, drivers: Drivers) -> tuple[str | None, tuple[str, ...], str]:
    """(least driver, branches for some GPUs, CUDA) of `cuda>=12.8 brand=tesla,driver>=535,driver<536`.

    A space stands for "or", a comma for "and". None where a part is not understood, or every part is of some GPUs only.
    """
    least: list[str] = []
    branches: list[str] = []
    version = ""
    for alternative in text.split():
        parts = [re.fullmatch(_CONSTRAINT, part) for part in alternative.split(",")]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None, (), version
        asked = []
        for part in known:
            if part[1] == "cuda" and part[2] in (">=", "="):
                version = version or part[3]
                toolkit = toolkit_driver(part[3], drivers)
                asked.append(toolkit.split(".")[0] if toolkit else "")
            elif part[1] == "driver" and part[2] in (">=", "="):
                asked.append(part[3])
        for_some = any(part[1] in ("brand", "arch") or part[2] in ("<", "<=", "!=", "=") for part in known)
        if for_some:
            branches += [one.split(".")[0] for one in asked if one]
        elif not asked or "" in asked or not all(map(is_driver, asked)):
            return None, (), version
        else:
            least.append(max(asked, key=key))
    return (min(least, key=key) if least else None), tuple(dict.fromkeys(branches)), version


def _of_wheels(environment: Environment, table: Table) -> Iterator[DriverNeed]:
    seen = set()
    for what, cuda, place in cuda_of_wheels(environment, table):
        if cuda not in seen:
            seen.add(cuda)
            yield _cuda("wheel", _package_at(environment, place) or what, cuda, place, table.drivers)
    for one in environment.hardware:
        if one.source == "wheel" and one.kind == "ROCm" and one.version:
            yield _rocm("wheel", f"the wheel for ROCm {one.version}", one.version, one.place, table.drivers)


def _package_at(environment: Environment, place: Place) -> str:
    """The first package of a place whose local version or index says for which CUDA it is built."""
    for one in environment.packages:
        if one.place == place and one.exact and (one.local or one.index):
            return f"{one.name} {one.version}" + (f"+{one.local}" if one.local else "")
    return ""


def _cuda(source: str, what: str, version: str, place: Place, drivers: Drivers) -> DriverNeed:
    major = version.split(".")[0]
    full = toolkit_driver(version, drivers)
    # before CUDA 11 there was no minor-version compatibility
    least = drivers.minor.get(major) or (full if key(version) < (11,) else None)
    return DriverNeed(source, what, "CUDA", version, least, full, (), place)


def _rocm(source: str, what: str, version: str, place: Place, drivers: Drivers) -> DriverNeed:
    minor = ".".join(version.split(".")[:2])
    return DriverNeed(
        source,
        what,
        "ROCm",
        version,
        drivers.rocm_kernel.get(minor),
        drivers.rocm_amdgpu.get(minor),
        (),
        place,
    )


def wheel_driver(environment: Environment, image: str, cuda: str, table: Table) -> tuple[str, str]:
    """(driver that the base image starts with, least one that a wheel for a CUDA runs with); empty: not known."""
    base = environment.base
    if base is None or _last_parts(base.image) != "nvidia/cuda":
        return "", ""
    full = toolkit_driver(image, table.drivers)
    need = _cuda("wheel", "", cuda, base.place, table.drivers)
    return (full.split(".")[0] if full else ""), need.least or ""


def toolkit_driver(version: str, drivers: Drivers) -> str | None:
    """The driver of a CUDA toolkit: `12.8.1`, or the first release of `12.8`; None where none is listed."""
    if version in drivers.toolkit:
        return drivers.toolkit[version]
    if version.count(".") < 1:
        return None
    wanted = key(version)[:2]
    rows = [one for one in drivers.toolkit if key(one)[:2] == wanted]
    known = [one for one in rows if key(one) <= key(version)] or rows
    return drivers.toolkit[(max if version.count(".") > 1 else min)(known, key=key)] if known else None


def _last_parts(image: str) -> str:
    return "/".join(image.split("/")[-2:])
