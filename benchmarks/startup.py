"""(f) What starting costs, and which modules it goes to."""

from __future__ import annotations

import re
import subprocess
import sys

from benchmarks.measure import medians, show, spend, table
from benchmarks.world import ENVHOOKS, Home, Shape, make

COMMANDS = {
    "python, nothing else": [sys.executable, "-I", "-c", "pass"],
    "envhooks --version": [*ENVHOOKS, "--version"],
    "envhooks check, nothing to judge": [*ENVHOOKS, "check"],
    "a hook, nothing to judge": [*ENVHOOKS, "hook", "pre-push", "origin", "url"],
}


def start(home: Home, smoke: bool) -> str:
    """The tables of starting, and of the modules that cost most."""
    repo = make(home, "start", Shape(1), tag=False)
    works = [lambda _, c=command: spend(c, repo, home.environ).seconds for command in COMMANDS.values()]
    times = medians(1 if smoke else 15, *works)
    memory = [spend(command, repo, home.environ, memory=True).megabytes for command in COMMANDS.values()]
    rows = [
        [name, show(seconds), f"{seconds / times[0]:.1f}", f"{size:.0f} MB"]
        for name, seconds, size in zip(COMMANDS, times, memory, strict=True)
    ]
    text = f"### Start-up\n\n{table(['', 'time', 'to Python', 'memory'], rows)}\n"
    command = [sys.executable, "-I", "-X", "importtime", "-m", "envhooks", "check"]
    said = subprocess.run(command, cwd=repo, env=home.environ, capture_output=True, text=True, check=True)
    found = re.findall(r"import time:\s+(\d+) \|\s+(\d+) \|\s*(\S+)", said.stderr)
    found.sort(key=lambda line: -int(line[0]))
    most = [
        [f"`{name}`", f"{int(own) / 1e3:.1f} ms", f"{int(all_) / 1e3:.1f} ms"]
        for own, all_, name in found[:12]
    ]
    listed = table(["", "own", "with what it imports"], most)
    return f"{text}The modules that cost most (`python -X importtime`):\n\n{listed}\n"
