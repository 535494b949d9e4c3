"""The sections of the policy, each from its TOML value to its type in the model."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from types import MappingProxyType
from typing import Literal, cast

from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS
from envhooks.policy import BuildPolicy, ChangelogPolicy, CheckSetting, DockerfilePolicy
from envhooks.policy.values import (
    MAX_GLOB,
    Value,
    expandable,
    glob,
    globs,
    identifier,
    meant,
    path_in_tree,
    stages_of,
)
from envhooks.signatures.signers import KeylessSigner
from envhooks.tagname import (
    BUILTIN_STAGES,
    DEFAULT_TAG_POLICY,
    READ_FIELDS,
    field_names,
    field_text,
    name_faults,
    template_faults,
)
from envhooks.tagname.names import Meaning, TagPolicy

STABLE = "stable"
MAX_TEMPLATES = 16
CONSTANTS = ("framework", "hardware", "python", "cudnn", "os", "variant")
"""Fields that a template may state for all of its tags."""
_HARDWARE = ("hardware", "cuda", "rocm")
_PACKAGE = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
MAX_KEYLESS = 8
"""gitsign is asked once for each, for every tag that it signed."""

_ARGUMENT = r"[A-Za-z_][A-Za-z0-9_]*"
_WHOLE = r"[!-)+-~]{1,500}"  # no blank, and no *
_TARGET = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_HEADING_FIELDS = ("tag", *READ_FIELDS)
_TELLING = ("version", "tag", "release")
_FIELD = r"\{([^{}]*)\}"


# ----------------------------------------------------------------------------------------- [tag]


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
        meant_by: dict[str, str] = {}
        for spelling, item in own.items():
            if spelling.lower() in meant_by:
                item.refuse(
                    f"the alias `{printable(spelling, 60)}` stands twice: case does not distinguish them"
                )
            meant_by[spelling.lower()] = _alias(item, known)
        aliases = MappingProxyType({**aliases, **meant_by})
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


# ------------------------------------------------------------- [dockerfile], [changelog], [image]


def dockerfiles(value: Value, packages: Collection[str]) -> tuple[DockerfilePolicy, ...]:
    """`[dockerfile]`, or several `[[dockerfile]]`; `packages` are those whose versions tags carry."""
    sections = (value,) if isinstance(value.raw, dict) else value.tables()
    read = tuple(_dockerfile(section, packages) for section in sections)
    for number, section in enumerate(read[:-1]):
        if section.match == "*":
            sections[number].refuse(
                "this section matches every tag, so those behind it are never used",
                'match = "PyTorch-ROCm-*"',
            )
    return read


def _dockerfile(value: Value, packages: Collection[str]) -> DockerfilePolicy:
    keys = value.table(("match", "path", "context", "target", "args", "built-by"))
    made = DockerfilePolicy()
    context = path_in_tree(keys["context"], is_folder=True) if "context" in keys else made.context
    if "{" in context or "[" in context:
        keys["context"].refuse(f"`{keys['context'].name}` takes no fields; only `path` does")
    target = keys["target"].text() if "target" in keys else None
    if target is not None and not re.fullmatch(_TARGET, target):
        keys["target"].refuse(f"`{printable(target, 60)}` cannot be the name of a stage in a Dockerfile")
    return DockerfilePolicy(
        match=glob(keys["match"], TAGS) if "match" in keys else made.match,
        path=_path_or_off(keys["path"], packages) if "path" in keys else made.path,
        context=context,
        target=target,
        args=tuple(_arguments(keys["args"])) if "args" in keys else (),
        built_by=_built_by(keys, packages) if "built-by" in keys else None,
    )


def _built_by(keys: dict[str, Value], packages: Collection[str]) -> tuple[str, str]:
    from envhooks.policy.builtsection import built_by  # few policies have it

    return built_by(keys, packages)


def _path_or_off(value: Value, packages: Collection[str]) -> str | None:
    if value.raw is False:
        return None
    if value.raw is True:
        value.wrong_type("a path in quotes, or false to switch it off")
    return expandable(value, path_in_tree(value), packages)


def _arguments(value: Value) -> Iterator[tuple[str, str]]:
    for name, item in value.table().items():
        if not re.fullmatch(_ARGUMENT, name):
            item.refuse(f"`{printable(name, 60)}` cannot be the name of a build argument")
        # an argument may be set to nothing; everything else about it is as for any text
        yield name, "" if item.raw == "" else item.text("text in quotes")


def changelog(value: Value, written: Collection[str], packages: Collection[str]) -> ChangelogPolicy:
    """`[changelog]`; `written` are the fields of the policy's tags, `packages` those that name a package."""
    keys = value.table(("path", "heading"))
    made = ChangelogPolicy()
    return ChangelogPolicy(
        path=_path_or_off(keys["path"], packages) if "path" in keys else made.path,
        heading=_heading(keys["heading"], written, packages) if "heading" in keys else made.heading,
    )


