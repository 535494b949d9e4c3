"""Files that say how an image is built: docker-bake.hcl, docker-bake.json and compose files.

One target or service of them names the Dockerfile, the context, the stage and the build arguments. Literals,
variables with a default and `${...}` of them are followed; functions, conditions and matrices are not, and an argument
whose value they decide is named as unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.image.files import MAX_BUILD_FILE, Work
from envhooks.image.hcl import MAX_DEPTH, Hcl, Reference
from envhooks.image.requirements.yamlnodes import Scalar, read_document
from envhooks.image.text import shown_names

MAX_VALUE = 8192


@dataclass(frozen=True)
class Planned:
    """Build of one target or service."""

    dockerfile: str
    """Path in the context."""
    context: str
    target: str | None
    args: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...] = ()
    """Names of arguments that the file computes in a way that is not followed."""
    contexts: tuple[tuple[str, str], ...] = ()
    """Name in FROM -> what is there in its place: `target:base` or `service:base`; empty where it is not followed."""


class BuildFile:
    """A bake file or a compose file, read once for all of its targets or services."""

    def __init__(self, data: bytes, path: str) -> None:
        """Read the bytes of a file; the ending of its path tells its format.

        Raises:
            CannotJudge: it is too large or no such file.
        """
        text = _decoded(data, path)
        self._file = (
            _Compose(text, path) if path.endswith((".yml", ".yaml")) else _Bake(_blocks(text, path), path)
        )
        self._plans: dict[str, Planned] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the targets of a bake file, or of the services of a compose file that are built."""
        return self._file.names

    def planned(self, name: str) -> Planned:
        """The build of one target or service.

        Raises:
            CannotJudge: there is none of that name, or it is computed in a way that is not followed.
        """
        if name not in self._plans:
            self._plans[name] = self._file.planned(name)
        return self._plans[name]


def _decoded(data: bytes, path: str) -> str:
    if len(data) > MAX_BUILD_FILE:
        raise CannotJudge("the file is larger than 1 MiB", place=path)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise CannotJudge("the file is not UTF-8", place=path) from None


def _blocks(text: str, path: str) -> Mapping[str, Any]:
    """Kind -> label -> body of a bake file."""
    if not path.endswith(".json"):
        return Hcl(text, path).blocks()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise CannotJudge("the file is not JSON", place=path) from None
    return document if isinstance(document, dict) else {}


# ---------------------------------------------------------------- bake


