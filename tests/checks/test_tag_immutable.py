"""tag-immutable: published tags stay."""

from __future__ import annotations

import pytest
from support import GOOD_TAG, Repo
from tag_parts import COMMIT, NAME, NEW, OLD, annotation, findings, subject

from envhooks.judge import engine as checks
from envhooks.judge.engine import judge
from envhooks.judge.facts import LISTED, Finding, Publication, Subject, TagObject, Unknown
from envhooks.policy.reader import default_policy


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


def test_what_a_refusal_shows() -> None:
    published = Publication(True, "the remote has it", remote="up stream")
    (moved,) = findings(subject(OLD, publication=published), "tag-immutable")
    assert moved.message == "a published tag never moves (the remote has it)"
    assert (moved.got, moved.expected) == (NEW, OLD)
    assert moved.fix == f"git fetch 'up stream' +refs/tags/{NAME}:refs/tags/{NAME}"
    (deleted,) = findings(subject(OLD, None, publication=published), "tag-immutable")
    assert deleted.message == "a published release is not deleted (the remote has it)"
    assert (deleted.got, deleted.fix, deleted.advice) == ("deleted", moved.fix, "")


def test_what_is_not_here_is_not_taken_for_what_was_never_good() -> None:
    away = Unknown("its object is not here")
    (deleted,) = findings_of_unknown(
        subject(OLD, None, publication=Publication(True, "the remote has it"), object=away)
    )
    assert "not deleted" in deleted.message


def test_a_published_tag_that_moves_to_what_is_not_here() -> None:
    away = Unknown("its object is not here")
    published = Publication(True, "the remote has it")
    (moved,) = findings_of_unknown(subject(OLD, publication=published, object=away))
    assert moved.message == "a published tag never moves (the remote has it)" and moved.advice == ""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (None, NEW, "the tag is new"),
        (NEW, NEW, "the tag does not change"),
        (OLD, NEW, "whether it is published is seen at the push"),
        (OLD, None, "whether it is published is seen at the push"),
    ],
)
def test_what_is_compared_with_nothing(old: str | None, new: str | None, why: str) -> None:
    for published in (Publication(False), Publication(True, "the remote has it")):
        reports = judge([subject(old, new, publication=published)], checks.load(), default_policy()).tags
        told = reports[0].not_applicable.get("tag-immutable")
        assert told == (None if published.published and old not in (None, new) else why)


def findings_of_unknown(judged: Subject) -> list[Finding]:
    """As `findings`, of a subject whose other checks cannot judge."""
    report = judge([judged], checks.load(), default_policy())
    return [finding for finding in report.tags[0].findings if finding.check == "tag-immutable"]


@pytest.mark.parametrize(
    ("old", "new", "how", "said", "got"),
    [
        (NEW, None, "the remote has it", "tags.lock lists this tag for ever", "deleted"),
        (NEW, None, LISTED, "tags.lock lists this tag and it is not there", "deleted"),
        (OLD, None, LISTED, "tags.lock lists this tag for ever", "deleted"),
        (None, OLD, LISTED, "tags.lock lists this tag with another object", OLD),
        (NEW, OLD, LISTED, "tags.lock lists this tag with another object", OLD),
        (OLD, OLD, LISTED, "tags.lock lists this tag with another object", OLD),
    ],
)
def test_what_is_said_of_a_locked_tag(
    old: str | None, new: str | None, how: str, said: str, got: str
) -> None:
    locked = Publication(True, how, NEW, "2" * 64, "2" * 64)
    (finding,) = findings(subject(old, new, publication=locked), "tag-immutable")
    assert (finding.message, finding.got, finding.expected) == (said, got, NEW)
    assert finding.fix == f"git fetch origin +refs/tags/{NAME}:refs/tags/{NAME}"


def test_where_the_remote_lost_a_locked_tag_it_is_pushed_again() -> None:
    for remote, where in (("", "origin"), ("upstream", "upstream")):
        locked = Publication(True, "the remote has it", NEW, remote=remote)
        (finding,) = findings(subject(OLD, OLD, publication=locked), "tag-immutable")
        assert not finding.fix
        assert finding.advice == (
            "the remote itself has another; from a clone that holds the listed object:"
            f" git push --force {where} {NEW}:refs/tags/{NAME}"
        )


def test_the_same_id_with_other_bytes_is_a_forgery() -> None:
    locked = Publication(True, LISTED, NEW, "2" * 64, "3" * 64)
    (finding,) = findings(subject(NEW, NEW, publication=locked), "tag-immutable")
    assert "other contents, by their SHA-256" in finding.message
    assert (finding.got, finding.expected, finding.fix) == ("3" * 64, "2" * 64, "")
    assert "compare with a clone that you trust" in finding.advice


def test_without_a_free_name_nothing_is_suggested() -> None:
    name = "PyTorch-CUDA-v2.8-rc999999"
    made = TagObject(NEW, "tag", annotation(name=name))
    published = Publication(True, "the remote has it")
    (finding,) = findings(subject(OLD, NEW, name, publication=published, object=made), "tag-immutable")
    assert finding.advice == ""
    (finding,) = findings(
        subject(OLD, NEW, publication=published, object=TagObject(COMMIT, "commit")), "tag-immutable"
    )
    assert finding.advice.endswith(f": git tag -s PyTorch-CUDA-v2.8-rc2 {COMMIT[:12]}")


def test_a_tag_that_is_new_or_stands_has_nothing_to_be_held_against() -> None:
    for old, why in ((None, "the tag is new"), (NEW, "the tag does not change")):
        report = judge([subject(old, publication=Publication(True, "x"))], checks.load(), default_policy())
        assert report.tags[0].not_applicable["tag-immutable"] == why


def test_a_tag_that_moves_where_no_remote_was_asked_has_not_passed(good: Repo) -> None:
    """`git tag -f` cannot know whether the tag is published; the push does, and the next try has mended nothing."""
    report = judge([subject(OLD)], checks.load(), default_policy()).tags[0]
    assert "tag-immutable" not in report.passed
    assert report.not_applicable["tag-immutable"] == "whether it is published is seen at the push"
    assert good.envhooks("install").code == 0
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.git("push", "-q", "origin", GOOD_TAG)
    for message in ("Once more", "And again"):
        done = good.try_git("tag", "-f", "-s", GOOD_TAG, "-m", message)
        assert done.code == 0 and "mended" not in done.err, done
        moved = good.try_git("push", "-f", "origin", GOOD_TAG)
        assert moved.code != 0 and "[tag-immutable] a published tag never moves" in moved.err, moved


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
