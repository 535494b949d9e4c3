"""Settings of a repository, by the files that say them.

What a work tree holds, whoever pushed a branch has written. `include.path = ../.gitconfig` in a clone's configuration
would let a checkout choose the protected branch, and so who decides; a setting from there does not count.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence


class ConfigFiles:
    """Places of configuration files, and whether what they say counts."""

    def __init__(self, environ: Mapping[str, str], folder: str, git_folders: Iterable[str]) -> None:
        """`folder` is where git was asked; `git_folders` hold the repository's own configuration."""
        home = environ.get("HOME", "")
        xdg = environ.get("XDG_CONFIG_HOME", "") or os.path.join(home, ".config")
        own = (environ.get("GIT_CONFIG_GLOBAL", ""), os.path.join(home, ".gitconfig"), f"{xdg}/git/config")
        self._persons = {os.path.realpath(file) for file in own if file}
        self._git_folders = tuple(dict.fromkeys(map(os.path.realpath, git_folders)))
        # git names a file relative to the top of the work tree, or to the git directory of a bare repository
        parents = (os.path.dirname(place) for place in self._git_folders)
        self._bases = tuple(dict.fromkeys((folder, *parents, *self._git_folders)))
        self._known: dict[tuple[str, str], bool] = {}

    def counts(self, scope: str, origin: str) -> bool:
        """Whether settings of this scope and origin count, both as `git config --show-origin --show-scope` tells."""
        if (scope, origin) not in self._known:
            self._known[scope, origin] = self._counts(scope, origin)
        return self._known[scope, origin]

    def _counts(self, scope: str, origin: str) -> bool:
        kind, _, name = origin.partition(":")
        if kind != "file" or scope == "system":
            return True  # by whoever runs the command or the machine
        there = (os.path.join(base, name) for base in self._bases)
        files = {os.path.realpath(file) for file in there if os.path.isfile(file)}
        return bool(files) and all(self._is_outside(file) for file in files)

    def _is_outside(self, file: str) -> bool:
        """Whether a file is a person's own, in a git directory of this repository, or in no work tree at all."""
        if file in self._persons or any(file.startswith(place + os.sep) for place in self._git_folders):
            return True
        folder = os.path.dirname(file)
        while not os.path.lexists(os.path.join(folder, ".git")):
            if folder == os.path.dirname(folder):
                return True
            folder = os.path.dirname(folder)
        return False


def settings(items: Sequence[str], files: ConfigFiles) -> Mapping[str, tuple[str, ...]]:
    """Key, as git prints it, -> values, of which the last wins.

    `items` are scope, origin, and key with value, in turn: `git config --show-scope --show-origin --list -z`.
    """
    values: dict[str, tuple[str, ...]] = {}
    for scope, origin, item in zip(*[iter(items)] * 3, strict=False):
        key, has_value, value = item.partition("\n")
        if files.counts(scope, origin):
            # `[section] key` without `=` means true
            values[key] = (*values.get(key, ()), value if has_value else "true")
    return values


def hooks_folder(configured: str, common: str, base: str) -> str:
    """Where git looks for hook files: `core.hooksPath`, relative to `base`, else `hooks` in the common directory."""
    return os.path.join(base, os.path.expanduser(configured)) if configured else os.path.join(common, "hooks")
