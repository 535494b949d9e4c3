"""Where a token may come from, and that it never shows."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from support import Repo

from envhooks.base.errors import CannotJudge
from envhooks.builds.secrets import Secret, redact, token

URL = "https://github.com/team/environments"


def configure(tmp_path: Path, environ: dict[str, str], helper: str) -> dict[str, str]:
    config = tmp_path / "gitconfig"
    config.write_text(f"[credential]\n\thelper = {helper}\n\tuseHttpPath = true\n")
    return {**environ, "GIT_CONFIG_GLOBAL": str(config)}


def test_the_variable_goes_before_git(tmp_path: Path, environ: dict[str, str]) -> None:
    env = configure(tmp_path, environ, '"!f() { echo username=u; echo password=from-git; }; f"')
    assert token("TOKEN", [URL], {**env, "TOKEN": "from-variable\n"}) == Secret("$TOKEN", "from-variable")
    assert token("TOKEN", [URL], env) == Secret("git credential", "from-git")
    assert token("", [URL], env).value == "from-git"


def test_git_is_asked_for_the_repository(tmp_path: Path, environ: dict[str, str]) -> None:
    seen = tmp_path / "seen"
    env = configure(tmp_path, environ, f'"!f() {{ cat > {seen}; echo username=u; echo password=p; }}; f"')
    token("", ["https://ghe.example.org:8443/team/x"], env)
    assert {"protocol=https", "host=ghe.example.org:8443", "path=team/x"} <= set(seen.read_text().split("\n"))


def test_nobody_is_asked(tmp_path: Path, environ: dict[str, str]) -> None:
    asked = tmp_path / "asked"
    program = tmp_path / "askpass"
    program.write_text(f"#!/bin/sh\ntouch {asked}\necho typed\n")
    program.chmod(0o755)
    env = configure(tmp_path, environ, "")
    config = Path(env["GIT_CONFIG_GLOBAL"])
    config.write_text(config.read_text() + f"[core]\n\taskPass = {program}\n")
    env |= {
        "GIT_ASKPASS": str(program),
        "SSH_ASKPASS": str(program),
        "GIT_TERMINAL_PROMPT": "1",
        "DISPLAY": ":0",
    }
    with pytest.raises(
        CannotJudge, match="TOKEN is not set, and git's credential helpers know none"
    ) as found:
        token("TOKEN", [URL], env)
    assert found.value.fix == "export TOKEN=..." and not asked.exists()


def test_a_helper_that_a_repository_brings_along_is_not_asked(
    good: Repo, tmp_path: Path, environ: dict[str, str]
) -> None:
    good.commit_files(
        {".gitconfig": '[credential]\n\thelper = "!f() { echo username=u; echo password=stolen; }; f"\n'}
    )
    with pytest.raises(CannotJudge):
        token("", [URL], configure(tmp_path, environ, ""))


def test_a_secret_does_not_show() -> None:
    secret = Secret("$TOKEN", "top/secret")
    assert "top" not in f"{secret} {secret!r}"
    assert redact("a top/secret b top%2Fsecret", [secret]) == "a $TOKEN b $TOKEN"
    try:
        raise CannotJudge(f"no luck with {secret}")
    except CannotJudge:
        assert "top" not in traceback.format_exc()
