"""DSSE envelopes (https://github.com/secure-systems-lab/dsse, version 1): a payload, and signatures over its PAE."""

from __future__ import annotations

import base64
import binascii
import json

from envhooks.base.dataclass import dataclass

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE = 256 << 10
"""Bytes of one envelope; a statement has some 2,000."""
MAX_SIGNATURES = 8


class EnvelopeError(ValueError):
    """The bytes are no envelope as it should be; the text is one sentence."""


@dataclass(frozen=True)
class Signature:
    """One signature over the PAE."""

    keyid: str
    """A hint at the key, which nothing protects."""
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """A payload with its signatures."""

    payload: bytes
    signatures: tuple[Signature, ...]
    payload_type: str = PAYLOAD_TYPE
    bundle: bytes = b""
    """The sigstore bundle around it, as one line of JSON; empty where a key signed."""

    @property
    def signed(self) -> bytes:
        """The bytes that are signed."""
        return pae(self.payload_type, self.payload)

    def encode(self) -> bytes:
        """The one line of JSON that envhooks writes: compact, keys in the order of the specification."""
        if self.bundle:
            return self.bundle
        value = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": one.keyid, "sig": base64.b64encode(one.sig).decode()} for one in self.signatures
            ],
        }
        return json.dumps(value, separators=(",", ":")).encode()


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, version 1."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def decode(line: bytes) -> Envelope:
    """The envelope in a line, which has to be the very bytes that `encode` writes.

    What a signature does not cover (spelling of the JSON, of the base64) would else let a line have twins.

    Raises:
        EnvelopeError: it is something else.
    """
    if len(line) > MAX_ENVELOPE:
        raise EnvelopeError(f"the envelope is {len(line)} bytes long and may have {MAX_ENVELOPE}")
    bundle = b""
    try:
        value = json.loads(line)
        if "dsseEnvelope" in value:
            bundle = json.dumps(value, separators=(",", ":")).encode()
            value = value["dsseEnvelope"]
            value["signatures"] = [{"keyid": "", **one} for one in value["signatures"]]
        signatures = tuple(Signature(str(one["keyid"]), _decode64(one["sig"])) for one in value["signatures"])
        found = Envelope(_decode64(value["payload"]), signatures, str(value["payloadType"]), bundle)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise EnvelopeError("this is no DSSE envelope") from None
    if not 0 < len(signatures) <= MAX_SIGNATURES:
        raise EnvelopeError(
            f"the envelope has {len(signatures)} signatures, and 1 to {MAX_SIGNATURES} are read"
        )
    if found.payload_type != PAYLOAD_TYPE:
        raise EnvelopeError("the envelope holds something else than an in-toto statement")
    if found.encode() != line:
        raise EnvelopeError("the envelope is not written as envhooks writes it: a byte of it was changed")
    return found


def _decode64(text: object) -> bytes:
    if not isinstance(text, str):
        raise EnvelopeError("this is no DSSE envelope")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise EnvelopeError("this is no DSSE envelope") from None
