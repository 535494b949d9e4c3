"""Shell patterns in the law: `*`, `?` and `[...]`, in the case that they are written in."""

from __future__ import annotations


def fits(text: str, pattern: str) -> bool:
    """Whether all of `text` fits a pattern, as `fnmatch.fnmatchcase` says."""
    if pattern == "*":
        return True
    if not any(mark in pattern for mark in "*?["):
        return text == pattern
    from fnmatch import fnmatchcase  # which compiles it: most patterns are `*`, or one name

    return fnmatchcase(text, pattern)
