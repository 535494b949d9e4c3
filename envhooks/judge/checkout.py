"""Completion of a CI's checkout: fetches the tag object, the protected branch, and enough of the history.

Checkout actions clone one commit, put a lightweight tag on it whatever the remote has, and know no
branch. Nothing here judges; it ends where the answer is in the clone, and says which tags are the
remote's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import word
from envhooks.base.refs import HEADS, TAGS
from envhooks.git.fetch import Fetcher, Remote, legal_ref
from envhooks.git.repository import Git
from envhooks.policy.branches import REMOTES, protected_branch, release_remote, tracking_ref
from envhooks.policy.root import read_trust_root

STEPS = (64, 512, 4096)
"""Numbers of commits by which the history is deepened in turn, before all of it is fetched."""


def repair(path: Path, wanted: Iterable[str] | None, renew: bool = False) -> frozenset[str]:
    """Fetch what it takes to judge the tags `wanted` (full refs; None: all of the remote's).

    A tag is fetched where the clone lacks it or has a lightweight one; with `renew`, wherever the remote has
    another. Answers the tags that are now as the remote has them.

    Raises:
        CannotJudge: there is no remote, or it does not give what is asked for.
    """
    refs = None if wanted is None else [legal_ref(ref) for ref in wanted]
    with Git.open(path) as git:
        remote = release_remote(git)
        if remote is None:
            raise CannotJudge("this clone has no remote to fetch from", fix="git remote add origin <url>")
        fetcher = Fetcher(path, remote)
        there = fetcher.ask(refs)
        local = {ref.name: ref.oid for ref in git.refs(TAGS)}
        stale = [ref for ref, oid in there.tags.items() if _is_stale(git, local.get(ref), oid, renew)]
        branch = _branch(git, fetcher, remote, there)
        main = f"+{HEADS}{branch}:{tracking_ref(git, remote, branch)}"
    for some in _portions(stale):
        fetcher.fetch(f"+{ref}:{ref}" for ref in some)
    fetcher.fetch([main])
    protected = _other_branches(path, remote, branch)
    if protected:
        fetcher.fetch(protected)
    _deepen(path, fetcher, [main, *protected], there.tags)
    if refs is None:
        _complete(path, fetcher, main)
    with Git.open(path) as git:
        now = {ref.name: ref.oid for ref in git.refs(TAGS)}
    return frozenset(ref for ref, oid in there.tags.items() if now.get(ref) == oid)


def hold_every_tag(git: Git, fix: str = "") -> None:
    """Refuse a clone that may lack tags of the remote, where the answer is about all of its releases.

    `fix` is a command that brings them and answers.

    Raises:
        CannotJudge: it is shallow, or was told to leave tags out: what is not here would count as not released.
    """
    if why := lacks_tags(git):
        name = word(release_remote(git) or "origin")
        if git.is_shallow:
            fix = fix or "git fetch --unshallow --tags --force"
        else:
            fix = fix or f"git config --unset-all remote.{name}.tagOpt; git fetch --tags --force {name}"
        raise CannotJudge(f"{why}, and what it lacks would count as never released", fix=fix)


def lacks_tags(git: Git) -> str:
    """Reason why this clone may lack tags that the release remote has; empty where it has what was fetched."""
    if git.is_shallow:
        return "this clone is shallow, so it may lack tags"
    remote = release_remote(git)
    if remote and git.setting(f"remote.{remote}.tagopt") == "--no-tags":
        return "this clone was made without tags (remote.*.tagOpt), so it may lack some"
    return ""


def _is_stale(git: Git, here: str | None, there: str, renew: bool) -> bool:
    if here is None or here == there:
        return here is None
    found = git.read(here)
    return renew or found is None or found.type != "tag"


def _branch(git: Git, fetcher: Fetcher, remote: str, there: Remote) -> str:
    """The protected branch's short name; where the clone does not know, what the remote's HEAD names."""
    known = any(ref.symref for ref in git.refs(f"{REMOTES}{remote}/HEAD"))
    if not git.setting("envhooks.branch") and not known and there.head is not None:
        branch = there.head.removeprefix(HEADS)
        if tracking_ref(git, remote, branch) == f"{REMOTES}{remote}/{branch}":
            fetcher.fetch([f"+{there.head}:{REMOTES}{remote}/{branch}"])
            fetcher.point_head(branch)
            return branch
    branch = protected_branch(git, remote)
    legal_ref(HEADS + branch)
    return branch


def _other_branches(path: Path, remote: str, branch: str) -> list[str]:
    """Refspecs for the protected branches besides the policy's own, if the policy that is now here names any."""
    with Git.open(path) as git:
        tips = {ref.name: ref.oid for ref in git.refs(REMOTES)}
        root = read_trust_root(git, tips.get(tracking_ref(git, remote, branch)), f"{remote}/{branch}")
    # a glob of ours is not one of git's, and a name need not be there: all branches, and the policy chooses
    others = set(root.policy.branches) - {branch}
    return [f"+{HEADS}*:{REMOTES}{remote}/*"] if others else []


def _deepen(path: Path, fetcher: Fetcher, branches: list[str], tags: Mapping[str, str]) -> None:
    """Fetch history until each tag is seen to lie on a protected branch, or there is no more of it."""
    specs = [*branches, *(f"+{ref}:{ref}" for ref in tags)]
    if len(specs) > 100:  # `--all`: as good as everything is asked for
        specs = [*branches, f"+{TAGS}*:{TAGS}*"]
    for step in (*STEPS, None):
        if _is_known(path, branches, tags):
            return
        fetcher.fetch(specs, "--unshallow" if step is None else f"--deepen={step}")


def _complete(path: Path, fetcher: Fetcher, main: str) -> None:
    """Leave no clone that is shallow and has every tag: in a shallow one the next command could not know that."""
    with Git.open(path) as git:
        is_shallow = git.is_shallow
    if is_shallow:
        fetcher.fetch([main], "--unshallow")


def _is_known(path: Path, branches: list[str], tags: Mapping[str, str]) -> bool:
    """Whether the history that is here answers: "on main" can be seen in a part of it, "not on main" cannot."""
    with Git.open(path) as git:
        if not git.is_shallow:
            return True
        targets = {spec.rpartition(":")[2].removesuffix("*") for spec in branches}
        tips = [ref.oid for ref in git.refs(*targets) if not ref.symref]
        try:
            commits = [commit for commit in (_commit(git, oid) for oid in tags.values()) if commit]
            return not git.outside(commits, tips, in_part=True)
        except CannotJudge:
            return False


def _commit(git: Git, oid: str) -> str | None:
    """The commit behind a tag; None where the tag is of another object, which no history changes."""
    found = git.read(oid)
    if found is None:
        raise CannotJudge(f"object {oid} is not in this repository")
    if found.type != "tag" or not found.data.startswith(b"object "):
        return oid if found.type == "commit" else None
    target = found.data[7 : 7 + git.oid_length].decode("ascii", "replace")
    there = git.read(target)
    return target if there is not None and there.type == "commit" else None


def _portions(refs: list[str], size: int = 500) -> Iterable[list[str]]:
    """The refs in lists that a command line holds."""
    return (refs[start : start + size] for start in range(0, len(refs), size))
