"""Interpreter of Dockerfiles: a Dockerfile and the files around it -> Environment of the product stage.

Nothing is run and no network is touched. What the files do not state exactly becomes an `Unpinned`
or a `CannotTell`; an exact version is claimed only where nothing in the files speaks against it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.base.place import Place
from envhooks.catalog.families import Family
from envhooks.catalog.lookup import BY_BUILD, CARRIERS, MOVERS, names_of
from envhooks.image import MAX_BELOW, CannotTell, Environment, Named, Unpinned
from envhooks.image.dockerfile import Instruction, baseimage, read_dockerfile
from envhooks.image.dockerfile.baseimage import hints
from envhooks.image.dockerfile.expand import BadWord
from envhooks.image.dockerfile.stages import Build, Scope, Stage
from envhooks.image.files import Budgeted, Files, inside
from envhooks.image.interpreter.instructions import (
    Below,
    StageState,
    copy,
    needed,
    product_of,
    program_of,
    run,
    shell_environment,
    start,
    started_below,
    take_base,
)
from envhooks.image.stage import Session
from envhooks.image.stage.containerfs import ContainerFiles
from envhooks.image.stage.installed import SYSTEM, Entry, Installed
from envhooks.image.text import readable, shown_names, unknown

if TYPE_CHECKING:
    from envhooks.image.ignorefile import IgnoreFile


class Summary:
    """Sums up one stage."""

    def __init__(self, stage: Stage, state: StageState) -> None:
        self._build = state.build
        self._stage = stage
        self._state = state
        self._installed = state.session.installed
        self._path = state.build.file.path

    def environment(self) -> Environment:
        """The environment, with the facts that are known and those that are not."""
        base, unpinned, cannot = self.base()
        entries = list(self._entries())
        python, python_doubt = self._python(entries)
        hardware = list(self._installed.base_hardware)
        built = any(one.version for entry in entries if entry.name in BY_BUILD for one in entry.hardware)
        for entry in entries:
            if not (built and entry.name == "cuda-version"):
                hardware += entry.hardware  # conda's `cuda-version` bounds a solve; a build is what it is
            unpinned += [entry.unpinned] if entry.unpinned else []
            cannot += [entry.cannot_tell] if entry.cannot_tell else []
        return Environment(
            path=self._path,
            target=self._stage.label,
            base=base,
            python=python,
            packages=tuple(entry.package for entry in entries if entry.package),
            hardware=tuple(dict.fromkeys(hardware)),
            unpinned=tuple(dict.fromkeys((*unpinned, *self._installed.unpinned))),
            cannot_tell=tuple(dict.fromkeys((*cannot, *python_doubt, *self._installed.notes))),
            base_says=self._installed.base_says,
            replaced=tuple(dict.fromkeys(self._installed.replaced)),
            hints=tuple(hints(self._build.file.instructions, self._path)),
            runtime=self._state.scope.runtime,
        )

    def base(self) -> Below:
        """The base image, and what is open about it: that of the build below, where the tree builds it itself."""
        head = self._stage
        while head.parent is not None:
            head = self._build.stages[head.parent]
        below = self._state.below.get(head.index)
        return self._base(head) if below is None else below

    def _base(self, head: Stage) -> Below:
        place = Place(self._path, head.head.start)
        if head.base == "scratch":
            return baseimage.BaseImage("scratch", None, None, place), [], []
        if unknown(head.base):
            why = self._build.unknowns.why(head.base)
            return (
                self._partial(head, place),
                [],
                [CannotTell("base", f"{readable(head.base)}: {why}", place)],
            )
        reference = baseimage.parse_reference(head.base)
        if reference is None:
            return None, [], [CannotTell("base", f"{head.base} is not an image reference", place)]
        base = baseimage.BaseImage(reference.name, reference.tag, reference.digest, place, reference.is_fixed)
        loose = []
        if reference.digest is None and reference.tag in (None, "latest"):
            why = "it has no tag" if reference.tag is None else "latest names another image each time"
            loose.append(Unpinned(reference.name, "base", head.base, why, place))
        return base, loose, []

    def _partial(self, head: Stage, place: Place) -> baseimage.BaseImage | None:
        """The image's name where only its tag is not known."""
        name, colon, tag = head.base.rpartition(":")
        if colon and not unknown(name) and "/" not in tag and baseimage.parse_reference(name):
            return baseimage.BaseImage(name, None, None, place)
        return None

    def _active(self) -> str:
        where = self._installed.active(self._state.scope.values.get)
        if where == SYSTEM:
            started = next(filter(None, program_of(self._state)), SYSTEM)
            return shell_environment(self._state.shell) or started
        return where

    def _stranger(self, active: str) -> str:
        """A virtual environment that PATH names before the system's folders, and that nothing here is known to make."""
        for part in (self._state.scope.values.get("PATH") or "").split(":"):
            if unknown(part) or part in ("/usr/local/bin", "/usr/bin", "/bin"):
                return ""
            match = re.fullmatch(r"(/(?:.+/)?\.?venv[^/]*)/bin/?", part)
            if match:
                prefix = match.group(1)
                known = prefix == active or prefix in self._installed.venvs
                return "" if known or any(prefix == where for where, _ in self._installed.entries) else prefix
        return ""

    def _entries(self) -> Iterator[Entry]:
        """One entry for each package name: the one that counts."""
        active = self._active()
        hidden = active != SYSTEM and self._installed.venvs.get(active) is False
        by_name: dict[str, list[tuple[str, Entry]]] = {}
        for (where, name), entry in self._installed.entries.items():
            by_name.setdefault(name, []).append((where, entry))
        stranger = self._stranger(active)
        for name, found in by_name.items():
            if stranger and all(entry.image for _, entry in found):
                why = f"the environment in {stranger} comes first on PATH, and what made it is not followed"
                yield Entry(name, cannot_tell=CannotTell(name, why, self._place()))
                continue
            # Another Python may be started even where PATH leads to the system's.
            preferred = [entry for where, entry in found if where == active != SYSTEM]
            if preferred:
                yield preferred[-1]
            elif hidden:
                entry = found[-1][1]
                why = f"the environment {readable(active)} hides what the others have"
                yield Entry(name, cannot_tell=CannotTell(name, why, entry.place or self._place()))
            elif (beside := self._beside(name, [where for where, _ in found])) is not None:
                yield Entry(name, cannot_tell=beside)
            elif len({_version(entry) for _, entry in found}) == 1:
                yield found[-1][1]
            else:
                places = ", ".join(readable(where) for where, _ in found)
                why = f"different versions are in several environments: {places}"
                yield Entry(name, cannot_tell=CannotTell(name, why, found[-1][1].place or self._place()))

    def _beside(self, name: str, wheres: list[str]) -> CannotTell | None:
        """The doubt of a framework where another environment, which does not see it, has one of its own.

        `conda run -n app pip install accelerate`: it brings a torch to `app`, beside the one of the base image.
        """
        for (where, other), entry in self._installed.entries.items() if name in CARRIERS else ():
            sees = where in wheres or self._installed.venvs.get(where) is not False
            if sees or name not in names_of(MOVERS.get(other, "")) or entry.package is None:
                continue
            if entry.package.bare or any(self._installed.get(where, one) for one in names_of(name)):
                continue
            why = f"{other} is in another environment, {readable(where)}, and brings one of its own there"
            return CannotTell(name, why, entry.place or self._place())
        return None

    def _place(self) -> Place:
        return Place(self._path, self._stage.head.start)

    def _python(self, entries: list[Entry]) -> tuple[str | None, list[CannotTell]]:
        """The Python of the environment that the packages are in."""
        pythons = {where: one for where, one in self._installed.pythons.items() if where != "uv"}
        if not pythons:
            return None, []
        wheres = {where for (where, _), entry in self._installed.entries.items() if entry in entries}
        active = self._active()
        chosen = active if active in pythons else next(iter(wheres)) if len(wheres) == 1 else SYSTEM
        if chosen not in pythons and len(pythons) == 1:
            chosen = next(iter(pythons))
        if chosen not in pythons:
            return None, []
        version, place = pythons[chosen]
        if version is None:
            return None, [CannotTell("python", "its version is not stated exactly", place)]
        if len(pythons) > 1 and len({one for one, _ in pythons.values()}) > 1 and wheres - {chosen}:
            return None, [CannotTell("python", "several environments have different versions", place)]
        return version, []


