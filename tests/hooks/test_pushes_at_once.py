"""Pushes at the same time, hooks at the same time, and pushes by another spelling of the remote."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from smart_http import serve
from support import GOOD_TAG, Repo

TAG = f"refs/tags/{GOOD_TAG}"


def start(repo: Repo, *arguments: str) -> subprocess.Popen[str]:
    argv = ["git", *arguments]
    return subprocess.Popen(argv, cwd=repo.path, env=repo.environ, stderr=subprocess.PIPE, text=True)


def test_of_two_pushes_of_one_tag_one_is_taken(good: Repo, server: Repo) -> None:
    server.envhooks("install", "--server", "--branch", "main", check=True)
    other = server.cloned(good.path.parent / "other")
    for repo, message in ((good, "One"), (other, "Other")):
        repo.git("tag", "-s", GOOD_TAG, "-m", message)
    pushes = [start(repo, "push", "origin", GOOD_TAG) for repo in (good, other)]
    said = [push.communicate(timeout=60)[1] for push in pushes]
    assert sorted(push.returncode for push in pushes)[0] == 0
    taken = server.git("rev-parse", TAG)
    assert taken in {good.git("rev-parse", TAG), other.git("rev-parse", TAG)}
    assert [push.returncode for push in pushes].count(0) == 1, said


def wait_for(file: Path) -> None:
    end = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < end, file
        time.sleep(0.02)


def test_a_main_that_moves_between_judging_and_taking(good: Repo, server: Repo, tmp_path: Path) -> None:
    """An `update` hook holds the push while somebody else moves main on: the tag stays on main, and is taken."""
    server.envhooks("install", "--server", "--branch", "main", check=True)
    other = server.cloned(good.path.parent / "other")
    good.git("tag", "-s", GOOD_TAG, "-m", "A release")
    update = server.path / "hooks/update"
    update.write_text(
        f'#!/bin/sh\ncase $1 in refs/tags/*) touch "{tmp_path}/held"\n'
        f'while [ ! -e "{tmp_path}/go" ]; do sleep 0.05; done;; esac\n'
    )
    update.chmod(0o755)
    push = start(good, "push", "origin", GOOD_TAG)
    wait_for(tmp_path / "held")
    other.commit_files({"more": "1"}, "More")
    other.git("push", "-q", "origin", "main")
    (tmp_path / "go").touch()
    assert push.communicate(timeout=60)[1] and push.returncode == 0
    assert server.has_tag(GOOD_TAG)


def test_a_proposed_main_that_loses_the_race_takes_its_tag_along(
    good: Repo, server: Repo, tmp_path: Path
) -> None:
    """Main and tag are judged together; before they are taken, somebody else's main is there."""
    server.envhooks("install", "--server", "--branch", "main", check=True)
    other = server.cloned(good.path.parent / "other")
    good.commit_files({"mine": "1"}, "Mine")
    good.git("tag", "-s", GOOD_TAG, "-m", "A release")
    update = server.path / "hooks/update"
    update.write_text(
        f'#!/bin/sh\n[ -e "{tmp_path}/held" ] && exit 0\ntouch "{tmp_path}/held"\n'
        f'while [ ! -e "{tmp_path}/go" ]; do sleep 0.05; done\n'
    )
    update.chmod(0o755)
    push = start(good, "push", "origin", "main", GOOD_TAG)
    wait_for(tmp_path / "held")
    other.commit_files({"theirs": "1"}, "Theirs")
    other.git("push", "-q", "origin", "main")
    (tmp_path / "go").touch()
    said = push.communicate(timeout=60)[1]
    assert push.returncode != 0 and not server.has_tag(GOOD_TAG), said


