"""The image's side: whether a tag of nvidia/cuda can exist, and its CUDA against the wheels'."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.place import Level, Place
from envhooks.image.compat.table import CudnnName, Table, key, release
from envhooks.image.compat.torch import last, variant_of
from envhooks.image.facts import BaseImage, CompatFault, Environment

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
        fix = _retag(base, tag, good) if same else ""
        yield CompatFault("image", "error", one, "", f"{base.image}:{good}", reason, base.place, fix)
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
        yield CompatFault(
            "image", level, one, "", f"{base.image}:{good}", reason, base.place, _retag(base, tag, good)
        )


def _near(version: str, table: Table) -> str:
    minor = ".".join(version.split(".")[:2])
    same = [full for full in table.nvidia_cuda.versions if full.startswith(f"{minor}.")]
    return " or ".join(same) or f"up to {max(table.nvidia_cuda.versions, key=key)}"


def _cudnn_name(version: str, names: tuple[CudnnName, ...]) -> CudnnName | None:
    ours = key(version)[:2]
    return next((n for n in names if key(n.first) <= ours and (n.last is None or ours <= key(n.last))), None)


def _retag(base: BaseImage, old: str, new: str) -> str:
    import shlex

    pattern = f"{base.image}:{old}".replace(".", r"\.")
    script = shlex.quote(f"s#{pattern}#{base.image}:{new}#")
    return f"sed -i.bak {script} {shlex.quote(base.place.path)}"


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
