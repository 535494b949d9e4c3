"""The report's formats on hostile and on plain reports."""

from __future__ import annotations

import json

import pytest

from envhooks.base.dataclass import replace
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


@pytest.mark.parametrize("format", ["json", "gitlab", "sarif", "github", "text"])
def test_what_refuses_stands_before_what_does_not(format: str) -> None:
    """Whatever order the checks run in, and whichever tag is first."""
    mild = replace(REFUSED, tag="v3", verdict="accepted", findings=(Finding("a hint", "note"),))
    found = (
        Finding("a trifle", "note", check="dockerfile-compatible"),
        Finding("an oddity", "warning", check="dockerfile-pinned"),
        Finding("the fault", check="tag-order"),
    )
    text = render(Report((replace(REFUSED, tag="v4", findings=found), mild)), format)
    assert "the fault" in text
    others = [text.index(one) for one in ("a trifle", "an oddity", "a hint") if one in text]
    assert others and all(text.index("the fault") < at for at in others)
    other_way = render(Report((mild, replace(REFUSED, tag="v4", findings=found))), format)
    if format in ("gitlab", "sarif", "github"):
        assert other_way.index("the fault") < min(other_way.index(one) for one in ("an oddity", "a hint"))
