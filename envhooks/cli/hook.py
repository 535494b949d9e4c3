"""what the doors call: judge what git is about to do (not meant to be typed)"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable, printable_block
from envhooks.base.refs import Door
from envhooks.cli import use_colour
from envhooks.git.repository import Git
from envhooks.judge.findings import Report

if TYPE_CHECKING:
    import argparse

    from envhooks.judge import runs as gate

DOORS = {
    "reference-transaction": Door.TAG,
    "pre-push": Door.PUSH,
    "pre-receive": Door.RECEIVE,
}
POST_RECEIVE = "post-receive"
EVENTS = (*DOORS, POST_RECEIVE)
HEADLINES = {
    Door.TAG: "the tag was not made",
    Door.PUSH: "nothing was pushed",
    Door.RECEIVE: "nothing was taken",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The event, and what git gives its hook: phase, or remote and URL."""
    parser.add_argument("event", choices=sorted(EVENTS))
    parser.add_argument("rest", nargs="*")


def run(options: argparse.Namespace) -> int:
    """See `judge`."""
    return judge(options.event, options.rest)


def judge(event: str, rest: Sequence[str]) -> int:
    """Judge the updates on standard input; whatever is said goes to stderr.

    Standard output of pre-push would end up inside `git push --porcelain`.
    """
    if event == POST_RECEIVE:
        return _after_receive()
    door = DOORS[event]
    warn = False
    told = sys.stdin.buffer.read()
    if not told:
        return 0  # nothing is pushed
    try:
        with Git.open(waits=False) as git:
            from envhooks.hooks import stdin as events
            from envhooks.judge import runs as gate  # and what they import, while git looks for the answers

            updates = events.PARSERS[door](told)
            git.settle()
            warn = gate.warn_only(git)
            if door is Door.RECEIVE and os.environ.get("GIT_NAMESPACE"):
                raise CannotJudge(
                    "this repository is served under a Git namespace, whose main and policy are not read",
                    fix="serve it without GIT_NAMESPACE, or each namespace as a repository of its own",
                )
            pushed_to = rest[0] if door is Door.PUSH and rest else None
            judged = gate.judge_push(git, door, updates, pushed_to)
            report = judged.report
            if door is Door.RECEIVE and (warn or not report.exit_code):
                from envhooks.hooks import relook

                relook.note(git, judged.subjects)
            message = os.path.join(git.git_path, "TAG_EDITMSG")
            if judged.standpoint.law.policy.builds and not report.exit_code:
                report = replace(report, notes=(*report.notes, *_start_builds(git, door, judged, rest)))
            if door is Door.TAG:
                report = replace(report, notes=(*report.notes, *_unwired(git)))
    except EnvhooksError as error:
        from envhooks.judge.runs import failed

        report, message = failed(error), ""
    _say(door, report, warn, message)
    return 0 if warn else report.exit_code


def _start_builds(git: Git, door: Door, judged: gate.Judgement, rest: Sequence[str]) -> tuple[str, ...]:
    """Whatever becomes of this, the verdict stands: a push is not held up by what cannot be built."""
    try:
        from envhooks.builds import watcher

        if door is Door.PUSH and len(rest) == 2:
            updates = [subject.update for subject in judged.subjects]
            return watcher.arm(git, judged.standpoint.law.policy, updates, rest[0], rest[1], os.environ)
        if door is Door.TAG:
            watcher.resume(git, os.environ)
    except Exception as error:
        return (f"no build is started: {error}",)
    return ()


def _after_receive() -> int:
    """Start the builds of the tags that this repository has just taken; the push itself is over."""
    try:
        with Git.open(waits=False) as git:
            from envhooks.hooks import relook
            from envhooks.hooks import stdin as events
            from envhooks.policy.trust import stand

            updates = events.pre_receive(sys.stdin.buffer.read())
            git.settle()
            relook.forget(git, (update.new for update in updates if update.new))
            policy = stand(git, Door.RECEIVE).law.policy
            if any(build.on == "server" for build in policy.builds):
                from envhooks.builds import watcher

                for note in watcher.landed(git, policy, updates, os.environ):
                    print(f"envhooks: {printable_block(note)}", file=sys.stderr)
    except (EnvhooksError, OSError) as error:
        print(f"envhooks: no build is started: {printable_block(str(error))}", file=sys.stderr)
        return 2
    return 0


def _unwired(git: Git) -> tuple[str, ...]:
    """This door is the tripwire for the other: hook managers replace pre-push, and leave this one alone."""
    from envhooks.hooks.managers import marks

    if marks.is_wired(git.hooks_path, "pre-push"):  # the usual case, without a survey of all neighbours
        return ()
    from envhooks.hooks.install import faults

    return faults(git)


def _say(door: Door, report: Report, warn: bool, message: str) -> None:
    shown = _worth_saying(report)
    if report.exit_code:
        headline = "would have been refused (envhooks.mode is warn)" if warn else HEADLINES[door]
        print(f"envhooks: {headline}", file=sys.stderr)
    if shown != Report():
        from envhooks.report import render

        print(render(shown, "text", colour=use_colour(sys.stderr)), end="", file=sys.stderr)
    if report.exit_code and not warn and door is Door.TAG and os.path.exists(message):
        # Git 2.42 and newer keep what was typed in the editor
        print(
            f"  your message is kept: git tag -s -F {printable(os.path.relpath(message))} <name>",
            file=sys.stderr,
        )


def _worth_saying(report: Report) -> Report:
    """What was refused or warned of: a door has nothing to say about a good tag, nor about what is merely noted."""
    tags = (
        replace(tag, findings=tuple(finding for finding in tag.findings if finding.level != "note"))
        for tag in report.tags
    )
    return Report(tuple(tag for tag in tags if tag.findings or tag.undecided), report.errors, report.notes)
