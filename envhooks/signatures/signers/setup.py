"""Setup of a person's signing: whether git has a signing key, and the commands that give it one."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import word
from envhooks.signatures.signers.ownkey import find_own_key

_SSH_KEYS = ("id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa")
_PLAIN = r"[A-Za-z0-9_./-]+"


def ways_to_a_key(config: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """`case: command` for each way to a signing key; empty where git has one, even a broken one."""
    try:
        if find_own_key(config, environ) is not None:
            return ()
    except CannotJudge:
        return ()
    folder = Path(environ.get("HOME", "")) / ".ssh"
    there = [name for name in _SSH_KEYS if (folder / f"{name}.pub").is_file()]
    ways = [f"to sign with your SSH key: {_use(name)}" for name in there]
    if not there:
        ways.append(
            f"to sign with a new SSH key: ssh-keygen -t ed25519 -f ~/.ssh/id_ed25519 && {_use('id_ed25519')}"
        )
    return (*ways, f"to sign with a new OpenPGP key: {_openpgp(config, environ)}")


def _use(name: str) -> str:
    path = f"~/.ssh/{name}.pub"
    shown = path if re.fullmatch(_PLAIN, path[2:]) else shlex.quote(path)
    return f"git config --global gpg.format ssh && git config --global user.signingkey {shown}"


def _openpgp(config: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """The key of the user id that git asks for where no key is configured."""
    name = environ.get("GIT_COMMITTER_NAME") or config.get("committer.name") or config.get("user.name", "")
    email = (
        environ.get("GIT_COMMITTER_EMAIL") or config.get("committer.email") or config.get("user.email", "")
    )
    who = (
        word(f"{name} <{email}>")
        if name and email
        else '"$(git config user.name) <$(git config user.email)>"'
    )
    reset = "git config --global gpg.format openpgp && " if config.get("gpg.format") else ""
    return f"{reset}gpg --quick-generate-key {who} ed25519 sign 2y"
