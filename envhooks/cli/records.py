"""show the signed records: who says which image is of a tag

Without TAG all release tags are listed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from envhooks.base.dataclass import replace
from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import TAGS, Hook
from envhooks.builds import remote as remotes
from envhooks.builds.registry import Reference
from envhooks.cli._manner import answer, note
from envhooks.cli._options import add_tls
from envhooks.cli._progress import Progress
from envhooks.git import notes
from envhooks.git.repository import Git
from envhooks.judge import checkout
from envhooks.policy.branches import release_remote
from envhooks.policy.root import TrustRoot
from envhooks.policy.trust import trust_context
from envhooks.records import images, reader, render, share
from envhooks.records.types import Records

FORMATS = ("text", "json", "dsse")
FORMATS_HELP = (
    "json: one object, for programs; dsse: the envelopes themselves, one a line, for other verifiers"
)
GROUP = "build and record"
EXITS = (
    "proved; without TAG: none is contradicted",
    "contradicted, or signed by nobody whom the policy allows",
    "no record, or not all of one",
)
EXAMPLES = (
    ("envhooks records", "all releases"),
    ("envhooks records PyTorch-CUDA-v2.8-rc1 --fetch", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG, `--fetch`, `--image`, `--no-tls-verify`."""
    parser.add_argument("tag", nargs="?", metavar="TAG", help="a tag's name, short or as refs/tags/NAME")
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="first fetch the records, the tag and the protected branch from the release remote",
    )
    parser.add_argument(
        "--image",
        metavar="REF@sha256:...",
        help="whether this image is of the tag; the records beside it are read as well as the tag's",
    )
    add_tls(parser)


def run(options: argparse.Namespace) -> int:
    """Print what is recorded."""
    ref = None
    if options.tag:
        ref = options.tag if options.tag.startswith(TAGS) else TAGS + options.tag
    reference = images.reference_of(options.image) if options.image else None
    if reference and ref is None:
        raise UsageError("--image goes with a TAG", fix="envhooks records TAG --image REF@sha256:...")
    if options.fetch:
        with Progress() as progress:
            progress.wait("fetching")
            _fetch(ref)
    with Git.open(Path.cwd()) as git:
        root = trust_context(git, Hook.CHECK).root
        if options.format == "dsse":
            return _print_envelopes(git, ref)
        if ref is None:
            if not options.fetch:
                checkout.hold_every_tag(git)
            return _print_all(git, root)
        beside = images.attached(reference, os.environ, tls_verify=options.tls_verify) if reference else ()
        found = reader.read(git, root, ref, beside=beside)
    if reference:
        found = _of_image(found, reference)
    answer(render.document([found]))
    print(render.as_text(found), end="")
    if found.state == "none" and not options.fetch:
        note(f"  fix: envhooks records {word(found.tag)} --fetch")
    if found.state == "contradicted" and not reference:
        note("  advice: envhooks check --all, which says whether somebody changed them")
    return found.exit_code


def _fetch(ref: str | None) -> None:
    checkout.repair(Path.cwd(), [ref] if ref else None)
    with Git.open(Path.cwd()) as git:
        if name := release_remote(git):
            share.fetch(git, remotes.named(git, name, os.environ), os.environ)


def _of_image(found: Records, asked: Reference) -> Records:
    """The records, contradicted where they prove another image than the one that was asked about."""
    if not found.images or any(asked.digest in one.digests for one in found.images):
        return found
    text = f"{printable(str(asked), 300)} is not the image of the tag, which is {found.images[0].reference}"
    return replace(found, state="contradicted", faults=(*found.faults, text))


def _print_all(git: Git, root: TrustRoot) -> int:
    with Progress() as progress:
        found = reader.read_all(git, root, step=progress.step)
    if not found:
        note("envhooks: this repository has no release tags")
    ordered = [found[tag] for tag in sorted(found)]
    answer(render.document(ordered))
    print(render.as_list(ordered), end="")
    if any(one.unread for one in ordered):
        for one in ordered:
            if one.unread:
                note(f"envhooks: {printable(one.tag)}: {printable(one.unread)}")
        return 2
    return 1 if any(one.state == "contradicted" for one in ordered) else 0


def _print_envelopes(git: Git, ref: str | None) -> int:
    """The lines as they stand: their reader verifies whether they prove anything."""
    tip = notes.tip(git)
    if ref is None:
        lines = [line for note in notes.all_lines(git, tip).values() for line in note]
    else:
        lines = [*notes.lines_of(git, tip, reader.tag_facts(git, ref).object)]
    safe = (line for line in lines if line.isascii() and line.decode().isprintable())
    sys.stdout.buffer.write(b"".join(b"%s\n" % line for line in safe))
    return 0 if lines else 2
