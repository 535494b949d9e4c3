"""The nearest word: one rule for keys of a policy, fields of a template, verbs and options."""

from __future__ import annotations

import pytest

from envhooks import cli
from envhooks.base.errors import PolicyError
from envhooks.base.near import meant, nearest
from envhooks.policy.reader import parse_policy


def test_in_any_case_and_none_that_is_far() -> None:
    assert nearest("CHEKC", ["check", "list"]) == "check"
    assert nearest("pytorch", ["PyTorch", "JAX"]) == "PyTorch"
    assert nearest("x" * 100_000, ["check"]) == nearest("", ["check"]) == ""
    assert meant("chekc", ["check"]) == "; did you mean check?" and meant("zzz", ["check"]) == ""


def test_letters_that_changed_places_are_the_word_that_was_meant() -> None:
    for verb in cli.verbs():
        swapped = {verb[:at] + verb[at + 1] + verb[at] + verb[at + 2 :] for at in range(len(verb) - 1)}
        assert {nearest(slip, cli.verbs()) for slip in swapped} == {verb}, swapped


@pytest.mark.parametrize(
    ("policy", "near"),
    [("DOCKERFIEL = 1", "`dockerfile`"), ("[tag]\ntemplates = ['{Framework}-v{version}']", "`{framework}`")],
)
def test_a_policy_is_told_it_too(policy: str, near: str) -> None:
    with pytest.raises(PolicyError, match=f"did you mean {near}"):
        parse_policy(policy.encode(), "policy.toml")
