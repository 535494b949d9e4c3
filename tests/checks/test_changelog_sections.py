"""changelog-sections: sections that an entry has to have."""

from __future__ import annotations

from changelog_parts import STABLE, sections

from envhooks.checks import changelog_sections


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
