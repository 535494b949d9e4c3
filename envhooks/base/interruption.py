"""A run that a signal ends: by an exception, and once, so that all it holds is put away on the way out.

SIGTERM and SIGHUP would end Python on the spot and leave its temporary folders. And whoever presses Ctrl-C twice
means it once: the second one would hit the tidying up after the first.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
GRACE = 3.0
"""Seconds for which a run that was interrupted tidies up undisturbed; after that it can be interrupted again."""


class Interrupted(KeyboardInterrupt):
    """One of these signals came."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)

    def __str__(self) -> str:
        """What happened, in a word or three."""
        return "interrupted" if self.signal == signal.SIGINT else f"ended by {self.signal.name}"

    @property
    def exit_code(self) -> int:
        """As a shell gives it for a program that such a signal ended."""
        return 128 + self.signal


def listen() -> None:
    """Raise `Interrupted` where a signal would end the process; one that is ignored stays so (`nohup`)."""
    last = float("-inf")

    def end(number: int, _: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= GRACE:
            last = now
            raise Interrupted(number)

    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)


def ignore() -> None:
    """The result is out: an interpreter that is interrupted while it ends would print a traceback."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held_back() -> Iterator[None]:
    """What comes in the meantime counts at the end: an interruption in the midst of a fork would be one of both."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def as_in_a_fork() -> None:
    """For a fork that began while they were held back: these signals end it, and nothing of its parent's is run."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
