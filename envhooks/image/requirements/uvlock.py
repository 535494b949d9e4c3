"""Packages of a uv.lock that one `uv sync` installs: a lock holds those of every extra and group.

The lock is walked from the project along its dependencies, as uv does; packages of extras that are
not asked for are left out. Conflicting extras (`cpu` against `cu128`) are distinguished by the
names that uv writes into its markers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from envhooks.base.dataclass import dataclass, field
from envhooks.image.requirements.specs import UNKNOWN_MARKER, marker_holds, normal_name

Chosen = frozenset[tuple[str, str]]
"""(normalised name, version as the lock writes it)."""

_CONFLICT = r"extra (==|!=) '(extra|group)-([0-9]+)-([^']+)'"
_EXTRA = (
    r"""\bextra\s*(?P<sign>==|!=)\s*["'](?P<name>[^"']+)["']"""
    r"""|["'](?P<name_2>[^"']+)["']\s*(?P<sign_2>==|!=)\s*extra\b"""
)
_holds = lru_cache(maxsize=4096)(marker_holds)  # a lock has hundreds of markers, and few different ones
_TRUE, _FALSE = "python_version >= '0'", "python_version < '0'"


@dataclass(frozen=True)
class Selection:
    """Selection by the command line of `uv sync`."""

    extras: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset(("dev",))
    all_extras: bool = False
    all_groups: bool = False
    only_groups: bool = False
    """Whether the project's own dependencies are left out."""
    package: str | None = None
    """A member of the workspace; None: the project at the top."""


def chosen(data: bytes, selection: Selection, python: str | None) -> Chosen | None:
    """The packages that are installed; None where the lock does not tell.

    Args:
        data: the lock's bytes.
        selection: the extras and groups that are asked for.
        python: `3.12` or longer where it is known, for markers.
    """
    entries = _packages(data)
    root = _root(entries, selection.package)
    return None if root is None else _Walk(entries, selection, python, str(root["name"])).run(root)


@lru_cache(maxsize=2)  # a Dockerfile often syncs twice: without the project, then with it
def _packages(data: bytes) -> list[dict[str, Any]]:
    from envhooks.image.requirements.tomltext import FAULTS, parse_toml

    try:
        packages = parse_toml(data.decode()).get("package")
    except (UnicodeDecodeError, *FAULTS):
        return []
    return [one for one in _list(packages) if isinstance(one, dict) and isinstance(one.get("name"), str)]


def _root(entries: list[dict[str, Any]], package: str | None) -> dict[str, Any] | None:
    """The project's own entry: the one whose source is this folder."""
    for entry in entries:
        source = entry.get("source")
        here = isinstance(source, dict) and "." in (source.get("editable"), source.get("virtual"))
        if (package is None and here) or (package is not None and entry["name"] == package):
            return entry
    return None


@dataclass
class _Walk:
    entries: list[dict[str, Any]]
    selection: Selection
    python: str | None
    name: str
    """The project's own name."""
    found: set[tuple[str, str]] = field(default_factory=set)
    seen: set[tuple[int, str]] = field(default_factory=set)

    def run(self, root: Mapping[str, Any]) -> Chosen:
        by_name: dict[str, list[dict[str, Any]]] = {}
        for entry in self.entries:
            by_name.setdefault(entry["name"], []).append(entry)
        waiting = self._of_root(root)
        while waiting:
            wanted = waiting.pop()
            if not isinstance(wanted, dict) or self._excluded(wanted.get("marker")):
                continue
            extras = wanted.get("extra")
            for entry in by_name.get(str(wanted.get("name")), []):
                if wanted.get("version") not in (None, entry.get("version")):
                    continue
                self.found.add((normal_name(entry["name"]), str(entry.get("version"))))
                for part in ("", *(extras if isinstance(extras, list) else ())):
                    if (id(entry), str(part)) in self.seen:
                        continue
                    self.seen.add((id(entry), str(part)))
                    waiting += _list(entry.get("dependencies")) if not part else _optional(entry, str(part))
        return frozenset(self.found)

    def _of_root(self, root: Mapping[str, Any]) -> list[Any]:
        selection = self.selection
        waiting = [] if selection.only_groups else list(_list(root.get("dependencies")))
        optional, groups = root.get("optional-dependencies"), root.get("dev-dependencies")
        for name in optional if isinstance(optional, dict) else ():
            if selection.all_extras or name in selection.extras:
                waiting += _optional(root, name)
        for name, wanted in groups.items() if isinstance(groups, dict) else ():
            if selection.all_groups or name in selection.groups:
                waiting += _list(wanted)
        return waiting

    def _excluded(self, marker: object) -> bool:
        if not isinstance(marker, str):
            return False
        return _holds(re.sub(_CONFLICT, self._conflict, marker), self.python) is False

    def _conflict(self, match: re.Match[str]) -> str:
        sign, kind, length, rest = match.groups()
        package, name = rest[: int(length[:4])], rest[int(length[:4]) + 1 :]
        if package != self.name:
            return UNKNOWN_MARKER  # an extra of another member: who asks for it is not followed
        asked = name in (self.selection.extras if kind == "extra" else self.selection.groups)
        return _TRUE if asked == (sign == "==") else _FALSE


def decided(marker: str, holds: Callable[[str], bool | None]) -> str:
    """A lock's marker with each `extra == "name"` in it decided.

    Args:
        marker: what stands in poetry.lock or pdm.lock.
        holds: whether the extra of that normalised name is installed; None where that is not known.
    """

    def one(match: re.Match[str]) -> str:
        sign, name = match["sign"] or match["sign_2"], match["name"] or match["name_2"]
        asked = holds(name if ":" in name else normal_name(name))
        return UNKNOWN_MARKER if asked is None else _TRUE if asked == (sign == "==") else _FALSE

    return re.sub(_EXTRA, one, marker)


def requires_python(data: bytes) -> str:
    """What the lock says of the Pythons that it is for: `>=3.10`; empty where it says nothing."""
    match = re.search(rb'(?m)^requires-python = "([^"\n]*)"', data)
    return match[1].decode("ascii", "replace") if match else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _optional(entry: Mapping[str, Any], extra: str) -> list[Any]:
    optional = entry.get("optional-dependencies")
    return _list(optional.get(extra)) if isinstance(optional, dict) else []
