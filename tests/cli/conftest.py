"""A shell that finds envhooks: what is printed then calls it by its name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def on_the_path(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is put in front of PATH."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "envhooks"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -m envhooks "$@"\n')
    program.chmod(0o755)
    environ["PATH"] = f"{folder}:{environ['PATH']}"
    return folder
