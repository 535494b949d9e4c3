"""SSH public keys, certificates and signatures (RFC 4251, PROTOCOL.certkeys, PROTOCOL.sshsig), read strictly.

Nothing is verified here: ssh-keygen does that. What is read here is what ssh-keygen does not look at
(touch of a FIDO key, size of an RSA key, critical options) and which line of allowed_signers is meant.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property, lru_cache

from envhooks.base.dataclass import dataclass
from envhooks.signatures.packets import ED25519_ORDER, NOT_REDUCED

ED25519, RSA = "ssh-ed25519", "ssh-rsa"
SK_ED25519, SK_ECDSA = "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"
_CURVES = {
    "ecdsa-sha2-nistp256": (b"nistp256", 65),
    "ecdsa-sha2-nistp384": (b"nistp384", 97),
    "ecdsa-sha2-nistp521": (b"nistp521", 133),
    SK_ECDSA: (b"nistp256", 65),
}
"""Key type -> name of its curve and bytes of an uncompressed point on it."""
KEY_TYPES = frozenset((ED25519, RSA, SK_ED25519, *_CURVES))
FIDO = frozenset((SK_ED25519, SK_ECDSA))
_CERT_SUFFIX = "-cert-v01@openssh.com"
_MAGIC = b"SSHSIG\0\0\0\x01"
NAMESPACE = b"git"
MINIMUM_RSA = 2048
_RSA_SIGNATURES = frozenset(("rsa-sha2-256", "rsa-sha2-512"))
USER_PRESENT = 0x01
_ENDS_EARLY = "an SSH key or signature ends before its contents do"


class SshError(ValueError):
    """The bytes are not what they should be; the text is one sentence."""


@dataclass(frozen=True)
class SshKey:
    """A public key."""

    type: str
    blob: bytes
    """The key as it goes over the wire; two keys are the same where these bytes are."""
    bits: int = 0
    """Size of an RSA modulus; 0 for other types, which come in strong sizes only."""

    @cached_property
    def fingerprint(self) -> str:
        """`SHA256:...`, as ssh-keygen prints it."""
        return fingerprint(self.blob)


@dataclass(frozen=True)
class SshCertificate:
    """A certificate that a CA signed for a key."""

    key: SshKey
    ca: bytes
    """The CA's public key, as it goes over the wire."""
    kind: int
    """1: for users."""
    key_id: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int
    """Seconds since the epoch; 2**64 - 1: for ever."""
    has_critical_options: bool


@dataclass(frozen=True)
class SshSignature:
    """An SSHSIG blob."""

    blob: bytes
    key: SshKey
    certificate: SshCertificate | None
    digest: str
    """`sha256` or `sha512`."""
    type: str
    """The signature's algorithm: the key's type, or `rsa-sha2-...`."""
    signature: bytes
    """The algorithm's own signature."""
    trailer: bytes = b""
    """Trailer of a FIDO key's signature: one byte of flags and four of a counter."""

    @property
    def is_touched(self) -> bool:
        """Whether somebody touched the FIDO key; True for any other key."""
        return self.key.type not in FIDO or bool(self.trailer[0] & USER_PRESENT)


