from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.errors import CannotJudge
from envhooks.catalog.lookup import words
from envhooks.changelog import ChangelogEntry
from envhooks.changelog.drafting import changelog_for
from envhooks.changelog.headings import find_heading
from envhooks.changelog.reader import MAX_BYTES, Entries, find_entry, read_changelog
from envhooks.tagname.names import TagName

RC1 = TagName("PyTorch-CUDA-v2.8-rc1", "PyTorch", "CUDA", None, (2, 8), "rc", 1)
STABLE = TagName("PyTorch-CUDA-v2.8", "PyTorch", "CUDA", None, (2, 8))
PATCH = TagName("PyTorch-CUDA12.8-v2.8.1", "PyTorch", "CUDA", "12.8", (2, 8, 1))


def entries(text: str) -> Entries:
    return read_changelog(text.encode(), "CHANGELOG.md")


def found(text: str, name: TagName = RC1, heading: str | None = None) -> ChangelogEntry | None:
    return find_entry(entries(text), name, heading)


@pytest.mark.parametrize(
    ("heading", "date"),
    [
        ("## [2.8-rc1] - 2026-05-01", "2026-05-01"),
        ("## [2.8-rc1](https://host.example/compare) - 2026-06-06", "2026-06-06"),
        ("## PyTorch-CUDA-v2.8-rc1 (2026-05-01)", "2026-05-01"),
        ("# Release 2.8rc1", None),
        ("# v2.8.rc1 (2026.05.01)", "2026.05.01"),
        ("### my-own name 2.8-rc1 (April 3, 2024) ###", "April 3, 2024"),
        ("## **2.8-RC1** — 1 May 2026", "1 May 2026"),
        ("## 2.8 rc1 (unreleased)", None),
        ("## 2.8 Release Candidate 1, Sept. 2nd, 2026", "Sept. 2nd, 2026"),
        ("2.8-rc1 — 2025-12-29\n====================", "2025-12-29"),
        ("2.8-rc1 (2025-12-29)\n---", "2025-12-29"),
        ("********************\n2.8-rc1 (2025-12-29)\n********************", "2025-12-29"),
        ("2.8-rc1 (2025-12-29)\n~~~~~~~~~~~~~~~~~~~~", "2025-12-29"),
        ("## PyTorch 2.8-rc1 for CUDA, 2026-05-01", "2026-05-01"),
        ("## 2.8-rc1 2026-02-30", None),
        ("## `v2.8-rc.1` 2026/05/01", "2026/05/01"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_usual_headings(heading: str, date: str | None, newline: str) -> None:
    text = f"# Changelog\n\n{heading}\n\n- First candidate.\n\n## 2.7 - 2026-01-01\n\nOld.\n"
    entry = found(text.replace("\n", newline))
    assert entry is not None
    assert entry.date == date
    assert entry.body.strip() == "- First candidate."
    assert text.split("\n")[entry.line - 1].strip("#* ").startswith(entry.heading.strip("#* ")[:8])


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("## 2.8", RC1),
        ("## 2.8.1", STABLE),
        ("## 2.8.0", STABLE),
        ("## 2.8-rc1", STABLE),
        ("## 2.8 rc1", STABLE),
        ("## 2.8 (rc1)", STABLE),
        ("## 2.8 - RC 1", STABLE),
        ("## 2.8 pre-release", STABLE),
        ("## 2.8-post1", STABLE),
        ("## 2.8.dev1", STABLE),
        ("## 2.8-gpu", STABLE),
        ("## 2.8+cu128", STABLE),
        ("## 12.8", STABLE),
        ("## 2.80", STABLE),
        ("## 1.2.8", STABLE),
        ("## 2.8-rc10", RC1),
        ("## 2.8-rc", RC1),
        ("## Unreleased", STABLE),
        ("## [Unreleased] 2.8", STABLE),
        ("## CUDA 2.8", STABLE),
        ("## CUDA2.8", STABLE),
        ("## Python 2.8", STABLE),
        ("## Changes since 2.8", STABLE),
        ("## Upgrading to PyTorch-CUDA-v2.8", STABLE),
        ("## JAX 2.8", STABLE),
        ("## torchvision 2.8", STABLE),
        ("## TensorFlow-CUDA-v2.8", STABLE),
        ("## PyTorch-ROCm-v2.8", STABLE),
        ("## 2.8 (ROCm)", STABLE),
        ("## other-2.8", STABLE),
        ("## PyTorch-CUDA-v2.8-rc1", STABLE),
        ("## 2.8.1 (CUDA 11.8)", PATCH),
        ("##2.8", STABLE),
        ("    ## 2.8", STABLE),
        ("- 2.8\n---", STABLE),
        ("```\n## 2.8\n```", STABLE),
        ("~~~md\n## 2.8\n```\n## 2.8\n~~~", STABLE),
        ("<!--\n## 2.8\n-->", STABLE),
        ("## 100000000000000000000000000000000002.8", STABLE),
    ],
)
def test_what_is_no_entry_for_the_release(heading: str, name: TagName) -> None:
    assert found(f"# Changelog\n\n{heading}\n\nText.\n", name) is None


def body(text: str) -> str:
    entry = found(text, STABLE)
    assert entry is not None
    return entry.body


def test_the_best_entry_wins() -> None:
    whole = "## 2.8 - 2026-05-02\nA\n## PyTorch-CUDA-v2.8 (2026-05-01)\nB\n"
    assert body(whole) == "B"
    named = "## 2.8\nA\n## PyTorch 2.8\nB\n## PyTorch 2.8 CUDA\nC\n## PyTorch 2.8 ROCm\nD\n"
    assert body(named) == "C"
    both = found("## PyTorch for CUDA and ROCm, v2.8.1\nA\n", PATCH)
    assert both is not None
    twice = "## 2.8\nfirst\n## 2.8\nsecond\n"
    assert body(twice) == "first"


def test_what_belongs_to_an_entry() -> None:
    text = (
        "# Changelog\n\n## 2.8 - 2026-05-01\n\nIntro\n\n### Known issues\n\nNone\n\n### CUDA 12.8\n\n"
        "```sh\n# 9.9\n```\n"
        "<!-- hidden -->\n### [2.7.1](link) (2026-04-01)\n\nPatch\n\n## 2.7\n"
    )
    entry = found(text, STABLE)
    assert entry is not None
    assert entry.sections == ("Known issues", "CUDA 12.8")
    assert "# 9.9" in entry.body
    assert "hidden" not in entry.body
    assert "Patch" not in entry.body
    headings = "2.8 - 2026-05-01", "CUDA 12.8", "[2.7.1](link) (2026-04-01)", "2.7"
    assert tuple(one.heading for one in entries(text)) == headings


def test_a_title_on_the_level_of_the_entry_is_its_own() -> None:
    """As GitHub's generated notes come to stand below a heading."""
    text = "# Changelog\n\n## 2.8 - 2026-05-01\n\n## What's Changed\n\n### Added\n\n- x\n\n## 2.7\n\n## Licence\n"
    entry = found(text, STABLE)
    assert entry is not None and entry.is_good and entry.sections == ("What's Changed", "Added")
    assert "2.7" not in entry.body
    other = found("# 2.8 - 2026-05-01\n\nText.\n\n# License\n\nBSD\n", STABLE)
    assert other is not None and other.body == "Text."


def test_levels_of_restructuredtext_come_in_the_order_of_use() -> None:
    text = "Notes\n*****\n\n2.8 (2026-05-01)\n^^^^^^^^^^^^^^^^\n\nText\n\nKnown issues\n############\n\nNone"
    text += "\n\n2.7\n^^^\n"
    entry = found(text, STABLE)
    assert entry is not None
    assert entry.sections == ("Known issues",)
    assert entry.body.endswith("None")


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("2.7\n===\n2.8\n---\n# 2.9\n3.0\n---\n", ("2.7", "2.8", "2.9", "3.0")),
        ("a paragraph\n2.8\n---\n", ()),
        ("# 2.8\n---\n", ("2.8",)),
        ("# 2.8\n===\n2.9\n===\n", ("2.8", "2.9")),
        ("#\t2.8 ##\n## #\n####### 2.9\n#2.10\n    # 2.11\n", ("2.8",)),
        ("---\n===\n---\n", ()),
        ("---\n2.8\n---", ("2.8",)),
        (f"# {'2.8 ' * 125}\n\n2.9\n---\n", ("2.9",)),
        (f"# {'2.8 ' * 125}\n2.9\n---\n", ()),
        ("2.8.0\n~~~~~\n\n```\n2.9\n---\n# 3.0\n```\n\n3.1\n---\r", ("2.8.0", "3.1")),
        ("2.8\u2028# 2.9\n---\x1f\n", ("2.8\u2028# 2.9",)),
    ],
)
def test_a_heading_is_told_by_the_lines_around_it(text: str, headings: tuple[str, ...]) -> None:
    read = entries(text)
    assert read.headings == headings
    assert tuple(one.heading for one in read) == headings


