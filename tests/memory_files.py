"""Files of a tree that a test writes down."""

from __future__ import annotations

from collections.abc import Mapping

from envhooks.image.files import inside


class MemoryFiles:
    """Files held in a mapping of path to bytes."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = {inside(path): data for path, data in files.items()}
        folders: dict[str, set[str]] = {}
        for path in self._files:
            name = path
            while name != ".":
                folder, _, last = name.rpartition("/")
                folders.setdefault(folder or ".", set()).add(last)
                name = folder or "."
        self._folders = {folder: tuple(sorted(names)) for folder, names in folders.items()}

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None; see Files.read."""
        return self._files.get(inside(path))

    def list(self, folder: str) -> tuple[str, ...]:
        """Names in the folder; see Files.list."""
        return self._folders.get(inside(folder), ())
