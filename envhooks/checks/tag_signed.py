"""Refuses a tag that has no signature, a bad one, or one whose key is not allowed now

A signature is what ties a release to somebody who may release: names and e-mail addresses in a tag are
typed by whoever made it. "Allowed" is what `.envhooks/allowed_signers` on the protected branch says, and
"now" is the present: the date inside a tag is a claim of its maker.

Sign with `git tag -s`. A new colleague's key comes into `.envhooks/allowed_signers` by a commit on the
protected branch (`envhooks signers add`); a key that leaked goes into `.envhooks/revoked_keys`
(`envhooks signers revoke`).

A tag that `.envhooks/tags.lock` lists was judged when it was locked, and its bytes are those that were
judged then: it stays good when its key expires, is removed or is revoked later.
"""

from __future__ import annotations

from collections.abc import Iterator

from envhooks.judge.facts import Finding, Subject
from envhooks.policy.types import Policy

NEEDS = ("tag-annotated",)
READS = ("signature", "object")
MAY_READ = ("publication",)


def check(subject: Subject, policy: Policy) -> Iterator[Finding]:
    """The verdict of the verifier, and what it warns of."""
    verdict = subject.signature
    if subject.stands_as_locked:
        if verdict.status != "good":
            # what was signed before a key leaked is not undone by the leak: the ledger pins its bytes
            text = "its signature would not be accepted today, and tags.lock vouches for it"
            yield Finding(text, "note", got=verdict.why or "no signature")
        return
    if verdict.status != "good":
        again = subject.again(subject.annotation.target[:12])
        yield Finding(
            verdict.why or "the tag is not signed",
            got=verdict.got or "no signature",
            expected=verdict.expected or "a signature by an allowed signer",
            fix=verdict.fix or again,
        )
    for warning in verdict.warnings:
        yield Finding(warning, "warning")
