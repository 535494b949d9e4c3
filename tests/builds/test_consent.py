"""What runs after a push runs only as the clone's owner allowed it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from support import Repo

from envhooks.base.dataclass import replace
from envhooks.base.errors import PolicyError
from envhooks.builds import consent
from envhooks.git.repository import Git
from envhooks.policy import BuildPolicy

BUILD = BuildPolicy("image", "command", remotes=("origin",), options={"command": ["/opt/build", "{own}"]})


def test_nothing_is_allowed_until_it_is(good: Repo) -> None:
    with Git(good.path, good.environ) as git:
        assert not consent.allowed(git, BUILD)
        refusal = consent.why_not(git, BUILD)
        assert refusal is not None and "was never allowed in this clone" in refusal.message
        assert refusal.fix == "envhooks builds --allow"
        consent.allow(git, BUILD)
        assert consent.allowed(git, BUILD) and consent.why_not(git, BUILD) is None
        assert consent.difference(git, BUILD) == ()
    assert good.git("config", "--local", "envhooks.allow.image.digest") == consent.digest(BUILD)


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"command": ["/opt/build", "{own}", "--push"]}},
        {"options": {**BUILD.options, "timeout": 5}},
        {"using": "local"},
        {"on": "server"},
        {"remotes": ()},
        {"remotes": ("origin", "mirror")},
        {"stages": ("stable",)},
        {"name": "Image"},
    ],
)
def test_a_section_that_changed_waits_until_it_is_allowed_again(good: Repo, change: dict[str, Any]) -> None:
    changed = replace(BUILD, **change)
    with Git(good.path, good.environ) as git:
        consent.allow(git, BUILD)
        assert not consent.allowed(git, changed)
        refusal = consent.why_not(git, changed)
        assert refusal is not None and "allowed in this clone" in refusal.message
        # by another name it is another section, of which nothing was ever allowed
        assert bool(consent.difference(git, changed)) is (changed.name == BUILD.name)
        assert consent.allowed(git, BUILD)


def test_the_difference_is_shown(good: Repo) -> None:
    changed = replace(BUILD, options={"command": ["/opt/evil\u202e"], "timeout": 5}, stages=("stable",))
    with Git(good.path, good.environ) as git:
        consent.allow(git, BUILD)
        said = consent.difference(git, changed)
        assert '- command = ["/opt/build", "{own}"]' in said and "+ timeout = 5" in said
        assert "- stages = []" in said and '+ stages = ["stable"]' in said
        assert not any("\u202e" in line for line in said)
        consent.allow(git, changed)
        assert consent.allowed(git, changed) and not consent.allowed(git, BUILD)


def test_the_work_tree_and_the_user_s_other_files_allow_nothing(good: Repo) -> None:
    good.commit_files({".gitconfig": f'[envhooks "allow.image"]\n\tdigest = {consent.digest(BUILD)}\n'})
    good.git("config", "include.path", "../.gitconfig")
    assert good.git("config", "envhooks.allow.image.digest") == consent.digest(BUILD)
    with Git(good.path, good.environ) as git:
        assert not consent.allowed(git, BUILD)
    count = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "envhooks.allow.image.digest"}
    environ = {**good.environ, **count, "GIT_CONFIG_VALUE_0": consent.digest(BUILD)}
    with Git(good.path, environ) as git:
        assert not consent.allowed(git, BUILD)


@pytest.mark.parametrize("name", ["image", "Image", "my_image", "a.b-c.1", "9"])
def test_every_legal_name_of_a_build_can_be_allowed(good: Repo, name: str) -> None:
    build = replace(BUILD, name=name)
    with Git(good.path, good.environ) as git:
        consent.allow(git, build)
        assert consent.allowed(git, build)
        assert consent.forget(git, build) and not consent.allowed(git, build)
        assert not consent.forget(git, build)


def test_a_linked_work_tree_is_the_same_clone(good: Repo) -> None:
    good.git("worktree", "add", "-q", "../linked", "-b", "side")
    with Git(good.path.parent / "linked", good.environ) as git:
        consent.allow(git, BUILD)
    with Git(good.path, good.environ) as git:
        assert consent.allowed(git, BUILD)


def test_allowing_twice_leaves_one_answer(good: Repo) -> None:
    with Git(good.path, good.environ) as git:
        consent.allow(git, BUILD)
        consent.allow(git, BUILD)
    assert good.git("config", "--get-all", "envhooks.allow.image.digest") == consent.digest(BUILD)


def test_the_digest_goes_by_what_is_said_not_by_its_order() -> None:
    one = replace(BUILD, options={"a": 1, "b": {"c": [1], "d": "x"}})
    other = replace(BUILD, options={"b": {"d": "x", "c": [1]}, "a": 1})
    assert consent.digest(one) == consent.digest(other)
    assert consent.digest(one) != consent.digest(replace(one, options={**one.options, "a": "1"}))
    day = datetime.date(2026, 11, 1)
    assert consent.digest(replace(BUILD, options={"a": day})) != consent.digest(
        replace(BUILD, options={"a": day.isoformat()})
    )


def test_what_a_person_is_shown() -> None:
    said = consent.describe(replace(BUILD, stages=("stable",)))
    assert said[0] == "build image (using command), after your push, to origin, for stable:"
    assert "runs /opt/build '{own}'" in said[1]
    hook = replace(BUILD, using="webhook", options={"url": "https://ci.example.org/x", "secret": "HOOK"})
    assert any("https://ci.example.org/x" in line for line in consent.describe(hook))
    assert any("$HOOK" in line for line in consent.describe(hook))
    consent.describe(replace(BUILD, using="local", options={"submodules": "ignore"}))


def test_what_cannot_be_described_cannot_be_allowed(good: Repo) -> None:
    with Git(good.path, good.environ) as git:
        for build in (replace(BUILD, using="docker"), replace(BUILD, options={"command": ["./x"]})):
            with pytest.raises(PolicyError):
                consent.allow(git, build)
            assert not consent.allowed(git, build)
