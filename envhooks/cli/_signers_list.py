"""say who may sign, and until when

Each key by the policy that counts, with where it stands and the last tag that was signed with it; then what ends soon
and what the work tree has otherwise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.base.refs import Hook
from envhooks.cli._manner import answer, complain, note, sentence
from envhooks.cli._policyfiles import PolicyFiles
from envhooks.cli._tables import print_table
from envhooks.cli._terminal import columns
from envhooks.git.repository import Git
from envhooks.judge import runs as gate
from envhooks.judge.collect import collect, release_tags
from envhooks.judge.facts import Subject, TagObject
from envhooks.policy.root import FOLDER
from envhooks.policy.trust import TrustContext, trust_context
from envhooks.signatures import Verdict
from envhooks.signatures.signers import (
    Entry,
    KeylessSigner,
    OpenPgpEntry,
    Signers,
    SshEntry,
    read_signers,
)
from envhooks.signatures.signers.expiry import is_revoked_by_owner, key_ends_soon, valid_until
from envhooks.signatures.signers.lines import moment
from envhooks.signatures.signers.manage import key_of

_TITLES = ("who", "scheme", "key", "from", "counts until", "last tag")


@dataclass(frozen=True)
class SignedTag:
    """A tag with a good signature, or a locked one that had it when it was locked."""

    tag: str
    key: str
    date: int
    """Seconds since the epoch, as the tag says."""
    locked: bool


def signed_tags(git: Git, trust: TrustContext) -> tuple[SignedTag, ...]:
    """The release tags of the repository by the key that signed them."""
    root = trust.root
    updates = release_tags(gate.every_tag(git, trust), root.policy, root.locked)
    subjects = collect(git, trust, updates, {"publication", "object", "signature"}) if updates else ()
    return tuple(found for subject in subjects if (found := _signed(subject)))


def _signed(subject: Subject) -> SignedTag | None:
    verdict, found = subject.facts.get("signature"), subject.facts.get("object")
    if not isinstance(verdict, Verdict) or not isinstance(found, TagObject) or found.annotation is None:
        return None
    if not verdict.key or found.annotation.name != subject.tag:
        return None
    # of a signature that is refused the key is a claim, unless the ledger holds the tag from when it was good
    if verdict.status != "good" and not subject.stands_as_locked:
        return None
    return SignedTag(subject.tag, verdict.key, found.annotation.date, subject.stands_as_locked)


def run(git: Git, _: argparse.Namespace, now: datetime) -> int:
    """Print the table, then what ends soon and where the work tree differs."""
    trust = trust_context(git, Hook.CHECK)
    root = trust.root
    where = printable(root.where) or "the protected branch"
    signers = read_signers(root.signer_files, root.where)
    entries = _entries(signers)
    keyless = root.policy.keyless
    rows: list[tuple[str, ...]] = []
    if entries or keyless:
        tags = signed_tags(git, trust)
        last = {tag.key: tag for tag in sorted(tags, key=lambda tag: (tag.date, tag.tag))}
        rows = [*_rows(entries, signers, last, where, now), *_keyless_rows(keyless, last, where)]
    differences = [*_differences(git, signers, where)]
    answer(_document(rows, differences))
    if rows:
        _print(rows)
    else:
        sentence(f"{where} names nobody in {FOLDER}/allowed_signers; to name the first: envhooks init")
    for key in dict.fromkeys(map(key_of, entries)):
        lines = [entry for entry in entries if key_of(entry) == key]
        warning = key_ends_soon(lines, now)
        if warning and not _is_revoked(lines[0], signers):
            complain(f"warning: {printable(warning)}")
    for text in (*trust.notes, *signers.notes):
        note(f"note: {printable(text)}")
    for line in differences:
        sentence(printable(line))
    return 0


def _entries(signers: Signers) -> list[Entry]:
    entries: list[SshEntry | OpenPgpEntry] = [*signers.ssh, *signers.openpgp]
    return sorted(entries, key=lambda entry: entry.line)


def _rows(
    entries: Iterable[Entry], signers: Signers, last: Mapping[str, SignedTag], where: str, now: datetime
) -> Iterator[tuple[str, ...]]:
    """`last`: key -> the newest tag that it signed."""
    for entry in entries:
        scheme = "openpgp" if isinstance(entry, OpenPgpEntry) else "ssh"
        scheme += " CA" if isinstance(entry, SshEntry) and entry.is_ca else ""
        key = key_of(entry)
        yield (
            ",".join(entry.principals),
            scheme,
            key,
            f"{where}:{entry.line}",
            _until(entry, signers, now),
            _last(last.get(key)),
        )


def _keyless_rows(
    keyless: Iterable[KeylessSigner], last: Mapping[str, SignedTag], where: str
) -> Iterator[tuple[str, ...]]:
    for signer in keyless:
        place = f"{where}: [[gitsign]]"
        yield signer.identity, "gitsign", signer.issuer, place, "no end", _last(last.get(str(signer)))


def _until(entry: Entry, signers: Signers, now: datetime) -> str:
    if _is_revoked(entry, signers):
        return "revoked"
    if not entry.is_for_git:
        return "not for git"
    outside = entry.window.fault(now)
    if outside and entry.window.after is not None and now.timestamp() < entry.window.after:
        return f"from {moment(entry.window.after)} on"
    until = valid_until(entry)
    if until is None:
        return "no end"
    return f"{moment(until)}{' (ended)' if until < now.timestamp() else ''}"


def _last(tag: SignedTag | None) -> str:
    if tag is None:
        return "-"
    try:
        day = datetime.fromtimestamp(tag.date, timezone.utc).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        day = "no date"
    return f"{tag.tag} ({day})"


def _is_revoked(entry: Entry, signers: Signers) -> bool:
    listed = key_of(entry) in signers.revoked.ssh | signers.revoked.openpgp
    return listed or is_revoked_by_owner(entry)


def _document(rows: Iterable[Sequence[str]], differences: Iterable[str]) -> dict[str, object]:
    names = ("who", "scheme", "key", "from", "until", "last_tag")
    return {
        "signers": [dict(zip(names, map(printable, row), strict=True)) for row in rows],
        "differences": [printable(line) for line in differences],
    }


def _print(rows: Sequence[Sequence[str]]) -> None:
    """A table; where it is wider than the terminal, two lines for each, so that a key can be copied whole."""
    widths = [max(map(len, column)) for column in zip(_TITLES, *rows, strict=True)]
    width = columns(sys.stdout)
    if width is None or sum(widths) + 2 * len(widths) <= width:
        print_table(_TITLES, rows)
        return
    for who, scheme, key, place, until, last in rows:
        sentence(printable(f"{who}  {scheme} {key}", 400))
        sentence(printable(f"    in {place}; counts until: {until}", 400))
        if last:
            sentence(printable(f"    last tag: {last}", 400))


# ---------------------------------------------------------------------------------- the work tree


def _differences(git: Git, signers: Signers, where: str) -> Iterator[str]:
    """Differences of the signers in the work tree, a line each."""
    if git.work_tree is None:
        return
    try:
        own = read_signers(PolicyFiles.of(git).signer_files(), "the work tree")
    except EnvhooksError as error:
        yield f"the work tree's {FOLDER}/ cannot be read: {error.message}"
        return
    here, there = _sayings(own), _sayings(signers)
    for key in here.keys() - there.keys():
        yield f"only in the work tree, so it does not count yet: {here[key][0]} {key}"
    for key in there.keys() - here.keys():
        yield f"not in the work tree, and it counts: {there[key][0]} {key}"
    for key in sorted(here.keys() & there.keys()):
        if here[key] != there[key]:
            yield f"the work tree says something else than {where} of {here[key][0]} {key}"
    revoked_here = own.revoked.ssh | own.revoked.openpgp
    for key in sorted(revoked_here ^ (signers.revoked.ssh | signers.revoked.openpgp)):
        only = "only in the work tree, so it still counts" if key in revoked_here else f"only on {where}"
        yield f"revoked {only}: {key}"


def _sayings(signers: Signers) -> Mapping[str, tuple[object, ...]]:
    """Key -> what its lines say of it, the first line's principals first."""
    found: dict[str, tuple[object, ...]] = {}
    for e in _entries(signers):
        who = ",".join(e.principals)
        said = (e.namespaces, e.window, getattr(e, "is_ca", False), valid_until(e))
        found[key_of(e)] = (*found.get(key_of(e), (who,)), who, said)
    return found
