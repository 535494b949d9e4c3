"""Compatibility: an environment against the published facts of compat.toml -> faults.

Pure but for reading the package's own table. An unknown release is a note and never a refusal; an
unlisted build of a listed release a warning, unless it is known not to exist.
"""

from __future__ import annotations

from envhooks.base.dataclass import replace
from envhooks.catalog.lookup import PACKAGES, package_of
from envhooks.image import CompatFault, Environment, Package
from envhooks.image.compat.frameworks import judge_jax, judge_tensorflow, judge_torch
from envhooks.image.compat.images import judge_image
from envhooks.image.compat.table import Table, extended, key, load_table, release
from envhooks.policy import Policy


def _may_be_tied(package: Package, table: Table) -> bool:
    """Whether a package may say which framework it goes with: by a row, or by its local version."""
    local = package.local or ""
    return (
        package.name in table.tied or package.name in table.own_ties or "torch" in local or local[:2] == "pt"
    )


CARRIED = {packages[0]: packages for packages in PACKAGES.values()}
"""First package of a framework -> all of its packages."""
_RANK = {"error": 0, "warning": 1, "note": 2}


def judge_environment(
    environment: Environment, table: Table | None = None, day: str = ""
) -> tuple[CompatFault, ...]:
    """Pins of an environment that do not work together, errors first, then in the order of the file.

    Args:
        day: the day on which a release with it was made, `2021-06-30`; empty for one that is made now.
    """
    table = table or load_table()
    faults = [
        *judge_image(environment, table, day),
        *judge_torch(environment, table),
        *judge_tensorflow(environment, table),
        *judge_jax(environment, table),
    ]
    if any(_may_be_tied(package, table) for package in environment.packages):
        from envhooks.image.compat.ties import judge_ties  # with a table of its own, which few need

        faults += judge_ties(environment, table)
    if any(package.name in table.wheeled and package.exact for package in environment.packages):
        from envhooks.image.compat.wheels import judge_wheels

        faults += judge_wheels(environment, table)
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (_RANK[fault.level], fault.place.line or 0)))


def table_of(policy: Policy) -> Table:
    """The package's table, extended by the policy's rows.

    Raises:
        PolicyError: a row that is not valid.
    """
    table = extended(load_table(), policy.compat) if policy.compat else load_table()
    return replace(table, compiled=policy.compat_day) if policy.compat_day else table


def known(framework: str, version: str) -> tuple[dict[str, str], ...]:
    """The table's rows for a framework's version, newest first: label -> text.

    Args:
        framework: `torch`, `PyTorch`, `tensorflow`, `jax`, `nvidia/cuda` or a package that pins one, in any case.
        version: `2.8` stands for every 2.8.x; empty for all rows.
    """
    table = load_table()
    name = package_of(framework)
    wanted = version.removeprefix("v")
    rows: list[dict[str, str]] = []
    if name == "torch":
        for one in table.torch.values():
            rows.append(_row(name, one.version, {
                "torchvision": one.torchvision, "torchaudio": one.torchaudio, "CUDA builds": one.cuda_variants,
                "also seen": one.cuda_variants_seen, "known not to exist": one.cuda_variants_absent,
                "CUDA of PyPI's build": one.pypi_cuda, "cuDNN": one.cudnn, "ROCm": one.rocm_release,
                "ROCm builds": one.rocm_variants,
                "Python": _python(one.requires_python, one.python_max),
            }))  # fmt: skip
    elif name == "tensorflow":
        for line in table.tensorflow.values():
            rows.append(_row(name, line.version, {
                "CUDA": line.cuda, "cuDNN": line.cudnn, "Python": line.python,
                "CUDA of and-cuda": line.and_cuda_runtime, "cuDNN of and-cuda": line.and_cuda_cudnn,
            }))  # fmt: skip
    elif name == "jax":
        for jax in table.jax.values():
            rows.append(_row(name, jax.version, {
                "jaxlib": jax.jaxlib, "CUDA extras": jax.cuda_extras, "jaxlib builds": jax.jaxlib_local,
                "CUDA plugin": jax.plugin, "CUDA runtime": jax.plugin_cuda_runtime, "cuDNN": jax.plugin_cudnn,
                "CUDA 13 runtime": jax.plugin_cuda13_runtime, "CUDA 13 cuDNN": jax.plugin_cuda13_cudnn,
                "Python": jax.requires_python,
            }))  # fmt: skip
    elif name in ("nvidia/cuda", "cuda"):
        form = table.nvidia_cuda.tag_form
        rows = [_row("nvidia/cuda", one, {"form": form}) for one in table.nvidia_cuda.versions]
    elif name in table.wheeled or any(one in table.wheeled for one in CARRIED.get(name, ())):
        from envhooks.image.compat.wheels import load_wheels

        rows = [
            _row(name, one, {"package": package, "wheels on PyPI for Python": python})
            for package in CARRIED.get(name, (name,))
            for one, python in load_wheels().get(package, {}).items()
        ]
    else:
        from envhooks.image.compat.ties import load_ties

        rows = [
            _row(name, one, {"requires": requires}) for one, requires in load_ties().get(name, {}).items()
        ]
    label = "nvidia/cuda" if name == "cuda" else name
    fitting = [row for row in rows if _is_of(row[label], wanted)]
    return tuple(sorted(fitting, key=lambda row: key(row[label]), reverse=True))


def provenance(framework: str) -> tuple[str, ...]:
    """The day of the table and the sources of a framework's rows, one sentence each."""
    table = load_table()
    name = "nvidia_cuda" if framework.lower() in ("nvidia/cuda", "cuda") else package_of(framework)
    name = "wheels" if name in table.wheeled else name
    return (f"compiled {table.compiled}", *table.sources.get(name, table.sources["ties"]))


def _row(name: str, version: str, facts: dict[str, str | tuple[str, ...] | None]) -> dict[str, str]:
    texts = {
        label: ", ".join(fact) if isinstance(fact, tuple) else fact or "" for label, fact in facts.items()
    }
    return {name: version, **{label: text for label, text in texts.items() if text}}


def _python(specifier: str, newest: str | None) -> str:
    return f"{specifier}, up to {newest}" if newest else specifier


def _is_of(version: str, wanted: str) -> bool:
    length = len(wanted.split(".")) if wanted else 0
    ours = release(version).split(".")[:length] if version.count(".") >= 2 else version.split(".")[:length]
    return not wanted or ours == wanted.split(".")[: len(ours)]
