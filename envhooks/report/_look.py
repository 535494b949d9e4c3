"""Presentation of a report: the facts that the caller knows of the place where it is read."""

from __future__ import annotations

from typing import Literal

from envhooks.base.dataclass import dataclass

Detail = Literal["quiet", "brief", "usual", "full"]
"""quiet: what is refused, alone, and many as brief says them. brief: one line a tag.

usual: errors whole, warnings one line a kind. full: all.
"""

MANY = 3
"""Tags of which each is shown whole; of more, each has a line."""


@dataclass(frozen=True)
class Look:
    """The wishes of a reader; a format for programs has no use for them."""

    colour: bool = False
    width: int | None = None
    """Columns; None: lines are not broken. A command to paste never is."""
    detail: Detail = "usual"
    exists: bool = True
    """Whether `envhooks check` can be asked about the tags; one that a hook refused to make is not there."""
    summary: bool = True
    """Whether several tags are counted in the end; what lint reads are files."""


PLAIN = Look()
