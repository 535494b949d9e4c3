"""Any bytes through every parser that a push reaches; and what was found once, again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from targets import TARGETS, run

CORPUS = Path(__file__).parent / "corpus"
SEEDS = {target: [file.read_bytes() for file in sorted((CORPUS / target).glob("*"))] for target in TARGETS}


@pytest.mark.parametrize("target", TARGETS)
def test_what_the_corpus_holds(target: str) -> None:
    assert SEEDS[target], f"a seed for {target}: tests/fuzz/corpus/{target}/"
    for seed in SEEDS[target]:
        run(target, seed)


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed of which pieces are left out, doubled or changed."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 12)))
        data[at:end] = draw(st.binary(max_size=8) | st.just(bytes(data[at:end]) * 2))
    return bytes(data)


@pytest.mark.parametrize("target", TARGETS)
def test_bytes(target: str) -> None:
    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.binary(max_size=300) | mutated(SEEDS[target]))
    def check(data: bytes) -> None:
        run(target, data)

    check()
