"""A raw tag object, split into what was signed and the signature, more strictly than git does it.

Git takes the last line that looks like the begin of a signature, strips `gpgsig` headers before it
verifies and ignores text behind the block: each of the three lets a tag say what nobody signed. Here a
tag is four header lines in git's order, a message and at most one block that ends with the object.
"""

from __future__ import annotations

import re
from typing import Literal

from envhooks.base.dataclass import dataclass


@dataclass(frozen=True)
class Annotation:
    """Content of an annotated tag's object, before any of it is verified."""

    name: str
    """The `tag` header: the name that was signed, which need not be the ref's."""
    target: str
    """Object id that the tag points at."""
    target_type: str
    """`commit`, `tree`, `blob` or `tag`, as the header says."""
    tagger: str
    """Name and e-mail as written: a claim that decides nothing."""
    date: int
    """Seconds since the epoch as written: a claim that decides nothing."""
    message: str
    """The message without the signature block; undecodable bytes are surrogates."""
    signed: bool
    """Whether there is anything that looks like a signature block."""


SIZE_LIMIT = 1 << 20
"""Bytes of the largest tag object that is looked at."""

Scheme = Literal["openpgp", "ssh", "x509"]

_BLOCKS: tuple[tuple[Scheme, bytes, bytes], ...] = (
    ("openpgp", b"-----BEGIN PGP SIGNATURE-----", b"-----END PGP SIGNATURE-----"),
    ("ssh", b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"),
    ("x509", b"-----BEGIN SIGNED MESSAGE-----", b"-----END SIGNED MESSAGE-----"),
)
# A verifier that is given one of these would verify what is embedded in it instead of the tag.
_EMBEDDING = (b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN PGP SIGNED MESSAGE-----")
_TYPE = rb"type (commit|tree|blob|tag)"
_NAME = rb"tag ([^\x00-\x20\x7f]+)"
_TAGGER = rb"tagger ([^<>\x00-\x1f\x7f]+ <[^<>\x00-\x1f\x7f]*>) ([0-9]{1,12}) [+-][0-9]{4}"
_ORDER = (b"object", b"type", b"tag", b"tagger")
_CONTROLS = rb"[\x00-\x08\x0b-\x1f\x7f]"


class PayloadError(Exception):
    """The object is not a tag that git would write.

    Attributes:
        message: one sentence without a final full stop.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Armor:
    """One signature block."""

    scheme: Scheme
    lines: tuple[bytes, ...]
    """The lines between the BEGIN and the END line, not decoded."""


@dataclass(frozen=True)
class Payload:
    """A tag object taken apart; nothing in it is believed yet."""

    oid_target: str
    """Object id that the tag points at."""
    target_type: str
    """`commit`, `tree`, `blob` or `tag`."""
    name: str
    """The tag name in the header; undecodable bytes are surrogates."""
    tagger: str
    """`Name <e-mail>` as written."""
    date: int
    """Seconds since the epoch as written."""
    message: str
    """The message without the signature block; undecodable bytes are surrogates."""
    signed: bytes
    """The exact bytes that the signature covers; of an unsigned tag, the whole object."""
    armor: Armor | None
    """None for an unsigned tag and where `fault` is set."""
    fault: str = ""
    """Reason why the signature block, or what it would cover, is malformed; else empty."""

    def annotation(self) -> Annotation:
        """The tag object's own words, for the checks."""
        return Annotation(
            name=self.name,
            target=self.oid_target,
            target_type=self.target_type,
            tagger=self.tagger,
            date=self.date,
            message=self.message,
            signed=self.armor is not None or bool(self.fault),
        )


def split(raw: bytes, oid_length: int) -> Payload:
    """Take the raw bytes of a tag object apart. `oid_length` is 40 or 64 hexadecimal digits.

    Raises:
        PayloadError: the header is not one that git writes. Faults of the signature block are in
            `Payload.fault`.
    """
    if len(raw) > SIZE_LIMIT:
        raise PayloadError(f"the tag object is {len(raw)} bytes long, and at most {SIZE_LIMIT} are read")
    if b"\0" in raw:
        raise PayloadError("the tag object contains a NUL byte, behind which git shows nothing")
    head, blank, _ = raw.partition(b"\n\n")
    if not blank:
        raise PayloadError("the tag object has no blank line between its header and its message")
    target, kind, name, tagger, date = _header(head.split(b"\n"), oid_length)
    start = len(head) + 2
    signed, armor, fault = _signature(raw, start)
    return Payload(
        target, kind, _text(name), _text(tagger), date, _text(signed[start:]), signed, armor, fault
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _header(lines: list[bytes], oid_length: int) -> tuple[str, str, bytes, bytes, int]:
    keys = [line.partition(b" ")[0] for line in lines]
    if tuple(keys) != _ORDER:
        raise PayloadError(_order_fault(keys))
    target = re.fullmatch(rb"object ([0-9a-f]{%d})" % oid_length, lines[0])
    if target is None:
        raise PayloadError(f"the tag's object line does not hold an object id of {oid_length} digits")
    kind = re.fullmatch(_TYPE, lines[1])
    if kind is None:
        raise PayloadError("the tag's type line names no type of object that git knows")
    name = re.fullmatch(_NAME, lines[2])
    if name is None:
        raise PayloadError("the tag's name line is empty or holds blanks or control characters")
    tagger = re.fullmatch(_TAGGER, lines[3])
    if tagger is None:
        raise PayloadError("the tagger line is not of the form: name <e-mail> seconds +hhmm")
    return target[1].decode(), kind[1].decode(), name[1], tagger[1], int(tagger[2])


def _order_fault(keys: list[bytes]) -> str:
    """One sentence on header lines that are not the four of `_ORDER`."""
    extra = next((key for key in keys if key.startswith(b"gpgsig")), None)
    if extra is not None:
        return "the tag's header carries a gpgsig line, which git strips before it verifies"
    double = next((key for key in _ORDER if keys.count(key) > 1), None)
    if double is not None:
        return f"the tag's header has more than one {double.decode()} line"
    if tuple(keys) == _ORDER[:3]:
        return "the tag has no tagger line, as in tags that Git before 0.99.9 made: make it again"
    missing = next((key for key in _ORDER if key not in keys), None)
    if missing is not None:
        return f"the tag's header has no {missing.decode()} line"
    if len(keys) > len(_ORDER):
        return "the tag's header has a line that git does not write"
    return "the tag's header lines are not in git's order: object, type, tag, tagger"


def _signature(raw: bytes, start: int) -> tuple[bytes, Armor | None, str]:
    """(what is signed, the block, fault); `start` is where the message begins."""
    begins: list[tuple[int, bytes]] = []
    offset = start
    for line in raw[start:].split(b"\n"):
        # git, too, looks at how a line begins only
        if line.startswith(b"-----BEGIN ") and line.startswith(_ALL_BEGINS):
            begins.append((offset, line))
        offset += len(line) + 1
    if not begins:
        return raw, None, ""
    position, first = begins[0]
    signed = raw[:position]
    if len(begins) > 1:
        return signed, None, f"the tag has {len(begins)} signature blocks, and one is expected"
    fault = _payload_fault(signed)
    armor = None if fault else _block(first, raw[position:])
    if armor is None and not fault:
        fault = "the tag does not end with one whole signature block: what stands beside it is not signed"
        if first.startswith(_EMBEDDING):
            fault = "the tag carries an OpenPGP message in place of a detached signature"
    return signed, armor, fault


def _payload_fault(signed: bytes) -> str:
    if re.search(_CONTROLS, signed):
        return "the signed text contains control characters, so it does not read as it was signed"
    try:
        signed.decode("utf-8")
    except UnicodeDecodeError:
        return "the signed text is not UTF-8, so it does not read alike everywhere"
    return ""


def _block(first: bytes, block: bytes) -> Armor | None:
    for scheme, begin, end in _BLOCKS:
        if first == begin:
            lines = block.split(b"\n")
            whole = len(lines) > 3 and lines[-1] == b"" and lines[-2] == end and block.count(b"-----") == 4
            return Armor(scheme, tuple(lines[1:-2])) if whole else None
    return None


_ALL_BEGINS = (*(begin for _, begin, _ in _BLOCKS), *_EMBEDDING)
