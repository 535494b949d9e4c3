"""Progress of a long run, in one line on the terminal that is removed at the end, by `rich`, which no hook loads."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from threading import Timer
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from envhooks.base.hygiene import printable
from envhooks.base.run import put_off
from envhooks.cli._manner import quiet, verbose
from envhooks.cli._terminal import use_colour

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

PATIENCE = 1.0
"""Seconds for which nothing is shown: most runs are over by then."""
PAUSE = 0.1
"""Seconds between two changes of the line."""
_BAR = 20
"""Columns of the bar, on a terminal that has four times as many."""
_FREE = 8
"""Columns at the end of the line in which the `^C` of a Ctrl-C finds room: a second line would not be removed."""


class Progress:
    """Shown on stderr where that is a terminal, and neither `--quiet` nor `--verbose` was asked for.

    `step` draws by itself, as signatures are verified in forks, and a fork has to find no second thread. What waits
    for others calls `wait` first: from there on a thread draws, also while nothing is told.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._is_on = (
            sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not quiet() and not verbose()
        )
        self._next = time.monotonic() + PATIENCE
        self._told = ("", 0, 0)
        """What is done, how much of it is done, and how much there is; 0 where that is not known."""
        self._live: Live | None = None
        self._timer: Timer | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Remove the line; from here on nothing is shown."""
        self._is_on = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._live is not None:
            with put_off():
                self._live.stop()

    def step(self, what: str, done: int, total: int) -> None:
        """Tell that `done` of `total` are done."""
        self._told = (what, done, total)
        now = time.monotonic()
        if not self._is_on or now < self._next or self._timer is not None:
            return
        self._next = now + PAUSE
        with put_off():  # a console that is interrupted while it draws keeps what comes to itself
            if self._live is None:
                self._live = self._line()
                self._live.start()
            self._live.refresh()

    def wait(self, what: str) -> None:
        """Tell what is waited for, of which it is not known how long it takes."""
        self._told = (what, 0, 0)
        if self._is_on and self._live is None:
            self._live = self._line(auto_refresh=True)
            self._timer = Timer(self._next - time.monotonic(), self._live.start)
            self._timer.start()

    def _line(self, auto_refresh: bool = False) -> Live:
        from rich.console import Console
        from rich.live import Live
        from rich.progress_bar import ProgressBar
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        class Still(Console):
            """One that leaves the cursor alone: a program that is stopped or killed could not show it again."""

            def show_cursor(self, show: bool = True) -> bool:
                return False

        console = Still(
            file=_Patient(self._stream),  # type: ignore[arg-type]
            force_terminal=True,
            force_interactive=True,
            highlight=False,
            no_color=not use_colour(self._stream),
        )
        spinner = Spinner("line")  # of ASCII

        def drawn() -> RenderableType:
            what, done, total = self._told
            bar = min(_BAR, console.width // 4) if total else 1
            words = Text(f"{done} of {total} {printable(what)}" if total else printable(what))
            line = Table.grid(padding=(0, 1))
            line.add_column(width=bar)
            line.add_column(no_wrap=True, overflow="crop", max_width=max(console.width - bar - _FREE, 1))
            line.add_row(ProgressBar(total, done, bar, complete_style="green") if total else spinner, words)
            return line

        return Live(
            get_renderable=drawn,
            console=console,
            auto_refresh=auto_refresh,
            refresh_per_second=1 / PAUSE,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )


class _Patient:
    """A terminal that may be closed: that is no reason to judge otherwise."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
