"""husky: it points `core.hooksPath` at stubs of its own, which run the scripts in `.husky/`.

The stubs find their script by `$0` and are written anew by every `npm install`, so none is moved. The
script for pre-push gets one line, at its head: a later command may use up stdin. husky knows no
reference-transaction, and leaves a file of that name in its folder alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from envhooks.neighbours.actions import Action, RemoveFile, WriteFile

EVENT = "pre-push"
# passes where the doors are missing: the script is committed, and not everybody has to tag
LINE = (
    b"envhooks=$(git rev-parse --git-common-dir)/envhooks/pre-push.husky;"
    b' if [ -f "$envhooks" ]; then . "$envhooks"; fi # written by envhooks install\n'
)
_NEW = b"#!/bin/sh\n" + LINE


def scripts(hooks: Path) -> Path | None:
    """The folder of husky's scripts where `hooks` is what core.hooksPath names; else None."""
    if hooks.name == "_" and ((hooks / "h").is_file() or (hooks / "husky.sh").is_file()):
        return hooks.parent  # since version 9
    return hooks if (hooks / "_" / "husky.sh").is_file() else None


def is_wired(folder: Path) -> bool:
    """Whether the script for pre-push has the line."""
    return LINE in _read(folder / EVENT)


def install(folder: Path) -> Iterator[Action]:
    """What puts the line into the script, which is made if there is none."""
    script = (folder / EVENT).resolve()
    if not script.is_file():
        yield WriteFile(script, _NEW, 0o755)
    elif LINE not in _read(script):
        before, after = _split(_read(script))
        yield WriteFile(script, before + LINE + after, _mode(script))


def uninstall(folder: Path) -> Iterator[Action]:
    """What takes the line out again, and the script with it if there is nothing else in it."""
    script = (folder / EVENT).resolve()
    text = _read(script)
    if text == _NEW:
        yield RemoveFile(script)
    elif LINE in text:
        yield WriteFile(script, text.replace(LINE, b""), _mode(script))


def _split(text: bytes) -> tuple[bytes, bytes]:
    """Before and after the place for the line: behind `#!`, and behind what loads husky 8."""
    lines = text.split(b"\n")
    loads = [number for number, line in enumerate(lines) if b"husky.sh" in line]
    first = loads[0] + 1 if loads else int(text.startswith(b"#!"))
    return b"".join(line + b"\n" for line in lines[:first]), b"\n".join(lines[first:])


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777
