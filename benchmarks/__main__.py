"""`python -m benchmarks [PART ...]`: measure, print the tables, and write them where docs/ shows them.

Parts: everyday, newer-git, tag, audit, plain, push, dockerfiles, start (all of them by default), and scale.
With --smoke everything is tiny: that shows only that the measuring still works.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks import audit, doors, elsewhere, push, reading, scale, startup, world
from benchmarks.world import Home

Part = Callable[[Home, bool], str]
PARTS: dict[str, Part] = {
    "everyday": doors.everyday,
    "newer-git": elsewhere.newer_git,
    "tag": doors.tag_and_push,
    "audit": audit.audit,
    "plain": audit.plain,
    "push": push.receive,
    "dockerfiles": reading.dockerfiles,
    "start": startup.start,
    "scale": scale.curves,
}
USUAL = tuple(name for name in PARTS if name != "scale")


def versions() -> str:
    """One line: the date, and what was measured with."""
    first = {
        "git": ["git", "--version"],
        "gpg": ["gpg", "--version"],
        "ssh": ["ssh", "-V"],
    }
    found = [f"Python {platform.python_version()}"]
    for command in first.values():
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append((done.stdout or done.stderr).split("\n")[0].split(",")[0])
    return f"{date.today()}: {', '.join(found)}, {_processors()} processors."


def _processors() -> int:
    import os

    return len(os.sched_getaffinity(0))


def main() -> int:
    """Run the parts that are named, and answer 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: that the measuring still works")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the tables below the mark in this page"
    )
    parser.add_argument("--bare", action="store_true", help="print the tables alone")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    text = f"{versions()}\n\n"
    for name in options.parts or USUAL:
        begun = time.monotonic()
        with world.home() as home:
            measured = PARTS[name](home, options.smoke)
        print(measured, flush=True)
        if options.bare:
            continue
        print(f"({name} took {time.monotonic() - begun:.0f} s)\n", file=sys.stderr, flush=True)
        text += measured
    if options.write:
        write(options.write, text)
    return 0


MARK = "<!-- measured: what stands below is written by make bench -->\n"


def write(page: Path, text: str) -> None:
    """Put what was measured below the mark of a page."""
    head, mark, _ = page.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise SystemExit(f"{page} has no line {MARK.strip()}")
    page.write_text(f"{head}{MARK}\n{text.rstrip()}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
