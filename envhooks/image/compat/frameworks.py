"""Compatibility of frameworks: PyTorch and its companions, TensorFlow, JAX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envhooks.base.dataclass import replace
from envhooks.base.place import Level, Place
from envhooks.image import CompatFault, Environment, Package
from envhooks.image.compat.table import JaxRelease, Table, TensorflowLine, TorchRelease, key, release
from envhooks.image.requirements.versions import allows

_VARIANT = r"(?a)/(cu[0-9]{2,4}|rocm[0-9]+(?:\.[0-9]+)*|cpu|xpu)(?:/[^/]*)?/?\Z"
COMPANIONS = ("torchvision", "torchaudio")


def last(environment: Environment, *names: str) -> Package | None:
    """The one of these packages that the last install leaves, where its release is told.

    One that another package replaces is told as it stands: the fault lies between the two.
    """
    found = environment.find(*names)
    told = (found[-1].release or found[-1].replaced) if found else None
    if not told:
        return None
    return found[-1] if found[-1].exact else replace(found[-1], version=told, exact=True)


def variant_of(package: Package) -> str | None:
    """`cu128`, `rocm6.4`, `cpu`: by the local version, else by the index; None for PyPI's own build."""
    if package.local:
        return package.local
    match = re.search(_VARIANT, package.index)
    return match.group(1) if match else None


def cuda_of(variant: str) -> str | None:
    """`cu118` -> `11.8`."""
    match = re.fullmatch(r"cu([0-9]{1,2})([0-9])", variant, re.ASCII)
    return f"{match.group(1)}.{match.group(2)}" if match else None


def cuda_of_wheels(environment: Environment, table: Table) -> Iterator[tuple[str, str, Place]]:
    """(what, its CUDA, place) of everything installed that is built for one CUDA."""
    torch = last(environment, "torch")
    row = table.torch.get(release(torch.version)) if torch and torch.version else None
    stated = [
        one for one in environment.hardware if one.source == "wheel" and one.kind == "CUDA" and one.version
    ]
    if stated:
        for one in stated:
            yield f"the wheel for CUDA {one.version}", one.version or "", one.place
    elif torch and row and row.pypi_cuda and variant_of(torch) is None and torch.how not in ("base", "conda"):
        yield f"torch {torch.version} as PyPI has it", row.pypi_cuda, torch.place
    tensorflow = last(environment, "tensorflow", "tensorflow-gpu")
    if tensorflow and tensorflow.version and tensorflow.how != "base":
        line = table.tensorflow.get(".".join(release(tensorflow.version).split(".")[:2]))
        if line is not None:
            yield f"{tensorflow.name} {tensorflow.version}", line.cuda, tensorflow.place


