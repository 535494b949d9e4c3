"""Access to a remote for `--fetch`: `git ls-remote` and `git fetch`, by full ref names, and without a prompt.

This is the one place that fetches, apart from what reads: it acts with the person's own configuration and
credentials, which `envhooks.git` keeps out of everything that judges.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.git.addresses import redact, redact_text
from envhooks.git.environ import NEVER_ASK, without_prompt

TIMEOUT = 900
"""Seconds that one fetch may take."""
_FETCH = (
    "fetch", "--quiet", "--force", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-gc",
)  # fmt: skip
# git-check-ref-format(1). `*` would make a pattern of a refspec, `:` and `^` would end or negate it.
_NO_REF = r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|\Z)|[/.]\Z"


@dataclass(frozen=True)
class Remote:
    """Refs of a remote, by its own answer."""

    head: str | None
    """The branch that its HEAD names, full; None where it does not say."""
    tags: Mapping[str, str]
    """Full ref -> object id, unpeeled."""


class Fetcher:
    """One remote of one clone."""

    def __init__(self, path: Path, remote: str, environ: Mapping[str, str] = os.environ) -> None:
        """`remote` is a name from the clone's configuration."""
        self._path = path
        self._remote = remote
        self._environ = {**environ, **NEVER_ASK}
        own_ssh = os.fsdecode(self._run("config", "--get", "core.sshCommand").stdout).strip()
        self._environ = without_prompt(environ, own_ssh)

    def ask(self, tags: Sequence[str] | None) -> Remote:
        """HEAD, and the named tags (full refs) or, with None, all of them.

        Raises:
            CannotJudge: the remote does not answer.
        """
        patterns = ("refs/tags/*",) if tags is None else tuple(map(legal_ref, tags))
        listed = self._do("ls-remote", "--symref", "--quiet", "--", self._remote, "HEAD", *patterns)
        wanted = None if tags is None else set(tags)
        head, found = None, {}
        for line in os.fsdecode(listed).split("\n"):
            what, _, ref = line.partition("\t")
            if ref == "HEAD" and what.startswith("ref: refs/heads/"):
                head = legal_ref(what.removeprefix("ref: "))
            elif (
                ref.startswith("refs/tags/") and not ref.endswith("^{}") and (wanted is None or ref in wanted)
            ):
                found[ref] = what
        return Remote(head, found)

    def fetch(self, refspecs: Iterable[str], *options: str) -> None:
        """`git fetch --force` of these refspecs; `options` are our own constants.

        Raises:
            CannotJudge: it failed, or took longer than TIMEOUT; git's own words are in the message.
        """
        self._do(*_FETCH, *options, "--", self._remote, *refspecs)

    def point_head(self, branch: str) -> None:
        """Note which branch the remote's HEAD names, as a clone does: `branch` is short."""
        head = f"refs/remotes/{self._remote}/HEAD"
        self._do("symbolic-ref", legal_ref(head), legal_ref(f"refs/remotes/{self._remote}/{branch}"))

    def _do(self, *arguments: str) -> bytes:
        try:
            done = self._run(*arguments)
        except subprocess.TimeoutExpired:
            text = f"git {arguments[0]} took longer than {TIMEOUT} seconds"
            raise CannotJudge(text, place=printable(redact(self._remote))) from None
        if done.returncode:
            raise CannotJudge(
                f"git {arguments[0]} failed: {_words(done.stderr)}", place=printable(redact(self._remote))
            )
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self._path,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,  # no terminal: ssh and credential helpers would open /dev/tty
            timeout=TIMEOUT,
            check=False,
        )


def legal_ref(ref: str) -> str:
    """The ref itself.

    Raises:
        CannotJudge: it is not a name that a ref may have, and would mean something else in a refspec.
    """
    if not ref.startswith("refs/") or re.search(_NO_REF, ref):
        raise CannotJudge(f"this is no name of a ref: {printable(ref)}")
    return ref


def _words(stderr: bytes) -> str:
    """The last words of git, without what a remote's URL keeps secret."""
    lines = [line for line in stderr.decode("utf-8", "replace").split("\n") if line.strip()]
    said = next(
        (line for line in lines if line.startswith(("fatal: ", "error: "))),
        (lines or ["no reason given"])[-1],
    )
    return printable(redact_text(said), 300)
