"""Terminal that a command writes to: its colour and its width."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, TextIO


class Unwritable(OSError):
    """Standard output does not take what is written: its reader is gone, it is closed, its disk is full."""


class _Output(io.FileIO):
    """Standard output whose faults can be told from those of every other file."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise Unwritable(error.errno, error.strerror) from None


def watch_output() -> None:
    """From now on a fault of standard output is an `Unwritable`."""
    old = sys.stdout
    if type(old) is io.TextIOWrapper and old.name in ("<stdout>", 1):
        raw = _Output(1, "wb", closefd=False)
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw), old.encoding, old.errors, line_buffering=old.line_buffering
        )


def use_colour(stream: object) -> bool:
    """Whether colour belongs on a stream: on a terminal that is not dumb, or where FORCE_COLOR asks for it.

    NO_COLOR outranks both (no-color.org, force-color.org).
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


def is_terminal() -> bool:
    """Whether standard output is a terminal: tables are for people, JSON for programs."""
    return sys.stdout.isatty()


def columns(stream: TextIO) -> int | None:
    """The width of a terminal, or what COLUMNS says; None where lines are not broken, as in a file."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and 0 < len(said) < 5:
        return max(int(said), 40)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, 40)
    except (OSError, ValueError):  # no terminal, or no descriptor
        return None


def wrapped(line: str, width: int | None, indent: int = 2) -> str:
    """A line, broken between words where a width is known; one that is indented is a command, and stays whole.

    What follows is indented by so many columns.
    """
    is_advice = line.startswith("  advice: ")
    is_head = line.endswith(":") and not line.startswith("    ")  # above the commands that it announces
    if width is None or len(line) <= width or (line.startswith("  ") and not (is_advice or is_head)):
        return line
    import textwrap

    after = " " * (10 if is_advice else indent)
    return textwrap.fill(line, width, subsequent_indent=after, break_long_words=False, break_on_hyphens=False)