def _heading(value: Value, written: Collection[str], packages: Collection[str]) -> str:
    """A heading is matched by its literal text; its brackets are those of `[2.8.0]`, not optional parts."""
    text = value.text()
    if len(text) > MAX_GLOB:
        value.refuse(f"`{value.name}` is longer than {MAX_GLOB} characters")
    names = re.findall(_FIELD, text)
    if "{" in re.sub(_FIELD, "", text) or "}" in re.sub(_FIELD, "", text):
        value.refuse(f"`{value.name}` has a brace that stands alone: a field is written `{{version}}`")
    known = (*_HEADING_FIELDS, *packages)
    for name in names:
        if name not in known:
            value.refuse(f"`{{{printable(name, 60)}}}` is no field of a heading; {meant(name, known)}")
    if not {*_TELLING, *({"date"} & set(written))} & set(names):
        value.refuse(f"`{value.name}` has neither `{{version}}` nor `{{tag}}`, so it names no release")
    for name in ("release", "date", *packages):
        if name in written and name not in names and "tag" not in names:
            text = f"`{value.name}` has no `{{{name}}}`, so one entry would answer two releases"
            value.refuse(f"{text}; `{{tag}}` would do as well")
    return text


def image(value: Value, packages: Collection[str]) -> str | None:
    """`[image]`: the template of the image's name; `packages` are those whose versions tags carry."""
    keys = value.table(("name", "aliases", "tags", "stamp"))
    if "name" not in keys:
        return None
    name = keys["name"]
    text = expandable(name, name.text(), packages)
    said = f"the image name `{printable(text, 120)}`"
    literal = re.sub(_FIELD, "x", text)
    if "://" in literal:
        name.refuse(
            f"{said} is a URL; leave out the scheme", f'name = "{printable(text.split("://", 1)[1], 120)}"'
        )
    if ":" in literal.rpartition("/")[2] or "@" in literal:
        name.refuse(f"{said} carries a tag or a digest, which is made from the git tag")
    upper = [field for field in re.findall(_FIELD, text) if field in ("framework", "hardware", "tag")]
    if upper:
        fixed = text.replace(f"{{{upper[0]}}}", f"{{{upper[0]}:lower}}")
        name.refuse(f"{said} would have upper-case letters, which no registry takes", f'name = "{fixed}"')
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9._:/\[\]-]*[a-z0-9\]])?", literal) or "//" in literal:
        name.refuse(
            f"{said} is not legal: lower-case letters, digits, any of `._-`, and `/` between its parts"
        )
    return text


# ----------------------------------------------------------------------------- [checks], [[build]]


def checks(value: Value, ids: Collection[str] | None) -> MappingProxyType[str, CheckSetting]:
    """`[checks]`; `ids` are the checks that there are, or None to take any."""
    keys = value.table(None if ids is None else sorted(ids))
    return MappingProxyType({name: _check(name, item) for name, item in keys.items()})


# Switches of single checks, which are on where they are true.
_OPTIONS = {"dockerfile-matches": ("allow-cannot-tell",), "dockerfile-pinned": ("base-digest",)}
_NEEDS_REASON = ("allow-cannot-tell",)


