"""Notes of records: lines are only ever added, whoever writes at the same time, and what is no note stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from support import Repo

from envhooks.base.errors import CannotJudge
from envhooks.git import notes
from envhooks.git.repository import Git


@pytest.fixture
def git(good: Repo) -> Iterator[Git]:
    with Git.open(good.path) as opened:
        yield opened


@pytest.fixture
def head(good: Repo) -> str:
    return good.git("rev-parse", "HEAD")


def test_the_same_lines_again_write_nothing(git: Git, head: str) -> None:
    first = notes.append(git, {head: [b"a", b"b", b"a"]}, "x")
    assert notes.append(git, {head: [b"b"]}, "x") == first == notes.tip(git)
    assert notes.lines_of(git, first, head) == (b"a", b"b")


def test_another_process_that_writes_in_between_loses_nothing(
    git: Git, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, raced = notes._commit, False

    def commit(git: Git, tree: str, parents: Iterable[str], message: str) -> str:
        nonlocal raced
        if not raced:
            raced = True
            notes.append(git, {head: [b"theirs"]}, "x")
        return real(git, tree, parents, message)

    monkeypatch.setattr(notes, "_commit", commit)
    made = notes.append(git, {head: [b"ours"]}, "x")
    assert notes.lines_of(git, made, head) == (b"theirs", b"ours") and notes.tip(git) == made


def test_notes_that_others_write_all_the_time_are_given_up(
    git: Git, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = notes.append(git, {head: [b"a"]}, "x")
    monkeypatch.setattr(notes, "_move", lambda *_: False)
    monkeypatch.setattr(notes, "_ATTEMPTS", 2)
    with pytest.raises(CannotJudge, match="another process writes the notes all the time"):
        notes.append(git, {head: [b"b"]}, "x")
    with pytest.raises(CannotJudge, match="another process writes the notes all the time"):
        notes.unite(git, head, "x")
    assert notes.tip(git) == first


def test_a_ref_that_git_does_not_move_is_told(good: Repo, git: Git, head: str) -> None:
    lock = good.path / ".git" / f"{notes.REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with pytest.raises(CannotJudge, match="lock"):
        notes.append(git, {head: [b"a"]}, "x")


def test_what_is_no_commit_of_notes(good: Repo, git: Git) -> None:
    good.git("update-ref", notes.REF, good.git("rev-parse", "HEAD^{tree}"))
    with pytest.raises(CannotJudge, match="this is no commit of notes"):
        notes.tip(git)


def test_a_note_that_is_too_long(git: Git, head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = notes.append(git, {head: [b"long"]}, "x")
    monkeypatch.setattr(notes, "MAX_NOTE", 3)
    with pytest.raises(CannotJudge, match="a note is 5 bytes long and may have 3"):
        notes.lines_of(git, made, head)


def test_what_is_no_note_is_kept(good: Repo, git: Git, head: str) -> None:
    blob = good.git("hash-object", "-w", "--stdin", stdin="read me\n")
    tree = good.git("mktree", stdin=f"100644 blob {blob}\tREADME\n")
    good.git("update-ref", notes.REF, good.git("commit-tree", "-m", "x", tree))
    made = notes.append(git, {head: [b"a"]}, "x")
    assert good.git("show", f"{made}:README") == "read me"
    assert notes.all_lines(git, made) == {head: (b"a",)}


def test_two_histories_are_united(good: Repo, git: Git, head: str) -> None:
    tree = good.git("rev-parse", "HEAD^{tree}")
    ours = notes.append(git, {head: [b"a"], tree: [b"t"]}, "x")
    theirs = notes.append(git, {head: [b"b", b"a"], tree: [b"t"]}, "x", "refs/notes/theirs")
    made = notes.unite(git, theirs, "x")
    assert notes.all_lines(git, made) == {head: (b"a", b"b"), tree: (b"t",)}
    assert notes.holds(git, made, ours) and notes.holds(git, made, theirs)
    assert notes.unite(git, theirs, "x") == made and not list(notes.lost(git, theirs, made))
