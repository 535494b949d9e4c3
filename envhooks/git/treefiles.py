"""Files of a commit's tree, read by path, and within it."""

from __future__ import annotations

import os
import stat
from typing import Protocol

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.git.objects import GitObject, TreeEntry

MAX_LINK = 4095
"""Bytes of a symbolic link's text: PATH_MAX of Linux without its end; other systems have less."""


class Objects(Protocol):
    """Repository that objects are read from: `envhooks.git.repository.Git`."""

    def read(self, oid: str) -> GitObject | None:
        """The object with this id."""

    def tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of the tree with this id."""


class TreeFiles:
    """Files of one tree; symbolic links are followed inside the tree only."""

    def __init__(self, git: Objects, tree: str, commit: str = "") -> None:
        """`commit` is for messages only."""
        self._git = git
        self._tree = tree
        self._where = commit[:12] or tree[:12]

    def find(self, path: str) -> TreeEntry | None:
        """The entry at `path`, links resolved; None where there is none.

        Raises:
            CannotJudge: the path or a link leaves the tree, or links go round in a circle.
        """
        parts = _steps(path)  # the next one last
        entry = TreeEntry(stat.S_IFDIR, "", self._tree)
        trail: list[TreeEntry] = []  # the folders above `entry`
        hops = 0
        while parts:
            part = parts.pop()
            if part == "..":
                if not trail:
                    raise CannotJudge(
                        "the path leaves the repository", place=f"{self._where}:{printable(path)}"
                    )
                entry = trail.pop()
                continue
            if not entry.is_tree:
                return None
            found = next((e for e in self._git.tree(entry.oid) if e.name == part), None)
            if found is None:
                return None
            if not found.is_symlink:
                trail.append(entry)
                entry = found
                continue
            hops += 1
            if hops > 40:  # Linux's own limit, path_resolution(7)
                raise CannotJudge(
                    "symbolic links go round in a circle", place=f"{self._where}:{printable(path)}"
                )
            parts += self._link_target(found, path)
        return entry

    def plain(self, path: str) -> TreeEntry | None:
        """The entry at `path` with no link followed: a link on the way, or at its end, is the answer itself."""
        entry: TreeEntry | None = TreeEntry(stat.S_IFDIR, "", self._tree)
        for part in reversed(_steps(path)):
            if entry is None or not entry.is_tree:
                return entry
            entry = next((e for e in self._git.tree(entry.oid) if e.name == part), None)
        return entry

    def _link_target(self, link: TreeEntry, path: str) -> list[str]:
        found = self._git.read(link.oid)
        place = f"{self._where}:{printable(path)}"
        if found is None or found.size > MAX_LINK:
            why = (
                "missing here"
                if found is None
                else f"longer than {MAX_LINK} bytes, and no system has such links"
            )
            raise CannotJudge(f"a symbolic link's text is {why}", place=place)
        target = os.fsdecode(found.data)
        if target.startswith("/"):
            raise CannotJudge("a symbolic link leaves the repository", place=place)
        return _steps(target)

    def read(self, path: str) -> bytes | None:
        """The bytes of the file at `path`; None where there is none, or a folder or submodule is.

        Raises:
            CannotJudge: the path leaves the tree, or the file is over BLOB_LIMIT.
        """
        entry = self.find(path)
        if entry is None or not stat.S_ISREG(entry.mode):
            return None
        found = self._git.read(entry.oid)
        if found is None:
            raise CannotJudge(
                "the file's object is missing here",
                place=f"{self._where}:{printable(path)}",
                fix="git fetch --refetch",
            )
        if found.is_too_large:
            raise CannotJudge(
                f"the file is too large to be judged: {found.size} bytes",
                place=f"{self._where}:{printable(path)}",
            )
        return found.data

    def list(self, folder: str) -> tuple[str, ...]:
        """The names in a folder; empty where there is none."""
        entry = self.find(folder)
        if entry is None or not entry.is_tree:
            return ()
        return tuple(e.name for e in self._git.tree(entry.oid))


def _steps(path: str) -> list[str]:
    """The names on a path, the first one last."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
