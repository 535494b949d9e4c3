"""The tree that a Dockerfile is read from, whatever holds it: a folder, a mapping, a git tree."""

from __future__ import annotations

import os
import posixpath
import stat
from typing import TYPE_CHECKING, Protocol

from envhooks.base.errors import CannotJudge
from envhooks.base.run import Budget

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE = 16 * 1024 * 1024
"""Bytes of one file that is read whole."""
MAX_BUILD_FILE = 1024 * 1024
"""Bytes of one file that states builds."""
MAX_WORK = 4_000_000
"""Characters and entries that the texts, values and targets of one file of builds may go through."""


class Files(Protocol):
    """A tree of files. Paths are relative to its top, with `/`; the top itself is `.`."""

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None where there is no file.

        Raises:
            CannotJudge: the path leaves the tree, a symbolic link leads out of it or into a loop.
        """

    def list(self, folder: str) -> tuple[str, ...]:
        """Sorted names in the folder; empty where there is no such folder.

        Raises:
            CannotJudge: as for `read`.
        """


class Budgeted:
    """Files within the budget of one tag."""

    def __init__(self, files: Files, budget: Budget) -> None:
        self._files = files
        self.budget = budget

    def read(self, path: str) -> bytes | None:
        """Like `Files.read`."""
        data = self._files.read(path)
        self.budget.file(len(data or b""))
        return data

    def list(self, folder: str) -> tuple[str, ...]:
        """Like `Files.list`."""
        names = self._files.list(folder)
        self.budget.file(sum(map(len, names)))
        return names


class Work:
    """Budget of one file that states builds, however many texts, values and combinations it has."""

    def __init__(
        self, why: str = "the text is too large or its values grow too much", path: str = ""
    ) -> None:
        """`why` and `path` are for what is said where it is too much."""
        self._left = MAX_WORK
        self._why = why
        self._path = path

    def spend(self, amount: int) -> None:
        """Count characters or entries that are gone through.

        Raises:
            CannotJudge: it is too much.
        """
        self._left -= amount
        if self._left < 0:
            raise CannotJudge(self._why, place=self._path)


def inside(path: str) -> str:
    """The path in its shortest form (`a/./b/../c` is `a/c`; the top is `.`).

    Raises:
        CannotJudge: it leaves the tree.
    """
    normal = posixpath.normpath(path or ".")
    if "\0" in path or normal.startswith("/") or normal == ".." or normal.startswith("../"):
        raise CannotJudge("the path leaves the tree", place=path)
    return normal


def _real(path: Path, *, strict: bool = False) -> Path:
    """`Path.resolve` does the same, and reports a loop by RuntimeError up to Python 3.12."""
    return type(path)(os.path.realpath(path, strict=strict))


class FolderFiles:
    """Files of a folder on disk, such as the work tree."""

    def __init__(self, top: Path) -> None:
        self._top = _real(top)

    def _find(self, path: str) -> Path | None:
        """The file behind `path`, symbolic links followed inside the tree only."""
        normal = inside(path)
        try:
            found = _real(self._top / normal, strict=True)
        except (FileNotFoundError, NotADirectoryError):
            self._check_link(normal)
            return None
        except (OSError, ValueError) as error:  # ELOOP, a name that is too long
            raise CannotJudge(f"the path cannot be followed: {error}", place=path) from None
        if found != self._top and self._top not in found.parents:
            raise CannotJudge("a symbolic link leads out of the tree", place=path)
        return found

    def _check_link(self, normal: str) -> None:
        """A dangling link that points out of the tree is not the same as no file."""
        loose = _real(self._top / normal)
        if loose != self._top and self._top not in loose.parents:
            raise CannotJudge("a symbolic link leads out of the tree", place=normal)

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None; see Files.read."""
        found = self._find(path)
        if found is None:
            return None
        try:
            # Not blocking: opening a pipe would wait for its writer.
            with os.fdopen(os.open(found, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                about = os.fstat(file.fileno())
                if not stat.S_ISREG(about.st_mode):
                    return None
                if about.st_size > MAX_FILE:
                    raise CannotJudge(f"the file is larger than {MAX_FILE // 1024 // 1024} MiB", place=path)
                return file.read(MAX_FILE)
        except IsADirectoryError:
            return None
        except OSError as error:
            raise CannotJudge(f"the file cannot be read: {error.strerror}", place=path) from None

    def list(self, folder: str) -> tuple[str, ...]:
        """Names in the folder; see Files.list."""
        found = self._find(folder)
        if found is None or not found.is_dir():
            return ()
        try:
            return tuple(sorted(one.name for one in found.iterdir()))
        except OSError as error:
            raise CannotJudge(f"the folder cannot be read: {error.strerror}", place=folder) from None
