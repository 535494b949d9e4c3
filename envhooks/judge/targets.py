"""The release and the build that a move asks for, by the table of published facts, and what was published nearest."""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge
from envhooks.image import Environment
from envhooks.image.compat.family import Target
from envhooks.image.compat.frameworks import cuda_of, last, outside, variant_of
from envhooks.image.compat.table import Table, TorchRelease, key

TORCH = ("torch", "pytorch")


@dataclass(frozen=True)
class Refusal:
    """Reason why there is no such environment."""

    why: str
    nearest: tuple[str, ...]
    """Combinations that were published, the nearest first: `torch 2.6.0 for cu124`."""


def wanted_of(environment: Environment, table: Table, target: Target) -> Target | Refusal:
    """The target with its release in full."""
    if not {*target.packages}.isdisjoint(TORCH):
        return _wanted_torch(environment, table, target)
    if target.hardware:
        raise CannotJudge("only the builds of torch are known by hardware")
    if "jax" in target.packages:
        rows, name = [*table.jax], "jax"
    else:
        rows, name = [*table.tensorflow], "tensorflow"
        if "tensorflow" not in target.packages:
            raise CannotJudge("the table knows torch, tensorflow and jax")
    newest = max(rows, key=key)
    version = target.version or newest
    numbers = key(version)
    fits = [row for row in rows if key(row)[: len(numbers)] == numbers[: len(key(row))]]
    if fits:
        return replace(target, version=max(fits, key=key) if name == "jax" else version)
    if numbers > key(newest):
        raise CannotJudge(_newer(f"{name} {version}", table), fix="envhooks compat update")
    near = sorted(rows, key=lambda row: abs(_distance(row, version)))[:2]
    return Refusal(f"{name} {version} was never published", tuple(f"{name} {row}" for row in near))


def _newer(what: str, table: Table) -> str:
    return f"{what} is newer than the table of {table.compiled}"


def _wanted_torch(environment: Environment, table: Table, target: Target) -> Target | Refusal:
    build = build_of(environment, target)
    numbers = key(target.version) if target.version else ()
    fits = [row for one, row in table.torch.items() if key(one)[: len(numbers)] == numbers]
    if not fits:
        if numbers > key(max(table.torch, key=key)):
            raise CannotJudge(_newer(f"torch {target.version}", table), fix="envhooks compat update")
        near = sorted(table.torch, key=lambda one: abs(_distance(one, target.version)))[:2]
        return Refusal(f"torch {target.version} was never published", tuple(f"torch {one}" for one in near))
    with_build = [row for row in fits if not build or build in _builds(row)]
    if with_build:
        chosen = max(with_build, key=lambda row: key(row.version))
        return replace(target, version=chosen.version)
    newest = max(fits, key=lambda row: key(row.version))
    if build.startswith("rocm"):
        raise CannotJudge(
            f"the table does not say whether torch {newest.version} was published for {build}; "
            f"it was for ROCm {newest.rocm_release or 'of no version that is known'}"
        )
    if not cuda_of(build):
        return replace(target, version=newest.version)  # each release has a build for CPU
    sure = all(build in row.cuda_variants_absent or outside(build, row, table) for row in fits)
    known = any(build in row.cuda_variants for row in table.torch.values())
    if not sure and (known or not newest.cuda_variants):
        raise CannotJudge(f"the table does not say whether torch {newest.version} was published for {build}")
    return Refusal(
        f"torch {target.version or newest.version} was never published for {build}",
        tuple(_near(table, newest, build)),
    )


def _near(table: Table, row: TorchRelease, build: str) -> Iterator[str]:
    """The nearest build of the release, and the nearest release with the build."""
    builds = [one for one in row.cuda_variants if cuda_of(one)]
    if builds:
        best = min(builds, key=lambda one: abs(_distance(cuda_of(one) or "0", cuda_of(build) or "0")))
        yield f"torch {row.version} for {best}"
    with_build = [one for one in table.torch.values() if build in _builds(one)]
    if with_build:
        nearest = min(with_build, key=lambda one: abs(_distance(one.version, row.version)))
        yield f"torch {nearest.version} for {build}"


def _builds(row: TorchRelease) -> tuple[str, ...]:
    own = "cu" + row.pypi_cuda.replace(".", "") if row.pypi_cuda else ""
    rocm = f"rocm{row.rocm_release}" if row.rocm_release else ""
    return tuple(filter(None, (*row.cuda_variants, *row.cuda_variants_seen, *row.rocm_variants, own, rocm)))


def build_of(environment: Environment, target: Target) -> str:
    """`cu130`, `cpu`, `rocm6.4`: the one that is asked for, else the one that stands there; empty for PyPI's own."""
    if target.hardware == "CUDA":
        return "cu" + "".join(target.hardware_version.split(".")[:2])
    if target.hardware:
        return f"{target.hardware.lower()}{target.hardware_version}"
    torch = last(environment, *TORCH)
    if torch is not None and torch.how == "base":
        cuda = next((one.version for one in environment.hardware if one.kind == "CUDA" and one.version), "")
        return "cu" + "".join(cuda.split(".")[:2]) if cuda else ""
    wheel = next(
        (one.version for one in environment.hardware if one.source == "wheel" and one.kind == "CUDA"), None
    )
    # of `--torch-backend=cu128`, which no version of a package carries
    by_wheel = "cu" + "".join(wheel.split(".")[:2]) if wheel and "." in wheel else ""
    return (variant_of(torch) or by_wheel) if torch is not None else ""


def _distance(one: str, other: str) -> int:
    ours, theirs = ((*key(text), 0, 0, 0)[:3] for text in (one, other))
    return sum(
        (our - their) * weight for our, their, weight in zip(ours, theirs, (1_000_000, 1_000, 1), strict=True)
    )
