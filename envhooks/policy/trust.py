"""Who decides: the protected branch, the policy itself, and what counts as main at each hook.

The policy is the folder `.envhooks/` at the tip of one branch. It is read by object id from what the
hook already knows of the protected branch, and never from the tag, its commit, the index or the work
tree: whoever makes a tag would otherwise judge it as well.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS, Hook, RefUpdate
from envhooks.git.objects import Ref
from envhooks.git.repository import BRANCHES, Git
from envhooks.policy.reader import default_policy, parse_policy
from envhooks.policy.types import Policy

if TYPE_CHECKING:
    from envhooks.git.objects import TreeEntry
    from envhooks.git.treefiles import TreeFiles
    from envhooks.policy.lockfile import LockedTag

FOLDER = ".envhooks"
REMOTES = "refs/remotes/"


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


@dataclass(frozen=True)
class Branch:
    """A protected branch as this hook knows it."""

    name: str
    """For people: `origin/main`, `main`, `main as this push moves it`."""
    tip: str
    ref: str = ""
    """Full name, of a branch that this push proposes to move."""

    @property
    def is_proposed(self) -> bool:
        """Whether it stands there only if this push is taken."""
        return bool(self.ref)


@dataclass(frozen=True)
class TrustContext:
    """All that a hook has to know before it can look at a tag."""

    hook: Hook
    branch: str
    """the protected branch, short: `main`."""
    remote: str | None
    """The remote whose main counts; None where the local main is everything."""
    root: TrustRoot
    mains: tuple[Branch, ...]
    """On one of these a tagged commit has to lie; empty if the hook knows none."""
    mains_fix: str = ""
    """What makes `mains` known, where they are not."""
    notes: tuple[str, ...] = ()
    fetched: frozenset[str] = frozenset()
    """Refs of tags that a fetch by their full names has just made the remote's own."""


# --------------------------------------------------------------------------------- reading the policy


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


# ------------------------------------------------------------------------------ remotes and branches


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
            fix=f"git config envhooks.remote {printable(remotes[0])}",
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


class _Refs:
    """The branch refs of the repository, listed once."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._refs: dict[str, Ref] = {ref.name: ref for ref in git.refs(*BRANCHES)}

    def tip(self, ref: str) -> str | None:
        return self._refs[ref].oid if ref in self._refs else None

    def symref(self, ref: str) -> str:
        return self._refs[ref].symref if ref in self._refs else ""

    def local(self) -> dict[str, str]:
        """Short branch name -> tip."""
        return {name[len(HEADS) :]: ref.oid for name, ref in self._refs.items() if name.startswith(HEADS)}

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
    return _protected_branch(git, _Refs(git), remote)


def _protected_branch(git: Git, refs: _Refs, remote: str | None) -> str:
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


# ---------------------------------------------------------------------------------------- the hooks


def trust_context(
    git: Git,
    hook: Hook,
    updates: Iterable[RefUpdate] = (),
    pushed_to: str | None = None,
    check_ids: frozenset[str] | None = None,
) -> TrustContext:
    """What a hook knows. `pushed_to` is the remote's name, or the URL, that pre-push is told.

    Raises:
        PolicyError: the policy cannot be found or read.
    """
    refs = _Refs(git)
    if hook is Hook.RECEIVE:
        return _server_context(git, refs, tuple(updates), check_ids)
    release = release_remote(git)
    branch = _protected_branch(git, refs, release)
    target = _named_remote(git, pushed_to) if hook is Hook.PUSH else release
    root, root_tip = _client_root(git, refs, hook, branch, [target, release], check_ids)
    updates = tuple(updates)
    # a push of branches alone judges no tag by either policy, and often is the one that brings the newer
    judges = hook is not Hook.PUSH or any(update.ref.startswith(TAGS) for update in updates)
    notes = _other_policy_note(git, refs.local().get(branch), root, root_tip) if judges else ()
    patterns = root.policy.branches or (branch,)
    mains: list[Branch] = []
    if target is not None:
        mains += [Branch(f"{target}/{n}", t) for n, t in _matching(refs, git, target, patterns).items()]
    if hook is Hook.TAG or release is None:
        mains += [Branch(n, t) for n, t in refs.local().items() if matches(n, patterns)]
    if hook is Hook.PUSH:
        mains += _proposed(git, updates, patterns)
    fix = f"git fetch {printable(target)}" if target else f"git fetch {printable(release or 'origin')}"
    if hook is Hook.PUSH and target is None and pushed_to is not None:
        fix = _naming(pushed_to)
    if hook is Hook.CHECK and target is not None:
        fix += f" +{HEADS}{branch}:{REMOTES}{target}/{branch}"
    return TrustContext(hook, branch, target, root, tuple(mains), fix, notes)


def _server_context(
    git: Git, refs: _Refs, updates: tuple[RefUpdate, ...], check_ids: frozenset[str] | None
) -> TrustContext:
    branch = _protected_branch(git, refs, None)
    stored = refs.local()
    root = read_trust_root(git, stored.get(branch), branch, check_ids)
    patterns = root.policy.branches or (branch,)
    mains = [Branch(name, tip) for name, tip in stored.items() if matches(name, patterns)]
    mains += _proposed(git, updates, patterns)
    return TrustContext(
        Hook.RECEIVE, branch, None, root, tuple(mains), f"git push --atomic <remote> {branch} <tag>"
    )


def _named_remote(git: Git, pushed_to: str | None) -> str | None:
    """The remote that a push goes to: pre-push is told its name, or its URL where it was pushed to by URL.

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


