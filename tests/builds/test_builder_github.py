"""Calls to GitHub, held against GitHub's own description of its API."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builder_parts import PLAN, Reply, missing, new_log, service
from github_description import PATHS, NotHere, fetch, mock

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.builds import following, githubruns, web
from envhooks.builds.attempt import Attempt
from envhooks.builds.builders import github
from envhooks.builds.secrets import Secret
from envhooks.builds.types import ALONE, Job, Plan
from envhooks.builds.web import Refused, Unreachable

ENVIRON = {"TOKEN": "topsecret"}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES", (0.0,))
    monkeypatch.setattr(following, "POLL", 0.0)


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        with mock(port) as url:
            yield url
    except NotHere as error:
        missing(f"GitHub's description, served: {error}")


def plan(api: str, **options: Any) -> Plan:
    chosen = {"api": api, "repository": "team/environments", "token": "TOKEN", **options}
    return replace(PLAN, using="github", options=chosen)


def test_a_workflow_is_started_and_its_run_known(api: str) -> None:
    inputs = {f"input{number}": "{images}" for number in range(github.MAX_INPUTS)}
    log = new_log()
    result = github.build(plan(api, workflow="image.yml", inputs=inputs, follow=False), Path(), log, ENVIRON)
    assert result.status == "started"
    assert result.run_url == "https://github.com/octo-org/octo-repo/actions/runs/1"
    assert log.getvalue().endswith("/actions/workflows/image.yml/dispatches: 200\n")
    assert "topsecret" not in log.getvalue()


def test_a_run_is_looked_at_and_not_for_ever(api: str) -> None:
    made = plan(api, workflow="image.yml", follow=True, timeout=0.0001)
    result = github.build(made, Path(), new_log(), ENVIRON)
    assert result.status == "started" and "the run is still" in result.message and result.run_url


def test_an_event_is_sent(api: str) -> None:
    payload = {f"key{number}": "{tag}" for number in range(github.MAX_PAYLOAD)}
    for more in ({"payload": payload}, {}):
        result = github.build(plan(api, event="e" * github.MAX_EVENT, **more), Path(), new_log(), ENVIRON)
        assert result.status == "started" and result.message.startswith("GitHub took the event e")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/actions/workflows/image.yml/dispatches", {"inputs": {"a": "b"}}),
        (
            "/actions/workflows/image.yml/dispatches",
            {"ref": "x", "inputs": dict.fromkeys(map(str, range(26)), "x")},
        ),
        ("/actions/workflows/image.yml/dispatches", {"ref": "x", "return_run_details": "yes"}),
        ("/dispatches", {"event_type": ""}),
        ("/dispatches", {"event_type": "e" * 101}),
        ("/dispatches", {"event_type": "e", "client_payload": dict.fromkeys(map(str, range(11)), "x")}),
    ],
)
def test_what_the_description_refuses(api: str, path: str, body: dict[str, Any]) -> None:
    """The mock is not one that takes anything: the limits that we keep to are GitHub's."""
    headers = github._headers(Secret("$TOKEN", "x"))
    url = f"{api}/repos/team/environments{path}"
    with pytest.raises((web.Refused, web.Unreachable)):
        web.call("POST", url, json.dumps(body).encode(), headers, new_log())


def test_the_limits_are_those_of_the_description() -> None:
    try:
        description = json.loads((fetch() / "description.json").read_text())
    except NotHere as error:
        missing(f"GitHub's description: {error}")
    dispatch, event = (
        description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"][
            "properties"
        ]
        for path in (
            "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
            "/repos/{owner}/{repo}/dispatches",
        )
    )
    assert dispatch["inputs"]["maxProperties"] == github.MAX_INPUTS
    assert event["client_payload"]["maxProperties"] == github.MAX_PAYLOAD
    assert event["event_type"]["maxLength"] == github.MAX_EVENT
    assert len(description["paths"]) == len(PATHS)


# --------------------------------------------------------------------- what the mock does not answer

