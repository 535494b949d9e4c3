"""Changelogs: entries, and the one that belongs to a tag, as the type that checks read."""

from __future__ import annotations

import re

from envhooks.base.dataclass import dataclass


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

    @property
    def says_something(self) -> bool:
        """Whether a line of it is more than a heading, a mark or a link's definition."""
        titles = {title.strip() for title in self.sections}
        for line in self.body.split("\n"):
            bare = line.strip().strip("#").strip()
            if bare in titles or re.fullmatch(r"\[[^\]]*\]:.*|\W*", bare):
                continue
            return True
        return False

    @property
    def is_good(self) -> bool:
        """Whether it carries a date and says something."""
        return self.date is not None and self.says_something


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
