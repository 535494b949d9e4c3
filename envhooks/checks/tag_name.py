"""Refuses a tag whose name is outside the grammar, or is the name of a branch too

A release is found by its name: people type it, CI matches it, and the image's own tag is made from it.
A name that is nearly right is a release that nobody finds, and one with a look-alike letter is a release
that somebody else finds.

Make the tag again under the name that is suggested. If the repository has a convention of its own, state
it once as a template (`[tag] templates` in `.envhooks/policy.toml`); tags that are no releases can be left
alone by pattern (`ignore`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, Change
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

if TYPE_CHECKING:
    from envhooks.judge.fixes import Mend

NEEDS = ()
READS = ("naming",)
MAY_READ = ("shadows", "taken", "object", "publication", "environment")


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding, which tells all that is wrong with the name."""
    naming = subject.naming
    if naming.name is None:
        yield Finding(
            "; ".join(naming.faults),
            expected=naming.suggestion or " or ".join(policy.tag.templates),
            **_named(subject, policy),
        )
    for ref in subject.shadows:
        name = ref.removeprefix("refs/")
        what = f"{printable(name)} has the tag's name, and may be taken for it: `git clone -b` takes a branch first"
        yield Finding(what, got=ref, expected=f"no other ref of the name {subject.tag}", **_away(ref))


def _named(subject: Subject, policy: Policy) -> Mend:
    """The same tag under the name that was meant; without one, what a person can do about the name."""
    from envhooks.judge.fixes import admitted, named_by_the_dockerfile, publication_of, rename

    meant = subject.naming.suggestion or named_by_the_dockerfile(subject, policy.tag)
    if meant:
        return rename(subject, meant, subject.taken)
    if subject.change is Change.STANDING and publication_of(subject).unasked:
        return {
            "advice": f"published already: {admitted(subject)}\n"
            "no release: list a pattern for such names under `ignore` in .envhooks/policy.toml"
        }
    return {
        "advice": "make the tag under a name of that form, or list a pattern for such names under `ignore`"
    }


def _away(ref: str) -> Mend:
    """The command that gives a local branch another name; what a remote has, its owners decide."""
    from envhooks.base.hygiene import word

    if not ref.startswith(HEADS):
        return {"advice": "one of the two has to get another name; what the remote has, its owners decide"}
    name = ref.removeprefix(HEADS)
    return {"fix": f"git branch -m -- {word(name)} {word(f'work/{name}')}"}
