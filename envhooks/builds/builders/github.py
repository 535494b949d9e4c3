"""GitHub Actions: a workflow of the repository (`workflow_dispatch`), or an event (`repository_dispatch`)

GitHub has no idempotency key: where it answered a request with an error and started a run all the same, a
retry starts a second one. `{key}` in the inputs lets the workflow tell (`concurrency: ${{ inputs.key }}`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.base.urls import split_url
from envhooks.builds import githubruns
from envhooks.builds.following import Seen, follow
from envhooks.builds.options import Section, fields, fill
from envhooks.builds.secrets import Secret, token
from envhooks.builds.types import ALONE, Job, Plan, Result
from envhooks.builds.web import Answer, Refused, call, checked_url

MAX_INPUTS, MAX_PAYLOAD, MAX_EVENT = 25, 10, 100
"""GitHub's own limits."""

_KEYS = (
    "repository", "workflow", "event", "ref", "inputs", "payload", "token", "api", "follow", "timeout",
)  # fmt: skip
_API = "https://api.github.com"
_PAYLOAD = {name: f"{{{name}}}" for name in ("tag", "tag_object", "commit", "own", "images", "build", "key")}


@dataclass(frozen=True)
class _Wanted:
    repository: str
    workflow: str
    event: str
    ref: str
    inputs: Mapping[str, str]
    payload: Mapping[str, str]
    token: str
    api: str
    follow: bool
    timeout: float


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what a `github` build may not say.

    Raises:
        PolicyError: a key that is unknown, missing or of the wrong kind, or beyond GitHub's limits.
    """
    _read(options)


def _read(options: Mapping[str, Any]) -> _Wanted:
    section = Section.of("github", options, _KEYS)
    workflow = section.matching(
        "workflow", r"[A-Za-z0-9._-]+\.ya?ml|[0-9]+", "the name of a file in .github/workflows, or its number"
    )
    event = section.text("event", limit=MAX_EVENT)
    if bool(workflow) == bool(event):
        section.refuse("a `github` build has either a `workflow` or an `event`", 'workflow = "image.yml"')
    for key, other in (
        ("inputs", "workflow"),
        ("ref", "workflow"),
        ("follow", "workflow"),
        ("payload", "event"),
    ):
        if key in section and other not in section:
            section.refuse(f"`{key}` of {section.title} goes with `{other}`")
    ref = section.text("ref", "{ref}")
    section.check_template("ref", ref)
    return _Wanted(
        repository=section.matching(
            "repository", r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.)[A-Za-z0-9._-]+", "OWNER/NAME"
        ),
        workflow=workflow,
        event=event,
        ref=ref,
        inputs=section.templates("inputs", limit=MAX_INPUTS),
        payload=section.templates("payload", limit=MAX_PAYLOAD) or _PAYLOAD,
        token=section.variable("token"),
        api=checked_url(section.text("api", _API), "api").rstrip("/"),
        follow=section.flag("follow", True) and bool(workflow),
        timeout=section.minutes("timeout", 120),
    )


def describe(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The call that would be made, for the person who is asked to allow it."""
    wanted = _read(options)
    what = f"the workflow {wanted.workflow}" if wanted.workflow else f"the event {wanted.event}"
    where = wanted.repository or "the repository that was pushed to"
    secret = (
        f"${wanted.token}, else what git's credential helpers know" if wanted.token else "git's credential"
    )
    return (printable(f"asks {wanted.api} to start {what} of {where}"), f"the token sent there: {secret}")


def _request(plan: Plan, wanted: _Wanted) -> tuple[str, dict[str, Any]]:
    values = fields(plan)
    base = f"{wanted.api}/repos/{wanted.repository or _repository(plan.remote_url, wanted.api)}"
    if wanted.workflow:
        url = f"{base}/actions/workflows/{quote(wanted.workflow, safe='')}/dispatches"
        body: dict[str, Any] = {"ref": fill(wanted.ref, values), "return_run_details": True}
        if wanted.inputs:
            body["inputs"] = {key: fill(text, values) for key, text in wanted.inputs.items()}
        return url, body
    payload = {key: fill(text, values) for key, text in wanted.payload.items()}
    return f"{base}/dispatches", {"event_type": wanted.event, "client_payload": payload}


def _repository(remote_url: str, api: str) -> str:
    """OWNER/NAME of the remote, where it is on the host that the API belongs to."""
    match = re.fullmatch(
        r"(?:https?://|ssh://|git://)?(?:[^@/]*@)?([^/:]+)(?::[0-9]+)?[/:]([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?",
        remote_url,
        re.ASCII,
    )
    if match is None or match[1].lower() != _web_host(api):
        raise PolicyError(
            f"the remote {printable(remote_url, 120)} does not tell the repository on GitHub",
            place=".envhooks/policy.toml",
            fix='repository = "OWNER/NAME"',
        )
    return match[2]


def _web_host(api: str) -> str:
    return (split_url(api).hostname or "").removeprefix("api.")


