"""`envhooks check --as NAME [COMMIT]`: the verdict before anything exists, and nothing is made for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import CHANGELOG, DOCKERFILE, GOOD_TAG, Done, Repo

UNJUDGED = {"tag-annotated", "tag-message", "tag-signed"}


def state(repo: Repo) -> tuple[str, ...]:
    """All that a draft could leave behind: objects, refs, and files of the work tree and of `.git`."""
    files = sorted(
        f"{file.relative_to(repo.path)} {file.stat().st_mtime_ns}"
        for file in Path(repo.path).rglob("*")
        if file.is_file() and file.name != "index"  # which `git status` below may write again
    )
    return (
        repo.git("count-objects", "-v"),
        repo.git("for-each-ref"),
        repo.git("status", "--porcelain"),
        *files,
    )


def judged(repo: Repo, *arguments: str) -> tuple[Done, dict[str, Any]]:
    repo.git("status")  # refreshes the index once
    before = state(repo)
    done = repo.envhooks("check", "--format", "json", "--as", *arguments)
    assert state(repo) == before
    (tag,) = json.loads(done.out)["tags"]
    return done, tag


def errors(tag: dict[str, Any]) -> list[str]:
    return [one["check"] for one in tag["findings"] if one["level"] == "error"]


def test_a_good_draft_is_good_and_leaves_nothing(good: Repo) -> None:
    done, tag = judged(good, GOOD_TAG)
    assert (done.code, tag["verdict"], errors(tag)) == (0, "accepted", [])
    assert {check for check, why in tag["not_applicable"].items() if why == "no tag object yet"} == UNJUDGED
    assert tag["object"] is None and tag["commit"] == good.git("rev-parse", "HEAD")
    said = good.envhooks("check", "--as", GOOD_TAG).said
    assert "not judged: tag-annotated, tag-message, tag-signed (no tag object yet)" in said
    refused = good.envhooks("check", "--as", "PyTorch-CUDA-v2.7").said
    assert "not judged: tag-annotated, tag-message, tag-signed (no tag object yet)" in refused
    good.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    assert good.envhooks("check", GOOD_TAG).code == 0


def test_the_commit_is_the_one_that_is_named(good: Repo) -> None:
    first = good.git("rev-parse", "HEAD")
    good.commit_files({"Dockerfile": DOCKERFILE.replace("torch==2.8.0", "torch==2.9.0")})
    good.git("push", "-q", "origin", "main")
    refused, tag = judged(good, GOOD_TAG)
    assert refused.code == 1 and "dockerfile-matches" in errors(tag)
    for name in (first, "HEAD~1", first[:10]):
        done, tag = judged(good, GOOD_TAG, name)
        assert (done.code, tag["commit"]) == (0, first)


@pytest.mark.parametrize(
    ("name", "files", "check"),
    [
        ("PyTorch-CUDA-2.8", {}, "tag-name"),
        ("PyTorch-CUDA-v2.8-rc3", {}, "changelog-entry"),
        (
            "PyTorch-CUDA-v2.7",
            {"CHANGELOG.md": CHANGELOG + "\n## 2.7 - 2026-01-01\n\nOld.\n"},
            "dockerfile-matches",
        ),
        (
            GOOD_TAG,
            {"Dockerfile": "FROM nvidia/cuda\nRUN pip install torch==2.8.0+cu128\n"},
            "dockerfile-pinned",
        ),
    ],
)
def test_each_other_check_judges_a_draft(good: Repo, name: str, files: dict[str, str], check: str) -> None:
    if files:
        good.commit_files(files)
        good.git("push", "-q", "origin", "main")
    done, tag = judged(good, name)
    assert done.code == 1
    assert check in errors(tag)


def test_a_draft_beside_main_and_out_of_order(good: Repo) -> None:
    good.git("tag", "-s", "-m", "Second", "PyTorch-CUDA-v2.8-rc2")
    done, tag = judged(good, GOOD_TAG)
    assert done.code == 1 and errors(tag) == ["tag-order"]
    good.git("checkout", "-q", "-b", "side")
    good.commit("On the side")
    done, tag = judged(good, "PyTorch-CUDA-v2.8")
    assert done.code == 1 and "on-main" in errors(tag)


def test_a_branch_of_the_name_and_a_locked_name(good: Repo) -> None:
    good.git("branch", GOOD_TAG)
    done, tag = judged(good, GOOD_TAG)
    assert done.code == 1 and errors(tag) == ["tag-name"]


def test_what_cannot_be_asked(good: Repo) -> None:
    good.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    for arguments, said in (
        (["--as", GOOD_TAG], f"there is a tag {GOOD_TAG} already"),
        (["--as", "PyTorch-CUDA-v2.8", "nothing"], "there is no commit nothing"),
        (["--as", "PyTorch-CUDA-v2.8", "HEAD:Dockerfile"], "there is no commit HEAD:Dockerfile"),
        (["--as", "PyTorch-CUDA-v2.8", "--all"], "--as takes one commit"),
        (["--as", "PyTorch-CUDA-v2.8", "--fetch"], "--as takes one commit"),
        (["--as", "PyTorch-CUDA-v2.8", "HEAD", "HEAD~1"], "--as takes one commit"),
        (["--as", "x\nerror: good", "--", "-n"], "there is no commit -n"),
    ):
        done = good.envhooks("check", *arguments)
        assert done.code == 2 and said in done.err and "Traceback" not in done.said, done


@pytest.mark.parametrize("name", ["", "a b", "-x", "x\x1b[31m", "x..y", "a" * 2000])
def test_a_name_that_is_none_is_refused_in_a_sentence(good: Repo, name: str) -> None:
    done = good.envhooks("check", f"--as={name}")
    assert done.code in (1, 2) and "Traceback" not in done.said and "\x1b" not in done.said, done


def test_an_ignored_name_is_left_alone(good: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["v*"]\n'})
    good.git("push", "-q", "origin", "main")
    done = good.envhooks("check", "--as", "v1")
    assert done.code == 0 and "leaves these tags alone" in done.err
