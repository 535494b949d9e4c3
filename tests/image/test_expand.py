"""Word expansion by BuildKit's rules, with and without what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.image.dockerfile.expand import BadWord, Lexer
from envhooks.image.text import (
    TooLong,
    Unknowns,
    parse_pattern,
    readable,
    replace_matches,
    settled,
    trim_match,
    unknown,
)

ENV = {"PWD": "/home", "V": "2.8.0+cu128", "NULL": "", "K": "안녕", "P": "a/b/c.tar.gz"}


def expand(text: str, escape: str = "\\") -> str:
    return Lexer(text, ENV.get, escape=escape).word()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("hello", "hello"),
        ("he'll'o", "hello"),
        ('he"$PWD"', "he/home"),
        ("he'$PWD'", "he$PWD"),
        ("he\\$PWD", "he$PWD"),
        ('"he\\$PWD\\x"', "he$PWD\\x"),
        ("hello\\", "hello"),
        ("$PWDx", ""),
        ("${PWD}x", "/homex"),
        ("$1x", "x"),
        ("$.", "$."),
        ("$K", "안녕"),
        ("${X:-a}${X-b}", "ab"),
        ("${NULL:-a}${NULL-b}", "a"),
        ("${PWD:-a}", "/home"),
        ("${X:+a}${X+b}", ""),
        ("${NULL:+a}${NULL+b}", "b"),
        ("${PWD:+${V}}", "2.8.0+cu128"),
        ("${X:-${Y:-$PWD}}", "/home"),
        ("${PWD?no}${NULL?no}", "/home"),
        ("${V%+*}", "2.8.0"),
        ("${V%.*}", "2.8"),
        ("${V%%.*}", "2"),
        ("${V#*.}", "8.0+cu128"),
        ("${V##*.}", "0+cu128"),
        ("${V##*+cu}", "128"),
        ("${V%nothing}", "2.8.0+cu128"),
        ("${P##*/}", "c.tar.gz"),
        ("${V/./-}", "2-8.0+cu128"),
        ("${V//./-}", "2-8-0+cu128"),
        ("${V//.}" if False else "${V//./}", "280+cu128"),
        ("${V/+*/}", "2.8.0"),
        ("${P//\\//_}", "a_b_c.tar.gz"),
        ("${V/?.?/x}", "x.0+cu128"),
        ("${X/a/b}", ""),
        ("${PWD:+a}}", "a}"),
    ],
)
def test_words(text: str, result: str) -> None:
    assert expand(text) == result


@pytest.mark.parametrize(
    "text",
    ["'a", '"a', "${", "${}", "${:-a}", "${X", "${X:-a", "${{X}", "${X:=a}",
     "${X?}", "${X:?}", "${NULL:?gone}", "${V:#a}", "${V%\\a}", "${V/a}"],
)  # fmt: skip
def test_words_that_buildkit_refuses(text: str) -> None:
    with pytest.raises(BadWord):
        expand(text)


def test_the_escape_sign_may_be_a_backtick() -> None:
    assert expand("a`$PWD\\b", "`") == "a$PWD\\b"
    assert expand("a`$PWD", "\\") == "a`/home"


def test_what_is_not_known_stays_marked() -> None:
    unknowns = Unknowns()
    mark = unknowns.mark("ARG X has no default value")
    known = {"U": mark, "W": f"2.{mark}", "E": ""}

    def one(text: str) -> str:
        return Lexer(text, known.get).word()

    assert one("torch==$U") == f"torch=={mark}"
    assert one("${U:-a}") == mark  # it may be empty, and it may be set
    assert one("${W:-a}") == f"2.{mark}"
    assert one("${W:+a}") == "a"
    assert one("${U:+a}") == mark
    assert one("${W%.*}") == one("${W/2/3}") == mark
    assert one("${E:-$U}") == mark
    assert unknowns.why(one("x$U")) == "ARG X has no default value"
    assert unknown(one("$W")) and readable(one("$W")) == "2...."
    assert [settled(value) for value in (None, "", "a", mark, f"a{mark}")] == [False, False, True, None, True]


def test_there_are_always_marks_left() -> None:
    unknowns = Unknowns()
    marks = [unknowns.mark(f"reason {number}") for number in range(3000)]
    assert all(unknown(mark) and unknowns.why(mark) for mark in marks)
    assert unknowns.why(marks[5]) == "reason 5"


def test_growth_and_depth_end() -> None:
    env = {"A": "x" * 20_000}
    with pytest.raises(TooLong):
        Lexer("$A$A", env.get).word()
    with pytest.raises(TooLong):
        Lexer("${A//x/yyyyyyyyyy}", env.get).word()
    with pytest.raises(TooLong):
        Lexer("${B:-" * 1000 + "}" * 1000, env.get).word()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab$X{}:-+?#%/*'\"\\ <", max_size=30))
def test_no_text_makes_it_fail(text: str) -> None:
    for raw in (False, True):
        lexer = Lexer(text, {"X": "a/b"}.get, raw=raw)
        try:
            lexer.word()
        except ValueError as error:
            assert str(error)


# ---------------------------------------------------------------- patterns


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab*?", max_size=6), st.text(alphabet="ab", max_size=8))
def test_patterns_match_as_regular_expressions(pattern: str, text: str) -> None:
    import re

    tokens = parse_pattern(pattern)
    for longest in (False, True):
        star = ".*" if longest else ".*?"
        expression = "".join({"*": star, "?": "."}.get(char, char) for char in pattern)
        match = re.match(expression, text)
        expected = text[match.end() :] if match else text
        assert trim_match(text, tokens, suffix=False, longest=longest) == expected
        backwards = re.match(
            "".join({"*": star, "?": "."}.get(char, char) for char in pattern[::-1]), text[::-1]
        )
        expected = text[: len(text) - backwards.end()] if backwards else text
        assert trim_match(text, tokens, suffix=True, longest=longest) == expected


def test_replacing() -> None:
    def replace(value: str, pattern: str, every: bool = True) -> str:
        return replace_matches(value, parse_pattern(pattern), "X", every=every, limit=100)

    assert replace("abab", "a") == "XbXb"
    assert replace("abab", "a", every=False) == "Xbab"
    assert replace("abab", "*") == "X"
    assert replace("ab", "") == "XaXbX"
    assert replace("abc", "?") == "XXX"


def test_a_pattern_that_would_hang_a_regular_expression() -> None:
    tokens = parse_pattern("*a" * 50 + "b")
    assert trim_match("a" * 2_000, tokens, suffix=False, longest=True) == "a" * 2_000


@pytest.mark.parametrize(
    "text", ["$X", "${X}", "${X:-a}", "${X-a}", "${X:+a}", "${X%a}", "${X##a}", "${X/a/b}", "a${X}b"]
)
def test_what_is_not_set_may_stay_as_it_stands(text: str) -> None:
    assert Lexer(text, lambda _name: None, keep_unset=True).word() == text


@pytest.mark.parametrize(
    ("text", "result"),
    [("${X%a}", ""), ("${X##a}", ""), ("${X/a/b}", ""), ("${X:+}", ""), ("${V/8/$PWD}", "2./home.0+cu128")],
)
def test_what_is_not_set_is_empty(text: str, result: str) -> None:
    assert expand(text) == result


@pytest.mark.parametrize(
    ("text", "fault", "why"),
    [
        ("${V/\\q/a}", BadWord, "invalid escape"),
        ("${V%\\q}", BadWord, "invalid escape"),
        ("${V//8/$PWD$}", TooLong, "a replacement with \\$ is not followed"),
    ],
)
def test_a_pattern_that_is_none(text: str, fault: type[ValueError], why: str) -> None:
    with pytest.raises(fault, match=why):
        expand(text)


@pytest.mark.parametrize(
    ("pattern", "text", "left"),
    [("\\*", "*a", "a"), ("\\?", "?a", "a"), ("\\\\", "\\a", "a"), ("\\*", "xa", "xa")],
)
def test_an_escaped_sign_of_a_pattern(pattern: str, text: str, left: str) -> None:
    assert trim_match(text, parse_pattern(pattern), suffix=False, longest=True) == left


def test_a_replacement_of_a_long_value_ends() -> None:
    for value, pattern, new in (
        ("a" * 10_000_000, "?", ""),
        ("a" * 50, "?", "x" * 50),
        ("a" * 50, "a", "x" * 50),
    ):
        with pytest.raises(TooLong):
            replace_matches(value, parse_pattern(pattern), new, every=True, limit=100)
