"""Extras and groups of poetry.lock and pdm.lock: what a command asks for, and what the project itself brings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from envhooks.image.requirements.specs import normal_name
from envhooks.image.requirements.tomltext import FAULTS, parse_toml


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def brought_by_main(lock: bytes, project: bytes) -> frozenset[str] | None:
    """Normalised names that the main dependencies reach, whatever their extras and markers; None where it is not known.

    Args:
        lock: poetry.lock.
        project: the pyproject.toml beside it.
    """
    try:
        locked, own = parse_toml(lock.decode()), parse_toml(project.decode())
    except (UnicodeDecodeError, *FAULTS):
        return None
    edges: dict[str, set[str]] = {}
    packages = locked.get("package")
    for entry in packages if isinstance(packages, list) else ():
        name = _table(entry).get("name")
        if isinstance(name, str):
            wanted = edges.setdefault(normal_name(name), set())
            wanted.update(normal_name(one) for one in _table(entry.get("dependencies")))
    waiting = {
        normal_name(one) for one in _table(_table(_table(own.get("tool")).get("poetry")).get("dependencies"))
    }
    listed = _table(own.get("project")).get("dependencies")
    waiting.update(
        normal_name(match.group())
        for one in (listed if isinstance(listed, list) else ())
        if (match := re.match("[A-Za-z0-9._-]+", str(one)))
    )
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= edges.get(name, set())
    return frozenset(found)


_BARE = frozenset(("--no-dev", "--only-main", "--prod", "--production", "--no-default"))


def asked_for(
    extras: set[str], only: set[str], without: set[str], switches: set[str], *, pdm: bool
) -> Callable[[str], bool | None]:
    """Whether a command installs an extra, or a group (`group:dev`, of poetry); None where that is not known.

    Args:
        extras: extras and groups that are asked for, in lower case.
        only: groups of `--only`.
        without: groups of `--without`.
        switches: options without a value.
        pdm: whether the lock is pdm's, which knows groups as extras.
    """
    given = {normal_name(one) for one in extras}
    bare = bool(switches & _BARE)

    def holds(name: str) -> bool | None:
        if name == "group:?":  # some group, of a lock that does not say which
            return None if only or without or bare else True
        if name.startswith("group:"):
            group = name.removeprefix("group:").lower()
            if only or "--only-root" in switches:
                return group in only
            if group in without or (group == "dev" and bare):
                return False
            return (
                True if group in extras or "--all-groups" in switches else None
            )  # it may be an optional one
        if name in given or ":all" in extras or "--all-extras" in switches:
            return True
        if pdm:
            return False if bare else None  # a group for development comes unasked
        return None if name == "?" and given else False

    return holds
