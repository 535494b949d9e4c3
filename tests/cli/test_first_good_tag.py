"""Commands and refusals from an existing repository to its first good tag: by git alone, and by envhooks tag."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import DOCKERFILE, GOOD_TAG, Done, Repo, run

LOG = "# Changelog\n\n## [Unreleased]\n\n## [2.7] - 2026-05-01\n\n### Changed\n\n- PyTorch 2.7.1.\n"


@dataclass
class Typed:
    """A person at a shell: the commands that were typed, and those that were refused."""

    repo: Repo
    commands: int = 0
    refusals: int = 0
    said: list[str] = field(default_factory=list)

    def do(self, command: str) -> Done:
        done = run(["sh", "-c", command], self.repo.path, self.repo.environ)
        self.commands += 1
        self.refusals += done.code != 0
        self.said.append(f"$ {command}\n{done.said}")
        return done


@pytest.fixture(params=["ssh", "openpgp"])
def typed(request: pytest.FixtureRequest, tmp_path: Path, environ: dict[str, str]) -> Iterator[Typed]:
    """A clone with a Dockerfile, a changelog, old tags and a remote, and a git that can sign."""
    environ = {**environ, "PATH": f"{Path(sys.executable).parent}:{environ['PATH']}"}
    if request.param == "openpgp":
        home = tmp_path / "gnupg"
        home.mkdir(mode=0o700)
        environ["GNUPGHOME"] = str(home)
        gpg = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
        who = "Alice <alice@example.org>"
        run([*gpg, "--quick-generate-key", who, "ed25519", "sign", "1y"], tmp_path, environ, check=True)
    run(["git", "init", "-q", "--bare", "hub.git"], tmp_path, environ, check=True)
    run(["git", "init", "-q", "project"], tmp_path, environ, check=True)
    repo = Repo(tmp_path / "project", environ)
    if request.param == "openpgp":
        listed = run(["gpg", "--list-keys", "--with-colons"], tmp_path, environ, check=True).out
        key = next(line.split(":")[9] for line in listed.split("\n") if line.startswith("fpr"))
        repo.git("config", "gpg.format", "openpgp")
        repo.git("config", "user.signingkey", key)
    repo.commit_files({"Dockerfile": DOCKERFILE, "CHANGELOG.md": LOG, "README.md": "Environments\n"})
    for tag in ("PyTorch-CUDA-v2.6", "PyTorch-CUDA-v2.7"):
        repo.git("tag", tag)
    repo.git("remote", "add", "origin", "../hub.git")
    repo.git("push", "-q", "-u", "origin", "main", "--tags")
    repo.commit_files({"README.md": "Environments, with PyTorch 2.8\n"}, "Say what is new")
    repo.git("push", "-q", "origin", "main")
    yield Typed(repo)
    if request.param == "openpgp":
        run(["gpgconf", "--kill", "all"], tmp_path, environ)


def good_and_pushed(typed: Typed) -> None:
    hub = Repo(typed.repo.path.parent / "hub.git", typed.repo.environ)
    assert hub.has_tag(GOOD_TAG), typed.said
    assert typed.repo.envhooks("check", GOOD_TAG).code == 0


def test_three_commands_and_no_refusal(typed: Typed) -> None:
    typed.do("envhooks init --yes")
    typed.do(f"envhooks changelog {GOOD_TAG} --commit")
    typed.do("envhooks tag --stage rc --push")
    assert (typed.commands, typed.refusals) == (3, 0), "\n".join(typed.said)
    good_and_pushed(typed)


def test_by_git_alone_it_takes_what_the_refusals_teach(typed: Typed) -> None:
    """What a newcomer types who knows git and follows what is printed, before there was `envhooks tag`."""
    for command in (
        "envhooks init",
        "git add .envhooks",
        "git commit -q -m 'Say who may release what'",
        "git push -q origin main",
        "envhooks install",
        f"git tag {GOOD_TAG}",
        f"git tag -a -m 'PyTorch 2.8' {GOOD_TAG}",
    ):
        done = typed.do(command)
    assert typed.refusals == 2
    entry = re.search(r"fix: +(at=.*)", done.said)
    assert entry is not None, done.said
    for command in (
        entry[1],
        "git add CHANGELOG.md",
        "git commit -q -m 'Changelog'",
        f"git tag -s -m 'PyTorch 2.8' {GOOD_TAG}",
        f"git push -q origin {GOOD_TAG}",
        f"git push -q --atomic origin main {GOOD_TAG}",
    ):
        typed.do(command)
    assert (typed.commands, typed.refusals) == (13, 3), "\n".join(typed.said)
    good_and_pushed(typed)
