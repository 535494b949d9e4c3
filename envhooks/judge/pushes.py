"""Pushes as a repository takes them: by its stored refs, not by a client's statements.

git-receive-pack(1) hands a hook whatever a client sent, and compares it with its refs only when it takes it; some it
never compares: `0000 0000 refs/tags/T` deletes T wherever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS, RefUpdate
from envhooks.git.objects import Ref
from envhooks.judge.facts import Finding, TagReport
from envhooks.judge.names import Known, Lookalike, alike, among, as_on_remote, deleted_as_another, standing
from envhooks.policy.branches import matches
from envhooks.policy.trust import TrustContext, goes_on
from envhooks.tagname import Grammar, is_release_tag
from envhooks.tagname.names import is_legal

if TYPE_CHECKING:
    from envhooks.git.repository import Git

_FOLLOWED = 5
"""Symbolic refs that git follows from one to the next: `SYMREF_MAXDEPTH`."""


def as_stored(
    updates: Iterable[RefUpdate], stored: Mapping[str, Ref]
) -> tuple[tuple[RefUpdate, ...], tuple[RefUpdate, ...]]:
    """(updates with the refs that really move and the ids that are really stored, updates that state other ids).

    An update of a symbolic ref moves the ref behind it. The second part are the updates, as the client sent them, whose
    old id is not the stored one: git refuses most of them, and those that it takes have another effect than stated.
    """
    real, told = [], []
    for update in updates:
        ref = _behind(update.ref, stored)
        there = (stored[ref].oid or None) if ref in stored else None
        if update.old != there:
            told.append(replace(update, ref=ref))
        real.append(replace(update, ref=ref, old=there))
    return tuple(real), tuple(told)


def _behind(ref: str, stored: Mapping[str, Ref]) -> str:
    for _ in range(_FOLLOWED):
        if ref not in stored or not stored[ref].symref:
            break
        ref = stored[ref].symref
    return ref


def possible(
    git: Git, updates: Sequence[RefUpdate], told: Iterable[RefUpdate], stored: Iterable[str]
) -> tuple[RefUpdate, ...]:
    """The updates without those of branches that git is sure to refuse: they never come into being.

    That is one with a name that is not legal, of what is not a commit, with another old id than the stored one, or
    beside a branch whose name begins with its own and a slash. `stored` are the names of refs.
    """
    if not any(update.ref.startswith(HEADS) and update.new for update in updates):
        return tuple(updates)
    lying = {update.ref for update in told}
    names = {alike(update.ref): update.ref for update in updates if update.new is not None}
    for ref in stored:
        if ref.startswith(HEADS):
            names.setdefault(alike(ref), ref)
    folders = {name[:at] for name in names for at in _slashes(name)}

    def can_be(update: RefUpdate) -> bool:
        name = alike(update.ref)
        return (
            update.ref not in lying
            and is_legal(update.ref.removeprefix(HEADS))
            and names.get(name, update.ref) == update.ref
            and name not in folders
            and not any(name[:at] in names for at in _slashes(name))
            and update.new is not None
            and git.type_of(update.new) == "commit"
        )

    return tuple(
        update
        for update in updates
        if not update.ref.startswith(HEADS) or update.new is None or can_be(update)
    )


def _slashes(name: str) -> Iterator[int]:
    at = name.find("/", len("refs/"))
    while at >= 0:
        yield at
        at = name.find("/", at + 1)


def lies(updates: Iterable[RefUpdate], told: Iterable[RefUpdate], trust: TrustContext) -> Iterator[TagReport]:
    """A refusal for each release tag and protected branch for which a push states another id than the stored one.

    What was compared when it was judged could be another thing when it is taken. Git compares no old id of a deletion
    that tells none, so a deletion of what is not there would take away what comes in meanwhile.
    """
    is_guarded = guard(trust)
    for update in told:
        if is_guarded(update.ref):
            where = f"at {update.old}" if update.old else "not there"
            text = f"{printable(update.ref)}: the push says that it is {where}, and that is not so here"
            yield _refusal(update, "tag-immutable", text, "git fetch --tags, then push again")
    lying = {update.ref for update in told}
    for update in updates:
        is_gone = update.new is None and update.old is None and update.ref not in lying
        if is_gone and is_guarded(update.ref):
            text = f"{printable(update.ref)}: the push deletes it, and it is not there"
            yield _refusal(update, "tag-immutable", text)


def guard(trust: TrustContext) -> Callable[[str], bool]:
    """Whether a ref is a release tag, by name or by tags.lock, or a protected branch."""
    policy, grammar = trust.root.policy, Grammar(trust.root.policy.tag)
    patterns = policy.branches or (trust.branch,)

    def is_guarded(ref: str) -> bool:
        if ref.startswith(TAGS):
            return ref in trust.root.locked or is_release_tag(ref.removeprefix(TAGS), grammar, policy.tag)
        return _is_protected(ref, trust.branch, patterns)

    return is_guarded


def _is_protected(ref: str, branch: str, patterns: Iterable[str]) -> bool:
    name = ref.removeprefix(HEADS)
    return ref.startswith(HEADS) and (name == branch or matches(name, patterns))


def known_refs(trust: TrustContext, refs: Iterable[str]) -> Known:
    """The release tags and protected branches among full refs, and those that the policy names."""
    refs = tuple(refs)
    patterns = trust.root.policy.branches or (trust.branch,)
    branches = {ref.removeprefix(HEADS) for ref in refs if _is_protected(ref, trust.branch, patterns)}
    tags = (ref for ref in refs if ref.startswith(TAGS))
    return Known(Grammar(trust.root.policy.tag), tags, {*branches, trust.branch})


def standing_lookalikes(refs: Iterable[Ref], trust: TrustContext) -> tuple[Lookalike, ...]:
    """The refs of a repository that would be mistaken for a release tag or a protected branch, as they stand."""
    pairs = [*as_on_remote(refs, trust.remote)]
    return tuple(standing(known_refs(trust, (there for _, there in pairs)), pairs))


def standing_refusal(found: Lookalike) -> TagReport:
    """The report on such a ref."""
    return _refusal(RefUpdate(found.ref, "", ""), "tag-name", found.why, found.fix)


def shadows(
    updates: Sequence[RefUpdate], trust: TrustContext, stored: Sequence[str], here: Container[str] = ()
) -> Iterator[TagReport]:
    """A refusal for each ref that a push makes and that would be mistaken for a release or a protected branch.

    Also of one that it deletes where nothing of that name is. `here` are the refs of the clone that pushes: a branch of
    that name in it can be renamed.
    """
    made = {update.ref: update for update in updates if update.new is not None}
    gone = {update.ref: update for update in updates if update.new is None and update.old is None}
    known = known_refs(trust, dict.fromkeys([*stored, *made]))
    before = {update.ref for update in made.values() if update.old is not None}
    found = [*among(known, made, before, here), *deleted_as_another(gone, stored, guard(trust))]
    for one in found:
        yield _refusal(made.get(one.ref) or gone[one.ref], "tag-name", one.why, one.fix)


def _refusal(update: RefUpdate, check: str, message: str, fix: str = "") -> TagReport:
    """The report on a ref that is not a release tag, or that no tag's check covers."""
    finding = Finding(message, fix=fix, check=check, tag=update.ref)
    oid = update.new or update.old or None
    return TagReport(update.ref, update.ref, update.change, oid, None, "refused", (finding,))


