"""Nothing that comes from a repository reaches a terminal raw."""

from __future__ import annotations

import re
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envhooks.base.hygiene import _UNSAFE, _escape, printable, printable_block, word


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x85\x9b", "\\x85\\x9b"),
        ("a\u2028b\u202eb\u200bc", "a\\u2028b\\u202eb\\u200bc"),
        ("\ufeffx", "\\ufeffx"),
        ("\U000e0041", "\\U000e0041"),
        (b"\xff\xfe".decode("utf-8", "surrogateescape"), "\\xff\\xfe"),
        ("PyTorch-CUDA-v2.8-rc1", "PyTorch-CUDA-v2.8-rc1"),
        ("héllo 你好", "héllo 你好"),
    ],
)
def test_controls_are_escaped_and_words_are_not(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


@given(st.text(st.sampled_from("ab #[]:vso\x00\t\n\x1f\x7f") | st.characters(), max_size=40))
def test_text_that_needs_nothing_is_told_by_the_same_rule(text: str) -> None:
    assert printable(text) == re.sub(_UNSAFE, _escape, text)


def test_a_long_text_is_cut() -> None:
    assert len(printable("x" * 10_000)) == 500


@given(st.text(st.characters(), max_size=200))
def test_no_control_or_format_character_is_left(text: str) -> None:
    left = {unicodedata.category(char) for char in printable(text)}
    assert not left & {"Cc", "Zl", "Zp", "Cs"}
    assert not set(printable(text)) & set("\u200b\u200e\u202a\u202e\u2066\u2069\ufeff")
    printable(text).encode("utf-8")


@given(st.text(st.characters(), max_size=200))
def test_a_block_keeps_its_lines(text: str) -> None:
    assert printable_block(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text", ["- x\r", "-n\x1b", "--\ufeff", "$(id)\t`x`", "it's", "%s\\n\x07", "\udcff-"]
)
def test_a_word_of_the_shell_is_the_text_to_the_byte(text: str) -> None:
    done = subprocess.run(["sh", "-c", f"printf %s {word(text)}"], capture_output=True, check=True)
    assert done.stdout == text.encode("utf-8", "surrogateescape") and not done.stderr
