"""Image references, and what the names and tags of well-known base images say by themselves.

A tag is believed only where its publisher writes it that way for every image; the rest is unknown.
"""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass, replace
from envhooks.image.facts import BaseImage

__all__ = ["BaseImage", "Contents", "Reference", "contents", "parse_reference"]

_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_NAME = (
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
)
_REGISTRY = r"(?:[^/]*[.:][^/]*|localhost)/"


@dataclass(frozen=True)
class Reference:
    """One image reference, taken apart."""

    name: str
    """As written, without tag and digest: `registry.example.com/team/image`."""
    tag: str | None
    digest: str | None

    @property
    def short(self) -> str:
        """The name without its registry: mirrors carry the same images under the same names."""
        match = re.match(_REGISTRY, self.name)
        return (self.name[match.end() :] if match else self.name).removeprefix("library/")


def parse_reference(text: str) -> Reference | None:
    """The parts of `[registry[:port]/]name[:tag][@digest]`, or None where it is no reference."""
    if len(text) > 1000:
        return None
    rest, at, digest = text.partition("@")
    if at and not re.fullmatch(_DIGEST, digest):
        return None
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        name, tag = rest, ""
    elif not re.fullmatch(_TAG, tag):
        return None
    if not re.fullmatch(_NAME, name):
        return None
    return Reference(name, tag or None, digest or None)


@dataclass(frozen=True)
class Contents:
    """What a base image carries, as far as its name and tag say."""

    packages: tuple[tuple[str, str, str | None], ...] = ()
    """(name, version, local version) that are certain."""
    opaque: tuple[tuple[str, str], ...] = ()
    """(package, why its version cannot be told): there is one, but which?"""
    plain: bool = False
    """Whether it is known to carry no framework."""
    python: str | None = None
    hardware: tuple[tuple[str, str | None], ...] = ()
    """(kind, version)."""


_NUMBER = r"[0-9]+(?:\.[0-9]+){1,3}"
_PYTORCH = rf"(?P<torch>{_NUMBER})-cuda(?P<cuda>{_NUMBER})-cudnn[0-9]+-(?:runtime|devel)"
_CUDA = rf"(?P<cuda>{_NUMBER})(?:-.+)?"
_TENSORFLOW = r"(?P<tf>[0-9]+\.[0-9]+\.[0-9]+(?:rc[0-9]+)?)(?P<gpu>-gpu)?(?:-jupyter)?"
_PYTHON = r"(?P<python>3(?:\.[0-9]+){1,2}(?:rc[0-9]+|a[0-9]+|b[0-9]+)?)(?:-[a-z0-9.-]+)?"
_ROCM_PYTORCH = (
    r"rocm(?P<rocm>[0-9]+(?:\.[0-9]+){1,2})_ubuntu[0-9.]+_py(?P<python>3\.[0-9]+)_pytorch_(?:release_)?"
    r"(?P<torch>[0-9]+\.[0-9]+\.[0-9]+)"
)
_ROCM = r"(?P<rocm>[0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:-complete)?"
_UV_PYTHON = r"(?:[0-9][0-9.]*-)?python(?P<python>3\.[0-9]+)(?:-[a-z0-9.-]+)?"

# Calendar tags (`25.08-py3`) name the month, not the framework; the publisher's release notes do.
_CALENDAR = {
    "nvidia/pytorch": "torch",
    "nvidia/tensorflow": "tensorflow",
    "nvidia/jax": "jax",
    "nvidia/paddlepaddle": "paddlepaddle-gpu",
}
# The framework is in the image's name; the tag is not written by one rule that could be relied on.
_NAMED = (
    (re.compile(r"(?:^|[/_.:-])(?:py)?torch(?:[/_.:0-9-]|\Z)"), "torch"),
    (re.compile(r"(?:^|[/_.:-])tensorflow(?:[/_.:0-9-]|\Z)"), "tensorflow"),
    (re.compile(r"(?:^|[/_.:-])jax(?:[/_.:0-9-]|\Z)"), "jax"),
    (re.compile(r"(?:^|[/_.:-])paddle(?:paddle)?(?:[/_.:0-9-]|\Z)"), "paddlepaddle"),
)
# Images of an operating system, a language or an accelerator's libraries: no framework in them.
_PLAIN_NAMES = frozenset(
    ("ubuntu", "debian", "alpine", "fedora", "centos", "rockylinux", "almalinux", "oraclelinux", "amazonlinux",
     "busybox", "python", "buildpack-deps", "node", "golang", "rust", "gcc", "uv")
)  # fmt: skip
_PLAIN = (
    r"(?:.*/)?(?:ubi[789](?:-[a-z]+)?|opensuse/[a-z]+)|nvidia/cuda(?:-[a-z0-9]+)?|rocm/dev-[a-z0-9.-]+|condaforge/[a-z0-9-]+|continuumio/[a-z0-9-]+"
    r"|mambaorg/micromamba|intel/oneapi[a-z-]*|conda/[a-z0-9-]+|jupyter/(?:base|minimal)-notebook"
)


