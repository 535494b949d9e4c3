"""tag-annotated: annotated tags of commits alone."""

from __future__ import annotations

import pytest
from tag_parts import COMMIT, NAME, NEW, READ, annotation, findings, subject

from envhooks.base.refs import RefUpdate
from envhooks.judge.facts import Publication, Subject, TagObject
from envhooks.tagname.names import Naming


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (TagObject(COMMIT, "commit"), "lightweight"),
        (TagObject(NEW, "tree"), "names a tree"),
        (TagObject(NEW, "blob"), "names a blob"),
        (TagObject(NEW, "tag", fault="two object lines"), "malformed: two object lines"),
        (TagObject(NEW, "tag", annotation(target_type="tag")), "points at a tag"),
        (TagObject(NEW, "tag", annotation(target_type="tree")), "points at a tree"),
        (TagObject(NEW, "tag", annotation(name="PyTorch-CUDA-v2.7")), "another name"),
    ],
)
def test_what_is_no_annotated_tag_of_a_commit(made: TagObject, said: str) -> None:
    (finding,) = findings(subject(object=made), "tag-annotated")
    assert said in finding.message


def test_a_symbolic_ref_is_no_tag() -> None:
    made = subject()
    update = RefUpdate(made.update.ref, NEW, NEW, symref="refs/hidden/x")
    (found,) = findings(Subject(update, made.facts), "tag-annotated")
    assert "symbolic" in found.message and found.got == "refs/hidden/x"
    assert found.fix == f"git update-ref --no-deref refs/tags/{NAME} {NEW}"


def test_a_fix_cannot_smuggle_a_command_into_a_shell() -> None:
    hostile = "v1;$(rm${IFS}-rf)"
    admitted = Naming(READ(NAME).name)  # under a name that is refused no tag is made anew
    light = subject(tag=hostile, naming=admitted, object=TagObject(COMMIT, "commit"))
    symbolic = Subject(RefUpdate(light.update.ref, NEW, NEW, symref="refs/hidden/x"), light.facts)
    for made in (light, symbolic):
        (finding,) = findings(made, "tag-annotated")
        assert f"'{hostile}'" in finding.fix


AGAIN = f"git tag -f -s -m 'First candidate' {NAME}"
CHOOSE = "tag the commit that is meant; the name alone does not tell which one that is"


@pytest.mark.parametrize(
    ("made", "got", "expected", "fix", "advice"),
    [
        (
            TagObject(COMMIT, "commit"),
            "a commit",
            "an annotated, signed tag",
            f"git tag -f -s {NAME} {COMMIT[:12]}",
            "",
        ),
        (TagObject(NEW, "tree"), "tree", "commit", "", CHOOSE),
        (TagObject(NEW, "tag", fault="two object lines"), "", "", "", CHOOSE),
        (
            TagObject(NEW, "tag", annotation(target_type="tag")),
            "tag",
            "commit",
            f"{AGAIN} '{COMMIT[:12]}^{{commit}}'",
            "",
        ),
        (TagObject(NEW, "tag", annotation(target_type="tree")), "tree", "commit", "", CHOOSE),
        (TagObject(NEW, "tag", annotation(name="x")), "x", NAME, f"{AGAIN} {COMMIT[:12]}", ""),
    ],
)
def test_what_mends_it(made: TagObject, got: str, expected: str, fix: str, advice: str) -> None:
    (found,) = findings(subject(object=made), "tag-annotated")
    assert (found.got, found.expected, found.fix, found.advice) == (got, expected, fix, advice)


def test_where_nobody_asked_the_remote_a_checkout_may_have_done_it() -> None:
    light, broken = TagObject(COMMIT, "commit"), TagObject(NEW, "tag", annotation(target_type="tag"))
    unasked = Publication(False, unasked=True, remote="up")
    (found,) = findings(subject(NEW, object=light, publication=unasked), "tag-annotated")
    lines = found.advice.split("\n")
    dropped = (
        f"a CI's checkout may have dropped the annotation: git fetch up +refs/tags/{NAME}:refs/tags/{NAME}"
    )
    assert (found.fix, lines[0]) == ("", dropped)
    assert lines[2:] == [f"never pushed: git tag -f -s {NAME} {COMMIT[:12]}"]
    for made, publication in ((light, Publication(True)), (light, Publication(False)), (broken, unasked)):
        (found,) = findings(subject(NEW, object=made, publication=publication), "tag-annotated")
        assert "a CI's checkout" not in found.advice
    # of a new one a command makes it anew
    (found,) = findings(subject(object=light, publication=unasked), "tag-annotated")
    assert found.fix and not found.advice
