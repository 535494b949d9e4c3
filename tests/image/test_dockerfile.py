"""The reader against BuildKit's own parser, and its refusals."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from envhooks.base.errors import CannotJudge
from envhooks.image.dockerfile import Instruction, read_dockerfile
from envhooks.image.dockerfile.lines import pairs, split_words


def read(text: str) -> tuple[Instruction, ...]:
    return read_dockerfile(text.encode()).instructions


# ---------------------------------------------------------------- the oracle

PIECES = [
    "FROM a", "RUN ", "COPY ", "ADD ", "ONBUILD ", "ENV ", "ARG ", "LABEL ", "CMD ", "SHELL ", "HEALTHCHECK CMD ",
    "\n", "\n", "\n", "\\\n", "\\ \t\n", "# c\n", "#", "<<EOF", "<<-EOF", "<<'EOF'", '<<"E F"', "<<<", "3<<X", "EOF\n",
    "\tEOF\n", "X\n", "'", '"', "\\", "`", " ", "\t", "--x=y ", "--mount=type=bind,source=a ", "-- ", '["a","b"]\n',
    "[", "]", "a=b ", "a ", "$X", "${X:-y}", "${X", "$(", "{", "}", "\r\n", "\r", "\ufeff", "é", "\u00a0", "\u0085",
    "# escape=`\n", "# syntax=docker/dockerfile:1\n", "NONE", "<<", "EOF", "&& ", "\x0b", "\x0c", "\u2028", "\x1c",
]  # fmt: skip
# Where the oracle's BuildKit is older than the one that is followed: a blank behind `<<`, text behind
# a JSON array, a heredoc's word glued to a substitution, and the directive `check`.
# (Python's `\s` has the separators 0x1c to 0x1f, which are text to Go.)
NEWER = re.compile(r"<<-?[\s\\`]|<<.*\$\{|\][^\n]*(?:\S|[\x1c-\x1f])|#\s*check", re.IGNORECASE)


def oracle(text: str) -> list[Any] | None:
    """BuildKit's instructions; None where it refuses the file."""
    dockerfile = pytest.importorskip("dockerfile", reason="BuildKit's parser has no wheel for this platform")
    try:
        commands = dockerfile.parse_string(text)
    except dockerfile.GoParseError as error:
        return [] if "no instructions" in str(error) else None
    except UnicodeDecodeError:
        reject()  # BuildKit cuts flags at bytes, and the oracle's binding cannot hand out half a character
    return list(commands)


def same_as_oracle(text: str) -> None:
    expected = oracle(text)
    try:
        instructions: tuple[Instruction, ...] | None = read(text)
    except CannotJudge:
        instructions = None
    if expected is None or instructions is None:
        assert (expected is None) == (instructions is None), (expected, instructions)
        return
    assert len(instructions) == len(expected)
    for ours, theirs in zip(instructions, expected, strict=True):
        assert ours.command == (theirs.cmd or "").upper()
        assert (ours.start, ours.end, ours.flags) == (theirs.start_line, theirs.end_line, theirs.flags)
        heredocs = [(one.name, one.descriptor, one.content) for one in ours.heredocs]
        assert heredocs == [(one.name, one.file_descriptor, one.content) for one in theirs.heredocs]
        if not theirs.heredocs:
            assert ours.original == (theirs.original or "")
        if ours.command not in ("ONBUILD", "HEALTHCHECK"):
            assert (ours.array is not None) == theirs.json
        if ours.array is not None and ours.command in ("RUN", "COPY"):
            assert ours.array == theirs.value
        if ours.command == "RUN" and ours.array is None and theirs.value:
            assert (ours.text,) == theirs.value


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=16)
    .map("".join)
    .filter(lambda t: not NEWER.search(t))
)
@example("# escape=`\nFROM a\nRUN a `\n b\\\nRUN c")
@example("#escape=\\\n# escape=`\nFROM a")
@example("\n# escape=`\nFROM a \\\n b")
@example("\ufeffFROM a\r\nRUN b \\\r\n  # c\r\n\r\n  d\r\n")
@example("RUN <<A <<-B\na\nA\n\tb\n\tB\nRUN c")
@example("RUN echo '<<A' \"<<B\" <<<C <<'D'\nd\nD\n")
@example("ONBUILD RUN <<A\nx\nA\nENV <<A\nA b")
@example('RUN [\'a\']\nRUN ["a"]\nCMD [ "b" ]\nRUN [1]')
@example('RUN --mount=type=bind,source="a b" --network=none x --y')
@example("RUN --\\\n  x=y z")
@example("RUN a \\\\\nb")
@example("ENV a b\nENV a=b c\n")
@example("RUN <<EOF")
@example("\\\nRUN a")
def test_generated_files_read_as_in_buildkit(text: str) -> None:
    same_as_oracle(text)


REAL = """\
# syntax=docker/dockerfile:1
# a comment
ARG CUDA=12.8.1
FROM --platform=$BUILDPLATFORM nvidia/cuda:${CUDA}-devel-ubuntu22.04 AS Base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV A=1 \\
    B="two words" C=$A
RUN --mount=type=cache,target=/root/.cache/pip \\
    apt-get update && \\
    # why
    apt-get install -y git \\

    && rm -rf /var/lib/apt/lists/*
COPY --from=x --chown=1:1 a b /c/
COPY <<EOF <<'EOS' /d/
$x
EOF
$y
EOS
RUN <<-SCRIPT
\tset -e
\tpip install torch==2.8.0
\tSCRIPT
HEALTHCHECK --interval=5m CMD curl -f http://localhost/ || exit 1
CMD ["python", "-m", "x"]
"""


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, len(REAL)), st.integers(0, 12), st.lists(st.sampled_from(PIECES), max_size=2).map("".join)
)
def test_mutated_files_read_as_in_buildkit(start: int, length: int, piece: str) -> None:
    text = REAL[:start] + piece + REAL[start + length :]
    if not NEWER.search(text.replace("# syntax", "")) or text == REAL:
        same_as_oracle(text)


