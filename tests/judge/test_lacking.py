"""A changelog without an entry for the release: what stands elsewhere, and what is written and not committed."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles
from support import Repo

from envhooks.catalog.lookup import words
from envhooks.changelog import Changelog
from envhooks.git.repository import Git
from envhooks.judge.lacking import Asked, with_mend
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar

NAME = Grammar(DEFAULT_TAG_POLICY).match("PyTorch-CUDA-v2.8")
assert NAME is not None
ASKED = Asked(NAME, None, words())
ENTRY = "## 2.8 - 2026-05-01\n\nPyTorch 2.8.0 for CUDA 12.8.\n"
OTHER = "## 2.7 - 2026-04-01\n\nPyTorch 2.7.0 for CUDA 12.8.\n"


def near(files: dict[str, str], own: str = "CHANGELOG.md") -> tuple[str, int, str, str] | None:
    found = Changelog(own, exists=own in files)
    made = with_mend(found, MemoryFiles({path: text.encode() for path, text in files.items()}), ASKED)
    return (made.near.path, made.near.line, made.near.text, made.near.why) if made.near else None


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("NEWS.md", "CHANGELOG.md"),
        ("HISTORY", "CHANGELOG.md"),
        ("docs/changes.rst", "CHANGELOG.md"),
        ("env/CHANGES.md", "env/CHANGELOG.md"),
        ("CHANGELOG.md", "env/CHANGELOG.md"),
        ("docs/CHANGELOG.md", "env/CHANGELOG.md"),
    ],
)
def test_an_entry_in_another_file_is_found(path: str, own: str) -> None:
    heading = "2.8 - 2026-05-01"
    said = f"it stands in {path}, and the policy names {own}"
    for files in ({path: OTHER + ENTRY}, {path: OTHER + ENTRY, own: OTHER}):
        assert near(files, own) == (path, 4, heading, said)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("NOTES.md", ENTRY),
        ("NEWS.md", OTHER),
        ("NEWS.md", "## 2.8\n"),
        ("other/NEWS.md", ENTRY),
        ("NEWS.md.bak", ENTRY),
    ],
)
def test_what_is_no_entry_in_another_file(path: str, text: str) -> None:
    assert near({path: text}) is None


def test_few_files_are_looked_into() -> None:
    names = [
        f"{name}{end}"
        for name in ("CHANGES", "HISTORY", "NEWS")
        for end in ("", ".adoc", ".md", ".rst", ".txt")
    ]
    for at, found in ((0, True), (11, True), (12, False)):
        files = {name: ENTRY if place == at else OTHER for place, name in enumerate(sorted(names))}
        assert (near(files) is not None) == found, at


def test_a_file_that_cannot_be_read_is_passed_over() -> None:
    broken = MemoryFiles({"CHANGES.md": b"\xff\xfe\x00", "NEWS.md": ENTRY.encode()})
    made = with_mend(Changelog("CHANGELOG.md", exists=False), broken, ASKED)
    assert made.near is not None and made.near.path == "NEWS.md"


def test_a_line_that_one_command_mends_comes_before_another_file() -> None:
    for line, path in (("**2.8 - 2026-05-01**", ""), ("Nothing of the kind", "NEWS.md")):
        found = near({"CHANGELOG.md": f"{line}\n\nText.\n\n{OTHER}", "NEWS.md": ENTRY})
        assert found is not None and found[0] == path, line


def test_what_is_written_and_not_committed(good: Repo) -> None:
    def is_written(path: str = "CHANGELOG.md") -> bool:
        with Git.open(good.path) as git:
            return ASKED.is_written(git, path)

    place = good.path / "CHANGELOG.md"
    good.commit_files({"CHANGELOG.md": OTHER})
    assert not is_written(), "there is no entry"
    place.write_text(OTHER + ENTRY)
    assert is_written()
    good.git("add", ".")
    assert is_written(), "in the index alone"
    good.commit("Write it")
    assert not is_written(), "it is committed, so the tag names an older commit"
    place.write_text("## 2.8\n")
    assert not is_written(), "no good one"
    assert not is_written("NEWS.md") and not is_written("../clone/CHANGELOG.md/x") and not is_written("docs")
    outside = good.path.parent / "outside.md"
    outside.write_text(ENTRY)
    place.unlink()
    place.symlink_to(outside)
    assert not is_written() and not is_written("../outside.md"), "a file elsewhere is nobody's changelog"
    place.unlink()
    place.write_bytes(b"\xff\xfe\x00")
    assert not is_written()


def test_a_repository_without_files_and_one_without_a_commit(good: Repo, server: Repo) -> None:
    with Git.open(server.path) as git:
        assert not ASKED.is_written(git, "CHANGELOG.md")
    (good.path / "CHANGELOG.md").write_text(ENTRY)
    good.git("checkout", "-q", "--orphan", "new")
    with Git.open(good.path) as git:
        assert ASKED.is_written(git, "CHANGELOG.md")
