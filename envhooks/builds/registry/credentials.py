"""Logins at registries, from the files that docker and podman keep and the helpers that those name.

The order is that of containers-auth.json(5), then docker's own file. No file is written and nobody is asked.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import CannotJudge
from envhooks.base.folders import find_program
from envhooks.base.hygiene import printable
from envhooks.builds.registry.reference import DOCKER_HUB, Reference

MAX_FILE = 1 << 20
"""Bytes of a file of credentials, and of a helper's answer."""
HELPER_SECONDS = 30
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io")
_TOKEN_USER = "<token>"  # noqa: S105 - docker's mark of an identity token, no secret


@dataclass(frozen=True)
class Login:
    """A user and a password, or an identity token."""

    user: str
    password: str = field(repr=False)
    source: str = ""
    """The file or helper that it is from."""

    @property
    def is_identity_token(self) -> bool:
        """Whether the password is a refresh token for the token service (docker's `identitytoken`)."""
        return self.user == _TOKEN_USER

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")


def find_login(image: Reference, environ: Mapping[str, str]) -> Login | None:
    """The login for an image; None where no file has one.

    Raises:
        CannotJudge: a file cannot be read, or a helper failed.
    """
    for path in _files(environ):
        found = _in_file(path, image, environ)
        if found is not None:
            return found
    return None


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    elif hasattr(os, "getuid"):
        yield Path(f"/run/containers/{os.getuid()}/auth.json")
    config = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    if config:
        yield Path(config) / "containers" / "auth.json"
    docker = environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
    if docker:
        yield Path(docker) / "config.json"


def _in_file(path: Path, image: Reference, environ: Mapping[str, str]) -> Login | None:
    data = _read(path)
    auths, helpers = data.get("auths"), data.get("credHelpers")
    auths = auths if isinstance(auths, dict) else {}
    helper = helpers.get(image.host) if isinstance(helpers, dict) else None
    if isinstance(helper, str):
        return _ask_helper(helper, image, environ)
    for key in _keys(image, auths):
        found = _decode(auths[key], path)
        if found is not None:
            return found
    store = data.get("credsStore")
    return _ask_helper(store, image, environ) if isinstance(store, str) and store else None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise CannotJudge(
            f"the file of registry logins cannot be read: {error.strerror}", place=printable(str(path))
        ) from None
    try:
        found = json.loads(text) if len(text) <= MAX_FILE and text.strip() else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or len(text) > MAX_FILE:
        raise CannotJudge("the file of registry logins is no JSON object", place=printable(str(path)))
    return found


def _keys(image: Reference, auths: Mapping[str, Any]) -> Iterator[str]:
    """The keys that are for this image, the nearest first: its name, each namespace above it, the host."""
    parts = f"{image.host}/{image.path}".split("/")
    wanted = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if image.host == DOCKER_HUB:
        wanted += _HUB_KEYS
    for name in wanted:
        if name in auths:
            yield name
    # docker once wrote addresses: https://registry.example.com/v2/
    for key in auths:
        if isinstance(key, str) and re.fullmatch(rf"https?://{re.escape(image.host)}(?:/v[12])?/?", key):
            yield key


def _decode(entry: object, path: Path) -> Login | None:
    if not isinstance(entry, dict):
        return None
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Login(_TOKEN_USER, token, str(path))
    text = entry.get("auth")
    if not isinstance(text, str) or not text:
        return None  # docker leaves an empty entry where a helper keeps the secret
    try:
        user, colon, password = base64.b64decode(text, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise CannotJudge("a login in this file is not base64 of user:password", place=printable(str(path)))
    return Login(user, password.rstrip("\0"), str(path))


def _ask_helper(name: str, image: Reference, environ: Mapping[str, str]) -> Login | None:
    """Ask `docker-credential-NAME get`, the protocol of docker-credential-helpers."""
    program = None
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        program = find_program(f"docker-credential-{name}", environ)
    if program is None:
        raise CannotJudge(
            f"the helper docker-credential-{printable(name, 60)}, which keeps the registry's login, is not on PATH"
        )
    server = _HUB_KEYS[0] if image.host == DOCKER_HUB else image.host
    try:
        done = subprocess.run(
            [program, "get"],
            input=f"{server}\n".encode(),
            env=dict(environ),
            capture_output=True,
            timeout=HELPER_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise CannotJudge(f"{program} did not answer: {type(error).__name__}") from None
    said = done.stdout[: MAX_FILE + 1]
    if done.returncode:
        words = (said + done.stderr).decode("utf-8", "replace")
        if "credentials not found" in words:
            return None
        last = [line for line in words.split("\n") if line.strip()][-1:]
        raise CannotJudge(f"{program} failed: {printable(''.join(last), 200) or 'no reason given'}")
    try:
        answer = json.loads(said)
        user, secret = answer["Username"], answer["Secret"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise CannotJudge(f"{program} did not answer with a login") from None
    return Login(str(user), str(secret), program) if secret else None
