"""JSON against the schema that is shipped, SARIF against what code scanning asks for, GitLab and JUnit likewise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator, FormatChecker
from neighbours import SCHEMAS, need
from support import GOOD_TAG, Repo

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.refs import Change
from envhooks.judge import engine as checks
from envhooks.judge.facts import Finding, Report, TagReport, Unknown
from envhooks.report import render
from envhooks.report._faults import STAND_IN, faults
from envhooks.report.github import SUMMARY_LIMIT, summary

SCHEMA = json.loads((resources.files("envhooks.report") / "schema-v1.json").read_text(encoding="utf-8"))
OID = "a" * 40


def tag(name: str = GOOD_TAG, *findings: Finding, **more: Any) -> TagReport:
    bad = any(finding.level == "error" for finding in findings)
    verdict = "undecided" if more.get("undecided") else "refused" if bad else "accepted"
    return TagReport(name, f"refs/tags/{name}", Change.STANDING, OID, OID, verdict, findings, **more)  # type: ignore[arg-type]


AT_A_LINE = Finding(
    "torch differs", path="Dockerfile", line=4, got="2.7.0", expected="2.8", fix="a\nb", check="on-main"
)
OF_THE_TAG = Finding("the tag is not signed", check="tag-signed")
UNKNOWN = Unknown("the history is shallow", "git fetch --unshallow")
MIXED = Report(
    (
        tag(
            GOOD_TAG,
            AT_A_LINE,
            OF_THE_TAG,
            OF_THE_TAG,
            Finding("odd", "note", check="tag-message"),
            passed=("tag-name",),
        ),
        tag(
            "v2",
            undecided={"on-main": UNKNOWN, "tag-signed": UNKNOWN},
            not_applicable={"tag-order": "no change"},
        ),
        tag("v3", passed=("tag-name",)),
    ),
    errors=(str(CannotJudge("no policy", fix="git fetch")),),
    notes=("first day",),
)


# ------------------------------------------------------------------------------------------------ JSON


def problems(document: object) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("report", [Report(), MIXED, Report(errors=("x",))])
def test_json_keeps_to_the_schema(report: Report) -> None:
    assert problems(json.loads(render(report, "json"))) == []


def test_json_has_no_field_that_the_schema_does_not_tell() -> None:
    document = json.loads(render(MIXED, "json"))
    parts = [(document, SCHEMA), (document["tags"][0], SCHEMA["$defs"]["tag"])]
    parts.append((document["tags"][0]["findings"][0], SCHEMA["$defs"]["finding"]))
    for found, told in parts:
        assert set(found) == set(told["properties"]) - {"error"} == set(told["required"])


def break_verdict(document: dict[str, Any]) -> None:
    document["tags"][0]["verdict"] = "fine"


def break_line(document: dict[str, Any]) -> None:
    document["tags"][0]["findings"][0]["line"] = "4"


def break_version(document: dict[str, Any]) -> None:
    document["version"] = 2


def drop_field(document: dict[str, Any]) -> None:
    del document["tags"][0]["not_applicable"]


@pytest.mark.parametrize("damage", [break_verdict, break_line, break_version, drop_field])
def test_the_schema_refuses_what_is_none(damage: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(render(MIXED, "json"))
    damage(document)
    assert problems(document)


def test_real_reports_keep_to_the_schema(good: Repo) -> None:
    good.git("tag", "-s", "-m", "A release", GOOD_TAG)
    good.git("tag", "-a", "-m", "x", "PyTorch-CUDA-v2.8-rc2")
    good.git("tag", "old", "HEAD^{tree}")
    done = good.envhooks("check", "--all", "--format", "json")
    document = json.loads(done.out)
    assert problems(document) == []
    assert [entry["verdict"] for entry in document["tags"]] == ["accepted", "refused", "refused"]
    good.commit_files({".envhooks/policy.toml": "[tga]\n"})
    good.git("push", "-q", "origin", "main")
    done = good.envhooks("check", "--all", "--format", "json")
    assert done.code == 2
    assert problems(json.loads(done.out)) == []
    assert "tga" in json.loads(done.out)["errors"][0]


# ----------------------------------------------------------------------------------------------- SARIF
# The published schema, from a package of matchers (see scripts/neighbours), and beside it what it does not say: what
# GitHub's page "SARIF support for code scanning" calls required, and how the specification takes the same properties.


@cache
def published() -> Draft4Validator:
    """The schema of SARIF 2.1.0 as it was published; it is written in JSON schema's draft 4."""
    files = sorted(SCHEMAS.glob("sarif-2.1.0*.json"))
    need(files[-1] if files else SCHEMAS / "sarif-2.1.0.json")
    return Draft4Validator(json.loads(files[-1].read_text(encoding="utf-8")), format_checker=FormatChecker())