class _Bake:
    """Targets of a bake file. What one stands on is worked out once: two names on each line would cost 2^n."""

    def __init__(self, blocks: Mapping[str, Any], path: str) -> None:
        self._path = path
        self._targets = _table(blocks.get("target"))
        self._groups = _table(blocks.get("group"))
        self._defaults = {
            name: _table(body).get("default", "") for name, body in _table(blocks.get("variable")).items()
        }
        self._values: dict[str, str] = {}
        self._merged: dict[str, dict[str, Any]] = {}
        self._work = Work("its targets or values grow too much", path)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._targets)

    def _of_group(self, name: str) -> list[str]:
        """The targets of a group, and of the groups in it."""
        found: dict[str, None] = {}
        seen = {name}
        left = [name]
        while left:
            listed = _table(self._groups.get(left.pop(0))).get("targets")
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, str) and one in self._targets:
                    found[one] = None
                elif isinstance(one, str) and one not in seen:
                    seen.add(one)
                    left.append(one)
        return list(found)

    def planned(self, name: str) -> Planned:
        if name not in self._targets:
            listed = self._of_group(name)
            if len(listed) != 1:
                if listed:
                    what = f"{name!r} is a group; name one of {shown_names(listed)}"
                else:
                    what = (
                        f"there is no target {name!r}; the targets are {shown_names(sorted(self._targets))}"
                    )
                raise CannotJudge(what, place=self._path)
            name = listed[0]
        merged = self._inherited(name, ())
        args, lost = _parted(
            (argument, self._value(value, 0)) for argument, value in _table(merged.get("args")).items()
        )
        context = self._value(merged.get("context", "."), 0)
        dockerfile = self._value(merged.get("dockerfile", "Dockerfile"), 0)
        if "dockerfile-inline" in merged:
            raise CannotJudge(
                f"the Dockerfile of {name} stands in the file, which is not followed", place=self._path
            )
        if context is None or dockerfile is None or "matrix" in merged:
            raise CannotJudge(
                f"the target {name} is computed in a way that is not followed", place=self._path
            )
        stage = self._value(merged["target"], 0) if "target" in merged else None
        contexts = {one: self._value(value, 0) or "" for one, value in _table(merged.get("contexts")).items()}
        return Planned(dockerfile, context, stage, args, lost, tuple(contexts.items()))

    def _inherited(self, name: str, seen: tuple[str, ...]) -> dict[str, Any]:
        """A target with what it inherits; args are put together, the rest is replaced."""
        if name in seen or len(seen) > MAX_DEPTH:
            why = "inherits itself" if name in seen else f"is inherited through more than {MAX_DEPTH} others"
            raise CannotJudge(f"the target {name} {why}", place=self._path)
        if name not in self._merged:
            own = _table(self._targets.get(name))
            parents = own.get("inherits", [])
            computed = [key for key in ("args", "contexts") if not _is_literal(own.get(key, {}))]
            if not isinstance(parents, list) or computed:
                what = computed[0] if computed else "inherits"
                raise CannotJudge(
                    f"{what} of the target {name} is computed in a way that is not followed", place=self._path
                )
            out: dict[str, Any] = {}
            for parent in parents:
                if not isinstance(parent, str) or parent not in self._targets:
                    raise CannotJudge(
                        f"the target {name} inherits one that is not in this file", place=self._path
                    )
                above = self._inherited(parent, (*seen, name))
                out = {**out, **above, **_joined(out, above)}
                self._work.spend(sum(1 + len(_table(value)) for value in out.values()))
            self._merged[name] = {**out, **own, **_joined(out, own)}
        return self._merged[name]

    def _value(self, value: object, depth: int) -> str | None:
        """A value as the build gets it; None where it is not known."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, Reference):
            return self._variable(value.name, depth)
        if isinstance(value, int | float):
            return str(value)
        if not isinstance(value, str):
            return None
        lost = False

        def replaced(match: re.Match[str]) -> str:
            nonlocal lost
            found = None if lost else self._variable(match.group(1), depth)
            self._work.spend(1 + len(found or ""))
            lost = lost or found is None
            return found or ""

        text = re.sub(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}", replaced, value)
        return None if lost or "${" in text or "%{" in text or len(text) > MAX_VALUE else text

    def _variable(self, name: str, depth: int) -> str | None:
        if depth >= MAX_DEPTH:
            return None
        found = self._values.get(name)
        if found is None:  # what is not known ends the text that asks for it, so that it costs no more either
            found = self._value(self._defaults.get(name), depth + 1)
            if found is not None:
                self._values[name] = found
        return found


def _joined(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {**_table(below.get(key)), **_table(above.get(key))}
        for key in ("args", "contexts")
        if key in below or key in above
    }


def _is_literal(value: object) -> bool:
    """Whether it is a body whose names stand there as they are; null is the same as none."""
    return value is None or (isinstance(value, dict) and not any("${" in name for name in value))


def _parted(
    arguments: Iterable[tuple[str, str | None]],
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """(arguments with their values, names of those whose value is not followed)."""
    args: dict[str, str] = {}
    lost: list[str] = []
    for name, value in arguments:
        if value is None:
            lost.append(name)
        else:
            args[name] = value
    return tuple(args.items()), tuple(lost)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# ---------------------------------------------------------------- compose


class _Compose:
    """Services of a compose file."""

    def __init__(self, text: str, path: str) -> None:
        self._path = path
        document = read_document(text, path, merges=True)
        self._services = _table(document.get("services") if isinstance(document, dict) else None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, service in self._services.items() if "build" in _table(service))

    def planned(self, name: str) -> Planned:
        build = _table(self._services.get(name)).get("build")
        if build is None:
            why = (
                f"there is no service {name!r} that is built; the services are {shown_names(self._services)}"
            )
            raise CannotJudge(why, place=self._path)
        if "extends" in _table(self._services.get(name)):
            raise CannotJudge(f"the service {name} extends another, which is not followed", place=self._path)
        return _service(build, self._path, name)


def _service(build: object, path: str, name: str) -> Planned:
    def value(node: object) -> str | None:
        return _substituted(node.text) if isinstance(node, Scalar) else None

    def argument(node: object) -> str | None:
        return value(node) if isinstance(node, Scalar) and node.is_as_written else None

    if isinstance(build, Scalar):
        return Planned("Dockerfile", _substituted(build.text) or ".", None, ())
    body = build if isinstance(build, dict) else {}
    if "dockerfile_inline" in body:
        raise CannotJudge(f"the Dockerfile of {name} stands in the file, which is not followed", place=path)
    args, lost = _parted((one, argument(node)) for one, node in _pairs(body.get("args")))
    contexts = {one: value(node) or "" for one, node in _pairs(body.get("additional_contexts"))}
    paths = {key: value(body[key]) for key in ("context", "dockerfile", "target") if key in body}
    if None in paths.values():
        raise CannotJudge(f"the build of {name} is computed in a way that is not followed", place=path)
    return Planned(
        paths.get("dockerfile") or "Dockerfile", paths.get("context") or ".", paths.get("target"),
        args, lost, tuple(contexts.items()),
    )  # fmt: skip


def _pairs(node: object) -> Iterator[tuple[str, object]]:
    """(name, value) of each entry of a mapping, or of a list of `NAME=value`; None where an entry has no value."""
    if isinstance(node, dict):
        yield from node.items()
    for one in node if isinstance(node, list) else ():
        name, sign, text = (one.text if isinstance(one, Scalar) else "").partition("=")
        yield name, Scalar(text, 0) if sign else None


def _substituted(text: str) -> str | None:
    """Compose's `${V:-default}`; None where a variable without a default decides."""
    out = re.sub(r"\$\{[A-Za-z_][A-Za-z0-9_]*:?-([^${}]*)\}", lambda match: match[1], text)
    return None if re.search(r"\$(?!\$)", out.replace("$$", "")) else out.replace("$$", "$")
