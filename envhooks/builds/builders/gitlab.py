"""a GitLab pipeline, started by a trigger token

The token has to come from an environment variable: it belongs to one project's triggers and is no credential
that git would know. It starts pipelines and reads none: following one of a project that is not public takes an
`api_token`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Literal, TextIO
from urllib.parse import quote, urlencode

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.base.urls import split_url
from envhooks.builds.following import Seen, follow
from envhooks.builds.options import Section, fields, fill
from envhooks.builds.secrets import required
from envhooks.builds.types import ALONE, Job, Plan, Result
from envhooks.builds.web import Refused, call, checked_url

_KEYS = ("project", "url", "ref", "inputs", "variables", "token", "api_token", "follow", "timeout")
_URL = "https://gitlab.com"
MAX_INPUTS = 20
"""GitLab's own limit for one pipeline."""
_ENDS: Mapping[str, Literal["good", "bad"]] = {
    "success": "good", "failed": "bad", "canceled": "bad", "skipped": "bad",
}  # fmt: skip
"""States in which a pipeline has ended."""
_VARIABLES = {
    f"ENVHOOKS_{name.upper()}": f"{{{name}}}"
    for name in ("tag", "tag_object", "commit", "own", "images", "build", "key")
}


@dataclass(frozen=True)
class _Wanted:
    project: str
    url: str
    ref: str
    inputs: Mapping[str, str]
    variables: Mapping[str, str]
    token: str
    api_token: str
    follow: bool
    timeout: float


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what a `gitlab` build may not say.

    Raises:
        PolicyError: a key that is unknown, missing or of the wrong kind.
    """
    _read(options)


def _read(options: Mapping[str, Any]) -> _Wanted:
    section = Section.of("gitlab", options, _KEYS)
    if "token" not in section:
        section.refuse("a `gitlab` build has no `token`", 'token = "GITLAB_TRIGGER_TOKEN"')
    ref = section.text("ref", "{tag}")
    section.check_template("ref", ref)
    inputs = section.templates("inputs", limit=MAX_INPUTS)
    for name in inputs:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name):
            section.refuse(f"`{printable(name, 60)}` in `inputs` cannot be the name of an input")
    variables = section.templates("variables", limit=100)
    for name in variables:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            section.refuse(f"`{printable(name, 60)}` in `variables` cannot be the name of a variable")
    return _Wanted(
        project=section.matching(
            "project",
            r"[0-9]+|[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+",
            "GROUP/NAME or a number",
        ),
        url=checked_url(section.text("url", _URL), "url").rstrip("/"),
        ref=ref,
        inputs=inputs,
        # a project may forbid variables, and then refuses a request that has any
        variables=variables if inputs else {**_VARIABLES, **variables},
        token=section.variable("token"),
        api_token=section.variable("api_token"),
        follow=section.flag("follow", True),
        timeout=section.minutes("timeout", 120),
    )


def describe(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The call that would be made, for the person who is asked to allow it."""
    wanted = _read(options)
    where = wanted.project or "the project that was pushed to"
    lines = (
        printable(f"asks {wanted.url} to start a pipeline of {where}"),
        f"the token sent there: ${wanted.token}",
    )
    return (*lines, f"the token that follows it there: ${wanted.api_token}") if wanted.api_token else lines


def _request(plan: Plan, wanted: _Wanted) -> tuple[str, list[tuple[str, str]]]:
    values = fields(plan)
    project = wanted.project or _project(plan.remote_url, wanted.url)
    url = f"{wanted.url}/api/v4/projects/{quote(project, safe='')}/trigger/pipeline"
    tables = (("inputs", wanted.inputs), ("variables", wanted.variables))
    given = [(f"{key}[{name}]", fill(text, values)) for key, table in tables for name, text in table.items()]
    return url, [("ref", fill(wanted.ref, values)), *given]


