"""(e) Reading 200 different Dockerfiles, beside fetching their bytes by git alone."""

from __future__ import annotations

import sys

from benchmarks.measure import medians, run, show, spend, table
from benchmarks.world import Home, Shape, make

READ = """
import sys, time
from pathlib import Path
from envhooks.git.repository import Git
from envhooks.image.interpreter import read_environment
commits = sys.argv[1:]
with Git.open(Path.cwd()) as git:
    start = time.perf_counter()
    found = [read_environment(git.files(commit), "Dockerfile") for commit in commits]
    print(time.perf_counter() - start)
assert all(one.find("torch")[0].exact for one in found)
"""


def dockerfiles(home: Home, smoke: bool) -> str:
    """The table of reading Dockerfiles."""
    count = 10 if smoke else 200
    repo = make(home, "dockerfiles", Shape(count, dockerfiles=count))
    commits = home.git(repo, "rev-list", "main").split("\n")
    assert len({home.git(repo, "rev-parse", f"{commit}:Dockerfile") for commit in commits}) == count

    def show_each(_: int) -> float:
        shown = (["git", "show", f"{commit}:Dockerfile"] for commit in commits)
        return sum(spend(command, repo, home.environ).seconds for command in shown)

    ours, shown = medians(
        1 if smoke else 3,
        lambda _: float(run([sys.executable, "-c", READ, *commits], repo, home.environ)),
        show_each,
    )
    rows = [
        ["envhooks, what each would build", show(ours), show(ours / count)],
        ["`git show` of each", show(shown), show(shown / count)],
    ]
    return f"### {count} different Dockerfiles\n\n{table(['', 'all', 'each'], rows)}\n"
