"""The template language: literal text, `{field}`, `{field:modifier}`, and `[optional parts]`.

The same text says how a tag is read and how a path or an image name is made from one. It comes from
a repository, so its size is bounded, and no regular expression of the policy's own is ever compiled.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.tagname.names import TagName

MAX_TEMPLATE = 200
"""Characters. The longest real convention needs about 90."""
MAX_OPTIONAL = 8
MAX_DEPTH = 3

READ_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "framework": ("lower",),
        "hardware": ("lower", "compact"),
        "version": (),
        "stage": ("dotted",),
        "cuda": ("compact",),
        "rocm": (),
        "python": ("compact",),
        "cudnn": (),
        "os": (),
        "date": (),
        "release": (),
        "variant": (),
    }
)
"""Field that a tag can be read by -> its modifiers; any other is the name of a distribution: `{flash-attn}`."""
WRITTEN_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {**READ_FIELDS, "hardware": (*READ_FIELDS["hardware"], "kind"), "tag": ("lower",), "series": ()}
)
"""Field that can be filled into a path, an image name or a heading -> its modifiers."""
# A number that implies a kind of hardware, where the name itself is literal text: `cuda-{cuda}`.
NUMBER_OF = MappingProxyType({"cuda": "CUDA", "rocm": "ROCm"})

_PACKAGE = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_PIECE = r"\{([^{}\[\]]*)\}|[\[\]{}]|[^\[\]{}]+"


@dataclass(frozen=True)
class Text:
    """Literal text."""

    text: str


@dataclass(frozen=True)
class Field:
    """A field with its modifier, or with none."""

    name: str
    modifier: str = ""

    def __str__(self) -> str:
        return f"{{{self.name}:{self.modifier}}}" if self.modifier else f"{{{self.name}}}"


@dataclass(frozen=True)
class Maybe:
    """A part that a name may lack."""

    parts: tuple[Part, ...]


Part: TypeAlias = Text | Field | Maybe


class BadTemplate(ValueError):
    """A template that cannot be taken apart; the text says why."""


@lru_cache(maxsize=256)
def parse(template: str) -> tuple[Part, ...]:
    """The parts of a template.

    Raises:
        BadTemplate: unbalanced brackets or braces, or more than the limits allow.
    """
    if len(template) > MAX_TEMPLATE:
        raise BadTemplate(f"it is {len(template)} characters long and may have {MAX_TEMPLATE}")
    if template.count("[") > MAX_OPTIONAL:
        raise BadTemplate(f"it has {template.count('[')} optional parts and may have {MAX_OPTIONAL}")
    stack: list[list[Part]] = [[]]
    for match in re.finditer(_PIECE, template):
        token = match.group()
        if token == "[":  # noqa: S105 - a bracket, not a secret
            stack.append([])
            if len(stack) - 1 > MAX_DEPTH:
                raise BadTemplate(f"its optional parts are nested more than {MAX_DEPTH} deep")
        elif token == "]":  # noqa: S105
            if len(stack) == 1:
                raise BadTemplate("a `]` closes nothing")
            stack[-2].append(Maybe(tuple(stack.pop())))
        elif token in ("{", "}"):
            raise BadTemplate(f"a `{token}` stands alone: a field is written `{{version}}`")
        elif match[1] is not None:
            name, colon, modifier = match[1].partition(":")
            if colon and not modifier:
                raise BadTemplate(f"`{printable(token, 60)}` has an empty modifier")
            stack[-1].append(Field(name, modifier))
        else:
            stack[-1].append(Text(token))
    if len(stack) > 1:
        raise BadTemplate("a `[` is not closed")
    return tuple(stack[0])


def fields_of(parts: tuple[Part, ...]) -> Iterator[Field]:
    """All fields, those of optional parts too, in order."""
    for part in parts:
        if isinstance(part, Field):
            yield part
        elif isinstance(part, Maybe):
            yield from fields_of(part.parts)


def texts_of(parts: tuple[Part, ...]) -> Iterator[str]:
    """All literal text, in order."""
    for part in parts:
        if isinstance(part, Text):
            yield part.text
        elif isinstance(part, Maybe):
            yield from texts_of(part.parts)


def maybes_of(parts: tuple[Part, ...]) -> Iterator[Maybe]:
    """All optional parts, outer ones first."""
    for part in parts:
        if isinstance(part, Maybe):
            yield part
            yield from maybes_of(part.parts)


def is_package(name: str) -> bool:
    """Whether a field is the normalised name of a distribution and none of the fields that have a meaning."""
    return name not in WRITTEN_FIELDS and len(name) <= 60 and re.fullmatch(_PACKAGE, name) is not None


def field_names(template: str) -> tuple[str, ...]:
    """The names of the fields of a template that can be parsed, in their order."""
    return tuple(field.name for field in fields_of(parse(template)))


def packages_of(template: str) -> tuple[str, ...]:
    """The distributions whose versions a template writes; it can be parsed."""
    return tuple(filter(is_package, field_names(template)))


def _is_misspelt(name: str) -> bool:
    limit = 2 if len(name) >= 6 else 1
    return any(abs(len(name) - len(one)) <= limit and distance(name, one) <= limit for one in READ_FIELDS)


def field_faults(
    parts: tuple[Part, ...], known: Mapping[str, tuple[str, ...]], packages: Collection[str] | None
) -> Iterator[str]:
    """Fields and modifiers that do not exist, and optional parts that nothing would make present.

    `packages` are the distributions that may be fields as well; None: any whose name is not a misspelt field.
    """
    for field in fields_of(parts):
        own = field.name in packages if packages is not None else is_package(field.name)
        if field.name not in known and (not own or (packages is None and _is_misspelt(field.name))):
            from envhooks.base.near import nearest  # where nothing is misspelt, nobody needs it

            near = nearest(field.name, known)
            hint = f"did you mean `{{{near}}}`?" if near else f"the fields are {', '.join(known)}"
            yield f"`{printable(str(field), 60)}` is no field; {hint}"
        elif field.modifier and field.modifier not in known.get(field.name, ()):
            may = " or ".join(f"`{{{field.name}:{modifier}}}`" for modifier in known.get(field.name, ()))
            yield f"`{printable(str(field), 60)}` has a modifier that is not known; " + (
                f"there is {may}" if may else f"`{{{field.name}}}` takes none"
            )
    for maybe in maybes_of(parts):
        if not any(fields_of(maybe.parts)):
            inside = printable("".join(texts_of(maybe.parts)), 60)
            yield f"the optional part `[{inside}]` has no field that would say when it is there"


def distance(one: str, other: str) -> int:
    """Letters to insert, delete, replace or swap with their neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if last and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, last[j - 2] + 1)
            row.append(best)
    return row[-1]


