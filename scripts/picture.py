#!/usr/bin/env python3
"""The picture of the README: a refused and a good release on a terminal, in a throwaway repository with real keys.

    scripts/picture.py            prints docs/picture.svg
    scripts/picture.py --write    writes it

A test compares its text with what is printed today.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from refusals import ROOT, TAG, Stage, steady
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = ROOT / "docs" / "picture.svg"
WIDTH = 84
PROGRESS = re.compile("(?:To |Enumerating|Counting|Delta|Compressing|Writing|Total|hint:)")
"""git's own, which differs from version to version."""
COMMANDS = (
    f"git tag -a -m 'First candidate' {TAG}",
    f"git tag -s -m 'First candidate' {TAG}",
    f"git push origin {TAG}",
    f"envhooks check {TAG}",
)
# rich's own form loads fonts from another server, and has the buttons of a window
FORM = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>A release without a signature is refused; signed, it is made, pushed and found good</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, 22)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def shown(stage: Stage) -> Iterator[str]:
    """Each command and what the terminal shows, with its colours."""
    for command in COMMANDS:
        yield f"\x1b[1m$ {command}\x1b[0m"
        yield from steady(line for line in on_a_terminal(stage, command) if not PROGRESS.match(line))
        yield ""


def on_a_terminal(stage: Stage, command: str) -> list[str]:
    """The lines that a command writes where it has a terminal."""
    ours, theirs = pty.openpty()
    environ = {**stage.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
    child = subprocess.Popen(
        ["sh", "-c", command],
        cwd=stage.clone,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux' way to say that nobody writes any more
            break
        if not part:
            break
        said += part
    os.close(ours)
    child.wait()
    return said.decode().replace("\r\n", "\n").rstrip("\n").split("\n")


def lines() -> list[str]:
    """Everything that is in the picture."""
    with tempfile.TemporaryDirectory() as folder:
        return list(shown(Stage(Path(folder).resolve())))[:-1]


def svg(lines: list[str]) -> str:
    """The picture of these lines."""
    console = Console(
        record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=False)
    drawn = console.export_svg(title="", theme=MONOKAI, code_format=FORM, unique_id="envhooks")
    drawn = re.sub(r'<g transform="translate\(26,22\)">.*?</g>', "", drawn, flags=re.S)
    return re.sub(r"[ \t]+\n", "\n", drawn)


if __name__ == "__main__":
    drawn = svg(lines())
    if "--write" in sys.argv[1:]:
        PICTURE.write_text(drawn, encoding="utf-8")
    else:
        print(drawn, end="")
