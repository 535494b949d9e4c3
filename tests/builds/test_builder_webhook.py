"""Webhooks and GitLab over real connections; signatures verified by the receiver of Standard Webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from builder_parts import PLAN, Reply, Request, new_log, service
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.builds import web
from envhooks.builds.builders import gitlab, webhook
from envhooks.builds.secrets import Secret
from envhooks.builds.types import Plan
from envhooks.builds.web import Unreachable

WHSEC = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()
OK: Reply = (202, {}, b'{"run_url": "https://ci.example.org/run/1"}')


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES", (0.0, 0.0))


def plan(url: str, **options: Any) -> Plan:
    return replace(PLAN, using="webhook", options={"url": url, "secret": "HOOK", **options})


def deliver(secret: str = WHSEC) -> Request:
    with service(OK) as receiver:
        webhook.build(plan(receiver.url + "/hook"), Path(), new_log(), {"HOOK": secret})
    return receiver.got[0]


# ------------------------------------------------------------------------------------- signatures


def test_the_receiver_accepts_what_was_sent() -> None:
    got = deliver()
    data = Webhook(WHSEC).verify(got.body, got.headers)
    assert data["type"] == webhook.EVENT and data["data"]["images"] == list(PLAN.images)
    assert got.headers["webhook-id"] == got.headers["idempotency-key"] == PLAN.key == data["data"]["key"]
    hub = hmac.new(WHSEC.encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-hub-signature-256"] == f"sha256={hub}"


def test_a_secret_that_is_no_base64_is_used_as_it_is() -> None:
    got = deliver("just a phrase")
    Webhook(b"just a phrase").verify(got.body, got.headers)
    with pytest.raises(CannotJudge, match="not base64"):
        deliver("whsec_***")


def test_the_receiver_refuses_what_was_tampered_with() -> None:
    got = deliver()
    receiver = Webhook(WHSEC)
    with pytest.raises(WebhookVerificationError):
        receiver.verify(got.body.replace(b"rc1", b"rc2"), got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"another key").decode()).verify(got.body, got.headers)


def test_a_replay_cannot_take_another_id_and_a_repetition_has_the_same() -> None:
    first, again = deliver(), deliver()
    with pytest.raises(WebhookVerificationError):
        Webhook(WHSEC).verify(first.body, {**first.headers, "webhook-id": "new"})
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body, "a receiver that compares bodies sees no difference either"


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_the_receiver_refuses_what_is_stale(seconds: int) -> None:
    got = deliver()
    stamp = int(got.headers["webhook-timestamp"]) + seconds
    moved = {**got.headers, "webhook-timestamp": str(stamp)}
    with pytest.raises(WebhookVerificationError):  # also where it is signed anew
        Webhook(WHSEC).verify(got.body, moved)
    secret = Secret("$HOOK", WHSEC)
    signed = webhook.sign(secret, webhook.signing_key(secret), PLAN.key, stamp, got.body)
    with pytest.raises(WebhookVerificationError, match="too"):
        Webhook(WHSEC).verify(got.body, signed)


# ------------------------------------------------------------------------------------- connections


def test_what_fails_for_a_while_is_tried_again() -> None:
    log = new_log()
    with service((503, {}, b"busy"), (0, {}, b""), OK) as receiver:
        result = webhook.build(plan(receiver.url), Path(), log, {"HOOK": WHSEC})
    assert (result.status, result.run_url) == ("started", "https://ci.example.org/run/1")
    assert [Webhook(WHSEC).verify(got.body, got.headers)["type"] for got in receiver.got] == [
        webhook.EVENT
    ] * 3
    assert "503, busy; again in" in log.getvalue() and "no connection" in log.getvalue()


def test_what_goes_on_failing_is_given_up_as_a_failure_that_may_pass() -> None:
    with service((500, {}, b"")) as receiver, pytest.raises(Unreachable, match=r"500, 3 times$"):
        webhook.build(plan(receiver.url), Path(), new_log(), {"HOOK": WHSEC})
    assert len(receiver.got) == 3
    with pytest.raises(Unreachable, match="Connection refused"):  # nobody listens now
        webhook.build(plan(receiver.url), Path(), new_log(), {"HOOK": WHSEC})


def test_a_refusal_is_told_in_the_server_s_words_without_the_secret() -> None:
    body = json.dumps({"message": f"no\x1b[2J such job, got Bearer topsecret {WHSEC} {'x' * 900}"}).encode()
    with service((404, {}, body)) as receiver:
        environ = {"HOOK": WHSEC, "TOKEN": "topsecret"}
        with pytest.raises(CannotJudge) as found:
            webhook.build(plan(receiver.url, token="TOKEN"), Path(), new_log(), environ)
    said = str(found.value)
    assert "404, no" in said and "such job, got Bearer $TOKEN $HOOK xxx" in said
    assert "topsecret" not in said and WHSEC not in said and "\x1b" not in said and len(said) < 700
    assert len(receiver.got) == 1 and receiver.got[0].headers["authorization"] == "Bearer topsecret"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_takes_no_secret_along(status: int) -> None:
    with service(OK) as elsewhere, service((status, {"Location": elsewhere.url}, b"")) as receiver:
        said = f"{status}, a redirect to http://127.0.0.1.*not followed"
        with pytest.raises(CannotJudge, match=said):
            webhook.build(plan(receiver.url, token="TOKEN"), Path(), new_log(), {"HOOK": "x", "TOKEN": "y"})
    assert not elsewhere.got


def test_a_proxy_does_not_see_what_stays_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with service(OK) as proxy, service(OK) as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        webhook.build(plan(receiver.url), Path(), new_log(), {"HOOK": WHSEC})
    assert not proxy.got and len(receiver.got) == 1


def test_an_unset_secret_is_named() -> None:
    with pytest.raises(CannotJudge, match="the environment variable HOOK is not set"):
        webhook.build(plan("https://ci.example.org"), Path(), new_log(), {"HOOK": " "})
    with pytest.raises(CannotJudge, match="characters that no token has"):
        webhook.build(plan("https://ci.example.org"), Path(), new_log(), {"HOOK": "a\nX-Evil: 1"})


def test_a_run_url_that_is_no_address_is_not_shown() -> None:
    with service((200, {}, b'{"run_url": "javascript:alert(1)"}')) as receiver:
        assert webhook.build(plan(receiver.url), Path(), new_log(), {"HOOK": "x"}).run_url is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"secret": "HOOK"}, "has no `url`"),
        ({"url": "https://x.example.org"}, "has no `secret`"),
        ({"url": "http://x.example.org", "secret": "HOOK"}, "must be https"),
        ({"url": "http://127.0.0.1.example.org", "secret": "HOOK"}, "must be https"),
        ({"url": "file:///etc/passwd", "secret": "HOOK"}, "is no URL"),
        ({"url": "https://u:hunter2@x.example.org", "secret": "HOOK"}, "carries a user name or password"),
        ({"url": "https://x.example.org/a b", "secret": "HOOK"}, "is no URL"),
        ({"url": "https://[::1", "secret": "HOOK"}, "is no URL"),
        ({"url": "https://x.example.org:port", "secret": "HOOK"}, "is no URL"),
        ({"url": "https://x.example.org", "secret": WHSEC}, "name of an environment variable"),
        ({"url": "https://x.example.org", "secret": "HOOK", "token": "ghp_" + "a" * 36}, "must be revoked"),
        ({"url": "https://x.example.org", "secret": "HOOK", "tocken": "A"}, "did you mean `token`"),
    ],
)
def test_what_a_webhook_may_not_say(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError) as found:
        webhook.check_options(options)
    assert said in found.value.message
    assert not any(word in str(found.value) for word in ("hunter2", WHSEC, "ghp_"))


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/x", "http://127.0.0.1", "http://[::1]:1/", "https://x.example.org/?a=b"]
)
def test_addresses_that_may_be_called(url: str) -> None:
    assert web.checked_url(url, "url") == url


def test_a_dry_run_names_the_secrets_and_what_is_sent() -> None:
    said, asked = webhook.commands(plan("https://x.example.org", token="T"), Path())
    assert asked.startswith("GET $STATUS_URL (Authorization: Bearer $T), where the answer names one")
    assert (
        said.startswith("POST https://x.example.org (Idempotency-Key: ") and "$HOOK" in said and "$T" in said
    )
    assert "sends the plan to https://x.example.org" in webhook.describe(
        plan("https://x.example.org").options
    )


# ------------------------------------------------------------------------------------------ GitLab


def gitlab_plan(url: str, **options: Any) -> Plan:
    chosen = {"url": url, "token": "TRIGGER", "project": "team/environments", **options}
    return replace(PLAN, using="gitlab", options=chosen)


def test_a_pipeline_is_triggered() -> None:
    log = new_log()
    with service((201, {}, b'{"id": 1, "web_url": "http://127.0.0.1/team/-/pipelines/1"}')) as server:
        made = gitlab_plan(server.url, variables={"WHY": "{tag}"}, follow=False)
        result = gitlab.build(made, Path(), log, {"TRIGGER": "topsecret"})
    assert (result.status, result.run_url) == ("started", "http://127.0.0.1/team/-/pipelines/1")
    assert server.got[0].path == "/api/v4/projects/team%2Fenvironments/trigger/pipeline"
    form = dict(parse_qsl(server.got[0].body.decode()))
    assert form["token"] == "topsecret" and form["ref"] == form["variables[WHY]"] == PLAN.tag
    assert form["variables[ENVHOOKS_IMAGES]"] == " ".join(PLAN.images)
    assert "topsecret" not in log.getvalue() and "topsecret" not in server.got[0].path


def test_a_pipeline_that_is_refused() -> None:
    with service((400, {}, b'{"message": {"base": ["Reference not found"]}}')) as server:
        made = gitlab_plan(server.url)
        with pytest.raises(CannotJudge, match="Reference not found"):
            gitlab.build(made, Path(), new_log(), {"TRIGGER": "x"})


def test_with_inputs_no_variables_are_sent() -> None:
    answer = b'{"id": 1, "web_url": "http://127.0.0.1/team/-/pipelines/1"}'
    with service((201, {}, answer)) as server:
        made = gitlab_plan(server.url, inputs={"tag": "{tag}", "key": "{key}"}, follow=False)
        assert gitlab.build(made, Path(), new_log(), {"TRIGGER": "x"}).status == "started"
        (line,) = gitlab.commands(made, Path())
        both = gitlab_plan(server.url, inputs={"tag": "{tag}"}, variables={"WHY": "x"}, follow=False)
        gitlab.build(both, Path(), new_log(), {"TRIGGER": "x"})
    first, second = (dict(parse_qsl(got.body.decode())) for got in server.got)
    assert first == {"token": "x", "ref": PLAN.tag, "inputs[tag]": PLAN.tag, "inputs[key]": PLAN.key}
    assert f"inputs[tag]={PLAN.tag}" in line
    assert {key for key in second if key.startswith(("inputs", "variables"))} == {
        "inputs[tag]",
        "variables[WHY]",
    }


def test_a_project_that_forbids_variables_is_told_of_inputs() -> None:
    answer = b'{"message": {"base": ["Insufficient permissions to set pipeline variables"]}}'
    with service((400, {}, answer)) as server, pytest.raises(CannotJudge, match="name `inputs`") as found:
        gitlab.build(gitlab_plan(server.url), Path(), new_log(), {"TRIGGER": "x"})
    assert found.value.fix.startswith("inputs = {")
    gitlab.check_options({"token": "T", "inputs": {"tag": "{tag}", "images": "{images}", "key": "{key}"}})


def test_the_project_is_told_by_the_remote() -> None:
    made = replace(PLAN, remote_url="git@gitlab.com:group/sub/name.git", options={"token": "T"})
    assert "projects/group%2Fsub%2Fname/" in gitlab.commands(made, Path())[0]
    assert "token=$T" in gitlab.commands(made, Path())[0]
    with pytest.raises(PolicyError, match="does not tell the project"):
        gitlab.commands(replace(PLAN, options={"token": "T"}), Path())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "has no `token`"),
        ({"token": "glptt-" + "a" * 20}, "must be revoked"),
        ({"token": "T", "project": "../x"}, "GROUP/NAME"),
        ({"token": "T", "variables": {"A B": "x"}}, "the name of a variable"),
        ({"token": "T", "variables": {"A": "{nothing}"}}, "is no field"),
        ({"token": "T", "inputs": {"A B": "x"}}, "the name of an input"),
        ({"token": "T", "inputs": {"a": "{nothing}"}}, "is no field"),
        ({"token": "T", "url": "http://gitlab.example.org"}, "must be https"),
    ],
)
def test_what_a_pipeline_may_not_say(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError) as found:
        gitlab.check_options(options)
    assert said in found.value.message
