"""Shell text -> commands and words; the real sh says what a word is."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envhooks.image.shell import parse
from envhooks.image.shell.scan import Command
from envhooks.image.shell.words import Expander, commands_inside


def commands(text: str) -> list[tuple[str, bool]]:
    """(words as they stand, whether it certainly runs) of each command."""
    script = parse(text)
    return [
        (
            " ".join(word.text for word in event.words),
            event.certain and (event.arm is None or event.arm in script.sure),
        )
        for event in script.events
        if isinstance(event, Command)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a && b; c & d | e", [("a", True), ("b", True), ("c", True), ("d", True), ("e", True)]),
        ("a || b", [("a", True), ("b", False)]),
        ("a || b && c", [("a", True), ("b", False), ("c", True)]),
        ("a\nb # c\n# d\n", [("a", True), ("b", True)]),
        ("a#b '#' \\# # c", [("a#b '#' \\#", True)]),
        ("[ x ] && a", [("[ x ]", True), ("a", True)]),
        ("[ x ] && a; b", [("[ x ]", True), ("a", False), ("b", True)]),
        ("[ x ] && a || b", [("[ x ]", True), ("a", False), ("b", False)]),
        ("if a; then b; elif c; then d; else e; fi; f",
         [("a", True), ("b", False), ("c", False), ("d", False), ("e", False), ("f", True)]),
        ("for i in a b; do c; done; d", [("c", False), ("d", True)]),
        ("for i\ndo c\ndone\nd", [("c", False), ("d", True)]),
        ("while a; do b; done", [("a", False), ("b", False)]),
        ("case $x in a|b) c;; *) d;; esac; e", [("c", False), ("d", False), ("e", True)]),
        ("case x in\n (a) b ;;\nesac\nc", [("b", False), ("c", True)]),
        ("(a; b) && { c; }", [("a", True), ("b", True), ("c", True)]),
        ("[ x ] && { a; b; } || c", [("[ x ]", True), ("a", False), ("b", False), ("c", False)]),
        ("f() { a; }\nb", [("a", False), ("b", True)]),
        ("function f { a; }; b", [("a", False), ("b", True)]),
        ("function f() { a; }; b", [("a", False), ("b", True)]),
        ("f () { a; }\nb", [("a", False), ("b", True)]),
        ("for ((i=0; i<3; i++)); do a; done; b", [("a", False), ("b", True)]),
        ("for i do a; done; b", [("a", False), ("b", True)]),
        ("case x\nin a) b;; esac; c", [("b", False), ("c", True)]),
        ("a <(b; c) d; e", [("a <(b; c) d", True), ("e", True)]),
        ("a $(b # )\n) c; d", [("a $(b # )\n) c", True), ("d", True)]),
        ("{ a; } <<E\nb\nE\nc", [("a", True), ("", True), ("c", True)]),
        ("a <<E; <<F b\nx\nE\ny\nF\nc", [("a", True), ("b", True), ("c", True)]),
        ("a $(b; c) `d`", [("a $(b; c) `d`", True)]),
        ("a 'b;c' \"d&&e\" f\\;g", [("a 'b;c' \"d&&e\" f\\;g", True)]),
        ("a \\\n b", [("a b", True)]),
        ("A=(1 2) b", [("A=(1 2) b", True)]),
        ("[[ a < b && c ]] && d", [("[[ a < b & & c ]]", True), ("d", True)]),
        ("(( a < b )) && c; d", [("((", True), ("c", False), ("d", True)]),
        ("a &&\n b |\n c", [("a", True), ("b", True), ("c", True)]),
        ("! a && b; c", [("! a", True), ("b", False), ("c", True)]),
        ("echo if then fi", [("echo if then fi", True)]),
    ],
)  # fmt: skip
def test_commands(text: str, expected: list[tuple[str, bool]]) -> None:
    assert commands(text) == expected


def test_redirects() -> None:
    (command,) = [e for e in parse("a b>=1 c 2>&1 >log <in &>all 3>x").events if isinstance(e, Command)]
    assert [word.text for word in command.words] == ["a", "b", "c"]
    assert [(r.sign, r.target, r.glued, r.after) for r in command.redirects] == [
        (">", "=1", True, 2),
        (">&", "1", False, 3),
        (">", "log", False, 3),
        ("<", "in", False, 3),
        ("&>", "all", False, 3),
        (">", "x", False, 3),
    ]


def test_here_documents_are_no_commands() -> None:
    script = parse("cat <<A > x && b <<-'C'\nno 1\nA\n\tno 2\n\tC\nd")
    found = [event for event in script.events if isinstance(event, Command)]
    assert [event.words[0].text for event in found] == ["cat", "b", "d"]
    assert found[0].redirects[0].body == "no 1\n" and found[1].redirects[0].body == "no 2\n"


@pytest.mark.parametrize(
    "text", ["'a", 'a "b', "a $(b", "a `b", "${a", "if a; then b", "(a", "{ a", "case x in", "[[ a", "((a"]
)
def test_text_without_an_end_says_so(text: str) -> None:
    assert parse(text).fault


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *"ab;&|()<>{}'\"\\$`#\n =!",
                "if ",
                "then ",
                "fi ",
                "case x in ",
                "esac ",
                "for i in ",
                "do ",
                "done ",
                "<<A",
                "A\n",
                "[[ ",
                "]] ",
                "f() ",
            ]
        ),
        max_size=25,
    ).map("".join)
)
def test_no_text_makes_it_fail(text: str) -> None:
    script = parse(text)
    assert all(word.text for event in script.events if isinstance(event, Command) for word in event.words)
    for event in script.events:
        if isinstance(event, Command):
            for word in event.words:
                assert text[word.offset] == word.text[0] or text.startswith("\\\n", word.offset)
                commands_inside(word.text)
                fields(word.text)


# ---------------------------------------------------------------- words


class Variables:
    """A few variables, and none else."""

    def __init__(self) -> None:
        self.values = {"V": "2.8.0", "W": "a  b c", "E": "", "HOME": "/root"}

    def lookup(self, name: str) -> str | None:
        return self.values.get(name)

    def unset(self, name: str) -> str:
        return ""

    def assign(self, name: str, value: str) -> None:
        self.values[name] = value

    def mark(self, why: str) -> str:
        return "\ud800"


def fields(word: str) -> list[str]:
    return Expander(Variables(), lambda _amount: None).fields(word)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("torch==$V", ["torch==2.8.0"]),
        ("'torch==$V'", ["torch==$V"]),
        ('"x $W"', ["x a  b c"]),
        ("$W", ["a", "b", "c"]),
        ("x$W", ["xa", "b", "c"]),
        ("$E", []),
        ('"$E"', [""]),
        ("~/x", ["/root/x"]),
        ("$(x)", ["\ud800"]),
        ("a`x`", ["a\ud800"]),
        ("$((1+1))", ["\ud800"]),
        ("${V:0:1}", ["2"]),
        ("${#V}", ["5"]),
        ("$1", ["\ud800"]),
        ("{a,b}", ["\ud800"]),
        ("$'a'", ["a"]),
        ("a[b]", ["a[b]"]),
        ("a\\\nb", ["ab"]),
        ('"a`x`b"', ["a\ud800b"]),
        ('"${E:-"a b"}c"', ["a bc"]),
    ],
)
def test_words(word: str, expected: list[str]) -> None:
    assert fields(word) == expected


def test_assigning_a_default() -> None:
    variables = Variables()
    expander = Expander(variables, lambda _amount: None)
    assert expander.fields("${N:=x}") == ["x"] and variables.values["N"] == "x"


WORD = st.lists(
    st.sampled_from(
        ["a", "b=", "$V", "${V}", "$W", "$E", "${E:-d}", "${E-d}", "${N:-$V}", "${N-d}", "${V:+p}", "${V+p}", "${E:+p}",
         "${V%.*}", "${V%%.*}", "${V#*.}", "${V##*.}",
         "'q $V'", '"r $V $W"', '"${E:-s t}"', "\\$", "\\ ", "\\\\", '"\\$\\a"', "''", '""', "=", "]", "."]
    ),
    min_size=1, max_size=5,
).map("".join)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(WORD, min_size=12, max_size=12))
@example(["${E:-s t}", "${N:-'q r'}", '"${N:-a}"'])
def test_words_are_those_of_sh(words: list[str]) -> None:
    shell = shutil.which("sh")
    assert shell is not None
    script = "".join(f"printf '<%s>' {word}; printf '\\n'; " for word in words)
    env = {"V": "2.8.0", "W": "a  b c", "E": "", "HOME": "/root"}
    done = subprocess.run([shell, "-fc", script], env=env, capture_output=True, text=True, check=True)
    for word, line in zip(words, done.stdout.split("\n"), strict=False):
        ours = fields(word)
        if any("\ud800" in field for field in ours):
            continue
        assert "".join(f"<{field}>" for field in ours) or line == "<>", word
        assert ("".join(f"<{field}>" for field in ours) or "<>") == line, word


def test_commands_inside_words() -> None:
    assert commands_inside("a$(b c)`d`'$(no)'\"$(e)\"$((1))") == [("b c", 3), ("d", 8), ("e", 20)]
    assert commands_inside("a$(b)$(c") == [("b", 3)]
