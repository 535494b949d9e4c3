"""Setup of a person's signing: whether git has a signing key, and the commands that give it one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable, word
from envhooks.signatures.programs import find_program
from envhooks.signatures.signers.ownkey import (
    SSH_KEYS,
    OwnKey,
    configure,
    find_own_key,
    private_file,
    ssh_setup,
)

_SECONDS = 5
"""Time in which an agent has to say which keys it holds."""


def ways_to_a_key(config: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """`case: command` for each way to a signature; empty where git can sign as far as can be told."""
    try:
        key = find_own_key(config, environ)
        if key is not None:
            fault = cannot_sign(key, config, environ)
            return () if fault is None else (fault.message, *fault.fix.split("\n"))
    except CannotJudge as error:
        return (f"{error.message}: {error.fix}",) if error.fix else (error.message,)
    folder = Path(environ.get("HOME", "")) / ".ssh"
    there = [name for name in SSH_KEYS if (folder / f"{name}.pub").is_file()]
    ways = [f"to sign with your SSH key: {ssh_setup(config, environ, name)}" for name in there]
    if not there:
        ways.append(f"to sign with a new SSH key: {ssh_setup(config, environ)}")
    return (*ways, f"to sign with a new OpenPGP key: {_openpgp(config, environ)}")


def cannot_sign(
    key: OwnKey, config: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> CannotJudge | None:
    """Why git cannot sign with its key: the private half of an SSH key is nowhere; None where no reason is known.

    Nothing is signed for it: that may ask for a passphrase, or for a touch.
    """
    named, program = config.get("user.signingkey", "").strip(), config.get("gpg.ssh.program", "")
    if key.scheme != "ssh" or Path(program or "ssh-keygen").name != "ssh-keygen":
        return None  # the program of a password manager holds keys of its own
    is_file = not named.startswith(("key::", "ssh-"))
    if is_file and _may_be_there(private_file(named, environ)):
        return None
    held = _held_by_the_agent(environ)
    if held is None or key.signers_line.split()[-1] in held:
        return None
    shown = printable(named if is_file else key.key, 80)
    where = "and no agent has it" if held else "and no agent holds a key"
    lines = "if a token or another file has it, let an agent hold it: ssh-add"
    if is_file:
        lines = f"if it is in another place: ssh-add FILE, or put it at {printable(str(private_file(named, environ)))}"
    return CannotJudge(
        f"the private key of {shown} is not here, {where}, so git cannot sign",
        fix=f"{lines}\nelse sign with another key: git config user.signingkey FILE.pub",
    )


def _may_be_there(file: Path) -> bool:
    """Whether git may find this file, which it looks for from the top of the work tree."""
    return not file.is_absolute() or file.is_file()


def _held_by_the_agent(environ: Mapping[str, str]) -> str | None:
    """The public keys that the person's agent holds, in lines; None where it does not tell."""
    program = find_program("ssh-add", environ)
    if not environ.get("SSH_AUTH_SOCK"):
        return ""
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "-L"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("ascii", "replace") if done.returncode == 0 else ""


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
    reset = f"{configure(config, 'gpg.format', 'openpgp')} && " if config.get("gpg.format") else ""
    return f"{reset}gpg --quick-generate-key {who} ed25519 sign 2y"
