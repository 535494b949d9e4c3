"""Git's objects, read from their raw bytes, and the files of a commit's tree: pure, no process."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from hashlib import sha1, sha256
from itertools import takewhile
from typing import Protocol

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable

BLOB_LIMIT = 32 << 20
"""Bytes of the largest object that is read; everything that envhooks judges is far smaller."""
_ENTRIES = 50_000
"""Entries of trees that are kept: about 15 MB."""


@dataclass(frozen=True)
class GitObject:
    """An object as `cat-file --batch` gives it."""

    oid: str
    type: str
    size: int
    data: bytes
    """Empty where `size` is over BLOB_LIMIT."""

    @property
    def is_too_large(self) -> bool:
        """Whether the data were left where they are."""
        return self.size > BLOB_LIMIT


@dataclass(frozen=True)
class Commit:
    """The fields of a commit that envhooks reads."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    date: int
    """The committer's date, seconds since the epoch."""


@dataclass(frozen=True)
class TreeEntry:
    """One line of a tree."""

    mode: int
    name: str
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether this is a folder."""
        return self.mode == stat.S_IFDIR

    @property
    def is_symlink(self) -> bool:
        """Whether this is a symbolic link."""
        return self.mode == stat.S_IFLNK


@dataclass(frozen=True)
class Ref:
    """One ref; `symref` is the ref that a symbolic one names, else empty."""

    name: str
    oid: str
    symref: str = ""


def object_id(kind: str, data: bytes, digits: int) -> str:
    """The id of an object of this kind: 40 hexadecimal digits by SHA-1, 64 by SHA-256."""
    head = b"%s %d\0" % (kind.encode(), len(data))
    # an id, not a signature: it has to work where a system's policy forbids SHA-1 for security
    return (sha1 if digits == 40 else sha256)(head + data, usedforsecurity=False).hexdigest()


def parse_commit(found: GitObject) -> Commit:
    """A commit's tree, parents and committer date.

    Git takes for parents what follows the tree at once, and so does this: a `parent` line further down does not count.
    """
    head = found.data.partition(b"\n\n")[0].split(b"\n")
    tree = head[0].removeprefix(b"tree ").decode("ascii", "replace")
    parents = takewhile(lambda line: line.startswith(b"parent "), head[1:])
    date = next(
        (
            re.search(rb"> (-?[0-9]{1,12}) [+-][0-9]{4}\Z", line)
            for line in head
            if line.startswith(b"committer ")
        ),
        None,
    )
    names = tuple(line[7:].decode("ascii", "replace") for line in parents)
    return Commit(found.oid, tree, names, int(date.group(1)) if date else 0)


_MODE = rb"0?[1-7][0-7]{4,5}"
_KINDS = frozenset((stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, 0o160000))
"""Files, folders, symbolic links and submodules; git writes no other."""
# what file systems of macOS leave out of a name: git-fsck(1), `hasDotgit`
_IGNORED_BY_HFS = "[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]"


def parse_tree(data: bytes, oid_bytes: int) -> Iterator[TreeEntry]:
    """The entries of a raw tree, sorted and unique as git writes them; `oid_bytes` is 20 or 32.

    Raises:
        CannotJudge: it is damaged, or made to be read in two ways: of two entries of one name a reader sees the
            first, and a checkout leaves the second.
    """
    at, last = 0, b""
    seen: set[bytes] = set()
    while at < len(data):
        space, nul = data.find(b" ", at, at + 8), data.find(b"\0", at)
        end = nul + 1 + oid_bytes
        if not at < space < nul or end > len(data) or not re.fullmatch(_MODE, data[at:space]):
            raise _damaged("is damaged")
        mode, name = int(data[at:space], 8), data[space + 1 : nul]
        if stat.S_IFMT(mode) not in _KINDS:
            raise _damaged(f"has an entry of mode {mode:o}, which git does not write")
        text = os.fsdecode(name)
        if name in seen:
            raise _damaged(f"has two entries of the name {printable(text, 80)}")
        if not name or b"/" in name or _is_special(text):
            raise _damaged(f"has an entry of the name {printable(text, 80) or '(nothing)'}")
        key = name + b"/" if stat.S_ISDIR(mode) else name
        if key < last:
            raise _damaged("is not sorted as git sorts it")
        seen.add(name)
        last = key
        yield TreeEntry(mode, text, data[nul + 1 : end].hex())
        at = end


class ParsedObjects:
    """Commits and trees of one repository, each parsed once."""

    def __init__(self, read: Callable[[str], GitObject | None]) -> None:
        """`read` answers with the object of an id, None where there is none."""
        self._read = read
        self._commits: dict[str, Commit] = {}
        self._trees: dict[str, tuple[TreeEntry, ...]] = {}
        self._entries = 0  # in all of `_trees`

    def type_of(self, oid: str) -> str | None:
        """See `Git.type_of`."""
        if oid in self._commits:
            return "commit"
        found = self._read(oid)
        if found is not None and found.type == "commit":
            self._commits[oid] = parse_commit(found)
        return found.type if found else None

    def commit(self, oid: str) -> Commit:
        """See `Git.commit`."""
        if oid not in self._commits:
            found = self._read(oid)
            if found is None or found.type != "commit":
                text = f"commit {oid} is not in this repository"
                raise CannotJudge(text, fix="git fetch --unshallow --tags")
            self._commits[oid] = parse_commit(found)
        return self._commits[oid]

    def tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """See `Git.tree`."""
        if oid not in self._trees:
            found = self._read(oid)
            if found is None or found.type != "tree" or found.is_too_large:
                raise CannotJudge(f"tree {oid} is not in this repository, or damaged", fix="git fsck")
            entries = tuple(parse_tree(found.data, len(oid) // 2))
            if self._entries > _ENTRIES:
                self._trees.clear()
                self._entries = 0
            self._entries += len(entries)
            self._trees[oid] = entries
        return self._trees[oid]


def _damaged(what: str) -> CannotJudge:
    return CannotJudge(f"a tree object {what}", fix="git fsck")


def _is_special(name: str) -> bool:
    """Whether some file system takes the name for `.`, `..` or `.git`: git-fsck(1)."""
    if name[:1] not in (".", "g", "G", "\u200c") and name.isascii():
        return False
    plain = re.sub(_IGNORED_BY_HFS, "", name).partition(":")[0].rstrip(". ").lower()
    return name in (".", "..") or plain in (".git", "git~1")


MAX_LINK = 4095
"""Bytes of a symbolic link's text: PATH_MAX of Linux without its end; other systems have less."""


