"""Python environments in an image's file tree, and what is installed in them: read, not asked.

The environment that counts is that of the interpreter which `python`, then `python3`, means on the image's own PATH.
Its folders are put in the order in which Python would have them on `sys.path`; the first distribution of a name is the
one that an import takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envhooks.base.dataclass import dataclass, field
from envhooks.builds.imagefiles.interpreter import METADATA_SIZE, TENSORFLOW, TORCH, Interpreter, Python
from envhooks.builds.imagefiles.metadata import headers
from envhooks.builds.imagefiles.system import UNREAD, system, toolkits, unread
from envhooks.builds.imagefiles.tree import Tree
from envhooks.catalog.lookup import MODULES

_DPKG = 16 << 20
_SMALL = 16 << 10
_MODULES = frozenset(MODULES.values())
_INTERPRETERS = re.compile(r"(?:python|pypy)[0-9.]*")
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # Docker's, where ENV has none
_MAX_ENVIRONMENTS = 200


def keep(path: str) -> int | None:
    """Bytes to keep of a file, for `read_layers`: 0 for its name only, None for a file without evidence."""
    folder, _, name = path.rpartition("/")
    if name == "METADATA":
        return METADATA_SIZE if folder.endswith(".dist-info") else None
    if name == "PKG-INFO":
        return METADATA_SIZE if folder.endswith((".egg-info", ".egg/EGG-INFO")) else None
    if name == "direct_url.json":
        return _SMALL if folder.endswith(".dist-info") else None
    if name == "__init__.py":
        return 0 if folder.rpartition("/")[2] in _MODULES else None
    if name.endswith(".egg-info"):
        return METADATA_SIZE
    if name.endswith(".json"):
        if folder.endswith("conda-meta"):
            return 0  # its name says it all
        return _SMALL if name == "version.json" and re.fullmatch(r"usr/local/cuda[^/]*", folder) else None
    if name in ("pyvenv.cfg", "os-release") or name.endswith((".pth", ".egg-link")):
        return _SMALL
    if path.endswith((f"/{TORCH}", f"/{TENSORFLOW}")):
        return METADATA_SIZE
    if _INTERPRETERS.fullmatch(name):
        return len(b"#!")  # of any folder, as PATH may name it
    if path == "etc/passwd":
        return METADATA_SIZE
    if path in UNREAD:
        return 0  # that there is one is all that is known
    if path == "var/lib/dpkg/status":
        return _DPKG
    if folder == "var/lib/dpkg/status.d":
        return METADATA_SIZE
    if path.startswith("opt/rocm") and folder.endswith(".info"):
        return _SMALL if name == "version" else None
    return None


@dataclass(frozen=True)
class Contents:
    """Software that an image holds, by its files."""

    pythons: tuple[Python, ...]
    """The one that `python` means first, where there is one; then all others."""
    has_default: bool
    """Whether the first of `pythons` is what `python` or `python3` on PATH means."""
    toolkits: tuple[tuple[str, str, str], ...]
    """(kind, version, source) of accelerator toolkits: ("CUDA", "12.8", "dpkg")."""
    system: str
    """PRETTY_NAME of the operating system; empty where it is not stated."""
    strays: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Normalised name -> (version, folder), of distributions that no interpreter of the image finds by itself."""
    unread: tuple[str, ...] = ()
    """Package databases that the image has and that are not read, one sentence each."""


def contents(
    tree: Tree, config: Mapping[str, Any], pythons: Sequence[str] = ("python", "python3")
) -> Contents:
    """Software that is installed in an image with this configuration; `pythons` are tried in turn."""
    environ = _environ(config)
    path = environ.get("PATH") or _DEFAULT_PATH
    programs = (_which(tree, path, name) for name in pythons)
    default = next((found for found in programs if found), "")
    found: dict[str, Python] = {}
    if default:
        one = Interpreter(tree, default, environ, str(config.get("User") or "")).read()
        found[one.prefix] = one
    for program in _others(tree):
        one = Interpreter(tree, program, {}, "").read()
        if one.prefix not in found and (one.packages or one.torch or one.tensorflow or one.conda):
            found[one.prefix] = one
        if len(found) >= _MAX_ENVIRONMENTS:
            break
    known = {name for one in found.values() for name in one.packages}
    strays = {name: told for name, told in _everywhere(tree) if name not in known}
    return Contents(
        tuple(found.values()),
        bool(default),
        tuple(toolkits(tree, environ)),
        system(tree),
        strays,
        tuple(unread(tree)),
    )


def _everywhere(tree: Tree) -> Iterator[tuple[str, tuple[str, str]]]:
    """Every distribution that lies anywhere but in a cache."""
    for path, name in tree.paths():
        if name in ("METADATA", "PKG-INFO") and not re.search(r"/(?:pkgs|\.?cache|archive-v0)/", path):
            found = headers(tree.read(path) or b"")
            if found is not None:
                yield found[0], (found[1], path.rsplit("/", 2)[0] or "/")


def _environ(config: Mapping[str, Any]) -> dict[str, str]:
    entries = config.get("Env")
    pairs = (
        (one.partition("=") for one in entries if isinstance(one, str)) if isinstance(entries, list) else ()
    )
    return {name: value for name, _, value in pairs}


def _which(tree: Tree, path: str, name: str) -> str:
    """The program that a name means; empty where it is not there."""
    folders = path.split(":") if "/" not in name else [""]
    for folder in folders:
        program = f"{folder}/{name}" if folder or "/" not in name else name
        if program.startswith("/") and _is_program(tree, program):
            return program
    return ""


def _is_program(tree: Tree, program: str) -> bool:
    node = tree.at(program)
    return node is not None and node.is_file


def _others(tree: Tree) -> Iterator[str]:
    """Interpreters that are not on PATH: of every folder called `bin` that has one."""
    for folder in sorted(tree.folders("bin")):
        for name in ("python", "python3", *tree.names(folder)):
            if _INTERPRETERS.fullmatch(name) and _is_program(tree, f"{folder}/{name}"):
                yield f"{folder}/{name}"
                break
