"""When a verdict could change by the mere passing of time: what is kept of one may not outlive such a moment.

Every date that stands in the law or in a signature counts, whether it is believed or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envhooks.signatures import packets
from envhooks.signatures.armor import ArmorError, decode_base64, decode_openpgp
from envhooks.signatures.expiry import WARNING_DAYS, valid_until
from envhooks.signatures.openpgp import CLOCK_SKEW
from envhooks.signatures.packets import PacketError
from envhooks.signatures.payload import Armor, Payload
from envhooks.signatures.signers import Certificate, OpenPgpEntry, Signers
from envhooks.signatures.sshwire import SshError, read_signature

_DAY = 86400


def turning_points(signers: Signers) -> frozenset[int]:
    """Moments, in seconds since the epoch, at which the law's own dates could change a verdict.

    Raises:
        PacketError: a certificate cannot be read, so its dates are not known.
    """
    found: set[int] = set()
    for entry in (*signers.ssh, *signers.openpgp):
        found.update(at for at in (entry.window.after, entry.window.before) if at is not None)
        end = valid_until(entry)
        if end is not None:  # the warning counts the days
            found.update(end - day * _DAY for day in range(WARNING_DAYS + 1))
        if isinstance(entry, OpenPgpEntry):
            found.update(_in_certificate(entry.certificate))
    return frozenset(found)


def _in_certificate(certificate: Certificate) -> Iterator[int]:
    created = 0
    for packet in packets.read_packets(certificate.data):
        if packet.tag in (packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY):
            created = packets.read_key(packet.body).created
            yield created
        elif packet.tag == packets.SIGNATURE:
            facts = packets.read_signature(packet.body, detached=False)
            yield from _of_signature(facts)
            if facts.key_expires_after:
                yield created + facts.key_expires_after


def _of_signature(facts: packets.SignaturePacket) -> Iterator[int]:
    if facts.created is not None:
        yield facts.created - CLOCK_SKEW
        yield facts.created
        if facts.expires_after:
            yield facts.created + facts.expires_after


def turning_points_of(payload: Payload) -> frozenset[int]:
    """The same for the dates in a tag's own signature; a block that cannot be read is refused at any time."""
    return frozenset(_in_block(payload.armor)) if payload.armor is not None else frozenset()


def _in_block(armor: Armor) -> Iterable[int]:
    try:
        if armor.scheme == "openpgp":
            blob = packets.read_packets(decode_openpgp(armor.lines))
            found = (p for p in blob if p.tag == packets.SIGNATURE)
            return [at for p in found for at in _of_signature(packets.read_signature(p.body, detached=True))]
        if armor.scheme == "ssh":
            certificate = read_signature(decode_base64(armor.lines)).certificate
            return (certificate.valid_after, certificate.valid_before) if certificate else ()
    except (ArmorError, PacketError, SshError):
        pass
    return ()


def next_turn(points: Iterable[int], at: float) -> float:
    """The first moment behind `at` from which on a verdict of that time may be another; infinity for none.

    Some ends are included and some are not, so a moment counts from the second before it to the one behind.
    """
    return min((max(point - 1, at) for point in points if point + 1 >= at), default=float("inf"))
