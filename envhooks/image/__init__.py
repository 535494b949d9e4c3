"""Images: an Environment is what a Dockerfile at one commit would build, as far as its files say."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Literal

from envhooks.base.dataclass import dataclass
from envhooks.base.place import Level, Place
from envhooks.catalog.lookup import (
    ON_CPU,
    built_for,
    carried_by,
    evidence_of_url,
    evidence_of_word,
    is_of_another,
)


@dataclass(frozen=True)
class BaseImage:
    """The image that the product stage is finally built from."""

    image: str
    """Name without tag and digest: `nvidia/cuda`; `scratch` for an empty base."""
    tag: str | None
    digest: str | None
    """`sha256:...` where the reference carries one."""
    place: Place
    is_fixed: bool = False
    """Whether the reference names one image for ever: by its digest, or by a tag that its publisher never moves."""


@dataclass(frozen=True)
class Package:
    """One package that the product stage installs, with what is known of its version."""

    name: str
    """Normalised by PEP 503: `torch`, `jax-cuda12-plugin`; conda's `pytorch` stays `pytorch`."""
    version: str | None
    """The public version where `exact`: `2.8.0`; else None."""
    local: str | None
    """The local version: `cu118` of `2.8.0+cu118`."""
    exact: bool
    specifier: str
    """As it stands: `==2.8.0+cu118`, `>=1`, or empty."""
    how: str
    """`pip`, `uv`, `conda`, `base`, `lock`, `requirements`, ..."""
    place: Place
    index: str = ""
    """The index URL that is in force for this install, where one is named."""
    bare: bool = False
    """Whether it is installed without its dependencies: what it asks for is passed over on purpose."""
    replaced: str = ""
    """The version that stands in the file, where something that is installed behind it asks for another one."""

    @property
    def release(self) -> str | None:
        """The release that comes, whatever its build: the exact version, or the three numbers of conda's `=2.3.0`."""
        if self.exact or self.how != "conda":
            return self.version if self.exact else None
        match = re.fullmatch(r"(?a)=([0-9]+\.[0-9]+\.[0-9]+)", self.specifier)
        return match[1] if match else None


@dataclass(frozen=True)
class Hardware:
    """Accelerator that the environment is made for, by one piece of evidence."""

    kind: str
    """`CUDA`, `ROCm`, `CPU`, `XPU`, `TPU`, `HPU`, `NPU`."""
    version: str | None
    source: str
    """`base` (the base image) or `wheel` (a local version or an index)."""
    place: Place


@dataclass(frozen=True)
class Unpinned:
    """Something that is installed without an exact version."""

    name: str
    kind: str
    """`base`, `python` (a Python or conda package), `system` (apt and others), `installer` (pip itself)."""
    text: str
    """As it stands in the file: `flash-attn>=2.0`."""
    why: str
    place: Place
    swallowed: bool = False
    """Whether the shell takes the pin for a redirect: `pip install pkg>=1` unquoted."""
    manager: str = "pip"
    """The program whose syntax a pin has: `pip`, `conda`, `apt-get`, `apk`, `dnf`, ..."""


@dataclass(frozen=True)
class CannotTell:
    """A point where the files do not say enough for an exact answer; nothing is guessed."""

    what: str
    """Package name, `base`, `python` or `hardware`."""
    why: str
    place: Place
    advice: str = ""
    """How the file could say it, in one clause; empty where there is nothing simple."""


@dataclass(frozen=True)
class Hint:
    """A variable whose name claims a framework's version; the installed version may be another."""

    package: str
    """`torch`, `tensorflow` or `jax`."""
    variable: str
    version: str
    place: Place


@dataclass(frozen=True)
class Replaced:
    """A framework of the base image that an install replaces."""

    name: str
    """`torch`."""
    was: str
    """The framework of the base image, as far as it is known: its image, with the version where the tag states it."""
    now: str
    """As the install asks for it: `torch==2.7.0`."""
    place: Place


