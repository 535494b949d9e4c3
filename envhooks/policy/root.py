"""Trust root: the folder `.envhooks/` as one commit states it, `tags.lock` included, read in place and by object id."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.policy import Policy
from envhooks.policy.reader import default_policy, parse_policy
from envhooks.policy.values import Source

FILE = ".envhooks/tags.lock"
LEGACY = "legacy"
_LINE = r"(refs/tags/[^\s]+) ([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{64}) ([!-~]+)((?: [ -~]*)?)"


@dataclass(frozen=True)
class LockedTag:
    """One line of tags.lock."""

    ref: str
    oid: str
    sha256: str
    """SHA-256 of the tag object's raw bytes: holds where SHA-1 no longer does."""
    signer: str
    """The principal that signed it, or `legacy`: a tag older than the policy, admitted by name."""
    reason: str = ""
    """Reason why a legacy tag was admitted."""

    @property
    def is_legacy(self) -> bool:
        """Whether it was admitted by name, and not by a signature."""
        return self.signer == LEGACY

    def __str__(self) -> str:
        return f"{self.ref} {self.oid} {self.sha256} {self.signer}" + (
            f" {self.reason}" if self.reason else ""
        )


def parse_lock(data: bytes, origin: str, oid_length: int | None = None) -> Mapping[str, LockedTag]:
    """Ref -> its line. `origin` names the file in messages; `oid_length` is 40 or 64 hexadecimal digits, if known.

    Raises:
        PolicyError: a line that cannot be read, or a ref that stands twice. A tag that is silently
            not locked could be moved, so nothing is passed over.
    """
    locked: dict[str, LockedTag] = {}
    # as refs are read: else a line would lock a ref of another name than the one whose bytes it has
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match, place = re.fullmatch(_LINE, line), Source(origin, {}).at(number)
        if match is None or len(match[2]) != (oid_length or len(match[2])):
            raise PolicyError(
                "not a line of tags.lock: ref, tag object id, SHA-256 and signer are expected",
                place=place,
                fix=f"git log -p -- {FILE}",
            )
        if match[4] == LEGACY and not match[5].strip():
            raise PolicyError("a legacy tag stands in tags.lock without a reason", place=place)
        tag = LockedTag(match[1], match[2], match[3], match[4], match[5].strip())
        if tag.ref in locked:
            raise PolicyError("a tag stands twice in tags.lock", place=place, fix="remove one of the lines")
        locked[tag.ref] = tag
    return locked


if TYPE_CHECKING:
    from envhooks.git.objects import TreeEntry, TreeFiles
    from envhooks.policy.root import LockedTag

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
        PolicyError: it is there and cannot be read. Going on without it would fail open.
    """
    files = git.files(commit) if commit else None
    folder = _folder(files, FOLDER, where) if files else None
    if files is None or folder is None:
        return TrustRoot.default(where)
    on = f" on {printable(where)}" if where else ""
    data = _file(files, f"{FOLDER}/policy.toml", where)
    origin = f"{FOLDER}/policy.toml{on}"
    policy = default_policy() if data is None else parse_policy(data, origin, check_ids)
    policy = with_compat(policy, _file(files, f"{FOLDER}/compat.toml", where), f"{FOLDER}/compat.toml{on}")
    keys = files.list(f"{FOLDER}/keys") if _folder(files, f"{FOLDER}/keys", where) else ()
    paths = ["allowed_signers", "revoked_keys", *(f"keys/{name}" for name in keys)]
    found = {path: _file(files, f"{FOLDER}/{path}", where) for path in paths}
    lock = _file(files, f"{FOLDER}/tags.lock", where)
    locked: Mapping[str, LockedTag] = MappingProxyType({})
    if lock is not None:
        locked = parse_lock(lock, f"{FOLDER}/tags.lock{on}", git.oid_length)
    return TrustRoot(
        where,
        policy,
        MappingProxyType({path: data for path, data in found.items() if data is not None}),
        locked,
        folder.oid,
    )


def with_compat(policy: Policy, data: bytes | None, origin: str) -> Policy:
    """The policy with the rows of compat.toml; its own rows stand behind them and override."""
    if data is None:
        return policy
    from envhooks.policy.reader import parse_compat

    day, rows = parse_compat(data, origin)
    names = dict.fromkeys((*rows, *policy.compat))
    both = {name: (*rows.get(name, ()), *policy.compat.get(name, ())) for name in names}
    return replace(policy, compat=MappingProxyType(both), compat_day=day)


_WHAT = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    0o160000: "a submodule",
}


def _folder(files: TreeFiles, path: str, where: str) -> TreeEntry | None:
    """The entry of a folder of the policy; None where there is nothing of its name.

    Raises:
        PolicyError: something else stands there. To ignore it would fail open.
    """
    entry = _entry(files, path, where)
    if entry is not None and not entry.is_tree:
        raise _unreadable(entry, path, where, "a folder")
    return entry


def _file(files: TreeFiles, path: str, where: str) -> bytes | None:
    """The bytes of a file of the policy; None where there is nothing of its name.

    Raises:
        PolicyError: something else stands there, a link too: it could lead to files that are not protected.
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
