"""One overall budget for the reading of one tag, and one for all tags of a push to a server."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles
from support import GOOD_TAG, Repo

from envhooks.base import run
from envhooks.base.errors import CannotJudge
from envhooks.git.repository import Git
from envhooks.image.files import Budgeted
from envhooks.image.interpreter import read_environment
from envhooks.judge import runs

BASE = b"FROM x:1\nWORKDIR /app\nCOPY . .\n"


def read(files: dict[str, bytes]) -> object:
    return read_environment(Budgeted(MemoryFiles(files), run.Budget()), "Dockerfile")


def test_files_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_FILES", 5)
    files = {f"r{n}.txt": b"a==1\n" for n in range(8)}
    lines = b"".join(b"RUN pip install -r r%d.txt\n" % n for n in range(8))
    with pytest.raises(CannotJudge, match="more than 5 files"):
        read({"Dockerfile": BASE + lines, **files})


def test_bytes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_BYTES", 2 << 20)
    files = {f"r{n}.txt": b"#" * (1 << 20) for n in range(3)}
    lines = b"".join(b"RUN pip install -r r%d.txt\n" % n for n in range(3))
    with pytest.raises(CannotJudge, match="more than 2 MiB"):
        read({"Dockerfile": BASE + lines, **files})


def test_the_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_SECONDS", -1.0)
    with pytest.raises(CannotJudge, match="for one tag"):
        read({"Dockerfile": BASE + b"RUN pip install a==$X\n" * 200})


@pytest.mark.parametrize("limit", ["MAX_FILES", "MAX_BYTES", "MAX_SECONDS"])
def test_a_tag_past_it_could_not_be_judged_and_the_next_one_is(
    limit: str, good: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    monkeypatch.chdir(good.path)
    with Git.open(good.path) as git:
        assert runs.judge_standing(git, runs.every_tag).exit_code == 0
    monkeypatch.setattr(run, limit, -1)
    with Git.open(good.path) as git:
        report = runs.judge_standing(git, runs.every_tag)
    assert report.exit_code == 2
    assert "to judge this tag" in str(report) or "for one tag" in str(report)
