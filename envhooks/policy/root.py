"""Trust root: the folder `.envhooks/` as one commit states it, read in place and by object id."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.policy.reader import default_policy, parse_policy
from envhooks.policy.types import Policy

if TYPE_CHECKING:
    from envhooks.git.objects import TreeEntry
    from envhooks.git.treefiles import TreeFiles
    from envhooks.policy.lockfile import LockedTag

FOLDER = ".envhooks"


@dataclass(frozen=True)
class TrustRoot:
    """The policy as one commit states it."""

    where: str
    """For people: `origin/main`; empty where there is no branch yet."""
    policy: Policy
    signer_files: Mapping[str, bytes]
    """Path below `.envhooks/` -> bytes: allowed_signers, keys/*.asc, revoked_keys."""
    locked: Mapping[str, LockedTag]
    tree: str = ""
    """Object id of the `.envhooks` tree; empty on the first day."""

    @classmethod
    def default(cls, where: str = "") -> TrustRoot:
        """The built-in policy, where a branch carries none."""
        return cls(where, default_policy(), MappingProxyType({}), MappingProxyType({}))

    @property
    def has_signers(self) -> bool:
        """Whether the policy names anybody; if not, it is the first day."""
        if self.policy.keyless:
            return True
        text = self.signer_files.get("allowed_signers", b"")
        return any(line.strip() and not line.strip().startswith(b"#") for line in text.split(b"\n"))


def read_trust_root(
    git: Git, commit: str | None, where: str, check_ids: frozenset[str] | None = None
) -> TrustRoot:
    """The policy that a commit carries; the defaults where it carries none, or where there is no commit.

    Raises:
        PolicyError: it is there and cannot be read. Going on without it would be failing open.
    """
    files = git.files(commit) if commit else None
    folder = _folder(files, FOLDER, where) if files else None
    if files is None or folder is None:
        return TrustRoot.default(where)
    on = f" on {printable(where)}" if where else ""
    data = _file(files, f"{FOLDER}/policy.toml", where)
    origin = f"{FOLDER}/policy.toml{on}"
    policy = default_policy() if data is None else parse_policy(data, origin, check_ids)
    keys = files.list(f"{FOLDER}/keys") if _folder(files, f"{FOLDER}/keys", where) else ()
    paths = ["allowed_signers", "revoked_keys", *(f"keys/{name}" for name in keys)]
    found = {path: _file(files, f"{FOLDER}/{path}", where) for path in paths}
    lock = _file(files, f"{FOLDER}/tags.lock", where)
    locked: Mapping[str, LockedTag] = MappingProxyType({})
    if lock is not None:
        from envhooks.policy.lockfile import parse_lock

        locked = parse_lock(lock, f"{FOLDER}/tags.lock{on}", git.oid_length)
    return TrustRoot(
        where,
        policy,
        MappingProxyType({path: data for path, data in found.items() if data is not None}),
        locked,
        folder.oid,
    )


_WHAT = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    0o160000: "a submodule",
}


def _folder(files: TreeFiles, path: str, where: str) -> TreeEntry | None:
    """The entry of a folder of the policy; None where there is nothing of its name.

    Raises:
        PolicyError: something else stands there. To take it for nothing would be failing open.
    """
    entry = _entry(files, path, where)
    if entry is not None and not entry.is_tree:
        raise _unreadable(entry, path, where, "a folder")
    return entry


def _file(files: TreeFiles, path: str, where: str) -> bytes | None:
    """The bytes of a file of the policy; None where there is nothing of its name.

    Raises:
        PolicyError: something else stands there, a link too: it could lead to what nobody guards.
    """
    entry = _entry(files, path, where)
    if entry is None:
        return None
    if not stat.S_ISREG(entry.mode):
        raise _unreadable(entry, path, where, "a file")
    try:
        return files.read(path)
    except CannotJudge as error:
        raise PolicyError(error.message, place=_at(path, where), fix=error.fix) from None


def _entry(files: TreeFiles, path: str, where: str) -> TreeEntry | None:
    try:
        return files.plain(path)
    except CannotJudge as error:
        raise PolicyError(error.message, place=_at(path, where), fix=error.fix) from None


def _unreadable(entry: TreeEntry, path: str, where: str, wanted: str) -> PolicyError:
    what = _WHAT.get(stat.S_IFMT(entry.mode), "something else")
    return PolicyError(
        f"this is {what} and has to be {wanted}: the policy is read in place only",
        place=_at(path, where),
        fix=f"git rm --cached {path}, then commit {wanted} in its place",
    )


def _at(path: str, where: str) -> str:
    return f"{printable(path)} on {printable(where)}" if where else printable(path)


def tagged_policy(files: TreeFiles, where: str) -> tuple[str, bytes] | None:
    """Object id and bytes of the policy that a tagged commit carries; None where it carries none.

    Raises:
        PolicyError: it is there and cannot be read.
    """
    path = f"{FOLDER}/policy.toml"
    if _folder(files, FOLDER, where) is None:
        return None
    entry = _entry(files, path, where)
    data = _file(files, path, where)
    return None if entry is None or data is None else (entry.oid, data)
