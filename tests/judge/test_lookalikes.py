"""Refs that people, git or a file system take for a release tag or a protected branch, and those that they do not."""

from __future__ import annotations

import pytest

from envhooks.git.objects import Ref
from envhooks.judge.names import (
    Known,
    alike,
    among,
    as_on_remote,
    core,
    deleted_as_another,
    plain,
    renaming,
    standing,
)
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar

GRAMMAR = Grammar(DEFAULT_TAG_POLICY)
NAME = "PyTorch-CUDA-v2.8"
TAG, MAIN = f"refs/tags/{NAME}", "refs/heads/main"
KNOWN = Known(
    GRAMMAR, [TAG, "refs/tags/v1", "refs/tags/V1", "refs/tags/lone"], ["main", "release/1", "Release/1", ""]
)


@pytest.mark.parametrize(
    ("name", "without", "key"),
    [
        ("Abc", "Abc", "abc"),
        ("A.", "A", "a"),
        ("a../b.c./d..", "a/b.c/d", "a/b.c/d"),
        ("a.b", "a.b", "a.b"),
        ("A\u200cB\ufeff\u206a", "AB", "ab"),
        ("A\u0308", "\u00c4", "\u00e4"),
        ("\u00c4", "\u00c4", "\u00e4"),
        ("stra\u00dfe", "stra\u00dfe", "strasse"),
        ("\u200c.", "", ""),
        ("\u2010", "\u2010", "\u2010"),
    ],
)
def test_what_a_file_system_makes_of_a_name(name: str, without: str, key: str) -> None:
    assert (plain(name), alike(name)) == (without, key)


@pytest.mark.parametrize(
    ("ref", "short"),
    [
        ("refs/tags/x", "x"),
        ("refs/heads/x/y", "x/y"),
        ("refs/heads/refs/tags/x", "x"),
        ("REFS/Tags/X", "X"),
        ("refs/tags./x.", "x"),
        ("refs/remotes/o/x", "o/x"),
        ("refs/remotes/o/HEAD", "o"),
        ("refs/remotes/o/p/head", "o/p"),
        ("refs/remotes/HEAD", "HEAD"),
        ("refs/remotes/tags/HEAD", "HEAD"),
        ("refs/remotes/o/HEAD/y", "o/HEAD/y"),
        ("refs/heads/o/HEAD", "o/HEAD"),
        ("refs/notes/x", "notes/x"),
        ("x", "x"),
    ],
)
def test_the_name_behind_all_folders(ref: str, short: str) -> None:
    assert core(ref) == short


BRANCH = "would be taken for the protected branch main"
TAKEN = "of a release's name would be taken"
CASE = f"differs from {TAG} by the case of its letters only"
FOLDER = "a file system that ignores case takes it for a ref below"


@pytest.mark.parametrize(
    ("ref", "why", "of"),
    [
        ("refs/heads/Main", BRANCH, MAIN),
        ("refs/heads/main.", BRANCH, MAIN),
        ("refs/heads/m\u200cain", BRANCH, MAIN),
        ("refs/heads/heads/main", BRANCH, MAIN),
        ("refs/tags/main", BRANCH, MAIN),
        ("refs/main", BRANCH, MAIN),
        ("refs/remotes/main", BRANCH, MAIN),
        ("refs/remotes/main/HEAD", BRANCH, MAIN),
        ("refs/heads/RELEASE/1", "would be taken for the protected branch Release/1", "refs/heads/Release/1"),
        ("refs/heads/release/1", "would be taken for the protected branch Release/1", "refs/heads/Release/1"),
        (f"refs/heads/{NAME}", f"a branch {TAKEN} in place of the tag", TAG),
        (f"refs/heads/{NAME.lower()}", f"a branch {TAKEN} in place of the tag", TAG),
        (f"refs/heads/tags/{NAME}", f"a branch {TAKEN} in place of the tag", TAG),
        (f"refs/tags/tags/{NAME}", f"a tag {TAKEN} in front of the tag", TAG),
        (f"refs/{NAME}", f"a ref {TAKEN} in front of the tag", TAG),
        (f"refs/remotes/{NAME}/HEAD", f"a ref {TAKEN} in front of the tag", TAG),
        (f"refs/heads/{NAME}-rc1", f"a branch {TAKEN} in place of the tag", f"{TAG}-rc1"),
        (f"refs/tags/{NAME.lower()}", CASE, TAG),
        (f"{TAG}.", CASE, TAG),
        (f"refs/tags/{NAME}\ufeff", CASE, TAG),
        ("refs/TAGS/x", f"{FOLDER} refs/tags/", ""),
        ("refs/Heads/x", f"{FOLDER} refs/heads/", ""),
        ("refs/REPLACE/x", f"{FOLDER} refs/replace/", ""),
        ("Refs/heads/x", f"{FOLDER} refs/heads/", ""),
        (f"refs/replace/{'a' * 40}", "a replacement would show one object and mean another", ""),
        ("refs/stash", "a ref directly below refs/ would stand in front of the tag of that name", ""),
    ],
)
def test_what_is_taken_for_another(ref: str, why: str, of: str) -> None:
    found = KNOWN.lookalike(ref)
    assert found is not None and found.why.endswith(why) and (found.ref, found.of, found.fix) == (ref, of, "")
    by_case = why == CASE
    assert KNOWN.lookalike(ref, is_new=False) == (None if by_case else found)