class Objects(Protocol):
    """Repository that objects are read from: `envhooks.git.repository.Git`."""

    def read(self, oid: str) -> GitObject | None:
        """The object with this id."""

    def tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of the tree with this id."""


class TreeFiles:
    """Files of one tree; symbolic links are followed inside the tree only."""

    def __init__(self, git: Objects, tree: str, commit: str = "") -> None:
        """`commit` is for messages only."""
        self._git = git
        self._tree = tree
        self._where = commit[:12] or tree[:12]

    def find(self, path: str) -> TreeEntry | None:
        """The entry at `path`, links resolved; None where there is none.

        Raises:
            CannotJudge: the path or a link leaves the tree, or links go round in a circle.
        """
        parts = _steps(path)  # the next one last
        entry = TreeEntry(stat.S_IFDIR, "", self._tree)
        trail: list[TreeEntry] = []  # the folders above `entry`
        hops = 0
        while parts:
            part = parts.pop()
            if part == "..":
                if not trail:
                    raise CannotJudge(
                        "the path leaves the repository", place=f"{self._where}:{printable(path)}"
                    )
                entry = trail.pop()
                continue
            if not entry.is_tree:
                return None
            found = next((e for e in self._git.tree(entry.oid) if e.name == part), None)
            if found is None:
                return None
            if not found.is_symlink:
                trail.append(entry)
                entry = found
                continue
            hops += 1
            if hops > 40:  # Linux's own limit, path_resolution(7)
                raise CannotJudge(
                    "symbolic links go round in a circle", place=f"{self._where}:{printable(path)}"
                )
            parts += self._link_target(found, path)
        return entry

    def plain(self, path: str) -> TreeEntry | None:
        """The entry at `path` with no link followed: a link on the way, or at its end, is the answer itself."""
        entry: TreeEntry | None = TreeEntry(stat.S_IFDIR, "", self._tree)
        for part in reversed(_steps(path)):
            if entry is None or not entry.is_tree:
                return entry
            entry = next((e for e in self._git.tree(entry.oid) if e.name == part), None)
        return entry

    def _link_target(self, link: TreeEntry, path: str) -> list[str]:
        found = self._git.read(link.oid)
        place = f"{self._where}:{printable(path)}"
        if found is None or found.size > MAX_LINK:
            why = (
                "missing here"
                if found is None
                else f"longer than {MAX_LINK} bytes, and no system has such links"
            )
            raise CannotJudge(f"a symbolic link's text is {why}", place=place)
        target = os.fsdecode(found.data)
        if target.startswith("/"):
            raise CannotJudge("a symbolic link leaves the repository", place=place)
        return _steps(target)

    def read(self, path: str) -> bytes | None:
        """The bytes of the file at `path`; None where there is none, or a folder or submodule is.

        Raises:
            CannotJudge: the path leaves the tree, or the file is over BLOB_LIMIT.
        """
        entry = self.find(path)
        if entry is None or not stat.S_ISREG(entry.mode):
            return None
        found = self._git.read(entry.oid)
        if found is None:
            raise CannotJudge(
                "the file's object is missing here",
                place=f"{self._where}:{printable(path)}",
                fix="git fetch --refetch",
            )
        if found.is_too_large:
            raise CannotJudge(
                f"the file is too large to be judged: {found.size} bytes",
                place=f"{self._where}:{printable(path)}",
            )
        return found.data

    def list(self, folder: str) -> tuple[str, ...]:
        """The names in a folder; empty where there is none."""
        entry = self.find(folder)
        if entry is None or not entry.is_tree:
            return ()
        return tuple(e.name for e in self._git.tree(entry.oid))


def _steps(path: str) -> list[str]:
    """The names on a path, the first one last."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
