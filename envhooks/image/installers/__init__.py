"""One install command: the requirement files that it names, and the packages that it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.place import Place
from envhooks.catalog.lookup import BY_LOCAL, CARRIERS, MOVERS, names_of
from envhooks.image.requirements import (
    Requirement,
    RequirementsFile,
    parse_requirement,
    read_requirements,
)
from envhooks.image.requirements.specs import normal_name
from envhooks.image.requirements.versions import equal_versions, untouched
from envhooks.image.stage import Arg, Call, Session, Sources
from envhooks.image.stage.containerfs import Found
from envhooks.image.text import readable, unknown


@dataclass(frozen=True)
class Asked:
    """Requirements of one file and of those that it includes."""

    file: Found
    answer: RequirementsFile
    origins: dict[str, Found]
    """Path inside the image -> the file behind it."""
    otherwise: Place

    def place(self, path: str, line: int) -> Place:
        """A line of a file inside the image as a line of the tree."""
        found = self.origins.get(path)
        if found is None:
            return self.otherwise
        return Place(found.path, found.line + line if line else None)


def find_asked(session: Session, call: Call, arg: Arg) -> Found | None:
    """The file that an argument names; None, with a note, where it is not known."""
    found = session.find(call, arg.text)
    if isinstance(found, Found):
        return found
    absent = session.files.why_absent(session.locate(call, arg.text))
    why = found or session.unknowns.why(arg.text) or absent
    session.note(f"what {readable(arg.text)} asks for is not known: {why}", arg.place)
    if found is None and arg.text and "://" not in arg.text:
        _doubt_by_namesake(session, call, arg)
    return None


def _doubt_by_namesake(session: Session, call: Call, arg: Arg) -> None:
    """Take back what the repository's own file of that name speaks against.

    `git clone` of this very repository, then `pip install -r` of its file: the clone's file is not
    known, but where ours asks for another version, the one that was there is no longer certain.
    """
    file = session.files.namesake(session.locate(call, arg.text))
    if file is not None:
        _doubt_by(session, call, arg, file)


def _doubt_by_clone(session: Session, call: Call, arg: Arg) -> None:
    """Likewise for `pip install .` in a clone: by what this repository's own project asks for.

    A clone of this repository is recognised by its folder, which has the name of a package at the top of the tree.
    """
    folder = session.locate(call, arg.text)
    if not session.files.is_clone(folder):
        return
    for name in ("pyproject.toml", "requirements.txt", "requirements/requirements.txt"):
        file = session.files.namesake(f"{folder}/{name}")
        if file is not None:
            _doubt_by(session, call, arg, file)


def _doubt_by(session: Session, call: Call, arg: Arg, file: Found) -> None:
    answer = read_requirements(lambda name: file.data if name == file.path else None, file.path)
    for requirement in (*answer.requirements, *answer.perhaps):
        why = f"{readable(arg.text)} is not known, and {file.path} asks for {requirement.text}"
        _doubt_one(session, call, requirement, why, arg.place)


def _doubt_one(session: Session, call: Call, requirement: Requirement, why: str, place: Place) -> None:
    """Take back the version of a package that is there where an uncertain requirement would change it."""
    for name in names_of(requirement.name):
        before = session.installed.get(call.where, name)
        if before is None or before.package is None or not before.package.exact:
            continue
        if session.applies(requirement, call.where) is not False and not untouched(
            before.package, requirement
        ):
            session.doubt(call, name, why, place)


def ask(session: Session, call: Call, arg: Arg) -> Asked | None:
    """Read the file that an argument names; None, with a note, where it is not known."""
    file = find_asked(session, call, arg)
    if file is None:
        return None
    origins: dict[str, Found] = {}

    def read(name: str) -> bytes | None:
        found = session.files.find(name)
        if not isinstance(found, Found):
            return None
        origins[name] = found
        return found.data

    asked = Asked(file, read_requirements(read, session.locate(call, arg.text)), origins, arg.place)
    session.files.work(100 * len(asked.answer.requirements))  # each RUN may read the same long file again
    for why, path, line in asked.answer.faults:
        session.note(why, asked.place(path, line))
    return asked


class InstallTask:
    """One install command: it collects first and records at its end, as pip resolves all at once."""

    def __init__(self, session: Session, call: Call, where: str, how: str, sources: Sources) -> None:
        self._session = session
        self._call = call
        self._where = where
        self._how = how
        self._sources = sources
        self._found: list[tuple[Requirement, str, Place]] = []
        self._constraints: list[Requirement] = []
        self._ours: dict[str, set[str]] = {}
        """This repository's own projects that an index brings -> the extras that are asked for."""
        self._ours_at: Place | None = None
        self._others: set[str] = set()
        self.upgrade = False
        self.reinstall = False
        self.alone = False
        """Whether nothing is installed but what is named."""
        self.upgraded: set[str] = set()

    def word(self, arg: Arg) -> None:
        """A positional argument."""
        session, text = self._session, arg.text
        if unknown(text):
            session.unclear(self._call, arg, self._where)
            return
        if "{{" in text or "<<" in text or re.search(r"%%[A-Za-z0-9_.-]+%%", text):
            session.note(f"{text} is a placeholder", arg.place)
            return
        requirement = None if re.search(r"[*?]", text.partition("=")[0]) else parse_requirement(text)
        if requirement is not None and re.fullmatch(r"[^/@ ]+\.whl", text):
            requirement = parse_requirement(f"./{text}") or requirement  # a file beside, to pip: no name
        if requirement is not None:
            self._found.append((requirement, self._how, arg.place))
            self._released(requirement, arg)
        elif _is_path(text):
            self.project(arg)
        elif re.fullmatch(r"[^/]*[*?][^/]*(?:\.whl|\.tar\.gz)?", text):
            self.project(Arg(f"./{text}", arg.place))
        else:
            session.note(f"{text} is not a requirement that can be read", arg.place)

    def _released(self, requirement: Requirement, arg: Arg) -> None:
        """Note where a release of this repository's own project comes from an index."""
        name = requirement.name
        if name and requirement.url is None and not self.alone and name not in self._others:
            if name in self._ours or self._session.files.is_clone(name):
                self._ours[name] = {*self._ours.get(name, ()), *requirement.extras}
                self._ours_at = arg.place
            else:
                self._others.add(name)

    def _ask_ours(self) -> Iterator[tuple[Requirement, Place]]:
        """What this repository's own project asks for, where an index brings a release of it; likewise doubted."""
        place = self._ours_at
        if place is None:
            return
        call = replace(self._call, where=self._where)
        extras = set[str]().union(*self._ours.values())
        for path in ("pyproject.toml", "setup.py", "setup.cfg"):
            file = self._session.files.namesake(path)
            if file is None:
                continue
            answer = read_requirements({path: file.data}.get, path)
            for asked in (*answer.requirements, *answer.perhaps):
                chosen = with_extras(asked, extras)
                if chosen is not None:
                    why = f"{', '.join(self._ours)} is installed, and {path} asks for {chosen.text}"
                    _doubt_one(self._session, call, chosen, why, place)
                    yield chosen, place

    def _fetched(self, pattern: str, arg: Arg) -> None:
        """Doubt what `pip download` or `pip wheel` brought to the folder of these archives."""
        path = self._session.locate(self._call, pattern)
        head = re.match(
            r"([A-Za-z0-9_.]+)-", path.rpartition("/")[2]
        )  # a wheel's name begins with its package's
        only = normal_name(head.group(1)) if head else ""
        for folder, brought in self._session.installed.fetched.items():
            if path.startswith(f"{folder}/"):
                for name in brought or CARRIERS:
                    if (brought or self._session.installed.get(self._where, name)) and only in ("", name):
                        why = f"{readable(arg.text)} may hold another release of it"
                        self._session.doubt(self._call, name, why, arg.place, self._where)

    def project(self, arg: Arg) -> None:
        """A folder with a project, a local archive, or what `-e` names."""
        session, text = self._session, arg.text
        if unknown(text):
            session.note(f"the project is not known: {session.unknowns.why(text)}", arg.place)
            return
        if "://" in text or text.startswith("git+"):
            requirement = parse_requirement(text)
            if requirement is not None:
                self._found.append((requirement, self._how, arg.place))
            return
        folder = re.sub(r"\[[^\]]*\]\Z", "", text)
        if folder.endswith((".whl", ".tar.gz", ".zip")) or re.search(r"[*?]", folder):
            session.note(f"what {text} holds is not known", arg.place)
            self._fetched(folder, arg)
            return
        extras = re.search(r"\[([^\]]*)\]\Z", text)
        wanted = {one.strip().lower() for one in extras.group(1).split(",")} if extras else set()
        for name in ("pyproject.toml", "setup.py", "setup.cfg"):
            path = f"{folder.rstrip('/')}/{name}"
            if session.find(self._call, path) is not None:
                self._read(Arg(path, arg.place), extras=wanted)
                return
        session.note(f"the project {text} is not one that COPY or ADD brought from the context", arg.place)
        call = replace(self._call, where=self._where)
        session.built_here(call, session.locate(self._call, folder), alone=self.alone)
        if not self.alone:
            _doubt_by_clone(session, self._call, Arg(folder, arg.place))

    def file(self, arg: Arg, extras: set[str] | None = None) -> None:
        """Read the requirement file of `-r`."""
        self._read(arg, extras)

    def constrain(self, arg: Arg) -> None:
        """Read the constraint file of `-c`."""
        asked = ask(self._session, self._call, arg)
        if asked is None:
            return
        self._constraints += asked.answer.constraints
        top = self._session.locate(self._call, arg.text)
        for one in asked.answer.requirements:
            if one.path == top or self._how == "uv":
                self._constraints.append(one)
            else:  # pip installs what `-r` in a constraint file names
                self._found.append((one, "requirements", asked.place(one.path, one.line)))

    def _read(self, arg: Arg, extras: set[str] | None = None) -> None:
        asked = ask(self._session, self._call, arg)
        if asked is None:
            return
        answer, sources = asked.answer, self._sources
        if answer.index_url and not sources.index:
            sources.index = answer.index_url
        sources.extra[:] = dict.fromkeys((*sources.extra, *answer.extra_index_urls))
        sources.links[:] = dict.fromkeys((*sources.links, *answer.find_links))
        self._constraints += answer.constraints
        for requirement in answer.perhaps if not self.alone else ():
            why = f"{asked.file.path} computes what it asks for, and {requirement.text} stands there"
            _doubt_one(
                self._session, replace(self._call, where=self._where), requirement, why, asked.otherwise
            )
        for requirement in answer.requirements:
            chosen = with_extras(requirement, extras)
            if chosen is not None:
                how = "lock" if requirement.how == "lock" else "requirements"
                self._found.append((chosen, how, asked.place(requirement.path, requirement.line)))

    def named(self) -> set[str]:
        """Names of the packages that were collected so far."""
        return {requirement.name for requirement, _, _ in self._found}

    def finish(self) -> None:
        """Record what was collected."""
        self._found = self._alternatives()
        names: dict[str, list[Requirement]] = {}
        for requirement, _, _ in self._found:
            names.setdefault(requirement.name, []).append(requirement)
        constraints: dict[str, list[Requirement]] = {}
        for one in self._constraints:
            constraints.setdefault(one.name, []).append(one)
        held = self._session.installed
        ours = list(self._ask_ours())
        asked = {*names, *(one.name for one, _ in ours)}
        moved = {one for name in asked if name in MOVERS for one in names_of(MOVERS[name])}
        if not self.alone and any(held.get(self._where, one) for one in moved):
            from envhooks.image.installers.shifts import shift  # late: most commands move nothing

            fresh = self.upgrade or self.reinstall
            found = [*((requirement, place) for requirement, _, place in self._found), *ours]
            shift(held, self._where, found, constraints, fresh=fresh)
        stated = {name for name, several in names.items() if name and any(one.exact for one in several)}
        for requirement, how, place in self._found:
            several = names[requirement.name]
            if len(several) > 1 and not requirement.exact and requirement.name in stated:
                continue  # named twice in one command: the resolver takes the exact one
            self._session.record(
                self._call, requirement, where=self._where, how=how, place=place, sources=self._sources,
                upgrade=self.upgrade or requirement.name in self.upgraded, reinstall=self.reinstall,
                constraints=constraints.get(requirement.name, ()), alone=len(several) == 1,
            )  # fmt: skip
            here = self._session.installed.get(self._where, requirement.name) if self.alone else None
            if here is not None and here.package is not None and here.place == place:
                bare = replace(here, package=replace(here.package, bare=True))
                self._session.installed.put(self._where, bare)
        for swallowed in self._call.swallowed:
            self._session.swallow(swallowed, self._where)

    def _alternatives(self) -> list[tuple[Requirement, str, Place]]:
        """One requirement for those that differ in build only and of which one always applies."""
        by_name: dict[str, list[Requirement]] = {}
        for requirement, _, _ in self._found:
            by_name.setdefault(requirement.name, []).append(requirement)
        out: list[tuple[Requirement, str, Place]] = []
        done: set[str] = set()
        of_name = {name: self._merged(several) for name, several in by_name.items()}
        for requirement, how, place in self._found:
            merged = of_name[requirement.name]
            if merged is None:
                out.append((requirement, how, place))
            elif requirement.name not in done:
                done.add(requirement.name)
                out.append((merged, how, place))
                if merged.local is None and merged.name in BY_LOCAL:
                    self._session.note(f"the build of {merged.name} depends on markers", place, "hardware")
        return out

    def _merged(self, several: list[Requirement]) -> Requirement | None:
        first = several[0]
        if len(several) < 2 or not first.name or not all(one.exact and one.marker for one in several):
            return None
        if any(not equal_versions(one.version or "", first.version or "") for one in several):
            return None
        either = " or ".join(f"({one.marker})" for one in several)
        if self._session.applies(replace(first, marker=either), self._where) is not True:
            return None
        same = len({one.local for one in several}) == 1
        local = first.local if same else None
        shown = first.specifier if same else f"=={first.version}"
        return replace(first, marker="", local=local, specifier=shown, index="")


def _is_path(text: str) -> bool:
    return text.startswith((".", "/", "~")) or "/" in text.partition("[")[0].partition("@")[0]


def with_extras(requirement: Requirement, extras: set[str] | None) -> Requirement | None:
    """The requirement with an `extra == "x"` condition decided; None where the extra is not asked for."""
    match = re.fullmatch(r"(?:\((.*)\) and )?extra == ['\"]([^'\"]+)['\"]", requirement.marker)
    if match is None:
        return requirement
    if extras is None or match.group(2).lower() not in extras:
        return None
    return replace(requirement, marker=match.group(1) or "")
