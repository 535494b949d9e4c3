"""A clone whose policy builds with a program: a script that writes down each time it is started."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import GOOD_TAG, WITHOUT_HOOKS, Done, Repo, run

from envhooks.builds.ledger import Ledger, Row

DEADLINE = 300.0
"""Seconds: what waits for something to happen ends when it does, however busy the machine is."""
POLICY = """\
[image]
name = "registry.example.com/team/{{framework:lower}}-{{hardware:lower}}"

[[build]]
name = "image"
using = "command"
on = "{on}"
registry = false
command = [{program}, "{{tag}}", "{{own}}", "{{key}}"]
"""


def until(what: Callable[[], bool], said: Callable[[], object] = lambda: "") -> None:
    """Look again and again until it is so; the watcher is another process."""
    end = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < end, said()
        time.sleep(0.02)


@dataclass(frozen=True)
class Shop:
    """The clone, its server, and the program that builds."""

    clone: Repo
    server: Repo
    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / "build-image"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.clone.path / ".git")

    def write_program(self, body: str = "") -> None:
        """The program notes its arguments, then does what `body` says."""
        note = f'printf "%s\\n" "$*" >> {shlex.quote(str(self.folder / "built"))}'
        self.program.write_text(f"#!/bin/sh\n{note}\n{body}\n")
        self.program.chmod(0o755)

    def built(self) -> list[str]:
        """What the program was called with, once a line."""
        file = self.folder / "built"
        return file.read_text().split("\n")[:-1] if file.exists() else []

    def write_policy(self, on: str = "client", more: str = "", push: bool = True) -> None:
        text = POLICY.format(on=on, program=json.dumps(str(self.program))) + more
        self.clone.commit_files({".envhooks/policy.toml": text}, "State the policy")
        if push:  # as `git push --no-verify` would, without the server's judge: a policy is no release
            self.put("main")

    def put(self, *refs: str) -> None:
        """Bring refs to the server past every hook, whatever lies between: what the clone then believes is there."""
        names = [f"refs/heads/{ref}" if ref == "main" else f"refs/tags/{ref}" for ref in refs]
        clone = str(self.clone.path / ".git")
        self.server.git(*WITHOUT_HOOKS, "fetch", "-q", "--no-tags", clone, *(f"{one}:{one}" for one in names))
        if "main" in refs:
            self.clone.git(*WITHOUT_HOOKS, "update-ref", "refs/remotes/origin/main", "main")

    def tag(self, name: str = GOOD_TAG) -> None:
        """A tag past every hook: pushes are what these tests are about."""
        self.clone.git(*WITHOUT_HOOKS, "tag", "-s", "-m", "A release", name)

    def tag_by_hook(self, name: str) -> None:
        """A tag as a person makes it: its hook looks at what the ledger has."""
        self.clone.git("tag", "-s", "-m", "A release", name)

    def push(self, *arguments: str, repo: Repo | None = None, **environ: str) -> Done:
        where = repo or self.clone
        return Repo(where.path, {**where.environ, **environ}).try_git(
            "push", *(arguments or ("origin", GOOD_TAG))
        )

    def row(self) -> Row | None:
        rows = self.ledger.rows()
        return rows[-1] if rows else None

    def state(self) -> str:
        row = self.row()
        return row.state if row else ""

    def await_state(self, *states: str, count: int = 1) -> Row:
        def there() -> bool:
            return sum(row.state in states for row in self.ledger.rows()) >= count

        until(there, lambda: (self.ledger.rows(), self.log()))
        return next(row for row in self.ledger.rows() if row.state in states)

    def log(self) -> str:
        file = self.ledger.folder / "watcher.log"
        return file.read_text() if file.exists() else ""

    def allow(self) -> None:
        self.clone.envhooks("builds", "--allow", check=True)


@pytest.fixture
def shop(guarded: Repo, server: Repo, tmp_path: Path) -> Shop:
    """A policy that builds, allowed, and a good tag that is not pushed yet."""
    shop = Shop(guarded, server, tmp_path)
    guarded.git("config", "envhooks.pauses", "0.1 0.1 0.2 0.5 1 3 10 30 90 300")
    shop.write_program()
    shop.write_policy()
    shop.allow()
    guarded.git(*WITHOUT_HOOKS, "tag", "-s", "-m", "A release", GOOD_TAG)
    return shop


def job(shop: Shop, path: Path, environ: dict[str, str] | None = None, url: str = "") -> Repo:
    """A CI job's clone, as actions/checkout leaves it: depth 1, the commit under the tag's name, no branch."""
    ref = f"refs/tags/{GOOD_TAG}"
    own = {**(environ or shop.server.environ), "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REF": ref}
    run(["git", "init", "-q", str(path)], path.parent, own, check=True)
    found = Repo(path, own)
    found.git("remote", "add", "origin", url or f"file://{shop.server.path}")
    commit = shop.server.git("rev-parse", f"{ref}^{{commit}}")
    found.git("fetch", "-q", "--no-tags", "--depth=1", "origin", f"+{commit}:{ref}")
    found.git("checkout", "-q", "--force", ref)
    return found
