"""The engine: order, silence, levels, and failing closed."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import pytest

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.base.refs import Change, RefUpdate
from envhooks.judge.engine import Check, in_order, judge, load
from envhooks.judge.facts import Finding, Inapplicable, NotCompared, Publication, Subject, TagReport, Unknown
from envhooks.policy import CheckSetting, Policy
from envhooks.policy.reader import default_policy
from envhooks.tagname.names import Naming

TAG = RefUpdate("refs/tags/x", None, "a" * 40)


def passes(subject: Subject, policy: Policy) -> Iterator[Finding]:
    yield from ()


def refuses(subject: Subject, policy: Policy) -> Iterator[Finding]:
    yield Finding("it is wrong")


def warns(subject: Subject, policy: Policy) -> Iterator[Finding]:
    yield Finding("it is odd", "warning")


def crashes(subject: Subject, policy: Policy) -> Iterator[Finding]:
    yield from ()
    raise ZeroDivisionError("\x1b[31mboom")


def reads_too_much(subject: Subject, policy: Policy) -> Iterator[Finding]:
    yield Finding(subject.naming.suggestion)


def make(id: str, judge: object = passes, needs: tuple[str, ...] = (), **more: object) -> Check:
    check = Check(id, "s", "p", needs, (), (), "error", (Change.CREATED,), judge, lambda s, p: "")  # type: ignore[arg-type]
    return replace(check, **more)  # type: ignore[arg-type]


def one(*checks: Check, settings: dict[str, CheckSetting] | None = None, **facts: object) -> TagReport:
    policy = replace(default_policy(), checks=MappingProxyType(settings or {}))
    return judge([Subject(TAG, facts)], checks, policy).tags[0]


def test_what_is_needed_comes_first() -> None:
    ordered = in_order([make("a", needs=("z",)), make("z"), make("m", needs=("a",))])
    assert [check.id for check in ordered] == ["z", "a", "m"]


def test_unknown_and_circular_needs_are_refused() -> None:
    with pytest.raises(CannotJudge, match="not there"):
        in_order([make("a", needs=("gone",))])
    with pytest.raises(CannotJudge, match="circle"):
        in_order([make("a", needs=("b",)), make("b", needs=("a",))])


def test_nothing_checked_is_not_success() -> None:
    with pytest.raises(CannotJudge, match="no checks"):
        judge([Subject(TAG)], [], default_policy())


def test_the_engine_stamps_id_and_tag() -> None:
    report = one(make("some-check", refuses))
    assert report.verdict == "refused"
    assert [(f.check, f.tag) for f in report.findings] == [("some-check", "x")]


def test_one_fault_is_reported_once() -> None:
    report = one(
        make("a", refuses), make("b", refuses, ("a",)), make("c", refuses, ("b",)), make("d", refuses)
    )
    assert [finding.check for finding in report.findings] == ["a", "d"]
    assert set(report.not_applicable) == {"b", "c"}
    assert "a refuses" in report.not_applicable["c"]


def test_a_warning_silences_nobody() -> None:
    report = one(make("a", warns), make("b", refuses, ("a",)))
    assert [finding.check for finding in report.findings] == ["a", "b"]
    assert "a" in report.passed


def test_a_check_that_falls_over_could_not_judge() -> None:
    report = one(make("a", crashes), make("b", passes))
    assert report.verdict == "undecided"
    assert "ZeroDivisionError" in report.undecided["a"].why
    assert "\x1b" not in report.undecided["a"].why
    assert report.passed == ("b",)


def test_a_fact_that_was_not_declared_is_a_fault_of_the_check() -> None:
    report = one(make("a", reads_too_much))
    assert "READS" in report.undecided["a"].why
    assert one(make("a", reads_too_much, reads=("naming",)), naming=Naming(None)).verdict == "refused"


def test_an_unknown_fact_is_could_not_judge_and_silences() -> None:
    unknown = Unknown("shallow", "git fetch --unshallow")
    report = one(make("a", refuses, reads=("naming",)), make("b", refuses, ("a",)), naming=unknown)
    assert report.undecided == {"a": unknown}
    assert report.findings == ()
    assert "b" in report.not_applicable


def test_an_inapplicable_fact_is_not_applicable() -> None:
    report = one(make("a", refuses, reads=("naming",)), naming=Inapplicable("switched off"))
    assert report.verdict == "accepted"
    assert report.not_applicable == {"a": "switched off"}


def test_could_not_judge_outranks_refused() -> None:
    checks = [make("a", refuses), make("b", crashes)]
    report = judge([Subject(TAG)], checks, default_policy())
    assert report.exit_code == 2
    assert judge([Subject(TAG)], checks[:1], default_policy()).exit_code == 1
    assert judge([Subject(TAG)], [make("a")], default_policy()).exit_code == 0
    assert replace(judge([], [make("a")], default_policy()), errors=("no policy",)).exit_code == 2


def test_a_level_of_the_policy_lowers_errors() -> None:
    report = one(make("a", refuses), settings={"a": CheckSetting("warning")})
    assert [finding.level for finding in report.findings] == ["warning"]
    assert report.verdict == "accepted"


def test_a_warning_check_may_be_raised_to_error() -> None:
    gentle = make("a", refuses, level="warning")
    assert one(gentle).verdict == "accepted"
    assert one(gentle, settings={"a": CheckSetting("error")}).verdict == "refused"


def test_a_warning_check_that_cannot_judge_warns() -> None:
    report = one(make("a", reads=("naming",), level="warning"), naming=Unknown("gone", "look"))
    assert report.verdict == "accepted"
    assert [(f.level, f.message) for f in report.findings] == [("warning", "could not be judged: gone")]


@pytest.mark.parametrize("level", ["error", "warning"])
def test_the_level_of_the_policy_counts_where_a_check_could_not_judge(level: str) -> None:
    setting = {"a": CheckSetting(level)}  # type: ignore[arg-type]
    for own in ("error", "warning"):
        report = one(make("a", crashes, level=own), settings=setting)
        assert report.not_applicable == {}
        if level == "error":
            assert report.verdict == "undecided" and set(report.undecided) == {"a"}
        else:
            (found,) = report.findings
            assert report.verdict == "accepted" and (found.level, found.check, found.tag) == (
                "warning",
                "a",
                "x",
            )
        assert one(make("a", passes, level=own), settings=setting).not_applicable == {}


def test_a_check_that_is_off_is_named_with_its_reason_and_still_silences() -> None:
    off = {"a": CheckSetting("off", "we sign elsewhere")}
    report = one(make("a", refuses), make("b", refuses, ("a",)), settings=off)
    assert report.verdict == "accepted"
    assert report.not_applicable["a"] == "switched off by the policy: we sign elsewhere"
    assert "b" in report.not_applicable
    assert one(make("a", crashes), settings=off).verdict == "accepted"


LOWERED = (CheckSetting("warning"), CheckSetting("off", "we do without"))


@pytest.mark.parametrize("setting", LOWERED)
def test_what_needs_a_lowered_check_that_could_not_judge_cannot_judge_either(setting: CheckSetting) -> None:
    """Else a level of the policy for one check would switch off the others."""
    checks = (make("a", crashes), make("b", refuses, ("a",)), make("c", refuses, ("b",)))
    report = one(*checks, settings={"a": setting})
    assert report.verdict == "undecided" and set(report.undecided) == {"b"}
    assert "ZeroDivisionError" in report.undecided["b"].why
    assert report.not_applicable["c"] == "b could not judge"
    unknown = one(
        make("a", reads=("naming",)), checks[1], settings={"a": setting}, naming=Unknown("shallow", "look")
    )
    assert unknown.undecided == {"b": Unknown("shallow", "look")}
    assert one(*checks, settings={"a": setting, "b": setting, "c": setting}).verdict == "accepted"


@pytest.mark.parametrize("setting", LOWERED)
def test_a_check_that_stands_alone_speaks_behind_a_lowered_one(setting: CheckSetting) -> None:
    alone = make("b", refuses, ("a",), alone=True)
    assert [f.check for f in one(make("a", refuses), alone).findings] == ["a"]
    report = one(make("a", refuses), alone, settings={"a": setting})
    assert report.verdict == "refused" and report.findings[-1].check == "b"
    broken = one(make("a", crashes), alone, settings={"a": setting})
    assert broken.verdict == "refused" and not broken.undecided


def test_a_check_that_does_not_apply_silences_nobody() -> None:
    quiet = make("a", refuses, not_applicable=lambda subject, policy: "not here")
    for absent, why in (
        (quiet, "not here"),
        (make("a", refuses, changes=(Change.DELETED,)), "the tag is created"),
    ):
        report = one(absent, make("b", refuses, ("a",)))
        assert report.not_applicable == {"a": why} and [f.check for f in report.findings] == ["b"]


def test_one_need_that_refuses_is_enough_for_silence() -> None:
    report = one(make("a", passes), make("b", refuses), make("c", refuses, ("a", "b")))
    assert report.not_applicable == {"c": "b refuses the tag"} and report.passed == ("a",)


def test_what_is_not_compared_is_reported() -> None:
    def compares(subject: Subject, policy: Policy) -> Iterator[NotCompared]:
        yield NotCompared("date", "no file states it")

    report = one(make("a", compares))
    assert report.not_compared == {"date": "no file states it"} and report.passed == ("a",)


def test_what_refuses_has_not_passed_and_a_note_stays_one() -> None:
    def remarks(subject: Subject, policy: Policy) -> Iterator[Finding]:
        yield Finding("it is so", "note")
        yield Finding("it is wrong")

    report = one(make("a", remarks), make("b", passes))
    assert report.passed == ("b",) and [f.level for f in report.findings] == ["note", "error"]
    report = one(make("a", remarks), settings={"a": CheckSetting("warning")})
    assert report.passed == () and [f.level for f in report.findings] == ["note", "warning"]


def test_a_tag_that_is_admitted_is_judged_by_those_who_look_at_such_alone() -> None:
    legacy = Publication(True, "listed", "a" * 40, "2" * 64, "2" * 64, legacy="made by hand")
    report = one(make("a", refuses), make("b", refuses, admitted=True), publication=legacy)
    assert [f.check for f in report.findings] == ["b"]
    assert report.not_applicable == {"a": "admitted as legacy: made by hand"}
    for other in (
        replace(legacy, legacy=""),
        replace(legacy, sha256=""),
        replace(legacy, locked_oid="b" * 40),
    ):
        assert [f.check for f in one(make("a", refuses), publication=other).findings] == ["a"]
    assert one(make("a", refuses), publication=replace(legacy, legacy="", ignored=True)).findings == ()


def test_a_check_says_itself_what_it_is() -> None:
    checks = {check.id: check for check in load()}
    assert {id for id, check in checks.items() if check.admitted} == {"tag-immutable"}
    assert {id for id, check in checks.items() if check.alone} == {"tag-signed"}
    assert {id for id, check in checks.items() if check.level == "warning"} == {"ci-green"}
    assert {id for id, check in checks.items() if Change.DELETED in check.changes} == {"tag-immutable"}
    assert {id for id, check in checks.items() if Change.STANDING not in check.changes} == {"tag-order"}
    assert set(checks) - {check.id for check in load(online=False)} == {"ci-green"}
    for check in checks.values():
        assert check.page and check.summary and not check.page.startswith("\n"), check.id


@pytest.mark.parametrize(
    ("old", "new", "object"),
    [(None, "b" * 40, "b" * 40), ("a" * 40, None, "a" * 40), ("a" * 40, "b" * 40, "b" * 40)],
)
def test_a_report_names_the_object_that_was_judged(old: str | None, new: str | None, object: str) -> None:
    report = judge([Subject(RefUpdate("refs/tags/x", old, new))], [make("a")], default_policy(), ("noted",))
    assert report.tags[0].object == object and report.notes == ("noted",)


def test_deleted_tags_are_judged_only_by_checks_that_want_them() -> None:
    gone = Subject(RefUpdate("refs/tags/x", "a" * 40, None))
    checks = [make("a", refuses), make("b", refuses, changes=(Change.DELETED,))]
    report = judge([gone], checks, default_policy()).tags[0]
    assert [finding.check for finding in report.findings] == ["b"]
    assert report.not_applicable["a"] == "the tag is deleted"
