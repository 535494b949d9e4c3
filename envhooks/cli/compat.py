"""bring the table of published facts up to date

`envhooks compat update` reads the metadata of torch, torchvision, torchaudio, tensorflow, jax and of packages that pin
one of them from the index that pip uses here, and writes the releases that the package's table lacks to
`.envhooks/compat.toml`. Commit that file: hooks and CI read it on the protected branch, as the rest of the policy.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from datetime import datetime, timezone

from envhooks.base.errors import UsageError
from envhooks.base.hygiene import printable, printable_block
from envhooks.cli._manner import answer, note, remark
from envhooks.cli._policyfiles import PolicyFiles
from envhooks.cli._progress import Progress
from envhooks.git.repository import Git
from envhooks.image.compat.table import extended, load_table
from envhooks.indexes.client import Index, default_index
from envhooks.indexes.rendering import render
from envhooks.indexes.table import Refreshed, Row, refresh
from envhooks.policy.reader import parse_compat
from envhooks.policy.root import FOLDER

NAME = "compat.toml"

GROUP = "make a release"
EXITS = (
    "written, or nothing is newer",
    "the index says otherwise than the table",
    "a release could not be read",
)
EXAMPLES = (("envhooks compat update --dry-run", ""),)


def arguments(parser: argparse.ArgumentParser) -> None:
    """`update`, `--index`, `--builds`, `--tie`, `--all`, `--dry-run`."""
    parser.add_argument(
        "action",
        choices=("update",),
        metavar="{update}",
        help="update: read the index, write .envhooks/compat.toml",
    )
    parser.add_argument("--index", metavar="URL", help="a simple API; default: the one that pip uses here")
    parser.add_argument(
        "--builds",
        metavar="URL",
        help="an index of torch's builds for CUDA, such as PyTorch's own /whl; default: none",
    )
    parser.add_argument(
        "--tie",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="one more package whose metadata says which framework it goes with, such as your own; may be repeated",
    )
    parser.add_argument("--all", action="store_true", help="compare the releases that the table has, too")
    parser.add_argument("--dry-run", action="store_true", help="print the file, write nothing")


def run(options: argparse.Namespace) -> int:
    """Write the file; 1 where the index says otherwise than the table, 2 where a release could not be read."""
    index = Index(options.index or default_index())
    builds = Index(options.builds) if options.builds else None
    table = load_table()
    tied = _names(options.tie)
    with Progress() as progress:
        progress.wait("waiting for the index")
        found = refresh(index, table, builds, everything=options.all, tied=tied, step=progress.step)
    text = render(found.rows, datetime.now(timezone.utc).date().isoformat())
    # what is written is read again first: a file that the policy could not read would stop every hook
    extended(table, parse_compat(text.encode(), f"{FOLDER}/{NAME}")[1])
    answer(
        rows=found.rows,
        differences=found.differences,
        unread=found.unread,
        text=text if found.rows else None,
        file=f"{FOLDER}/{NAME}" if found.rows and not options.dry_run else None,
    )
    if options.dry_run:
        print(printable_block(text), end="")
    elif found.rows:
        _write(text)
    _report(found, options.dry_run)
    return 2 if found.unread else 1 if found.differences else 0


def _names(packages: Iterable[str]) -> tuple[str, ...]:
    """Names of packages as an index spells them.

    Raises:
        UsageError: one of them is not a name of a package.
    """
    for package in packages:
        if not re.fullmatch(r"(?a)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", package):
            raise UsageError(f"{printable(package)} is no name of a package")
    return tuple(re.sub(r"[-_.]+", "-", package).lower() for package in packages)


def _write(text: str) -> None:
    with Git.open() as git:
        own = PolicyFiles.of(git)
    own.read(NAME)  # refuses a link that stands in its place
    own.write({NAME: text.encode()})


def _report(found: Refreshed, dry_run: bool) -> None:
    out = sys.stderr if dry_run else sys.stdout
    tell = note if dry_run else remark
    for name, rows in found.rows.items():
        tell(printable(f"{name}: {_versions(rows)}"))
    for text in found.differences:
        print(f"differs: {printable(text)}", file=out)
    for text in found.unread:
        print(f"could not be read: {printable(text)}", file=out)
    if not found.rows:
        tell(f"the index has nothing newer than the table of {load_table().compiled}")
    elif not dry_run:
        tell(f"written to {FOLDER}/{NAME}; next: git add {FOLDER}/{NAME}, and merge it")


def _versions(rows: tuple[Row, ...]) -> str:
    versions = [
        f"{row['package']} {', '.join(map(str, row['version']))}"
        if isinstance(row["version"], list)
        else str(row["version"])
        for row in rows
    ]
    shown = ", ".join(versions[:6]) + (f" and {len(versions) - 6} more" if len(versions) > 6 else "")
    return printable(shown)
