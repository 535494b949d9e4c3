"""a name outside the grammar

A release is found by its name: people type it, CI matches it, and the image's own tag is made from it.
A name that is nearly right is a release that nobody finds, and one with a look-alike letter is a release
that somebody else finds.

Make the tag again under the name that is suggested. If the repository has a convention of its own, state
it once as a template (`[tag] templates` in `.envhooks/policy.toml`); tags that are no releases can be left
alone by pattern (`ignore`).
"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.judge.facts import Subject
from envhooks.judge.findings import Finding
from envhooks.policy.types import Policy

NEEDS = ()
READS = ("naming",)


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding, which tells all that is wrong with the name."""
    naming = subject.naming
    if naming.name is None:
        yield Finding(
            "; ".join(naming.faults),
            expected=naming.suggestion or " or ".join(policy.tag.templates),
            fix=f"git tag -s {naming.suggestion}" if naming.suggestion else "",
        )
