"""docs/refusals.md is what is printed today, and each refusal is one short screen."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refusals", ROOT / "scripts" / "refusals.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there for what a class's annotations mean
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shown(script: ModuleType) -> list[tuple[str, str, list[str]]]:
    """Title, command and lines of each refusal."""
    return [(case.title, case.command, lines) for case, lines in script.screens()]


def test_the_page_is_what_is_printed_today(
    script: ModuleType, shown: list[tuple[str, str, list[str]]]
) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    for title, command, lines in shown:
        found = re.search(rf"^## {re.escape(title)}\n.*?^```\n(.*?)\n```", text, re.M | re.S)
        assert found, f"{title} is missing: scripts/refusals.py --write"
        assert found.group(1).split("\n") == [f"$ {command}", *lines], "scripts/refusals.py --write"
    assert text.count("\n## ") == len(shown)


def test_each_is_one_short_screen(script: ModuleType, shown: list[tuple[str, str, list[str]]]) -> None:
    assert len(shown) == 10
    for title, _, lines in shown:
        assert script.rows(lines) <= script.MOST_LINES, f"{title}: {lines}"
        for number, line in enumerate(lines):
            in_fix = line.startswith(("      fix: ", " " * 16)) and any(
                "fix: " in one for one in lines[: number + 1]
            )
            assert len(line) <= script.WIDTH or in_fix, line


def test_each_begins_with_the_fault_and_says_the_way_out(shown: list[tuple[str, str, list[str]]]) -> None:
    for title, _, lines in shown:
        headline, verdict, fault, *rest = lines
        assert headline in ("envhooks: the tag was not made", "envhooks: nothing was pushed"), title
        assert re.fullmatch(r"\S+( \(moved\))?: refused", verdict), title
        assert fault.startswith("  error ["), title
        assert any(line.startswith(("      fix: ", "      advice: ")) for line in rest), title
        assert sum(line.startswith("  error ") for line in lines) == 1, title


def test_the_readme_shows_the_first_of_them(shown: list[tuple[str, str, list[str]]]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, command, lines = shown[0]
    assert "\n".join((f"```\n$ {command}", *lines, "fatal: ref updates aborted by hook\n```")) in readme
