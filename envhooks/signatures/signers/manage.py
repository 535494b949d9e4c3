"""Keys on their way into the policy: read from files, found in the user's keyring, and refused while it is easy.

A weak, private, expired or revoked key would be refused again and again later, at somebody's release.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Literal

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import PolicyError, UsageError
from envhooks.base.hygiene import printable
from envhooks.signatures import packets
from envhooks.signatures.packets import ArmorError, PacketError, _crc24, decode_certificate
from envhooks.signatures.programs import find_program
from envhooks.signatures.signers import Entry, SshEntry, read_certificate
from envhooks.signatures.signers.expiry import KeyState, key_states
from envhooks.signatures.signers.lines import moment, read_public_key
from envhooks.signatures.signers.ownkey import _open_gpg
from envhooks.signatures.sshwire import KEY_TYPES

SIZE_LIMIT = 4 << 20
"""Bytes of the largest key file that is read."""
_PRIVATE = rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-"
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_ADDRESS = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"
_PRINCIPAL = r"[A-Za-z0-9][A-Za-z0-9._%+@-]{0,199}"
_SHORT_ID = r"(?:0x)?[0-9A-Fa-f]{8}"
_DATE = r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:T?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?)?Z?"
_DEAD = ("e", "r", "d", "i")
"""GnuPG's validity of a key that is expired, revoked, disabled or invalid (its doc/DETAILS)."""


@dataclass(frozen=True)
class NewKey:
    """A public key that is fit to be a signer's."""

    scheme: Literal["openpgp", "ssh"]
    key: str
    """OpenPGP primary fingerprint, or `SHA256:...`."""
    text: str
    """The key's part of a line of allowed_signers: `ssh-ed25519 AAAA...` or `openpgp <fingerprint>`."""
    label: str = ""
    """The address in its comment or first user id, a suggestion for the principal; may be empty."""
    certificate: bytes | None = None
    """The armored OpenPGP certificate; None for an SSH key."""


