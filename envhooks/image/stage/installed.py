"""Packages that a stage has installed so far, by their environment (system, virtual, conda)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from fnmatch import fnmatchcase

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.place import Place
from envhooks.catalog.lookup import CARRIERS
from envhooks.image import CannotTell, Hardware, Package, Replaced, Unpinned, versions_agree
from envhooks.image.text import unknown

SYSTEM = "system"
"""The interpreter that the image starts with, conda's base environment included."""
UNSURE = "an environment that depends on a condition"
"""Any of the environments: one was activated, or left, where that may not have run."""

_SYSTEM_ROOT = (
    r"/|/usr|/usr/local|/opt|/opt/conda|/opt/(?:mini|micro|ana)?(?:conda|mamba|forge)[0-9]?"
    r"|/root/(?:mini|ana)?(?:conda|forge)[0-9]?"
)
_SITE = (
    r".*/(?:lib|lib64)(?:/python3?(?:\.[0-9*]+)?(?:/(?:site|dist)-packages(?:/\*)?)?)?/?"
    r"|.*/(?:site|dist)-packages(?:/\*)?"
)
_USER = r"/(?:root|home/[^/]+)/\.local(?:/lib(?:/.*)?)?/?"
_CONDA_ROOT = r"/|/opt|.*/(?:opt/)?(?:mini|micro|ana)?(?:conda|mamba|forge)[0-9]?(?:/envs)?"


@dataclass(frozen=True)
class Entry:
    """State of one package in one environment after the last install."""

    name: str
    package: Package | None = None
    hardware: tuple[Hardware, ...] = ()
    unpinned: Unpinned | None = None
    cannot_tell: CannotTell | None = None
    image: str = ""
    """The base image that it came with; empty where something here installed it."""

    @property
    def place(self) -> Place | None:
        """Line that states it."""
        stated = self.package or self.unpinned or self.cannot_tell
        return stated.place if stated else None


def _version(entry: Entry) -> tuple[str | None, str | None] | None:
    return (entry.package.version, entry.package.local) if entry.package else None


