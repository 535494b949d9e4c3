"""The index that is asked where none is named: the first that the environment names."""

from __future__ import annotations

import pytest

from envhooks.indexes.client import default_index

A, B = "https://a.example/simple", "https://b.example/simple"


@pytest.mark.parametrize(
    ("environ", "index"),
    [
        ({"PIP_INDEX_URL": A, "UV_INDEX_URL": B}, A),
        ({"PIP_INDEX_URL": f" {A} {B}"}, A),
        ({"PIP_INDEX_URL": " ", "UV_DEFAULT_INDEX": B}, B),
        ({"PIP_INDEX_URL": "", "UV_INDEX_URL": B}, B),
    ],
)
def test_the_index_of_the_environment(environ: dict[str, str], index: str) -> None:
    assert default_index(environ) == index
