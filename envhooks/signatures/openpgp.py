"""OpenPGP signatures, verified by gpgv (or gpg, where gpgv is missing) against the policy's certificates only.

GnuPG is given a keyring that holds nothing but the packets of those certificates, one binary
signature packet and the signed bytes. Whether to accept is decided from its status lines (its doc/DETAILS) and by the
rules here: GnuPG exits with 0 and prints VALIDSIG for keys that are revoked or expired, so neither is an answer.
Status lines are parsed as bytes and end in a line feed and in nothing else: a user id or a notation may hold every
other byte that some decoder takes for the end of a line.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from envhooks.base.dataclass import dataclass
from envhooks.base.hygiene import printable
from envhooks.signatures import CHANGED, Refused, Undecided, Verdict, packets
from envhooks.signatures.packets import ArmorError, PacketError, SignaturePacket, decode_openpgp
from envhooks.signatures.payload import Payload
from envhooks.signatures.programs import (
    Running,
    Work,
    clean_environment,
    find_program,
    nameless,
    program_name,
    run,
)
from envhooks.signatures.signers import FOLDER, OpenPgpEntry, Signers, choose

DIGESTS = {8: "sha256", 9: "sha384", 10: "sha512"}
"""The digests that are accepted, by their OpenPGP number (RFC 9580, 9.5)."""
_SHA3 = (12, 14)
"""Strong ones that GnuPG does not have: what one program refuses, another must not accept."""


class UnknownKey(Refused):
    """The signing key is not in the keyring that GnuPG was given."""


class UnusableKey(Refused):
    """The signing key is not one that its certificate vouches for."""


class ExpiredKey(Refused):
    """The signing key has expired."""


_PREFIX = b"[GNUPG:] "
_ONCE = (b"NEWSIG", b"GOODSIG", b"VALIDSIG")
UNUSABLE = "the signing key is not one that its certificate vouches for by more than SHA-1"
NO_RIGHT = "the signing key has no right to sign, by its own certificate"
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
_FINGERPRINT = rb"[0-9A-F]{40}"  # GnuPG is given keys of version 4 alone
_ACCEPTED = "SHA-256, SHA-384 or SHA-512"
_DIGEST_WORDS = frozenset(b"%d" % digest for digest in DIGESTS)


@dataclass(frozen=True)
class Signed:
    """The key of a signature that GnuPG calls good."""

    key: str
    """Fingerprint of the key that signed: the primary key or a subkey."""
    primary: str
    """Fingerprint of its primary key; allowed_signers goes by this one."""


def judge_status(status: bytes, exit_code: int) -> Signed:
    """The key that made the signature, if it is exactly one good signature.

    Raises:
        Refused: it is anything else. `key` is set where GnuPG states it.
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
    if valid[8] not in _DIGEST_WORDS:
        raise Refused("the signature uses a digest that is too weak", expected=_ACCEPTED)


SCHEME = "openpgp"
CLOCK_SKEW = 86400
"""Seconds that a signer's clock may be ahead of ours."""
LONGEST = 10_000
"""Bytes of the longest signature; of a longer one GnuPG reads none."""
# Both programs, alike: a certificate that is bound by SHA-1 alone can be forged (CVE-2019-14855).
_RULES = ("--weak-digest", "SHA1")
_GPG = (
    "--batch", "--no-options", "--no-autostart", "--no-auto-key-retrieve", "--disable-dirmngr",
    "--no-auto-check-trustdb", "--trust-model", "always", "--require-cross-certification",
    # GnuPG 2.4.7 of Debian 13 imports a key whose self-signature is missing or by SHA-1 unless told not to
    "--no-allow-non-selfsigned-uid", *_RULES,
)  # fmt: skip


@dataclass(frozen=True)
class Detached:
    """One signature packet that is fit to be verified."""

    blob: bytes
    facts: SignaturePacket


def read_detached(payload: Payload, now: datetime) -> Detached:
    """The one signature packet of a tag's signature block.

    Raises:
        Refused: it is damaged, or of a kind that is never accepted.
    """
    assert payload.armor is not None, "only a signed tag comes here"
    try:
        blob = decode_openpgp(payload.armor.lines)
        found = packets.read_packets(blob) if len(blob) <= LONGEST else ()
        if len(found) != 1 or found[0].tag != packets.SIGNATURE:
            raise PacketError("the signature block does not hold exactly one OpenPGP signature")
        facts = packets.read_signature(found[0].body, detached=True)
    except (ArmorError, PacketError) as error:
        raise Refused(str(error)) from None
    if facts.kind != 0:
        raise Refused("the signature is not one over binary data")
    if facts.digest in _SHA3:
        raise Refused("the signature uses SHA-3, which GnuPG does not know", expected=_ACCEPTED)
    if facts.digest not in DIGESTS:
        raise Refused("the signature uses a digest that is too weak", expected=_ACCEPTED)
    if facts.created is None:
        raise Refused("the OpenPGP signature states no date")
    if facts.created > now.timestamp() + CLOCK_SKEW:
        raise Refused("the signature is dated in the future")
    if not _fits_prefix(payload.signed, found[0].body):
        raise Refused(CHANGED)
    return Detached(blob, facts)


