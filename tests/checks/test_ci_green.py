"""ci-green: the required checks of the tagged commit, as the forge tells them to a run that asks."""

from __future__ import annotations

import json

import pytest
from builder_parts import Reply, Service, service
from support import GOOD_TAG, Done, Repo
from tag_parts import subject
from tag_parts import told as alone

from envhooks.judge.engine import judge, load
from envhooks.judge.facts import CiCheck, CiStates, Finding
from envhooks.policy.reader import default_policy

RULES = [
    {
        "type": "required_status_checks",
        "parameters": {"required_status_checks": [{"context": "test"}, {"context": "lint"}]},
    }
]


def ok(body: object) -> Reply:
    return 200, {}, json.dumps(body).encode()


def runs(**states: str | None) -> Reply:
    listed = [{"name": name, "status": "completed", "conclusion": state} for name, state in states.items()]
    return ok({"check_runs": listed})


def statuses(**states: str) -> Reply:
    return ok({"statuses": [{"context": name, "state": state} for name, state in states.items()]})


def asked(repo: Repo, there: Service, *arguments: str, token: str = "s3cret", **more: str) -> Done:
    repo.git("config", "remote.origin.url", "https://github.com/team/environments.git")
    environ = {
        **repo.environ,
        "GITHUB_API_URL": there.url,
        **({"GITHUB_TOKEN": token} if token else {}),
        **more,
    }
    return Repo(repo.path, environ).envhooks("check", *arguments)


def told(*succeeded: bool, required: bool = False) -> Finding | None:
    states = (CiCheck(f"c{at}", "success" if good else "failure", good) for at, good in enumerate(succeeded))
    fact = CiStates((*states,), "team/x on GitHub", required)
    reports = judge([subject(ci=fact)], map(alone, load()), default_policy()).tags
    assert "ci-green" not in reports[0].undecided and "ci-green" not in reports[0].not_applicable
    found = [one for one in reports[0].findings if one.check == "ci-green"]
    assert len(found) < 2 and reports[0].verdict == "accepted"
    return found[0] if found else None


def test_a_check_that_did_not_succeed_is_a_warning() -> None:
    assert told(True) is told(True, True, True, required=True) is None
    for required, what in ((False, "checks"), (True, "required checks")):
        found = told(True, False, True, required=required)
        assert found is not None and found.level == "warning"
        assert found.message == f"1 of 3 {what} of the tagged commit did not succeed"
        assert (found.got, found.expected) == ("c1: failure", "all of them succeeded")
        assert found.advice == "wait for them, or run them again; team/x on GitHub tells"
    five, six, seven = (told(*[False] * count) for count in (5, 6, 7))
    listed = ", ".join(f"c{at}: failure" for at in range(5))
    assert five is not None and six is not None and seven is not None
    assert (five.got, six.got, seven.got) == (listed, f"{listed} and 1 more", f"{listed} and 2 more")


def test_a_commit_that_no_check_has_looked_at() -> None:
    found = told()
    assert found is not None and (found.level, found.got) == ("warning", "nothing at team/x on GitHub")


def test_it_applies_where_the_forge_was_asked() -> None:
    reports = judge([subject()], load(), default_policy()).tags
    assert reports[0].not_applicable["ci-green"] == "the forge was not asked: envhooks check --online"


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ((runs(test="success", lint="skipped", other="failure"), statuses(), ok(RULES)), ""),
        ((runs(test="success"), statuses(lint="success"), ok(RULES)), ""),
        ((runs(test="failure", lint="success"), statuses(), ok(RULES)), "1 of 2 required checks"),
        ((runs(test="success"), statuses(), ok(RULES)), "lint: has not run"),
        ((runs(test="success", other="failure"), statuses(), ok([])), "1 of 2 checks"),
        ((runs(test="success"), statuses(), (404, {}, b"{}")), ""),
        ((runs(), statuses(), ok([])), "no check has run"),
        (((403, {}, b'{"message": "no"}'),), "could not be judged"),
        ((ok([]), (200, {}, b"<html>")), "could not be judged"),
    ],
)
def test_what_github_tells(good: Repo, replies: tuple[Reply, ...], said: str) -> None:
    with service(*replies) as there:
        done = asked(good, there, "--online", "--as", GOOD_TAG)
    assert done.code == 0, done.said
    assert ("warning [ci-green]" in done.out) is bool(said) and said in done.out, done.said
    assert "s3cret" not in done.said
    assert there.got[0].headers["authorization"] == "Bearer s3cret"


def test_without_being_asked_nothing_is_sent(good: Repo) -> None:
    with service(runs(test="failure")) as there:
        done = asked(good, there, "--as", GOOD_TAG)
    assert done.code == 0 and "ci-green" not in done.said and not there.got


def test_without_a_token_it_is_not_judged(good: Repo) -> None:
    with service(runs(test="failure")) as there:
        done = asked(good, there, "--online", "--as", GOOD_TAG, token="")
    assert done.code == 0 and "not judged: ci-green" in done.out and not there.got, done.said


def test_the_policy_can_make_it_an_error(good: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": '[checks]\nci-green = "error"\n'})
    good.git("push", "-q", "origin", "main")
    with service(runs(test="failure"), statuses(), ok([])) as there:
        done = asked(good, there, "--online", "--as", GOOD_TAG)
    assert done.code == 1 and "error [ci-green]" in done.out


def test_a_signature_that_github_does_not_show_is_a_note(good: Repo) -> None:
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    hidden = ok({"verification": {"verified": False, "reason": "unknown_key"}})
    with service(runs(test="success"), statuses(), ok([]), hidden) as there:
        done = asked(good, there, "--online", GOOD_TAG)
    assert done.code == 0 and "as verified: unknown_key" in done.said, done.said
    assert there.got[3].path == f"/repos/team/environments/git/tags/{good.git('rev-parse', GOOD_TAG)}"


def test_gitlab_tells_of_its_jobs(good: Repo) -> None:
    listed = [
        {"name": "test", "status": "failed", "allow_failure": False},
        {"name": "docs", "status": "failed", "allow_failure": True},
    ]
    good.git("config", "remote.origin.url", "git@gitlab.com:team/group/environments.git")
    with service(ok(listed)) as there:
        environ = {**good.environ, "CI_API_V4_URL": there.url, "GITLAB_TOKEN": "s3cret"}
        done = Repo(good.path, environ).envhooks("check", "--online", "--as", GOOD_TAG)
    assert "1 of 1 checks of the tagged commit did not succeed" in done.out and "test: failed" in done.out, (
        done.said
    )
    assert there.got[0].path.startswith("/projects/team%2Fgroup%2Fenvironments/repository/commits/")
