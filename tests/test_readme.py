"""The README's commands, run from the first to the last in a repository that knew nothing of envhooks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from support import DOCKERFILE, Done, Repo, run

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (envhooks [^#\n]*?)(?: +#.*)?$", README, re.M)
RC, STABLE, OLD = "PyTorch-CUDA-v2.8-rc1", "PyTorch-CUDA-v2.8", "PyTorch-CUDA-v2.7"


@pytest.fixture
def bare(tmp_path: Path, environ: dict[str, str]) -> tuple[Repo, Repo]:
    """A clone and its server, of a team that has a Dockerfile, a changelog, one release, and no policy."""
    run(["git", "init", "-q", "--bare", "server.git"], tmp_path, environ, check=True)
    run(["git", "init", "-q", "clone"], tmp_path, environ, check=True)
    clone = Repo(tmp_path / "clone", environ)
    old = DOCKERFILE.replace("2.8.0", "2.7.1").replace("0.23.0", "0.22.1")
    clone.commit_files(
        {"Dockerfile": old, "CHANGELOG.md": "# Changelog\n\n## 2.7 - 2026-01-02\n\nPyTorch 2.7.1.\n"}
    )
    clone.git("tag", "-s", "-m", "PyTorch 2.7.1", OLD)
    clone.git("remote", "add", "origin", "../server.git")
    clone.git("push", "-q", "-u", "origin", "main", OLD)
    clone.commit_files({"Dockerfile": DOCKERFILE})
    return clone, Repo(tmp_path / "server.git", environ)


@pytest.mark.usefixtures("on_the_path")
def test_a_team_gets_from_nothing_to_a_release_by_the_readme_alone(bare: tuple[Repo, Repo]) -> None:
    clone, server = bare
    left = [shlex.split(command)[1:] for command in COMMANDS]

    def typed(*words: str, at: Repo = clone) -> Done:
        command = next(command for command in left if command[: len(words)] == [*words])
        left.remove(command)
        return at.envhooks(*command)

    assert typed("init").code == 0
    clone.git("add", ".envhooks")
    clone.git("commit", "-q", "-m", "A policy for releases")
    clone.git("push", "-q", "origin", "main")
    server_hooks = typed("install", "--server", at=server)
    assert server_hooks.code == 0, server_hooks.said
    assert typed("install").code == 0
    healthy = typed("doctor")
    assert healthy.code == 0, healthy.said

    refused = clone.try_git("tag", "-a", "-m", "First candidate", RC)
    assert refused.code != 0 and "[tag-signed]" in refused.err and "[changelog-entry]" in refused.err
    assert not clone.has_tag(RC)

    drafted = typed("changelog")
    assert drafted.code == 0, drafted.said
    clone.git("push", "-q", "origin", "main")
    before = typed("check", "--as")
    assert before.code == 0 and "good" in before.out, before.said
    made = typed("tag")
    assert made.code == 0 and server.has_tag(RC), made.said

    assert typed("explain").code == 0
    listed = typed("list")
    assert listed.code == 0, listed.said
    assert clone.envhooks("changelog", STABLE, "--commit").code == 0
    assert clone.envhooks("tag", STABLE, "--push").code == 0
    compared = typed("diff")
    assert compared.code == 0 and "2.7.1" in compared.out and "2.8.0" in compared.out
    policy = clone.path / ".envhooks" / "policy.toml"
    policy.write_text(policy.read_text() + '\n[deploy.production]\nstages = ["stable"]\n')
    clone.git("commit", "-qam", "What may run in production")
    clone.git("push", "-q", "origin", "main")
    asked = typed("gate")
    assert asked.code == 0 and "judged by its tag alone" in asked.out, asked.said
    assert clone.envhooks("gate", RC, "--for", "production").code == 1
    assert left == [], "each command of the README is run here"
