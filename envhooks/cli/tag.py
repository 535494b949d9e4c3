"""make the next release tag: checked, signed and pushed

Everything is checked before anything exists; then the tag is annotated, signed and pushed. Without NAME the next name
of the line is proposed: the Dockerfile's pins, the last tag, and the stage. Nothing is made where a check would
refuse the tag, or where your key would not be accepted. The message is the changelog entry and the facts that were
read, and `git tag -s` signs it as your git is set up to. Nothing is asked without a terminal, and no editor is
opened.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.base.invocation import spelled
from envhooks.base.refs import TAGS, Hook, RefUpdate
from envhooks.cli import _publish
from envhooks.cli._manner import answer, complain, quiet, remark, sentence, verbose
from envhooks.cli._ownsigning import SigningFault, signing_fault
from envhooks.cli._progress import Progress
from envhooks.cli._terminal import columns, use_colour
from envhooks.cli.check import online
from envhooks.git.repository import Git
from envhooks.git.workspace import Workspace
from envhooks.image.compat import table_of
from envhooks.judge import runs
from envhooks.judge.facts import Report
from envhooks.policy.trust import TrustContext
from envhooks.releases.annotation import annotation
from envhooks.releases.naming import Proposal, named, propose
from envhooks.releases.reading import Releases
from envhooks.report import Detail, Look, render
from envhooks.report.json import document as report_document

STAGES = ("alpha", "beta", "rc", "stable", "post")

_MOST = 5
"""Names of files that are not committed, at most, in a remark."""

GROUP = "make a release"
EXAMPLES = (
    ("envhooks tag --dry-run", "the next name, the verdict, and the commands"),
    ("envhooks tag PyTorch-CUDA-v2.8-rc1 --push", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """NAME, `--at`, `--stage`, `--all-lines`, `--push`, `--dry-run`."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="default: the next name, as the Dockerfile says"
    )
    parser.add_argument("--at", metavar="COMMIT", default="HEAD", help="default: HEAD")
    parser.add_argument("--stage", choices=STAGES, help="of the proposed name; default: by the last tag")
    parser.add_argument("--all-lines", action="store_true", help="a tag for each line, all of them or none")
    parser.add_argument(
        "--push",
        action="store_true",
        help="push the protected branch and the tag together, and follow the build to the record",
    )
    parser.add_argument("--dry-run", action="store_true", help="show all of it, and make nothing")


