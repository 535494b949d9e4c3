"""A Sigstore of the tests' own: a certificate authority, a log of certificates and a log of signatures, all in memory.

Made after Fulcio's and Rekor's documentation and RFC 6962; what it signs is verified by the real client library.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from envhooks.records.dsse import PAYLOAD_TYPE, pae

ISSUER_OID = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
SCT_OID = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
SHA256 = ec.ECDSA(hashes.SHA256())
Key = ec.EllipticCurvePrivateKey


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def der_of(key: Key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def usage(*, signs: bool = False, certifies: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(signs, False, False, False, False, certifies, certifies, False, False)


class OwnSigstore:
    """All services in one."""

    def __init__(self) -> None:
        self.authority, self.log, self.certificates_log = (
            ec.generate_private_key(ec.SECP256R1()) for _ in range(3)
        )
        self.now = datetime.now(timezone.utc).replace(microsecond=0)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sigstore of tests")])
        key = self.authority
        self.root = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - timedelta(days=100))
            .not_valid_after(self.now + timedelta(days=100))
            .add_extension(x509.BasicConstraints(True, 0), critical=True)
            .add_extension(usage(certifies=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )

    def trusted_root(self, folder: Path) -> Path:
        """The file that a client trusts."""
        period = {"start": (self.now - timedelta(days=100)).isoformat().replace("+00:00", "Z")}

        def instance(key: Key) -> dict[str, Any]:
            return {
                "baseUrl": "https://log.example.org",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(der_of(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": period,
                },
                "logId": {"keyId": b64(hashlib.sha256(der_of(key)).digest())},
            }

        document = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [instance(self.log)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "tests", "commonName": "sigstore of tests"},
                    "uri": "https://ca.example.org",
                    "certChain": {
                        "certificates": [
                            {"rawBytes": b64(self.root.public_bytes(serialization.Encoding.DER))}
                        ]
                    },
                    "validFor": period,
                }
            ],
            "ctlogs": [instance(self.certificates_log)],
            "timestampAuthorities": [],
        }
        file = folder / "trusted_root.json"
        file.write_text(json.dumps(document))
        return file

    def certificate(self, key: Key, identity: str, issuer: str, at: datetime) -> x509.Certificate:
        """A certificate for an identity, for ten minutes, with the promise of the log of certificates in it."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - timedelta(minutes=1))
            .not_valid_after(at + timedelta(minutes=9))
            .add_extension(usage(signs=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key()),
                critical=False,
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), critical=True
            )
            .add_extension(x509.UnrecognizedExtension(ISSUER_OID, issuer.encode()), critical=False)
        )
        before = builder.sign(self.authority, hashes.SHA256()).tbs_certificate_bytes
        milliseconds = int(at.timestamp() * 1000)
        entry = hashlib.sha256(der_of(self.authority)).digest() + struct.pack("!I", len(before))[1:] + before
        promised = struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + b"\0\0"
        signature = self.certificates_log.sign(promised, SHA256)
        promise = b"\0" + hashlib.sha256(der_of(self.certificates_log)).digest()
        promise += (
            struct.pack("!QH", milliseconds, 0) + b"\4\3" + struct.pack("!H", len(signature)) + signature
        )
        listed = struct.pack("!H", len(promise)) + promise
        value = struct.pack("!H", len(listed)) + listed
        octets = (
            b"\x04" + (bytes([len(value)]) if len(value) < 128 else b"\x81" + bytes([len(value)])) + value
        )
        return builder.add_extension(x509.UnrecognizedExtension(SCT_OID, octets), critical=False).sign(
            self.authority, hashes.SHA256()
        )

    def sign(self, payload: bytes, identity: str, issuer: str, at: datetime | None = None) -> bytes:
        """The bundle over a statement, one line of JSON."""
        at = at or self.now
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.certificate(key, identity, issuer, at)
        signature = key.sign(pae(PAYLOAD_TYPE, payload), SHA256)
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        body = rfc8785.dumps(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
                    "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
                    "signatures": [{"signature": b64(signature), "verifier": b64(pem)}],
                },
            }
        )
        log_id = hashlib.sha256(der_of(self.log)).digest()
        integrated = int(at.timestamp())
        told: dict[str, Any] = {
            "body": b64(body),
            "integratedTime": integrated,
            "logID": log_id.hex(),
            "logIndex": 0,
        }
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"log.example.org\n1\n{b64(root)}\n"
        signed_note = log_id[:4] + self.log.sign(note.encode(), SHA256)
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(certificate.public_bytes(serialization.Encoding.DER))},
                "tlogEntries": [
                    {
                        "logIndex": "0",
                        "logId": {"keyId": b64(log_id)},
                        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
                        "integratedTime": str(integrated),
                        "inclusionPromise": {
                            "signedEntryTimestamp": b64(self.log.sign(rfc8785.dumps(told), SHA256))
                        },
                        "inclusionProof": {
                            "logIndex": "0",
                            "rootHash": b64(root),
                            "treeSize": "1",
                            "hashes": [],
                            "checkpoint": {
                                "envelope": f"{note}\n\u2014 log.example.org {b64(signed_note)}\n"
                            },
                        },
                        "canonicalizedBody": b64(body),
                    }
                ],
            },
            "dsseEnvelope": {
                "payload": b64(payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": b64(signature)}],
            },
        }
        return json.dumps(bundle, separators=(",", ":")).encode()
