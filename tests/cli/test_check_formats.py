"""`envhooks check --format FORMAT[=FILE]`: several at once, what goes where, and what cannot be written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support import GOOD_TAG, Repo


@pytest.fixture
def tagged(good: Repo) -> Repo:
    good.git("tag", "-a", "-m", "unsigned", GOOD_TAG)
    return good


def test_several_formats_and_the_same_exit_code(tagged: Repo) -> None:
    formats = (
        "--format",
        "text",
        "--format",
        "sarif=out.sarif",
        "--format",
        "junit=out.xml",
        "--format",
        "github",
    )
    done = tagged.envhooks("check", GOOD_TAG, *formats)
    assert done.code == 1
    assert f"{GOOD_TAG}: refused" in done.out
    assert "::error title=tag-signed" in done.out
    assert json.loads((tagged.path / "out.sarif").read_text())["version"] == "2.1.0"
    assert (tagged.path / "out.xml").read_text().startswith("<?xml")
    assert tagged.envhooks("check", GOOD_TAG).code == 1


def test_a_file_takes_the_place_of_standard_output(tagged: Repo) -> None:
    done = tagged.envhooks("check", GOOD_TAG, "--format", "json=report.json")
    assert (done.code, done.out) == (1, "")
    assert json.loads((tagged.path / "report.json").read_text())["exit_code"] == 1
    assert json.loads(tagged.envhooks("check", GOOD_TAG, "--format", "json=-").out)["exit_code"] == 1


@pytest.mark.parametrize("file", ["no/such/folder/x", ".", "/proc/x"])
def test_a_file_that_cannot_be_written_is_one_sentence(tagged: Repo, file: str) -> None:
    done = tagged.envhooks("check", GOOD_TAG, "--format", f"sarif={file}", "--format", "text")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "cannot be written" in done.err
    assert f"{GOOD_TAG}: refused" in done.out, "what can be said is said"


@pytest.mark.parametrize("value", ["xml", "json=", "=x", "", "_faults", "schema-v1", "Json"])
def test_no_format_of_that_name(tagged: Repo, value: str) -> None:
    done = tagged.envhooks("check", "--format", value)
    assert done.code == 2
    assert "Traceback" not in done.said


def test_two_formats_in_one_file(tagged: Repo) -> None:
    done = tagged.envhooks("check", "--format", "json=x", "--format", "sarif=x")
    assert done.code == 2
    assert "one file" in done.err


def test_a_run_that_could_not_judge_writes_its_reports_too(good: Repo, tmp_path: Path) -> None:
    good.commit_files({".envhooks/policy.toml": "[tga]\n"})
    good.git("push", "-q", "origin", "main")
    done = good.envhooks(
        "check", "--format", "text", "--format", "sarif=x.sarif", "--format", "gitlab=x.json"
    )
    assert done.code == 2
    assert "tga" in done.err and done.out == ""
    (run,) = json.loads((good.path / "x.sarif").read_text())["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert [result["ruleId"] for result in run["results"]] == ["could-not-judge"]
    assert len(json.loads((good.path / "x.json").read_text())) == 1


def test_the_summary_of_a_github_step_is_appended(tagged: Repo, tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    ci = Repo(tagged.path, {**tagged.environ, "GITHUB_STEP_SUMMARY": str(file)})
    ci.envhooks("check", GOOD_TAG)
    assert file.read_text() == "before\n", "only the format that is GitHub's own writes there"
    ci.envhooks("check", GOOD_TAG, "--format", "github")
    text = file.read_text()
    assert text.startswith("before\n## envhooks\n")
    assert "| tag&#45;signed | error |" in text


def test_hostile_names_and_messages_start_no_command(good: Repo, tmp_path: Path) -> None:
    """What git allows in a name, and what a Dockerfile can say, in each format."""
    for name in ("%0a;;error;;x", "x%0Ay", "\u202ex", "a,file=b", "##x", "<b>", "|x|", "`x`", "@x"):
        good.git("tag", "-a", "-m", f"{name}\n::error::x\n\x1b[2J##vso[task.complete]", name)
    ci = Repo(good.path, {**good.environ, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})
    done = ci.envhooks("check", "--all", "--format", "text", "--format", "github")
    assert done.code == 1
    for line in done.out.split("\n"):
        if line.lstrip().startswith("::"):
            assert re.match(r"::(error|warning|notice) (file=[^:,]+,line=[0-9]+,)?title=[^:,]+::", line), line
    for text in (done.out, (tmp_path / "summary.md").read_text()):
        assert "\u202e" not in text and "\x1b" not in text and "##vso[" not in text
    assert "<b>" not in (tmp_path / "summary.md").read_text()
