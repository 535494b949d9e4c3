"""OpenPGP packets (RFC 4880, section 4) and ASCII armor, as far as files and signatures are sorted by them.

Nothing is verified here: GnuPG does that. Both are read strictly, as they decide which bytes reach a
verifier.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

from envhooks.base.dataclass import dataclass

# ssh-keygen wraps at 70 characters, so that the padding may come to stand alone in the last line
_BASE64 = rb"[A-Za-z0-9+/=]{1,100}"
_HEADER = rb"(?:Version|Comment|Hash|Charset|MessageID): [\x20-\x7e]{0,120}"
_MAX_HEADERS = 6
_CERTIFICATE_BEGIN = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_CERTIFICATE_END = b"-----END PGP PUBLIC KEY BLOCK-----"


class ArmorError(ValueError):
    """The armor is not one that a signing program writes; the text is one sentence."""


def decode_base64(lines: Sequence[bytes], *, evenly: bool = True) -> bytes:
    """The bytes that base64 lines encode; `evenly` requires the line lengths that a program writes.

    Raises:
        ArmorError: anything but base64, or a spelling that is not the canonical one: bits behind
            the last byte, or another line break, would let the text change and the signature stand.
    """
    if (
        evenly
        and lines
        and not (set(map(len, lines[:-1])) <= {len(lines[0])} and len(lines[-1]) <= len(lines[0]))
    ):
        raise ArmorError("the signature's armor is not wrapped evenly, as a signing program does it")
    if not lines or not all(re.fullmatch(_BASE64, line) for line in lines):
        raise ArmorError("the signature's armor holds lines that are not base64")
    text = b"".join(lines)
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise ArmorError("the signature's base64 is damaged") from None
    if base64.b64encode(data) != text:
        raise ArmorError("the signature's base64 is not written canonically")
    return data


def decode_openpgp(lines: Sequence[bytes], *, evenly: bool = True) -> bytes:
    """The packets inside OpenPGP armor; `lines` stand between the BEGIN and END lines (RFC 4880, 6.2).

    Raises:
        ArmorError: unknown headers, no base64, or a checksum that does not fit.
    """
    if b"" not in lines:
        raise ArmorError("the OpenPGP armor lacks the blank line before its data")
    start = list(lines).index(b"")
    headers, body = lines[:start], list(lines[start + 1 :])
    if len(headers) > _MAX_HEADERS or not all(re.fullmatch(_HEADER, line) for line in headers):
        raise ArmorError("the OpenPGP armor carries headers that no signing program writes")
    checksum = body.pop() if body and len(body[-1]) == 5 and body[-1].startswith(b"=") else None
    data = decode_base64(body, evenly=evenly)
    if checksum is not None and decode_base64([checksum[1:]]) != _crc24(data).to_bytes(3, "big"):
        raise ArmorError("the OpenPGP armor's checksum does not fit its data")
    return data


def decode_certificate(text: bytes) -> bytes:
    """The packets of an armored OpenPGP certificate file: one block, nothing around it.

    Raises:
        ArmorError: it is not one.
    """
    lines = [line.rstrip(b" \t\r") for line in text.strip().split(b"\n")]
    if lines[0] != _CERTIFICATE_BEGIN or lines[-1] != _CERTIFICATE_END:
        raise ArmorError("the file is not one armored OpenPGP public key block")
    # no id depends on how a key file is wrapped, and people paste them
    return decode_openpgp(lines[1:-1], evenly=False)


def _crc24(data: bytes) -> int:
    """Three bytes at a time, as the sum is three bytes long."""
    first, second, third = _CRC_TABLES
    value, whole = 0xB704CE, len(data) - len(data) % 3
    for at in range(0, whole, 3):
        value ^= int.from_bytes(data[at : at + 3], "big")
        value = first[value >> 16] ^ second[value >> 8 & 0xFF] ^ third[value & 0xFF]
    for byte in data[whole:]:
        value = (value << 8 & 0xFFFFFF) ^ third[value >> 16 ^ byte]
    return value


def _crc_entry(index: int) -> int:
    """The sum of one byte."""
    value = index << 16
    for _ in range(8):
        value <<= 1
        if value & 0x1000000:
            value ^= 0x1864CFB
    return value


_THIRD = tuple(_crc_entry(index) for index in range(256))
_SECOND = tuple((entry << 8 & 0xFFFFFF) ^ _THIRD[entry >> 16] for entry in _THIRD)
_CRC_TABLES = (tuple((entry << 8 & 0xFFFFFF) ^ _THIRD[entry >> 16] for entry in _SECOND), _SECOND, _THIRD)
"""For a byte with two, with one and with no byte behind it."""


SIGNATURE, PUBLIC_KEY, USER_ID, PUBLIC_SUBKEY, USER_ATTRIBUTE = 2, 6, 13, 14, 17
SECRET_KEY, SECRET_SUBKEY = 5, 7
CRITICAL = 0x80
"""The bit in the type of a subpacket that whoever does not know it must not pass over."""
Subpacket = tuple[int, bytes]
"""(type, data)."""
CERTIFICATE_PACKETS = frozenset((SIGNATURE, PUBLIC_KEY, USER_ID, PUBLIC_SUBKEY, USER_ATTRIBUTE))
RSA = frozenset((1, 2, 3))
DSA = 17
EDDSA = 22
ED25519_ORDER = (1 << 252) + 27742317777372353535851937790883648493
"""The group order of Ed25519 (RFC 8032, 5.1): S of a signature lies below it."""
_MPI_COUNT = {1: 1, 3: 1, 17: 2, 19: 2, 22: 2}
"""Signature algorithm -> number of integers: RSA, RSA sign-only, DSA, ECDSA, EdDSA."""


NOT_REDUCED = "the signature's number is written otherwise than by a signing program"
"""Added the order or the modulus, it is another number that GnuPG takes: the tag would have a twin with another id."""


class PacketError(ValueError):
    """The bytes are not OpenPGP packets, or not such as are read here; the text is one sentence."""


@dataclass(frozen=True)
class Packet:
    """One packet."""

    tag: int
    body: bytes
    raw: bytes
    """Header and body as they stand."""


@dataclass(frozen=True)
class KeyPacket:
    """A public key or subkey."""

    fingerprint: str
    """40 (version 4) or 64 upper-case hexadecimal digits."""
    version: int
    algorithm: int
    bits: int
    """Size of the modulus for RSA and DSA; 0 for others, which come in strong sizes only."""
    created: int
    modulus: int = 0
    """Modulus of an RSA key; 0 for others."""

    @property
    def is_weak(self) -> bool:
        """Whether it is an RSA or DSA key below 2048 bits."""
        return (self.algorithm in RSA or self.algorithm == DSA) and self.bits < 2048

    @property
    def kind(self) -> str:
        """`RSA-1024`, for messages."""
        return f"{'DSA' if self.algorithm == DSA else 'RSA'}-{self.bits}"


@dataclass(frozen=True)
class SignaturePacket:
    """Fields of a version 4 signature packet: claims, until GnuPG has verified it."""

    kind: int
    """0: over binary data."""
    algorithm: int
    digest: int
    created: int | None
    """Seconds since the epoch, from the hashed area."""
    expires_after: int
    """Seconds after `created`; 0: never."""
    key_expires_after: int
    """Expiry of the key in a self-signature: seconds after its creation; 0: never."""
    issuer: str
    """Fingerprint or key id of the signing key, as claimed; empty where it names none."""
    numbers: tuple[int, ...] = ()
    """The signature itself; only of one that is read to the last bit."""
    key_flags: int | None = None
    """Rights that a self-signature gives to the key (RFC 4880, 5.2.3.21); None where it states none."""
    hashed: tuple[Subpacket, ...] = ()
    """What the signature covers, `CRITICAL` left in the types."""
    unhashed: tuple[Subpacket, ...] = ()
    """What it does not cover."""


class _Reader:
    """Bounds-checked big-endian reading."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def at_end(self) -> bool:
        return self.at == len(self.data)

    def take(self, count: int) -> bytes:
        start, end = self.at, self.at + count
        if end > len(self.data):
            raise PacketError("an OpenPGP packet ends before its contents do")
        self.at = end
        return self.data[start:end]

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def byte(self) -> int:
        """`number(1)`, which is most of them."""
        if self.at_end:
            raise PacketError("an OpenPGP packet ends before its contents do")
        self.at += 1
        return self.data[self.at - 1]

    def integer(self) -> bytes:
        """A multiprecision integer, its bit count exact: else a changed count could go unnoticed."""
        bits = self.number(2)
        data = self.take((bits + 7) // 8)
        if int.from_bytes(data, "big").bit_length() != bits:
            raise PacketError("an OpenPGP integer is not written canonically")
        return data


def read_packets(data: bytes) -> tuple[Packet, ...]:
    """All packets of a binary blob.

    Raises:
        PacketError: it is damaged, or uses lengths that are not known beforehand.
    """
    reader = _Reader(data)
    packets = []
    while not reader.at_end:
        start = reader.at
        first = reader.byte()
        if not first & 0x80:
            raise PacketError("the data are not OpenPGP packets")
        if first & 0x40:
            tag, length = first & 0x3F, _new_length(reader)
        else:
            tag, width = (first >> 2) & 0x0F, first & 0x03
            if width == 3:
                raise PacketError("an OpenPGP packet does not state its length")
            length = reader.number(1 << width)
        body = reader.take(length)
        packets.append(Packet(tag, body, data[start : reader.at]))
    return tuple(packets)


def _new_length(reader: _Reader) -> int:
    first = reader.byte()
    if first < 192:
        return first
    if first < 224:
        return ((first - 192) << 8) + reader.byte() + 192
    if first == 255:
        return reader.number(4)
    raise PacketError("an OpenPGP packet does not state its length")


def read_key(body: bytes) -> KeyPacket:
    """The facts of a public key or subkey packet.

    Raises:
        PacketError: a damaged packet, or a version without a fingerprint that can be relied on.
    """
    reader = _Reader(body)
    version = reader.byte()
    if version not in (4, 5, 6):
        raise PacketError(f"an OpenPGP key has version {version}, and its fingerprint proves nothing")
    created = reader.number(4)
    algorithm = reader.byte()
    modulus = 0
    if algorithm in RSA or algorithm == DSA:
        if version > 4:
            reader.number(4)
        modulus = int.from_bytes(reader.integer(), "big")
    if version == 4:
        # RFC 4880, 12.2. A second certificate with the same SHA-1 would have to be found for a given one.
        digest = hashlib.sha1(b"\x99" + _length(body, 2) + body, usedforsecurity=False).hexdigest()
    else:
        prefix = b"\x9a" if version == 5 else b"\x9b"
        digest = hashlib.sha256(prefix + _length(body, 4) + body).hexdigest()
    rsa = modulus if algorithm in RSA else 0
    return KeyPacket(digest.upper(), version, algorithm, modulus.bit_length(), created, rsa)


def _length(body: bytes, width: int) -> bytes:
    try:
        return len(body).to_bytes(width, "big")
    except OverflowError:
        raise PacketError("an OpenPGP key is far too long") from None


def read_signature(body: bytes, *, detached: bool) -> SignaturePacket:
    """The facts of a signature packet; `detached` for one over a tag, which is read to the last bit.

    Raises:
        PacketError: a damaged packet, or another version than 4, the only one that GnuPG writes
            for the keys it makes by default.
    """
    reader = _Reader(body)
    version = reader.byte()
    if version != 4:
        raise PacketError(f"the OpenPGP signature has version {version}, and only version 4 is judged")
    kind, algorithm, digest = reader.byte(), reader.byte(), reader.byte()
    areas = [_subpackets(reader.take(reader.number(2))) for _ in range(2)]
    hashed, unhashed = ([(one & ~CRITICAL, data) for one, data in area] for area in areas)
    reader.take(2)
    numbers = _read_rest(reader, algorithm, unhashed) if detached else ()
    created = [_seconds(data) for kind_, data in hashed if kind_ == 2]
    if len(created) > 1:
        raise PacketError("the OpenPGP signature states several dates")
    return SignaturePacket(
        kind,
        algorithm,
        digest,
        created[0] if created else None,
        max((_seconds(data) for kind_, data in hashed if kind_ == 3), default=0),
        max((_seconds(data) for kind_, data in hashed if kind_ == 9), default=0),
        _issuer(hashed, unhashed),
        numbers,
        next((data[0] for kind_, data in hashed if kind_ == 27 and data), None),
        *areas,  # as they stand
    )


def _read_rest(reader: _Reader, algorithm: int, unhashed: list[Subpacket]) -> tuple[int, ...]:
    """The numbers of a signature; refuses other bytes without a digest that no signing program would have put there."""
    if algorithm not in _MPI_COUNT:
        raise PacketError(f"the OpenPGP signature uses algorithm {algorithm}, which is not judged")
    read = [reader.integer() for _ in range(_MPI_COUNT[algorithm])]
    if not reader.at_end:
        raise PacketError("the OpenPGP signature has bytes behind its end")
    if any(kind not in (16, 33) for kind, _ in unhashed):
        raise PacketError("the OpenPGP signature carries more than the issuer outside of what it covers")
    if algorithm == EDDSA and max(map(len, read)) <= 32 and _native(read[1]) >= ED25519_ORDER:
        raise PacketError(NOT_REDUCED)
    return tuple(int.from_bytes(number, "big") for number in read)


def _native(integer: bytes) -> int:
    """S of Ed25519: the integer of OpenPGP is the little-endian string itself, its leading zeros dropped."""
    return int.from_bytes(integer.rjust(32, b"\0"), "little")


def _issuer(hashed: list[Subpacket], unhashed: list[Subpacket]) -> str:
    everything = (*hashed, *unhashed)
    # the first byte is the version of the key
    fingerprints = {data[1:].hex().upper() for kind, data in everything if kind == 33}
    ids = {data.hex().upper() for kind, data in everything if kind == 16}
    if len(fingerprints) > 1 or len(ids) > 1:
        raise PacketError("the OpenPGP signature names several issuers")
    issuer = next(iter(fingerprints), "")
    short = next(iter(ids), "")
    if len(issuer) == 40 and not issuer.endswith(short):
        raise PacketError("the OpenPGP signature's issuer fingerprint and key id contradict each other")
    return issuer or short


def _seconds(data: bytes) -> int:
    if len(data) != 4:
        raise PacketError("the OpenPGP signature holds a damaged date")
    return int.from_bytes(data, "big")


def _subpackets(area: bytes) -> tuple[Subpacket, ...]:
    reader = _Reader(area)
    found = []
    while not reader.at_end:
        length = reader.byte()
        if length == 255:
            length = reader.number(4)
        elif length >= 192:
            length = ((length - 192) << 8) + reader.byte() + 192
        if length == 0:
            raise PacketError("the OpenPGP signature holds an empty subpacket")
        found.append((reader.byte(), reader.take(length - 1)))
    return tuple(found)
