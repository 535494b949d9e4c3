"""Rows and ties as TOML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from envhooks.indexes.table import Row
from envhooks.indexes.ties import grouped


def render(rows: Mapping[str, Iterable[Row]], day: str) -> str:
    """`.envhooks/compat.toml`: the rows in the form of `[[compat.torch]]`, with their day."""
    lines = [
        "# Published facts about releases, read from a package index by `envhooks compat update`.",
        "# Rows that stand in policy.toml as well, `[[compat.torch]]`, override these.",
        f'compiled = "{day}"',
    ]
    for name, found in rows.items():
        for row in found:
            lines += ["", f"[[{name}]]", *(f"{field} = {_toml(value)}" for field, value in row.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # strings and lists of strings are written alike


def render_ties(rows: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Iterator[str]:
    """Lines of ties.toml: a block of `[[ties.NAME]]` for each set of requirements."""
    for package in sorted(rows):
        for requires, versions in grouped(rows[package]):
            yield f"[[ties.{package}]]"
            yield f"requires = {json.dumps(list(requires))}"
            yield f"versions = {json.dumps(list(versions))}"
            yield ""


def render_wheels(rows: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Iterator[str]:
    """Lines of wheels.toml: a block of `[[wheels.NAME]]` for each set of Pythons."""
    for package in sorted(rows):
        for python, versions in grouped(rows[package]):
            yield f"[[wheels.{package}]]"
            yield f"python = {json.dumps(list(python))}"
            yield f"versions = {json.dumps(list(versions))}"
            yield ""
