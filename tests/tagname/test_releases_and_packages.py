"""Constants of a template, versions of packages in a name, and the order of releases and dates."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from envhooks.base.dataclass import replace
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar, expand, template_faults
from envhooks.tagname.names import Meaning, TagName


def grammar(*templates: str, **meanings: Meaning) -> Grammar:
    told = MappingProxyType(dict(zip(templates, meanings.values(), strict=False)))
    return Grammar(replace(DEFAULT_TAG_POLICY, templates=templates, meanings=told))


def read(template: str, text: str, meaning: Meaning | None = None) -> TagName:
    own = grammar(template, one=meaning) if meaning else grammar(template)
    name = own.match(text)
    assert name is not None, own.read(text)
    return name


# ------------------------------------------------------------------------------------ constants


def test_a_constant_is_as_if_the_name_said_it() -> None:
    told = Meaning((("framework", "PyTorch"), ("hardware", "CUDA12.8"), ("os", "ubuntu24.04")))
    name = read("v{version}[-{stage}]", "v2.8.0-rc1", told)
    assert (name.framework, name.hardware, name.hardware_version) == ("PyTorch", "CUDA", "12.8")
    assert (name.field("os"), name.stage_text, name.version) == ("ubuntu24.04", "rc1", (2, 8, 0))
    assert expand("{framework:lower}-{hardware:lower}:{version}", name) == "pytorch-cuda12.8:2.8.0"


def test_a_constant_hardware_takes_the_number_of_the_name() -> None:
    told = Meaning((("framework", "PyTorch"), ("hardware", "CUDA")), frozenset({"cuda"}))
    name = read("{version}[-cuda{cuda}]", "2.8.0-cuda12.8", told)
    assert (name.hardware, name.hardware_version) == ("CUDA", "12.8")
    assert name.of_base == {"cuda"}
    assert read("{version}[-cuda{cuda}]", "2.8.0", told).hardware_version is None


def test_a_misspelt_name_of_a_template_with_constants_has_its_suggestion() -> None:
    own = grammar(
        "v{version}[-{stage}]-gpu", one=Meaning((("framework", "TensorFlow"), ("hardware", "CUDA")))
    )
    assert own.read("2.19.0-GPU").suggestion == "v2.19.0-gpu"
    assert own.read("v2.19.0rc1-gpu").suggestion == "v2.19.0-rc1-gpu"


# ------------------------------------------------------------------------------------- packages


@pytest.mark.parametrize(
    ("template", "text", "packages"),
    [
        ("th{version}-flashattn{flash-attn}", "th2.8.0-flashattn2.7.4", {"flash-attn": "2.7.4"}),
        ("th{version}-flashattn{flash-attn}", "th2.8.0-flashattn2.7.4.post1", {"flash-attn": "2.7.4.post1"}),
        ("{version}-tr{transformers}[-x{xformers}]", "2.8-tr4.55", {"transformers": "4.55"}),
        (
            "{version}-tr{transformers}[-x{xformers}]",
            "2.8-tr4.55-x0.0.31",
            {"transformers": "4.55", "xformers": "0.0.31"},
        ),
        ("{version}-triton{triton}", "2.8-triton3.4.0", {"triton": "3.4.0"}),
    ],
)
def test_a_package_is_a_field(template: str, text: str, packages: dict[str, str]) -> None:
    name = read(template, text)
    assert dict(name.packages) == packages
    assert expand(template, name) == text


@pytest.mark.parametrize(
    "text", ["th2.8.0-flashattn2", "th2.8.0-flashattn2.07", "th2.8.0-flashattn2.7.4-post1"]
)
def test_a_packages_version_has_one_spelling(text: str) -> None:
    assert grammar("th{version}-flashattn{flash-attn}").match(text) is None


@pytest.mark.parametrize("field", ["versoin", "framwork", "pythn", "hardwear", "relase", "varient", "cudn"])
def test_a_slip_of_a_field_is_no_package(field: str) -> None:
    assert any("did you mean" in fault for fault in template_faults(f"{{{field}}}-x"))


@pytest.mark.parametrize(
    "field", ["Flash", "flash_attn", "flash-", "-x", "flash.attn", "tag", "series", "x" * 61]
)
def test_what_cannot_be_a_package_is_no_field(field: str) -> None:
    assert any("is no field" in fault for fault in template_faults(f"{{{field}}}-x"))


def test_the_compact_cuda_reads_as_its_version() -> None:
    name = read("{version}-cu{cuda:compact}", "2.8.0-cu128")
    assert (name.hardware, name.hardware_version) == ("CUDA", "12.8")
    assert expand("{version}-cu{cuda:compact}", name) == "2.8.0-cu128"
    assert read("{version}-cu{cuda:compact}", "1.4.0-cu92").hardware_version == "9.2"


# ---------------------------------------------------------------------------------------- order


numbers = st.lists(st.integers(0, 30), min_size=2, max_size=4).map(tuple)
stages = st.sampled_from(
    [("stable", 0), *((word, n) for word in ("alpha", "beta", "rc", "post") for n in (1, 2, 11))]
)
_SHORT = {"alpha": "a", "beta": "b", "rc": "rc", "post": ".post", "stable": ""}


def version_of(name: TagName) -> Version:
    return Version(
        name.version_text + _SHORT[name.stage] + (str(name.stage_number) if name.stage != "stable" else "")
    )


@given(st.tuples(numbers, stages), st.tuples(numbers, stages))
def test_the_order_is_that_of_pep_440(
    one: tuple[tuple[int, ...], tuple[str, int]], other: tuple[tuple[int, ...], tuple[str, int]]
) -> None:
    left, right = (
        TagName("x", version=version, stage=stage[0], stage_number=stage[1])
        for version, stage in (one, other)
    )
    assert (left.order < right.order) is (version_of(left) < version_of(right))
    assert (left.order == right.order) is (version_of(left) == version_of(right))


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        (
            "v{release}[-{stage}]",
            ["v2.0.5", "v2.1.0-rc1", "v2.1.0-rc2", "v2.1.0", "v2.1.0-post1", "v2.1.1", "v10.0.0"],
        ),
        ("v{release}", ["v7", "v8", "v10", "v11"]),
        ("{release}-x", ["25.06-x", "25.10-x", "26.01-x"]),
        ("{date}", ["20251231", "2026-01-01", "2026.01.30", "20260201"]),
        (
            "v{version}-{release}[-{stage}]",
            ["v2.8.0-7-rc1", "v2.8.0-7", "v2.8.0-8-rc1", "v2.8.0-10", "v2.8.1-1"],
        ),
        ("v{version}-{date}", ["v2.7.0-20260201", "v2.8.0-20260101", "v2.8.0-20260102"]),
        (
            "{version}-fa{flash-attn}",
            ["2.8-fa2.7.4", "2.8-fa2.7.4.post1", "2.8-fa2.8.0rc1", "2.8-fa2.8.0", "2.9-fa2.7.4"],
        ),
    ],
)
def test_releases_and_dates_are_ordered(template: str, texts: list[str]) -> None:
    orders = [read(template, text).order for text in texts]
    assert orders == sorted(orders) and len(set(orders)) == len(orders)


@pytest.mark.parametrize(
    ("template", "one", "other", "same"),
    [
        ("v{release}", "v2.0.5", "v2.1.0", False),
        ("v{release}", "v2.1.0", "v2.1.5", True),
        ("v{release}", "v7", "v8", True),
        ("{release}-x", "25.06-x", "26.01-x", True),
        ("{date}", "2026-01-01", "2025-01-01", True),
        ("v{version}-py{python}", "v2.8.0-py3.11", "v2.8.0-py3.12", False),
        ("v{version}-{variant}", "v2.8.0-devel", "v2.8.0-runtime", False),
        ("v{version}-{date}", "v2.8.0-20260101", "v2.8.1-20260102", True),
        ("{version}-fa{flash-attn}", "2.8-fa2.7.4", "2.8-fa2.8.0", True),
    ],
)
def test_what_is_of_one_series(template: str, one: str, other: str, same: bool) -> None:
    assert (read(template, one).series == read(template, other).series) is same


@pytest.mark.parametrize(
    ("template", "text", "release"),
    [
        ("PyTorch-v{version}[-{stage}]", "PyTorch-v2.8-rc1", "2.8-rc1"),
        ("v{release}[-{stage}]", "v2.1.0-rc1", "2.1.0-rc1"),
        ("env-{date}", "env-2026-01-30", "2026-01-30"),
        ("v{version}-r{release}", "v2.8.0-r7", "2.8.0-7"),
        ("{version}-fa{flash-attn}-py{python}", "2.8.0-fa2.7.4-py3.12", "2.8.0-flash-attn2.7.4"),
    ],
)
def test_the_text_of_a_release(template: str, text: str, release: str) -> None:
    assert read(template, text).release_text == release
