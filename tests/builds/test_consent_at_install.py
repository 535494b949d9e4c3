"""A typed `envhooks install` is a person's word; the one that pre-commit runs is not."""

from __future__ import annotations

from support import Repo

POLICY = """\
[image]
name = "registry.example.com/team/{framework:lower}"

[[build]]
name = "image"
using = "command"
command = ["true", "{tag}"]
"""


def root(repo: Repo, text: str = POLICY) -> None:
    repo.commit_files({".envhooks/policy.toml": text})
    repo.git("push", "-q", "origin", "main")


def consent(repo: Repo) -> str:
    return repo.git("config", "--local", "--get", "envhooks.allow.image.digest", check=None)


def test_a_typed_install_shows_and_allows_what_will_run(good: Repo) -> None:
    root(good)
    done = good.envhooks("install", check=True)
    assert "build image (using command)" in done.out
    assert "registry.example.com/team" in done.out
    assert consent(good)
    assert "build image" not in good.envhooks("install", check=True).out, "said once"


def test_pre_commit_consents_for_nobody(good: Repo) -> None:
    root(good)
    for arguments in (["--from-pre-commit"], ["--dry-run"]):
        good.envhooks("install", *arguments, check=True)
        assert not consent(good)


def test_an_image_that_goes_elsewhere_is_asked_for_again(good: Repo) -> None:
    root(good)
    good.envhooks("install", check=True)
    before = consent(good)
    root(good, POLICY.replace("team", "elsewhere"))
    done = good.envhooks("install", check=True)
    assert "elsewhere" in done.out
    assert consent(good) != before


def test_without_builds_there_is_nothing_to_allow(good: Repo) -> None:
    assert "allowed" not in good.envhooks("install", check=True).out
    assert not consent(good)
