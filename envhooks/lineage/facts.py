"""Facts of lineage: a run or model, and the release that it was made in."""

from __future__ import annotations

from typing import Literal

from envhooks.base.dataclass import dataclass, field

State = Literal["proved", "claimed", "contradicted", "unknown"]
EXIT_CODES: dict[State, int] = {"proved": 0, "contradicted": 1, "claimed": 2, "unknown": 2}


@dataclass(frozen=True)
class Origin:
    """The environment that a run or model was made in."""

    state: State
    """`proved`: the stamp names a tag object whose record is proved here; `claimed`: it names one of which nothing is
    proved; `contradicted`: it names another object than the tag of that name; `unknown`: there is no stamp."""
    why: str = ""
    """One sentence; empty for `proved`."""
    tag: str = ""
    """The git tag's short name, as the stamp has it."""
    tag_object: str = ""
    commit: str = ""
    image: str = ""
    """The image with its digest, where a record proves it."""


@dataclass(frozen=True)
class Use:
    """One run, logged model or registered version, and its origin."""

    kind: Literal["run", "model", "version"]
    id: str
    """`runs:/ID`, `models:/m-ID` or `models:/NAME/VERSION`."""
    name: str
    origin: Origin
    experiment: str = ""
    time: str = ""
    """Time at which it began or was made, in UTC: `2026-11-30T12:00:00Z`."""
    run: str = ""
    """Id of the run that made a model."""
    metrics: dict[str, float] = field(default_factory=dict)
    deleted: bool = False
    """Whether it is a run that was deleted in MLflow, which keeps it until it is collected."""