@dataclass
class Installed:
    """Packages and facts of one stage, in the order of installation."""

    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    """(environment, package) -> entry."""
    unpinned: list[Unpinned] = field(default_factory=list)
    """Unpinned system packages, as opposed to Python packages."""
    notes: list[CannotTell] = field(default_factory=list)
    """Uncertain facts that concern no single package."""
    pythons: dict[str, tuple[str | None, Place]] = field(default_factory=dict)
    """Environment -> its Python's version; None: set in a way that is not stated."""
    venvs: dict[str, bool] = field(default_factory=dict)
    """Virtual and conda environments that were made -> whether they see the system's packages."""
    replaced: list[Replaced] = field(default_factory=list)
    """Frameworks of the base image that an install replaced."""
    user: set[str] = field(default_factory=set)
    """Packages that `pip install --user` put below a home folder."""
    fetched: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Folder -> packages of which `pip download` or `pip wheel` put archives there; empty: any."""
    base_hardware: tuple[Hardware, ...] = ()
    """Hardware by the base image's own name and tag."""
    base_says: tuple[tuple[str, str], ...] = ()
    """System, variant and cuDNN by the base image's name and tag."""

    def copy(self) -> Installed:
        """The same, to be changed on its own."""
        return Installed(
            dict(self.entries), list(self.unpinned), list(self.notes), dict(self.pythons), dict(self.venvs),
            list(self.replaced), set(self.user), dict(self.fetched), self.base_hardware, self.base_says,
        )  # fmt: skip

    def get(self, where: str, name: str) -> Entry | None:
        """The entry of a package in an environment."""
        return self.entries.get((where, name))

    def put(self, where: str, entry: Entry) -> None:
        """Set the entry of a package; it becomes the last one."""
        if where == UNSURE:
            self._doubt_others(entry, "the environment that it is installed to depends on a condition")
        self.entries.pop((where, entry.name), None)
        self.entries[where, entry.name] = entry

    def doubt(self, where: str, name: str, why: str, place: Place) -> None:
        """Mark the version of a package as unknown from here on."""
        self.put(where, Entry(name, cannot_tell=CannotTell(name, why, place)))

    def remove(self, where: str, name: str) -> None:
        """Uninstall; it may not have been there."""
        self.entries.pop((where, name), None)
        if where == UNSURE:
            self._doubt_others(Entry(name), "the environment that it is removed from depends on a condition")

    def _doubt_others(self, entry: Entry, why: str) -> None:
        """Doubt a package in each environment that has another version of it than `entry`."""
        for (where, name), held in list(self.entries.items()):
            if name == entry.name and held.package is not None and _version(held) != _version(entry):
                place = entry.place or held.package.place
                self.entries[where, name] = Entry(name, cannot_tell=CannotTell(name, why, place))

    def drop(self, where: str) -> None:
        """The environment is removed as a whole."""
        for key in [key for key in self.entries if key[0] == where]:
            del self.entries[key]
        self.pythons.pop(where, None)
        self.venvs.pop(where, None)

    def only(self, where: str, kept: Collection[str], why: str, place: Place) -> None:
        """Doubt what an environment has beside these packages: a tool removes it, as far as it sees it."""
        for name in [name for there, name in self.entries if there == where and name not in kept]:
            self.doubt(where, name, why, place)

    def doubt_frameworks(self, where: str, why: str, place: Place) -> None:
        """Doubt each framework of an environment: what changes it is not known by name."""
        for name in CARRIERS:
            if (where, name) in self.entries:
                self.doubt(where, name, why, place)

    def deleted(self, pattern: str, place: Place) -> None:
        """Files at a path are removed or moved away: an environment, all of its packages, or one of them."""
        path = pattern.rstrip("/*") or "/"
        inner = re.search(r"/(?:site|dist)-packages/([^/]+)/?\Z", pattern)
        system = re.fullmatch(_SYSTEM_ROOT, path) is not None and path not in ("/opt", "/usr")
        every = re.search(r"/(?:site|dist)-packages\Z", path)
        for where, name in list(self.entries):
            at = f"/envs/{where[6:]}" if where.startswith("conda:") else where
            whole = system if where == SYSTEM else path.endswith(at)
            one = inner and fnmatchcase(name.replace("-", "_"), inner[1].replace("-", "_"))
            if whole or one or every:
                self.doubt(where, name, f"{pattern} is removed", place)

    def note(self, what: str, why: str, place: Place) -> None:
        """Add something that cannot be determined, once."""
        one = CannotTell(what, why, place)
        if one not in self.notes[-50:]:
            self.notes.append(one)

    def prefix_of(self, prefix: str) -> str:
        """The environment whose `bin` folder lies in `prefix`."""
        match = re.fullmatch(r".*/envs/([^/]+)", prefix)
        if match:
            return f"conda:{match.group(1)}"
        return prefix if prefix in self.venvs else SYSTEM

    def active(self, get: Callable[[str], str | None]) -> str:
        """The environment that PATH, VIRTUAL_ENV or conda's variables make the active one; `get` has their values."""
        path = get("PATH") or ""
        for part in path.split(":"):
            if unknown(part):
                break
            match = re.fullmatch(r"(/.+)/bin/?", part)
            if match is None:
                continue
            prefix = match.group(1)
            if prefix in self.venvs or (get("VIRTUAL_ENV") or "").rstrip("/") == prefix:
                return prefix
            named = re.fullmatch(r".*/envs/([^/]+)", prefix)
            if named:
                return f"conda:{named.group(1)}"
        virtual = (get("VIRTUAL_ENV") or "").rstrip("/")
        if virtual and not unknown(virtual) and virtual in self.venvs:
            return virtual
        name = get("CONDA_DEFAULT_ENV")
        return conda_place(name) if name and not unknown(name) else SYSTEM

    def bring(self, other: Installed, source: str, target: str) -> None:
        """COPY --from: the packages of another stage that stand below `source`."""
        for (where, name), entry in other.entries.items():
            moved = _moved(where, source, target)
            if where == SYSTEM and name in other.user and re.fullmatch(_USER, source):
                moved = SYSTEM if re.fullmatch(_USER, target) else target
                self.user.add(name)
            if moved is not None:
                self.put(moved, replace(entry, name=name))
        for folder, names in other.fetched.items():
            if source == folder or source.startswith(f"{folder}/"):
                self.fetched[target.rstrip("/") or "/"] = names
            elif folder.startswith(f"{source.rstrip('/')}/"):
                self.fetched[f"{target.rstrip('/')}/{folder[len(source.rstrip('/')) + 1 :]}"] = names
        for where, python in other.pythons.items():
            moved = _moved(where, source, target)
            if moved is not None and moved != SYSTEM:
                self.pythons[moved] = python
        held = holds_packages(source)
        for where, seen in other.venvs.items():
            moved = _moved(where, source, target)
            held = held or moved is not None
            if moved is not None and moved != SYSTEM:
                self.venvs[moved] = seen
        for one in other.notes if held else ():
            self.note(one.what, one.why, one.place)  # what is open of packages there, is open here


