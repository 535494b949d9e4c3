"""A framework that is there already, and what an install behind it asks for: what pip replaces is claimed no longer."""

from __future__ import annotations

import pytest
from reading import read, told

from envhooks.catalog.frameworks import FRAMEWORKS
from envhooks.image.compat import judge_environment
from envhooks.image.compat.table import load_table

TORCH_26 = "FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime"
TORCH_16 = "FROM pytorch/pytorch:1.6.0-cuda10.1-cudnn7-runtime"
JAX = "FROM python:3.12\nRUN pip install jax==0.4.20"


@pytest.mark.parametrize(
    ("text", "package", "left"),
    [
        # an exact release whose metadata asks for another one
        (f"{TORCH_16}\nRUN pip install pytorch-lightning==2.0.0", "torch", None),
        (f"{TORCH_26}\nRUN pip install vllm==0.9.0", "torch", None),
        (f"{TORCH_26}\nRUN pip install vllm==0.8.5", "torch", "2.6.0"),
        (f"{TORCH_26}\nRUN pip install --no-deps vllm==0.9.0", "torch", "2.6.0"),
        (f"{TORCH_26}\nRUN pip install torchvision==0.19.0", "torch", None),
        (f"{TORCH_26}\nRUN pip install torchvision==0.21.0 torchaudio==2.6.0", "torch", "2.6.0"),
        (f"{TORCH_26}\nRUN pip install xformers==0.0.29.post2", "torch", "2.6.0"),
        ("FROM tensorflow/tensorflow:2.15.0\nRUN pip install tensorflow-text==2.16.1", "tensorflow", None),
        ("FROM tensorflow/tensorflow:2.15.0\nRUN pip install tensorflow-text==2.15.0", "tensorflow", "2.15.0"),
        # the newest release, which asks for a newer one
        (f"{TORCH_16}\nRUN pip install stable-baselines3", "torch", None),
        (f"{TORCH_16}\nRUN pip install torch stable-baselines3", "torch", None),
        (f"{TORCH_16}\nRUN pip install torch==1.6.0 stable-baselines3", "torch", "1.6.0"),
        (f"{TORCH_16}\nRUN pip install pytorch-lightning", "torch", None),
        (f"{TORCH_26}\nRUN pip install accelerate torchmetrics peft", "torch", "2.6.0"),
        (f"{TORCH_16}\nRUN pip install --no-deps accelerate", "torch", "1.6.0"),
        (f"{TORCH_16}\nCOPY c.txt .\nRUN pip install -c c.txt accelerate", "torch", "1.6.0"),
        (f"{JAX}\nRUN pip install flax", "jax", None),
        (f"{JAX} flax", "jax", "0.4.20"),
        (f"{JAX} flax\nRUN pip install flax", "jax", "0.4.20"),
        (f"{JAX} flax\nRUN pip install -U flax", "jax", None),
        ("FROM tensorflow/tensorflow:2.15.0\nRUN pip install tf-keras", "tensorflow", None),
        # of an old Python the newest release is an older one
        ("FROM python:3.8\nRUN pip install torch==2.0.0\nRUN pip install kornia", "torch", "2.0.0"),
        ("FROM python:3.12\nRUN pip install torch==2.4.0\nRUN pip install kornia", "torch", None),
        # sources that ask for one release
        (f"{TORCH_26}\nRUN pip install git+https://github.com/vllm-project/vllm", "torch", None),
        (f"{TORCH_26}\nRUN git clone https://x.example/vllm && pip install -e vllm", "torch", None),
        (f"{TORCH_26}\nRUN git clone https://x.example/vllm && pip install --no-deps -e vllm", "torch", "2.6.0"),
        (f"{TORCH_26}\nRUN cd vllm && VLLM_TARGET_DEVICE=empty pip install -e .", "torch", "2.6.0"),
        (f"{TORCH_26}\nRUN git clone https://x.example/apex && pip install ./apex", "torch", "2.6.0"),
    ],
)  # fmt: skip
def test_what_an_install_replaces_is_claimed_no_longer(text: str, package: str, left: str | None) -> None:
    environment = read(text, {"c.txt": "torch==1.6.0\n"})
    assert told(environment, package) == left
    assert (left is None) == any(
        one.what == package for one in environment.cannot_tell
    ) or "torch stable" in text


def test_the_fault_between_both_is_told_still() -> None:
    environment = read(f"{TORCH_26}\nRUN pip install vllm==0.9.0")
    (fault,) = [one for one in judge_environment(environment) if one.rule == "companion"]
    assert "vllm 0.9.0 requires torch ==2.7.0" in fault.reason
    (doubt,) = [one for one in environment.cannot_tell if one.what == "torch"]
    assert doubt.why == "vllm 0.9.0 is installed behind it, and asks for torch==2.7.0: pip replaces 2.6.0"


@pytest.mark.parametrize(
    ("run", "left"),
    [
        ("pip install ours[hub]", None),
        ("pip install ours[hub]==1.2.0", None),
        ("pip install ours", "1.6.0"),
        ("pip install --no-deps ours[hub]", "1.6.0"),
        ("pip install other[hub]", "1.6.0"),
    ],
)
def test_a_release_of_this_repository_asks_for_what_its_project_does(run: str, left: str | None) -> None:
    project = '[project]\nname = "ours"\n[project.optional-dependencies]\nhub = ["accelerate>=0.20"]\n'
    files = {"pyproject.toml": project, "src/ours/__init__.py": ""}
    assert told(read(f"{TORCH_16}\nRUN {run}", files)) == left


def test_a_marker_of_another_machine_is_not_taken_for_ours() -> None:
    text = "FROM ubuntu\nCOPY r.txt .\nRUN conda install pytorch-cpu=2.1.2 && pip install -r r.txt"
    asked = {"r.txt": 'torch==2.4.0+cpu; platform_machine != "ppc64le"\n'}
    assert told(read(text, asked)) == "2.4.0"
    assert told(read(text, asked, "Dockerfile.ppc64le")) is None
    assert told(read(text, asked, "docker/ppc64le/Dockerfile")) is None


def test_the_catalog_and_the_table_name_the_same_packages() -> None:
    ours = {one for framework in FRAMEWORKS for one in (*framework.tied, *framework.bound)}
    assert load_table().tied <= ours
