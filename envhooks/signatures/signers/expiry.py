"""End of a key's validity, and the warning before its last day.

Nothing here is verified and no verdict depends on it: a date that is read wrongly costs a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.hygiene import printable
from envhooks.signatures import Verdict, packets
from envhooks.signatures.packets import KeyPacket, Packet, PacketError, SignaturePacket
from envhooks.signatures.signers import FOLDER, Certificate, Entry, OpenPgpEntry, Signers, SshEntry
from envhooks.signatures.signers.lines import moment

WARNING_DAYS = 30
"""Days before its end from which an expiring key is warned of."""
_DAY = 86400
_SELF_SIGNATURES = frozenset((0x10, 0x11, 0x12, 0x13, 0x1F))
_BINDING, _KEY_REVOCATION, _SUBKEY_REVOCATION = 0x18, 0x20, 0x28
_MAY_SIGN = 0x02


@dataclass(frozen=True)
class KeyState:
    """State of one key of a certificate, by the certificate's own signatures."""

    key: KeyPacket
    expires: int | None
    """Seconds since the epoch; None: never."""
    may_sign: bool
    revoked: bool


def key_states(certificate: Certificate) -> tuple[KeyState, ...]:
    """The keys of a certificate by their newest own signatures, the primary key first.

    Raises:
        PacketError: a packet that cannot be read.
    """
    primary = next(iter(certificate.keys.values()))
    return tuple(
        _state(key, kinds, primary.fingerprint)
        for key, kinds in _with_signatures(packets.read_packets(certificate.data))
    )


def _with_signatures(found: tuple[Packet, ...]) -> Iterator[tuple[KeyPacket, list[Packet]]]:
    key, own = None, list[Packet]()
    for packet in found:
        if packet.tag in (packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY):
            if key is not None:
                yield key, own
            key, own = packets.read_key(packet.body), []
        elif packet.tag == packets.SIGNATURE:
            own.append(packet)
    if key is not None:
        yield key, own


def _state(key: KeyPacket, signatures: list[Packet], primary: str) -> KeyState:
    wanted = _SELF_SIGNATURES if key.fingerprint == primary else {_BINDING}
    newest: SignaturePacket | None = None
    flags, revoked = _MAY_SIGN, False
    for packet in signatures:
        facts = packets.read_signature(packet.body, detached=False)
        if not facts.issuer or not primary.endswith(facts.issuer):
            continue  # somebody else's word on the key
        revoked = revoked or facts.kind in (_KEY_REVOCATION, _SUBKEY_REVOCATION)
        if facts.kind in wanted and (newest is None or (facts.created or 0) >= (newest.created or 0)):
            newest, flags = facts, _MAY_SIGN if facts.key_flags is None else facts.key_flags
    lasts = newest.key_expires_after if newest else 0
    return KeyState(key, key.created + lasts if lasts else None, bool(flags & _MAY_SIGN), revoked)


def certificate_until(certificate: Certificate) -> int | None:
    """Expiry of its last key that may sign, in seconds since the epoch; None: never, or not known."""
    try:
        states = key_states(certificate)
    except PacketError:
        return None
    ends = [state.expires for state in states if state.may_sign and not state.revoked]
    last = None if not ends or None in ends else max(end for end in ends if end is not None)
    return _earlier(last, states[0].expires)


def is_revoked_by_owner(entry: Entry) -> bool:
    """Whether the certificate carries its owner's own revocation."""
    try:
        return isinstance(entry, OpenPgpEntry) and key_states(entry.certificate)[0].revoked
    except PacketError:
        return False


def valid_until(entry: Entry) -> int | None:
    """The last moment at which a line's key counts, in seconds since the epoch; None: no end is stated."""
    own = certificate_until(entry.certificate) if isinstance(entry, OpenPgpEntry) else None
    return _earlier(entry.window.before, own)


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((end for end in (one, other) if end is not None), default=None)


def ends_soon(entry: Entry, now: datetime) -> str:
    """The sentence about a key that ends within WARNING_DAYS; empty where it does not, or has ended."""
    until = valid_until(entry)
    left = None if until is None else until - int(now.timestamp())
    if until is None or left is None or not 0 <= left <= WARNING_DAYS * _DAY:
        return ""
    days = left // _DAY
    when = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
    place = f"{FOLDER}/allowed_signers:{entry.line}"
    return (
        f"the signing key of {printable(entry.signer, 80)} ends {when}, on {moment(until)} ({place});"
        " to renew it: envhooks signers add --renew"
    )


def key_ends_soon(lines: Iterable[Entry], now: datetime) -> str:
    """The sentence about a key that may stand in several lines: none where one of them goes on."""
    going = [e for e in lines if e.is_for_git and (valid_until(e) or now.timestamp()) >= now.timestamp()]
    warnings = {valid_until(entry) or 0: ends_soon(entry, now) for entry in going}
    return warnings[max(warnings)] if warnings and all(warnings.values()) else ""


def with_warnings(verdict: Verdict, signers: Signers, now: datetime) -> Verdict:
    """The verdict, and for a good one the warning that its key ends soon."""
    if verdict.status != "good":
        return verdict
    warning = key_ends_soon(_entries(signers, verdict), now)
    return replace(verdict, warnings=(*verdict.warnings, warning)) if warning else verdict


def all_with_warnings(verdicts: Iterable[Verdict], signers: Signers, now: datetime) -> list[Verdict]:
    """Like `with_warnings`, each key looked at once."""
    known: dict[str, tuple[str, ...]] = {}
    warned = []
    for verdict in verdicts:
        if verdict.status == "good" and verdict.key not in known:
            known[verdict.key] = with_warnings(replace(verdict, warnings=()), signers, now).warnings
        more = known[verdict.key] if verdict.status == "good" else ()
        warned.append(replace(verdict, warnings=(*verdict.warnings, *more)) if more else verdict)
    return warned


def _entries(signers: Signers, verdict: Verdict) -> Iterator[SshEntry | OpenPgpEntry]:
    """The lines that hold the key of a good verdict; certificates of a CA end by themselves every day."""
    yield from (entry for entry in signers.ssh if entry.key.fingerprint == verdict.key)
    yield from (entry for entry in signers.openpgp if entry.fingerprint == verdict.key)