@dataclass(frozen=True)
class Planned:
    """Tags that are going to be made together."""

    trust: TrustContext
    commit: str
    messages: tuple[tuple[str, str], ...]
    """(tag, message)."""
    report: Report
    sending: _publish.Sending | None
    lacking: tuple[str, ...] = ()
    """Tags whose changelog entry can be drafted."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(tag for tag, _ in self.messages)


def run(options: argparse.Namespace) -> int:
    """Propose, judge, make, push."""
    if options.name is not None and (options.all_lines or options.stage):
        other = "--all-lines" if options.all_lines else "--stage"
        raise UsageError(f"either NAME or {other}, not both", fix=f"envhooks tag {word(options.name)}")
    with Git.open(Path.cwd()) as git:
        top = git.work_tree or git.common_dir
        names = (options.name.removeprefix(TAGS),) if options.name is not None else _proposed(git, options)
        planned = _plan(git, names, options.at)
        fault = signing_fault(git, planned.trust)
        detail: Detail = "quiet" if quiet() else "full" if verbose() else "usual"
        look = Look(use_colour(sys.stdout), columns(sys.stdout), detail, exists=False)
        print(spelled(render(planned.report, "text", look)), end="")
        _answer(planned, fault)
        if fault is not None:
            sentence(f"cannot be signed: {printable(fault.text)}")
            print(spelled(printable_block("\n".join(fault.lines))), end="\n" if fault.lines else "")
        code = planned.report.exit_code or (1 if fault is not None else 0)
        if code:
            _say_nothing_made(planned)
            return code
    _say_uncommitted(top, planned.commit)
    if options.dry_run:
        _show(planned, options.push)
        return 0
    if options.push and planned.sending is None:
        raise UsageError("there is no remote to push to", fix="git remote add origin URL")
    hindrance = _publish.in_the_way(top, planned.sending) if options.push and planned.sending else None
    if hindrance is not None:
        sentence(f"cannot be pushed: {printable(hindrance[0])}:")
        print(f"  {printable(hindrance[1])}")
        answer(next=hindrance[1])
        _say_nothing_made(planned)
        return 1
    made = _make(top, planned)
    if not made:
        return 1
    if planned.sending is None:
        return 0
    if not options.push or not _publish.agreed(planned.sending):
        remark(f"next: {printable(planned.sending.command)}")
        return 0
    if not _publish.push(top, planned.sending):
        complain("not pushed; the tag stays here, and this pushes it:")
        complain(f"  {printable(planned.sending.command)}")
        return 1
    answer(pushed=True, next=None)
    remark(f"pushed: {printable(planned.sending.what)} to {printable(planned.sending.remote)}")
    return _publish.follow_to_the_record(planned.tags)


def _answer(planned: Planned, fault: SigningFault | None) -> None:
    """For programs: what is going to be made, and why not."""
    answer(
        commit=planned.commit,
        tags=[{"tag": tag, "message": message} for tag, message in planned.messages],
        report=report_document(planned.report),
        signing_fault=fault and {"text": fault.text, "fix": "\n".join(line.strip() for line in fault.lines)},
        made=[],
        pushed=False,
        builds=[],
        records=[],
        next=planned.sending.command if planned.sending else None,
    )


# ------------------------------------------------------------------------------------- before it exists


def _proposed(git: Git, options: argparse.Namespace) -> tuple[str, ...]:
    """The next name, or those of all lines; said as they are found.

    Raises:
        UsageError: there is none, or more than one where one is wanted.
    """
    commit = None if options.at.startswith("-") else git.resolve(options.at)
    if commit is None:
        raise UsageError(f"there is no commit {printable(options.at)} in this repository")
    proposals = propose(Releases(git), commit, options.stage)
    found = [*named(proposals)]
    if not found:
        first, *more = (f"{one.line + ': ' if one.line else ''}{one.why}" for one in proposals)
        for text in more:
            print(printable(text), file=sys.stderr)
        raise UsageError(f"no next name can be told: {printable(first)}")
    if len(found) > 1 and not options.all_lines:
        stage = f" --stage {options.stage}" if options.stage else ""
        for one in found:
            print(f"next: {_described(one)}", file=sys.stderr)
        raise UsageError(
            f"there are {len(found)} lines, each with a next release of its own; name one, or take all",
            fix=f"envhooks tag --all-lines{stage}",
        )
    for one in found:
        remark(f"next: {_described(one)}")
    for one in proposals:
        if not one.name and options.all_lines:
            remark(f"left out: {printable(one.line)}: {printable(one.why)}")
    return tuple(one.name for one in found)


def _described(one: Proposal) -> str:
    return f"{printable(one.name)} ({printable(one.why)})"


def _plan(git: Git, names: Sequence[str], at: str) -> Planned:
    """Plan of the tags to make, and the verdict on it.

    Raises:
        UsageError: a name that is not a release's, or that is there already; no such commit.
    """
    with Progress() as progress:
        judged = runs.judgement_as(git, names, at, runs.Work(step=progress.step, forge=online(git)))
    found = {report.tag for report in judged.report.tags}
    left = [name for name in names if name not in found]
    if left and not judged.report.errors:
        text = f"the policy leaves {printable(left[0])} alone, so it is no release"
        raise UsageError(text, fix=f"git tag -s {word(left[0])}")
    commit = git.resolve(at) or ""
    policy = judged.trust.root.policy
    messages: tuple[tuple[str, str], ...] = ()
    if judged.report.exit_code == 0:
        table = table_of(policy)
        messages = tuple((one.tag, annotation(one, policy, table)) for one in judged.subjects)
    refused = {
        report.tag
        for report in judged.report.tags
        if any((one.check, one.level) == ("changelog-entry", "error") for one in report.findings)
    }
    lacking = tuple(
        one.tag for one in judged.subjects if one.tag in refused and one.changelog.is_to_be_drafted
    )
    what = _publish.sending(git, judged.trust, commit, names)
    return Planned(judged.trust, commit, messages, judged.report, what, lacking)


def _say_uncommitted(top: Path, commit: str) -> None:
    """Remark on files that differ from the commit that is tagged, where it is the one that is checked out."""
    workspace = Workspace(top)
    try:
        if workspace.run("rev-parse", "HEAD").output.strip() != commit:
            return
        listed = workspace.run("--no-optional-locks", "status", "--porcelain", "-z", "--untracked-files=no")
    finally:
        workspace.close()
    changed = [entry[3:] for entry in listed.output.split("\0") if re.match("[MADTRC ]{2} .", entry)]
    if listed.exit_code == 0 and changed:
        more = f" and {len(changed) - _MOST} more" if len(changed) > _MOST else ""
        files = ", ".join(changed[:_MOST])
        remark(f"note: not committed, and so not in the tag: {printable(files, 400)}{printable(more)}")


def _say_nothing_made(planned: Planned) -> None:
    for tag in planned.lacking:
        remark(spelled(f"the entry can be drafted: envhooks changelog {word(tag)}"))
    print("nothing was made")


def _show(planned: Planned, pushes: bool) -> None:
    """All that would be done."""
    for tag, message in planned.messages:
        print(f"\ngit tag -s {word(tag)} {printable(planned.commit[:12])}, with this message:\n")
        print(printable_block("\n".join(f"    {line}".rstrip() for line in message.split("\n"))))
    if pushes and planned.sending is not None:
        print(printable(planned.sending.command))
    print("nothing was made: this is a dry run")


# ------------------------------------------------------------------------------------------ made


def _make(top: Path, planned: Planned) -> bool:
    """Make the tags, all of them or none; whether they are there and good."""
    made: list[tuple[str, str]] = []
    for tag, message in planned.messages:
        oid = _make_one(top, tag, planned.commit, message)
        if oid:
            made.append((tag, oid))
            report = _judged(tag, oid)
            if report.exit_code == 0:
                continue
            look = Look(use_colour(sys.stderr), columns(sys.stderr))
            print(spelled(render(report, "text", look)), end="", file=sys.stderr)
        _undo(top, made)
        return False
    answer(made=[{"tag": tag, "object": oid} for tag, oid in made])
    for tag, _ in made:
        remark(f"tagged: {printable(tag)} at {printable(planned.commit[:12])}, signed")
    return True


def _make_one(top: Path, tag: str, commit: str, message: str) -> str:
    """The id of the tag that `git tag -s` made; empty where it made none, and has said why."""
    with tempfile.TemporaryDirectory(prefix="envhooks-tag-") as folder:
        file = Path(folder) / "message"
        file.write_text(message, encoding="utf-8", newline="\n")
        workspace = Workspace(top)
        try:
            command = ("tag", "-s", "--cleanup=whitespace", "-F", str(file), tag, commit)
            if workspace.pass_on(*command):
                return ""
            return workspace.do("rev-parse", "--verify", f"{TAGS}{tag}").strip()
        finally:
            workspace.close()


def _judged(tag: str, oid: str) -> Report:
    """The verdict on the tag as it was made: without hooks nobody else has looked."""
    with Git.open(Path.cwd()) as git:
        return runs.judge_push(git, Hook.TAG, [RefUpdate(f"{TAGS}{tag}", None, oid)]).report


def _undo(top: Path, made: Sequence[tuple[str, str]]) -> None:
    workspace = Workspace(top)
    try:
        for tag, oid in made:
            outcome = workspace.run("update-ref", "-d", f"{TAGS}{tag}", oid)
            if outcome.exit_code:
                raise CannotJudge(
                    f"{printable(tag)} was made and cannot be removed: {printable(outcome.output)}"
                )
    finally:
        workspace.close()
    complain("no tag was made")
