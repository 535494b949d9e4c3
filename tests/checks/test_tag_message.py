"""tag-message: the message against the Dockerfile."""

from __future__ import annotations

import pytest
from dockerfile_parts import at, base, environment, message, torch, wheel

from envhooks.image import CannotTell
from envhooks.judge.facts import Unknown


@pytest.mark.parametrize("text", ["", "\n", " \t\n\n"])
def test_an_empty_message(text: str) -> None:
    for env in (environment(), Unknown("no Dockerfile")):
        (finding,) = message(text, env)
        assert finding.message == "the tag's message is empty"
        assert finding.fix == f"git tag -f -s PyTorch-CUDA-v2.8 {'c' * 12}"


BUILT = environment(torch("2.8.0", "cu128"), hardware=(wheel("12.8"), base("12.8.1")), python="3.12")


@pytest.mark.parametrize(
    "line",
    [
        "First candidate",
        "PyTorch 2.8 for CUDA 12.8",
        "PyTorch-CUDA-v2.8: torch 2.8.0+cu128",
        "PyTorch CUDA 2.8",
        "pytorch v2.8.0, cuda12.8, python 3.12",
        "Move from CUDA 11.8 to CUDA 12.8",
        "torch==2.8.0 on CUDA-12.8.1",
        "ROCm 6.4 is not supported",
        "JAX 0.7 comes later",
        "CUDA 12 for everyone",
        "CUDA graphs, 11.8 % faster",
        "libtorch 1.0",
    ],
)
def test_a_message_that_agrees(line: str) -> None:
    assert message(f"{line}\n\nCUDA 11.8 was in the last one.\n", BUILT) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("PyTorch 2.8 for CUDA 11.8", "CUDA 11.8"),
        ("built with cu118", "CUDA 11.8"),
        ("\n\ncuda-12.6", "CUDA 12.6"),
        ("PyTorch 2.7.1", "PyTorch 2.7.1"),
        ("torch==2.8.1", "PyTorch 2.8.1"),
        ("Python 3.10 image", "Python 3.10"),
        ("CUDA 11.8 and CUDA 12.1", "CUDA 11.8 and 12.1"),
    ],
)
def test_a_message_that_contradicts(line: str, said: str) -> None:
    (finding,) = message(f"{line}\n", BUILT)
    assert f"says {said}, and the Dockerfile" in finding.message
    assert finding.path == "Dockerfile"


def test_a_message_is_held_against_certain_facts_only() -> None:
    doubt = CannotTell("torch", "computed", at(5))
    assert message("PyTorch 2.7\n", environment(torch("2.8.0"), cannot_tell=(doubt,))) == []
    assert message("PyTorch 2.7, CUDA 11.8, Python 3.9\n", environment()) == []
    assert message("PyTorch 2.7\n", Unknown("no Dockerfile")) == []


def test_a_hostile_subject_line_is_cut() -> None:
    assert message("cuda " * 100_000 + "\n", BUILT) == []
    assert message("\u2028CUDA 12.8\x1b[2J\n", BUILT) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("CUDA 6.5", []),
        ("CUDA 7.0", ["CUDA 7.0"]),
        ("ROCm 3.9", []),
        ("ROCm 4.0", ["ROCm 4.0"]),
    ],
)
def test_a_number_that_no_release_of_the_hardware_has_is_another_thing(line: str, said: list[str]) -> None:
    built = environment(torch("2.8.0"), hardware=(wheel("12.8"), wheel("6.4", "ROCm")))
    assert [found.message.partition(",")[0] for found in message(f"{line}\n", built)] == [
        f"the tag's message says {one}" for one in said
    ]


@pytest.mark.parametrize(
    ("line", "is_told"), [("PyTorch 2.8", False), ("PyTorch 2.6", True), ("PyTorch 2.7", False)]
)
def test_what_the_name_says_too_is_told_of_the_name_alone(line: str, is_told: bool) -> None:
    """The tag is PyTorch-CUDA-v2.8: that the Dockerfile installs 2.7 is for dockerfile-matches to tell."""
    assert bool(message(f"{line}\n", environment(torch("2.7.0")))) is is_told
    several = environment(torch("2.7.0"), torch("2.7.1", line=9))
    assert bool(message(f"{line} for everyone\n", several)) is is_told
