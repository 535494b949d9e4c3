"""Builds that a repository states: the files that hold them, which of them are of one Dockerfile, and one chosen."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge, EnvhooksError, UsageError
from envhooks.base.hygiene import printable
from envhooks.image.buildcommands import MAX_BYTES, Built, commands
from envhooks.image.buildfiles import planned, targets
from envhooks.image.files import FolderFiles
from envhooks.image.makefiles import Makefile
from envhooks.image.text import Unknowns
from envhooks.image.workflows import workflow_builds
from envhooks.policy import Policy

MAX_FILES = 60
"""Files of one repository that are looked through."""
MAX_SCANNED = 256 * 1024
"""Bytes of the largest of them."""
SHOWN = 8
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_AT_TOP = (
    *_MAKEFILES, "build.sh", "docker/build.sh", "scripts/build.sh", "docker-bake.hcl", "docker-bake.json",
    "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml",
)  # fmt: skip


@dataclass(frozen=True)
class Stated:
    """One build, and the file that states it."""

    path: str
    """From the top of the repository."""
    built: Built
    """With paths from the top of the repository."""

    @property
    def place(self) -> str:
        """`.github/workflows/build.yml:23`."""
        return f"{self.path}:{self.built.line}" if self.built.line else self.path


def stated_in(files: FolderFiles, path: str, name: str = "") -> list[Stated]:
    """The builds of one file, or of what is called `name` in it: a job, a target, a service.

    Raises:
        CannotJudge: the file is not there, is not of its form or too large, or has nothing of that name.
    """
    data = files.read(path)
    if data is None:
        raise CannotJudge("there is no such file", place=path)
    if len(data) > MAX_BYTES:
        raise CannotJudge("the file is larger than 1 MiB", place=path)
    folder = posixpath.dirname(path) or "."
    text = data.decode("utf-8", "replace")
    if "/workflows/" in f"/{path}" and path.endswith((".yml", ".yaml")):
        return [Stated(path, one) for one in workflow_builds(text, path, name)]
    if path.endswith((".hcl", ".json", ".yml", ".yaml")):
        return [_planned(data, path, one) for one in ([name] if name else targets(data, path))]
    if posixpath.basename(path) in _MAKEFILES or path.endswith(".mk"):
        return [_below(files, folder, Stated(path, one)) for one in _made(text, path, name)]
    if name:
        raise CannotJudge(
            "only a workflow, a Makefile, a bake and a compose file have names in them", place=path
        )
    bash = "bash" in text.partition("\n")[0]
    return [_below(files, folder, Stated(path, one)) for one in commands(text, {}, Unknowns(), bash=bash)]


def _made(text: str, path: str, name: str) -> Iterator[Built]:
    make = Makefile(text, Unknowns())
    if name and name not in make.recipes:
        shown = ", ".join(list(make.recipes)[:20]) or "none"
        raise CannotJudge(f"there is no target {name!r} with a recipe; the targets are {shown}", place=path)
    for target in [name] if name else list(make.recipes)[:200]:
        for one in make.builds(target) if name else make.builds(target)[-1:]:
            yield replace(one, label=target)


def _planned(data: bytes, path: str, name: str) -> Stated:
    plan = planned(data, path, name)
    context = posixpath.normpath(posixpath.join(posixpath.dirname(path), plan.context))
    dockerfile = posixpath.normpath(posixpath.join(context, plan.dockerfile))
    return Stated(path, Built(dockerfile, context, plan.target, plan.args, plan.unknown, label=name))


def _below(files: FolderFiles, folder: str, stated: Stated) -> Stated:
    """With paths from the top: a script is started in its own folder or at the top, where its Dockerfile then is."""
    one = stated.built
    path, context = (
        posixpath.normpath(posixpath.join(folder, text)) for text in (one.dockerfile, one.context)
    )
    if path.startswith("../") or files.read(path) is None:
        return stated
    return Stated(stated.path, replace(one, dockerfile=path, context=context))


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
    fitting = [one for one in found if all(dict(one.built.args).get(k, v) == v for k, v in given.items())]
    different = {
        (one.built.dockerfile, one.built.context, one.built.target, one.built.args): one for one in fitting
    }
    if not fitting:
        why = (
            "no build of it has these arguments" if found else "there is no build in it that can be followed"
        )
        raise UsageError(why, place=printable(file))
    if len(different) == 1:
        return fitting[0]
    shown = [one.built.label or one.built.dockerfile for one in fitting[:SHOWN]]
    first, second = list(different.values())[:2]
    changed = [pair for pair in first.built.args if pair not in second.built.args]
    fix = f"--arg {changed[0][0]}={changed[0][1]}" if changed else f"--built-by {file} NAME"
    raise UsageError(
        f"it has {len(different)} builds: {printable('; '.join(shown))}",
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