def fingerprint(blob: bytes) -> str:
    """`SHA256:...` of a public key."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return "SHA256:" + digest.rstrip("=")


class Wire:
    """Bounds-checked reading of SSH's wire format."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > len(self.data) - self.at:
            raise SshError(_ENDS_EARLY)
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int) -> int:
        """An unsigned big-endian number of `count` bytes."""
        return int.from_bytes(self.take(count), "big")

    def string(self) -> bytes:
        """A string with its length in front."""
        start = self.at + 4
        end = start + int.from_bytes(self.data[self.at : start], "big")
        if end > len(self.data):
            raise SshError(_ENDS_EARLY)
        self.at = end
        return self.data[start:end]

    def text(self) -> str:
        """A string of printable ASCII."""
        data = self.string()
        if not data.isascii() or not data.decode("ascii").isprintable():
            raise SshError("an SSH key or signature holds text that cannot be printed")
        return data.decode("ascii")

    def integer(self) -> int:
        """A positive multiprecision integer in its canonical form."""
        data = self.string()
        value = int.from_bytes(data, "big")
        if not value or data != value.to_bytes(value.bit_length() // 8 + 1, "big"):
            raise SshError("an SSH key or signature holds an integer that is not written canonically")
        return value

    def end(self) -> None:
        """Check that nothing follows."""
        if self.at != len(self.data):
            raise SshError("an SSH key or signature has bytes behind its end")


def pack(data: bytes) -> bytes:
    """A string as it goes over the wire."""
    return len(data).to_bytes(4, "big") + data


@lru_cache(maxsize=64)  # a thousand tags are signed with a few keys
def read_key(blob: bytes, *, weak_too: bool = False) -> SshKey:
    """The public key in these bytes. `weak_too` is for lists: what a weak key signed is refused all the same.

    Raises:
        SshError: damaged, of a type that is not accepted, or RSA below 2048 bits.
    """
    wire = Wire(blob)
    type_ = wire.text()
    bits = _key_fields(wire, type_, weak_too)
    wire.end()
    return SshKey(type_, blob, bits)


def _key_fields(wire: Wire, type_: str, weak_too: bool = False) -> int:
    """Read past a key's own fields; the size of an RSA modulus, else 0."""
    if type_ not in KEY_TYPES:
        raise SshError(f"SSH keys of type {type_[:60]} are not accepted")
    if type_ == RSA:
        exponent, modulus = wire.integer(), wire.integer()
        if modulus.bit_length() < MINIMUM_RSA and not weak_too:
            raise SshError(f"an RSA key of {modulus.bit_length()} bits is too weak: {MINIMUM_RSA} are needed")
        if exponent < 3 or not exponent & 1 or not modulus & 1:
            raise SshError("an RSA key has numbers that no RSA key can have")
        return modulus.bit_length()
    if type_ in _CURVES:
        curve, size = _CURVES[type_]
        named, point = wire.string(), wire.string()
        if named != curve or len(point) != size or point[0] != 4:
            raise SshError("an ECDSA key does not hold a point of its curve")
    elif len(wire.string()) != 32:
        raise SshError("an Ed25519 key is not 32 bytes long")
    if type_ in FIDO:
        wire.text()  # the application
    return 0


def read_certificate(blob: bytes) -> SshCertificate:
    """The certificate in these bytes.

    Raises:
        SshError: damaged, or its key, its CA or the CA's signature is of a kind that is not accepted.
    """
    wire = Wire(blob)
    type_ = wire.text()
    if not type_.endswith(_CERT_SUFFIX):
        raise SshError("this is no SSH certificate")
    plain = type_.removesuffix(_CERT_SUFFIX)
    plain = plain + "@openssh.com" if plain.startswith("sk-") else plain
    wire.string()  # the nonce
    start = wire.at
    bits = _key_fields(wire, plain)
    key = SshKey(plain, pack(plain.encode()) + blob[start : wire.at], bits)
    wire.number(8)  # the serial number
    kind, key_id = wire.number(4), wire.string()
    if b"\0" in key_id:  # for OpenSSH its text would end there
        raise SshError("an SSH certificate's key id holds a zero byte")
    principals = _principals(wire.string())
    after, before = wire.number(8), wire.number(8)
    critical = wire.string()
    wire.string()  # extensions
    wire.string()  # reserved
    ca = read_key(wire.string())
    _, _, trailer = _read_raw_signature(wire.string(), ca.type)
    if trailer and not trailer[0] & USER_PRESENT:
        raise SshError("the FIDO key of the CA was not touched when it signed the certificate")
    wire.end()
    name = key_id.decode("utf-8", "replace")
    return SshCertificate(key, ca.blob, kind, name, principals, after, before, bool(critical))


def _principals(data: bytes) -> tuple[str, ...]:
    wire = Wire(data)
    found = []
    while wire.at < len(data):
        found.append(wire.text())
    # OpenSSH's own limit on their number; patterns are matched against them before anything is proven
    if len(found) > 256 or any(len(name) > 256 for name in found):
        raise SshError("an SSH certificate names too many principals, or too long ones")
    return tuple(found)


def is_signature(blob: bytes) -> bool:
    """Whether these bytes begin as an SSHSIG does."""
    return blob.startswith(_MAGIC)


def read_signature(blob: bytes, wanted: bytes = NAMESPACE) -> SshSignature:
    """The SSHSIG in these bytes, made for git, or for another namespace.

    Raises:
        SshError: damaged, for another purpose than the wanted one, or by algorithms that are not accepted.
    """
    if not blob.startswith(_MAGIC):
        raise SshError("the SSH signature has another form than version 1")
    wire = Wire(blob)
    wire.take(len(_MAGIC))
    public, namespace, reserved, digest = wire.string(), wire.string(), wire.string(), wire.string()
    raw = wire.string()
    wire.end()
    if namespace != wanted:
        raise SshError(f"the SSH signature was made for another purpose than {wanted.decode()}")
    if reserved:
        raise SshError("the SSH signature uses a field that is reserved")
    if digest not in (b"sha256", b"sha512"):
        raise SshError("the SSH signature uses a digest that is not accepted")
    is_certificate = Wire(public).text().endswith(_CERT_SUFFIX)
    certificate = read_certificate(public) if is_certificate else None
    key = certificate.key if certificate else read_key(public)
    type_, signature, trailer = _read_raw_signature(raw, key.type)
    return SshSignature(blob, key, certificate, digest.decode(), type_, signature, trailer)


def _read_raw_signature(raw: bytes, key_type: str) -> tuple[str, bytes, bytes]:
    """(algorithm, signature, FIDO trailer) of a signature that a key of `key_type` made."""
    wire = Wire(raw)
    type_, signature = wire.text(), wire.string()
    trailer = wire.take(5) if key_type in FIDO else b""
    wire.end()
    # "ssh-rsa" would be SHA-1; a type of another family would be verified by other rules
    if type_ not in (_RSA_SIGNATURES if key_type == RSA else {key_type}):
        raise SshError("the SSH signature's algorithm does not go with its key, or is outdated")
    if key_type in (ED25519, SK_ED25519) and len(signature) != 64:
        raise SshError("an Ed25519 signature is not 64 bytes long")
    if key_type in (ED25519, SK_ED25519) and int.from_bytes(signature[32:], "little") >= ED25519_ORDER:
        # OpenSSH takes S + order too: the tag would have a twin with another id
        raise SshError(NOT_REDUCED)
    if key_type in _CURVES:
        numbers = Wire(signature)
        numbers.integer()
        numbers.integer()
        numbers.end()
    return type_, signature, trailer
