"""Tokens: from the environment variable that the policy names, else from git's own credential helpers.

Never from a file of the repository, never asked for at a terminal, never an argument of a process, and
taken out of whatever is printed or kept.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.urls import split_url
from envhooks.git.environ import NEVER_ASK, find_git

_SECONDS = 20


@dataclass(frozen=True)
class Secret:
    """A token and how it is called in public; it never shows in a traceback or a log."""

    name: str
    """`$NAME`, or `git credential`."""
    value: str = field(repr=False)

    def __str__(self) -> str:
        return self.name


def from_environment(name: str, environ: Mapping[str, str]) -> Secret | None:
    """The secret in one environment variable, None where it is not set or empty.

    Raises:
        CannotJudge: it holds a line feed or another control character, which no header can carry.
    """
    value = environ.get(name, "").strip()
    if not value:
        return None
    if not value.isascii() or not value.isprintable():
        raise CannotJudge(
            f"the environment variable {name} holds characters that no token has", fix=f"export {name}=..."
        )
    return Secret(f"${name}", value)


def required(name: str, environ: Mapping[str, str]) -> Secret:
    """Like `from_environment`, for a secret that is nowhere else.

    Raises:
        CannotJudge: the variable is not set.
    """
    secret = from_environment(name, environ)
    if secret is None:
        raise CannotJudge(f"the environment variable {name} is not set", fix=f"export {name}=...")
    return secret


def token(name: str, urls: Iterable[str], environ: Mapping[str, str]) -> Secret:
    """The token for a service: `$name`, else what git's credential helpers know for the first of `urls`.

    Raises:
        CannotJudge: there is none.
    """
    found = from_environment(name, environ) if name else None
    wanted = tuple(urls)
    for url in wanted:
        found = found or _from_git(url, environ)
    if found is not None:
        return found
    place = printable(split_url(wanted[0]).hostname or "") if wanted else ""
    tried = f"the environment variable {name} is not set, and " if name else ""
    fix = (
        f"export {name}=..."
        if name
        else f"printf 'url=https://USER:TOKEN@{place}\\n\\n' | git credential approve"
    )
    raise CannotJudge(f"no token: {tried}git's credential helpers know none", place=place, fix=fix)


def _from_git(url: str, environ: Mapping[str, str]) -> Secret | None:
    parts = split_url(url)
    host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    question = f"protocol={parts.scheme}\nhost={host}\npath={parts.path.strip('/')}\n\n"
    kept = {key: value for key, value in environ.items() if key not in ("GIT_TRACE", "GIT_TRACE_CURL")}
    try:
        done = subprocess.run(
            [find_git(), "credential", "fill"],
            input=question.encode(),
            env={**kept, **NEVER_ASK},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    if done.returncode:
        return None
    answer = dict(
        line.split("=", 1) for line in done.stdout.decode("utf-8", "replace").split("\n") if "=" in line
    )
    value = answer.get("password", "")
    return Secret("git credential", value) if value and value.isascii() and value.isprintable() else None


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """`text` without the secrets, also where a server wrote them back percent-encoded."""
    for secret in secrets:
        if len(secret.value) >= 4:  # a shorter one would tear ordinary words apart
            for form in (secret.value, quote(secret.value, safe="")):
                text = text.replace(form, secret.name)
    return text
