"""Changelogs: entries, and the one that belongs to a tag, as the type that checks read."""

from __future__ import annotations

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
    """Everything below the heading up to the next entry."""
    sections: tuple[str, ...] = ()
    """Titles of the headings inside the entry."""


@dataclass(frozen=True)
class Changelog:
    """The changelog at the tagged commit, and its entry for the tag."""

    path: str
    exists: bool
    entry: ChangelogEntry | None = None
    headings: tuple[str, ...] = ()
    """The headings that are there, newest first, for a message that says what was found."""
