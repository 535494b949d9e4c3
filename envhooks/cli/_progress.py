"""Progress of a long run, in one line on the terminal that is removed at the end."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from types import TracebackType
from typing import TextIO

from envhooks.base.hygiene import printable

PATIENCE = 1.0
"""Seconds for which nothing is shown: most runs are over by then."""
PAUSE = 0.1
"""Seconds between two changes of the line."""


class Progress:
    """Shown on a terminal only, and without a single escape sequence, so that none can be left behind."""

    def __init__(self, stream: TextIO) -> None:
        """`stream` is where people look, stderr."""
        self._stream = stream
        self._is_on = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._next = time.monotonic() + PATIENCE
        self._width = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            self._show(" " * 1000)  # all of the line: the `^C` of a Ctrl-C stands behind what was shown
            self._write("\r")

    def step(self, what: str, done: int, total: int) -> None:
        """Say that `done` of `total` are done, if it is time to say something."""
        now = time.monotonic()
        if not self._is_on or now < self._next:
            return
        self._next = now + PAUSE
        filled = 20 * done // max(total, 1)
        self._show(f"[{'#' * filled}{'.' * (20 - filled)}] {what}: {done} of {total}")

    def say(self, what: str) -> None:
        """Say what is being done, of which it is not known how much there is."""
        now = time.monotonic()
        if self._is_on and now >= self._next:
            self._next = now + PAUSE
            self._show(f"reading {printable(what)}")

    def _show(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self._write("\r" + text.ljust(self._width))
        self._width = max(self._width, len(text))

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a terminal that was closed is no reason to judge otherwise
            self._stream.write(text)
            self._stream.flush()
