from __future__ import annotations

from fnmatch import fnmatchcase

from hypothesis import example, given
from hypothesis import strategies as st

from envhooks.globbing import fits

_texts = st.text("ab*?[]!-/\n", max_size=8)


@given(_texts, _texts)
@example("", "*")
@example("a\nb", "*")
@example("[", "[")
@example("a", "A")
def test_it_says_what_fnmatch_says(text: str, pattern: str) -> None:
    assert fits(text, pattern) == fnmatchcase(text, pattern)
    assert fits(text, text) == fnmatchcase(text, text)
