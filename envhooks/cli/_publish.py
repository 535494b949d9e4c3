"""`envhooks tag --push`: branch and tags are sent together, and the build is followed to the record."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import HEADS, TAGS, Hook
from envhooks.builds import show
from envhooks.builds.ledger import Ledger
from envhooks.cli._manner import answer, quiet, remark
from envhooks.git.fetch import Fetcher
from envhooks.git.repository import Git
from envhooks.git.workspace import Workspace
from envhooks.judge.fixes import reunion
from envhooks.policy.branches import matches, tracking_ref
from envhooks.policy.trust import TrustContext, trust_context
from envhooks.records import reader, render


@dataclass(frozen=True)
class Sending:
    """Refs that a push would send, and the remote."""

    remote: str
    branch: str
    """The protected branch here that has the commit; empty where the remote's has it already."""
    tags: tuple[str, ...]

    @property
    def refs(self) -> tuple[str, ...]:
        """Full names."""
        branch = (f"{HEADS}{self.branch}",) if self.branch else ()
        return (*branch, *(f"{TAGS}{tag}" for tag in self.tags))

    @property
    def command(self) -> str:
        """The command that sends it, as a person would type it."""
        names = (*((self.branch,) if self.branch else ()), *self.tags)
        return f"git push --atomic {word(self.remote)} {' '.join(map(word, names))}"

    @property
    def what(self) -> str:
        """Its parts, for a question."""
        return " and ".join((*((self.branch,) if self.branch else ()), *self.tags))


def sending(git: Git, trust: TrustContext, commit: str, tags: Sequence[str]) -> Sending | None:
    """Refs to push for these tags, and the remote; None where there is no remote."""
    if trust.remote is None:
        return None
    tracked = tracking_ref(git, trust.remote, trust.branch)
    patterns = trust.root.policy.branches or (trust.branch,)
    theirs = [one.tip for one in trust.mains if one.name.startswith(f"{trust.remote}/")]
    theirs += [ref.oid for ref in git.refs(tracked)]
    if theirs and not git.outside([commit], theirs):
        return Sending(trust.remote, "", tuple(tags))
    heads = [
        (ref.name.removeprefix(HEADS), ref.oid)
        for ref in git.refs(HEADS)
        if matches(ref.name.removeprefix(HEADS), patterns)
    ]
    having = [name for name, tip in heads if not git.outside([commit], [tip])]
    branch = trust.branch if trust.branch in having else next(iter(having), "")
    return Sending(trust.remote, branch, tuple(tags))


def in_the_way(top: Path, what: Sending) -> tuple[str, str] | None:
    """(text, command) of what would have the remote refuse the push, by its own answer; None where nothing is known.

    What it has of the branch is fetched. Where it does not answer without a question, the push itself says why.
    """
    fetcher = Fetcher(top, what.remote)
    try:
        there = fetcher.ask([f"{TAGS}{tag}" for tag in what.tags]).tags
        for ref in there:
            tag = ref.removeprefix(TAGS)
            command = f"git fetch {word(what.remote)} {word(f'{ref}:{ref}')}"
            return f"{what.remote} has a tag {tag} already, and a published tag never moves", command
        if not what.branch:
            return None
        with Git.open(top) as git:
            fetcher.fetch([f"+{HEADS}{what.branch}:{tracking_ref(git, what.remote, what.branch)}"])
    except CannotJudge:
        return None
    with Git.open(top) as git:
        theirs = git.resolve(tracking_ref(git, what.remote, what.branch))
        ours = git.resolve(f"{HEADS}{what.branch}")
        if theirs is None or ours is None or git.is_ancestor(theirs, ours):
            return None
    return reunion(what.remote, what.branch)


def agreed(what: Sending) -> bool:
    """Whether the person says yes; without a terminal nothing is asked, and `--push` has said it."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    print(
        f"push {printable(what.what)} to {printable(what.remote)}? [y/N] ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def push(top: Path, what: Sending) -> bool:
    """Send it; whether git did."""
    workspace = Workspace(top)
    try:
        return workspace.pass_on("push", "--atomic", what.remote, *what.refs) == 0
    finally:
        workspace.close()


def follow_to_the_record(tags: Sequence[str]) -> int:
    """Follow the builds of these tags until they have ended, and print their records."""
    from envhooks.cli.build import outcome
    from envhooks.cli.builds import AGAIN, follow

    refs = [f"{TAGS}{tag}" for tag in tags]
    with Git.open(Path.cwd()) as git:
        ledger = Ledger(git.common_dir)
        if not any(row.ref in refs for row in ledger.rows()):
            return 0
        follow(ledger)
    rows = [row for row in ledger.rows() if row.ref in refs]
    answer(builds=show.documents(rows))
    remark(show.table(rows), end="")
    code = outcome(rows, AGAIN)
    with Git.open(Path.cwd()) as git:
        root = trust_context(git, Hook.CHECK).root
        records = [reader.read(git, root, ref) for ref in refs] if root.policy.verifiers else []
        for found in records:
            if found.exit_code or not quiet():
                print(render.as_text(found), end="")
            code = max(code, found.exit_code)
        answer(records=render.document(records)["tags"])
    return code
