"""Changelogs: entries, the one that belongs to a tag as the type that checks read, and what it has to answer."""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass
from envhooks.tagname.names import TagName

_HTML_TAG = r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>"
_NOTHING = r"\[[^\]]*\]:.*|\.\. _[^:]+:.*|\W*"
"""A line that only defines a link, in Markdown or reStructuredText, or that has no letter and no digit."""


@dataclass(frozen=True)
class ChangelogEntry:
    """One entry of a changelog."""

    heading: str
    """The heading's text without its marks: `[2.8.0-rc1] - 2026-05-01`."""
    line: int
    date: str | None
    """As written; None where the heading carries no date."""
    body: str
    """The text below the heading up to the next entry."""
    sections: tuple[str, ...] = ()
    """Titles of the headings inside the entry."""
    is_yanked: bool = False
    """Whether its heading says that the release was taken back."""

    @property
    def says_something(self) -> bool:
        """Whether a line of it is more than a heading, a mark, an anchor, or the definition of a link."""
        titles = {title.strip() for title in self.sections}
        for line in self.body.split("\n"):
            bare = re.sub(_HTML_TAG, "", line).strip().strip("#").strip()
            if bare not in titles and not re.fullmatch(_NOTHING, bare):
                return True
        return False

    @property
    def lack(self) -> str:
        """What keeps it from being the entry of a release, as a predicate: `carries no date`; empty for a good one."""
        if self.is_yanked:
            return "says that it was yanked"
        if self.date is None:
            return "carries no date"
        return "" if self.says_something else "says nothing"

    @property
    def is_good(self) -> bool:
        """Whether it carries a date and says something."""
        return not self.lack


@dataclass(frozen=True)
class Near:
    """The line that comes closest to an entry which is not there."""

    text: str
    """As it stands in the file, without its marks."""
    line: int
    why: str
    """Sentences without full stops, joined by `; `: `it says 2.8, and the tag 2.8.0`."""
    path: str = ""
    """The file where it is not the changelog's own."""
    is_mended: bool = False
    """Whether the changelog's `fix` makes it the entry, so that another beside it would be one too many."""
    is_foreign: bool = False
    """Whether the file's entries are no headings, so that it is not known where the next one belongs."""


@dataclass(frozen=True)
class Changelog:
    """The changelog at the tagged commit, and its entry for the tag."""

    path: str
    exists: bool
    entry: ChangelogEntry | None = None
    headings: tuple[str, ...] = ()
    """The headings that are there, newest first, for a message that says what was found."""
    heading: str = ""
    """A heading that would do, in the style of the file, with `DATE` for the day; empty where the entry is good."""
    fix: str = ""
    """The command that writes the entry, or what it lacks; empty where no command should."""
    written: bool = False
    """Whether the work tree has a good entry, which is not committed."""
    near: Near | None = None
    """The line that comes closest to an entry, or whose day cannot be read; None where there is no such line."""

    @property
    def is_good(self) -> bool:
        """Whether there is an entry, with a date and a text."""
        return self.entry is not None and self.entry.is_good

    @property
    def is_to_be_drafted(self) -> bool:
        """Whether nothing is there, nor in the work tree, that a fix would make the entry."""
        near = self.near
        return not (self.entry or self.written or (near is not None and (near.is_mended or near.is_foreign)))


# ------------------------------------------------------------ questions that an entry answers

_ISSUES = r"(?i)known (?:issues?|problems?|bugs?|limitations?)|limitations?"
_UPGRADE = r"(?i)upgrad|migrat|updating|breaking|drop-in|compatib"
_USE = (
    r"(?i)\b(?:us(?:e|age|ed|ing)|purpose|intended|try|trying|tests?|testing|evaluat(?:e|ion|ing)|preview)\b"
)
_RISK = r"(?i)risk|unstable|experimental|caution|production|known (?:issues?|problems?|bugs?)|limitations?|untested"


@dataclass(frozen=True)
class Section:
    """A question that an entry has to answer."""

    title: str
    """The section's usual heading: `Known issues`."""
    what: str
    """Its subject in a sentence: `known issues`."""
    words: str

    def is_answered_in(self, body: str) -> bool:
        """Whether a text has a word of the answer, in a heading or in a sentence."""
        return re.search(self.words, body) is not None


STABLE = (
    Section("Known issues", "known issues", _ISSUES),
    Section("Upgrading", "upgrade notes", _UPGRADE),
)
PRE = (
    Section("Use", "what it is to be used for", _USE),
    Section("Risk", "what the risk is", _RISK),
)


def sections_of(name: TagName) -> tuple[Section, ...]:
    """The questions that the entry of a release has to answer."""
    return STABLE if name.is_stable else PRE
