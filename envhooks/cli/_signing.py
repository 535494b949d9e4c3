"""The signing setup of a person's git, and the commands that complete it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.git.repository import Git
from envhooks.signatures.signers.ownkey import OwnKey, find_own_key, ssh_setup

_SAMPLES = {"user.name": "'YOUR NAME'", "user.email": "YOU@EXAMPLE.ORG"}


def own_key(git: Git, environ: Mapping[str, str] = os.environ) -> tuple[OwnKey | None, tuple[str, ...]]:
    """The key that this person's git signs with, or None and what is missing, in lines that end with commands."""
    config = git.effective_config
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
    lines = []
    unknown = [key for key in ("user.name", "user.email") if not config.get(key)]
    if unknown:
        lines.append("  git does not know who you are:")
        lines += [f"    git config --global {key} {_SAMPLES[key]}" for key in unknown]
    steps = ssh_setup(config, environ).split(" && ")
    if steps[0].startswith("ssh-keygen "):
        lines.append("  make a key; git signs with SSH keys as with OpenPGP ones:")
    else:
        lines.append("  git is not told to sign with your SSH key:")
    return [*lines, *(f"    {step}" for step in steps)]
