"""Trust context of a run: the protected branch, the policy at its tip, and the commits that count as main.

The policy is the folder `.envhooks/` at the tip of one branch. It is read by object id from what the
hook already knows of the protected branch, and never from the tag, its commit, the index or the work
tree: the maker of a tag would otherwise judge it as well. A push that proposes another policy is told what becomes
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import HEADS, TAGS, Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.policy.branches import (
    REMOTES,
    BranchRefs,
    branch_by,
    matches,
    named_remote,
    naming_fix,
    protected_branch,
    release_remote,
    tracking_ref,
)
from envhooks.policy.root import FOLDER, TrustRoot, read_trust_root


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
    """Short name of the protected branch: `main`."""
    remote: str | None
    """The remote whose main counts; None where the local main is everything."""
    root: TrustRoot
    mains: tuple[Branch, ...]
    """Branches on one of which a tagged commit must lie; empty if the hook knows none."""
    mains_fix: str = ""
    """Command that makes `mains` known, where they are not."""
    notes: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()
    """Protected branches that this push moves, and that have on the remote what the one here has not."""
    fetched: frozenset[str] = frozenset()
    """Refs of tags that a fetch by their full names has just made the remote's own."""
    asked: bool = False
    """Whether the remote has just been asked which tags it has."""
    is_taking: bool = False
    """Whether this is one transaction of a push, whose others are judged for themselves."""
    is_draft: bool = False
    """Whether the tag is not made yet: its commit is judged under its name, and there is no tag object."""


def trust_context(
    git: Git,
    hook: Hook,
    updates: Iterable[RefUpdate] = (),
    pushed_to: str | None = None,
    check_ids: frozenset[str] | None = None,
) -> TrustContext:
    """Trust context of a hook. `pushed_to` is the remote's name, or the URL, that pre-push receives.

    Raises:
        PolicyError: the policy cannot be found or read.
    """
    refs = BranchRefs(git)
    if hook is Hook.RECEIVE:
        return _server_context(git, refs, tuple(updates), check_ids)
    release = release_remote(git)
    branch = branch_by(git, refs, release)
    target = named_remote(git, pushed_to) if hook is Hook.PUSH else release
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
    proposed, apart = _moved(git, updates, patterns)
    if hook is Hook.PUSH:
        mains += proposed
    fix = f"git fetch {word(target or release or 'origin')}"
    if hook is Hook.PUSH and target is None and pushed_to is not None:
        fix = naming_fix(pushed_to)
    if hook is Hook.CHECK and target is not None:
        fix += f" {word(f'+{HEADS}{branch}:{REMOTES}{target}/{branch}')}"
    return TrustContext(hook, branch, target, root, tuple(mains), fix, notes, apart)


def _server_context(
    git: Git, refs: BranchRefs, updates: tuple[RefUpdate, ...], check_ids: frozenset[str] | None
) -> TrustContext:
    branch = branch_by(git, refs, None)
    stored = refs.local()
    root = read_trust_root(git, stored.get(branch), branch, check_ids)
    patterns = root.policy.branches or (branch,)
    mains = [Branch(name, tip) for name, tip in stored.items() if matches(name, patterns)]
    mains += _moved(git, updates, patterns)[0]
    return TrustContext(
        Hook.RECEIVE, branch, None, root, tuple(mains), f"git push --atomic <remote> {branch} <tag>"
    )


