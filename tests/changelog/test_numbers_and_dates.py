"""Entries of releases that have a number or a date of their own: two releases of one version need two entries."""

from __future__ import annotations

import pytest

from envhooks.changelog.reader import find_entry, read_changelog
from envhooks.changelog.style import styled
from envhooks.policy.reader import parse_policy
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar


def answers(template: str, tag: str, heading: str, form: str | None = None) -> bool:
    policy = parse_policy(f'[tag]\ntemplates = ["{template}"]\n'.encode(), ".envhooks/policy.toml")
    name = Grammar(policy.tag).match(tag)
    assert name is not None
    entries = read_changelog(f"# Changes\n\n{heading}\n\nText.\n".encode(), "CHANGELOG.md")
    return find_entry(entries, name, form) is not None


GOOD = [
    ("v{release}", "v2.1.0", "## [2.1.0] - 2026-05-01"),
    ("v{release}", "v2.1.0", "## v2.1.0 (2026-05-01)"),
    ("v{release}", "v2.1.0", "## PyTorch environment 2.1.0"),
    ("v{release}[-{stage}]", "v2.1.0-rc1", "## [2.1.0-rc1] - 2026-05-01"),
    ("env-{release}", "env-7", "## 7 - 2026-05-01"),
    ("env-{release}", "env-7", "## Release 7 (2026-05-07)"),
    ("env-{release}", "env-25.06", "## 25.06 - 2025-06-30"),
    ("env-{release}", "env-2026.01.30", "## 2026.01.30"),
    ("{framework:lower}-cuda/v{release}", "pytorch-cuda/v2.1.0", "## [2.1.0] - 2026-05-01"),
    ("{date}", "2026-01-30", "## 2026-01-30"),
    ("{date}", "20260130", "## 2026-01-30"),
    ("{date}", "20260130", "## January 30, 2026"),
    ("{date}", "20260130", "## 20260130 - 2026-01-30"),
    ("v{version}-{release}", "v2.8.0-7", "## 2.8.0-7 - 2026-05-01"),
    ("v{version}-{release}", "v2.8.0-7", "## 2.8.0 (release 7) - 2026-05-01"),
    ("v{version}-{release}[-{stage}]", "v2.8.0-7-rc1", "## 2.8.0-7-rc1 - 2026-05-01"),
    ("v{version}-{release}[-{stage}]", "v2.8.0-7-rc1", "## 2.8.0, release 7 rc1"),
    ("v{version}-{date}", "v2.8.0-20260130", "## 2.8.0 - 2026-01-30"),
    ("v{version}-{date}", "v2.8.0-2026-01-30", "## 2.8.0-2026-01-30"),
    ("v{version}-{date}", "v2.8.0-20260130", "## 2.8.0-2026-01-30"),
    ("v{version}-{date}[-{stage}]", "v2.8.0-20260130-rc1", "## 2.8.0-2026.01.30-rc1"),
    ("v{version}-fa{flash-attn}", "v2.8.0-fa2.7.4", "## 2.8.0 with flash-attn 2.7.4"),
    ("v{version}-fa{flash-attn}", "v2.8.0-fa2.7.4", "## v2.8.0-fa2.7.4"),
]
BAD = [
    ("v{release}", "v2.1.0", "## [2.1.1] - 2026-05-01"),
    ("v{release}", "v2.1.0", "## [2.1] - 2026-05-01"),
    ("v{release}", "v2.1.0", "## Changes since 2.1.0"),
    ("v{release}[-{stage}]", "v2.1.0", "## [2.1.0-rc1] - 2026-05-01"),
    ("v{release}[-{stage}]", "v2.1.0-rc1", "## [2.1.0] - 2026-05-01"),
    ("env-{release}", "env-30", "## 29 - 2026-01-30"),
    ("env-{release}", "env-30", "## 29 - January 30, 2026"),
    ("env-{release}", "env-7", "## 2.7 - 2026-05-01"),
    ("{framework:lower}-cuda/v{release}", "pytorch-cuda/v2.1.0", "## JAX 2.1.0 - 2026-05-01"),
    ("{date}", "2026-01-30", "## 2026-01-31"),
    ("{date}", "2026-01-30", "## 2.8.0 - 2026-01-31"),
    ("{framework:lower}-{date}", "pytorch-2026-01-30", "## JAX 2026-01-30"),
    ("v{version}-{release}", "v2.8.0-7", "## 2.8.0 - 2026-05-01"),
    ("v{version}-{release}", "v2.8.0-7", "## 7 - 2026-05-01"),
    ("v{version}-{release}", "v2.8.0-7", "## 2.8.0 - 2026-05-07"),
    ("v{version}-{release}", "v2.8.0-7", "## 2.8.0-8 - 2026-05-01"),
    ("v{version}-{release}", "v2.8.0-7", "## 2.9.0 (release 7)"),
    ("v{version}-{release}[-{stage}]", "v2.8.0-7", "## 2.8.0, release 7 rc1"),
    ("v{version}-{release}[-{stage}]", "v2.8.0-7-rc1", "## 2.8.0 (release 7)"),
    ("v{version}-{date}", "v2.8.0-20260130", "## 2.8.0 - 2026-01-31"),
    ("v{version}-{date}", "v2.8.0-20260130", "## 2026-01-30"),
    ("v{version}-{date}", "v2.8.0-20260130", "## 2.8.0-2026-01-31"),
    ("v{version}-fa{flash-attn}", "v2.8.0-fa2.7.4", "## 2.8.0 - 2026-05-01"),
    ("v{version}-fa{flash-attn}", "v2.8.0-fa2.7.4", "## 2.8.0 with flash-attn 2.8.0"),
]


