"""Branches and remotes: which branch is protected, where releases go, and its state as last fetched."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import HEADS
from envhooks.git.objects import Ref
from envhooks.git.repository import BRANCHES, Git

REMOTES = "refs/remotes/"


def release_remote(git: Git) -> str | None:
    """`envhooks.remote`, else the upstream of the local main, else origin, else the only remote.

    Raises:
        PolicyError: there are several remotes and nothing says which one releases go to.
    """
    named = git.setting("envhooks.remote")
    if named:
        return named
    remotes = list(
        dict.fromkeys(key[7:-4] for key in git.config if key.startswith("remote.") and key.endswith(".url"))
    )
    branch = git.setting("envhooks.branch")
    for main in (branch,) if branch else ("main", "master"):
        upstream = git.setting(f"branch.{main}.remote")
        if upstream in remotes:
            return upstream
    if "origin" in remotes:
        return "origin"
    if len(remotes) > 1:
        raise PolicyError(
            f"this clone has {len(remotes)} remotes and none is said to be the one that releases go to",
            fix=f"git config envhooks.remote {word(remotes[0])}",
        )
    return remotes[0] if remotes else None


def tracking_ref(git: Git, remote: str, branch: str) -> str:
    """The ref in which a fetch keeps a remote's branch, by its fetch refspecs, else the usual one.

    A clone of one tag has a refspec for that tag only; what CI fetches besides goes to the usual place.
    """
    full = HEADS + branch
    for spec in git.config.get(f"remote.{remote}.fetch", ()):
        source, _, target = spec.lstrip("+").partition(":")
        if source == full and target:
            return target
        if source.count("*") == target.count("*") == 1:
            head, _, tail = source.partition("*")
            if full.startswith(head) and full.endswith(tail) and len(full) >= len(head) + len(tail):
                return target.replace("*", full[len(head) : len(full) - len(tail)])
    return f"{REMOTES}{remote}/{branch}"


class BranchRefs:
    """The branch refs of the repository, listed once."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._refs: dict[str, Ref] = {ref.name: ref for ref in git.refs(*BRANCHES)}

    def tip(self, ref: str) -> str | None:
        """Object id of a branch by its full name; None where there is none."""
        if ref not in self._refs and not ref.startswith(BRANCHES):
            # a refspec of the user's own may keep a remote's branch anywhere
            self._refs.update((found.name, found) for found in self._git.refs(ref) if found.name == ref)
        return self._refs[ref].oid if ref in self._refs else None

    def symref(self, ref: str) -> str:
        """Target of a symbolic ref; empty for any other."""
        return self._refs[ref].symref if ref in self._refs else ""

    def local(self) -> dict[str, str]:
        """Short branch name -> tip."""
        return {
            name.removeprefix(HEADS): ref.oid for name, ref in self._refs.items() if name.startswith(HEADS)
        }

    def tracked(self, remote: str) -> dict[str, str]:
        """Short branch name on the remote -> tip as last fetched."""
        prefix = f"{REMOTES}{remote}/"
        return {
            name[len(prefix) :]: ref.oid
            for name, ref in self._refs.items()
            if name.startswith(prefix) and not ref.symref
        }


def protected_branch(git: Git, remote: str | None) -> str:
    """`envhooks.branch`, else the remote's HEAD (a server's own), else the only one of main and master.

    Raises:
        PolicyError: nothing says which branch carries the policy.
    """
    return branch_by(git, BranchRefs(git), remote)


def branch_by(git: Git, refs: BranchRefs, remote: str | None) -> str:
    """Like `protected_branch`, from refs that are listed already."""
    named = git.setting("envhooks.branch")
    if named:
        return named.removeprefix(HEADS)
    if remote is not None:
        head = refs.symref(f"{REMOTES}{remote}/HEAD")
        if head:
            return head.removeprefix(f"{REMOTES}{remote}/")
    if git.is_bare and git.head():
        return git.head().removeprefix(HEADS)
    known = {**refs.local(), **(refs.tracked(remote) if remote else {})}
    usual = [name for name in ("main", "master") if name in known]
    if len(usual) != 1:
        which = "both main and master exist" if usual else "there is neither a main nor a master"
        # a clone of one tag, as CI makes it, has no branch at all, and its remote knows
        fix = "git config envhooks.branch main" if usual or remote is None else "envhooks check --fetch"
        raise PolicyError(f"nothing says which branch carries the policy: {which}", fix=fix)
    return usual[0]


def named_remote(git: Git, pushed_to: str | None) -> str | None:
    """The remote that a push goes to: pre-push receives its name, or its URL where it was pushed to by URL.

    One repository has many spellings: with a token, by ssh or https, with `.git` behind it or without.
    """
    if pushed_to is None or f"remote.{pushed_to}.url" in git.config:
        return pushed_to
    from envhooks.git.addresses import identity, rewritten  # pushed to by URL, which is rare

    folder = git.work_tree or git.common_dir
    wanted = identity(pushed_to, folder)
    for key, urls in git.config.items():
        if key.startswith("remote.") and key.endswith((".url", ".pushurl")):
            is_push = key.endswith(".pushurl")
            spelled = (rewritten(url, git.config, push=way) for url in urls for way in (False, not is_push))
            if wanted in {identity(url, folder) for url in spelled}:
                return key[len("remote.") :].rpartition(".")[0]
    return None


def naming_fix(url: str) -> str:
    """The command that makes known what a repository holds that no remote of this clone names."""
    import shlex

    from envhooks.git.addresses import redact, without_userinfo

    word = shlex.quote(printable(redact(without_userinfo(url))))
    return f"git remote add release {word} && git fetch release"


def matches(branch: str, patterns: Iterable[str]) -> bool:
    """Whether a branch is one of those that releases may lie on."""
    return any(fnmatchcase(branch, pattern) for pattern in patterns)
