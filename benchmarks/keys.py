"""Signers of tags: real keys of gpg and ssh-keygen, used in this process so that 10,000 tags take seconds."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import run

Sign = Callable[[bytes], bytes]
"""The bytes of a tag object without a signature -> the block that goes behind them."""


@dataclass(frozen=True)
class Signer:
    """A key that signs, and what a policy needs to allow it."""

    sign: Sign
    root: dict[str, bytes]
    """Path below `.envhooks/` -> bytes."""
    settings: dict[str, str]
    """git configuration by which `git tag -s` signs and `git verify-tag` verifies with this key."""


def openpgp(home: Path, environ: dict[str, str], algorithm: str = "ed25519") -> Signer:
    """A key made by gpg in `GNUPGHOME`; pysequoia signs with it."""
    import pysequoia

    gpg = ("gpg", "-q", "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "")
    user = f"Alice ({algorithm}) <alice-{algorithm}@example.org>"
    run([*gpg, "--quick-gen-key", user, algorithm, "sign,cert", "1y"], home, environ)
    listed = run(["gpg", "--with-colons", "--list-keys", f"={user}"], home, environ).decode()
    fingerprint = next(line.split(":")[9] for line in listed.split("\n") if line.startswith("fpr:"))
    secret = run([*gpg, "--export-secret-keys", fingerprint], home, environ)
    signer = pysequoia.Cert.from_bytes(secret).secrets.signer()
    public = run([*gpg, "--armor", "--export", fingerprint], home, environ)
    line = f'alice@example.org namespaces="git" openpgp {fingerprint}\n'

    def sign(data: bytes) -> bytes:
        block = bytes(pysequoia.sign(signer, data, mode=pysequoia.SignatureMode.DETACHED))
        return block.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"

    return Signer(
        sign,
        {"allowed_signers": line.encode(), f"keys/{fingerprint}.asc": public},
        {"gpg.format": "openpgp", "user.signingkey": fingerprint},
    )


def ssh(home: Path, environ: dict[str, str]) -> Signer:
    """A key made by ssh-keygen; `cryptography` signs with it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    file = home / "id_ed25519"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f", str(file)], home, environ)
    key = load_ssh_private_key(file.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    kind, encoded = file.with_suffix(".pub").read_text().split()[:2]
    line = f'bob@example.org namespaces="git" {kind} {encoded}\n'
    allowed = home / "allowed_signers"
    allowed.write_text(line)

    def sign(data: bytes) -> bytes:
        head = (b"git", b"", b"sha512")
        message = b"SSHSIG" + b"".join(map(_string, (*head, hashlib.sha512(data).digest())))
        signature = _string(b"ssh-ed25519") + _string(key.sign(message))
        parts = (base64.b64decode(encoded), *head, signature)
        blob = b"SSHSIG" + (1).to_bytes(4, "big") + b"".join(map(_string, parts))
        text = base64.b64encode(blob)
        lines = b"\n".join(text[at : at + 70] for at in range(0, len(text), 70))
        return b"-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n" % lines

    settings = {
        "gpg.format": "ssh",
        "user.signingkey": f"{file}.pub",
        "gpg.ssh.allowedSignersFile": str(allowed),
    }
    return Signer(sign, {"allowed_signers": line.encode()}, settings)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
