"""What git's objects say, read from their raw bytes: pure, no process."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from hashlib import sha1, sha256

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge

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
    """A commit's tree, parents and committer date."""
    head = found.data.partition(b"\n\n")[0].split(b"\n")
    tree = head[0].removeprefix(b"tree ").decode("ascii", "replace")
    parents = tuple(line[7:].decode("ascii", "replace") for line in head if line.startswith(b"parent "))
    date = next(
        (
            re.search(rb"> (-?[0-9]{1,12}) [+-][0-9]{4}\Z", line)
            for line in head
            if line.startswith(b"committer ")
        ),
        None,
    )
    return Commit(found.oid, tree, parents, int(date.group(1)) if date else 0)


def parse_tree(data: bytes, oid_bytes: int) -> Iterator[TreeEntry]:
    """The entries of a raw tree; `oid_bytes` is 20 or 32."""
    at = 0
    while at < len(data):
        space, nul = data.find(b" ", at), data.find(b"\0", at)
        if not at < space < nul or nul + 1 + oid_bytes > len(data):
            raise CannotJudge("a tree object is damaged", fix="git fsck")
        end = nul + 1 + oid_bytes
        yield TreeEntry(int(data[at:space], 8), os.fsdecode(data[space + 1 : nul]), data[nul + 1 : end].hex())
        at = end
