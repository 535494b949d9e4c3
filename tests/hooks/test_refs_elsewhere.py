"""A server whose refs are kept outside of its git directory, as Git 2.54 and newer can have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import GOOD_TAG, WITHOUT_HOOKS, Repo, program

BAD = "pytorch-2.8"


@pytest.fixture(autouse=True)
def _newest(good: Repo) -> None:
    version = good.git("--version").split()[2].split(".")
    if (int(version[0]), int(version[1])) < (2, 54):
        pytest.skip("this git keeps refs in the git directory; scripts/matrix runs this with the newest")


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_they_are_judged_where_they_are(storage: str, good: Repo, server: Repo, tmp_path: Path) -> None:
    for name in server.git("for-each-ref", "--format=%(refname)").split():
        server.git("update-ref", "-d", name)
    (tmp_path / "refs" / "reftable").mkdir(parents=True)  # git makes none
    where = f"{storage}://{tmp_path}/refs"
    server.git("config", "core.repositoryFormatVersion", "1")
    server.git("config", "extensions.refStorage", where)
    server.envhooks("install", "--server", "--branch", "main", check=True)
    good.git("push", "-q", "origin", "main")
    server.git("symbolic-ref", "refs/heads/nowhere", f"refs/tags/{BAD}")
    good.git(*WITHOUT_HOOKS, "tag", "-s", "-m", "x", BAD)
    for refspec in ("main:refs/heads/nowhere", BAD):
        done = good.try_git("push", "origin", refspec)
        assert done.code != 0 and "envhooks" in done.err and not server.has_tag(BAD), done
    good.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    assert good.try_git("push", "origin", GOOD_TAG).code == 0 and server.has_tag(GOOD_TAG)
    assert good.try_git("push", "origin", f":{GOOD_TAG}").code != 0 and server.has_tag(GOOD_TAG)
    assert server.envhooks("check", "--all").code == 0
    told = server.envhooks("doctor").out  # in which a long word is broken
    assert f"refsin{where}" in "".join(told.split())


@pytest.mark.parametrize("refspec", [BAD, f":{GOOD_TAG}", "+older:main"])
def test_a_variable_shows_no_hook_other_refs(
    refspec: str, guarded: Repo, server: Repo, tmp_path: Path
) -> None:
    """GIT_REFERENCE_BACKEND moves the refs for most commands, not for `git receive-pack`, which starts the hooks."""
    guarded.git("branch", "older")
    guarded.commit("To be released")
    guarded.git("push", "-q", "origin", "main")
    guarded.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    guarded.git("push", "-q", "origin", GOOD_TAG)
    guarded.git(*WITHOUT_HOOKS, "tag", "-s", "-m", "x", BAD)
    before = server.git("for-each-ref")
    (tmp_path / "none").mkdir()
    moved = f"export GIT_REFERENCE_BACKEND=files://{tmp_path}/none"
    receive = program(tmp_path / "receive", f'#!/bin/sh\n{moved}\nexec git receive-pack "$@"\n')
    done = guarded.try_git("push", "--no-verify", "--receive-pack", str(receive), "origin", refspec)
    assert done.code != 0 and "envhooks" in done.err, done
    assert server.git("for-each-ref") == before
