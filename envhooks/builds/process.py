"""Running one program of a build: no shell, its output into the log line by line, ended with all its children."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable

_LINE = 16 * 1024
_KEPT_LINES = 200


@dataclass(frozen=True)
class Ended:
    """Result of a program that has ended."""

    exit_code: int
    """Negative: the signal that ended it."""
    output: str
    """The last lines of standard output and standard error, as they came."""
    timed_out: bool = False


def shown(argv: Sequence[str]) -> str:
    """A command as it could be typed into a shell, safe to print."""
    return printable(shlex.join(argv), 20_000)


# What ssh, registries and file systems say above the summary with which a program ends.
_TELLING = re.compile(
    "permission denied|host key verification failed|could not resolve|connection (?:refused|timed out|reset)"
    "|no space left|unauthorized|authentication (?:required|failed)|access (?:is )?denied|certificate",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"fatal: could not read from remote repository\.?|please make sure you have the correct access rights"
    r"|and the repository exists\.?|(?:error: )?(?:exit status|subprocess exited with status) [0-9]+",
    re.IGNORECASE,
)


def cause(output: str, limit: int = 300) -> str:
    """The line of a program's output that tells why it failed, fit to print; empty where it said nothing.

    It is the last line, but where that only sums up what stands above; of a long line the end, where programs written
    in Go put the cause.
    """
    lines = [line.strip() for line in output.split("\n") if line.strip()]
    while len(lines) > 1 and _SUMMARY.fullmatch(lines[-1]):
        lines.pop()
        above = next((line for line in reversed(lines) if _TELLING.search(line)), None)
        if above is not None:
            lines = [above]
    line = printable(lines[-1], 20_000) if lines else ""
    return line if len(line) <= limit else "\N{HORIZONTAL ELLIPSIS}" + line[1 - limit :]


def engine_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what a git hook was given: an engine may run git for its own context.

    Relative entries of PATH are left out, which would find programs in whatever folder is the current one.
    """
    found = {key: value for key, value in environ.items() if not key.startswith("GIT_")}
    if "PATH" in found:
        found["PATH"] = os.pathsep.join(p for p in found["PATH"].split(os.pathsep) if Path(p).is_absolute())
    return found


def run(
    argv: Sequence[str],
    log: TextIO,
    environ: Mapping[str, str],
    *,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> Ended:
    """Run a program to its end. Its output goes to the log with control characters escaped.

    Args:
        argv: the program and its arguments; nothing is expanded.
        log: where the output goes as it comes.
        environ: the whole environment.
        cwd: the folder to run in.
        timeout: seconds after which the program and its children are ended.

    Raises:
        CannotJudge: the program cannot be started.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise CannotJudge(f"{printable(argv[0])} cannot be started: {printable(str(error), 200)}") from None
    guard = _Guard(process)
    late = threading.Event()

    def end() -> None:
        late.set()
        _end(process)

    timer = threading.Timer(timeout, end) if timeout else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        output = _copy(process, log)
        code = process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        guard.release()
        if timer:
            timer.cancel()
    return Ended(code, output, late.is_set())


# Its standard input ends when the process at the other end does, however that was ended. In sh, which starts in a
# millisecond: a build is a dozen programs, and each has a guard.
_WATCH = ("/bin/sh", "-c", 'read -r _ || kill -s KILL -- "-$1"', "sh")
_running: set[subprocess.Popen[bytes]] = set()


def end_running() -> None:
    """End what `run` has started in this process, with all its children."""
    for process in tuple(_running):
        _end(process)


class _Guard:
    """Ends a program when this process is killed: nothing builds on for a watcher that is gone."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._watch: subprocess.Popen[bytes] | None = None
        _running.add(process)
        if hasattr(os, "killpg"):
            with suppress(OSError):
                self._watch = subprocess.Popen(
                    [*_WATCH, str(process.pid)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )

    def release(self) -> None:
        """The program has ended."""
        _running.discard(self._process)
        if self._watch is not None and self._watch.stdin is not None:
            with suppress(OSError):
                self._watch.stdin.write(b"ended\n")
                self._watch.stdin.close()
            self._watch.wait()


def _copy(process: subprocess.Popen[bytes], log: TextIO) -> str:
    assert process.stdout is not None
    last: list[str] = []
    with process.stdout as stream:
        while line := stream.readline(_LINE):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            log.write(printable(text, _LINE) + "\n")
            log.flush()
            last = [*last[-_KEPT_LINES:], text]
    return "\n".join(last)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program's whole group: a shell that is killed alone leaves its children building."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(OSError):
        process.kill()
    process.wait()
