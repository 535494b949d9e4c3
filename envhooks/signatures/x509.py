"""X.509 signatures, as gitsign and gpgsm make them: not judged, and never accepted."""

from __future__ import annotations

from envhooks.model import Verdict
from envhooks.signatures.payload import Payload


def verify(payload: Payload) -> Verdict:
    """Always `undecided`: allowed_signers has no way to name an identity and its issuer."""
    return Verdict(
        "undecided",
        "the tag is signed with X.509 (gitsign or gpgsm), which envhooks cannot judge yet",
        "x509",
        fix="git config gpg.format ssh, sign with a key in .envhooks/allowed_signers, and make the tag again",
    )
