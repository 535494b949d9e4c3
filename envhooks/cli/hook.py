"""what the hooks call: judge what git is about to do (not meant to be typed)"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.base.refs import Hook
from envhooks.git.repository import Git
from envhooks.judge.facts import Report

if TYPE_CHECKING:
    import argparse

    from envhooks.judge import runs as gate

NO_JSON = "git calls it, and reads its exit code"
HOOKS = {
    "reference-transaction": Hook.TAG,
    "pre-push": Hook.PUSH,
    "pre-receive": Hook.RECEIVE,
    "taking": Hook.RECEIVE,
}
"""Event -> the hook as which it is judged. `taking` is a server's second look: its reference-transaction hook."""
POST_RECEIVE = "post-receive"
NOTES = "refs/notes/envhooks"
EVENTS = (*HOOKS, POST_RECEIVE)
HEADLINES = {
    Hook.TAG: "the tag was not made",
    Hook.PUSH: "nothing was pushed",
    Hook.RECEIVE: "nothing was taken",
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
    hook = HOOKS[event]
    warn = False
    told = sys.stdin.buffer.read()
    if not told:
        return 0  # nothing is pushed
    try:
        with Git.open(waits=False) as git:
            from envhooks.hooks import PARSERS
            from envhooks.judge import runs as gate  # and what they import, while git looks for the answers

            updates = PARSERS[event](told)
            git.await_answers()
            warn = gate.warn_only(git)
            if hook is Hook.RECEIVE and os.environ.get("GIT_NAMESPACE"):
                raise CannotJudge(
                    "this repository is served under a Git namespace, whose main and policy are not read",
                    fix="serve it without GIT_NAMESPACE, or each namespace as a repository of its own",
                )
            if event == "taking" and not _is_first_look_here(git):
                return 0
            pushed_to = rest[0] if hook is Hook.PUSH and rest else None
            judged = gate.judge_push(git, hook, updates, pushed_to, taking=event == "taking")
            report = judged.report
            if hook is Hook.RECEIVE and any(update.ref == NOTES for update in updates):
                from envhooks.records import taking

                taken = taking.refusals(git, judged.trust.root, updates)
                report = replace(report, errors=(*report.errors, *taken))
            if hook is Hook.RECEIVE:
                report = _between(git, event, replace(judged, report=report))
            message = os.path.join(git.git_path, "TAG_EDITMSG")
            if judged.trust.root.policy.builds and not report.exit_code and event != "taking":
                report = replace(report, notes=(*report.notes, *_start_builds(git, hook, judged, rest)))
            if hook is Hook.TAG:
                report = replace(report, notes=(*report.notes, *_unwired(git)))
            if hook is not Hook.RECEIVE and (report.exit_code or _tried_before(git)):
                from envhooks.hooks import lasttry

                report = lasttry.told(git, report)
    except EnvhooksError as error:
        from envhooks.judge.runs import failed

        report, message = failed(error), ""
    _say(hook, report, warn, message)
    return 0 if warn else report.exit_code


def _is_first_look_here(git: Git) -> bool:
    """Whether git runs this server's pre-receive: where its owner took that away, nothing is judged a second time."""
    from envhooks.hooks.install import is_wired

    return is_wired(git, "pre-receive")


def _between(git: Git, event: str, judged: gate.Judgement) -> Report:
    """A server's report, with what has to be said because a push is judged before it is taken."""
    from envhooks.hooks import relook

    if event == "taking":
        return relook.explained(judged)
    if not judged.report.exit_code:
        relook.demand(git, judged.subjects, os.environ)
    return judged.report


def _start_builds(git: Git, hook: Hook, judged: gate.Judgement, rest: Sequence[str]) -> tuple[str, ...]:
    """Record and start the builds of a push; a failure here does not change the verdict on the push."""
    try:
        from envhooks.builds import watcher

        if hook is Hook.PUSH and len(rest) == 2:
            updates = [subject.update for subject in judged.subjects]
            notes = watcher.arm(git, judged.trust.root.policy, updates, rest[0], rest[1], os.environ)
            return (*notes, *watcher.unfinished(git))
        if hook is Hook.TAG:
            failed = watcher.unfinished(git)  # before it is tried again
            watcher.resume(git, os.environ)
            return failed
    except Exception as error:
        return (f"no build is started: {error}",)
    return ()


def _after_receive() -> int:
    """Start the builds of the tags that this repository has just taken; the push itself is over."""
    try:
        with Git.open(waits=False) as git:
            from envhooks.hooks import pre_receive
            from envhooks.policy.trust import trust_context

            updates = pre_receive(sys.stdin.buffer.read())
            git.await_answers()
            policy = trust_context(git, Hook.RECEIVE).root.policy
            if any(build.on == "server" for build in policy.builds):
                from envhooks.builds import watcher

                for note in watcher.landed(git, policy, updates, os.environ):
                    print(f"envhooks: {printable_block(note)}", file=sys.stderr)
    except (EnvhooksError, OSError) as error:
        print(f"envhooks: no build is started: {printable_block(str(error))}", file=sys.stderr)
        return 2
    return 0


def _tried_before(git: Git) -> bool:
    return os.path.isfile(os.path.join(git.common_path, "envhooks", "last-try"))


def _unwired(git: Git) -> tuple[str, ...]:
    """This hook is the tripwire for the other: hook managers replace pre-push, and leave this one alone."""
    from envhooks.hooks.managers import marks

    if marks.is_wired(git.hooks_path, "pre-push"):  # the usual case, without a survey of all neighbours
        return ()
    from envhooks.hooks.install import faults

    return faults(git)


def _say(hook: Hook, report: Report, warn: bool, message: str) -> None:
    shown = _worth_saying(report)
    if report.exit_code:
        headline = "would have been refused (envhooks.mode is warn)" if warn else HEADLINES[hook]
        print(f"envhooks: {headline}", file=sys.stderr)
    if shown != Report():
        from envhooks.cli._terminal import columns, use_colour
        from envhooks.report import MANY, Look, render

        # who pushes has the tags, and can ask about one of many; who pushes to a server may not have envhooks
        is_brief = hook is Hook.PUSH and len(shown.tags) > MANY
        look = Look(
            use_colour(sys.stderr),
            columns(sys.stderr),
            "brief" if is_brief else "usual",
            exists=hook is not Hook.TAG or not report.exit_code,
        )
        from envhooks.base.invocation import spelled

        # a push shows what a server says on another machine
        if hook is Hook.RECEIVE:
            print(render(shown, "text", look), end="", file=sys.stderr)
        else:
            print(spelled(render(shown, "text", look)), end="", file=sys.stderr)
    if report.exit_code and not warn and hook is Hook.TAG and os.path.exists(message):
        # Git 2.42 and newer keep what was typed in the editor
        kept = word(os.path.relpath(message))
        print(f"  your message is kept: put -F {printable(kept)} in the place of -m", file=sys.stderr)


def _worth_saying(report: Report) -> Report:
    """The report without good tags and without notes: a hook prints only what is refused or warned of."""
    tags = (
        replace(tag, findings=tuple(finding for finding in tag.findings if finding.level != "note"))
        for tag in report.tags
    )
    return Report(tuple(tag for tag in tags if tag.findings or tag.undecided), report.errors, report.notes)
