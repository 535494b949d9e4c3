"""Git's everyday work in a guarded clone full of old, badly named tags is as without envhooks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import Repo

OLD = ["v1.0", "release_2", "nightly", "pytorch-1.0", "1.13"]


@pytest.fixture
def full(guarded: Repo, server: Repo) -> Repo:
    """The server holds tags that are older than the gate; the clone has not seen them."""
    head = server.git("rev-parse", "main")
    for name in OLD:
        server.git("-c", "user.name=x", "-c", "user.email=x@x", "tag", "-a", "-m", "old", name, head)
    return guarded


def quiet(repo: Repo, *arguments: str) -> None:
    done = repo.try_git(*arguments)
    assert done.code == 0, done
    assert "envhooks" not in done.said


def test_fetch_pull_and_remote_update(full: Repo) -> None:
    quiet(full, "fetch", "--tags")
    assert full.has_tag("nightly")
    for name in OLD[:2]:
        quiet(full, "tag", "-d", name)
    quiet(full, "pull", "--tags", "origin", "main")
    for name in OLD[:2]:
        quiet(full, "tag", "-d", name)
    quiet(full, "remote", "update")
    quiet(full, "fetch", "origin", "tag", "v1.0")
    quiet(full, "fetch", "--force", "--tags")
    quiet(full, "fetch", "--prune", "--prune-tags")


def test_gc_and_pack_refs(full: Repo) -> None:
    quiet(full, "fetch", "--tags")
    quiet(full, "pack-refs", "--all")
    quiet(full, "gc", "--prune=now")
    quiet(full, "tag", "-d", "nightly")
    quiet(full, "fsck")


def test_clones_and_bundles(full: Repo, tmp_path: Path) -> None:
    quiet(full, "fetch", "--tags")
    quiet(full, "clone", "-q", ".", str(tmp_path / "copy"))
    quiet(full, "clone", "-q", "--mirror", ".", str(tmp_path / "mirror"))
    quiet(full, "bundle", "create", "-q", str(tmp_path / "all.bundle"), "--all")
    shutil.copytree(full.path / ".git/hooks", tmp_path / "template" / "hooks")
    quiet(full, "clone", "-q", f"--template={tmp_path / 'template'}", ".", str(tmp_path / "from-template"))


def test_commits_branches_and_history(full: Repo) -> None:
    full.commit("Work")
    quiet(full, "switch", "-q", "-c", "topic")
    full.commit("Topic")
    quiet(full, "rebase", "-q", "main")
    quiet(full, "switch", "-q", "main")
    quiet(full, "merge", "-q", "--no-ff", "-m", "Merge", "topic")
    quiet(full, "branch", "-d", "topic")
    quiet(full, "stash", "list")
    quiet(full, "update-ref", "refs/tags/made-by-plumbing", "HEAD")
    quiet(full, "tag", "-l")
    quiet(full, "worktree", "add", "-q", "../linked", "-b", "linked")


def test_a_clone_without_any_release_works_from_a_linked_worktree(full: Repo) -> None:
    quiet(full, "worktree", "add", "-q", "../linked", "-b", "linked")
    linked = Repo(full.path.parent / "linked", full.environ)
    refused = linked.try_git("tag", "BAD")
    assert refused.code != 0
    assert "[tag-name]" in refused.err
    linked.commit("Work")
    quiet(linked, "push", "-q", "origin", "linked")


def test_the_tag_hook_tells_when_the_push_hook_was_replaced(guarded: Repo) -> None:
    (guarded.path / ".git/hooks/pre-push").write_text("#!/bin/sh\nexit 0\n")
    guarded.try_git("config", "--remove-section", "hook.envhooks-pre-push")  # there from Git 2.54 on
    made = guarded.try_git("tag", "-s", "-m", "x", "PyTorch-CUDA-v2.8-rc1")
    assert made.code == 0
    assert "git push no longer comes through envhooks" in made.err
    assert "envhooks install" in made.err


def test_a_push_of_many_refused_tags_is_told_in_few_lines(guarded: Repo) -> None:
    names = [f"v1.{number}" for number in range(12)]
    for name in names:
        guarded.git("update-ref", f"refs/tags/{name}", "HEAD")
    done = guarded.try_git("push", "origin", "--tags")
    said = done.err.partition("error: failed to push")[0]
    assert done.code != 0 and said.count("\n") <= 4, said
    assert "refused: v1.0, " in said and "and 2 more: [tag-name]" in said and "12 tags: 12 refused" in said
