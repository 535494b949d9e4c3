"""Pythons for which a release has wheels, for frameworks whose metadata does not say which Pythons they run on."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from envhooks.image import CompatFault, Environment
from envhooks.image.compat.table import Table, release

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@cache
def load_wheels() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Package -> release -> Pythons of its wheels for Linux x86-64 on PyPI: `3.9`, `3.10`."""
    data = tomllib.loads((Path(__file__).parent / "wheels.toml").read_text(encoding="utf-8"))
    return {
        package: {release(version): tuple(row["python"]) for row in rows for version in row["versions"]}
        for package, rows in data["wheels"].items()
    }


def judge_wheels(environment: Environment, table: Table) -> Iterator[CompatFault]:
    """Releases that have no wheel for the environment's Python on PyPI.

    A warning: an index of its own, which a configuration may name, can have more. Where the install names one, nothing
    is said.
    """
    python = ".".join((environment.python or "").split(".")[:2])
    for package in environment.packages:
        row = load_wheels().get(package.name, {}).get(release(package.version or ""))
        if not row or package.index or package.local or package.how in ("base", "conda") or not python:
            continue
        if python not in row:
            told = f"Python {row[0]} to {row[-1]}" if len(row) > 1 else f"Python {row[0]}"
            yield CompatFault(
                "python", "warning", f"{package.name} {package.version}", f"Python {environment.python}", told,
                f"PyPI had its wheels for {told} on {table.compiled}", package.place,
            )  # fmt: skip
