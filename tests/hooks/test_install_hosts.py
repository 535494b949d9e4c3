"""The places that hosts have for hooks, laid out as their pages say; gitolite is tested with the real one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from installing import HAS_CONFIG_HOOKS, Judge, snapshot
from support import Done, Repo

PAGE = (Path(__file__).parents[2] / "docs" / "servers.md").read_text(encoding="utf-8")
# Gitea's and Forgejo's own hook file, in short: it runs what lies in the folder beside it
DELEGATE = """#!/usr/bin/env bash
data=$(cat)
for hook in "${GIT_DIR:-.}/hooks/pre-receive.d/"*; do
  test -x "$hook" && test -f "$hook" || continue
  echo "$data" | "$hook" || exit 1
done
"""
# What GitLab's own server does: it has git run a hook of its own, and that one runs what lies in `custom_hooks`
GITALY = """#!/bin/sh
exec custom_hooks/pre-receive
"""


def caller() -> str:
    """The script that the page tells to put there."""
    found = re.search(r"^ *(#!/bin/sh\n *exec sh .*envhooks/pre-receive.*)$", PAGE, re.M)
    assert found
    return re.sub(r"^ +", "", found.group(1), flags=re.M) + "\n"


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def gitea(server: Repo) -> tuple[str, ...]:
    script(server.path / "hooks/pre-receive", DELEGATE)
    script(server.path / "hooks/pre-receive.d/envhooks", caller())
    return ()


def gitlab(server: Repo) -> tuple[str, ...]:
    own = server.path.parent / "gitaly"
    script(own / "pre-receive", GITALY)
    script(server.path / "custom_hooks/pre-receive", caller())
    return (f"--receive-pack=git -c core.hooksPath={own} receive-pack",)


def kept(server: Repo) -> dict[str, tuple[int, bytes]]:
    """Every file of the server but those that a tag which comes and goes leaves changed in reftable."""
    return {name: value for name, value in snapshot(server.path).items() if not name.startswith("reftable/")}


@pytest.mark.parametrize("lay_out", [gitea, gitlab])
def test_the_hosts_own_file_stays_and_the_hook_stands(
    lay_out: object, good: Repo, server: Repo, tmp_path: Path
) -> None:
    assert callable(lay_out)
    options = lay_out(server)
    before = kept(server)
    done = server.envhooks("install", "--server", "--branch", "main", check=True)
    assert "pre-receive to" not in done.out
    after = kept(server)
    assert {name: after[name] for name in before if name != "config"} == {
        name: data for name, data in before.items() if name != "config"
    }
    judge = Judge(server, tmp_path)

    def push(tag: str) -> Done:
        good.git("tag", "-f", tag)
        return good.try_git("push", *options, "origin", tag)

    assert push("BAD").code != 0
    assert judge.count("hook pre-receive") == 1
    assert push("v1").code == 0
    assert judge.count("hook pre-receive") == 1
    shown = server.envhooks("doctor").out
    assert "NOT WIRED" not in shown.replace("\n", "")
    assert ("a hook of your own" in shown) is not HAS_CONFIG_HOOKS
    server.git("update-ref", "-d", "refs/tags/v1")
    server.envhooks("uninstall", check=True)
    restored = kept(server)
    assert {name: restored[name] for name in before} == before


def test_a_hook_that_nothing_runs_is_no_hook(server: Repo) -> None:
    script(server.path / "hooks/pre-receive.d/envhooks", caller())
    server.envhooks("install", "--server", "--branch", "main", check=True)
    assert b"Hook file of envhooks" in (server.path / "hooks/pre-receive").read_bytes()
