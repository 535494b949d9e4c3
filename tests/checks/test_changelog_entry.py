"""changelog-entry: an entry of its own for each release."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from changelog_parts import POLICY, RC1, STABLE, entry

from envhooks.base.dataclass import replace
from envhooks.changelog import Changelog
from envhooks.changelog.drafting import draft
from envhooks.policy import ChangelogPolicy
from envhooks.tagname.names import TagName


def test_a_good_entry() -> None:
    assert entry("## 2.8-rc1 - 2026-05-01\n\n### Added\n\n- PyTorch 2.8.0\n") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no changelog"),
        ("", "has no entry"),
        ("## 2.8 - 2026-05-01\n\nText\n", "has no entry"),
        ("## Unreleased\n\nText\n", "has no entry"),
        ("## 2.8-rc1\n\nText\n", "carries no date"),
        ("## 2.8-rc1 (unreleased)\n\nText\n", "carries no date"),
        ("## 2.8-rc1 - 2026-05-01\n", "says nothing"),
        ("## 2.8-rc1 - 2026-05-01\n\n### Added\n\n### Fixed\n", "says nothing"),
        ("## 2.8-rc1 - 2026-05-01\n\nAdded\n-----\n\nFixed\n-----\n", "says nothing"),
        ("## 2.8-rc1 - 2026-05-01\n\n<!-- to be written -->\n", "says nothing"),
        ("## 2.8-rc1 - 2026-05-01\n\n-\n\n[2.8-rc1]: https://host.example\n", "says nothing"),
    ],
)
def test_what_an_entry_lacks(text: str | None, said: str) -> None:
    (finding,) = entry(text)
    assert said in finding.message
    assert finding.path == "CHANGELOG.md"


@pytest.mark.parametrize("before", [None, "", "# Changelog\n\n## 2.7 - 2026-01-01\n\nOld & new\n"])
@pytest.mark.parametrize("template", [None, "## env {version} ({date})", "{tag} {version}-{stage} {date}"])
@pytest.mark.parametrize("name", [RC1, STABLE])
def test_the_fix_writes_an_entry_that_is_good(
    tmp_path: Path, before: str | None, template: str | None, name: TagName
) -> None:
    policy = replace(POLICY, changelog=ChangelogPolicy(heading=template))
    file = tmp_path / "CHANGELOG.md"
    if before is not None:
        file.write_text(before)
    found = Changelog("CHANGELOG.md", before is not None)
    made = draft(None if before is None else before.encode(), found, name, template)
    subprocess.run(["sh", "-c", made.fix], cwd=tmp_path, check=True)
    text = file.read_text()
    assert (before or "").split("## 2.7")[-1] in text
    assert entry(text, name, policy) == []
