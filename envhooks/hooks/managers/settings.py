"""`envhooks.branch` and `envhooks.remote`: which branch carries the policy, and where releases go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, EnvhooksError, UsageError
from envhooks.base.hygiene import printable
from envhooks.git.repository import Git
from envhooks.hooks.managers.actions import Action, SetConfig, UnsetConfig, WriteFile

_FILE = "settings"
_REMOTES = "refs/remotes/"
_HEADS = "refs/heads/"


@dataclass(frozen=True)
class Request:
    """Options of install, as the person gave them."""

    branch: str | None = None
    """The protected branch; None: as configured, or as the repository states."""
    remote: str | None = None
    """The remote that releases go to; None: as configured, or as the repository states."""
    server: bool = False
    """The hooks of a repository that is pushed to, instead of those of a clone."""
    from_pre_commit: bool = False
    """Keep up what is installed: what somebody took out since then stays out."""


def wanted(git: Git, request: Request) -> tuple[dict[str, str], tuple[str, ...]]:
    """The keys to be set, and a note where a branch could not be determined and nobody can be asked."""
    found: dict[str, str] = {}
    if request.remote is not None:
        if f"remote.{request.remote}.url" not in git.config:
            raise UsageError(
                f"there is no remote {printable(request.remote)}", fix="git remote -v # shows which there are"
            )
        found["envhooks.remote"] = request.remote
    if request.branch is not None:
        found["envhooks.branch"] = _branch_name(request.branch)
    elif not git.setting("envhooks.branch"):
        try:
            found["envhooks.branch"] = _find_branch(git, request)
        except EnvhooksError as error:
            if not request.from_pre_commit:
                raise
            return found, (str(error),)
    return {key: value for key, value in found.items() if git.setting(key) != value}, ()


def _branch_name(text: str) -> str:
    name = text.removeprefix(_HEADS)
    if not name or name.startswith("-") or any(char <= " " or char in "~^:?*[\\\x7f" for char in name):
        raise UsageError(f"not a branch name: {printable(text)}", fix="envhooks install --branch main")
    return name


def _find_branch(git: Git, request: Request) -> str:
    """The protected branch: what the hooks would take themselves, or the only one there is.

    Not simply the upstream of the current branch: who installs while on a feature branch would make it policy.
    """
    from envhooks.policy.branches import protected_branch, release_remote

    fix = f"envhooks install{' --server' if request.server else ''} --branch main"
    remote = None if request.server else request.remote or release_remote(git)
    if not git.refs(_HEADS, _REMOTES):
        return _unborn(git, fix)
    try:
        return protected_branch(git, remote)
    except CannotJudge as error:
        return _only_branch(git, remote) or _ask(error.message, fix)


def _unborn(git: Git, fix: str) -> str:
    """A repository without a commit: the branch that the first one goes to, if it has a usual name."""
    head = git.head().removeprefix(_HEADS)
    if head in ("main", "master") and not git.is_bare:
        return head
    return _ask("there is no branch yet that could carry the policy", fix)


def _only_branch(git: Git, remote: str | None) -> str | None:
    prefixes = (_HEADS, f"{_REMOTES}{remote}/") if remote else (_HEADS,)
    refs = git.refs(*prefixes)
    names = {
        ref.name.removeprefix(prefix) for ref in refs for prefix in prefixes if ref.name.startswith(prefix)
    }
    return names.pop() if len(names) == 1 else None


def _ask(why: str, fix: str) -> str:
    raise UsageError(f"{why}; name the protected branch", fix=fix)


def install(home: Path, keys: dict[str, str]) -> Iterator[Action]:
    """Set the keys, and write down which, so that uninstall takes out these and no others."""
    if not keys:
        return
    ours = {**_written(home), **keys}
    text = "".join(f"{key}={value}\n" for key, value in ours.items())
    yield WriteFile(home / _FILE, os.fsencode(text))
    for key, value in keys.items():
        yield SetConfig(key, value)


def uninstall(git: Git, home: Path) -> Iterator[Action]:
    """Take out the keys that install set, unless somebody changed them since."""
    for key, value in _written(home).items():
        if git.config.get(key) == (value,):
            yield UnsetConfig(key)


def _written(home: Path) -> dict[str, str]:
    file = home / _FILE
    lines = os.fsdecode(file.read_bytes()).split("\n") if file.is_file() else []
    return {key: value for key, _, value in (line.partition("=") for line in lines) if key}
