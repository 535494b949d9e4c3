"""The commit's tree on disk, written from its blobs: the build context.

Neither the work tree, which holds what nobody committed, nor `git archive`, which obeys export-ignore and
export-subst. What is written is the bytes of the blobs, with the modes and links of the tree; filters and
line-end conversions of a user's own configuration are not applied, so that every machine builds the same.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable
from envhooks.git.objects import TreeEntry
from envhooks.git.repository import Git

_SUBMODULE = 0o160000
_LFS = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v[0-9]+\n(?:[a-z0-9.-]+ [^\n]*\n)*oid "
)
_LFS_BYTES = 1024  # git-lfs's own limit for a pointer
MAX_DEPTH = 200
# HFS+ ignores these in a file's name (git's utf8.c, next_hfs_char)
_HFS_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


@dataclass(frozen=True)
class Allowed:
    """Exceptions that the policy allows for submodules and Git LFS."""

    submodules: bool = False
    """Whether a submodule becomes an empty folder."""
    lfs: bool = False
    """Whether pointers of Git LFS are built in place of the files themselves."""

    @classmethod
    def by(cls, options: Mapping[str, object]) -> Allowed:
        """From the keys `submodules = "ignore"` and `lfs = "pointers"` of a build section.

        Raises:
            PolicyError: one of them says something else.
        """
        for key, word in (("submodules", "ignore"), ("lfs", "pointers")):
            if key in options and options[key] != word:
                raise PolicyError(
                    f"`build.{key}` cannot be {printable(repr(options[key]), 60)}", fix=f'{key} = "{word}"'
                )
        return cls("submodules" in options, "lfs" in options)


def write_context(git: Git, commit: str, folder: Path, allowed: Allowed, date: int = 0) -> Path:
    """Write the tree of `commit` into `folder`, which must not exist; answers `folder`.

    Files are 0644 or 0755, folders 0755, and all carry `date` (seconds since the epoch), so that two builds
    get the same bytes.

    Raises:
        CannotJudge: a submodule or LFS pointer that the policy does not allow, a missing object, or a path
            that does not belong into a tree.
    """
    folder.mkdir(mode=0o700, parents=True)
    try:
        _Writer(git, allowed, commit, date).folder(git.commit(commit).tree, folder, "", 0)
    except BaseException:
        remove_context(folder)
        raise
    return folder


def remove_context(folder: Path) -> None:
    """Remove what `write_context` made, or what a killed run left of it."""
    shutil.rmtree(folder, ignore_errors=True)


class _Writer:
    def __init__(self, git: Git, allowed: Allowed, commit: str, date: int) -> None:
        self._git = git
        self._allowed = allowed
        self._commit = commit
        self._date = max(date, 0)

    def folder(self, tree: str, target: Path, prefix: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._refusal(prefix, "the folders are nested too deeply")
        for entry in self._git.tree(tree):
            path = prefix + entry.name
            fault = name_fault(entry.name)
            if fault:
                raise self._refusal(path, fault)
            try:
                self._entry(entry, target / entry.name, path, depth)
            except FileExistsError:
                # two entries of one name, or of two names that this file system takes for one
                raise self._refusal(path, "two files would have this name") from None
        os.utime(target, (self._date, self._date))

    def _entry(self, entry: TreeEntry, target: Path, path: str, depth: int) -> None:
        if entry.is_tree:
            target.mkdir(mode=0o755)
            target.chmod(0o755)
            self.folder(entry.oid, target, path + "/", depth + 1)
        elif entry.is_symlink:
            found = self._git.read(entry.oid)
            if found is None or found.is_too_large or not found.data or b"\0" in found.data:
                raise self._refusal(path, "the link's target cannot be read")
            target.symlink_to(os.fsdecode(found.data))
            os.utime(target, (self._date, self._date), follow_symlinks=False)
        elif stat.S_ISREG(entry.mode):
            self._file(entry, target, path)
        elif entry.mode == _SUBMODULE:
            if not self._allowed.submodules:
                raise self._refusal(
                    path,
                    "this is a submodule, and a build does not fetch other repositories",
                    'submodules = "ignore" in the [[build]] section leaves an empty folder',
                )
            target.mkdir(mode=0o755)
            os.utime(target, (self._date, self._date))
        else:
            raise self._refusal(path, f"mode {entry.mode:o} is none that git writes")

    def _file(self, entry: TreeEntry, target: Path, path: str) -> None:
        mode = 0o755 if entry.mode & 0o100 else 0o644
        # O_EXCL: never through a link that stands there already
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(handle, "wb") as file:
            size = self._git.copy_blob(entry.oid, file)
        target.chmod(mode)  # whatever the umask
        if not self._allowed.lfs and size <= _LFS_BYTES and _LFS.match(target.read_bytes()):
            raise self._refusal(
                path,
                "this is a pointer of Git LFS, and the file itself is not in the commit",
                'lfs = "pointers" in the [[build]] section builds the pointers as they are',
            )
        os.utime(target, (self._date, self._date))

    def _refusal(self, path: str, why: str, fix: str = "") -> CannotJudge:
        return CannotJudge(why, place=f"{self._commit[:12]}:{printable(path)}", fix=fix)


def name_fault(name: str) -> str:
    """Reason why a checkout does not write a tree entry of this name; empty where it does."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        return "the name leads out of its folder"
    parts = name.split("\\")  # the other separator of Windows
    if ".." in parts or (os.name == "nt" and ":" in name):
        return "the name leads out of its folder"
    if any(_is_dot_git(part.partition(":")[0]) for part in parts):  # NTFS names a stream behind a colon
        return "the name is git's own"
    return ""


def _is_dot_git(part: str) -> bool:
    """`.git` in any case, its 8.3 names, with what NTFS drops behind it or HFS+ ignores inside it."""
    plain = unicodedata.normalize("NFKC", _HFS_IGNORED.sub("", part)).lower().rstrip(". ")
    return plain == ".git" or re.fullmatch(r"git~[0-9]+", plain) is not None