def against_published(document: object) -> list[str]:
    return [
        f"{list(error.absolute_path)}: {error.message[:200]}" for error in published().iter_errors(document)
    ]


@pytest.mark.parametrize("report", [Report(), MIXED, Report(errors=("x",))])
def test_sarif_keeps_to_the_published_schema(report: Report) -> None:
    assert against_published(json.loads(render(report, "sarif"))) == []


@settings(max_examples=20, deadline=None)
@given(text=st.text(max_size=40))
def test_hostile_sarif_keeps_to_the_published_schema(text: str) -> None:
    assert against_published(json.loads(render(hostile_report(text), "sarif"))) == []


def test_the_published_schema_refuses_what_is_none() -> None:
    document = json.loads(render(MIXED, "sarif"))
    document["runs"][0]["results"][0]["level"] = "fatal"
    del document["runs"][0]["results"][1]["message"]
    assert len(against_published(document)) == 2


def check_run(run: dict[str, Any]) -> None:
    driver = run["tool"]["driver"]
    assert driver["name"] and isinstance(driver["rules"], list)
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for rule in driver["rules"]:
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("note", "warning", "error")
        assert rule["properties"]["precision"] in ("very-high", "high", "medium", "low")
    for result in run["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("note", "warning", "error")
        assert result["message"]["text"]
        (location,) = result["locations"]
        check_place(location["physicalLocation"])
        assert re.fullmatch("[0-9a-f]+:[0-9]+", result["partialFingerprints"]["primaryLocationLineHash"])


def check_place(place: dict[str, Any]) -> None:
    uri = place["artifactLocation"]["uri"]
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~/-]|%[0-9A-F]{2})+", uri), "a relative reference, RFC 3986"
    assert not uri.startswith("/")
    assert place["region"]["startLine"] >= 1


@pytest.mark.parametrize("report", [Report(), MIXED, Report(errors=("x",))])
def test_sarif_has_what_code_scanning_requires(report: Report) -> None:
    document = json.loads(render(report, "sarif"))
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = document["runs"]
    check_run(run)
    assert run["invocations"][0]["executionSuccessful"] is (report.exit_code != 2)


