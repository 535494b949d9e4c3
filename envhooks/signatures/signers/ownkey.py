"""The key that the user's own git signs with: on the first day it is the only one that is accepted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable, word
from envhooks.signatures.programs import find_program
from envhooks.signatures.signers import Signers, read_signers
from envhooks.signatures.signers.lines import read_public_key
from envhooks.signatures.sshwire import SshKey

ORIGIN = "your own git configuration"
_PLACE = "user.signingkey"
_SIZE_LIMIT = 64 << 10
_GPG_NAME = r"gpg[0-9.]*(?:\.exe)?"
_UNUSABLE = ("e", "r", "d", "i")
"""Letters of gpg's listing: expired, revoked, disabled, invalid."""
_ADDRESS = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"
SSH_KEYS = ("id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa")
"""Names of the files in `~/.ssh` that ssh-keygen gives to keys, those that sign best first."""


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
    part: str = ""
    """Fingerprint of the primary key or subkey that signs; empty where gpg does not tell, and for an SSH key."""

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
        fix=ssh_setup(config, environ),
    )


def configure(config: Mapping[str, str], key: str, value: str) -> str:
    """The command that sets a key so that it counts: where it is set already, the repository's own overrules that."""
    return f"git config {'' if key in config else '--global '}{key} {value}"


def ssh_setup(config: Mapping[str, str], environ: Mapping[str, str] = os.environ, name: str = "") -> str:
    """The command that has git sign with the SSH key in `~/.ssh/<name>`; by default one that is there, or a new one.

    A key that user.signingkey names, and that is there, stays.
    """
    folder = Path(environ.get("HOME", "")) / ".ssh"
    there = [one for one in SSH_KEYS if (folder / f"{one}.pub").is_file()]
    steps = []
    if config.get("gpg.format") != "ssh":
        steps.append(configure(config, "gpg.format", "ssh"))
    if name or not _names_a_key(config.get("user.signingkey", "").strip(), environ):
        wanted = name or (there or SSH_KEYS)[0]
        if wanted not in there:
            steps.insert(0, f"ssh-keygen -t ed25519 -f ~/.ssh/{wanted}")
        steps.append(configure(config, "user.signingkey", f"~/.ssh/{wanted}.pub"))
    return " && ".join(steps)


def _names_a_key(named: str, environ: Mapping[str, str]) -> bool:
    """Whether this value of user.signingkey is an SSH public key that can be read."""
    if not named:
        return False
    try:
        _parse_public(_ssh_text(named, environ), named, "")
    except CannotJudge:
        return False
    return True


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
                fix=ssh_setup(config, environ),
            )
        return None
    instead = ssh_setup(config, environ)
    text = _ssh_text(named, environ, instead)
    key = _parse_public(text, named, instead)
    principal = _principal(config, environ)
    encoded = text.split()[1]
    line = f'{principal} namespaces="git" {key.type} {encoded}'
    return OwnKey("ssh", key.fingerprint, principal, line)


def _ssh_text(named: str, environ: Mapping[str, str], instead: str = "") -> str:
    """The line of the public key that a value of user.signingkey is, or names."""
    if named.startswith("key::") or named.startswith("ssh-"):
        return named.removeprefix("key::")
    return _read_public_file(named, environ, instead)


def private_file(named: str, environ: Mapping[str, str]) -> Path:
    """Where ssh-keygen looks for the private key of a value of user.signingkey that is a path."""
    path = _expanded(named, environ)
    return path.with_name(path.name.removesuffix(".pub")) if path.name != ".pub" else path


def _expanded(named: str, environ: Mapping[str, str]) -> Path:
    if named.startswith("~/"):
        return Path(environ.get("HOME", "")) / named[2:]
    try:
        return Path(named).expanduser()
    except RuntimeError:  # of a user that this machine does not have: there is no such file
        return Path(named)


def _read_public_file(named: str, environ: Mapping[str, str], instead: str) -> str:
    path = _expanded(named, environ)
    # git, too, takes the private key's path and has ssh-keygen read the public key beside it
    for candidate in (path, Path(f"{path}.pub")):
        try:
            with candidate.open("rb") as stream:
                text = stream.read(_SIZE_LIMIT).decode("utf-8", "replace").strip()
        except (OSError, ValueError):
            continue
        if text and not text.startswith("-----BEGIN"):
            return text
    private = private_file(named, environ)
    made = f"ssh-keygen -y -f {word(str(private))} > {word(f'{private}.pub')}" if private.is_file() else ""
    raise CannotJudge(
        f"user.signingkey names {printable(named)}, and there is no public key"
        f" {'beside it' if path.is_file() else 'there'}",
        place=_PLACE,
        fix=made or instead,
    )


