"""Output of `envhooks builds`: the ledger, and a log as it grows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, TextIO

from envhooks.base.hygiene import printable, word
from envhooks.builds.ledger import Ledger, Row, is_stale

TAIL = 15
"""Lines of a log that a failure shows."""
TABLE_TAIL = 5
"""The same below a row of the table, where there may be many."""
WIDTH = 160
"""Characters of such a line."""
_TAIL_BYTES = 64 * 1024
_HEAD = ("TAG", "BUILD", "REMOTE", "STATE", "SINCE")


def table(rows: Sequence[Row], again: str = "") -> str:
    """The rows in columns; what waits, failed or was dropped says why in a line of its own.

    With `again`, the command that starts it again, what failed shows that and how its log ends.
    """
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = []
    for number, line in enumerate(cells):
        lines.append("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
        if number:
            lines += [f"    {text}" for text in _image(rows[number - 1])]
        if number and rows[number - 1].reason and rows[number - 1].state != "done":
            lines += [f"    {text}" for text in _reason(rows[number - 1])]
        if number and again and state_of(rows[number - 1]) in ("failed", "final", "interrupted"):
            lines += [f"    {text}" for text in _end_of_log(rows[number - 1], TABLE_TAIL, WIDTH)]
            lines.append(f"    again: {again_for(rows[number - 1], again)}")
    return "".join(f"{line}\n" for line in lines)


def again_for(row: Row, again: str) -> str:
    """The command that starts a build again: of one that failed for good, only its own does."""
    return f"envhooks build {word(row.tag)}" if row.state == "final" else again


def _cells(row: Row) -> tuple[str, ...]:
    remote = row.remote or ("this repository" if row.place == "server" else row.url)
    texts = (row.tag, row.build, remote, state_of(row), ago(time.time() - row.updated))
    return tuple(printable(text, 120) for text in texts)


def _image(row: Row) -> list[str]:
    """The image by its whole name, as it can be pulled; and where a service shows its run."""
    name = f"{row.image}@{row.digest}" if row.image and row.digest else row.image or row.digest
    return [printable(text, 400) for text in (name, row.run_url) if text]


def state_of(row: Row) -> str:
    """The state in a word; a build whose process was killed says so."""
    return "interrupted" if row.state == "building" and is_stale(row) else row.state


def ago(seconds: float) -> str:
    """A time span as people say it: `12 s`, `3 min`, `5 h`, `2 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"


def documents(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows, for programs."""
    return [
        {
            "tag": row.tag,
            "ref": row.ref,
            "object": row.tag_object,
            "build": row.build,
            "remote": row.remote,
            "url": row.url,
            "state": row.state,
            "held": bool(row.held),
            "attempts": row.attempts,
            "created": _iso(row.created),
            "updated": _iso(row.updated),
            "image": row.image,
            "digest": row.digest,
            "run_url": row.run_url,
            "log": row.log,
            "reason": row.reason,
            "key": row.key,
        }
        for row in rows
    ]


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def failure(row: Row, again: str) -> str:
    """Report of a failed build: the step that failed, the last lines of the log, and the command to run it again."""
    why, *more = _reason(row)
    first = f"{printable(row.tag)} ({printable(row.build)}) failed: {why}"
    rest = (*(text.lstrip() for text in more), *_end_of_log(row, TAIL), f"again: {again}")
    return "".join(f"{line}\n" for line in (first, *(f"  {line}" for line in rest)))


def _reason(row: Row) -> list[str]:
    """A sentence, and the fix where there is one in a line of its own; nothing else makes a third."""
    why, is_more, fix = row.reason.partition("\n")
    return [printable(why), *([printable(fix)] if is_more else [])]


def _end_of_log(row: Row, count: int, width: int = 500) -> list[str]:
    """The last lines of a build's log, and where it is; nothing where it is gone."""
    try:
        with Path(row.log).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL_BYTES, 0))
            text = file.read().decode("utf-8", "backslashreplace").rstrip()
    except OSError:
        return []
    last = text.split("\n")[-count:] if text else []
    return [*(f"| {printable(line, width)}" for line in last), f"log: {printable(row.log)}"]


@contextmanager
def live_log(ledger: Ledger, keys: Sequence[str], out: TextIO) -> Iterator[None]:
    """Copy what is added to the logs of these rows to `out` while the block runs."""
    stop = Event()

    tail = Tail(ledger, out)
    tail.skip(keys)

    def copy() -> None:
        while not stop.wait(0.2):
            tail.copy(keys)
        tail.copy(keys)

    thread = Thread(target=copy, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Tail:
    """The logs of some rows, each from where it was last left."""

    def __init__(self, ledger: Ledger, out: TextIO) -> None:
        self._ledger = ledger
        self._out = out
        self._at: dict[str, int] = {}

    def skip(self, keys: Sequence[str]) -> None:
        """Skip the output of earlier attempts."""
        for row in self._ledger.rows():
            if row.key in keys and row.state != "building" and row.log and Path(row.log).is_file():
                self._at[row.log] = Path(row.log).stat().st_size

    def copy(self, keys: Sequence[str]) -> None:
        """Print the lines that are new."""
        for row in self._ledger.rows():
            if row.key in keys and row.log and Path(row.log).is_file():
                with Path(row.log).open("rb") as file:
                    file.seek(self._at.get(row.log, 0))
                    data = file.read()
                whole, feed, _ = data.rpartition(b"\n")
                self._at[row.log] = self._at.get(row.log, 0) + len(whole) + len(feed)
                for line in whole.decode("utf-8", "replace").split("\n") if feed else ():
                    print(f"  | {printable(line)}", file=self._out, flush=True)
