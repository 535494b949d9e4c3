"""Compatibility: an environment against the published facts of compat.toml -> faults.

Pure but for reading the package's own table. An unknown release is a note and never a refusal; an
unlisted build of a listed release a warning, unless it is known not to exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.dataclass import replace
from envhooks.base.place import Level, Place
from envhooks.catalog.lookup import package_of
from envhooks.image import BaseImage, CompatFault, Environment
from envhooks.image.compat.frameworks import judge_jax, judge_tensorflow, judge_torch, last, variant_of
from envhooks.image.compat.table import CudnnName, Table, extended, key, load_table, release
from envhooks.policy import Policy

_TAG = (
    r"(?a)(?P<version>[0-9]{1,3}(?:\.[0-9]{1,3}){1,3})(?:-(?P<cudnn>cudnn[0-9]*))?(?:-(?P<flavour>base|runtime|devel))?"
    r"(?P<os>-[A-Za-z][A-Za-z0-9.]*)?"
)


def judge_image(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """Faults of the base image by itself, then against what is installed on it."""
    base = environment.base
    if base is not None and base.tag and not base.digest and _is_nvidia_cuda(base.image):
        yield from _tag(base, base.tag, table)
    yield from _against_wheels(environment, table)


def _is_nvidia_cuda(image: str) -> bool:
    return image == "nvidia/cuda" or image.endswith("/nvidia/cuda")


def _tag(base: BaseImage, tag: str, table: Table) -> Iterator[CompatFault]:
    facts = table.nvidia_cuda
    one = f"{base.image}:{tag}"
    match = re.fullmatch(_TAG, tag)
    if match is None:
        return  # `latest` and other names: not pinned, which is another check's business
    version = match["version"]
    if version.count(".") == 1:
        same = [full for full in facts.versions if full.startswith(f"{version}.")]
        good = tag.replace(version, same[-1], 1) if same else f"{version}.<patch>{tag[len(version) :]}"
        reason = f"tags of nvidia/cuda have the form {facts.tag_form}; those with two numbers do not exist any more"
        yield CompatFault("image", "error", one, "", f"{base.image}:{good}", reason, base.place)
    elif release(version) not in facts.versions:
        reason = (
            f"the list of {table.compiled} has no cudnn-devel-ubuntu tag for CUDA {version}; others may exist"
        )
        yield CompatFault("unknown", "note", one, "", f"CUDA {_near(version, table)}", reason, base.place)
    name = _cudnn_name(version, facts.cudnn_name)
    if name is not None and match["cudnn"] and match["cudnn"] != name.name:
        good = tag.replace(f"-{match['cudnn']}", f"-{name.name}", 1)
        level: Level = "error" if match["cudnn"] in name.absent else "warning"
        reason = f"tags of nvidia/cuda for CUDA {version} say {name.name}, not {match['cudnn']}"
        yield CompatFault("image", level, one, "", f"{base.image}:{good}", reason, base.place)


def _near(version: str, table: Table) -> str:
    minor = ".".join(version.split(".")[:2])
    same = [full for full in table.nvidia_cuda.versions if full.startswith(f"{minor}.")]
    return " or ".join(same) or f"up to {max(table.nvidia_cuda.versions, key=key)}"


def _cudnn_name(version: str, names: tuple[CudnnName, ...]) -> CudnnName | None:
    ours = key(version)[:2]
    return next((n for n in names if key(n.first) <= ours and (n.last is None or ours <= key(n.last))), None)


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


def _against_wheels(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """Equal is good, a newer image of the same major a note, an older one or another major a warning.

    None is an error: a wheel may carry its own runtime, and some images differ on purpose.
    """
    image = next(
        (h for h in environment.hardware if h.source == "base" and h.kind == "CUDA" and h.version), None
    )
    if image is None or image.version is None:
        return
    seen = set()
    for what, cuda, place in cuda_of_wheels(environment, table):
        length = min(2, len(key(cuda)))
        ours, theirs = key(image.version)[:length], key(cuda)[:length]
        if ours == theirs or cuda in seen:
            continue
        seen.add(cuda)
        level: Level = "note" if ours[0] == theirs[0] and ours > theirs else "warning"
        if ours[0] != theirs[0]:
            reason = "the majors differ, and only a wheel that carries its own runtime can work"
        elif ours < theirs:
            reason = "the image's CUDA is older than the wheel's"
        else:
            reason = "the image's CUDA is newer, of the same major: it works"
        yield CompatFault(
            "image-cuda", level, f"{what} (CUDA {cuda})", f"the image's CUDA {image.version}",
            f"CUDA {cuda} in both", reason, place,
        )  # fmt: skip


_RANK = {"error": 0, "warning": 1, "note": 2}


def judge_environment(environment: Environment, table: Table | None = None) -> tuple[CompatFault, ...]:
    """What in an environment does not go together, errors first, then in the order of the file."""
    table = table or load_table()
    faults = [
        *judge_image(environment, table),
        *judge_torch(environment, table),
        *judge_tensorflow(environment, table),
        *judge_jax(environment, table),
    ]
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (_RANK[fault.level], fault.place.line or 0)))


def table_of(policy: Policy) -> Table:
    """The package's table, extended by the policy's rows.

    Raises:
        PolicyError: a row that cannot be meant.
    """
    table = extended(load_table(), policy.compat) if policy.compat else load_table()
    return replace(table, compiled=policy.compat_day) if policy.compat_day else table


def known(framework: str, version: str) -> tuple[dict[str, str], ...]:
    """The table's rows for a framework's version, newest first: label -> text.

    Args:
        framework: `torch`, `PyTorch`, `tensorflow`, `jax` or `nvidia/cuda`, in any case.
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
    label = "nvidia/cuda" if name == "cuda" else name
    fitting = [row for row in rows if _is_of(row[label], wanted)]
    return tuple(sorted(fitting, key=lambda row: key(row[label]), reverse=True))


def provenance(framework: str) -> tuple[str, ...]:
    """The day of the table and the sources of a framework's rows, one sentence each."""
    table = load_table()
    name = "nvidia_cuda" if framework.lower() in ("nvidia/cuda", "cuda") else package_of(framework)
    return (f"compiled {table.compiled}", *table.sources.get(name, ()))


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
