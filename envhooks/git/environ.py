"""Environment in which git is asked: built from nothing, each dangerous option switched off."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

from envhooks.base.errors import CannotJudge
from envhooks.base.executables import find_program
from envhooks.base.hygiene import printable
from envhooks.git.batch import reason

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    import tempfile


# What the platform needs to run programs at all, and the repository that git itself chose for a hook.
_KEPT = (
    "PATH",
    "TMPDIR",
    "TEMP",
    "TMP",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "COMSPEC",
    "GIT_DIR",
    "GIT_COMMON_DIR",
)


# The objects of a push are visible only through these while pre-receive runs (git-receive-pack(1),
# "quarantine"). Only git sets GIT_QUARANTINE_PATH; without it the other two are somebody's own and go.
_QUARANTINE = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


_OURS = {
    "LC_ALL": "C",
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,  # GIT_NO_REPLACE_OBJECTS does not switch grafts off
    "GIT_NO_LAZY_FETCH": "1",  # known from Git 2.44 on only
    "GIT_ALLOW_PROTOCOL": "none",  # no protocol has this name; it overrules every `protocol.<name>.allow`
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}


OPTIONS = (
    "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "advice.graftFileDeprecated=false",
    "-c", "core.useReplaceRefs=false",
    "-c", "core.commitGraph=false",  # a file beside the objects that says who their parents are
)  # fmt: skip


def clean_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which git is asked: a few kept variables, our own, and nothing else."""
    kept = _KEPT + (_QUARANTINE if environ.get("GIT_QUARANTINE_PATH") else ())
    return {**{key: environ[key] for key in kept if key in environ}, **_OURS}


def config_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For reading what the user configured in files; what `-c` and the environment add does not count.

    A policy, a mode or a signing key that lasts for one command is not a setting of the clone.
    """
    dropped = ("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_CONFIG")
    return {**{k: v for k, v in environ.items() if k not in dropped}, "LC_ALL": "C"}


def find_git() -> str:
    """The absolute path of git.

    Raises:
        CannotJudge: there is none.
    """
    program = find_program("git")
    if program is None:
        raise CannotJudge("git was not found on PATH", fix="apt-get install git")
    return program


def not_a_repository(path: str, stderr: bytes) -> CannotJudge:
    """Why git finds no repository at a path, by its own words."""
    place = printable(path)
    if b"dubious ownership" in stderr:
        fix = f"git config --global --add safe.directory {place}"
        return CannotJudge(
            "this repository belongs to another user, and git does not trust it", place=place, fix=fix
        )
    if b"not a git repository" in stderr:
        return CannotJudge(
            "this is not a git repository", place=place, fix="cd into the repository, then again"
        )
    return CannotJudge(f"git cannot read this repository: {reason(stderr)}", place=place)


def trusted_folders(program: str, environ: Mapping[str, str]) -> tempfile.TemporaryDirectory[str] | None:
    """A folder with a file `gitconfig` that holds the person's `safe.directory` alone; None where there is none.

    Before Git 2.38 it counts only from a system or global file.
    """
    import tempfile

    done = subprocess.run(
        [program, "config", "--includes", "-z", "--get-all", "safe.directory"],
        cwd=tempfile.gettempdir(),
        env={**environ, "GIT_DIR": os.devnull, "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    folders = [folder for folder in done.stdout.split(b"\0") if folder]
    if not folders:
        return None
    made = tempfile.TemporaryDirectory(prefix="envhooks-")
    quoted = (folder.replace(b"\\", b"\\\\").replace(b'"', b'\\"') for folder in folders)
    with open(os.path.join(made.name, "gitconfig"), "wb") as stream:
        stream.write(b"[safe]\n" + b"".join(b'\tdirectory = "%s"\n' % folder for folder in quoted))
    return made
