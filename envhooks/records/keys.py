"""Keys that sign records: a private key in PEM, an SSH key through ssh-keygen, or the one that git signs with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.policy.recordsections import is_ed25519, is_p256
from envhooks.records.dsse import Envelope, Signature, decode
from envhooks.records.verifiers import INSTALL, NAMESPACE, key_id
from envhooks.signatures.sshsig import sign_message
from envhooks.signatures.sshwire import SshError, read_signature

VARIABLE = "ENVHOOKS_RECORD_KEY"
"""A private key's file, or the PEM text itself, as CI has it."""
PASSWORD = "ENVHOOKS_RECORD_PASSWORD"  # noqa: S105 - the name of a variable
SETTING = "envhooks.recordkey"
"""A private key's file, in git's configuration."""
IDENTITY = "sigstore"
"""Value in place of a key: sign by the identity that this machine has."""
_SIZE_LIMIT = 64 << 10
_PEM = b"-----BEGIN "


@dataclass(frozen=True)
class SigningKey:
    """A key that can sign."""

    where: str
    """For people: the file, or the variable."""
    sign: Callable[[bytes], Signature]
    """The signature over a message.

    Raises:
        CannotJudge: the key does not sign.
    """
    verifier: str = ""
    """The public part as a `[[verifier]]` of the policy names it; empty where it is not known before signing."""

    bundle: Callable[[bytes], bytes] | None = None
    """Signs as an identity instead: a payload -> the line of its sigstore bundle."""

    def envelope(self, payload: bytes) -> Envelope:
        """The payload, signed.

        Raises:
            CannotJudge: the key does not sign.
        """
        if self.bundle is not None:
            return decode(self.bundle(payload))
        unsigned = Envelope(payload, ())
        return Envelope(payload, (self.sign(unsigned.signed),))


def find_key(
    git: Git, named: str = "", environ: Mapping[str, str] = os.environ, *, asks: bool = False
) -> SigningKey:
    """The key to sign with: `named` (a file, or `sigstore`), else that of the environment, of settings, or of git.

    With `asks` a passphrase may be asked for on the terminal.

    Raises:
        UsageError: the named file is not a key.
        CannotJudge: there is no key, or what reads it is not installed.
    """
    if IDENTITY in (named, "" if named else environ.get(VARIABLE) or git.setting(SETTING)):
        from envhooks.records.identities import sign_bundle

        return SigningKey(IDENTITY, _no_key, bundle=sign_bundle)
    if named:
        return _from_file(named, environ, asks)
    text = environ.get(VARIABLE, "")
    if text.lstrip().startswith("-----BEGIN"):
        return _from_bytes(text.strip().encode() + b"\n", f"${VARIABLE}", environ, asks)
    if text:
        return _from_file(text, environ, asks)
    if git.setting(SETTING):
        return _from_file(git.setting(SETTING), environ, asks)
    own = git.setting("user.signingkey").strip()
    if git.setting("gpg.format") == "ssh" and own:
        return _ssh(own, "user.signingkey", environ, asks)
    raise CannotJudge(
        "there is no key to sign the record with",
        fix=f"envhooks record TAG --image REF@DIGEST --key FILE, or git config {SETTING} FILE, or {VARIABLE}=FILE",
    )


def _no_key(message: bytes) -> Signature:
    raise CannotJudge("an identity signs whole statements only")


def _from_file(name: str, environ: Mapping[str, str], asks: bool) -> SigningKey:
    path = Path(name).expanduser()
    try:
        with path.open("rb") as stream:
            data = stream.read(_SIZE_LIMIT + 1)
    except OSError as error:
        why = printable(error.strerror or type(error).__name__)
        raise UsageError(f"the key cannot be read: {why}", place=printable(name)) from None
    return _from_bytes(data, str(path), environ, asks, path)


def _from_bytes(
    data: bytes, where: str, environ: Mapping[str, str], asks: bool, path: Path | None = None
) -> SigningKey:
    if b"OPENSSH PRIVATE KEY" in data or data.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        if path is None:
            raise UsageError("an SSH key has to be a file, which ssh-keygen reads", place=where)
        return _ssh(str(path), where, environ, asks)
    if b"ENCRYPTED SIGSTORE PRIVATE KEY" in data or b"ENCRYPTED COSIGN PRIVATE KEY" in data:
        raise UsageError(
            "this is a key in cosign's own encryption, which only cosign reads",
            place=printable(where),
            fix="openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem,"
            " then cosign import-key-pair --key key.pem",
        )
    if not data.lstrip().startswith(_PEM) or len(data) > _SIZE_LIMIT:
        raise UsageError(
            "this is no private key in PEM, and no SSH key",
            place=printable(where),
            fix="openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
        )
    return _pem(data, where, environ)


def _pem(data: bytes, where: str, environ: Mapping[str, str]) -> SigningKey:
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    except ImportError:
        raise CannotJudge("a key in PEM needs cryptography, which is not installed", fix=INSTALL) from None
    password = environ.get(PASSWORD)
    try:
        private = serialization.load_pem_private_key(data, password.encode() if password else None)
    except TypeError:
        text = "the key is not encrypted" if password else "the key is encrypted"
        raise UsageError(
            f"{text}, and {PASSWORD} is {'' if password else 'not '}set", place=printable(where)
        ) from None
    except Exception as error:
        raise UsageError(
            f"the key cannot be read: {printable(str(error), 120)}", place=printable(where)
        ) from None
    if not isinstance(private, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        raise UsageError("the key is neither P-256 nor Ed25519", place=printable(where))
    public = private.public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if not is_p256(der) and not is_ed25519(der):
        raise UsageError("the key is neither P-256 nor Ed25519", place=printable(where))
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(message: bytes) -> Signature:
        if isinstance(private, ec.EllipticCurvePrivateKey):
            return Signature(key_id(der), private.sign(message, ec.ECDSA(hashes.SHA256())))
        return Signature(key_id(der), private.sign(message))

    return SigningKey(where, sign, f'[[verifier]]\nname = "ci"\nkey = """\n{pem.decode()}"""')


def _ssh(key: str, where: str, environ: Mapping[str, str], asks: bool) -> SigningKey:
    def sign(message: bytes) -> Signature:
        blob = sign_message(message, key, NAMESPACE, environ, asks=asks)
        try:
            return Signature(read_signature(blob, NAMESPACE.encode()).key.fingerprint, blob)
        except SshError as error:
            raise CannotJudge(str(error), place=printable(where)) from None

    return SigningKey(where, sign)
