"""What the tests of installing share: putting the hooks in and out in process, a stand-in judge, and snapshots."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

from support import Repo

from envhooks.git.repository import Git
from envhooks.hooks import install
from envhooks.hooks.managers import confighooks
from envhooks.hooks.managers.actions import Plan, apply
from envhooks.hooks.managers.settings import Request

STAND_IN = """#!/bin/sh
case "$*" in *"import envhooks"*) exit 0 ;; esac
cat >'{log}.stdin'
{{ printf '%s\\n' "$*"; cat '{log}.stdin'; }} >>'{log}'
if grep -q '[ /]BAD' '{log}.stdin'; then exit 1; fi
"""
ONLY = Request(branch="main")
VERSION = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
HAS_CONFIG_HOOKS = tuple(map(int, VERSION.split(".")[:2])) >= confighooks.SINCE


def plan(repo: Repo, request: Request = ONLY) -> Plan:
    with Git(repo.path, repo.environ) as git:
        return install.plan_install(git, request)


def put(repo: Repo, request: Request = ONLY) -> None:
    apply(plan(repo, request).actions, repo.path)


def take_out(repo: Repo) -> Plan:
    with Git(repo.path, repo.environ) as git:
        found = install.plan_uninstall(git)
    apply(found.actions, repo.path)
    return found


def faults(repo: Repo) -> tuple[str, ...]:
    with Git(repo.path, repo.environ) as git:
        return install.faults(git)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder with its mode and bytes; of a link, where it points."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink():
            found[str(path.relative_to(folder))] = (mode, os.fsencode(path.readlink()))
        elif path.is_file():
            found[str(path.relative_to(folder))] = (mode, path.read_bytes())
    return found


def state(repo: Repo) -> dict[str, tuple[int, bytes]]:
    """What install may change: all but what making and deleting tags leaves behind."""
    left = ("/objects/", "/logs/", "/packed-refs", "/reftable/")
    found = {
        name: value for name, value in snapshot(repo.path).items() if not any(part in name for part in left)
    }
    return {**found, "refs": (0, repo.git("for-each-ref", check=None).encode())}


class Judge:
    """The stand-in for Python in one repository: which tags it was asked about."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self.log = folder / "judge.log"
        script = folder / "judge"
        script.write_text(STAND_IN.format(log=self.log))
        script.chmod(0o755)
        home = repo.path / repo.git("rev-parse", "--git-common-dir") / "envhooks"
        (home / "python").write_text(f"{script}\n")

    def count(self, text: str) -> int:
        found = self.log.read_text().count(text) if self.log.exists() else 0
        self.log.unlink(missing_ok=True)
        return found
