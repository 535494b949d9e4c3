"""tag-name: one finding and the name that was meant."""

from __future__ import annotations

from tag_parts import NAME, NEW, annotation, findings, subject

from envhooks.base.dataclass import replace
from envhooks.judge import engine as checks
from envhooks.judge.engine import judge
from envhooks.judge.facts import TagObject
from envhooks.policy.reader import default_policy
from envhooks.tagname.names import Naming


def test_the_good_subject_is_good() -> None:
    report = judge([subject()], checks.load(), default_policy())
    assert report.exit_code == 0, report
    assert not report.tags[0].findings


def test_a_misspelt_name_is_one_finding_with_the_name_that_was_meant() -> None:
    bad = subject(
        tag="pytorch-cuda-2.8rc1", object=TagObject(NEW, "tag", annotation(name="pytorch-cuda-2.8rc1"))
    )
    (finding,) = findings(bad, "tag-name")
    assert finding.expected == NAME
    assert NAME in finding.fix


def test_unread_names_are_not_read_by_later_checks() -> None:
    bad = subject(tag="nothing")
    report = judge(
        [replace(bad, facts={**bad.facts, "naming": Naming(None, ("no name",))})],
        checks.load(),
        default_policy(),
    )
    assert {f.check for f in report.tags[0].findings} <= {"tag-name", "tag-annotated"}
    assert not report.tags[0].undecided
