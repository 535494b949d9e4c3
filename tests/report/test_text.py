"""The text for people: what is refused first, warnings by kind, and many tags in few lines."""

from __future__ import annotations

import pytest
from support import GOOD_TAG, Repo

from envhooks.base.refs import Change
from envhooks.judge.facts import Finding, Report, TagReport, TagVerdict, Unknown
from envhooks.report import Look, render

UNPINNED = tuple(
    Finding(
        f"{name} is not pinned: it has no version",
        "warning",
        got=name,
        expected=f"{name}==<version>",
        path="Dockerfile",
        line=number,
        fix=f"python -m pip index versions {name}",
        check="dockerfile-pinned",
    )
    for number, name in enumerate(("numpy", "scipy", "pandas", "scikit-learn", "a2"), 3)
)
UNSIGNED = Finding("the tag is not signed", got="no signature", fix="git tag -f -s x", check="tag-signed")
MISNAMED = Finding("the framework is missing", expected="{framework}-v{version}", check="tag-name")
NOTE = Finding("pip is not pinned", "note", got="pip", check="dockerfile-pinned")


def tag(
    *findings: Finding, name: str = "x", verdict: TagVerdict = "refused", passed: tuple[str, ...] = ()
) -> TagReport:
    return TagReport(
        name, f"refs/tags/{name}", Change.STANDING, "a" * 40, "b" * 40, verdict, findings, passed
    )


def said(report: Report, **look: object) -> list[str]:
    return render(report, "text", Look(**look)).rstrip("\n").split("\n")  # type: ignore[arg-type]


def test_errors_stand_first_and_warnings_are_one_line_a_kind() -> None:
    lines = said(Report((tag(*UNPINNED, UNSIGNED, passed=("on-main", "dockerfile-pinned")),)))
    assert lines == [
        "x: refused (1 error, 5 warnings)",
        "  error [tag-signed] the tag is not signed",
        "      found:    no signature",
        "      fix:      git tag -f -s x",
        "  warning [dockerfile-pinned] Dockerfile:3: numpy is not pinned: it has no version (and 4 more of this kind)",
        "  each with its fix: envhooks check --verbose x",
        "  passed: 1 check",
        "  warned: dockerfile-pinned",
    ]


def test_kinds_are_kept_apart() -> None:
    ranged = Finding(
        "torch is not pinned: >=2 allows more than one version",
        "warning",
        got="torch>=2",
        check="dockerfile-pinned",
    )
    other = Finding("numpy is not pinned: it has no version", "warning", got="numpy", check="another")
    lines = said(Report((tag(*UNPINNED, ranged, other, verdict="accepted"),)))
    assert sum(line.startswith("  warning ") for line in lines) == 3


def test_verbose_shows_each_with_its_fix() -> None:
    report = Report((tag(*UNPINNED, UNSIGNED, NOTE, passed=("on-main", "dockerfile-pinned")),))
    lines = said(report, detail="full")
    assert sum(line.startswith("  warning ") for line in lines) == len(UNPINNED)
    assert sum("pip index versions" in line for line in lines) == len(UNPINNED)
    assert "  passed: on-main" in lines and "  warned: dockerfile-pinned" in lines
    assert "  note [dockerfile-pinned] pip is not pinned" in lines
    assert lines[1] == "  error [tag-signed] the tag is not signed"


def test_a_refused_name_drags_no_warning_along() -> None:
    text = render(Report((tag(*UNPINNED, NOTE, MISNAMED, passed=("dockerfile-pinned",)),)), "text")
    assert "dockerfile-pinned" not in text and "numpy" not in text
    assert text.startswith("x: refused\n  error [tag-name] ")


def test_quiet_is_what_is_refused() -> None:
    report = Report((tag(*UNPINNED, UNSIGNED), tag(name="y", verdict="accepted")), notes=("first day",))
    assert said(report, detail="quiet") == [
        "x: refused (1 error, 5 warnings)",
        "  error [tag-signed] the tag is not signed",
        "      found:    no signature",
        "      fix:      git tag -f -s x",
    ]
    assert render(Report((tag(verdict="accepted"),)), "text", Look(detail="quiet")) == ""


def test_quiet_of_many_is_a_line_for_each_kind() -> None:
    """Fifty old tags that are refused alike are not fifty screens."""
    many = tuple(tag(MISNAMED, UNSIGNED, name=f"v1.{n}") for n in range(50))
    usual, quiet = (said(Report(many), detail=detail) for detail in ("brief", "quiet"))
    assert quiet == usual[:-1] and "50 tags" in usual[-1] and len(quiet) == 1, quiet


