"""The key that the user's own git signs with: on the first day it is the only one that is accepted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable
from envhooks.signatures.programs import find_program
from envhooks.signatures.signers import Signers, read_signers
from envhooks.signatures.signers.lines import read_public_key
from envhooks.signatures.sshwire import SshKey

ORIGIN = "your own git configuration"
_PLACE = "user.signingkey"
_SIZE_LIMIT = 64 << 10
_GPG_NAME = r"gpg[0-9.]*(?:\.exe)?"
_ADDRESS = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"


@dataclass(frozen=True)
class OwnKey:
    """A signing key of the user."""

    scheme: Literal["openpgp", "ssh"]
    key: str
    """OpenPGP primary fingerprint, or `SHA256:...`."""
    principal: str
    """The e-mail address of the user, by which others would know the key."""
    signers_line: str
    """The line that pins this key in `.envhooks/allowed_signers`."""
    certificate: bytes | None = None
    """The armored OpenPGP certificate for `.envhooks/keys/<key>.asc`; None for an SSH key."""

    def as_signers(self) -> Signers:
        """Signers with nobody but the user.

        Raises:
            PolicyError: GnuPG exported something that is not accepted as a certificate.
        """
        files = {"allowed_signers": self.signers_line.encode()}
        if self.certificate is not None:
            files[f"keys/{self.key}.asc"] = self.certificate
        return read_signers(files, ORIGIN)


def find_own_key(config: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> OwnKey | None:
    """The key that `git tag -s` would sign with; None where git is not set up to sign.

    `config` is the user's effective configuration, keys as git prints them (`user.signingkey`).
    Nothing is fetched, and only public keys are touched.

    Raises:
        CannotJudge: a key is configured and cannot be found, or more than one fits.
    """
    format_ = config.get("gpg.format", "openpgp")
    if format_ == "ssh":
        return _own_ssh_key(config, environ)
    if format_ == "openpgp":
        return _own_openpgp_key(config, environ)
    raise CannotJudge(
        f"git signs in a format that is not judged here: gpg.format is {printable(format_, 40)}",
        fix="git config gpg.format ssh",
    )


def _email(config: Mapping[str, str], environ: Mapping[str, str]) -> str:
    configured = config.get("committer.email") or config.get("user.email", "")
    return environ.get("GIT_COMMITTER_EMAIL") or configured


def _principal(config: Mapping[str, str], environ: Mapping[str, str]) -> str:
    email = _email(config, environ)
    # an address is also a pattern in allowed_signers, where `*` would be everybody
    return email if re.fullmatch(_ADDRESS, email) else "signer"


# ------------------------------------------------------------------------------------------- SSH


def _own_ssh_key(config: Mapping[str, str], environ: Mapping[str, str]) -> OwnKey | None:
    named = config.get("user.signingkey", "").strip()
    if not named:
        if config.get("gpg.ssh.defaultkeycommand"):
            raise CannotJudge(
                "git asks gpg.ssh.defaultKeyCommand for the signing key, which envhooks does not run",
                fix="git config user.signingkey ~/.ssh/id_ed25519.pub",
            )
        return None
    if named.startswith("key::") or named.startswith("ssh-"):
        text = named.removeprefix("key::")
    else:
        text = _read_public_file(named, environ)
    key = _parse_public(text, named)
    principal = _principal(config, environ)
    encoded = text.split()[1]
    line = f'{principal} namespaces="git" {key.type} {encoded}'
    return OwnKey("ssh", key.fingerprint, principal, line)


def _read_public_file(named: str, environ: Mapping[str, str]) -> str:
    path = Path(named)
    if named.startswith("~/"):
        path = Path(environ.get("HOME", "")) / named[2:]
    elif named.startswith("~"):
        path = path.expanduser()
    # git, too, takes the private key's path and has ssh-keygen read the public key beside it
    for candidate in (path, Path(f"{path}.pub")):
        try:
            with candidate.open("rb") as stream:
                text = stream.read(_SIZE_LIMIT).decode("utf-8", "replace").strip()
        except (OSError, ValueError):
            continue
        if text and not text.startswith("-----BEGIN"):
            return text
    shown = printable(named)
    exists = path.is_file()
    raise CannotJudge(
        f"user.signingkey names {shown}, and there is no public key {'beside it' if exists else 'there'}",
        place=_PLACE,
        fix=f"ssh-keygen -y -f {shown} > {shown}.pub" if exists else "git config user.signingkey <path>.pub",
    )


def _parse_public(text: str, named: str) -> SshKey:
    words = text.split()
    if "\n" in text or len(words) < 2:
        raise CannotJudge(
            f"user.signingkey is not one SSH public key: {printable(named, 80)}",
            place=_PLACE,
            fix="git config user.signingkey ~/.ssh/id_ed25519.pub",
        )
    try:
        return read_public_key(words[0], words[1], _PLACE)
    except PolicyError as error:
        raise CannotJudge(error.message, place=_PLACE, fix="ssh-keygen -t ed25519") from None


# --------------------------------------------------------------------------------------- OpenPGP


def _own_openpgp_key(config: Mapping[str, str], environ: Mapping[str, str]) -> OwnKey | None:
    named = config.get("user.signingkey", "").strip()
    wanted = named.removesuffix("!") or _identity(config, environ)
    if not wanted:
        return None
    if _is_ssh(named, environ):
        raise CannotJudge(
            f"user.signingkey names an SSH key, {printable(named, 80)}, and gpg.format does not say ssh, so git"
            " would look for an OpenPGP key of that name",
            place=_PLACE,
            fix="git config --global gpg.format ssh",
        )
    if wanted.startswith("-"):  # it would be an option of gpg
        raise CannotJudge(f"user.signingkey is no key: {printable(wanted, 80)}", place=_PLACE)
    program = _gpg_program(config, environ)
    if program is None:
        if not named:
            return None
        raise CannotJudge("gpg was not found, so your signing key is not known", fix="apt-get install gnupg")
    gpg = _open_gpg(program, environ)
    keys = _usable_keys(gpg, wanted)
    if not keys:
        if not named:
            return None
        raise CannotJudge(
            f"user.signingkey names {printable(named, 80)}, and gpg has no usable secret key of that name",
            place=_PLACE,
            fix="gpg --list-secret-keys",
        )
    if len(keys) > 1:
        raise CannotJudge(
            f"{len(keys)} of your secret keys fit {printable(wanted, 80)}, and it is unclear which one signs",
            place=_PLACE,
            fix=f"git config user.signingkey {keys[0]}",
        )
    principal = _principal(config, environ)
    armored = str(gpg.export_keys(keys[0], armor=True, minimal=True)).encode()
    if not armored.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"):
        fix = f"gpg --armor --export {keys[0]}"
        raise CannotJudge("gpg did not export your public key", place=_PLACE, fix=fix)
    line = f'{principal} namespaces="git" openpgp {keys[0]}'
    return OwnKey("openpgp", keys[0], principal, line, armored)


def _is_ssh(named: str, environ: Mapping[str, str]) -> bool:
    """Whether user.signingkey is an SSH key, or the path of one."""
    if named.startswith(("key::", "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")) or named.endswith(".pub"):
        return True
    if "/" not in named:
        return False
    path = Path(environ.get("HOME", "")) / named[2:] if named.startswith("~/") else Path(named)
    return Path(f"{path}.pub").is_file()


def _identity(config: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """`Name <e-mail>`: what git asks gpg for where no key is configured."""
    configured = config.get("committer.name") or config.get("user.name", "")
    name, email = environ.get("GIT_COMMITTER_NAME") or configured, _email(config, environ)
    return f"={name} <{email}>" if name and email else ""


def _gpg_program(config: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
    """gpg on PATH, by the name that git is told to use.

    A repository's own configuration may name any program, so a path is never run as it stands.
    """
    configured = config.get("gpg.openpgp.program") or config.get("gpg.program", "")
    name = Path(configured).name
    found = find_program(name, environ) if re.fullmatch(_GPG_NAME, name) else None
    return found or find_program("gpg", environ)


def _open_gpg(program: str, environ: Mapping[str, str]) -> Any:
    import gnupg  # 30 ms, and only the first day needs it

    try:
        return gnupg.GPG(gpgbinary=program, env=dict(environ), options=["--batch"])
    except (OSError, ValueError) as error:
        raise CannotJudge(f"gpg does not work: {printable(str(error), 120)}", fix="gpg --version") from None


def _usable_keys(gpg: Any, wanted: str) -> list[str]:
    """Fingerprints of the primary keys that fit and can sign today."""
    listed = gpg.list_keys(True, keys=[wanted])
    # capabilities in capitals are those of the whole key as it can be used now; e, r, d, i: expired, ...
    usable = (k for k in listed if k["trust"] not in ("e", "r", "d", "i") and "S" in k.get("cap", ""))
    return list(dict.fromkeys(str(key["fingerprint"]).upper() for key in usable))
