"""The signing setup of a person's git, and the commands that complete it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.signatures.signers.ownkey import OwnKey, find_own_key

_USUAL = ("id_ed25519", "id_ecdsa", "id_rsa")
_SAMPLES = {"user.name": "'YOUR NAME'", "user.email": "YOU@EXAMPLE.ORG"}


def own_key(git: Git, environ: Mapping[str, str] = os.environ) -> tuple[OwnKey | None, tuple[str, ...]]:
    """The key that this person's git signs with, or None and what is missing, in lines that end with commands."""
    config = {key: values[-1] for key, values in git.config.items()}
    try:
        key = find_own_key(config, environ)
    except CannotJudge as error:
        fix = (f"    {line}" for line in error.fix.split("\n") if line)
        return None, (f"  {error.message}:" if error.fix else f"  {error.message}", *fix)
    except EnvhooksError as error:
        return None, tuple(f"  {line}" for line in str(error).split("\n"))
    if key is not None:
        return key, ()
    return None, tuple(_advice(config, environ))


def _advice(config: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    ssh = Path(environ.get("HOME", "")) / ".ssh"
    there = next((name for name in _USUAL if (ssh / f"{name}.pub").is_file()), "")
    lines = []
    unknown = [key for key in ("user.name", "user.email") if not config.get(key)]
    if unknown:
        lines.append("  git does not know who you are:")
        lines += [f"    git config --global {key} {_SAMPLES[key]}" for key in unknown]
    if there:
        lines.append("  git is not told to sign with your SSH key:")
    else:
        lines += ["  make a key; git signs with SSH keys as with OpenPGP ones:", "    ssh-keygen -t ed25519"]
    return [
        *lines,
        "    git config --global gpg.format ssh",
        f"    git config --global user.signingkey {printable(f'~/.ssh/{there or _USUAL[0]}.pub')}",
    ]
