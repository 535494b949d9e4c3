"""a signed JSON request to a service of your own: Jenkins, Tekton, Argo, anything that takes a webhook

Signed twice over the same bytes: `X-Hub-Signature-256`, as GitHub does, and Standard Webhooks. `webhook-id`
and `Idempotency-Key` are the same for every attempt and every clone, so that a receiver can drop repetitions.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Literal, TextIO
from urllib.parse import quote

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.urls import split_url
from envhooks.builds.following import Seen, follow
from envhooks.builds.options import FIELDS, Section, fields, fill
from envhooks.builds.secrets import Secret, required
from envhooks.builds.types import ALONE, Job, Plan, Result
from envhooks.builds.web import Refused, call, checked_url

EVENT = "envhooks.build.requested"
_ENDS: Mapping[str, Literal["good", "bad"]] = {
    "done": "good", "success": "good", "failed": "bad", "cancelled": "bad",
}  # fmt: skip
"""States at a `status_url` in which a build has ended."""
_KEYS = ("url", "secret", "token", "status_url", "follow", "timeout")


@dataclass(frozen=True)
class _Wanted:
    url: str
    secret: str
    token: str
    status_url: str
    """Template of the address that is asked where the answer names none; empty: none."""
    follow: bool
    timeout: float


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what a `webhook` build may not say.

    Raises:
        PolicyError: a key that is unknown, missing or of the wrong kind.
    """
    _read(options)


def _read(options: Mapping[str, Any]) -> _Wanted:
    section = Section.of("webhook", options, _KEYS)
    url = checked_url(section.required("url", "https://ci.example.org/hooks/image"), "url")
    if "secret" not in section:
        section.refuse("a `webhook` build has no `secret` to sign with", 'secret = "IMAGE_HOOK_SECRET"')
    status_url = section.text("status_url")
    if status_url:
        section.check_template("status_url", status_url)
        head = re.split("[/?]", status_url.partition("://")[2], maxsplit=1)[0]
        if "{" in head or "}" in head:
            section.refuse("the host of `status_url` is made from the tag; only its path may be")
        checked_url(fill(status_url, dict.fromkeys(FIELDS, "x")), "status_url")
    return _Wanted(
        url,
        section.variable("secret"),
        section.variable("token"),
        status_url,
        section.flag("follow", True),
        section.minutes("timeout", 120),
    )


