"""Every option is one that a test uses or a page explains, and those that nothing else uses do what they say."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from record_parts import (
    IMAGE_POLICY,
    make_key,
    make_tag,
    set_policy,
    verifier,
    write_record,
)
from support import GOOD_TAG, Repo

from envhooks import cli
from envhooks.cli import _completing, _parser

ROOT = Path(__file__).parent.parent.parent


def test_every_option_is_used_by_a_test_or_explained_in_a_page() -> None:
    files = [
        *(file for file in (ROOT / "tests").rglob("*.py") if file.is_file()),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "README.md",
    ]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    parser = _parser.build(verb for verb in cli.verbs() if verb != "hook")
    options = {
        option
        for own in _completing.parsers(parser)
        for action in own._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    assert sorted(option for option in options if option not in text) == []


def test_an_empty_value_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """`--for "$UNSET"` of a script would ask another question, and be answered with 0."""
    parser = _parser.build(cli.verbs())
    taking = [
        (own, action.option_strings[-1])
        for own in _completing.parsers(parser)
        for action in own._actions
        if action.option_strings and action.nargs is None
    ]
    assert len(taking) > 30
    for own, option in taking:
        with pytest.raises(SystemExit) as ended:
            own.parse_known_args([option, ""])
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert option in said and "an empty text is no value" in said, said


def test_an_empty_name_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """`envhooks gate "$TAG"`: what would be missing is not a tag that could be fetched."""
    parser = _parser.build(verb for verb in cli.verbs() if verb != "hook")
    taking = [
        own
        for own in _completing.parsers(parser)
        if any(not one.option_strings and one.nargs in (None, "?", "*", "+") for one in own._actions)
    ]
    assert len(taking) > 15
    for own in taking:
        with pytest.raises(SystemExit) as ended:
            own.parse_known_args([""])
        assert ended.value.code == 2
        assert "an empty text is no value" in capsys.readouterr().err, own.prog


def test_releases_without_an_image(good: Repo, tmp_path: Path) -> None:
    file, public = make_key(tmp_path, "ci")
    set_policy(good, IMAGE_POLICY + verifier("ci", public))
    make_tag(good)
    make_tag(good, "PyTorch-CUDA-v2.8-rc2")
    then = datetime.now(timezone.utc) - timedelta(hours=1)
    write_record(good, file, time=then)

    def named(*arguments: str) -> list[str]:
        document = json.loads(
            good.envhooks("list", "--unjudged", "--format", "json", *arguments, check=True).out
        )
        return [release["tag"] for release in document["releases"]]

    assert named() == [GOOD_TAG, "PyTorch-CUDA-v2.8-rc2"]
    assert named("--without-image") == ["PyTorch-CUDA-v2.8-rc2"]


def test_a_record_that_is_not_pushed(good: Repo, server: Repo, tmp_path: Path) -> None:
    file, public = make_key(tmp_path, "ci")
    set_policy(good, verifier("ci", public))
    oid = make_tag(good)
    good.git("push", "-q", "origin", GOOD_TAG)
    good.envhooks("record", GOOD_TAG, "--key", str(file), "--no-push", check=True)
    assert good.git("notes", "--ref=envhooks", "show", oid)
    assert not server.git("for-each-ref", "refs/notes")
    good.envhooks("record", GOOD_TAG, "--key", str(file), check=True)
    assert server.git("for-each-ref", "refs/notes")


def test_the_context_is_where_files_are_read(good: Repo) -> None:
    good.write(
        {
            "pins.txt": "torch==2.8.0\n",
            "sub/Dockerfile": "FROM python:3.12\nCOPY pins.txt .\nRUN pip install -r pins.txt\n",
        }
    )

    def torch(*arguments: str) -> list[str]:
        document = json.loads(good.envhooks("env", "sub/Dockerfile", "--format", "json", *arguments).out)
        return [package["version"] for package in document["packages"] if package["name"] == "torch"]

    assert torch() == []
    assert torch("--context", ".") == ["2.8.0"]