@pytest.mark.parametrize(("template", "tag", "heading"), GOOD)
def test_the_entry_of_a_release(template: str, tag: str, heading: str) -> None:
    assert answers(template, tag, heading)


@pytest.mark.parametrize(("template", "tag", "heading"), BAD)
def test_no_entry_of_a_release(template: str, tag: str, heading: str) -> None:
    assert not answers(template, tag, heading)


@pytest.mark.parametrize(
    ("template", "tag", "form", "heading", "good"),
    [
        ("v{release}", "v2.1.0", "## [{release}] - {date}", "## [2.1.0] - 2026-05-01", True),
        ("v{release}", "v2.1.0", "## [{release}] - {date}", "## [2.1.1] - 2026-05-01", False),
        ("env-{date}", "env-20260130", "## env of {date}", "## env of 2026-01-30", True),
        ("env-{date}", "env-20260130", "## env of {date}", "## env of 2026-01-31", False),
        ("{version}-fa{flash-attn}", "2.8-fa2.7.4", "## {version} fa {flash-attn}", "## 2.8 fa 2.7.4", True),
        ("{version}-fa{flash-attn}", "2.8-fa2.7.4", "## {version} fa {flash-attn}", "## 2.8 fa 2.7.5", False),
        ("{version}-py{python}", "2.8-py3.12", "## {version} Python {python}", "## 2.8 Python 3.12", True),
        ("{version}-cuda{cuda}", "2.8-cuda12.8", "## {version} CUDA {cuda}", "## 2.8 CUDA 12.8", True),
        ("{version}-cuda{cuda}", "2.8-cuda12.8", "## {version} CUDA {cuda}", "## 2.8 CUDA 12.6", False),
    ],
)
def test_a_template_takes_the_fields_of_the_name(
    template: str, tag: str, form: str, heading: str, good: bool
) -> None:
    assert answers(template, tag, heading, form) is good


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ("## [2.8.0] - 2025-08-06T10:00:00Z", "2025-08-06"),
        ("## 2.8.0 (6th of August 2025)", "6th of August 2025"),
        ("## 2.8.0\n\n2025-08-06", "2025-08-06"),
        ("## 2.8.0\n*Released: 6 August 2025*", "6 August 2025"),
        ("## 2.8.0\n\nRelease date: 2025-08-06", "2025-08-06"),
        ("## [2.8.0] - 2025-08-06 [YANKED]", None),
        ("## [2.8.0] (yanked)\n2025-08-06", None),
        ("## 2.8.0 (unreleased)\n2025-08-06", None),
        ("## 2.8.0\nSince 2025-08-06 the driver is older", None),
        ("## 2.8.0\n- a\n\n2025-08-06", None),
        ("## [2.8.0] - 2025-08-06Texas", None),
    ],
)
def test_days_with_times_of_the_month_and_below_their_heading(head: str, date: str | None) -> None:
    name = Grammar(DEFAULT_TAG_POLICY).match("PyTorch-CUDA-v2.8.0")
    assert name is not None
    entry = find_entry(
        read_changelog(f"# Changes\n\n{head}\n\n- text\n".encode(), "CHANGELOG.md"), name, None
    )
    assert entry is not None and entry.date == date
    assert entry.body.endswith("- text") and (date is None or date not in entry.body)


@pytest.mark.parametrize(
    ("template", "tag", "there", "drafted"),
    [
        ("{version}-{hardware:compact}[-{stage}]", "2.8-cpu", "2.7-cu126 (2026-01-02)", "2.8-cpu (DATE)"),
        ("{version}-{hardware:compact}[-{stage}]", "2.8-cu128-rc1", "[2.7-cpu] - 2026-01-02", "[2.8-cu128-rc1] - DATE"),
        ("{version}-{hardware:compact}[-{stage}]", "2.8-cu128-rc1", "[2.7-rc1] - 2026-01-02", "[2.8-rc1] - DATE"),
        ("{version}-{hardware:compact}", "2.8-cpu", "[2.7] - 2026-01-02", "[2.8] - DATE"),
        ("v{version}-{variant}-{python:compact}", "v2.8.0-devel-312", "v2.7.1-runtime-311: 2026-01-02",
         "v2.8.0-devel-312: DATE"),
        ("{framework}-{hardware}-v{version}", "PyTorch-CPU-v2.8", "PyTorch-CPU-v2.7 / 2026-01-02",
         "PyTorch-CPU-v2.8 / DATE"),
    ],
)  # fmt: skip
def test_a_draft_is_headed_as_the_file_heads_its_entries(
    template: str, tag: str, there: str, drafted: str
) -> None:
    """A file whose entries have the whole names of tags got a bare version, which answers for other hardware too."""
    policy = parse_policy(f'[tag]\ntemplates = ["{template}"]\n'.encode(), ".envhooks/policy.toml")
    name = Grammar(policy.tag).match(tag)
    assert name is not None
    assert styled([there], name, None)[0] == drafted
