"""Text of which a part is not known, shell patterns over it, and the alphabet that BuildKit calls blank.

A value that cannot be known (an argument without a default, the platform, what the base image sets)
is not left out: it goes through every expansion as a *mark*, one character that no UTF-8 file can
hold. A result with a mark in it is known in part, and the mark leads back to the reason.

Patterns of `*` and `?` come from the repository. Each is turned into the bits of an automaton instead of a regular
expression: `*a*a*a*b` costs a backtracking matcher exponential time.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from envhooks.base.place import Place

AS_WRITTEN = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{0,8}[1-9])?"
"""A number that a reader which takes types gives back as it is written: 2.1, and not 2.10."""
_MARK = "[\ud800-\udfff]"
SPACES = frozenset(
    chr(code) for code in (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029)
) | frozenset("\u202f\u205f\u3000")
"""Space characters of Go; Python's own set also has 0x1c to 0x1f."""


class Unknowns:
    """Marks for text that is not known, each with its reason."""

    def __init__(self) -> None:
        self._reasons: list[str] = []
        self._marks: dict[str, str] = {}

    def mark(self, why: str) -> str:
        """A character in place of unknown text (it may be empty, and may hold blanks)."""
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


def shown_names(names: Iterable[str]) -> str:
    """The first twenty names, for a message; `none` where there is none."""
    return ", ".join(list(names)[:20]) or "none"


def unknown(text: str) -> bool:
    """Whether some part of the text is not known."""
    return not text.isascii() and re.search(_MARK, text) is not None


def readable(text: str, word: str = "...") -> str:
    """The text with `...`, or another word, for what is not known, for a message."""
    return text if text.isascii() else re.sub(_MARK, word, text)


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


Pattern = Sequence[str]
"""One token per item: `ANY` (`*`), `ONE` (`?`) or a single literal character."""
ANY = "<any>"
ONE = "<one>"
MAX_STARTS = 2_000
"""Characters of a text in which a pattern with wildcards is searched: that costs their square."""


class TooLong(ValueError):
    """The text or the result is longer than is worth following."""


def parse_pattern(pattern: str) -> list[str]:
    """The pattern as BuildKit reads it: a backslash takes `*`, `?`, `\\`, `}` and `/` literally.

    Raises:
        ValueError: the backslash stands before anything else.
    """
    out: list[str] = []
    chars = iter(range(len(pattern)))
    for at in chars:
        char = pattern[at]
        if char == "\\":
            following = pattern[at + 1 : at + 2]
            if following in ("}", "/") and following:
                continue
            if following not in ("*", "?", "\\") or not following:
                raise ValueError(f"invalid escape '\\{following}'")
            next(chars)
            out.append(following)
        elif char == "*":
            if not out or out[-1] is not ANY:  # `**` is `*`; one step then closes over it
                out.append(ANY)
        else:
            out.append(ONE if char == "?" else char)
    return out


def _end(pattern: Pattern, text: str, start: int, longest: bool) -> int | None:
    """End of the shortest or longest match that begins at `start`."""
    stars = ones = 0
    literal: dict[str, int] = {}
    for index, token in enumerate(pattern):
        if token is ANY:
            stars |= 1 << index
        elif token is ONE:
            ones |= 1 << index
        else:
            literal[token] = literal.get(token, 0) | 1 << index
    accept = 1 << len(pattern)
    state = 1 | ((1 & stars) << 1)
    found = start if state & accept else None
    for at in range(start, len(text)):
        if found is not None and not longest:
            break
        char = text[at]
        step = (state & (literal.get(char, 0) | (0 if char == "\n" else ones))) << 1
        state = step | (state & stars if char != "\n" else 0)
        state |= (state & stars) << 1
        if not state:
            break
        if state & accept:
            found = at + 1
    return found


def trim_match(value: str, pattern: Pattern, *, suffix: bool, longest: bool) -> str:
    """`${value#pattern}`, `##`, `%` and `%%`."""
    if len(value) * len(pattern) > 4_000_000:
        raise TooLong("the pattern is too long for the value")
    if suffix:
        end = _end(pattern[::-1], value[::-1], 0, longest)
        return value if end is None else value[: len(value) - end]
    end = _end(pattern, value, 0, longest)
    return value if end is None else value[end:]


def replace_matches(value: str, pattern: Pattern, replacement: str, *, every: bool, limit: int) -> str:
    """`${value/pattern/replacement}`, and `//` where `every`; raises TooLong beyond `limit` characters."""
    if pattern and all(len(token) == 1 for token in pattern):
        literal = "".join(pattern)
        count = value.count(literal) if every else 1
        if len(value) + count * len(replacement) > limit:
            raise TooLong("the value grows too long")
        return value.replace(literal, replacement, -1 if every else 1)
    if len(value) > MAX_STARTS:
        raise TooLong("the value is too long for a pattern")
    out: list[str] = []
    at = copied = 0
    previous_end = -1
    size = 0
    while at <= len(value):
        end = _end(pattern, value, at, True)
        if end is None or (end == at and at == previous_end):  # an empty one right behind it does not count
            at += 1
            continue
        out += (value[copied:at], replacement)
        size += len(replacement)
        if size > limit:
            raise TooLong("the value grows too long")
        copied = previous_end = end
        at = end if end > at else at + 1
        if not every:
            break
    out.append(value[copied:])
    return "".join(out)
