"""take the doors out again, and put back every hook as it was"""

from __future__ import annotations

import argparse
from pathlib import Path

from envhooks import install
from envhooks.cli.install import print_plan
from envhooks.git import Git
from envhooks.neighbours.actions import apply


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--dry-run`."""
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")


def run(options: argparse.Namespace) -> int:
    """Uninstall, and say what was done."""
    with Git.open(Path.cwd()) as git:
        plan = install.plan_uninstall(git)
        if not options.dry_run:
            apply(plan.actions, git.work_tree or git.common_dir)
        home = git.common_dir / install.FOLDER
    print_plan(plan, home, options.dry_run)
    if not plan.actions:
        print("envhooks is not installed here; there is nothing to do")
    elif not options.dry_run:
        print("envhooks is uninstalled: nothing judges tags in this repository any more")
    return 0
