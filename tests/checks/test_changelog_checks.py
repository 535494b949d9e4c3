"""changelog-entry and changelog-sections, on changelogs read from text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envhooks.base.dataclass import replace
from envhooks.base.refs import RefUpdate
from envhooks.changelog import Changelog
from envhooks.changelog.reader import find_entry, read_changelog
from envhooks.checks import changelog_entry, changelog_sections
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import ChangelogPolicy, Policy
from envhooks.tagname.names import Naming, TagName, TagPolicy

RC1 = TagName("PyTorch-CUDA-v2.8-rc1", "PyTorch", "CUDA", None, (2, 8), "rc", 1)
STABLE = TagName("PyTorch-CUDA-v2.8", "PyTorch", "CUDA", None, (2, 8))
POLICY = Policy("the defaults", (), TagPolicy((), {}, (), ()), (), ChangelogPolicy(), {})


def subject(text: str | None, name: TagName, policy: Policy = POLICY, path: str = "CHANGELOG.md") -> Subject:
    if text is None:
        changelog = Changelog(path, exists=False)
    else:
        entries = read_changelog(text.encode(), path)
        entry = find_entry(entries, name, policy.changelog.heading)
        changelog = Changelog(path, True, entry, tuple(one.heading for one in entries))
    update = RefUpdate(f"refs/tags/{name.text}", None, "a" * 40)
    return Subject(update, {"naming": Naming(name), "changelog": changelog})


def entry(text: str | None, name: TagName = RC1, policy: Policy = POLICY) -> list[Finding]:
    return list(changelog_entry.check(subject(text, name, policy), policy))


def sections(text: str | None, name: TagName = RC1) -> list[Finding]:
    return list(changelog_sections.check(subject(text, name), POLICY))


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
def test_the_fix_leaves_only_the_words_to_write(
    tmp_path: Path, before: str | None, template: str | None, name: TagName
) -> None:
    policy = replace(POLICY, changelog=ChangelogPolicy(heading=template))
    file = tmp_path / "CHANGELOG.md"
    if before is not None:
        file.write_text(before)
    (finding,) = entry(before, name, policy)
    subprocess.run(["sh", "-c", finding.fix], cwd=tmp_path, check=True)
    text = file.read_text()
    assert (before or "").split("## 2.7")[-1] in text
    (left,) = entry(text, name, policy)
    assert "says nothing" in left.message


def test_sections_of_a_stable_release() -> None:
    assert (
        sections("## 2.8 - 2026-05-01\n\n### Known issues\n\nNone\n\n### Upgrading\n\nPull.\n", STABLE) == []
    )
    assert sections("## 2.8 - 2026-05-01\n\nNo known issues. To upgrade, pull.\n", STABLE) == []
    found = sections("## 2.8 - 2026-05-01\n\nPyTorch 2.8.0\n", STABLE)
    assert [one.expected.split(": ")[1] for one in found] == ["### Known issues", "### Upgrading"]
    assert changelog_sections.LEVEL == "warning"


def test_sections_of_a_candidate() -> None:
    assert sections("## 2.8-rc1 - 2026-05-01\n\nFor trying out; risky in production.\n") == []
    found = sections("## 2.8-rc1 - 2026-05-01\n\nPyTorch 2.8.0\n")
    assert [one.expected.split(": ")[1] for one in found] == ["### Use", "### Risk"]


def test_without_an_entry_there_are_no_sections_to_miss() -> None:
    assert sections("") == []
