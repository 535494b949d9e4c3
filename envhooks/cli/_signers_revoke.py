"""take a key's worth away, from now on and for everything that is not locked

KEY is a fingerprint (`SHA256:...`, or the 40 digits of an OpenPGP key or subkey), a file with the public key, or
a principal who has one key. The line in allowed_signers stays, so that refusals can say why. Tags that tags.lock
lists stay good: they were judged before. The others that this key signed are named.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import EnvhooksError, UsageError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.base.refs import Hook
from envhooks.cli._manner import answer, remark, verbatim
from envhooks.cli._policyfiles import PolicyFiles, commands_in, next_commands
from envhooks.cli._signers_add import find_entry
from envhooks.cli._signers_list import signed_tags
from envhooks.git.repository import Git
from envhooks.policy.root import FOLDER
from envhooks.policy.trust import trust_context
from envhooks.signatures.signers import Entry, OpenPgpEntry, Signers, SshEntry, manage, read_signers

REVOKED = "revoked_keys"
_FINGERPRINT = r"SHA256:[A-Za-z0-9+/]{43}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}"
_REASON = r"[ -~]{0,200}"


def arguments(parser: argparse.ArgumentParser) -> None:
    """KEY and `--reason`."""
    parser.add_argument("key", metavar="KEY", help="a fingerprint, a public key's file, or a principal")
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="stands beside the key, for those who ask why"
    )


@dataclass(frozen=True)
class _Target:
    """A key that is to be revoked."""

    key: str
    """The fingerprint."""
    text: str
    """As revoked_keys lists it."""
    who: str = ""


def run(git: Git, options: argparse.Namespace, now: datetime) -> int:
    """Write the line; a key that is revoked already is not an error."""
    if not re.fullmatch(_REASON, options.reason):
        raise UsageError("the reason is one line in ASCII", fix="--reason 'the laptop was stolen'")
    files = PolicyFiles.of(git)
    before = files.signer_files()
    signers = read_signers(before, "the work tree")
    if signers.revoked.krl is not None:
        text = "this is a binary key revocation list, which ssh-keygen writes"
        fix = f"ssh-keygen -k -u -f {FOLDER}/{REVOKED} <public key file>"
        raise UsageError(text, place=f"{FOLDER}/{REVOKED}", fix=fix)
    target = _target(options.key, signers, now, options.reason)
    answer(key=target.key, who=target.who or None, revoked=False, consequences=[], next=[])
    if target.key in signers.revoked.ssh | signers.revoked.openpgp:
        remark(f"{printable(target.key)} is revoked already")
        return 0
    note = " ".join(part for part in (target.who, f"{now:%Y-%m-%d}", options.reason.strip()) if part)
    text = before.get(REVOKED, b"").decode("utf-8", "surrogateescape")
    text += "" if not text or text.endswith("\n") else "\n"
    data = f"{text}{target.text} {note}\n".encode("utf-8", "surrogateescape")
    revoked = read_signers({**before, REVOKED: data}, "the work tree").revoked
    if target.key not in revoked.ssh | revoked.openpgp:
        raise UsageError("the new line would not revoke the key", place=f"{FOLDER}/{REVOKED}")
    verbatim(files.write({REVOKED: data}))
    consequences = [*_consequences(git, target, signers)]
    for line in consequences:
        remark(printable(line, 2000))
    commands = next_commands(git, {REVOKED: data}, f"Revoke {target.key}")
    remark(printable_block(commands), end="")
    answer(revoked=True, consequences=consequences, next=commands_in(commands))
    return 0


# ------------------------------------------------------------------------------------- which key


def _target(named: str, signers: Signers, now: datetime, reason: str) -> _Target:
    entries: list[Entry] = [*signers.ssh, *signers.openpgp]
    if Path(named).is_file():
        keys = manage.read_keys(Path(named).read_bytes(), printable(named), now)
        if len(keys) > 1:
            raise UsageError("the file holds several keys; say which", place=printable(named))
        entry = find_entry(signers, keys[0].key)
        return _of(entry) if entry else _Target(keys[0].key, keys[0].text)
    if re.fullmatch(_FINGERPRINT, named):
        key = named if named.startswith("SHA256:") else named.upper()
        entry = find_entry(signers, key) or _holder(key, signers)
        if entry is not None and manage.key_of(entry) == key:
            return _of(entry)
        text = key if key.startswith("SHA256:") else f"openpgp {key}"
        return _Target(key, text, entry.signer if entry else "")
    found = list({manage.key_of(entry): entry for entry in entries if named in entry.principals}.values())
    if len(found) == 1:
        return _of(found[0])
    if found:
        keys_of = ", ".join(manage.key_of(entry) for entry in found)
        text = f"{printable(named, 80)} has {len(found)} keys: {keys_of}"
        more = f" --reason {word(reason)}" if reason else ""
        raise UsageError(text, fix=f"envhooks signers revoke {manage.key_of(found[0])}{more}")
    text = f"no signer and no whole fingerprint is called {printable(named, 80)}"
    raise UsageError(text, fix="envhooks signers list")


def _of(entry: Entry) -> _Target:
    return _Target(manage.key_of(entry), manage.key_text(entry), entry.signer)


def _holder(key: str, signers: Signers) -> OpenPgpEntry | None:
    """The line whose certificate has this subkey."""
    return next((entry for entry in signers.openpgp if key in entry.certificate.keys), None)


# ---------------------------------------------------------------------------------- what follows


def _consequences(git: Git, target: _Target, signers: Signers) -> Iterator[str]:
    try:
        signed = [tag for tag in signed_tags(git, trust_context(git, Hook.CHECK)) if tag.key == target.key]
    except EnvhooksError as error:
        yield f"which tags it signed is not known: {error.message}"
        return
    kept = sorted(tag.tag for tag in signed if tag.locked)
    lost = sorted(tag.tag for tag in signed if not tag.locked)
    if kept:
        yield f"locked, and good as before; take those out of tags.lock that its owner did not make: {_few(kept)}"
    if lost:
        yield f"refused from now on, unless they are locked before this counts (envhooks lock): {_few(lost)}"
    gone = {target.key, *signers.revoked.ssh, *signers.revoked.openpgp}
    if not any(manage.key_of(entry) not in gone for entry in (*signers.ssh, *signers.openpgp)):
        yield "nobody is left who may sign: envhooks signers add"
    if any(
        isinstance(entry, SshEntry) and entry.is_ca
        for entry in signers.ssh
        if target.key == manage.key_of(entry)
    ):
        yield "it is the key of a certificate authority: all its certificates are refused from now on"


def _few(tags: list[str]) -> str:
    return ", ".join(tags[:10]) + (f" and {len(tags) - 10} more" if len(tags) > 10 else "")