STARTED: Reply = (
    200,
    {},
    json.dumps({"workflow_run_id": 7, "run_url": "x", "html_url": "https://github.com/r/7"}).encode(),
)


def run(status: str, conclusion: str | None = None) -> tuple[int, dict[str, str], bytes]:
    return (200, {}, json.dumps({"status": status, "conclusion": conclusion}).encode())


@pytest.mark.parametrize(
    ("conclusion", "status"), [("success", "done"), ("failure", "failed"), ("cancelled", "failed")]
)
def test_a_run_is_followed_to_its_end(conclusion: str, status: str) -> None:
    log = new_log()
    answers: tuple[Reply, ...] = (
        STARTED,
        run("queued"),
        run("in_progress"),
        (502, {}, b""),
        run("in_progress"),
    )
    with service(*answers, run("completed", conclusion)) as server:
        made = plan(server.url, workflow="image.yml", follow=True)
        result = github.build(made, Path(), log, ENVIRON)
    assert (result.status, result.run_url) == (status, "https://github.com/r/7")
    assert conclusion in result.message
    assert log.getvalue().split("\n")[1:-1] == [
        f"the run is {s}" for s in ("queued", "in_progress", conclusion)
    ]
    assert {got.path for got in server.got[1:]} == {"/repos/team/environments/actions/runs/7"}
    assert all(got.headers["authorization"] == "Bearer topsecret" for got in server.got)
    body = json.loads(server.got[0].body)
    assert body == {"ref": PLAN.ref, "return_run_details": True}


@pytest.mark.parametrize(("status", "ends"), [(403, "started"), (500, "failed")])
def test_a_run_that_was_started_is_not_started_again(status: int, ends: str) -> None:
    noted: dict[str, str] = {}
    with service(STARTED, (status, {}, b"no")) as server:
        made = plan(server.url, workflow="image.yml")
        job = Job(keep=lambda **found: noted.update(found))
        result = github.build(made, Path(), new_log(), ENVIRON, job)
        assert (result.status, result.run_url) == (ends, "https://github.com/r/7")
        assert "followed" in result.message and not result.is_final
        assert noted == {"step": "follow", "request": "7", "run_url": "https://github.com/r/7"}
        server.answers = [run("completed", "success")]
        again = github.build(made, Path(), new_log(), ENVIRON, Job(request="7"))
    assert again.status == "done"
    assert [got.method for got in server.got].count("POST") == 1


def test_a_rate_limit_is_kept() -> None:
    limited: Reply = (
        403,
        {"Retry-After": "3600"},
        b'{"message": "You have exceeded a secondary rate limit"}',
    )
    with service(limited) as server, pytest.raises(Unreachable) as caught:
        github.build(plan(server.url, event="image"), Path(), new_log(), ENVIRON)
    assert caught.value.after == 3600.0
    with service(limited) as server:
        made = plan(server.url, event="image")
        attempt = Attempt(None, None, made, None, None, None, ENVIRON, new_log(), ALONE)  # type: ignore[arg-type]
        result = attempt._build(Path())
    assert (result.status, result.after, result.is_final) == ("failed", 3600.0, False)
    assert len(server.got) == 1


def test_an_older_enterprise_server_refuses_the_key_and_is_asked_without_it() -> None:
    refusal = b'{"message": "Invalid request.\\n\\n\\"return_run_details\\" is not a permitted key."}'
    with service((422, {}, refusal), (204, {}, b"")) as server:
        result = github.build(plan(server.url, workflow="image.yml"), Path(), new_log(), ENVIRON)
    assert result.status == "started" and "did not say which run" in result.message
    assert [b"return_run_details" in got.body for got in server.got] == [True, False]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "Bad credentials"),
        (403, "Resource not accessible by personal access token"),
        (404, "Not Found"),
        (422, "No ref found for: refs/tags/PyTorch-CUDA-v2.8-rc1"),
    ],
)
def test_a_refusal_is_said_in_github_s_words(status: int, words: str) -> None:
    with service((status, {}, json.dumps({"message": words}).encode())) as server:
        made = plan(server.url, workflow="image.yml")
        with pytest.raises(CannotJudge, match=f"{status}, {words}"):
            github.build(made, Path(), new_log(), ENVIRON)
    assert len(server.got) == 1


