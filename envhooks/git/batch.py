"""Questions to git about objects: one long-lived `git cat-file --batch`, and the commits that can be reached.

`envhooks.git.repository` says which git is started, where, and in which environment.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO, Protocol

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.git.objects import BLOB_LIMIT, GitObject, object_id


class Asked(Protocol):
    """Repository that answers plumbing: `envhooks.git.repository.Git`."""

    is_shallow: bool

    def ask(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Standard output of a git command."""


def outside(
    git: Asked, commits: Iterable[str], tips: Iterable[str], *, in_part: bool = False
) -> frozenset[str]:
    """See `Git.outside`."""
    wanted, known = list(dict.fromkeys(commits)), list(dict.fromkeys(tips))
    shallow = CannotJudge(
        "this clone is shallow, so its history does not tell what is on main",
        fix="git fetch --unshallow --tags",
    )
    if git.is_shallow and not in_part:
        raise shallow
    if not set(wanted).difference(known):  # a release of the newest commit: no walk, and no process
        return frozenset()
    tips_in = "".join(f"{oid}\n" for oid in known)
    stdin = "".join([*(f"{oid}\n" for oid in wanted), *(f"^{oid}\n" for oid in known)])
    listed = git.ask("rev-list", "--stdin", stdin=stdin.encode()).decode().split("\n")
    left = frozenset(wanted) & frozenset(listed)
    if left:
        # git ends that walk by dates, so a root dated in the future leaves commits in that lie on a tip; the
        # whole history of the tips, which no date cuts short, has the last word
        left -= frozenset(git.ask("rev-list", "--stdin", stdin=tips_in.encode()).decode().split("\n"))
    if git.is_shallow and left:
        raise shallow
    return left


_PIPE = 4 << 10
"""Bytes of questions that are sent at once: what the smallest pipe of any system holds."""
_AHEAD = 8 << 20
"""Bytes of objects that are kept at hand."""


class ObjectBatch:
    """The process starts with the first question, and again with the next one where it had to be ended."""

    oid_length: int
    """Digits of an id, known before the first question."""

    def __init__(self, command: Sequence[str], folder: str, environ: Mapping[str, str]) -> None:
        """`command` is git with its options."""
        self._command = [*command, "cat-file", "--batch"]
        self._folder = folder
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._ahead: dict[str, GitObject] = {}

    def read(self, oid: str) -> GitObject | None:
        """The object with this id, None where it is not in the repository.

        Raises:
            CannotJudge: git died over it: a damaged object, or one that a partial clone left out.
        """
        if oid in self._ahead:
            return self._ahead[oid]
        if not self._is_oid(oid):
            raise CannotJudge(f"not an object id: {printable(oid)}")
        header = self._ask(oid)
        if header is None:
            return None
        kind, size = header
        if size > BLOB_LIMIT:
            self.end()  # cheaper than to read on to the next answer
            return GitObject(oid, kind, size, b"")
        data = self._take(size + 1)
        if len(data) != size + 1:
            raise self._died(oid)
        data = data[:-1]
        # `cat-file` does not look, and an object store that is borrowed (alternates) may hold anything
        if object_id(kind, data, self.oid_length) != oid:
            raise CannotJudge(f"object {oid} is damaged: its bytes have another id", fix="git fsck")
        return GitObject(oid, kind, size, data)

    def read_ahead(self, oids: Iterable[str]) -> None:
        """Have these objects at hand for `read`, until the next call; what stands in the way is left to `read`.

        Questions are sent by the hundred and answered in turn, so that git and Python work side by side.
        """
        self._ahead = {}
        wanted = [oid for oid in dict.fromkeys(oids) if self._is_oid(oid)]
        step = _PIPE // (self.oid_length + 1)
        room = _AHEAD
        for at in range(0, len(wanted), step):
            room = self._read_some(wanted[at : at + step], room)
            if room <= 0:
                return

    def _read_some(self, oids: list[str], room: int) -> int:
        """The bytes of `room` that are left; nothing where the rest is better read one by one."""
        self.start()
        try:
            self._send(oids)  # never more than a pipe holds, so that neither waits for the other
            for oid in oids:
                header = self._header()
                if header is None:
                    continue
                kind, size = header
                data = self._take(size + 1) if size <= room else b""
                if len(data) != size + 1:
                    self.end()
                    return 0
                room -= size
                if object_id(kind, data[:-1], self.oid_length) == oid:  # else `read` says what is wrong
                    self._ahead[oid] = GitObject(oid, kind, size, data[:-1])
        except OSError:
            self.end()
            return 0
        return room

    def copy_blob(self, oid: str, file: BinaryIO) -> int:
        """Write the blob with this id to `file`, however large it is; answers its size in bytes.

        Raises:
            CannotJudge: it is not here, is not a blob, or git died over it.
        """
        header = self._ask(oid)
        if header is None or header[0] != "blob":
            self.end()
            raise CannotJudge(f"object {oid} is not in this repository, or no file", fix="git fsck")
        size = left = header[1]
        while left:
            data = self._take(min(left, 1 << 20))
            if not data:
                raise self._died(oid)
            try:
                file.write(data)
            except OSError:
                self.end()  # what is left of the blob would be mistaken for the next answer
                raise
            left -= len(data)
        self._take(1)  # the line feed behind it
        return size

    def end(self) -> bytes:
        """End the process; answers what it said on stderr."""
        if self._process is None:
            return b""
        self._process.kill()
        stderr = self._process.communicate()[1]
        self._process = None
        return stderr

    # ---------------------------------------------------------------------- questions and answers

    def _is_oid(self, text: str) -> bool:
        return len(text) == self.oid_length and not text.strip("0123456789abcdef")

    def start(self) -> None:
        """Start the process, where it does not run yet."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )

    def _ask(self, oid: str) -> tuple[str, int] | None:
        """The header of the answer to one question.

        Raises:
            CannotJudge: git died over it.
        """
        self.start()
        try:
            self._send([oid])
            return self._header()
        except OSError:
            raise self._died(oid) from None

    def _send(self, oids: Iterable[str]) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write("".join(f"{oid}\n" for oid in oids).encode())
        self._process.stdin.flush()

    def _header(self) -> tuple[str, int] | None:
        """Type and size of the object whose bytes come next; None where it is not in the repository.

        Raises:
            OSError: git has ended.
        """
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise BrokenPipeError
        words = line.split()
        return None if words[1] == b"missing" else (words[1].decode(), int(words[2]))

    def _take(self, size: int) -> bytes:
        """The next bytes of the answer; fewer where git has ended."""
        assert self._process is not None and self._process.stdout is not None
        return self._process.stdout.read(size)

    def _died(self, oid: str) -> CannotJudge:
        why = reason(self.end())
        fix = "git fetch --refetch" if "promisor" in why else "git fsck"
        return CannotJudge(f"object {oid} cannot be read: {why}", fix=fix)


def reason(stderr: bytes) -> str:
    """Reason that git gave for a failure, in one line."""
    text = stderr.decode("utf-8", "replace").strip().split("\n")[0]
    return printable(text.removeprefix("fatal: ").removeprefix("error: "), 200) or "no reason given"
