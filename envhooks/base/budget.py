"""Budget of the reading of one tag: bytes, files, steps and seconds, past which nobody can judge it.

What a tag points at was written by somebody else. Each reader has limits of its own; these hold for all of them
together, so that no push occupies a server for minutes. Files and bytes decide first, so that a verdict does not depend
on how fast a machine is; the seconds are far above what any honest file takes.
"""

from __future__ import annotations

import time

from envhooks.base.errors import CannotJudge

MAX_FILES = 2_000
MAX_BYTES = 64 << 20
MAX_SECONDS = 20.0
MAX_RUN_SECONDS = 120.0
"""For all tags of one push to a server."""
_EVERY = 64
"""Steps between two looks at the clock."""


class Budget:
    """What is left of it for one tag."""

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
