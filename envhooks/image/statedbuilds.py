"""Builds that a file of a repository states, by whatever states them, and the images of the same tree below each.

A workflow, a Makefile, a shell script, a bake or a compose file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge
from envhooks.image import MAX_BELOW, Named
from envhooks.image.buildcommands import Built, commands
from envhooks.image.buildfiles import BuildFile, Planned
from envhooks.image.files import MAX_BUILD_FILE, Files
from envhooks.image.makefiles import MAKEFILES, Makefile
from envhooks.image.text import Unknowns, shown_names
from envhooks.image.workflows import workflow_builds

MAX_TARGETS = 100
"""Targets of one file."""
_TARGETED = (".hcl", ".json", ".yml", ".yaml")
_COMPOSED = (".yml", ".yaml")
_NOT_FOLLOWED = Named("", ".", None, (), {})


@dataclass(frozen=True)
class Followed:
    """What a file of the repository gives to the build of one Dockerfile."""

    context: str
    target: str | None
    args: tuple[tuple[str, str], ...]
    named: Mapping[str, Named]
    """Images of the same tree that it stands on."""


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


def stated_in(files: Files, path: str, name: str = "") -> list[Stated]:
    """The builds of one file, or of what is called `name` in it: a job, a target, a service.

    Raises:
        CannotJudge: the file is not there, is not of its form or too large, or has nothing of that name.
    """
    data = files.read(path)
    if data is None:
        raise CannotJudge("there is no such file", place=path)
    if len(data) > MAX_BUILD_FILE:
        raise CannotJudge("the file is larger than 1 MiB", place=path)
    folder = posixpath.dirname(path) or "."
    text = data.decode("utf-8", "replace")
    if _is_workflow(path):
        return [Stated(path, one) for one in workflow_builds(text, path, name)]
    if is_targeted(path):
        file = BuildFile(data, path)
        return [_planned(file, path, name)] if name else list(_all_planned(file, path))
    if posixpath.basename(path) in MAKEFILES or path.endswith(".mk"):
        return [_below(files, folder, one) for one in _made(files, folder, text, path, name)]
    if name:
        raise CannotJudge(
            "only a workflow, a Makefile, a bake and a compose file have names in them", place=path
        )
    bash = "bash" in text.partition("\n")[0]
    return [_below(files, folder, Stated(path, one)) for one in commands(text, {}, Unknowns(), bash=bash)]


def _made(files: Files, folder: str, text: str, path: str, name: str) -> Iterator[Stated]:
    make = Makefile(text, Unknowns())
    if name and name not in make.recipes:
        why = f"there is no target {name!r} with a recipe; the targets are {shown_names(make.recipes)}"
        raise CannotJudge(why, place=path)
    phony = make.needs.get(".PHONY", ())
    if name:
        for one in make.builds(name):
            # what is there already is not made, unless it is phony: `base:` beside a folder `base`
            there = one.label not in phony and (
                files.read(beside := posixpath.join(folder, one.label)) is not None or files.list(beside)
            )
            built = replace(one, label=name, stored=one.stored and not there)
            yield Stated(path, built, one.label != name)
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


def _below(files: Files, folder: str, stated: Stated) -> Stated:
    """With paths from the top: a script is started in its own folder or at the top, where its Dockerfile then is."""
    one = stated.built
    if not one.dockerfile:
        return stated
    path, context = (
        posixpath.normpath(posixpath.join(folder, text)) for text in (one.dockerfile, one.context)
    )
    if path.startswith("../") or files.read(path) is None:
        return stated
    return replace(stated, built=replace(one, dockerfile=path, context=context))


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
                found[name] = _NOT_FOLLOWED
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
        for tag in built.names if built.dockerfile or built.names else tuple(named):
            for name in {tag, tag.removesuffix(":latest"), f"{tag}:latest" if ":" not in tag else tag}:
                # what is not followed may be there all the same, in the place of the registry's
                named[name] = image if built.stored and not built.unknown else _NOT_FOLLOWED
    return named


def different(found: Sequence[Stated], among: Sequence[Stated]) -> list[Stated]:
    """One of each kind among some of the builds found: by file, context, stage, arguments and what is built before.

    A matrix may give another argument to the base image alone.
    """
    known: dict[tuple[object, ...], int] = {}
    before: dict[tuple[str, str], int] = {}
    beside: dict[int, int] = {}
    for one in found:
        built = one.built
        own = one.path, built.label
        number = before.get(own, 0)  # of all that was built until then: a tuple of it would grow with each
        beside[id(one)] = 0 if built.pulls else number
        if built.names or not built.dockerfile:
            key = (number, *_kind(built), built.names, built.stored)
            before[own] = known.setdefault(key, len(known) + 1)
    return list({(*_kind(one.built), beside[id(one)]): one for one in among}.values())


def _kind(built: Built) -> tuple[object, ...]:
    return built.dockerfile, built.context, built.target, built.args, built.unknown, built.pulls


def followed(files: Files, path: str, name: str, dockerfile: str, given: Mapping[str, str]) -> Followed:
    """The one build of a Dockerfile that is called `name` in the file at `path`.

    Args:
        files: the tree.
        path: the file that states the build.
        name: a job, a target, a service; empty for a file of one build.
        dockerfile: path of the Dockerfile that it has to be of.
        given: arguments that are given besides; they choose between several builds, and come first.

    Raises:
        CannotJudge: there is none, there are several, or something of it is not followed.
    """
    if is_targeted(path):
        stated, named = _of_target(files, path, name, dockerfile)
    else:
        found = stated_in(files, path, name)
        own = [one for one in found if not one.before]
        mine = [one for one in own if one.built.dockerfile == dockerfile]
        fitting = [one for one in mine if all(dict(one.built.args).get(k, v) == v for k, v in given.items())]
        kinds = different(found, fitting or mine)
        if len(kinds) != 1:
            many = f"it has {len(kinds)} builds of {dockerfile} that differ"
            none = f"there is no build of {dockerfile} in it that can be followed"
            raise CannotJudge(many if kinds else none, place=path)
        stated = kinds[0]
        named = built_before(found, stated)
    if lost := [one for one in stated.built.unknown if one not in given]:
        raise CannotJudge(f"it computes {', '.join(lost[:8])} in a way that is not followed", place=path)
    return Followed(stated.built.context, stated.built.target, stated.built.args, named)


def _of_target(files: Files, path: str, name: str, dockerfile: str) -> tuple[Stated, Mapping[str, Named]]:
    """A target or service with the images below it; bake is started in the folder of its file, or at the top."""
    data = files.read(path)
    if data is None:
        raise CannotJudge("there is no such file", place=path)
    if not name:
        raise CannotJudge("it has a build for each of its targets, and none is named", place=path)
    _refuse_beside(files, path, data)
    file = BuildFile(data, path)
    plan = file.planned(name)
    folders = [path] if path.endswith(_COMPOSED) else [path, posixpath.basename(path)]
    for one in folders:
        if _planned_from(one, plan).dockerfile == dockerfile:
            stated = Stated(path, _planned_from(one, plan))
            return stated, images_below(file, one, plan)
    raise CannotJudge(
        f"{name} is a build of {_planned_from(path, plan).dockerfile}, not of {dockerfile}", place=path
    )


def _refuse_beside(files: Files, path: str, data: bytes) -> None:
    """Refuse a file that another one beside it changes when it is built."""
    stem, dot, _ = path.rpartition(".")
    endings = ("yml", "yaml") if path.endswith(_COMPOSED) else ("hcl", "json")
    for other in (f"{stem}.override{dot}{ending}" for ending in endings):
        if files.read(other) is not None:
            raise CannotJudge(f"{other} changes what it says, which is not followed", place=path)
    own = posixpath.join(posixpath.dirname(path), ".env")
    if path.endswith(_COMPOSED) and b"${" in data and files.read(own) is not None:
        raise CannotJudge(f"{own} sets variables of it, which is not followed", place=path)


def is_targeted(path: str) -> bool:
    """Whether a path is that of a bake or compose file."""
    return path.endswith(_TARGETED) and not _is_workflow(path)


def _is_workflow(path: str) -> bool:
    return "/workflows/" in f"/{path}" and path.endswith(_COMPOSED)
