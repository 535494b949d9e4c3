"""The tree of an image that holds this machine's own Python, and a framework as pip would have left it behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

DOCKERFILE = """\
FROM scratch
COPY root/ /
COPY site/ /opt/site/
ENV PATH=/bin PYTHONPATH=/opt/site
"""
_LEFT_OUT = shutil.ignore_patterns(
    "test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "distutils", "pydoc_data",
    "site-packages", "dist-packages", "config-*", "__pycache__", "*.a", "unittest", "asyncio", "multiprocessing",
    "_test*", "sqlite3", "_sqlite3*", "_tkinter*",
)  # fmt: skip


def write_python_tree(folder: Path, torch: str, cuda: str | None) -> Path:
    """A context whose image answers `python`; torch is its metadata and its version file, as in the real wheel."""
    root = folder / "root"
    stdlib = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(stdlib, root / stdlib.relative_to("/"), ignore=_LEFT_OUT)
    program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    modules = [
        file for file in sorted(stdlib.glob("lib-dynload/*.so")) if (root / file.relative_to("/")).exists()
    ]
    for file in (program, *_libraries(program, *modules)):
        target = root / file.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    (root / "bin").mkdir(exist_ok=True)
    (root / "bin/python").symlink_to(program)
    write_torch(folder, torch, cuda)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def write_torch(folder: Path, torch: str, cuda: str | None) -> None:
    """Put this torch in place of any other into a context: a layer of its own, above Python's."""
    site = folder / "site"
    shutil.rmtree(site, ignore_errors=True)
    info = site / f"torch-{torch}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {torch}\n")
    package = site / "torch"
    package.mkdir()
    (package / "__init__.py").write_text(
        "raise ImportError('libcuda.so.1: cannot open shared object file')\n"
    )
    (package / "version.py").write_text(f"__version__ = {torch!r}\ncuda = {cuda!r}\nhip = None\n")


def _libraries(*programs: Path) -> set[Path]:
    """The shared libraries of some programs, under the names by which the loader asks for them."""
    said = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=True).stdout
    return {Path(os.path.normpath(path)) for path in re.findall(r"(?:=> |^\t)(/\S+) \(", said, re.MULTILINE)}
