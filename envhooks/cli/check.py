"""judge tags: named ones, all of them, or the one that CI builds

Without TAG the tag that CI names is judged (GITHUB_REF, CI_COMMIT_TAG and their like), else the tags that point at
HEAD. `--fetch` first brings back what a CI's checkout leaves out. `--as NAME` gives the verdict on a tag before it
exists.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from envhooks import report
from envhooks.base.dataclass import dataclass
from envhooks.base.errors import EnvhooksError, UsageError
from envhooks.base.hygiene import printable, word
from envhooks.base.invocation import spelled
from envhooks.base.near import meant
from envhooks.base.refs import TAGS, RefUpdate
from envhooks.cli import _manner
from envhooks.cli._progress import Progress
from envhooks.cli._terminal import columns, use_colour
from envhooks.git.repository import Git
from envhooks.judge import runs as gate
from envhooks.judge.ci import tag_of_run
from envhooks.judge.collect import standing
from envhooks.judge.facts import Forge, Inapplicable, Report
from envhooks.policy.trust import TrustContext
from envhooks.tagname import Grammar

MOST_JOBS = 256
SCHEMA = "report"
QUIET_HELP = "what is refused, alone; nothing where all is good"
VERBOSE_HELP = (
    "each warning and note, each check by name, and which programs and services are asked, and when"
)


@dataclass(frozen=True)
class Output:
    """One `--format`: what is written, and where."""

    format: str
    file: Path | None
    """None: standard output."""


GROUP = "make a release"
EXITS = (
    "every tag is good, or there was nothing to judge",
    "a tag is refused",
    "a tag could not be judged",
)
EXAMPLES = (
    ("envhooks check", "the tag that CI names, else the tags at HEAD"),
    ("envhooks check --as PyTorch-CUDA-v2.8-rc1", "before the tag exists"),
    ("envhooks check --all --quiet", "what is refused, alone"),
    ("envhooks check --fetch --format text --format sarif=out.sarif", "in CI"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG names or refs, `--all`, `--fetch`, `--jobs`, `--format`."""
    parser.add_argument("tags", nargs="*", metavar="TAG", help="a tag's name, short or as refs/tags/NAME")
    parser.add_argument("--all", action="store_true", help="every release tag of the repository")
    parser.add_argument(
        "--as",
        dest="draft",
        metavar="NAME",
        help="judge the commit TAG, else HEAD, as if a tag NAME were about to be made; nothing is made",
    )
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="first fetch the tag object, the protected branch, and as much history as it takes",
    )
    parser.add_argument(
        "--online",
        action="store_true",
        help="ask GitHub or GitLab too: whether the commit's required checks succeeded, and the signature is shown",
    )
    parser.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="programs that verify signatures at once; default: one more than there are processors",
    )
    parser.add_argument(
        "--format",
        action="append",
        type=_output,
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(report.formats())}; may be given several times; default: text",
    )


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_JOBS}")
    return int(text)


def _output(text: str) -> Output:
    name, has_file, file = text.partition("=")
    if name not in report.formats():
        known = report.formats()
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}{meant(name, known)}")
    if has_file and not file:
        raise argparse.ArgumentTypeError(f"{text!r} names no file")
    return Output(name, Path(file) if file not in ("", "-") else None)


def run(options: argparse.Namespace) -> int:
    """Print the report; the exit code is its outcome, whatever the formats are."""
    if options.all and options.tags:
        raise UsageError("either tags or --all, not both", fix="envhooks check --all")
    if options.draft is not None and (options.all or options.fetch or len(options.tags) > 1):
        text = "--as takes one commit, and neither --all nor --fetch"
        raise UsageError(text, fix=f"envhooks check --as {word(printable(options.draft))} HEAD")
    outputs: list[Output] = options.format or [Output("text", None)]
    files = [output.file for output in outputs if output.file]
    if len(set(files)) < len(files):
        raise UsageError("two formats cannot go into one file", place=printable(str(files[0])))
    try:
        outcome = _judge(options)
    except EnvhooksError as error:
        # what a program reads says it too: a report that is not there may be mistaken for one without findings
        # (`raise` says it on standard output as JSON)
        said = (Output("text", None), Output("json", None))
        _write(gate.failed(error), [output for output in outputs if output not in said], "full")
        raise
    _write(outcome, outputs, _detail(options, outcome), exists=options.draft is None)
    if not outcome.tags and not outcome.errors:
        _manner.note(f"envhooks: nothing to judge: {_why_nothing(options)}")
        if not options.fetch:
            _note_what_a_checkout_lacks()
    return outcome.exit_code


