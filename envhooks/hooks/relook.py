"""Release tags that lie on a protected branch only if the same push moves it: looked at again when they are taken.

pre-receive is asked before any ref moves, and a main that is proposed may be refused afterwards: by git, by another
hook, by `receive.denyCurrentBranch`. So pre-receive notes by which moves a tag was judged good, in one file for each
tag object, and `hooks/reference-transaction` reads it while git holds the tag's lock. Git runs that hook in the
transaction that takes the tag, in every version since 2.28, and no client can pass it by.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress

from envhooks.base.errors import CannotJudge
from envhooks.git.repository import Git
from envhooks.hooks.copies import FOLDER, RELOOK
from envhooks.judge.facts import Ancestry, Subject

_STALE = 24 * 3600
"""Seconds after which no push that wrote a note can still be under way."""


def note(git: Git, subjects: Iterable[Subject]) -> None:
    """Write what the hook has to look at for these tags, which were judged good.

    Raises:
        CannotJudge: nothing would look again, or the note cannot be written.
    """
    folder = os.path.join(git.common_path, FOLDER, RELOOK)
    for subject in subjects:
        ancestry, oid = subject.facts.get("ancestry"), subject.update.new
        if oid is None or not isinstance(ancestry, Ancestry):
            continue
        file = os.path.join(folder, oid)
        if not ancestry.proposals:
            with suppress(FileNotFoundError):
                os.unlink(file)  # of an earlier push, when its commit was on no stored branch yet
            continue
        if not is_watched(git):
            raise CannotJudge(
                f"{subject.tag} lies on {' or '.join(ref for ref, _ in ancestry.proposals)} only if this push moves it,"
                " and this server does not look again when it takes the tag",
                fix="git push, of the branch alone; then of the tag",
            )
        _write(file, "".join(f"{ref} {tip}\n" for ref, tip in ancestry.proposals))


def forget(git: Git, oids: Iterable[str]) -> None:
    """Remove the notes of tags that have been taken, and those of pushes that ended long ago."""
    folder = os.path.join(git.common_path, FOLDER, RELOOK)
    with suppress(OSError):
        names = set(os.listdir(folder))
        for name in names & set(oids):
            os.unlink(os.path.join(folder, name))
        for name in names - {".keep"}:
            if os.stat(os.path.join(folder, name)).st_mtime < time.time() - _STALE:
                os.unlink(os.path.join(folder, name))


def is_watched(git: Git) -> bool:
    """Whether the hook that looks again is in place."""
    if not os.path.isdir(os.path.join(git.common_path, FOLDER, RELOOK)):
        return False
    from envhooks.hooks.install import is_wired

    return is_wired(git, "reference-transaction")


def _write(file: str, text: str) -> None:
    """Whole or not at all: the hook of another push may read it at this moment."""
    try:
        with open(f"{file}.{os.getpid()}", "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)
        os.replace(f"{file}.{os.getpid()}", file)
    except OSError as error:
        raise CannotJudge(f"the note for the tag's second look cannot be written: {error.strerror}") from None