def expansion_faults(template: str, packages: Collection[str] = ()) -> tuple[str, ...]:
    """Faults of a template for paths or image names, one sentence each.

    `packages` are the distributions that tags may carry.
    """
    try:
        return tuple(field_faults(parse(template), WRITTEN_FIELDS, packages))
    except BadTemplate as error:
        return (str(error),)


# ------------------------------------------------------------------------------------ filling in


class _Absent(Exception):
    """The name does not carry a field."""

    def __init__(self, field: Field) -> None:
        super().__init__(str(field))
        self.field = field


def expand(template: str, name: TagName) -> str:
    """Fill a tag's fields into a path, an image name or a heading.

    An optional part is left out where the name lacks one of its fields.

    Raises:
        UsageError: the name lacks a field that is not optional, or the template cannot be read.
    """
    where = printable(template, MAX_TEMPLATE)
    try:
        return _fill(parse(template), name)
    except BadTemplate as error:
        raise UsageError(f"the template `{where}` cannot be read: {error}") from None
    except _Absent as absent:
        field = absent.field
        if not _exists(field.name):
            raise UsageError(f"the template `{where}` has a field that does not exist: {field}") from None
        raise UsageError(
            f"the tag {printable(name.text)} carries no {field.name} for `{field}` in the template `{where}`",
            fix=f"put the part that needs `{field}` into brackets, or leave it out of the template",
        ) from None


def _fill(parts: tuple[Part, ...], name: TagName) -> str:
    done: list[str] = []
    for part in parts:
        if isinstance(part, Text):
            done.append(part.text)
        elif isinstance(part, Field):
            done.append(_value(part, name))
        else:
            try:
                done.append(_fill(part.parts, name))
            except _Absent as absent:
                if not _exists(absent.field.name):
                    raise
    return "".join(done)


def _exists(name: str) -> bool:
    return name in WRITTEN_FIELDS or is_package(name)


def _value(field: Field, name: TagName) -> str:
    if field.name == "hardware" and field.modifier == "compact":
        return _compact_hardware(field, name)
    value = _plain_value(field.name, name)
    if not value or field.modifier not in ("", *WRITTEN_FIELDS.get(field.name, ())):
        raise _Absent(field)
    if field.name == "cuda" and field.modifier and "." not in value:
        raise _Absent(field)  # `12` would read back as 1.2
    if field.modifier == "kind":
        return (name.hardware or "").lower()
    if field.modifier == "lower":
        return value.lower()
    if field.modifier == "dotted":
        return f"{name.stage}.{name.stage_number}"
    return "".join(value.split(".")[:2]) if field.modifier == "compact" else value


def _plain_value(field: str, name: TagName) -> str:
    if field == "hardware":
        return name.hardware + (name.hardware_version or "") if name.hardware else ""
    if field in NUMBER_OF:
        return (name.hardware_version or "") if name.hardware == NUMBER_OF[field] else ""
    own = {
        "framework": name.framework or "",
        "version": name.version_text,
        "stage": name.stage_text,
        "tag": name.text,
        "series": ".".join((name.version_text or name.field("release")).split(".")[:2]),
    }
    return own[field] if field in own else dict(name.extra).get(field, "")


def _compact_hardware(field: Field, name: TagName) -> str:
    """The spelling of PyTorch's wheel variants: `cu128`, `rocm6.4`, `cpu`."""
    if name.hardware is None:
        raise _Absent(field)
    if name.hardware != "CUDA":
        return (name.hardware + (name.hardware_version or "")).lower()
    numbers = (name.hardware_version or "").split(".")
    if len(numbers) < 2:
        raise _Absent(field)
    return "cu" + "".join(numbers[:2])
