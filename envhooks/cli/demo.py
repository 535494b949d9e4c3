"""show the gate at work, in a throwaway repository

A real key, a real remote and real pushes. Nothing of your own configuration, keyring or agent is read or touched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from envhooks.cli import _demo_build
from envhooks.cli._demo_folder import COPIED, GOOD, MENDED, SIDE, TOO_OLD, Demo, Scene, clean_environment

if TYPE_CHECKING:
    pass

NO_JSON = "it is a play for people"
GROUP = "set up"
EXAMPLES = (("envhooks demo", ""),)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whether the folder stays."""
    parser.add_argument("--keep", action="store_true", help="keep the folder, and say where it is")


def run(options: argparse.Namespace) -> int:
    """Play every scene; exit code 1 if one did not end as it has to."""
    folder = _folder()
    # GitPython puts what it is given on top of the process's own environment, so that has to be clean too
    clean = clean_environment(folder)
    os.environ.clear()
    os.environ.update(clean)
    demo = Demo(folder)
    try:
        demo.set_up()
        wrong = [scene.title for scene in SCENES if not demo.play(scene)]
    finally:
        demo.close()
        if options.keep:
            print(f"\nkept: {folder}\nto use its key: export GNUPGHOME={folder}/gnupg HOME={folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for title in wrong:
        print(f"did not end as it has to: {title}", file=sys.stderr)
    return 1 if wrong else 0


def _folder() -> Path:
    """A new folder in which gpg-agent's sockets have room: their paths may have some 100 bytes (unix(7))."""
    prefix = "envhooks-demo-"
    wanted = Path(tempfile.gettempdir(), f"{prefix}12345678", "gnupg", "S.gpg-agent.browser")
    usual = Path("/tmp")  # noqa: S108 - mkdtemp makes a folder of its own in it
    short = usual if len(os.fsencode(wanted)) > 100 and usual.is_dir() else None
    return Path(tempfile.mkdtemp(prefix=prefix, dir=short)).resolve()


# -------------------------------------------------------------------------------------- the scenes


def _misspelt(demo: Demo) -> bool:
    return demo.git("tag", "-s", "pytorch-cuda-2.8rc1", "-m", "First candidate") != 0


def _lightweight(demo: Demo) -> bool:
    return demo.git("tag", GOOD) != 0


def _unsigned(demo: Demo) -> bool:
    return demo.git("tag", "-a", GOOD, "-m", "First candidate") != 0


def _copied(demo: Demo) -> bool:
    demo.clone.commit("Use a recipe from the web", {"Dockerfile": COPIED})
    demo.show_file("Dockerfile")
    return demo.git("tag", "-s", TOO_OLD, "-m", "First candidate") != 0


def _side(demo: Demo) -> bool:
    return demo.git("push", "origin", SIDE) != 0


def _no_verify(demo: Demo) -> bool:
    return demo.git("push", "--no-verify", "origin", SIDE) != 0


def _good(demo: Demo) -> bool:
    demo.clone.commit("Use a base image and wheels that exist", {"Dockerfile": MENDED})
    codes = [
        demo.git("push", "--quiet", "origin", "main"),
        demo.git("tag", "-s", GOOD, "-m", "PyTorch 2.8.0 for CUDA 12.8, first candidate"),
        demo.git("push", "origin", GOOD),
        demo.envhooks("check", GOOD),
    ]
    return not any(codes)


SCENES = (
    Scene("1. A misspelt name never becomes a tag", _misspelt),
    Scene("2. Nor does a lightweight tag", _lightweight),
    Scene("3. Nor an unsigned one", _unsigned),
    Scene("4. A much-copied Dockerfile, beside a tag that says 2.7", _copied),
    Scene("5. A tag on a branch that was never merged is stopped at push", _side),
    Scene("6. With --no-verify it is stopped by the server", _no_verify),
    Scene("7. The Dockerfile is mended, and a good release passes", _good),
    Scene(_demo_build.TITLE, _demo_build.play),
)
