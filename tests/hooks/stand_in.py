"""A stand-in for the interpreter, so that the sh hooks are tested for themselves.

It takes the place that `envhooks/python` records, writes down how it was called and what it was given,
and refuses every tag whose name starts with BAD.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from support import Repo

SCRIPT = r"""#!/bin/sh
case "$*" in *"import envhooks"*) exit 0 ;; esac # the hook asks whether the package is there
flags=
while [ "$1" != hook ]; do
  case $1 in -[A-Z]) flags="$flags$1 " ;; esac
  shift
done
cat >'{log}.stdin'
{{ printf '%s\n' "$flags$*"; cat '{log}.stdin'; }} >>'{log}'
if grep -q '[ /]BAD' '{log}.stdin'; then echo 'stand-in: refused' >&2; exit 1; fi
"""


@dataclass(frozen=True)
class StandIn:
    """Where the calls of one repository's hook are written down."""

    log: Path

    @property
    def calls(self) -> str:
        """The interpreter's own flags and the hook's arguments of each call, and after each its stdin."""
        return self.log.read_text("utf-8", "surrogateescape") if self.log.exists() else ""

    @property
    def was_called(self) -> bool:
        return self.log.exists()

    def forget(self) -> None:
        self.log.unlink(missing_ok=True)


def stand_in(repo: Repo, folder: Path) -> StandIn:
    """Have the hooks of `repo` ask the stand-in instead of Python."""
    folder.mkdir(parents=True, exist_ok=True)
    script, log = folder / "inter preter", folder / "log"  # a path with a blank in it
    script.write_text(SCRIPT.format(log=log))
    script.chmod(0o755)
    hooks_of(repo).joinpath("python").write_text(f"{script}\n")
    return StandIn(log)


def hooks_of(repo: Repo) -> Path:
    """The folder of the hook copies."""
    return repo.path / repo.git("rev-parse", "--git-common-dir") / "envhooks"
