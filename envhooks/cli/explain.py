"""say what a check refuses, why, and how to put it right"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable
from envhooks.base.near import meant, nearest
from envhooks.cli._manner import answer, sentence
from envhooks.cli._terminal import columns
from envhooks.judge.engine import Check
from envhooks.judge.runs import load_checks

GROUP = "make a release"
EXAMPLES = (
    ("envhooks explain", "each check in a line"),
    ("envhooks explain on-main", ""),
    ("envhooks explain dockerfile-compatible torch 2.8", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The check's id, without one the list of all; for dockerfile-compatible a package and its version, too."""
    parser.add_argument("check", nargs="?", metavar="CHECK", help="a check's name; default: a line for each")
    parser.add_argument(
        "package",
        nargs="?",
        metavar="PACKAGE",
        help="for dockerfile-compatible: torch, tensorflow, jax, nvidia/cuda, or what pins one of them",
    )
    parser.add_argument(
        "version", nargs="?", default="", metavar="VERSION", help="such as 2.8; default: all that is known"
    )


def run(options: argparse.Namespace) -> int:
    """Print the page of one check, a line for each, or what is known of a package."""
    known = {check.id: check for check in load_checks()}
    if options.check is None:
        answer(checks=_pages([*known.values()]))
        width = max(map(len, known))
        for check in known.values():
            sentence(f"{check.id:{width}}  {check.summary}", indent=width + 2)
        return 0
    if options.check not in known:
        near = nearest(options.check, known)
        raise UsageError(
            f"there is no check {printable(options.check)}{meant(options.check, known)}",
            fix=f"envhooks explain {near}".rstrip(),
        )
    if options.package is not None:
        return _explain_package(options.check, options.package, options.version)
    check = known[options.check]
    answer(checks=_pages([check]))
    sentence(f"{check.id} ({check.level} by default)\n\n{check.summary}.\n", indent=0)
    for paragraph in check.page.split("\n\n"):
        sentence(_filled(paragraph), indent=0)
    return 0


def _filled(paragraph: str) -> str:
    """A paragraph as one line, where that is broken anew at the width of a terminal."""
    return paragraph if columns(sys.stdout) is None else paragraph.replace("\n", " ")


def _pages(found: Sequence[Check]) -> list[dict[str, str]]:
    return [
        {"id": check.id, "level": check.level, "summary": check.summary, "page": check.page}
        for check in found
    ]


def _explain_package(check: str, package: str, version: str) -> int:
    from envhooks.image.compat import known, provenance

    if check != "dockerfile-compatible":
        raise UsageError(
            "only dockerfile-compatible knows packages", fix="envhooks explain dockerfile-compatible torch"
        )
    rows = known(package, version)
    if not rows:
        wanted = printable(f"{package} {version}".strip())
        raise UsageError(
            f"nothing is known of {wanted}, so nothing is held against it",
            fix="envhooks explain dockerfile-compatible torch 2.8",
        )
    answer(rows=rows, provenance=provenance(package))
    for row in rows:
        width = max(map(len, row))
        print("\n".join(f"{label:{width}}  {text}" for label, text in row.items() if text), end="\n\n")
    sentence("\n".join(provenance(package)))
    return 0
