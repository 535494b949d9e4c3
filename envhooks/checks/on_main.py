"""Refuses a tag whose commit is not reachable from the protected branch

What was merged was reviewed; what lies on a side branch was not, and the branch may be rewritten or
deleted, after which nobody can look at what was released.

Where the branch is merged here and not pushed, push it together with the tag. Else merge first, fetch, and tag the
commit that was meant once it is on the protected branch. Where releases are also made from maintenance branches, name
them in the policy: `branch = ["main", "release/*"]`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from envhooks.judge.facts import Finding, Subject
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
            fix=_fix(subject),
        )


def _fix(subject: Subject) -> str:
    """The push of what is merged here and not there; no command where the commit has to be merged first.

    A command that tagged the branch's tip instead would publish another commit than the one that was meant.
    """
    if subject.ancestry.unpushed is None:
        return ""
    remote, branch = subject.ancestry.unpushed
    return f"git push --atomic {shlex.quote(remote)} {shlex.quote(branch)} {subject.shell_word}"
