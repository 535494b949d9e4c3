#!/usr/bin/env python3
"""Scores the reader of Dockerfiles against real ones, labelled by a person before the reader saw them.

    make corpus                                        # fetches what is missing, then scores
    python scripts/score_corpus.py --from FOLDER       # repositories that are here: OWNER+NAME.git or OWNER/NAME
    python scripts/score_corpus.py --verbose           # each miss and each wrong claim
    python scripts/score_corpus.py --only infinity     # the rows that hold a word

tests/corpus/dockerfiles.tsv has a row for each file: repository, path, commit, build context, package, and by label its
exact version, its hardware and its Python (`-`: a careful person cannot tell; `none`: no framework is in it), and the
reason in a word. Of each repository the one commit is fetched, into .cache/corpus; nothing of it is committed here.

Exit code: 0; 1 where the reader claims something that a label contradicts; 2 where a repository could not be had.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from envhooks.base.errors import EnvhooksError  # noqa: E402
from envhooks.catalog.frameworks import FRAMEWORKS  # noqa: E402
from envhooks.git.repository import Git  # noqa: E402
from envhooks.image import Environment, versions_agree  # noqa: E402
from envhooks.image.interpreter import read_environment  # noqa: E402
from envhooks.image.requirements.versions import equal_versions  # noqa: E402

LABELS = TOP / "tests" / "corpus" / "dockerfiles.tsv"
STORE = TOP / ".cache" / "corpus"
HOST = "https://github.com"
SAME = {name: one.packages[0] for one in FRAMEWORKS for name in one.packages}


@dataclass(frozen=True)
class Labelled:
    """A file of a repository at one commit."""

    repository: str
    path: str
    commit: str


L = TypeVar("L", bound=Labelled)


@dataclass(frozen=True)
class Row(Labelled):
    """One file with its label."""

    context: str
    package: str
    version: str
    hardware: str
    python: str
    reason: str


@dataclass
class Score:
    """What one fact came to over all files."""

    told: int = 0
    """How many labels state it."""
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[tuple[str, str]] = field(default_factory=list)
    """(reason of the label, line to show)."""


def labels(file: Path, kind: Callable[..., L]) -> list[L]:
    """The rows of a file of labels, each as `kind`."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [kind(**one) for one in csv.DictReader(opened, delimiter="\t")]


def rows(file: Path = LABELS) -> list[Row]:
    """The labels."""
    return labels(file, Row)


