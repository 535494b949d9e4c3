"""Claims of a Dockerfile beside its installs: references and tags of base images, and variables named after a version.

A tag is believed only where its publisher writes it that way for every image; the rest is unknown. Real files keep an
`ARG PYTORCH_VERSION` long after nothing installs it: the version that is installed counts, and a hint that differs is
told, as it misleads a person who reads the file.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache

from envhooks.base.dataclass import dataclass
from envhooks.base.place import Place
from envhooks.catalog.families import SAID, Family
from envhooks.catalog.lookup import KINDS, PACKAGES, package_of, system, system_of, version_variables
from envhooks.catalog.tags import family_of, is_fixed, is_plain, named, own_family, tell
from envhooks.image import BaseImage, Hint, versions_agree
from envhooks.image.dockerfile import Instruction
from envhooks.image.text import readable, unknown

__all__ = ["BaseImage", "Contents", "Reference", "Variables", "contents", "parse_reference", "variables"]

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

    @property
    def is_fixed(self) -> bool:
        """Whether it means one image for ever: by a digest, or by a tag that its publisher never moves."""
        return self.digest is not None or is_fixed(self.short, self.tag or "")


def parse_reference(text: str) -> Reference | None:
    """The parts of `[registry[:port]/]name[:tag][@digest]`, or None where it is not a reference."""
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


def host_told(text: str) -> str:
    """A reference of whose registry only a region is not known, with a word in its place; others as they are.

    `763104351884.dkr.ecr.$REGION.amazonaws.com/...`: the images are the same ones in each region.
    """
    host, slash, rest = text.partition("/")
    if not slash or not unknown(host) or unknown(rest):
        return text
    told = readable(host, "region")
    return (
        f"{told}/{rest}"
        if re.fullmatch(r"[a-z0-9.-]+\.[a-z-]*region\.[a-z0-9-]+(?:\.[a-z]+)+", told)
        else text
    )


@dataclass(frozen=True)
class Contents:
    """Content of a base image, as far as its name and tag state it."""

    packages: tuple[tuple[str, str, str | None], ...] = ()
    """(name, version, local version) that are certain."""
    opaque: tuple[tuple[str, str], ...] = ()
    """(package, why its version cannot be determined): there is one, but which?"""
    plain: bool = False
    """Whether it is known to carry no framework."""
    python: str | None = None
    hardware: tuple[tuple[str, str | None], ...] = ()
    """(kind, version)."""
    says: tuple[tuple[str, str], ...] = ()
    """Further facts in the tag: ("os", "ubuntu24.04"), ("variant", "devel"), ("cudnn", "9")."""


def contents(reference: Reference, own: Iterable[Family] = ()) -> Contents:
    """Content of an image by its publisher's own naming rule; a digest does not change that.

    `own` are the families of the policy, which come before those of the catalog.
    """
    name, own = reference.short, tuple(own)
    tag = reference.tag or ""
    mine = own_family((name, reference.name), own, tag, reference.digest or "")
    known = family_of(name) or family_of(reference.name)
    own_system = system_of(name, tag)
    found = known or mine
    if found is None:
        says = (("os", own_system),) if own_system else ()
        return Contents(opaque=_named(reference), plain=is_plain(name), says=says)
    family = found[0]
    told = _told(found, tag)
    if mine is not None and known is not None:  # what the policy leaves open is as published
        said_by_policy = _told(mine, tag)
        if not _HARDWARE.isdisjoint(said_by_policy):
            told = {key: value for key, value in told.items() if key not in _HARDWARE}
        told = {**told, **said_by_policy}
    hardware = {kind: told.pop(kind) for kind in KINDS if kind in told}
    for field, kind in (("cuda", "CUDA"), ("rocm", "ROCm")):
        if field in told:
            hardware[kind] = told.pop(field)
    python = told.pop("python", None)
    words = {key: value for key in SAID if (value := told.pop(key, None))}
    words["os"] = system(words.get("os", "")) or own_system
    packages = tuple((package, version, None) for package, version in told.items() if version)
    series = tuple(one for one in packages if one[0] in _CARRIERS and one[1].count(".") < 2)
    packages = tuple(one for one in packages if one not in series)
    told_of_series = tuple((package, _series(reference, version)) for package, version, _ in series)
    opaque = told_of_series or _opaque_of(family, reference, {package for package, _, _ in packages})
    plain = family.plain or is_plain(name)
    said = tuple((key, value) for key, value in words.items() if value)
    return Contents(packages, opaque, plain, python, tuple(hardware.items()), said)


def _told(found: tuple[Family, Mapping[str, str | None]], tag: str) -> dict[str, str | None]:
    """Facts that a family states of an image: by its name, by its tag, and for all of its images."""
    family, in_name = found
    return {**family.holds, **in_name, **(tell(family, tag) or {})}


_HARDWARE = frozenset((*KINDS, "cuda", "rocm"))
_CARRIERS = frozenset(package for packages in PACKAGES.values() for package in packages)


def _series(reference: Reference, version: str) -> str:
    return f"the base image {reference.name}:{reference.tag} says {version} and not which release of it"


def _opaque_of(family: Family, reference: Reference, told: Container[str]) -> tuple[tuple[str, str], ...]:
    """Packages of an image whose version its tag does not state, by the image's family."""
    if family.opaque:
        why = f"{reference.name}:{reference.tag} {family.why}" if family.why else _opaque(reference)
        known = family.opaque in told or any(package_of(one) == family.opaque for one in _names_of(told))
        return () if known else ((family.opaque, why),)
    return () if family.plain or told else _named(reference)


