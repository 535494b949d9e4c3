"""name the release to go back to, with its image

It is the last good stable one before TAG in its line. Pre-releases are left out, and so are releases that were yanked,
are not proved, or are for other hardware. A newer driver than TAG needs is said, and another version of its hardware.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from envhooks.base.dataclass import replace
from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.cli._manner import answer, note
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.image.compat import table_of
from envhooks.judge.checkout import hold_every_tag
from envhooks.judge.facts import Inapplicable
from envhooks.policy import DeployPolicy
from envhooks.releases.compare import asks_otherwise
from envhooks.releases.gate import Answer, Gate, environment_named, stable_only
from envhooks.releases.patches import PATCHES, patch
from envhooks.releases.reading import Releases

GROUP = "run in production"
EXITS = (
    "printed",
    "there is none",
    "one that might be it could not be proved",
)
EXAMPLES = (
    ("envhooks rollback PyTorch-CUDA-v2.8", ""),
    ("envhooks rollback PyTorch-CUDA-v2.8 --patch kustomize", "the line to change"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG, `--for`, `--patch`."""
    parser.add_argument("tag", metavar="TAG", help="the release that is to be left")
    parser.add_argument(
        "--for", dest="environment", metavar="NAME", help="hold candidates to [deploy.NAME] as well"
    )
    parser.add_argument("--patch", choices=PATCHES, help="print the line to change, for this tool")


def run(options: argparse.Namespace) -> int:
    """Print the release to go back to."""
    with Git.open() as git:
        releases = Releases(git)
        hold_every_tag(git)
        policy = releases.trust.root.policy
        deploy = DeployPolicy("a rollback", ("stable", "post"))
        if options.environment:
            named = environment_named(policy, options.environment)
            deploy = replace(named, stages=stable_only(named.stages))
            if not deploy.stages:
                taken = " and ".join(named.stages)
                raise UsageError(
                    f"[deploy.{named.name}] takes {taken} alone, and a way back is a stable release",
                    place=policy.origin,
                )
        found, passed_over = Gate(releases, deploy).rollback(options.tag)
        notes = _notes(releases, options.tag, found.tag) if found else ()
    # one that is not proved is passed over for an older one that is; where there is none, nothing is known
    unproved = any(one.outcome == "unproved" for one in passed_over)
    code = 0 if found else 2 if unproved else 1
    answer(document(options.tag, found, passed_over, code, notes))
    if options.patch:
        if found is None:
            _print(options.tag, found, passed_over, sys.stderr)  # standard output may be a file of patches
            return code
        if not found.reference:
            raise UsageError("the policy names no image: there is no line to change")
        print(patch(options.patch, found.reference), end="")
        for text in notes:
            note(printable(f"{found.tag}: {text}"))
        return code
    _print(options.tag, found, passed_over, notes=notes)
    return code


def _notes(releases: Releases, tag: str, target: str) -> tuple[str, ...]:
    """Needs of the release to go back to that the nodes of the one that is left may not meet, a sentence each."""
    left, before = (releases.read([one])[0] for one in (tag, target))
    if not isinstance(before.environment, Environment):
        return () if isinstance(before.environment, Inapplicable) else (_NOT_KNOWN,)
    if not isinstance(left.environment, Environment):
        return (_NOT_KNOWN,)
    table = table_of(releases.trust.root.policy)
    return asks_otherwise(left.environment, before.environment, left.tag, table)


_NOT_KNOWN = "whether its node needs another driver or other hardware is not known"


def document(
    tag: str, found: Answer | None, passed_over: Sequence[Answer], code: int, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """The answer as JSON."""
    return {
        "from": printable(tag),
        "exit_code": code,
        "to": found and {"tag": printable(found.tag), "image": printable(found.reference) or None},
        "notes": [printable(text) for text in notes],
        "passed_over": [
            {"tag": printable(one.tag), "outcome": one.outcome, "why": printable(one.why)}
            for one in passed_over
        ],
    }


def _print(
    tag: str,
    found: Answer | None,
    passed_over: Sequence[Answer],
    file: TextIO | None = None,
    notes: Sequence[str] = (),
) -> None:
    lines = [f"there is no release to go back to from {tag}"]
    if found is not None:
        lines = [found.tag, *(f"  {text}" for text in (found.reference, found.why, *notes) if text)]
    lines += [f"  passed over {one.tag}: {one.why}" for one in passed_over]
    print("\n".join(printable(line) for line in lines), file=file)
