"""`[image] stamp` and `aliases = ["semver"]`: variables that an image carries, and names that strict readers order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envhooks.base.errors import PolicyError
from envhooks.builds.further import semver
from envhooks.builds.plan import Facts, plan_builds
from envhooks.builds.stamping import missing_lines
from envhooks.policy.reader import parse_policy
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar

POLICY = """\
[image]
name = "registry.example.com/team/{framework:lower}-{hardware:lower}"
aliases = ["semver"]
stamp = true

[[build]]
name = "image"
using = "local"
engine = "buildah"
"""
FACTS = Facts("a" * 40, "b" * 40, 1_780_000_000, "Dockerfile")


def plan(tag: str, *others: str, policy: str = POLICY) -> Any:
    return plan_builds(
        parse_policy(policy.encode(), "policy.toml"),
        tag,
        FACTS,
        {tag, *others},
        remote_url="https://example.com/x",
    )[0]


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("PyTorch-CUDA-v2.8-rc1", "2.8.0-rc.1"),
        ("PyTorch-CUDA-v2.8-rc10", "2.8.0-rc.10"),
        ("PyTorch-CUDA-v2.8.1-alpha2", "2.8.1-alpha.2"),
        ("PyTorch-CUDA-v2.8", "2.8.0"),
        ("PyTorch-CUDA-v2.8.1", "2.8.1"),
        ("PyTorch-CUDA-v2.8-post1", ""),
        ("PyTorch-CUDA-v2.8.1.2", ""),
    ],
)
def test_a_version_in_the_form_of_semver(tag: str, text: str) -> None:
    name = Grammar(DEFAULT_TAG_POLICY).match(tag)
    assert name is not None and semver(name) == text


def test_the_further_name_is_owned_as_the_first_is() -> None:
    image = "registry.example.com/team/pytorch-cuda"
    found = plan("PyTorch-CUDA-v2.8-rc1")
    assert found.also == (f"{image}:2.8.0-rc.1",)
    assert found.images == (f"{image}:2.8-rc1", f"{image}:2.8.0-rc.1")
    assert plan("PyTorch-CUDA-v2.8.1").also == ()  # the first name is its semantic version
    assert any("has no semantic version" in note for note in plan("PyTorch-CUDA-v2.8-post1").notes)
    assert plan("PyTorch-CUDA-v2.8", policy=POLICY.replace('aliases = ["semver"]\n', "")).also == ()


def test_a_name_that_another_tag_owns_is_left_alone() -> None:
    found = plan("PyTorch-CUDA-v2.8", "PyTorch-CUDA-v2.8.0")
    assert found.also == ()
    assert any("PyTorch-CUDA-v2.8.0 owns it" in note for note in found.notes)


def with_tags(*templates: str) -> str:
    return POLICY.replace('aliases = ["semver"]', f"tags = {json.dumps(templates)}")


@pytest.mark.parametrize(
    ("tag", "template", "texts"),
    [
        ("PyTorch-CUDA12.8-v2.8-rc1", "{version}[-{stage}]-cuda{cuda}", ["2.8-rc1-cuda12.8"]),
        ("PyTorch-CUDA-v2.8", "{version}[-{stage}][-cuda{cuda}]", []),  # the very name that it owns
        ("PyTorch-CUDA-v2.8", "{framework:lower}-{version}[-{stage}]", ["pytorch-2.8"]),
        ("PyTorch-CUDA-v2.8", "{tag:lower}", ["pytorch-cuda-v2.8"]),
        ("PyTorch-CUDA-v2.8.1-post1", "v{version}[-{stage}]-rebuilt", ["v2.8.1-post1-rebuilt"]),
    ],
)
def test_further_tags_by_templates(tag: str, template: str, texts: list[str]) -> None:
    found = plan(tag, policy=with_tags(template))
    image = found.image
    assert found.also == tuple(f"{image}:{text}" for text in texts)


@pytest.mark.parametrize(
    ("tag", "template", "why"),
    [
        ("PyTorch-CUDA-v2.8-rc1", "{version}", "2.8 is left alone: it does not hold `2.8-rc1`"),
        ("PyTorch-CUDA-v2.8-rc1", "{version}-cuda", "2.8-cuda is left alone: it does not hold `2.8-rc1`"),
        ("PyTorch-CUDA-v2.8", "{version}-rc1", "2.8-rc1 is left alone: another release may own it"),
        ("PyTorch-CUDA-v2.8", "{version}.1", "2.8.1 is left alone: it does not hold `2.8`"),
        ("PyTorch-CUDA-v2.8", "1{version}-x", "12.8-x is left alone: it does not hold `2.8`"),
        ("PyTorch-CUDA-v2.8", "{version}-py{python}", "carries no python"),
        ("PyTorch-CUDA-v2.8", "-{version}-x", "-2.8-x is left alone: no registry takes it"),
    ],
)
def test_a_further_tag_that_could_be_another_release_s_is_left_alone(
    tag: str, template: str, why: str
) -> None:
    found = plan(tag, policy=with_tags(template))
    assert found.also == ()
    assert any(why in note for note in found.notes), found.notes


def test_a_further_tag_that_two_releases_would_have_is_neither_s() -> None:
    """By semantic version `2.8` and `2.8.0` are one; whichever is built first must not take the name."""
    for tag, other in (
        ("PyTorch-CUDA-v2.8", "PyTorch-CUDA-v2.8.0"),
        ("PyTorch-CUDA-v2.8.0", "PyTorch-CUDA-v2.8"),
    ):
        found = plan(tag, other)
        assert found.also == ()
    twice = with_tags("{tag:lower}", "{framework:lower}-{hardware:lower}-v{version}[-{stage}]")
    assert len(plan("PyTorch-CUDA-v2.8", "PyTorch-CUDA-v2.8-rc1", policy=twice).also) == 1


def test_the_stamp_names_tag_commit_and_object() -> None:
    found = dict(plan("PyTorch-CUDA-v2.8-rc1").stamp)
    assert (found["ENVHOOKS_TAG"], found["ENVHOOKS_COMMIT"]) == ("PyTorch-CUDA-v2.8-rc1", "b" * 40)
    assert json.loads(found["MLFLOW_RUN_CONTEXT"])["envhooks.tag_object"] == "a" * 40
    assert plan("PyTorch-CUDA-v2.8", policy=POLICY.replace("stamp = true\n", "")).stamp == ()


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ('aliases = ["calver"]', "semver"),
        ("stamp = 1", "true or false"),
        ("stmp = true", "no key"),
        ("aliases = []", "empty"),
        ('tags = ["{versoin}"]', "did you mean"),
        ('tags = ["stable"]', "every release"),
        ('tags = ["{version}/x"]', "cannot be an image tag"),
        ("tags = []", "empty"),
        (f"tags = {json.dumps(['{version}-' + 'a' * n for n in range(1, 12)])}", "may have 10"),
    ],
)
def test_a_key_that_cannot_be_meant(keys: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        parse_policy(f'[image]\nname = "example.com/x"\n{keys}\n'.encode(), "policy.toml")
    with pytest.raises(PolicyError):
        parse_policy(b"[image]\nstamp = true\n", "policy.toml")


def test_the_lines_that_docker_needs() -> None:
    lines = missing_lines("FROM scratch\nARG ENVHOOKS_TAG\nENV ENVHOOKS_TAG=$ENVHOOKS_TAG\n")
    assert len(lines) == 6 and not any("ENVHOOKS_TAG " in f"{line} " for line in lines)
    assert (
        missing_lines(
            "FROM scratch\n" + "\n".join(lines) + "\nARG ENVHOOKS_TAG\nENV ENVHOOKS_TAG=$ENVHOOKS_TAG"
        )
        == ()
    )
    # several on one line, and a line that goes on
    names = ("ENVHOOKS_TAG", "ENVHOOKS_COMMIT", "ENVHOOKS_TAG_OBJECT", "MLFLOW_RUN_CONTEXT")
    text = f"ARG {' '.join(names)}\nENV " + " \\\n    ".join(f"{name}=${name}" for name in names)
    assert missing_lines(text) == ()
    assert missing_lines("# ARG ENVHOOKS_TAG\n") == missing_lines("")
