"""What a commit's changelog lacks for a release: its repair, the line that comes closest, and the files beside it."""

from __future__ import annotations

import posixpath
import re

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import EnvhooksError
from envhooks.catalog.lookup import Words
from envhooks.changelog import Changelog, ChangelogEntry, Near
from envhooks.changelog.drafting import draft
from envhooks.changelog.reader import FILE_NAME, MAX_BYTES, find_entry, read_changelog
from envhooks.git.repository import Git
from envhooks.image.files import Files
from envhooks.tagname.names import TagName

_MOST_ELSEWHERE = 12
"""Files beside the changelog that are looked into."""


@dataclass(frozen=True)
class Asked:
    """The release whose entry is looked for."""

    name: TagName
    heading: str | None
    """The policy's form of headings, or None."""
    vocabulary: Words

    def entry_in(self, data: bytes, path: str) -> ChangelogEntry | None:
        """The good entry in a file; None where it has none.

        Raises:
            CannotJudge: as `read_changelog`.
        """
        entry = find_entry(read_changelog(data, path), self.name, self.heading, self.vocabulary)
        return entry if entry is not None and entry.is_good else None

    def is_written(self, git: Git, path: str) -> bool:
        """Whether the work tree has a good entry that HEAD lacks."""
        if git.work_tree is None:
            return False
        file = git.work_tree / path
        try:
            if not file.resolve().is_relative_to(git.work_tree.resolve()) or not file.is_file():
                return False
            with file.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
            head = git.resolve()
            committed = head is not None and git.files(head).read(path) == data
            return not committed and self.entry_in(data, path) is not None
        except (EnvhooksError, OSError):
            return False


def with_mend(found: Changelog, files: Files, asked: Asked) -> Changelog:
    """The changelog with what it lacks, as a command would write it.

    Raises:
        CannotJudge: a file cannot be read, or too much would have to be.
    """
    made = draft(files.read(found.path), found, asked.name, asked.heading, asked.vocabulary)
    if made.entry is not None or (made.near is not None and made.near.is_mended):
        return made
    return replace(made, near=_elsewhere(files, found.path, asked) or made.near)


def _elsewhere(files: Files, own: str, asked: Asked) -> Near | None:
    """A good entry in a file that is called as changelogs are, where the policy names another."""
    folders = dict.fromkeys(("", "docs", own.rpartition("/")[0]))
    paths = [posixpath.join(folder, file) for folder in folders for file in files.list(folder or ".")]
    usual = [path for path in paths if path != own and re.fullmatch(FILE_NAME, posixpath.basename(path))]
    for path in usual[:_MOST_ELSEWHERE]:
        try:
            entry = asked.entry_in(files.read(path) or b"", path)
        except EnvhooksError:
            continue  # it is not the file that the policy names
        if entry is not None:
            return Near(entry.heading, entry.line, f"it stands in {path}, and the policy names {own}", path)
    return None
