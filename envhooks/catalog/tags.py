"""Templates of image names and tags: text with fields, as a family of base images writes them.

`{torch}-cuda{cuda}-cudnn{cudnn}-{variant}` reads `2.8.0-cuda12.8-cudnn9-devel`. A field is the name of a distribution,
or `cuda`, `rocm`, `python`, `cudnn`, `os`, `variant`, or `any`, which is not kept; `:compact` reads digits without
full stops (`cu128`, `py312`), `:full` a version of three numbers. What stands in brackets may be missing. A policy
writes its own families in the same words. The first family whose image fits is asked, and of its templates the first
that reads the whole tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from envhooks.catalog.families import FAMILIES, Family, Holds
from envhooks.catalog.frameworks import FRAMEWORKS

MAX_TEMPLATE = 300
MAX_WILD = 4
"""Fields of one template that may hold anything: each more would let a matcher go back and forth."""
_PIECE = r"\{([^{}]*)\}|([\[\]])|([^{}\[\]]+)"
_NUMBER = r"[0-9]+(?:\.[0-9]+){1,3}(?:(?:a|b|rc)[0-9]+)?"
_FULL = r"[0-9]+\.[0-9]+\.[0-9]+(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?"
_DIGITS = {"cuda": r"[0-9]{3}|[0-9]{2}", "rocm": "[0-9]{2,3}", "python": "3[0-9]{1,2}"}
_FREE = {
    "any": "[A-Za-z0-9_.+-]+",
    "os": "[a-z]+[0-9.]*",
    "variant": "[a-z][a-z0-9]*",
    "cudnn": "[0-9]+(?:[.][0-9]+)*",
}
_HARDWARE = {"cuda": "[0-9]+(?:[.][0-9]+){0,2}", "rocm": "[0-9]+(?:[.][0-9]+){0,2}"}
_NAME = r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?"


class TemplateFault(ValueError):
    """A template that cannot be used; the text says why, without a final full stop."""


def pattern(template: str) -> str:
    """The regular expression of a template, to be matched whole, with a group for each field that is kept.

    Raises:
        TemplateFault: it is too long, or holds a field twice, an unknown form, or brackets without their pair.
    """
    if len(template) > MAX_TEMPLATE:
        raise TemplateFault(f"the template has {len(template)} characters and may have {MAX_TEMPLATE}")
    text, depth, wild, at = "", 0, 0, 0
    seen: set[str] = set()
    for match in re.finditer(_PIECE, template):
        if match.start() != at:
            break
        at = match.end()
        field, bracket, literal = match.groups()
        if bracket:
            depth += 1 if bracket == "[" else -1
            if depth not in (0, 1):
                raise TemplateFault("brackets stand inside each other, or one has no pair")
            text += "(?:" if bracket == "[" else ")?"
        elif literal:
            text += re.escape(literal)
        else:
            name, _, form = field.partition(":")
            wild += name in ("any", "variant", "os")
            text += _field(name, form, seen)
    if at != len(template) or depth:
        raise TemplateFault("a brace or a bracket has no pair")
    if wild > MAX_WILD:
        raise TemplateFault(f"more than {MAX_WILD} fields may hold anything")
    return text


def _field(name: str, form: str, seen: set[str]) -> str:
    if name == "any" and not form:
        return _FREE[name]
    if name in seen:
        raise TemplateFault(f"the field {{{name}}} stands there twice")
    seen.add(name)
    group = f"f{len(seen)}_" + re.sub("[^a-z0-9]", "_", name)
    if form == "compact" and name in _DIGITS:
        return f"(?P<{group}>{_DIGITS[name]})"
    if form == "full" and re.fullmatch(_NAME, name) and name not in {**_HARDWARE, **_FREE}:
        return f"(?P<{group}>{_FULL})"
    if form or not re.fullmatch(_NAME, name):
        raise TemplateFault(f"there is no field {{{name}{':' if form else ''}{form}}}")
    return f"(?P<{group}>{_HARDWARE.get(name) or _FREE.get(name, _NUMBER)})"


def fields(template: str) -> tuple[tuple[str, bool], ...]:
    """Name of each field that is kept, and whether it is compact, in their order."""
    found = (match[1].partition(":") for match in re.finditer(r"\{([^{}]*)\}", template))
    return tuple((name, form == "compact") for name, _, form in found if name != "any")


def read(template: str, text: str) -> Mapping[str, str] | None:
    """Field -> value where the whole text is of this form; None where it is not."""
    match = re.fullmatch(pattern(template), text)
    if match is None:
        return None
    values = {}
    for (name, compact), value in zip(fields(template), match.groups(), strict=True):
        if value is not None:
            values[name] = _dotted(name, value) if compact else value
    return values


def _dotted(name: str, digits: str) -> str:
    """`128` -> 12.8 of CUDA, `92` -> 9.2, `12` -> 12; `64` -> 6.4 of ROCm, `630` -> 6.3.0; `312` -> 3.12 of Python."""
    if name == "python":
        return f"{digits[0]}.{digits[1:]}"
    if name == "rocm":
        return ".".join(digits)
    return digits if len(digits) == 2 and digits[0] == "1" else f"{digits[:-1]}.{digits[-1]}"


# ------------------------------------------------------------------------------- by the families

# Images of an operating system, a language or an accelerator's libraries: no framework in them.
_PLAIN_NAMES = frozenset(
    ("ubuntu", "debian", "alpine", "fedora", "centos", "rockylinux", "almalinux", "oraclelinux", "amazonlinux",
     "openeuler", "busybox", "python", "buildpack-deps", "node", "golang", "rust", "gcc", "uv")
)  # fmt: skip
_PLAIN = (
    r"(?:.*/)?(?:ubi[0-9]+(?:/ubi)?(?:-[a-z]+)?|opensuse/[a-z]+)|nvidia/cuda(?:-[a-z0-9]+)?|condaforge/[a-z0-9-]+"
    r"|continuumio/[a-z0-9-]+|mambaorg/micromamba|intel/oneapi[a-z-]*|conda/[a-z0-9-]+|jupyter/(?:docker-stacks-foundation|(?:base|minimal|scipy|r|julia|datascience|pyspark|all-spark)-notebook)|pypa/(?:many|musl)linux[0-9a-z_]+"
)


def is_plain(name: str) -> bool:
    """Whether an image of this name, without its registry, holds no framework whatever its tag."""
    return name.rpartition("/")[2] in _PLAIN_NAMES or re.fullmatch(_PLAIN, name) is not None


def named(text: str) -> tuple[str, ...]:
    """Packages of the frameworks that an image's name or tag speaks of, in no form that states a version."""
    return tuple(
        package
        for package, words in _WORDS.items()
        if re.search(rf"(?:^|[/_.:-])(?:{words})(?:[/_.:0-9-]|\Z)", text)
    )


