"""compare two releases: base image, Python, driver, every package

A and B are tags, commits, or `.` for the files here; B may be left out and is then `.`. Nothing is built or fetched.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from envhooks.base.hygiene import printable
from envhooks.cli._manner import answer, is_json
from envhooks.cli._tables import print_table
from envhooks.git.repository import Git
from envhooks.image.compat import table_of
from envhooks.releases.compare import Difference, differences
from envhooks.releases.environments import known_environment
from envhooks.releases.reading import Releases

FORMATS = ("text", "json", "table")
PIPED = "json"
GROUP = "read releases"
EXITS = (
    "compared",
    "",
    "a part of one cannot be told",
)
EXAMPLES = (
    ("envhooks diff PyTorch-CUDA-v2.7 PyTorch-CUDA-v2.8", ""),
    ("envhooks diff PyTorch-CUDA-v2.8", "with the files here"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """A, B."""
    parser.add_argument("before", metavar="A", help="a tag, a commit, or . for the files here")
    parser.add_argument("after", metavar="B", nargs="?", default=".", help="default: the files here")


def run(options: argparse.Namespace) -> int:
    """Print the differences; 2 where one of them cannot be determined."""
    with Git.open() as git:
        releases = Releases(git)
        like = next((one for one in (options.before, options.after) if releases.has(one)), "")
        before, after = (known_environment(releases, name, like) for name in (options.before, options.after))
        found = differences(before, after, table_of(releases.trust.root.policy))
    answer(document(options.before, options.after, found))
    if not is_json():
        _print(options.before, options.after, found)
    return 2 if any(one.change == "unknown" for one in found) else 0


def document(before: str, after: str, found: Sequence[Difference]) -> dict[str, Any]:
    """The differences as JSON."""
    return {
        "before": printable(before),
        "after": printable(after),
        "differences": [
            {
                "kind": one.kind,
                "name": printable(one.name),
                "before": printable(one.before) or None,
                "after": printable(one.after) or None,
                "change": one.change,
            }
            for one in found
        ],
    }


def _print(before: str, after: str, found: Sequence[Difference]) -> None:
    if not found:
        print(
            f"{printable(before)} and {printable(after)} are the same environment, as far as their files say"
        )
        return
    print_table(
        ("", "", before, after),
        [(one.change, one.name, one.before or "-", one.after or "-") for one in found],
    )
