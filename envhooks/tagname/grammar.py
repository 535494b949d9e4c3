"""Grammar of tags' names by one policy, and its soundness: each name that it makes reads back the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.tagname.names import DEFAULT_TAG_POLICY, MAX_NAME, Naming, TagName, TagPolicy, is_legal
from envhooks.tagname.reader import Reader
from envhooks.tagname.template import (
    MAX_TEMPLATE,
    NUMBER_OF,
    READ_FIELDS,
    BadTemplate,
    Field,
    Part,
    Text,
    field_faults,
    fields_of,
    parse,
    texts_of,
)

_FRAMEWORK = r"[A-Za-z](?:[A-Za-z0-9._+-]{0,38}[A-Za-z0-9])?"
_HARDWARE = r"[A-Za-z](?:[A-Za-z0-9]{0,18}[A-Za-z])?"


def name_faults(frameworks: Iterable[str], hardware: Iterable[str]) -> Iterator[str]:
    """Names of frameworks and hardware that no tag could be read by."""
    frameworks, hardware = tuple(frameworks), tuple(hardware)
    for name in frameworks:
        if not re.fullmatch(_FRAMEWORK, name) or not is_legal(name):
            yield (
                f"`{printable(name, 60)}` cannot name a framework: at most 40 letters, digits and any of `._+-`, "
                "a letter first, and a letter or a digit last"
            )
    for name in hardware:
        if not re.fullmatch(_HARDWARE, name):
            yield (
                f"`{printable(name, 60)}` cannot name hardware: at most 20 letters and digits, "
                "a letter first and last, because its version follows it directly"
            )
    seen: dict[str, str] = {}
    for name in (*frameworks, *hardware):
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield (
                f"`{printable(name, 60)}` differs from `{other}` only in upper and lower case; "
                "a template can say `{framework:lower}` and `{hardware:lower}`"
            )
    for name in set(frameworks) & set(hardware):
        yield f"`{name}` is both a framework and hardware"


_SAMPLES: Mapping[str, tuple[str, ...]] = {
    "framework": ("PyTorch", "JAX"),
    "framework:lower": ("pytorch", "jax"),
    "hardware": ("CUDA12.8", "CPU"),
    "hardware:lower": ("cuda12.8", "cpu"),
    "hardware:compact": ("cu128", "cpu"),
    "version": ("2.8", "12.10.0.1"),
    "stage": ("rc1", "post12"),
    "stage:dotted": ("rc.1", "post.12"),
    "cuda": ("12.8", "13"),
    "cuda:compact": ("128", "130"),
    "rocm": ("6.4.4", "7"),
    "python": ("3.12", "3.9.1"),
    "python:compact": ("312", "39"),
    "cudnn": ("9", "9.10.2"),
    "os": ("ubuntu24.04", "noble"),
    "date": ("20260130", "2026-01-30", "2026.01.30"),
    "release": ("7", "25.06"),
    "variant": ("devel", "noble"),
}
_PACKAGE_SAMPLES = ("2.7", "0.10.2.1", "2.7.4.post1")
_MAX_TRIES = 1024


@lru_cache(maxsize=64)
def template_faults(template: str) -> tuple[str, ...]:
    """Faults of a template for tags' names, one sentence each; empty where it is good."""
    try:
        parts = parse(template)
    except BadTemplate as error:
        return (str(error),)
    faults = [*field_faults(parts, READ_FIELDS, None), *_text_faults(parts), *_repetitions(parts)]
    return tuple(faults) or tuple(islice(_misreadings(template, parts), 1))


def _text_faults(parts: tuple[Part, ...]) -> Iterator[str]:
    if not any(fields_of(parts)):
        yield "it has no field, so it names one tag only"
    for char in dict.fromkeys(char for text in texts_of(parts) for char in text):
        if not "!" <= char <= "~":
            yield f"`{printable(char)}` (U+{ord(char):04X}) cannot stand in a name, which is ASCII without blanks"
        elif char in "~^:?*\\":
            yield f"`{char}` is not legal in the name of a tag"


