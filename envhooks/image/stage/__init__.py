"""State that the install commands of one RUN share, their arguments, and the recording of a pin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.place import Place
from envhooks.catalog.frameworks import Evidence
from envhooks.catalog.lookup import (
    BY_BUILD,
    BY_INDEX,
    BY_LOCAL,
    CARRIERS,
    PINNING,
    built_for,
    evidence_of_build,
    evidence_of_extras,
    evidence_of_url,
    evidence_of_word,
    framework_package,
    names_of,
)
from envhooks.image import Hardware, Package, Replaced, Unpinned
from envhooks.image.dockerfile.stages import join
from envhooks.image.requirements.specs import MACHINES, Requirement, marker_holds, normal_name
from envhooks.image.requirements.versions import constrained, loose_pin, same_release, untouched
from envhooks.image.stage.containerfs import ContainerFiles, Found
from envhooks.image.stage.installed import Entry, Installed, may_be_its_own
from envhooks.image.text import Unknowns, readable, unknown

ANYTHING = "packages"
"""`CannotTell.what` where it is not known which packages are meant."""


@dataclass(frozen=True)
class Arg:
    """One argument as a program gets it; what is not known of it are marks."""

    text: str
    place: Place


@dataclass(frozen=True)
class Call:
    """One command of a RUN, with what surrounds it."""

    program: str
    """The name without its folder: `pip3`."""
    args: tuple[Arg, ...]
    place: Place
    certain: bool
    where: str
    """The environment that is active: see `installed.SYSTEM`."""
    cwd: str
    env: Callable[[str], str | None] = field(repr=False, default=lambda _name: None)
    """Value of an environment variable; None where it is not set, a mark where that is not known."""
    swallowed: tuple[Unpinned, ...] = ()
    """Pins that the shell takes for redirects."""

    def behind(self, count: int) -> Call:
        """The same call without its first `count` arguments."""
        return replace(self, args=self.args[count:])


_marker_holds = lru_cache(maxsize=1024)(marker_holds)  # a lock repeats a few of them


@dataclass
class Session:
    """One stage while its RUNs are gone through."""

    path: str
    unknowns: Unknowns
    files: ContainerFiles
    installed: Installed
    config: dict[str, str] = field(default_factory=dict)
    """Settings that `pip config set` wrote."""

    # ---------------------------------------------------------------- files

    def locate(self, call: Call, path: str) -> str:
        """The absolute path inside the image that an argument names."""
        return join(call.cwd, path.removeprefix("file://"))

    def find(self, call: Call, path: str) -> Found | str | None:
        """The context's file behind a path; see ContainerFiles.find."""
        if not path or "://" in path.removeprefix("file://"):
            return None
        return self.files.find(self.locate(call, path))

    # ---------------------------------------------------------------- recording

    def doubt(
        self, call: Call, name: str, why: str, place: Place | None = None, where: str | None = None
    ) -> None:
        """Mark the version of a package as unknown from here on."""
        self.installed.doubt(call.where if where is None else where, name, why, place or call.place)

    def doubt_named(self, call: Call) -> None:
        """Doubt the frameworks that the arguments of a function or of another program name, or that it may remove."""
        why = f"{call.program} may install another one, and is not followed"
        for name in {normal_name(re.split(r"[\[=<>!~ ]", arg.text, maxsplit=1)[0]) for arg in call.args}:
            if name in CARRIERS and self.installed.get(call.where, name):
                self.doubt(call, name, why)
        if any(arg.text == "uninstall" for arg in call.args):
            why = f"what {call.program} removes is not followed"
            self.installed.doubt_frameworks(call.where, why, call.place)

    def remove(self, call: Call, name: str, where: str, why: str, place: Place) -> None:
        """Uninstall a package; where the command may not run, doubt it for the reason `why`."""
        if call.certain:
            self.installed.remove(where, name)
        elif self.installed.get(where, name) is not None:
            self.doubt(call, name, why, place, where)

    def note(self, why: str, place: Place, what: str = ANYTHING) -> None:
        """Add something that cannot be determined and is of no one package."""
        self.installed.note(what, why, place)

    def swallow(self, swallowed: Unpinned, where: str) -> None:
        """Take a pin that the shell took for a redirect; it says more than "has no version"."""
        entry = self.installed.get(where, swallowed.name)
        if (
            entry is not None
            and entry.unpinned is not None
            and entry.unpinned.place.line == swallowed.place.line
        ):
            self.installed.put(where, replace(entry, unpinned=swallowed))
        else:
            self.installed.unpinned.append(swallowed)

    def unclear(self, call: Call, arg: Arg, where: str) -> None:
        """Record an argument of which a part is not known."""
        why = self.unknowns.why(arg.text)
        head = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?:[=<>!~@]|\Z)", arg.text)
        if head is None or unknown(head.group(1)):
            self.note(f"{readable(arg.text)!s} is not known: {why}", arg.place)
            if why.startswith("a loop sets "):
                self.installed.doubt_frameworks(where, why, arg.place)
            return
        name = normal_name(head.group(1))
        local = re.fullmatch(r"[^=]+==\s*([0-9]+(?:\.[0-9]+)*(?:rc[0-9]+)?)\+[^+]+", arg.text)
        if local and call.certain and re.search("[\ud800-\udfff]", arg.text.partition("+")[0]) is None:
            shown = readable(arg.text[head.end(1) :])
            package = Package(name, local.group(1), None, True, shown, "pip", arg.place)
            self.installed.put(where, Entry(name, package))
            if name in BY_LOCAL:
                self.note(f"the build of {name} is not known: {why}", arg.place, "hardware")
            return
        self.installed.doubt(where, name, f"its version is not known: {why}", arg.place)

    def record(
        self,
        call: Call,
        requirement: Requirement,
        *,
        where: str,
        how: str,
        place: Place,
        sources: Sources,
        upgrade: bool = False,
        reinstall: bool = False,
        constraints: Iterable[Requirement] = (),
        alone: bool = True,
    ) -> None:
        """Take one requirement that a command installs.

        Args:
            call: the command.
            requirement: what it asks for.
            where: the environment that it goes to.
            how: for Package.how.
            place: where it stands.
            sources: where packages come from.
            upgrade: whether a newer one replaces what is there already.
            reinstall: whether what is there already is replaced whatever it is.
            constraints: what `-c` files say.
            alone: whether nothing else in the same command asks for the same package.
        """
        name = requirement.name
        if not name:
            self._nameless(call, requirement, where, place)
            return
        applies = self.applies(requirement, where)
        if applies is False:
            return
        before = self.installed.get(where, name)
        # A marker that may not hold leaves the package out; where nothing else brings it, that
        # changes no version.
        conditional = applies is None and (before is not None or not alone)
        requirement = constrained(requirement, constraints) or requirement
        if before is not None and not reinstall and self._stays(before, requirement, sources, upgrade):
            return  # it is satisfied already: nothing is installed again, so the first build stays
        if not call.certain or conditional:
            if before is not None and same_release(before.package, requirement):
                self._same_either_way(before, requirement, where, place)
                return
            why = (
                "whether this command runs depends on a condition"
                if not call.certain
                else f"whether it applies depends on its marker {requirement.marker}"
            )
            self.installed.doubt(where, name, why, place)
            return
        entry = self._entry(requirement, how, place, sources)
        if before is not None and before.image and name in CARRIERS and requirement.exact:
            held = before.package
            version = f"{name} {held.version} of " if held and held.version != requirement.version else ""
            own = held is None and may_be_its_own(
                before.image, requirement.version or "", requirement.local or ""
            )
            if version or (held is None and not own):
                self.installed.replaced.append(
                    Replaced(name, f"{version}{before.image}", readable(requirement.text), place)
                )
        self.installed.put(where, entry)

    def _stays(self, before: Entry, requirement: Requirement, sources: Sources, upgrade: bool) -> bool:
        """Whether what is there already is left alone by an install that does not force anything."""
        plain = not (requirement.specifier or requirement.url or requirement.marker)
        if before.image and before.package is None and plain and not upgrade:
            return True  # some version is there, and any does
        if not untouched(before.package, requirement):
            return False
        if not upgrade:
            return True
        # pip ranks `2.9.1+cu128` above `2.9.1`, so an upgrade to `==2.9.1` keeps it, unless an index has more.
        held = before.package
        urls = (requirement.index, sources.index, *sources.extra, *sources.links)
        return (
            sources.keeps_local
            and held is not None
            and held.local is not None
            and requirement.exact
            and not any(url and (unknown(url) or evidence_of_url(url)) for url in urls)
        )

    def _same_either_way(self, before: Entry, requirement: Requirement, where: str, place: Place) -> None:
        """The version is the same whether it is installed or not; its build may not be."""
        if before.package is None or requirement.local in (None, before.package.local):
            return
        stated = replace(before.package, local=None, specifier=f"=={before.package.version}")
        self.installed.put(where, replace(before, package=stated, hardware=()))
        if before.name in BY_LOCAL:
            self.note(f"the build of {before.name} depends on a condition", place, "hardware")

    def _entry(self, requirement: Requirement, how: str, place: Place, sources: Sources) -> Entry:
        name = requirement.name
        index = requirement.index or sources.stated(name)
        version = requirement.version
        if requirement.how == "conda" and name in CARRIERS:
            match = re.fullmatch(r"=\s*([0-9]+\.[0-9]+\.[0-9]+)", requirement.specifier)
            version = match.group(1) if match else version  # three numbers are one release
        package = Package(
            name, version, requirement.local, version is not None, requirement.specifier, how, place,
            readable(index),
        )  # fmt: skip
        loose = None
        if not requirement.exact:
            loose = loose_pin(requirement, place)
        return Entry(name, package, self._hardware(requirement, place, sources), loose)

    def _hardware(self, requirement: Requirement, place: Place, sources: Sources) -> tuple[Hardware, ...]:
        name = requirement.name
        found: list[Evidence | None] = [evidence_of_extras(name, requirement.extras)]
        if requirement.local and name in BY_LOCAL:
            found.append(evidence_of_word(requirement.local))
        elif name in BY_INDEX and requirement.url is None:
            found.append(self._by_index(requirement, place, sources))
        elif requirement.url and name in BY_INDEX:
            found.append(evidence_of_url(requirement.url))
        if requirement.how == "conda" and name in BY_BUILD:
            found.append(evidence_of_build(requirement.specifier.lstrip("=").partition("=")[2]))
        if not any(found):
            found.append(built_for(name))
        return tuple(Hardware(kind, version, "wheel", place) for kind, version in filter(None, found))

    def _by_index(self, requirement: Requirement, place: Place, sources: Sources) -> Evidence | None:
        index = requirement.index or sources.index
        if sources.backend and not requirement.index:
            if unknown(sources.backend) or sources.backend == "auto":
                self.note("uv chooses the build by the machine that it runs on", place, "hardware")
                return None
            return evidence_of_word(sources.backend)
        if sources.first_index_wins and not requirement.index:
            index = next(iter(sources.extra), index)
        if unknown(index):
            self.note(f"the index is not known: {self.unknowns.why(index)}", place, "hardware")
            return None
        if index and (evidence := evidence_of_url(index)) is not None:
            return evidence
        return self._offered(requirement, place, sources)

    def _offered(self, requirement: Requirement, place: Place, sources: Sources) -> Evidence | None:
        """Hardware evidence of a further index or a page of links: certain only where the build is published.

        A resolver ranks `2.8.0+cu128` above `2.8.0`, so it takes the further index's build wherever
        that index has one, and silently the usual one where it has none.
        """
        offered = [url for url in (*sources.extra, *sources.links) if unknown(url) or evidence_of_url(url)]
        if not offered:
            return None
        if len(offered) == 1 and (evidence := evidence_of_url(offered[0])) and not unknown(offered[0]):
            from envhooks.image.compat.table import published

            word = re.findall(r"/(cu[0-9]+|cpu)(?=/|\Z)", offered[0])
            if (
                requirement.name == "torch"
                and requirement.exact
                and word
                and published(requirement.version or "", word[-1])
            ):
                return evidence
        self.note(
            f"{requirement.name} may come from {readable(offered[0])} or from the usual index: "
            "its version does not say which build",
            place,
            "hardware",
        )
        return None

    def _nameless(self, call: Call, requirement: Requirement, where: str, place: Place) -> None:
        url = requirement.url or requirement.text
        path = url.partition("#")[0].partition("?")[0]
        name = path.rstrip("/").rpartition("/")[2].partition("@")[0].removesuffix(".git").lower()
        self.built_of(replace(call, where=where), name, place)
        pinned = re.search(r"@[0-9a-f]{40}(?:[0-9a-f]{24})?\Z", path)
        if not pinned and call.certain:
            self.installed.unpinned.append(
                Unpinned(name or url, "python", requirement.text, "what it names may change", place)
            )

    def built_here(self, call: Call, folder: str, *, alone: bool = False) -> None:
        """Doubt the framework whose sources a folder has by its name: `/tmp/pytorch`."""
        name = folder.rstrip("/").rpartition("/")[2]
        self.built_of(call, name if len(framework_package(name) or "") > 2 else "", alone=alone)

    def built_of(self, call: Call, name: str, place: Place | None = None, *, alone: bool = False) -> None:
        """Doubt the framework that sources of this name are, and the one that they ask for in one release alone."""
        package = framework_package(name)
        if package is not None:
            self.doubt(call, package, "it is built from source", place)
        below = PINNING.get(package or "")
        # of `empty` or `hpu` its sources ask for no release
        device = call.env("VLLM_TARGET_DEVICE") or "cuda"
        for one in names_of(below) if below and not alone and device == "cuda" else ():
            held = self.installed.get(call.where, one)
            if held is not None and held.package is not None and held.package.exact:
                self.doubt(call, one, f"the sources of {package} ask for one release of it", place)

    def applies(self, requirement: Requirement, where: str) -> bool | None:
        """Whether a requirement's marker holds in this image; None where that is not known."""
        if not requirement.marker:
            return True
        machine = re.search(MACHINES, self.path)  # `Dockerfile.ppc64le`
        python = self.installed.pythons.get(where, (None, None))[0]
        return _marker_holds(requirement.marker, python, machine[0] if machine else "")


@dataclass
class Sources:
    """Indexes and links that the packages of one call come from."""

    index: str = ""
    extra: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    backend: str = ""
    """uv's torch backend: `cu128`, `cpu`, `auto`, ..."""
    keeps_local: bool = True
    """Whether an upgrade keeps a build that is there: pip does, uv decides by the packages that it finds."""
    first_index_wins: bool = False
    """uv takes a package from the first index that has it, extra indexes before the default one."""

    def stated(self, name: str) -> str:
        """The index to show for a package: the one that decides its build, where one does."""
        urls = [url for url in (*self.extra, self.index, *self.links) if url]
        telling = [url for url in urls if not unknown(url) and evidence_of_url(url)]
        if name in BY_INDEX and telling:
            return telling[0]
        return self.index or next(iter(self.extra), "")
