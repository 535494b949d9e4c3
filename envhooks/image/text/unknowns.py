"""Text of which a part is not known, and the alphabet that BuildKit calls blank.

A value that cannot be known (an argument without a default, the platform, what the base image sets)
is not left out: it goes through every expansion as a *mark*, one character that no UTF-8 file can
hold. A result with a mark in it is known in part, and the mark leads back to the reason.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from envhooks.base.place import Place

_MARK = "[\ud800-\udfff]"
SPACES = frozenset(
    chr(code) for code in (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029)
) | frozenset("\u202f\u205f\u3000")
"""What Go calls a space; Python's own notion also takes 0x1c to 0x1f."""


class Unknowns:
    """Marks for text that is not known, each with its reason."""

    def __init__(self) -> None:
        self._reasons: list[str] = []
        self._marks: dict[str, str] = {}

    def mark(self, why: str) -> str:
        """One character that stands for unknown text (it may be empty, and may hold blanks)."""
        if why not in self._marks:
            if len(self._reasons) >= 2047:  # the surrogates are used up: who has that many has no reasons
                return "\udfff"
            self._marks[why] = chr(0xD800 + len(self._reasons))
            self._reasons.append(why)
        return self._marks[why]

    def why(self, text: str) -> str:
        """The reason behind the first mark in `text`; empty where there is none."""
        match = None if text.isascii() else re.search(_MARK, text)
        if match is None:
            return ""
        index = ord(match.group()) - 0xD800
        return self._reasons[index] if index < len(self._reasons) else "too much here is not known"


def unknown(text: str) -> bool:
    """Whether some part of the text is not known."""
    return not text.isascii() and re.search(_MARK, text) is not None


def readable(text: str) -> str:
    """The text with `...` for what is not known, for a message."""
    return text if text.isascii() else re.sub(_MARK, "...", text)


def first_mark(text: str) -> str:
    """The first mark in the text, or nothing."""
    match = None if text.isascii() else re.search(_MARK, text)
    return match.group() if match else ""


def settled(value: str | None) -> bool | None:
    """Whether the value is certainly not empty (True), certainly empty (False), or neither (None)."""
    if not value:
        return False
    return True if value.isascii() or re.sub(_MARK, "", value) else None


def names(text: str) -> frozenset[str]:
    """The words of a text, for tables that read better in running lines."""
    return frozenset(text.split())


class Lines:
    """Offset in a text that was put together from parts -> place."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._starts: list[int] = []
        self._lines: list[int] = []

    def add(self, offset: int, line: int) -> None:
        """From `offset` on, the text comes from `line`; offsets rise."""
        self._starts.append(offset)
        self._lines.append(line)

    def add_text(self, offset: int, text: str, line: int) -> None:
        """A text whose lines are those of the file from `line` on."""
        at = 0
        while True:
            self.add(offset + at, line)
            end = text.find("\n", at)
            if end < 0 or end + 1 >= len(text):
                return
            at, line = end + 1, line + 1

    def __call__(self, offset: int) -> Place:
        """The place of the character at `offset`."""
        index = bisect_right(self._starts, offset) - 1
        return Place(self._path, self._lines[max(0, index)])
