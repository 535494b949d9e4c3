"""The draft of a changelog entry: the difference of two environments, the commits between them, and what follows.

Nothing is invented: each line is a fact that was read, or says that nothing is known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS
from envhooks.changelog import sections_of
from envhooks.changelog.writing import Part
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.image.compat.table import Table
from envhooks.releases.compare import Difference, base_text, differences, driver_text, version_text
from envhooks.tagname import Grammar
from envhooks.tagname.names import TagName

MOST_FACTS = 40
MOST_COMMITS = 30
_SUBJECT = 120
"""Characters of a commit's subject."""


@dataclass(frozen=True)
class Sources:
    """Sources that an entry is drafted from."""

    name: TagName
    packages: tuple[str, ...]
    """Distributions that carry the framework."""
    before: str
    """The tag of the release before; empty for the first."""
    old: Environment | None
    """Environment of the release before; None where there is none, or it cannot be read."""
    new: Environment | None
    """None where there is no Dockerfile."""
    commits: tuple[str, ...]
    """Subjects of the commits since the release before, the latest first."""


def release_before(git: Git, grammar: Grammar, name: TagName) -> str:
    """The tag of the release of the same line that an entry is compared with; empty where there is none.

    A stable release is compared with the stable one before it, where there is one: its users had no candidate.
    """
    read = (grammar.match(ref.name.removeprefix(TAGS)) for ref in git.refs(TAGS))
    line = [one for one in read if one is not None and one.line == name.line and one.text != name.text]
    lower = [one for one in line if one.order < name.order]
    stable = [one for one in lower if one.is_stable]
    chosen = (stable if name.is_stable and stable else lower) or []
    return max(chosen, key=lambda one: one.order).text if chosen else ""


def subjects_since(git: Git, tag: str, commit: str) -> tuple[str, ...]:
    """The subjects of the commits behind a tag, merges left out, the latest first; one more than are shown."""
    rest = [f"^{TAGS}{tag}"] if tag else []
    try:
        told = git.ask("log", "--no-merges", "--format=%s", f"-{MOST_COMMITS + 1}", commit, *rest, "--")
    except CannotJudge:
        return ()  # the tag leads to no commit
    return tuple(filter(None, os.fsdecode(told).split("\n")))


def parts_of(sources: Sources, table: Table | None = None) -> tuple[Part, ...]:
    """The parts of an entry: changes, and an answer to each question that readers of such a release have."""
    found = (
        differences(sources.old, sources.new, table)
        if sources.old is not None and sources.new is not None
        else ()
    )
    changes = [*_changes(sources, found, table)]
    commits = _commits(sources)
    parts = [Part("Environment", tuple(changes))] if changes else []
    if sources.before and commits:
        parts.append(Part("Changes", commits, words=r"\S"))
    answers = {
        "Known issues": ("None known.",),
        "Upgrading": tuple(_upgrade(sources, found)),
        "Use": (f"To try out {_what(sources)} before it is released.",),
        "Risk": ("Not for production: what is in it may still change.",),
    }
    parts += [Part(one.title, answers[one.title], one.words) for one in sections_of(sources.name)]
    return tuple(parts)


def _what(sources: Sources) -> str:
    name = sources.name
    hardware = " ".join(filter(None, (name.hardware, name.hardware_version)))
    what = " ".join(filter(None, (name.framework, name.version_text or name.release_text)))
    return printable(f"{what or name.text} for {hardware}" if hardware else what or name.text)


def _changes(sources: Sources, found: Sequence[Difference], table: Table | None) -> Iterator[str]:
    if sources.new is None:
        return
    if sources.old is None:
        if sources.before:
            yield f"The files of {printable(sources.before)} cannot be read, so nothing is held against them."
        yield from _first(sources, sources.new, table)
        return
    if not found:
        yield f"The same base image and packages as {printable(sources.before)}, as far as the files say."
    for one in found[:MOST_FACTS]:
        yield printable(_sentence(one))
    if len(found) > MOST_FACTS:
        text = f"{len(found) - MOST_FACTS} more: envhooks diff {sources.before} {sources.name.text}"
        yield printable(text)


def _first(sources: Sources, environment: Environment, table: Table | None) -> Iterator[str]:
    """Content of the first release of a line."""
    for package in environment.find(*sources.packages)[-1:]:
        yield printable(f"{package.name} {version_text(package)}")
    if base_text(environment):
        yield printable(f"Base image {base_text(environment)}")
    if environment.python:
        yield printable(f"Python {environment.python}")
    if driver_text(environment, table):
        yield printable(f"Least NVIDIA driver {driver_text(environment, table)}")


_NAMES = {"base": "Base image", "python": "Python", "driver": "Least NVIDIA driver"}


def _sentence(one: Difference) -> str:
    name = _NAMES.get(one.kind, one.name)
    if one.change == "added":
        return f"{name} {one.after}, new"
    if one.change == "removed":
        return f"{name} {one.before} is gone"
    if one.change == "unknown":
        before, after = one.before or "not named", one.after or "not named"
        return f"{name}: {after} (was {before}); the files do not say which versions these are"
    return f"{name} {one.after} (was {one.before})"


def _commits(sources: Sources) -> tuple[str, ...]:
    shown = tuple(printable(text, _SUBJECT) for text in sources.commits[:MOST_COMMITS])
    more = f"and more: git log {printable(sources.before)}.."
    return (*shown, more) if len(sources.commits) > MOST_COMMITS else shown


def _upgrade(sources: Sources, found: Sequence[Difference]) -> Iterator[str]:
    """Steps for a user of the release before, by the differences."""
    told = False
    for one in found:
        if one.kind == "driver" and one.after:
            yield printable(
                f"The node's NVIDIA driver has to be {one.after} or newer; it was {one.before or 'none'}."
            )
        elif one.kind == "python" and one.change == "changed":
            yield printable(
                f"Python is {one.after}: what was installed for {one.before} has to be installed anew."
            )
        elif one.kind == "package" and one.change == "removed":
            yield printable(f"{one.name} is no longer installed.")
        elif one.kind == "package" and one.change == "changed" and _major(one.before) != _major(one.after):
            yield printable(f"{one.name} goes from {one.before} to {one.after}: read its own notes.")
        else:
            continue
        told = True
    if not told:
        before = f" from {printable(sources.before)}" if sources.before else ""
        yield f"No step is known to be needed{before}."


def _major(version: str) -> str:
    return version.split(".")[0]
