"""The template that is proposed for the tags that a repository has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envhooks.tagname import DEFAULT_TEMPLATE, template_faults
from envhooks.tagname.names import DEFAULT_TAG_POLICY
from envhooks.tagname.proposal import globs_of, propose, template_of


def numbered_by_the_framework(text: str) -> bool:
    return text.startswith("2.")


@pytest.mark.parametrize(
    ("names", "template"),
    [
        (("PyTorch-CUDA-v2.8-rc1", "JAX-TPU-v0.4"), DEFAULT_TEMPLATE),
        (("v2.8.0", "v2.8.0-rc1", "v2.7.1"), "v{version}[-{stage}]"),
        (("v1.4", "v1.5-rc2"), "v{release}[-{stage}]"),
        (("v1.4.0", "v1.5.0-rc.2", "v1.5.0-rc.3"), "v{release}[-{stage:dotted}]"),
        (("v2.8.0rc1", "v2.8.0"), "v{version}[{stage}]"),
        (("2.9.0-cuda12.8-cudnn9-devel", "2.8.0-cuda12.8-cudnn9-runtime"),
         "{version}-{hardware:lower}-cudnn{cudnn}-{variant}[-{stage}]"),
        (("release/pytorch-2.8.0-cu128", "release/pytorch-2.8.0-cpu"),
         "release/{framework:lower}-{version}-{hardware:compact}[-{stage}]"),
        (("PyTorch-2.8.0+cu128-rc3",), "{framework}-{version}+{hardware:compact}[-{stage}]"),
        (("pytorch-2.8.0-py312-cu128-ubuntu22.04",),
         "{framework:lower}-{version}-py{python:compact}-{hardware:compact}-{os}[-{stage}]"),
        (("2025-06-12", "2025-06-30"), "{date}[-{stage}]"),
        (("images/train/v1.4", "images/train/v1.5"), "images/train/v{release}[-{stage}]"),
        (("env-7", "env-8"), "env-{release}[-{stage}]"),
        (("pytorch-2.8.0-cu12-5", "pytorch-2.7.1-cu11-4"),
         "{framework:lower}-{version}-cu{cuda}-{release}[-{stage}]"),
    ],
)  # fmt: skip
def test_conventions(names: tuple[str, ...], template: str) -> None:
    found = propose(names, numbered_by_the_framework)
    assert (found.template, found.read, found.rest) == (template, names, ())


def test_a_number_that_no_version_of_the_framework_begins_with_is_ones_own() -> None:
    names = ("pytorch-cuda/v1.1.0", "jax-cuda/v1.0.0")
    told = {"PyTorch": frozenset("2"), "JAX": frozenset("0")}
    form = "{{framework:lower}}-{{hardware:lower}}/v{{{}}}[-{{stage}}]".format
    assert propose(names, majors=told).template == form("release")
    assert propose(names).template == form("version")
    assert propose(("pytorch-cuda/v2.8.0",), majors=told).template == form("version")


def test_the_one_that_reads_most_is_taken_and_the_rest_is_told() -> None:
    names = ("v1.4", "nightly-20260101", "v1.3", "old", "train/v1.0", "v1.2")
    found = propose(names)
    assert found.template == "v{release}[-{stage}]"
    assert found.read == ("v1.4", "v1.3", "v1.2")
    assert found.rest == ("nightly-20260101", "old", "train/v1.0")


def test_nightlies_are_no_releases_however_many_there_are() -> None:
    names = (*(f"nightly-202601{day}" for day in range(10, 30)), "v1.0", "latest")
    assert propose(names).template == "v{release}[-{stage}]"


def test_no_tags_mean_the_default() -> None:
    assert propose(()).is_default and propose(("latest", "old")).is_default


def test_patterns_of_names() -> None:
    names = ("nightly-20260101", "nightly-20260102", "build_7", "old")
    assert globs_of(names) == ("nightly-*", "build_*", "old")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_any_name_makes_a_sound_template_or_none(name: str) -> None:
    template = template_of(name, numbered_by_the_framework, DEFAULT_TAG_POLICY)
    found = propose((name,), numbered_by_the_framework)
    assert template_faults(found.template) == ()
    assert not template or isinstance(template, str)
    assert (found.read, found.rest) in (((name,), ()), ((), (name,)))