def _repetitions(parts: tuple[Part, ...]) -> Iterator[str]:
    names = [field.name for field in fields_of(parts)]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"`{{{name}}}` is there more than once"
    hardware = [name for name in dict.fromkeys(names) if name in ("hardware", *NUMBER_OF)]
    if len(hardware) > 1:
        yield f"{' and '.join(f'`{{{name}}}`' for name in hardware)} both state the hardware; use two templates"


def _misreadings(template: str, parts: tuple[Part, ...]) -> Iterator[str]:
    """Names made by the template that git does not take, or that read back as something else."""
    reader = Reader.of(template, DEFAULT_TAG_POLICY)
    for fields, text in _sample_names(parts):
        if not is_legal(text):
            yield f"it makes names that are not legal to git, such as `{printable(text)}`"
            continue
        read = reader.fields(text) or {}
        for name in sorted(fields.keys() | read.keys()):
            if read.get(name) != fields.get(name):
                meant, taken = (f"`{way[name]}`" if name in way else "absent" for way in (fields, read))
                yield (
                    f"it is ambiguous: in `{text}` the {name} could be {meant} or {taken}; "
                    "put a separator between the fields"
                )


def _sample_names(parts: tuple[Part, ...]) -> Iterator[tuple[dict[str, str], str]]:
    """(text of each field, the name) for many ways to fill a template in, spread evenly over all of them."""
    fields = list(fields_of(parts))
    ways = [
        _SAMPLES.get(str(field)[1:-1], _PACKAGE_SAMPLES) + (("",) if field not in parts else ())
        for field in fields
    ]
    total = 1
    for way in ways:
        total *= len(way)
    # an odd stride that shares no factor with the 2, 3 and 4 ways of a field meets them in all combinations
    stride = 1 if total <= _MAX_TRIES else total // _MAX_TRIES // 6 * 6 + 7
    for index in range(0, total, stride):
        chosen = {}
        rest = index
        for field, way in zip(fields, ways, strict=True):
            rest, choice = divmod(rest, len(way))
            chosen[field.name] = way[choice]
        text, used = _fill_sample(parts, chosen)
        yield used, text


def _fill_sample(parts: tuple[Part, ...], chosen: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    done: list[str] = []
    used: dict[str, str] = {}
    for part in parts:
        if isinstance(part, Text):
            done.append(part.text)
        elif isinstance(part, Field):
            done.append(chosen[part.name])
            used[part.name] = chosen[part.name]
        elif all(chosen[f.name] for f in part.parts if isinstance(f, Field)):
            text, more = _fill_sample(part.parts, chosen)
            done.append(text)
            used |= more
    return "".join(done), used


if TYPE_CHECKING:
    from envhooks.tagname.nearest import Explainer


class Grammar:
    """The names that one policy takes for releases. Built once, then asked for each name.

    Raises:
        PolicyError: a template, or the name of a framework or a piece of hardware, cannot be used.
    """

    def __init__(self, policy: TagPolicy) -> None:
        self._policy = policy
        for fault in name_faults(policy.frameworks, policy.hardware):
            raise PolicyError(fault)
        for template in policy.templates:
            for fault in template_faults(template):
                raise PolicyError(
                    f"the tag template `{printable(template, MAX_TEMPLATE)}` is faulty: {fault}"
                )
        self._readers = tuple(Reader.of(template, policy) for template in policy.templates)

    def match(self, text: str) -> TagName | None:
        """The TagName, by the first template that the whole name matches; None where none does."""
        if len(text) > MAX_NAME:
            return None
        for reader in self._readers:
            name = reader.read(text)
            if name is not None:
                return name if is_legal(text) else None
        return None

    def read(self, text: str) -> Naming:
        """The TagName, or all that is wrong with the name and what was probably meant."""
        name = self.match(text)
        if name is not None:
            return Naming(name)
        return self._explainer.explain(text)

    @cached_property
    def _explainer(self) -> Explainer:
        from envhooks.tagname.nearest import Explainer  # only names that are refused need it

        return Explainer(self._policy, self._readers, self.match)


def is_release_tag(text: str, grammar: Grammar, policy: TagPolicy) -> bool:
    """Whether a tag is judged at all: the grammar reads its name, or no `ignore` glob matches it."""
    if not policy.ignore or grammar.match(text) is not None:
        return True
    return not any(fnmatchcase(text, pattern) for pattern in policy.ignore)
