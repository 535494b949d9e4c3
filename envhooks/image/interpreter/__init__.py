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

from envhooks.base.errors import CannotJudge
from envhooks.base.place import Place
from envhooks.catalog.families import Family, is_fixed
from envhooks.catalog.lookup import BY_BUILD
from envhooks.image import CannotTell, Environment, Hardware, Package, Unpinned
from envhooks.image.dockerfile import Instruction, baseimage, read_dockerfile
from envhooks.image.dockerfile.baseimage import hints
from envhooks.image.dockerfile.expand import BadWord
from envhooks.image.dockerfile.stages import Build, Scope, Stage
from envhooks.image.files import Budgeted, Files, inside
from envhooks.image.interpreter.instructions import StageState, copy, run, shell_environment
from envhooks.image.stage import Session, active_by_variables
from envhooks.image.stage.containerfs import ContainerFiles
from envhooks.image.stage.installed import SYSTEM, Entry, Installed, holds_packages
from envhooks.image.text import readable, unknown

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
        head = self._stage
        while head.parent is not None:
            head = self._build.stages[head.parent]
        base, unpinned, cannot = self._base(head)
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
        )

    def _base(self, head: Stage) -> tuple[baseimage.BaseImage | None, list[Unpinned], list[CannotTell]]:
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
        fixed = reference.digest is not None or is_fixed(reference.short, reference.tag or "")
        base = baseimage.BaseImage(reference.name, reference.tag, reference.digest, place, fixed)
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
        where = active_by_variables(self._state.session, self._state.scope.values.get)
        if where == SYSTEM:
            return shell_environment(self._state.shell) or SYSTEM
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
            elif hidden and all(where == SYSTEM for where, _ in found):
                entry = found[-1][1]
                why = f"the virtual environment {readable(active)} hides what the system has"
                yield Entry(name, cannot_tell=CannotTell(name, why, entry.place or self._place()))
            elif len({_version(entry) for _, entry in found}) == 1:
                yield found[-1][1]
            else:
                places = ", ".join(readable(where) for where, _ in found)
                why = f"different versions are in several environments: {places}"
                yield Entry(name, cannot_tell=CannotTell(name, why, found[-1][1].place or self._place()))

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


def product_of(build: Build) -> int:
    """Index of the product stage.

    A trailing `FROM scratch` that takes some files out of another stage (`AS wheel-export`) makes no
    image that anybody runs. One that takes a whole system or an environment is the product.
    """
    for stage in reversed(build.stages):
        if not _exports(build, stage):
            return stage.index
    return len(build.stages) - 1


def _exports(build: Build, stage: Stage) -> bool:
    head = stage
    while head.parent is not None:
        if any(one.command == "RUN" for one in head.body):
            return False
        head = build.stages[head.parent]
    if head.base != "scratch" or any(one.command == "RUN" for one in head.body):
        return False
    for one in (*head.body, *stage.body):
        if one.command == "ADD":
            return False  # a root file system as an archive
        if one.command in ("COPY", "CMD", "ENTRYPOINT") and _whole(
            build, one.command, one.text, one.flag("from")
        ):
            return False
    return True


def _whole(build: Build, command: str, text: str, origin: str | None) -> bool:
    if command != "COPY":
        return True  # it can be started
    sources = re.split(r"[\t\v\f\r ]+", text)[:-1]
    return origin is not None and any(
        holds_packages("/" + source.strip("/")) and "wheel" not in source for source in sources
    )


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
    """Environment that the Dockerfile at `dockerfile` would build.

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
        self._ignore = self._ignore_file()
        self._states: dict[int, StageState] = {}
        self._path = build.file.path

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
            files = ContainerFiles(self._files, self._context, build.work.spend, self._ignore)
            session = Session(self._path, build.unknowns, files, Installed())
            state = StageState(build, self._states, Scope(build, stage), session, ("/bin/sh", "-c"))
            self._base(stage, session)
        for instruction in stage.body:
            build.work.spend(50)
            self._instruction(state, instruction)
        return state

    def _base(self, stage: Stage, session: Session) -> None:
        """Take over the content of the base image."""
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
            session.installed.put(SYSTEM, Entry(name, package, image=stage.base))
        for name, why in held.opaque:
            doubt = CannotTell(name, why, place)
            session.installed.put(SYSTEM, Entry(name, cannot_tell=doubt, image=stage.base))
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
