"""The image that a builder published, compared with its tag by what the registry has: the same for every builder.

The local builder asks its image before it is published. What a workflow, a pipeline or a program of somebody's own
published can only be looked at afterwards: `verify = "registry"` in its section.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from envhooks.base.dataclass import replace
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.builds.imagefiles.limits import Unreadable
from envhooks.builds.imagefiles.sources import open_registry
from envhooks.builds.registry import RegistryError, RegistryUnavailable
from envhooks.builds.types import Plan, Result
from envhooks.builds.verify_files import OBJECT_LABEL, Inside, hold, look_into
from envhooks.builds.verify_image import PublishedSettings, published_settings
from envhooks.policy import BuildPolicy


def verified(
    result: Result, plan: Plan, build: BuildPolicy, log: TextIO, environ: Mapping[str, str]
) -> Result:
    """The result of a build, after its image was read from the registry where the section asks for that."""
    wanted = published_settings(build)
    if not wanted.is_on or result.status != "done":
        return result
    if not plan.own or plan.expected is None:
        return replace(
            result, status="failed", message="the policy names no image that could be verified", is_final=True
        )
    log.write(printable(f"reading {plan.own} from the registry", 2000) + "\n")
    try:
        fault, digest, is_final = _fault(result, plan, wanted, log, environ)
    except RegistryUnavailable as error:
        return replace(result, status="failed", message=f"could not verify the image: {error.message}")
    except (RegistryError, Unreadable) as error:
        message = f"could not verify the image: {error.message}"
        return replace(result, status="failed", message=message, is_final=True)
    except EnvhooksError as error:
        # the builder said that it was done, and it takes some registries a moment to show it
        return replace(
            result, status="failed", message=f"could not verify {printable(plan.own)}: {error.message}"
        )
    if fault:
        log.write(printable(fault, 2000) + "\n")
        return replace(result, status="failed", digest=digest, message=fault, is_final=is_final)
    message = f"{result.message}, and the registry's image agrees with the tag"
    how = "its layers were read from the registry"
    return replace(result, digest=digest, message=printable(message, 1000), verified=how)


def _fault(
    result: Result, plan: Plan, wanted: PublishedSettings, log: TextIO, environ: Mapping[str, str]
) -> tuple[str, str, bool]:
    """(what is wrong or empty, the digest that the registry has, whether it stays wrong)."""
    assert plan.expected is not None
    with open_registry(plan.own, environ, tls_verify=wanted.tls_verify) as (digest, images):
        own = printable(plan.own)
        if result.digest and result.digest != digest:
            return f"{own} is {digest} in the registry, and the builder says {result.digest}", digest, True
        insides = [look_into(image, wanted.pythons) for image in images]
    faults = [text for inside in insides for text in _of_one(plan, inside, log)]
    if faults:
        return f"{'; '.join(dict.fromkeys(faults))}: {own} was published as {digest}", digest, True
    return "", digest, False


def _of_one(plan: Plan, inside: Inside, log: TextIO) -> tuple[str, ...]:
    assert plan.expected is not None
    platform = inside.image.platform
    labelled = inside.labels.get(OBJECT_LABEL)
    if labelled and labelled != plan.tag_object:
        return (f"{platform}: its label names another tag object: {printable(labelled, 64)}",)
    held = hold(plan.expected, inside, plan.tag)
    for text in (*held.differences, *held.doubts, *held.notes, held.untold):
        if text:
            log.write(printable(f"{platform}: {text}", 2000) + "\n")
    if held.differences:
        return tuple(f"{platform}: {text}" for text in held.differences)
    return tuple(f"{platform}: {text}" for text in held.doubts)  # missing evidence is not a fault