def commands(plan: Plan, context: Path) -> tuple[str, ...]:
    """The requests that `build` would make."""
    wanted = _read(plan.options)
    url, body = _request(plan, wanted)
    auth = f"${wanted.token}" if wanted.token else "git credential"
    lines = [f"POST {url} (Authorization: Bearer {auth}) {json.dumps(body, ensure_ascii=True)}"]
    if wanted.follow:
        repository = wanted.repository or _repository(plan.remote_url, wanted.api)
        lines.append(f"GET {wanted.api}/repos/{repository}/actions/runs/$RUN_ID, until the run has ended")
    return tuple(printable(line, 20_000) for line in lines)


def build(plan: Plan, context: Path, log: TextIO, environ: Mapping[str, str], job: Job = ALONE) -> Result:
    """Start the workflow and wait for its run to end, or send the event; what an earlier attempt started is followed.

    Raises:
        PolicyError: options that cannot be.
        Unreachable: the service does not answer, and another time it may.
        CannotJudge: no token, or GitHub said no.
    """
    wanted = _read(plan.options)
    url, body = _request(plan, wanted)
    host = f"https://{_web_host(wanted.api)}"
    path = wanted.repository or _repository(plan.remote_url, wanted.api)
    secret = token(wanted.token, (f"{host}/{path}",), environ)
    if wanted.follow and re.fullmatch("[0-9]{1,20}", job.request, re.ASCII):
        return _follow(job.request, wanted, path, secret, log, job)  # started by an earlier attempt
    return _start(url, body, wanted, path, plan.key, secret, log, job)


def _start(
    url: str,
    body: Mapping[str, Any],
    wanted: _Wanted,
    path: str,
    key: str,
    secret: Secret,
    log: TextIO,
    job: Job,
) -> Result:
    host = f"https://{_web_host(wanted.api)}"
    answer = _dispatch(url, body, secret, log)
    if wanted.event:
        text = f"GitHub took the event {printable(wanted.event, 100)} and does not say what it starts"
        return Result("started", None, f"{host}/{path}/actions", text, None)
    details = answer.json()
    run_url = _address(details.get("html_url"), host)
    number = details.get("workflow_run_id")
    is_known = isinstance(number, int) and not isinstance(number, bool)
    why = " and did not say which run it is"
    if not is_known and wanted.follow:
        number, run_url, why = githubruns.find(
            f"{wanted.api}/repos/{path}/actions/workflows/{quote(wanted.workflow, safe='')}/runs",
            key if key in map(str, body.get("inputs", {}).values()) else "",
            answer.headers.get("date", ""), lambda url: _get(url, secret),
        )  # fmt: skip
        is_known, run_url = bool(number), _address(run_url, host)
        log.write(f"the run by its name: {number}\n" if is_known else "")
    if not wanted.follow or not is_known:
        text = f"GitHub started {wanted.workflow}" + ("" if is_known else why)
        return Result("started", None, run_url or f"{host}/{path}/actions", text, None)
    job.keep(step="follow", request=str(number), run_url=run_url or "")
    return _follow(str(number), wanted, path, secret, log, job, run_url)


def _dispatch(url: str, body: Mapping[str, Any], secret: Secret, log: TextIO) -> Answer:
    """Send the request; GitHub Enterprise Server up to 3.20 refuses the key that asks for the run's number."""
    try:
        return call("POST", url, json.dumps(body).encode(), _headers(secret), log, (secret,))
    except Refused as error:
        if "return_run_details" not in body or not re.search(r": 422, .*return_run_details", error.message):
            raise
        log.write("this server does not know return_run_details; again without it\n")
        less = {key: value for key, value in body.items() if key != "return_run_details"}
        return call("POST", url, json.dumps(less).encode(), _headers(secret), log, (secret,))


def _headers(secret: Secret) -> Callable[[], dict[str, str]]:
    return lambda: {
        "Accept": "application/vnd.github+json, application/json;q=0.9",
        "Authorization": f"Bearer {secret.value}",
        "Content-Type": "application/json",
        "User-Agent": "envhooks",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def _get(url: str, secret: Secret) -> dict[str, Any]:
    return call("GET", url, None, _headers(secret), StringIO(), (secret,)).json()


def _address(value: object, host: str) -> str | None:
    """An address that a person may be sent to: on the service's own host, and nothing but a URL."""
    if not isinstance(value, str) or not re.fullmatch(r"https://[\x21-\x7e]{1,500}", value, re.ASCII):
        return None
    return value if split_url(value).hostname in (split_url(host).hostname, "github.com") else None


def _follow(
    number: str, wanted: _Wanted, path: str, secret: Secret, log: TextIO, job: Job, run_url: str | None = None
) -> Result:
    def look() -> Seen:
        url = f"{wanted.api}/repos/{path}/actions/runs/{number}"
        run = _get(url, secret)
        state = str(run.get("status"))
        if state != "completed":
            return Seen(state)
        conclusion = str(run.get("conclusion"))
        return Seen(conclusion, "good" if conclusion == "success" else "bad")

    return follow(look, job, log, what="the run", run_url=run_url, timeout=wanted.timeout)
