"""Limits of reading one image: everything in it was written by somebody else."""

from __future__ import annotations

import time

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable

MAX_DOCUMENT = 4 << 20
"""Bytes of a manifest, an index or a configuration; registries take no more either."""
MAX_MANIFESTS = 64
"""Manifests of one index, over all its levels."""
MAX_LAYERS = 512
MAX_UNPACKED = 256 << 30
"""Bytes of all layers of an image, unpacked."""
MAX_ENTRIES = 10_000_000
"""Entries of all layers of an image."""
MAX_KEPT = 400_000
"""Links, files and folders of an image that are remembered."""
MAX_KEPT_BYTES = 64 << 20
SECONDS = 30 * 60.0
_EVERY = 256


class Unreadable(CannotJudge):
    """An image, or a part of one, that cannot be read; its content is unknown then."""


class Limits:
    """Remaining budget for reading one image: bytes, entries, seconds."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """`seconds` from now the reading has to be done."""
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._bytes = MAX_UNPACKED
        self._entries = MAX_ENTRIES
        self._kept = MAX_KEPT
        self._kept_bytes = MAX_KEPT_BYTES

    def read(self, count: int) -> None:
        """Count unpacked bytes.

        Raises:
            Unreadable: there are too many, or the time is over.
        """
        self._bytes -= count
        if self._bytes < 0:
            raise Unreadable(f"the image unpacks to more than {MAX_UNPACKED >> 30} GiB")
        self.look()

    def entry(self) -> None:
        """Count an entry of a layer.

        Raises:
            Unreadable: there are too many, or the time is over.
        """
        self._entries -= 1
        if self._entries < 0:
            raise Unreadable(f"the image has more than {MAX_ENTRIES} files")
        if self._entries % _EVERY == 0:
            self.look()

    def keep(self, size: int) -> None:
        """Count something that is remembered.

        Raises:
            Unreadable: that would take too much memory.
        """
        self._kept -= 1
        self._kept_bytes -= size
        if self._kept < 0 or self._kept_bytes < 0:
            raise Unreadable("the image has more links and packages than can be looked through")

    def look(self) -> None:
        """Look at the clock.

        Raises:
            Unreadable: the time is over.
        """
        if time.monotonic() > self._end:
            raise Unreadable(f"the image was not read within {self._seconds / 60:g} minutes")


def shown(text: object, limit: int = 80) -> str:
    """Text from an image, fit to print."""
    return printable(str(text), limit)
