"""Signatures: payload + signature + allowed signers -> Verdict, the type that this package hands to others."""

from __future__ import annotations

from typing import Literal

from envhooks.base.dataclass import dataclass

CHANGED = "the signature does not fit the tag: one of the two was changed"
VerdictStatus = Literal["good", "bad", "unsigned", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """Verdict on a tag's signature as of now, under the signers that the policy allows."""

    status: VerdictStatus
    why: str = ""
    """One sentence; empty for `good`."""
    scheme: str = ""
    """`openpgp`, `ssh`, `x509`, or nothing for an unsigned tag."""
    key: str = ""
    """OpenPGP primary fingerprint (40 or 64 upper-case digits), or `SHA256:...` of an SSH key."""
    signer: str = ""
    """The principal that allowed_signers gives this key."""
    got: str = ""
    expected: str = ""
    fix: str = ""
    warnings: tuple[str, ...] = ()
    advice: str = ""
    """For `undecided`: what a person has to decide, where no command helps."""


class Refused(Exception):
    """The signature must not be accepted.

    Attributes:
        why: one sentence without a final full stop.
        got: what was found; empty where the sentence says it all.
        expected: what would have been accepted.
        fix: a command that can be pasted; empty where only a new signature helps.
        key: the key that made the signature, where that is proven.
        signer: the principal that allowed_signers gives that key.
    """

    def __init__(
        self, why: str, *, got: str = "", expected: str = "", fix: str = "", key: str = "", signer: str = ""
    ) -> None:
        super().__init__(why)
        self.why = why
        self.got = got
        self.expected = expected
        self.fix = fix
        self.key = key
        self.signer = signer

    def verdict(self, scheme: str) -> Verdict:
        """The same, as a Verdict."""
        return Verdict(
            "bad", self.why, scheme, self.key, self.signer, got=self.got, expected=self.expected, fix=self.fix
        )


class Undecided(Exception):
    """A signature that could not be judged: a program is missing, or did not answer."""

    def __init__(self, why: str, fix: str = "", advice: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.fix = fix
        self.advice = advice

    def verdict(self, scheme: str) -> Verdict:
        """The same, as a Verdict."""
        return Verdict("undecided", self.why, scheme, fix=self.fix, advice=self.advice)
