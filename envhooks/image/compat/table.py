"""compat.toml as types: published facts about releases, with their date and sources."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from envhooks.base.dataclass import dataclass, field, field_names, replace, required_fields
from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


@dataclass(frozen=True)
class TorchRelease:
    """One release of torch, and what goes with it."""

    version: str
    torchvision: tuple[str, ...]
    torchaudio: tuple[str, ...]
    cuda_variants: tuple[str, ...]
    """Local versions of its CUDA builds that are advertised: `cu128`."""
    requires_python: str
    cuda_variants_seen: tuple[str, ...] = ()
    """Local versions of builds that are not advertised, but in use."""
    cuda_variants_absent: tuple[str, ...] = ()
    """Known not to exist; any other unlisted one is unknown."""
    pypi_cuda: str | None = None
    """The CUDA of the build on PyPI, which carries no local version."""
    cudnn: str | None = None
    rocm_release: str | None = None
    rocm_variants: tuple[str, ...] = ()
    """Local versions of its ROCm builds that are advertised, or in the index: `rocm6.4`; there may be more."""
    python_max: str | None = None


@dataclass(frozen=True)
class Tie:
    """Requirements of a companion's releases on torch, by their metadata."""

    exact_until: str
    """The last release that requires one torch exactly."""
    minimum: str | None = None
    """The torch that later releases require at least; None where their metadata names none."""


@dataclass(frozen=True)
class TensorflowLine:
    """The tested configuration of one X.Y of TensorFlow."""

    version: str
    cuda: str
    cudnn: str
    python: tuple[str, ...]
    and_cuda_runtime: str | None = None
    """The CUDA runtime that the extra `and-cuda` brings."""
    and_cuda_cudnn: str | None = None


@dataclass(frozen=True)
class JaxRelease:
    """One release of jax."""

    version: str
    jaxlib: str
    """Specifier."""
    cuda_extras: tuple[str, ...]
    requires_python: str
    jaxlib_per_extra: bool = False
    jaxlib_local: tuple[str, ...] = ()
    plugin: str | None = None
    """Specifier of jax-cudaNN-plugin and jax-cudaNN-pjrt, or `lockstep`: as jaxlib's."""
    plugin_cuda_runtime: str | None = None
    plugin_cudnn: str | None = None
    plugin_cuda13_runtime: str | None = None
    plugin_cuda13_cudnn: str | None = None


@dataclass(frozen=True)
class CudnnName:
    """Spelling of cuDNN in image tags of nvidia/cuda, for a span of CUDA releases."""

    first: str
    name: str
    last: str | None = None
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class NvidiaCuda:
    """The tags of the image nvidia/cuda."""

    tag_form: str
    versions: tuple[str, ...]
    """Versions with a cudnn-devel-ubuntu tag; tags of other forms exist for more versions."""
    cudnn_name: tuple[CudnnName, ...]
    two_numbers_gone: Mapping[str, str]
    """CUDA up to which tags with two numbers were published -> the day by which they were gone."""


@dataclass(frozen=True)
class Drivers:
    """Drivers of the node, Linux, by the CUDA or ROCm of an image."""

    minor: Mapping[str, str]
    """Major of CUDA -> the least driver by minor-version compatibility: `12` -> `525.60.13`."""
    toolkit: Mapping[str, str]
    """CUDA release -> the driver of its toolkit: `12.8.1` -> `570.124.06`."""
    require: Mapping[str, tuple[str, ...]]
    """CUDA of nvidia/cuda -> older driver branches that it lets in on data-center and workstation GPUs."""
    rocm_kernel: Mapping[str, str]
    """ROCm -> the oldest kernel-mode driver that it was tested with, by that driver's ROCm."""
    rocm_amdgpu: Mapping[str, str]
    """ROCm -> an amdgpu release that is published as compatible; the oldest one is not known."""


@dataclass(frozen=True)
class Table:
    """All of compat.toml."""

    compiled: str
    """The day on which it was compiled: 2026-11-23."""
    sources: Mapping[str, tuple[str, ...]]
    torch: Mapping[str, TorchRelease]
    ties: Mapping[str, Tie]
    tensorflow: Mapping[str, TensorflowLine]
    jax: Mapping[str, JaxRelease]
    nvidia_cuda: NvidiaCuda
    drivers: Drivers
    torch_indexes: Mapping[str, tuple[str, str]]
    """CUDA build -> (first release, last release) of torch that its index holds; an empty end is open."""
    wheeled: frozenset[str]
    """Packages of wheels.toml."""
    tied: frozenset[str]
    """Packages of which ties.toml has rows."""
    own_ties: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Package -> release -> what it requires, by the policy's rows; those of the package are in ties.toml."""