def _fits_prefix(signed: bytes, body: bytes) -> bool:
    """Whether the two bytes of the digest that stand in the clear are right (RFC 4880, 5.2.3).

    Neither GnuPG nor Sequoia insists, and so the object, and its id, could change with nobody noticing.
    """
    hashed = 6 + int.from_bytes(body[4:6], "big")
    trailer = b"\x04\xff" + hashed.to_bytes(4, "big")
    digest = hashlib.new(DIGESTS[body[3]], signed + body[:hashed] + trailer).digest()
    at = hashed + 2 + int.from_bytes(body[hashed : hashed + 2], "big")
    return digest[:2] == body[at : at + 2]


def accept(signed: Signed, facts: SignaturePacket, signers: Signers, now: datetime) -> Verdict:
    """The verdict on a signature that is mathematically good: is this key allowed, strong, and of today?

    Raises:
        Refused: it is not.
    """
    entry = find_entry(signed.primary, signers, now)
    about = {"key": signed.primary, "signer": entry.signer}
    if not signers.revoked.openpgp.isdisjoint((signed.primary, signed.key)):
        raise Refused(f"the signing key is listed in {FOLDER}/revoked_keys", got=signed.primary, **about)
    if not entry.is_for_git:
        raise Refused("the signing key is not allowed for git by its namespaces", got=signed.primary, **about)
    outside = entry.window.fault(now)
    if outside:
        raise Refused("the signing key is not allowed now", got=outside, expected=_line(entry), **about)
    for fingerprint in (signed.primary, signed.key):
        key = entry.certificate.keys.get(fingerprint)
        if key is None:
            raise Refused("the signing key is not in its certificate", got=fingerprint, **about)
        if key.is_weak:
            raise Refused("the signing key is too weak", got=key.kind, expected="2048 bits or more", **about)
    modulus = entry.certificate.keys[signed.key].modulus
    if modulus and facts.numbers[0] >= modulus:
        raise Refused(packets.NOT_REDUCED, **about)
    return Verdict("good", scheme=SCHEME, key=signed.primary, signer=entry.signer)


def find_entry(primary: str, signers: Signers, now: datetime) -> OpenPgpEntry:
    """The line that allows this primary key.

    Raises:
        Refused: none does.
    """
    found = choose((entry for entry in signers.openpgp if entry.fingerprint == primary), now)
    if found is None:
        raise not_allowed(primary, signers)
    return found


def holds(entry: OpenPgpEntry, issuer: str) -> bool:
    """Whether the certificate has the key that a signature claims to be from."""
    return len(issuer) >= 16 and any(key.endswith(issuer) for key in entry.certificate.keys)


def not_allowed(claim: str, signers: Signers) -> Refused:
    """The refusal of a key that no line names."""
    got = f"OpenPGP key {printable(claim, 64)}" if claim else "an OpenPGP key that names no issuer"
    return Refused("the signing key is not allowed to sign releases", got=got, expected=signers.expected)


def _line(entry: OpenPgpEntry) -> str:
    return f"a time within the window in {FOLDER}/allowed_signers:{entry.line}"


