"""A Dockerfile moved to another release or build of its framework: everything that is tied to it moves along.

Every version comes from the table of published facts. What is made is read again and judged before it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge
from envhooks.image import CompatFault, Environment, Package, versions_agree
from envhooks.image.compat import judge_environment
from envhooks.image.compat.family import Pins, Target, pins_for, tied_to
from envhooks.image.compat.frameworks import COMPANIONS, cuda_of, cuda_of_wheels, last, variant_of
from envhooks.image.compat.table import Table, key, release
from envhooks.image.files import Files
from envhooks.judge.pins import Edit, Edited, edits_for, holds, of_variable, text_of
from envhooks.judge.targets import TORCH, Refusal, build_of, wanted_of

WHEELS = "https://download.pytorch.org/whl/"


@dataclass(frozen=True)
class Move:
    """Files that are changed, and the environment that they make."""

    files: Mapping[str, bytes]
    """Path -> its bytes; only those that change."""
    environment: Environment
    version: str
    """The framework's release: `2.9.1`."""
    notes: tuple[str, ...] = ()
    """Points that a person has to look at."""


def move(
    files: Files, read: Callable[[Files], Environment], environment: Environment, table: Table, target: Target
) -> Move | Refusal:
    """The files with the framework at another release, or built for other hardware.

    Args:
        read: makes an environment of files.
        target: the packages of the framework, its release (empty: the newest that goes), its hardware (empty: as now).

    Raises:
        CannotJudge: the table does not say, or no edit makes it.
    """
    wanted = wanted_of(environment, table, target)
    if isinstance(wanted, Refusal):
        return wanted
    torch = last(environment, *TORCH)
    notes: list[str] = []
    if torch is not None and torch.how == "base":
        image, pins = _image(files, environment, table, wanted, notes)
    else:
        image, pins = [], pins_for(environment, table, wanted)
    if pins.versions and pins.why_not:
        return Refusal(pins.why_not, ())  # what pins the framework has no release for it
    if pins.why_not or not pins.versions:
        raise CannotJudge(pins.why_not or "nothing is pinned that could be moved")
    index = ""
    if torch is not None and torch.how != "base":
        pins, index = _with_build(environment, table, torch, pins, wanted)
        image = [*_chosen(files, environment, wanted)]
        index = "" if image else index
        pins = _plain(pins) if image else pins
    edits = [*image, *edits_for(files, environment, pins)]
    edits += _base(files, environment, table, wanted, notes)
    edits = [edit for edit in dict.fromkeys(edits) if edit.old != edit.new]
    edited: Files = Edited(files, edits)
    if index:
        edited = _Indexed(edited, environment, [*pins.versions], index)
    after = read(edited)
    left = [fault for fault in judge_environment(after, table) if fault.level != "note"]
    _hold(environment, after, pins, wanted, table, left)
    notes += [f"{fault.one}: {fault.reason}" for fault in left if fault.level == "warning"]
    paths = {environment.path, *(package.place.path for package in environment.packages)}
    changed = {
        path: data for path in sorted(paths) if (data := edited.read(path)) and data != files.read(path)
    }
    version = next(iter(pins.versions.values())).partition("+")[0]
    return Move(changed, after, version, tuple(notes))


# ------------------------------------------------------------------------------------- what moves along


def _with_build(
    environment: Environment, table: Table, torch: Package, pins: Pins, wanted: Target
) -> tuple[Pins, str]:
    """The pins with their build, where PyPI's own is not the one; and the index that has to be added for it."""
    build, old = build_of(environment, wanted), variant_of(torch)
    row = table.torch[release(wanted.version)]
    own = "cu" + row.pypi_cuda.replace(".", "") if row.pypi_cuda else ""
    if not wanted.hardware or torch.name != "torch":
        return pins, ""
    versions = {
        name: _rebuilt(version, build, torch.local is not None) if name in (*COMPANIONS, "torch") else version
        for name, version in pins.versions.items()
    }
    if old is None and build != own:
        versions = {
            name: f"{version.partition('+')[0]}+{build}" if name in (*COMPANIONS, "torch") else version
            for name, version in versions.items()
        }
        return replace(pins, versions=versions), WHEELS + build
    index = (old, build) if old is not None and old != build else pins.index
    return replace(pins, versions=versions, index=index), ""


