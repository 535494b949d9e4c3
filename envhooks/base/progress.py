"""Progress of a run, told to whoever watches."""

from __future__ import annotations

from collections.abc import Callable

Step = Callable[[str, int, int], None]
"""Told how far a run is: what is being done, how many are done, and how many there are."""


def no_step(what: str, done: int, total: int) -> None:
    """The `Step` of a run that nobody watches."""
