"""What a read name says of its line, its series and its place among the releases of a line."""

from __future__ import annotations

from itertools import pairwise

import pytest

from envhooks.base.dataclass import replace
from envhooks.tagname import BUILTIN_STAGES, DEFAULT_TAG_POLICY, DEFAULT_TEMPLATE, Grammar
from envhooks.tagname.names import Meaning, TagName

FULL = (
    "{framework}-{hardware}-v{version}-py{python}-cudnn{cudnn}-{os}-{variant}-{flash-attn}-r{release}-{date}"
)
TEXT = "PyTorch-CUDA12.8-v2.8.1-py3.12-cudnn9.10-ubuntu24.04-devel-2.7.4-r7-2026-01-30"


def read(text: str, template: str = DEFAULT_TEMPLATE, meaning: Meaning | None = None) -> TagName:
    meanings = {} if meaning is None else {template: meaning}
    policy = replace(DEFAULT_TAG_POLICY, templates=(template,), meanings=meanings)
    found = Grammar(policy).match(text)
    assert found is not None, text
    return found


def test_a_line_is_what_exists_side_by_side() -> None:
    apart = ("python=3.12", "cudnn=9.10", "os=ubuntu24.04", "variant=devel")
    assert read(TEXT, FULL).line == ("PyTorch", "CUDA12.8", *apart)
    assert read("JAX-TPU-v0.7").line == ("JAX", "TPU")
    assert read("v2.8", "v{version}").line == ("", "")
    assert read("v2.8-cu13", "v{version}-cu{cuda}").line == ("", "CUDA13")


@pytest.mark.parametrize(
    ("text", "template", "series"),
    [
        ("JAX-TPU-v0.7.1.2-rc1", DEFAULT_TEMPLATE, ("JAX", "TPU", (0, 7))),
        ("JAX-TPU-v0.7", DEFAULT_TEMPLATE, ("JAX", "TPU", (0, 7))),
        ("r25.06.1", "r{release}", ("", "", (25, 6))),
        ("r25.06", "r{release}", ("", "", ())),
        ("r7", "r{release}", ("", "", ())),
        ("2026-01-30", "{date}", ("", "", ())),
        ("v2.8-r1.2.3", "v{version}-r{release}", ("", "", (2, 8))),
    ],
)
def test_a_series_is_the_line_and_two_numbers(text: str, template: str, series: tuple[object, ...]) -> None:
    assert read(text, template).series == series


@pytest.mark.parametrize(
    ("template", "ascending"),
    [
        (
            "v{version}[-{stage}]",
            ["v2.7.9", "v2.8-alpha1", "v2.8-alpha2", "v2.8-beta1", "v2.8-rc1", "v2.8-rc2", "v2.8-rc10", "v2.8",
             "v2.8-post1", "v2.8-post2", "v2.8.0.1-rc1", "v2.8.0.1", "v2.8.1", "v2.10", "v10.0"],
        ),
        (
            "v2-{flash-attn}",
            ["v2-2.6.9", "v2-2.7a1", "v2-2.7a2", "v2-2.7b1", "v2-2.7rc1", "v2-2.7", "v2-2.7.post1", "v2-2.7.1",
             "v2-2.10"],
        ),
        ("r{release}[-{stage}]", ["r9-rc1", "r9", "r9-post1", "r10", "r10.1", "r10.1.5", "r10.2"]),
        ("{date}[-{stage}]", ["20251231", "2026-01-30-rc1", "20260130", "2026.01.31"]),
        (
            "v{version}-r{release}-{date}",
            ["v2.8-r1-20260130", "v2.8-r2-20260101", "v2.8-r2-2026-01-02", "v2.9-r1-20250101"],
        ),
    ],
)  # fmt: skip
def test_releases_follow_each_other(template: str, ascending: list[str]) -> None:
    names = [read(text, template) for text in ascending]
    assert [(one.text, other.text) for one, other in pairwise(names) if not one.order < other.order] == []
    assert all(name.is_ordered for name in names)


@pytest.mark.parametrize(
    ("template", "one", "other"),
    [
        ("v{version}", "v2.8", "v2.8.0.0"),
        ("r{release}", "r7", "r07"),
        ("{date}", "20260130", "2026.01.30"),
        ("v2-{flash-attn}", "v2-2.7", "v2-2.7.0"),
        ("v2-{flash-attn}", "v2-2.7.0.post1", "v2-2.7.post1"),
    ],
)
def test_two_spellings_of_one_release_are_one(template: str, one: str, other: str) -> None:
    assert read(one, template).order == read(other, template).order


def test_what_the_name_says_of_its_stage() -> None:
    names = [read(f"JAX-TPU-v0.7-{stage}3") for stage in BUILTIN_STAGES] + [read("JAX-TPU-v0.7")]
    assert [name.stage_text for name in names] == ["alpha3", "beta3", "rc3", "post3", ""]
    assert [name.is_stable for name in names] == [False, False, False, True, True]


def test_what_is_packed_beside_the_framework() -> None:
    name = read(TEXT, FULL)
    assert name.packages == (("flash-attn", "2.7.4"),)
    assert (name.field("os"), name.field("variant"), name.field("nothing")) == ("ubuntu24.04", "devel", "")
    assert name.release_text == "2.8.1-flash-attn2.7.4-7-2026-01-30"
    assert read("JAX-TPU-v0.7-rc1").release_text == "0.7-rc1"
    assert not read("ubuntu24.04", "{os}").is_ordered and read("v2-2.7", "v2-{flash-attn}").is_ordered


def test_a_version_of_hardware_that_is_the_base_images_own() -> None:
    template = "v{version}-cu{cuda}"
    assert read("v2.8-cu12.8", template).wheel_version == "12.8"
    of_base = read("v2.8-cu12.8", template, Meaning(of_base=frozenset({"cuda"})))
    assert (of_base.hardware_version, of_base.wheel_version) == ("12.8", None)
