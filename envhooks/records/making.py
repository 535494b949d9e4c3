"""Statements about an image: from its registry, the tag's Dockerfile, and the build that made it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from envhooks import __version__
from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds.confirm import Confirmed
from envhooks.builds.further import image_tag
from envhooks.builds.imagefiles.sources import open_registry
from envhooks.builds.types import Expected, Plan, Result
from envhooks.builds.verify_files import hold, look_into
from envhooks.builds.verify_image import PYTHONS
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


def by_hand(
    confirmed: Confirmed,
    ref: str,
    tag: TagRecord,
    seen: Seen,
    verified: str = "",
    holds: Mapping[str, str] | None = None,
) -> ImageRecord:
    """The record of an image that somebody names; `verified` and `holds` are what `inspect` answered.

    Raises:
        Contradiction: the image's own label says that it is of another tag.
    """
    _refuse_label(seen, tag)
    name = seen.reference.name
    published = seen.reference.tag or _own_tag(confirmed, tag.tag)
    references = (f"{name}:{published}",) if published else ()
    made = _record(confirmed, ref, tag, seen, name, references, verified=verified)
    return replace(made, holds={**made.holds, **(holds or {})})


def by_build(confirmed: Confirmed, tag: TagRecord, plan: Plan, result: Result, seen: Seen) -> ImageRecord:
    """The record of an image that a build made and verified.

    Raises:
        Contradiction: the image's own label says that it is of another tag.
    """
    _refuse_label(seen, tag)
    made = _record(confirmed, plan.ref, tag, seen, plan.image, plan.images, plan.using, result.verified)
    return replace(
        made,
        arguments=dict(plan.args),
        epoch=plan.epoch,
        bases=tuple(
            replace(base, digest=base.digest or result.bases.get(base.name, "")) for base in made.bases
        ),
        holds={**made.holds, **{key: printable(value, 200) for key, value in result.holds.items()}},
    )


def _record(
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
        version=__version__,
    )


def inspect(
    seen: Seen,
    expected: Expected | None,
    tag: str,
    environ: Mapping[str, str],
    *,
    tls_verify: bool = True,
    pythons: tuple[str, ...] = PYTHONS,
) -> tuple[str, dict[str, str]]:
    """(how the image was compared with the tag, what it holds), by reading its layers from the registry.

    `pythons` are the interpreters to try in it.

    Raises:
        Contradiction: it is not what the tag says.
        CannotJudge: it cannot be determined.
    """
    reference = f"{seen.reference.name}@{seen.digest}"
    holds: dict[str, str] = {}
    if expected is None:
        raise CannotJudge("the plan does not say what the image has to hold", place=printable(tag))
    with open_registry(reference, environ, tls_verify=tls_verify) as (_, found):
        for one in found:
            inside = look_into(one, pythons)
            held = hold(expected, inside, tag)
            where = f"{printable(reference, 300)} ({printable(one.platform, 60)})"
            if held.verdict == "contradicts":
                raise Contradiction(
                    f"the image contradicts the tag: {'; '.join(held.differences)}", place=where
                )
            if held.verdict == "cannot tell" or inside.contents is None:
                why = "; ".join(filter(None, (*held.doubts, held.untold)))
                raise CannotJudge(f"it cannot be told whether the image is of the tag: {why}", place=where)
            for python in inside.contents.pythons[:1]:
                holds |= {key: printable(value, 200) for key, value in python.packages.items()}
                holds["python"] = printable(python.version, 60)
    return "its layers were read from the registry", holds


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
    """Exact pins of the Dockerfile; the findings of a build in the image itself take precedence."""
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
