"""Notes on objects, `refs/notes/envhooks`: read, added to, and merged so that no line is ever lost.

The lines of a note are a set to which lines are added. `git notes` reads and writes the same trees (git-notes(1)),
with or without fan-out. Nothing here starts a hook or looks at a person's configuration.
"""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.git.objects import TreeEntry
from envhooks.git.repository import Git

REF = "refs/notes/envhooks"
MAX_NOTE = 4 << 20
"""Bytes of the largest note that is read."""
MAX_NOTES = 400_000
"""Entries of all trees of notes together."""
_FLAT = 256
"""Notes up to which a tree has no folders, about as `git notes` has it."""
_ATTEMPTS = 20
_PART = r"[0-9a-f]+"


class TooLarge(CannotJudge):
    """A note of more bytes than are read."""


@dataclass(frozen=True)
class Author:
    """Author of a commit of notes; no verdict depends on it."""

    name: str = "envhooks"
    email: str = "envhooks@localhost"

    @classmethod
    def of(cls, git: Git) -> Author:
        """The person whose configuration this is, else envhooks."""
        name, email = git.setting("user.name"), git.setting("user.email")
        return cls(_plain(name) or cls.name, _plain(email) or cls.email) if name and email else cls()


def _plain(text: str) -> str:
    return re.sub(r"[<>\x00-\x1f]", "", text).strip()


# ------------------------------------------------------------------------------------------ reading


def tip(git: Git, ref: str = REF) -> str | None:
    """The commit of the notes; None where there are none.

    Raises:
        CannotJudge: the ref names something else than a commit.
    """
    found = next((one.oid for one in git.refs(ref) if one.name == ref), None)
    if found is not None and git.type_of(found) != "commit":
        raise CannotJudge("this is no commit of notes", place=ref)
    return found


def blobs(git: Git, commit: str | None) -> dict[str, tuple[str, ...]]:
    """Annotated object -> the blobs of its notes: one, or several where trees with and without fan-out were mixed."""
    found: dict[str, tuple[str, ...]] = {}
    if commit is not None:
        for oid, blob in _walk(git, git.commit(commit).tree, ""):
            found[oid] = (*found.get(oid, ()), blob)
    return found


def _walk(git: Git, tree: str, above: str) -> Iterator[tuple[str, str]]:
    """(annotated object, blob) of each note; a folder may be named many times, so what is looked at is counted."""
    seen = 0
    waiting = [(tree, above)]
    while waiting:
        tree, above = waiting.pop()
        entries = git.tree(tree)
        seen += len(entries)
        if seen > MAX_NOTES:
            raise CannotJudge(f"there are more than {MAX_NOTES} notes", place=REF)
        if not above:
            git.read_ahead(entry.oid for entry in entries if entry.is_tree)
        for entry in entries:
            name = above + entry.name
            if re.fullmatch(_PART, entry.name) is None:
                continue  # git keeps what is not a note, and so does this
            if entry.is_tree and len(entry.name) == 2 and len(name) < git.oid_length:
                waiting.append((entry.oid, name))
            elif stat.S_ISREG(entry.mode) and len(name) == git.oid_length:
                yield name, entry.oid


def lines_of(git: Git, commit: str | None, oid: str) -> tuple[bytes, ...]:
    """The lines of the note on one object, each once, the oldest first.

    Raises:
        CannotJudge: the note is too large, or not here.
    """
    if commit is None:
        return ()
    found = _find(git, git.commit(commit).tree, oid)
    return _united(_lines(git, blob) for blob in found)


def _find(git: Git, tree: str, rest: str) -> list[str]:
    found = []
    for entry in git.tree(tree):
        if entry.name == rest and stat.S_ISREG(entry.mode):
            found.append(entry.oid)
        elif entry.is_tree and len(rest) > 2 and entry.name == rest[:2]:
            found += _find(git, entry.oid, rest[2:])
    return found


