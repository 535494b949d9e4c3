"""Builds that a repository states: the files that hold them, which of them are of one Dockerfile, and one chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from envhooks.base.errors import EnvhooksError, UsageError
from envhooks.base.hygiene import printable
from envhooks.image.files import FolderFiles
from envhooks.image.makefiles import MAKEFILES
from envhooks.image.statedbuilds import Stated, different, stated_in
from envhooks.policy import Policy

MAX_FILES = 60
"""Files of one repository that are looked through."""
MAX_SCANNED = 256 * 1024
"""Bytes of the largest of them."""
SHOWN = 8
_AT_TOP = (
    *MAKEFILES, "build.sh", "docker/build.sh", "scripts/build.sh", "docker-bake.hcl", "docker-bake.json",
    "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
)  # fmt: skip


def stated_of(top: Path, dockerfile: str) -> list[Stated]:
    """The builds of one Dockerfile that the usual files of a repository state; a file that cannot be read is none."""
    files = FolderFiles(top)
    folder = ".github/workflows"
    workflows = [f"{folder}/{name}" for name in files.list(folder) if name.endswith((".yml", ".yaml"))]
    found: list[Stated] = []
    for path in [*workflows[: MAX_FILES - len(_AT_TOP)], *_AT_TOP]:
        try:
            data = files.read(path)
            found += stated_in(files, path) if data and len(data) <= MAX_SCANNED else []
        except EnvhooksError:
            continue
    return [one for one in found if one.built.dockerfile == dockerfile]


def choose(found: Sequence[Stated], given: dict[str, str], file: str) -> Stated:
    """The one build that goes with the arguments given.

    Raises:
        UsageError: there is none, or several differ.
    """
    own = [one for one in found if one.built.dockerfile and not one.before]
    fitting = [one for one in own if all(dict(one.built.args).get(k, v) == v for k, v in given.items())]
    apart = different(found, fitting)
    if not fitting:
        why = "no build of it has these arguments" if own else "there is no build in it that can be followed"
        raise UsageError(why, place=printable(file))
    if len(apart) == 1:
        return fitting[0]
    shown = [one.built.label or one.built.dockerfile for one in fitting[:SHOWN]]
    first, second = apart[:2]
    changed = [pair for pair in first.built.args if pair not in second.built.args]
    fix = f"--arg {changed[0][0]}={changed[0][1]}" if changed else f"--built-by {file} NAME"
    raise UsageError(
        f"it has {len(apart)} builds: {printable('; '.join(shown))}",
        place=printable(file),
        fix=printable(fix),
    )


def described(found: Sequence[Stated]) -> Iterator[str]:
    """A line for each build: where it stands, and its arguments."""
    for one in found[:SHOWN]:
        args = [f"{name}={value}" for name, value in one.built.args]
        args += [f"{name}=?" for name in one.built.unknown]
        label = f", {one.built.label}" if one.built.label else ""
        stage = f", stage {one.built.target}" if one.built.target else ""
        yield printable(f"{', '.join(args) or 'no arguments'}{stage}  ({one.place}{label})")
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN} more"


def differences(policy: Policy, dockerfile: str, found: Sequence[Stated]) -> Iterator[str]:
    """Sentences on arguments of the policy that every build of the Dockerfile gives otherwise."""
    for section in policy.dockerfiles:
        if section.path is None or PurePosixPath(section.path) != PurePosixPath(dockerfile):
            continue
        for name, value in section.args:
            given = [(dict(one.built.args).get(name), one) for one in found]
            if any(name in one.built.unknown for one in found) or not given:
                continue
            told = {text: one for text, one in given if text is not None}
            if told and value not in told:
                place = next(iter(told.values())).place
                values = " or ".join(list(told)[:SHOWN])
                yield f"warning: {place} builds with {name}={values}, and [dockerfile] of the policy has {value}"
