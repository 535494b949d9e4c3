"""Terminal that a command writes to: its colour and its width."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def use_colour(stream: object) -> bool:
    """Whether colour belongs on a stream: on a terminal, and never with NO_COLOR or TERM=dumb."""
    is_terminal = getattr(stream, "isatty", lambda: False)()
    return bool(is_terminal) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns(stream: TextIO) -> int | None:
    """The width of a terminal, or what COLUMNS says; None where lines are not broken, as in a file."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and 0 < len(said) < 5:
        return max(int(said), 40)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, 40)
    except (OSError, ValueError):  # no terminal, or no descriptor
        return None
