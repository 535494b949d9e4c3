"""changelog-sections: sections that an entry has to have."""

from __future__ import annotations

from changelog_parts import POLICY, RC1, STABLE, sections, subject

from envhooks.base.dataclass import replace
from envhooks.checks import changelog_sections
from envhooks.policy import CheckSetting


def test_sections_of_a_stable_release() -> None:
    assert (
        sections("## 2.8 - 2026-05-01\n\n### Known issues\n\nNone\n\n### Upgrading\n\nPull.\n", STABLE) == []
    )
    assert sections("## 2.8 - 2026-05-01\n\nNo known issues. To upgrade, pull.\n", STABLE) == []
    found = sections("## 2.8 - 2026-05-01\n\nPyTorch 2.8.0\n", STABLE)
    assert [one.expected.split(": ")[1] for one in found] == ["### Known issues", "### Upgrading"]
    assert [one.level for one in found] == ["error", "error"]
    assert [(one.path, one.line, one.got) for one in found] == [("CHANGELOG.md", 1, "no sections")] * 2


def test_sections_of_a_candidate() -> None:
    assert sections("## 2.8-rc1 - 2026-05-01\n\nFor trying out; risky in production.\n") == []
    found = sections("## 2.8-rc1 - 2026-05-01\n\nPyTorch 2.8.0\n")
    assert [one.expected.split(": ")[1] for one in found] == ["### Use", "### Risk"]
    assert [one.level for one in found] == ["warning", "warning"]
    strict = replace(POLICY, checks={"changelog-sections": CheckSetting("error")})
    asked = subject("## 2.8-rc1 - 2026-05-01\n\nPyTorch 2.8.0\n", RC1, strict)
    assert [one.level for one in changelog_sections.check(asked, strict)] == ["error", "error"]


def test_without_an_entry_there_are_no_sections_to_miss() -> None:
    assert sections("") == []