def test_an_entry_is_the_same_whichever_was_asked_for_before() -> None:
    text = "# 2.9\n\n## Known\n\nNone\n\n# 2.8 - 2026-05-01\n\n<!--\n-->Text\n\n## 2.7\n\nOld\n"
    backwards, read = entries(text), list(entries(text))
    assert [backwards[number] for number in (2, 1, 0)] == read[::-1]
    assert [(one.line, one.body, one.sections) for one in read] == [
        (1, "## Known\n\nNone", ("Known",)),
        (7, "Text\n\n## 2.7\n\nOld", ("2.7",)),
        (12, "Old", ()),
    ]


@pytest.mark.parametrize("heading", ["CuPy 13.6 - 2026-05-02", "CUPY v13.6", "13.6 - 2026-05-02"])
def test_a_framework_of_a_policy_may_end_like_the_name_of_something_else(heading: str) -> None:
    own = TagName("CuPy-CUDA-v13.6", "CuPy", "CUDA", None, (13, 6))
    vocabulary = words(["CuPy"])
    assert find_heading([heading], own, vocabulary) == 0
    assert find_heading(["Python 13.6", "numpy 13.6", "py13.6"], own, vocabulary) is None
    assert (
        find_heading(
            ["CuPy 13.6"], TagName("PyTorch-CUDA-v13.6", "PyTorch", "CUDA", None, (13, 6)), vocabulary
        )
        is None
    )


