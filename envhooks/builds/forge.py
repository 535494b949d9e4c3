"""GitHub or GitLab, asked for a commit's CI checks, and whether GitHub shows a tag's signature as verified.

Only `--online` asks. A token is `GITHUB_TOKEN` or `GITLAB_TOKEN`, else git's credential helper for the remote.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.urls import split_url
from envhooks.builds.secrets import Secret, token
from envhooks.builds.web import Refused, call, checked_url
from envhooks.git.repository import Git
from envhooks.judge.facts import CiCheck, CiStates, Inapplicable, Unknown

_REMOTE = r"(?a)(?:(?:https?|ssh|git)://)?(?:[^@/]*@)?(?P<host>[^/:@]+)(?::[0-9]+)?[/:](?P<path>[\w.~/-]+?)(?:\.git)?/?"
_GOOD = frozenset(("success", "neutral", "skipped", "manual"))
_PAGES = 10
"""Pages of 100 that are read of one list."""


@dataclass(frozen=True)
class Forge:
    """A repository on a forge, with a token for its API."""

    kind: str
    """`github` or `gitlab`."""
    api: str
    path: str
    """OWNER/NAME; on GitLab with all its groups."""
    branch: str
    secret: Secret

    def ci(self, commit: str) -> CiStates | Unknown:
        """The checks of a commit."""
        try:
            return self._github_ci(commit) if self.kind == "github" else self._gitlab_ci(commit)
        except CannotJudge as error:
            return Unknown(error.message, error.fix)

    def hidden_signature(self, oid: str) -> str:
        """Why GitHub would not show a tag's signature as verified; empty where it would, or where that is not known."""
        if self.kind != "github":
            return ""  # GitLab tells of X.509 signatures of tags alone
        try:
            told = self._get(f"/repos/{self.path}/git/tags/{oid}").get("verification")
        except CannotJudge:
            return ""
        if not isinstance(told, dict) or told.get("verified") is not False:
            return ""
        return printable(str(told.get("reason") or "it says no more"), 80)

    def _github_ci(self, commit: str) -> CiStates:
        base = f"/repos/{self.path}/commits/{commit}"
        found: dict[str, CiCheck] = {}
        for one in self._pages(f"{base}/check-runs", "check_runs"):
            state = str(one.get("conclusion") or one.get("status") or "unknown")
            found.setdefault(str(one.get("name")), _check(one.get("name"), state))
        for one in self._pages(f"{base}/status", "statuses"):
            found.setdefault(str(one.get("context")), _check(one.get("context"), str(one.get("state"))))
        required = self._github_required()
        source = f"{self.path} on GitHub"
        if required is None:
            return CiStates(tuple(found.values()), source)
        states = tuple(
            found.get(name) or CiCheck(printable(name, 80), "has not run", False) for name in required
        )
        return CiStates(states or tuple(found.values()), source, bool(states))

    def _github_required(self) -> tuple[str, ...] | None:
        """The names of the checks that rules of the protected branch require; None where they are not told."""
        try:
            rules = self._list(f"/repos/{self.path}/rules/branches/{quote(self.branch, safe='')}")
        except Refused:
            return None
        names = []
        for rule in rules:
            parameters = rule.get("parameters")
            if rule.get("type") == "required_status_checks" and isinstance(parameters, dict):
                listed = parameters.get("required_status_checks")
                several = listed if isinstance(listed, list) else []
                names += [one.get("context") for one in several if isinstance(one, dict)]
        return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))

    def _gitlab_ci(self, commit: str) -> CiStates:
        project = quote(self.path, safe="")
        states: dict[str, CiCheck] = {}
        for one in self._list(f"/projects/{project}/repository/commits/{commit}/statuses"):
            if one.get("allow_failure") is not True:
                states.setdefault(str(one.get("name")), _check(one.get("name"), str(one.get("status"))))
        return CiStates(tuple(states.values()), f"{self.path} on GitLab")

    def _pages(self, path: str, key: str) -> Iterator[Mapping[str, Any]]:
        for page in range(1, _PAGES + 1):
            listed = self._get(f"{path}?per_page=100&page={page}").get(key)
            found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            yield from found
            if len(found) < 100:
                return
        raise CannotJudge(f"{printable(self.path)} has more than {_PAGES * 100} checks for one commit")

    def _list(self, path: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in range(1, _PAGES + 1):
            listed = self._load(f"{path}?per_page=100&page={page}")
            new = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            found += new
            if len(new) < 100:
                return found
        raise CannotJudge(f"{printable(self.path)} has more than {_PAGES * 100} checks for one commit")

    def _get(self, path: str) -> Mapping[str, Any]:
        loaded = self._load(path)
        return loaded if isinstance(loaded, dict) else {}

    def _load(self, path: str) -> object:
        import json

        answer = call("GET", f"{self.api}{path}", None, self._headers, io.StringIO(), (self.secret,))
        try:
            loaded: object = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise CannotJudge(
                "the forge's answer is no JSON", place=printable(split_url(self.api).hostname or "")
            ) from None
        return loaded

    def _headers(self) -> dict[str, str]:
        if self.kind == "gitlab":
            return {"PRIVATE-TOKEN": self.secret.value}
        return {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {self.secret.value}"}


def _check(name: object, state: str) -> CiCheck:
    return CiCheck(printable(str(name), 80), printable(state, 40), state in _GOOD)


def forge_of(git: Git, remote: str | None, branch: str, environ: Mapping[str, str]) -> Forge | Inapplicable:
    """The forge that the release remote is on, or why it cannot be asked."""
    url = (git.config.get(f"remote.{remote}.url") or ("",))[-1] if remote else ""
    match = re.fullmatch(_REMOTE, url)
    host = match["host"].lower() if match else ""
    kind = "github" if host == "github.com" or _is_api_of("GITHUB_API_URL", host, environ) else ""
    kind = kind or ("gitlab" if host == "gitlab.com" or _is_api_of("CI_API_V4_URL", host, environ) else "")
    if match is None or not kind:
        return Inapplicable("the release remote is on no forge that is known here")
    usual = "https://api.github.com" if kind == "github" else f"https://{host}/api/v4"
    variable = "GITHUB_API_URL" if kind == "github" else "CI_API_V4_URL"
    api = checked_url(environ.get(variable) or usual, variable).rstrip("/")
    name = "GITHUB_TOKEN" if kind == "github" else "GITLAB_TOKEN"
    try:
        secret = token(name, (f"https://{host}/{match['path']}",), environ)
    except CannotJudge as error:
        return Inapplicable(error.message)
    return Forge(kind, api, match["path"], branch, secret)


def _is_api_of(variable: str, host: str, environ: Mapping[str, str]) -> bool:
    """Whether CI's own variable names the API of this host: GitHub Enterprise Server, a GitLab of one's own."""
    named = (split_url(environ.get(variable, "")).hostname or "").lower()
    return bool(host) and named.removeprefix("api.") == host
