"""What does not go together around TensorFlow and JAX."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.place import Level
from envhooks.image.compat.table import JaxRelease, Table, TensorflowLine, key, release
from envhooks.image.compat.torch import last
from envhooks.image.facts import CompatFault, Environment, Package
from envhooks.image.requirements.versions import allows, substitute

_TENSORFLOW = ("tensorflow", "tensorflow-gpu", "tensorflow-cpu")


def judge_tensorflow(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """TensorFlow's tested configurations: Python and cuDNN. CUDA is the image's business."""
    package = last(environment, *_TENSORFLOW)
    if package is None or package.version is None or package.how == "base":
        return
    row = table.tensorflow.get(".".join(release(package.version).split(".")[:2]))
    one = f"{package.name} {package.version}"
    if row is None:
        yield _unknown(package, max(table.tensorflow, key=key), table)
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


def _unknown(package: Package, newest: str, table: Table) -> CompatFault:
    return CompatFault(
        "unknown", "note", f"{package.name} {package.version}", "", f"a release up to {newest}",
        f"the table of {table.compiled} does not list it, so nothing is known of what goes with it", package.place,
    )  # fmt: skip


def judge_jax(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """jax against jaxlib, the CUDA plugins and Python."""
    jax = last(environment, "jax")
    if jax is None or jax.version is None or jax.how == "base":
        return
    row = table.jax.get(release(jax.version))
    if row is None:
        yield _unknown(jax, max(table.jax, key=key), table)
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
    newest = re.split("[=]", row.jaxlib)[-1]
    if not allows(row.jaxlib, jaxlib.version or ""):
        where = "its extras require" if row.jaxlib_per_extra else "it requires"
        reason = f"jax {row.version} goes with jaxlib {row.jaxlib}: {where} it"
        if not row.jaxlib_per_extra:
            reason = f"jax {row.version} requires jaxlib {row.jaxlib}"
        level: Level = "warning" if row.jaxlib_per_extra else "error"
        fix = substitute(jaxlib, newest)
        yield CompatFault("companion", level, one, other, f"jaxlib {row.jaxlib}", reason, jaxlib.place, fix)
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
        fix = substitute(plugin, re.split("[=]", specifier)[-1])
        expected = f"{plugin.name} {specifier}"
        yield CompatFault("companion", "error", one, other, expected, reason, plugin.place, fix)
