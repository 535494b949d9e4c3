"""The table of verdicts in docs/security.md tells of the cases that there are."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

from adversary import CASES, CLASSES

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
AGAIN = "the cases have changed: run scripts/verdicts.py"


def table() -> str:
    text = PAGE.read_text("utf-8")
    assert text.count("<!-- verdicts:begin -->") == text.count("<!-- verdicts:end -->") == 1
    return text.split("<!-- verdicts:begin -->\n")[1].split("<!-- verdicts:end -->")[0]


def rows() -> dict[str, list[int]]:
    """The first cell of each row -> the numbers behind it: cases, then who accepted how many."""
    lines = (re.fullmatch(r"\| ([a-z ]+) \|((?: [0-9]+ \|)+)", line) for line in table().split("\n"))
    return {line[1]: [int(cell) for cell in line[2].split("|")[:-1]] for line in lines if line}


def test_it_names_the_classes_and_counts_of_the_cases() -> None:
    counts = Counter(name.split("/")[0] for name in CASES)
    found = {name: numbers[0] for name, numbers in rows().items() if name != "all but the controls"}
    assert found == counts, AGAIN
    assert list(found) == list(CLASSES)
    bad = len(CASES) - counts["control"]
    assert rows()["all but the controls"][0] == bad, AGAIN


def test_it_says_that_envhooks_is_never_fooled() -> None:
    for name, (cases, *accepted) in rows().items():
        assert accepted[:3] == [cases if name == "control" else 0] * 3, name
        assert len(accepted) == 5 and all(count <= cases for count in accepted)


def test_the_tags_that_fool_git_at_its_strictest_are_cases_and_as_many_as_counted() -> None:
    total = rows()["all but the controls"][-1]
    (part,) = table().split("<details>")[1:]
    named = []
    for trick, kinds in re.findall(r"^- `([^`]+)`(?:: (.+))?$", part, re.M):
        named += [f"{trick}/{kind}" for kind in kinds.split(", ")] if kinds else [trick]
    assert set(named) <= set(CASES) and len(set(named)) == len(named) == total, AGAIN
    assert f"The {total} bad tags" in part


def test_it_is_the_same_on_every_machine() -> None:
    assert not re.search(r"(?<![\w`.])/(?:home|root|tmp|usr|work)\b", table())
    assert re.search(r"git [0-9.]+, GnuPG [0-9.]+ and OpenSSH [0-9.p]+", table())
