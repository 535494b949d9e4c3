"""The entry that is drafted for a changelog: what changed in the environment, and what its readers have to do."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles

from envhooks.image import Environment
from envhooks.image.compat.table import load_table
from envhooks.image.interpreter import read_environment
from envhooks.releases.entry import MOST_COMMITS, MOST_FACTS, Sources, parts_of
from envhooks.tagname.names import TagName

NAME = TagName("PyTorch-CUDA-v2.8", "PyTorch", "CUDA", None, (2, 8))
TORCH = "torch==2.8.0+cu128"
CU128 = "--index-url https://download.pytorch.org/whl/cu128"


def environment(*pins: str, base: str = "python:3.12.4-slim") -> Environment:
    text = f"FROM {base}\nRUN pip install {CU128} {' '.join(pins)}\n"
    return read_environment(MemoryFiles({"Dockerfile": text.encode()}), "Dockerfile")


def told(
    old: Environment | None, new: Environment | None, before: str = "PyTorch-CUDA-v2.7", commits: int = 0
) -> dict[str, tuple[str, ...]]:
    subjects = tuple(f"Change {number}" for number in range(commits))
    found = parts_of(Sources(NAME, ("torch",), before, old, new, subjects), load_table())
    return {part.title: part.lines for part in found}


NEW = environment(TORCH, "numpy==2.0.0")


def test_without_a_dockerfile_nothing_is_said_of_the_environment() -> None:
    assert "Environment" not in told(NEW, None)


def test_the_first_release_is_told_whole() -> None:
    assert told(None, NEW, "")["Environment"] == (
        "torch 2.8.0+cu128", "Base image python:3.12.4-slim", "Python 3.12.4",
        "Least NVIDIA driver 525.60.13 (570.26 for all of CUDA)",
    )  # fmt: skip


def test_a_release_before_that_cannot_be_read_is_named() -> None:
    lines = told(None, NEW)["Environment"]
    assert lines[0] == "The files of PyTorch-CUDA-v2.7 cannot be read, so nothing is held against them."
    assert "torch 2.8.0+cu128" in lines


def test_the_same_environment_says_so() -> None:
    found = told(NEW, NEW)
    assert found["Environment"] == (
        "The same base image and packages as PyTorch-CUDA-v2.7, as far as the files say.",
    )
    assert found["Upgrading"] == ("No step is known to be needed from PyTorch-CUDA-v2.7.",)


@pytest.mark.parametrize(
    ("old", "change", "step"),
    [
        (environment(TORCH, "numpy==1.26.4"), "numpy 2.0.0 (was 1.26.4)",
         "numpy goes from 1.26.4 to 2.0.0: read its own notes."),
        (environment(TORCH, "numpy==2.0.0", "einops==0.8.0"), "einops 0.8.0 is gone",
         "einops is no longer installed."),
        (environment(TORCH), "numpy 2.0.0, new", None),
        (environment(TORCH, "numpy==2.0.0", base="python:3.11.9-slim"), "Python 3.12.4 (was 3.11.9)",
         "Python is 3.12.4: what was installed for 3.11.9 has to be installed anew."),
        (environment(TORCH, "numpy"),
         "numpy: 2.0.0 (was any version); the files do not say which versions these are",
         None),
        (environment(TORCH, "numpy==2.0.0", base="nvidia/cuda:13.0.1-base-ubuntu24.04"), None,
         "The node's NVIDIA driver has to be 525.60.13 (570.26 for all of CUDA) or newer; it was 580"
         " (580.82.07 for all of CUDA)."),
    ],
)  # fmt: skip
def test_what_changed_and_what_has_to_be_done(old: Environment, change: str | None, step: str | None) -> None:
    found = told(old, NEW)
    assert change is None or change in found["Environment"]
    assert (
        found["Upgrading"] == ("No step is known to be needed from PyTorch-CUDA-v2.7.",)
        or step in found["Upgrading"]
    )
    assert step is None or step in found["Upgrading"]


def test_many_facts_and_commits_are_counted() -> None:
    many = environment(TORCH, *(f"p{number}==1" for number in range(MOST_FACTS + 5)))
    found = told(many, NEW, commits=MOST_COMMITS + 1)
    assert found["Environment"][-1] == "6 more: envhooks diff PyTorch-CUDA-v2.7 PyTorch-CUDA-v2.8"
    assert len(found["Environment"]) == MOST_FACTS + 1
    assert (
        found["Changes"][-1] == "and more: git log PyTorch-CUDA-v2.7.."
        and len(found["Changes"]) == MOST_COMMITS + 1
    )
