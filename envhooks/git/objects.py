"""What git's objects say, read from their raw bytes: pure, no process."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from hashlib import sha1, sha256
from itertools import takewhile

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable

BLOB_LIMIT = 32 << 20
"""Bytes of the largest object that is read; everything that envhooks judges is far smaller."""


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
    """What is needed of a commit."""

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

    Git takes for parents what follows the tree at once, and so does this: a `parent` line further down is none.
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


def _damaged(what: str) -> CannotJudge:
    return CannotJudge(f"a tree object {what}", fix="git fsck")


def _is_special(name: str) -> bool:
    """Whether some file system takes the name for `.`, `..` or `.git`: git-fsck(1)."""
    if name[:1] not in (".", "g", "G", "\u200c") and name.isascii():
        return False
    plain = re.sub(_IGNORED_BY_HFS, "", name).partition(":")[0].rstrip(". ").lower()
    return name in (".", "..") or plain in (".git", "git~1")
