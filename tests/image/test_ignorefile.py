"""Which files an ignore file leaves out of the build context, and what the reader of Dockerfiles makes of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_files import MemoryFiles

from envhooks.image import Environment
from envhooks.image.ignorefile import MAX_BYTES, IgnoreFile, read_patterns
from envhooks.image.interpreter import read_environment


def left_out(text: str, path: str) -> bool | None:
    return IgnoreFile(".dockerignore", text.encode(), lambda _: None).leaves_out(path)


@pytest.mark.parametrize(
    ("text", "out", "stays"),
    [
        ("uv.lock", "uv.lock", "sub/uv.lock"),
        ("/uv.lock", "uv.lock", "sub/uv.lock"),
        ("./deps/../uv.lock", "uv.lock", "deps/uv.lock"),
        ("  uv.lock \r\n", "uv.lock", "uv.lock2"),
        ("\ufeff*.lock", "uv.lock", "a/uv.lock"),
        ("**/*.lock", "uv.lock", "a/uv.lock.txt"),
        ("**/*.lock", "a/b/uv.lock", "uv.locks/x"),
        ("**.lock", "a/b/uv.lock", "uv.lock.txt"),
        ("**/deps", "a/deps/x.txt", "a/xdeps/y.txt"),
        ("deps", "deps/a/b.txt", "deps2/a.txt"),
        ("deps/**", "deps/a/b.txt", "deps"),
        ("deps/*", "deps/a/b.txt", "a/deps/b.txt"),
        ("a/**/b.txt", "a/b.txt", "a/xb.txt"),
        ("a/**/b.txt", "a/x/y/b.txt", "x/a/b.txt"),
        ("a**/b.txt", "ac/b.txt", "ac/d"),
        ("req-?.txt", "req-1.txt", "req-12.txt"),
        ("req-[0-9].txt", "req-1.txt", "req-a.txt"),
        ("req-[^0-9_].txt", "req-a.txt", "req-_.txt"),
        ("a\\*b", "a*b", "axb"),
        ("*\n!uv.lock", "pyproject.toml", "uv.lock"),
        ("**\n!deps\ndeps/private", "deps/private/x", "deps/x"),
        ("deps\n!deps/keep.txt", "deps/x.txt", "deps/keep.txt"),
        ("! uv.lock\nuv.lock", "uv.lock", "a"),
        (" # no comment", "# no comment", "a"),
    ],
)
def test_what_is_left_out(text: str, out: str, stays: str) -> None:
    assert left_out(text, out) is True
    assert left_out(text, stays) is False


@pytest.mark.parametrize(
    "pattern",
    [
        "[",
        "a[",
        "[a-",
        "[]a]",
        "[-a]",
        "[z-a]",
        "\\",
        "!",
        "a\\d",
        "[\\d]",
        "[[:alpha:]]",
        "^a*",
        "*" + "x" * 1000,
    ],
)
def test_what_stops_buildkit_or_is_not_followed_is_not_known(pattern: str) -> None:
    assert left_out(pattern, "a") is None
    assert left_out(f"b\n{pattern}\n", "b") is None


def test_a_file_that_is_too_large_is_not_known() -> None:
    assert left_out("#" * MAX_BYTES, "a") is False
    assert left_out("#" * (MAX_BYTES + 1), "a") is None


def test_comments_and_blank_lines_are_no_patterns() -> None:
    text = b"# a\n\n  \n\xef\xbb\xbfb\n!c/\n"
    assert [(one.text, one.exception) for one in read_patterns(text)] == [("\ufeffb", False), ("c", True)]


# a regular expression of the same meaning, for patterns without brackets
def expression(pattern: str) -> str:
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**", at):
            at += 3 if pattern.startswith("/", at + 2) else 2
            out += "(?:.*/)?" if at < len(pattern) else ".*"
        else:
            char = pattern[at]
            out += "[^/]*" if char == "*" else "[^/]" if char == "?" else re.escape(char)
            at += 1
    return out


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "*", "**", "?", "/", "**/", "a/", "[ab]"]), min_size=1, max_size=7),
    st.lists(st.sampled_from(["a", "b", "/a", "/b"]), min_size=1, max_size=6),
)
def test_an_automaton_means_what_the_regular_expression_does(pieces: list[str], parts: list[str]) -> None:
    path = "".join(parts).strip("/")
    pattern = re.sub("/+", "/", "".join(pieces)).strip("/")
    pattern = re.sub(r"\*{3,}", "**", pattern)
    if not path or not pattern or not re.search(r"[?\[]|(?<!\*)\*(?!\*)", pattern):
        return  # a plain name, a prefix or a suffix: those are judged above
    (one,) = read_patterns(pattern.encode())
    assert one.match is not None
    meant = re.escape("[ab]")
    wanted = re.fullmatch(expression(one.text).replace(meant, "[ab]"), path) is not None
    assert one.match(path) == wanted, (one.text, path)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.text(min_size=1, max_size=20))
def test_no_bytes_make_it_fail(data: bytes, path: str) -> None:
    assert IgnoreFile("x", data, lambda _: None).leaves_out(path) in (True, False, None)


# ---------------------------------------------------------------- in a build

LOCK = """version = 1
[[package]]
name = "torch"
version = "2.8.0"
source = { registry = "https://index.example.org/simple" }
"""


def read(dockerfile: str, files: dict[str, str], context: str = ".", path: str = "Dockerfile") -> Environment:
    tree = {name: text.encode() for name, text in files.items()} | {path: dockerfile.encode()}
    return read_environment(MemoryFiles(tree), path, context=context)


def torch(environment: Environment) -> list[str | None]:
    return [one.version for one in environment.find("torch") if one.exact]


SYNC = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN uv sync\n"


def test_a_lock_that_is_left_out_says_nothing() -> None:
    files = {"uv.lock": LOCK, "pyproject.toml": "[project]\nname = 'a'\n"}
    assert torch(read(SYNC, files)) == ["2.8.0"]
    found = read(SYNC, files | {".dockerignore": "*.lock\n"})
    assert torch(found) == []
    assert any(
        ".dockerignore leaves uv.lock out of the build context" in one.why for one in found.cannot_tell
    )


def test_an_unreadable_ignore_file_leaves_doubt() -> None:
    found = read(SYNC, {"uv.lock": LOCK, ".dockerignore": "[\n"})
    assert torch(found) == []
    assert any("what .dockerignore leaves out" in one.why for one in found.cannot_tell)


def test_the_dockerfile_s_own_ignore_file_comes_first() -> None:
    files = {"uv.lock": LOCK, ".dockerignore": "uv.lock\n", "docker/gpu.Dockerfile.dockerignore": "other\n"}
    assert torch(read(SYNC, files, path="docker/gpu.Dockerfile")) == ["2.8.0"]
    assert torch(read(SYNC, files, path="docker/cpu.Dockerfile")) == []


def test_the_ignore_file_is_the_context_s() -> None:
    files = {"app/uv.lock": LOCK, ".dockerignore": "app\n*.lock\n"}
    assert torch(read(SYNC, files, context="app")) == ["2.8.0"]
    assert torch(read(SYNC, files | {"app/.dockerignore": "uv.lock\n"}, context="app")) == []


def test_what_a_stage_made_is_not_left_out() -> None:
    dockerfile = (
        "FROM python:3.12 AS deps\nCOPY <<EOF /r.txt\ntorch==2.8.0\nEOF\n"
        "FROM python:3.12\nCOPY --from=deps /r.txt /r.txt\nRUN pip install -r /r.txt\n"
    )
    assert torch(read(dockerfile, {".dockerignore": "*.txt\n"})) == ["2.8.0"]


def test_a_file_that_is_left_out_replaces_none() -> None:
    dockerfile = "FROM python:3.12\nCOPY first.txt /app/r.txt\nCOPY app /app\nRUN pip install -r /app/r.txt\n"
    files = {"first.txt": "torch==2.8.0\n", "app/r.txt": "torch==2.7.0\n"}
    assert torch(read(dockerfile, files)) == ["2.7.0"]
    assert torch(read(dockerfile, files | {".dockerignore": "app/r.txt\n"})) == ["2.8.0"]
