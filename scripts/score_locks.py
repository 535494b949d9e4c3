#!/usr/bin/env python3
"""Scores the readers of lock files and requirement files against real ones, labelled by a person.

    make corpus                                        # after the Dockerfiles
    python scripts/score_locks.py --from FOLDER        # repositories that are here: OWNER+NAME.git or OWNER/NAME
    python scripts/score_locks.py --verbose --only kornia

tests/corpus/locks.tsv has a row for each: repository, file, commit, the base image and the command that install from
it, package, and by label its version and its build (`cu128`, `cpu`). `-`: a careful person cannot tell, as it depends
on the machine, or the file states none; `none`: the command does not install the package.

Exit code: 0; 1 where the reader claims something that a label contradicts; 2 where a repository could not be had.
"""

from __future__ import annotations

import posixpath
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP), str(TOP / "scripts")]

from score_corpus import Labelled, asked, ended, here, labels  # noqa: E402

from envhooks.base.errors import EnvhooksError  # noqa: E402
from envhooks.git.repository import Git  # noqa: E402
from envhooks.image.files import Files  # noqa: E402
from envhooks.image.interpreter import read_environment  # noqa: E402
from envhooks.image.requirements.versions import equal_versions  # noqa: E402

LABELS = TOP / "tests" / "corpus" / "locks.tsv"


@dataclass(frozen=True)
class Row(Labelled):
    """One file with its label."""

    base: str
    command: str
    package: str
    version: str
    build: str
    reason: str


class WithDockerfile:
    """A tree with a Dockerfile that installs from one of its files."""

    def __init__(self, files: Files, row: Row) -> None:
        self._files = files
        folder = posixpath.dirname(row.path) or "."
        self.path = posixpath.normpath(posixpath.join(folder, "label.Dockerfile"))
        self._text = f"FROM {row.base}\nWORKDIR /app\nCOPY . .\nRUN {row.command}\n"

    def read(self, path: str) -> bytes | None:
        """Like `Files.read`; the repository's ignore files are for other Dockerfiles."""
        if path == self.path:
            return self._text.encode()
        return b"" if path == f"{self.path}.dockerignore" else self._files.read(path)

    def list(self, folder: str) -> tuple[str, ...]:
        """Like `Files.list`."""
        return self._files.list(folder)


def rows(file: Path = LABELS) -> list[Row]:
    """The labels."""
    return labels(file, Row)


def read(row: Row, path: Path) -> tuple[str | None, str | None, str]:
    """(version, build, why not) of the package, as the reader says."""
    names = {"torch": ("torch", "pytorch")}.get(row.package, (row.package,))
    with Git.open(path) as git:
        files = WithDockerfile(git.files(row.commit), row)
        try:
            found = read_environment(files, files.path, context=posixpath.dirname(row.path) or ".")
        except EnvhooksError as error:
            return None, None, str(error)
    exact = [one for one in found.find(*names) if one.exact]
    why = "; ".join(f"{one.what}: {one.why}" for one in found.cannot_tell[:4])
    return (exact[-1].version, exact[-1].local, why) if exact else (None, None, why)


def judge(row: Row, version: str | None, build: str | None) -> str:
    """`right`, `missed`, `doubted` where nobody can tell, or what is wrong."""
    if version is None:
        return "doubted" if row.version in ("-", "none") else "missed"
    if row.version in ("-", "none"):
        return f"says {version}, the label {row.version}"
    if not equal_versions(version, row.version):
        return f"says {version}, the label {row.version}"
    if build is not None and build != row.build:
        return f"says the build {build}, the label {row.build}"
    return "right" if row.build == "-" or build == row.build else "right without its build"


def main() -> int:
    """Score every file, and say what is wrong."""
    options = asked(__doc__, LABELS)
    counts: dict[str, int] = {}
    wrong = 0
    absent: set[str] = set()
    for row, path in here(rows(options.labels), options, absent):
        version, build, why = read(row, path)
        came = judge(row, version, build)
        counts[came if not came.startswith("says") else "wrong"] = counts.get(came, 0) + 1
        shown = f"{row.repository} {row.path}, {row.command}: {row.package} {row.version} {row.build}"
        if came.startswith("says"):
            wrong += 1
            print(f"WRONG {shown}: {came}")
        elif options.verbose and came not in ("right", "doubted"):
            print(f"{came}: {shown} ({row.reason}): {why}")
    told = sum(
        number for kind, number in counts.items() if kind in ("right", "right without its build", "missed")
    )
    right = counts.get("right", 0) + counts.get("right without its build", 0)
    print(
        f"locks: {right} of {told} versions, {counts.get('right without its build', 0)} without their build",
        end="",
    )
    print(f", {counts.get('doubted', 0)} left in doubt rightly, {wrong} wrong")
    return ended(absent, bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
