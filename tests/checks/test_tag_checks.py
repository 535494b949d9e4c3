"""The checks on the tag itself, in memory: all checks run, and one id is looked at."""

from __future__ import annotations

import pytest

from envhooks.base.dataclass import replace
from envhooks.base.refs import RefUpdate
from envhooks.judge import engine as checks
from envhooks.judge.engine import judge
from envhooks.judge.facts import Ancestry, Finding, Inapplicable, Publication, Subject, TagObject
from envhooks.policy.reader import default_policy
from envhooks.signatures import Verdict
from envhooks.signatures.payload import Annotation
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar
from envhooks.tagname.names import Naming, TagName

OLD, NEW, COMMIT = "0" * 39 + "1", "0" * 39 + "2", "c" * 40
NAME = "PyTorch-CUDA-v2.8-rc1"
READ = Grammar(DEFAULT_TAG_POLICY).read


def annotation(**more: object) -> Annotation:
    made = Annotation(NAME, COMMIT, "commit", "Alice <a@example.org>", 0, "First candidate\n", True)
    return replace(made, **more)  # type: ignore[arg-type]


def name(text: str) -> TagName:
    found = READ(text).name
    assert found is not None, text
    return found


def subject(old: str | None = None, new: str | None = NEW, tag: str = NAME, **facts: object) -> Subject:
    known: dict[str, object] = {
        "naming": READ(tag),
        "object": TagObject(NEW, "tag", annotation()),
        "publication": Publication(False),
        "siblings": (),
        "ancestry": Ancestry(COMMIT, True, ("origin/main",)),
        "signature": Verdict("good", scheme="ssh", key="SHA256:x", signer="alice@example.org"),
        "environment": Inapplicable("not looked at here"),
        "compatibility": Inapplicable("not looked at here"),
        "changelog": Inapplicable("not looked at here"),
    }
    return Subject(RefUpdate(f"refs/tags/{tag}", old, new), {**known, **facts})


def findings(judged: Subject, id: str) -> list[Finding]:
    report = judge([judged], checks.load(), default_policy())
    assert not report.tags[0].undecided, report.tags[0].undecided
    return [finding for finding in report.tags[0].findings if finding.check == id]


def test_the_good_subject_is_good() -> None:
    report = judge([subject()], checks.load(), default_policy())
    assert report.exit_code == 0, report
    assert not report.tags[0].findings


# ------------------------------------------------------------------------------------- tag-name


def test_a_misspelt_name_is_one_finding_with_the_name_that_was_meant() -> None:
    bad = subject(
        tag="pytorch-cuda-2.8rc1", object=TagObject(NEW, "tag", annotation(name="pytorch-cuda-2.8rc1"))
    )
    (finding,) = findings(bad, "tag-name")
    assert finding.expected == NAME
    assert NAME in finding.fix


# -------------------------------------------------------------------------------- tag-annotated


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
    (finding,) = findings(subject(tag=hostile, object=TagObject(COMMIT, "commit")), "tag-annotated")
    assert f"'{hostile}'" in finding.fix


# ----------------------------------------------------------------------------------- tag-signed


@pytest.mark.parametrize("status", ["bad", "unsigned"])
def test_a_signature_that_is_not_good(status: str) -> None:
    verdict = Verdict(status, "the key is not allowed", got="SHA256:y")  # type: ignore[arg-type]
    (finding,) = findings(subject(signature=verdict), "tag-signed")
    assert (finding.level, finding.got) == ("error", "SHA256:y")


def test_a_warning_of_the_verifier_does_not_refuse() -> None:
    (finding,) = findings(subject(signature=Verdict("good", warnings=("it expires soon",))), "tag-signed")
    assert finding.level == "warning"


# -------------------------------------------------------------------------------- tag-immutable


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


# ------------------------------------------------------------------------------------ tag-order


@pytest.mark.parametrize(
    ("new", "others", "refused_for"),
    [
        ("v2.8-rc1", [], None),
        ("v2.8-rc2", ["v2.8-rc1"], None),
        ("v2.8", ["v2.8-rc1", "v2.8-rc2"], None),
        ("v2.8-post1", ["v2.8"], None),
        ("v2.8-rc1", ["v2.8"], "v2.8"),
        ("v2.8-rc1", ["v2.8-rc2"], "v2.8-rc2"),
        ("v2.8.0-rc1", ["v2.8-rc1"], "v2.8-rc1"),
        ("v2.8.0", ["v2.8"], "v2.8"),
        ("v2.8.0", ["v2.8.1"], "v2.8.1"),
        ("v2.8-beta1", ["v2.8-rc1"], "v2.8-rc1"),
        ("v2.8.1-rc1", ["v2.8.0"], None),
        ("v2.8.0-post1", ["v2.8.0", "v2.8.1-rc1"], None),
        ("v2.8.0-post1", ["v2.8.1"], "v2.8.1"),
        ("v2.8-rc2", ["v2.8-rc1", "v2.8.1-rc1"], "v2.8.1-rc1"),
    ],
)
def test_versions_go_forward_in_their_series(new: str, others: list[str], refused_for: str | None) -> None:
    siblings = tuple(name(f"PyTorch-CUDA-{other}") for other in others)
    tag = f"PyTorch-CUDA-{new}"
    found = findings(
        subject(tag=tag, siblings=siblings, object=TagObject(NEW, "tag", annotation(name=tag))), "tag-order"
    )
    assert [finding.expected for finding in found] == (
        [f"a version after PyTorch-CUDA-{refused_for}"] if refused_for else []
    )


def test_a_standing_tag_has_no_order() -> None:
    report = judge(
        [subject(NEW, NEW, siblings=(name("PyTorch-CUDA-v2.8"),))], checks.load(), default_policy()
    )
    assert report.tags[0].not_applicable["tag-order"] == "the tag does not change"


# -------------------------------------------------------------------------------------- on-main


def test_a_commit_beside_main() -> None:
    (finding,) = findings(subject(ancestry=Ancestry(COMMIT, False, ("origin/main",))), "on-main")
    assert (finding.got, finding.expected) == (COMMIT, "a commit on origin/main")


def test_unread_names_are_not_read_by_later_checks() -> None:
    bad = subject(tag="nothing")
    report = judge(
        [replace(bad, facts={**bad.facts, "naming": Naming(None, ("no name",))})],
        checks.load(),
        default_policy(),
    )
    assert {f.check for f in report.tags[0].findings} <= {"tag-name", "tag-annotated"}
    assert not report.tags[0].undecided
