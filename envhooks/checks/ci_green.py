"""Warns of a tag whose commit has required CI checks that did not succeed, by the forge's commit status API

A release promises that its commit was merged and fully tested; a green branch tells nothing of one commit in it.

Wait for the checks, or run them again, then tag. Hooks never ask the forge: `envhooks check --online` and
`envhooks tag` do, where a token is there (`GITHUB_TOKEN`, `GITLAB_TOKEN`, or git's credential helpers); elsewhere
it is not judged. Make it an error with `[checks] ci-green = "error"`.
"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

NEEDS = ()
READS = ("ci",)
LEVEL = "warning"
_SHOWN = 5


def not_applicable(subject: Subject, policy: Policy) -> str:
    """Only a run that asks the forge has the fact."""
    return "" if "ci" in subject.facts else "the forge was not asked: envhooks check --online"


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """One finding for the checks that did not succeed, or for a commit that none has looked at."""
    told = subject.ci
    if not told.states:
        required = "no check has run for the tagged commit"
        yield Finding(required, got=f"nothing at {told.source}", expected="checks that succeeded")
        return
    failed = [one for one in told.states if not one.succeeded]
    if failed:
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        what = "required checks" if told.knows_required else "checks"
        yield Finding(
            f"{len(failed)} of {len(told.states)} {what} of the tagged commit did not succeed",
            got=", ".join(f"{one.name}: {one.state}" for one in failed[:_SHOWN]) + more,
            expected="all of them succeeded",
            advice=f"wait for them, or run them again; {told.source} tells",
        )
