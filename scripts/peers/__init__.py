"""The cases of our peers, read from checkouts of theirs: each yields what they say and what we say."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REFUSED = "refused"


@dataclass(frozen=True)
class Case:
    """One case: what the peer's own test expects, and what our reader makes of it."""

    name: str
    """`shell/envVarTest:12`: a file of the peer, and a line of it or a name in it."""
    given: str
    theirs: object
    ours: object

    @property
    def alike(self) -> bool:
        """Whether both say the same."""
        return self.theirs == self.ours


class Checkout:
    """One commit of a peer's repository."""

    def __init__(self, path: Path, commit: str) -> None:
        self.path = path
        self.commit = commit

    def git(self, *arguments: str) -> bytes:
        """What git prints."""
        return subprocess.run(["git", "-C", self.path, *arguments], check=True, capture_output=True).stdout

    def data(self, file: str) -> bytes:
        """A file's bytes."""
        return self.git("cat-file", "blob", f"{self.commit}:{file}")

    def text(self, file: str) -> str:
        """A file's text."""
        return self.data(file).decode()

    def files(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        return (
            self.git("ls-tree", "-r", "--name-only", "-z", self.commit, f"{folder}/")
            .decode()
            .split("\0")[:-1]
        )

    def unpack(self, folder: str, target: Path) -> None:
        """A folder's files below `target`."""
        archive = self.git("archive", self.commit, folder)
        subprocess.run(["tar", "-x", "-C", target], input=archive, check=True)


Cases = Iterator[Case]
