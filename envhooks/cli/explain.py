"""what a check refuses, why it matters, and how to put it right"""

from __future__ import annotations

import argparse
import difflib

from envhooks.errors import UsageError
from envhooks.gate import load_checks
from envhooks.hygiene import printable


def arguments(parser: argparse.ArgumentParser) -> None:
    """The check's id; without one, the list of all."""
    parser.add_argument("check", nargs="?", metavar="CHECK")


def run(options: argparse.Namespace) -> int:
    """Print the page of one check, or a line for each."""
    known = {check.id: check for check in load_checks()}
    if options.check is None:
        width = max(map(len, known))
        for check in known.values():
            print(f"{check.id:{width}}  {check.summary}")
        return 0
    if options.check not in known:
        near = difflib.get_close_matches(options.check, known, 1)
        raise UsageError(
            f"there is no check {printable(options.check)}",
            fix=f"envhooks explain {near[0] if near else ''}".rstrip(),
        )
    check = known[options.check]
    print(f"{check.id} ({check.level}) refuses {check.summary}\n\n{check.page}")
    return 0
