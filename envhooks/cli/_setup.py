"""`envhooks init --yes`: the policy is committed, brought to the release remote, and the hooks are installed."""

from __future__ import annotations

from collections.abc import Sequence

from envhooks.base.hygiene import printable, printable_block, word
from envhooks.base.refs import HEADS
from envhooks.cli import install as install_verb
from envhooks.cli._manner import answer, remark
from envhooks.git.repository import Git
from envhooks.git.workspace import Workspace, WorkspaceError
from envhooks.hooks import copies, install
from envhooks.hooks.managers.actions import apply
from envhooks.hooks.managers.settings import Request
from envhooks.policy.branches import tracking_ref

MESSAGE = "Say who may release what"


def carry_out(git: Git, branch: str, remote: str | None, paths: Sequence[str]) -> int:
    """Do what `envhooks init` else prints; 1 where a step is left to the person, which is said.

    Raises:
        UsageError: the hooks cannot be installed.
        WorkspaceError: git did not take the commit.
    """
    top = git.work_tree
    assert top is not None, "init has looked"
    if git.head() != HEADS + branch:
        why = f"nothing was committed: {printable(branch)}, which carries the policy, is not checked out"
        fix = f"git switch {word(branch)} && envhooks init --yes"
        print(f"\n{printable(why)}\n  fix: {printable(fix)}")
        answer(left=why, next=[fix])
        return 1
    workspace = Workspace(top)
    try:
        left = _publish(git, workspace, branch, remote, paths)
    finally:
        workspace.close()
    with Git.open(top) as renewed:
        plan = install.plan_install(renewed, Request(branch))
        apply(plan.actions, top)
        done = install_verb.print_plan(plan, renewed.common_dir / copies.FOLDER, False)
        answer(actions=done["actions"], notes=done["notes"])
    remark("envhooks is installed: it judges release tags at git tag and git push")
    answer(left=left or None, next=[])
    if left:
        print(printable_block(left))
        return 1
    remark("ready: the next signed tag at a commit with a Dockerfile and a changelog entry can be a release")
    return 0


def _publish(git: Git, workspace: Workspace, branch: str, remote: str | None, paths: Sequence[str]) -> str:
    """Commit, and push that commit where it is the only one to push; what is left to do, or nothing."""
    before = git.resolve()
    changed = bool(paths) and bool(workspace.do("status", "--porcelain", "--", *paths))
    if changed:
        workspace.do("add", "--", *paths)
        workspace.do("commit", "--quiet", "-m", MESSAGE, "--", *paths)
        remark(f"\ncommitted: {', '.join(printable(path) for path in paths)}")
    if remote is None:
        return ""
    tracked = next((ref.oid for ref in git.refs(tracking_ref(git, remote, branch))), None)
    if tracked is None:
        return ""  # nothing was ever fetched of it: the branch here is what counts
    push = f"git push {word(remote)} {word(branch)}"
    if tracked != before:
        why = f"{printable(branch)} here and on {printable(remote)} differ by more than this commit"
        return f"not pushed: {why}\n  fix: {push}"
    if not changed:
        return ""
    try:
        workspace.do("push", "--quiet", remote, f"{HEADS}{branch}")
    except WorkspaceError as error:
        return (
            f"the policy counts once it is on {printable(remote)}'s {printable(branch)}, and the push was refused:"
            f" {error.message}\n  advice: bring the last commit there as this project does, as by a merge request"
        )
    remark(f"pushed: {printable(branch)} to {printable(remote)}")
    return ""
