"""A command is told apart from a sentence, and from a command that a person has to complete."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import envhooks
from envhooks.base.commands import as_case, is_command
from envhooks.base.errors import CannotJudge


@pytest.mark.parametrize(
    "text",
    [
        "git push --atomic origin main v1",
        "git fetch origin '+refs/tags/x, y:z'",
        "git tag -s -m 'It'\\''s, then' v1 HEAD",
        "git cat-file tag abc | sed -e '1,/^$/d' | git tag -f -s -F - v1 HEAD",
        "sed -i.before -e 's/a, b/c/' x && rm x.before",
        "at='x, y' new=\"$(printf '%s\\n' 'a, b')\" awk '1, 2' CHANGELOG.md > a && mv a CHANGELOG.md",
        "at='x' new=\"$(printf '%s\\n' '## 1 - '\"$(date +%F)\" '' 'a, b; or c')\" awk '1' a > b && mv b a",
        "at='x' new=\"$(printf '%s\\n' '# 1 ('\"$(LC_ALL=C date +'%B %d, %Y')\"')' '' 'a')\" awk '1' a > b && mv b a",
        "python3 -m venv '/h/my env' && '/h/my env/bin/python' -m pip install envhooks",
        "/opt/x/bin/python -I -m envhooks lock x",
        "envhooks install # in each clone, then",
        "git fetch\ngit push",
    ],
)
def test_a_command(text: str) -> None:
    assert is_command(text)
    assert str(CannotJudge("no", fix=text)).startswith("no\n  fix: ")
    assert as_case(f"where it is so: {text}") == ("where it is so:", text) or "\n" in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "try again",
        'namespaces="git"',
        "git push, of fewer tags at once",
        "envhooks init, then commit and push",
        "envhooks signers add KEY",
        "git config envhooks.branch <the new branch>",
        "git remote add origin URL",
        "export TOKEN=...",
        "git push\nof fewer tags at once",
    ],
)
def test_no_command(text: str) -> None:
    assert not is_command(text)
    assert "fix:" not in str(CannotJudge("no", fix=text))
    assert as_case(f"where it is so: {text}") == (f"where it is so: {text}", "")


def test_no_printed_command_has_a_place_to_fill() -> None:
    """`fix: git tag ... <name>` beside no error's own label is found in the source itself."""
    found = []
    for file in Path(envhooks.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Constant, ast.JoinedStr)):
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)
                for fix in re.findall(r"(?:\A|\n)  fix: (.+)", text):
                    if fix != "x" and not is_command(fix):
                        found.append((file.name, node.lineno, fix))
    assert not found
