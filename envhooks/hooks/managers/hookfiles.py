"""Hook files: ours, and those that were there before or come later.

pre-commit and prek write `hooks/pre-push` anew whenever they are installed, and move what they find to
`pre-push.legacy`, which they run with all of stdin. So beside them ours is that file, and theirs is never
moved: chaining to it would run it twice after their next install. Any other hook is kept aside, in the
same folder (it may be a relative link, or look for its neighbours), and run before ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable, word
from envhooks.hooks.managers.actions import Action, MoveFile, RemoveFile, WriteFile
from envhooks.hooks.managers.marks import is_ours, is_pre_commits, is_wired

__all__ = ["install", "is_ours", "is_pre_commits", "is_wired", "stranded", "uninstall"]

_KEPT = ".envhooks-kept"


def install(folder: Path, event: str, hook: bytes) -> Iterator[Action]:
    """Actions that put `hook` where git, or pre-commit, runs it.

    Raises:
        UsageError: a second hook would have to be kept aside.
    """
    plain, kept = folder / event, _beside(folder / event, _KEPT)
    legacy = _beside(plain, ".legacy")
    place = legacy if is_pre_commits(plain) else plain
    if is_ours(place):
        if _bytes(place) != hook or not os.access(place, os.X_OK):
            yield WriteFile(place, hook, 0o755)
    else:
        if os.path.lexists(place):
            yield from _make_room(plain, place, kept)
            yield MoveFile(place, kept)
        yield WriteFile(place, hook, 0o755)
    if place is plain and is_ours(legacy):  # pre-commit went away without its uninstall
        yield RemoveFile(legacy)


def _make_room(plain: Path, place: Path, kept: Path) -> Iterator[Action]:
    """Actions that free the name `kept` where somebody overwrote our hook, and the hook it had set aside lies there."""
    aside = _beside(plain, ".old")  # lefthook moves a hook there, and runs it no more
    displaced = is_ours(aside)
    if not os.path.lexists(kept) or _same(place, kept):
        if displaced:
            yield RemoveFile(aside)
    elif displaced:
        yield MoveFile(kept, aside)  # where lefthook would have put it without us
    else:
        raise UsageError(
            f"there are two former hooks, {printable(place.name)} and {printable(kept.name)}",
            place=printable(str(plain.parent)),
            fix=f"mv {word(str(kept))} {word(f'{plain}.before-envhooks')}",
        )


def _same(one: Path, other: Path) -> bool:
    return not one.is_symlink() and not other.is_symlink() and _bytes(one) == _bytes(other) != b""


def uninstall(folder: Path, event: str) -> Iterator[Action]:
    """Actions that remove our hook, and restore the one that it had set aside.

    lefthook moves a hook that it finds to `.old`.
    """
    plain, kept = folder / event, _beside(folder / event, _KEPT)
    keeps = os.path.lexists(kept)
    for place in (plain, _beside(plain, ".legacy"), _beside(plain, ".old")):
        if is_ours(place):
            yield MoveFile(kept, place) if keeps else RemoveFile(place)
            keeps = False
    if keeps and not os.path.lexists(plain):
        yield MoveFile(kept, plain)


def stranded(folder: Path, event: str) -> Path | None:
    """A hook that install kept aside, and that nothing runs since somebody replaced ours."""
    plain, kept = folder / event, _beside(folder / event, _KEPT)
    places = (plain, _beside(plain, ".legacy"), _beside(plain, ".old"))
    lost = os.path.lexists(kept) and os.path.lexists(plain) and not any(map(is_ours, places))
    return kept if lost else None


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # not there, a folder, a dangling link
        return b""