def _naming(url: str) -> str:
    """The command that makes known what a repository holds that no remote of this clone names."""
    import shlex

    from envhooks.git.addresses import redact, without_userinfo

    word = shlex.quote(printable(redact(without_userinfo(url))))
    return f"git remote add release {word} && git fetch release"


def _client_root(
    git: Git,
    refs: _Refs,
    hook: Hook,
    branch: str,
    remotes: Iterable[str | None],
    check_ids: frozenset[str] | None,
) -> tuple[TrustRoot, str | None]:
    named = list(dict.fromkeys(remote for remote in remotes if remote is not None))
    for remote in named:
        tip = refs.tip(tracking_ref(git, remote, branch))
        if tip is not None:
            return read_trust_root(git, tip, f"{remote}/{branch}", check_ids), tip
    tip = refs.local().get(branch)
    if tip is None and named and hook is Hook.CHECK:
        # a clone of one tag, as CI makes it: silence about the policy would be the built-in defaults
        remote = printable(named[0])
        raise PolicyError(
            f"the protected branch, {remote}/{printable(branch)}, is not in this clone",
            fix=f"git fetch {remote} +{HEADS}{printable(branch)}:{REMOTES}{remote}/{printable(branch)}",
        )
    return read_trust_root(git, tip, branch, check_ids), tip


def _other_policy_note(
    git: Git, local_tip: str | None, root: TrustRoot, root_tip: str | None
) -> tuple[str, ...]:
    if local_tip is None or local_tip == root_tip:
        return ()
    folder = git.files(local_tip).find(FOLDER)
    if (folder.oid if folder else "") == root.tree:
        return ()
    used = printable(root.where)
    return (
        f"the local branch carries another policy in {FOLDER}/ than {used}, and {used} is the one that counts",
    )


def _matching(refs: _Refs, git: Git, remote: str, patterns: Iterable[str]) -> dict[str, str]:
    found = {name: tip for name, tip in refs.tracked(remote).items() if matches(name, patterns)}
    for pattern in patterns:  # a refspec of the user's own may keep it elsewhere
        tip = refs.tip(tracking_ref(git, remote, pattern)) if "*" not in pattern else None
        if tip is not None:
            found[pattern] = tip
    return found


def matches(branch: str, patterns: Iterable[str]) -> bool:
    """Whether a branch is one of those that releases may lie on."""
    return any(fnmatchcase(branch, pattern) for pattern in patterns)


def _proposed(git: Git, updates: Iterable[RefUpdate], patterns: Iterable[str]) -> list[Branch]:
    """Protected branches as the same push moves them; only a fast-forward of what is stored counts.

    A forced main may be refused by the server while the tag beside it is taken. On a server that is not the last word:
    a main that moves in no way can be proposed as well, so the tag is looked at again when it is taken.
    """
    found = []
    for update in updates:
        name = update.ref.removeprefix(HEADS)
        if not update.ref.startswith(HEADS) or update.new is None or not matches(name, patterns):
            continue
        if update.old is None or _is_fast_forward(git, update.old, update.new):
            found.append(Branch(f"{name} as this push moves it", update.new, update.ref))
    return found


def _is_fast_forward(git: Git, old: str, new: str) -> bool:
    try:
        return git.is_ancestor(old, new)
    except CannotJudge:
        return False  # the remote's main is not here, so this push cannot be a fast-forward of it


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