@dataclass(frozen=True)
class Environment:
    """Environment that a Dockerfile at one commit would build, as far as its files state it."""

    path: str
    """The Dockerfile's path."""
    target: str
    """The product stage's name, or its number as text where it has none."""
    base: BaseImage | None
    python: str | None
    """`3.12` or longer, where it is stated."""
    packages: tuple[Package, ...] = ()
    hardware: tuple[Hardware, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()
    cannot_tell: tuple[CannotTell, ...] = ()
    hints: tuple[Hint, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    base_says: tuple[tuple[str, str], ...] = ()
    """Further facts in the base image's name and tag: ("os", "ubuntu24.04"), ("variant", "devel"), ("cudnn", "9")."""
    runtime: tuple[tuple[str, str | None], ...] = ()
    """What ENV sets of the variables that NVIDIA's container runtime reads as conditions: NVIDIA_REQUIRE_CUDA and
    others of its kind, NVIDIA_DISABLE_REQUIRE; None where the value is not known."""

    def find(self, *names: str) -> tuple[Package, ...]:
        """The packages with any of these names, in the order in which they are installed."""
        return tuple(p for p in self.packages if p.name in names)


MAX_BELOW = 8
"""Images of the same tree that stand on each other."""


@dataclass(frozen=True)
class Named:
    """Image that the same tree builds for a build that stands on it."""

    dockerfile: str
    """Path in the tree; empty for something that is not followed."""
    context: str
    target: str | None
    args: tuple[tuple[str, str], ...]
    named: Mapping[str, Named]
    """Images of the same tree that it stands on itself."""
    depth: int = 1
    """Number of such images from the lowest one up to it."""


@dataclass(frozen=True)
class CompatFault:
    """Two pins in one environment that do not work together, by a published fact."""

    rule: Literal["companion", "variant", "python", "image", "gone", "image-cuda", "runtime", "unknown"]
    """Kind of the published fact; the check chooses its sentence by it."""
    level: Level
    one: str
    """The pin at fault: `torchvision 0.19.0`."""
    other: str
    """The pin that it does not work with: `torch 2.8.0`; empty where it is wrong by itself."""
    expected: str
    """Versions that would work."""
    reason: str
    """The published fact, in one sentence without a final full stop."""
    place: Place


def versions_agree(one: str, other: str) -> bool:
    """Whether two versions are equal as far as both go: `12.8` agrees with `12.8.1`, not with `12.9`."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return all((a.lstrip("0") or "0") == (b.lstrip("0") or "0") for a, b in pairs)


def is_version(installed: str, wanted: str) -> bool:
    """Whether a package's version is what a tag writes: `0.23` is any 0.23.x, and a stage has to be written."""
    form = r"([0-9.]*[0-9])(.*)"
    own, other = (re.fullmatch(form, text, re.ASCII) for text in (installed.lower(), wanted))
    if own is None or other is None:
        return installed == wanted
    if own[2] != other[2] and not (own[2].startswith(".post") and not other[2]):
        return False
    numbers, asked = ([int(number) for number in match[1].split(".")] for match in (own, other))
    length = 2 if len(asked) == 2 and not other[2] else max(len(numbers), len(asked))
    return (numbers + [0] * length)[:length] == (asked + [0] * length)[:length]


def wheels_for(environment: Environment, own: Collection[str]) -> tuple[list[Hardware], list[Hardware]]:
    """Hardware that the installed packages are built for, by version or index and by name, for one framework.

    A helper of another framework says nothing about this one: tensorflow-cpu beside `torch==2.8.0+cu128`.
    """
    others = [one for one in environment.packages if own and is_of_another(one.name, own)]
    mine = {
        (evidence[0], one.place)
        for one in environment.find(*own)
        for evidence in (evidence_of_word(one.local or ""), evidence_of_url(one.index))
        if evidence is not None
    }
    foreign = {(evidence[0], one.place) for one in others if (evidence := built_for(one.name))} - mine
    wheels = [h for h in environment.hardware if h.source == "wheel" and (h.kind, h.place) not in foreign]
    plain = environment.find(*(name for name in own if name in ON_CPU))[-1:]
    wheels += [
        Hardware("CPU", None, "wheel", one.place)
        for one in plain
        if one.specifier and one.how != "base" and not one.index and not one.local
    ]
    named = ((one, carried_by(one.name)) for one in environment.packages if one not in others)
    return wheels, [
        Hardware(*evidence, "wheel", one.place) for one, evidence in named if evidence is not None
    ]