def _row(kind: type[T], values: Mapping[str, Any]) -> T:
    known = frozenset(field_names(kind))
    unknown = values.keys() - known
    if unknown:
        raise ValueError(f"compat.toml: unknown key {sorted(unknown)[0]!r} in {kind.__name__}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def read_table(data: Mapping[str, Any]) -> Table:
    """The table in what compat.toml holds.

    Raises:
        ValueError, TypeError, KeyError: it is not one. The package's own is held by a test.
    """
    image = dict(data["nvidia_cuda"])
    names = tuple(_row(CudnnName, name) for name in image.pop("cudnn_name"))
    return Table(
        compiled=data["compiled"],
        sources={name: tuple(lines) for name, lines in data["sources"].items()},
        torch={row["version"]: _row(TorchRelease, row) for row in data["torch"]},
        ties={name: _row(Tie, row) for name, row in data["companions"].items()},
        tensorflow={row["version"]: _row(TensorflowLine, row) for row in data["tensorflow"]},
        jax={row["version"]: _row(JaxRelease, row) for row in data["jax"]},
        nvidia_cuda=_row(NvidiaCuda, {**image, "cudnn_name": names}),
        drivers=_row(
            Drivers,
            {**data["drivers"], "require": {k: tuple(v) for k, v in data["drivers"]["require"].items()}},
        ),
        tied=frozenset(data["tied"]),
        wheeled=frozenset(data["wheeled"]),
        torch_indexes={name: (span[0], span[1]) for name, span in data["torch_indexes"].items()},
    )


@cache
def load_table() -> Table:
    """The table that the package carries."""
    return read_table(tomllib.loads((Path(__file__).parent / "compat.toml").read_text(encoding="utf-8")))


def release(version: str) -> str:
    """The three numbers of a final release: `2.8` -> `2.8.0`; anything else as it is."""
    parts = version.removeprefix("v").split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return version  # a pre-release or a post release is a release of its own
    while len(parts) > 3 and parts[-1].strip("0") == "":
        parts.pop()
    return ".".join([*parts, "0", "0"][: max(3, len(parts))])


def key(version: str) -> tuple[int, ...]:
    """Numbers to compare versions of the table by; what is not a number counts as 0."""
    return tuple(int(part[:9]) if part[:9].isdigit() and part.isascii() else 0 for part in version.split("."))


_KINDS: Mapping[str, type[TorchRelease] | type[TensorflowLine] | type[JaxRelease]] = {
    "torch": TorchRelease,
    "tensorflow": TensorflowLine,
    "jax": JaxRelease,
}


def extended(table: Table, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """The table with the rows of a policy: a release that is there is overridden key by key, a new one is added.

    Raises:
        PolicyError: a row has a key that its table does not know, or a new one lacks what every row has.
    """
    changed: dict[str, Any] = {}
    for name, added in rows.items():
        if name == "ties":
            changed["own_ties"] = _own_ties(added)
            continue
        kind = _KINDS[name]
        known = frozenset(field_names(kind))
        releases = dict(getattr(table, name))
        for row in added:
            version = str(row["version"])
            before = vars(releases[version]) if version in releases else {}
            needed = required_fields(kind)
            for key in sorted(row.keys() - known) or sorted(needed - before.keys() - row.keys()):
                fault = "has no" if key in known else "knows no"
                raise PolicyError(
                    f"the row for {name} {printable(version)} {fault} `{printable(key)}`",
                    place=f"[[compat.{name}]]",
                    fix=f"the keys are {', '.join(sorted(known))}",
                )
            releases[version] = _row(kind, {**before, **row})
        changed[name] = releases
    return replace(table, **changed)


_TIE_KEYS = frozenset(("package", "version", "requires"))


def _own_ties(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """`[[compat.ties]]`: package -> release -> its requirements."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows:
        package, requires = row.get("package"), row.get("requires")
        versions = row["version"] if isinstance(row["version"], list) else [row["version"]]
        if row.keys() - _TIE_KEYS or not isinstance(package, str) or not isinstance(requires, list):
            raise PolicyError(
                "a tie has a package, a version or several, and what they require",
                place="[[compat.ties]]",
                fix='package = "vllm"\nversion = ["0.33.0"]\nrequires = ["torch==2.15.0"]',
            )
        for version in versions:
            found.setdefault(package, {})[str(version)] = tuple(map(str, requires))
    return found


def published(version: str, variant: str) -> bool:
    """Whether a torch is known to be published in a build: `cu128`, `cpu`."""
    row = load_table().torch.get(release(version))
    return row is not None and (variant == "cpu" or variant in (*row.cuda_variants, *row.cuda_variants_seen))
