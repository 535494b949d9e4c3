"""Running a command and saying what it took: medians of interleaved rounds, and the memory of the largest process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


def run(
    arguments: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    stdin: bytes = b"",
    expect: tuple[int, ...] = (0,),
) -> bytes:
    """Standard output of a command that has to end with one of the exit codes in `expect`."""
    done = subprocess.run(
        list(arguments), cwd=cwd, env=dict(environ), input=stdin, capture_output=True, check=False
    )
    if done.returncode not in expect:
        said = done.stderr.decode("utf-8", "replace")[-2000:] + done.stdout.decode("utf-8", "replace")[-500:]
        raise RuntimeError(f"{list(arguments)[:6]} ended with {done.returncode}: {said}")
    return done.stdout


@dataclass(frozen=True)
class Spent:
    """What one command took."""

    seconds: float
    megabytes: float
    """Of the largest process in it, as the kernel counts resident pages; 0 where that was not measured."""


# measures the time as well, so that its own start does not count
_WEIGH = """
import os, resource, sys, time
start = time.perf_counter()
child = os.fork()
if not child:
    os.execvp(sys.argv[1], sys.argv[1:])
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
seconds = time.perf_counter() - start
os.write(1, b"\\n%d %.6f" % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, seconds))
sys.exit(code)
"""


def spend(
    arguments: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    stdin: bytes = b"",
    expect: tuple[int, ...] = (0,),
    *,
    memory: bool = False,
) -> Spent:
    """Run a command by itself and measure it; its output goes to a file, so that no pipe slows it down.

    Only with `memory` are the megabytes measured, by a small process in between: what is started counts the
    pages of who starts it as its own.
    """
    if memory:
        arguments = [sys.executable, "-I", "-S", "-c", _WEIGH, *arguments]
    output = cwd / f".bench-output-{os.getpid()}"
    source = cwd / f".bench-input-{os.getpid()}"
    source.write_bytes(stdin)
    try:
        with output.open("wb") as stream, source.open("rb") as given:
            start = time.perf_counter()
            code = subprocess.call(
                list(arguments), cwd=cwd, env=dict(environ), stdin=given, stdout=stream, stderr=stream
            )
            seconds = time.perf_counter() - start
        said = output.read_bytes()
        if code not in expect:
            raise RuntimeError(f"{list(arguments)[:6]} ended with {code}: {said[-2000:]!r}")
    finally:
        output.unlink(missing_ok=True)
        source.unlink(missing_ok=True)
    if memory:
        pages, took = said.rpartition(b"\n")[2].split()
        return Spent(float(took), int(pages) / 1024)
    return Spent(seconds, 0.0)


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(rounds: int, *works: Callable[[int], float]) -> list[float]:
    """The median of each measurement, taken in turns so that a busy moment meets all of them alike.

    Each gets the number of the round. What takes long is not measured as often as was asked for: the
    second round is left out where the first one took over a minute.
    """
    rows: list[list[float]] = []
    for number in range(rounds):
        row = [work(number) for work in works]
        rows.append(row)
        if sum(row) > 60:
            break
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def show(seconds: float) -> str:
    """A time with the unit that reads best."""
    if seconds >= 10:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def fit(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """(cost of one more, cost of none, R squared) of a straight line through the points, by least squares."""
    slope, start = statistics.linear_regression([x for x, _ in points], [y for _, y in points])
    spread = statistics.fmean(y for _, y in points)
    missed = sum((y - start - slope * x) ** 2 for x, y in points)
    whole = sum((y - spread) ** 2 for _, y in points)
    return slope, start, 1 - missed / whole if whole else 1.0


def verdict(holds: bool) -> str:
    """Whether a target was met."""
    return "met" if holds else "**missed**"
