"""Tags of GTO and DVC in the same repository: the hooks leave alone what the policy ignores."""

from __future__ import annotations

import pytest
from support import Repo


@pytest.mark.parametrize(
    "tag", ["detector@v1.2.3", "detector@v1.2.3#prod#1", "detector@deprecated", "exp/dvc-7f3a"]
)
@pytest.mark.parametrize("annotated", [True, False])
def test_they_are_made_and_pushed_untouched(guarded: Repo, tag: str, annotated: bool) -> None:
    policy = '[tag]\nignore = ["*@*", "exp/*"]\n'
    guarded.commit_files({".envhooks/policy.toml": policy})
    guarded.git("push", "-q", "origin", "main")
    guarded.git("tag", *(("-a", "-m", "GTO") if annotated else ()), tag)
    done = guarded.try_git("push", "origin", f"refs/tags/{tag}")
    assert done.code == 0, done.said
    assert "envhooks" not in done.said
