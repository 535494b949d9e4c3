"""(j) Questions about releases: a search over all of them, one in full, the difference of two."""

from __future__ import annotations

from benchmarks.measure import medians, show, spend, table
from benchmarks.world import ENVHOOKS, Home, Shape, make, tag_name


def questions(home: Home, smoke: bool) -> str:
    """The table of list, show and diff."""
    count = 20 if smoke else 1000
    repo = make(home, "releases", Shape(count, dockerfiles=min(count, 200)))
    one, other = tag_name(0), tag_name(1)
    commands = {
        "`list --has 'torch<2.6' --unjudged`": ["list", "--has", "torch<2.6", "--unjudged"],
        "`list --has 'torch<2.6'`": ["list", "--has", "torch<2.6"],
        "`list`": ["list"],
        "`show`": ["show", one],
        "`diff`": ["diff", one, other],
        "`driver`": ["driver", one],
    }

    def ask(command: list[str]) -> float:
        return spend([*ENVHOOKS, *command], repo, home.environ).seconds

    spent = medians(
        1 if smoke else 5, *(lambda _, command=command: ask(command) for command in commands.values())
    )
    rows = [[name, show(seconds)] for name, seconds in zip(commands, spent, strict=True)]
    return f"### Questions about {count} releases\n\n{table(['', 'seconds'], rows)}\n"
