"""The gate, `envhooks lint changelog` and `envhooks changelog` have one answer to whether an entry is there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import Repo

TAG = "PyTorch-CUDA-v2.8.0"
GOOD, NEARLY, NONE = "good", "nearly", "none"
SHAPES = [
    # head of the entry, its body, what all three find, whether lint refuses it with no tag known
    ("## [2.8.0] - 2025-08-06", "- x", GOOD, False),
    ("## [2.8.0](https://host.example/a...b) (2025-08-06T10:00:00Z)", "- x", GOOD, False),
    ("## PyTorch 2.8.0\n\n*Released: 6th of August 2025*", "- x", GOOD, False),
    ("## v2.8.0 (2025年8月6日)", "- x", GOOD, False),
    ("## 2.8.0 / 06-Aug-2025", "- x", GOOD, False),
    ("2.8.0 (2025-08-06)\n==================", "* x", GOOD, False),
    ("## 2.8.0 - 2025-08-06", "### Added", NEARLY, True),
    ("## 2.8.0 - 2025-08-06", "[2.8.0]: https://host.example", NEARLY, True),
    ("##2.8.0 - 2025-08-06", "- x", NEARLY, True),
    ("## 2.8.0 (12/10/2025)", "- x", NEARLY, True),
    ("## 2.8.0 - 2025-MM-DD", "- x", NEARLY, False),
    ("## [2.8.0] - 2025-08-06 [YANKED]", "- x", NEARLY, False),
    ("## 2.8 - 2025-08-06", "- x", NEARLY, False),
    ("**2.8.0** - 2025-08-06", "- x", NEARLY, False),
    ("## 2.8.0rc1 - 2025-08-06", "- x", NONE, False),
    ("## JAX 2.8.0 - 2025-08-06", "- x", NONE, False),
    ("## [Unreleased]", "- x", NONE, False),
]


def gate(repo: Repo) -> dict[str, Any] | None:
    """What `check --as` finds against the entry; None where that is good."""
    (tag,) = json.loads(repo.envhooks("check", "--as", TAG, "--format", "json").out)["tags"]
    return next((one for one in tag["findings"] if one["check"] == "changelog-entry"), None)


@pytest.mark.parametrize(("head", "body", "expected", "is_refused"), SHAPES)
def test_one_answer(good: Repo, head: str, body: str, expected: str, is_refused: bool) -> None:
    good.commit_files({"CHANGELOG.md": f"# Changelog\n\n{head}\n\n{body}\n\n## 2.7.0 - 2025-04-23\n\nOld.\n"})
    good.git("push", "-q", "origin", "main")
    refused = gate(good)
    assert (refused is None) is (expected == GOOD), refused
    drafted = good.envhooks("changelog", TAG, "--dry-run")
    assert drafted.code == (1 if expected == NEARLY else 0), drafted.said
    assert ("has an entry for it: " in drafted.out) is (expected == GOOD), drafted.said
    linted = good.envhooks("lint", "changelog")
    assert linted.code == is_refused, linted.said
    if refused is not None and expected == NEARLY:
        assert ":3" in drafted.err and refused["line"] == 3
        assert refused["fix"] in drafted.flat, "one fix"
    if is_refused:
        assert "CHANGELOG.md:3: " in linted.out


def test_an_entry_in_another_file_is_named(good: Repo) -> None:
    good.commit_files(
        {"docs/changes.md": "# Changes\n\n## 2.8.0 - 2025-08-06\n\nText.\n", "CHANGELOG.md": "See docs.\n"}
    )
    good.git("push", "-q", "origin", "main")
    refused = gate(good)
    assert refused is not None and (refused["path"], refused["line"]) == ("docs/changes.md", 3)
    assert "it stands in docs/changes.md, and the policy names CHANGELOG.md" in refused["got"]
    good.commit_files({".envhooks/policy.toml": '[changelog]\npath = "docs/changes.md"\n'})
    good.git("push", "-q", "origin", "main")
    assert gate(good) is None
