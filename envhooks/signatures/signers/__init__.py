"""Signers: the trust files of the policy, with keys that may sign, their time limits, and the keys that are revoked.

`.envhooks/revoked_keys` holds SSH keys and fingerprints, one a line, or is a binary key revocation list (KRL).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.signatures import packets
from envhooks.signatures.packets import ArmorError, KeyPacket, PacketError, decode_certificate
from envhooks.signatures.signers.lines import SignerLine, Window, matches, read_line
from envhooks.signatures.sshwire import KEY_TYPES, SshError, SshKey, Wire, fingerprint, read_key

_PLACE = ".envhooks/revoked_keys"
_KRL_MAGIC = b"SSHKRL\n\0"
_OPENPGP = r"(?:openpgp[ \t]+)?([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})(?:[ \t].*)?"
_SSH = r"((?:ssh|ecdsa|sk)-[!-~]+)[ \t]+([A-Za-z0-9+/=]+)(?:[ \t].*)?"
_SSH_FINGERPRINT = r"(SHA256:[A-Za-z0-9+/]{43})(?:[ \t].*)?"


@dataclass(frozen=True)
class Revoked:
    """Revoked keys."""

    ssh: frozenset[str] = frozenset()
    """`SHA256:...` of SSH keys, of CAs too."""
    openpgp: frozenset[str] = frozenset()
    """Upper-case fingerprints of primary keys or subkeys."""
    krl: bytes | None = field(default=None, repr=False)
    """A binary KRL, which ssh-keygen reads itself."""


def read_revoked(data: bytes) -> Revoked:
    """Keys that the file revokes.

    The text is read here and not by ssh-keygen, which refuses every signer over one line that it
    cannot read; `openpgp` lines would be such.

    Raises:
        PolicyError: a line, or a KRL, that cannot be read. A revocation that is ignored would be
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
        if type_ in KEY_TYPES:  # cut short it would be a key that nobody has, and revoke none
            read_key(blob, weak_too=True)
    except ValueError as error:
        text = str(error) if isinstance(error, SshError) else "the key is not base64"
        raise PolicyError(text, place=place) from None
    return blob


def _check_krl(data: bytes) -> None:
    """Check that the list is complete: ssh-keygen calls every signature bad for a damaged one."""
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


if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class KeylessSigner:
    """`[[gitsign]]`: somebody, or a workflow, who signs with a certificate for an identity instead of a key."""

    identity: str
    """As the certificate has it, whole: an address, or a workflow's URL."""
    issuer: str
    """The URL of the OpenID Connect issuer that vouched for the identity."""

    def __str__(self) -> str:
        return f"{self.identity} ({self.issuer})"


E = TypeVar("E", bound="Entry")
FOLDER = ".envhooks"
_KEY_FILE = r"keys/([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})\.asc"
SIZE_LIMIT = 4 << 20
"""Bytes of the largest trust file that is read."""


@dataclass(frozen=True)
class Certificate:
    """An OpenPGP certificate file, taken apart."""

    data: bytes
    """Its packets, dearmored."""
    keys: Mapping[str, KeyPacket]
    """Fingerprint -> key, the primary key first."""


@dataclass(frozen=True)
class Entry:
    """One line of allowed_signers, without its key."""

    principals: tuple[str, ...]
    namespaces: tuple[str, ...] | None
    """Namespaces that the key may sign in, as patterns; None: any."""
    window: Window
    line: int

    @property
    def signer(self) -> str:
        """The principal by which people know the line."""
        return self.principals[0]

    @cached_property
    def is_for_git(self) -> bool:
        """Whether the key may sign what git makes."""
        return self.namespaces is None or matches("git", self.namespaces)


@dataclass(frozen=True)
class SshEntry(Entry):
    """A line with an SSH key, or with that of a CA whose certificates are accepted."""

    key: SshKey
    is_ca: bool = False


@dataclass(frozen=True)
class OpenPgpEntry(Entry):
    """A line with an OpenPGP primary fingerprint, and its certificate."""

    fingerprint: str
    """40 or 64 upper-case hexadecimal digits."""
    certificate: Certificate


@dataclass(frozen=True)
class Signers:
    """The allowed signers, and the revoked keys."""

    origin: str
    """Place of the list, for people: `origin/main`."""
    ssh: tuple[SshEntry, ...] = ()
    openpgp: tuple[OpenPgpEntry, ...] = ()
    revoked: Revoked = field(default_factory=Revoked)
    keyless: tuple[KeylessSigner, ...] = ()
    """Identities that may sign through gitsign; they come from the policy, not from a trust file."""
    notes: tuple[str, ...] = ()
    """Remarks for the person that change no verdict."""

    @classmethod
    def empty(cls, origin: str) -> Signers:
        """A list without signers."""
        return cls(origin)

    @property
    def expected(self) -> str:
        """Description of the keys that are accepted, for messages."""
        count = len(self.ssh) + len(self.openpgp)
        on = f" on {printable(self.origin)}" if self.origin else ""
        keys = "the one key" if count == 1 else f"one of {count} keys"
        return (
            f"{keys} in {FOLDER}/allowed_signers{on}" if count else f"a key in {FOLDER}/allowed_signers{on}"
        )


