"""Signers of an envelope: its signatures verified with the keys of `[[verifier]]` in the policy.

A signature counts by the time that the statement gives, which is the signer's word: within `valid-after` and
`valid-before`, and earlier than `revoked`. Where a stolen key could have written an older date, `revoked = true` takes
everything away. A key in `revoked_keys` signed nothing at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.policy import Verifier
from envhooks.policy.recordsections import is_ed25519
from envhooks.policy.root import FOLDER, TrustRoot
from envhooks.records.dsse import Envelope, Signature
from envhooks.records.types import Signer
from envhooks.signatures import Refused, Undecided
from envhooks.signatures.signers import read_signers
from envhooks.signatures.signers.lines import moment
from envhooks.signatures.sshsig import verify_message
from envhooks.signatures.sshwire import is_signature

NAMESPACE = "envhooks-record"
SIGSTORE_ROOT = "envhooks.sigstoreroot"
"""The file with the trusted root of a private Sigstore, in git's configuration."""
INSTALL = "pip install 'envhooks[records]'"
_SKEW = timedelta(minutes=10)
"""Maximum time that a signer's clock may be ahead."""


class Changed(Exception):
    """An envelope that claims a verifier's signature and does not carry it; the text is one sentence."""


class NotAllowed(Exception):
    """An envelope without a signature of an allowed verifier; the text is one sentence."""


def key_id(der: bytes) -> str:
    """The key id of a public key: SHA-256 of its SubjectPublicKeyInfo in DER, hexadecimal."""
    return hashlib.sha256(der).hexdigest()


def verifiers_of(git: Git, root: TrustRoot, now: datetime | None = None) -> Verifiers:
    """The verifiers of a policy, as this clone or server is set up.

    Raises:
        PolicyError: a trust file cannot be read.
    """
    return Verifiers(root, now or datetime.now(timezone.utc), git.setting(SIGSTORE_ROOT))


