"""Pushes as a repository takes them: by what it stores, not by what a client tells.

git-receive-pack(1) hands a hook whatever a client sent, and compares it with its refs only when it takes it; some it
never compares: `0000 0000 refs/tags/T` deletes T wherever it is.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from envhooks.base.dataclass import replace
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS, RefUpdate
from envhooks.git.objects import Ref
from envhooks.policy.branches import matches
from envhooks.policy.trust import TrustContext
from envhooks.tagname import Grammar

if TYPE_CHECKING:
    from envhooks.git.repository import Git

_FOLLOWED = 5
"""Symbolic refs that git follows from one to the next: `SYMREF_MAXDEPTH`."""


def as_stored(
    updates: Iterable[RefUpdate], stored: Mapping[str, Ref]
) -> tuple[tuple[RefUpdate, ...], tuple[RefUpdate, ...]]:
    """The updates of the refs that are really moved, with the ids that are really there; and those that tell others.

    An update of a symbolic ref moves the ref behind it. The second part are the updates as they were told whose old id
    is not the stored one: git refuses most of them, and what it takes is not what was said.
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


def lies(told: Iterable[RefUpdate], trust: TrustContext, released: Iterable[RefUpdate]) -> Iterator[str]:
    """A sentence for each release tag and protected branch of which a push tells another id than the stored one.

    What was compared when it was judged could be another thing when it is taken.
    """
    judged = {update.ref for update in released}
    patterns = trust.root.policy.branches or (trust.branch,)
    for update in told:
        if update.ref in judged or _is_protected(update.ref, trust.branch, patterns):
            where = f"at {update.old}" if update.old else "not there"
            yield (
                f"{printable(update.ref)}: the push says that it is {where}, and that is not so here"
                "\n  fix: git fetch --tags, then push again"
            )


def _is_protected(ref: str, branch: str, patterns: Iterable[str]) -> bool:
    name = ref.removeprefix(HEADS)
    return ref.startswith(HEADS) and (name == branch or matches(name, patterns))


def shadows(
    updates: Sequence[RefUpdate], trust: TrustContext, stored: Iterable[str], here: Container[str] = ()
) -> Iterator[str]:
    """A sentence for each ref that a push makes and that people would take for a release, or a release for it.

    `git clone -b NAME` takes the branch before the tag, `git show NAME` takes `refs/NAME` before both, and a
    file system that ignores case keeps one of two names that differ by nothing else. `here` are the refs of the
    clone that pushes: a branch of that name in it can be renamed.
    """
    grammar = Grammar(trust.root.policy.tag)
    made = [update for update in updates if update.new is not None]
    known = {name for name in chain(stored, (update.ref for update in made)) if name.startswith(TAGS)}
    tags: dict[str, set[str]] = {}
    for ref in known:
        tags.setdefault(_alike(ref[len(TAGS) :]), set()).add(ref)
    for update in made:
        ref = printable(update.ref)
        if update.ref.startswith("refs/replace/"):
            yield f"{ref}: a replacement would show one object and mean another"
            continue
        name = _read_as(update.ref)
        if name is None:
            continue
        others = tags.get(_alike(name), set()) - {update.ref}
        release = next((one for one in sorted(others) if grammar.match(one[len(TAGS) :]) is not None), None)
        if update.ref.startswith(TAGS):
            twin = release or (next(iter(sorted(others)), None) if grammar.match(name) is not None else None)
            if twin is not None and update.old is None:
                yield f"{ref} differs from {printable(twin)} by the case of its letters only"
        elif release is not None or grammar.match(name) is not None:
            where = "in front of" if not update.ref.startswith(HEADS) else "in place of"
            yield (
                f"{ref}: a {'branch' if update.ref.startswith(HEADS) else 'ref'} of a release's name would be taken"
                f" {where} the tag{_renaming(update.ref, name, here)}"
            )
        elif update.ref.count("/") == 1:
            yield f"{ref}: a ref directly below refs/ would stand in front of the tag of that name"


def _read_as(ref: str) -> str | None:
    """The short name for which git may take a ref; None for one that is found by its longer name only."""
    for prefix in (TAGS, HEADS):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref.removeprefix("refs/")


def _alike(name: str) -> str:
    """The same for all names that a file system of macOS or Windows takes for one."""
    if name.isascii():
        return name.lower()
    import unicodedata

    return unicodedata.normalize("NFC", name).casefold()


def _renaming(ref: str, name: str, here: Container[str]) -> str:
    import shlex

    if not ref.startswith(HEADS) or ref not in here:
        return ""
    word = printable(name)
    return f"\n  fix: git branch -m -- {shlex.quote(word)} {shlex.quote(f'work/{word}')}"


def rewinds(
    git: Git, updates: Sequence[RefUpdate], trust: TrustContext, tags: Iterable[Ref]
) -> Iterator[str]:
    """A sentence for each protected branch that a push takes back below published releases.

    Those would then lie on no protected branch: what was released could be looked at nowhere.
    """
    patterns = trust.root.policy.branches or (trust.branch,)
    moved = {update.ref: update for update in updates if _is_protected(update.ref, trust.branch, patterns)}
    back = [update for update in moved.values() if update.old and not _goes_on(git, update)]
    if not back:
        return
    before = [branch for branch in trust.mains if not branch.is_proposed]
    remote = f"{trust.remote}/" if trust.remote else ""
    after = [branch.tip for branch in before if HEADS + branch.name.removeprefix(remote) not in moved]
    after += [update.new for update in moved.values() if update.new]
    commits = {commit: ref.name for ref in tags if (commit := _commit_of(git, ref.oid))}
    on_main = commits.keys() - git.outside(commits, [branch.tip for branch in before])
    lost = sorted(commits[commit] for commit in (git.outside(on_main, after) if after else on_main))
    if lost:
        named = ", ".join(printable(ref[len(TAGS) :]) for ref in lost[:3]) + (
            ", ..." if len(lost) > 3 else ""
        )
        branches = ", ".join(printable(update.ref[len(HEADS) :]) for update in back)
        yield (
            f"{branches} would no longer hold {len(lost)} published release{'s' * (len(lost) > 1)}: {named}"
            "\n  fix: git pull --rebase, then push without --force"
        )


def _goes_on(git: Git, update: RefUpdate) -> bool:
    assert update.old is not None
    return update.new is not None and git.is_ancestor(update.old, update.new)


def _commit_of(git: Git, oid: str) -> str | None:
    """The commit behind a tag, through few of them; None where it is not there or something else."""
    from envhooks.base.errors import CannotJudge

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
        if update.ref != "refs/notes/envhooks" or update.old is None:
            continue
        from envhooks.git import notes

        fix = "\n  fix: envhooks records --fetch, then push again without --force"
        if update.new is None:
            yield f"{update.ref}: records of releases are never deleted"
        elif git.type_of(update.new) != "commit":
            yield f"{update.ref}: this is no commit of notes"
        elif gone := [*notes.lost(git, update.old, update.new)]:
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            yield f"{update.ref}: records of {gone[0][:12]}{more} would be lost or changed{fix}"
        elif not notes.holds(git, update.new, update.old):
            yield f"{update.ref}: the push does not go on from what is stored here{fix}"
