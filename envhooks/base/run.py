"""Run of a command: its budget of reading, its progress, and the signals that end it.

What a tag points at was written by somebody else. Each reader has limits of its own; the budget holds for all of them
together, so that no push occupies a server for minutes. Files and bytes decide first, so that a verdict does not depend
on how fast a machine is; the seconds are far above what any honest file takes.

SIGTERM and SIGHUP would end Python on the spot and leave its temporary folders, so each becomes an exception. It is
raised once: a person who presses Ctrl-C twice would otherwise interrupt the tidying up after the first.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from envhooks.base.errors import CannotJudge

MAX_FILES = 2_000
MAX_BYTES = 64 << 20
MAX_SECONDS = 20.0
MAX_RUN_SECONDS = 120.0
"""Seconds for all tags of one push to a server."""
_EVERY = 64
"""Steps between two looks at the clock."""


class Budget:
    """Remaining budget for one tag."""

    def __init__(self, until: float = float("inf")) -> None:
        """`until` is when the whole run has to end, by `time.monotonic`."""
        self._end = min(time.monotonic() + MAX_SECONDS, until)
        self._whole_run = self._end == until
        self._files = MAX_FILES
        self._bytes = MAX_BYTES
        self._steps = 0

    def file(self, size: int) -> None:
        """Count a file of so many bytes.

        Raises:
            CannotJudge: the budget is spent.
        """
        self._files -= 1
        self._bytes -= size
        if self._files < 0:
            raise CannotJudge(f"more than {MAX_FILES} files would have to be read to judge this tag")
        if self._bytes < 0:
            raise CannotJudge(f"more than {MAX_BYTES >> 20} MiB would have to be read to judge this tag")
        self._look()

    def step(self) -> None:
        """Count a step of a reader.

        Raises:
            CannotJudge: the time is over.
        """
        self._steps += 1
        if self._steps % _EVERY == 0:
            self._look()

    def _look(self) -> None:
        if time.monotonic() > self._end:
            limit = MAX_RUN_SECONDS if self._whole_run else MAX_SECONDS
            what = "all tags of one push" if self._whole_run else "one tag"
            raise CannotJudge(
                f"the reading takes longer than the {limit:.0f} s that there are for {what}",
                fix="git push, of fewer tags at once" if self._whole_run else "",
            )


Step = Callable[[str, int, int], None]
"""Receives the progress of a run: (activity, number done, total)."""


def no_step(what: str, done: int, total: int) -> None:
    """The `Step` of a run without a display of progress."""


SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
GRACE = 3.0
"""Seconds for which a run that was interrupted tidies up undisturbed; after that it can be interrupted again."""


class Interrupted(KeyboardInterrupt):
    """One of these signals came."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)

    def __str__(self) -> str:
        """Name of the event in a few words."""
        return "interrupted" if self.signal == signal.SIGINT else f"ended by {self.signal.name}"

    @property
    def exit_code(self) -> int:
        """Exit code as a shell gives it for a program that such a signal ended."""
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


def ignore_signals() -> None:
    """The result is out: an interpreter that is interrupted while it ends would print a traceback."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def put_off() -> Iterator[None]:
    """Delay what signals do to the end of the block: an interruption during a fork would happen in both processes.

    A mask would do so for its own thread: where there are others, one of them takes the signal, and Python runs its
    handler in the main thread all the same.
    """
    import threading

    caught: list[int] = []
    before: dict[int, Callable[[int, FrameType | None], object]] = {}
    try:
        for number in SIGNALS if threading.current_thread() is threading.main_thread() else ():
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, lambda number, frame: caught.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if caught:
            signal.raise_signal(caught[0])


def as_in_a_fork() -> None:
    """For a fork that began while they were put off: these signals end it, and nothing of its parent's is run."""
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