def rewinds(
    git: Git,
    updates: Sequence[RefUpdate],
    trust: TrustContext,
    tags: Iterable[tuple[str, str]],
    sure: Container[str] | None = None,
) -> Iterator[TagReport]:
    """A refusal for each protected branch that a push takes back below published releases.

    Those would then lie on no protected branch: what was released could be looked at nowhere. `tags` are names and
    object ids, those that the push brings included; `sure` the refs whose updates can come true, by
    default all.
    """
    patterns = trust.root.policy.branches or (trust.branch,)
    moved = {update.ref: update for update in updates if _is_protected(update.ref, trust.branch, patterns)}
    back = [update for update in moved.values() if update.old and not goes_on(git, update)]
    if not back:
        return
    before = [branch for branch in trust.mains if not branch.is_proposed]
    remote = f"{trust.remote}/" if trust.remote else ""
    after = [branch.tip for branch in before if HEADS + branch.name.removeprefix(remote) not in moved]
    after += [update.new for update in moved.values() if update.new and (sure is None or update.ref in sure)]
    commits = {commit: name for name, oid in tags if (commit := _commit_of(git, oid))}
    if not commits:
        return
    on_main = commits.keys() - git.outside(commits, [branch.tip for branch in before])
    lost = sorted(commits[commit] for commit in (git.outside(on_main, after) if after else on_main))
    if lost:
        named = ", ".join(printable(ref.removeprefix(TAGS)) for ref in lost[:3]) + (
            ", ..." if len(lost) > 3 else ""
        )
        for update in back:
            branch = printable(update.ref.removeprefix(HEADS))
            text = (
                f"{branch} would no longer hold {len(lost)} published release{'s' * (len(lost) > 1)}: {named}"
            )
            yield _refusal(update, "on-main", text, "git pull --rebase, then push without --force")


def _commit_of(git: Git, oid: str) -> str | None:
    """The commit behind a tag, through few of them; None where it is not there or something else."""
    try:
        for _ in range(5):
            found = git.read(oid)
            if found is None or found.type == "commit":
                return found.oid if found else None
            if found.type != "tag" or not found.data.startswith(b"object "):
                return None
            oid = found.data[7 : 7 + git.oid_length].decode("ascii", "replace")
    except CannotJudge:
        pass
    return None


def shrinks(git: Git, updates: Iterable[RefUpdate]) -> Iterator[str]:
    """A sentence for each push that would take something from the records of releases: they are only added to."""
    for update in updates:
        if update.ref != "refs/notes/envhooks":
            if alike(update.ref) == "refs/notes/envhooks" and update.new is not None:
                yield f"{printable(update.ref)}: where case is ignored this would be taken for the records of releases"
            elif alike(update.ref).startswith("refs/notes/envhooks/") and update.new is not None:
                yield f"{printable(update.ref)}: git could write no records of releases beside a ref below their name"
            continue
        if update.old is None:
            continue
        from envhooks.git import notes

        fix = "\n  advice: envhooks records --fetch, then push again without --force"
        if update.new is None:
            yield f"{update.ref}: records of releases are never deleted"
        elif git.type_of(update.new) != "commit":
            yield f"{update.ref}: this is no commit of notes"
        elif gone := [*notes.lost(git, update.old, update.new)]:
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            yield f"{update.ref}: records of {gone[0][:12]}{more} would be lost or changed{fix}"
        elif not notes.holds(git, update.new, update.old):
            yield f"{update.ref}: the push does not go on from what is stored here{fix}"
