"""The measuring still works: each part at its smallest size, with no word on how long anything takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("part", ["dockerfiles", "start", "push"])
def test_a_part_measures(part: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "--smoke", part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "### " in done.stdout and "| --- |" in done.stdout
