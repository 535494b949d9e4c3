"""A hook that has nothing to judge reads what it is given all the same: what hands it a push takes it for a failure."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import Repo, first_on_path

from envhooks.hooks.copies import script_folder

_TAG = b"refs/tags/x " + b"1" * 40 + b" refs/tags/x " + b"0" * 40 + b"\n"


@pytest.mark.parametrize(
    "why", ["the config hook judges", "no policy here", "the config hook says what is gone"]
)
def test_a_push_that_is_not_judged_is_read(why: str, good: Repo, tmp_path: Path) -> None:
    home = tmp_path / ".git" / "hooks"
    home.mkdir(parents=True)
    if why.endswith("gone"):
        text = (script_folder() / "hook-file.sh").read_text()
        (home / "pre-push").write_text(text.replace("@event@", "pre-push"))
    else:
        for name in ("pre-push", "judge.sh"):
            (home / name).write_bytes((script_folder() / name).read_bytes())
        (home / ("config-hooks" if why.startswith("the") else "everywhere")).touch()
    git = '#!/bin/sh\n[ "$1 $2" != "hook list" ] || echo envhooks-pre-push\nexit 1\n'
    environ = first_on_path(good.environ, tmp_path / "tools", {"git": git})
    with subprocess.Popen(
        ["sh", home / "pre-push", "origin", "x"], stdin=subprocess.PIPE, env=environ
    ) as hook:
        assert hook.stdin is not None
        hook.stdin.write(_TAG + b"x\n" * 500_000)  # more than a pipe holds
        hook.stdin.close()
    assert hook.returncode == 0
