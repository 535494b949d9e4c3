"""The tag of a CI run, by each CI's own variables."""

from __future__ import annotations

import pytest

from envhooks.judge.ci import SYSTEMS, tag_of_run

NAME = "PyTorch-CUDA-v2.8-rc1"
REF = f"refs/tags/{NAME}"
# As the documentation of each CI says, for a run that a tag started and for one that a branch did.
RUNS: list[tuple[str, dict[str, str], dict[str, str]]] = [
    (
        "GitHub Actions",
        {"GITHUB_ACTIONS": "true", "GITHUB_REF": REF, "GITHUB_REF_NAME": NAME, "GITHUB_REF_TYPE": "tag"},
        {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/main", "GITHUB_REF_TYPE": "branch"},
    ),
    (
        "GitLab",
        {"CI": "true", "GITLAB_CI": "true", "CI_COMMIT_TAG": NAME, "CI_COMMIT_REF_NAME": NAME},
        {"CI": "true", "GITLAB_CI": "true", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main"},
    ),
    (
        "Jenkins",
        {"JENKINS_URL": "https://j", "TAG_NAME": NAME, "BRANCH_NAME": NAME, "BUILD_TAG": "jenkins-x-1"},
        {
            "JENKINS_URL": "https://j",
            "BRANCH_NAME": "main",
            "GIT_BRANCH": "origin/main",
            "BUILD_TAG": "jenkins-x-1",
        },
    ),
    ("Jenkins", {"JENKINS_URL": "https://j", "GIT_BRANCH": REF}, {"JENKINS_URL": "https://j"}),
    (
        "CircleCI",
        {"CIRCLECI": "true", "CIRCLE_TAG": NAME},
        {"CIRCLECI": "true", "CIRCLE_BRANCH": "main"},
    ),
    (
        "Azure Pipelines",
        {"TF_BUILD": "True", "BUILD_SOURCEBRANCH": REF, "BUILD_SOURCEBRANCHNAME": NAME},
        {"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/heads/main", "BUILD_SOURCEBRANCHNAME": "main"},
    ),
    (
        "Buildkite",
        {"BUILDKITE": "true", "BUILDKITE_TAG": NAME, "BUILDKITE_BRANCH": NAME},
        {"BUILDKITE": "true", "BUILDKITE_TAG": "", "BUILDKITE_BRANCH": "main"},
    ),
    (
        "Woodpecker",
        {"CI": "woodpecker", "CI_COMMIT_TAG": NAME, "CI_COMMIT_REF": REF, "CI_PIPELINE_EVENT": "tag"},
        {
            "CI": "woodpecker",
            "CI_COMMIT_TAG": "",
            "CI_COMMIT_REF": "refs/heads/main",
            "CI_PIPELINE_EVENT": "push",
        },
    ),
]


@pytest.mark.parametrize(("name", "on_tag", "on_branch"), RUNS)
def test_each_ci(name: str, on_tag: dict[str, str], on_branch: dict[str, str]) -> None:
    assert [system.name for system in SYSTEMS if system.is_running(on_tag)] == [name]
    assert tag_of_run(on_tag) == REF
    assert tag_of_run(on_branch) is None


def test_every_ci_is_in_the_table() -> None:
    assert {name for name, *_ in RUNS} == {system.name for system in SYSTEMS}


@pytest.mark.parametrize(("name", "on_tag", "on_branch"), RUNS)
def test_a_variable_of_the_jobs_own_does_not_speak_for_the_ci(
    name: str, on_tag: dict[str, str], on_branch: dict[str, str]
) -> None:
    own = "CIRCLE_TAG" if name != "CircleCI" else "BUILDKITE_TAG"
    assert tag_of_run({**on_branch, own: "another"}) is None
    assert tag_of_run({**on_tag, own: "another"}) == REF


def test_outside_of_any_known_ci_each_variable_speaks() -> None:
    assert tag_of_run({}) is None
    assert tag_of_run({"CI": "true"}) is None
    assert tag_of_run({"CI_COMMIT_TAG": NAME}) == REF
    assert tag_of_run({"TAG_NAME": REF}) == REF
    assert tag_of_run({"GITHUB_REF": "refs/heads/main"}) is None
    assert tag_of_run({"GITHUB_REF": "refs/tags/"}) is None
