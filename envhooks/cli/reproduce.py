"""build a release once more, and compare the images

Tag and record are proved first; then the tagged tree is built with the recorded base images, by their digests, the
same arguments, platform and date. Where the digest is another one, what differs is told, and whether a base moved.
Nothing is named and nothing is pushed. `--legacy` tries a release of before the records.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable, printable_block
from envhooks.cli._manner import answer, note
from envhooks.cli._progress import Progress
from envhooks.git.repository import Git
from envhooks.judge.facts import VERDICT_WORDS
from envhooks.judge.runs import Work
from envhooks.releases.reading import Releases
from envhooks.releases.reproduction import Rebuild, Reproduction

GROUP = "build and record"
EXITS = (
    "the same digest",
    "another one, and what differs is told",
    "it cannot be told",
)
EXAMPLES = (
    ("envhooks reproduce PyTorch-CUDA-v2.8 --print", "the commands alone"),
    ("envhooks reproduce PyTorch-CUDA-v2.8", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG, `--print`, `--engine`, `--legacy`."""
    parser.add_argument("tag", metavar="TAG", help="a release with a record; see --legacy")
    parser.add_argument(
        "--print", action="store_true", dest="only_print", help="print the commands, run nothing"
    )
    parser.add_argument(
        "--engine", choices=("buildah", "podman", "docker"), help="default: as the policy builds"
    )
    parser.add_argument("--legacy", action="store_true", help="build a release that no record proves; 2 then")


def run(options: argparse.Namespace) -> int:
    """Build, compare, and say what came out."""
    with Git.open() as git, Progress() as progress:
        releases = Releases(git, Work(step=progress.step))
        release = releases.with_records(releases.judge(releases.read([options.tag])))[0]
        if release.verdict != "accepted" and not options.legacy:
            word = VERDICT_WORDS.get(release.verdict, "not judged")
            raise CannotJudge(f"{printable(release.tag)}: {word}: {printable(release.why)}")
        rebuild = Rebuild(releases, release, options.engine or "", legacy=options.legacy)
        answer(
            tag=release.tag,
            outcome="printed",
            digest=None,
            recorded=None,
            moved=[],
            differences=[],
            doubt=None,
        )
        if options.only_print:
            commands = [*rebuild.commands()]
            answer(commands=commands)
            for line in commands:
                print(printable_block(line))
            return 0
        progress.end()  # the builder has the terminal now
        note(f"building {printable(release.tag)} once more; it runs the tagged Dockerfile")
        found = rebuild.build(sys.stderr, os.environ)
    print("\n".join(_lines(release.tag, found)))
    answer(_document(found), commands=[])
    return 0 if found.is_same else 1 if found.wanted and not found.doubt else 2


def _document(found: Reproduction) -> dict[str, object]:
    """The comparison, for programs."""
    return {
        "outcome": "same" if found.is_same else "other" if found.wanted else "not compared",
        "digest": found.digest,
        "recorded": found.wanted or None,
        "moved": found.moved,
        "differences": found.differences,
        "doubt": found.doubt or None,
    }


def _lines(tag: str, found: Reproduction) -> Iterator[str]:
    name = printable(tag)
    if found.is_same:
        yield f"{name} is reproduced: {found.digest}"
        return
    if not found.wanted:
        yield f"{name} builds: {found.digest}; no record proves what it was, so nothing was compared"
        return
    yield f"{name} is another image: {found.digest}"
    yield f"  recorded  {found.wanted}"
    for text in found.moved:
        yield f"  base      {printable(text)}"
    for text in found.differences:
        yield f"  differs   {printable(text)}"
    if found.doubt:
        yield f"  cannot tell how: {printable(found.doubt)}"
