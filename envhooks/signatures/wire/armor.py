"""ASCII armor, read strictly: what is let through here reaches a verifier as one binary blob."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

# ssh-keygen wraps at 70 characters, so that the padding may come to stand alone in the last line
_BASE64 = rb"[A-Za-z0-9+/=]{1,100}"
_HEADER = rb"(?:Version|Comment|Hash|Charset|MessageID): [\x20-\x7e]{0,120}"
_MAX_HEADERS = 6
_CERTIFICATE_BEGIN = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_CERTIFICATE_END = b"-----END PGP PUBLIC KEY BLOCK-----"


class ArmorError(ValueError):
    """The armor is not one that a signing program writes; the text is one sentence."""


def decode_base64(lines: Sequence[bytes], *, evenly: bool = True) -> bytes:
    """The bytes that base64 lines stand for; `evenly` wants them wrapped as a program does it.

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
    except (binascii.Error, ValueError):
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
