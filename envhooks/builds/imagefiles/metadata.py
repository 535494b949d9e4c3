"""Files in which installed packages state what they are: metadata, and the version files of frameworks."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from envhooks.base.dataclass import dataclass
from envhooks.builds.imagefiles.tree import Tree
from envhooks.image.requirements.specs import normal_name

_EDITABLE = r"__editable__\.(.+)-[0-9][^-]*\.pth"
"""The file by which setuptools leads to the source tree of a distribution."""


@dataclass(frozen=True)
class Distribution:
    """One installed distribution, as its own files state it."""

    name: str
    """Normalised."""
    version: str
    is_in_place: bool = False
    """Whether its modules are in a source tree, which may hold another version by now (PEP 610)."""


def distributions(tree: Tree, folder: str) -> Iterator[Distribution | str]:
    """The distributions in a folder of `sys.path`; a sentence for each that cannot be told."""
    names = tree.names(folder)
    in_place = {normal_name(match[1]) for name in names if (match := re.fullmatch(_EDITABLE, name))}
    for name in names:
        path = _stated(tree, folder, name)
        if path is None:
            if name.endswith(".egg-link"):
                yield f"{name[:-9]} is linked to a source tree, whose version is not told"
            continue
        found = headers(tree.read(path) or b"")
        if found is None:
            yield f"{name} in {folder} cannot be read"
        else:
            yield Distribution(*found, found[0] in in_place or _is_in_place(tree, f"{folder}/{name}"))
    if folder.endswith(".egg") and (found := headers(tree.read(f"{folder}/EGG-INFO/PKG-INFO") or b"")):
        yield Distribution(*found)


def _stated(tree: Tree, folder: str, name: str) -> str | None:
    """Path of the file in which a distribution states its name and version; None where this is not one."""
    if name.startswith("~"):
        return None  # what an interrupted pip left behind; nothing finds it by its name
    path = f"{folder}/{name}"
    if name.endswith(".dist-info"):
        path += "/METADATA"
    elif not name.endswith(".egg-info"):
        return None
    elif (node := tree.at(path)) is not None and node.children is not None:
        path += "/PKG-INFO"
    node = tree.at(path)
    if node is None:  # a link that leads to what is not known states something all the same
        return path if tree.at(path, follow=False) is not None else None
    return path if node.is_file else None


def _is_in_place(tree: Tree, info: str) -> bool:
    try:
        found = json.loads(tree.read(f"{info}/direct_url.json") or b"{}")
        return found["dir_info"]["editable"] is True
    except (ValueError, RecursionError, TypeError, KeyError):
        return False


def headers(data: bytes) -> tuple[str, str] | None:
    """(normalised name, version) of a METADATA or PKG-INFO file; None where it does not state both."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n\n", 1)[0]
    name = re.search(r"^Name:[ \t]*([^\n]+)$", text, re.MULTILINE | re.IGNORECASE)
    version = re.search(r"^Version:[ \t]*([^\n]+)$", text, re.MULTILINE | re.IGNORECASE)
    return (normal_name(name[1].strip()), version[1].strip()) if name and version else None


def assigned(data: bytes, names: Sequence[str]) -> dict[str, Any]:
    """Literals that a Python file assigns to these names at its top; nothing of it is run."""
    found: dict[str, Any] = {}
    for node in _statements(data):
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        value = node.value
        for target in node.targets if isinstance(node, ast.Assign) else (node.target,):
            if isinstance(target, ast.Name) and target.id in names and isinstance(value, ast.Constant):
                found[target.id] = value.value
    return found


def build_info(data: bytes) -> dict[str, Any]:
    """TensorFlow's build_info: a dictionary, or an OrderedDict of pairs, in its source."""
    for node in _statements(data):
        if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == ["build_info"]:
            value: ast.AST = node.value
            if isinstance(value, ast.Call) and len(value.args) == 1:
                value = value.args[0]
            try:
                return dict(ast.literal_eval(value))
            except (ValueError, TypeError, RecursionError):
                return {}
    return {}


def _statements(data: bytes) -> list[ast.stmt]:
    try:
        return ast.parse(data).body if data else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
