"""tag-order: versions go forward in their series."""

from __future__ import annotations

import pytest
from support import Repo
from tag_parts import NEW, annotation, findings, name, subject

from envhooks.judge import engine as checks
from envhooks.judge.engine import judge
from envhooks.judge.facts import TagObject
from envhooks.policy.reader import default_policy, parse_policy
from envhooks.tagname import Grammar


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
        ("v2.8-rc1", ["v2.8-rc1", "v2.8-rc3", "v2.8-rc2"], "v2.8-rc3"),
        ("v2.7.2", ["v2.8", "v2.7.1"], None),
        ("v2.8.0-post1", ["v2.8", "v2.8-post1"], "v2.8-post1"),
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


@pytest.mark.parametrize(
    ("new", "others", "together", "is_refused"),
    [
        ("v2.8-post1", [], [], True),
        ("v2.8-post1", ["v2.8-rc1"], [], True),
        ("v2.8.1-post1", ["v2.8"], [], True),
        ("v2.8-post2", ["v2.8-post1"], [], False),
        ("v2.8-post1", ["v2.8.0"], [], False),
        ("v2.8-post1", [], ["v2.8"], False),
        ("v2.8-post1", [], ["v2.7", "v2.8.1"], True),
        ("v2.8-rc1", [], [], False),
        ("v2.8", [], [], False),
    ],
)
def test_a_post_is_of_a_release_that_is_there(
    new: str, others: list[str], together: list[str], is_refused: bool
) -> None:
    siblings, more = (tuple(name(f"PyTorch-CUDA-{one}") for one in names) for names in (others, together))
    found = findings(subject(tag=f"PyTorch-CUDA-{new}", siblings=siblings, together=more), "tag-order")
    stable = f"PyTorch-CUDA-{new.partition('-')[0]}"
    assert [one.expected for one in found] == ([f"{stable} before it"] if is_refused else [])


@pytest.mark.parametrize(
    ("new", "other", "said"),
    [
        ("v2.8.0", "v2.8", "the version is the same as that of a release which exists"),
        ("v2.8-rc1", "v2.8", "the version is lower than that of a release which exists"),
    ],
)
def test_the_same_is_told_from_what_is_lower(new: str, other: str, said: str) -> None:
    siblings = (name(f"PyTorch-CUDA-{other}"),)
    (found,) = findings(subject(tag=f"PyTorch-CUDA-{new}", siblings=siblings), "tag-order")
    assert (found.message, found.got) == (said, f"PyTorch-CUDA-{new}")


def test_a_name_without_an_order_is_not_compared() -> None:
    policy = parse_policy(b'[tag]\ntemplates = ["env-{hardware}"]\n', ".envhooks/policy.toml")
    naming = Grammar(policy.tag).read("env-CUDA")
    (report,) = judge([subject(tag="env-CUDA", naming=naming)], checks.load(), policy).tags
    assert report.not_applicable["tag-order"] == "the name carries no version, no release and no date"


def test_a_push_of_a_release_and_its_rebuild_is_in_order(guarded: Repo, server: Repo) -> None:
    told = "No known issues, no upgrade notes."
    entries = "".join(f"\n## {one} - 2026-10-01\n\n{told}\n" for one in ("2.8-post1", "2.8"))
    guarded.commit_files({"CHANGELOG.md": f"# Changelog\n{entries}"})
    guarded.git("push", "-q", "origin", "main")
    alone = guarded.try_git("tag", "-s", "-m", "x", "PyTorch-CUDA-v2.8-post1")
    assert alone.code and "there is none of this version" in alone.err
    guarded.git("tag", "-s", "-m", "x", "PyTorch-CUDA-v2.8")
    guarded.git("tag", "-s", "-m", "x", "PyTorch-CUDA-v2.8-post1")
    guarded.git("push", "-q", "origin", "PyTorch-CUDA-v2.8-post1", "PyTorch-CUDA-v2.8")
    assert server.has_tag("PyTorch-CUDA-v2.8-post1")


def test_a_release_and_its_candidate_may_come_by_one_push(guarded: Repo, server: Repo) -> None:
    for tag in ("PyTorch-CUDA-v2.8-rc1", "PyTorch-CUDA-v2.8"):
        guarded.git("tag", "-s", "-m", "x", tag)
    guarded.git("push", "-q", "origin", "--tags")  # the release comes first
    assert server.has_tag("PyTorch-CUDA-v2.8-rc1") and server.has_tag("PyTorch-CUDA-v2.8")


def test_a_standing_tag_has_no_order() -> None:
    report = judge(
        [subject(NEW, NEW, siblings=(name("PyTorch-CUDA-v2.8"),))], checks.load(), default_policy()
    )
    assert report.tags[0].not_applicable["tag-order"] == "the tag does not change"


@pytest.mark.parametrize(
    ("other", "own"), [("v2.8.0", "a changelog entry of"), ("v2.8.1", "a changelog entry and pins of")]
)
def test_a_name_of_another_version_needs_its_pins(other: str, own: str) -> None:
    """The next free name behind v2.8.1 is refused beside a Dockerfile that installs 2.8.0."""
    tag = "PyTorch-CUDA-v2.8.0-rc1"
    made = TagObject(NEW, "tag", annotation(name=tag))
    siblings = (name(f"PyTorch-CUDA-{other}"),)
    (found,) = findings(subject(tag=tag, taken=frozenset(), siblings=siblings, object=made), "tag-order")
    assert f"the next free name, with {own} its own: git tag -s PyTorch-CUDA-{other}-post1" in found.advice
