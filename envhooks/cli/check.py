"""judge tags as they stand: named ones, all of them, or the one that CI builds

Without TAG the tag that CI names is judged (GITHUB_REF, CI_COMMIT_TAG and their like), else the tags that
point at HEAD.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from envhooks import gate, report
from envhooks.cli import use_colour
from envhooks.errors import UsageError
from envhooks.git import Git
from envhooks.hygiene import printable
from envhooks.law import Standpoint
from envhooks.model import TAGS, RefUpdate
from envhooks.tagname import Grammar


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG names or refs, `--all`, `--format`."""
    parser.add_argument("tags", nargs="*", metavar="TAG", help="a tag's name, short or as refs/tags/NAME")
    parser.add_argument("--all", action="store_true", help="every release tag of the repository")
    parser.add_argument("--format", default="text", choices=report.formats(), help="default: text")


def run(options: argparse.Namespace) -> int:
    """Print the report; the exit code is its outcome."""
    if options.all and options.tags:
        raise UsageError("either tags or --all, not both", fix="envhooks check --all")
    with Git.open(Path.cwd()) as git:
        outcome = gate.judge_standing(git, lambda g, s: _choose(g, s, options))
    print(report.render(outcome, options.format, colour=use_colour(sys.stdout)), end="")
    if not outcome.tags and not outcome.errors:
        print(f"envhooks: nothing to judge: {_why_nothing(options)}", file=sys.stderr)
    return outcome.exit_code


def _why_nothing(options: argparse.Namespace) -> str:
    if options.all:
        return "this repository has no release tags"
    if options.tags:
        return "the policy leaves these tags alone"
    return "no release tag points at HEAD, and no CI variable names one"


def _choose(git: Git, standpoint: Standpoint, options: argparse.Namespace) -> Sequence[RefUpdate]:
    every = gate.every_tag(git, standpoint)
    if options.all:
        return every
    names = options.tags or [name for name in (tag_from_ci(),) if name]
    if names:
        return [_named(name, every, standpoint) for name in names]
    return _at_head(git, every)


def tag_from_ci() -> str | None:
    """The tag that this CI run is for, by the variable of whichever CI it is; None outside one."""
    environ = os.environ
    for name in ("GITHUB_REF", "BUILD_SOURCEBRANCH"):
        if environ.get(name, "").startswith(TAGS):
            return environ[name]
    names = ("CI_COMMIT_TAG", "TAG_NAME", "CIRCLE_TAG", "BUILDKITE_TAG")
    return next((TAGS + environ[name].removeprefix(TAGS) for name in names if environ.get(name)), None)


def _named(name: str, every: Sequence[RefUpdate], standpoint: Standpoint) -> RefUpdate:
    ref = name if name.startswith(TAGS) else TAGS + name
    found = next((update for update in every if update.ref == ref), None)
    if found is not None:
        return found
    near = Grammar(standpoint.law.policy.tag).read(ref[len(TAGS) :]).suggestion
    there = near if near and any(update.ref == TAGS + near for update in every) else ""
    fix = (
        f"envhooks check {there}"
        if there
        else f"git fetch {standpoint.remote or 'origin'} {printable(ref)}:{printable(ref)}"
    )
    raise UsageError(f"there is no tag {printable(ref[len(TAGS) :])} in this repository", fix=fix)


def _at_head(git: Git, every: Sequence[RefUpdate]) -> Sequence[RefUpdate]:
    head = git.resolve_head()
    return [
        update for update in every if head is not None and update.new and _peeled(git, update.new) == head
    ]


def _peeled(git: Git, oid: str) -> str:
    """The object behind a chain of tags; the chain of a hostile repository is followed four deep."""
    for _ in range(4):
        found = git.read(oid)
        if found is None or found.type != "tag" or not found.data.startswith(b"object "):
            break
        oid = found.data[7 : 7 + git.oid_length].decode("ascii", "replace")
    return oid