def _client_root(
    git: Git,
    refs: BranchRefs,
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
        remote = named[0]
        raise PolicyError(
            f"the protected branch, {printable(f'{remote}/{branch}')}, is not in this clone",
            fix=f"git fetch {word(remote)} {word(f'+{HEADS}{branch}:{REMOTES}{remote}/{branch}')}",
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


def _matching(refs: BranchRefs, git: Git, remote: str, patterns: Iterable[str]) -> dict[str, str]:
    found = {name: tip for name, tip in refs.tracked(remote).items() if matches(name, patterns)}
    for pattern in patterns:  # a refspec of the user's own may keep it elsewhere
        tip = refs.tip(tracking_ref(git, remote, pattern)) if "*" not in pattern else None
        if tip is not None:
            found[pattern] = tip
    return found


def _moved(
    git: Git, updates: Iterable[RefUpdate], patterns: Sequence[str]
) -> tuple[list[Branch], frozenset[str]]:
    """(protected branches as the same push moves them, names of those that it takes back from what is stored).

    A forced main may be refused by the server while the tag beside it is taken, so only a fast-forward is of the first.
    On a server that is not the last word: a main that moves in no way can be proposed as well, so the tag is looked at
    again when it is taken.
    """
    proposed, apart = [], set()
    for update in updates:
        name = update.ref.removeprefix(HEADS)
        if not update.ref.startswith(HEADS) or update.new is None or not matches(name, patterns):
            continue
        if goes_on(git, update):
            proposed.append(Branch(f"{name} as this push moves it", update.new, update.ref))
        else:
            apart.add(name)
    return proposed, frozenset(apart)


def goes_on(git: Git, update: RefUpdate) -> bool:
    """Whether a push leaves on a branch all that was there, as far as this clone's history goes."""
    if update.new is None or update.old is None:
        return update.new is not None
    try:
        return not git.outside([update.old], [update.new], in_part=True)
    except CannotJudge:
        return False  # what the remote has is not here, so this push cannot be a fast-forward of it


@dataclass(frozen=True)
class Proposal:
    """The policy that a push would leave behind: its fault, or notes on its changes."""

    fault: CannotJudge | None = None
    """Reason why it would leave the branch without a policy that can be read and that names signers."""
    notes: tuple[str, ...] = ()
    """Remarks for the person on a change that is in order."""


def proposed_policy(
    git: Git,
    trust: TrustContext,
    updates: Iterable[RefUpdate],
    check: Callable[[TrustRoot], object],
    check_ids: frozenset[str] | None = None,
) -> Proposal:
    """The policy as it would be after the push; `check` reads the parts that are not read here.

    A policy that names signers keeps naming some: without them a client would trust any key that its own git
    signs with, so a push that removes the last one would void every pin.
    """
    old = trust.root
    for update in updates:
        if update.ref != HEADS + trust.branch:
            continue
        branch = printable(trust.branch)
        if update.new is None:
            if not old.tree:
                return Proposal()
            text = f"deleting {branch} would take the policy away that the tags are judged by"
            return Proposal(
                PolicyError(text, fix="git config envhooks.branch <the new branch>, on the server")
            )
        try:
            new = read_trust_root(git, update.new, f"the {trust.branch} that is pushed", check_ids)
            check(new)
        except CannotJudge as error:
            return Proposal(error)
        if old.has_signers and not new.has_signers:
            text = f"this push would leave {branch} with nobody in {FOLDER}/allowed_signers"
            fix = (
                f"keep one signer; to give up the gate: remove {FOLDER}/ under git config envhooks.mode warn"
            )
            return Proposal(PolicyError(text, fix=fix))
        return Proposal(notes=_unlocking(old, new, branch))
    return Proposal()


def _unlocking(old: TrustRoot, new: TrustRoot, branch: str) -> tuple[str, ...]:
    """A line that goes out of tags.lock is a decision of people, and nobody should make it unawares."""
    lost = [ref for ref, tag in old.locked.items() if new.locked.get(ref) != tag]
    if not lost:
        return ()
    named = ", ".join(printable(ref) for ref in lost[:5]) + (", ..." if len(lost) > 5 else "")
    return (
        f"{branch} as it is pushed drops or changes {len(lost)} of {len(old.locked)} locked tags: {named}",
    )


def mends_the_policy(
    git: Git, hook: Hook, updates: Iterable[RefUpdate], check: Callable[[TrustRoot], object]
) -> bool:
    """Whether a push touches no tag and leaves the protected branch with a policy that can be read."""
    moved = {update.ref: update.new for update in updates}
    if any(ref.startswith(TAGS) for ref in moved):
        return False
    try:
        branch = protected_branch(git, None if hook is Hook.RECEIVE else release_remote(git))
        new = moved.get(HEADS + branch)
        if new is None:
            return False
        check(read_trust_root(git, new, branch))
    except CannotJudge:
        return False
    return True
