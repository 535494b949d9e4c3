"""tag-immutable: published tags stay."""

from __future__ import annotations

import pytest
from tag_parts import COMMIT, NAME, NEW, OLD, annotation, findings, subject

from envhooks.judge.facts import Publication, TagObject


def test_an_unpublished_tag_moves_and_goes_freely() -> None:
    assert not findings(subject(OLD), "tag-immutable")
    assert not findings(subject(OLD, None), "tag-immutable")


def test_a_published_tag_neither_moves_nor_goes() -> None:
    published = Publication(True, "the remote has it")
    (moved,) = findings(subject(OLD, publication=published), "tag-immutable")
    assert moved.fix == f"git fetch origin +refs/tags/{NAME}:refs/tags/{NAME}"
    assert moved.advice.endswith(f": git tag -s PyTorch-CUDA-v2.8-rc2 {COMMIT[:12]}")
    (deleted,) = findings(subject(OLD, None, publication=published), "tag-immutable")
    assert "not deleted" in deleted.message


@pytest.mark.parametrize(
    ("tag", "made"),
    [
        ("misnamed", TagObject(OLD, "tag", annotation(name="misnamed"))),
        (NAME, TagObject(COMMIT, "commit")),
        (NAME, TagObject(OLD, "tag", annotation(signed=False))),
        (NAME, TagObject(OLD, "tag", fault="odd")),
        (NAME, TagObject(OLD, "tag", annotation(target_type="tree"))),
        (NAME, TagObject(OLD, "tag", annotation(name="other"))),
    ],
)
def test_what_was_never_good_can_be_deleted_but_not_moved(tag: str, made: TagObject) -> None:
    published = Publication(True, "the remote has it")
    assert not findings(subject(OLD, None, tag, publication=published, object=made), "tag-immutable")
    assert findings(subject(OLD, NEW, tag, publication=published, object=made), "tag-immutable")


def test_a_locked_tag_is_there_for_ever() -> None:
    locked = Publication(True, "tags.lock lists it", NEW)
    lightweight = TagObject(COMMIT, "commit")
    assert findings(subject(NEW, None, publication=locked, object=lightweight), "tag-immutable")
    assert findings(subject(None, OLD, publication=locked), "tag-immutable")
    assert findings(subject(OLD, OLD, publication=locked), "tag-immutable")
    assert not findings(subject(NEW, NEW, publication=locked), "tag-immutable")
    assert not findings(subject(None, NEW, publication=locked), "tag-immutable")


@pytest.mark.parametrize(
    ("tag", "next_one"),
    [
        ("PyTorch-CUDA-v2.8", "PyTorch-CUDA-v2.8-post1"),
        ("PyTorch-CUDA-v2.8-post1", "PyTorch-CUDA-v2.8-post2"),
        ("PyTorch-CUDA-v2.8-beta3", "PyTorch-CUDA-v2.8-beta6"),
    ],
)
def test_the_next_free_release_is_named(tag: str, next_one: str) -> None:
    made = TagObject(NEW, "tag", annotation(name=tag))
    taken = frozenset({tag, "PyTorch-CUDA-v2.8-beta4", "pytorch-cuda-v2.8-BETA5"})
    published = Publication(True, "the remote has it")
    (finding,) = findings(
        subject(OLD, NEW, tag, publication=published, object=made, taken=taken), "tag-immutable"
    )
    assert finding.advice.endswith(f": git tag -s {next_one} {COMMIT[:12]}")