def judge_torch(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """Every fault around torch; nothing where its version is not exact."""
    torch = last(environment, "torch") or last(environment, "pytorch")
    if torch is None or torch.version is None:
        return
    row = table.torch.get(release(torch.version))
    if row is None and torch.how != "base":
        yield _unknown(torch, table)
    for name in COMPANIONS:
        companion = last(environment, name)
        if companion is not None:
            yield from _companion(torch, row, companion, table)
            yield from _same_build(torch, companion)
    if row is not None:
        if torch.name == "torch":
            yield from _variant(environment, torch, row, table)
        yield from _python(environment, torch, row)


def _unknown(torch: Package, table: Table) -> CompatFault:
    oldest, *_, newest = sorted(table.torch, key=key)
    return CompatFault(
        "unknown", "note", f"torch {torch.version}", "", f"a release from torch {oldest} to {newest}",
        f"the table of {table.compiled} does not list it: `envhooks compat update` asks the package index", torch.place,
    )  # fmt: skip


def _companion(
    torch: Package, row: TorchRelease | None, companion: Package, table: Table
) -> Iterator[CompatFault]:
    """A companion's release against the torch that its own metadata asks for."""
    name, version, ours = companion.name, release(companion.version or ""), release(torch.version or "")
    listed = getattr(row, name) if row is not None else ()
    if version in listed:
        return
    tie = table.ties[name]
    wanted = [one.version for one in table.torch.values() if version in getattr(one, name)]
    exact = wanted and key(version) <= key(tie.exact_until)
    one, other = f"{name} {companion.version}", f"torch {torch.version}"
    newest = max((v for one in table.torch.values() for v in getattr(one, name)), key=key)
    expected = f"a release up to {name} {newest}"
    if listed or wanted:
        expected = f"{name} {' or '.join(listed)}" if listed else f"torch {' or '.join(wanted)}"
    if exact:
        reason = f"{name} {version} requires torch {' or '.join(wanted)}"
        yield CompatFault("companion", "error", one, other, expected, reason, companion.place)
    elif wanted and tie.minimum and key(ours) < key(tie.minimum):
        reason = f"{name} {version} requires torch {tie.minimum} or newer"
        yield CompatFault("companion", "error", one, other, expected, reason, companion.place)
    elif wanted and row is not None:
        reason = (
            f"{name} {version} was released for torch {' and '.join(wanted)}; its metadata does not say so"
        )
        yield CompatFault("companion", "warning", one, other, expected, reason, companion.place)
    elif not wanted:
        reason = f"the table of {table.compiled} lists no {name} {version}"
        yield CompatFault("unknown", "note", one, other, expected, reason, companion.place)


def _same_build(torch: Package, companion: Package) -> Iterator[CompatFault]:
    # `rocm6.4.4.git2feede28`: each project's own commit, behind the hardware that both are for.
    ours, theirs = (re.sub(r"\.git[0-9a-f]+\Z", "", variant_of(one) or "") for one in (torch, companion))
    if torch.how == "base" or not ours or not theirs or ours == theirs:
        return
    yield CompatFault(
        "variant", "warning", f"{companion.name} {companion.version}+{theirs}", f"torch {torch.version}+{ours}",
        f"{companion.name} {companion.version}+{ours}", "both have to be built for the same hardware",
        companion.place,
    )  # fmt: skip


def _variant(
    environment: Environment, torch: Package, row: TorchRelease, table: Table
) -> Iterator[CompatFault]:
    """Faults of the build that is asked for, by the published ones."""
    variant = variant_of(torch)
    if (
        variant is None
        or torch.how == "base"
        or variant in (*row.cuda_variants, *row.cuda_variants_seen, *row.rocm_variants)
    ):
        return
    one = f"torch {torch.version}+{variant}"
    if cuda_of(variant):
        span = outside(variant, row, table)
        absent = variant in row.cuda_variants_absent or bool(span)
        if not absent and not row.cuda_variants:
            return
        builds = ", ".join((*row.cuda_variants, *row.cuda_variants_seen))
        reason = (
            f"torch {row.version} was published for {builds}: there is no {variant} wheel{span}"
            if absent
            else f"torch {row.version} is advertised for {builds}; a {variant} wheel is not known"
        )
        level: Level = "error" if absent and not _is_elsewhere(torch) else "warning"
        builds_that_go = (
            [f"torch {torch.version}+{best_variant(environment, row)}"] if row.cuda_variants else []
        )
        other = [v for v, r in table.torch.items() if variant in r.cuda_variants]
        older = [v for v in other if key(v) < key(row.version)]
        if other:
            builds_that_go.append(f"torch {max(older, key=key) if older else min(other, key=key)}+{variant}")
        yield CompatFault("variant", level, one, "", ", or ".join(builds_that_go), reason, torch.place)
    elif variant.startswith("rocm") and row.rocm_release and _is_of_pytorch(torch, variant, row.rocm_release):
        expected = f"torch {torch.version}+rocm{row.rocm_release}"
        reason = f"torch {row.version} was released for ROCm {row.rocm_release}"
        yield CompatFault("variant", "warning", one, "", expected, reason, torch.place)


def outside(variant: str, row: TorchRelease, table: Table) -> str:
    """Reason why an index surely has no build of this release; empty where it may have one."""
    first, last = table.torch_indexes.get(variant, ("", ""))
    if first and key(row.version) < key(first):
        return f", its index begins with torch {first}"
    if last and key(row.version) > key(last):
        return f", its index ends with torch {last}"
    return ""


def _is_elsewhere(torch: Package) -> bool:
    """Whether a build may be another publisher's: a wheel by its URL, or from an index that is not one of PyTorch's."""
    if not torch.specifier:
        return True
    return bool(torch.index) and not re.search(_VARIANT + r"|pytorch\.org", torch.index)


def _is_of_pytorch(torch: Package, variant: str, released: str) -> bool:
    """Whether a ROCm build is one of PyTorch's own, and of another ROCm than the release's.

    AMD builds torch as well, for every ROCm: with a commit in the local version, or on an index of its own.
    """
    if not re.fullmatch(r"(?a)rocm[0-9.]+", variant) or _is_elsewhere(torch):
        return False
    ours, theirs = variant.removeprefix("rocm").split("."), released.split(".")
    return ours[:2] != theirs[:2]


def best_variant(environment: Environment, row: TorchRelease) -> str:
    """The build nearest to the image's CUDA: the newest of its major that is no newer, else PyPI's."""
    image = next((h.version for h in environment.hardware if h.source == "base" and h.version), None)
    builds = {variant: key(cuda_of(variant) or "0") for variant in row.cuda_variants}
    if image is not None:
        fitting = [v for v, cuda in builds.items() if cuda[0] == key(image)[0] and cuda <= key(image)]
        if fitting:
            return max(fitting, key=lambda variant: builds[variant])
    pypi = "cu" + (row.pypi_cuda or "").replace(".", "")
    return pypi if pypi in builds else row.cuda_variants[-1]


def _python(environment: Environment, torch: Package, row: TorchRelease) -> Iterator[CompatFault]:
    python = environment.python
    if python is None:
        return
    one, other = f"torch {torch.version}", f"Python {python}"
    if not allows(row.requires_python, python):
        reason = f"torch {row.version} requires Python {row.requires_python}"
        yield CompatFault("python", "error", one, other, f"Python {row.requires_python}", reason, torch.place)
    elif row.python_max and key(python)[:2] > key(row.python_max):
        reason = f"torch {row.version} was released for Python up to {row.python_max}"
        yield CompatFault("python", "warning", one, other, f"Python {row.python_max}", reason, torch.place)


_TENSORFLOW = ("tensorflow", "tensorflow-gpu", "tensorflow-cpu")


def judge_tensorflow(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """TensorFlow's tested configurations: Python and cuDNN. CUDA is checked with the image."""
    package = last(environment, *_TENSORFLOW)
    if package is None or package.version is None or package.how == "base":
        return
    row = table.tensorflow.get(".".join(release(package.version).split(".")[:2]))
    one = f"{package.name} {package.version}"
    if row is None:
        yield _unknown_release(package, table.tensorflow, table)
        return
    python = environment.python
    if python is not None and ".".join(python.split(".")[:2]) not in row.python:
        reason = f"TensorFlow {row.version} was tested with Python {', '.join(row.python)}"
        expected = f"Python {row.python[-1]}"
        yield CompatFault("python", "warning", one, f"Python {python}", expected, reason, package.place)
    yield from _cudnn(environment, package, row)


def _cudnn(environment: Environment, package: Package, row: TensorflowLine) -> Iterator[CompatFault]:
    base = environment.base
    match = re.search(r"-cudnn([0-9]+)(?:-|\Z)", base.tag or "", re.ASCII) if base else None
    if base is None or match is None or package.name == "tensorflow-cpu":
        return
    major = row.cudnn.split(".")[0]
    if match.group(1) != major:
        brought = " unless its extra and-cuda brings its own" if row.and_cuda_cudnn else ""
        reason = f"TensorFlow {row.version} is built for cuDNN {row.cudnn}{brought}"
        yield CompatFault(
            "runtime", "warning", f"{package.name} {package.version}", f"the image's cuDNN {match.group(1)}",
            f"an image with cuDNN {major}", reason, base.place,
        )  # fmt: skip


def _unknown_release(package: Package, known: Iterable[str], table: Table) -> CompatFault:
    oldest, *_, newest = sorted(known, key=key)
    return CompatFault(
        "unknown", "note", f"{package.name} {package.version}", "", f"a release from {oldest} to {newest}",
        f"the table of {table.compiled} does not list it: `envhooks compat update` asks the package index",
        package.place,
    )  # fmt: skip


def judge_jax(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """jax against jaxlib, the CUDA plugins and Python."""
    jax = last(environment, "jax")
    if jax is None or jax.version is None or jax.how == "base":
        return
    row = table.jax.get(release(jax.version))
    if row is None:
        yield _unknown_release(jax, table.jax, table)
        return
    jaxlib = last(environment, "jaxlib")
    if jaxlib is not None:
        yield from _jaxlib(jax, row, jaxlib)
    for package in environment.packages:
        match = re.fullmatch(r"jax-cuda([0-9]{2})-(?:plugin|pjrt)", package.name, re.ASCII)
        if match and package.exact and package.version:
            yield from _plugin(jax, row, package, match.group(1))
    if environment.python is not None and not allows(row.requires_python, environment.python):
        reason = f"jax {row.version} requires Python {row.requires_python}"
        yield CompatFault(
            "python", "error", f"jax {jax.version}", f"Python {environment.python}",
            f"Python {row.requires_python}", reason, jax.place,
        )  # fmt: skip


def _jaxlib(jax: Package, row: JaxRelease, jaxlib: Package) -> Iterator[CompatFault]:
    one, other = f"jaxlib {jaxlib.version}", f"jax {jax.version}"
    if not allows(row.jaxlib, jaxlib.version or ""):
        where = "its extras require" if row.jaxlib_per_extra else "it requires"
        reason = f"jax {row.version} goes with jaxlib {row.jaxlib}: {where} it"
        if not row.jaxlib_per_extra:
            reason = f"jax {row.version} requires jaxlib {row.jaxlib}"
        level: Level = "warning" if row.jaxlib_per_extra else "error"
        yield CompatFault("companion", level, one, other, f"jaxlib {row.jaxlib}", reason, jaxlib.place)
    elif jaxlib.local and row.jaxlib_local and f"{jaxlib.version}+{jaxlib.local}" not in row.jaxlib_local:
        builds = ", ".join(row.jaxlib_local)
        reason = f"jaxlib for jax {row.version} was published as {builds}"
        yield CompatFault("variant", "warning", f"{one}+{jaxlib.local}", "", builds, reason, jaxlib.place)


def _plugin(jax: Package, row: JaxRelease, plugin: Package, major: str) -> Iterator[CompatFault]:
    one, other = f"{plugin.name} {plugin.version}", f"jax {jax.version}"
    specifier = row.jaxlib if row.plugin == "lockstep" else row.plugin
    if not any(extra.startswith(f"cuda{major}") for extra in row.cuda_extras):
        extras = ", ".join(row.cuda_extras)
        reason = f"jax {row.version} has no extra for CUDA {major}, only {extras}"
        yield CompatFault("variant", "warning", one, other, extras, reason, plugin.place)
    elif specifier and not allows(specifier, plugin.version or ""):
        reason = f"jax {row.version} goes with {plugin.name} {specifier}"
        expected = f"{plugin.name} {specifier}"
        yield CompatFault("companion", "error", one, other, expected, reason, plugin.place)