def _judge(options: argparse.Namespace) -> Report:
    path = Path.cwd()
    if options.draft is not None:
        with Git.open(path) as git, Progress() as progress:
            commit = next(iter(options.tags), "HEAD")
            work = gate.Work(options.jobs, progress.step, online(git) if options.online else None)
            return gate.judge_as(git, options.draft.removeprefix(TAGS), commit, work)
    named = [name if name.startswith(TAGS) else TAGS + name for name in options.tags]
    from_ci = None if named or options.all else tag_of_run(os.environ)
    wanted = [from_ci] if from_ci else named
    fetched = None
    if options.fetch:
        with Progress() as progress:
            progress.wait("fetching")
            fetched = _fetch(path, wanted, options.all, renew=from_ci is not None)
    with Git.open(path) as git, Progress() as progress:
        work = gate.Work(options.jobs, progress.step, online(git) if options.online else None)
        if options.all:
            if fetched is None and not git.refs(TAGS):
                _hold_every_tag(git)
            judged = gate.standing_judgement(git, gate.every_tag, fetched, work)
            from envhooks.records.audit import with_records

            looked_at = gate.with_lookalikes(git, judged.trust, judged.report)
            return with_records(git, judged.trust.root, looked_at, progress.step)
        return gate.judge_standing(git, lambda g, s: _choose(g, s, wanted, options.all), fetched, work)


def online(git: Git) -> Forge | Inapplicable:
    """The forge of the release remote, or why it cannot be asked."""
    from envhooks.builds.forge import forge_of
    from envhooks.policy.branches import protected_branch, release_remote

    remote = release_remote(git)
    return forge_of(git, remote, protected_branch(git, remote), os.environ)


def _fetch(path: Path, wanted: Sequence[str], every: bool, renew: bool) -> frozenset[str]:
    from envhooks.judge.checkout import repair

    if not wanted and not every:
        with Git.open(path) as git:
            wanted = [update.ref for update in _at_head(git, standing(git, {}))]
    return repair(path, None if every else wanted, renew)


def _why_nothing(options: argparse.Namespace) -> str:
    if options.all:
        return "this repository has no release tags"
    if options.tags or options.draft is not None:
        return "the policy leaves these tags alone"
    return "no release tag points at HEAD, and no CI variable names one"


def _hold_every_tag(git: Git) -> None:
    """Refuse a clone without tags that may lack them: all of them would be good, and nobody has looked.

    Raises:
        CannotJudge: it is shallow, or was made without tags.
    """
    from envhooks.judge.checkout import hold_every_tag

    hold_every_tag(git, "envhooks check --all --fetch")


def _note_what_a_checkout_lacks() -> None:
    """Remark on a shallow clone, in which tags are seldom found: a CI's checkout leaves them on the remote."""
    with Git.open(Path.cwd()) as git:
        if not git.is_shallow or git.refs(TAGS):
            return
    _manner.note("note: this clone is shallow and has no tags; this brings them")
    _manner.note(spelled("  fix: envhooks check --fetch"))


# ------------------------------------------------------------------------------------------ output


def _detail(options: argparse.Namespace, outcome: Report) -> report.Detail:
    if options.quiet or options.verbose:
        return "quiet" if options.quiet else "full"
    return "brief" if len(outcome.tags) > report.MANY else "usual"


def _write(outcome: Report, outputs: Sequence[Output], detail: report.Detail, exists: bool = True) -> None:
    """Standard output first, so that a file that cannot be written hides nothing.

    Raises:
        UsageError: a file cannot be written.
    """
    for output in (output for output in outputs if output.file is None):
        look = report.Look(use_colour(sys.stdout), columns(sys.stdout), detail, exists=exists)
        if output.format == "text":
            print(spelled(report.render(outcome, "text", look)), end="", flush=True)
        else:
            print(report.render(outcome, output.format, look), end="", flush=True)
    for output in outputs:
        if output.file is not None:
            _save(output.file, report.render(outcome, output.format, report.Look(detail=detail)), "w")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and any(output.format == "github" for output in outputs):
        from envhooks.report.github import summary as render_summary

        _save(Path(summary), render_summary(outcome), "a")


def _save(file: Path, text: str, mode: str) -> None:
    try:
        with file.open(mode, encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        why = printable(error.strerror or type(error).__name__)
        raise UsageError(f"the report cannot be written: {why}", place=printable(str(file))) from None


# ------------------------------------------------------------------------------------ which tags


def _choose(git: Git, trust: TrustContext, wanted: Sequence[str], all_tags: bool) -> Sequence[RefUpdate]:
    every = gate.every_tag(git, trust)
    if all_tags:
        return every
    if wanted:
        return [_named(ref, every, trust) for ref in wanted]
    return _at_head(git, every)


def _named(ref: str, every: Sequence[RefUpdate], trust: TrustContext) -> RefUpdate:
    found = next((update for update in every if update.ref == ref), None)
    if found is not None:
        return found
    near = Grammar(trust.root.policy.tag).read(ref.removeprefix(TAGS)).suggestion
    there = near if near and any(update.ref == TAGS + near for update in every) else ""
    fix = (
        f"envhooks check {word(there)}"
        if there
        else f"git fetch {word(trust.remote or 'origin')} {word(f'{ref}:{ref}')}"
    )
    raise UsageError(f"there is no tag {printable(ref.removeprefix(TAGS))} in this repository", fix=fix)


def _at_head(git: Git, every: Sequence[RefUpdate]) -> Sequence[RefUpdate]:
    head = git.resolve()
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
