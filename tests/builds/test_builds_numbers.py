"""Image tags of releases that have a number or a date of their own."""

from __future__ import annotations

import pytest

from envhooks.base.errors import CannotJudge
from envhooks.builds.further import image_tag
from envhooks.builds.plan import Facts, plan_builds
from envhooks.builds.verify_image import expected
from envhooks.policy.reader import parse_policy
from envhooks.tagname import Grammar

FACTS = Facts("a" * 40, "b" * 40, 1_760_000_000, "Dockerfile")


def tags_of(template: str, tag: str, *remote: str, image: str = "registry.example.com/env") -> list[str]:
    text = (
        f'[tag]\ntemplates = [{{ template = "{template}", framework = "PyTorch" }}]\n[image]\nname = "{image}"\n'
        '[[build]]\nname = "image"\nusing = "local"\n'
    )
    policy = parse_policy(text.encode(), ".envhooks/policy.toml")
    (plan,) = plan_builds(policy, tag, FACTS, [tag, *remote], remote_url="https://example.com/env.git")
    return [reference.rpartition(":")[2] for reference in (plan.own, *plan.aliases)]


@pytest.mark.parametrize(
    ("template", "tag", "remote", "images"),
    [
        ("v{release}[-{stage}]", "v2.1.0", ["v2.0.5"], ["2.1.0", "2.1", "latest"]),
        ("v{release}[-{stage}]", "v2.0.6", ["v2.0.5", "v2.1.0"], ["2.0.6", "2.0"]),
        ("v{release}[-{stage}]", "v2.1.0-rc1", ["v2.0.5"], ["2.1.0-rc1"]),
        ("v{release}[-{stage}]", "v2.1.0-post1", ["v2.1.0"], ["2.1.0-post1", "2.1", "latest"]),
        ("env-{release}", "env-10", ["env-9"], ["10", "latest"]),
        ("env-{release}", "env-9", ["env-10"], ["9"]),
        ("env-{release}", "env-25.06", ["env-24.12"], ["25.06", "latest"]),
        ("{date}", "2026-01-30", ["2026-01-15"], ["2026-01-30", "latest"]),
        ("{date}", "20260115", ["2026-01-30"], ["20260115"]),
        ("v{version}-{release}", "v2.8.0-7", ["v2.8.0-6", "v2.7.0-9"], ["2.8.0-7", "2.8", "latest"]),
        ("v{version}-{release}", "v2.8.0-6", ["v2.8.0-7"], ["2.8.0-6"]),
        ("v{version}-{date}", "v2.8.0-20260130", ["v2.8.0-20260115"], ["2.8.0-20260130", "2.8", "latest"]),
        ("{version}-fa{flash-attn}", "2.8-fa2.8.0", ["2.8-fa2.7.4"], ["2.8-flash-attn2.8.0", "latest"]),
        ("{cuda}-{variant}", "12.8.1-devel", [], ["12.8.1-devel", "latest"]),
    ],
)
def test_the_image_tags_of_a_release(template: str, tag: str, remote: list[str], images: list[str]) -> None:
    assert tags_of(template, tag, *remote) == images


def test_what_exists_side_by_side_has_images_of_its_own() -> None:
    template, other = "v{version}-py{python}", "v2.8.0-py3.12"
    with pytest.raises(CannotJudge, match="would both own"):
        tags_of(template, "v2.8.0-py3.11", other)
    own = "registry.example.com/env-py{python:compact}"
    assert tags_of(template, "v2.8.0-py3.11", other, image=own) == ["2.8.0", "2.8", "latest"]


@pytest.mark.parametrize(
    ("template", "tag"),
    [
        ("release/v{release}", "release/v2.1.0"),
        ("{cuda}/{variant}", "12.8.1/devel"),
        ("a+{os}", "a+ubuntu24.04"),
    ],
)
def test_an_image_tag_is_one_that_registries_take(template: str, tag: str) -> None:
    policy = parse_policy(f'[tag]\ntemplates = ["{template}"]\n'.encode(), ".envhooks/policy.toml")
    name = Grammar(policy.tag).match(tag)
    assert name is not None
    assert image_tag(name) and not set(image_tag(name)) & set("/+:@ ")


def test_an_image_is_held_against_the_wheels_hardware_alone() -> None:
    text = '[tag]\ntemplates = [{{ template = "{{version}}-cuda{{cuda}}", framework = "PyTorch"{} }}]\n'
    for more, number in (("", "12.8"), (', base = ["cuda"]', None)):
        policy = parse_policy(text.format(more).encode(), ".envhooks/policy.toml")
        name = Grammar(policy.tag).match("2.8.0-cuda12.8")
        assert name is not None
        found = expected(name, policy.tag)
        assert (found.hardware, found.hardware_version) == ("CUDA", number)