def _names_of(told: Container[str]) -> Iterable[str]:
    return told if isinstance(told, set) else ()


def _opaque(reference: Reference) -> str:
    shown = f"{reference.name}:{reference.tag}" if reference.tag else reference.name
    return f"the base image {shown} carries it, and its tag does not state the version in a known form"


def _named(reference: Reference) -> tuple[tuple[str, str], ...]:
    return tuple(
        (package, _opaque(reference)) for package in named(f"{reference.short}:{reference.tag or ''}")
    )


_PAIR = (
    # A name starts where no name goes on: else each letter of a long word is a start of its own.
    r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]*)"
    r"""(?:=|[ \t]+)["']?v?([0-9]+(?:\.[0-9]+){1,3})(?:\+[a-z0-9.]+)?["']?(?![^\s"'])"""
)


def hints(instructions: Iterable[Instruction], path: str) -> Iterator[Hint]:
    """Every literal version that a variable of such a name is given, in the order of the file."""
    known, packages = version_variables()
    for one in instructions:
        if one.command in ("ARG", "ENV"):
            for match in re.finditer(_PAIR, one.text):
                claims = known.fullmatch(match[1])
                if claims is not None and claims.lastindex is not None:
                    place = Place(path, one.line_at(match.start()))
                    yield Hint(packages[claims.lastindex - 1], match[1], match[2], place)


# Variables of images of which nothing is known: they are named after what an image is published for.
_LIKELY = r"(?:CUDA|CUDNN|NCCL|NV|NVIDIA|PYTORCH|TORCH|TENSORFLOW|JAX|ROCM)_(?:.*_)?(?:VERSION|VER)"
_FIELDS = {
    "CUDA_VERSION": "cuda",
    "PYTORCH_VERSION": "torch",
    "PYTHON_VERSION": "python",
    "ROCM_VERSION": "rocm",
}
"""Variable -> the field of the family's tags that is its value."""


@dataclass(frozen=True)
class Variables:
    """Variables that one base image sets itself, as far as its family in the catalog says.

    ENV of the base image and ARG of the file: by the reference and by podman the image's value counts, BuildKit gives
    RUN the later of the two. A name that the family sets is therefore known only where both are the same.
    """

    image: str = ""
    patterns: tuple[str, ...] = ()
    """Patterns of the names that it sets for certain."""
    likely: str = ""
    """Pattern of those that it may set."""
    told: Mapping[str, str] | None = None
    """Name -> value, of those that the tag states."""

    def value(self, name: str) -> str | None:
        """The value of a variable, where the image's tag states it completely."""
        found = (self.told or {}).get(name)
        return found if found is not None and found.count(".") == 2 else None

    def against(self, name: str, value: str) -> str:
        """Reason why a RUN may not get the value of `ARG name=value`; empty where it surely does."""
        told = (self.told or {}).get(name)
        if told == value or (name == "PYTHON_VERSION" and told and versions_agree(told, value)):
            return ""
        if unknown(value):
            return ""  # the reason that is there already says more
        if any(re.fullmatch(one, name) for one in self.patterns):
            return f"the base image {self.image} sets {name} itself, and ARG {name} does not count for every builder"
        if self.likely and re.fullmatch(self.likely, name):
            return f"the base image {self.image} may set {name} itself, which ARG {name} does not change"
        return ""


@lru_cache(maxsize=256)
def variables(base: str) -> Variables:
    """The variables of the image that FROM names after expansion; none of `scratch` and of what is not known."""
    reference = None if unknown(base) or base == "scratch" else parse_reference(base)
    if reference is None:
        return Variables()
    shown = f"{reference.name}:{reference.tag}" if reference.tag else reference.name
    found = family_of(reference.short) or family_of(reference.name)
    if found is None:
        return Variables(shown, likely="" if is_plain(reference.short) else _LIKELY)
    family = found[0]
    fields = {**found[1], **(tell(family, reference.tag or "") or {})}
    told = {
        name: value
        for name, field in _FIELDS.items()
        if any(re.fullmatch(one, name) for one in family.sets) and (value := fields.get(field))
    }
    return Variables(shown, family.sets, told=told)