def asked(description: str | None, default: Path) -> argparse.Namespace:
    """The options of a command that scores: `folder`, `only`, `labels`, `verbose`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--from", dest="folder", type=Path, help="repositories that are here already")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="rows with this word in repository or path"
    )
    shown = default.relative_to(TOP).as_posix()
    parser.add_argument("--labels", type=Path, default=default, help=f"default: {shown}")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


def here(found: Iterable[L], options: argparse.Namespace, absent: set[str]) -> Iterator[tuple[L, Path]]:
    """The rows that are asked for, each with its repository; the name of one that cannot be had goes to `absent`."""
    for row in found:
        if options.only not in f"{row.repository} {row.path}":
            continue
        path = None if row.repository in absent else repository(row.repository, row.commit, options.folder)
        if path is None:
            absent.add(row.repository)
        else:
            yield row, path


def ended(absent: set[str], is_wrong: bool) -> int:
    """The exit code; says which repositories were not there."""
    for name in sorted(absent):
        print(f"not here and not to be fetched: {name}", file=sys.stderr)
    return 2 if absent else int(is_wrong)


def repository(name: str, commit: str, folder: Path | None) -> Path | None:
    """The repository with that commit; None where it cannot be had."""
    store = folder or STORE
    for path in (store / f"{name.replace('/', '+')}.git", store / name):
        if path.exists() and _git(path, "cat-file", "-e", f"{commit}^{{tree}}"):
            return path
    if folder is not None:
        return None
    path = STORE / f"{name.replace('/', '+')}.git"
    path.mkdir(parents=True, exist_ok=True)
    made = _git(path, "init", "--quiet", "--bare", ".")
    return path if made and _git(path, "fetch", "--quiet", "--depth=1", f"{HOST}/{name}", commit) else None


def _git(path: Path, *arguments: str) -> bool:
    done = subprocess.run(["git", "-C", path, *arguments], capture_output=True, check=False)
    return done.returncode == 0


def read(row: Row, path: Path) -> Environment | str:
    """What the reader says; its refusal as text."""
    with Git.open(path) as git:
        try:
            return read_environment(git.files(row.commit), row.path, context=row.context)
        except EnvhooksError as error:
            return str(error)


def claim(environment: Environment, package: str) -> str | None:
    """The exact version of a framework's package, or of any framework's for `none`."""
    names = {p for p, first in SAME.items() if package == "none" or first == SAME.get(package, package)}
    found = [one for one in environment.packages if one.exact and one.name in names | {package}]
    return found[-1].version if found else None


def denied(environment: Environment, package: str) -> bool:
    """Whether the reader says for certain that no such package is there: it has none, and nothing is open."""
    names = {name for name, first in SAME.items() if first == SAME.get(package)} | {package}
    doubts = {one.what for one in environment.cannot_tell}
    return not environment.find(*names) and doubts.isdisjoint({*names, "packages", "base"})


def hardware(environment: Environment) -> tuple[str, str | None] | None:
    """The one accelerator that the evidence agrees on: the wheel's before the base image's."""
    for source in ("wheel", "base"):
        told = [one for one in environment.hardware if one.source == source]
        if told:
            kinds = {one.kind for one in told}
            versions = {one.version for one in told if one.version}
            return (told[0].kind, max(versions, default=None)) if len(kinds) == 1 else None
    return None


def score(row: Row, environment: Environment, scores: dict[str, Score]) -> None:
    """Compare one reading with its label."""
    shown = f"{row.repository} {row.path}"
    why = "; ".join(f"{one.what}: {one.why}" for one in environment.cannot_tell[:3])
    said = claim(environment, row.package)
    facts = scores["version"]
    if row.version != "-":
        facts.told += 1
        if said is None and denied(environment, row.package):
            facts.wrong.append(f"{shown}: says that there is none, the label {row.package} {row.version}")
        elif said is None:
            facts.missed.append((row.reason, f"{shown}: {row.package} {row.version} ({why})"))
        elif equal_versions(said, row.version):
            facts.right += 1
        else:
            facts.wrong.append(f"{shown}: says {said}, the label {row.package} {row.version}")
    elif said is not None:
        facts.wrong.append(f"{shown}: says {said} of {row.package}, the label cannot tell ({row.reason})")
    _hardware(row, shown, environment, scores["hardware"])
    facts = scores["python"]
    if row.python != "-":
        facts.told += 1
        if environment.python is None:
            facts.missed.append((row.reason, f"{shown}: Python {row.python}"))
        elif versions_agree(environment.python, row.python):
            facts.right += 1
        else:
            facts.wrong.append(f"{shown}: says Python {environment.python}, the label {row.python}")


def _hardware(row: Row, shown: str, environment: Environment, facts: Score) -> None:
    if row.hardware == "-":
        return
    kind, _, version = row.hardware.partition(" ")
    facts.told += 1
    found = hardware(environment)
    if found is None or (version and found[1] is None and found[0] == kind):
        facts.missed.append((row.reason, f"{shown}: {row.hardware}"))
    elif found[0] == kind and (not version or versions_agree(found[1] or "", version)):
        facts.right += 1
    elif (
        not any(one.source == "wheel" for one in environment.hardware)
        and claim(environment, row.package) is None
    ):
        facts.missed.append((row.reason, f"{shown}: {row.hardware}"))  # the base's own, not the framework's
    else:
        facts.wrong.append(f"{shown}: says {found[0]} {found[1] or ''}, the label {row.hardware}")


def report(scores: dict[str, Score], refused: list[str], count: int, verbose: bool) -> Iterator[str]:
    """The lines to print."""
    yield f"{count} files"
    for name, one in scores.items():
        share = 100 * one.right / one.told if one.told else 0
        yield f"{name:>9}: {one.right} of {one.told} ({share:.0f} %), {len(one.wrong)} wrong"
    kinds = Counter(reason for reason, _ in scores["version"].missed)
    if kinds:
        yield "versions missed: " + ", ".join(f"{reason} {number}" for reason, number in kinds.most_common())
    for name, one in scores.items():
        if verbose:
            yield from (f"missed {name}: {line}" for _, line in one.missed)
        yield from (f"WRONG {name}: {line}" for line in one.wrong)
    if verbose:
        yield from (f"refused: {line}" for line in refused)


def main() -> int:
    """Score every file, and say what is wrong."""
    options = asked(__doc__, LABELS)
    scores = {name: Score() for name in ("version", "hardware", "python")}
    absent: set[str] = set()
    refused: list[str] = []
    count, spent = 0, 0.0
    for row, path in here(rows(options.labels), options, absent):
        count += 1
        began = time.perf_counter()
        found = read(row, path)
        spent += time.perf_counter() - began
        if not isinstance(found, str):
            score(row, found, scores)
            continue
        refused.append(f"{row.repository} {row.path}: {found}")
        if row.version != "-":
            scores["version"].told += 1
            scores["version"].missed.append((row.reason, f"{row.repository} {row.path}: {found}"))
    print("\n".join(report(scores, refused, count, options.verbose)))
    print(f"{1000 * spent / max(count, 1):.0f} ms a file, git included")
    return ended(absent, any(one.wrong for one in scores.values()))


if __name__ == "__main__":
    sys.exit(main())
