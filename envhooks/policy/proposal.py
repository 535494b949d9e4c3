"""What a push would make of the policy: whether it can still be read, and whether it still names signers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS, Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.policy.branches import protected_branch, release_remote
from envhooks.policy.root import FOLDER, TrustRoot, read_trust_root
from envhooks.policy.trust import TrustContext


@dataclass(frozen=True)
class Proposal:
    """What a push would make of the policy."""

    fault: CannotJudge | None = None
    """Why it would leave the branch without a policy that can be read and that names signers."""
    notes: tuple[str, ...] = ()
    """What a person should know of a change that is in order."""


def proposed_policy(
    git: Git,
    trust: TrustContext,
    updates: Iterable[RefUpdate],
    check: Callable[[TrustRoot], object],
    check_ids: frozenset[str] | None = None,
) -> Proposal:
    """What becomes of the policy if the push is taken; `check` reads what is not read here.

    A policy that names signers keeps naming some: without them a client would trust whatever key its own git
    signs with, so a push that removes the last one would turn every pin into none.
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
