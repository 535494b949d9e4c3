"""put the hooks into this clone, or into a server's repository

Hooks do not come with a clone, so every clone needs this once. Other hooks stay and are run as before;
`envhooks uninstall` puts everything back.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from envhooks.base.errors import EnvhooksError, UsageError
from envhooks.base.hygiene import printable_block
from envhooks.cli._manner import answer, remark
from envhooks.git.repository import Git
from envhooks.hooks import copies, install
from envhooks.hooks.managers.actions import Action, Plan, WriteFile, apply
from envhooks.hooks.managers.settings import Request

GROUP = "set up"
EXAMPLES = (
    ("envhooks install", "this clone"),
    ("envhooks install --server", "a repository that is pushed to: judge there"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--branch`, `--remote`, `--server`, `--global`, `--dry-run`."""
    parser.add_argument(
        "--branch", metavar="NAME", help="the protected branch; default: what the repository tells"
    )
    parser.add_argument(
        "--remote", metavar="NAME", help="the remote that releases go to; default: what the repository tells"
    )
    parser.add_argument("--server", action="store_true", help="this repository is pushed to: judge there")
    parser.add_argument(
        "--global", action="store_true", dest="everywhere",
        help="for all of your clones that have a policy, by your own git configuration (Git 2.54 and newer)",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
    parser.add_argument("--from-pre-commit", action="store_true", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Install, and say what was done."""
    if options.everywhere:
        return _everywhere(options)
    request = Request(options.branch, options.remote, options.server, options.from_pre_commit)
    with Git.open(Path.cwd()) as git:
        plan = install.plan_install(git, request)
        if plan.actions and not options.dry_run:
            apply(plan.actions, git.work_tree or git.common_dir)
        home = git.common_dir / copies.FOLDER
        waiting = () if options.dry_run or options.from_pre_commit else _waiting(git, options.server)
    answer(print_plan(plan, home, options.dry_run), waiting=waiting)
    if not plan.actions:
        remark("envhooks is installed here; there is nothing to do")
    elif not options.dry_run:
        hooks = "pushes to this repository" if options.server else "git tag and git push"
        remark(f"envhooks is installed: it judges release tags at {hooks}")
    for line in waiting:
        remark(printable_block(line))
    return 0


def _everywhere(options: argparse.Namespace) -> int:
    """The hooks for all clones; what belongs to one repository cannot be said beside it."""
    from envhooks.hooks.managers import everywhere

    if options.server or options.branch or options.remote:
        raise UsageError("--server, --branch and --remote belong to one repository, --global to none")
    plan = everywhere.plan_install()
    if not options.dry_run:
        apply(plan.actions, Path.cwd())
    answer(print_plan(plan, everywhere.home(), options.dry_run), waiting=())
    if not plan.actions:
        remark("envhooks is installed for all of your clones; there is nothing to do")
    elif not options.dry_run:
        remark("envhooks is installed: it judges release tags in every clone of yours that has a policy")
    return 0


def _waiting(git: Git, server: bool) -> tuple[str, ...]:
    """The builds that this machine would start and nobody allowed here yet: installing does not allow them."""
    from envhooks.base.refs import Hook
    from envhooks.policy.trust import (
        trust_context,  # not at the top: pre-commit's install costs as little as it can
    )

    try:
        policy = trust_context(git, Hook.RECEIVE if server else Hook.CHECK).root.policy
    except EnvhooksError:
        return ()  # no policy yet: the first build section will ask for its own word
    builds = [build for build in policy.builds if build.on == ("server" if server else "client")]
    if not builds:
        return ()
    from envhooks.builds import consent

    names = [build.name for build in builds if not consent.allowed(git, build)]
    if not names:
        return ()
    what = "its build" if len(names) == 1 else "its builds"
    return (
        f"{what} {', '.join(names)} would run here after a push, and nothing runs before you allow it;"
        " to see and allow it: envhooks builds --allow",
    )


def print_plan(plan: Plan, home: Path, dry_run: bool) -> dict[str, object]:
    """One line for each action, those in the folder of the hooks together, and the notes; the same for programs."""
    inside = [
        action for action in plan.actions if isinstance(action, WriteFile) and home in action.path.parents
    ]
    here = Path.cwd()
    names = ", ".join(action.path.name for action in inside)
    shown = home.relative_to(here) if here in home.parents else home
    lines = [f"write {names} in {shown}/"] if inside else []
    outside: list[Action] = [action for action in plan.actions if action not in inside]
    said = [*lines, *map(str, outside)]
    for line in said:
        # a dry run is asked what would be done: that is its answer
        (print if dry_run else remark)(printable_block(f"would {line}" if dry_run else line))
    for note in plan.notes:
        remark(printable_block(f"note: {note}"))
    return {"actions": said, "notes": plan.notes, "changed": bool(said) and not dry_run}
