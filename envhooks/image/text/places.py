"""Offsets in a text that was put together -> places in the tree."""

from __future__ import annotations

from bisect import bisect_right

from envhooks.base.place import Place


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