def all_lines(
    git: Git, commit: str | None, unread: dict[str, str] | None = None
) -> dict[str, tuple[bytes, ...]]:
    """Annotated object -> the lines of its note, for all objects.

    Args:
        git: the repository.
        commit: of the notes.
        unread: receives the objects whose note is too large, or not here, with the reason.

    Raises:
        CannotJudge: a note is too large, or not here, and `unread` is None.
    """
    found = blobs(git, commit)
    oids = list(found)
    lines: dict[str, tuple[bytes, ...]] = {}
    for at in range(0, len(oids), 1000):
        some = oids[at : at + 1000]
        git.read_ahead(blob for oid in some for blob in found[oid])
        for oid in some:
            try:
                lines[oid] = _united(_lines(git, blob) for blob in found[oid])
            except CannotJudge as error:
                if unread is None:
                    raise
                unread[oid] = error.message
    return lines


def _lines(git: Git, blob: str) -> tuple[bytes, ...]:
    found = git.read(blob)
    if found is None or found.type != "blob":
        raise CannotJudge(f"the note {blob} is not in this repository", place=REF, fix="git fsck")
    if found.size > MAX_NOTE:
        raise TooLarge(f"a note is {found.size} bytes long and may have {MAX_NOTE}", place=REF)
    return tuple(line for line in found.data.split(b"\n") if line)


def _lines_if_small(git: Git, blob: str) -> tuple[bytes, ...]:
    try:
        return _lines(git, blob)
    except TooLarge:
        return ()


def _united(notes: Iterable[tuple[bytes, ...]]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(line for lines in notes for line in lines))


# ------------------------------------------------------------------------------------------ writing


def append(git: Git, lines: Mapping[str, Iterable[bytes]], message: str, ref: str = REF) -> str:
    """Add lines (annotated object -> lines) to the notes of this repository; answers the commit.

    Another process may write at the same time: each then goes on from what the other wrote.

    Raises:
        CannotJudge: it does not work.
    """
    for attempt in range(_ATTEMPTS):
        old = tip(git, ref)
        wanted = {oid: _united((lines_of(git, old, oid), tuple(new))) for oid, new in lines.items()}
        changed = {oid: new for oid, new in wanted.items() if new != lines_of(git, old, oid)}
        if not changed:
            assert old is not None
            return old
        new = _commit(git, _with(git, old, changed), [old] if old else [], message)
        if _move(git, ref, new, old):
            return new
        time.sleep(0.02 * attempt)
    raise CannotJudge("another process writes the notes all the time", place=ref, fix="try again")


def unite(git: Git, theirs: str, message: str, ref: str = REF) -> str:
    """Merge another commit of notes into this repository's: a line that is in either is in both afterwards.

    Raises:
        CannotJudge: it does not work, or `theirs` is not here.
    """
    for attempt in range(_ATTEMPTS):
        ours = tip(git, ref)
        new = _merged(git, ours, theirs, message)
        if new == ours or _move(git, ref, new, ours):
            return new
        time.sleep(0.02 * attempt)
    raise CannotJudge("another process writes the notes all the time", place=ref, fix="try again")


def _merged(git: Git, ours: str | None, theirs: str, message: str) -> str:
    if ours is None or (holds(git, theirs, ours) and not any(lost(git, ours, theirs))):
        return theirs
    if holds(git, ours, theirs) and not any(lost(git, theirs, ours)):
        return ours
    here, there = blobs(git, ours), blobs(git, theirs)
    changed = {}
    for oid, found in there.items():
        if here.get(oid) != found:
            own = lines_of(git, ours, oid)
            both = _united((own, lines_of(git, theirs, oid)))
            if both != own:
                changed[oid] = both
    return _commit(git, _with(git, ours, changed), [ours, theirs], message)


def holds(git: Git, commit: str, ancestor: str) -> bool:
    """Whether `ancestor` is in the history of a commit; a shallow clone has the history of its notes."""
    return not git.ask("rev-list", "--max-count=1", ancestor, f"^{commit}")


def _with(git: Git, commit: str | None, notes: Mapping[str, tuple[bytes, ...]]) -> str:
    """The tree of a commit with these notes in the place of the ones that it has on the same objects."""
    written = {
        oid: _write(git, "blob", b"".join(b"%s\n" % line for line in new)) for oid, new in notes.items()
    }
    return _insert(git, git.commit(commit).tree if commit else None, written)


