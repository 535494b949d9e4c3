#!/usr/bin/env python3
"""The pages of reference that are made from code: commands, checks, policy, formats, Python API.

scripts/reference.py FOLDER    writes them; `make docs` does it
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import envhooks
from envhooks import cli, lineage, report
from envhooks.cli import _manner, _parser
from envhooks.judge import engine

PACKAGE = Path(envhooks.__file__).parent
EVERYWHERE = (_manner.QUIET, _manner.VERBOSE, "json: one object, for programs; default: text")
"""What the help of every verb says, which the page says once."""


# -------------------------------------------------------------------------------------- commands


def commands() -> Iterator[str]:
    """Every verb with its options and examples, by the parser that reads them."""
    os.environ["COLUMNS"] = "80"  # the usage is broken where that of `--help` is
    parser = _parser.build(verb for verb in cli.verbs() if verb != "hook")
    yield "# Commands\n"
    yield "What `envhooks VERB --help` says. Exit codes: 0 good, or nothing to judge; 1 found something; 2 could not\n"
    yield "judge, or called wrongly. 2 outranks 1, and 1 outranks 0.\n\n"
    yield "Every verb takes `-h`, `--help`; `-q`, `--quiet`: only what is wrong, or the answer itself; and `-v`,\n"
    yield "`--verbose`: also which programs and services are asked, and when. All but `completion` and `demo` take\n"
    yield "`--format json`: one object, for programs ([its form](formats.md)). Below stand these options only where\n"
    yield "they mean something else, or more.\n"
    verbs = _subparsers(parser)
    for group in _parser.GROUPS:
        yield f"\n## {group[:1].upper()}{group[1:]}\n"
        for verb, (own, _) in parser.verbs.items():
            if own == group:
                yield from _verb(
                    f"envhooks {verb}", verbs[verb], importlib.import_module(f"envhooks.cli.{verb}")
                )


def _subparsers(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def _verb(name: str, parser: argparse.ArgumentParser, module: object | None, depth: int = 3) -> Iterator[str]:
    yield f"\n{'#' * depth} `{name}`\n"
    description = (parser.description or "").replace("%%", "%").strip()
    summary, _, rest = description.partition("\n")
    yield f"\n{summary[:1].upper()}{summary[1:]}.\n" if summary else ""
    for paragraph in rest.strip().split("\n\n"):
        indented = paragraph.startswith("  ")
        yield f"\n```text\n{paragraph}\n```\n" if indented else f"\n{_safe(paragraph)}\n"
    usage = textwrap.dedent(parser.format_usage().replace("usage: ", " " * len("usage: "), 1))
    yield f"\n```text\n{usage.strip()}\n```\n"
    for action in parser._actions:
        is_said_above = isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)) or (
            action.help in (argparse.SUPPRESS, *EVERYWHERE)
        )
        if is_said_above:
            continue
        yield f"\n{_term(action)}\n: {_help(action)}\n"
    examples = getattr(module, "EXAMPLES", ())
    if examples:
        lines = textwrap.dedent("\n".join(_parser.example_lines(examples)))
        yield f"\nExamples:\n\n```sh\n{lines}\n```\n"
    if hasattr(module, "EXITS"):
        codes = _parser.exit_codes(module).split("\n")[1:]
        yield "\nExit codes:\n\n" + "".join(
            f"- `{line.strip()[0]}`: {_safe(line.strip()[3:])}\n" for line in codes
        )
    for below, own in _subparsers(parser).items():
        yield from _verb(f"{name} {below}", own, None, depth + 1)


def _term(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    value = value[0] if isinstance(value, tuple) else value
    if not action.option_strings:
        return f"`{value}`"
    takes = "" if action.nargs == 0 else f" {value}"
    return ", ".join(f"`{text}{takes}`" for text in action.option_strings)


def _help(action: argparse.Action) -> str:
    return _safe((action.help or "see above").replace("%%", "%").replace("%(default)s", str(action.default)))


def _safe(text: str) -> str:
    """Text of a help as Markdown: what looks like markup there is meant as it stands, but for code in backquotes."""
    parts = text.split("`")
    marks = str.maketrans({mark: f"\\{mark}" for mark in "*_[]<>#$"})
    return "`".join(part if at % 2 else part.translate(marks) for at, part in enumerate(parts))


# ---------------------------------------------------------------------------------------- checks


def checks() -> Iterator[str]:
    """Every check with its page."""
    yield "# Each check\n\nWhat `envhooks explain CHECK` says. [Levels and switches](../policy.md) are the policy's.\n"
    for check in engine.load():
        yield f"\n## `{check.id}`\n\n{_safe(check.summary)}.\n\n*By default: {check.level}.*\n"
        for paragraph in check.page.split("\n\n"):
            block = all(line.startswith("    ") for line in paragraph.split("\n"))
            yield f"\n{paragraph if block else _safe(paragraph)}\n"


# --------------------------------------------------------------------------------------- formats


def formats() -> Iterator[str]:
    """Formats of reports, and the schemas of what is printed as JSON."""
    yield "# Report formats\n\nOf `envhooks check --format FORMAT[=FILE]`.\n"
    for name in report.formats():
        module = importlib.import_module(f"envhooks.report.{name}")
        yield f"\n`{name}`\n: {_safe((module.__doc__ or '').strip().split(chr(10) * 2)[0])}\n"
    yield "\n## JSON\n\nEvery verb but `completion` and `demo` prints one object with `--format json`, and nothing\n"
    yield "else on standard output. It begins with `schema`, `envhooks` (its version), `version`, which a breaking\n"
    yield "change raises, and `exit_code`. Where a verb could not do what was asked, the object is that of `error`;\n"
    yield "the sentence stands on stderr as ever. The schemas are in the package.\n"
    for file in (
        PACKAGE / "report" / "schema-v1.json",
        *sorted((PACKAGE / "releases" / "schemas").glob("*.json")),
    ):
        name = "check" if file.name == "schema-v1.json" else file.name.partition("-v")[0]
        verb = {"check": "check", "error": "VERB"}.get(name, name.replace("signers-", "signers "))
        more = {"check": ", and of `envhooks lint`", "error": ", where it fails"}.get(name, "")
        yield f"\n### `envhooks {verb} --format json`{more}\n"
        schema = json.loads(file.read_text(encoding="utf-8"))
        yield f"\n`envhooks/{file.relative_to(PACKAGE).as_posix()}`. {_safe(schema.get('description', ''))}\n"
        for form in schema.get("anyOf", [schema]):
            yield from _properties(form, schema)


def _properties(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    for name, said in schema.get("properties", {}).items():
        value = _resolved(said, root)
        kind = value.get("type") or (
            "one of " + ", ".join(map(str, value["enum"])) if "enum" in value else ""
        )
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        text = _safe(value.get("description", ""))
        needed = "" if name in schema.get("required", ()) else ", may be missing"
        yield f"\n`{name}` ({_safe(str(kind) or 'see the schema')}{needed})\n: {text or 'see the schema'}\n"


def _resolved(value: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    target = value.get("$ref", "")
    if not target.startswith("#/"):
        return value
    found: Any = root
    for step in target[2:].split("/"):
        found = found[step]
    return {**found, **{key: text for key, text in value.items() if key != "$ref"}}


# ---------------------------------------------------------------------------------------- policy


def policy() -> Iterator[str]:
    """Every key of the policy, from the schema that editors read."""
    schema = json.loads((PACKAGE / "policy" / "schema-v1.json").read_text(encoding="utf-8"))
    yield "# Keys of the policy\n\nOf `.envhooks/policy.toml`; [the policy](../policy.md) has samples and reasons. "
    yield "The schema for editors is `envhooks/policy/schema-v1.json`.\n"
    for name, said in schema["properties"].items():
        if name != "build":
            yield f"\n## `{name}`\n\n{_safe(said['description'])}\n"
            yield from _keys(said, 3)
    yield "\n## `build`\n\nWho builds an image after a push; [builders](../builders.md) has samples.\n"
    for name, said in schema["definitions"].items():
        yield f'\n### `using = "{name}"`\n'
        yield from _keys(said, 4)


def _keys(said: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The keys of a table, wherever it stands in alternatives and lists; tables inside have a heading."""
    tables: list[Mapping[str, Any]] = []
    for one in _alternatives(said):
        has_keys = one.get("properties") or isinstance(one.get("additionalProperties"), dict)
        if has_keys and one not in tables:
            tables.append(one)
    for table in tables:
        inner = table.get("additionalProperties")
        if isinstance(inner, dict) and (inner.get("properties")):
            yield "\nEach `NAME`:\n"
            yield from _keys(inner, depth)
        said_alike: dict[tuple[str, str], list[str]] = {}
        nested: dict[str, list[str]] = {}
        values = table.get("properties", {})
        for key, value in values.items():
            needed = ", needed" if key in table.get("required", ()) else ""
            has_keys = any(one.get("properties") for one in _alternatives(value))
            text = value.get("description", "") or ("see below" if has_keys else "see there")
            said_alike.setdefault((f"{_safe(_kind(value))}{needed}", _safe(text)), []).append(key)
            if has_keys:
                nested.setdefault(json.dumps(value), []).append(key)
        for (kind, text), keys in said_alike.items():
            yield f"\n{', '.join(f'`{key}`' for key in keys)} ({kind})\n: {text}\n"
        for keys in sorted(nested.values(), key=len):  # what many have in common comes behind what one has
            names = ", ".join(f"`{key}`" for key in keys) if len(keys) < 4 else "each of the others"
            yield f"\n{'#' * depth} In {names}\n"
            yield from _keys(values[keys[0]], depth + 1)