def test_every_check_is_a_rule_with_its_docstring() -> None:
    (run,) = json.loads(render(Report(), "sarif"))["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert set(rules) == {*checks.ids(), "could-not-judge"}
    for check in checks.load():
        assert check.summary in rules[check.id]["shortDescription"]["text"]
        assert check.page in rules[check.id]["help"]["text"]
        assert rules[check.id]["defaultConfiguration"]["level"] == check.level


def results(report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render(report, "sarif"))["runs"][0]["results"]
    return found


def test_what_could_not_be_judged_is_a_result_too() -> None:
    undecided = [result for result in results(MIXED) if result["ruleId"] == "could-not-judge"]
    assert [result["level"] for result in undecided] == ["error", "error"]
    assert "on-main, tag-signed" in undecided[1]["message"]["text"]


def test_a_fault_of_the_tag_itself_has_a_place() -> None:
    (result,) = results(Report((tag("v1", OF_THE_TAG),)))
    place = result["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == STAND_IN
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "refs/tags/v1"


def test_fingerprints_outlast_a_moved_line_and_tell_equal_findings_apart() -> None:
    def marks(*findings: Finding) -> list[str]:
        return [
            result["partialFingerprints"]["envhooks/v1"]
            for result in results(Report((tag("v1", *findings),)))
        ]

    moved = Finding("torch differs", path="Dockerfile", line=9, got="2.7.0", expected="2.8", check="on-main")
    assert marks(AT_A_LINE) == marks(moved)
    assert len(set(marks(OF_THE_TAG, OF_THE_TAG, AT_A_LINE))) == 3
    assert marks(OF_THE_TAG)[0] == marks(AT_A_LINE, OF_THE_TAG)[1]
    other = [fault.mark for fault in faults(Report((tag("v2", OF_THE_TAG),)))]
    assert other != marks(OF_THE_TAG)


def test_a_message_makes_no_link_in_a_viewer() -> None:
    (result,) = results(
        Report((tag("v1", Finding("see [here](https://evil.example)", check="tag-message")),))
    )
    assert "](" not in result["message"]["text"]


# ---------------------------------------------------------------------------------------------- GitLab


def test_gitlab_has_what_its_page_requires() -> None:
    entries = json.loads(render(MIXED, "gitlab"))
    assert json.loads(render(Report(), "gitlab")) == []
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == 6
    for entry in entries:
        assert entry["description"] and entry["check_name"]
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert entry["location"]["path"] and not entry["location"]["path"].startswith("./")
        assert entry["location"]["lines"]["begin"] >= 1


# ----------------------------------------------------------------------------------------------- JUnit


def test_junit_counts_what_it_holds() -> None:
    root = ElementTree.fromstring(render(MIXED, "junit"))
    assert [suite.get("name") for suite in root] == ["envhooks", GOOD_TAG, "v2", "v3"]
    for suite in (root, *root):
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == sum(case.find("failure") is not None for case in cases)
        assert int(suite.get("errors", "")) == sum(case.find("error") is not None for case in cases)
        assert int(suite.get("skipped", "")) == sum(case.find("skipped") is not None for case in cases)
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("2", "3", "1")
    for case in root.iter("testcase"):
        assert case.get("name") and case.get("classname"), "what every reader of JUnit asks for"
        for fault in (*case.iter("failure"), *case.iter("error")):
            assert fault.get("message") and fault.get("type")
    assert root[1].find("testcase[@name='tag-name']/*") is None
    assert ElementTree.fromstring(render(Report(), "junit")).get("tests") == "0"


# -------------------------------------------------------------------------------- what an attacker writes

INJECTIONS = (
    "%0a::error::x", "\n::error::x", "\r\n::set-env name=PATH::x", "::stop-commands::x", "a,file=/etc/passwd:1",
    "\x1b[2J", "\u202ex", "\u2028x", "]]><x/>", "<img src=x onerror=y>", "[x](https://evil.example)", "@everyone",
    "| a | b |", "```", "\ufffe\uffff\ud800\udcff", "##[error]x", "##vso[task.setvariable variable=a]b", "\x00",
)  # fmt: skip
hostile = st.lists(st.one_of(st.sampled_from(INJECTIONS), st.text(max_size=8)), max_size=4).map("".join)


def hostile_report(text: str) -> Report:
    finding = Finding(
        f"m{text}",
        got=text,
        expected=text,
        path=text,
        line=1,
        fix="x\n" + printable(text),
        check="tag-message",
    )
    good = tag(text, passed=("tag-name",))
    undecided = tag(
        text, undecided={"on-main": Unknown(text, printable(text))}, not_applicable={"tag-order": text}
    )
    return Report(
        (tag(text, finding), good, undecided),
        errors=(str(CannotJudge(f"m{text}", fix=text)),),
        notes=(printable(text),),
    )


def commands(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """The workflow commands in a log, as the runner reads them: name, properties, message."""
    for line in re.split(r"\r\n|\r|\n", text):
        found = re.fullmatch(r"::([^ :]+)(?: ([^:]*))?::(.*)", line.lstrip(), re.S)
        if found:
            listed = (pair.partition("=") for pair in (found.group(2) or "").split(","))
            yield found.group(1), {key: value for key, _, value in listed if key}, found.group(3)


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_github_says_as_many_commands_as_there_are_faults(text: str) -> None:
    report = hostile_report(text)
    said = render(report, "github")
    lines = said.removesuffix("\n").split("\n")
    found = list(commands(said))
    assert len(found) == len(lines) == len(list(faults(report))) + 2
    for name, properties, message in found:
        assert name in ("error", "notice")
        assert set(properties) <= {"title", "file", "line"}
        assert not re.search("%(?!25|0A)", message)
    assert "##[" not in said and "##vso[" not in said


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_the_summary_holds_no_markup_but_its_own(text: str) -> None:
    plain = re.sub(r"&#[0-9]+;", "", summary(hostile_report(text)))
    assert set(re.findall(r"<[^>]*>", plain)) <= {"<code>", "</code>", "<br>"}
    for mark in ("[", "](", "`", "@", "://", "\x1b", "\u202e"):
        assert mark not in plain
    rows = [line for line in plain.split("\n") if line.startswith("|")]
    assert {line.count("|") for line in rows} == {6}


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_every_other_format_can_be_read_back(text: str) -> None:
    report = hostile_report(text)
    assert problems(json.loads(render(report, "json"))) == []
    (run,) = json.loads(render(report, "sarif"))["runs"]
    check_run(run)
    assert len(json.loads(render(report, "gitlab"))) == 3
    assert len(ElementTree.fromstring(render(report, "junit"))) == 4


@pytest.mark.parametrize("format", ["text", "json", "sarif", "github", "gitlab", "junit"])
def test_a_megabyte_of_message_is_cut(format: str) -> None:
    assert len(render(hostile_report("x%0a::error::\n" * 80_000), format)) < 60_000


def test_the_summary_stays_below_githubs_limit() -> None:
    many = tuple(tag(f"v{number}{'#' * 400}", OF_THE_TAG) for number in range(1000))
    text = summary(Report(many))
    assert len(text.encode()) < SUMMARY_LIMIT + 200
    assert "are left out" in text