def read_keys(data: bytes, place: str, now: datetime) -> tuple[NewKey, ...]:
    """The public keys in a file: one OpenPGP certificate, or SSH keys, one a line.

    Raises:
        PolicyError: it holds anything else, or a key that must not become a signer's.
    """
    if len(data) > SIZE_LIMIT:
        raise PolicyError("the file is too large for a public key", place=place)
    if re.search(_PRIVATE, data):
        raise _private(place)
    if data.lstrip().startswith(_ARMOR):
        try:
            return (_openpgp(decode_certificate(data), data, place, now),)
        except ArmorError as error:
            raise PolicyError(str(error), place=place, fix="gpg --armor --export <fingerprint>") from None
    if data[:1] >= b"\x80" and data[:2] not in (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb"):
        return (_openpgp(data, None, place, now),)
    keys = tuple(_ssh_lines(data, place))
    if not keys:
        raise PolicyError("there is no public key in it", place=place, fix="ssh-keygen -t ed25519")
    return keys


def _private(place: str) -> PolicyError:
    return PolicyError(
        "this is a PRIVATE key, and it must never get into a repository; nothing was written",
        place=place,
        fix="give the public key: the file that ends in .pub, or what gpg --armor --export writes",
    )


# ------------------------------------------------------------------------------------------- SSH


def _ssh_lines(data: bytes, place: str) -> list[NewKey]:
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise PolicyError("the file is neither UTF-8 text nor an OpenPGP key", place=place) from None
    found: list[NewKey] = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not text.startswith("#"):
            key = _ssh(text, f"{place}:{number}")
            if all(key.key != other.key for other in found):
                found.append(key)
    return found


def _ssh(text: str, place: str) -> NewKey:
    words = text.split(None, 2)
    if words[0] == "ssh-dss":
        raise PolicyError("DSA keys are too weak", place=place, fix="ssh-keygen -t ed25519")
    if "-cert-v01@" in words[0]:
        text = "this is an SSH certificate: allow its CA by a cert-authority line, or its key without it"
        raise PolicyError(text, place=place)
    if len(words) < 2 or not re.fullmatch(r"(?:ssh|ecdsa|sk)-[!-~]+", words[0]):
        fix = "a line is TYPE BASE64 [COMMENT], as in id_ed25519.pub"
        raise PolicyError("the line is no SSH public key", place=place, fix=fix)
    key = read_public_key(words[0], words[1], place)
    comment = words[2].strip() if len(words) > 2 else ""
    return NewKey("ssh", key.fingerprint, f"{words[0]} {words[1]}", _address(comment))


def _address(text: str) -> str:
    """The address that a comment or user id is, or ends with; a name without one decides nothing."""
    found = re.fullmatch(r"(?:.*<)?([^<>]*)>?", text, re.DOTALL)
    address = found[1] if found else ""
    return address if re.fullmatch(_ADDRESS, address) else ""


# --------------------------------------------------------------------------------------- OpenPGP


def _openpgp(blob: bytes, armored: bytes | None, place: str, now: datetime) -> NewKey:
    try:
        found = packets.read_packets(blob)
        if any(packet.tag in (packets.SECRET_KEY, packets.SECRET_SUBKEY) for packet in found):
            raise _private(place)
        if not found or found[0].tag != packets.PUBLIC_KEY:
            raise PacketError("the file does not hold an OpenPGP certificate")
        fingerprint = packets.read_key(found[0].body).fingerprint
        text = (armored.strip() + b"\n") if armored else armor(blob)
        certificate = read_certificate(text, fingerprint, place)
        _refuse_unfit(key_states(certificate), place, now)
    except PacketError as error:
        raise PolicyError(str(error), place=place) from None
    users = (p.body.decode("utf-8", "replace") for p in found if p.tag == packets.USER_ID)
    label = next(filter(None, map(_address, users)), "")
    return NewKey("openpgp", fingerprint, f"openpgp {fingerprint}", label, text)


def _refuse_unfit(states: tuple[KeyState, ...], place: str, now: datetime) -> None:
    """Raise PolicyError for a certificate with which nobody could sign a release now."""
    primary = states[0]
    if primary.key.version != 4:
        raise PolicyError(f"OpenPGP keys of version {primary.key.version} are not judged", place=place)
    if primary.revoked:
        raise PolicyError("this key is revoked by its owner", place=place)
    signing = [state for state in states if state.may_sign and not state.revoked]
    for state in (primary, *signing):
        if state.key.algorithm == packets.DSA or state.key.is_weak:
            raise PolicyError(f"a key of type {state.key.kind} is too weak", place=place, fix=_NEW_KEY)
    ends = [min(e for e in (primary.expires, state.expires, 1 << 62) if e is not None) for state in signing]
    if not ends:
        raise PolicyError("no key in this certificate may sign", place=place, fix=_NEW_KEY)
    if max(ends) <= now.timestamp():
        fix = f"gpg --quick-set-expire {primary.key.fingerprint} 1y"
        raise PolicyError(f"this key expired on {moment(max(ends))}", place=place, fix=fix)


_NEW_KEY = "gpg --quick-generate-key '<name> <address>' ed25519 sign 2y"


def armor(blob: bytes) -> bytes:
    """OpenPGP packets as an armored public key block (RFC 4880, 6.2)."""
    text = base64.b64encode(blob)
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    checksum = base64.b64encode(_crc24(blob).to_bytes(3, "big"))
    return b"%s\n\n%s\n=%s\n-----END PGP PUBLIC KEY BLOCK-----\n" % (_ARMOR, lines, checksum)


def find_in_keyring(wanted: str, now: datetime, environ: Mapping[str, str] = os.environ) -> NewKey:
    """The one OpenPGP key in the user's keyring that fits a fingerprint, a long key id or an address.

    Raises:
        UsageError: none fits, several do, or the id is short enough to be made to collide.
        PolicyError: the key must not become a signer's.
    """
    shown = printable(wanted, 80)
    if re.fullmatch(_SHORT_ID, wanted):
        text = f"{shown} is a short key id, and a second key with the same one is made in a second"
        raise UsageError(text, fix="gpg --list-keys --fingerprint")
    program = find_program("gpg", environ)
    if program is None:
        raise UsageError("gpg was not found, so its keyring cannot be asked", fix="apt-get install gnupg")
    gpg = _open_gpg(program, environ)
    listed: Any = gpg.list_keys(False, keys=[wanted]) if not wanted.startswith("-") else []
    keys = {str(key["fingerprint"]).upper(): str(key["trust"]) for key in listed}
    usable = [key for key, trust in keys.items() if trust not in _DEAD] or list(keys)
    if not usable:
        text = f"there is no file {shown}, and gpg knows no key of that name"
        raise UsageError(text, fix="gpg --list-keys")
    if len(usable) > 1:
        raise UsageError(f"{len(usable)} keys fit {shown}", fix=f"envhooks signers add {usable[0]}")
    exported = str(gpg.export_keys(usable[0], armor=True, minimal=True)).encode()
    found = read_keys(exported, f"the export of {usable[0]}", now)
    if [key.key for key in found] != usable:
        raise PolicyError("gpg exported another key than the one asked for", place=usable[0])
    return found[0]


# -------------------------------------------------------------------------------------- the line


def check_principal(text: str) -> str:
    """A name for a signer's line, as it is.

    Raises:
        UsageError: it could not stand in the line, or would mean more than one person there.
    """
    if not re.fullmatch(_PRINCIPAL, text) or text in ("openpgp", "legacy", *KEY_TYPES):
        raise UsageError(
            f"a principal is one address or name in ASCII, without blanks, commas and wildcards,"
            f" not {printable(text, 80)}",
            fix="--principal alice@example.org",
        )
    return text


def read_date(text: str) -> int:
    """A day or moment in UTC, `2027-01-31` or `2027-01-31T12:00Z`, as seconds since the epoch.

    Raises:
        ValueError: it is not one.
    """
    match = re.fullmatch(_DATE, text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    return int(datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc).timestamp())


def signer_line(
    principals: str,
    key: str,
    after: int | None,
    before: int | None,
    *,
    namespaces: str | None = "git",
    is_ca: bool = False,
) -> str:
    """A line of allowed_signers, without its line feed; the window in seconds since the epoch."""
    options = ["cert-authority"] if is_ca else []
    options += [f'namespaces="{namespaces}"'] if namespaces is not None else []
    for name, seconds in (("valid-after", after), ("valid-before", before)):
        if seconds is not None:
            options.append(f'{name}="{_written(seconds)}"')
    return " ".join(part for part in (principals, ",".join(options), key) if part)


def _written(seconds: int) -> str:
    """A time as allowed_signers has it: the day alone where it is midnight."""
    text = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%d%H%M%S")
    return text.removesuffix("000000") + "Z"


def key_of(entry: Entry) -> str:
    """The key of a line by the name that people know it by: a fingerprint."""
    return entry.key.fingerprint if isinstance(entry, SshEntry) else str(getattr(entry, "fingerprint", ""))


def key_text(entry: Entry) -> str:
    """The key's part of a line, as `NewKey.text`."""
    if isinstance(entry, SshEntry):
        return f"{entry.key.type} {base64.b64encode(entry.key.blob).decode()}"
    return f"openpgp {key_of(entry)}"
