"""The report's formats on hostile and on plain reports."""

from __future__ import annotations

import json

import pytest

from envhooks.base.errors import CannotJudge
from envhooks.base.refs import Change
from envhooks.judge.facts import Finding, Report, TagReport, Unknown
from envhooks.report import Look, formats, render

HOSTILE = "v1\x1b[2J\u202e\u2028\n::error::x"
REFUSED = TagReport(
    tag=HOSTILE,
    ref=f"refs/tags/{HOSTILE}",
    change=Change.CREATED,
    object="a" * 40,
    commit="b" * 40,
    verdict="refused",
    findings=(
        Finding(
            f"wrong {HOSTILE}",
            got=HOSTILE,
            expected="x",
            path=f"d/{HOSTILE}",
            line=4,
            fix="one\ntwo",
            check="tag-name",
        ),
        Finding("odd", "warning", check="dockerfile-pinned"),
    ),
    passed=("tag-annotated",),
    not_applicable={"tag-order": f"because {HOSTILE}"},
)
UNDECIDED = TagReport(
    tag="v2",
    ref="refs/tags/v2",
    change=Change.DELETED,
    object=None,
    commit=None,
    verdict="undecided",
    undecided={"on-main": Unknown("shallow", "git fetch"), "tag-signed": Unknown("shallow", "git fetch")},
)
REPORT = Report(
    (REFUSED, UNDECIDED),
    errors=(str(CannotJudge(f"no policy {HOSTILE}", fix=HOSTILE)),),
    notes=("first day",),
)


@pytest.mark.parametrize("format", formats())
@pytest.mark.parametrize("colour", [True, False])
def test_no_format_lets_a_control_character_through(format: str, colour: bool) -> None:
    text = render(REPORT, format, Look(colour))
    for line in text.split("\n"):
        assert not line.startswith("::error::")
    for char in ("\x1b[2J", "\u202e", "\u2028"):
        assert char not in text
    if not colour:
        assert "\x1b" not in text
    assert text.endswith("\n")


def test_text_says_each_thing_once_and_with_its_place() -> None:
    text = render(REPORT, "text")
    assert text.count("shallow") == 1
    assert "could not judge [on-main, tag-signed] shallow" in text
    assert ":4: wrong" in text
    assert "fix:      one\n                two" in text
    assert "v2 (deleted): could not judge" in text
    assert "passed: 1 check\n" in text
    assert "passed: tag-annotated" in render(REPORT, "text", Look(detail="full"))


def test_text_of_nothing_is_nothing() -> None:
    assert render(Report(), "text") == ""


def test_colour_only_where_it_is_asked_for() -> None:
    assert "\x1b[31m" in render(REPORT, "text", Look(True))
    assert "\x1b" not in render(REPORT, "text")


def test_json_holds_everything() -> None:
    document = json.loads(render(REPORT, "json"))
    assert document["version"] == 1
    assert document["exit_code"] == 2
    first, second = document["tags"]
    assert first["verdict"] == "refused"
    assert first["findings"][0]["check"] == "tag-name"
    assert first["findings"][0]["line"] == 4
    assert first["passed"] == ["tag-annotated"]
    assert first["warned"] == ["dockerfile-pinned"]
    assert second["undecided"]["on-main"] == {"why": "shallow", "fix": "git fetch", "advice": ""}
    assert set(first) == {
        "tag", "ref", "change", "object", "commit", "verdict", "findings", "passed", "warned", "not_applicable",
        "undecided", "not_compared",
    }  # fmt: skip