def holds_packages(source: str) -> bool:
    """Whether a path looks like one that holds Python packages: `/`, a prefix, site-packages, a venv."""
    return bool(
        re.fullmatch(_SYSTEM_ROOT, source)
        or re.fullmatch(_SITE, source)
        or re.fullmatch(_USER, source)
        or re.fullmatch(r".*/\.?v?env[^/]*|.*/(?:envs)(?:/[^/]*)?", source)
    )


def may_be_its_own(image: str, version: str, local: str) -> bool:
    """Whether a base image of which no version is known may hold the very version that is asked for, by its tag.

    `2.7.1` over `:2.7.1-cu12.6.3`, and NVIDIA's own build for the month of the image, `+0a1b2c.nv25.01`.
    """
    tag = image.partition("@")[0].rpartition(":")[2]
    month = re.search(r"(?:\A|\.)nv([0-9]+)\.([0-9]+)", local)
    if month:
        named = re.match(r"([0-9]{2})\.([0-9]{2})(?![0-9])", tag)
        return named is not None and versions_agree(".".join(named.groups()), ".".join(month.groups()))
    numbers = re.findall(r"(?<![0-9.])[0-9]+\.[0-9]+(?:\.[0-9]+)?(?![0-9])", tag)
    return any(versions_agree(one, version) for one in numbers)


def _moved(where: str, source: str, target: str) -> str | None:
    """The environment's place after copying `source` to `target`; None where it is not copied."""
    source = source.rstrip("/") or "/"
    target = target.rstrip("/") or "/"
    to_system = bool(re.fullmatch(_SYSTEM_ROOT, target) or re.fullmatch(_SITE, target))
    if where == SYSTEM:
        if not (re.fullmatch(_SYSTEM_ROOT, source) or re.fullmatch(_SITE, source)):
            return None
        return SYSTEM if to_system else target
    if where.startswith("conda:"):
        name = where[len("conda:") :]
        if source.endswith(f"/envs/{name}"):
            return SYSTEM if to_system else where
        return where if re.fullmatch(_CONDA_ROOT, source) else None
    if where == source:
        return SYSTEM if to_system else target
    if source == "/" or where.startswith(f"{source}/"):
        rest = where[len(source.rstrip("/")) :]
        return (target.rstrip("/") + rest) or "/"
    if source.startswith(f"{where}/") and re.fullmatch(_SITE, source):
        return SYSTEM if to_system else target
    return None


CONDAS = frozenset(("conda", "mamba", "micromamba"))


def conda_place(name: str) -> str:
    """The environment that a conda name or prefix means."""
    match = re.fullmatch(r".*/envs/([^/]+)/?", name)
    if match:
        return f"conda:{match.group(1)}"
    if name in ("base", "root", "") or re.fullmatch(r"/.*(?:conda|mamba|forge)[0-9]?/?", name):
        return SYSTEM
    return name.rstrip("/") if name.startswith("/") else f"conda:{name}"
