"""take the hooks out again, and put back every hook as it was"""

from __future__ import annotations

import argparse
from pathlib import Path

from envhooks.cli._manner import answer, remark
from envhooks.cli.install import print_plan
from envhooks.git.repository import Git
from envhooks.hooks import copies, install
from envhooks.hooks.managers.actions import apply

GROUP = "set up"
EXAMPLES = (
    ("envhooks uninstall --dry-run", "what would be put back"),
    ("envhooks uninstall", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--global`, `--dry-run`."""
    parser.add_argument(
        "--global",
        action="store_true",
        dest="everywhere",
        help="what `install --global` put up for all clones",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")


def run(options: argparse.Namespace) -> int:
    """Uninstall, and say what was done."""
    if options.everywhere:
        return _everywhere(options.dry_run)
    with Git.open(Path.cwd()) as git:
        plan = install.plan_uninstall(git)
        if not options.dry_run:
            apply(plan.actions, git.work_tree or git.common_dir)
        home = git.common_dir / copies.FOLDER
        by_pre_commit = _comes_back(git.work_tree)
    answer(print_plan(plan, home, options.dry_run))
    if not plan.actions:
        remark("envhooks is not installed here; there is nothing to do")
    elif not options.dry_run:
        remark("envhooks is uninstalled: nothing judges tags in this repository any more")
        if by_pre_commit:
            remark(
                "the next commit, or `pre-commit run`, puts the hooks back: to keep them out, take envhooks-install"
                " out of .pre-commit-config.yaml"
            )
    return 0


def _comes_back(top: Path | None) -> bool:
    """Whether pre-commit or prek runs the hook here that installs envhooks."""
    try:
        return top is not None and "envhooks-install" in (top / ".pre-commit-config.yaml").read_text("utf-8")
    except (OSError, UnicodeError):
        return False


def _everywhere(dry_run: bool) -> int:
    from envhooks.hooks.managers import everywhere

    plan = everywhere.plan_uninstall()
    if not dry_run:
        apply(plan.actions, Path.cwd())
    answer(print_plan(plan, everywhere.home(), dry_run))
    if not plan.actions:
        remark("envhooks is not installed for all clones; there is nothing to do")
    elif not dry_run:
        remark("envhooks is uninstalled: clones that were installed by themselves keep their hooks")
    return 0
