"""X.509 signatures, as gitsign makes them: verified by `gitsign verify-tag`, for the identities that the policy names.

gitsign reads the tag from a repository, re-encodes it, and takes settings from git's configuration. So it gets a
repository of our own, with nothing in it but the object at hand under a name of ours, and an empty home.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from envhooks.signatures import Refused, Undecided, Verdict
from envhooks.signatures.packets import ArmorError, decode_base64
from envhooks.signatures.payload import Payload
from envhooks.signatures.programs import Work, clean_environment, find_program, run
from envhooks.signatures.signers import FOLDER, KeylessSigner, Signers

SCHEME = "x509"
_TAG = "candidate"
_BLOCK = b"-----BEGIN SIGNED MESSAGE-----\n%s\n-----END SIGNED MESSAGE-----\n"
# gitsign fetches Sigstore's signed roots and may ask its log; the answer is signed, so its transport does not matter
_WAY_OUT = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
_OTHERWISE = "sign with an SSH or OpenPGP key that .envhooks/allowed_signers lists: git config gpg.format ssh"


class X509:
    """The verifier of one run. `folder` is private to it; the caller removes it."""

    def __init__(
        self, signers: Signers, now: datetime, folder: str, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Find gitsign; that it is missing is said only when it is needed. `now` is gitsign's own affair."""
        self._keyless = signers.keyless
        self._folder = Path(folder)
        way_out = {name: environ[name] for name in _WAY_OUT if name in environ}
        self._environ = {**clean_environment(folder, environ), **way_out, "GIT_CONFIG_NOSYSTEM": "1"}
        self._program = find_program("gitsign", environ)

    def begin(self, payload: Payload, number: int) -> Work:
        """Work that runs `verify` when it is asked for: gitsign is asked several questions, one after the other."""
        return Work(None, lambda _: self.verify(payload, number))

    def verify(self, payload: Payload, number: int) -> Verdict:
        """The verdict on an X.509 signature; `number` distinguishes the tags of a run.

        Raises:
            Refused: gitsign accepts it for none of the identities.
            Undecided: there is nothing to compare it with, or gitsign did not run.
        """
        assert payload.armor is not None, "only a signed tag comes here"
        try:
            decode_base64(payload.armor.lines)
        except ArmorError as error:
            raise Refused(str(error)) from None
        if not self._keyless:
            text = "the tag is signed with X.509 (gitsign or gpgsm), and the policy names no [[gitsign]] identity"
            raise Undecided(text, advice=_OTHERWISE)
        if self._program is None:
            raise Undecided(
                "gitsign was not found, and it is needed for X.509 signatures",
                "go install github.com/sigstore/gitsign@latest",
            )
        if len(payload.oid_target) != 40:
            raise Undecided(
                "gitsign reads SHA-1 repositories only, and this one is SHA-256", advice=_OTHERWISE
            )
        environ = {**self._environ, "HOME": str(_repository(self._folder / str(number), payload))}
        # an unknown verb and a refusal look alike from outside
        if run([self._program, "verify-tag", "--help"], b"", environ) != 0:
            text = "this gitsign is too old: it has no verify-tag"
            raise Undecided(text, "go install github.com/sigstore/gitsign@latest")
        for keyless in self._keyless:
            if run([self._program, *_question(keyless)], b"", environ) == 0:
                return Verdict("good", scheme=SCHEME, key=str(keyless), signer=keyless.identity)
        raise Refused(
            "gitsign accepts the signature for none of the identities that the policy names",
            expected=f"one of {len(self._keyless)} in [[gitsign]] of {FOLDER}/policy.toml",
        )


def _question(keyless: KeylessSigner) -> tuple[str, ...]:
    """`=` keeps a value that begins with a dash from being an option."""
    return (
        "verify-tag",
        f"--certificate-identity={keyless.identity}",
        f"--certificate-oidc-issuer={keyless.issuer}",
        _TAG,
    )


def _repository(folder: Path, payload: Payload) -> Path:
    """A repository with this tag object alone: with its own `.git`, or gitsign would look further up for one."""
    assert payload.armor is not None
    raw = payload.signed + _BLOCK % b"\n".join(payload.armor.lines)
    data = b"tag %d\0" % len(raw) + raw
    oid = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    files = {
        "HEAD": b"ref: refs/heads/none\n",
        "config": b"[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
        f"refs/tags/{_TAG}": oid.encode() + b"\n",
        f"objects/{oid[:2]}/{oid[2:]}": zlib.compress(data),
    }
    for name, content in files.items():
        file = folder / ".git" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder
