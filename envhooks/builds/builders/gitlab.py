"""a GitLab pipeline, started by a trigger token

The token has to come from an environment variable: it belongs to one project's triggers and is no credential
that git would know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote, urlencode, urlsplit

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import PolicyError
from envhooks.base.hygiene import printable
from envhooks.builds.options import Section, fields, fill
from envhooks.builds.secrets import required
from envhooks.builds.types import ALONE, Job, Plan, Result
from envhooks.builds.web import Unreachable, call, checked_url

_KEYS = ("project", "url", "ref", "variables", "token")
_URL = "https://gitlab.com"
_VARIABLES = {
    f"ENVHOOKS_{name.upper()}": f"{{{name}}}"
    for name in ("tag", "tag_object", "commit", "own", "images", "build", "key")
}


@dataclass(frozen=True)
class _Wanted:
    project: str
    url: str
    ref: str
    variables: Mapping[str, str]
    token: str


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
        variables={**_VARIABLES, **variables},
        token=section.variable("token"),
    )


def describe(options: Mapping[str, Any]) -> tuple[str, ...]:
    """What would be called, for the person who is asked to allow it."""
    wanted = _read(options)
    where = wanted.project or "the project that was pushed to"
    return (
        printable(f"asks {wanted.url} to start a pipeline of {where}"),
        f"the token sent there: ${wanted.token}",
    )


def _request(plan: Plan, wanted: _Wanted) -> tuple[str, list[tuple[str, str]]]:
    values = fields(plan)
    project = wanted.project or _project(plan.remote_url, wanted.url)
    url = f"{wanted.url}/api/v4/projects/{quote(project, safe='')}/trigger/pipeline"
    variables = [(f"variables[{name}]", fill(text, values)) for name, text in wanted.variables.items()]
    return url, [("ref", fill(wanted.ref, values)), *variables]


def _project(remote_url: str, url: str) -> str:
    match = re.fullmatch(
        r"(?:https?://|ssh://|git://)?(?:[^@/]*@)?([^/:]+)(?::[0-9]+)?[/:]([A-Za-z0-9_./-]+?)(?:\.git)?/?",
        remote_url,
        re.ASCII,
    )
    if match is None or match[1].lower() != urlsplit(url).hostname or "/" not in match[2]:
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
    return (printable(f"POST {url} token=${wanted.token} {said}", 20_000),)


def build(plan: Plan, context: Path, log: TextIO, environ: Mapping[str, str], job: Job = ALONE) -> Result:
    """Start the pipeline.

    Raises:
        PolicyError: options that cannot be.
        CannotJudge: no token, or GitLab said no.
    """
    wanted = _read(plan.options)
    url, form = _request(plan, wanted)
    secret = required(wanted.token, environ)
    # in the body: an address ends up in the logs of every proxy
    body = urlencode([("token", secret.value), *form]).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "envhooks"}
    try:
        details = call("POST", url, body, lambda: headers, log, (secret,)).json()
    except Unreachable as error:
        return Result("failed", None, None, str(error), None)
    run_url = _address(details.get("web_url"), urlsplit(wanted.url).hostname)
    return Result("started", None, run_url, "GitLab started a pipeline", None)


def _address(value: object, host: str | None) -> str | None:
    """An address that a person may be sent to: on the service's own host, and nothing but a URL."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://[\x21-\x7e]{1,500}", value, re.ASCII):
        return None
    return value if urlsplit(value).hostname == host else None
