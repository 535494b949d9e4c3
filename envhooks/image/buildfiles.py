"""Files that say how an image is built: docker-bake.hcl, docker-bake.json and compose files.

One target or service of them names the Dockerfile, the context, the stage and the build arguments. Literals,
variables with a default and `${...}` of them are followed; functions, conditions and matrices are not, and an argument
whose value they decide is named as unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_VALUE = 8192
_TOKEN = re.compile(
    r"(?P<skip>[ \t\r]+|#[^\n]*|//[^\n]*|/\*.*?\*/)|(?P<line>\n)|(?P<text>\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<sign>.)",
    re.DOTALL,
)


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


class _Unknown:
    """Value that is not followed."""


UNKNOWN = _Unknown()


def planned(data: bytes, path: str, name: str) -> Planned:
    """The build of one target of a bake file, or of one service of a compose file.

    Args:
        data: the file's bytes.
        path: its path; the ending tells its format.
        name: the target or the service.

    Raises:
        CannotJudge: it is too large or no such file, or has no target of that name.
    """
    text = _decoded(data, path)
    if path.endswith((".yml", ".yaml")):
        return _service(text, path, name)
    return _target(_blocks(text, path), path, name)


def targets(data: bytes, path: str) -> tuple[str, ...]:
    """Names of the targets of a bake file, or of the services of a compose file that are built.

    Raises:
        CannotJudge: as for `planned`.
    """
    text = _decoded(data, path)
    if not path.endswith((".yml", ".yaml")):
        return tuple(_table(_blocks(text, path).get("target")))
    from envhooks.image.requirements.yamlnodes import YamlError, read_yaml

    try:
        document = read_yaml(text, merges=True)
    except YamlError as error:
        raise CannotJudge(f"this is not YAML: {error.why}", place=f"{path}:{error.line}") from None
    services = _table(document.get("services") if isinstance(document, dict) else None)
    return tuple(name for name, service in services.items() if "build" in _table(service))


def _decoded(data: bytes, path: str) -> str:
    if len(data) > MAX_BYTES:
        raise CannotJudge("the file is larger than 1 MiB", place=path)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise CannotJudge("the file is not UTF-8", place=path) from None


def _blocks(text: str, path: str) -> Mapping[str, Any]:
    """Kind -> label -> body of a bake file."""
    if not path.endswith(".json"):
        return _Hcl(text, path).blocks()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise CannotJudge("the file is not JSON", place=path) from None
    return document if isinstance(document, dict) else {}


# ---------------------------------------------------------------- bake


def _target(blocks: Mapping[str, Any], path: str, name: str) -> Planned:
    targets = _table(blocks.get("target"))
    variables = {one: _table(body).get("default", "") for one, body in _table(blocks.get("variable")).items()}
    if name not in targets:
        groups = _table(_table(blocks.get("group")).get(name)).get("targets")
        listed = groups if isinstance(groups, list) else sorted(targets)
        shown = ", ".join(str(one) for one in listed[:20]) or "none"
        raise CannotJudge(f"there is no target {name!r}; the targets are {shown}", place=path)
    merged = _merged(targets, name, (), path)
    args: dict[str, str] = {}
    lost: list[str] = []
    for argument, value in _table(merged.get("args")).items():
        found = _value(value, variables, 0)
        if found is None:
            lost.append(argument)
        else:
            args[argument] = found
    context = _value(merged.get("context", "."), variables, 0)
    dockerfile = _value(merged.get("dockerfile", "Dockerfile"), variables, 0)
    if context is None or dockerfile is None or "matrix" in merged:
        raise CannotJudge(f"the target {name} is computed in a way that is not followed", place=path)
    stage = _value(merged["target"], variables, 0) if "target" in merged else None
    contexts = {
        one: _value(value, variables, 0) or "" for one, value in _table(merged.get("contexts")).items()
    }
    return Planned(dockerfile, context, stage, tuple(args.items()), tuple(lost), tuple(contexts.items()))


def _merged(targets: Mapping[str, Any], name: str, seen: tuple[str, ...], path: str) -> dict[str, Any]:
    """A target with what it inherits; args are put together, the rest is replaced."""
    if name in seen or len(seen) > MAX_DEPTH:
        raise CannotJudge(f"the target {name} inherits itself", place=path)
    own = _table(targets.get(name))
    out: dict[str, Any] = {}
    parents = own.get("inherits")
    for parent in parents if isinstance(parents, list) else ():
        if isinstance(parent, str) and parent in targets:
            above = _merged(targets, parent, (*seen, name), path)
            out = {**out, **above, **_joined(out, above)}
    return {**out, **own, **_joined(out, own)}


def _joined(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {**_table(below.get(key)), **_table(above.get(key))}
        for key in ("args", "contexts")
        if key in below or key in above
    }


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _value(value: object, variables: Mapping[str, object], depth: int) -> str | None:
    """A value as the build gets it; None where it is not known."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, _Reference):
        return _value(variables.get(value.name), variables, depth + 1) if depth < MAX_DEPTH else None
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str) or depth >= MAX_DEPTH:
        return None
    lost = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal lost
        found = _value(variables.get(match.group(1)), variables, depth + 1)
        lost = lost or found is None
        return found or ""

    text = re.sub(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}", replaced, value)
    return None if lost or "${" in text or "%{" in text or len(text) > MAX_VALUE else text


