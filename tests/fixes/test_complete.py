"""Each sentence with which a check refuses is one of a case of the harness."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import cases_changelog  # noqa: F401 - registers its cases
import cases_dockerfile  # noqa: F401
import cases_tag  # noqa: F401
import pytest
from bench import CASES

import envhooks.checks

FOLDER = Path(envhooks.checks.__file__).parent
SENTENCES = {"text", "said", "message", "what"}
"""Variables that hold the sentence of a finding."""
NOT_YET = {
    (
        "dockerfile-matches",
        "{} says {}, but nothing installs that: {} is installed",
    ): "a note, which refuses nothing",
    ("tag-signed", "its signature would not be accepted today, and tags.lock vouches for it"): "a note",
    (
        "dockerfile-matches",
        "the tag says version {}",
    ): "no sentence, but the beginning of several, which have theirs",
}
"""Sentences without a case, and why."""


def shape(node: ast.expr) -> str:
    """A sentence with `{}` for each part that differs."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(shape(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def sentences(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func)
            if called in ("Finding", "Finding.at"):
                yield shape(node.args[called == "Finding.at" and len(node.args) > 1])
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in SENTENCES:
            yield shape(node.value)


def is_covered(check: str, sentence: str) -> bool:
    glob = re.sub(r"\{\}", "*", sentence)
    for one in CASES:
        if one.check == check and one.said != "*":
            plain = one.said.replace("*", "~")
            if fnmatchcase(plain, glob) or fnmatchcase(sentence.replace("{}", "~"), one.said):
                return True
    return False


@pytest.mark.parametrize("file", sorted(FOLDER.glob("[a-z]*.py")), ids=lambda file: file.stem)
def test_each_sentence_has_a_case(file: Path) -> None:
    check = file.stem.replace("_", "-")
    told = {one for one in sentences(file) if " " in one and len(re.sub(r"\{\}", "", one)) > 12}
    left = {one for one in told if not is_covered(check, one) and (check, one) not in NOT_YET}
    assert not left


def test_each_check_has_a_case() -> None:
    assert {case.check for case in CASES} == {
        file.stem.replace("_", "-") for file in FOLDER.glob("[a-z]*.py")
    }
