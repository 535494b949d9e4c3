"""Subjects of the checks of changelogs, read from text."""

from __future__ import annotations

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
    facts = {"naming": Naming(name), "changelog": changelog}
    assert {*changelog_entry.READS, *changelog_sections.READS} == {*facts}, "they are given no others"
    return Subject(update, facts)


def entry(text: str | None, name: TagName = RC1, policy: Policy = POLICY) -> list[Finding]:
    return list(changelog_entry.check(subject(text, name, policy), policy))


def sections(text: str | None, name: TagName = RC1) -> list[Finding]:
    return list(changelog_sections.check(subject(text, name), POLICY))
