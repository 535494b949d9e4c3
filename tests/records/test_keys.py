"""What is no key to sign records with is refused in a sentence; a passphrase is asked of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from envhooks.base.errors import EnvhooksError
from envhooks.git.repository import Git
from envhooks.records.keys import IDENTITY, PASSWORD, VARIABLE, SigningKey, find_key

NO_GIT = cast(Git, None)
"""A key that is named is not asked of git's settings."""


def pem(key: PrivateKeyTypes, password: bytes | None = None) -> bytes:
    cipher = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher)


def find(tmp_path: Path, data: bytes, **environ: str) -> SigningKey:
    file = tmp_path / "key"
    file.write_bytes(data)
    return find_key(NO_GIT, str(file), environ)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nx\n", "a key in cosign's own encryption"),
        (b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nx\n", "a key in cosign's own encryption"),
        (b"hello\n", "this is no private key in PEM, and no SSH key"),
        (b"", "this is no private key in PEM, and no SSH key"),
        (b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 100_000, "this is no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "the key cannot be read: "),
        (pem(ec.generate_private_key(ec.SECP384R1())), "the key is neither P-256 nor Ed25519"),
        (pem(ed448.Ed448PrivateKey.generate()), "the key is neither P-256 nor Ed25519"),
        (pem(rsa.generate_private_key(65537, 1024)), "the key is neither P-256 nor Ed25519"),
    ],
)  # fmt: skip
def test_what_is_no_key_of_records(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(EnvhooksError) as caught:
        find(tmp_path, data)
    assert why in str(caught.value)


def test_a_passphrase_and_none(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    plain, closed = pem(key), pem(key, b"open sesame")
    signed = find(tmp_path, plain).sign(b"statement")
    assert find(tmp_path, closed, **{PASSWORD: "open sesame"}).sign(b"statement") == signed
    for data, environ, why in (
        (closed, {}, "the key is encrypted, and"),
        (plain, {PASSWORD: "x"}, "the key is not encrypted, and"),
        (closed, {PASSWORD: "another"}, "the key cannot be read: "),
    ):
        with pytest.raises(EnvhooksError) as caught:
            find(tmp_path, data, **environ)
        assert why in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EnvhooksError, match="the key cannot be read: No such file"):
        find_key(NO_GIT, str(tmp_path / "none"), {})


def test_an_identity_signs_nothing_but_whole_statements() -> None:
    key = find_key(NO_GIT, IDENTITY, {})
    with pytest.raises(EnvhooksError, match="whole statements only"):
        key.sign(b"message")


class Settings:
    """A repository's settings."""

    def __init__(self, **settings: str) -> None:
        self._settings = {name.replace("_", "."): value for name, value in settings.items()}

    def setting(self, name: str) -> str:
        return self._settings.get(name, "")


def test_no_key_at_all_and_ssh_keys_in_a_variable() -> None:
    with pytest.raises(EnvhooksError, match="there is no key to sign the record with"):
        find_key(cast(Git, Settings(user_signingkey="0123ABCD")), "", {})
    text = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"
    with pytest.raises(EnvhooksError, match="an SSH key has to be a file"):
        find_key(cast(Git, Settings()), "", {VARIABLE: text})
    key = find_key(cast(Git, Settings(gpg_format="ssh", user_signingkey="~/.ssh/id.pub")), "", {})
    assert key.where == "user.signingkey"
