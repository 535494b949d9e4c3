"""(d) 1,000 tags in one push to a server, with its gate and without."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.measure import medians, show, spend, table
from benchmarks.world import Home, Shape, make


def receive(home: Home, smoke: bool) -> str:
    """The table of one push of many tags."""
    tags, rounds = (2, 1) if smoke else (1000, 3)
    rows = []
    for kind in ("ssh", "openpgp"):
        source = make(home, f"push-{kind}", Shape(tags), (kind,))
        servers = []
        for name in ("plain", "guarded"):
            server = home.folder / f"{name}-{kind}.git"
            home.git(home.folder, "init", "-q", "--bare", str(server))
            home.git(source, "push", "-q", str(server), "main")
            servers.append(server)
        home.envhooks(servers[1], "install", "--server", "--branch", "main")

        def push(server: Path, source: Path = source) -> float:
            copy = home.folder / "receiver.git"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(server, copy, symlinks=True)
            return spend(["git", "push", "-q", str(copy), "--tags"], source, home.environ).seconds

        without, with_ = medians(
            rounds, lambda _, s=servers[0], p=push: p(s), lambda _, s=servers[1], p=push: p(s)
        )
        each = (with_ - without) / tags
        rows.append([f"{tags} tags, {kind}", show(without), show(with_), f"{each * 1e3:.2f} ms"])
    head = ["", "no gate", "pre-receive", "the gate, a tag"]
    return f"### Many tags in one push\n\n{table(head, rows)}\n"