def _version(entry: Entry) -> tuple[str | None, str | None, bool]:
    package = entry.package
    if package is None:
        return None, None, False
    return package.version, package.local, package.exact


_NO_ARGS: Mapping[str, str] = MappingProxyType({})
_NO_NAMES: Mapping[str, Named] = MappingProxyType({})


def read_environment(
    files: Files,
    dockerfile: str,
    *,
    context: str = ".",
    target: str | None = None,
    args: Mapping[str, str] = _NO_ARGS,
    bases: Sequence[Family] = (),
    named: Mapping[str, Named] = _NO_NAMES,
) -> Environment:
    """Environment that the Dockerfile at `dockerfile` would build.

    Args:
        files: the tree.
        dockerfile: path of the Dockerfile in the tree.
        context: folder of the tree that is the build context.
        target: stage to build; None: the product stage (the last one that is no mere export).
        args: build arguments as they are given to the build.
        bases: families of base images that the policy adds.
        named: images that the same tree surely builds, by the name that FROM has for them.

    Raises:
        CannotJudge: there is no such file, BuildKit would refuse it, or it is a template or a fragment.
    """
    data = files.read(dockerfile)
    if data is None:
        raise CannotJudge("there is no such Dockerfile", place=dockerfile)
    build = Build(
        read_dockerfile(data, dockerfile), args, files.budget if isinstance(files, Budgeted) else None
    )
    return _Reading(build, files, inside(context), bases, named, {}).environment(target)


