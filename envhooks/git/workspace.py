"""Changes to a person's own repository on their behalf, through GitPython.

Nothing here judges: GitPython's ref and object layers are blind to reftable repositories and fail on
SHA-256 ones, so verdicts come through `envhooks.git` alone. Arguments are our own constants; text from a
repository never becomes an option. GitPython costs 60 to 140 ms to import and is therefore imported
where it is used, never by a hook.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable

if TYPE_CHECKING:
    from git import Repo


class WorkspaceError(EnvhooksError):
    """Something that envhooks wanted to do in the user's repository did not work."""


@dataclass(frozen=True)
class Outcome:
    """Result of a command: exit code and output as the person would have seen it."""

    arguments: tuple[str, ...]
    exit_code: int
    output: str
    """Standard output, then standard error, as git wrote them."""


class Workspace:
    """A work tree or bare repository that belongs to the caller."""

    def __init__(self, path: Path, environ: Mapping[str, str] | None = None) -> None:
        """`environ` goes on top of the caller's own environment for every git process.

        Raises:
            WorkspaceError: there is no repository.
        """
        from git import Repo
        from git.exc import InvalidGitRepositoryError, NoSuchPathError

        self.path = path
        self.environ = dict(os.environ if environ is None else environ)
        try:
            self._repo: Repo = Repo(path)
        except (InvalidGitRepositoryError, NoSuchPathError):
            raise WorkspaceError("this is not a git repository", place=printable(str(path))) from None

    @classmethod
    def create(
        cls, path: Path, *, bare: bool = False, branch: str = "main", environ: Mapping[str, str] | None = None
    ) -> Workspace:
        """A new repository at `path`."""
        from git import Repo

        env = dict(os.environ if environ is None else environ)
        Repo.init(path, bare=bare, initial_branch=branch, env=env).close()
        return cls(path, env)

    def close(self) -> None:
        """Let go of the processes that GitPython keeps."""
        self._repo.close()

    def run(self, *arguments: str) -> Outcome:
        """`git ARGUMENTS` in the repository, whatever its exit code."""
        code, out, err = self._repo.git.execute(
            ["git", *arguments],
            with_extended_output=True,
            with_exceptions=False,
            env=self.environ,
            strip_newline_in_stdout=False,
            stdout_as_string=True,
        )
        return Outcome(("git", *arguments), int(code), _text(out) + _text(err))

    def do(self, *arguments: str) -> str:
        """Like `run`, for what has to work.

        Raises:
            WorkspaceError: git said no; its own words are in the message.
        """
        outcome = self.run(*arguments)
        if outcome.exit_code:
            said = printable(outcome.output.strip().split("\n")[-1])
            raise WorkspaceError(f"git {arguments[0]} failed: {said}", place=printable(str(self.path)))
        return outcome.output

    def pass_on(self, *arguments: str) -> int:
        """Exit code of `git ARGUMENTS`, which talks to the person itself: passphrases, progress, what hooks say."""
        sys.stdout.flush()
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),  # standard output is the caller's own
            check=False,
        )
        return done.returncode

    def write(self, files: Mapping[str, str]) -> None:
        """Write text files below the top of the work tree."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")

    def commit(
        self, message: str, files: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> str:
        """Commit everything in the work tree, with `files` written first; answers the commit's id."""
        self.write(files or {})
        self.do("add", "--all")
        self.do("commit", "--quiet", "--allow-empty", *options, "-m", message)
        return self.do("rev-parse", "HEAD").strip()

    def unset_section(self, section: str) -> bool:
        """Remove a section such as `hook.envhooks-push`; whether it was there."""
        return self.run("config", "--local", "--remove-section", section).exit_code == 0

    def unset_config(self, key: str) -> bool:
        """Remove one key; whether it was there."""
        return self.run("config", "--local", "--unset-all", key).exit_code == 0


def _text(data: object) -> str:
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    return text if not text or text.endswith("\n") else text + "\n"


def global_config(*arguments: str) -> Outcome:
    """`git config --global ARGUMENTS`: the person's own configuration, with or without a repository."""
    command = ("git", "config", "--global", *arguments)
    done = _run(command, errors="surrogateescape")
    return Outcome(command, done.returncode, done.stdout + done.stderr)


def run_envhooks(arguments: Sequence[str], at: Path, environ: Mapping[str, str]) -> Outcome:
    """`envhooks ARGUMENTS` in a folder, by the interpreter that runs now."""
    done = _run([sys.executable, "-I", "-m", "envhooks", *arguments], at, environ)
    return Outcome(("envhooks", *arguments), done.returncode, _text(done.stdout) + _text(done.stderr))


def _run(
    command: Sequence[str],
    at: Path | None = None,
    environ: Mapping[str, str] | None = None,
    errors: str = "replace",
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=at,
        env=environ,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors=errors,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def end_agent(environ: Mapping[str, str]) -> None:
    """End the gpg-agent that signing started for `GNUPGHOME` in `environ`, and no other.

    Raises:
        OSError: there is no gpgconf.
    """
    if "GNUPGHOME" in environ:
        subprocess.run(["gpgconf", "--kill", "all"], env=dict(environ), capture_output=True, check=False)


def program_version(name: str, *arguments: str) -> str | None:
    """The first line that a program says about its version; None where it is not on PATH or says nothing."""
    try:
        done = subprocess.run(
            [name, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (done.stdout or done.stderr).decode("utf-8", "replace").split("\n")
    return printable(lines[0].strip(), 80) or None
