"""Refuses a tag whose name is outside the grammar, or is the name of a branch too

A release is found by its name: people type it, CI matches it, and the image's own tag is made from it.
A name that is nearly right is a release that nobody finds, and one with a look-alike letter is a release
that somebody else finds.

Make the tag again under the name that is suggested. If the repository has a convention of its own, state
it once as a template (`[tag] templates` in `.envhooks/policy.toml`); tags that are no releases can be left
alone by pattern (`ignore`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS
from envhooks.judge.facts import Finding, Subject
from envhooks.policy.types import Policy

NEEDS = ()
READS = ("naming",)
MAY_READ = ("shadows",)


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding, which tells all that is wrong with the name."""
    naming = subject.naming
    if naming.name is None:
        yield Finding(
            "; ".join(naming.faults),
            expected=naming.suggestion or " or ".join(policy.tag.templates),
            fix=f"git tag -s {naming.suggestion}" if naming.suggestion else "",
        )
    for ref in subject.shadows:
        name = ref.removeprefix("refs/")
        what = f"{printable(name)} has the tag's name, and may be taken for it: `git clone -b` takes a branch first"
        yield Finding(what, got=ref, expected=f"no other ref of the name {subject.tag}", fix=_away(ref))


def _away(ref: str) -> str:
    """The command that gives a local branch another name; what a remote has, its owners decide."""
    if not ref.startswith(HEADS):
        return ""
    name = printable(ref[len(HEADS) :])
    return f"git branch -m -- {shlex.quote(name)} {shlex.quote(f'work/{name}')}"