@dataclass(frozen=True)
class _Reference:
    name: str


class _Hcl:
    """Blocks of an HCL file: `kind "label" { name = value }`."""

    def __init__(self, text: str, path: str) -> None:
        self._path = path
        self._tokens = [
            (match.lastgroup or "", match.group())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "skip"
        ]
        self._at = 0

    def blocks(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        while self._skip_lines():
            kind, word = self._next()
            if kind != "word":
                raise CannotJudge(f"{word[:20]!r} begins no block of HCL", place=self._path)
            labels = []
            while self._peek()[0] in ("text", "word"):
                labels.append(self._next()[1].strip('"'))
            if self._peek()[1] == "=":
                self._next()
                self._expression(0)
                continue
            if self._next()[1] != "{":
                raise CannotJudge(f"the block {word[:20]} has no body", place=self._path)
            body = self._body(0)
            if labels:
                found.setdefault(word, {})[labels[0]] = body
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _skip_lines(self) -> bool:
        while self._peek()[0] == "line" or self._peek()[1] == ",":
            self._at += 1
        return self._peek()[0] != "end"

    def _body(self, depth: int) -> dict[str, Any]:
        """Attributes up to the closing brace."""
        out: dict[str, Any] = {}
        while self._skip_lines():
            kind, word = self._next()
            if word == "}":
                return out
            if kind not in ("word", "text"):
                break
            labels = 0
            while self._peek()[0] in ("text", "word"):
                self._next()
                labels += 1
            sign = self._next()[1]
            if sign in ("=", ":") and not labels:
                out[word.strip('"')] = self._expression(depth + 1)
            elif sign == "{" and depth < MAX_DEPTH:
                self._body(depth + 1)
            else:
                break
        raise CannotJudge("a block of this HCL file has no end", place=self._path)

    def _expression(self, depth: int) -> object:
        """One value; UNKNOWN where it is more than a literal or a variable."""
        kind, word = self._next()
        if depth > MAX_DEPTH:
            raise CannotJudge("values are nested too deeply", place=self._path)
        value: object = UNKNOWN
        if kind == "text":
            value = re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), word[1:-1])
        elif kind == "number":
            value = word
        elif kind == "word":
            value = {"true": True, "false": False, "null": UNKNOWN}.get(word, _Reference(word))
        elif word == "[":
            return self._list(depth)
        elif word == "{":
            start = self._at
            try:
                return self._body(depth)
            except CannotJudge:
                self._at = start
                self._past("}")
                return UNKNOWN
        elif word == "(":
            self._past(")")
        if self._peek()[0] in ("line", "end") or self._peek()[1] in (",", "}", "]", "="):
            return value
        self._rest()
        return UNKNOWN

    def _list(self, depth: int) -> object:
        out: list[object] = []
        start = self._at
        while self._skip_lines():
            if self._peek()[1] == "]":
                self._next()
                return out
            if self._peek()[1] == "for":
                self._at = start
                self._past("]")
                return UNKNOWN
            out.append(self._expression(depth + 1))
        raise CannotJudge("a list of this HCL file has no end", place=self._path)

    def _past(self, closing: str) -> None:
        """Go behind the sign that closes what was opened."""
        opening = {"}": "{", "]": "[", ")": "("}[closing]
        depth = 1
        while depth:
            kind, word = self._next()
            if kind == "end":
                raise CannotJudge(f"{opening} has no end in this HCL file", place=self._path)
            depth += (word == opening and kind == "sign") - (word == closing and kind == "sign")

    def _rest(self) -> None:
        """Go to the end of an expression that is not followed."""
        while True:
            kind, word = self._peek()
            if kind in ("line", "end") or (kind == "sign" and word in ",}]"):
                return
            self._next()
            if kind == "sign" and word in "([{":
                self._past({"(": ")", "[": "]", "{": "}"}[word])