def _alternatives(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A description with each of its alternatives and the items of its lists."""
    found = [said]
    for one in (*said.get("anyOf", ()), said.get("items")):
        if isinstance(one, dict):
            found += _alternatives(one)
    return found


def _kind(said: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    words = {"string": "text", "boolean": "true or false", "array": "a list", "object": "a table"}
    kinds: list[str] = []
    for one in (said, *said.get("anyOf", ())):
        if "enum" in one:
            kinds += [json.dumps(value) for value in one["enum"]]
        elif "const" in one:
            kinds.append(json.dumps(one["const"]))
        elif "type" in one:
            types = one["type"] if isinstance(one["type"], list) else [one["type"]]
            kinds += [words.get(name, f"a {name}") for name in types]
    return " or ".join(dict.fromkeys(kinds)) or "a date"


# ------------------------------------------------------------------------------------------- API


def api() -> Iterator[str]:
    """The Python API, from its docstrings."""
    yield "# Python API\n\n`envhooks.lineage` is public; everything else may change with any release.\n\n"
    yield f"{(lineage.__doc__ or '').strip()}\n\n```{{eval-rst}}\n"
    for name in lineage.__all__:
        thing = getattr(lineage, name)
        if isinstance(thing, type):
            yield f".. autoclass:: envhooks.lineage.{name}()\n   :members:\n\n"
        elif callable(thing):
            yield f".. autofunction:: envhooks.lineage.{name}\n\n"
        else:
            yield f".. data:: envhooks.lineage.{name}\n\n   ``{thing}``\n\n"
    yield "```\n"


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "commands": commands,
    "checks": checks,
    "policy": policy,
    "formats": formats,
    "api": api,
}


def write(folder: Path) -> None:
    """Write every page; one that says the same stays as it is, so that Sphinx need not read it again."""
    folder.mkdir(exist_ok=True)
    for name, made in PAGES.items():
        file, text = folder / f"{name}.md", "".join(made())
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