def test_a_real_file_reads_as_in_buildkit() -> None:
    expected = oracle(REAL)
    assert expected is not None and len(expected) == 10
    same_as_oracle(REAL)


# ---------------------------------------------------------------- by hand


def test_directives_stand_at_the_very_top() -> None:
    assert read_dockerfile(b"# escape=`\nFROM a").escape == "`"
    assert read_dockerfile(b"# syntax=x/y:1 \n# escape=`\nFROM a").escape == "`"
    assert read_dockerfile(b"#  SYNTAX = x/y:1\n# escape=`\nFROM a").escape == "`"
    for late in (b"\n# escape=`\nFROM a", b"# other=x\n# escape=`\nFROM a", b"# text\n# escape=`\nFROM a"):
        assert read_dockerfile(late).escape == "\\"


def test_a_line_break_may_stand_anywhere_in_windows_form() -> None:
    (one, two) = read("FROM a\r\nRUN b \\\r\n c\r\n")
    assert (one.text, two.text, two.start, two.end) == ("a", "b  c", 2, 3)


def test_the_line_of_every_word() -> None:
    (run,) = read("RUN a \\\n  # no\n\n  b \\\n  c\n")
    assert [run.line_at(run.text.index(word)) for word in "abc"] == [1, 4, 5]
    (late,) = read("RUN --x=y \\\n a")
    assert late.line_at(0) == 2


def test_heredocs_keep_what_they_need() -> None:
    (run,) = read("RUN <<-'A' <<B\n\t\tx\n\tA\n$y\nB\n")
    assert [(h.name, h.expand, h.chomp, h.text, h.line) for h in run.heredocs] == [
        ("A", False, True, "x\n", 2),
        ("B", True, False, "$y\n", 4),
    ]
    (spaced,) = read("RUN cat << EOF\nx\nEOF\n")
    assert [h.name for h in spaced.heredocs] == ["EOF"]


def test_only_some_instructions_have_heredocs() -> None:
    for text in (
        "CMD <<A\n",
        "ENV A=<<A\n",
        'RUN ["<<A"]\n',
        "ONBUILD CMD <<A\n",
        "RUN echo '<<A'\n",
        "RUN a <<<A\n",
    ):
        assert [one.heredocs for one in read(text)] == [()]


def test_flags() -> None:
    (copy,) = read("COPY --from=b --link --from=c a b\n")
    assert (copy.flag("from"), copy.flag("link"), copy.flag("chown")) == ("c", None, None)
    assert copy.text == "a b"


def test_an_escaped_surrogate_is_no_mark() -> None:
    (run,) = read('RUN ["\\ud800x"]\n')
    assert run.array == ("\ufffdx",)


def test_pairs() -> None:
    assert pairs('A=1 B="x y" C=\\ d', "\\") == [("A", "1"), ("B", '"x y"'), ("C", "\\ d")]
    assert pairs("A some words  here", "\\") == [("A", "some words  here")]
    assert split_words("A  'b c'\\", "\\") == ["A", "'b c'"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"FROM a\nRUN \xff\n", "Dockerfile:2: the file is not UTF-8"),
        (b"FROM a\n\n\0\n", "Dockerfile:3: the file is binary, not a Dockerfile"),
        (
            b"FROM a\n" + b"#" * (1 << 20),
            "Dockerfile: the file has 1048583 bytes: a Dockerfile has at most 1 MiB",
        ),
        (b"FROM a\nRUN <<E\nx\n", "Dockerfile:2: the heredoc E has no end"),
        (b"FROM a\nRUN <<script>>\nx\n", "Dockerfile:2: <<script>> is a placeholder: this is a template"),
        (b"# escape=x\nFROM a\n", "Dockerfile:1: the escape directive must be"),
        (b"# escape=`\n# escape=`\nFROM a\n", "Dockerfile:2: the directive escape is there twice"),
        (b"FROM a\nENV A=1 B\n", "Dockerfile:2: ENV must have the form name=value"),
        (b"FROM a\nENV A\n", "Dockerfile:2: ENV must have two arguments"),
        (b"FROM a\nRUN [1]\n", "Dockerfile:2: an array of this instruction may hold nothing but strings"),
        (b"FROM a\nRUN " + b"x" * 65536, "Dockerfile:2: the line is longer than the 65,535 bytes"),
    ],
)
def test_refusals(data: bytes, why: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        read_dockerfile(data)
    assert str(caught.value).startswith(why)


def test_one_mebibyte_is_read() -> None:
    data = b"FROM a\n" + b"# 345678\n" * 116_507
    assert len(data) <= 1 << 20
    assert len(read_dockerfile(data).instructions) == 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    try:
        file = read_dockerfile(data)
    except CannotJudge as error:
        assert error.place.startswith("Dockerfile")
    else:
        assert all(one.start <= one.end for one in file.instructions)