def _check(name: str, value: Value) -> CheckSetting:
    levels = ("error", "warning", "off")
    options = _OPTIONS.get(name, ())
    short = printable(name, 60)
    fix = f'{short} = {{ level = "off", reason = "why" }}'
    if isinstance(value.raw, str):
        level, reason = value.choice(levels), ""
    elif isinstance(value.raw, dict):
        keys = value.table(("level", "reason", *options))
        on = frozenset(option for option in options if option in keys and keys[option].truth())
        if "level" not in keys and not on:
            value.refuse(f"`{value.name}` has no level", fix)
        level = keys["level"].choice(levels) if "level" in keys else "error"
        reason = keys["reason"].text().strip() if "reason" in keys else ""
        if not reason and on.intersection(_NEEDS_REASON):
            value.refuse(
                f"`{value.name}` takes less than it should, without a reason",
                f'{short} = {{ {min(on)} = true, reason = "why" }}',
            )
        return _setting(value, level, reason, on, fix)
    elif value.raw is False:
        value.refuse(f"`{value.name}` is switched off without a reason", fix)
    else:
        value.wrong_type('"error", "warning" or a table with `level` and `reason`', f'{short} = "warning"')
    return _setting(value, level, reason, frozenset(), fix)


def _setting(value: Value, level: str, reason: str, on: frozenset[str], fix: str) -> CheckSetting:
    if level == "off" and not reason:
        value.refuse(f"`{value.name}` is switched off without a reason", fix)
    return CheckSetting(cast(Literal["error", "warning", "off"], level), reason, on)


def keyless(value: Value) -> tuple[KeylessSigner, ...]:
    """`[[gitsign]]`, compared whole: a pattern that is a little too wide would let strangers sign."""
    sections = value.tables()
    if len(sections) > MAX_KEYLESS:
        value.refuse(f"`{value.name}` names {len(sections)} identities and may name {MAX_KEYLESS}")
    return tuple(map(_keyless, sections))


def _keyless(value: Value) -> KeylessSigner:
    example = {"identity": "alice@example.org", "issuer": "https://accounts.google.com"}
    keys = value.table(tuple(example))
    for key, text in example.items():
        if key not in keys:
            value.refuse(f"a `[[gitsign]]` has no `{key}`", f'{key} = "{text}"')
        if not re.fullmatch(_WHOLE, keys[key].text()):
            fault = f"`{keys[key].name}` is compared whole: printable ASCII without blanks and wildcards"
            keys[key].refuse(fault, f'{key} = "{text}"')
    if not keys["issuer"].text().startswith("https://"):
        keys["issuer"].refuse("the issuer is no https:// URL", f'issuer = "{example["issuer"]}"')
    return KeylessSigner(keys["identity"].text(), keys["issuer"].text())


def builds(value: Value, stages: Collection[str]) -> tuple[BuildPolicy, ...]:
    """`[[build]]`; the builder's own keys are kept as they are."""
    found: dict[str, BuildPolicy] = {}
    for item in value.tables():
        build = _build(item, stages)
        if build.name in found:
            item.refuse(
                f"two builds are called `{build.name}`, and the ledger tells them apart by name",
                f'name = "{build.name}-2"',
            )
        found[build.name] = build
    return tuple(found.values())


def _build(value: Value, stages: Collection[str]) -> BuildPolicy:
    keys = value.table()
    if "using" not in keys:
        value.refuse("a `[[build]]` has no `using`", 'using = "local"')
    using = identifier(keys["using"], keys["using"].text())
    on = keys["on"].choice(("client", "server", "ci")) if "on" in keys else "client"
    common = ("name", "using", "on", "remotes", "stages")
    return BuildPolicy(
        name=identifier(keys["name"], keys["name"].text()) if "name" in keys else using,
        using=using,
        on=cast(Literal["client", "server", "ci"], on),
        remotes=tuple(item.text() for item in keys["remotes"].texts()) if "remotes" in keys else (),
        stages=stages_of(keys["stages"], stages) if "stages" in keys else (),
        options=MappingProxyType({key: item.raw for key, item in keys.items() if key not in common}),
    )
