"""GnuPG's status lines (its doc/DETAILS), parsed as bytes: the only words of GnuPG that are believed.

GnuPG exits with 0 and prints VALIDSIG for keys that are revoked or expired, so neither is an answer.
Lines end in a line feed and in nothing else: a user id or a notation may hold every other byte
that some decoder takes for the end of a line.
"""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass
from envhooks.signatures.verdict import Refused

DIGESTS = {8: "sha256", 9: "sha384", 10: "sha512", 12: "sha3_256", 14: "sha3_512"}
"""The digests that are accepted, by their OpenPGP number (RFC 9580, 9.5)."""


class UnknownKey(Refused):
    """The signing key is not in the keyring that GnuPG was given."""


class UnusableKey(Refused):
    """The signing key is not one that its certificate vouches for."""


class ExpiredKey(Refused):
    """The signing key has expired."""


_PREFIX = b"[GNUPG:] "
_ONCE = (b"NEWSIG", b"GOODSIG", b"VALIDSIG")
CHANGED = "the signature does not fit the tag: one of the two was changed"
UNUSABLE = "the signing key is not one that its certificate vouches for by more than SHA-1"
_REFUSALS = (
    (b"BADSIG", CHANGED),
    (b"REVKEYSIG", "the signing key is revoked"),
    (b"EXPKEYSIG", "the signing key has expired"),
    (b"EXPSIG", "the signature itself has expired"),
    (b"NO_PUBKEY", "the signing key is not allowed to sign releases"),
    (b"ERRSIG", UNUSABLE),
    (b"NODATA", "GnuPG finds no signature in the signature block"),
    (b"UNEXPECTED", "GnuPG finds something unexpected in the signature block"),
    (b"FAILURE", "GnuPG failed over the signature"),
)
_KINDS: dict[bytes, type[Refused]] = {
    b"NO_PUBKEY": UnknownKey,
    b"ERRSIG": UnusableKey,
    b"EXPKEYSIG": ExpiredKey,
}
_FINGERPRINT = rb"[0-9A-F]{40}|[0-9A-F]{64}"


@dataclass(frozen=True)
class Signed:
    """Who made a signature that GnuPG calls good."""

    key: str
    """Fingerprint of the key that signed: the primary key or a subkey."""
    primary: str
    """Fingerprint of its primary key; allowed_signers goes by this one."""


def judge_status(status: bytes, exit_code: int) -> Signed:
    """Who made the signature, if it is exactly one good signature.

    Raises:
        Refused: it is anything else. `key` is set where GnuPG told it.
    """
    lines = status.split(b"\n")
    if any(line and not line.startswith(_PREFIX) for line in lines):
        raise Refused("GnuPG's status holds a line that is none")
    words = [line[len(_PREFIX) :].split(b" ") for line in lines if line]
    keywords = [word[0] for word in words]
    valid = [word for word in words if word[0] == b"VALIDSIG"]
    known = _signed(valid[0]) if len(valid) == 1 else None
    for keyword, sentence in _REFUSALS:
        if keyword in keywords:
            raise _KINDS.get(keyword, Refused)(sentence, key=known.primary if known else "")
    if exit_code != 0:
        raise Refused(f"GnuPG refuses the signature (exit code {exit_code})")
    if any(keywords.count(keyword) != 1 for keyword in _ONCE) or known is None:
        raise Refused("GnuPG does not report exactly one good signature")
    _check_kind(valid[0])
    return known


def _signed(valid: list[bytes]) -> Signed | None:
    """Fields 1 and 10 of VALIDSIG."""
    if (
        len(valid) < 11
        or not re.fullmatch(_FINGERPRINT, valid[1])
        or not re.fullmatch(_FINGERPRINT, valid[10])
    ):
        return None
    return Signed(valid[1].decode(), valid[10].decode())


def _check_kind(valid: list[bytes]) -> None:
    """Fields 8 and 9 of VALIDSIG: digest and class."""
    if valid[9] != b"00":
        raise Refused("the signature is not one over binary data")
    if not re.fullmatch(rb"[0-9]{1,3}", valid[8]) or int(valid[8]) not in DIGESTS:
        raise Refused("the signature uses a digest that is too weak", expected="SHA-256 or stronger")
