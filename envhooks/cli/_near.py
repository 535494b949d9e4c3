"""Nearest known word to one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is near; empty where none is."""
    by_folded = {one.casefold(): one for one in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, 1, 0.6)
    return by_folded[found[0]] if found else ""


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean NEAR?`; empty where nothing is near."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""
