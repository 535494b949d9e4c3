"""GitLab's pipelines and webhooks, followed to the end: one run for one build, whatever happens to who follows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builder_parts import PLAN, Reply, new_log, service

from envhooks.base.dataclass import replace
from envhooks.base.errors import PolicyError
from envhooks.builds import following, web
from envhooks.builds.builders import gitlab, webhook
from envhooks.builds.types import Job, Plan

ENVIRON = {"TOKEN": "topsecret", "API": "readapi", "HOOK": "whsec_c2VjcmV0"}
DIGEST = "sha256:" + "d" * 64


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES", (0.0,))
    monkeypatch.setattr(following, "POLL", 0.0)


def told(**found: Any) -> Reply:
    return 200, {}, json.dumps(found).encode()


def pipeline(url: str, **more: Any) -> Plan:
    return replace(PLAN, using="gitlab", options={"project": "7", "url": url, "token": "TOKEN", **more})


@pytest.mark.parametrize(
    ("end", "status", "is_final"),
    [
        ("success", "done", False),
        ("failed", "failed", True),
        ("canceled", "failed", True),
        ("skipped", "failed", True),
    ],
)
def test_a_pipeline_is_followed_to_its_end(end: str, status: str, is_final: bool) -> None:
    noted: dict[str, str] = {}
    with service(
        told(id=12, web_url="https://127.0.0.1/p/12"), told(status="running"), told(status=end)
    ) as server:
        job = Job(keep=lambda **found: noted.update(found))
        result = gitlab.build(pipeline(server.url, api_token="API"), Path(), new_log(), ENVIRON, job)
    assert (result.status, result.is_final) == (status, is_final), result.message
    assert noted["request"] == "12" and noted["step"] == "follow"
    assert [(got.method, got.path) for got in server.got] == [
        ("POST", "/api/v4/projects/7/trigger/pipeline"),
        *[("GET", "/api/v4/projects/7/pipelines/12")] * 2,
    ]
    assert server.got[1].headers["private-token"] == "readapi" and b"topsecret" in server.got[0].body


def test_a_pipeline_that_cannot_be_read_is_requested_and_no_more() -> None:
    with service(told(id=12), (404, {}, b"")) as server:
        result = gitlab.build(pipeline(server.url), Path(), new_log(), ENVIRON)
    assert result.status == "started" and "cannot be followed" in result.message


def test_another_attempt_follows_the_same_pipeline() -> None:
    with service(told(status="success")) as server:
        result = gitlab.build(pipeline(server.url), Path(), new_log(), ENVIRON, Job(request="12"))
    assert result.status == "done" and [got.method for got in server.got] == ["GET"]


def test_what_is_cancelled_here_is_not_followed_any_more() -> None:
    with service(told(status="running")) as server:
        job = Job(request="12", is_wanted=lambda: False)
        result = gitlab.build(pipeline(server.url), Path(), new_log(), ENVIRON, job)
    assert result.status == "started" and "cancelled here, not there" in result.message


def hook(url: str, **more: Any) -> Plan:
    return replace(PLAN, using="webhook", options={"url": url, "secret": "HOOK", "token": "TOKEN", **more})


def test_a_webhook_that_names_a_status_is_followed() -> None:
    with service(told()) as server:
        server.answers = [
            told(status_url=f"{server.url}/status/1"), told(state="building"), told(state="done", digest=DIGEST),
        ]  # fmt: skip
        result = webhook.build(hook(server.url), Path(), new_log(), ENVIRON)
    assert (result.status, result.digest) == ("done", DIGEST)
    assert server.got[2].headers["authorization"] == "Bearer topsecret" and server.got[2].path == "/status/1"


def test_a_webhook_that_fails_says_why_and_is_not_sent_again() -> None:
    with service(told()) as server:
        server.answers = [told(status_url=f"{server.url}/1"), told(state="failed", message="no\x1b[2J disk")]
        result = webhook.build(hook(server.url), Path(), new_log(), ENVIRON)
    assert result.status == "failed" and result.is_final and "no\\x1b[2J disk" in result.message


@pytest.mark.parametrize("status", ["https://evil.example/1", "ftp://x/", 3, None])
def test_the_token_goes_to_no_other_host(status: object) -> None:
    with service(told(status_url=status)) as server:
        result = webhook.build(hook(server.url), Path(), new_log(), ENVIRON)
    assert result.status == "started" and len(server.got) == 1


def test_a_receiver_that_names_no_status_is_asked_at_the_address_of_the_section() -> None:
    with service(told()) as server:
        server.answers = [
            told(),
            (404, {}, b"no such build"),
            told(state="queued"),
            told(state="done", digest=DIGEST),
        ]
        log = new_log()
        made = hook(server.url, status_url=f"{server.url}/builds/{{tag}}/{{key}}?of={{own}}")
        result = webhook.build(made, Path(), log, ENVIRON)
    assert (result.status, result.digest) == ("done", DIGEST)
    own = PLAN.own.replace("/", "%2F").replace(":", "%3A")
    assert {got.path for got in server.got[1:]} == {f"/builds/{PLAN.tag}/{PLAN.key}?of={own}"}
    assert all(got.headers["authorization"] == "Bearer topsecret" for got in server.got)
    assert "is not known there yet" in log.getvalue() and "is queued" in log.getvalue()


def test_the_address_that_the_receiver_names_goes_before_that_of_the_section() -> None:
    with service(told()) as server:
        server.answers = [told(status_url=f"{server.url}/7"), told(state="done")]
        made = hook(server.url, status_url=f"{server.url}/builds/{{key}}")
        assert webhook.build(made, Path(), new_log(), ENVIRON).status == "done"
    assert [got.path for got in server.got] == ["/", "/7"]


def test_a_status_elsewhere_is_asked_without_the_token() -> None:
    with service(told()) as server, service(told(state="failed", message="no disk")) as other:
        made = hook(server.url, status_url=f"{other.url}/{{key}}.json")
        result = webhook.build(made, Path(), new_log(), ENVIRON)
        assert result.status == "failed" and result.is_final and "no disk" in result.message
        assert "authorization" not in other.got[0].headers
        assert webhook.describe(made.options)[-1].endswith("how the build goes, without the token")
        assert webhook.commands(made, Path())[-1] == f"GET {other.url}/{PLAN.key}.json, where it names none"


@pytest.mark.parametrize(
    ("status_url", "said"),
    [
        ("http://ci.example.org/{key}", "must be https"),
        ("https://{tag}.example.org/", "made from the tag"),
        ("https://ci.example.org/{kye}", "did you mean"),
        ("https://me:pw@ci.example.org/{key}", "password"),
        ("/status/{key}", "no URL"),
    ],
)
def test_what_a_status_url_may_not_be(status_url: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        webhook.check_options({"url": "https://ci.example.org/x", "secret": "HOOK", "status_url": status_url})
