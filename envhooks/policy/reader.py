"""The policy's words: `.envhooks/policy.toml` -> Policy. Every key is optional, and no unknown one is passed over.

A misspelt key that was ignored would be a rule that silently does not hold.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from envhooks.base.dataclass import replace
from envhooks.base.errors import PolicyError
from envhooks.base.refs import HEADS
from envhooks.catalog.families import Family
from envhooks.policy import ChangelogPolicy, DeployPolicy, DockerfilePolicy, Policy, RecordsPolicy
from envhooks.policy.values import Source, Value
from envhooks.tagname import DEFAULT_TAG_POLICY

MAX_BYTES = 1024 * 1024
MAX_LINE = 2000
MAX_DOTS = 64
"""Full stops in one line. tomllib's time and memory grow with the square of a dotted key: 1 MiB took all of both."""
MAX_DEPTH = 16
_KEYS = (
    "branch",
    "tag",
    "dockerfile",
    "changelog",
    "checks",
    "image",
    "build",
    "deploy",
    "gitsign",
    "compat",
    "base",
    "verifier",
    "records",
    "yanked",
)


def default_policy(origin: str = "the defaults") -> Policy:
    """The policy of a repository that states none."""
    return Policy(
        origin=origin,
        branches=(),
        tag=DEFAULT_TAG_POLICY,
        dockerfiles=(DockerfilePolicy(),),
        changelog=ChangelogPolicy(),
        checks=MappingProxyType({}),
        compat=MappingProxyType({}),
    )


def parse_policy(data: bytes, origin: str, check_ids: frozenset[str] | None = None) -> Policy:
    """Read a policy file.

    Args:
        data: the file's bytes, TOML in UTF-8 without a byte order mark.
        origin: where it stands, for people: `.envhooks/policy.toml on origin/main`.
        check_ids: the checks that there are; None takes any, for a reader that does not run them.

    Raises:
        PolicyError: the first fault that was found, with its line.
    """
    text = _decode(data, origin)
    _refuse_long_lines(text, origin)
    from envhooks.policy import sections
    from envhooks.policy.values import globs
    from envhooks.tagname import field_names, packages_of

    source = Source.of(text, origin)
    top = Value(source, (), _load(text, source))
    keys = top.table(_KEYS)
    default = default_policy(origin)
    tag = sections.tag(keys["tag"]) if "tag" in keys else default.tag
    packages = frozenset(name for template in tag.templates for name in packages_of(template))
    written = frozenset(name for template in tag.templates for name in field_names(template))
    stages = (*tag.stages, sections.STABLE)
    image = sections.image(keys["image"], packages) if "image" in keys else None
    builds = sections.builds(keys["build"], stages) if "build" in keys else ()
    return Policy(
        origin=origin,
        branches=globs(keys["branch"], HEADS) if "branch" in keys else default.branches,
        tag=tag,
        dockerfiles=sections.dockerfiles(keys["dockerfile"], packages)
        if "dockerfile" in keys
        else default.dockerfiles,
        changelog=sections.changelog(keys["changelog"], written, packages)
        if "changelog" in keys
        else default.changelog,
        checks=sections.checks(keys["checks"], check_ids) if "checks" in keys else default.checks,
        image=image,
        builds=tuple(replace(build, image=image) for build in builds),
        deploys=_deploys(keys["deploy"], stages, check_ids) if "deploy" in keys else (),
        keyless=sections.keyless(keys["gitsign"]) if "gitsign" in keys else (),
        bases=_bases(keys["base"]) if "base" in keys else (),
        compat=_compat(keys["compat"]) if "compat" in keys else MappingProxyType({}),
        **(_image_options(keys["image"], packages) if "image" in keys else {}),
        **(_records(keys) if {"verifier", "records", "yanked"} & keys.keys() else {}),
    )


def _image_options(value: Value, packages: Collection[str]) -> dict[str, Any]:
    keys = value.table()
    if keys.keys() <= {"name"}:
        return {}
    from envhooks.policy.imagesection import image_options

    return image_options(keys, packages)


