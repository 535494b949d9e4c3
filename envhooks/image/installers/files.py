"""A file of requirements inside the image -> what it asks for, with places in the tree."""

from __future__ import annotations

from envhooks.base.dataclass import dataclass
from envhooks.base.place import Place
from envhooks.image.requirements.reader import RequirementsFile, read_requirements
from envhooks.image.requirements.versions import untouched
from envhooks.image.stage.containerfs import Found
from envhooks.image.stage.session import Arg, Call, Session
from envhooks.image.text.unknowns import readable


@dataclass(frozen=True)
class Asked:
    """What one file, with those that it includes, asks for."""

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
    why = found or session.unknowns.why(arg.text) or "no COPY or ADD brought it from the context"
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
    if file is None:
        return
    answer = read_requirements(lambda name: file.data if name == file.path else None, file.path)
    for requirement in answer.requirements:
        before = session.installed.get(call.where, requirement.name)
        if before is None or before.package is None or not before.package.exact:
            continue
        if session.applies(requirement, call.where) is False or untouched(before.package, requirement):
            continue
        why = f"{readable(arg.text)} is not known, and {file.path} asks for {requirement.text}"
        session.doubt(call, requirement.name, why, arg.place)


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
    for why, path, line in asked.answer.faults:
        session.note(why, asked.place(path, line))
    return asked
