"""allow a key to sign releases

KEY is a file with a public key (SSH, also several as `https://<host>/<user>.keys` gives them, or an OpenPGP
certificate), `-` for standard input, or what gpg finds in your keyring: a fingerprint or an address. Without
KEY it is the key that your own git signs with.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from envhooks.base.dataclass import replace
from envhooks.base.errors import PolicyError, UsageError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.cli._manner import answer, complain, remark, verbatim
from envhooks.cli._policyfiles import PolicyFiles, commands_in, next_commands
from envhooks.git.repository import Git
from envhooks.policy.root import FOLDER
from envhooks.signatures.signers import Entry, OpenPgpEntry, Signers, SshEntry, manage, read_signers
from envhooks.signatures.signers.expiry import ends_soon
from envhooks.signatures.signers.lines import moment
from envhooks.signatures.signers.manage import NewKey
from envhooks.signatures.signers.ownkey import find_own_key

ALLOWED = "allowed_signers"


def arguments(parser: argparse.ArgumentParser) -> None:
    """KEY, `--principal`, the window, `--renew`."""
    parser.add_argument("key", nargs="?", metavar="KEY", help="a file, `-`, a fingerprint or an address")
    parser.add_argument(
        "--principal", metavar="NAME", help="whose key it is: an address; default: as in the key"
    )
    for name, what in (("after", "first"), ("before", "last")):
        parser.add_argument(
            f"--valid-{name}",
            type=_date,
            metavar="DATE",
            help=f"the {what} moment at which it counts, in UTC: 2027-01-31 or 2027-01-31T12:00Z",
        )
    parser.add_argument(
        "--renew", action="store_true", help="the key is there already: take its new certificate or window"
    )


def _date(text: str) -> int:
    try:
        return manage.read_date(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: 2027-01-31") from None


def run(git: Git, options: argparse.Namespace, now: datetime) -> int:
    """Write the line, and the certificate of an OpenPGP key."""
    files = PolicyFiles.of(git)
    before = files.signer_files()
    signers = read_signers(before, "the work tree")
    keys = _keys(git, options.key, now)
    if options.principal is not None:
        manage.check_principal(options.principal)
    if options.valid_before is not None and options.valid_before <= now.timestamp():
        raise UsageError(f"--valid-before has passed: {moment(options.valid_before)}")
    text = before.get(ALLOWED, b"").decode("utf-8")
    changes: dict[str, bytes] = {}
    for key in keys:
        text = _with_key(text, key, signers, options)
        if key.certificate is not None:
            changes[f"keys/{_file_of(before, key)}"] = key.certificate
    changes[ALLOWED] = text.encode()
    changes = {name: data for name, data in changes.items() if before.get(name) != data}
    after = read_signers({**before, **changes}, "the work tree")
    added = [_entry(after, key) for key in keys]
    answer(
        added=[_document(entry, now) for entry in added],
        written=[f"{FOLDER}/{name}" for name in changes],
        next=[],
    )
    if not changes:
        remark(f"{FOLDER}/{ALLOWED} says so already")
        return 0
    verbatim(files.write(changes))
    for entry in added:
        _say(entry, now)
    verb = "Renew" if options.renew else "Allow"
    who = ", ".join(dict.fromkeys(printable(entry.signer, 80) for entry in added))
    commands = next_commands(git, changes, f"{verb} releases by {who}")
    remark(printable_block(commands), end="")
    answer(next=commands_in(commands))
    return 0


# ------------------------------------------------------------------------------------- which key


def _keys(git: Git, named: str | None, now: datetime) -> Sequence[NewKey]:
    if named is None:
        return [_own(git, now)]
    if named == "-":
        return manage.read_keys(sys.stdin.buffer.read(manage.SIZE_LIMIT + 1), "standard input", now)
    file = Path(named)
    if file.is_file():
        with file.open("rb") as stream:
            data = stream.read(manage.SIZE_LIMIT + 1)
        return manage.read_keys(data, printable(named), now)
    if named.startswith("https://"):
        # which host to believe, and by which proxy, is for the person to say
        fix = f"curl -fsS {shlex.quote(printable(named))} | envhooks signers add - --principal alice@example.org"
        raise UsageError("nothing is fetched from the network here", place=printable(named, 80), fix=fix)
    if "/" in named or file.suffix in (".pub", ".asc", ".gpg", ".keys") or file.exists():
        raise UsageError("there is no such file", place=printable(named))
    return [manage.find_in_keyring(named, now)]


def _own(git: Git, now: datetime) -> NewKey:
    own = find_own_key(git.effective_config)
    if own is None:
        text = "your git has no signing key; say which key is meant"
        raise UsageError(text, fix="envhooks signers add ~/.ssh/id_ed25519.pub")
    data = own.certificate or " ".join(own.signers_line.split()[2:]).encode()
    (key,) = manage.read_keys(data, "user.signingkey", now)
    return replace(key, label=own.principal if "@" in own.principal else key.label)


def _file_of(before: dict[str, bytes], key: NewKey) -> str:
    """The name of its certificate's file: the one that is there, however its hexadecimal digits are spelt."""
    name = f"{key.key}.asc"
    return next((path[5:] for path in before if path.lower() == f"keys/{name}".lower()), name)


