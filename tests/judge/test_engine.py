"""The engine: order, silence, levels, and failing closed."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import pytest

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.base.refs import Change, RefUpdate
from envhooks.judge.engine import Check, in_order, judge
from envhooks.judge.facts import Finding, Inapplicable, Subject, TagReport, Unknown
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


def test_a_check_that_is_off_is_named_with_its_reason_and_still_silences() -> None:
    off = {"a": CheckSetting("off", "we sign elsewhere")}
    report = one(make("a", refuses), make("b", refuses, ("a",)), settings=off)
    assert report.verdict == "accepted"
    assert report.not_applicable["a"] == "switched off by the policy: we sign elsewhere"
    assert "b" in report.not_applicable
    assert one(make("a", crashes), settings=off).verdict == "accepted"


def test_deleted_tags_are_judged_only_by_checks_that_want_them() -> None:
    gone = Subject(RefUpdate("refs/tags/x", "a" * 40, None))
    checks = [make("a", refuses), make("b", refuses, changes=(Change.DELETED,))]
    report = judge([gone], checks, default_policy()).tags[0]
    assert [finding.check for finding in report.findings] == ["b"]
    assert report.not_applicable["a"] == "the tag is deleted"