def test_an_older_server_that_names_no_run() -> None:
    with service((204, {}, b"")) as server:
        made = plan(server.url, workflow="image.yml")
        result = github.build(made, Path(), new_log(), ENVIRON)
        assert result.status == "started" and "did not say which run" in result.message


def listed(*runs: dict[str, Any]) -> Reply:
    return 200, {}, json.dumps({"total_count": len(runs), "workflow_runs": list(runs)}).encode()


def one_run(number: int, title: str, created: str = "2026-05-02T10:00:05Z") -> dict[str, Any]:
    page = f"https://github.com/r/{number}"
    return {
        "id": number, "name": "image", "display_title": title, "created_at": created, "html_url": page,
        "event": "workflow_dispatch", "status": "queued",
    }  # fmt: skip


DATED = {"Date": "Sat, 02 May 2026 10:00:05 GMT"}


def test_a_run_that_was_not_named_is_found_by_the_key_in_its_title() -> None:
    noted: dict[str, str] = {}
    before = one_run(3, f"image {PLAN.key}", "2026-05-02T09:00:00Z")
    other = one_run(9, "image of somebody else")
    answers = (
        (204, DATED, b""),
        listed(other, before),
        listed(other, one_run(8, f"image {PLAN.key}"), before),
    )
    with service(*answers, run("completed", "success")) as server:
        made = plan(server.url, workflow="image.yml", inputs={"key": "{key}"})
        job = Job(keep=lambda **found: noted.update(found))
        result = github.build(made, Path(), new_log(), ENVIRON, job)
    assert (result.status, result.run_url) == ("done", "https://github.com/r/8")
    assert noted == {"step": "follow", "request": "8", "run_url": "https://github.com/r/8"}
    paths = [got.path for got in server.got]
    assert paths[1] == (
        "/repos/team/environments/actions/workflows/image.yml/runs?event=workflow_dispatch&per_page=100"
    )
    assert paths[-1] == "/repos/team/environments/actions/runs/8"


@pytest.mark.parametrize(
    ("reply", "inputs", "why"),
    [
        (listed(), {}, "an input with {key}"),
        (listed(one_run(9, "image")), {"key": "{key}"}, "no run has the key in its title"),
        (listed(one_run(3, PLAN.key, "2026-05-02T09:00:00Z")), {"key": "{key}"}, "no run has the key"),
        ((403, {}, b'{"message": "Resource not accessible"}'), {"key": "{key}"}, "cannot be read"),
        ((200, {}, b'{"workflow_runs": [3, {"id": "x"}]}'), {"key": "{key}"}, "no run has the key"),
    ],
)
def test_a_run_that_cannot_be_found_was_requested_and_is_not_guessed(
    reply: Reply, inputs: dict[str, str], why: str
) -> None:
    with service((204, DATED, b""), reply) as server:
        made = plan(server.url, workflow="image.yml", inputs=inputs)
        result = github.build(made, Path(), new_log(), ENVIRON)
    assert result.status == "started" and "did not say which run it is" in result.message
    assert why in result.message
    assert [got.method for got in server.got].count("POST") == 1


def test_the_list_of_runs_is_asked_for_as_the_description_has_it(api: str) -> None:
    runs = f"{api}/repos/team/environments/actions/workflows/image.yml/runs"
    asked: list[dict[str, Any]] = []

    def get(url: str) -> dict[str, Any]:
        asked.append(github._get(url, Secret("TOKEN", "topsecret")))
        return asked[-1]

    number, _, why = githubruns.find(runs, "a key that no run has", "", get)
    assert number == 0 and "no run has the key" in why
    found = asked[0]["workflow_runs"][0]
    assert {"id", "display_title", "created_at", "html_url"} <= found.keys()
    # the example's own title stands for a key
    title, created = found["display_title"], "Thu, 01 Jan 1970 00:00:00 GMT"
    assert githubruns.find(runs, title, created, get) == (found["id"], found["html_url"], "")


