"""list releases: lines, stages, dates, signers, verdicts, images

`--has 'torch<2.6'` lists the releases that hold such a package, and apart from them those of which it is not known. A
table on a terminal, else JSON.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.cli._manner import answer, is_json
from envhooks.cli._progress import Progress
from envhooks.cli._tables import print_table
from envhooks.cli.show import head_of
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.judge.checkout import hold_every_tag
from envhooks.judge.facts import VERDICT_WORDS
from envhooks.judge.runs import Work
from envhooks.releases.compare import holds
from envhooks.releases.facts import Release
from envhooks.releases.reading import Releases

if TYPE_CHECKING:
    from packaging.requirements import Requirement

FORMATS = ("text", "json", "table")
PIPED = "json"
GROUP = "read releases"
EXITS = (
    "listed",
    "",
    "--has is not known of one, or one could not be judged",
)
EXAMPLES = (
    ("envhooks list --line PyTorch-CUDA", ""),
    ("envhooks list --has 'torch<2.6'", "which releases hold it?"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--has`, `--line`, `--stage`, `--unjudged`."""
    parser.add_argument(
        "--has",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package: torch, 'torch<2.6'; all must hold",
    )
    parser.add_argument(
        "--direct", action="store_true", help="with --has: a package that no file names counts as not there"
    )
    parser.add_argument(
        "--line", metavar="LINE", help="releases of this framework and hardware: PyTorch-CUDA"
    )
    parser.add_argument(
        "--stage", choices=("stable", "post", "rc", "beta", "alpha"), help="releases of this stage"
    )
    parser.add_argument(
        "--without-image", action="store_true", help="releases of which no record proves an image"
    )
    parser.add_argument(
        "--unjudged", action="store_true", help="leave out verdicts and signers, which take longer"
    )


def run(options: argparse.Namespace) -> int:
    """Print the releases; 2 where `--has` could not be answered for one of them, or a release could not be judged."""
    wanted = [_requirement(text) for text in options.has]
    with Git.open() as git, Progress() as progress:
        releases = Releases(git, Work(step=progress.step))
        hold_every_tag(git)
        everything = releases.read()
        if options.line and not any(_is_of(one, options.line) for one in everything):
            # a slip would be answered as if no release held the package
            lines = [*dict.fromkeys(one.line for one in everything if one.line)]
            known = f"; there are {', '.join(lines[:20])}" if lines else ", and no release at all"
            raise UsageError(printable(f"there is no line {options.line} here{known}"))
        chosen = [one for one in everything if _fits(one, options.line, options.stage)]
        chosen = list(releases.with_records(chosen))
        if options.without_image:
            chosen = [one for one in chosen if not one.image]
        found, unknown = _search(chosen, wanted, options.direct)
        if not options.unjudged:
            found = list(releases.judge(found))
    answer(document(found, unknown))
    if not is_json():
        chosen_by = options.line or options.stage or options.without_image
        _print(found, unknown, options.has, "such releases" if chosen_by else "releases")
    undecided = any(one.verdict == "undecided" for one in found)
    return 2 if unknown or undecided else 0


def _requirement(text: str) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(text)
    except InvalidRequirement:
        raise UsageError(f"{printable(text)} is no package with versions", fix="--has 'torch<2.6'") from None
    if wanted.url or wanted.marker or wanted.extras:
        raise UsageError(f"{printable(text)}: a name and versions only", fix="--has 'torch<2.6'")
    return wanted


def _fits(release: Release, line: str | None, stage: str | None) -> bool:
    return (not stage or release.stage == stage) and (not line or _is_of(release, line))


def _is_of(release: Release, line: str) -> bool:
    # a line of `PyTorch-CUDA` holds `PyTorch-CUDA12.8` as well, where a team writes the version into the name
    name = release.name
    plain = "-".join(part for part in (name.framework, name.hardware) if part) if name else ""
    return line.casefold() in (release.line.casefold(), plain.casefold())


def _search(
    releases: Sequence[Release], wanted: Sequence[Requirement], direct: bool
) -> tuple[list[Release], list[tuple[Release, str]]]:
    """The releases that hold all that is wanted, and those of which it is not known, with the reason."""
    found: list[Release] = []
    unknown: list[tuple[Release, str]] = []
    for release in releases:
        if not wanted:
            found.append(release)
            continue
        environment = release.environment
        if not isinstance(environment, Environment):
            unknown.append((release, environment.why))
            continue
        answers = [holds(environment, one, direct=direct) for one in wanted]
        if any(answer is False for answer in answers):
            continue
        doubt = next((answer for answer in answers if isinstance(answer, str)), None)
        if doubt is None:
            found.append(release)
        else:
            unknown.append((release, doubt))
    return found, unknown


def document(found: Sequence[Release], unknown: Sequence[tuple[Release, str]]) -> dict[str, Any]:
    """The list as JSON."""
    return {
        "releases": [_entry(one) for one in found],
        "unknown": [{**_entry(one), "why": printable(why)} for one, why in unknown],
    }


def _entry(release: Release) -> dict[str, Any]:
    return {
        **head_of(release),
        "image": printable(release.image) or None,
        "record": release.records.state if release.records else None,
    }


def _verdict(release: Release) -> str:
    return "yanked" if release.yanked else VERDICT_WORDS.get(release.verdict, "")


def _image(release: Release) -> str:
    """The short digest; the whole one is in `show` and in JSON."""
    if release.records and release.records.state == "contradicted":
        return "contradicted"
    _, at, digest = release.image.partition("@")
    return digest.partition(":")[2][:12] if at else ""


def _print(
    found: Sequence[Release], unknown: Sequence[tuple[Release, str]], has: Sequence[str], kind: str
) -> None:
    if found:
        print_table(
            ("tag", "stage", "date", "verdict", "signer", "image"),
            [(one.tag, one.stage, one.date, _verdict(one), one.signer, _image(one)) for one in found],
            [one.line for one in found],
        )
    elif not unknown:
        what = f"no release holds {' and '.join(has)}" if has else f"there are no {kind} here"
        print(printable(what))
    if unknown:
        print(f"\nnot known of {len(unknown)}:")
        reasons: dict[str, list[str]] = {}
        for release, why in unknown:
            reasons.setdefault(why, []).append(release.tag)
        for why, tags in reasons.items():
            shown = ", ".join(tags[:4]) + (f" and {len(tags) - 4} more" if len(tags) > 4 else "")
            print(f"  {printable(shown)}\n    {printable(why)}")
