"""Pythons for which the releases of a package have wheels, by the names of its files."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envhooks.indexes.client import Index

_FINAL = r"(?a)[0-9]+(?:\.[0-9]+){1,3}"


def read_wheels(index: Index, packages: Iterable[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Package -> final release -> Pythons of its wheels for Linux x86-64, oldest first.

    Raises:
        CannotJudge: the index does not answer.
    """
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for package in packages:
        pythons: dict[str, set[int]] = {}
        for file in index.wheels(package):
            if file.yanked or not re.fullmatch(_FINAL, file.version) or "x86_64" not in file.platform:
                continue
            if "linux" in file.platform:
                minors = re.findall(r"(?a)cp3([0-9]{1,2})(?![0-9])", file.python)
                pythons.setdefault(file.version, set()).update(map(int, minors))
        found[package] = {
            version: tuple(f"3.{minor}" for minor in sorted(minors)) for version, minors in pythons.items()
        }
    return found
