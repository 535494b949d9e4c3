"""The fast path: signatures verified in this process, with the extra `fast` (pysequoia, cryptography).

It only ever says "good", and only where the plain path would: whatever is out of the ordinary (a
revocation, a passed expiry or a changed right anywhere in a certificate, SHA-1, a KRL) goes the plain path, and so
does all that is refused. A thousand good tags take a tenth of a second, a bad one a few milliseconds.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from envhooks.signatures import Refused, Verdict, openpgp, ssh
from envhooks.signatures.openpgp import Signed
from envhooks.signatures.ordinary import is_ordinary, is_plain
from envhooks.signatures.payload import Payload
from envhooks.signatures.signers import OpenPgpEntry, Signers
from envhooks.signatures.sshwire import (
    ED25519,
    NAMESPACE,
    RSA,
    SK_ECDSA,
    SK_ED25519,
    SshKey,
    SshSignature,
    Wire,
    pack,
)

if TYPE_CHECKING:
    import pysequoia
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Fast:
    """The in-process verifier of one run."""

    def __init__(self, signers: Signers, now: datetime) -> None:
        """Import what is installed; without a library its scheme goes the plain path."""
        self._signers = signers
        self._now = now
        self._certificates: dict[str, Any] = {}
        self._verifiers: dict[str, Callable[[Payload], Verdict | None]] = {}
        if _is_installed("pysequoia"):
            self._verifiers["openpgp"] = self._openpgp
        if _is_installed("cryptography"):
            self._verifiers["ssh"] = self._ssh

    def verify(self, payload: Payload) -> Verdict | None:
        """A `good` verdict, or None where the plain path has to judge."""
        verify = self._verifiers.get(payload.armor.scheme) if payload.armor else None
        if verify is None:
            return None
        try:
            return verify(payload)
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException:  # a panic in pysequoia's Rust is no Exception
            return None

    # --------------------------------------------------------------------------------- OpenPGP

    def _openpgp(self, payload: Payload) -> Verdict | None:
        import pysequoia

        assert payload.armor is not None
        detached = openpgp.read_detached(payload, self._now)
        facts = detached.facts
        entries = [entry for entry in self._signers.openpgp if openpgp.holds(entry, facts.issuer)]
        if len(entries) != 1 or facts.expires_after or not is_plain(facts):
            return None
        certificate = self._usable(entries[0])
        if certificate is None:
            return None
        signature = pysequoia.Sig.from_bytes(detached.blob)
        done = pysequoia.verify(bytes=payload.signed, store=lambda _ids: [certificate], signature=signature)
        if len(done.valid_sigs) != 1:
            return None
        valid = done.valid_sigs[0]
        signed = Signed(valid.signing_key.upper(), valid.certificate.upper())
        return openpgp.accept(signed, facts, self._signers, self._now)

    def _usable(self, entry: OpenPgpEntry) -> pysequoia.Cert | None:
        """The certificate, if nothing in it depends on when it is looked at; else None.

        Sequoia judges a key at the date of the signature, which its maker chooses: an expired key, one that was
        revoked as superseded, or one that lost its right to sign, could go on signing with an old date.
        """
        if entry.fingerprint not in self._certificates:
            import pysequoia

            usable = is_ordinary(entry.certificate, self._now.timestamp())
            data = entry.certificate.data
            self._certificates[entry.fingerprint] = pysequoia.Cert.from_bytes(data) if usable else None
        found: pysequoia.Cert | None = self._certificates[entry.fingerprint]
        return found

    # ------------------------------------------------------------------------------------- SSH

    def _ssh(self, payload: Payload) -> Verdict | None:
        assert payload.armor is not None
        if self._signers.revoked.krl is not None:
            return None
        candidate = ssh.find_candidate(payload.armor, self._signers, self._now)
        signature = candidate.signature
        if signature.certificate is not None:
            _verify_certificate(signature)
        verify_ssh(signature, payload.signed)
        return candidate.verdict


def _is_installed(library: str) -> bool:
    from importlib.util import find_spec

    return find_spec(library) is not None


# ------------------------------------------------------------------------------------------ SSH


def _verify_certificate(signature: SshSignature) -> None:
    """Verify that the CA signed the certificate. Raises any error of `cryptography`."""
    from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

    public = Wire(signature.blob[10:]).string()
    line = Wire(public).string() + b" " + base64.b64encode(public)
    certificate = load_ssh_public_identity(line)
    if not isinstance(certificate, SSHCertificate):
        raise Refused("not a certificate")
    certificate.verify_cert_signature()


def verify_ssh(signature: SshSignature, signed: bytes, namespace: bytes = NAMESPACE) -> None:
    """Verify that the key made the signature. Raises any error of `cryptography`."""
    digest = hashlib.new(signature.digest, signed).digest()
    parts = (namespace, b"", signature.digest.encode(), digest)
    message = b"SSHSIG" + b"".join(map(pack, parts))
    key = signature.key
    if key.type in (SK_ED25519, SK_ECDSA):
        message = _fido_message(key, signature.trailer, message)
    if key.type in (ED25519, SK_ED25519):
        _verify_ed25519(key, signature.signature, message)
    elif key.type == RSA:
        _verify_rsa(key, signature, message)
    else:
        _verify_ecdsa(key, signature.signature, message)


def _fields(key: SshKey) -> Wire:
    wire = Wire(key.blob)
    wire.string()  # the type
    return wire


def _fido_message(key: SshKey, trailer: bytes, message: bytes) -> bytes:
    """Bytes that a FIDO key signs in place of the message (PROTOCOL.u2f): they include flags and counter."""
    fields = _fields(key)
    if key.type == SK_ECDSA:
        fields.string()  # the curve
    fields.string()  # the point or key
    application = fields.string()
    return hashlib.sha256(application).digest() + trailer + hashlib.sha256(message).digest()


def _verify_ed25519(key: SshKey, signature: bytes, message: bytes) -> None:
    _ed25519(_fields(key).string()).verify(signature, message)


@lru_cache(maxsize=64)
def _ed25519(public: bytes) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(public)


def _verify_rsa(key: SshKey, signature: SshSignature, message: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    fields = _fields(key)
    exponent, modulus = fields.integer(), fields.integer()
    digest = hashes.SHA256() if signature.type == "rsa-sha2-256" else hashes.SHA512()
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    public.verify(signature.signature, message, padding.PKCS1v15(), digest)


def _verify_ecdsa(key: SshKey, signature: bytes, message: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    curves: dict[bytes, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
        b"nistp256": (ec.SECP256R1(), hashes.SHA256()),
        b"nistp384": (ec.SECP384R1(), hashes.SHA384()),
        b"nistp521": (ec.SECP521R1(), hashes.SHA512()),
    }
    fields, numbers = _fields(key), Wire(signature)
    curve, digest = curves[fields.string()]
    public = ec.EllipticCurvePublicKey.from_encoded_point(curve, fields.string())
    public.verify(encode_dss_signature(numbers.integer(), numbers.integer()), message, ec.ECDSA(digest))
