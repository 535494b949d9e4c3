"""What an install does to a framework that is there already: packages that ask for another release of it replace it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from envhooks.base.dataclass import replace
from envhooks.base.place import Place
from envhooks.catalog.lookup import (
    ASKING,
    ASKING_BEFORE_39,
    BOUND,
    CARRYING,
    COMPANIONS,
    PINNING,
    TIED,
    names_of,
)
from envhooks.image import CannotTell
from envhooks.image.requirements import Requirement
from envhooks.image.requirements.versions import allows
from envhooks.image.stage.installed import SYSTEM, Entry, Installed

_Found = Sequence["tuple[Requirement, Place]"]
_Bounds = Mapping[str, Sequence[Requirement]]


def shift(installed: Installed, where: str, found: _Found, constraints: _Bounds, *, fresh: bool) -> None:
    """Take back the version of a framework that what one command installs replaces.

    Args:
        installed: what is there.
        where: the environment that the command installs to.
        found: all that it asks for.
        constraints: what constraint files say, by package.
        fresh: whether it installs anew what is there already.
    """
    _Shift(installed, where, found, constraints, fresh).run()


class _Shift:
    def __init__(
        self, installed: Installed, where: str, found: _Found, constraints: _Bounds, fresh: bool
    ) -> None:
        self._installed = installed
        self._where = where
        self._found = found
        self._constraints = constraints
        self._fresh = fresh
        self._names = {requirement.name for requirement, _ in found}
        exact = (one for one, _ in found if one.exact)
        bounds = (one for several in constraints.values() for one in several)
        self._stated = {one.name for one in (*exact, *bounds)}

    def run(self) -> None:
        for requirement, place in self._found:
            name = requirement.name
            here = self._installed.get(self._where, name)
            there = here is not None and not self._fresh
            if name in CARRYING:
                self._carry(requirement, place)
            if name in BOUND and not (requirement.exact or requirement.url is not None or there):
                framework = BOUND[name]
                if framework not in self._names and framework not in self._constraints:
                    self._shift(name, framework, place)
                    continue
            if requirement.exact or not there:
                self._ask(requirement, place)

    def _carry(self, requirement: Requirement, place: Place) -> None:
        """A package that brings a companion in its newest release: `pip install timm`."""
        framework, companion = CARRYING[requirement.name]
        here = (self._installed.get(where, companion) for where in {self._where, SYSTEM})
        bound = companion in self._constraints or framework in self._constraints
        if companion in self._names or bound or any(here):
            return
        if framework not in self._names:
            because = f"it asks for {companion}, of which the newest comes"
            self._shift(requirement.name, framework, place, because, mover=companion)

    def _shift(self, name: str, framework: str, place: Place, because: str = "", mover: str = "") -> None:
        """Take back the version of a framework that a package behind it asks for in another release.

        `pip install xformers` takes the newest xformers, and with it the torch that this one asks for.
        """
        installed = self._installed
        mover = mover or name
        why = (
            f"{name} is installed behind it"
            + (f": {because}" if because else " without an exact version")
            + f", and its releases ask for certain releases of {framework}"
        )
        for one in names_of(framework):
            before = installed.get(self._where, one)
            if before is None or before.package is None or not before.package.exact:
                continue
            if before.image and mover in COMPANIONS:
                continue  # images with a framework have its companions, too
            advice = f"pin {mover} to its release for {one} {before.package.version}"
            doubt = CannotTell(one, why, place, advice)
            installed.put(self._where, Entry(one, cannot_tell=doubt, image=before.image))

    def _ask(self, requirement: Requirement, place: Place) -> None:
        """Take back a framework whose version what a package asks for does not allow: pip installs another one."""
        framework = TIED.get(requirement.name) or next(iter(ASKING.get(requirement.name, ())), None)
        if framework is None or self._stated.intersection(names_of(framework)):
            return
        python = self._installed.pythons.get(self._where, (None, None))[0]
        # by its sources, or by a wheel of any release
        pinning = requirement.name in PINNING and not requirement.exact
        told = tuple(_asked(requirement, framework, python))
        for name in names_of(framework):
            before = self._installed.get(self._where, name)
            package = before.package if before is not None else None
            if before is None or package is None or not package.exact or package.version is None:
                continue
            asked = next((one for one in told if not allows(one, package.version)), "")
            if not (asked or pinning):
                continue
            shown = (
                f"{requirement.name} {requirement.version}"
                if requirement.exact
                else f"the newest {requirement.name}"
            )
            wants = (
                f"{framework}{asked}: pip replaces {package.version}"
                if asked
                else f"one release of {framework}"
            )
            advice = f"pin {requirement.name} to a release for {name} {package.version}"
            doubt = CannotTell(name, f"{shown} is installed behind it, and asks for {wants}", place, advice)
            left = replace(package, version=None, exact=False, replaced=package.version)
            self._installed.put(self._where, replace(before, package=left, cannot_tell=doubt))


def _asked(requirement: Requirement, framework: str, python: str | None) -> Iterator[str]:
    """The specifiers of a framework that a release asks for in its metadata; of the newest one where any may come."""
    from envhooks.image.compat.table import key, load_table
    from envhooks.image.compat.ties import order, parted, ties_of

    table, name, version = load_table(), requirement.name, requirement.version
    if requirement.exact and version and framework == "torch" and name in ("torchvision", "torchaudio"):
        fits = [one.version for one in table.torch.values() if version in getattr(one, name)]
        if fits and key(version) <= key(table.ties[name].exact_until):
            yield f"=={fits[0]}" if len(fits) == 1 else f">={min(fits, key=order)},<={max(fits, key=order)}"
        return
    releases = ties_of(table, name)
    if not requirement.exact:
        version = max((one for one in releases if allows(requirement.specifier, one)), key=order, default="")
    for requires in releases.get(version or "", ()):
        match = parted(requires)
        if match is not None and match[0] == framework:
            yield match[1]
    if not requirement.exact and name in ASKING:
        old = python is not None and re.fullmatch(r"3\.8(?:\..*)?", python, re.ASCII) is not None
        yield (ASKING_BEFORE_39 if old else {}).get(name, ASKING[name][1])
