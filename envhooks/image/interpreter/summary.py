"""The state of the product stage -> model.Environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.place import Place
from envhooks.catalog.families import is_fixed
from envhooks.catalog.lookup import BY_BUILD
from envhooks.image.dockerfile import baseimage
from envhooks.image.dockerfile.baseimage import hints
from envhooks.image.dockerfile.stages import Build, Stage
from envhooks.image.facts import CannotTell, Environment, Unpinned
from envhooks.image.interpreter.instructions import StageState, shell_environment
from envhooks.image.stage.installed import SYSTEM, Entry, holds_packages
from envhooks.image.stage.session import active_by_variables
from envhooks.image.text import readable, unknown


class Summary:
    """Sums up one stage."""

    def __init__(self, stage: Stage, state: StageState) -> None:
        self._build = state.build
        self._stage = stage
        self._state = state
        self._installed = state.session.installed
        self._path = state.build.file.path

    def environment(self) -> Environment:
        """Everything that is known, and everything that is not."""
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

    def _entries(self) -> Iterator[Entry]:
        """One entry for each package name: the one that counts."""
        active = self._active()
        hidden = active != SYSTEM and self._installed.venvs.get(active) is False
        by_name: dict[str, list[tuple[str, Entry]]] = {}
        for (where, name), entry in self._installed.entries.items():
            by_name.setdefault(name, []).append((where, entry))
        for name, found in by_name.items():
            # That PATH leads to the system's Python does not say that nobody starts another one.
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
