"""Running gpgv, gpg and ssh-keygen: by absolute path, in an environment of our own, with a time limit."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from envhooks.base.folders import find_program
from envhooks.signatures import Undecided, Verdict

__all__ = [
    "TIME_LIMIT",
    "Running",
    "Work",
    "clean_environment",
    "find_program",
    "nameless",
    "program_name",
    "run",
]

TIME_LIMIT = 20.0
"""Seconds that one verification may take; it takes milliseconds."""
_POLLS = hasattr(select, "poll")
"""Whether the end of a program is polled for; on Windows a wait returns as soon as the program ends."""
_PAUSES = (50e-6, 0.05)
"""Seconds from one look at a program to the next: at first where it seems to have ended, and at most."""
_KEPT = ("PATH", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "SYSTEMROOT")


def program_name(path: str) -> str:
    """`gpgv` of `/usr/bin/gpgv` and of `C:\\...\\gpgv.exe`."""
    return os.path.splitext(os.path.basename(path))[0]


def clean_environment(home: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment in which neither the user's settings nor the agent, the clock's zone or the language count."""
    kept = {key: environ[key] for key in _KEPT if key in environ}
    return {**kept, "HOME": home, "GNUPGHOME": home, "LC_ALL": "C", "TZ": "UTC"}


def nameless(folder: str) -> IO[bytes]:
    """An empty file without a name, so that nothing has to be removed: in memory, or else on the disk of `folder`.

    Raises:
        OSError: there is no room for it.
    """
    if hasattr(os, "memfd_create"):
        try:
            return os.fdopen(os.memfd_create("envhooks"), "w+b")
        except OSError:  # a sandbox may forbid it
            pass
    import tempfile

    return tempfile.TemporaryFile(dir=folder)


class Running:
    """A program at work, so that the caller can do something else meanwhile."""

    def __init__(
        self, command: Sequence[str], stdin: bytes, environ: Mapping[str, str], pass_fds: Sequence[int] = ()
    ) -> None:
        """Start it; what it prints for people is dropped, never read.

        Raises:
            Undecided: it cannot be started.
            OSError: there is no room for its input.
        """
        self._name = program_name(command[0])
        # a file: writing to a pipe blocks when the program does not read
        with nameless(environ["HOME"]) as source:
            source.write(stdin)
            source.seek(0)
            reading, writing = os.pipe()
            self._lifeline = os.fdopen(reading, "rb", 0)
            with os.fdopen(writing, "wb", 0):
                try:
                    self._process = subprocess.Popen(
                        command,
                        stdin=source,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        env=environ,
                        cwd=environ["HOME"],
                        pass_fds=(*pass_fds, writing) if _POLLS else tuple(pass_fds),
                    )
                except OSError as error:
                    self._lifeline.close()
                    raise Undecided(f"{self._name} cannot be started: {error.strerror}") from None
        self._end = time.monotonic() + TIME_LIMIT

    def exit_code(self) -> int:
        """Exit code of the program; waits until it has ended.

        Raises:
            Undecided: it does not end in time, or a signal ended it.
        """
        try:
            exit_code = _wait(self._process, self._lifeline, self._end)
        except subprocess.TimeoutExpired:
            raise Undecided(f"{self._name} did not answer within {TIME_LIMIT:.0f} seconds") from None
        finally:
            self.end()
        if exit_code < 0:
            raise Undecided(f"{self._name} was ended by signal {-exit_code}")
        return exit_code

    def end(self) -> None:
        """End it, should it still be at work."""
        self._lifeline.close()
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()


class Work:
    """One signature whose verifier is at work."""

    def __init__(
        self,
        running: Running | None,
        judge: Callable[[int], Verdict],
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """`judge` has the verdict by the exit code (0 where nothing is running); `close` comes behind it."""
        self._running = running
        self._judge = judge
        self._close = close

    def verdict(self) -> Verdict:
        """The verdict, once the verifier has ended.

        Raises:
            Refused: the signature must not be accepted.
            Undecided: the verifier did not do its work.
        """
        try:
            return self._judge(self._running.exit_code() if self._running else 0)
        finally:
            self.end()

    def end(self) -> None:
        """End the verifier, should it still be at work."""
        if self._running is not None:
            self._running.end()
        self._close()


def run(
    command: Sequence[str], stdin: bytes, environ: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> int:
    """Run a program and give its exit code; see `Running`."""
    return Running(command, stdin, environ, pass_fds).exit_code()


def _wait(process: subprocess.Popen[bytes], lifeline: IO[bytes], end: float) -> int:
    """The exit code. `lifeline` is our end of a pipe whose other end only the program has, so that it closes with it.

    `Popen.wait` with a time limit sleeps between two looks, for longer than most programs take. A pipe that is
    closed, or kept open by something else, only makes it look more or less often: what counts is the exit.

    Raises:
        subprocess.TimeoutExpired: it goes on.
    """
    if not _POLLS:
        return process.wait(max(0.0, end - time.monotonic()))
    poller = select.poll()
    poller.register(lifeline, select.POLLIN)
    pause, longest = _PAUSES
    while True:
        is_closed = poller.poll(longest * 1000)
        exit_code = process.poll()
        if exit_code is not None:
            return exit_code
        if time.monotonic() >= end:
            raise subprocess.TimeoutExpired(process.args, TIME_LIMIT)
        if is_closed:
            time.sleep(pause)
            pause = min(2 * pause, longest)
