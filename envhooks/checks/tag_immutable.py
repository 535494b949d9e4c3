"""moving or deleting a published tag

A published tag has been built, pulled and written into lock files and papers. Moved, the same name means
two environments, and nobody can tell which one they have; git itself never moves a tag that a clone
already holds. A tag that was never good (misnamed, lightweight, unsigned) promised nothing and may be
deleted, so that an accident has a way out; one that tags.lock lists is there for ever.

Release a correction under the next stage or version: `rc2` after `rc1`, `post1` after a stable release.
"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.model import Change, Finding, Policy, Subject

NEEDS = ()
READS = ("publication",)
MAY_READ = ("naming", "object")
CHANGES = (Change.CREATED, Change.MOVED, Change.DELETED, Change.STANDING)


def not_applicable(subject: Subject, policy: Policy) -> str:
    """A tag that stands, and that no ledger lists, has nothing to be held against."""
    if subject.publication.locked:
        return ""
    return {Change.CREATED: "the tag is new", Change.STANDING: "the tag does not change"}.get(
        subject.change, ""
    )


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """A published tag that moves, or that is deleted although it was good."""
    publication, update = subject.publication, subject.update
    if publication.locked_oid is not None:
        if update.new != publication.locked_oid:
            text = "tags.lock lists this tag" + (" with another object" if update.new else "")
            yield Finding(text, got=update.new or "deleted", expected=publication.locked_oid)
    elif publication.published and subject.change is Change.MOVED:
        text = f"a published tag never moves ({publication.how})"
        yield Finding(text, got=update.new or "", expected=update.old or "", fix=_next_release(subject))
    elif publication.published and subject.change is Change.DELETED and not _never_good(subject):
        text = f"a published release is not deleted ({publication.how})"
        yield Finding(text, got="deleted", fix=_next_release(subject))


def _never_good(subject: Subject) -> bool:
    """Misnamed, no annotated tag of a commit under its own name, or without a signature."""
    if subject.naming.name is None:
        return True
    found = subject.object
    if found.annotation is None:
        return True
    annotation = found.annotation
    return annotation.target_type != "commit" or annotation.name != subject.tag or not annotation.signed


def _next_release(subject: Subject) -> str:
    name = subject.naming.name
    if name is None:
        return ""
    stage = "post1" if name.stage == "stable" else f"{name.stage}{name.stage_number + 1}"
    stem = subject.tag.removesuffix(f"-{name.stage_text}") if name.stage_text else subject.tag
    return f"git tag -s {stem}-{stage}"
