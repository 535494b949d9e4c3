"""on-main: commits that main has."""

from __future__ import annotations

from tag_parts import COMMIT, findings, subject

from envhooks.judge.facts import Ancestry


def test_a_commit_beside_main() -> None:
    (finding,) = findings(subject(ancestry=Ancestry(COMMIT, False, ("origin/main",))), "on-main")
    assert (finding.got, finding.expected) == (COMMIT, "a commit on origin/main")
