"""History: which commits can be reached, told by a walk that no date cuts short."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from envhooks.base.errors import CannotJudge


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