def test_quiet_says_what_could_not_be_judged() -> None:
    undecided = TagReport(
        "y",
        "refs/tags/y",
        Change.STANDING,
        None,
        None,
        "undecided",
        undecided={"on-main": Unknown("shallow")},
    )
    lines = said(Report((undecided,), errors=("no policy",)), detail="quiet")
    assert lines == [
        "could not judge: no policy",
        "y: could not judge",
        "  could not judge [on-main] shallow",
    ]


def test_a_brief_report_has_a_line_for_each_fault() -> None:
    tags = [tag(MISNAMED, UNSIGNED, *UNPINNED, name=f"v1.{number}") for number in range(30)]
    tags += [tag(*UNPINNED, name=f"good{number}", verdict="accepted") for number in range(3)]
    lines = said(Report((*tags, tag(UNSIGNED, name="late"))), detail="brief")
    assert lines == [
        "refused: v1.0, v1.1, v1.2, v1.3, v1.4, v1.5, v1.6, v1.7, v1.8, v1.9 and 20 more:"
        " [tag-name] the framework is missing (and 1 more)",
        "refused: late: [tag-signed] the tag is not signed",
        "good: good0, good1, good2",
        "warning [dockerfile-pinned] 15 warnings in 3 tags",
        "34 tags: 3 good, 31 refused; in full: envhooks check TAG, or --verbose for all",
    ]


def test_the_worst_faults_of_a_thousand_tags_stay_short() -> None:
    tags = tuple(
        tag(Finding(f"fault {number}", check="tag-name"), name=f"v{number}") for number in range(1000)
    )
    lines = said(Report(tags), detail="brief")
    assert len(lines) == 42 and "... and 960 more tags" in lines


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("colour", [True, False])
def test_lines_are_broken_where_the_width_is_known_and_fixes_never(width: int, colour: bool) -> None:
    fix = "git tag -f -s " + "x" * 30 + " " + "y" * 60
    long = Finding("word " * 40, got="found " * 40, expected="w " * 80, fix=fix, check="tag-signed")
    lines = said(Report((tag(long, *UNPINNED, passed=("a-b",) * 30),)), width=width, colour=colour)
    plain = [line.replace("\x1b[31m", "").replace("\x1b[33m", "").replace("\x1b[0m", "") for line in lines]
    assert f"      fix:      {fix}" in plain
    assert all(len(line) <= width for line in plain if "fix" not in line), plain
    assert " ".join(" ".join(plain).split()).count("word") == 40


def test_a_tag_that_was_not_made_is_asked_about_by_its_commit() -> None:
    text = render(Report((tag(*UNPINNED, UNSIGNED),)), "text", Look(exists=False))
    assert "  each with its fix: envhooks check --verbose --as x bbbbbbbbbbbb\n" in text


def test_github_has_the_verdict_first_and_a_command_for_each_kind() -> None:
    report = Report((tag(*UNPINNED, UNSIGNED), tag(name="y", verdict="accepted")))
    lines = render(report, "github").rstrip("\n").split("\n")
    assert lines[0] == "::error title=envhooks::refused: x; good: y"
    assert lines[1].startswith("::error title=tag-signed x::the tag is not signed")
    (warning,) = lines[2:]
    assert warning.startswith("::warning file=Dockerfile,line=3,") and "and 4 more of this kind" in warning
    assert render(Report((tag(verdict="accepted"),)), "github") == "::notice title=envhooks::good: x\n"


def test_check_is_quiet_verbose_and_brief(good: Repo) -> None:
    good.git("tag", "-s", "-m", "A release", GOOD_TAG)
    assert good.envhooks("check", "--quiet", GOOD_TAG).said == ""
    assert "passed: " in good.envhooks("check", GOOD_TAG).out
    for number in range(5):
        good.git("tag", f"v1.{number}")
    done = good.envhooks("check", "--all")
    assert done.code == 1 and len(done.out.split("\n")) <= 6, done.out
    whole = good.envhooks("check", "--all", "--verbose")
    assert whole.code == 1 and whole.out.count("[tag-name]") == 5
    quiet = good.envhooks("check", "--all", "--quiet")
    assert quiet.code == 1 and GOOD_TAG not in quiet.out
    assert good.envhooks("check", "--quiet", "--verbose").code == 2


@pytest.mark.parametrize("width", [40, 60, 80, 90])
def test_a_command_in_an_advice_is_one_line(width: int) -> None:
    command = "git tag -s -m 'First candidate' PyTorch-CUDA-v2.7-rc1 3b20337db746"
    advice = f"if the name is what is wrong: {command}\nif not, there is more to do: look at it, and decide what to do"
    lines = said(Report((tag(Finding("no", advice=advice, check="tag-name")),)), width=width)
    assert f"{' ' * (18 if width > 80 else 8)}{command}" in lines
    assert all(len(line) <= width for line in lines if command not in line)
    assert f"      advice:   if the name is what is wrong: {command}" in said(
        Report((tag(Finding("no", advice=advice, check="tag-name")),))
    )
