"""`envhooks changelog NAME`: the entry in the file's own style, from the facts of two environments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import DOCKERFILE, Done, Repo, first_on_path, run
from test_check_as import state

NEXT = "PyTorch-CUDA-v2.9-rc1"
NEW = DOCKERFILE.replace("2.8.0+cu128", "2.9.0+cu128").replace("0.23.0+cu128", "0.24.0+cu128")
STYLES = {
    "keep a changelog": (
        "CHANGELOG.md",
        "# Changelog\n\n## [Unreleased]\n\n## [2.8-rc1] - 2026-10-12\n\n### Added\n\n* The first.\n",
        "## [Unreleased]\n\n## [2.9-rc1] - {:%Y-%m-%d}\n\n### Environment\n\n* torch 2.9.0+cu128",
    ),
    "months": (
        "CHANGELOG.md",
        "# Log\n\n# Release 2.8-rc1 (May 1, 2026)\n\nThe first.\n",
        "# Release 2.9-rc1 ({:%B %d, %Y})\n\n- torch 2.9.0+cu128",
    ),
    "whole names, CRLF": (
        "CHANGELOG.md",
        "# Log\r\n\r\n## PyTorch-CUDA-v2.8-rc1 - 2026-10-12\r\n\r\nThe first.\r\n",
        "## PyTorch-CUDA-v2.9-rc1 - {:%Y-%m-%d}\r\n\r\n- torch 2.9.0+cu128",
    ),
    "reStructuredText": (
        "CHANGES.rst",
        "Changes\n=======\n\n2.8-rc1 (2026-10-12)\n--------------------\n\nThe first.\n",
        "2.9-rc1 ({:%Y-%m-%d})\n--------------------\n\n- torch 2.9.0+cu128",
    ),
    "overlined": (
        "CHANGES.rst",
        "======\nChange\n======\n\n--------------------\n2.8-rc1 (2026-10-12)\n--------------------\n\nThe first.\n",
        "--------------------\n2.9-rc1 ({:%Y-%m-%d})\n--------------------\n\n- torch 2.9.0+cu128",
    ),
    "no entries": (
        "CHANGELOG.md",
        "# Changelog\n\n## Unreleased\n",
        "## 2.9-rc1 - {:%Y-%m-%d}\n\n### Environment\n\n- torch 2.9.0+cu128",
    ),
}


@pytest.fixture
def released(good: Repo) -> Repo:
    """A clone with a release, and a commit for the next one."""
    good.git("tag", "-s", "-m", "First", "PyTorch-CUDA-v2.8-rc1")
    good.commit_files({"Dockerfile": NEW}, "Move to PyTorch 2.9.0")
    return good


def draft(repo: Repo, *arguments: str) -> Done:
    return repo.envhooks("changelog", *arguments)


@pytest.mark.parametrize("style", STYLES)
def test_the_entry_is_written_as_the_file_writes_its_own(released: Repo, style: str) -> None:
    from datetime import date

    path, before, expected = STYLES[style]
    released.commit_files({path: before, ".envhooks/policy.toml": f'[changelog]\npath = "{path}"\n'})
    released.git("push", "-q", "origin", "main")
    done = draft(released, NEXT, "--commit")
    assert done.code == 0, done.said
    with (released.path / path).open(newline="") as file:
        text = file.read()
    assert expected.format(date.today()) in text
    assert "torchvision 0.24.0+cu128 (was 0.23.0+cu128)" in text and "Move to PyTorch 2.9.0" in text
    assert (
        before.replace("\r\n", "\n").split("\n\n", 1)[1].strip("\n")
        in text.replace("\r\n", "\n").replace(expected.format(date.today()), "")
        or "Unreleased" in before
    ), "what was there stays"
    checked = released.envhooks("check", "--as", NEXT)
    assert checked.code == 0 and "changelog-sections" not in checked.out.split("passed:")[0], checked.said
    assert released.git("status", "--porcelain") == ""


def test_what_stood_below_unreleased_becomes_the_entry(released: Repo) -> None:
    text = "# Changelog\n\n## Unreleased\n\n### Added\n\n- flash-attn, in use by training.\n\n"
    text += "## 2.8-rc1 - 2026-10-12\n\nx\n"
    released.commit_files({"CHANGELOG.md": text})
    done = draft(released, NEXT, "--dry-run")
    assert done.code == 0 and "### Added\n\n- flash-attn, in use by training." in done.out, done.said
    assert "Move to PyTorch" not in done.out, "people have said what changed"
    assert "### Use" not in done.out and "### Risk" in done.out, "one of the two is answered"
    done = draft(released, NEXT)
    assert "from what stood below Unreleased" in done.out
    assert (released.path / "CHANGELOG.md").read_text().index("## Unreleased") < (
        released.path / "CHANGELOG.md"
    ).read_text().index("## 2.9-rc1")


def test_a_stable_entry_says_what_an_upgrade_needs(released: Repo) -> None:
    released.git("tag", "-s", "-m", "Stable", "PyTorch-CUDA-v2.8", "HEAD~1")
    released.commit_files({"Dockerfile": NEW.replace("12.8.1", "13.0.1").replace("cu128", "cu130")})
    done = draft(released, "PyTorch-CUDA-v2.9", "--dry-run")
    assert done.code == 0
    assert "CUDA 13.0.1, 13.0 (was 12.8.1, 12.8)" in done.out
    assert "Upgrading" in done.out and "NVIDIA driver has to be 580" in done.out
    assert "Known issues: None known." in done.out


def test_a_dry_run_and_a_refusal_leave_nothing(released: Repo) -> None:
    released.git("status")
    before = state(released)
    assert draft(released, NEXT, "--dry-run").code == 0
    wrong = draft(released, "PyTorch-CUDA-2.9rc1")
    assert wrong.code == 2 and "PyTorch-CUDA-v2.9-rc1" in wrong.err
    assert draft(released, NEXT, "--since", "v0").code == 2
    assert state(released) == before


def test_a_commit_that_a_hook_refuses_leaves_the_file_as_it_was(released: Repo) -> None:
    hook = released.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    before = (released.path / "CHANGELOG.md").read_bytes()
    done = draft(released, NEXT, "--commit")
    assert done.code == 2 and "git commit failed: no" in done.err, done.said
    assert (released.path / "CHANGELOG.md").read_bytes() == before
    assert released.git("status", "--porcelain") == ""


@pytest.mark.parametrize("is_known", [True, False], ids=["changed", "not added"])
def test_other_changes_of_the_file_are_not_committed_along(released: Repo, is_known: bool) -> None:
    """The fix commits them first, of a file too that git does not know yet."""
    if not is_known:
        released.git("rm", "-q", "--cached", "CHANGELOG.md")
        released.git("commit", "-q", "-m", "Another")
    with (released.path / "CHANGELOG.md").open("a") as file:
        file.write("mine\n")
    done = draft(released, NEXT, "--commit")
    assert done.code == 2 and "not committed" in done.err
    fix = done.err.partition("fix: ")[2].strip()
    run(["sh", "-c", fix], released.path, released.environ, check=True)
    assert draft(released, NEXT, "--commit").code == 0


def test_an_entry_that_is_there_is_left_alone(good: Repo) -> None:
    done = draft(good, "PyTorch-CUDA-v2.8-rc1")
    assert done.code == 0 and "CHANGELOG.md:11 has an entry for it" in done.out
    assert good.git("status", "--porcelain") == ""


def test_subjects_of_commits_hide_and_forge_nothing(released: Repo) -> None:
    released.commit_files({"note": "x"}, "<!-- \x1b[2J ``` hidden")
    released.commit_files({"note": "y"}, "# 2.8-rc9 - 2026-01-01")
    assert draft(released, NEXT, "--commit").code == 0
    text = (released.path / "CHANGELOG.md").read_text()
    assert "\x1b" not in text and "<!--" not in text and "```" not in text
    assert released.envhooks("check", "--as", NEXT).code == 0
    assert "no entry for this release" in released.envhooks("check", "--as", "PyTorch-CUDA-v2.8-rc9").out


def test_towncrier_keeps_its_own_changelog(released: Repo) -> None:
    programs = Path(sys.executable).parent
    if not (programs / "towncrier").exists():
        pytest.fail("towncrier is missing: pip install -e '.[test]'")
    released.commit_files(
        {
            "towncrier.toml": '[tool.towncrier]\nname = "environments"\ndirectory = "news"\nfilename = "CHANGELOG.md"\n'
            'start_string = "# Changelog\\n"\ntitle_format = "## {version} - {project_date}"\n'
            'underlines = ["", "", ""]\n',
            "news/1.feature.md": "PyTorch 2.9.0, for trying out; not for production.\n",
        },
        "A fragment",
    )
    done = draft(released, NEXT)
    assert (
        done.code == 1 and "towncrier writes this changelog from its fragments (towncrier.toml)" in done.err
    )
    (fix,) = done.fixes
    environ = first_on_path(released.environ, programs, {})
    run(["sh", "-c", fix], released.path, environ, check=True)
    assert released.git("status", "--porcelain") == ""
    checked = released.envhooks("check", "--as", NEXT)
    assert checked.code == 0, checked.said


@pytest.mark.parametrize("is_there", [True, False])
def test_git_cliff_keeps_its_own_changelog(released: Repo, is_there: bool) -> None:
    """Of git-cliff itself only what the command asks of it: the entry goes into the policy's file, and nothing else."""
    path = "docs/what's new.md"
    released.commit_files(
        {
            "cliff.toml": "[changelog]\n",
            ".envhooks/policy.toml": f'[changelog]\npath = "{path}"\n',
            **({path: "# News\n"} if is_there else {}),
        }
    )
    released.git("push", "-q", "origin", "main")
    released.write({"Dockerfile": "FROM scratch\n"})
    done = draft(released, NEXT)
    assert done.code == 1 and "git-cliff writes this changelog from the commits" in done.err
    (fix,) = done.fixes
    assert f"git cliff --unreleased --tag {NEXT} {'--prepend' if is_there else '--output'} " in fix
    cliff = (
        '#!/bin/sh\ntest $# = 5 || exit 9\nmkdir -p docs\nprintf "## [%s] - 2026-11-30\\n\\n%s\\n" "$3"'
        ' "- To try out; not for production" > "$5"\n'
    )
    environ = first_on_path(released.environ, released.path.parent / "programs", {"git-cliff": cliff})
    run(["sh", "-c", fix], released.path, environ, check=True)
    assert released.git("show", "--name-only", "--format=").replace('"', "") == path
    assert "no entry" not in released.envhooks("check", "--as", NEXT).said
    assert released.git("status", "--porcelain") == " M Dockerfile"


def test_an_entry_that_is_there_is_committed_too(guarded: Repo) -> None:
    guarded.envhooks("changelog", NEXT, check=True)
    written = (guarded.path / "CHANGELOG.md").read_bytes()
    again = guarded.envhooks("changelog", NEXT, check=True)
    assert "has an entry for it" in again.out and f"envhooks tag {NEXT}" in again.out, again.said
    done = guarded.envhooks("changelog", NEXT, "--commit", check=True)
    assert "committed: CHANGELOG.md" in done.out and guarded.git("status", "--porcelain") == ""
    assert (guarded.path / "CHANGELOG.md").read_bytes() == written
    third = guarded.envhooks("changelog", NEXT, "--commit", check=True)
    assert "committed:" not in third.out and "has an entry" in third.out
