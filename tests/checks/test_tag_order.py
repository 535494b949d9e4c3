"""tag-order: versions go forward in their series."""

from __future__ import annotations

import pytest
from tag_parts import NEW, annotation, findings, name, subject

from envhooks.judge import engine as checks
from envhooks.judge.engine import judge
from envhooks.judge.facts import TagObject
from envhooks.policy.reader import default_policy


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