def contents(reference: Reference) -> Contents:
    """What the image holds, by its publisher's own naming rule; a digest does not change that."""
    name = reference.short
    plain = name == "nvidia/cuda" or name.rpartition("/")[2] in _PLAIN_NAMES
    return replace(_contents(reference), plain=plain or re.fullmatch(_PLAIN, name) is not None)


def _contents(reference: Reference) -> Contents:
    name, tag = reference.short, reference.tag or ""
    if name == "pytorch/pytorch":
        return _pytorch(tag)
    if name == "nvidia/cuda":
        match = re.fullmatch(_CUDA, tag)
        return Contents(hardware=(("CUDA", match["cuda"] if match else None),))
    if name == "tensorflow/tensorflow":
        return _tensorflow(tag)
    if name == "rocm/pytorch":
        match = re.fullmatch(_ROCM_PYTORCH, tag)
        if match:
            return Contents(
                (("torch", match["torch"], None),),
                python=match["python"],
                hardware=(("ROCm", match["rocm"]),),
            )
        return Contents(opaque=(("torch", _opaque(reference)),), hardware=(("ROCm", None),))
    if name.startswith("rocm/"):
        match = re.fullmatch(_ROCM, tag) if name.startswith("rocm/dev-") else None
        return Contents(opaque=_named(reference), hardware=(("ROCm", match["rocm"] if match else None),))
    if name == "python":
        match = re.fullmatch(_PYTHON, tag)
        return Contents(python=match["python"] if match else None)
    if name == "astral-sh/uv":
        match = re.fullmatch(_UV_PYTHON, tag)
        return Contents(python=match["python"] if match else None)
    if name in _CALENDAR:
        why = f"{reference.name}:{tag} is named by its month; its framework's version stands in the release notes"
        return Contents(opaque=((_CALENDAR[name], why),), hardware=(("CUDA", None),))
    return Contents(opaque=_named(reference))


def _opaque(reference: Reference) -> str:
    shown = f"{reference.name}:{reference.tag}" if reference.tag else reference.name
    return f"the base image {shown} carries it, and its tag does not state the version in a known form"


def _named(reference: Reference) -> tuple[tuple[str, str], ...]:
    return tuple(
        (package, _opaque(reference))
        for pattern, package in _NAMED
        if pattern.search(f"{reference.short}:{reference.tag or ''}")
    )


def _pytorch(tag: str) -> Contents:
    match = re.fullmatch(_PYTORCH, tag)
    if match is None:
        why = "the base image pytorch/pytorch carries it, and its tag does not state the version in a known form"
        return Contents(opaque=(("torch", why),))
    return Contents((("torch", match["torch"], None),), hardware=(("CUDA", match["cuda"]),))


def _tensorflow(tag: str) -> Contents:
    match = re.fullmatch(_TENSORFLOW, tag)
    if match is None:
        why = "the base image tensorflow/tensorflow carries it, and its tag is not a full version"
        gpu = "gpu" in tag.split("-")
        return Contents(opaque=(("tensorflow", why),), hardware=(("CUDA", None),) if gpu else ())
    hardware = (("CUDA", None) if match["gpu"] else ("CPU", None),)
    return Contents((("tensorflow", match["tf"], None),), hardware=hardware)
