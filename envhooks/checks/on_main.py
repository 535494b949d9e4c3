"""a commit not reachable from the protected branch

What was merged was reviewed; what lies on a side branch was not, and the branch may be rewritten or
deleted, after which nobody can look at what was released.

Merge first, then tag the commit on the protected branch. Where releases are also made from maintenance
branches, name them in the policy: `branch = ["main", "release/*"]`.
"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.judge.facts import Subject
from envhooks.judge.findings import Finding
from envhooks.policy.types import Policy

NEEDS = ()
READS = ("ancestry",)


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding where no protected branch holds the commit."""
    ancestry = subject.ancestry
    if not ancestry.on_main:
        yield Finding(
            f"the tagged commit is not on {' or '.join(ancestry.branches)}",
            got=ancestry.commit,
            expected=f"a commit on {' or '.join(ancestry.branches)}",
            fix=f"git tag -f -s {subject.shell_word} {ancestry.branches[0].split(' ')[0]}",
        )
