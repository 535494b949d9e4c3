"""Switches of single checks, and facts that a policy adds."""

from __future__ import annotations

import pytest
from support import DOCKERFILE, GOOD_TAG, Done, Repo

from envhooks.base.errors import PolicyError
from envhooks.policy.reader import parse_policy


def judged(repo: Repo, policy: str, dockerfile: str = DOCKERFILE) -> Done:
    repo.commit_files({".envhooks/policy.toml": policy, "Dockerfile": dockerfile})
    repo.git("push", "-q", "-f", "origin", "main")
    repo.git("tag", "-f", "-s", "-m", "x", GOOD_TAG)
    return repo.envhooks("check", GOOD_TAG)


def test_a_base_image_by_digest_on_request(good: Repo) -> None:
    policy = "[checks]\ndockerfile-pinned = { base-digest = true }\n"
    done = judged(good, policy)
    assert done.code == 1
    assert "by its digest" in done.out
    pinned = DOCKERFILE.replace("ubuntu24.04", f"ubuntu24.04@sha256:{'a' * 64}")
    assert judged(good, policy, pinned).code == 0


def test_a_framework_that_no_file_states_is_refused_unless_the_policy_says_why_not(good: Repo) -> None:
    hidden = DOCKERFILE.replace("torch==2.8.0+cu128", "torch==$(cat version)")
    done = judged(good, "", hidden)
    assert done.code == 1
    assert "cannot tell which version of PyTorch" in done.out
    allowed = '[checks]\ndockerfile-matches = { allow-cannot-tell = true, reason = "computed" }\n'
    done = judged(good, allowed, hidden)
    assert "warning [dockerfile-matches]" in done.out


def test_a_policy_extends_and_overrides_the_published_facts(good: Repo) -> None:
    new = DOCKERFILE.replace("torchvision==0.23.0+cu128", "torchvision==0.19.0+cu128")
    done = judged(good, "", new)
    assert done.code == 1
    assert "[dockerfile-compatible]" in done.out
    own = '[[compat.torch]]\nversion = "2.8.0"\ntorchvision = ["0.19.0", "0.23.0"]\n'
    assert "[dockerfile-compatible]" not in judged(good, own, new).out


@pytest.mark.parametrize(
    "policy",
    [
        '[[compat.torch]]\ntorchvision = ["1"]\n',
        '[[compat.tourch]]\nversion = "1"\n',
        "[checks]\ndockerfile-matches = { allow-cannot-tell = true }\n",
        "[checks]\ntag-name = { base-digest = true }\n",
        "[checks]\ndockerfile-pinned = { base-digest = 1 }\n",
    ],
)
def test_what_cannot_be_meant_is_refused(policy: str) -> None:
    with pytest.raises(PolicyError):
        parse_policy(
            policy.encode(), "policy.toml", frozenset({"dockerfile-matches", "dockerfile-pinned", "tag-name"})
        )


@pytest.mark.parametrize("row", ['version = "2.8.0"\ncolour = "x"', 'version = "9.9.9"'])
def test_a_row_that_the_table_cannot_take_is_could_not_judge(good: Repo, row: str) -> None:
    done = judged(good, f"[[compat.torch]]\n{row}\n")
    assert done.code == 2
    assert "compat.torch" in done.said
    assert good.envhooks("lint", "policy").code == 2


def test_a_stale_hint_is_noted_and_does_not_refuse(good: Repo) -> None:
    stale = DOCKERFILE.replace("RUN apt", "ARG PYTORCH_VERSION=2.7.1\nRUN apt", 1)
    done = judged(good, "", stale)
    assert done.code == 0
    assert "note [dockerfile-matches] Dockerfile:2: PYTORCH_VERSION says 2.7.1" in done.out
    right = DOCKERFILE.replace("RUN apt", "ARG PYTORCH_VERSION=2.8\nRUN apt", 1)
    assert "PYTORCH_VERSION" not in judged(good, "", right).out
