"""`[tag]` of the policy: which names are release tags, and what each of their templates says."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from types import MappingProxyType

from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS
from envhooks.policy.values import Value, globs, meant, stages_of
from envhooks.tagname import (
    BUILTIN_STAGES,
    DEFAULT_TAG_POLICY,
    field_names,
    field_text,
    name_faults,
    template_faults,
)
from envhooks.tagname.names import Meaning, TagPolicy

MAX_TEMPLATES = 16
CONSTANTS = ("framework", "hardware", "python", "cudnn", "os", "variant")
"""Fields that a template may state for all of its tags."""
_HARDWARE = ("hardware", "cuda", "rocm")
_PACKAGE = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"


def tag(value: Value) -> TagPolicy:
    """`[tag]`."""
    keys = value.table(("templates", "frameworks", "hardware", "stages", "ignore", "aliases"))
    default = DEFAULT_TAG_POLICY
    frameworks, hardware = default.frameworks, default.hardware
    if "frameworks" in keys:
        own = keys["frameworks"].table()
        frameworks = MappingProxyType({**frameworks, **{name: _packages(own[name]) for name in own}})
        for fault in name_faults(frameworks, ()):
            keys["frameworks"].refuse(fault)
    if "hardware" in keys:
        hardware = tuple(item.text() for item in keys["hardware"].texts())
    for fault in name_faults(frameworks, hardware):
        keys["hardware" if "hardware" in keys else "frameworks"].refuse(fault)
    aliases = default.aliases
    if "aliases" in keys:
        own = keys["aliases"].table()
        known = (*frameworks, *hardware)
        aliases = MappingProxyType({**aliases, **{k.lower(): _alias(v, known) for k, v in own.items()}})
    policy = TagPolicy(
        templates=default.templates,
        frameworks=frameworks,
        hardware=hardware,
        stages=stages_of(keys["stages"], BUILTIN_STAGES) if "stages" in keys else default.stages,
        ignore=globs(keys["ignore"], TAGS, may_be_empty=True) if "ignore" in keys else (),
        aliases=aliases,
    )
    if "templates" not in keys:
        return policy
    meanings = dict(_templates(keys["templates"], policy))
    return TagPolicy(
        tuple(meanings),
        frameworks,
        hardware,
        policy.stages,
        policy.ignore,
        aliases,
        MappingProxyType({text: meaning for text, meaning in meanings.items() if meaning != Meaning()}),
    )


def _templates(value: Value, policy: TagPolicy) -> Iterator[tuple[str, Meaning]]:
    """Each template and what is said of it, in their order."""
    raw = value.raw if isinstance(value.raw, list) else [value.raw]
    if len(raw) > MAX_TEMPLATES:
        value.refuse(f"`{value.name}` has {len(raw)} templates and may have {MAX_TEMPLATES}")
    if all(isinstance(item, str) for item in raw):
        items = value.texts()
    else:
        items = tuple(Value(value.source, value.path, item) for item in raw)
    seen: set[str] = set()
    for item in items:
        keys = (
            item.table(("template", "base", *CONSTANTS)) if isinstance(item.raw, dict) else {"template": item}
        )
        if "template" not in keys:
            item.refuse(f"a table in `{value.name}` has no template", 'template = "v{version}"')
        text = keys["template"].text("a template, or a table with one")
        if text in seen:
            item.refuse(f"`{value.name}` has `{printable(text, 60)}` twice")
        seen.add(text)
        for fault in template_faults(text):
            item.refuse(f"the tag template `{printable(text, 120)}` cannot be used: {fault}")
        yield text, Meaning(tuple(_constants(keys, text, policy)), _of_base(keys, text))


def _constants(keys: dict[str, Value], template: str, policy: TagPolicy) -> Iterator[tuple[str, str]]:
    written = field_names(template)
    for name in CONSTANTS:
        if name not in keys:
            continue
        text = keys[name].text()
        if name in written:
            keys[name].refuse(
                f"`{name}` stands in the template, so it cannot be the same for all of its tags"
            )
        if not field_text(name, text, policy):
            known = (
                policy.frameworks if name == "framework" else policy.hardware if name == "hardware" else ()
            )
            hint = f"; {meant(text, [*known])}" if known else ""
            keys[name].refuse(f"`{printable(text, 60)}` is no {name}{hint}")
        own = {"cuda": "CUDA", "rocm": "ROCm"}
        number = next((field for field in own if field in written), "")
        if name == "hardware" and number and text != own[number]:
            keys[name].refuse(f"the template's `{{{number}}}` says that the hardware is {own[number]}")
        yield name, text


def _of_base(keys: dict[str, Value], template: str) -> frozenset[str]:
    """The fields that speak of the base image: each states a version of the hardware."""
    if "base" not in keys:
        return frozenset()
    written = {*field_names(template), *(name for name in CONSTANTS if name in keys)}
    for item in keys["base"].texts():
        item.choice(_HARDWARE)
        if item.raw not in written:
            item.refuse(f"the template has no `{{{item.raw}}}` that could speak of the base image")
    return frozenset(item.raw for item in keys["base"].texts())


def _packages(value: Value) -> tuple[str, ...]:
    names = []
    for item in value.texts():
        if not re.fullmatch(_PACKAGE, item.raw):
            value.refuse(f"`{printable(item.raw, 60)}` in `{value.name}` cannot be the name of a package")
        names.append(re.sub("[-_.]+", "-", item.raw).lower())
    return tuple(dict.fromkeys(names))


def _alias(value: Value, known: Collection[str]) -> str:
    text = value.text()
    if text not in known and text.rstrip("0123456789.") not in known:
        value.refuse(
            f"the alias `{value.name}` stands for `{printable(text, 60)}`, which is no framework and no "
            f"hardware; {meant(text, known)}"
        )
    return text
