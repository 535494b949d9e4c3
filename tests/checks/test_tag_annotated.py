"""tag-annotated: annotated tags of commits alone."""

from __future__ import annotations

import pytest
from tag_parts import COMMIT, NAME, NEW, READ, annotation, findings, subject

from envhooks.base.refs import RefUpdate
from envhooks.judge.facts import Subject, TagObject
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
