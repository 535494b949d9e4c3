"""Refuses a tag that has no signature, a bad one, or one whose key is not allowed now

A signature is what ties a release to somebody who may release: names and e-mail addresses in a tag are
typed by whoever made it. "Allowed" is what `.envhooks/allowed_signers` on the protected branch says, and
"now" is the present: the date inside a tag is a claim of its maker.

Sign with `git tag -s`. A new colleague's key comes into `.envhooks/allowed_signers` by a commit on the
protected branch (`envhooks signers add`); a key that leaked goes into `.envhooks/revoked_keys`
(`envhooks signers revoke`).

A lightweight tag is not signed either, and a tag object under another name than its own is signed for that
one: where `tag-annotated` is lowered in the policy, both are refused here.

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
ALONE = True
READS = ("signature", "object")
MAY_READ = ("publication", "ways_to_a_key")
_MERGED = "it counts once the protected branch holds it: commit .envhooks/, and have it merged by one who may"
_NEW_KEY = f"such a key never counts: make another one, and `envhooks signers add` it; {_MERGED}"
_AGAIN = "\nthen: {again}"
_WAYS = (
    (
        "was changed",
        "look at the tag before you sign it again, as it is not what somebody signed: git cat-file tag {oid}",
    ),
    ("revoked", "a revoked key stays so: sign with another one that .envhooks/allowed_signers lists"),
    ("namespaces", f'its line in .envhooks/allowed_signers has to say namespaces="git"; {_MERGED}'),
    (
        "not allowed now",
        f"envhooks signers add --renew --valid-before DATE gives your own key another window\n{_MERGED}",
    ),
    ("digest that is too weak", f"let gpg take SHA-256 or stronger: no digest-algo SHA1 in gpg.conf{_AGAIN}"),
    ("uses SHA-3", f"let the program that signs take SHA-256 or SHA-512{_AGAIN}"),
    ("SSH certificate", f"have your certificate authority give you another certificate{_AGAIN}"),
    ("too weak", _NEW_KEY),
    ("SSH keys of type", _NEW_KEY),
    ("which is not judged", _NEW_KEY),
    ("in the future", f"set the clock of the machine on which you sign{_AGAIN}"),
    ("none of the identities", f"sign as one that [[gitsign]] in .envhooks/policy.toml names{_AGAIN}"),
)
"""Part of a sentence -> what a person does; where none fits, the tag is signed once more."""


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
    elif subject.annotation.name != subject.tag:
        # met only where tag-annotated is lowered: what was signed is the release of another name
        text = "the signature is for another name than the one that the tag is stored under"
        yield Finding(text, got=subject.annotation.name, expected=subject.tag, **_mend(subject))
    for warning in verdict.warnings:
        yield Finding(warning, "warning")


def _mend(subject: Subject) -> Mend:
    """The tag signed once more, where that helps; else who has to let the key in, or how to come by one."""
    from envhooks.judge.fixes import remake, target_of

    verdict = subject.signature
    if verdict.fix:
        return {"fix": verdict.fix, "advice": _MERGED}
    target = target_of(subject)
    again = remake(subject, target) if target else {"advice": "make the tag at a commit, by git tag -s"}
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
    way = way_out(verdict.why)
    if not way:
        return again
    made = again.get("fix") or again.get("advice", "")
    steps = way.format(oid=subject.object.oid[:12], again=made).split("\n")
    return {"advice": "\n".join(step for step in steps if made or not step.startswith("then: "))}


def way_out(why: str) -> str:
    """Steps after a signature that is refused for this reason; empty where signing once more is enough."""
    return next((way for part, way in _WAYS if part in why), "")
