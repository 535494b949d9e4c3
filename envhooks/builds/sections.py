"""Build sections judged whole before anything is pushed: keys, builder names, needs, and secrets in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envhooks.base.errors import EnvhooksError, PolicyError
from envhooks.base.folders import find_program
from envhooks.base.hygiene import printable
from envhooks.builds.builders import load
from envhooks.builds.context import Allowed
from envhooks.builds.local_section import ENGINES
from envhooks.builds.options import FIELDS, looks_like_a_secret
from envhooks.builds.plan import builder_options
from envhooks.builds.verify_image import LOCAL, published_settings
from envhooks.policy import BuildPolicy, Policy

PLACE = ".envhooks/policy.toml"
_IMAGE_FIX = '[image]\nname = "registry.example.com/team/{framework:lower}-{hardware:lower}"'
_IMAGE_FIELDS = tuple(f"{{{name}}}" for name in FIELDS if name in ("image", "own", "images"))


def faults(policy: Policy) -> tuple[PolicyError, ...]:
    """All that is wrong with the policy's build sections, the first fault of each."""
    return tuple(fault for build in policy.builds if (fault := fault_of(build, policy.image)) is not None)


def fault_of(build: BuildPolicy, image: str | None) -> PolicyError | None:
    """Fault of one section; None where it is valid. `image` is `[image] name`."""
    try:
        _check(build, image)
    except PolicyError as error:
        message = f"[[build]] `{printable(build.name, 60)}`: {error.message}"
        return PolicyError(message, place=error.place or PLACE, fix=error.fix)
    return None


def _check(build: BuildPolicy, image: str | None) -> None:
    for path, text in _texts(build.options):
        if looks_like_a_secret(text):
            raise PolicyError(
                f"`{printable(path, 60)}` holds what looks like a secret; a secret has no place in a repository, and "
                "one that was committed must be revoked",
                place=PLACE,
                fix=f'{path.rpartition(".")[2]} = "NAME_OF_A_VARIABLE"',
            )
    load(build.using).check_options(builder_options(build))
    Allowed.by(build.options)
    published = published_settings(build)
    if image is None:
        why = _wants_image(build, is_read_back=published.is_on)
        if why:
            raise PolicyError(f"{why}, and the policy names no image", place=PLACE, fix=_IMAGE_FIX)


def _wants_image(build: BuildPolicy, *, is_read_back: bool) -> str:
    if is_read_back:
        return 'it says verify = "registry"'
    if build.using == LOCAL and build.options.get("output", "registry") != "none":
        return "it has to know where to push to"
    for path, text in _texts(build.options):
        field = next((field for field in _IMAGE_FIELDS if field in text), "")
        if field:
            return f"`{printable(path, 60)}` says {field}"
    return ""


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, text) of every text in a section, also in its tables and lists."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item, path)


def missing_here(build: BuildPolicy, image: str | None, environ: Mapping[str, str]) -> EnvhooksError | None:
    """Known obstacle to building a section on this machine, found without starting anything; None without one.

    A token that git's credential helpers may know is not asked for: that could take seconds.
    """
    fault = fault_of(build, image)
    if fault is not None:
        return fault
    options: Mapping[str, Any] = build.options
    name = printable(build.name, 60)
    variables = [options[key] for key in ("secret",) if isinstance(options.get(key), str)]
    if build.using in ("gitlab", "webhook") and isinstance(options.get("token"), str):
        variables.append(options["token"])
    secrets = options.get("secrets")
    if build.using == LOCAL and isinstance(secrets, Mapping):
        variables += [value for value in secrets.values() if isinstance(value, str)]
    for variable in variables:
        if not environ.get(variable, "").strip():
            return PolicyError(
                f"the build `{name}` will fail: the environment variable {variable} is not set",
                fix=f"export {variable}=...",
            )
    if build.using == LOCAL:
        engine = str(options.get("engine", "auto"))
        names = ENGINES if engine == "auto" else (engine,)
        if not any(find_program(one, environ) for one in names):
            what = " nor ".join(names)
            return PolicyError(
                f"the build `{name}` will fail: neither {what} is on PATH"
                if len(names) > 1
                else f"the build `{name}` will fail: {what} is not on PATH",
                fix="apt-get install buildah",
            )
    return None
