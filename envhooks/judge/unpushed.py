"""A commit off the protected branch of the remote, and the branch here that has it: what a push of that would mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from envhooks.base.refs import HEADS, Hook
from envhooks.git.repository import Git
from envhooks.judge.facts import Unknown
from envhooks.policy.branches import matches
from envhooks.policy.trust import TrustContext

Outside = Callable[[Iterable[str], Iterable[str]], frozenset[str] | Unknown]
"""(commits, tips) -> the commits that cannot be reached from any of the tips."""


def unpushed(git: Git, trust: TrustContext, commit: str, outside: Outside) -> tuple[str, str] | None:
    """(the remote, the protected branch here that has the commit while the remote's has not); None where none has."""
    if trust.remote is None or trust.hook is Hook.RECEIVE:
        return None
    patterns = trust.root.policy.branches or (trust.branch,)
    for ref in git.refs(HEADS):
        name = ref.name.removeprefix(HEADS)
        if matches(name, patterns) and outside([commit], [ref.oid]) == frozenset():
            return trust.remote, name
    return None


def has_diverged(git: Git, trust: TrustContext, remote: str, branch: str, outside: Outside) -> bool:
    """Whether a remote's branch, as last fetched or as this push found it, is not below the local one of that name."""
    if branch in trust.apart:
        return True
    tips = {ref.name: ref.oid for ref in git.refs(f"{HEADS}{branch}")}
    theirs = [one.tip for one in trust.mains if one.name == f"{remote}/{branch}"]
    return outside(theirs, [tips[f"{HEADS}{branch}"]]) != frozenset()