@pytest.mark.parametrize(
    ("template", "heading", "name", "matches"),
    [
        ("## env {version} ({date})", "## env 2.8-rc1 (April 3, 2024)", RC1, True),
        ("## env {version} ({date})", "## env  2.8rc1 (2024-04-03)", RC1, True),
        ("## env {version} ({date})", "## env 2.8 (2024-04-03)", RC1, False),
        ("## env {version} ({date})", "## env 2.8-rc1 (2024-04-03)", STABLE, False),
        ("## env {version} ({date})", "## env 2.8 (soon)", STABLE, False),
        ("## env {version} ({date})", "## env 2.8 (2024-04-03) x", STABLE, False),
        ("## env {version} ({date})", "## 2.8 (2024-04-03)", STABLE, False),
        ("[{version}-{stage}] - {date}", "## [2.8-rc1] - 2026-05-01", RC1, True),
        ("[{version}-{stage}] - {date}", "## [2.8] - 2026-05-01", STABLE, True),
        ("[{version}-{stage}] - {date}", "## [2.8-rc1] - 2026-05-01", STABLE, False),
        ("{tag}", "# pytorch-cuda-v2.8", STABLE, True),
        ("{framework} on {hardware}: {version}", "## PyTorch on CUDA12.8: v2.8.1", PATCH, True),
        ("{framework} on {hardware}: {version}", "## PyTorch on CUDA: v2.8.1", PATCH, False),
        ("(.*)+x", "# 2.8 " + "a" * 400, STABLE, False),
    ],
)
def test_templates(template: str, heading: str, name: TagName, matches: bool) -> None:
    assert (found(f"{heading}\n\nText\n", name, template) is not None) is matches


def test_an_unknown_field_of_a_template() -> None:
    with pytest.raises(CannotJudge, match=r"unknown field \{V\}") as caught:
        found("# 2.8\n", STABLE, "{V}")
    assert "{version}" in caught.value.fix


def test_bytes_that_cannot_be_read() -> None:
    with pytest.raises(CannotJudge, match="not UTF-8") as caught:
        read_changelog("# 2.8\n\né\n".encode("latin-1"), "docs/a b.md")
    assert caught.value.place == "docs/a b.md:3"
    assert caught.value.fix.startswith("iconv -f latin1 -t utf-8 'docs/a b.md'")
    with pytest.raises(CannotJudge, match="UTF-16") as caught:
        read_changelog("# 2.8\n".encode("utf-16"), "C.md")
    assert "utf-16" in caught.value.fix
    with pytest.raises(CannotJudge, match="8 MiB"):
        read_changelog(b"a" * (MAX_BYTES + 1), "C.md")
    assert read_changelog(b"\xef\xbb\xbf# 2.8\n", "C.md")[0].heading == "2.8"
    assert len(read_changelog(b"", "C.md")) == 0


@settings(max_examples=400, deadline=None)
@given(
    st.text(max_size=120) | st.text(alphabet="#=-~` \n2.8rc1v[]()<!>\t", max_size=120),
    st.sampled_from([RC1, STABLE, PATCH]),
    st.none() | st.text(alphabet="{}[]()# version stage date", max_size=30),
)
def test_no_text_raises_anything_else(text: str, name: TagName, heading: str | None) -> None:
    try:
        read = entries(text)
        changelog_for(text.encode(), "CHANGELOG.md", name, heading)
    except CannotJudge:
        return
    assert all(text.split("\n")[one.line - 1] for one in read)


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(st.integers(0, 30), st.integers(0, 30)),
    st.sampled_from(["", "-rc1", "rc2", " beta1", ".post1"]),
    st.tuples(st.integers(0, 30), st.integers(0, 30)),
    st.sampled_from([("stable", 0), ("rc", 1), ("rc", 2), ("beta", 1), ("post", 1)]),
)
def test_an_entry_serves_its_own_release_only(
    written: tuple[int, int], stage: str, version: tuple[int, int], asked: tuple[str, int]
) -> None:
    meant = {
        "": ("stable", 0),
        "-rc1": ("rc", 1),
        "rc2": ("rc", 2),
        " beta1": ("beta", 1),
        ".post1": ("post", 1),
    }
    name = TagName("x", "PyTorch", "CUDA", None, version, *asked)
    entry = found(f"## v{written[0]}.{written[1]}{stage} - 2026-05-01\n\nText\n", name)
    assert (entry is not None) is (written == version and meant[stage] == asked)


def test_hostile_files_cost_their_length() -> None:
    for text in (
        "# " * 200_000,
        "<!--" * 200_000,
        "a\n=\n" * 100_000,
        "# 1" + "-" * 480 + "\n",
        "# 1.1 \n" * 100_000,
    ):
        entries(text)
    found("# " + "2.8 " * 120 + "\n", STABLE)
    found("# " + "pytorch-" * 60 + "\n", STABLE)
