""".dockerignore -> which files the build context leaves out, by BuildKit's own rules.

What a pattern means follows github.com/moby/patternmatcher, oddities included: `**` in front of a name is a suffix,
`**/` anywhere else is any number of folders, and a pattern that matches a folder holds for what is below it.

Patterns come from the repository. Each is turned into the bits of an automaton instead of a regular expression:
`*a*a*a*b` costs a backtracking matcher exponential time.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from envhooks.base.dataclass import dataclass
from envhooks.image.text import SPACES

MAX_BYTES = 256 * 1024
"""Bytes of an ignore file; the largest seen in public has 8 KiB."""
MAX_PATTERN = 1000
"""Characters of one pattern; a longer one is not read."""
_SPACE_TEXT = "".join(SPACES)


class _BadPattern(ValueError):
    """BuildKit stops at the pattern, or what it makes of it is not followed here."""


Class = tuple[bool, tuple[tuple[str, str], ...]]
"""(negated, ranges) of `[^a-z_]`."""


def _class(pattern: str, at: int) -> tuple[Class, int]:
    """A bracket expression that begins at `at`, and the index behind it."""
    start = at + 1
    negated = pattern[start : start + 1] == "^"
    at = start + negated
    ranges: list[tuple[str, str]] = []

    def one(at: int) -> tuple[str, int]:
        char = pattern[at : at + 1]
        if char == "\\":
            char, at = pattern[at + 1 : at + 2], at + 1
            if not char or char.isalnum():
                raise _BadPattern  # `\d` is a class of its own to BuildKit's regular expressions
        elif not char or char in "-]" or char in "*?[/":
            raise _BadPattern
        return char, at + 1

    while pattern[at : at + 1] != "]" or not ranges:
        low, at = one(at)
        high = low
        if pattern[at : at + 1] == "-":
            high, at = one(at + 1)
        if high < low:
            raise _BadPattern
        ranges.append((low, high))
    return (negated, tuple(ranges)), at + 1


class _Automaton:
    """One pattern with wildcards; bit n of a state says that the first n tokens have matched."""

    def __init__(self, pattern: str) -> None:
        self.size = 0
        self._chars: dict[str, int] = {}
        self._sets: list[tuple[int, Class]] = []
        self._ones = self._stars = self._alls = self._heads = self._loops = 0
        self._skips: dict[int, int] = {}
        at = 0
        while at < len(pattern):
            at = self._token(pattern, at)
        self._accept = 1 << self.size
        self._passing = sum(self._skips)
        for bit in sorted(self._skips, reverse=True):  # what a bit passes to may pass on
            target = self._skips[bit]
            self._skips[bit] = target | self._skips.get(target, 0)

    def _token(self, pattern: str, at: int) -> int:
        bit = 1 << self.size
        char = pattern[at]
        if pattern.startswith("**", at):
            at += 3 if pattern.startswith("/", at + 2) else 2
            if at < len(pattern):  # `(.*/)?`: its head, then the loop that is left by a slash
                self._heads |= bit
                self._loops |= bit << 1
                self._skips[bit] = bit << 2
                self.size += 2
                return at
            self._alls |= bit
            self._skips[bit] = bit << 1
        elif char == "*":
            self._stars |= bit
            self._skips[bit] = bit << 1
            at += 1
        elif char == "?":
            self._ones |= bit
            at += 1
        elif char == "[":
            found, at = _class(pattern, at)
            self._sets.append((bit, found))
        else:
            if char == "\\":
                at += 1
                char = pattern[at : at + 1]
                if not char or char.isalnum():
                    raise _BadPattern
            elif char == "^":
                raise _BadPattern  # the beginning of a line to BuildKit
            self._chars[char] = self._chars.get(char, 0) | bit
            at += 1
        self.size += 1
        return at

    def _open(self, state: int) -> int:
        """The state with what may be passed over without a character."""
        passing = state & self._passing
        while passing:
            bit = passing & -passing
            state |= self._skips[bit]
            passing ^= bit
        return state

    def match(self, text: str) -> bool:
        state = self._open(1)
        for char in text:
            following = (state & self._chars.get(char, 0)) << 1
            for bit, (negated, ranges) in self._sets:
                if state & bit and any(low <= char <= high for low, high in ranges) != negated:
                    following |= bit << 1
            if char == "/":
                following |= (state & self._heads) << 2 | (state & self._loops) << 1
            else:
                following |= (state & self._ones) << 1 | state & self._stars
            following |= state & (self._alls | self._loops) | (state & self._heads) << 1
            state = self._open(following)
            if not state:
                return False
        return bool(state & self._accept)


@dataclass(frozen=True)
class Pattern:
    """One pattern of an ignore file."""

    text: str
    """In its shortest form, without the `!`."""
    exception: bool
    """Whether it stands behind `!`: what it matches is taken in again."""
    match: Callable[[str], bool] | None
    """Whether it matches a path; None where BuildKit would stop at it or it is not followed."""
    cost: int
    """Steps that one comparison takes for each character of a path."""


def _compiled(text: str, exception: bool) -> Pattern:
    plain = not any(char in text for char in "*?[]\\")
    if plain:
        return Pattern(text, exception, lambda path: path == text, 0)
    head, tail = text[:-2], text[2:]
    if text.endswith("**") and not any(char in head for char in "*?[]\\"):
        return Pattern(text, exception, lambda path: path.startswith(head), 0)
    if text.startswith("**") and not any(char in tail for char in "*?[]\\"):
        name = tail.removeprefix("/")
        whole = tail.startswith("/")
        return Pattern(text, exception, lambda path: path.endswith(tail) or (whole and path == name), 0)
    try:
        if len(text) > MAX_PATTERN:
            raise _BadPattern
        automaton = _Automaton(text)
    except _BadPattern:
        return Pattern(text, exception, None, 0)
    return Pattern(text, exception, automaton.match, 1 + automaton.size // 16)


def read_patterns(data: bytes) -> list[Pattern]:
    """The patterns of an ignore file, in their order; comments and blank lines left out."""
    found: list[Pattern] = []
    for line in data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n"):
        text = line.strip(_SPACE_TEXT)
        if line.startswith("#") or not text:
            continue
        exception = text.startswith("!")
        text = text[1:].strip(_SPACE_TEXT) if exception else text
        if text:
            text = "/" + posixpath.normpath(text).lstrip("/") if text[0] == "/" else posixpath.normpath(text)
            text = text[1:] if text[0] == "/" and len(text) > 1 else text
        found.append(_compiled(text, exception) if text else Pattern("", True, None, 0))
    return found


class IgnoreFile:
    """The ignore file of one build context."""

    def __init__(self, path: str, data: bytes, spend: Callable[[int], None]) -> None:
        self.path = path
        """Its path in the tree."""
        self._spend = spend
        spend(len(data))
        patterns = read_patterns(data) if len(data) <= MAX_BYTES else [Pattern("", False, None, 0)]
        self._broken = any(one.match is None for one in patterns)
        self._patterns = patterns
        self._known: dict[str, bytearray] = {}
        self._answers: dict[str, bool] = {}

    def leaves_out(self, path: str) -> bool | None:
        """Whether a file of the context (a path from the context's top) is not part of it.

        None: a pattern is one that BuildKit stops at, or that is not followed here.
        """
        if self._broken:
            return None
        if path not in self._answers:
            parts = path.split("/")
            for end in range(1, len(parts) + 1):
                self._judge("/".join(parts[:end]), "/".join(parts[: end - 1]))
        return self._answers[path]

    def _judge(self, path: str, folder: str) -> None:
        """Go through the patterns as BuildKit walks a folder: what matched the folder holds below it."""
        if path in self._answers:
            return
        above = self._known.get(folder) if folder else None
        matched = False
        matches = bytearray()
        work = 0
        for index, one in enumerate(self._patterns):
            held = above is not None and above[index] == 1
            if not held and one.exception == matched:
                assert one.match is not None
                work += 1 + one.cost * len(path)
                held = one.match(path)
            matches.append(held)
            if held:
                matched = not one.exception
        self._spend(len(self._patterns) // 4 + work)
        self._known[path] = matches
        self._answers[path] = matched
