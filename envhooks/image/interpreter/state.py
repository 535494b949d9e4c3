"""Everything that the instructions of one stage have done so far."""

from __future__ import annotations

from collections.abc import Mapping

from envhooks.base.dataclass import dataclass
from envhooks.image.dockerfile.stages import Build, Scope
from envhooks.image.stage.session import Session


@dataclass
class StageState:
    """One stage while it is gone through."""

    build: Build
    others: Mapping[int, StageState]
    """The stages that were gone through before, by number."""
    scope: Scope
    session: Session
    shell: tuple[str, ...]
    """What SHELL says: `("/bin/sh", "-c")`."""

    def other(self, name: str) -> StageState | None:
        """The stage that `--from` names; None for an image."""
        index = self.build.by_reference(name)
        return None if index is None else self.others[index]
