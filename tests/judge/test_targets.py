"""The release and the build that are meant by a target, as far as the table of published facts knows."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles

from envhooks.base.errors import CannotJudge
from envhooks.image import Environment
from envhooks.image.compat.family import Pins, Target, older_with_build, pins_for
from envhooks.image.compat.table import load_table
from envhooks.image.interpreter import read_environment
from envhooks.judge.targets import Refusal, wanted_of

WHL = "https://download.pytorch.org/whl/"
TORCH, JAX, TENSORFLOW = ("torch", "pytorch"), ("jax",), ("tensorflow",)
TABLE = load_table()


def environment(install: str, base: str = "python:3.12") -> Environment:
    text = f"FROM {base}\nRUN pip install {install}\n"
    return read_environment(MemoryFiles({"Dockerfile": text.encode()}), "Dockerfile")


CU128 = environment(f"torch==2.8.0+cu128 torchvision==0.23.0+cu128 --index-url {WHL}cu128")
ROCM = environment(f"torch==2.8.0+rocm6.4 --index-url {WHL}rocm6.4")


@pytest.mark.parametrize(
    ("here", "target", "version"),
    [
        (CU128, Target(TORCH, "2.8"), "2.8.0"),
        (CU128, Target(TORCH, "2.9", "CUDA", "13.0"), "2.9.1"),
        (CU128, Target(TORCH, "2.6", "CPU"), "2.6.0"),
        (environment("jax==0.7.1"), Target(JAX, "0.7"), "0.7.2"),
        (environment("tensorflow==2.19.0"), Target(TENSORFLOW, "2.19"), "2.19"),
    ],
)
def test_a_release_that_was_published(here: Environment, target: Target, version: str) -> None:
    wanted = wanted_of(here, TABLE, target)
    assert isinstance(wanted, Target) and wanted.version == version


@pytest.mark.parametrize(
    ("here", "target", "why", "nearest"),
    [
        (CU128, Target(TORCH, "2.8.9"), "torch 2.8.9 was never published", "torch 2.8.0"),
        (CU128, Target(TORCH, "2.9", "CUDA", "12.4"), "torch 2.9 was never published for cu124",
         "torch 2.9.1 for cu126"),
        (environment("jax==0.7.1"), Target(JAX, "0.7.9"), "jax 0.7.9 was never published", "jax 0.7.2"),
        (environment("tensorflow==2.19.0"), Target(TENSORFLOW, "1.99"),
         "tensorflow 1.99 was never published", "tensorflow 2."),
    ],
)  # fmt: skip
def test_a_release_that_was_not(here: Environment, target: Target, why: str, nearest: str) -> None:
    refused = wanted_of(here, TABLE, target)
    assert isinstance(refused, Refusal) and refused.why == why
    assert refused.nearest[0].startswith(nearest)


@pytest.mark.parametrize(
    ("here", "target", "why"),
    [
        (CU128, Target(TORCH, "99"), "torch 99 is newer than the table of"),
        (environment("jax==0.7.1"), Target(JAX, "99"), "jax 99 is newer than the table of"),
        (environment("jax==0.7.1"), Target(JAX, "0.7", "CUDA", "12"), "only the builds of torch are known"),
        (environment("mxnet==1.9.1"), Target(("mxnet",), "1.9"), "the table knows torch, tensorflow and jax"),
        (
            ROCM,
            Target(TORCH, "2.8", "ROCm", "9.9"),
            "does not say whether torch 2.8.0 was published for rocm9.9",
        ),
    ],
)
def test_what_the_table_does_not_tell(here: Environment, target: Target, why: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        wanted_of(here, TABLE, target)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("here", "target", "versions", "why"),
    [
        (environment("jax==0.7.1 jaxlib==0.6.0"), Target(), {"jax": "0.7.1", "jaxlib": "0.7.1"}, ""),
        (environment("jax==0.0.1"), Target(), {}, "lists no jax 0.0.1"),
        (environment("jax==0.7.1"), Target(JAX, "0.99"), {}, "lists no jax 0.99"),
        (environment("jax==0.7.1", "python:3.9.1"), Target(), {}, "jax 0.7.1 needs Python >=3.11, and here is 3.9.1"),
        (environment("jax"), Target(), {}, ""),
        (CU128, Target(TORCH, "2.8", fields=(("torchvision", "0.22"),)), {},
         "torchvision 0.22 does not go with torch 2.8.0"),
        (CU128, Target(TORCH, "2.8", fields=(("torchvision", "0.23"),)),
         {"torch": "2.8.0+cu128", "torchvision": "0.23.0+cu128"}, ""),
        (environment("torch==2.8.0"), Target(TORCH, "2.8", "CUDA", "12.8"), {"torch": "2.8.0"}, ""),
        (environment("torch==99.0"), Target(), {}, "torch 99.0 is newer than the table of"),
        (environment("torch==2.8.9"), Target(), {}, "of its series there are 2.8.0"),
    ],
)  # fmt: skip
def test_pins_that_go_together(here: Environment, target: Target, versions: dict[str, str], why: str) -> None:
    found = pins_for(here, TABLE, target)
    assert (found.versions, why in found.why_not, bool(found.why_not)) == (versions, True, bool(why)), found


def test_an_older_release_for_the_same_build() -> None:
    assert older_with_build(CU128, TABLE, Target()) == "2.7.1"
    assert older_with_build(CU128, TABLE, Target(TORCH, "2.8")) == ""
    assert older_with_build(environment("torch==2.8.0"), TABLE, Target()) == ""
    assert older_with_build(environment("numpy==2.0.0"), TABLE, Target()) == ""
    assert pins_for(environment("numpy==2.0.0"), TABLE, Target()) == Pins()
