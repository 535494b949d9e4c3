"""OpenSSH's pattern lists (PATTERNS in ssh_config(5)): `*`, `?`, and `!` to exclude."""

from __future__ import annotations

import re
from collections.abc import Sequence


def _fits(text: str, pattern: str) -> bool:
    # a run of stars means one star, and would cost exponential time as a regular expression
    parts = re.split(r"\*+", pattern)
    if len(parts) == 1:
        return len(text) == len(pattern) and _same(text, pattern)
    head, *middle, tail = parts
    if len(text) < len(head) + len(tail) or not _same(text[: len(head)], head):
        return False
    end = len(text) - len(tail)
    if not _same(text[end:], tail):
        return False
    at = len(head)
    for part in middle:  # the leftmost place for each part leaves most room for the rest
        found = next(
            (i for i in range(at, end - len(part) + 1) if _same(text[i : i + len(part)], part)), None
        )
        if found is None:
            return False
        at = found + len(part)
    return True


def _same(text: str, pattern: str) -> bool:
    return all(want in ("?", have) for have, want in zip(text, pattern, strict=True))


def matches(text: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns fits the whole text and none with `!` in front does."""
    if any(_fits(text, pattern[1:]) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_fits(text, pattern) for pattern in patterns if not pattern.startswith("!"))
