"""The measuring still works: each part at its smallest size, with no word on how long anything takes."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

ROOT = Path(__file__).parent.parent


# newer-git needs a system of its own
@pytest.mark.parametrize(
    "part", ["audit", "dockerfiles", "images", "start", "push", "everyday", "tag", "plain", "scale", "server"]
)
def test_a_part_measures(part: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "--smoke", part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "### " in done.stdout and "| --- |" in done.stdout


def test_what_a_measured_process_imports_is_there() -> None:
    """Programs in strings, which no other tool reads: one had asked for a function under its former name."""
    found = []
    for path in (ROOT / "benchmarks").glob("*.py"):
        for text in ast.walk(ast.parse(path.read_bytes())):
            if (
                isinstance(text, ast.Constant)
                and isinstance(text.value, str)
                and "\nfrom envhooks" in text.value
            ):
                # a program that is put together has fields in it
                lines = [line.strip() for line in text.value.split("\n")]
                found += [(path.name, line) for line in lines if line.startswith("from envhooks")]
    assert {"reading.py", "signatures.py"} <= {name for name, _ in found}
    for _, line in found:
        exec(line, {})


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that `python -m benchmarks` runs; it is not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.__main__")


def test_each_part_stands_on_one_page_that_has_the_mark(program: Any) -> None:
    assert sorted(part for parts in program.PAGES.values() for part in parts) == sorted(program.PARTS)
    for page in program.PAGES:
        assert (ROOT / page).read_text(encoding="utf-8").count(program.MARK) == 1, page


def test_a_page_is_written_below_its_mark_alone(program: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Above\n\n{program.MARK}\nold\n")
    program.write(page, "new\n\n")
    assert page.read_text() == f"# Above\n\n{program.MARK}\nnew\n"
    page.write_text("no mark\n")
    with pytest.raises(SystemExit, match="has no line"):
        program.write(page, "new")
    assert page.read_text() == "no mark\n"


def test_tiny_sizes_are_not_published(program: Any) -> None:
    pages = {page: (ROOT / page).read_bytes() for page in program.PAGES}
    command = [sys.executable, "-m", "benchmarks", "--smoke", "--write", "start"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--smoke" in done.stderr
    assert {page: (ROOT / page).read_bytes() for page in program.PAGES} == pages
