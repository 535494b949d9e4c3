"""on-main: commits that main has."""

from __future__ import annotations

from typing import Any

import pytest
from tag_parts import COMMIT, NAME, findings, subject

from envhooks.judge.facts import Ancestry


def test_a_commit_beside_main() -> None:
    (finding,) = findings(subject(ancestry=Ancestry(COMMIT, False, ("origin/main",))), "on-main")
    assert (finding.got, finding.expected) == (COMMIT, "a commit on origin/main")


@pytest.mark.parametrize(
    ("facts", "fix", "advice"),
    [
        (
            {"unpushed": ("origin", "main")},
            f"git push --atomic origin main {NAME}",
            "",
        ),
        (
            {"unpushed": ("up stream", "main"), "diverged": True},
            "",
            "main and up stream/main have gone apart; a merge keeps the commit, a rebase does not:"
            " git switch main && git pull --no-rebase --no-edit 'up stream' main"
            f" && git push --atomic 'up stream' main {NAME}",
        ),
        (
            {"remote": "origin"},
            "",
            "merged on the remote already: git fetch origin\n"
            "not merged yet: merge it with its own id (no squash, no rebase), then push the tag again\n"
            "squashed or rebased there: that is another commit, and the one to check and tag:"
            " git log --oneline origin/main",
        ),
        (
            {},
            "",
            "not merged yet: merge it with its own id (no squash, no rebase), then push the tag again\n"
            "squashed or rebased there: that is another commit, and the one to check and tag",
        ),
    ],
)
def test_how_the_commit_comes_onto_main(facts: dict[str, Any], fix: str, advice: str) -> None:
    ancestry = Ancestry(COMMIT, False, ("origin/main", "origin/release/2.x"), **facts)
    (finding,) = findings(subject(ancestry=ancestry), "on-main")
    assert finding.message == "the tagged commit is not on origin/main or origin/release/2.x"
    assert (finding.fix, finding.advice) == (fix, advice)


@pytest.mark.parametrize("diverged", [False, True])
def test_a_name_that_is_refused_is_not_pushed_along(diverged: bool) -> None:
    ancestry = Ancestry(COMMIT, False, ("origin/main",), unpushed=("origin", "main"), diverged=diverged)
    (finding,) = findings(subject(tag="bad-one", ancestry=ancestry), "on-main")
    told = finding.fix or finding.advice
    assert told.endswith("git push origin main") and "bad-one" not in told


def test_a_commit_on_main_is_in_order() -> None:
    assert not findings(subject(ancestry=Ancestry(COMMIT, True, ("origin/main",))), "on-main")
