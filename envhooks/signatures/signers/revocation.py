"""`.envhooks/revoked_keys`: SSH keys and fingerprints, one a line, or a binary key revocation list (KRL)."""

from __future__ import annotations

import base64
import binascii
import re

from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import PolicyError
from envhooks.signatures.wire.sshwire import SshError, Wire, fingerprint

_PLACE = ".envhooks/revoked_keys"
_KRL_MAGIC = b"SSHKRL\n\0"
_OPENPGP = r"(?:openpgp[ \t]+)?([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})(?:[ \t].*)?"
_SSH = r"((?:ssh|ecdsa|sk)-[!-~]+)[ \t]+([A-Za-z0-9+/=]+)(?:[ \t].*)?"
_SSH_FINGERPRINT = r"(SHA256:[A-Za-z0-9+/]{43})(?:[ \t].*)?"


@dataclass(frozen=True)
class Revoked:
    """What is revoked."""

    ssh: frozenset[str] = frozenset()
    """`SHA256:...` of SSH keys, of CAs too."""
    openpgp: frozenset[str] = frozenset()
    """Upper-case fingerprints of primary keys or subkeys."""
    krl: bytes | None = field(default=None, repr=False)
    """A binary KRL, which ssh-keygen reads itself."""


def read_revoked(data: bytes) -> Revoked:
    """What the file revokes.

    The text is read here and not by ssh-keygen, which refuses every signer over one line that it
    cannot read; `openpgp` lines would be such.

    Raises:
        PolicyError: a line, or a KRL, that cannot be read. A revocation that is passed over would be
            the worst of all.
    """
    if data.startswith(_KRL_MAGIC):
        _check_krl(data)
        return Revoked(krl=data)
    ssh, openpgp = set(), set()
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.decode("utf-8", "replace").strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        place = f"{_PLACE}:{number}"
        if match := re.fullmatch(_OPENPGP, line):
            openpgp.add(match[1].upper())
        elif match := re.fullmatch(_SSH_FINGERPRINT, line):
            ssh.add(match[1])
        elif match := re.fullmatch(_SSH, line):
            ssh.add(fingerprint(_revoked_blob(match[1], match[2], place)))
        else:
            raise PolicyError(
                "not a revoked key: an SSH public key, SHA256:..., or a whole OpenPGP fingerprint is expected",
                place=place,
                fix="begin a comment with #",
            )
    return Revoked(frozenset(ssh), frozenset(openpgp))


def _revoked_blob(type_: str, encoded: str, place: str) -> bytes:
    if "-cert-v01@" in type_:
        raise PolicyError(
            "a certificate cannot be revoked here: revoke its key, or its CA's",
            place=place,
            fix="ssh-keygen -k",
        )
    try:
        blob = base64.b64decode(encoded, validate=True)
        if Wire(blob).text() != type_:
            raise SshError("the key is not of the type that the line says")
    except (binascii.Error, ValueError) as error:
        text = str(error) if isinstance(error, SshError) else "the key is not base64"
        raise PolicyError(text, place=place) from None
    return blob


def _check_krl(data: bytes) -> None:
    """That the list is whole: ssh-keygen answers a damaged one by calling every signature bad."""
    wire = Wire(data)
    try:
        wire.take(len(_KRL_MAGIC))
        if wire.number(4) != 1:
            raise SshError("the key revocation list has another version than 1")
        wire.take(24)  # its number, its date and flags
        wire.string()
        wire.string()
        while wire.at < len(data):
            wire.take(1)
            wire.string()
    except SshError as error:
        text = str(error) if "version" in str(error) else "the key revocation list is damaged"
        raise PolicyError(text, place=_PLACE, fix=f"ssh-keygen -Q -l -f {_PLACE}") from None
