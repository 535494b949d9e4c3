"""Compatibility of the base image: its tag, its CUDA and the driver that it lets in, against what is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.place import Level
from envhooks.image import BaseImage, CompatFault, Environment
from envhooks.image.compat.frameworks import cuda_of_wheels, last
from envhooks.image.compat.table import CudnnName, Table, key, release

_TAG = (
    r"(?a)(?P<version>[0-9]{1,3}(?:\.[0-9]{1,3}){1,3})(?:-(?P<cudnn>cudnn[0-9]*))?(?:-(?P<flavour>base|runtime|devel))?"
    r"(?P<os>-[A-Za-z][A-Za-z0-9.]*)?"
)


def judge_image(environment: Environment, table: Table, day: str = "") -> Iterator[CompatFault]:
    """Faults of the base image by itself, then against what is installed on it."""
    base = environment.base
    if base is not None and base.tag and not base.digest and _is_nvidia_cuda(base.image):
        yield from _tag(base, base.tag, table, day)
    yield from _against_wheels(environment, table)


def _is_nvidia_cuda(image: str) -> bool:
    return image == "nvidia/cuda" or image.endswith("/nvidia/cuda")


def _tag(base: BaseImage, tag: str, table: Table, day: str) -> Iterator[CompatFault]:
    facts = table.nvidia_cuda
    one = f"{base.image}:{tag}"
    match = re.fullmatch(_TAG, tag)
    if match is None:
        return  # `latest` and other names: not pinned, which another check judges
    version = match["version"]
    if version.count(".") == 1:
        yield _two_numbers(base, tag, version, table, day)
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


def _two_numbers(base: BaseImage, tag: str, version: str, table: Table, day: str) -> CompatFault:
    """A tag that cannot be pulled any more; no fault where it could be pulled when the release was made."""
    facts = table.nvidia_cuda
    same = [full for full in facts.versions if full.startswith(f"{version}.")]
    oldest = min(facts.versions, key=key)
    if same or key(version) > key(oldest):
        good = f"{base.image}:{tag.replace(version, same[-1] if same else f'{version}.<patch>', 1)}"
    else:
        good = f"CUDA {oldest} or newer"
    gone = next((last for last in sorted(facts.two_numbers_gone, key=key) if key(version) <= key(last)), "")
    level: Level = "error"
    if not gone:
        reason = (
            f"tags of nvidia/cuda have the form {facts.tag_form}; CUDA {version} had none with two numbers"
        )
    else:
        since = facts.two_numbers_gone[gone]
        reason = f"tags of nvidia/cuda with two numbers were removed by {since}: it cannot be pulled any more"
        if day and day < since:
            reason = f"it existed on {day}, when the tag was made, and was removed by {since}"
            return CompatFault("gone", "warning", f"{base.image}:{tag}", "", good, reason, base.place)
    return CompatFault("image", level, f"{base.image}:{tag}", "", good, reason, base.place)


def _near(version: str, table: Table) -> str:
    minor = ".".join(version.split(".")[:2])
    same = [full for full in table.nvidia_cuda.versions if full.startswith(f"{minor}.")]
    return " or ".join(same) or f"up to {max(table.nvidia_cuda.versions, key=key)}"


def _cudnn_name(version: str, names: tuple[CudnnName, ...]) -> CudnnName | None:
    ours = key(version)[:2]
    return next((n for n in names if key(n.first) <= ours and (n.last is None or ours <= key(n.last))), None)


def _against_wheels(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """The image's CUDA and the driver that it lets in, against the CUDA that each wheel is built for.

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
        level, reason = _meeting(environment, table, (what, image.version, cuda), ours, theirs)
        yield CompatFault(
            "image-cuda", level, what if cuda in what else f"{what} (CUDA {cuda})", f"the image's CUDA {image.version}",
            f"CUDA {cuda} in both", reason, place,
        )  # fmt: skip


def _meeting(
    environment: Environment,
    table: Table,
    versions: tuple[str, str, str],
    ours: tuple[int, ...],
    theirs: tuple[int, ...],
) -> tuple[Level, str]:
    from envhooks.image.compat.drivers import wheel_driver  # no hook of an environment that agrees needs it

    what, image, cuda = versions
    let_in, wanted = wheel_driver(environment, image, cuda, table)
    if let_in and wanted and key(let_in) < key(wanted)[: len(key(let_in))]:
        return (
            "warning",
            f"the image starts with driver {let_in}, and CUDA {cuda} finds no GPU before {wanted}",
        )
    own = _carries_runtime(environment, what)
    flavour = re.search(r"-devel(?:-|\Z)", (environment.base.tag if environment.base else "") or "")
    if ours[0] != theirs[0]:
        if own and not flavour:
            return (
                "note",
                "the majors differ; the wheel carries its own runtime, so that the image's is not used",
            )
        compiled = "which is compiled in the image does not fit the wheel" if own else ""
        return "warning", (
            f"the majors differ: an extension {compiled}"
            if own
            else "the majors differ, and only a wheel that carries its own runtime can work"
        )
    if ours > theirs:
        return "note", "the image's CUDA is newer, of the same major: it works"
    if own:
        return "note", "the image's CUDA is older than the wheel's, which carries its own runtime: it works"
    return "warning", "the image's CUDA is older than the wheel's"


def _carries_runtime(environment: Environment, what: str) -> bool:
    """Whether everything that is built for CUDA comes with CUDA's libraries: wheels of torch do, others may not."""
    torch = last(environment, "torch")
    if what.startswith(("tensorflow", "the wheel")) and last(environment, "tensorflow", "tensorflow-gpu"):
        # `tensorflow[and-cuda]` brings it, and says for no CUDA in particular that it does
        return any(
            one.source == "wheel" and one.kind == "CUDA" and not one.version for one in environment.hardware
        )
    return torch is not None and torch.how not in ("base", "conda")
