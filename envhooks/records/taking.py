"""Acceptance of records by a server: lines that prove something, by keys that are valid now.

Records are never taken out again, so any line would stay for ever. And a date in a statement is its signer's
word: the server looks at the present, so that nobody records anything with a key that has ended or leaked.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.refs import RefUpdate
from envhooks.git import notes
from envhooks.git.repository import Git
from envhooks.policy.root import TrustRoot
from envhooks.records.dsse import EnvelopeError, decode
from envhooks.records.statement import StatementError, read_statement
from envhooks.records.verifiers import INSTALL, Changed, NotAllowed, Verifiers, verifiers_of

MAX_SECONDS = 60.0
MAX_SAID = 5
"""Sentences about one push."""


def refusals(git: Git, root: TrustRoot, updates: Iterable[RefUpdate]) -> tuple[str, ...]:
    """A sentence for each line that a push would add and that is not a record by a verifier of the stored policy."""
    moved = [update for update in updates if update.ref == notes.REF and update.new is not None]
    if not moved:
        return ()
    verifiers = verifiers_of(git, root)
    found: list[str] = []
    for update in moved:
        assert update.new is not None
        for text in _of_push(git, verifiers, notes.tip(git), update.new):
            found.append(f"{notes.REF}: {text}")
            if len(found) == MAX_SAID:
                return (*found, f"{notes.REF}: nothing more was looked at")
    return tuple(found)


def _of_push(git: Git, verifiers: Verifiers, old: str | None, new: str) -> Iterator[str]:
    end = time.monotonic() + MAX_SECONDS
    before = notes.blobs(git, old)
    for oid, blobs in notes.blobs(git, new).items():
        if before.get(oid) == blobs:
            continue
        known = set(notes.lines_of(git, old, oid))
        for line in notes.lines_of(git, new, oid):
            if time.monotonic() > end:
                raise CannotJudge(
                    f"the records of one push take longer than the {MAX_SECONDS:.0f} s that there are",
                    fix=f"{INSTALL}, on the server",
                )
            why = fault(line, oid, verifiers, is_new=True) if line not in known else ""
            if why:
                yield f"a record of {oid[:12]} is not taken: {printable(why, 400)}"


def fault(line: bytes, oid: str, verifiers: Verifiers, *, is_new: bool = False) -> str:
    """Reason why a line is not a record of an object; empty where it is one, or where nothing here can verify it.

    With `is_new` the key has to count now as well, and not only at the time that the statement gives.
    """
    try:
        envelope = decode(line)
        statement = read_statement(envelope.payload)
        verifiers.signers(envelope, statement.record.time)
        if is_new:
            verifiers.signers(envelope, verifiers.now)
    except (EnvelopeError, StatementError, Changed, NotAllowed) as error:
        return str(error)
    except CannotJudge:
        pass  # without the library that verifies it, its reader judges it
    return "" if statement.object == oid else "it is about another tag object"
