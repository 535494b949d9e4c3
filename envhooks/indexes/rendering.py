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
    return _blocks("ties", "requires", rows)


def render_wheels(rows: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Iterator[str]:
    """Lines of wheels.toml: a block of `[[wheels.NAME]]` for each set of Pythons."""
    return _blocks("wheels", "python", rows)


def _blocks(table: str, key: str, rows: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Iterator[str]:
    for package in sorted(rows):
        for values, versions in grouped(rows[package]):
            yield f"[[{table}.{package}]]"
            yield f"{key} = {json.dumps(list(values))}"
            yield f"versions = {json.dumps(list(versions))}"
            yield ""