# -------------------------------------------------------------------------------------- the line


def _with_key(text: str, key: NewKey, signers: Signers, options: argparse.Namespace) -> str:
    """allowed_signers with the key.

    Raises:
        UsageError: it is there already, or its principal is not given.
        PolicyError: it is revoked.
    """
    shown = f"{key.scheme} key {key.key}"
    if key.key in signers.revoked.openpgp or key.key in signers.revoked.ssh:
        raise PolicyError(
            f"the {shown} is revoked, and a revoked key stays so", place=f"{FOLDER}/revoked_keys"
        )
    there = find_entry(signers, key.key)
    if there is None:
        principal = options.principal or key.label
        if options.renew:
            raise UsageError(f"the {shown} is not there, so it cannot be renewed", fix="envhooks signers add")
        if not principal:
            raise UsageError(f"nothing says whose the {shown} is", fix="--principal alice@example.org")
        line = manage.signer_line(
            manage.check_principal(principal), key.text, options.valid_after, options.valid_before
        )
        return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
    if not options.renew:
        raise UsageError(
            f"the {shown} is there already, for {printable(there.signer, 80)}",
            place=f"{FOLDER}/{ALLOWED}:{there.line}",
            fix=_renewal(options.key),
        )
    return _renewed(text, there, signers, options)


def _renewal(named: str | None) -> str:
    """The command that takes the new certificate; another window needs a date besides."""
    if named == "-":
        return "to take its new certificate, or another window: envhooks signers add - --renew"
    return f"envhooks signers add {word(named)} --renew" if named else "envhooks signers add --renew"


def _renewed(text: str, there: Entry, signers: Signers, options: argparse.Namespace) -> str:
    if options.principal is None and options.valid_after is None and options.valid_before is None:
        return text  # the new certificate is all that changes
    key = manage.key_of(there)
    if sum(manage.key_of(entry) == key for entry in (*signers.ssh, *signers.openpgp)) > 1:
        shown = f"the key {key} stands in several lines, and it is unclear which one is meant"
        raise UsageError(shown, place=f"{FOLDER}/{ALLOWED}", fix="change the line by hand")
    lines = text.split("\n")
    after, before = there.window.after, there.window.before
    lines[there.line - 1] = manage.signer_line(
        options.principal or ",".join(there.principals),
        manage.key_text(there),
        after if options.valid_after is None else options.valid_after,
        before if options.valid_before is None else options.valid_before,
        namespaces=None if there.namespaces is None else ",".join(there.namespaces),
        is_ca=isinstance(there, SshEntry) and there.is_ca,
    )
    return "\n".join(lines)


def find_entry(signers: Signers, key: str) -> Entry | None:
    """The line that holds a key, by its fingerprint."""
    return next((e for e in (*signers.ssh, *signers.openpgp) if manage.key_of(e) == key), None)


def _entry(signers: Signers, key: NewKey) -> Entry:
    """The line as it reads back.

    Raises:
        PolicyError: it does not say what it should; nothing is written then.
    """
    found = find_entry(signers, key.key)
    if found is None or not found.is_for_git or isinstance(found, OpenPgpEntry) != (key.scheme == "openpgp"):
        raise PolicyError("the new line would not let the key sign", place=f"{FOLDER}/{ALLOWED}")
    return found


def _kind(entry: Entry) -> str:
    return "openpgp" if isinstance(entry, OpenPgpEntry) else "ssh"


def _document(entry: Entry, now: datetime) -> dict[str, str | None]:
    warning = ends_soon(entry, now) or None
    return {"who": entry.signer, "scheme": _kind(entry), "key": manage.key_of(entry), "warning": warning}


def _say(entry: Entry, now: datetime) -> None:
    remark(f"signer: {printable(entry.signer, 80)} ({_kind(entry)} {printable(manage.key_of(entry))})")
    warning = ends_soon(entry, now)
    if warning:
        complain(f"warning: {printable(warning)}")
