"""What is said of the last try at a tag: in a clone, of the same name, and only of what was compared since."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from support import CHANGELOG, GOOD_TAG, WITHOUT_HOOKS, Done, Repo


def tried(repo: Repo, *arguments: str) -> Done:
    return repo.try_git("tag", *(arguments or ("-s", "-m", "A release")), GOOD_TAG)


@pytest.fixture(scope="module")
def tried_once(
    guarded_template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]
) -> Path:
    folder = tmp_path_factory.mktemp("tried") / "repos"
    shutil.copytree(guarded_template, folder, symlinks=True)
    clone = Repo(folder / "clone", session_environ)
    clone.commit_files({"CHANGELOG.md": "# Changelog\n"})
    clone.put("main")
    first = tried(clone, "-a", "-m", "A release")
    assert "[changelog-entry]" in first.err and "[tag-signed]" in first.err and "last try" not in first.err
    clone.commit_files({"CHANGELOG.md": CHANGELOG})
    clone.put("main")
    return folder


@pytest.fixture
def twice_wrong(tried_once: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    """A clone in which a first try failed for two faults, one of which is mended now."""
    shutil.copytree(tried_once, tmp_path / "repos", symlinks=True)
    return Repo(tmp_path / "repos/clone", environ)


def test_what_is_mended_is_said(twice_wrong: Repo) -> None:
    second = tried(twice_wrong, "-a", "-m", "A release")
    assert f"note: mended since the last try at {GOOD_TAG}: changelog-entry\n" in second.err
    third = tried(twice_wrong, "-a", "-m", "A release")
    assert third.code != 0 and "last try" not in third.err, "nothing changed since the second"
    last = tried(twice_wrong)
    assert last.code == 0 and f"mended since the last try at {GOOD_TAG}: tag-signed" in last.err
    twice_wrong.git("tag", "-d", GOOD_TAG)
    assert "last try" not in tried(twice_wrong).err, "it is over"


def test_another_name_is_another_try(twice_wrong: Repo) -> None:
    done = twice_wrong.try_git("tag", "-a", "-m", "x", "PyTorch-CUDA-v2.8-rc2")
    assert done.code != 0 and "last try" not in done.err


def test_what_was_not_judged_is_not_called_mended(twice_wrong: Repo) -> None:
    lightweight = twice_wrong.try_git("tag", GOOD_TAG)
    assert "tag-signed" not in lightweight.err.split("last try")[-1].split("\n")[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"x": [[]]}', "[" * 50_000, "\x00"])
def test_a_file_that_cannot_be_read_changes_nothing(twice_wrong: Repo, text: str) -> None:
    (twice_wrong.path / ".git/envhooks/last-try").write_text(text)
    done = tried(twice_wrong)
    assert done.code == 0 and "Traceback" not in done.err and "last try" not in done.err


def test_a_try_of_the_day_before_is_over(twice_wrong: Repo) -> None:
    file = twice_wrong.path / ".git/envhooks/last-try"
    old = time.time() - 25 * 3600
    os.utime(file, (old, old))
    assert "last try" not in tried(twice_wrong).err


def test_a_server_keeps_nothing(guarded: Repo, server: Repo) -> None:
    guarded.git(*WITHOUT_HOOKS, "tag", "-a", "-m", "x", GOOD_TAG)
    assert guarded.try_git("push", "--no-verify", "origin", GOOD_TAG).code != 0
    assert not (server.path / "envhooks/last-try").exists()
