"""What there is to be said of an image: from its registry, the tag's Dockerfile, and the build that made it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envhooks import __version__
from envhooks.base.dataclass import replace
from envhooks.base.hygiene import printable
from envhooks.builds.confirm import Confirmed
from envhooks.builds.plan import image_tag
from envhooks.builds.types import Plan, Result
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.records.images import Seen
from envhooks.records.statement import UNSIGNED
from envhooks.records.types import Base, ImageRecord, TagRecord
from envhooks.records.writer import Contradiction
from envhooks.tagname import Grammar

BY_HAND = "by hand"
LABEL = "envhooks.tag-object"
_OCI = "org.opencontainers.image."
_DIGEST = r"sha256:[0-9a-f]{64}"


def by_hand(git: Git, confirmed: Confirmed, ref: str, tag: TagRecord, seen: Seen) -> ImageRecord:
    """The record of an image that somebody names; what is inside was not looked at.

    Raises:
        Contradiction: the image's own label says that it is of another tag.
    """
    _refuse_label(seen, tag)
    name = seen.reference.name
    published = seen.reference.tag or _own_tag(confirmed, tag.tag)
    return _record(git, confirmed, ref, tag, seen, name, (f"{name}:{published}",) if published else ())


def by_build(
    git: Git, confirmed: Confirmed, tag: TagRecord, plan: Plan, result: Result, seen: Seen
) -> ImageRecord:
    """The record of an image that a build made and verified.

    Raises:
        Contradiction: the image's own label says that it is of another tag.
    """
    _refuse_label(seen, tag)
    made = _record(git, confirmed, plan.ref, tag, seen, plan.image, plan.images, plan.using, result.verified)
    return replace(
        made,
        arguments=dict(plan.args),
        epoch=plan.epoch,
        holds={**made.holds, **{key: printable(value, 200) for key, value in result.holds.items()}},
    )


def _record(
    git: Git,
    confirmed: Confirmed,
    ref: str,
    tag: TagRecord,
    seen: Seen,
    name: str,
    references: tuple[str, ...],
    builder: str = BY_HAND,
    verified: str = "",
) -> ImageRecord:
    environment = confirmed.subjects[ref].facts.get("environment")
    found = environment if isinstance(environment, Environment) else None
    return ImageRecord(
        UNSIGNED,
        tag.time,
        name,
        references,
        seen.digest,
        dict(seen.platforms),
        builder,
        verified,
        _bases(found, seen.labels),
        _held(found),
        confirmed.trust.root.tree,
        epoch=git.commit(tag.commit).date if verified else None,
        version=__version__,
    )


def _refuse_label(seen: Seen, tag: TagRecord) -> None:
    label = seen.labels.get(LABEL)
    if label is not None and label != tag.object:
        raise Contradiction(
            f"the image says that it was built from another tag object: {printable(label, 80)}",
            place=printable(str(seen.reference)),
        )


def _own_tag(confirmed: Confirmed, tag: str) -> str:
    name = Grammar(confirmed.policy.tag).match(tag)
    return image_tag(name) if name is not None else ""


def _bases(environment: Environment | None, labels: Mapping[str, str]) -> tuple[Base, ...]:
    """The base image that the Dockerfile names, with the digest that it pins, or that the build wrote down."""
    base = environment.base if environment else None
    if base is None or base.image == "scratch":
        return ()
    name = base.image + (f":{base.tag}" if base.tag else "")
    label = labels.get(f"{_OCI}base.digest", "")
    noted = label if labels.get(f"{_OCI}base.name") == name and re.fullmatch(_DIGEST, label) else ""
    return (Base(name, base.digest or noted),)


def _held(environment: Environment | None) -> dict[str, str]:
    """What the Dockerfile pins exactly; what a build found in the image itself comes on top."""
    if environment is None:
        return {}
    found = {
        package.name: package.version + (f"+{package.local}" if package.local else "")
        for package in environment.packages
        if package.exact and package.version
    }
    if environment.python:
        found["python"] = environment.python
    for hardware in environment.hardware:
        if hardware.version:
            found.setdefault(hardware.kind.lower(), hardware.version)
    return found
