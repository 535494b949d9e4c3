"""Copies of the hook scripts, and the interpreter that they start: all that `<git common dir>/envhooks/` holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

import envhooks
from envhooks.base.errors import CannotJudge
from envhooks.hooks.managers.actions import Action, WriteFile

CLIENT = ("reference-transaction", "pre-push")
SERVER = ("pre-receive", "post-receive")
FOLDER = "envhooks"
MARK = "config-hooks"
"""The file that tells `judge.sh` to ask which config hooks git runs; where it is missing, such a hook makes it."""
_USED = ("packaging", "git", "gitdb", "gnupg", "tomli", "cryptography", "pysequoia")


def server_events() -> tuple[str, ...]:
    """The doors of a server that this version has."""
    return tuple(event for event in SERVER if (script_folder() / event).is_file())


def script_folder() -> Path:
    """Where the doors lie: in the installed package, or beside it in a checkout."""
    package = Path(envhooks.__file__).parent
    folder = package / "hooks" / "scripts"
    return folder if folder.is_dir() else package.parent / "hooks"


def copies(home: Path, events: tuple[str, ...]) -> Iterator[Action]:
    """What puts the doors of `events` into a folder, and keeps them up."""
    for name in ("judge.sh", *events):
        yield from kept_up(home / name, (script_folder() / name).read_bytes(), 0o755)


def interpreter(home: Path) -> Iterator[Action]:
    """The interpreter that runs now, and where this package and those that it uses lie."""
    python = os.fsencode(sys.executable) + b"\n"
    folders = _site()
    if not sys.executable or b"\n" in python[:-1] or any("\n" in folder for folder in folders):
        raise CannotJudge("the path of this Python interpreter cannot be told")
    yield from kept_up(home / "site", os.fsencode("\n".join(folders)) + b"\n")
    yield from kept_up(home / "python", python)


def _site() -> list[str]:
    """The folders that `python -I -S` has to be told of."""
    # `python -m` finds what lies in the current folder first, and that may be the work tree
    path = [folder for folder in sys.path if folder and Path(folder).resolve() != Path.cwd().resolve()]
    specs = (PathFinder.find_spec(name, path) for name in _USED)
    found = [Path(envhooks.__file__).parent]
    for spec in specs:
        if spec is not None and spec.origin is not None:
            found.append(Path(next(iter(spec.submodule_search_locations or ()), spec.origin)))
    return list(dict.fromkeys(str(path.resolve().parent) for path in found))


def kept_up(path: Path, data: bytes, mode: int = 0o644) -> Iterator[Action]:
    """The action that writes a file where it is not there as it should be; none where it is."""
    if _read(path) != data or (mode & 0o100 and not os.access(path, os.X_OK)):
        yield WriteFile(path, data, mode)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
