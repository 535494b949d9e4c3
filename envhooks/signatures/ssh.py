"""SSH signatures, verified by `ssh-keygen -Y verify` against the one line that holds the key.

Git passes the tagger's own date as the time of verification, so that back-dating a tag revives an
expired key. Here the time is now. What ssh-keygen does not look at is looked at here: whether a FIDO key was
touched, RSA below 2048 bits, critical options of certificates.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.signatures import CHANGED, Refused, Undecided, Verdict
from envhooks.signatures.packets import ArmorError, decode_base64
from envhooks.signatures.payload import Armor, Payload
from envhooks.signatures.programs import Running, Work, clean_environment, find_program
from envhooks.signatures.signers import FOLDER, Signers, SshEntry, choose
from envhooks.signatures.signers.lines import matches, moment
from envhooks.signatures.sshwire import (
    SshCertificate,
    SshError,
    SshSignature,
    fingerprint,
    read_signature,
)

SCHEME = "ssh"
_PRINCIPAL = "signer"
_USER_CERTIFICATE = 1


@dataclass(frozen=True)
class Candidate:
    """A signature, and the line of allowed_signers by which it would be accepted."""

    signature: SshSignature
    entry: SshEntry
    signer: str
    """The principal: the line's own, or the one in the certificate that the line's patterns fit."""

    @property
    def verdict(self) -> Verdict:
        """The verdict, once the signature is verified."""
        return Verdict("good", scheme=SCHEME, key=self.signature.key.fingerprint, signer=self.signer)


def find_candidate(armor: Armor, signers: Signers, now: datetime) -> Candidate:
    """Checks of an SSH signature other than the mathematics.

    Raises:
        Refused: it must not be accepted, whether it is mathematically good or not.
    """
    try:
        signature = read_signature(decode_base64(armor.lines))
    except (ArmorError, SshError) as error:
        raise Refused(str(error)) from None
    key, certificate = signature.key, signature.certificate
    if not signature.is_touched:
        raise Refused("the FIDO key that signed was not touched, so nobody need have been there")
    holder = certificate.ca if certificate else key.blob
    found = (e for e in signers.ssh if e.key.blob == holder and e.is_ca == (certificate is not None))
    entry = choose(found, now)
    if entry is None:
        by = f", certified by {fingerprint(holder)}" if certificate else ""
        got = f"SSH key {key.fingerprint} ({key.type}){by}"
        raise Refused("the signing key is not allowed to sign releases", got=got, expected=signers.expected)
    by_holder = fingerprint(holder) if certificate else key.fingerprint
    about = {"key": key.fingerprint, "signer": entry.signer, "got": f"SSH key {key.fingerprint}"}
    if not signers.revoked.ssh.isdisjoint((key.fingerprint, by_holder)):
        raise Refused(f"the signing key is listed in {FOLDER}/revoked_keys", **about)
    if not entry.is_for_git:
        raise Refused("the signing key is not allowed for git by its namespaces", **about)
    outside = entry.window.fault(now)
    if outside:
        expected = f"a time within the window in {FOLDER}/allowed_signers:{entry.line}"
        raise Refused("the signing key is not allowed now", **{**about, "got": outside}, expected=expected)
    signer = _certified(certificate, entry, now) if certificate else entry.signer
    return Candidate(signature, entry, signer)


def _certified(certificate: SshCertificate, entry: SshEntry, now: datetime) -> str:
    """The certificate's principal that the CA's line accepts."""
    about = {"key": certificate.key.fingerprint}
    if certificate.kind != _USER_CERTIFICATE:
        raise Refused("the SSH certificate is one for hosts, not for users", **about)
    if certificate.has_critical_options:
        raise Refused("the SSH certificate is restricted by critical options", **about)
    seconds = int(now.timestamp())
    if seconds < certificate.valid_after:
        got = f"it counts from {moment(certificate.valid_after)} on"
        raise Refused("the SSH certificate does not count yet", got=got, **about)
    if seconds >= certificate.valid_before:
        got = f"it counted until {moment(certificate.valid_before)}"
        raise Refused("the SSH certificate has expired", got=got, **about)
    fitting = (name for name in certificate.principals if name and matches(name, entry.principals))
    signer = next(fitting, None)
    if signer is None:
        raise Refused(
            "the SSH certificate names nobody whom its CA may speak for",
            got=", ".join(certificate.principals)[:200] or "a certificate without principals",
            expected=f"{','.join(entry.principals)} ({FOLDER}/allowed_signers:{entry.line})",
            **about,
        )
    return signer


class Ssh:
    """The verifier of one run. `folder` is private to it; the caller removes it."""

    def __init__(
        self, signers: Signers, now: datetime, folder: str, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Find ssh-keygen; that it is missing is said only when it is needed."""
        self._signers = signers
        self._now = now
        self._folder = folder
        self._environ = clean_environment(folder, environ)
        self._program = find_program("ssh-keygen", environ)
        self._time = now.astimezone(timezone.utc).strftime("%Y%m%d%H%M%S")
        self._files: dict[str, str] = {}
        self._revoked: tuple[str, ...] = ()
        if signers.revoked.krl is not None:
            krl = f"{folder}/revoked.krl"
            Path(krl).write_bytes(signers.revoked.krl)
            self._revoked = ("-r", krl)

    def begin(self, payload: Payload, number: int) -> Work:
        """Start the verification of an SSH signature; `number` distinguishes the tags of a run.

        This and the Work that it returns raise:
            Refused: the signature must not be accepted.
            Undecided: ssh-keygen did not run.
        """
        assert payload.armor is not None, "only a signed tag comes here"
        candidate = find_candidate(payload.armor, self._signers, self._now)
        if self._program is None:
            raise Undecided(
                "ssh-keygen was not found, and it is needed for SSH signatures",
                "apt-get install openssh-client",
            )
        running, file = self._ask(self._program, payload.signed, candidate, number)
        return Work(running, lambda exit_code: self._verdict(exit_code, file, candidate))

    def _verdict(self, exit_code: int, file: str, candidate: Candidate) -> Verdict:
        os.unlink(file)
        if exit_code != 0:
            why = CHANGED
            if self._revoked:
                why += f", or {FOLDER}/revoked_keys revokes the key"
            key = candidate.signature.key.fingerprint
            raise Refused(why, got=f"SSH key {key}", key=key, signer=candidate.entry.signer)
        return candidate.verdict

    def _ask(self, program: str, signed: bytes, candidate: Candidate, number: int) -> tuple[Running, str]:
        """ssh-keygen at work, and the file that it reads the signature from."""
        signature = f"{self._folder}/{number}.sig"
        Path(signature).write_bytes(_armored(candidate.signature.blob))
        command = [
            program, "-Y", "verify", "-n", "git", f"-Overify-time={self._time}", *self._revoked,
            "-f", self._allowed(candidate.entry, number),
            "-I", candidate.signer if candidate.entry.is_ca else _PRINCIPAL,
            "-s", signature,
        ]  # fmt: skip
        return Running(command, signed, self._environ), signature

    def _allowed(self, entry: SshEntry, number: int) -> str:
        """The file with the one line for this entry, which all its tags share."""
        line = _generated_line(entry)
        if line not in self._files:
            file = f"{self._folder}/{number}.allowed_signers"
            Path(file).write_bytes(line.encode())
            # only once it is written, as another thread takes it from here
            self._files.setdefault(line, file)
        return self._files[line]


def _generated_line(entry: SshEntry) -> str:
    """The line as ssh-keygen gets it. OpenSSH reads the `Z` of a time from 9.1 on only; TZ is UTC here."""
    options = ['namespaces="git"']
    if entry.is_ca:
        options.insert(0, "cert-authority")
    for name, seconds in (("valid-after", entry.window.after), ("valid-before", entry.window.before)):
        if seconds is not None and seconds > 0:
            time = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%d%H%M%S")
            options.append(f'{name}="{time}"')
    principals = ",".join(entry.principals) if entry.is_ca else _PRINCIPAL
    key = base64.b64encode(entry.key.blob).decode()
    return f"{principals} {','.join(options)} {entry.key.type} {key}\n"


def _armored(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    lines = b"\n".join(text[at : at + 70] for at in range(0, len(text), 70))
    return b"-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n" % lines
