"""The key that the user's own git signs with."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from signing import NOW, Workshop, tag_text

from envhooks.base.errors import CannotJudge
from envhooks.signatures.payload import split
from envhooks.signatures.signers.ownkey import OwnKey, find_own_key
from envhooks.signatures.signers.setup import cannot_sign as cannot_sign_with
from envhooks.signatures.signers.setup import ways_to_a_key
from envhooks.signatures.verify import verify_all

pytest_plugins = ("signing_fixture",)
USER = {"user.name": "Alice", "user.email": "alice@example.org"}


def own(workshop: Workshop, **config: str) -> OwnKey | None:
    settings = {key.replace("_", "."): value for key, value in config.items()}
    return find_own_key({**USER, **settings}, workshop.environ)


def found(workshop: Workshop, **config: str) -> OwnKey:
    key = own(workshop, **config)
    assert key is not None
    return key


def accepts(key: OwnKey, raw: bytes) -> bool:
    return verify_all([split(raw, 40)], key.as_signers(), NOW, fast=False)[0].status == "good"


def test_an_ssh_key_in_all_its_spellings(workshop: Workshop) -> None:
    path = workshop.ssh("alice")
    public = workshop.public("alice")
    spellings = [str(path), f"{path}.pub", f"~/{path.name}", f"key::{public}", f"{public} a comment"]
    keys = [found(workshop, gpg_format="ssh", user_signingkey=spelling) for spelling in spellings]
    assert len(set(keys)) == 1
    key = keys[0]
    assert key.scheme == "ssh" and key.key.startswith("SHA256:") and key.certificate is None
    assert key.signers_line == f'alice@example.org namespaces="git" {public}'
    assert key.as_signers().origin == "your own git configuration"
    assert accepts(key, workshop.ssh_sign(tag_text(), path))
    assert not accepts(key, workshop.ssh_sign(tag_text(), workshop.ssh("mallory")))


def test_an_ssh_key_that_is_not_there(workshop: Workshop, tmp_path: Path) -> None:
    private = tmp_path / "lonely"
    private.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    lines = tmp_path / "lines.pub"
    lines.write_text(workshop.public("alice") + "\n" + workshop.public("alice") + "\n")
    for spelling, sentence in (
        (str(private), "beside it"),
        (str(tmp_path / "gone"), "public key there"),
        (str(tmp_path), "public key there"),
        ("~nobody-of-this-name/id", "public key there"),
        ("key::nonsense", "not one SSH public key"),
        ("ssh-ed25519 AAAA", "ends before"),
        ("ssh-dss AAAAB3NzaC1kc3MAAAAA", "not accepted|base64"),
        (str(lines), "not one SSH public key"),
    ):
        with pytest.raises(CannotJudge, match=sentence) as caught:
            own(workshop, gpg_format="ssh", user_signingkey=spelling)
        assert caught.value.fix
    with pytest.raises(CannotJudge, match="does not run"):
        own(workshop, gpg_format="ssh", gpg_ssh_defaultkeycommand="touch /tmp/ran")
    assert own(workshop, gpg_format="ssh") is None


@pytest.mark.parametrize("email", ["*", "!x", "a b", "", 'a"b@c', "*@example.org", "a,b@c"])
def test_an_address_that_would_be_a_pattern_is_not_taken_over(workshop: Workshop, email: str) -> None:
    workshop.ssh("alice")
    key = found(workshop, gpg_format="ssh", user_signingkey=workshop.public("alice"), user_email=email)
    assert key.principal == "signer" and len(key.as_signers().ssh) == 1


def test_an_openpgp_key_in_all_its_spellings(workshop: Workshop) -> None:
    fingerprint = workshop.pgp("alice")
    spellings = [
        "",
        fingerprint,
        fingerprint + "!",
        fingerprint[-16:],
        "0x" + fingerprint.lower(),
        "alice@example.org",
    ]
    keys = [found(workshop, **({"user_signingkey": s} if s else {})) for s in spellings]
    assert len(set(keys)) == 1
    key = keys[0]
    assert (key.scheme, key.key, key.principal) == ("openpgp", fingerprint, "alice@example.org")
    assert key.signers_line == f'alice@example.org namespaces="git" openpgp {fingerprint}'
    assert key.certificate is not None and key.certificate.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK")
    assert accepts(key, workshop.pgp_sign(tag_text(), "alice"))
    workshop.pgp("mallory")
    assert not accepts(key, workshop.pgp_sign(tag_text(), "mallory"))


def test_an_openpgp_key_that_is_not_there(workshop: Workshop) -> None:
    workshop.pgp("alice")
    workshop.pgp("mallory")
    workshop.pgp("expired", "--faked-system-time", "20200101T000000", expire="1d")
    for name in ("F" * 40, "nobody@example.org"):
        with pytest.raises(CannotJudge, match="no usable secret key") as caught:
            own(workshop, user_signingkey=name)
        assert caught.value.fix == "gpg --list-secret-keys"
    with pytest.raises(CannotJudge, match="the key has expired") as caught:
        own(workshop, user_signingkey="expired@example.org")
    assert re.fullmatch("gpg --quick-set-expire [0-9A-F]{40} 2y", caught.value.fix)
    with pytest.raises(CannotJudge, match="secret keys fit"):
        own(workshop, user_signingkey="example.org")
    with pytest.raises(CannotJudge, match="is no key"):
        own(workshop, user_signingkey="--version")
    assert own(workshop, user_email="stranger@example.net") is None
    assert find_own_key({}, workshop.environ) is None


def test_a_public_key_alone_is_not_ones_own(workshop: Workshop, tmp_path: Path) -> None:
    workshop.pgp("alice")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    environ = {**workshop.environ, "GNUPGHOME": str(home)}
    public = tmp_path / "alice.asc"
    public.write_bytes(workshop.export("alice"))
    workshop.run("gpg", "-q", "--batch", "--homedir", str(home), "--import", str(public))
    try:
        with pytest.raises(CannotJudge, match="no usable secret key"):
            find_own_key({**USER, "user.signingkey": "alice@example.org"}, environ)
    finally:  # to list secret keys starts an agent
        workshop.run("gpgconf", "--homedir", str(home), "--kill", "gpg-agent")


def test_programs_that_a_repository_names_are_not_run(workshop: Workshop, tmp_path: Path) -> None:
    workshop.pgp("alice")
    for name in ("evil", "gpg"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        program.chmod(0o755)
        for key in ("gpg_program", "gpg_openpgp_program"):
            assert found(workshop, **{key: str(program)}).scheme == "openpgp"
    assert not (tmp_path / "ran").exists()


def test_other_formats(workshop: Workshop) -> None:
    with pytest.raises(CannotJudge, match="x509") as caught:
        own(workshop, gpg_format="x509", user_signingkey="0xABCDEF")
    # one line that leaves nothing to be told afterwards, and that counts where the repository's own says otherwise
    assert caught.value.fix == (
        "ssh-keygen -t ed25519 -f ~/.ssh/id_ed25519 && git config gpg.format ssh"
        " && git config user.signingkey ~/.ssh/id_ed25519.pub"
    )


def cannot_sign(config: Mapping[str, str], environ: Mapping[str, str]) -> CannotJudge | None:
    key = find_own_key(config, environ)
    assert key is not None
    return cannot_sign_with(key, config, environ)


def test_a_key_whose_private_half_is_nowhere(workshop: Workshop, tmp_path: Path) -> None:
    path = workshop.ssh("alice")
    alone = tmp_path / "al one.pub"
    alone.write_text(workshop.public("alice"))
    config = {**USER, "gpg.format": "ssh"}
    quiet = {key: value for key, value in workshop.environ.items() if key != "SSH_AUTH_SOCK"}
    for named in (str(path), f"{path}.pub"):
        assert cannot_sign({**config, "user.signingkey": named}, quiet) is None
    for named in (str(alone), f"key::{workshop.public('alice')}"):
        signing = {**config, "user.signingkey": named}
        fault = cannot_sign(signing, quiet)
        assert fault is not None and "not here" in fault.message and "ssh-add" in fault.fix
        assert cannot_sign({**signing, "gpg.ssh.program": "/opt/1Password/op-ssh-sign"}, quiet) is None
        assert ways_to_a_key(signing, quiet)[0] == fault.message
    workshop.ssh("bob")
    said = workshop.run("ssh-agent", "-s").decode()
    agent = {**quiet, **dict(re.findall(r"(SSH_AUTH_SOCK|SSH_AGENT_PID)=([^;]*)", said))}
    try:
        held = {**config, "user.signingkey": f"key::{workshop.public('alice')}"}
        assert "no agent holds" in str(cannot_sign(held, agent))
        subprocess.run(["ssh-add", "-q", str(path)], env=agent, check=True)
        assert cannot_sign(held, agent) is None
        assert "no agent has it" in str(
            cannot_sign({**held, "user.signingkey": workshop.public("bob")}, agent)
        )
    finally:
        subprocess.run(["ssh-agent", "-k"], env=agent, check=True, capture_output=True)


def test_without_gpg_only_a_named_key_is_missed(workshop: Workshop, tmp_path: Path) -> None:
    environ = {**workshop.environ, "PATH": str(tmp_path)}
    assert find_own_key(USER, environ) is None
    with pytest.raises(CannotJudge, match="gpg was not found"):
        find_own_key({**USER, "user.signingkey": "alice"}, environ)