@pytest.mark.parametrize(
    "ref",
    [
        TAG, f"{TAG}-rc1", MAIN, "refs/heads/Release/1", "refs/tags/v1", "refs/tags/V1", "refs/tags/LONE",
        "refs/heads/v1", "refs/heads/lone", "refs/heads/side", "refs/heads/main/x", "refs/remotes/origin/main",
        f"refs/remotes/origin/{NAME}", f"refs/notes/{NAME}", "refs/notes/x", "refs/x/y", f"refs/tags/odd/{NAME}",
        "HEAD", "main", NAME, "refs/heads/release/1/HEAD",
    ],
)  # fmt: skip
def test_what_is_taken_for_nothing_else(ref: str) -> None:
    assert KNOWN.lookalike(ref) is None


def test_of_two_tags_that_differ_by_case_the_release_is_meant() -> None:
    first, second = TAG.upper().replace("REFS/TAGS", "refs/tags"), TAG.lower()
    known = Known(GRAMMAR, [first, second, TAG], [])
    for ref in (first, second, f"refs/heads/{NAME}"):
        found = known.lookalike(ref)
        assert found is not None and found.of == TAG
    assert known.lookalike(TAG) is not None, "and it is not made where they stand already"
    assert Known(GRAMMAR, [TAG], []).lookalike(TAG) is None
    assert Known(GRAMMAR, [], []).lookalike(MAIN) is None


def test_those_that_a_push_makes() -> None:
    branch, twin = f"refs/heads/{NAME}", f"refs/tags/{NAME.lower()}"
    made = [branch, TAG, twin, "refs/heads/side"]
    fix = f"git branch -m -- {NAME} work/{NAME}"
    assert [(one.ref, one.of, one.fix) for one in among(KNOWN, made, [], {branch, twin})] == [
        (branch, TAG, fix), (twin, TAG, ""),
    ]  # fmt: skip
    assert [(one.ref, one.fix) for one in among(KNOWN, made, [twin])] == [(branch, "")]


def test_those_that_a_push_deletes() -> None:
    stored = [TAG, MAIN, "refs/heads/Side"]

    def guarded(ref: str) -> bool:
        return ref in (TAG, MAIN)

    gone = ["refs/heads/MAIN", MAIN, "refs/heads/side", TAG.lower(), "refs/tags/other"]
    found = [*deleted_as_another(gone, stored, guarded)]
    assert [(one.ref, one.of) for one in found] == [("refs/heads/MAIN", MAIN), (TAG.lower(), TAG)]
    assert found[0].why == f"refs/heads/MAIN is not there, and may be taken for {MAIN}"
    assert [*deleted_as_another([], stored, guarded)] == []


def test_those_that_stand_by_their_names_on_the_remote() -> None:
    refs = [
        Ref("refs/heads/x", "a"), Ref("refs/remotes/up/x", "a"), Ref("refs/remotes/up/HEAD", "a", "refs/x"),
        Ref("refs/remotes/upper/x", "a"), Ref("refs/tags/x", "a"),
    ]  # fmt: skip
    names = ["refs/heads/x", "refs/remotes/up/x", "refs/remotes/upper/x", "refs/tags/x"]
    assert [*as_on_remote(refs, None)] == [*as_on_remote(refs, "")] == [(name, name) for name in names]
    theirs = ["refs/heads/x", "refs/heads/x", "refs/remotes/upper/x", "refs/tags/x"]
    assert [*as_on_remote(refs, "up")] == [*zip(names, theirs, strict=True)]
    pairs = [
        (f"refs/heads/{NAME}", f"refs/heads/{NAME}"),
        (f"refs/remotes/up/{NAME}", f"refs/heads/{NAME}"),
        (TAG, TAG),
        ("refs/heads/Main", "refs/heads/Main"),
        ("refs/heads/main", "refs/tags/main"),  # of itself
    ]
    found = [*standing(KNOWN, pairs)]
    why = f"a branch {TAKEN} in place of the tag"
    assert [(one.ref, one.why, one.fix) for one in found] == [
        (f"refs/heads/{NAME}", f"refs/heads/{NAME}: {why}", f"git branch -m -- {NAME} work/{NAME}"),
        (f"refs/remotes/up/{NAME}", f"refs/remotes/up/{NAME}: {why}", ""),
        ("refs/heads/Main", f"refs/heads/Main {BRANCH}", "git branch -m -- Main work/Main"),
    ]


def test_a_branch_is_renamed_and_nothing_else() -> None:
    assert renaming("refs/heads/a b;$(x)") == "git branch -m -- 'a b;$(x)' 'work/a b;$(x)'"
    assert renaming("refs/heads/-x") == "git branch -m -- -x work/-x"
    assert renaming("refs/tags/x") == renaming("refs/remotes/origin/x") == renaming("x") == ""
