"""OpenPGP certificates and signatures that GnuPG and Sequoia cannot read differently, whenever they look at them.

GnuPG goes by the order of packets as it stands, by the issuer that a signature names and by today's date. Sequoia
brings packets into order, takes for the owner's what the owner's key has signed, and looks at a key as it was at the
date of a tag's signature, which the signer chooses. So Sequoia is asked only where there is one signature on each user
id and subkey, all stand in their places, and nothing is in them that one of the two passes over. All else is GnuPG's.
"""

from __future__ import annotations

from collections.abc import Set

from envhooks.base.dataclass import dataclass
from envhooks.signatures import packets
from envhooks.signatures.openpgp import DIGESTS, LONGEST
from envhooks.signatures.packets import CRITICAL, KeyPacket, Packet, PacketError, SignaturePacket
from envhooks.signatures.signers import Certificate

_LONGEST_USER_ID = 2048
"""Bytes; GnuPG passes over a longer one, and so over what it vouches for."""
_CERTIFICATIONS = frozenset((0x10, 0x11, 0x12, 0x13))
_BINDING, _BACK = 0x18, 0x19
# Subpackets (RFC 4880, 5.2.3.1; RFC 9580, 5.2.3.7)
_CREATED, _KEY_EXPIRES, _ISSUER, _NOTATION, _FLAGS, _EMBEDDED, _ISSUER_FINGERPRINT = 2, 9, 16, 20, 27, 32, 33
_DECIDING = frozenset((_CREATED, _KEY_EXPIRES, _ISSUER, _FLAGS, _EMBEDDED, _ISSUER_FINGERPRINT))
_HARMLESS = frozenset((11, _NOTATION, 21, 22, 23, 24, 25, 26, 28, 30, 34, 39))
"""Preferences and remarks, which change nothing about what a key may sign."""
_UNCOVERED = frozenset((_ISSUER, _ISSUER_FINGERPRINT, _EMBEDDED))
"""What may stand outside of what the signature covers, as GnuPG and Sequoia write it."""
_MAY_SIGN = 0x02


@dataclass(frozen=True)
class _Word:
    """What a signature of the owner's says of a key."""

    flags: bytes
    expires_after: int
    embedded: tuple[bytes, ...]
    """Signatures inside of it: that of a subkey, by which it agrees."""


def is_ordinary(certificate: Certificate, seconds: float) -> bool:
    """Whether nothing in the certificate depends on who reads it or when, as of so many seconds since the epoch."""
    try:
        return _is_ordinary(packets.read_packets(certificate.data), seconds)
    except PacketError:
        return False


def _is_ordinary(found: tuple[Packet, ...], seconds: float) -> bool:
    groups = _with_signatures(found)
    tags = [component.tag for component, _ in groups]
    users = tags.count(packets.USER_ID)
    in_place = [packets.PUBLIC_KEY] + [packets.USER_ID] * users
    if tags != in_place + [packets.PUBLIC_SUBKEY] * (len(tags) - len(in_place)):
        return False
    if len({component.body for component, _ in groups}) != len(groups):
        return False
    (first, direct), *others = groups
    primary = packets.read_key(first.body)
    if direct or not _is_key_of_today(primary, seconds):
        return False
    said = set()
    for component, signatures in others:
        if component.tag == packets.USER_ID:
            if len(component.body) > _LONGEST_USER_ID:
                return False
            said.add(_word(signatures, _CERTIFICATIONS, primary, primary, seconds))
        else:
            subkey = packets.read_key(component.body)
            word = _word(signatures, {_BINDING}, primary, subkey, seconds)
            if word is None or not _is_key_of_today(subkey, seconds):
                return False
            if word.flags[0] & _MAY_SIGN and not _is_crossed(word, subkey, seconds):
                return False
    return len(said) == 1 and None not in said


def _with_signatures(found: tuple[Packet, ...]) -> list[tuple[Packet, list[Packet]]]:
    """Each key and user id with the signatures behind it."""
    groups: list[tuple[Packet, list[Packet]]] = []
    for packet in found:
        if packet.tag != packets.SIGNATURE:
            groups.append((packet, []))
        elif groups:
            groups[-1][1].append(packet)
    return groups


def _is_key_of_today(key: KeyPacket, seconds: float) -> bool:
    return key.version == 4 and key.created <= seconds


def _word(
    signatures: list[Packet], kinds: Set[int], primary: KeyPacket, key: KeyPacket, seconds: float
) -> _Word | None:
    """What the owner says of the key, if it is said once and plainly.

    Raises:
        PacketError: a damaged signature.
    """
    if len(signatures) != 1:
        return None
    body = signatures[0].body
    facts = packets.read_signature(body, detached=False)
    if facts.kind not in kinds or not _is_plainly_by(body, facts, primary, seconds):
        return None
    flags = [data for kind, data in facts.hashed if kind & ~CRITICAL == _FLAGS]
    expires = facts.key_expires_after
    if not (flags and flags[0]) or (expires and key.created + expires <= seconds):
        return None
    if (facts.created or 0) < key.created:
        return None
    embedded = (data for kind, data in (*facts.hashed, *facts.unhashed) if kind & ~CRITICAL == _EMBEDDED)
    return _Word(flags[0], expires, tuple(embedded))


def _is_plainly_by(body: bytes, facts: SignaturePacket, signer: KeyPacket, seconds: float) -> bool:
    """Whether the signature is plain, of a time that can be, and by this signer, as far as it says itself."""
    if len(body) > LONGEST or facts.digest not in DIGESTS or facts.expires_after:
        return False
    if facts.created is None or not signer.created <= facts.created <= seconds:
        return False
    return signer.fingerprint.endswith(facts.issuer) and is_plain(facts)


def is_plain(facts: SignaturePacket) -> bool:
    """Whether a signature says nothing but what is known here, what matters once, and its issuer where GnuPG looks."""
    if any(kind & ~CRITICAL not in _DECIDING and kind not in _HARMLESS for kind, _ in facts.hashed):
        return False  # a critical remark is not harmless: who does not know it has to refuse
    if any(kind not in _UNCOVERED for kind, _ in facts.unhashed):
        return False
    covered = [kind & ~CRITICAL for kind, _ in facts.hashed]
    everywhere = covered + [kind for kind, _ in facts.unhashed]
    if any(everywhere.count(kind) > 1 for kind in (_CREATED, _KEY_EXPIRES, _FLAGS, _EMBEDDED)):
        return False
    return _ISSUER in everywhere  # GnuPG before 2.4 does not know whose it is by a fingerprint alone


def _is_crossed(word: _Word, subkey: KeyPacket, seconds: float) -> bool:
    """Whether the subkey agrees, by a signature of its own.

    Raises:
        PacketError: a damaged signature.
    """
    if len(word.embedded) != 1:
        return False
    facts = packets.read_signature(word.embedded[0], detached=False)
    return facts.kind == _BACK and _is_plainly_by(word.embedded[0], facts, subkey, seconds)
