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
from typing import TYPE_CHECKING

from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy

if TYPE_CHECKING:
    from envhooks.judge.fixes import Mend

NEEDS = ("tag-annotated",)
READS = ("signature", "object")
MAY_READ = ("publication", "ways_to_a_key")
_MERGED = "it counts once the protected branch holds it: commit .envhooks/, and have it merged by one who may"
_ALTERED = "the signature does not"


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
        yield Finding(
            verdict.why or "the tag is not signed",
            got=verdict.got or "no signature",
            expected=verdict.expected or "a signature by an allowed signer",
            **_mend(subject),
        )
    for warning in verdict.warnings:
        yield Finding(warning, "warning")


def _mend(subject: Subject) -> Mend:
    """The tag signed once more, where that helps; else who has to let the key in, or how to come by one."""
    from envhooks.judge.fixes import remake

    verdict = subject.signature
    if verdict.fix:
        return {"fix": verdict.fix, "advice": _MERGED}
    again = remake(subject, subject.annotation.target[:12])
    if verdict.status == "unsigned":
        if not subject.ways_to_a_key:
            return again
        made = again.get("fix") or again.get("advice", "")
        return {"advice": "\n".join((*subject.ways_to_a_key, f"then: {made}"))}
    if "not allowed to sign releases" in verdict.why:
        lines = (
            "if the key is your own: envhooks signers add",
            "if it is a colleague's, with the file of their public key: envhooks signers add KEY.pub",
            _MERGED,
        )
        return {"advice": "\n".join(lines)}
    if verdict.why.startswith(_ALTERED):
        return {"advice": "look at the tag before you sign it again: it is not what somebody signed"}
    if "revoked" in verdict.why:
        return {
            "advice": "a revoked key stays so: sign with another one that .envhooks/allowed_signers lists"
        }
    if "namespaces" in verdict.why:
        return {"advice": f'its line in .envhooks/allowed_signers has to say namespaces="git"; {_MERGED}'}
    if "not allowed now" in verdict.why:
        return {
            "advice": f"envhooks signers add --renew --valid-before DATE gives your own key another window\n{_MERGED}"
        }
    return again
