"""Following a build on a service, until the service reports its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TextIO

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.hygiene import printable
from envhooks.builds.types import Job, Result
from envhooks.builds.web import Refused, Unreachable

POLL = 15.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class Seen:
    """Answer of the service to one look."""

    state: str
    """The service's own word."""
    end: Literal["", "good", "bad"] = ""
    """Empty: it goes on."""
    digest: str | None = None
    why: str = ""
    """The service's own reason for a bad end."""


def follow(
    look: Callable[[], Seen], job: Job, log: TextIO, *, what: str, run_url: str | None, timeout: float
) -> Result:
    """Look until there is an end; a bad one is final, for another run would be another build.

    Args:
        look: asks once; raises as `web.call` does.
        job: its claim ends the following where a person cancels it.
        log: one line for each change of state, as a build of hours would fill it with looks.
        what: the run, as a sentence names it: "the run".
        run_url: where a person sees it.
        timeout: seconds; then the next attempt follows the same run, and starts no other.
    """
    end, last = time.monotonic() + timeout, ""
    started = Result("started", None, run_url, "", None)
    while True:
        try:
            seen = look()
        except Refused as error:
            return replace(started, message=f"{what} was started and cannot be followed: {error.message}")
        except Unreachable as error:
            text = f"{what} was started, and could not be followed: {error.message}"
            return replace(started, status="failed", message=text, after=error.after)
        if seen.state != last:
            log.write(printable(f"{what} is {seen.state}", 200) + "\n")
            log.flush()
            last = seen.state
        if seen.end:
            text = printable(f"{what} ended: {seen.state}{f', {seen.why}' if seen.why else ''}", 500)
            is_good = seen.end == "good"
            return replace(
                started,
                status="done" if is_good else "failed",
                digest=seen.digest if is_good else None,
                message=text,
                is_final=not is_good,
            )
        if time.monotonic() >= end:
            text = f"{what} is still {printable(seen.state, 60)} after {timeout / 60:g} minutes"
            return replace(started, message=text)
        if not job.is_wanted():
            return replace(
                started, message=f"{what} is not followed any more; it was cancelled here, not there"
            )
        time.sleep(POLL)