def describe(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The request that would be sent, and its address, for the person who is asked to allow it."""
    wanted = _read(options)
    lines = [f"sends the plan to {printable(wanted.url)}", f"signed with ${wanted.secret}"]
    if wanted.token:
        lines.append(f"the token sent there: ${wanted.token}")
    if wanted.status_url and wanted.follow:
        told = (
            "" if not wanted.token or _is_same_host(wanted.status_url, wanted.url) else ", without the token"
        )
        lines.append(f"asks {printable(wanted.status_url)} how the build goes{told}")
    return tuple(lines)


def payload(plan: Plan) -> dict[str, Any]:
    """The body: the plan without what is only of use on this machine. The same bytes for the same plan."""
    return {
        "type": EVENT,
        "data": {
            "tag": plan.tag,
            "ref": plan.ref,
            "tag_object": plan.tag_object,
            "commit": plan.commit,
            "build": plan.build,
            "remote_url": plan.remote_url,
            "image": plan.image,
            "own": plan.own,
            "images": list(plan.images),
            "dockerfile": plan.dockerfile,
            "context": plan.context,
            "target": plan.target,
            "args": dict(plan.args),
            "labels": dict(plan.labels),
            "annotations": dict(plan.annotations),
            "epoch": plan.epoch,
            "key": plan.key,
        },
    }


def _body(plan: Plan) -> bytes:
    return json.dumps(payload(plan), sort_keys=True, separators=(",", ":")).encode()


def commands(plan: Plan, context: Path) -> tuple[str, ...]:
    """The request that `build` would make."""
    wanted = _read(plan.options)
    auth = f", Authorization: Bearer ${wanted.token}" if wanted.token else ""
    said = f"POST {wanted.url} (Idempotency-Key: {plan.key}, signed with ${wanted.secret}{auth}) "
    lines = [said + _body(plan).decode()]
    if wanted.follow:
        sent = f" (Authorization: Bearer ${wanted.token})" if wanted.token else ""
        own = _own_status(plan, wanted)
        lines.append(f"GET $STATUS_URL{sent}, where the answer names one, until the build has ended")
        if own:
            lines.append(f"GET {own}{sent if _is_same_host(own, wanted.url) else ''}, where it names none")
    return tuple(printable(line, 20_000) for line in lines)


def build(plan: Plan, context: Path, log: TextIO, environ: Mapping[str, str], job: Job = ALONE) -> Result:
    """Send the plan, and follow it where the answer names a `status_url`.

    Raises:
        PolicyError: options that cannot be.
        Unreachable: the service does not answer, and another time it may.
        CannotJudge: no secret, or the service said no.
    """
    wanted = _read(plan.options)
    secret = required(wanted.secret, environ)
    key = signing_key(secret)
    token = required(wanted.token, environ) if wanted.token else None
    body = _body(plan)

    def headers() -> dict[str, str]:
        signed = sign(secret, key, plan.key, int(time.time()), body)
        return {**signed, "Authorization": f"Bearer {token.value}"} if token else signed

    secrets = (secret, token) if token else (secret,)
    host = printable(split_url(wanted.url).hostname or "", 100)
    if wanted.follow and job.request:
        return _follow(job.request, host, wanted, token, log, job)  # taken over at an earlier attempt
    answer = call("POST", wanted.url, body, headers, log, secrets)
    details = answer.json()
    run_url = details.get("run_url") or answer.headers.get("location")
    if not isinstance(run_url, str) or not re.fullmatch(r"https?://[\x21-\x7e]{1,500}", run_url, re.ASCII):
        run_url = None
    status = _status_url(details.get("status_url"), wanted.url) or _own_status(plan, wanted)
    if not wanted.follow or not status:
        return Result("started", None, run_url, f"{host} took the build over", None)
    job.keep(step="follow", request=status, run_url=run_url or "")
    return _follow(status, host, wanted, token, log, job, run_url)


def _status_url(value: object, url: str) -> str:
    """Address at which the receiver reports on the build: on its own host, as the token is sent to it; else empty."""
    if not isinstance(value, str) or not re.fullmatch(r"https?://[\x21-\x7e]{1,500}", value, re.ASCII):
        return ""
    return value if _is_same_host(value, url) else ""


def _own_status(plan: Plan, wanted: _Wanted) -> str:
    """The section's own address for it: a receiver such as Jenkins answers with nothing that could be asked."""
    values = {name: quote(text, safe="") for name, text in fields(plan).items()}
    return fill(wanted.status_url, values) if wanted.status_url else ""


def _is_same_host(one: str, other: str) -> bool:
    parts = [split_url(url) for url in (one, other)]
    return parts[0][:2] == parts[1][:2]


def _follow(
    url: str,
    host: str,
    wanted: _Wanted,
    token: Secret | None,
    log: TextIO,
    job: Job,
    run_url: str | None = None,
) -> Result:
    token = token if _is_same_host(url, wanted.url) else None
    secrets = (token,) if token else ()
    headers = {"User-Agent": "envhooks", **({"Authorization": f"Bearer {token.value}"} if token else {})}

    def look() -> Seen:
        try:
            told = call("GET", url, None, lambda: headers, StringIO(), secrets).json()
        except Refused as error:
            if not wanted.status_url or not re.search(": 404(?:,|$)", error.message):
                raise
            return Seen("not known there yet")  # what is queued has no address of its own
        digest = told.get("digest")
        is_digest = isinstance(digest, str) and re.fullmatch("sha256:[0-9a-f]{64}", digest)
        state = str(told.get("state"))
        why = told.get("message")
        return Seen(
            state, _ENDS.get(state, ""), digest if is_digest else None, why if isinstance(why, str) else ""
        )

    return follow(look, job, log, what=f"the build at {host}", run_url=run_url, timeout=wanted.timeout)


def signing_key(secret: Secret) -> bytes:
    """The key of Standard Webhooks: `whsec_` and base64, or the secret's own bytes.

    Raises:
        CannotJudge: what follows `whsec_` is not base64.
    """
    if not secret.value.startswith("whsec_"):
        return secret.value.encode()
    try:
        text = secret.value.removeprefix("whsec_")
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise CannotJudge(f"what follows `whsec_` in {secret.name} is not base64")
    return key


def sign(secret: Secret, key: bytes, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt; `timestamp` in seconds since the epoch."""
    signed = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "envhooks",
        "Idempotency-Key": id,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.value.encode(), body, hashlib.sha256).hexdigest(),
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
    }
