"""An image that outlives the attempt that built it, so that the next one verifies or publishes that very image."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


class Kept:
    """The folder in which the attempts at one build keep what they have.

    Args:
        folder: made when first written to.
        command: the words of the command that builds. What other words built is not gone on with.
    """

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self._folder = folder
        self._command = hashlib.sha256("\0".join(command).encode("utf-8", "surrogateescape")).hexdigest()
        self._found = self._read()

    @property
    def layout(self) -> Path:
        """Path of the OCI layout, written or to be written."""
        return self._folder / "image"

    @property
    def sbom(self) -> Path:
        """Where the bill of materials of the image in the layout is, or goes."""
        return sbom_of(self.layout)

    @property
    def images(self) -> dict[str, str]:
        """Name -> id of the image in the engine's own storage, one a platform; empty where none was built."""
        return _texts(self._found.get("images"))

    @property
    def checked(self) -> str:
        """Findings in the image when it was compared with its tag."""
        return str(self._found.get("checked", ""))

    @property
    def verified(self) -> str:
        """Method by which the image was compared with its tag; empty where it was not."""
        return str(self._found.get("verified", ""))

    @property
    def holds(self) -> dict[str, str]:
        """Distribution -> version of what it was found to hold."""
        return _texts(self._found.get("holds"))

    @property
    def bases(self) -> dict[str, str]:
        """Base image -> digest of what the engine took under its name."""
        return _texts(self._found.get("bases"))

    @property
    def digest(self) -> str:
        """The digest of the image that is written out whole; empty where none is."""
        found = str(self._found.get("digest", ""))
        return found if found and (self.layout / "index.json").is_file() else ""

    def note(self, **found: str | dict[str, str]) -> None:
        """Keep `images`; or `digest`, `checked`, `verified` and `holds` of an image that is written out whole."""
        self._found |= found
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._folder / "state.new"
        new.write_text(json.dumps({**self._found, "command": self._command}))
        new.replace(self._folder / "state.json")  # whole, or as it was

    def clear_layout(self) -> None:
        """Remove a layout that may be half written, and what was written about it."""
        shutil.rmtree(self.layout, ignore_errors=True)
        self.sbom.unlink(missing_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads((self._folder / "state.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(found, dict) or found.pop("command", "") != self._command:
            remove(self._folder)
            return {}
        return found


def sbom_of(layout: Path) -> Path:
    """The file beside an image layout that has its bill of materials (SPDX, JSON), where one was asked for."""
    return layout.with_name("sbom.spdx.json")


def _texts(raw: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in raw.items()} if isinstance(raw, dict) else {}


def remove(folder: Path) -> None:
    """Remove what is kept, and the folder above where nothing else is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()