def _records(keys: Mapping[str, Value]) -> dict[str, Any]:
    from envhooks.policy import recordsections

    return {
        "verifiers": recordsections.verifiers(keys["verifier"]) if "verifier" in keys else (),
        "records": recordsections.records(keys["records"]) if "records" in keys else RecordsPolicy(),
        "yanked": recordsections.yanked(keys["yanked"]) if "yanked" in keys else MappingProxyType({}),
    }


COMPAT_KEYS = ("compiled", "torch", "tensorflow", "jax", "ties")


def parse_compat(data: bytes, origin: str) -> tuple[str, Mapping[str, tuple[Mapping[str, Any], ...]]]:
    """The day and the rows of `.envhooks/compat.toml`, which `envhooks compat update` writes.

    Raises:
        PolicyError: it cannot be read.
    """
    text = _decode(data, origin)
    _refuse_long_lines(text, origin)
    from envhooks.policy.known import compat_rows

    source = Source.of(text, origin)
    top = Value(source, (), _load(text, source))
    keys = top.table(COMPAT_KEYS)
    day = keys.pop("compiled", None)
    if day is not None and not re.fullmatch(r"(?a)[0-9]{4}-[0-9]{2}-[0-9]{2}", day.text()):
        day.refuse("`compiled` is no day", 'compiled = "2026-11-30"')
    rows = compat_rows(keys)
    return day.text() if day is not None else "", rows


def _deploys(
    value: Value, stages: Collection[str], check_ids: Collection[str] | None
) -> tuple[DeployPolicy, ...]:
    from envhooks.policy.deploysections import deploys

    return deploys(value, stages, check_ids)


def _bases(value: Value) -> tuple[Family, ...]:
    from envhooks.policy.known import bases  # few policies have them

    return bases(value)


def _compat(value: Value) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    from envhooks.policy.known import compat

    return compat(value)


def _decode(data: bytes, origin: str) -> str:
    if len(data) > MAX_BYTES:
        raise PolicyError(f"the policy is {len(data)} bytes long and may have {MAX_BYTES}", place=origin)
    file = origin.partition(" ")[0]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        fix = f"iconv -f utf-16 -t utf-8 {file} > policy.utf8 && mv policy.utf8 {file}"
        raise PolicyError("the policy is UTF-16 and must be UTF-8", place=origin, fix=fix)
    if data.startswith(b"\xef\xbb\xbf"):
        fix = f"tail -c +4 {file} > policy.utf8 && mv policy.utf8 {file}"
        raise PolicyError(
            "the policy begins with a byte order mark, which TOML does not have", place=origin, fix=fix
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyError(
            "the policy is not UTF-8",
            place=Source(origin, {}).at(line),
            fix=f"iconv -f latin1 -t utf-8 {file} > policy.utf8 && mv policy.utf8 {file}",
        ) from None


def _refuse_long_lines(text: str, origin: str) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        for count, what, limit in (
            (len(line), "characters", MAX_LINE),
            (line.count("."), "full stops", MAX_DOTS),
        ):
            if count > limit:
                raise PolicyError(
                    f"the line has {count} {what} and may have {limit}", place=Source(origin, {}).at(number)
                )


def _load(text: str, source: Source) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        loaded = tomllib.loads(text)
    except RecursionError:
        raise PolicyError("the policy is nested too deeply", place=source.origin) from None
    except ValueError as error:  # TOMLDecodeError, and int() of thousands of digits
        message = str(error)
        where = re.search(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)", message)
        line = int(where[1]) if where and where[1] else text.count("\n") + 1
        if where:
            message = message.replace(where.group(), "")
        elif not isinstance(error, tomllib.TOMLDecodeError):
            message = "a number has too many digits"
        raise PolicyError(
            f"the policy is not TOML: {message[:1].lower()}{message[1:200]}",
            place=source.at(line) if where else source.origin,
        ) from None
    _refuse_depth(loaded, source)
    return loaded


def _refuse_depth(loaded: object, source: Source) -> None:
    """Dotted keys nest without a limit of tomllib's own, and comparing or printing would overflow later."""
    level: list[object] = [loaded]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    if level:
        raise PolicyError("the policy is nested too deeply", place=source.origin)
