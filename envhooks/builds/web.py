"""One HTTP request to a service that builds: bounded in time and size, with bounded retries, redirects refused."""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO
from urllib.parse import urlsplit

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError, cause_of
from envhooks.base.hygiene import printable
from envhooks.builds.secrets import Secret, redact

PAUSES: tuple[float, ...] = (1.0, 4.0, 15.0)
"""Seconds between attempts; one attempt more than there are pauses."""
TIMEOUT = 30.0
"""Seconds that one attempt may be silent."""
PATIENCE = 20.0
"""Seconds of a `Retry-After` that are waited for here; more is kept in the ledger, and the build tried again then."""
_BODY = 8 << 20
"""Bytes of an answer: GitHub's list of a hundred runs has about two million."""
BODY_SECONDS = 120.0
"""Seconds in which the body of an answer has to be there, however it drips."""
_WORDS = 300


class Refused(CannotJudge):
    """The service answered, and its answer was no."""


class Unreachable(CannotJudge):
    """The service did not answer, or went on failing: another time it may.

    Attributes:
        after: seconds that it asked to wait; 0 where it did not say.
    """

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


def json_object(body: bytes) -> dict[str, Any]:
    """A body as a JSON object; empty where it is not one."""
    try:
        loaded = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def read_within(body: Any, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """The body of an answer, at most `limit` bytes of it.

    A timeout of the connection alone bounds the silence between two bytes, and not how long an answer takes.

    Raises:
        TimeoutError: it was not there in time.
    """
    end, parts, left = time.monotonic() + seconds, [], limit
    while left > 0 and (data := body.read1(min(left, 1 << 16))):
        parts.append(data)
        left -= len(data)
        if time.monotonic() > end:
            raise TimeoutError(f"the answer took longer than {seconds:g} s")
    return b"".join(parts)


def words_of(refusal: Any, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """The body of a refusal; the status is known, and one that breaks off or drips adds nothing to it."""
    try:
        return read_within(refusal, limit, seconds)
    except Exception:  # whatever the other end does
        return b""


class Pieces:
    """A body that gives what is there: a reader that waits for a whole piece never looks at the clock."""

    def __init__(self, response: Any) -> None:
        """`response` is of http.client or urllib."""
        self._response = response

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, as many as are there; none at the end."""
        data: bytes = self._response.read() if size < 0 else self._response.read1(size)
        return data

    read1 = read


@dataclass(frozen=True)
class Answer:
    """Answer of a service with a 2xx status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is not one."""
        return json_object(self.body)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a service asks to wait, at most a day; 0 where it does not say.

    `Retry-After` in seconds or as a date (RFC 9110), else GitHub's `x-ratelimit-reset` where nothing is left.
    """
    text = headers.get("retry-after", "").strip()
    found = 0.0
    if re.fullmatch("[0-9]{1,9}", text, re.ASCII):
        found = float(text)
    elif text:
        from email.utils import parsedate_to_datetime

        try:
            found = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            found = 0.0
    elif headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        found = float(reset) - time.time() if re.fullmatch("[0-9]{1,12}", reset, re.ASCII) else 0.0
    return min(max(found, 0.0), 24 * 3600.0)


def is_loopback(host: str) -> bool:
    """Whether nothing that is sent there leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_url(text: str, what: str) -> str:
    """An address that a secret may be sent to: https, or http to the machine itself.

    Raises:
        PolicyError: another scheme, credentials in it, or no address at all.
    """
    place = ".envhooks/policy.toml"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise PolicyError(f"`{what}` is no URL", place=place) from None
    if "@" in parts.netloc:
        # not repeated: it may hold a password
        raise PolicyError(f"`{what}` carries a user name or password; name a `token` instead", place=place)
    said = printable(text, 120)
    if (
        not host
        or not text.isascii()
        or not text.isprintable()
        or " " in text
        or "\\" in text
        or parts.fragment
    ):
        raise PolicyError(f"`{what}` is no URL that can be called: {said}", place=place)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise PolicyError(f"`{what}` must be https (http only to this machine itself): {said}", place=place)
    return text


def call(
    method: str,
    url: str,
    body: bytes | None,
    headers: Callable[[], Mapping[str, str]],
    log: TextIO,
    secrets: tuple[Secret, ...] = (),
) -> Answer:
    """Send a request until it is answered; connection errors, 429, 5xx and GitHub's rate limits are tried again.

    Args:
        method: `GET` or `POST`.
        url: one that `checked_url` let pass.
        body: the bytes to be sent.
        headers: called for each attempt, as a signature carries the time.
        log: gets one line for each attempt.
        secrets: taken out of everything that is said.

    Raises:
        Refused: the service said no: its own words, escaped and cut, are in the message.
        Unreachable: it could not be reached, or went on failing.
    """
    name = redact(f"{method} {url}", secrets)
    fault, after = "", 0.0
    for pause in (0.0, *PAUSES):
        if fault:
            wait = max(pause, after)
            log.write(printable(f"{fault}; again in {wait:g} s", 2000) + "\n")
            time.sleep(wait)
        answer, fault, after = _attempt(method, url, body, headers(), secrets)
        if answer is not None:
            log.write(printable(f"{name}: {answer.status}", 2000) + "\n")
            return answer
        if after > PATIENCE:
            raise Unreachable(f"{name}: {fault}", after)
    raise Unreachable(f"{name}: {fault}, {len(PAUSES) + 1} times", after)


def _attempt(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str], secrets: tuple[Secret, ...]
) -> tuple[Answer | None, str, float]:
    """(the answer, or the fault, and the seconds that the service asked to wait)."""
    import http.client
    import urllib.error
    import urllib.request

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments: object) -> None:
            """None: the redirect is reported, and the token is not carried to another host."""

    # a proxy would get to see what is sent to this machine itself, without TLS
    proxies = urllib.request.ProxyHandler({} if is_loopback(urlsplit(url).hostname or "") else None)
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310 - checked_url
    try:
        with urllib.request.build_opener(Stay, proxies).open(request, timeout=TIMEOUT) as response:
            got = {key.lower(): value for key, value in response.headers.items()}
            body = read_within(response, _BODY + 1)
            if len(body) > _BODY:
                raise Refused(
                    f"{redact(f'{method} {url}', secrets)}: an answer of more than {_BODY >> 20} MiB"
                )
            return Answer(response.status, got, body), "", 0.0
    except urllib.error.HTTPError as error:
        with error:
            words = words_of(error, 1 << 20)
            fault = _said(error.code, error.headers.get("Location"), words, secrets)
        after = retry_after({key.lower(): value for key, value in error.headers.items()})
        is_limited = error.code == 403 and (after > 0 or b"secondary rate limit" in words)
        if is_limited and not after:
            after = 60.0  # what GitHub's documentation asks for where it does not say
        if error.code == 429 or error.code >= 500 or is_limited:
            return None, fault, after
        raise Refused(f"{redact(f'{method} {url}', secrets)}: {fault}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        fault = redact(f"no connection: {printable(cause_of(error), 200)}", secrets)
        return None, fault, 0.0


def _said(status: int, location: str | None, body: bytes, secrets: tuple[Secret, ...]) -> str:
    if 300 <= status < 400:
        where = redact(printable(location or "nowhere", _WORDS), secrets)
        return (
            f"{status}, a redirect to {where}, which is not followed; write the final address into the policy"
        )
    text = body.decode("utf-8", "replace")
    try:
        loaded = json.loads(text)
        if isinstance(loaded, dict):
            text = next(
                (
                    value if isinstance(value, str) else json.dumps(value)
                    for key in ("message", "error", "detail", "title")
                    if (value := loaded.get(key))
                ),
                text,
            )
    except (ValueError, RecursionError):
        pass
    words = printable(redact(" ".join(text.split()), secrets), _WORDS)
    return f"{status}, {words}" if words else f"{status}"
