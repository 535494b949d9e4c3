"""Place in a file and level of a finding.

Paths are relative to the top of the tree, with `/`. Lines count from 1.
"""

from __future__ import annotations

from typing import Literal

from envhooks.base.dataclass import dataclass

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Place:
    """Place in a file at the tagged commit."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"
