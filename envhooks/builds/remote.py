"""Tags and branches of a remote, asked over the network: never with a prompt, never with a password in an argument.

The user's own configuration, keys and agent are used, as `git push` used them a moment ago.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS
from envhooks.builds.process import cause
from envhooks.git import addresses as urls
from envhooks.git.environ import find_git, without_prompt
from envhooks.git.repository import Git
from envhooks.policy.branches import release_remote

TIMEOUT = 120
"""Seconds; a remote that says nothing for so long is asked again later."""
FETCH_TIMEOUT = 900
# What a hook inherits from `git push` is about that push and that repository (git-rev-parse(1), --local-env-vars).
# What says how to reach the remote stays, and so does a GIT_TOKEN that the policy may name.
_OF_THE_PUSH = re.compile(
    "GIT_(?:DIR|COMMON_DIR|WORK_TREE|IMPLICIT_WORK_TREE|INDEX_FILE|PREFIX|INTERNAL_.*|OBJECT_DIRECTORY"
    "|ALTERNATE_OBJECT_DIRECTORIES|QUARANTINE_PATH|NAMESPACE|SHALLOW_FILE|GRAFT_FILE|NO_REPLACE_OBJECTS"
    "|REPLACE_REF_BASE|PUSH_OPTION_.*|REFLOG_ACTION|TRACE.*|EDITOR|SEQUENCE_EDITOR|.*_PATHSPECS)"
    "|PRE_COMMIT.*|ENVHOOKS_WIRING"
)
_NAME = "envhooks-confirm"
_SILENT_FETCH = (
    "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--no-recurse-submodules", "--refmap=",
)  # fmt: skip
# `f` swallows the word that git puts behind a helper's command
_HELPER = '!f() { printf "username=%s\\npassword=%s\\n" "$ENVHOOKS_USER" "$ENVHOOKS_PASSWORD"; }; f'


@dataclass(frozen=True)
class Remote:
    """The remote that a tag was pushed to."""

    name: str
    """Its name in this clone; empty for a push by URL, and where the repository itself is meant."""
    url: str
    """As git takes it, secrets and all; never printed or stored."""
    shown: str
    """Redacted: what the ledger knows it by."""
    own: bool = False
    """Whether it is this very repository: a server, or a clone without any remote."""


@dataclass(frozen=True)
class RemoteRefs:
    """The tags and branches of a remote at one moment, full ref name -> object id, tags not peeled."""

    refs: Mapping[str, str]

    @property
    def tags(self) -> tuple[str, ...]:
        """Short names of all tags."""
        return tuple(ref.removeprefix(TAGS) for ref in self.refs if ref.startswith(TAGS))

    @property
    def heads(self) -> dict[str, str]:
        """Short branch name -> tip."""
        return {ref.removeprefix(HEADS): oid for ref, oid in self.refs.items() if ref.startswith(HEADS)}


def own_repository(git: Git) -> Remote:
    """This repository as the place that holds the tags."""
    return Remote("", str(git.common_dir), str(git.common_dir), own=True)


def pushed_to(name: str, url: str, cwd: Path) -> Remote:
    """The remote of a pre-push hook; for a push by URL both arguments are the URL."""
    real = urls.absolute(url, cwd)
    return Remote("" if name == url else name, real, urls.redact(real))


def named(git: Git, name: str, environ: Mapping[str, str]) -> Remote:
    """A remote by its name in this clone; the first of its push URLs.

    Raises:
        CannotJudge: there is no such remote.
    """
    found = _push_urls(git, name, environ)
    if not found:
        raise CannotJudge(f"there is no remote {printable(name)} in this clone", fix="git remote -v")
    return pushed_to(name, found[0], git.work_tree or git.common_dir.parent)


def recorded(git: Git, name: str, shown: str, environ: Mapping[str, str]) -> Remote:
    """The remote of a ledger's row: its secrets are in the clone's configuration or in a credential helper."""
    if name and not urls.is_local(shown):
        for url in _push_urls(git, name, environ):
            if urls.redact(url) == shown:
                return Remote(name, url, shown)
    return Remote(name, shown, shown)


def _push_urls(git: Git, name: str, environ: Mapping[str, str]) -> list[str]:
    done = subprocess.run(
        [find_git(), "remote", "get-url", "--push", "--all", "--", name],
        env={**user_environment(environ), "GIT_DIR": str(git.common_dir), "LC_ALL": "C"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return [line for line in os.fsdecode(done.stdout).split("\n") if line] if not done.returncode else []


def is_release_remote(git: Git, remote: Remote) -> bool:
    """Whether this is the remote that releases go to, however it is spelled; the repository itself is.

    Where several remotes could be it and nothing says which, none is.
    """
    if remote.own:
        return True
    try:
        name = release_remote(git)
    except PolicyError:
        return False
    if name is None or remote.name == name:
        return True
    folder = git.work_tree or git.common_dir
    found = [*git.config.get(f"remote.{name}.url", ()), *git.config.get(f"remote.{name}.pushurl", ())]
    known = {urls.identity(urls.rewritten(url, git.config, push=True), folder) for url in found}
    return urls.identity(remote.url, folder) in known


def user_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """A hook's environment without what git put there for the push: a builder may run git itself."""
    return {key: value for key, value in environ.items() if not _OF_THE_PUSH.fullmatch(key)}