_CHOICES = (
    r"(?a)(?:--torch-backend[= ]|UV_TORCH_BACKEND=)[\"']?(cu[0-9]{2,3}|rocm[0-9.]+|cpu|xpu|auto)(?![0-9A-Za-z.])",
    r"(?a)(?<![A-Za-z0-9-])pytorch-cuda *={1,2} *([0-9]+\.[0-9]+)(?![0-9A-Za-z.])",
)
"""How uv, and conda, are told the build by a word of its own."""


def _chosen(files: Files, environment: Environment, wanted: Target) -> Iterator[Edit]:
    """The edits of the word that chooses the build."""
    if not wanted.hardware:
        return
    path, build = environment.path, build_of(environment, wanted)
    for form, new in zip(_CHOICES, (build, cuda_of(build) or ""), strict=True):
        for match in re.finditer(form, text_of(files, path)):
            if new:
                before = match.group()[: match.start(1) - match.start()]
                yield Edit(path, match.group(), before + new, is_word=False)


def _plain(pins: Pins) -> Pins:
    """The pins without their build, which another word chooses."""
    return replace(pins, versions={name: text.partition("+")[0] for name, text in pins.versions.items()})


def _rebuilt(version: str, build: str, has_local: bool) -> str:
    return f"{version.partition('+')[0]}+{build}" if has_local else version


def _image(
    files: Files, environment: Environment, table: Table, wanted: Target, notes: list[str]
) -> tuple[list[Edit], Pins]:
    """The edits of the tag of pytorch/pytorch, which brings torch with it, and the pins of what is installed beside it.

    Raises:
        CannotJudge: torch comes with another image, whose tags are not known by the table.
    """
    base, row = environment.base, table.torch[release(wanted.version)]
    form = r"(?a)[0-9.]+-cuda[0-9.]+-cudnn[0-9]+-(runtime|devel)"
    match = re.fullmatch(form, (base.tag if base else "") or "")
    cuda, cudnn = cuda_of(build_of(environment, wanted)), (row.cudnn or "").split(".")[0]
    if base is None or base.digest or match is None or not base.image.endswith("pytorch/pytorch"):
        raise CannotJudge("torch comes with the base image: change it there", place=environment.path)
    if not cuda or not cudnn:
        raise CannotJudge(f"the table does not say which CUDA and cuDNN an image of torch {row.version} has")
    tag = f"{row.version}-cuda{cuda}-cudnn{cudnn}-{match[1]}"
    notes.append(f"look whether the base image exists: docker buildx imagetools inspect {base.image}:{tag}")
    path, text = base.place.path, text_of(files, base.place.path)
    edits = [Edit(path, f"{base.image}:{base.tag}", f"{base.image}:{tag}", is_word=False)]
    edits += of_variable(path, text, rf"{re.escape(base.image)}:\$\{{?(\w+)\}}?\s", base.tag or "", tag)
    versions = {"torch": row.version}
    for name in COMPANIONS:
        found = last(environment, name)
        if found is not None and found.how != "base" and getattr(row, name):
            versions[name] = getattr(row, name)[0]
    tied, why_not = tied_to(environment, table, versions)
    return edits, Pins({**versions, **tied}, None, why_not)


