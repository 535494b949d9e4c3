"""Builds that a repository states: the files that hold them, which of them are of one Dockerfile, and one chosen."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge, EnvhooksError, UsageError
from envhooks.base.hygiene import printable
from envhooks.image import Named
from envhooks.image.buildcommands import MAX_BYTES, Built, commands
from envhooks.image.buildfiles import BuildFile, Planned
from envhooks.image.files import FolderFiles
from envhooks.image.makefiles import Makefile
from envhooks.image.text import Unknowns
from envhooks.image.workflows import workflow_builds
from envhooks.policy import Policy

MAX_FILES = 60
"""Files of one repository that are looked through."""
MAX_BELOW = 8
"""Images of one file that stand on each other."""
MAX_SCANNED = 256 * 1024
"""Bytes of the largest of them."""
MAX_TARGETS = 100
"""Targets of one of them."""
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
    before: bool = False
    """Whether it is of a prerequisite of the target that is asked for."""

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
        file = BuildFile(data, path)
        return [_planned(file, path, name)] if name else list(_all_planned(file, path))
    if posixpath.basename(path) in _MAKEFILES or path.endswith(".mk"):
        return [_below(files, folder, one) for one in _made(text, path, name)]
    if name:
        raise CannotJudge(
            "only a workflow, a Makefile, a bake and a compose file have names in them", place=path
        )
    bash = "bash" in text.partition("\n")[0]
    return [_below(files, folder, Stated(path, one)) for one in commands(text, {}, Unknowns(), bash=bash)]


def _made(text: str, path: str, name: str) -> Iterator[Stated]:
    make = Makefile(text, Unknowns())
    if name and name not in make.recipes:
        shown = ", ".join(list(make.recipes)[:20]) or "none"
        raise CannotJudge(f"there is no target {name!r} with a recipe; the targets are {shown}", place=path)
    if name:
        for one in make.builds(name):
            yield Stated(path, replace(one, label=name), one.label != name)
    else:
        yield from (
            Stated(path, one) for target in list(make.recipes)[:200] for one in make.own_builds(target)
        )


def _all_planned(file: BuildFile, path: str) -> Iterator[Stated]:
    """The builds of every target that is followed."""
    for name in file.names[:MAX_TARGETS]:
        try:
            yield _planned(file, path, name)
        except CannotJudge:
            continue


def _planned(file: BuildFile, path: str, name: str) -> Stated:
    return Stated(path, replace(_planned_from(path, file.planned(name)), label=name))


def _planned_from(path: str, plan: Planned) -> Built:
    """With paths from the folder that `path` is in, or from the top where it is a path from there."""
    context = posixpath.normpath(posixpath.join(posixpath.dirname(path), plan.context))
    dockerfile = posixpath.normpath(posixpath.join(context, plan.dockerfile))
    return Built(dockerfile, context, plan.target, plan.args, plan.unknown)


def _below(files: FolderFiles, folder: str, stated: Stated) -> Stated:
    """With paths from the top: a script is started in its own folder or at the top, where its Dockerfile then is."""
    one = stated.built
    path, context = (
        posixpath.normpath(posixpath.join(folder, text)) for text in (one.dockerfile, one.context)
    )
    if path.startswith("../") or files.read(path) is None:
        return stated
    return replace(stated, built=replace(one, dockerfile=path, context=context))


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


def images_below(file: BuildFile, path: str, plan: Planned) -> dict[str, Named]:
    """Images that the contexts of a target or service name and the same file builds, by their names in FROM.

    Raises:
        CannotJudge: a context names no target or service of this file, or they stand on each other in a circle.
    """
    known: dict[str, Named] = {}

    def too_deep(name: str) -> CannotJudge:
        return CannotJudge(f"{name} stands on itself, or on more than {MAX_BELOW} images", place=path)

    def below(plan: Planned, depth: int) -> dict[str, Named]:
        found: dict[str, Named] = {}
        for name, source in plan.contexts:
            kind, sign, target = source.partition(":")
            if depth >= MAX_BELOW:
                raise too_deep(name)
            stands_on = file.planned(target) if sign and kind in ("target", "service") else None
            if stands_on is None or stands_on.unknown:
                found[name] = Named("", ".", None, (), {})
                continue
            if target not in known:  # two contexts on each line would cost 2^n
                named, built = below(stands_on, depth + 1), _planned_from(path, stands_on)
                known[target] = Named(
                    built.dockerfile, built.context, built.target, built.args, named, _depth_over(named)
                )
            if depth + known[target].depth > MAX_BELOW and known[target].named:
                raise too_deep(name)
            found[name] = known[target]
        return found

    return below(plan, 0)


def _depth_over(named: Mapping[str, Named]) -> int:
    return 1 + max((one.depth for one in named.values()), default=0)


def built_before(found: Sequence[Stated], chosen: Stated) -> dict[str, Named]:
    """Images that the same job, target or script stores before one build, by the names that it stores them under.

    The name in FROM then means what the lines before have built: BuildKit looks first at what is there.
    """
    named: dict[str, Named] = {}
    if chosen.built.pulls:
        return named
    for one in found:
        if one is chosen:
            break
        if one.path != chosen.path or one.built.label != chosen.built.label:
            continue
        built = one.built
        own = {} if built.pulls else dict(named)
        image = Named(built.dockerfile, built.context, built.target, built.args, own, _depth_over(own))
        for tag in built.names:
            for name in {tag, tag.removesuffix(":latest"), f"{tag}:latest" if ":" not in tag else tag}:
                named.pop(name, None)
                if built.stored and not built.unknown:
                    named[name] = image
    return named


def choose(found: Sequence[Stated], given: dict[str, str], file: str) -> Stated:
    """The one build that goes with the arguments given.

    Raises:
        UsageError: there is none, or several differ.
    """
    own = [one for one in found if not one.before]
    fitting = [one for one in own if all(dict(one.built.args).get(k, v) == v for k, v in given.items())]
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