def list_refs(git: Git, remote: Remote, environ: Mapping[str, str]) -> RemoteRefs:
    """All tags and branches of the remote, in one question.

    Raises:
        CannotJudge: it does not answer.
    """
    if remote.own:
        return RemoteRefs(MappingProxyType({ref.name: ref.oid for ref in git.refs(TAGS, HEADS)}))
    listed = _talk(git, remote, environ, TIMEOUT, "ls-remote", "--refs", "--heads", "--tags", _NAME)
    lines = (line.partition("\t") for line in os.fsdecode(listed).split("\n") if line)
    return RemoteRefs(MappingProxyType({ref: oid for oid, _, ref in lines}))


def fetch_branches(git: Git, remote: Remote, environ: Mapping[str, str], branches: Iterable[str]) -> None:
    """Bring the commits of these branches here; no ref of the clone changes, nor FETCH_HEAD.

    Raises:
        CannotJudge: it does not work.
    """
    refs = [HEADS + branch for branch in branches]
    _talk(git, remote, environ, FETCH_TIMEOUT, "fetch", *_SILENT_FETCH, _NAME, *refs)


def ref_at(git: Git, remote: Remote, environ: Mapping[str, str], ref: str) -> str | None:
    """The object that one ref of the remote names, by its full name; None where there is no such ref.

    Raises:
        CannotJudge: it does not answer.
    """
    listed = _talk(git, remote, environ, TIMEOUT, "ls-remote", "--refs", _NAME, ref)
    lines = (line.partition("\t") for line in os.fsdecode(listed).split("\n") if line)
    return next((oid for oid, _, name in lines if name == ref), None)


def fetch_ref(git: Git, remote: Remote, environ: Mapping[str, str], ref: str) -> None:
    """Bring the objects of one ref here; no ref of the clone changes, nor FETCH_HEAD.

    Raises:
        CannotJudge: it does not work.
    """
    _talk(git, remote, environ, FETCH_TIMEOUT, "fetch", *_SILENT_FETCH, _NAME, ref)


def push_ref(git: Git, remote: Remote, environ: Mapping[str, str], oid: str, ref: str) -> None:
    """Move one ref of the remote forward; no hook of this clone is run.

    Raises:
        CannotJudge: the remote does not take it: what it has is not an ancestor of `oid`, or a hook of its own said no.
    """
    _talk(git, remote, environ, FETCH_TIMEOUT, "push", "--quiet", "--no-verify", _NAME, f"{oid}:{ref}")


def _talk(git: Git, remote: Remote, environ: Mapping[str, str], timeout: int, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            [find_git(), *arguments],
            env=_network_environment(git, remote, environ),
            cwd=git.common_dir,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
            start_new_session=True,  # without a terminal nothing can ask for a password on it
        )
    except subprocess.TimeoutExpired:
        raise CannotJudge(f"{printable(remote.shown)} did not answer for {timeout} s") from None
    if done.returncode:
        raise CannotJudge(f"{printable(remote.shown)} does not answer: {_reason(done.stderr)}")
    return done.stdout


def _reason(stderr: bytes) -> str:
    lines = [line for line in stderr.decode("utf-8", "replace").split("\n") if line.strip()]
    line = next(
        (line for line in lines if line.startswith(("fatal: ", "error: "))), lines[0] if lines else ""
    )
    if line.startswith("fatal: Could not read from remote repository"):
        line = cause("\n".join(lines))  # ssh's own sentence stands above
    return (
        printable(urls.redact_text(line.removeprefix("fatal: ").removeprefix("error: ")), 200) or "no reason"
    )


def _network_environment(git: Git, remote: Remote, environ: Mapping[str, str]) -> dict[str, str]:
    found = without_prompt(user_environment(environ), git.setting("core.sshcommand"))
    found |= {"GIT_DIR": str(git.common_dir), "GIT_OPTIONAL_LOCKS": "0"}
    # The URL goes through the environment, which other users cannot see; its password not even into git's own
    # `git remote-https URL`.
    secret = urls.credentials(remote.url)
    settings = [(f"remote.{_NAME}.url", urls.without_userinfo(remote.url) if secret else remote.url)]
    if secret is not None:
        found["ENVHOOKS_USER"], found["ENVHOOKS_PASSWORD"] = secret
        settings += [("credential.helper", ""), ("credential.helper", _HELPER)]
    count = int(found.get("GIT_CONFIG_COUNT") or 0)
    for number, (key, value) in enumerate(settings, count):
        found[f"GIT_CONFIG_KEY_{number}"], found[f"GIT_CONFIG_VALUE_{number}"] = key, value
    found["GIT_CONFIG_COUNT"] = str(count + len(settings))
    return found