def _base(
    files: Files, environment: Environment, table: Table, wanted: Target, notes: list[str]
) -> Iterator[Edit]:
    """The tag of nvidia/cuda for another CUDA."""
    base = environment.base
    if base is None or not base.tag or wanted.hardware != "CUDA" or not base.image.endswith("nvidia/cuda"):
        return
    match = re.match(r"(?a)([0-9]+\.[0-9]+(?:\.[0-9]+)?)(-cudnn[0-9]*)?(.*)", base.tag)
    cuda = ".".join(wanted.hardware_version.split(".")[:2])
    if match is None or versions_agree(match[1], cuda):
        return
    if base.digest:
        notes.append(
            f"the base image is fixed by its digest, and stays at CUDA {match[1]}: choose one of CUDA {cuda}"
        )
        return
    same = [one for one in table.nvidia_cuda.versions if versions_agree(one, cuda)]
    if not same:
        notes.append(
            f"the table lists no image of nvidia/cuda for CUDA {cuda}: the base image stays as it is"
        )
        return
    full = max(same, key=key)
    names = [one for one in table.nvidia_cuda.cudnn_name if key(one.first) <= key(cuda)]
    cudnn = f"-{max(names, key=lambda one: key(one.first)).name}" if match[2] and names else match[2] or ""
    tag = f"{full}{cudnn}{match[3]}"
    notes.append(f"look whether the base image exists: docker buildx imagetools inspect {base.image}:{tag}")
    path, text = base.place.path, text_of(files, base.place.path)
    if f"{base.image}:{base.tag}" in text:
        yield Edit(path, f"{base.image}:{base.tag}", f"{base.image}:{tag}", is_word=False)
    name = re.escape(base.image)
    yield from of_variable(path, text, rf"{name}:\$\{{?(\w+)\}}?\s", base.tag, tag)
    yield from of_variable(path, text, rf"{name}:\$\{{?(\w+)\}}?-", match[1], full)


class _Indexed:
    """Files whose install of torch looks in one more index."""

    def __init__(self, files: Files, environment: Environment, names: list[str], url: str) -> None:
        self._files, self._url = files, url
        packages = [one for name in names for one in environment.find(name) if one.how != "base"]
        self._paths = {one.place.path for one in packages}
        self._dockerfile = environment.path
        spelt = "|".join(re.escape(name).replace(r"\-", "[-_.]") for name in names)
        self._pin = re.compile(rf"(?i)(?<![A-Za-z0-9_./-])(?:{spelt})(?:\[[^\]\n]*\])? *={{2,3}} *[\w.]+\+")

    def read(self, path: str) -> bytes | None:
        """Like `Files.read`."""
        data = self._files.read(path)
        if data is None or path not in self._paths:
            return data
        text = data.decode("utf-8", "surrogateescape")
        if path == self._dockerfile:
            text = self._in_commands(text)
        elif self._pin.search(text):
            text = f"--extra-index-url {self._url}\n{text}"
        return text.encode("utf-8", "surrogateescape")

    def list(self, folder: str) -> tuple[str, ...]:
        """Like `Files.list`."""
        return self._files.list(folder)

    def _in_commands(self, text: str) -> str:
        installs = [*re.finditer(r"(?m)\b(?:pip3?|uv pip) install\b", text)]
        wanted = set()
        for pin in self._pin.finditer(text):
            before = [one for one in installs if one.end() <= pin.start()]
            if before:
                wanted.add(before[-1].end())
        for at in sorted(wanted, reverse=True):
            text = f"{text[:at]} --extra-index-url {self._url}{text[at:]}"
        return text


# ------------------------------------------------------------------------------------- what came out


def _hold(
    before: Environment,
    after: Environment,
    pins: Pins,
    wanted: Target,
    table: Table,
    left: list[CompatFault],
) -> None:
    """Check that the edits result in the intended pins.

    Raises:
        CannotJudge: they did not.
    """
    if not holds(after, pins):
        shown = ", ".join(f"{name} {version}" for name, version in pins.versions.items())
        raise CannotJudge(
            f"the pins are put together from what no edit reaches; write them by hand: {shown}",
            place=before.path,
        )
    errors = [fault for fault in left if fault.level == "error"]
    if errors:
        raise CannotJudge(
            f"what the table would make does not go together: {errors[0].one}: {errors[0].reason}",
            place=before.path,
        )
    if wanted.hardware == "CUDA":
        cudas = [cuda for _, cuda, _ in cuda_of_wheels(after, table)]
        if (torch := last(after, *TORCH)) is not None and torch.how == "base":
            cudas = [one.version for one in after.hardware if one.kind == "CUDA" and one.version]
        if not cudas or not all(versions_agree(one, wanted.hardware_version) for one in cudas):
            found = ", ".join(cudas) or "no CUDA that is told"
            raise CannotJudge(
                f"the files say {found}, and no edit makes them say CUDA {wanted.hardware_version}",
                place=before.path,
            )
