"""Names of tags as the grammar reads them, and the part of the policy that says how.

Text taken from a repository is kept as it was found: escaping is the printer's business (`envhooks.base.hygiene`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from envhooks.base.dataclass import dataclass, field

if TYPE_CHECKING:
    from packaging.version import Version


@dataclass(frozen=True)
class TagName:
    """A tag name that the grammar read. Fields that its template lacks are None or empty."""

    text: str
    """The whole name, as in `refs/tags/<text>`."""
    framework: str | None = None
    """Canonical framework name, a key of the policy's table: `PyTorch`."""
    hardware: str | None = None
    """Canonical hardware name without its version: `CUDA`."""
    hardware_version: str | None = None
    """Version written behind the hardware: `12.8`; None where the name carries none."""
    version: tuple[int, ...] = ()
    """Two to four numbers as written: `v2.8` is (2, 8), `v2.8.0` is (2, 8, 0)."""
    stage: str = "stable"
    """`alpha`, `beta`, `rc`, `stable` or `post`."""
    stage_number: int = 0
    """The number behind the stage; 0 for `stable`."""
    extra: tuple[tuple[str, str], ...] = ()
    """Other fields of the template with their text: (("python", "3.12"),)."""

    @property
    def version_text(self) -> str:
        """The version's numbers as the tag writes them: `2.8`."""
        return ".".join(map(str, self.version))

    @property
    def stage_text(self) -> str:
        """`rc1`, `post2`, or nothing for a stable release."""
        return "" if self.stage == "stable" else f"{self.stage}{self.stage_number}"

    @property
    def is_stable(self) -> bool:
        """Whether this is a release for everyone: no stage, or a rebuild (`post`)."""
        return self.stage in ("stable", "post")

    @property
    def line(self) -> tuple[str, str]:
        """(framework, hardware with its version): what `latest` and rollback go by."""
        return (self.framework or "", (self.hardware or "") + (self.hardware_version or ""))

    @property
    def series(self) -> tuple[str, str, tuple[int, ...]]:
        """The line and X.Y: what the `X.Y` image alias and tag-order go by."""
        return (*self.line, self.version[:2])

    @cached_property
    def order(self) -> Version:
        """The PEP 440 version of version and stage; `packaging` orders it."""
        from packaging.version import Version  # 10 ms: only where versions are compared

        short = {"alpha": "a", "beta": "b", "rc": "rc", "post": ".post", "stable": ""}
        number = "" if self.stage == "stable" else str(self.stage_number)
        return Version(self.version_text + short[self.stage] + number)


@dataclass(frozen=True)
class Naming:
    """What the grammar makes of a tag's name: either a TagName, or why not."""

    name: TagName | None
    faults: tuple[str, ...] = ()
    """One sentence for each broken rule; empty exactly where `name` is set."""
    suggestion: str = ""
    """The nearest canonical name, or nothing where none is near."""


@dataclass(frozen=True)
class TagPolicy:
    """`[tag]`: which names are release tags."""

    templates: tuple[str, ...]
    frameworks: Mapping[str, tuple[str, ...]]
    """Canonical name -> the packages that carry it, most usual first."""
    hardware: tuple[str, ...]
    stages: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Lower-case spelling -> canonical framework or hardware name, for suggestions: `pt`."""
