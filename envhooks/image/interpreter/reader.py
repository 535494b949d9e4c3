"""A Dockerfile and the files around it -> model.Environment: what the image would hold.

Nothing is run and no network is touched. What the files do not state exactly becomes an `Unpinned`
or a `CannotTell`; an exact version is claimed only where nothing in the files speaks against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from envhooks.base.errors import CannotJudge
from envhooks.base.place import Place
from envhooks.catalog.families import Family
from envhooks.image.dockerfile import baseimage
from envhooks.image.dockerfile.expand import BadWord
from envhooks.image.dockerfile.parser import Instruction, read_dockerfile
from envhooks.image.dockerfile.stages import Build, Scope, Stage
from envhooks.image.facts import Environment, Hardware, Package
from envhooks.image.files import Budgeted, Files, inside
from envhooks.image.interpreter.instructions import StageState, copy, run
from envhooks.image.interpreter.summary import Summary, product_of
from envhooks.image.stage.containerfs import ContainerFiles
from envhooks.image.stage.installed import SYSTEM, Entry, Installed
from envhooks.image.stage.session import Session
from envhooks.image.text import unknown

_NO_ARGS: Mapping[str, str] = MappingProxyType({})


def read_environment(
    files: Files,
    dockerfile: str,
    *,
    context: str = ".",
    target: str | None = None,
    args: Mapping[str, str] = _NO_ARGS,
    bases: Sequence[Family] = (),
) -> Environment:
    """What the Dockerfile at `dockerfile` would build.

    Args:
        files: the tree.
        dockerfile: path of the Dockerfile in the tree.
        context: folder of the tree that is the build context.
        target: stage to build; None: the product stage (the last one that is no mere export).
        args: build arguments as they are given to the build.
        bases: families of base images that the policy adds.

    Raises:
        CannotJudge: there is no such file, BuildKit would refuse it, or it is a template or a fragment.
    """
    data = files.read(dockerfile)
    if data is None:
        raise CannotJudge("there is no such Dockerfile", place=dockerfile)
    build = Build(
        read_dockerfile(data, dockerfile), args, files.budget if isinstance(files, Budgeted) else None
    )
    return _Reading(build, files, inside(context), bases).environment(target)


class _Reading:
    def __init__(self, build: Build, files: Files, context: str, bases: Sequence[Family]) -> None:
        self._build = build
        self._files = files
        self._bases = tuple(bases)
        self._context = context
        self._states: dict[int, StageState] = {}
        self._path = build.file.path

    def environment(self, target: str | None) -> Environment:
        """Go through the stages that the product needs, and sum up."""
        product = self._chosen(target)
        for index in self._needed(product):
            self._states[index] = self._stage(self._build.stages[index])
        return Summary(self._build.stages[product], self._states[product]).environment()

    def _chosen(self, target: str | None) -> int:
        if target is None:
            return product_of(self._build)
        index = self._build.by_reference(target)
        if index is None:
            names = ", ".join(stage.label for stage in self._build.stages[:20])
            raise CannotJudge(
                f"there is no stage {target!r}; the stages are {names}", place=f"{self._path}:1",
                fix='in .envhooks/policy.toml, [dockerfile]: target = "<one of them>"',
            )  # fmt: skip
        return index

    def _needed(self, product: int) -> list[int]:
        """The stages that the product is made of, each after those that it needs."""
        order: list[int] = []
        done: set[int] = set()
        open_stages: set[int] = set()
        stack: list[tuple[int, Iterator[int]]] = []
        visit: int | None = product
        while visit is not None or stack:
            if visit is not None:
                open_stages.add(visit)
                stack.append((visit, iter(self._sources(self._build.stages[visit]))))
                visit = None
            index, rest = stack[-1]
            following = next((one for one in rest if one not in done), None)
            if following is None:
                stack.pop()
                done.add(index)
                open_stages.discard(index)
                order.append(index)
            elif following in open_stages:
                line = self._build.stages[index].head.start
                raise CannotJudge("the stages copy from each other in a circle", place=f"{self._path}:{line}")
            else:
                visit = following
        return order

    def _sources(self, stage: Stage) -> list[int]:
        found = [] if stage.parent is None else [stage.parent]
        for one in stage.body:
            for name in _from_names(one):
                index = self._build.by_reference(name)
                if index is not None:
                    found.append(index)
        return found

    # ---------------------------------------------------------------- one stage

    def _stage(self, stage: Stage) -> StageState:
        build = self._build
        if stage.parent is not None:
            parent = self._states[stage.parent]
            before = parent.session
            session = Session(
                self._path, build.unknowns, before.files.copy(), before.installed.copy(), dict(before.config)
            )
            state = StageState(build, self._states, Scope(build, stage, parent.scope), session, parent.shell)
        else:
            files = ContainerFiles(self._files, self._context, build.work.spend)
            session = Session(self._path, build.unknowns, files, Installed())
            state = StageState(build, self._states, Scope(build, stage), session, ("/bin/sh", "-c"))
            self._base(stage, session)
        for instruction in stage.body:
            build.work.spend(50)
            self._instruction(state, instruction)
        return state

    def _base(self, stage: Stage, session: Session) -> None:
        """What the base image brings."""
        if stage.base == "scratch":
            return
        reference = None if unknown(stage.base) else baseimage.parse_reference(stage.base)
        place = Place(self._path, stage.head.start)
        if reference is None:
            session.note("what the base image holds is not known", place)
            return
        held = baseimage.contents(reference, self._bases)
        hardware = tuple(Hardware(kind, version, "base", place) for kind, version in held.hardware)
        for name, version, local in held.packages:
            package = Package(name, version, local, True, f"=={version}", "base", place)
            session.installed.put(SYSTEM, Entry(name, package))
        for name, why in held.opaque:
            session.installed.doubt(SYSTEM, name, why, place)
        if held.python:
            session.installed.pythons[SYSTEM] = (held.python, place)
        session.installed.base_hardware = hardware
        session.installed.base_says = held.says
        if not (held.plain or held.packages or held.opaque):
            session.note(f"what the base image {reference.name} holds is not known", place)

    def _instruction(self, state: StageState, one: Instruction) -> None:
        if one.command in ("ARG", "ENV", "WORKDIR"):
            try:
                state.scope.apply(one)
            except BadWord as error:
                raise CannotJudge(str(error), place=f"{self._path}:{one.start}") from None
        elif one.command == "SHELL" and one.array:
            state.shell = one.array
        elif one.command in ("COPY", "ADD"):
            copy(state, one)
        elif one.command == "RUN":
            run(state, one)


def _from_names(one: Instruction) -> Iterator[str]:
    """The stages or images that an instruction takes files from."""
    if one.command == "COPY" and (name := one.flag("from")):
        yield name
    elif one.command == "RUN":
        for flag in one.flags:
            if flag.startswith("--mount="):
                match = re.search(r"(?:=|,)from=([^,]+)", flag)
                if match:
                    yield match.group(1)
