"""Which image tags a release gets and which it moves, and what the image says about itself."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, EnvhooksError
from envhooks.base.place import Place
from envhooks.builds.further import image_tag
from envhooks.builds.plan import Facts, key_of, matching, plan_builds, rightful
from envhooks.builds.types import Plan
from envhooks.image import BaseImage
from envhooks.policy import BuildPolicy, Policy
from envhooks.policy.reader import default_policy
from envhooks.tagname import Grammar

BUILD = BuildPolicy("image", "command", options=MappingProxyType({"command": ["x"], "submodules": "ignore"}))
IMAGE = "registry.example.com/team/{framework:lower}-{hardware:lower}"
POLICY = replace(default_policy(), image=IMAGE, builds=(BUILD,))
FACTS = Facts("a" * 40, "b" * 40, 1_760_000_000, "Dockerfile", signer="alice@example.org")
CUDA = "PyTorch-CUDA-v"


def plan(tag: str, remote: list[str], policy: Policy = POLICY, facts: Facts = FACTS) -> Plan:
    (found,) = plan_builds(policy, tag, facts, remote, remote_url="https://example.com/team/env.git")
    return found


def tags_of(tag: str, *remote: str) -> list[str]:
    found = plan(CUDA + tag, [CUDA + t for t in remote])
    assert found.images == (found.own,)
    return [reference.rpartition(":")[2] for reference in (found.own, *found.aliases)]


@pytest.mark.parametrize(
    ("tag", "remote", "images"),
    [
        ("2.8-rc1", ["2.8-rc1"], ["2.8-rc1"]),  # a pre-release moves nothing
        ("2.8.0-alpha3", [], ["2.8.0-alpha3"]),
        ("2.8", ["2.8-rc1", "2.8"], ["2.8", "latest"]),  # two numbers: no X.Y alias
        ("2.8.0", ["2.8.0"], ["2.8.0", "2.8", "latest"]),
        ("2.8.1", ["2.8.0", "2.9.0-rc1"], ["2.8.1", "2.8", "latest"]),  # a candidate is no stable release
        ("2.7.2", ["2.7.1", "2.8"], ["2.7.2", "2.7"]),  # a back-port does not take latest
        ("2.7.1", ["2.7.2"], ["2.7.1"]),  # nor the alias of its own series
        ("2.8.1", ["2.8", "2.8.1"], ["2.8.1", "latest"]),  # v2.8 owns 2.8
        ("2.8.1-post1", ["2.8.1"], ["2.8.1-post1", "2.8", "latest"]),  # a rebuild is the highest now
        ("2.8.1", ["2.8.1-post1"], ["2.8.1"]),
        ("2.8-post1", ["2.8"], ["2.8-post1", "latest"]),
        ("2.8.0.1", [], ["2.8.0.1", "latest"]),  # four numbers: no alias either
        ("2.10.0", ["2.9.0"], ["2.10.0", "2.10", "latest"]),  # ordered as numbers
        ("2.9.0", ["2.10.0"], ["2.9.0", "2.9"]),
    ],
)
def test_the_image_tags_of_a_release(tag: str, remote: list[str], images: list[str]) -> None:
    assert tags_of(tag, *remote) == images


def test_another_line_has_no_say() -> None:
    others = ["PyTorch-ROCm-v9.0", "JAX-CUDA-v9.0.0", "PyTorch-CUDA12.8-v9.0.0", "nightly", "v3"]
    found = plan(CUDA + "2.8.0", others)
    assert (found.own, *found.aliases) == tuple(
        f"registry.example.com/team/pytorch-cuda:{tag}" for tag in ("2.8.0", "2.8", "latest")
    )


def test_the_hardware_carries_its_version() -> None:
    assert plan("PyTorch-CUDA12.8-v2.8", []).own == "registry.example.com/team/pytorch-cuda12.8:2.8"


def test_an_alias_that_is_left_out_is_said_and_why() -> None:
    notes = plan(CUDA + "2.7.2", [CUDA + "2.7", CUDA + "2.8"]).notes
    assert notes == (
        "registry.example.com/team/pytorch-cuda:2.7 is left alone: PyTorch-CUDA-v2.7 owns it",
        "registry.example.com/team/pytorch-cuda:latest is left alone: PyTorch-CUDA-v2.8 is the highest stable release",
    )


def test_two_git_tags_that_would_own_one_image_tag_are_refused() -> None:
    shared = replace(POLICY, image="registry.example.com/team/{framework:lower}")
    with pytest.raises(CannotJudge, match="both own the image tag"):
        plan("PyTorch-CUDA-v2.8", ["PyTorch-ROCm-v2.8"], shared)
    assert plan("PyTorch-CUDA-v2.8", ["PyTorch-ROCm-v2.7"], shared).own.endswith(":2.8")


def test_lines_that_share_an_image_do_not_fight_for_its_aliases() -> None:
    shared = replace(POLICY, image="registry.example.com/team/{framework:lower}")
    found = plan("PyTorch-CUDA-v2.8.0", ["PyTorch-ROCm-v2.7.0"], shared)
    assert [image.rpartition(":")[2] for image in (found.own, *found.aliases)] == ["2.8.0", "2.8"]
    assert "another line" in found.notes[0]


def test_what_the_remote_has_must_be_known() -> None:
    with pytest.raises(CannotJudge, match="not known"):
        plan_builds(POLICY, CUDA + "2.8", FACTS, None, remote_url="x")


@pytest.mark.parametrize("tag", ["v2.8", "pytorch-cuda-v2.8", "PyTorch-CUDA-v2.8-rc1\n"])
def test_no_release_no_plan(tag: str) -> None:
    with pytest.raises(CannotJudge, match="no release tag"):
        plan(tag, [])


def test_without_an_image_there_are_no_references() -> None:
    found = plan_builds(replace(POLICY, image=None), CUDA + "2.8", FACTS, None, remote_url="x")[0]
    assert (found.images, found.image, found.own) == ((), "", "")


@pytest.mark.parametrize("template", ["registry.example.com/Team/x", "-x", "team//x", "{python}/x"])
def test_an_image_that_no_registry_takes_is_refused(template: str) -> None:
    with pytest.raises(EnvhooksError):
        plan(CUDA + "2.8", [], replace(POLICY, image=template))


def test_the_labels() -> None:
    base = BaseImage("nvidia/cuda", "12.8.1-devel-ubuntu24.04", "sha256:" + "c" * 64, Place("Dockerfile", 1))
    found = plan("PyTorch-CUDA12.8-v2.8-rc1", [], facts=replace(FACTS, base=base))
    oci = "org.opencontainers.image."
    assert dict(found.labels) == {
        f"{oci}title": "PyTorch CUDA12.8",
        f"{oci}version": "2.8-rc1",
        f"{oci}revision": "b" * 40,
        f"{oci}created": "2025-10-09T08:53:20Z",
        f"{oci}source": "https://example.com/team/env",
        f"{oci}ref.name": "PyTorch-CUDA12.8-v2.8-rc1",
        f"{oci}base.name": "nvidia/cuda:12.8.1-devel-ubuntu24.04",
        f"{oci}base.digest": "sha256:" + "c" * 64,
        "envhooks.tag-object": "a" * 40,
        "envhooks.signer": "alice@example.org",
    }
    assert found.annotations == found.labels
    assert found.epoch == FACTS.date


def test_scratch_is_no_base() -> None:
    base = BaseImage("scratch", None, None, Place("Dockerfile", 1))
    assert not [k for k, _ in plan(CUDA + "2.8", [], facts=replace(FACTS, base=base)).labels if ".base." in k]


def test_keys_that_every_builder_has_are_not_the_builders_own() -> None:
    assert dict(plan(CUDA + "2.8", []).options) == {"command": ["x"]}


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://github.com/team/env.git", "https://github.com/team/env"),
        ("git@GitHub.com:team/env.git", "https://github.com/team/env"),
        ("ssh://git@git.example.com:2222/team/env", "https://git.example.com/team/env"),
        ("https://git.example.com:8443/a b/env/", "https://git.example.com:8443/a%20b/env"),
        ("/srv/git/env.git", ""),
        ("file:///srv/git/env.git", ""),
        ("ext::***12345678", ""),
    ],
)
def test_the_source_is_an_https_address_and_the_same_for_each_spelling(url: str, source: str) -> None:
    (found,) = plan_builds(POLICY, CUDA + "2.8", FACTS, [], remote_url=url)
    assert dict(found.labels).get("org.opencontainers.image.source", "") == source


def test_the_key_is_that_of_url_ref_object_and_build() -> None:
    found = plan(CUDA + "2.8", [])
    assert found.key == key_of("https://example.com/team/env.git", found.ref, "a" * 40, "image")
    assert (
        len(
            {
                key_of(*fields)
                for fields in (("a", "b", "c", "d"), ("a\0b", "", "c", "d"), ("a", "b", "d", "c"))
            }
        )
        == 3
    )


@pytest.mark.parametrize(
    ("remotes", "stages", "fits"),
    [
        ((), (), True),
        (("origin",), (), True),
        (("upstream",), (), False),
        (("https://example.com/*",), (), True),
        (("https://example.com/other*",), (), False),
        ((), ("rc",), True),
        ((), ("stable", "post"), False),
    ],
)
def test_which_sections_are_meant(remotes: tuple[str, ...], stages: tuple[str, ...], fits: bool) -> None:
    name = Grammar(POLICY.tag).match(CUDA + "2.8-rc1")
    assert name is not None
    build = replace(BUILD, remotes=remotes, stages=stages)
    assert matching([build], name, "origin", "https://example.com/env.git") == ((build,) if fits else ())


VERSIONS = st.lists(st.integers(0, 3), min_size=2, max_size=4).map(lambda parts: ".".join(map(str, parts)))
STAGES = st.sampled_from(["", "", "-rc1", "-alpha2", "-post1", "-post2"])
RELEASES = st.lists(st.builds("{}{}".format, VERSIONS, STAGES), min_size=1, max_size=12, unique=True)


@settings(max_examples=150, deadline=None)
@given(RELEASES)
def test_no_order_of_building_leaves_an_alias_in_the_wrong_place(releases: list[str]) -> None:
    grammar = Grammar(POLICY.tag)
    owned = set(releases)
    for release in releases:
        name = grammar.match(CUDA + release)
        assert name is not None
        own, *aliases = tags_of(release, *releases)
        assert own == image_tag(name) == release
        assert not set(aliases) & owned, "an image tag that a git tag owns was moved"
        assert name.is_stable or not aliases, "a pre-release moved an alias"
        others = [
            other for other in map(grammar.match, (CUDA + r for r in releases)) if other and other.is_stable
        ]
        if "latest" in aliases:
            assert name.order == max(other.order for other in others)
        for alias in set(aliases) - {"latest"}:
            assert len(name.version) == 3
            assert alias == ".".join(map(str, name.version[:2]))
            assert name.order == max(other.order for other in others if other.series == name.series)


def test_a_yanked_release_moves_no_name_and_holds_none() -> None:
    """`latest` of a release that must not be used would bring it into production; one before it takes the name."""
    yanked = replace(POLICY, yanked=MappingProxyType({f"{CUDA}2.9.0": "CVE-2026-1234"}))
    remote = [f"{CUDA}2.8.0", f"{CUDA}2.9.0"]
    found = plan(f"{CUDA}2.9.0", remote, yanked)
    assert found.aliases == () and "is yanked" in " ".join(found.notes)
    older = plan(f"{CUDA}2.8.0", remote, yanked)
    assert [one.rpartition(":")[2] for one in older.aliases] == ["2.8", "latest"]
    assert rightful(yanked, "latest", "registry.example.com/team/pytorch-cuda", remote) == Grammar(
        yanked.tag
    ).match(f"{CUDA}2.8.0")


def test_a_local_build_does_not_stand_on_an_image_that_it_does_not_build() -> None:
    facts = replace(FACTS, below=("base",))
    assert plan(CUDA + "2.8", [], facts=facts).dockerfile == "Dockerfile"  # a command of the team builds both
    local = replace(POLICY, builds=(BuildPolicy("image", "local"),))
    with pytest.raises(CannotJudge, match="does not build base first"):
        plan(CUDA + "2.8", [], local, facts)
    assert plan(CUDA + "2.8", [], local).dockerfile == "Dockerfile"
