"""Records that an identity signed through Sigstore, with the extra `sigstore`: no key to keep, and a public log."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable

if TYPE_CHECKING:
    from sigstore.dsse import Statement
    from sigstore.verify import Verifier

INSTALL = "pip install 'envhooks[sigstore]'"


class BundleError(Exception):
    """A bundle that an identity did not sign; the text is one sentence."""


def verify_bundle(
    bundle: bytes, identity: str, issuer: str, trusted_root: str = ""
) -> tuple[bytes, datetime | None]:
    """(the statement that the identity signed, the time by the transparency log where that says one).

    Nothing is asked over the network: what is trusted is the trusted root that came with the library or was updated
    by it before, or the file that is named.

    Raises:
        BundleError: it did not sign it.
        CannotJudge: the library is not installed, or the trusted root cannot be read.
    """
    try:
        from sigstore.errors import Error
        from sigstore.models import Bundle
        from sigstore.verify.policy import Identity
    except ImportError:
        raise CannotJudge(
            "a record by an identity is verified by sigstore, which is not installed", fix=INSTALL
        ) from None
    verifier = _verifier(trusted_root)
    try:
        found = Bundle.from_json(bundle)
        _, payload = verifier.verify_dsse(found, Identity(identity=identity, issuer=issuer))
    except Error as error:
        raise BundleError(printable(str(error).partition("\n")[0], 200)) from None
    except Exception as error:  # the errors of the library's own models for bytes that are not a bundle
        raise BundleError(f"this is no bundle of sigstore: {type(error).__name__}") from None
    return payload, _logged(bundle)


@lru_cache(maxsize=4)
def _verifier(trusted_root: str) -> Verifier:
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier

    try:
        if trusted_root:
            return Verifier(trusted_root=TrustedRoot.from_file(trusted_root))
        return Verifier.production(offline=True)
    except Exception as error:
        text = f"the trusted root of sigstore cannot be read: {printable(str(error), 120)}"
        raise CannotJudge(text, place=printable(trusted_root)) from None


def _logged(bundle: bytes) -> datetime | None:
    """The time of a verified bundle's entry in the log; None where it has a signed timestamp in its place."""
    entry = json.loads(bundle)["verificationMaterial"]["tlogEntries"][0]
    seconds = int(entry.get("integratedTime") or 0)
    return datetime.fromtimestamp(seconds, timezone.utc) if seconds else None


def as_statement(payload: bytes) -> Statement:
    """The payload as what the library signs: its own reading knows no digest of a git object (4.5.1)."""
    from sigstore.dsse import Statement

    class Unread(Statement):
        def __init__(self, contents: bytes) -> None:
            self._contents = contents

    return Unread(payload)


def sign_bundle(payload: bytes) -> bytes:
    """The statement, signed by the identity that this machine has (in CI: the job's), as one line of JSON.

    Raises:
        CannotJudge: there is no identity, or Sigstore does not sign.
    """
    try:
        from sigstore.models import ClientTrustConfig
        from sigstore.oidc import IdentityToken, detect_credential
        from sigstore.sign import SigningContext
    except ImportError:
        raise CannotJudge("sigstore is not installed", fix=INSTALL) from None
    try:
        token = detect_credential()
        if token is None:
            raise CannotJudge(
                "this machine has no identity that Sigstore knows",
                fix="permissions: id-token: write, in the workflow of GitHub Actions",
            )
        context = SigningContext.from_trust_config(ClientTrustConfig.production())
        with context.signer(IdentityToken(token)) as signer:
            made = signer.sign_dsse(as_statement(payload)).to_json()
    except CannotJudge:
        raise
    except Exception as error:
        raise CannotJudge(f"Sigstore does not sign: {printable(str(error), 200)}") from None
    return json.dumps(json.loads(made), separators=(",", ":")).encode()