def test_an_answer_is_read_up_to_its_bound_and_no_further() -> None:
    """A list of a hundred runs has some two million bytes; what has more than eight is none."""
    whole = json.dumps({"workflow_runs": [], "rest": "x" * ((8 << 20) - 100)}).encode()
    with service((200, {}, whole), (200, {}, whole + b" " * 200)) as server:
        found = github._get(f"{server.url}/runs", Secret("TOKEN", "topsecret"))
        assert found["workflow_runs"] == []
        with pytest.raises(Refused, match="more than 8 MiB"):
            github._get(f"{server.url}/runs", Secret("TOKEN", "topsecret"))


def test_a_server_that_is_down_is_asked_twice() -> None:
    with service((503, {}, b"<html>Unicorn!</html>")) as server, pytest.raises(Unreachable):
        github.build(plan(server.url, event="image"), Path(), new_log(), ENVIRON)
    assert len(server.got) == 2


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/team/environments.git",
        "git@github.com:team/environments",
        "ssh://git@github.com:22/team/environments.git/",
    ],
)
def test_the_repository_is_told_by_the_remote(remote: str) -> None:
    made = replace(PLAN, remote_url=remote, options={"workflow": "image.yml", "inputs": {"tag": "{tag}"}})
    said, followed = github.commands(made, Path())
    assert followed.endswith("until the run has ended")
    assert said.startswith("POST https://api.github.com/repos/team/environments/actions/workflows/image.yml/")
    assert "Bearer git credential" in said and PLAN.tag in said


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com.evil.org/a/b",
        "/srv/git/x.git",
        "https://gitlab.com/a/b",
        "https://github.com/a/b/c",
    ],
)
def test_a_remote_elsewhere_does_not_tell(remote: str) -> None:
    with pytest.raises(PolicyError, match="does not tell the repository"):
        github.commands(replace(PLAN, remote_url=remote, options={"event": "x"}), Path())


def test_a_dry_run_with_follow_and_the_words_for_consent() -> None:
    made = plan("https://ghe.example.org/api/v3", workflow="image.yml", follow=True)
    first, second = github.commands(made, Path())
    assert "Bearer $TOKEN" in first and second.startswith("GET https://ghe.example.org/api/v3/repos/team/")
    said = github.describe(made.options)
    assert "https://ghe.example.org/api/v3" in said[0] and "$TOKEN" in said[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "either a `workflow` or an `event`"),
        ({"workflow": "a.yml", "event": "b"}, "either a `workflow` or an `event`"),
        ({"workflow": "../a.yml"}, "the name of a file"),
        ({"event": "e" * 101}, "longer than 100"),
        ({"event": "e", "inputs": {"a": "b"}}, "goes with `workflow`"),
        ({"event": "e", "follow": True}, "goes with `workflow`"),
        ({"workflow": "a.yml", "payload": {}}, "goes with `event`"),
        ({"workflow": "a.yml", "inputs": {str(n): "x" for n in range(26)}}, "26 entries and may have 25"),
        ({"event": "e", "payload": {str(n): "x" for n in range(11)}}, "11 entries and may have 10"),
        ({"workflow": "a.yml", "inputs": {"a": "{tagg}"}}, "did you mean `{tag}`"),
        ({"workflow": "a.yml", "ref": "{nothing}"}, "is no field"),
        ({"workflow": "a.yml", "repository": "a/../b"}, "OWNER/NAME"),
        ({"workflow": "a.yml", "repository": "a/.."}, "OWNER/NAME"),
        ({"workflow": "a.yml", "api": "http://github.com"}, "must be https"),
        ({"workflow": "a.yml", "token": "github_pat_abc"}, "must be revoked"),
        ({"workflow": "a.yml", "folow": True}, "did you mean `follow`"),
    ],
)
def test_what_a_github_build_may_not_say(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError) as found:
        github.check_options(options)
    assert said in found.value.message
