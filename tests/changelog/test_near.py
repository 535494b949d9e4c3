"""A release without an entry: the line that comes closest is named, and the fix, run by a shell, makes it the entry."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path

import pytest

from envhooks.changelog import Changelog
from envhooks.changelog.drafting import changelog_for
from envhooks.changelog.style import DAY, styled
from envhooks.policy.reader import parse_policy
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar
from envhooks.tagname.names import TagName

OLDER = "\n## 2.7.0 - 2025-04-23\n\nPyTorch 2.7.0.\n"
TODAY = f"{date.today():%Y-%m-%d}"


def named(tag: str = "PyTorch-CUDA-v2.8.0") -> TagName:
    name = Grammar(DEFAULT_TAG_POLICY).match(tag)
    assert name is not None
    return name


def fixed(folder: Path, text: str, name: TagName, template: str | None = None) -> tuple[Changelog, str]:
    """(what was found, the file after its fix was run)."""
    file = folder / "CHANGELOG.md"
    file.write_bytes(text.encode())
    older = OLDER.strip() in text
    found = changelog_for(text.encode(), file.name, name, template)
    assert not found.is_good
    subprocess.run(["sh", "-c", found.fix], cwd=folder, check=True)
    after = file.read_bytes()
    assert changelog_for(after, file.name, name, template).is_good, after.decode()
    assert (OLDER.strip() in after.decode()) is older
    return found, after.decode()


MENDED = [
    ("## [2.8] - 2025-08-06", "it says 2.8, and the tag 2.8.0", "## [2.8.0] - 2025-08-06"),
    ("## v2.8", "it says 2.8, and the tag 2.8.0", f"## v2.8.0 - {TODAY}"),
    ("## PyTorch 2.8 (2025-08-06)", "it says 2.8, and the tag 2.8.0", "## PyTorch 2.8.0 (2025-08-06)"),
    ("## [2.8.0+cu128] - 2025-08-06", "`+cu128` behind the version", "## [2.8.0] - 2025-08-06"),
    ("## 2.8.0-cuda12.8 (2025-08-06)", "`-cuda12.8` behind the version", "## 2.8.0 (2025-08-06)"),
    ("## [2.8+cu128] - 2025-08-06", "`+cu128` behind the version makes it", "## [2.8.0] - 2025-08-06"),
    ("##2.8.0 - 2025-08-06", "`##` needs a blank behind it", "## 2.8.0 - 2025-08-06"),
    ("##v2.8.0", "`##` needs a blank behind it", f"## v2.8.0 - {TODAY}"),
    ("###[2.8.0] (2025-08-06)", "`###` needs a blank behind it", "### [2.8.0] (2025-08-06)"),
    ("##2.8 - 2025-08-06", "needs a blank behind it; it says 2.8, and", "## 2.8.0 - 2025-08-06"),
    ("####### 2.8.0 - 2025-08-06", "at most six marks", "###### 2.8.0 - 2025-08-06"),
    ("**2.8.0** (2025-08-06)", "nothing marks it as one", "## 2.8.0 (2025-08-06)"),
    ("**[2.8.0] - 2025-08-06**", "nothing marks it as one", "## [2.8.0] - 2025-08-06"),
    ("Version 2.8.0", "nothing marks it as one", f"## Version 2.8.0 - {TODAY}"),
    ("v2.8.0 / 2025-08-06", "nothing marks it as one", "## v2.8.0 / 2025-08-06"),
    ("- 2.8.0 (2025-08-06):", "nothing marks it as one", "## 2.8.0 (2025-08-06)"),
    ("== 2.8.0 - 2025-08-06 ==", "nothing marks it as one", "## 2.8.0 - 2025-08-06"),
    ("<h2>2.8.0 (2025-08-06)</h2>", "nothing marks it as one", "## 2.8.0 (2025-08-06)"),
    ("    ## 2.8.0 - 2025-08-06", "it is indented", "## 2.8.0 - 2025-08-06"),
    ("Notes\n2.8.0 (2025-08-06)\n------------------", "a blank line is missing above it", "\n\n2.8.0 (2025-08-06)\n--"),
    ("2.8.0 (2025-08-06)\n~~~~", "its underline is shorter than it", "2.8.0 (2025-08-06)\n~~~~~~~~~~~~~~~~~~"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "why", "mended"), MENDED)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_line_that_is_nearly_the_entry_becomes_it(
    tmp_path: Path, head: str, why: str, mended: str, newline: str
) -> None:
    text = f"# Changelog\n\n{head}\n\n- PyTorch 2.8.0\n{OLDER}".replace("\n", newline)
    found, after = fixed(tmp_path, text, named())
    assert found.entry is None and found.near is not None and found.near.is_mended
    assert why in found.near.why, found.near
    assert found.near.text in text.split(newline)[found.near.line - 1].replace("**", "")
    assert mended in after.replace("\r\n", "\n"), after
    assert after.count("- PyTorch 2.8.0") == 1 and "to try out" not in after


OTHERS = [
    ("## 2.8.0rc1 - 2025-08-06", "PyTorch-CUDA-v2.8.0", "it is of rc1, and the tag of the stable release"),
    ("## 2.8.0 - 2025-08-06", "PyTorch-CUDA-v2.8.0-rc1", "it is of the stable release, and the tag of rc1"),
    ("## 2.8.0-rc2 - 2025-08-06", "PyTorch-CUDA-v2.8.0-rc1", "it is of rc2, and the tag of rc1"),
    ("## JAX 2.8.0 - 2025-08-06", "PyTorch-CUDA-v2.8.0", "it is of jax, and the tag of PyTorch"),
    ("## 2.8.0 for ROCm - 2025-08-06", "PyTorch-CUDA-v2.8.0", "it is for rocm, and the tag for CUDA"),
    ("## 2.8.0 (CUDA 11.8) - 2025-08-06", "PyTorch-CUDA12.8-v2.8.0", "it is for another CUDA than 12.8"),
    ("## Changes since 2.8.0 - 2025-08-06", "PyTorch-CUDA-v2.8.0", "it speaks of 2.8.0 and is no entry of it"),
    ("<!--\n## 2.8.0 - 2025-08-06\n-->", "PyTorch-CUDA-v2.8.0", "in a comment or a block of code"),
    ("```\n## 2.8.0 - 2025-08-06\n```", "PyTorch-CUDA-v2.8.0", "in a comment or a block of code"),
    ("## [Unreleased]", "PyTorch-CUDA-v2.8.0", "what stands below it is of no release yet"),
    ("## 2.8.0+rocm6.4 - 2025-08-06", "PyTorch-CUDA-v2.8.0", None),
    ("Torch moves to 2.8.0 today.", "PyTorch-CUDA-v2.8.0", None),
    ("- Update PyTorch to version 2.8.0", "PyTorch-CUDA-v2.8.0", None),
]  # fmt: skip


@pytest.mark.parametrize(("head", "tag", "why"), OTHERS)
def test_the_heading_of_another_stays_as_it_is(tmp_path: Path, head: str, tag: str, why: str | None) -> None:
    text = f"# Changelog\n\n{head}\n\n- text\n{OLDER}"
    found, after = fixed(tmp_path, text, named(tag))
    assert head in after
    assert (found.near.why if found.near else None) == why or (found.near and why and why in found.near.why)
    assert found.near is None or not found.near.is_mended


@pytest.mark.parametrize(
    ("head", "why", "mended"),
    [
        ("## 2.8.0", None, f"## 2.8.0 - {TODAY}"),
        ("## [2.8.0] - YYYY-MM-DD", "the day is still to be written", f"## [2.8.0] - {TODAY}"),
        (r"## \[2.8.0\] - 2025-MM-DD", "the day is still to be written", rf"## \[2.8.0\] - {TODAY}"),
        ("## [2.8.0] - 2025-08-DD", "the day is still to be written", f"## [2.8.0] - {TODAY}"),
        ("## v2.8.0 (12/10/2025)", "it may be 2025-10-12 or 2025-12-10", f"## v2.8.0 ({TODAY})"),
        ("## v2.8.0 (30/6/2025)", "write 2025-06-30", "## v2.8.0 (2025-06-30)"),
        ("## 2.8.0 - 20250806", "between its parts: 2025-08-06", f"## 2.8.0 - {TODAY}"),
        ("## 2.8.0 - 2025-02-30", "the calendar has no such day", f"## 2.8.0 - {TODAY}"),
        ("## 2.8.0 (August 2025)", "it names no day", f"## 2.8.0 ({TODAY})"),
        ("## 2.8.0 (unreleased)", None, f"## 2.8.0 - {TODAY}"),
        ("2.8.0\n-----", None, f"2.8.0 - {TODAY}\n------------------"),
    ],
)
def test_a_day_that_cannot_be_read(tmp_path: Path, head: str, why: str | None, mended: str) -> None:
    found, after = fixed(tmp_path, f"# Changelog\n\n{head}\n\n- text\n{OLDER}", named())
    assert found.entry is not None and found.entry.lack == "carries no date"
    assert (found.near.why if found.near else None) == why or (found.near and why and why in found.near.why)
    assert mended in after, after


@pytest.mark.parametrize(
    "heading",
    [
        "[2.8.0] - 2025-08-06 [YANKED]",
        "2.8.0 (yanked) 2025-08-06",
        "2.8.0 - 2025-08-06 - **Yanked**",
        "2.8.0 - 2025-08-06 YANKED",
        "[2.8.0] 2025-08-06 [ yanked ]",
    ],
)
def test_a_yanked_entry_is_no_release_and_has_no_fix(heading: str) -> None:
    found = changelog_for(f"# C\n\n## {heading}\n\nText.\n".encode(), "CHANGELOG.md", named(), None)
    assert found.entry is not None and found.entry.lack == "says that it was yanked" and not found.fix


@pytest.mark.parametrize("text", ["Replaces the yanked 2.7.9.", "It was yanked."])
def test_an_entry_may_speak_of_one_that_was_yanked(text: str) -> None:
    heading = "## 2.8.0 - 2025-08-06 (for 2.7.9, which PyPI yanked once)"
    found = changelog_for(f"# C\n\n{heading}\n\n{text}\n".encode(), "CHANGELOG.md", named(), None)
    assert found.is_good


def test_a_heading_in_another_form_than_the_policys(tmp_path: Path) -> None:
    text = f"# Changelog\n\n## [2.8.0] - 2025-08-06\n\n- text\n{OLDER}"
    found, after = fixed(tmp_path, text, named(), "## env {version} ({date})")
    assert found.near is not None and "the policy's form is `## env {version} ({date})`" in found.near.why
    assert "\n## env 2.8.0 (2025-08-06)\n\n- text" in after


def test_a_fix_finds_its_line_among_those_that_begin_alike(tmp_path: Path) -> None:
    """The day of 2.8 came to the heading of 2.8.1, which stands above it and begins with the same characters."""
    text = "# C\n\n## 2.8.1 - 2025-09-01\n\nPatch.\n\n```\n## 2.8\n```\n\n## 2.8\n\nText.\n"
    _, after = fixed(tmp_path, text, named("PyTorch-CUDA-v2.8"))
    assert after == text.replace("\n## 2.8\n\nText", f"\n## 2.8 - {TODAY}\n\nText")


@pytest.mark.parametrize(
    "text", ["## 2.7.0 - 2025-04-23\n\nOld.\n", "## 2.8.0\n\nText.\n", "##2.8.0\n\nText.\n"]
)
def test_a_byte_order_mark_before_the_first_heading(tmp_path: Path, text: str) -> None:
    _, after = fixed(tmp_path, f"\ufeff{text}", named())
    assert "\ufeff" not in after[1:]


def test_an_entry_that_says_nothing_gets_its_text(tmp_path: Path) -> None:
    for body in (
        "### Added\n\n### Fixed",
        "[2.8.0]: https://host.example",
        '<a name="2.8.0"></a>',
        ".. _2.8: x",
    ):
        found, after = fixed(tmp_path, f"# C\n\n## 2.8.0 - 2025-08-06\n\n{body}\n{OLDER}", named())
        assert found.entry is not None and found.entry.lack == "says nothing"
        assert "## 2.8.0 - 2025-08-06\n\nPyTorch 2.8.0 for CUDA. No known issues." in after


def test_a_policys_own_framework_is_one_of_the_words() -> None:
    policy = parse_policy(b'[tag.frameworks]\nFlux = ["flux"]\n', "p")
    name = Grammar(policy.tag).match("Flux-CUDA-v1.0.0")
    assert name is not None
    found = changelog_for(b"## PyTorch 1.0.0 - 2025-08-06\n\nx\n", "C.md", name, None)
    assert found.near is not None and found.near.why == "it is of pytorch, and the tag of Flux"


@pytest.mark.parametrize(
    ("heading", "written"),
    [
        ("2.7.0 (2025-04-23)", ("2.8.0 (DATE)", "%Y-%m-%d")),
        ("2.7.0 (2025/04/23)", ("2.8.0 (DATE)", "%Y/%m/%d")),
        ("2.7.0 (23 April 2025)", ("2.8.0 (DATE)", "%d %B %Y")),
        ("2.7.0 (23 Apr 2025)", ("2.8.0 (DATE)", "%d %b %Y")),
        ("2.7.0 (April 23, 2025)", ("2.8.0 (DATE)", "%B %d, %Y")),
        ("2.7.0 (Apr 23 2025)", ("2.8.0 (DATE)", "%b %d %Y")),
        ("2.7.0 (2025年4月23日)", ("2.8.0 (DATE)", "%Y年%m月%d日")),
    ],
)
def test_dates_are_written_as_the_file_has_them(heading: str, written: tuple[str, str]) -> None:
    assert styled([heading], named(), None) == (written[0].replace("DATE", DAY), written[1])
