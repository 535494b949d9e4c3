"""`.envhooks/` in the work tree, as the verbs that write it share it: read, compared, written whole or not at all."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from envhooks.base.errors import CannotJudge, EnvhooksError, UsageError
from envhooks.base.files import write_whole
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.git.repository import Git
from envhooks.policy.branches import protected_branch, release_remote
from envhooks.policy.root import FOLDER


class PolicyFiles:
    """The policy's folder in a work tree."""

    def __init__(self, top: Path) -> None:
        """`top` is the top of the work tree."""
        self.folder = top / FOLDER

    @classmethod
    def of(cls, git: Git) -> PolicyFiles:
        """The one of this repository.

        Raises:
            CannotJudge: it is bare, or the folder is a link that leads out of it.
        """
        if git.work_tree is None:
            raise CannotJudge("a bare repository has no work tree to write to", fix="do this in a clone")
        return cls.at(git.work_tree)

    @classmethod
    def at(cls, top: Path) -> PolicyFiles:
        """The one of the work tree with this top.

        Raises:
            UsageError: the folder, or that of the keys, is a link, or something else than a folder.
        """
        files = cls(top)
        for folder in (files.folder, files.folder / "keys"):
            files._refuse_link(folder)
            if folder.exists() and not folder.is_dir():
                raise UsageError("this has to be a folder", place=printable(str(folder)))
        return files

    def _refuse_link(self, path: Path) -> None:
        # a link that was committed would have files of the user's, outside of the repository, read and written
        if path.is_symlink():
            raise UsageError("this is a symbolic link, and the policy is read and written in place only",
                             place=printable(str(path)))  # fmt: skip

    def read(self, name: str) -> bytes | None:
        """The bytes of a file below the folder; None where there is none.

        Raises:
            UsageError: it is there and cannot be read.
        """
        file = self.folder / name
        self._refuse_link(file)
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            why = printable(error.strerror or type(error).__name__)
            raise UsageError(f"the file cannot be read: {why}", place=f"{FOLDER}/{printable(name)}") from None

    def signer_files(self) -> dict[str, bytes]:
        """Files for `read_signers`: allowed_signers, revoked_keys and keys/*."""
        keys = self.folder / "keys"
        names = sorted(file.name for file in keys.iterdir()) if keys.is_dir() else []
        paths = ("allowed_signers", "revoked_keys", *(f"keys/{name}" for name in names))
        found = {path: self.read(path) for path in paths}
        return {path: data for path, data in found.items() if data is not None}

    def write(self, changes: Mapping[str, bytes]) -> str:
        """Write these files, each in one step, in their order; answers the unified diff, fit to print.

        Raises:
            UsageError: a file cannot be written.
        """
        text = "".join(self._diff(name, data) for name, data in changes.items())
        for name, data in changes.items():
            file = self.folder / name
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(file, data)
            except OSError as error:
                why = printable(error.strerror or type(error).__name__)
                place = f"{FOLDER}/{printable(name)}"
                raise UsageError(f"the file cannot be written: {why}", place=place) from None
        return text

    def _diff(self, name: str, data: bytes) -> str:
        old = self.read(name)
        path = f"{FOLDER}/{name}"
        lines = difflib.unified_diff(
            list(_lines(old or b"")),
            list(_lines(data)),
            "/dev/null" if old is None else f"a/{path}",
            f"b/{path}",
            lineterm="",
        )
        return "".join(f"{printable(line, 20_000)}\n" for line in lines)


def _lines(data: bytes) -> Iterator[str]:
    yield from data.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n") if data else ()


def next_commands(git: Git, changes: Mapping[str, bytes], message: str) -> str:
    """The commands that bring the changes under the policy, fit to print."""
    try:
        remote = release_remote(git)
        branch = protected_branch(git, remote)
    except EnvhooksError:
        remote, branch = None, "the protected branch"
    paths = " ".join(shlex.quote(f"{FOLDER}/{name}") for name in changes)
    commands = [f"git add {paths}", f"git commit -m {shlex.quote(message)} -- {paths}"]
    where = branch
    if remote is not None:
        where = f"{remote}/{branch}"
        commands.append(f"git push {word(remote)} {word(branch)}")
    text = "".join(f"  {command}\n" for command in commands)
    return printable_block(f"\nIt counts from the moment it is on {where}:\n\n{text}")


def commands_in(text: str) -> list[str]:
    """The commands of `next_commands`, for programs."""
    return [line.strip() for line in text.split("\n") if line.startswith("  ")]