# ---------------------------------------------------------------- compose


def _service(text: str, path: str, name: str) -> Planned:
    from envhooks.image.requirements.yamlnodes import Scalar, YamlError, read_yaml

    try:
        document = read_yaml(text, merges=True)
    except YamlError as error:
        raise CannotJudge(f"this is not YAML: {error.why}", place=f"{path}:{error.line}") from None
    services = document.get("services") if isinstance(document, dict) else None
    service = services.get(name) if isinstance(services, dict) else None
    build = service.get("build") if isinstance(service, dict) else None
    if build is None:
        shown = ", ".join(list(services)[:20]) if isinstance(services, dict) else "none"
        raise CannotJudge(f"there is no service {name!r} that is built; the services are {shown}", place=path)
    lost: list[str] = []

    def value(node: object, argument: str = "") -> str | None:
        found = _substituted(node.text) if isinstance(node, Scalar) else None
        if found is None and argument:
            lost.append(argument)
        return found

    if isinstance(build, Scalar):
        return Planned("Dockerfile", _substituted(build.text) or ".", None, ())
    body = build if isinstance(build, dict) else {}
    given = body.get("args")
    args: dict[str, str] = {}
    if isinstance(given, list):
        for one in given:
            argument, sign, text = (one.text if isinstance(one, Scalar) else "").partition("=")
            found = _substituted(text) if sign else None
            if found is None:
                lost.append(argument)
            else:
                args[argument] = found
    elif isinstance(given, dict):
        for argument, node in given.items():
            found = value(node, argument)
            if found is not None:
                args[argument] = found
    contexts = {}
    further = body.get("additional_contexts")
    for one in further if isinstance(further, list) else ():
        context, _, source = (one.text if isinstance(one, Scalar) else "").partition("=")
        contexts[context] = _substituted(source) or ""
    for context, node in further.items() if isinstance(further, dict) else ():
        contexts[context] = value(node) or ""
    paths = {key: value(body[key]) for key in ("context", "dockerfile", "target") if key in body}
    if None in paths.values():
        raise CannotJudge(f"the build of {name} is computed in a way that is not followed", place=path)
    return Planned(
        paths.get("dockerfile") or "Dockerfile", paths.get("context") or ".", paths.get("target"),
        tuple(args.items()), tuple(lost), tuple(contexts.items()),
    )  # fmt: skip


def _substituted(text: str) -> str | None:
    """Compose's `${V:-default}`; None where a variable without a default decides."""
    out = re.sub(r"\$\{[A-Za-z_][A-Za-z0-9_]*:?-([^${}]*)\}", lambda match: match[1], text)
    return None if re.search(r"\$(?!\$)", out.replace("$$", "")) else out.replace("$$", "$")
