"""Hooks that somebody wrote, or that a host runs, and that call our hook: it stands, and no file of ours is needed.

Hosts have their own places: gitolite runs `pre-receive.NAME` and Gitea and Forgejo run `pre-receive.d/NAME` from a hook
file that they write anew; GitLab runs `custom_hooks/` and no hook file at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_NOT_RUN = (".sample", ".legacy", ".old", ".envhooks-kept")
_LIMIT = 100_000  # bytes of a hook that are read


def calls_hook(hooks: Path, event: str) -> bool:
    """Whether git runs, directly or indirectly, a hook that calls our hook for an event."""
    return any(f"envhooks/{event}".encode() in _text(file) for file in _run_by_git(hooks, event))


def _run_by_git(hooks: Path, event: str) -> Iterator[Path]:
    plain = hooks / event
    yield plain
    text = _text(plain)
    if b".d/" in text:
        yield from hooks.glob(f"{event}.d/*")
    if b"$0.*" in text:
        yield from (file for file in hooks.glob(f"{event}.*") if file.suffix not in _NOT_RUN)
    if event in ("pre-receive", "post-receive"):
        custom = hooks.parent / "custom_hooks"
        yield custom / event
        yield from custom.glob(f"{event}.d/*")


def _text(file: Path) -> bytes:
    """Content of an executable file; empty where git would not run it."""
    if not file.is_file() or not os.access(file, os.X_OK):
        return b""
    with file.open("rb") as stream:
        return stream.read(_LIMIT)