@pytest.mark.parametrize("spelling", ["with a login", "without .git", "in capitals"])
def test_a_push_by_another_spelling_of_the_remote(spelling: str, good: Repo, server: Repo) -> None:
    """main as last fetched from origin counts, and the push is not one to an unknown repository."""
    good.envhooks("install", check=True)
    server.git("config", "http.receivepack", "true")
    with serve(server.path.parent, server.environ) as url:
        good.git("remote", "set-url", "origin", f"{url}/server.git")
        good.git("fetch", "-q", "origin")
        good.git("tag", "-s", GOOD_TAG, "-m", "A release")
        port = url.rpartition(":")[2]
        address = {
            "with a login": f"http://alice:T0KEN@127.0.0.1:{port}/server.git",
            "without .git": f"http://127.0.0.1:{port}/server.git/",
            "in capitals": f"HTTP://127.0.0.1:{port}/server.git".replace("HTTP", "http"),
        }[spelling]
        done = good.try_git("push", address, GOOD_TAG)
        assert done.code == 0, done.err
        assert "T0KEN" not in done.err.replace(address, "")


def test_an_unknown_repository_is_named_before_a_tag_goes_there(
    good: Repo, server: Repo, tmp_path: Path
) -> None:
    good.envhooks("install", check=True)
    good.git("init", "-q", "--bare", str(tmp_path / "elsewhere.git"))
    good.git("tag", "-s", GOOD_TAG, "-m", "A release")
    where = str(tmp_path / "elsewhere.git")
    done = good.try_git("push", where, GOOD_TAG)
    assert done.code != 0
    assert any(fix.startswith("git remote add release ") for fix in done.fixes), done.err


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_hooks_in_parallel_count_and_each_gets_all(
    jobs: str, good: Repo, server: Repo, tmp_path: Path
) -> None:
    """Git 2.54 and newer have config hooks, and may run those of one event side by side (`hook.jobs`)."""
    version = good.git("--version").split()[2].split(".")
    if (int(version[0]), int(version[1])) < (2, 54):
        pytest.skip("this git has no config hooks; scripts/matrix runs this with the newest")
    good.envhooks("install", check=True)
    good.git("config", "hook.jobs", jobs)
    good.git("config", "hook.slow.command", f"sleep 0.3; cat >>'{tmp_path}/slow'; echo slow hook >&2")
    good.git("config", "hook.slow.event", "pre-push")
    good.git("config", "hook.slow.parallel", "true")
    good.git("config", "hook.envhooks-pre-push.parallel", "true")
    quiet = ("-c", "hook.envhooks-reference-transaction.enabled=false")
    good.git(*quiet, "tag", GOOD_TAG)
    done = good.try_git("push", "origin", GOOD_TAG)
    assert done.code != 0 and not server.has_tag(GOOD_TAG)
    assert done.err.count("the tag is lightweight") == 1, done.err
    good.git(*quiet, "tag", "-d", GOOD_TAG)
    (tmp_path / "slow").unlink(missing_ok=True)
    good.git("tag", "-s", GOOD_TAG, "-m", "A release")
    done = good.try_git("push", "origin", GOOD_TAG)
    assert done.code == 0 and "slow hook" in done.err, done.err
    assert (tmp_path / "slow").read_text().count(TAG) == 2


def test_a_release_that_a_branch_shadows_is_found(good: Repo, server: Repo) -> None:
    good.git("tag", "-s", GOOD_TAG, "-m", "A release")
    good.git("push", "-q", "origin", GOOD_TAG)
    assert good.envhooks("check", "--all").code == 0
    good.git("push", "-q", "origin", f"main:refs/heads/{GOOD_TAG}")
    good.git("fetch", "-q", "origin")
    for command in (("check", "--all"), ("doctor",)):
        done = good.envhooks(*command)
        assert done.code == 1 and "name" in done.said and GOOD_TAG in done.said, done.said
    good.git("push", "-q", "origin", f":refs/heads/{GOOD_TAG}")
    good.git("fetch", "-q", "--prune", "origin")
    good.git("branch", GOOD_TAG)
    done = good.envhooks("check", "--all")
    assert done.code == 1
    subprocess.run(["sh", "-c", done.fixes[0]], cwd=good.path, env={**os.environ, **good.environ}, check=True)
    assert good.envhooks("check", "--all").code == 0
