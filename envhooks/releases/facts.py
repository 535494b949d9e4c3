"""One release: facts of a tag that the verbs about releases share, all frozen, none with a handle."""

from __future__ import annotations

from typing import Literal

from envhooks.base.dataclass import dataclass
from envhooks.image import Environment
from envhooks.judge.facts import Inapplicable, Unknown
from envhooks.records.types import Records
from envhooks.tagname.names import TagName


@dataclass(frozen=True)
class Release:
    """One release tag as it stands in this repository."""

    tag: str
    """The name behind `refs/tags/`."""
    object: str
    """Id of the object that the ref names."""
    commit: str | None
    """Id of the tagged commit; None where the tag leads to none."""
    name: TagName | None
    """The name as the grammar read it; None for a name that it refuses."""
    date: str
    """Date of the tag object by its tagger, `2026-11-30`; empty for a lightweight tag. A claim: nothing proves it."""
    seconds: int
    """The same date in seconds since the epoch; 0 for a lightweight tag."""
    environment: Environment | Unknown | Inapplicable
    verdict: Literal["accepted", "refused", "undecided", ""] = ""
    """Verdict by today's policy; empty where the release was not judged."""
    why: str = ""
    """First sentence of a refusal, or of why it could not be judged."""
    passed: tuple[str, ...] = ()
    """Ids of the checks that passed; empty where the release was not judged."""
    entry: str = ""
    """The body of its changelog entry; empty where there is none, or where it was not read."""
    records: Records | None = None
    """The records of the tag; None where they were not read."""
    signer: str = ""
    """The principal that allowed_signers gives the key of a good signature."""

    @property
    def image(self) -> str:
        """The image with its digest, where a record proves it; else empty."""
        image = self.records.image if self.records and self.records.is_proved else None
        return image.reference if image else ""

    @property
    def yanked(self) -> str:
        """The reason why it must not be used any more; empty where it may, or where the records were not read."""
        return self.records.yanked if self.records else ""

    @property
    def line(self) -> str:
        """Framework and hardware with its version: `PyTorch-CUDA12.8`; empty where the name was not read."""
        return "-".join(part for part in self.name.line if part) if self.name else ""

    @property
    def stage(self) -> str:
        """`stable`, `post`, `rc`, `beta` or `alpha`; empty where the name was not read."""
        return self.name.stage if self.name else ""