def read_signers(files: Mapping[str, bytes], origin: str) -> Signers:
    """The signers that `.envhooks/` names; `files` maps paths below it to bytes.

    `origin` says for people where they come from: `origin/main`, or `.envhooks on origin/main`.
    A missing or empty allowed_signers names nobody. A weak key may stand there (a list is not the place
    where it does harm); what it signed is refused.

    Raises:
        PolicyError: anything in the files that cannot be read. A signer who is silently dropped or
            added is worse than a gate that says that it cannot judge.
    """
    for path, data in files.items():
        if len(data) > SIZE_LIMIT:
            raise PolicyError("the file is too large", place=f"{FOLDER}/{printable(path)}")
    lines = _read_lines(files.get("allowed_signers", b""))
    certificates, notes = _read_certificates(files, lines)
    ssh, openpgp = [], []
    for line in lines:
        common = (line.principals, line.namespaces, line.window, line.number)
        if line.key is not None:
            ssh.append(SshEntry(*common, key=line.key, is_ca=line.is_ca))
        else:
            openpgp.append(OpenPgpEntry(*common, line.fingerprint, certificates[line.fingerprint]))
    where = origin.removeprefix(f"{FOLDER} on").strip()
    revoked = read_revoked(files["revoked_keys"]) if "revoked_keys" in files else Revoked()
    return Signers(where, tuple(ssh), tuple(openpgp), revoked, notes=notes)


def _read_lines(data: bytes) -> list[SignerLine]:
    found = []
    for number, raw in enumerate(data.split(b"\n"), 1):
        place = f"{FOLDER}/allowed_signers:{number}"
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise PolicyError("the line is not UTF-8", place=place) from None
        line = read_line(text, number, place)
        if line is not None:
            found.append(line)
    return found


def choose(entries: Iterable[E], now: datetime) -> E | None:
    """The line that counts for a key: the first that allows it for git now, else the first; None without any.

    As OpenSSH has it, a key may stand in several lines, such as one for each of its windows.
    """
    found = list(entries)
    allowing = (entry for entry in found if entry.is_for_git and not entry.window.fault(now))
    return next(allowing, found[0] if found else None)


def _read_certificates(
    files: Mapping[str, bytes], lines: Iterable[SignerLine]
) -> tuple[dict[str, Certificate], tuple[str, ...]]:
    """The certificates that lines name, by fingerprint, and notes on those that no line names."""
    named = {line.fingerprint: line for line in lines if line.fingerprint}
    found: dict[str, Certificate] = {}
    notes = []
    for path in sorted(files):
        if not path.startswith("keys/"):
            continue
        match = re.fullmatch(_KEY_FILE, path)
        fingerprint = match[1].upper() if match else ""
        if fingerprint not in named:
            notes.append(f"{FOLDER}/{printable(path)} is ignored: no line of allowed_signers names it")
            continue
        if fingerprint in found:
            raise PolicyError("two files hold this key", place=f"{FOLDER}/{path}", fix="remove one of them")
        found[fingerprint] = read_certificate(files[path], fingerprint, f"{FOLDER}/{path}")
    for fingerprint, line in named.items():
        if fingerprint not in found:
            file = f"{FOLDER}/keys/{fingerprint}.asc"
            raise PolicyError(
                f"the line names an OpenPGP key whose certificate {file} is missing",
                place=f"{FOLDER}/allowed_signers:{line.number}",
                fix=f"gpg --armor --export-options export-minimal --export {fingerprint} > {file}",
            )
    return found, tuple(notes)


def read_certificate(data: bytes, fingerprint: str, place: str) -> Certificate:
    """The certificate in a key file, whose primary key must have this fingerprint.

    The fingerprint is computed here from the key itself, so no file's name has to be believed.

    Raises:
        PolicyError: it is no such file. A trust packet is GnuPG's own bookkeeping, and in a keyring
            that it takes for its own a forged one makes it believe in a foreign subkey.
    """
    fix = f"gpg --armor --export-options export-minimal --export {fingerprint} > {place}"
    try:
        blob = decode_certificate(data)
        found = packets.read_packets(blob)
        tags = [packet.tag for packet in found]
        if packets.SECRET_KEY in tags or packets.SECRET_SUBKEY in tags:
            raise PolicyError(
                "the file holds a SECRET key, which everybody who can read the repository now has: revoke it",
                place=place,
                fix=f"gpg --generate-revocation {fingerprint}",
            )
        strange = sorted(set(tags) - packets.CERTIFICATE_PACKETS)
        if strange:
            raise PacketError(
                f"the file holds an OpenPGP packet of type {strange[0]}, which no key export has"
            )
        if tags[:1] != [packets.PUBLIC_KEY] or tags.count(packets.PUBLIC_KEY) != 1:
            raise PacketError("the file does not hold exactly one OpenPGP certificate")
        key_packets = (p for p in found if p.tag in (packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY))
        keys = [packets.read_key(packet.body) for packet in key_packets]
    except (ArmorError, PacketError) as error:
        raise PolicyError(str(error), place=place, fix=fix) from None
    if keys[0].fingerprint != fingerprint:
        raise PolicyError(
            f"the file holds another key than its name says: {keys[0].fingerprint}", place=place, fix=fix
        )
    return Certificate(blob, {key.fingerprint: key for key in keys})
