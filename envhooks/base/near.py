"""Nearest known word to one that is not known, for "did you mean". No hook loads it before a word is misspelt."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 60
"""Characters of a word that are compared: one from a repository may be of any length."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is near, in whatever case; empty where none is."""
    by_folded = {one.casefold(): one for one in known}
    found = get_close_matches(word[:_LONGEST].casefold(), by_folded, 1)
    return by_folded[found[0]] if found else ""


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean NEAR?`; empty where nothing is near."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
