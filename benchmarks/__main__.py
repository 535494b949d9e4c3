"""`python -m benchmarks [PART ...]`: measure, print the tables, and write them where docs/ shows them.

Parts: everyday, newer-git, tag, audit, plain, push, dockerfiles, releases, images, start (all of them by
default); scale and server.
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

from benchmarks import audit, elsewhere, hooks, images, push, reading, releases, scale, server, startup, world
from benchmarks.world import Home

Part = Callable[[Home, bool], str]
PARTS: dict[str, Part] = {
    "everyday": hooks.everyday,
    "newer-git": elsewhere.newer_git,
    "tag": hooks.tag_and_push,
    "audit": audit.audit,
    "plain": audit.plain,
    "push": push.receive,
    "dockerfiles": reading.dockerfiles,
    "releases": releases.questions,
    "images": images.verify,
    "start": startup.start,
    "scale": scale.curves,
    "server": server.server,
}
LARGE = ("scale", "server")
USUAL = tuple(name for name in PARTS if name not in LARGE)
PAGES = {"docs/speed.md": USUAL, "docs/scale.md": LARGE}
"""Page -> the parts whose tables stand on it."""


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
        "--write",
        action="store_true",
        help="put the tables into the pages of docs/ whose parts were all measured",
    )
    parser.add_argument("--bare", action="store_true", help="print the tables alone")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.write and options.smoke:
        parser.error("--write with --smoke would publish what says nothing")
    texts: dict[str, str] = {}
    for name in options.parts or USUAL:
        begun = time.monotonic()
        with world.home() as home:
            measured = PARTS[name](home, options.smoke)
        print(measured, flush=True)
        if options.bare:
            continue
        print(f"({name} took {time.monotonic() - begun:.0f} s)\n", file=sys.stderr, flush=True)
        texts[name] = measured
    for page in PAGES if options.write else ():
        if texts.keys() >= set(PAGES[page]):
            tables = "".join(texts[name] for name in PAGES[page])
            write(world.ROOT / page, f"{versions()}\n\n{tables}")
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
