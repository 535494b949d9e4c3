"""Heartbeat of a claim: while a build goes on, its row says so every few seconds.

Numbers of processes mean nothing in another container, and the name of a host changes with its network. Where a
process cannot be seen, its heartbeat shows whether it is running.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread
from types import TracebackType

from envhooks.base.errors import EnvhooksError
from envhooks.builds import process
from envhooks.builds.ledger import Ledger

EVERY = 5.0
"""Seconds between two beats; `ledger.LAPSE` is many of them."""


class Heartbeat:
    """Beats for one claimed row while a block runs; ends what the block started where the claim is taken away."""

    def __init__(self, ledger: Ledger, key: str, every: float = EVERY) -> None:
        """`key` is of a row that this process has claimed."""
        self._ledger = ledger
        self._key = key
        self._every = every
        self._stop = Event()
        self._thread = Thread(target=self._beat, daemon=True)
        self.is_lost = False
        """Whether the claim was taken away: the build was cancelled."""

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._every):
            with suppress(EnvhooksError):  # a ledger that is busy for long: the next beat may come through
                self.is_lost = self.is_lost or not self._ledger.beat(self._key)
            if self.is_lost:
                process.end_running()  # again at each beat: the next engine may be started just now