def _insert(git: Git, tree: str | None, notes: Mapping[str, str]) -> str:
    """A tree with these notes (what is left of the object's name -> blob)."""
    entries = {entry.name: entry for entry in git.tree(tree)} if tree else {}
    folders: dict[str, dict[str, str]] = {}
    deep = len(entries) + len(notes) > _FLAT
    for rest, blob in notes.items():
        folder = entries.get(rest[:2])
        if rest not in entries and len(rest) > 2 and (deep or (folder is not None and folder.is_tree)):
            folders.setdefault(rest[:2], {})[rest[2:]] = blob
        else:
            entries[rest] = TreeEntry(stat.S_IFREG | 0o644, rest, blob)
    for name, inner in folders.items():
        below = entries.get(name)
        entries[name] = TreeEntry(stat.S_IFDIR, name, _insert(git, below.oid if below else None, inner))
    ordered = sorted(entries.values(), key=lambda one: one.name + ("/" if one.is_tree else ""))
    data = b"".join(
        b"%o %s\0%s" % (one.mode, one.name.encode("utf-8", "surrogateescape"), bytes.fromhex(one.oid))
        for one in ordered
    )
    return _write(git, "tree", data)


def _commit(git: Git, tree: str, parents: Iterable[str], message: str) -> str:
    author = Author.of(git)
    who = f"{author.name} <{author.email}> {int(time.time())} +0000"
    head = [f"tree {tree}", *(f"parent {oid}" for oid in parents), f"author {who}", f"committer {who}"]
    return _write(git, "commit", ("\n".join(head) + f"\n\n{printable(message)}\n").encode("utf-8", "replace"))


def _write(git: Git, kind: str, data: bytes) -> str:
    return git.ask("hash-object", "-t", kind, "-w", "--stdin", stdin=data).decode().strip()


def _move(git: Git, ref: str, new: str, old: str | None) -> bool:
    """Move the ref, if it still is where it was."""
    try:
        git.ask("update-ref", "-m", "envhooks: notes", ref, new, old or "0" * git.oid_length)
    except CannotJudge:
        if tip(git, ref) == old:
            raise
        return False
    return True


# ------------------------------------------------------------------------------------ append only


def lost(git: Git, old: str, new: str | None) -> Iterator[str]:
    """The objects of whose notes a line is in `old` and not in `new`: nothing where lines were only added."""
    before, after = blobs(git, old), blobs(git, new)
    for oid, found in before.items():
        if after.get(oid) != found and not set(lines_of(git, old, oid)) <= set(lines_of(git, new, oid)):
            yield oid


def vanished(git: Git, commit: str, unread: dict[str, str] | None = None) -> dict[str, tuple[bytes, ...]]:
    """Annotated object -> the lines that some commit of the history had on it and the tip has not.

    A note that was too large to be read counts for none. `unread` receives the objects whose note cannot be compared,
    with the reason.

    Raises:
        CannotJudge: the history cannot be read; a note neither, and `unread` is None.
    """
    now = blobs(git, commit)
    listed = git.ask(
        "log", "-m", "--root", "--raw", "--no-abbrev", "--no-renames", "--format=", "-z", "-r", commit
    )
    seen: dict[str, set[str]] = {}
    fields = iter(listed.split(b"\0"))
    for field in fields:
        words = field.strip(b"\n").split(b" ")
        path = next(fields, b"")
        if len(words) != 5 or not words[0].startswith(b":"):
            continue
        oid = path.replace(b"/", b"").decode("ascii", "replace")
        blob = words[3].decode("ascii", "replace")
        if re.fullmatch(_PART, oid) and len(oid) == git.oid_length and blob.strip("0"):
            seen.setdefault(oid, set()).add(blob)
    found = {}
    for oid, ever in seen.items():
        old = ever - set(now.get(oid, ()))
        if not old:
            continue
        try:
            there = set(lines_of(git, commit, oid))
            gone = tuple(sorted({line for blob in old for line in _lines_if_small(git, blob)} - there))
        except CannotJudge as error:
            if unread is None:
                raise
            unread[oid] = error.message
            continue
        if gone:
            found[oid] = gone
    return found
