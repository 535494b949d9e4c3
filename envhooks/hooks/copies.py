"""Copies of the hook scripts, and the interpreter that they start: all that `<git common dir>/envhooks/` holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import envhooks
from envhooks.base.errors import CannotJudge
from envhooks.hooks.managers.actions import Action, RemoveFile, WriteFile

CLIENT = ("reference-transaction", "pre-push")
SERVER = ("pre-receive", "post-receive", "reference-transaction")
FOLDER = "envhooks"
RELOOK = "relook"
"""The folder of notes for the second look at tags on a server, see `envhooks.hooks.relook`; only a server has it."""
MARK = "config-hooks"
"""The file that makes `judge.sh` ask which config hooks git runs; where it is missing, such a hook makes it."""


def server_events() -> tuple[str, ...]:
    """The hooks of a server that this version has."""
    return tuple(event for event in SERVER if (script_folder() / event).is_file())


def script_folder() -> Path:
    """Folder of the hook scripts: in the installed package, or beside it in a checkout."""
    package = Path(envhooks.__file__).parent
    folder = package / "hooks" / "scripts"
    return folder if folder.is_dir() else package.parent / "hooks"


def copies(home: Path, events: tuple[str, ...]) -> Iterator[Action]:
    """Actions that put the hooks of `events` into a folder, and bring them up to date."""
    for name in ("judge.sh", *events):
        yield from kept_up(home / name, (script_folder() / name).read_bytes(), 0o755)


def interpreter(home: Path) -> Iterator[Action]:
    """The interpreter that runs now."""
    python = os.fsencode(sys.executable) + b"\n"
    if not sys.executable or b"\n" in python[:-1]:
        raise CannotJudge("the path of this Python interpreter cannot be told")
    yield from kept_up(home / "python", python)
    if (home / "site").is_file():  # of version 0.1
        yield RemoveFile(home / "site")


def kept_up(path: Path, data: bytes, mode: int = 0o644) -> Iterator[Action]:
    """The action that writes a file where it is not there as it should be; none where it is."""
    if _read(path) != data or (mode & 0o100 and not os.access(path, os.X_OK)):
        yield WriteFile(path, data, mode)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
