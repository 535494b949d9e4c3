"""Refuses a tag whose commit is not reachable from the protected branch

What was merged was reviewed; what lies on a side branch was not, and the branch may be rewritten or
deleted, after which nobody can look at what was released.

Where the branch is merged here and not pushed, push it together with the tag. Else merge first, fetch, and tag the
commit that was meant once it is on the protected branch. Where releases are also made from maintenance branches, name
them in the policy: `branch = ["main", "release/*"]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

if TYPE_CHECKING:
    from envhooks.judge.fixes import Mend

NEEDS = ()
READS = ("ancestry",)
MAY_READ = ("naming",)


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding where no protected branch holds the commit."""
    ancestry = subject.ancestry
    if not ancestry.on_main:
        yield Finding(
            f"the tagged commit is not on {' or '.join(ancestry.branches)}",
            got=ancestry.commit,
            expected=f"a commit on {' or '.join(ancestry.branches)}",
            **_mend(subject),
        )


def _mend(subject: Subject) -> Mend:
    """The push of what is merged here and not there; where the commit has to be merged first, that it has to be.

    A command that tagged the branch's tip instead would publish another commit than the one that was meant.
    """
    from envhooks.base.hygiene import word
    from envhooks.judge.fixes import is_name_refused, reunion

    ancestry = subject.ancestry
    if ancestry.unpushed is not None:
        remote, branch = ancestry.unpushed
        # of the branch alone where the tag's name is refused
        tag = "" if is_name_refused(subject) else f" {subject.shell_word}"
        push = f"git push {'--atomic ' if tag else ''}{word(remote)} {word(branch)}{tag}"
        if not ancestry.diverged:
            return {"fix": push}
        text, merge = reunion(remote, branch)
        return {"advice": f"{text}: {merge} && {push}"}
    lines = [f"merged on the remote already: git fetch {word(ancestry.remote)}"] if ancestry.remote else []
    lines.append("not merged yet: merge it with its own id (no squash, no rebase), then push the tag again")
    other = "squashed or rebased there: that is another commit, and the one to check and tag"
    look = f": git log --oneline {word(ancestry.branches[0])}" if ancestry.remote else ""
    lines.append(f"{other}{look}")
    return {"advice": "\n".join(lines)}