class Verifiers:
    """The `[[verifier]]` of one policy."""

    def __init__(self, root: TrustRoot, now: datetime, sigstore_root: str = "") -> None:
        """`now` is aware of its time zone; a statement that is dated later is not believed.

        `sigstore_root` is the file with the trusted root of a private Sigstore; empty: the public one.

        Raises:
            PolicyError: a trust file cannot be read.
        """
        self.now = now
        self._keys = {key_id(one.key): one for one in root.policy.verifiers if one.key}
        self._ssh: dict[str, tuple[Verifier, ...]] = {}
        for one in root.policy.verifiers:
            if one.ssh:  # one person may have several names, with dates and words of their own
                self._ssh[one.ssh] = (*self._ssh.get(one.ssh, ()), one)
        self._identities = tuple(one for one in root.policy.verifiers if one.identity)
        self._sigstore_root = sigstore_root
        self.where = root.where
        self._signers = read_signers(root.signer_files, f"{FOLDER} on {root.where}") if self._ssh else None
        self.are_none = not root.policy.verifiers

    def signers(self, envelope: Envelope, time: datetime) -> tuple[Signer, ...]:
        """Verifiers that signed the envelope and are valid at the time that its statement gives; at least one.

        Raises:
            Changed: a signature claims to be a verifier's and is not.
            NotAllowed: no allowed verifier signed, or none at an allowed time.
            CannotJudge: a library that is needed is not installed.
        """
        if envelope.bundle:
            return self._by_identity(envelope, time)
        found: list[Signer] = []
        why = []
        for signature in envelope.signatures:
            try:
                verifiers, key = self._who(envelope, signature, time)
                verifiers = self._valid(verifiers, time)
            except NotAllowed as error:
                why.append(str(error))
            else:
                found += (Signer(one.name, one.word, key) for one in verifiers)
        if not found:
            raise NotAllowed("; ".join(why))
        return tuple(dict.fromkeys(found))

    def _who(
        self, envelope: Envelope, signature: Signature, time: datetime
    ) -> tuple[tuple[Verifier, ...], str]:
        if is_signature(signature.sig):
            return self._by_ssh(envelope, signature, time)
        claimed = self._keys.get(signature.keyid)
        if claimed is not None:
            if not _is_good(claimed.key, signature.sig, envelope.signed):
                raise Changed(
                    f"the signature of `{claimed.name}` does not fit: the statement or the signature was changed"
                )
            return (claimed,), signature.keyid
        for key, verifier in self._keys.items():
            if _is_good(verifier.key, signature.sig, envelope.signed):
                if signature.keyid:  # cosign leaves it empty
                    raise Changed(f"`{verifier.name}` signed this, and it names another key: it was changed")
                return (verifier,), key
        raise NotAllowed(
            f"no verifier of the policy made the signature by the key {printable(signature.keyid, 80)}"
        )

    def _by_ssh(
        self, envelope: Envelope, signature: Signature, time: datetime
    ) -> tuple[tuple[Verifier, ...], str]:
        if self._signers is None:
            raise NotAllowed(f"the policy names no SSH key for records: {printable(signature.keyid, 80)}")
        try:
            name, key = verify_message(
                signature.sig, envelope.signed, self._signers, tuple(self._ssh), NAMESPACE, time
            )
        except Refused as error:
            text = f"{error.why} ({error.got})" if error.got else error.why
            if "was changed" in error.why:
                raise Changed(text) from None
            raise NotAllowed(text) from None
        except Undecided as error:
            raise CannotJudge(error.why, fix=error.fix) from None
        if signature.keyid != key:
            raise Changed(f"`{name}` signed this, and it names another key: it was changed")
        return self._ssh[name], key

    def _by_identity(self, envelope: Envelope, time: datetime) -> tuple[Signer, ...]:
        from envhooks.records.identities import BundleError, verify_bundle

        why = "the policy names no identity"
        for one in self._identities:
            try:
                payload, logged = verify_bundle(
                    envelope.bundle, one.identity, one.issuer, self._sigstore_root
                )
            except BundleError as error:
                why = f"not by `{one.name}`: {printable(str(error), 200)}"
                continue
            if payload != envelope.payload:
                raise Changed(f"the bundle of `{one.name}` holds another statement")
            same = tuple(x for x in self._identities if (x.identity, x.issuer) == (one.identity, one.issuer))
            # the time by the transparency log is not the signer's claim
            valid = self._valid(same, max(time, logged) if logged else time)
            return tuple(Signer(x.name, x.word, f"{x.identity} ({x.issuer})") for x in valid)
        raise NotAllowed(why)

    def _valid(self, verifiers: tuple[Verifier, ...], time: datetime) -> tuple[Verifier, ...]:
        """Those of one signer's names that count at a time; a name that is revoked takes the others with it."""
        faults = {one: tuple(_faults(one, time, self.now)) for one in verifiers}
        for one, texts in faults.items():
            if texts and (_is_revoked(one, time) or all(faults.values())):
                raise NotAllowed(f"`{one.name}` signed this, and {texts[0]}")
        return tuple(one for one, texts in faults.items() if not texts)


def _is_revoked(verifier: Verifier, time: datetime) -> bool:
    return verifier.revoked is not None and (verifier.revoked == 0 or time.timestamp() >= verifier.revoked)


def _faults(verifier: Verifier, time: datetime, now: datetime) -> Iterator[str]:
    seconds = time.timestamp()
    why = f": {printable(verifier.reason, 200)}" if verifier.reason else ""
    if time > now + _SKEW:
        yield f"it is dated {moment(int(seconds))}, which is to come"
    if _is_revoked(verifier, time):
        since = f" from {moment(int(verifier.revoked))} on" if verifier.revoked else ""
        yield f"its key is revoked{since}{why}"
    if verifier.after is not None and seconds < verifier.after:
        yield f"its key counts from {moment(int(verifier.after))} on, and this is of {moment(int(seconds))}"
    if verifier.before is not None and seconds > verifier.before:
        yield f"its key counted until {moment(int(verifier.before))}, and this is of {moment(int(seconds))}"


def _is_good(der: bytes, signature: bytes, message: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
    except ImportError:
        raise CannotJudge(
            "the signature of a record is verified by cryptography, which is not installed", fix=INSTALL
        ) from None
    try:
        _verify(der)(signature, message)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def _verify(der: bytes) -> Callable[[bytes, bytes], None]:
    """Verification function of a key: (signature, message) -> nothing, or InvalidSignature."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    if is_ed25519(der):
        return ed25519.Ed25519PublicKey.from_public_bytes(der[-32:]).verify
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), der[-65:])
    except ValueError:
        raise CannotJudge("a [[verifier]] of the policy has a key that is no point of its curve") from None
    scheme = ec.ECDSA(hashes.SHA256())
    return lambda signature, message: public.verify(signature, message, scheme)
