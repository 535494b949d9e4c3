"""dockerfile-matches: helpers of another framework say nothing of this one; what is for CPU as PyPI has it."""

from __future__ import annotations

import pytest
from dockerfile_parts import subject
from memory_files import MemoryFiles

from envhooks.checks import dockerfile_matches
from envhooks.image.interpreter import read_environment
from envhooks.judge.facts import Finding
from envhooks.policy.reader import default_policy
from envhooks.tagname import Grammar

WHL = "--index-url https://download.pytorch.org/whl/"
CUDA = "nvidia/cuda:12.8.1-base-ubuntu24.04"


def levels(tag: str, image: str, *installs: str) -> list[str]:
    text = f"FROM {image}\n" + "".join(f"RUN pip install {line}\n" for line in installs)
    environment = read_environment(MemoryFiles({"Dockerfile": text.encode()}), "Dockerfile")
    policy = default_policy()
    name = Grammar(policy.tag).match(tag)
    assert name is not None
    found = dockerfile_matches.check(subject(environment, name), policy)
    return [one.level for one in found if isinstance(one, Finding)]


@pytest.mark.parametrize(
    ("tag", "image", "installs", "expected"),
    [
        ("PyTorch-CUDA-v2.8", "debian:12.5", ["torch==2.8.0+cu128", "tensorflow-cpu==2.15.0"], []),
        ("PyTorch-CUDA-v2.8", "debian:12.5", ["torch==2.8.0+cu128 tensorflow-cpu==2.15.0"], []),
        ("PyTorch-CUDA-v2.8", CUDA, ["torch==2.8.0", "tensorflow-cpu==2.15.0 onnxruntime==1.20.0"], []),
        ("PyTorch-CPU-v2.8", "debian:12.5", ["torch==2.8.0+cpu onnxruntime-gpu==1.20.0"], []),
        ("PyTorch-CUDA-v2.8", CUDA, ["torch==2.8.0+cpu tensorflow-cpu==2.15.0"], ["error"]),
        ("PyTorch-CUDA-v2.8", CUDA, ["torch==2.8.0 " + WHL + "cpu"], ["error"]),
        ("PyTorch-CUDA-v2.8", CUDA, ["torch==2.8.0+cpu onnxruntime-gpu==1.20.0"], ["error"]),
        ("TensorFlow-CUDA-v2.15", CUDA, ["tensorflow-cpu==2.15.0"], ["error"]),
        ("TensorFlow-CUDA-v2.15", CUDA, ["tensorflow==2.15.0 torch==2.8.0+cu128"], []),
        ("ONNXRuntime-CUDA-v1.20", CUDA, ["onnxruntime==1.20.0"], ["error"]),
        ("ONNXRuntime-CUDA-v1.20", CUDA, ["onnxruntime-gpu==1.20.0"], []),
        ("ONNXRuntime-CPU-v1.20", "debian:12.5", ["onnxruntime==1.20.0"], []),
        ("MXNet-CUDA-v1.9", CUDA, ["mxnet==1.9.0"], ["error"]),
        ("MXNet-CPU-v1.9", "debian:12.5", ["mxnet==1.9.0"], []),
        ("PaddlePaddle-CUDA-v3.0", CUDA, ["paddlepaddle==3.0.0"], ["error"]),
        ("PaddlePaddle-CUDA-v3.0", CUDA, ["paddlepaddle-gpu==3.0.0"], []),
        ("PaddlePaddle-CPU-v3.0", "debian:12.5", ["paddlepaddle==3.0.0"], []),
        ("PyTorch-HPU-v2.6", "debian:12.5", ["torch==2.6.0+hpu"], []),
        ("PyTorch-HPU-v2.6", "debian:12.5", ["torch==2.6.0+hpu.1.20.0.543"], []),
        ("PyTorch-CUDA-v2.6", CUDA, ["torch==2.6.0+hpu.1.20.0.543"], ["error"]),
    ],
)
def test_what_the_framework_is_built_for(
    tag: str, image: str, installs: list[str], expected: list[str]
) -> None:
    assert levels(tag, image, *installs) == expected
