"""Shell patterns of `*` and `?` over short texts, in time that hostile patterns cannot blow up.

A pattern is turned into the bits of an automaton instead of a regular expression: `*a*a*a*b`
costs a backtracking matcher exponential time, and patterns come from the repository.
"""

from __future__ import annotations

from collections.abc import Sequence

Pattern = Sequence[str]
"""One token per item: `ANY` (`*`), `ONE` (`?`) or a single literal character."""
ANY = "<any>"
ONE = "<one>"
MAX_STARTS = 2_000
"""Characters of a text in which a pattern with wildcards is searched: that costs their square."""


class TooLong(ValueError):
    """The text or the result is longer than is worth following."""


def tokens(pattern: str) -> list[str]:
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
    """Where the shortest or longest match that begins at `start` ends."""
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


def trim(value: str, pattern: Pattern, *, suffix: bool, longest: bool) -> str:
    """`${value#pattern}`, `##`, `%` and `%%`."""
    if len(value) * len(pattern) > 4_000_000:
        raise TooLong("the pattern is too long for the value")
    if suffix:
        end = _end(pattern[::-1], value[::-1], 0, longest)
        return value if end is None else value[: len(value) - end]
    end = _end(pattern, value, 0, longest)
    return value if end is None else value[end:]


def replace(value: str, pattern: Pattern, replacement: str, *, every: bool, limit: int) -> str:
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
        if end is None or (end == at and at == previous_end):  # nothing right behind a match is none
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
