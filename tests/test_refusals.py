"""docs/refusals.md is what is printed today, and each refusal is one short screen."""

from __future__ import annotations

import html
import importlib
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
        said = [line.partition(":")[2].strip() for line in lines if re.match(" +(?:found|expected):", line)]
        assert len({*said}) == len(said), f"{title}: what was found is what is expected"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_the_picture_of_the_readme_is_what_is_printed_today(
    script: ModuleType, shown: list[tuple[str, str, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    picture = importlib.import_module("picture")
    drawn = picture.PICTURE.read_text(encoding="utf-8")
    today = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in picture.lines()]
    assert text_of(drawn) == "".join("".join(today).split()), "scripts/picture.py --write"
    assert [f"$ {shown[0][1]}", *shown[0][2]] == today[: len(shown[0][2]) + 1], "the first of the refusals"
    assert not re.search("(?:url|href|src)[=(][^#]*//", drawn), "it asks nothing of another server"


def text_of(drawn: str) -> str:
    """The text of a picture of rich's, line by line, without blanks."""
    parts = re.findall(r'<text [^>]*?x="([0-9.]+)" y="([0-9.]+)"[^>]*>(.*?)</text>', drawn)
    ordered = sorted(parts, key=lambda part: (float(part[1]), float(part[0])))
    return "".join(html.unescape("".join(text for _, _, text in ordered)).split())
