"""Refuses a push that moves or deletes a published tag

A published tag has been built, pulled and written into lock files and papers. Moved, the same name means
two environments, and nobody can tell which one they have; git itself never moves a tag that a clone
already holds. A tag that was never good (misnamed, lightweight, unsigned) promised nothing and may be
deleted, so that an accident has a way out; one that `.envhooks/tags.lock` lists is there for ever, as
exactly the object that is listed, by its id and by the SHA-256 of its bytes.

Release a correction under the next stage or version: `rc2` after `rc1`, `post1` after a stable release.
Where a tag was moved, deleted or rolled back in a clone, fetching it by its name brings back what the
remote has; where the remote lost a locked one, push the listed object from a clone that still holds it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envhooks.base.refs import Change
from envhooks.judge.facts import LISTED, Finding, Subject, TagObject
from envhooks.policy import Policy

if TYPE_CHECKING:
    from envhooks.judge.fixes import Mend

NEEDS = ()
READS = ("publication",)
MAY_READ = ("naming", "object", "taken")
ADMITTED = True
CHANGES = (Change.CREATED, Change.MOVED, Change.DELETED, Change.STANDING)


def not_applicable(subject: Subject, policy: Policy) -> str:
    """A tag that no ledger lists, and that stands or that no remote was asked for, has nothing to be compared with."""
    if subject.publication.locked:
        return ""
    reasons = {Change.CREATED: "the tag is new", Change.STANDING: "the tag does not change"}
    unseen = "" if subject.publication.published else "whether it is published is seen at the push"
    return reasons.get(subject.change, unseen)


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """A published tag that moves, or that is deleted although it was good."""
    publication, update = subject.publication, subject.update
    if publication.locked:
        yield from _held_against_the_lock(subject, policy)
    elif publication.published and subject.change is Change.MOVED:
        text = f"a published tag never moves ({publication.how})"
        yield Finding(text, got=update.new or "", expected=update.old or "", **_kept(subject, policy))
    elif publication.published and subject.change is Change.DELETED and not _never_good(subject):
        text = f"a published release is not deleted ({publication.how})"
        yield Finding(text, got="deleted", **_kept(subject, policy))


def _held_against_the_lock(subject: Subject, policy: Policy) -> Iterator[Finding]:
    publication, new = subject.publication, subject.update.new
    if new == publication.locked_oid:
        if publication.sha256 != publication.locked_sha256:
            text = "tags.lock lists this tag's object with other contents, by their SHA-256"
            advice = "compare with a clone that you trust: one of the two is forged, or the line was changed by hand"
            yield Finding(text, got=publication.sha256, expected=publication.locked_sha256, advice=advice)
        return
    what = "with another object" if new else "and it is not there" if _looked_at(subject) else "for ever"
    text = f"tags.lock lists this tag {what}"
    yield Finding(text, got=new or "deleted", expected=publication.locked_oid or "", **_kept(subject, policy))


def _kept(subject: Subject, policy: Policy) -> Mend:
    """The command that brings back what was published, and the next free name for what was meant instead."""
    from envhooks.judge.fixes import brought_back, next_free

    publication = subject.publication
    found: Mend = {"fix": brought_back(subject)}
    if (
        subject.change is Change.STANDING and publication.how != LISTED
    ):  # as the remote has it, which was just asked
        where, oid = publication.remote or "origin", publication.locked_oid
        found = {
            "advice": f"the remote itself has another; from a clone that holds the listed object:"
            f" git push --force {where} {oid}:refs/tags/{subject.shell_word}"
        }
    new = subject.facts.get("object")
    name = subject.naming.name
    if subject.change is Change.MOVED and name is not None and isinstance(new, TagObject):
        free = next_free(name, subject.taken, policy.tag)
        commit = new.annotation.target[:12] if new.annotation else new.oid[:12]
        if free:
            found["advice"] = (
                f"the next free name for the change, with a changelog entry of its own: git tag -s {free} {commit}"
            )
    return found


def _looked_at(subject: Subject) -> bool:
    """Whether the tag is looked at where it is; else somebody is about to change it."""
    gone = subject.change is Change.DELETED and subject.update.old == subject.publication.locked_oid
    return subject.change is Change.STANDING or (gone and subject.publication.how == LISTED)


def _never_good(subject: Subject) -> bool:
    """Misnamed, no annotated tag of a commit under its own name, or without a signature."""
    if subject.naming.name is None:
        return True
    found = subject.facts.get("object")
    if not isinstance(found, TagObject):
        return False  # unknown: its object is not here
    if found.annotation is None:
        return True
    annotation = found.annotation
    return annotation.target_type != "commit" or annotation.name != subject.tag or not annotation.signed
