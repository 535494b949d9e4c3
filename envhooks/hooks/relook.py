"""Second look: what pre-receive judged is judged once more when git takes it, by the same judge.

pre-receive is asked before any ref moves, and a push may wait as long as its client likes before it is taken. A main
that it proposes may be refused meanwhile, a release may come in that a rewind or a deletion would take away, a key may
be revoked. So the server's `hooks/reference-transaction` has the updates of each transaction of a push judged again, by
what is stored then. Git runs that hook while it holds the locks, in the transaction that takes the refs, in every
version since 2.28, and no client can pass it by. Nothing is handed from the first look to the second.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS
from envhooks.git.repository import Git
from envhooks.hooks.copies import FOLDER, RELOOK, script_folder
from envhooks.judge.facts import Ancestry, Subject

if TYPE_CHECKING:
    from envhooks.judge.facts import Report
    from envhooks.judge.runs import Judgement

_HOOK = "reference-transaction"


def demand(git: Git, subjects: Iterable[Subject], environ: Mapping[str, str]) -> None:
    """See to it that there is a second look for tags that lie on a protected branch only by this push.

    Raises:
        CannotJudge: nothing would look again; or its answer could not be determined.
    """
    for subject in subjects:
        proposed = _proposed(subject)
        if not proposed:
            continue
        alone = "git push, of the branch alone; then of the tag"
        if not is_watched(git):
            raise CannotJudge(
                f"{printable(subject.tag)} lies on {proposed} only if this push moves it, and this server does not look"
                " again when it takes the tag",
                fix=f"{alone}; or, on the server: envhooks install --server",
            )
        other = _may_refuse(git)
        # git-http-backend(1) is a CGI program. Where the second look says no, receive-pack dies: its last words go to
        # the web server's log, and a client waits for an answer that does not come.
        if other and "REQUEST_METHOD" in environ:
            raise CannotJudge(
                f"{printable(subject.tag)} lies on {proposed} only if this push moves it, and {other} may refuse that:"
                " by HTTP git cannot say so",
                fix=alone,
            )


def _may_refuse(git: Git) -> str:
    """Hook or setting of this server that may refuse a branch after pre-receive; empty without one."""
    for hook in ("update", "proc-receive"):
        configured = any(key.startswith("hook.") and hook in git.config[key] for key in git.config)
        if configured or os.access(os.path.join(git.hooks_path, hook), os.X_OK):
            return f"the server's {hook} hook"
    allowed = git.setting("receive.denycurrentbranch").lower() in ("ignore", "warn", "updateinstead", "false")
    return "" if git.is_bare or allowed else "receive.denyCurrentBranch"


def explained(judged: Judgement) -> Report:
    """The report of the second look, with the reason why the first one found otherwise."""
    said = "the push was judged good when it came in; what it builds on has changed since, or was not taken"
    notes = []
    for subject in judged.subjects:
        ancestry = subject.facts.get("ancestry")
        if subject.update.new and isinstance(ancestry, Ancestry) and not ancestry.on_main:
            notes.append(
                f"{printable(subject.tag)}: its commit is on a protected branch only if this push moves it,"
                " and that was not so\n  advice: git push --atomic, of the branch and the tag; or the branch first"
            )
    report = judged.report
    return replace(report, notes=(*report.notes, *(notes or [said]))) if report.exit_code else report


def _proposed(subject: Subject) -> str:
    """The branches whose moves alone bring a tag onto a protected branch, as a person would say it."""
    ancestry = subject.facts.get("ancestry")
    moves = ancestry.proposals if isinstance(ancestry, Ancestry) and subject.update.new else ()
    return " or ".join(printable(ref.removeprefix(HEADS)) for ref, _ in moves)


def is_watched(git: Git) -> bool:
    """Whether the hook that looks again is in place, and is the one of this version."""
    home = os.path.join(git.common_path, FOLDER)
    if not os.path.isdir(os.path.join(home, RELOOK)):
        return False
    try:
        with open(os.path.join(home, _HOOK), "rb") as stream:
            if stream.read() != (script_folder() / _HOOK).read_bytes():
                return False
    except OSError:
        return False
    from envhooks.hooks.install import is_wired

    return is_wired(git, _HOOK)
