"""What a move asks for, by published facts: the release, or why there is none and what was published nearest."""

from __future__ import annotations

import pytest
from dockerfile_parts import base, environment, torch, wheel

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.image import Environment
from envhooks.image.compat import table_of
from envhooks.image.compat.family import Target
from envhooks.image.compat.table import key
from envhooks.judge.targets import Refusal, build_of, wanted_of
from envhooks.policy.reader import default_policy

TABLE = table_of(default_policy())
CU124, PLAIN = environment(torch("2.6.0", "cu124")), environment(torch("2.6.0"))
TORCH, JAX, FLOW = ("torch",), ("jax",), ("tensorflow",)


@pytest.mark.parametrize(
    ("env", "target", "version"),
    [
        (CU124, Target(TORCH), "2.6.0"),
        (CU124, Target(("pytorch",), "2"), "2.6.0"),
        (PLAIN, Target(TORCH, "2.6"), "2.6.0"),
        (PLAIN, Target(TORCH, "2.6", "CUDA", "12.4"), "2.6.0"),
        (PLAIN, Target(TORCH, "", "CUDA", "12.4"), "2.6.0"),
        (PLAIN, Target(TORCH, "", "CUDA", "11.8.0"), "2.7.1"),
        (PLAIN, Target(TORCH, "2.6", "ROCm", "6.2.4"), "2.6.0"),
        (PLAIN, Target(TORCH, "2.6", "CPU"), "2.6.0"),
        (PLAIN, Target(JAX, "0.6"), "0.6.2"),
        (PLAIN, Target(JAX, "0.6.1"), "0.6.1"),
        (PLAIN, Target(FLOW, "2.16.1"), "2.16.1"),
        (PLAIN, Target(TORCH), max(TABLE.torch, key=key)),
        (PLAIN, Target(JAX), max(TABLE.jax, key=key)),
        (PLAIN, Target(FLOW), max(TABLE.tensorflow, key=key)),
    ],
)
def test_the_release_in_full(env: Environment, target: Target, version: str) -> None:
    assert wanted_of(env, TABLE, target) == replace(target, version=version)


@pytest.mark.parametrize(
    ("target", "why", "nearest"),
    [
        (
            Target(TORCH, "2.6", "CUDA", "11.7"),
            "torch 2.6 was never published for cu117",
            ("torch 2.6.0 for cu118", "torch 2.0.1 for cu117"),
        ),
        (
            Target(TORCH, "2.6", "CUDA", "99.9"),
            "torch 2.6 was never published for cu999",
            ("torch 2.6.0 for cu126",),
        ),
        (Target(TORCH, "2.6.9"), "torch 2.6.9 was never published", ("torch 2.6.0", "torch 2.7.0")),
        (Target(JAX, "0.4.99"), "jax 0.4.99 was never published", ("jax 0.4.38", "jax 0.4.37")),
        (Target(FLOW, "1.0"), "tensorflow 1.0 was never published", ("tensorflow 2.0", "tensorflow 2.1")),
    ],
)
def test_what_was_never_published(target: Target, why: str, nearest: tuple[str, ...]) -> None:
    assert wanted_of(PLAIN, TABLE, target) == Refusal(why, nearest)


@pytest.mark.parametrize(
    ("target", "said", "fix"),
    [
        (Target(TORCH, "99.9"), "torch 99.9 is newer than the table of ", "envhooks compat update"),
        (Target(JAX, "99"), "jax 99 is newer than the table of ", "envhooks compat update"),
        (Target(FLOW, "99.0"), "tensorflow 99.0 is newer than the table of ", "envhooks compat update"),
        (Target(TORCH, "2.6", "ROCm", "6.1"), "was published for rocm6.1; it was for ROCm 6.2.4", ""),
        (Target(FLOW, "2.16", "CUDA"), "only the builds of torch are known by hardware", ""),
        (Target(JAX, "", "TPU"), "only the builds of torch are known by hardware", ""),
        (Target(("keras",), "2"), "the table knows torch, tensorflow and jax", ""),
    ],
)
def test_what_the_table_does_not_say(target: Target, said: str, fix: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        wanted_of(PLAIN, TABLE, target)
    assert said in caught.value.message and caught.value.fix == fix


def test_the_build_that_is_asked_for_or_stands_there() -> None:
    asked = [
        (("CUDA", "12.8"), "cu128"), (("CUDA", "12.8.1"), "cu128"), (("CUDA", "12"), "cu12"),
        (("ROCm", "6.4"), "rocm6.4"), (("CPU", ""), "cpu"), (("XPU", ""), "xpu"),
    ]  # fmt: skip
    for (kind, number), build in asked:
        assert build_of(CU124, Target(TORCH, "", kind, number)) == build
    by_base = replace(torch("2.6.0"), how="base")
    stands = [
        (CU124, "cu124"),
        (PLAIN, ""),
        (environment(torch("2.6.0"), hardware=(wheel("12.8"),)), "cu128"),
        (environment(torch("2.6.0"), hardware=(wheel("12"),)), ""),
        (environment(torch("2.6.0"), hardware=(wheel("6.4", "ROCm"), base("12.8.1"))), ""),
        (environment(hardware=(wheel("12.8"),)), ""),
        (environment(by_base, hardware=(base("6.4", "ROCm"), base("12.8.1"))), "cu128"),
        (environment(by_base, hardware=(base(None),)), ""),
        (environment(by_base), ""),
    ]
    for env, build in stands:
        assert build_of(env, Target(TORCH)) == build
