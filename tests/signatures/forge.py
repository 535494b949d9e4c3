"""Keys and signatures built byte by byte: what gpg and ssh-keygen refuse to make, and attackers do not."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from envhooks.signatures.sshwire import SK_ECDSA, SK_ED25519, pack

YEAR = 365 * 86400
ED25519_ORDER = (1 << 252) + 27742317777372353535851937790883648493
_DIGESTS = {
    2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224", 12: "sha3_256", 14: "sha3_512",
}  # fmt: skip
Subpacket = tuple[int, bytes]


def number(value: int, width: int = 4) -> bytes:
    return value.to_bytes(width, "big")


def mpi(data: bytes) -> bytes:
    value = int.from_bytes(data, "big")
    return number(value.bit_length(), 2) + value.to_bytes((value.bit_length() + 7) // 8, "big")


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 0xFF]) + number(len(body)) + body


def area(subpackets: Sequence[Subpacket]) -> bytes:
    body = b"".join(b"\xff" + number(len(data) + 1) + bytes([kind]) + data for kind, data in subpackets)
    return number(len(body), 2) + body


def crc24(data: bytes) -> bytes:
    value = 0xB704CE
    for byte in data:
        value ^= byte << 16
        for _ in range(8):
            value = (value << 1) ^ (0x1864CFB if value & 0x800000 else 0)
    return number(value & 0xFFFFFF, 3)


def armor(blob: bytes, what: str, *headers: str) -> bytes:
    """Armor with its checksum: without one GnuPG reads it or not, by how the base64 happens to end."""
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    lines.append("=" + base64.b64encode(crc24(blob)).decode())
    return "\n".join(
        [f"-----BEGIN PGP {what}-----", *headers, "", *lines, f"-----END PGP {what}-----", ""]
    ).encode()


def now() -> int:
    return int(time.time())


@dataclass
class PgpKey:
    """An OpenPGP key pair, Ed25519 or RSA of any size."""

    created: int = field(default_factory=lambda: now() - 4 * YEAR)
    bits: int = 0

    def __post_init__(self) -> None:
        if self.bits:
            self._rsa = rsa.generate_private_key(65537, self.bits)
            numbers = self._rsa.public_key().public_numbers()
            material = b"".join(
                mpi(n.to_bytes((n.bit_length() + 7) // 8, "big")) for n in (numbers.n, numbers.e)
            )
            self.algorithm = 1
        else:
            self._ed = Ed25519PrivateKey.generate()
            public = self._ed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            material = b"\x09" + bytes.fromhex("2b06010401da470f01") + mpi(b"\x40" + public)
            self.algorithm = 22
        self.body = b"\x04" + number(self.created) + bytes([self.algorithm]) + material

    @property
    def modulus(self) -> int:
        return self._rsa.public_key().public_numbers().n

    @property
    def hashed_form(self) -> bytes:
        return b"\x99" + number(len(self.body), 2) + self.body

    @property
    def fingerprint(self) -> str:
        return hashlib.sha1(self.hashed_form).hexdigest().upper()

    def signature(
        self,
        data: bytes,
        kind: int = 0,
        *,
        created: int | None = None,
        hashed: Sequence[Subpacket] = (),
        unhashed: Sequence[Subpacket] | None = None,
        digest: int = 8,
        plain: bool = False,
    ) -> bytes:
        """A signature packet over `data`; `plain` leaves out the date and the issuer."""
        issuer = bytes.fromhex(self.fingerprint)
        usual: list[Subpacket] = [(2, number(now() if created is None else created)), (33, b"\x04" + issuer)]
        head = bytes([4, kind, self.algorithm, digest]) + area([*(() if plain else usual), *hashed])
        hasher = hashlib.new(_DIGESTS[digest], data + head + b"\x04\xff" + number(len(head)))
        if unhashed is None:
            unhashed = [(16, issuer[-8:])]
        if self.bits:
            algorithm = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha512": hashes.SHA512()}[
                _DIGESTS[digest]
            ]
            value = mpi(self._rsa.sign(hasher.digest(), padding.PKCS1v15(), utils.Prehashed(algorithm)))
        else:
            made = self._ed.sign(hasher.digest())
            value = mpi(made[:32]) + mpi(made[32:])
        return packet(2, head + area(unhashed) + hasher.digest()[:2] + value)

    def sign(self, data: bytes, *headers: str, **options: object) -> bytes:
        """`data` with an armored detached signature behind it."""
        return data + armor(self.signature(data, **options), "SIGNATURE", *headers)  # type: ignore[arg-type]


@dataclass
class PgpCertificate:
    """A certificate that grows packet by packet."""

    key: PgpKey = field(default_factory=PgpKey)
    user: bytes = b"Alice <alice@example.org>"
    expires_after: int = 0
    digest: int = 8
    flags: int = 0x03
    self_signed: bool = True

    def __post_init__(self) -> None:
        self.packets = [packet(6, self.key.body), packet(13, self.user)]
        if self.self_signed:
            self.add_self_signature()

    def add_self_signature(self, *extra: Subpacket, created: int | None = None) -> None:
        hashed: list[Subpacket] = [(27, bytes([self.flags])), *extra]
        if self.expires_after:
            hashed.append((9, number(self.expires_after)))
        data = self.key.hashed_form + b"\xb4" + number(len(self.user)) + self.user
        at = self.key.created + 1 if created is None else created
        self.packets.append(self.key.signature(data, 0x13, created=at, hashed=hashed, digest=self.digest))

    def revoke(self, reason: int, *, at: int) -> None:
        """0: no reason, 1: superseded, 2: compromised, 3: retired."""
        made = self.key.signature(self.key.hashed_form, 0x20, created=at, hashed=[(29, bytes([reason]))])
        self.packets.insert(1, made)

    def add_subkey(
        self,
        subkey: PgpKey,
        *,
        bound: bool = True,
        crossed: bool = True,
        flags: int = 0x02,
        expires_after: int = 0,
        signer: PgpKey | None = None,
    ) -> None:
        """`bound`: by the primary key; `crossed`: by the subkey, too."""
        self.packets.append(packet(14, subkey.body))
        both = self.key.hashed_form + subkey.hashed_form
        hashed: list[Subpacket] = [(27, bytes([flags]))]
        if expires_after:
            hashed.append((9, number(expires_after)))
        if crossed:
            back = subkey.signature(both, 0x19, created=subkey.created + 1)
            hashed.append((32, back[6:]))
        if bound:
            by = signer or self.key
            self.packets.append(by.signature(both, 0x18, created=subkey.created + 1, hashed=hashed))

    def revoke_subkey(self, subkey: PgpKey, reason: int, *, at: int) -> None:
        both = self.key.hashed_form + subkey.hashed_form
        self.packets.append(self.key.signature(both, 0x28, created=at, hashed=[(29, bytes([reason]))]))

    @property
    def file(self) -> bytes:
        return armor(b"".join(self.packets), "PUBLIC KEY BLOCK")

    def root(self, options: str = 'namespaces="git"') -> dict[str, bytes]:
        fingerprint = self.key.fingerprint
        line = f"alice@example.org {options} openpgp {fingerprint}\n"
        return {"allowed_signers": line.encode(), f"keys/{fingerprint}.asc": self.file}


# ------------------------------------------------------------------------------------------- SSH


def ssh_armor(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----", b""])


def sshsig(
    public: bytes,
    raw: bytes,
    *,
    namespace: bytes = b"git",
    reserved: bytes = b"",
    digest: bytes = b"sha512",
    version: int = 1,
    tail: bytes = b"",
) -> bytes:
    parts = (public, namespace, reserved, digest, raw)
    return b"SSHSIG" + number(version) + b"".join(map(pack, parts)) + tail


def to_be_signed(
    data: bytes, namespace: bytes = b"git", reserved: bytes = b"", digest: bytes = b"sha512"
) -> bytes:
    hashed = hashlib.new({b"md5": "md5", b"sha1": "sha1"}.get(digest, digest.decode()), data).digest()
    return b"SSHSIG" + b"".join(map(pack, (namespace, reserved, digest, hashed)))


def plus(made: bytes, more: int) -> bytes:
    """An Ed25519 signature whose S is larger by so much."""
    return made[:32] + (int.from_bytes(made[32:], "little") + more).to_bytes(32, "little")


class SshEd25519:
    """An Ed25519 key whose signatures can be bent."""

    type = b"ssh-ed25519"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = pack(self.type) + pack(public)

    def line(self, options: str = 'namespaces="git"') -> dict[str, bytes]:
        return ssh_policy(self.blob, self.type, options)

    def sign(
        self, data: bytes, *, namespace: bytes = b"git", reserved: bytes = b"", digest: bytes = b"sha512",
        type_: bytes = b"ssh-ed25519", version: int = 1, tail: bytes = b"", public: bytes | None = None,
        more: int = 0,
    ) -> bytes:  # fmt: skip
        """`more` is added to the number S of the signature."""
        made = plus(self._key.sign(to_be_signed(data, namespace, reserved, digest)), more)
        blob = sshsig(
            public or self.blob, pack(type_) + pack(made), namespace=namespace, reserved=reserved, digest=digest,
            version=version, tail=tail,
        )  # fmt: skip
        return data + ssh_armor(blob)


class Fido:
    """A security key in software: Ed25519 or ECDSA, touched or not."""

    def __init__(self, curve: str = "ed25519", application: bytes = b"ssh:") -> None:
        self.application = application
        if curve == "ed25519":
            self._ed = Ed25519PrivateKey.generate()
            self.type = SK_ED25519.encode()
            public = self._ed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            self.blob = pack(self.type) + pack(public) + pack(application)
        else:
            self._ec = ec.generate_private_key(ec.SECP256R1())
            self.type = SK_ECDSA.encode()
            point = self._ec.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            self.blob = pack(self.type) + pack(b"nistp256") + pack(point) + pack(application)

    def line(self, options: str = 'namespaces="git"') -> dict[str, bytes]:
        return ssh_policy(self.blob, self.type, options)

    def sign(
        self, data: bytes, *, flags: int = 1, shown_flags: int | None = None, counter: int = 7,
        namespace: bytes = b"git", application: bytes | None = None, more: int = 0,
    ) -> bytes:  # fmt: skip
        """`shown_flags` are written beside the signature where they should not be those that were signed."""
        message = to_be_signed(data, namespace)
        trailer = bytes([flags]) + number(counter)
        app = self.application if application is None else application
        signed = hashlib.sha256(app).digest() + trailer + hashlib.sha256(message).digest()
        if self.type == SK_ED25519.encode():
            made = plus(self._ed.sign(signed), more)
        else:
            r, s = utils.decode_dss_signature(self._ec.sign(signed, ec.ECDSA(hashes.SHA256())))
            made = b"".join(pack(n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in (r, s))
        shown = bytes([flags if shown_flags is None else shown_flags]) + number(counter)
        raw = pack(self.type) + pack(made) + shown
        return data + ssh_armor(sshsig(self.blob, raw, namespace=namespace))


def ssh_policy(blob: bytes, type_: bytes, options: str = 'namespaces="git"') -> dict[str, bytes]:
    key = base64.b64encode(blob).decode()
    return {"allowed_signers": f"alice@example.org {options} {type_.decode()} {key}\n".encode()}