class OpenPgp:
    """The verifier of one run. `folder` is private to it; the caller removes it."""

    def __init__(
        self, signers: Signers, now: datetime, folder: str, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Lay out the keyring; that no program can be had is said only when one is needed."""
        self._signers = signers
        self._now = now
        self._folder = folder
        self._environ = clean_environment(folder, environ)
        self._keyring = f"{folder}/allowed.gpg"
        # GnuPG stumbles over a key of a version that it does not know, and drops those behind it
        known = (e for e in signers.openpgp if e.certificate.keys[e.fingerprint].version == 4)
        Path(self._keyring).write_bytes(b"".join(dict.fromkeys(entry.certificate.data for entry in known)))
        self._command: list[str] | Undecided
        try:
            self._command = self._find_command(environ)
        except Undecided as undecided:
            self._command = undecided

    def _find_command(self, environ: Mapping[str, str]) -> list[str]:
        gpgv = find_program("gpgv", environ)
        if gpgv is not None:
            return [gpgv, "--homedir", self._folder, "--keyring", self._keyring, *_RULES]
        gpg = find_program("gpg", environ)
        if gpg is None:
            raise Undecided(
                "neither gpgv nor gpg was found, and one of them is needed for OpenPGP signatures",
                "apt-get install gpgv",
            )
        home = f"{self._folder}/home"
        os.mkdir(home, 0o700)
        command = [gpg, "--homedir", home, *_GPG]
        # never --keyring here: gpg trusts the cached results in a keyring that it takes for its own
        if os.path.getsize(self._keyring):
            run([*command, "--quiet", "--import", self._keyring], b"", self._environ)
        return command

    def begin(self, payload: Payload, number: int) -> Work:
        """Start the verification of an OpenPGP signature; `number` distinguishes the tags of a run.

        This and the Work that it returns raise:
            Refused: the signature must not be accepted.
            Undecided: GnuPG did not run.
        """
        detached = read_detached(payload, self._now)
        claim = detached.facts.issuer
        if not self._signers.openpgp:
            raise not_allowed(claim, self._signers)
        if isinstance(self._command, Undecided):
            raise self._command
        program = self._command
        file = f"{self._folder}/{number}.sig"
        Path(file).write_bytes(detached.blob)
        status = nameless(self._folder)  # a file: a pipe could fill up while GnuPG still reads
        verify = () if program_name(program[0]) == "gpgv" else ("--verify",)
        command = [*program, "--status-fd", str(status.fileno()), *verify, file, "-"]
        try:
            running = Running(command, payload.signed, self._environ, (status.fileno(),))
        except BaseException:
            status.close()
            raise
        return Work(running, lambda exit_code: self._verdict(exit_code, status, file, detached), status.close)

    def _verdict(self, exit_code: int, status: IO[bytes], file: str, detached: Detached) -> Verdict:
        status.seek(0)
        found = status.read()
        os.unlink(file)
        try:
            signed = judge_status(found, exit_code)
        except Refused as refused:
            raise self._explained(refused, detached.facts.issuer) from None
        return accept(signed, detached.facts, self._signers, self._now)

    def _explained(self, refused: Refused, claim: str) -> Refused:
        """The refusal with what is known of the key from the policy; GnuPG proves `key`, the tag claims `claim`."""
        proven = next((entry for entry in self._signers.openpgp if entry.fingerprint == refused.key), None)
        claimed = next((entry for entry in self._signers.openpgp if holds(entry, claim)), None)
        if claimed is None and isinstance(refused, UnknownKey):
            return not_allowed(claim, self._signers)
        why, fix = refused.why, refused.fix
        if isinstance(refused, (UnknownKey, UnusableKey)) and claimed is not None:
            # gpg does not import a key that gpgv finds and does not use
            why, fix = UNUSABLE, _renewal(claimed.fingerprint)
            if _may_not_sign(claimed, claim):
                why, fix = NO_RIGHT, _signing_subkey(claimed.fingerprint)
        elif isinstance(refused, ExpiredKey) and proven is not None:
            ended = _ended_parts(proven, claim, self._now)
            fix = _renewal(proven.fingerprint, ended)
        got = proven.fingerprint if proven else claim
        return Refused(
            why,
            got=f"OpenPGP key {got}" if got else "",
            expected=refused.expected,
            fix=fix,
            key=proven.fingerprint if proven else "",
            signer=proven.signer if proven else "",
        )


def _may_not_sign(entry: OpenPgpEntry, issuer: str) -> bool:
    """Whether the certificate's own signatures give this key no right to sign."""
    from envhooks.signatures.signers.expiry import key_states  # only a refusal needs it

    try:
        states = key_states(entry.certificate)
    except PacketError:
        return False
    return any(state.key.fingerprint.endswith(issuer) and not state.may_sign for state in states)


def _ended_parts(entry: OpenPgpEntry, issuer: str, now: datetime) -> list[str]:
    """Fingerprints of the primary key and of the subkey that signed, as far as they have expired."""
    from envhooks.signatures.signers.expiry import key_states  # only a refusal needs it

    try:
        states = key_states(entry.certificate)
    except PacketError:
        return []
    return [
        state.key.fingerprint
        for state in states
        if state.key.fingerprint == entry.fingerprint or (issuer and state.key.fingerprint.endswith(issuer))
        if state.expires is not None and state.expires <= now.timestamp()
    ]


def _renewal(key: str, parts: Sequence[str] = ()) -> str:
    """The command that lets these parts of a key last longer; the primary key by default."""
    extend = f"gpg --cert-digest-algo SHA256 --quick-set-expire {key} 1y"
    # with a second fingerprint it is the subkey that is extended, and the primary key stays as it is
    steps = [extend if part == key else f"{extend} {part}" for part in parts or (key,)]
    return " && ".join((*steps, _export(key)))


def _signing_subkey(key: str) -> str:
    return f"gpg --quick-add-key {key} ed25519 sign 2y && {_export(key)}"


def _export(key: str) -> str:
    return f"gpg --armor --export-options export-minimal --export {key} > {FOLDER}/keys/{key}.asc"
