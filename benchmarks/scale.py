"""Curves for docs/scale.md: how the cost grows with tags, commits, refs and the size of a tree."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.measure import Spent, fit, show, spend, table
from benchmarks.world import ENVHOOKS, Home, Shape, make

SHAPES: dict[str, tuple[str, list[tuple[int, Shape]]]] = {
    "tags": (
        "one commit a tag",
        [(n, Shape(n)) for n in (1000, 3000, 10_000, 30_000)],
    ),
    "commits": (
        "300 tags, and so many commits between them",
        [(300 * n, Shape(300, commits_per_tag=n)) for n in (1, 30, 100, 300)],
    ),
    "refs": (
        "300 tags, and so many branches",
        [(n, Shape(300, branches=n)) for n in (1, 3000, 10_000, 30_000)],
    ),
    "files": (
        "300 tags, each tree with so many files in ten folders",
        [(n, Shape(300, files=n)) for n in (30, 1000, 10_000, 30_000)],
    ),
    "entries": (
        "300 tags, each with another changelog of so many entries",
        [(n, Shape(300, entries=n)) for n in (20, 100, 200, 300)],
    ),
}


def curves(home: Home, smoke: bool) -> str:
    """One table for each dimension, each with the fit of a straight line."""
    text = ""
    for what, (about, shapes) in list(SHAPES.items())[: 1 if smoke else None]:
        rows, points = [], []
        for size, shape in [(10, Shape(10)), (20, Shape(20))] if smoke else shapes:
            repo = make(home, f"scale-{what}-{size}", shape)
            runs = 1 if smoke else 2
            spent = _quickest(home, repo, runs)
            rows.append([str(size), show(spent.seconds), f"{spent.megabytes:.0f} MB"])
            points.append((float(size), spent.seconds))
            shutil.rmtree(repo)
        slope, start, quality = fit(points)
        text += f"### {what.capitalize()}: {about}\n\n{table([what, 'seconds', 'memory'], rows)}\n"
        text += (
            f"Fit: {show(max(start, 0))} + {slope * 1e6:.1f} us for each of the {what}, R² {quality:.3f}.\n\n"
        )
    return text


def _quickest(home: Home, repo: Path, runs: int) -> Spent:
    """The best of so many runs: what disturbs one only adds to it. What takes over half a minute runs once."""
    command = [*ENVHOOKS, "check", "--all"]
    best = spend(command, repo, home.environ, memory=True)
    for _ in range(runs - 1 if best.seconds < 30 else 0):
        best = min(best, spend(command, repo, home.environ, memory=True), key=lambda spent: spent.seconds)
    return best
