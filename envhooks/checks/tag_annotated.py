"""Refuses a tag that is lightweight, a symbolic ref, a tag of a tag, tree or blob, or an object whose own name is not the ref's

A lightweight tag is a second name for a commit: it carries no signature, no message and no maker. A tag
object that was signed under one name and stored under another is the classic forgery: the signature is
good, and it is not this release that was signed. A release names a commit, for only a commit has a place
on main. A symbolic ref among the tags moves whenever the ref behind it does, and no hook sees it.

Make the tag with `git tag -s`. In CI a lightweight tag may be the checkout's doing: some checkout actions
put the commit where the tag object was, and fetching the tag by its full name brings it back.
"""  # noqa: E501 - the first line is the row of a table

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

if TYPE_CHECKING:
    from envhooks.judge.fixes import Mend

NEEDS = ()
READS = ("object",)
MAY_READ = ("publication",)
_COMMIT = "tag the commit that is meant; the name alone does not tell which one that is"


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """At most one finding: the first reason why this is not an annotated tag of a commit."""
    found = subject.object
    if subject.update.symref:
        yield Finding(
            "the tag is a symbolic ref, which moves whenever the ref behind it does",
            got=subject.update.symref,
            expected=found.oid,
            fix=f"git update-ref --no-deref refs/tags/{subject.shell_word} {found.oid}",
        )
    elif found.type == "commit":
        yield Finding(
            "the tag is lightweight, so it can carry no signature",
            got="a commit",
            expected="an annotated, signed tag",
            **_annotated(subject, found.oid[:12]),
        )
    elif found.type != "tag":
        text = f"the tag names a {found.type}, and a release is a commit"
        yield Finding(text, got=found.type, expected="commit", advice=_COMMIT)
    elif found.fault:
        yield Finding(f"the tag object is malformed: {found.fault}", advice=_COMMIT)
    elif subject.annotation.target_type == "tag":
        text = "the tag points at a tag, and a release is a commit"
        behind = f"'{subject.annotation.target[:12]}^{{commit}}'"
        yield Finding(text, got="tag", expected="commit", **_again(subject, behind))
    elif subject.annotation.target_type != "commit":
        kind = subject.annotation.target_type
        text = f"the tag points at a {kind}, and a release is a commit"
        yield Finding(text, got=kind, expected="commit", advice=_COMMIT)
    elif subject.annotation.name != subject.tag:
        yield Finding(
            "the tag object was made for another name than the one that it is stored under",
            got=subject.annotation.name,
            expected=subject.tag,
            **_again(subject, subject.annotation.target[:12]),
        )


def _again(subject: Subject, target: str) -> Mend:
    from envhooks.judge.fixes import remake  # only a refusal needs it

    return remake(subject, target)


def _annotated(subject: Subject, commit: str) -> Mend:
    """The tag made anew; where nobody asked the remote, first what a CI's checkout may have left of a good tag."""
    from envhooks.judge.fixes import brought_back, publication_of, remake

    found = remake(subject, commit)
    if publication_of(subject).unasked and "advice" in found:
        found["advice"] = (
            f"a CI's checkout may have dropped the annotation: {brought_back(subject)}\n{found['advice']}"
        )
    return found