class _Reading:
    def __init__(
        self,
        build: Build,
        files: Files,
        context: str,
        bases: Sequence[Family],
        named: Mapping[str, Named],
        read: dict[int, tuple[_Reading, int]],
    ) -> None:
        self._named = named
        self._read = read
        self._below: dict[int, Below] = {}
        self._build = build
        self._files = files
        self._bases = tuple(bases)
        self._context = context
        self._ignore = self._ignore_file()
        self._replace_opaque()
        self._states: dict[int, StageState] = {}
        self._path = build.file.path

    def _replace_opaque(self) -> None:
        """Make unknown what the build puts in the place of an image.

        Raises:
            CannotJudge: it puts something in the place of a stage.
        """
        stages = self._build.stages
        for name in self._named:
            if self._build.by_name(name) is not None:
                why = f"{name} is a stage and an image that the same tree builds: which one FROM means is not followed"
                raise CannotJudge(why, place=self._build.file.path)
        for stage in stages if self._named else ():
            named = self._named.get(stage.base) if stage.parent is None else None
            if named is not None and not named.dockerfile:
                why = f"the build puts something else in the place of {stage.base}"
                stages[stage.index] = replace(stage, base=self._build.unknowns.mark(why))

    def _ignore_file(self) -> IgnoreFile | None:
        """The Dockerfile's own ignore file, or else that of the context."""
        own = f"{self._build.file.path}.dockerignore"
        for path in (own, posixpath.normpath(posixpath.join(self._context, ".dockerignore"))):
            if (data := self._files.read(path)) is not None:
                from envhooks.image.ignorefile import IgnoreFile  # many repositories have none

                return IgnoreFile(path, data, self._build.work.spend)
        return None

    def environment(self, target: str | None) -> Environment:
        """Go through the stages that the product needs, and sum up."""
        return self._summary(self._through(target)).environment()

    def _through(self, target: str | None) -> int:
        """Index of the product stage, behind the stages that it needs."""
        product = self._chosen(target)
        for index in needed(self._build, product):
            self._states[index] = self._stage(self._build.stages[index])
        return product

    def _summary(self, index: int) -> Summary:
        return Summary(self._build.stages[index], self._states[index])

    def _chosen(self, target: str | None) -> int:
        if target is None:
            return product_of(self._build)
        index = self._build.by_reference(target)
        if index is None:
            names = shown_names(stage.label for stage in self._build.stages)
            raise CannotJudge(
                f"there is no stage {target!r}; the stages are {names}", place=f"{self._path}:1",
                fix='in .envhooks/policy.toml, [dockerfile]: target = "<one of them>"',
            )  # fmt: skip
        return index

    # ---------------------------------------------------------------- one stage

    def _stage(self, stage: Stage) -> StageState:
        build = self._build
        if stage.parent is not None:
            parent = self._states[stage.parent]
            before = parent.session
            session = Session(
                self._path, build.unknowns, before.files.copy(), before.installed.copy(), dict(before.config)
            )
            scope = Scope(build, stage, parent.scope)
            below = started_below(parent)
            state = StageState(build, self._states, scope, session, parent.shell, self._below, below)
        elif (inner := self._built_below(stage)) is not None:
            state = inner
        else:
            files = ContainerFiles(self._files, self._context, build.work.spend, self._ignore)
            session = Session(self._path, build.unknowns, files, Installed())
            scope = Scope(build, stage)
            state = StageState(build, self._states, scope, session, ("/bin/sh", "-c"), self._below)
            take_base(stage, session, self._bases)
        for instruction in stage.body:
            build.work.spend(50)
            self._instruction(state, instruction)
        return state

    def _built_below(self, stage: Stage) -> StageState | None:
        """A stage on an image that the same tree builds, as that build leaves it; None for any other image."""
        named, build = self._named.get(stage.base), self._build
        if named is None or named.depth > MAX_BELOW:
            return None
        if id(named) not in self._read:
            data = self._files.read(named.dockerfile)
            if data is None:
                raise CannotJudge("there is no such Dockerfile", place=named.dockerfile)
            budget = self._files.budget if isinstance(self._files, Budgeted) else None
            file = read_dockerfile(data, named.dockerfile)
            inner = Build(file, dict(named.args), budget, build.unknowns)
            reading = _Reading(
                inner, self._files, inside(named.context), self._bases, named.named, self._read
            )
            self._read[id(named)] = reading, reading._through(named.target)
        reading, product = self._read[id(named)]
        before = reading._states[product]
        files = ContainerFiles(self._files, self._context, build.work.spend, self._ignore)
        files.add(["/"], "/", of=before.session.files)
        installed = before.session.installed.copy()
        session = Session(self._path, build.unknowns, files, installed, dict(before.session.config))
        if any(one.command == "ONBUILD" for one in reading._build.file.instructions):
            session.note(
                f"what ONBUILD of {named.dockerfile} does is not followed",
                Place(self._path, stage.head.start),
            )
        self._below[stage.index] = reading._summary(product).base()
        scope = Scope(build, stage, before.scope, image=True)
        shell = ("/bin/sh", "-c")
        return StageState(build, self._states, scope, session, shell, self._below, started_below(before))

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
        elif one.command in ("CMD", "ENTRYPOINT"):
            start(state, one)
