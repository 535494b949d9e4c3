"""Variables that are called like a version and install nothing."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles

from envhooks.image.interpreter import read_environment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ARG PYTORCH_VERSION=2.7.0\nFROM x:1\nRUN pip install torch==2.8.0\n", [("torch", "2.7.0", 1)]),
        ("FROM x:1\nENV A=1 \\\n    TORCH_VERSION='v2.7'\n", [("torch", "2.7", 3)]),
        ("FROM x:1\nENV TF_VERSION 2.19.0\n", [("tensorflow", "2.19.0", 2)]),
        ("FROM x:1\nARG JAX_VERSION=0.7.1\n", [("jax", "0.7.1", 2)]),
        ("FROM x:1\nARG CUDA_VERSION=12.8.1\nARG TORCHVISION_VERSION=0.23.0\n", []),
        ("FROM x:1\nARG PYTORCH_VERSION\nARG TORCH_VERSION=${X}\nRUN echo PYTORCH_VERSION=1.0\n", []),
        ("FROM x:1\nARG PYTORCH_VERSION=2.7.x\n", []),
    ],
)
def test_only_literal_versions_of_frameworks_are_hints(
    text: str, expected: list[tuple[str, str, int]]
) -> None:
    environment = read_environment(MemoryFiles({"Dockerfile": text.encode()}), "Dockerfile")
    assert [(hint.package, hint.version, hint.place.line) for hint in environment.hints] == expected
