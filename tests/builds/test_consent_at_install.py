"""To install the hooks is no word about what a build runs: that is seen and allowed by `envhooks builds --allow`."""

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


def test_install_allows_nothing_and_says_what_does(good: Repo) -> None:
    root(good)
    done = good.envhooks("install", check=True)
    assert "its build image would run here after a push" in done.out and "envhooks builds --allow" in done.out
    assert not consent(good)
    allowed = good.envhooks("builds", "--allow", check=True)
    assert "build image (using command)" in allowed.err and "registry.example.com/team" in allowed.err
    assert consent(good)
    assert "builds --allow" not in good.envhooks("install", check=True).out


def test_pre_commit_and_a_dry_run_allow_nothing_and_say_nothing(good: Repo) -> None:
    root(good)
    for arguments in (["--from-pre-commit"], ["--dry-run"]):
        done = good.envhooks("install", *arguments, check=True)
        assert not consent(good) and "builds --allow" not in done.said


def test_an_image_that_goes_elsewhere_is_asked_for_again_with_the_difference(good: Repo) -> None:
    root(good)
    good.envhooks("builds", "--allow", check=True)
    before = consent(good)
    root(good, POLICY.replace("team", "elsewhere"))
    assert "builds --allow" in good.envhooks("install", check=True).out
    assert consent(good) == before
    done = good.envhooks("builds", "--allow", check=True)
    assert '- image = "registry.example.com/team/{framework:lower}"' in done.err
    assert '+ image = "registry.example.com/elsewhere/{framework:lower}"' in done.err
    assert consent(good) != before


def test_without_builds_there_is_nothing_to_allow(good: Repo) -> None:
    assert "allow" not in good.envhooks("install", check=True).out
    assert not consent(good)
