"""dockerfile-compatible: published facts, and rows that a policy adds."""

from __future__ import annotations

import pytest
from dockerfile_parts import judged
from support import DOCKERFILE, Repo


def test_a_policy_extends_and_overrides_the_published_facts(good: Repo) -> None:
    new = DOCKERFILE.replace("torchvision==0.23.0+cu128", "torchvision==0.19.0+cu128")
    done = judged(good, "", new)
    assert done.code == 1
    assert "[dockerfile-compatible]" in done.out
    own = '[[compat.torch]]\nversion = "2.8.0"\ntorchvision = ["0.19.0", "0.23.0"]\n'
    assert "[dockerfile-compatible]" not in judged(good, own, new).out


@pytest.mark.parametrize("row", ['version = "2.8.0"\ncolour = "x"', 'version = "9.9.9"'])
def test_a_row_that_the_table_cannot_take_is_could_not_judge(good: Repo, row: str) -> None:
    done = judged(good, f"[[compat.torch]]\n{row}\n")
    assert done.code == 2
    assert "compat.torch" in done.said
    assert good.envhooks("lint", "policy").code == 2


INDEX = "https://download.pytorch.org/whl/cu128"


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("pytorch/pytorch:2.7.1-cuda12.8-cudnn9-devel", True),
        ("nvcr.io/nvidia/pytorch:25.08-py3", True),
        ("pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel", False),
        ("python:3.12", False),
    ],
)
def test_a_base_images_framework_that_an_install_replaces_is_a_warning(
    good: Repo, base: str, said: bool
) -> None:
    done = judged(good, "", f"FROM {base}\nRUN pip install torch==2.8.0 --index-url {INDEX}\n")
    assert ("torch==2.8.0 replaces the torch that the base image was built around" in done.out) == said, (
        done.said
    )
    assert not said or "warning [dockerfile-compatible]" in done.out
