"""Make ties.toml again, and print the rows that compat.toml lacks, by the code of `envhooks compat update`.

    python scripts/refresh_compat.py                     # rows for releases that the table does not have yet
    python scripts/refresh_compat.py --since torch=1.4   # and for those before its first
    python scripts/refresh_compat.py --all               # compare every release that the table has, too
    python scripts/refresh_compat.py --ties              # write envhooks/image/compat/ties.toml
    python scripts/refresh_compat.py --ties --tie NAME   # with one more package
    python scripts/refresh_compat.py --wheels            # write envhooks/image/compat/wheels.toml

The rows of compat.toml are merged by hand: their other columns come from pages that only a person can read.
Exit code 1 where the index says otherwise than the table, 2 where a release could not be read.
"""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from pathlib import Path

from envhooks.image.compat.table import load_table
from envhooks.image.compat.ties import load_ties
from envhooks.indexes.client import Index, default_index
from envhooks.indexes.rendering import render, render_ties, render_wheels
from envhooks.indexes.table import read_ties, refresh
from envhooks.indexes.wheels import read_wheels

TIES = Path(__file__).parent.parent / "envhooks/image/compat/ties.toml"
HEAD = """\
# What releases ask of the frameworks that they are built on: Requires-Dist of each release's wheel for Linux x86-64 on
# PyPI, read {day}. Made by scripts/refresh_compat.py --ties; a release that asks for nothing, or differs by
# Python, is not listed.

"""


WHEELS = TIES.with_name("wheels.toml")
WHEELS_HEAD = """\
# For which Pythons releases have wheels for Linux x86-64 on PyPI, by the names of the files, read {day}: their
# metadata does not say which Pythons they run on. Made by scripts/refresh_compat.py --wheels.

"""


def main() -> int:
    """Print the rows, or write the ties."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--index", default="", help="default: the one that pip uses here")
    parser.add_argument("--since", action="append", default=[], metavar="FRAMEWORK=VERSION")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--ties", action="store_true")
    parser.add_argument("--tie", action="append", default=[], metavar="PACKAGE")
    parser.add_argument("--wheels", action="store_true")
    options = parser.parse_args()
    index = Index(options.index or default_index())
    day = datetime.now(timezone.utc).date().isoformat()
    if options.wheels:
        rows = read_wheels(index, sorted(load_table().wheeled))
        text = WHEELS_HEAD.format(day=day) + "\n".join(render_wheels(rows)).rstrip() + "\n"
        WHEELS.write_text(text, encoding="utf-8")
        return 0
    if options.ties:
        found, unread = read_ties(index, sorted({*load_ties(), *options.tie}))
        TIES.write_text(
            HEAD.format(day=day) + "\n".join(render_ties(found)).rstrip() + "\n", encoding="utf-8"
        )
        names = ", ".join(f'"{name}"' for name in sorted(found) if any(found[name].values()))
        print(f"tied = [{names}]  # in compat.toml")
        differences: tuple[str, ...] = ()
    else:
        since = dict(one.split("=", 1) for one in options.since)
        refreshed = refresh(index, load_table(), everything=options.all, since=since)
        print(render(refreshed.rows, day))
        differences, unread = refreshed.differences, refreshed.unread
    for text in (*differences, *unread):
        print(text, file=sys.stderr)
    return 2 if unread else 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
