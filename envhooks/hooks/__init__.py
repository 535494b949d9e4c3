"""Hooks: one pure parser for each, from the lines that git writes to its stdin to RefUpdates.

githooks(5) gives the formats. Every line is read and has to be as git writes it: a hook that skipped
a line it does not understand would let it pass. Installation, beside other hook managers, is in the modules here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS, RefUpdate

_OID = "[0-9a-f]{40}|[0-9a-f]{64}"
# git-check-ref-format(1) forbids blanks and controls, but receive-pack runs pre-receive before it looks at
# the names: there they are whatever the client sent.
_NOT_IN_A_REF = "[\x00-\x20\x7f]"
_SYMBOLIC = "ref:"


def reference_transaction(data: bytes) -> tuple[RefUpdate, ...]:
    """The updates of a reference transaction, from lines `<old> SP <new> SP <ref>`.

    Since Git 2.46 a value may be `ref:<target>`. Symbolic refs are left out: HEAD and its like are nothing
    that envhooks judges.

    Raises:
        CannotJudge: a line is malformed, or a tag is made a symbolic ref or was one.
    """
    updates = []
    for line in _lines(data):
        old, new, ref = _fields(line.split(" "), 3, line)
        if old.startswith(_SYMBOLIC) or new.startswith(_SYMBOLIC):
            if ref.startswith(TAGS):
                raise CannotJudge(f"a tag cannot be a symbolic ref: {printable(ref)}")
            continue
        updates.append(_update(ref, old, new, line))
    return _distinct(updates)


def pre_push(data: bytes) -> tuple[RefUpdate, ...]:
    """The updates that a push asks for, from lines `<local ref> SP <local id> SP <remote ref> SP <remote id>`.

    The local ref is whatever the user typed and may hold blanks (`HEAD^{/fix the pin}`, `(delete)`); lines are
    split from the right. In a RefUpdate `ref` and `old` are the remote's, `new` is what is sent.

    Raises:
        CannotJudge: a line is malformed.
    """
    updates = []
    for line in _lines(data):
        _, new, ref, old = _fields(line.rsplit(" ", 3), 4, line)
        updates.append(_update(ref, old, new, line))
    return _distinct(updates)


def pre_receive(data: bytes) -> tuple[RefUpdate, ...]:
    """The updates that a client asks a server for, from lines `<old id> SP <new id> SP <ref>`.

    Raises:
        CannotJudge: a line is malformed.
    """
    updates = []
    for line in _lines(data):
        old, new, ref = _fields(line.split(" "), 3, line)
        updates.append(_update(ref, old, new, line))
    return _distinct(updates)


def transaction(data: bytes) -> tuple[RefUpdate, ...]:
    """The updates of a transaction by which a server takes a push: those of refs, without HEAD and its like.

    Raises:
        CannotJudge: as `reference_transaction`.
    """
    return tuple(update for update in reference_transaction(data) if update.ref.startswith("refs/"))


def _lines(data: bytes) -> Iterator[str]:
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    yield from lines


def _fields(fields: list[str], count: int, line: str) -> list[str]:
    if len(fields) != count:
        raise _malformed(line)
    return fields


def _update(ref: str, old: str, new: str, line: str) -> RefUpdate:
    fits = re.fullmatch(_OID, old) and re.fullmatch(_OID, new) and len(old) == len(new)
    if not fits or not ref or re.search(_NOT_IN_A_REF, ref):
        raise _malformed(line)
    return RefUpdate(ref, _present(old), _present(new))


def _present(oid: str) -> str | None:
    return oid if oid.strip("0") else None


def _distinct(updates: list[RefUpdate]) -> tuple[RefUpdate, ...]:
    """Git takes one update for each ref; of two, it would be open which one counts.

    A client can cause it: a pushed name that holds a line feed reaches pre-receive as a line of its own,
    such as one that moves main.
    """
    seen: set[str] = set()
    for update in updates:
        if update.ref in seen:
            raise CannotJudge(f"two updates of one ref: {printable(update.ref)}")
        seen.add(update.ref)
    return tuple(updates)


def _malformed(line: str) -> CannotJudge:
    return CannotJudge(f"git gave the hook a line that cannot be read: {printable(line, 200)}")


PARSERS = {
    "reference-transaction": reference_transaction,
    "pre-push": pre_push,
    "pre-receive": pre_receive,
    "taking": transaction,
}
"""Event -> the parser of its hook's input."""