def _project(remote_url: str, url: str) -> str:
    match = re.fullmatch(
        r"(?:https?://|ssh://|git://)?(?:[^@/]*@)?([^/:]+)(?::[0-9]+)?[/:]([A-Za-z0-9_./-]+?)(?:\.git)?/?",
        remote_url,
        re.ASCII,
    )
    if match is None or match[1].lower() != split_url(url).hostname or "/" not in match[2]:
        raise PolicyError(
            f"the remote {printable(remote_url, 120)} does not tell the project on GitLab",
            place=".envhooks/policy.toml",
            fix='project = "GROUP/NAME"',
        )
    return match[2]


def commands(plan: Plan, context: Path) -> tuple[str, ...]:
    """The request that `build` would make."""
    wanted = _read(plan.options)
    url, form = _request(plan, wanted)
    said = " ".join(f"{key}={value}" for key, value in form)
    lines = [f"POST {url} token=${wanted.token} {said}"]
    if wanted.follow:
        auth = f" (PRIVATE-TOKEN: ${wanted.api_token})" if wanted.api_token else ""
        top = url.removesuffix("/trigger/pipeline")
        lines.append(f"GET {top}/pipelines/$PIPELINE_ID{auth}, until the pipeline has ended")
    return tuple(printable(line, 20_000) for line in lines)


def build(plan: Plan, context: Path, log: TextIO, environ: Mapping[str, str], job: Job = ALONE) -> Result:
    """Start the pipeline, and wait for it to end; what an earlier attempt started is followed.

    Raises:
        PolicyError: options that cannot be.
        Unreachable: the service does not answer, and another time it may.
        CannotJudge: no token, or GitLab said no.
    """
    wanted = _read(plan.options)
    url, form = _request(plan, wanted)
    if wanted.follow and re.fullmatch("[0-9]{1,20}", job.request, re.ASCII):
        return _follow(url, job.request, wanted, log, environ, job)  # started by an earlier attempt
    secret = required(wanted.token, environ)
    # in the body: an address ends up in the logs of every proxy
    body = urlencode([("token", secret.value), *form]).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "envhooks"}
    try:
        details = call("POST", url, body, lambda: headers, log, (secret,)).json()
    except Refused as error:
        if wanted.variables and "variables" in error.message.lower():
            # "Insufficient permissions to set pipeline variables": a setting of the project
            fix = 'inputs = { tag = "{tag}", images = "{images}", key = "{key}" }'
            raise Refused(f"{error.message}; name `inputs` in place of variables", fix=fix) from None
        raise
    run_url = _address(details.get("web_url"), split_url(wanted.url).hostname)
    number = details.get("id")
    if not wanted.follow or not isinstance(number, int) or isinstance(number, bool):
        return Result("started", None, run_url, "GitLab started a pipeline", None)
    job.keep(step="follow", request=str(number), run_url=run_url or "")
    return _follow(url, str(number), wanted, log, environ, job, run_url)


def _follow(
    trigger: str,
    number: str,
    wanted: _Wanted,
    log: TextIO,
    environ: Mapping[str, str],
    job: Job,
    run_url: str | None = None,
) -> Result:
    secrets = (required(wanted.api_token, environ),) if wanted.api_token else ()
    headers = {"User-Agent": "envhooks"}
    if secrets:
        headers["PRIVATE-TOKEN"] = secrets[0].value
    url = f"{trigger.removesuffix('/trigger/pipeline')}/pipelines/{number}"

    def look() -> Seen:
        state = str(call("GET", url, None, lambda: headers, StringIO(), secrets).json().get("status"))
        return Seen(state, _ENDS.get(state, ""))

    return follow(look, job, log, what="the pipeline", run_url=run_url, timeout=wanted.timeout)


def _address(value: object, host: str | None) -> str | None:
    """An address that a person may be sent to: on the service's own host, and nothing but a URL."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://[\x21-\x7e]{1,500}", value, re.ASCII):
        return None
    return value if split_url(value).hostname == host else None
