"""Notes between this repository and a remote: fetched and pushed by name, and merged so that nothing is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from envhooks.base.errors import CannotJudge
from envhooks.builds import remote as remotes
from envhooks.builds.remote import Remote
from envhooks.git import notes
from envhooks.git.repository import Git

ATTEMPTS = 12
"""Pushes that are tried where others push at the same time."""


def fetch(git: Git, remote: Remote, environ: Mapping[str, str]) -> bool:
    """Bring the remote's notes here and merge them into this repository's; whether it has any.

    Raises:
        CannotJudge: the remote does not answer, or its ref is not a commit of notes.
    """
    if remote.own:
        return notes.tip(git) is not None
    return _fetch(git, remote, environ) is not None


def _fetch(git: Git, remote: Remote, environ: Mapping[str, str]) -> str | None:
    theirs = remotes.ref_at(git, remote, environ, notes.REF)
    if theirs is not None:
        if git.read(theirs) is None:
            remotes.fetch_ref(git, remote, environ, notes.REF)
        notes.unite(git, theirs, f"Merge the records of {remote.name or 'the remote'}")
    return theirs


def share(git: Git, remote: Remote, environ: Mapping[str, str]) -> None:
    """Have this repository and the remote hold the same notes: every line that either has.

    Raises:
        CannotJudge: the remote does not answer, or does not take them.
    """
    for attempt in range(ATTEMPTS):
        if remote.own:
            return
        theirs = _fetch(git, remote, environ)
        ours = notes.tip(git)
        if ours is None or ours == theirs:
            return
        try:
            remotes.push_ref(git, remote, environ, ours, notes.REF)
            return
        except CannotJudge:
            # who was quicker is met by merging once more; a remote that stands still said no
            if attempt + 1 == ATTEMPTS or remotes.ref_at(git, remote, environ, notes.REF) == theirs:
                raise
        time.sleep(random.uniform(0, 0.2 * (attempt + 1)))  # noqa: S311 - to be out of step, no more
