"""Environment and settings by which git is asked: built from nothing, each dangerous option switched off.

The content of a work tree was written by the author of a branch. `include.path = ../.gitconfig` in a clone's
configuration would let a checkout choose the protected branch, and so the policy; a setting from there does not count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from envhooks.base.errors import CannotJudge
from envhooks.base.folders import find_program
from envhooks.base.hygiene import printable, word
from envhooks.git.batch import reason

if TYPE_CHECKING:
    import tempfile


# What the platform needs to run programs at all, and the repository that git itself chose for a hook. Its refs are
# where its configuration says: GIT_REFERENCE_BACKEND (Git 2.54) moves them for `git tag`, not for `git receive-pack`.
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


NEVER_ASK = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",  # a program that answers nothing would send empty credentials
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
}
"""For a git of the person's own configuration: all that could ask, on a line or in a window, is switched off."""
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=10"


OPTIONS = (
    "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "advice.graftFileDeprecated=false",
    "-c", "core.useReplaceRefs=false",
    "-c", "core.commitGraph=false",  # a file beside the objects that says who their parents are
    "-c", "safe.bareRepository=all",  # the person's own setting decides, see `demand_named`
)  # fmt: skip


def without_prompt(environ: Mapping[str, str], ssh_command: str | None) -> dict[str, str]:
    """The person's environment, in which neither git nor ssh asks: what would ask fails.

    `ssh_command` is the clone's `core.sshCommand`, which stands, as GIT_SSH and GIT_SSH_COMMAND do.
    """
    quiet = {**environ, **NEVER_ASK}
    if not ssh_command and not {"GIT_SSH", "GIT_SSH_COMMAND"} & environ.keys():
        quiet["GIT_SSH_COMMAND"] = _SSH
    return quiet


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
    """Reason why git finds no repository at a path, by its own words."""
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


def demand_named(program: str, path: str, git_path: str, environ: Mapping[str, str]) -> None:
    """See to it that a bare repository which was only found is one that the person's own git takes.

    Raises:
        CannotJudge: it has to be named: `safe.bareRepository` is `explicit`, Git's default from 3.0 on.
    """
    if "GIT_DIR" in environ:
        return
    done = subprocess.run(
        [program, "rev-parse", "--git-dir"],
        cwd=path,
        env={**environ, "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    if done.returncode and b"safe.bareRepository" in done.stderr:
        raise CannotJudge(
            "git takes this bare repository only where it is named (safe.bareRepository is explicit)",
            place=printable(git_path),
            fix=" ".join(["GIT_DIR=" + word(git_path), "envhooks", *map(word, sys.argv[1:])]),
        )


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


class ConfigFiles:
    """Places of configuration files, and whether what they say counts."""

    def __init__(self, environ: Mapping[str, str], folder: str, git_folders: Iterable[str]) -> None:
        """`folder` is where git was asked; `git_folders` hold the repository's own configuration."""
        home = environ.get("HOME", "")
        xdg = environ.get("XDG_CONFIG_HOME", "") or os.path.join(home, ".config")
        own = (environ.get("GIT_CONFIG_GLOBAL", ""), os.path.join(home, ".gitconfig"), f"{xdg}/git/config")
        self._persons = {os.path.realpath(file) for file in own if file}
        self._git_folders = tuple(dict.fromkeys(map(os.path.realpath, git_folders)))
        # git names a file relative to the top of the work tree, or to the git directory of a bare repository
        parents = (os.path.dirname(place) for place in self._git_folders)
        self._bases = tuple(dict.fromkeys((folder, *parents, *self._git_folders)))
        self._known: dict[tuple[str, str], bool] = {}

    def counts(self, scope: str, origin: str) -> bool:
        """Whether settings of this scope and origin count, as `git config --show-origin --show-scope` prints them."""
        if (scope, origin) not in self._known:
            self._known[scope, origin] = self._counts(scope, origin)
        return self._known[scope, origin]

    def _counts(self, scope: str, origin: str) -> bool:
        kind, _, name = origin.partition(":")
        if kind != "file" or scope == "system":
            return True  # set by the user or the administrator of the machine
        there = (os.path.join(base, name) for base in self._bases)
        files = {os.path.realpath(file) for file in there if os.path.isfile(file)}
        return bool(files) and all(self._is_outside(file) for file in files)

    def _is_outside(self, file: str) -> bool:
        """Whether a file is a person's own, in a git directory of this repository, or in no work tree at all."""
        if file in self._persons or any(file.startswith(place + os.sep) for place in self._git_folders):
            return True
        folder = os.path.dirname(file)
        while not os.path.lexists(os.path.join(folder, ".git")):
            if folder == os.path.dirname(folder):
                return True
            folder = os.path.dirname(folder)
        return False


def settings(items: Sequence[str], files: ConfigFiles) -> Mapping[str, tuple[str, ...]]:
    """Key, as git prints it, -> values, of which the last wins.

    `items` are scope, origin, and key with value, in turn: `git config --show-scope --show-origin --list -z`.
    """
    values: dict[str, tuple[str, ...]] = {}
    for scope, origin, item in zip(*[iter(items)] * 3, strict=False):
        key, has_value, value = item.partition("\n")
        if files.counts(scope, origin):
            # `[section] key` without `=` means true
            values[key] = (*values.get(key, ()), value if has_value else "true")
    return values


def hooks_folder(configured: str, common: str, base: str) -> str:
    """Folder of git's hook files: `core.hooksPath`, relative to `base`, else `hooks` in the common directory."""
    return os.path.join(base, os.path.expanduser(configured)) if configured else os.path.join(common, "hooks")
