"""build the image of a published tag now, in the foreground

The tag is one that the remote holds. The tag is judged again by the remote's own main; what is not good is not built.
In CI (`CI` is set) the build sections with `on = "ci"` are meant, else those with `on = "client"`; where there are
none of these, all.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable, printable_block, word
from envhooks.base.refs import TAGS
from envhooks.builds import confirm, consent, publication, show
from envhooks.builds import remote as remotes
from envhooks.builds.beside import build_beside
from envhooks.builds.builders import load
from envhooks.builds.context import Allowed, remove_context, write_context
from envhooks.builds.ledger import Intent, Ledger, Row
from envhooks.builds.types import Plan
from envhooks.builds.watcher import in_ci
from envhooks.builds.work import Worker, context_path, work_in_foreground
from envhooks.cli._manner import answer, note, quiet
from envhooks.cli._terminal import columns, use_colour
from envhooks.git.repository import Git
from envhooks.judge.checkout import repair
from envhooks.judge.facts import Report
from envhooks.policy import BuildPolicy
from envhooks.policy.branches import release_remote
from envhooks.records import after
from envhooks.report import Look, render
from envhooks.report.json import document as report_document

GROUP = "build and record"
EXITS = (
    "all is built",
    "a build failed, or the tag is refused",
    "something waits, or could not be tried",
)
EXAMPLES = (
    ("envhooks build PyTorch-CUDA-v2.8-rc1 --dry-run", "what would be executed"),
    ("envhooks build PyTorch-CUDA-v2.8-rc1", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """TAG, `--dry-run`, `--remote`, `--build`, `--allow`, `--again`, `--fetch`."""
    parser.add_argument("tag", metavar="TAG", help="a tag's name, short or as refs/tags/NAME")
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be executed, and execute nothing"
    )
    parser.add_argument(
        "--remote", metavar="NAME", help="the remote that holds the tag; default: the release remote"
    )
    parser.add_argument("--build", metavar="NAME", help="one build section; default: those for this place")
    parser.add_argument(
        "--allow", action="store_true", help="allow what the build sections run in this clone"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="build a published tag a second time, beside it, and compare the two; nothing is named",
    )
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="first fetch what a CI's checkout leaves out, as `envhooks check --fetch` does",
    )


def run(options: argparse.Namespace) -> int:
    """Judge, plan, and build."""
    ref = options.tag if options.tag.startswith(TAGS) else TAGS + options.tag
    if options.fetch:
        repair(Path.cwd(), [ref], renew=in_ci(os.environ))
    with Git.open(Path.cwd()) as git:
        name = options.remote or release_remote(git)
        target = remotes.named(git, name, os.environ) if name else remotes.own_repository(git)
        refs = remotes.list_refs(git, target, os.environ)
        oid = refs.refs.get(ref)
        if oid is None:
            raise _not_there(git, ref, name)
        confirmed = confirm.confirm(git, target, refs, {ref: oid}, os.environ)
        report = Report(tuple(confirmed.tags.values()), confirmed.errors)
        answer(tag=ref.removeprefix(TAGS), report=report_document(report), plans=[], builds=[], compared=[])
        if report.exit_code:
            print(
                render(report, "text", Look(use_colour(sys.stderr), columns(sys.stderr))),
                end="",
                file=sys.stderr,
            )
            return report.exit_code
        sections = _sections(confirm.sections_for(git, confirmed.policy, ref, target), options, ref)
        plans = [confirm.plan_for(git, confirmed, ref, target, section) for section in sections]
        if options.again and not options.dry_run:
            return _build_beside(git, sections, plans, options)
        if not options.dry_run:
            return _build(git, target, ref, oid, sections, plans, options)
        answer(plans=[_print_plan(git, plan, section) for plan, section in zip(plans, sections, strict=True)])
    return 0


def _not_there(git: Git, ref: str, remote: str | None) -> UsageError:
    shown, where = printable(ref.removeprefix(TAGS)), printable(remote or "this repository")
    is_local = any(found.name == ref for found in git.refs(ref))
    fix = f"git push {where} {shown}" if is_local and remote else "git tag --list"
    return UsageError(f"{where} does not hold a tag {shown}, and only what it holds is built", fix=fix)


def _sections(found: Sequence[BuildPolicy], options: argparse.Namespace, ref: str) -> tuple[BuildPolicy, ...]:
    tag = printable(ref.removeprefix(TAGS))
    if options.build:
        chosen = tuple(build for build in found if build.name == options.build)
        if not chosen:
            known = ", ".join(build.name for build in found) or "none"
            raise UsageError(f"no build section {printable(options.build)} is for {tag}; there is: {known}")
        return chosen
    if not found:
        raise UsageError(
            f"the policy has no [[build]] for {tag} on this remote",
            fix="add a [[build]] to .envhooks/policy.toml, commit it and push it",
        )
    place = "ci" if in_ci(os.environ) else "client"
    return tuple(build for build in found if build.on == place) or tuple(found)


def _print_plan(git: Git, plan: Plan, section: BuildPolicy) -> dict[str, object]:
    """What would be executed, as it is printed, for programs."""
    context = context_path(Ledger(git.common_dir), plan.key).with_suffix(f".dry-{os.getpid()}")
    # whether there is anything to be built from: a submodule or a pointer of Git LFS is seen in the tree alone
    remove_context(write_context(git, plan.commit, context, Allowed.by(section.options), plan.epoch))
    notes = [*plan.notes]
    if publication.is_asked(plan) and plan.using != "local":
        notes += publication.naming(plan, is_pushed=True)
    for text in (f"{plan.tag}: {plan.build}, using {plan.using}", *notes):
        note(f"# {printable(text)}")
    commands = [*load(plan.using).commands(plan, context_path(Ledger(git.common_dir), plan.key))]
    for command in commands:
        print(printable_block(command))
    return {"build": plan.build, "using": plan.using, "notes": notes, "commands": commands}


def _build_beside(
    git: Git, sections: Sequence[BuildPolicy], plans: Sequence[Plan], options: argparse.Namespace
) -> int:
    require_consent(git, sections, give=options.allow)
    code, compared = 0, []
    for plan, section in zip(plans, sections, strict=True):
        environ = remotes.user_environment(os.environ)
        found, said = build_beside(git, Ledger(git.common_dir), plan, section, sys.stderr, environ)
        print(printable(said, 1000))
        compared.append({"build": plan.build, "is_same": found == 0, "text": said})
        code = max(code, found)
    answer(compared=compared)
    return code


def _build(
    git: Git,
    target: remotes.Remote,
    ref: str,
    oid: str,
    sections: Sequence[BuildPolicy],
    plans: Sequence[Plan],
    options: argparse.Namespace,
) -> int:
    require_consent(git, sections, give=options.allow)
    ledger = Ledger(git.common_dir)
    intents = [Intent(ref, oid, section.name) for section in sections]
    ledger.record(target.shown, target.name, "server" if target.own else "client", intents)
    rows = {plan.key: ledger.row(plan.key) for plan in plans}
    # the registry shows whether a finished build is still there; without one to ask, the ledger decides
    keys = [
        plan.key
        for plan in plans
        if publication.is_asked(plan) or (row := rows[plan.key]) is None or row.state != "done"
    ]
    if len(keys) < len(plans):
        say("built already; nothing is built twice")
    ledger.release(keys, also=("done", "final", "requested"), afresh=True)
    worker = Worker(git, ledger, os.environ, say, {target.shown: target}, absent_asks=1, record=after.record)
    if keys:
        work_in_foreground(worker, keys, sys.stderr)
    shown = [row for row in ledger.rows() if row.key in rows]
    answer(builds=show.documents(shown))
    if not quiet():
        print(show.table(shown), end="")
    return outcome(shown, f"envhooks build {word(options.tag)}", worker.refused)


def require_consent(git: Git, sections: Sequence[BuildPolicy], *, give: bool) -> None:
    """Show what is not allowed here yet; allow it where that was asked for.

    Raises:
        CannotJudge: it was not.
    """
    for section in sections:
        if consent.allowed(git, section):
            continue
        changed = consent.difference(git, section)
        for line in (*consent.describe(section), *(("since it was allowed:", *changed) if changed else ())):
            print(printable_block(line), file=sys.stderr)
        if not give:
            raise consent.why_not(git, section) or CannotJudge(f"{section.name} is not allowed here")
        _ask_person(section)
        consent.allow(git, section)


def _ask_person(section: BuildPolicy) -> None:
    """At a terminal, ask after it was shown; elsewhere, as in CI, the typed `--allow` is the word.

    Raises:
        CannotJudge: the answer is no.
    """
    if in_ci(os.environ) or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    name = printable(section.name, 60)
    print(f"allow {name} to run this in this clone? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CannotJudge(f"{name} was not allowed, and nothing has changed")


def say(text: str) -> None:
    """One step, on standard error."""
    note(f"envhooks: {printable_block(text)}")


def outcome(rows: Sequence[Row], again: str, refused: Collection[str] = ()) -> int:
    """0 where all is built or dropped, 1 where a build failed, 2 where one waits, was requested, or was not tried."""
    code = 0
    for row in rows:
        if row.state == "failed":
            print(show.failure(row, again), end="", file=sys.stderr)
            code = max(code, 2 if row.key in refused else 1)
        elif row.state == "final":
            print(show.failure(row, show.again_for(row, again)), end="", file=sys.stderr)
            code = max(code, 1)
        elif row.state not in ("done", "dropped"):
            code = 2
    return code
