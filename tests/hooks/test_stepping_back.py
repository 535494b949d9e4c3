"""A hook that has nothing to judge reads what it is given all the same: what hands it a push takes it for a failure."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import Repo, first_on_path


@pytest.mark.parametrize("why", ["the config hook judges", "no policy here"])
def test_a_push_that_is_not_judged_is_read(why: str, good: Repo, tmp_path: Path) -> None:
    home = tmp_path / "envhooks"
    home.mkdir()
    for name in ("pre-push", "judge.sh"):
        (home / name).write_bytes((Path(__file__).parents[2] / "hooks" / name).read_bytes())
    (home / ("config-hooks" if why.startswith("the") else "everywhere")).touch()
    git = '#!/bin/sh\n[ "$1 $2" != "hook list" ] || echo envhooks-pre-push\nexit 1\n'
    environ = first_on_path(good.environ, tmp_path / "tools", {"git": git})
    with subprocess.Popen(
        ["sh", home / "pre-push", "origin", "x"], stdin=subprocess.PIPE, env=environ
    ) as hook:
        assert hook.stdin is not None
        hook.stdin.write(b"x\n" * 500_000)  # more than a pipe holds
        hook.stdin.close()
    assert hook.returncode == 0
