"""The real parts that tests play with: repositories, keys and hooks, all in throwaway folders."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import forked

GOOD_TAG = "PyTorch-CUDA-v2.8-rc1"
DOCKERFILE = """\
FROM nvidia/cuda:12.8.1-devel-ubuntu24.04
RUN apt-get update && apt-get install -y python3-pip
RUN pip install torch==2.8.0+cu128 torchvision==0.23.0+cu128 --index-url https://download.pytorch.org/whl/cu128
"""
CHANGELOG = """\
# Changelog

## 2.8 - 2026-11-02

PyTorch 2.8.0 for CUDA 12.8. No known issues. Upgrading needs nothing.

## 2.8-rc2 - 2026-10-20

Second candidate.

## 2.8-rc1 - 2026-10-12

First candidate with PyTorch 2.8.0. For trying out; risky in production.
"""


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def flat(self) -> str:
        """Everything in one line: where a sentence is wrapped depends on the terminal."""
        return " ".join(self.said.split())

    @property
    def fixes(self) -> list[str]:
        """The commands behind `fix:`."""
        return [line.partition("fix: ")[2].strip() for line in self.said.split("\n") if "fix: " in line]


def run(
    arguments: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    stdin: str = "",
    check: bool | None = None,
) -> Done:
    """Run a program; `check=True` wants success, `False` failure, None takes both."""
    done = subprocess.run(
        list(arguments),
        cwd=cwd,
        env=dict(environ),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    return expected(Done(done.returncode, done.stdout, done.stderr), arguments, check)


def expected(done: Done, arguments: Sequence[str], check: bool | None) -> Done:
    """What was done, where it ended as `check` of `run` says."""
    if check is not None:
        assert (done.code == 0) is check, f"{arguments}: {done}"
    return done


def program(path: Path, text: str) -> Path:
    """A script that can be started."""
    path.write_text(text)
    path.chmod(0o755)
    return path


def first_on_path(environ: Mapping[str, str], folder: Path, scripts: Mapping[str, str]) -> dict[str, str]:
    """An environment in which a folder comes first on PATH, with these scripts in it: name -> text."""
    folder.mkdir(exist_ok=True)
    for name, text in scripts.items():
        program(folder / name, text)
    return {**environ, "PATH": f"{folder}{os.pathsep}{environ['PATH']}"}


def gnupg_home(folder: Path) -> Path:
    """A home of GnuPG's that asks nobody: its keys have an empty passphrase."""
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "empty").write_text("\n")
    (folder / "gpg.conf").write_text(f"batch\npinentry-mode loopback\npassphrase-file {folder}/empty\n")
    return folder


HEARS_SIGNALS = """\
import os, signal, sys
for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
    signal.signal(number, signal.SIG_DFL)
"""
"""Begins a program that is deaf to nothing, however the tests were started: by `&` of a shell SIGINT is ignored."""


# A git command that no hook of envhooks sees. Config hooks (Git 2.54) do not mind core.hooksPath, so each way is named.
WITHOUT_HOOKS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "hook.envhooks-reference-transaction.enabled=false",
)  # fmt: skip


