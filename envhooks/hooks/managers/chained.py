"""`core.hooksPath` that names a folder which others use too, as a company sets it for all repositories of a machine.

Nothing is written there, and no hook in it is turned off: `core.hooksPath` of this repository leads to a folder of
ours, with a file for each hook that git has. Each runs the hook that git would run without us, and two of them (three
on a server) run ours behind it. Git 2.54 and newer have config hooks, which need none of this.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.hooks.copies import FOLDER, kept_up, script_folder
from envhooks.hooks.managers.actions import Action, SetConfig, UnsetConfig

KEY = "core.hooksPath"
_CHAINED = "chained"
_NAMED = "named"
_BEFORE = "before"
# githooks(5). A hook of one of the last three changes what git does by being there, so it is made where there is one.
_HOOKS = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg",
    "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "pre-receive", "update",
    "post-receive", "post-update", "reference-transaction", "pre-auto-gc", "post-rewrite", "sendemail-validate",
    "p4-changelist", "p4-prepare-changelist", "p4-post-changelist", "p4-pre-submit",
)  # fmt: skip
_TELLING = ("proc-receive", "push-to-checkout", "post-index-change")


def folder_of(git: Git) -> Path:
    """The folder of hook files that lead on."""
    return git.common_dir / FOLDER / _CHAINED


def is_used(git: Git) -> bool:
    """Whether git looks for its hooks there."""
    return git.hooks_dir == folder_of(git)


def is_stale(git: Git) -> bool:
    """Whether core.hooksPath leads to such a folder of another place: this clone was moved or copied."""
    return not is_used(git) and _is_ours(git.setting(KEY.lower()))


def install(git: Git, events: Iterable[str]) -> Iterator[Action]:
    """Actions that put our hooks of `events` behind those of the folder that core.hooksPath names.

    Raises:
        UsageError: core.hooksPath is set where the repository's own configuration does not reach.
    """
    home, folder = git.common_dir / FOLDER, folder_of(git)
    local = _local(git)
    if not is_used(git):
        if local == str(folder):
            raise UsageError(
                f"{KEY} is set in the configuration of this work tree or of the command, which the repository's own"
                " does not overrule",
                place=printable(str(git.hooks_dir)),
                fix="git config --show-scope --show-origin --get-all core.hooksPath # shows where",
            )
        if local and not _is_ours(local):
            yield from kept_up(folder / _NAMED, os.fsencode(git.hooks_dir) + b"\n")
            yield from kept_up(folder / _BEFORE, os.fsencode(local) + b"\n")
    yield from kept_up(home / "chained.sh", (script_folder() / "chained.sh").read_bytes())
    own = (script_folder() / "hook-file.sh").read_bytes()
    other = (script_folder() / "chained-file.sh").read_bytes()
    events = tuple(events)
    for name in (*_HOOKS, *(name for name in _TELLING if _is_hook(theirs(git) / name))):
        data = own.replace(b"@event@", name.encode()) if name in events else other
        yield from kept_up(folder / name, data, 0o755)
    if not is_used(git):
        yield SetConfig(KEY, str(folder))


def uninstall(git: Git) -> Iterator[Action]:
    """Actions that restore core.hooksPath; the folder is removed with our other files."""
    if not _is_ours(_local(git)):
        return
    before = _line(folder_of(git) / _BEFORE)
    yield SetConfig(KEY, before) if before else UnsetConfig(KEY)


def lost(git: Git) -> tuple[str, ...]:
    """Hooks of the other folder that came after our install, and that git does not come to."""
    if not is_used(git):
        return ()
    there = theirs(git)
    return tuple(name for name in _TELLING if _is_hook(there / name) and not (folder_of(git) / name).exists())


def theirs(git: Git) -> Path:
    """The folder that git would take without us; as `hooks/chained.sh` finds it."""
    if not is_used(git) and not is_stale(git):
        return git.hooks_dir
    named = _line(folder_of(git) / _NAMED)
    if named:
        return Path(named)
    others = [value for value in git.config.get(KEY.lower(), ()) if not _is_ours(value)]
    top = git.work_tree or git.git_dir
    return top / Path(others[-1]).expanduser() if others else git.common_dir / "hooks"


def _is_ours(path: str) -> bool:
    return Path(path).parts[-2:] == (FOLDER, _CHAINED)


def _local(git: Git) -> str:
    found = git.ask("config", "--local", "--default", "", "--get", KEY)
    return os.fsdecode(found).removesuffix("\n")


def _line(file: Path) -> str:
    return os.fsdecode(file.read_bytes()).removesuffix("\n") if file.is_file() else ""


def _is_hook(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
