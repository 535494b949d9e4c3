"""Nearest known word to one that is not known, for "did you mean". No hook loads it before a word is misspelt."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 60
"""Characters of a word that are compared: one from a repository may be of any length."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is near, in whatever case; empty where none is."""
    by_folded = {one.casefold(): one for one in known}
    folded = word[:_LONGEST].casefold()
    found = get_close_matches(folded, by_folded)
    # letters that changed places are the commonest slip: `lsit` is `list`, and as near to `site`
    same_letters = (one for one in found if sorted(one) == sorted(folded))
    return by_folded[next(same_letters, found[0])] if found else ""


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean NEAR?`; empty where nothing is near."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
