"""record by hand that an image is of a tag

The record is signed, and stands on the tag and beside the image. The tag is judged as the remote holds it, and has to
pass. The image is asked for by its digest, and what is inside is held against the tag, as `envhooks verify` does. The
key is `--key`, else $ENVHOOKS_RECORD_KEY (a file, or PEM text), `git config envhooks.recordkey`, or the SSH key that
git signs with. After a verified build nobody has to type this. Without `--image` it is recorded that the tag passed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from envhooks.base.errors import CannotJudge, EnvhooksError, UsageError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.base.refs import TAGS
from envhooks.builds import confirm
from envhooks.builds import remote as remotes
from envhooks.builds.verify_image import expected
from envhooks.cli._manner import answer, complain, note
from envhooks.cli._options import add_tls
from envhooks.cli._terminal import columns, use_colour
from envhooks.git.repository import Git
from envhooks.judge.facts import Report
from envhooks.policy.branches import release_remote
from envhooks.records import images, making, render, share, writer
from envhooks.records.keys import find_key
from envhooks.records.types import TagRecord
from envhooks.report import Look
from envhooks.report import render as render_report
from envhooks.report.json import document as report_document
from envhooks.tagname import Grammar

GROUP = "build and record"
EXAMPLES = (
    (
        "envhooks record PyTorch-CUDA-v2.8 --image registry.example/pytorch@sha256:...",
        "",
    ),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG, `--image`, `--key`, `--remote`, `--no-push`, `--no-verify`, `--no-tls-verify`."""
    parser.add_argument("tag", metavar="TAG", help="a tag's name, short or as refs/tags/NAME")
    parser.add_argument(
        "--image", metavar="REF@sha256:...", help="the image that is of the tag, by its digest"
    )
    parser.add_argument("--key", metavar="FILE", default="", help="a private key: P-256, Ed25519 or SSH")
    parser.add_argument(
        "--remote", metavar="NAME", help="the remote that holds the tag; default: the release remote"
    )
    parser.add_argument("--no-push", action="store_true", help="write the record into this repository alone")
    parser.add_argument(
        "--no-verify", action="store_true", help="do not hold what is inside of the image against the tag"
    )
    add_tls(parser)


def run(options: argparse.Namespace) -> int:
    """Judge, look at the image, sign, write, and share."""
    ref = options.tag if options.tag.startswith(TAGS) else TAGS + options.tag
    reference = images.reference_of(options.image) if options.image else None
    with Git.open(Path.cwd()) as git:
        name = options.remote or release_remote(git)
        remote = remotes.named(git, name, os.environ) if name else remotes.own_repository(git)
        key = find_key(git, options.key, asks=sys.stdin.isatty())
        refs = remotes.list_refs(git, remote, os.environ)
        oid = refs.refs.get(ref)
        if oid is None:
            where = printable(name or "this repository")
            short = printable(ref.removeprefix(TAGS))
            fix = f"git push {word(where)} {word(short)}" if name else "git tag --list"
            raise UsageError(
                f"{where} does not hold a tag {short}, and only what it holds is recorded", fix=fix
            )
        confirmed = confirm.confirm(git, remote, refs, {ref: oid}, os.environ)
        report = Report(tuple(confirmed.tags.values()), confirmed.errors)
        answer(
            tag=ref.removeprefix(TAGS),
            report=report_document(report),
            refused=None,
            new=False,
            pushed=False,
            tags=[],
        )
        if report.exit_code or ref not in confirmed.tags:
            look = Look(use_colour(sys.stderr), columns(sys.stderr))
            print(render_report(report, "text", look), end="", file=sys.stderr)
            return report.exit_code or 2
        tag = writer.tag_record(git, confirmed, ref)
        seen = images.look(reference, os.environ, tls_verify=options.tls_verify) if reference else None
        try:
            share.fetch(git, remote, os.environ)
            image = None
            if seen is not None:
                looked = ("", {}) if options.no_verify else _inspect(confirmed, tag, seen, options.tls_verify)
                image = making.by_hand(confirmed, ref, tag, seen, *looked)
            written = writer.write(git, confirmed.trust.root, remote, tag, image, key)
        except writer.Contradiction as error:
            complain(f"envhooks: not recorded: {printable_block(str(error))}")
            answer(refused=error.message)
            return 1
        except writer.NotAVerifier as error:
            complain(f"envhooks: {printable_block(str(error))}")
            complain("  in the policy this would allow it:\n")
            complain("\n".join(f"    {printable(line)}" for line in error.section.split("\n")))
            answer(refused=error.message)
            return 2
        code = 0
        if not options.no_push:
            share.share(git, remote, os.environ)
        if seen is not None and written.lines and not options.no_push:
            code = _attach(seen, written.lines, options.tls_verify)
    if not written.lines:
        note("envhooks: this was recorded before")
    answer(render.document([written.records]), new=bool(written.lines), pushed=not options.no_push)
    print(render.as_text(written.records), end="")
    return code or (0 if image is None else written.records.exit_code)


def _inspect(
    confirmed: confirm.Confirmed, tag: TagRecord, seen: images.Seen, tls_verify: bool
) -> tuple[str, dict[str, str]]:
    """(method of the comparison, content) of the image, compared with the tag.

    Raises:
        Contradiction: it is not what the tag says.
        CannotJudge: it cannot be determined; then only a person can say that it is of the tag, by `--no-verify`.
    """
    name = Grammar(confirmed.policy.tag).match(tag.tag)
    wanted = expected(name, confirmed.policy.tag) if name is not None else None
    try:
        return making.inspect(seen, wanted, tag.tag, os.environ, tls_verify=tls_verify)
    except CannotJudge as error:
        fix = f"envhooks record {word(tag.tag)} --image {seen.reference} --no-verify, to take it by your own word"
        raise CannotJudge(error.message, place=error.place, fix=error.fix or fix) from None


def _attach(seen: images.Seen, lines: tuple[bytes, ...], tls_verify: bool) -> int:
    """Put the record beside the image as well; the note is what counts, so this is not a failure."""
    try:
        images.attach(seen, lines, os.environ, tls_verify=tls_verify)
    except EnvhooksError as error:
        complain(f"envhooks: the record is not beside the image: {printable_block(str(error))}")
    return 0