_WORDS = {
    one.packages[0]: "|".join(
        dict.fromkeys((one.name.lower(), one.packages[0], *(a for a in one.aliases if len(a) > 4)))
    )
    for one in FRAMEWORKS
}


def family_of(name: str) -> tuple[Family, Holds] | None:
    """The catalog's family of an image by its name, and the facts in the name itself."""
    return next((found for family in FAMILIES if (found := _named_by(family, name)) is not None), None)


def own_family(
    names: Iterable[str], own: Iterable[Family], tag: str, digest: str
) -> tuple[Family, Holds] | None:
    """The first family of a policy that is for an image under one of its names, and reads its tag or names its digest.

    Where a policy says what one tag or one digest holds, it says nothing of the others.
    """
    names = tuple(names)
    for family in own:
        if family.digest and family.digest != digest:
            continue
        if family.tags and not family.digest and tell(family, tag) is None:
            continue
        for name in names:
            if "{" not in family.image and name.endswith(f"/{family.image}"):
                return family, {}
            found = _named_by(family, name)
            if found is not None:
                return found
    return None


def _named_by(family: Family, name: str) -> tuple[Family, Holds] | None:
    if name == family.image:
        return family, {}
    if "{" in family.image and re.fullmatch(pattern(family.image), name):
        return family, read(family.image, name) or {}
    return None


def is_fixed(name: str, tag: str) -> bool:
    """Whether an image's publisher never moves this tag; `name` is without its registry."""
    found = family_of(name)
    return bool(found and found[0].fixed and re.fullmatch(found[0].fixed, tag))


def tell(family: Family, tag: str) -> Holds | None:
    """Facts in a tag by the first template that reads it; None where none does."""
    for template, holds in family.tags.items():
        found = read(template, tag)
        if found is not None:
            return {**holds, **found}
    return None