@dataclass(frozen=True)
class Repo:
    """A repository and the environment in which it is used."""

    path: Path
    environ: dict[str, str] = field(repr=False)

    def git(self, *arguments: str, stdin: str = "", check: bool | None = True) -> str:
        """Standard output of a git command that has to work."""
        return run(["git", *arguments], self.path, self.environ, stdin, check).out.rstrip("\n")

    def try_git(self, *arguments: str, stdin: str = "") -> Done:
        return run(["git", *arguments], self.path, self.environ, stdin)

    def envhooks(self, *arguments: str, stdin: str = "", check: bool | None = None) -> Done:
        """What envhooks does here, in a process that is forked from one where it is imported already."""
        if forked.settings(self.environ) != _USUAL:
            return self.process(*arguments, stdin=stdin, check=check)
        done = Done(*forked.call(arguments, self.path, self.environ, stdin=stdin))
        return expected(done, ("envhooks", *arguments), check)

    def process(self, *arguments: str, stdin: str = "", check: bool | None = None) -> Done:
        """What envhooks does here, started as a user starts it: for tests of how it starts."""
        argv = [sys.executable, "-I", "-m", "envhooks", *arguments]
        return run(argv, self.path, self.environ, stdin, check)

    def cloned(self, path: Path, *options: str) -> Repo:
        """A clone, by an address: of a plain path git makes links, and none that is shallow."""
        self.git("clone", "-q", *options, f"file://{self.path}", str(path))
        return Repo(path, self.environ)

    def put(self, *refs: str) -> None:
        """Bring refs to `origin` past every hook on both sides: for what a test begins with."""
        receive = " ".join(["git", *WITHOUT_HOOKS, "receive-pack"])
        self.git(*WITHOUT_HOOKS, "push", "-q", "--receive-pack", receive, "origin", *refs)

    def commit(self, message: str = "A change", **files: str | bytes) -> str:
        """Commit files given as keywords with `__` for `/` and `_DOT_` for `.`; answers the id."""
        self.write({name.replace("__", "/").replace("_DOT_", "."): data for name, data in files.items()})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, data in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data.encode() if isinstance(data, str) else data)

    def commit_files(self, files: Mapping[str, str | bytes], message: str = "A change") -> str:
        self.write(files)
        return self.commit(message)

    def drop_hook(self, hook: str) -> None:
        """Remove a hook of envhooks, the file and what config hooks (Git 2.54) have of it."""
        (self.path / (".git/hooks" if (self.path / ".git").exists() else "hooks") / hook).unlink()
        self.git("config", f"hook.envhooks-{hook}.enabled", "false")

    def has_tag(self, tag: str) -> bool:
        return self.try_git("rev-parse", "-q", "--verify", f"refs/tags/{tag}").code == 0


def enact(repo: Repo, message: str = "Change .envhooks") -> None:
    """Commit and push what a command has written into `.envhooks`."""
    repo.git("add", ".envhooks")
    repo.git("commit", "-q", "-m", message)
    repo.git("push", "-q", "origin", "main")


def said(done: Done, *words: str) -> None:
    """The words were printed, and no traceback."""
    assert "Traceback" not in done.said, done.said
    for word in words:
        assert word in done.said, done.said


FORMATS = ("GIT_DEFAULT_HASH", "GIT_DEFAULT_REF_FORMAT")
"""The formats in which git makes repositories: whoever sets them runs the tests in repositories of these."""


OID_DIGITS = 64 if os.environ.get("GIT_DEFAULT_HASH") == "sha256" else 40
"""Hexadecimal digits of an object id in the repositories that tests make without naming a format."""
ZERO = "0" * OID_DIGITS


def isolated_environment(home: Path) -> dict[str, str]:
    """An environment in which no configuration, key or agent of the developer's is seen."""
    dropped = (
        "GIT_", "GPG_", "SSH_", "XDG_", "CI", "GITHUB_", "GITLAB_", "BUILDKITE", "CIRCLE", "JENKINS_", "TF_BUILD",
        "BUILD_", "TAG_NAME", "NO_COLOR", "COLUMNS", "LINES",
        # or each program that is started compiles anew all that it imports
        "PYTHONDONTWRITEBYTECODE",
    )  # fmt: skip
    kept = {key: value for key, value in os.environ.items() if key in FORMATS or not key.startswith(dropped)}
    return {
        **kept,
        "HOME": str(home),
        "GNUPGHOME": str(home / "gnupg"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_DATE": "2026-11-01T12:00:00Z",
        "GIT_COMMITTER_DATE": "2026-11-01T12:00:00Z",
        "LC_ALL": "C.UTF-8",
        # most of the time in which pip makes an environment; Python compiles what it then imports
        "PIP_NO_COMPILE": "1",
    }


_USUAL = forked.settings(isolated_environment(Path()))
"""What a test's environment has unless the test says otherwise."""


@contextlib.contextmanager
def one_at_a_time(shared: Path, name: str) -> Iterator[None]:
    """The only process of this test run's that is in this part."""
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
