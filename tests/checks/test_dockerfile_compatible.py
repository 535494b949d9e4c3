"""dockerfile-compatible: published facts, and rows that a policy adds."""

from __future__ import annotations

from typing import Any

import pytest
from dockerfile_parts import POLICY, asked, environment, judged, subject
from support import DOCKERFILE, Repo

from envhooks.base.place import Place
from envhooks.checks import dockerfile_compatible
from envhooks.image import CompatFault, Replaced
from envhooks.judge.facts import Finding
from envhooks.judge.pins import PinsFix


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


PLACE = Place("Dockerfile", 4)


def faults(
    *found: CompatFault, pins: PinsFix | None = None, replaced: Replaced | None = None
) -> list[Finding]:
    env = environment(replaced=(replaced,) if replaced else ())
    more: dict[str, Any] = {"pins": pins} if pins else {}
    made = subject(env, compatibility=found, **more)
    return [*dockerfile_compatible.check(asked(dockerfile_compatible, made), POLICY)]


@pytest.mark.parametrize(
    ("rule", "other", "level", "said"),
    [
        ("companion", "two", "error", "one does not go with two"),
        ("companion", "", "error", "one does not exist"),
        ("variant", "", "warning", "one may not exist"),
        ("variant", "two", "warning", "one does not go with two"),
        ("image", "", "note", "one may not exist"),
        ("python", "two", "error", "one does not go with two"),
        ("runtime", "two", "warning", "one does not go with two"),
        ("gone", "two", "warning", "one cannot be built again"),
        ("image-cuda", "two", "note", "one meets two"),
        ("unknown", "two", "note", "nothing is known of one"),
    ],
)
def test_what_is_said_of_a_fault(rule: Any, other: str, level: Any, said: str) -> None:
    (found,) = faults(CompatFault(rule, level, "one", other, "three", "so it is", PLACE))
    assert (found.message, found.level, found.expected) == (f"{said}: so it is", level, "three")
    assert (found.got, found.path, found.line) == ("one with two" if other else "one", "Dockerfile", 4)
    assert (found.fix, found.advice) == ("", "")


@pytest.mark.parametrize(
    ("rule", "can_be_fixed", "can_be_written"),
    [
        ("companion", True, True), ("variant", True, True), ("image", True, True), ("python", False, True),
        ("gone", False, False), ("image-cuda", False, False), ("runtime", False, False), ("unknown", False, False),
    ],
)  # fmt: skip
def test_which_faults_one_command_puts_right(rule: Any, can_be_fixed: bool, can_be_written: bool) -> None:
    fault = CompatFault(rule, "error", "one", "two", "three", "so it is", PLACE)
    for pins, fix, advice in (
        (PinsFix("sed x"), "sed x" * can_be_fixed, ""),
        (PinsFix("", "write it by hand"), "", "write it by hand" * can_be_written),
        (PinsFix(), "", ""),
        (None, "", ""),
    ):
        (found,) = faults(fault, pins=pins)
        assert (found.fix, found.advice) == (fix, advice)


def test_a_framework_that_is_replaced_is_told_before_the_faults() -> None:
    fault = CompatFault("gone", "warning", "one", "", "three", "so it is", PLACE)
    first, second = faults(fault, replaced=Replaced("torch", "nvcr.io/x", "torch==2.8.0", PLACE))
    assert first.message == "torch==2.8.0 replaces the torch that the base image was built around"
    assert (first.level, first.got, first.path, first.line) == (
        "warning", "torch==2.8.0 over nvcr.io/x", "Dockerfile", 4,
    )  # fmt: skip
    assert second.message.startswith("one cannot be built again")
    assert faults() == []


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