def _parse_public(text: str, named: str, instead: str) -> SshKey:
    words = text.split()
    if "\n" in text or len(words) < 2:
        raise CannotJudge(
            f"user.signingkey is not one SSH public key: {printable(named, 80)}",
            place=_PLACE,
            fix=instead,
        )
    try:
        return read_public_key(words[0], words[1], _PLACE)
    except PolicyError as error:
        raise CannotJudge(error.message, place=_PLACE, fix=instead) from None


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
            fix=ssh_setup(config, environ),
        )
    if wanted.startswith("-"):  # it would be an option of gpg
        raise CannotJudge(f"user.signingkey is no key: {printable(wanted, 80)}", place=_PLACE)
    program = _gpg_program(config, environ)
    if program is None:
        if not named:
            return None
        raise CannotJudge("gpg was not found, so your signing key is not known", fix="apt-get install gnupg")
    gpg = _open_gpg(program, environ)
    keys = {str(key["fingerprint"]).upper(): key for key in _usable_keys(gpg, wanted)}
    if not keys:
        if not named:
            return None
        raise _unusable(gpg, wanted, named)
    if len(keys) > 1:
        raise CannotJudge(
            f"{len(keys)} of your secret keys fit {printable(wanted, 80)}, and it is unclear which one signs",
            place=_PLACE,
            fix=configure(config, "user.signingkey", next(iter(keys))),
        )
    ((fingerprint, key),) = keys.items()
    part = _signing_part(config, key, wanted if named.endswith("!") else "")
    principal = _principal(config, environ)
    armored = str(gpg.export_keys(fingerprint, armor=True, minimal=True)).encode()
    if not armored.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"):
        fix = f"gpg --armor --export {fingerprint}"
        raise CannotJudge("gpg did not export your public key", place=_PLACE, fix=fix)
    line = f'{principal} namespaces="git" openpgp {fingerprint}'
    return OwnKey("openpgp", fingerprint, principal, line, armored, part)


def _signing_part(config: Mapping[str, str], key: Mapping[str, Any], exact: str) -> str:
    """Fingerprint of the part of a key that gpg signs with: the one that `ID!` names, else its newest subkey that can.

    Raises:
        CannotJudge: the named one cannot sign now.
    """
    parts = [key, *key.get("subkey_info", {}).values()]
    fingerprints = [key["fingerprint"], *(one[2] for one in key.get("subkeys", ()))]
    able = [
        (str(number).upper(), int(part.get("date") or 0))
        for part, number in zip(parts, fingerprints, strict=True)
        # a small letter is of this part; `#`: its secret is on another machine
        if "s" in part["cap"] and part["trust"] not in _UNUSABLE and part.get("token") != "#"
    ]
    if exact:
        digits = exact.upper().removeprefix("0X")
        named = [at for at, one in enumerate(fingerprints) if digits and str(one).upper().endswith(digits)]
        if len(named) != 1:
            return ""  # a name or an address: gpg takes the primary key or none
        found = str(fingerprints[named[0]]).upper()
        if found not in dict(able):
            raise _unable_part(
                config, str(key["fingerprint"]), parts[named[0]], found, [one for one, _ in able]
            )
        return found
    subkeys = [one for one in able if one[0] != str(key["fingerprint"]).upper()]
    return max(subkeys or able, key=lambda one: one[1], default=("", 0))[0]


def _unable_part(
    config: Mapping[str, str], key: str, part: Mapping[str, Any], found: str, able: Sequence[str]
) -> CannotJudge:
    why = {"e": "has expired", "r": "is revoked"}.get(part["trust"], "cannot sign here")
    fix = configure(config, "user.signingkey", f"{able[-1]}!") if able else ""
    if part["trust"] == "e":
        # the primary key is extended by the command without a second fingerprint
        fix = f"gpg --quick-set-expire {key} 2y{'' if found == key else f' {found}'}"
    return CannotJudge(f"user.signingkey {found}! {why}", place=_PLACE, fix=fix)


def _is_ssh(named: str, environ: Mapping[str, str]) -> bool:
    """Whether user.signingkey is an SSH key, or the path of one."""
    if named.startswith(("key::", "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")) or named.endswith(".pub"):
        return True
    if "/" not in named:
        return False
    return Path(f"{_expanded(named, environ)}.pub").is_file()


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


def _unusable(gpg: Any, wanted: str, named: str) -> CannotJudge:
    """Why the key of this name cannot sign today, and the command that lets it where it can be let."""
    shown = printable(named, 80)
    mine = [key for key in gpg.list_keys(True, keys=[wanted]) if key["trust"] not in ("r", "d", "i")]
    if len(mine) != 1:
        return CannotJudge(
            f"user.signingkey names {shown}, and gpg has no usable secret key of that name",
            place=_PLACE,
            fix="gpg --list-secret-keys",
        )
    (key,) = mine
    fingerprint = str(key["fingerprint"])
    if key["trust"] == "e":
        why, fix = "the key has expired", f"gpg --quick-set-expire {fingerprint} 2y"
    else:  # its subkey for signatures has expired, was revoked, or was never there
        why, fix = "no part of the key can sign now", f"gpg --quick-add-key {fingerprint} ed25519 sign 2y"
    return CannotJudge(f"user.signingkey names {shown}, and {why}", place=_PLACE, fix=fix)


def _usable_keys(gpg: Any, wanted: str) -> list[Mapping[str, Any]]:
    """The keys that fit and can sign today."""
    listed = gpg.list_keys(True, keys=[wanted])
    # capabilities in capitals are those of the whole key as it can be used now
    return [key for key in listed if key["trust"] not in _UNUSABLE and "S" in key.get("cap", "")]
