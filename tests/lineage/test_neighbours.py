"""Tags of GTO and DVC in the same repository: the hooks leave alone what the policy ignores."""

from __future__ import annotations

import pytest
from support import Repo


@pytest.mark.parametrize("annotated", [True, False])
def test_they_are_made_and_pushed_untouched(guarded: Repo, annotated: bool) -> None:
    guarded.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["*@*", "exp/*"]\n'})
    guarded.put("main")
    tags = ("detector@v1.2.3", "detector@v1.2.3#prod#1", "detector@deprecated", "exp/dvc-7f3a")
    for tag in tags:
        made = guarded.try_git("tag", *(("-a", "-m", "GTO") if annotated else ()), tag)
        assert (made.code, made.said) == (0, "")
    done = guarded.try_git("push", "origin", *(f"refs/tags/{tag}" for tag in tags))
    assert done.code == 0, done.said
    assert "envhooks" not in done.said
