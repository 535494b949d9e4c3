"""The grammar of tags' names: both sides of each rule, and git as the oracle for what is legal."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from itertools import product
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.dataclass import replace
from envhooks.base.errors import PolicyError, UsageError
from envhooks.base.hygiene import printable
from envhooks.tagname import (
    BUILTIN_ALIASES,
    BUILTIN_FRAMEWORKS,
    BUILTIN_HARDWARE,
    BUILTIN_STAGES,
    DEFAULT_TAG_POLICY,
    DEFAULT_TEMPLATE,
    Grammar,
    expand,
    expansion_faults,
    field_names,
    field_text,
    is_release_tag,
    packages_of,
    template_faults,
)
from envhooks.tagname.names import MAX_NAME, TagName, TagPolicy, is_legal, text_faults
from envhooks.tagname.template import distance

GRAMMAR = Grammar(DEFAULT_TAG_POLICY)


def grammar(*templates: str, **more: object) -> Grammar:
    return Grammar(replace(DEFAULT_TAG_POLICY, templates=templates, **more))  # type: ignore[arg-type]


def read(text: str, by: Grammar = GRAMMAR) -> TagName:
    naming = by.read(text)
    assert naming.name is not None, naming
    assert naming.faults == ()
    return naming.name


# ------------------------------------------------------------------------------- canonical names


@pytest.mark.parametrize(
    ("text", "framework", "hardware", "number", "version", "stage", "stage_number"),
    [
        ("PyTorch-CUDA-v2.8-rc1", "PyTorch", "CUDA", None, (2, 8), "rc", 1),
        ("PyTorch-CUDA12.8-v2.8.0", "PyTorch", "CUDA", "12.8", (2, 8, 0), "stable", 0),
        ("PyTorch-CUDA12.8.1-v2.8.0", "PyTorch", "CUDA", "12.8.1", (2, 8, 0), "stable", 0),
        ("JAX-TPU-v0.7.1-beta2", "JAX", "TPU", None, (0, 7, 1), "beta", 2),
        ("TensorFlow-ROCm-v2.19.1-post1", "TensorFlow", "ROCm", None, (2, 19, 1), "post", 1),
        ("vLLM-CPU-v0.10.1.1-alpha10", "vLLM", "CPU", None, (0, 10, 1, 1), "alpha", 10),
    ],
)
def test_canonical_names(
    text: str,
    framework: str,
    hardware: str,
    number: str | None,
    version: tuple[int, ...],
    stage: str,
    stage_number: int,
) -> None:
    assert read(text) == TagName(text, framework, hardware, number, version, stage, stage_number)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("{version}", ["0.0", "999999.1", "1.2.3.4"], ["1", "1000000.1", "01.2", "1.2.3.4.5", "1.2.", ".1"]),
        ("{stage}", ["rc1", "post999999"], ["rc0", "rc01", "rc1000000", "rc", "rc.1", "dev1", "stable"]),
        ("{stage:dotted}", ["rc.1", "alpha.999999"], ["rc1", "rc.0", "rc-1"]),
        ("cu{cuda}", ["cu12", "cu12.8", "cu12.8.1", "cu0"], ["cu12.8.1.0", "cu012", "cu1000000", "cu12."]),
        ("cu{cuda:compact}", ["cu118", "cu92", "cu128"], ["cu1", "cu12.8", "cu1281", "cu028"]),
        ("r{rocm}", ["r6", "r6.4.4"], ["r6.4.4.0", "r06"]),
        ("{cudnn}", ["9", "9.10.2"], ["9.10.2.21", "09"]),
        ("py{python}", ["py3.12", "py2.7", "py3.9.1", "py3.99.99"], ["py3", "py4.1", "py3.100", "py3.1.2.3", "py3.01"]),
        ("py{python:compact}", ["py312", "py27", "py30"], ["py3", "py3.12", "py3123", "py412", "py301"]),
        ("{os}", ["ab", "a" * 20, "ubuntu24.04", "x" * 20 + "1234.1234.1234", "el9"],
         ["a", "a" * 21, "ab12345", "ab1.12345", "ab1.2.3.4", "Ubuntu24.04", "24.04"]),
        ("{variant}", ["ab", "devel", "a" * 20], ["a", "a" * 21, "devel1", "Devel"]),
        ("{date}", ["20260130", "2026-01-30", "2026.01.30", "20240229"],
         ["2026130", "202601301", "2026-1-30", "2026.01-30", "20260230", "2026-13-01", "00000101"]),
        ("{release}", ["7", "07", "25.06", "12345678.1.2.3"], ["", "123456789", "1.2.3.4.5", "1.", "1.123456789"]),
        ("{hardware}", ["CUDA", "CUDA12", "CUDA12.8.1", "CPU"], ["cuda", "CUDA12.8.1.1", "CUDA012", "CUDA-12", "GPU"]),
        ("{hardware:lower}", ["cuda12.8", "rocm"], ["CUDA12.8", "Cuda"]),
        ("{hardware:compact}", ["cu128", "cu92", "cpu", "rocm6.4"], ["cuda", "cu12.8", "cuda12.8", "cu1", "cu1281"]),
        ("{framework}", ["PyTorch", "JAX"], ["pytorch", "PYTORCH", "PyTorch1", "Py"]),
        ("{framework:lower}", ["pytorch"], ["PyTorch"]),
        ("{flash-attn}", ["2.7", "2.7.4.post1", "2.7rc1", "0.1a2", "2.7.4.1"],
         ["2", "2.7.4.1.1", "2.7.post", "2.7rc", "2.7rc0", "2.7.dev1", "2.7+cu128", "02.7"]),
    ],
)  # fmt: skip
def test_each_field_takes_its_own_spellings_and_no_other(field: str, good: list[str], bad: list[str]) -> None:
    by = grammar(f"v/{field}/x")
    assert [text for text in good if by.match(f"v/{text}/x") is None] == []
    assert [text for text in bad if by.match(f"v/{text}/x") is not None] == []


def test_compact_spellings_mean_what_the_long_ones_do() -> None:
    by = grammar("v{version}-py{python:compact}-cu{cuda:compact}")
    for text, python, cuda in (("v2.8-py312-cu128", "3.12", "12.8"), ("v2.8-py27-cu92", "2.7", "9.2")):
        name = read(text, by)
        assert (name.field("python"), name.hardware, name.hardware_version) == (python, "CUDA", cuda)
        assert expand("v{version}-py{python:compact}-cu{cuda:compact}", name) == text


def test_compact_hardware_is_that_of_the_policy() -> None:
    template = "v/{hardware:compact}/x"
    assert grammar(template, hardware=("CPU",)).match("v/cu128/x") is None, "no CUDA in the policy"
    alone = grammar(template, hardware=("CUDA",))
    assert alone.match("v/cu128/x") is not None
    assert [text for text in ("v//x", "v/12/x", "v/cpu/x", "v/cuda/x") if alone.match(text)] == []
    name = read("v/cu128/x", grammar("v/{hardware}/x", hardware=("cu",)))
    assert (name.hardware, name.hardware_version) == ("cu", "128"), "a name of their own"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("python", "3.12", "3.12x"),
        ("framework", "JAX", "JAXX"),
        ("os", "noble", " noble"),
        ("variant", "devel", "Devel"),
    ],
)
def test_what_a_template_may_state_for_all_of_its_tags(name: str, good: str, bad: str) -> None:
    assert field_text(name, good, DEFAULT_TAG_POLICY) is True
    assert field_text(name, bad, DEFAULT_TAG_POLICY) is False


numbers = st.integers(0, 999_999)
versions = st.lists(numbers, min_size=2, max_size=4).map(tuple)
hardware_versions = st.lists(numbers, min_size=1, max_size=3).map(lambda ns: ".".join(map(str, ns)))
stages = st.one_of(
    st.just(("stable", 0)), st.tuples(st.sampled_from(BUILTIN_STAGES), st.integers(1, 999_999))
)


@st.composite
def names(draw: st.DrawFn) -> TagName:
    stage, stage_number = draw(stages)
    return TagName(
        "",
        draw(st.sampled_from(sorted(BUILTIN_FRAMEWORKS))),
        draw(st.sampled_from(BUILTIN_HARDWARE)),
        draw(st.none() | hardware_versions),
        draw(versions),
        stage,
        stage_number,
    )


@pytest.mark.parametrize(
    "template",
    [
        DEFAULT_TEMPLATE,
        "env/{framework:lower}_{hardware:lower}_{version}[.{stage:dotted}]",
        "{version}[{stage}]+{hardware}.{framework}",
        "[{stage}-]{hardware:lower}-{framework}{version}",
    ],
)
@settings(max_examples=60)
@given(name=names())
def test_what_is_written_reads_back(template: str, name: TagName) -> None:
    text = expand(template, name)
    found = read(text, grammar(template))
    assert found == replace(name, text=text)
    assert is_legal(text)
    assert expand(template, found) == found.text


@settings(max_examples=150)
@given(name=names(), data=st.data())
def test_one_changed_character_reads_as_itself_or_not_at_all(name: TagName, data: st.DataObject) -> None:
    text = expand(DEFAULT_TEMPLATE, name)
    at = data.draw(st.integers(0, len(text)))
    changed = text[:at] + data.draw(st.characters()) + text[at + data.draw(st.integers(0, 1)) :]
    naming = GRAMMAR.read(changed)
    assert (naming.name is None) == bool(naming.faults)
    if naming.name is not None:
        assert expand(DEFAULT_TEMPLATE, naming.name) == changed == naming.name.text


@settings(max_examples=300)
@given(st.text(max_size=60) | st.text("PyTorchCUDAv2.8-rc1_/", max_size=60))
def test_any_text_has_a_name_or_faults_that_are_safe_to_print(text: str) -> None:
    naming = GRAMMAR.read(text)
    assert (naming.name is None) == bool(naming.faults)
    assert len(set(naming.faults)) == len(naming.faults)
    for fault in naming.faults:
        assert fault == printable(fault, 5000)
        assert not fault.endswith(".")
    if naming.suggestion:
        assert read(naming.suggestion)


def test_versions_and_stages_are_ordered() -> None:
    ordered = ["v2.8-alpha2", "v2.8-beta1", "v2.8-rc1", "v2.8-rc2", "v2.8-rc10", "v2.8", "v2.8-post1"]
    ordered += ["v2.8.1-alpha1", "v2.8.1", "v2.8.10", "v2.10"]
    orders = [read(f"PyTorch-CUDA-{text}").order for text in ordered]
    assert orders == sorted(orders)
    assert len(set(orders)) == len(orders)
    assert read("PyTorch-CUDA-v2.8").order == read("PyTorch-CUDA-v2.8.0").order


# --------------------------------------------------------------------------- one rule, one sentence


@pytest.mark.parametrize(
    ("text", "said", "suggestion"),
    [
        ("", "the name is empty", ""),
        ("-CUDA-v2.8", "the framework is missing", ""),
        ("PyTorch--v2.8", "the hardware is missing", ""),
        ("PyTorch-v2.8", "the hardware is missing", ""),
        ("PyTorch-CUDA", "the version is missing", ""),
        ("PyTorch-CUDA-v", "the version is missing", ""),
        ("Foo-CUDA-v2.8", "`Foo` is no framework that the policy knows (PyTorch, TensorFlow, ", ""),
        ("PyTroch-CUDA-v2.8", "`PyTroch` is no framework that the policy knows", "PyTorch-CUDA-v2.8"),
        ("TensrFlow-CUDA-v2.8", "`TensorFlow` is near", "TensorFlow-CUDA-v2.8"),
        ("PT-CUDA-v2.8", "the framework is written `PyTorch`, not `PT`", "PyTorch-CUDA-v2.8"),
        ("pytorch-CUDA-v2.8", "the framework is written `PyTorch`, not `pytorch`", "PyTorch-CUDA-v2.8"),
        ("PyTorch-WARP-v2.8", "`WARP` is no hardware that the policy knows (CUDA, ", ""),
        ("PyTorch-ZPU-v2.8", "`ZPU` is no hardware that the policy knows (CUDA, ", ""),
        ("PyTorch-CDUA12.8-v2.8", "`CUDA12.8` is near", "PyTorch-CUDA12.8-v2.8"),
        ("PyTorch-cuda-v2.8", "the hardware is written `CUDA`, not `cuda`", "PyTorch-CUDA-v2.8"),
        ("PyTorch-GPU-v2.8", "the hardware is written `CUDA`, not `GPU`", "PyTorch-CUDA-v2.8"),
        ("PyTorch-cuda-12.8-v2.8", "is written `CUDA12.8`, not `cuda-12.8`", "PyTorch-CUDA12.8-v2.8"),
        ("PyTorch-CUDA012.8-v2.8", "is written `CUDA12.8`, not `CUDA012.8`", "PyTorch-CUDA12.8-v2.8"),
        ("PyTorch-nocuda-v2.8", "the hardware is written `CPU`, not `nocuda`", "PyTorch-CPU-v2.8"),
        ("PyTorch-CUDA-2.8", "`v` is missing before `2.8`", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-V2.8", "`v` is expected where `V` stands", "PyTorch-CUDA-v2.8"),
        ("PyTorch_CUDA-v2.8", "`-` is expected where `_` stands", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDAv2.8", "`-` is missing before `v2.8`", "PyTorch-CUDA-v2.8"),
        ("PyTorch--CUDA-v2.8", "`-` stands where nothing is expected", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2", "the version `2` has one number and needs two to four", ""),
        ("PyTorch-CUDA-v2.8.0.1.2", "the version `2.8.0.1.2` has 5 numbers and may have four", ""),
        ("PyTorch-CUDA-v02.8", "the version `02.8` has a number with a leading zero", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.08", "the version `2.08` has a number with a leading zero", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.1234567", "a number of more than six digits", ""),
        ("PyTorch-CUDA-v2_8", "the version `2_8` has `_` between its numbers", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2..8", "a full stop without a number", ""),
        ("PyTorch-CUDA-v2.8-gamma1", "`gamma1` is no stage; the stages are alphaN, betaN, rcN, postN", ""),
        ("PyTorch-CUDA-v2.8-rc", "the stage `rc` has no number, as in `rc1`", ""),
        ("PyTorch-CUDA-v2.8-rc0", "the stage `rc0` counts from 1", ""),
        ("PyTorch-CUDA-v2.8-rc01", "the stage is written `rc1`, not `rc01`", "PyTorch-CUDA-v2.8-rc1"),
        ("PyTorch-CUDA-v2.8-RC1", "the stage is written `rc1`, not `RC1`", "PyTorch-CUDA-v2.8-rc1"),
        ("PyTorch-CUDA-v2.8-rc.1", "the stage is written `rc1`, not `rc.1`", "PyTorch-CUDA-v2.8-rc1"),
        ("PyTorch-CUDA-v2.8-b2", "the stage is written `beta2`, not `b2`", "PyTorch-CUDA-v2.8-beta2"),
        ("PyTorch-CUDA-v2.8rc1", "`-` is missing before `rc1`", "PyTorch-CUDA-v2.8-rc1"),
        ("PyTorch-CUDA-v2.8-final", "a stable release carries no stage", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-rc1-v2.8", "do not stand in the order", "PyTorch-CUDA-v2.8-rc1"),
        ("CUDA-PyTorch-v2.8", "do not stand in the order", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.8-rc1-post1", "`-post1` follows where the name has ended", ""),
        ("PyTorch-CUDA-v2.8-rc1-final", "`-final` follows where the name has ended", ""),
        ("PyTorch-CUDA-v2.8 ", "a space is not legal in a name", "PyTorch-CUDA-v2.8"),
        ("PyTorch CUDA v2.8", "a space is not legal in a name", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.8\n", "control characters are not legal", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.8\x7f", "control characters are not legal", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.8~1", "`~` is not legal in a name", ""),
        ("PyTorch-CUDA-v2.8.lock", "ends with `.lock`", ""),
        ("PyTorch-CUDA-v2.8.", "does not end with a full stop", "PyTorch-CUDA-v2.8"),
        ("refs/tags/PyTorch-CUDA-v2.8", "begins with `refs/tags/`", "PyTorch-CUDA-v2.8"),
        ("tags/PyTorch-CUDA-v2.8", "begins with `tags/`", "PyTorch-CUDA-v2.8"),
        ("refs/heads/PyTorch-CUDA-v2.8", "begins with `refs/heads/`", "PyTorch-CUDA-v2.8"),
        ("\u0420yTorch-CUDA-v2.8", "(U+0420 CYRILLIC CAPITAL LETTER ER, which looks", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.\uff18", "U+FF18 FULLWIDTH DIGIT EIGHT", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.\u0668", "U+0668 ARABIC-INDIC DIGIT EIGHT", ""),
        ("PyTorch\u2013CUDA-v2.8", "U+2013 EN DASH, which looks like `-`", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.8\u200b", "`\\u200b` (U+200B ZERO WIDTH SPACE)", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.8\u202e", "`\\u202e` (U+202E RIGHT-TO-LEFT OVERRIDE)", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.8\xa0", "U+00A0 NO-BREAK SPACE) is whitespace", "PyTorch-CUDA-v2.8"),
        ("PyTorch-CUDA-v2.8\udcff", "the byte `\\xff` is not UTF-8", ""),
        ("nightly", f"does not have the form `{DEFAULT_TEMPLATE}`", ""),
        ("2.8.0-cuda12.8-cudnn9-devel", "does not have the form", ""),
        ("-".join("abcdefghijklmnopqrstuvwxyz" * 2), "does not have the form", ""),
        ("x" * (MAX_NAME + 1), f"is {MAX_NAME + 1} bytes long and may have {MAX_NAME}", ""),
        ("pytorch-cuda-2.8rc1", "the framework is written", "PyTorch-CUDA-v2.8-rc1"),
        ("PT-cu128-v2.8.0-RC1", "`CUDA12.8`, not `cu128`", "PyTorch-CUDA12.8-v2.8.0-rc1"),
    ],
)
def test_a_broken_rule_has_its_sentence(text: str, said: str, suggestion: str) -> None:
    naming = GRAMMAR.read(text)
    assert naming.name is None
    assert any(said in fault for fault in naming.faults), naming
    assert naming.suggestion == suggestion


def test_each_fault_of_one_name_is_told() -> None:
    assert GRAMMAR.read("PT-cu128-V02.8-RC1").faults == (
        "the framework is written `PyTorch`, not `PT`",
        "the hardware is written `CUDA12.8`, not `cu128`",
        "`v` is expected where `V` stands",
        "the version `02.8` has a number with a leading zero",
        "the stage is written `rc1`, not `RC1`",
    )


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\nenvhooks: all good", "$(rm -rf /)\x07", "\u202egnp"])
def test_a_hostile_name_is_not_quoted_as_it_is(hostile: str) -> None:
    for text in (hostile, f"PyTorch-{hostile}-v2.8", f"PyTorch-CUDA-v2.8-{hostile}"):
        for fault in GRAMMAR.read(text).faults:
            assert fault == printable(fault, 5000)


@pytest.mark.parametrize("text", ["-" * 200, "1." * 120, "v" * 240, "PyTorch-" * 25, "cu128-" * 7, "[" * 200])
def test_a_hostile_name_is_read_to_its_end(text: str) -> None:
    assert GRAMMAR.read(text).faults


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("x" * 250, []),
        ("x" * 251, ["the name is 251 bytes long and may have 250"]),
        ("refs/x", ["the name begins with `refs/`, which is no part of it"]),
        ("refs/tags/x", ["the name begins with `refs/tags/`, which is no part of it"]),
        ("refs/heads/x", ["the name begins with `refs/heads/`, which is no part of it"]),
        ("tags/x", ["the name begins with `tags/`, which is no part of it"]),
        ("a~", ["`~` is not legal in a name"]),
        ("a\x7f", ["control characters are not legal in a name"]),
        ("a\u00a0", ["`\u00a0` (U+00A0 NO-BREAK SPACE) is whitespace"]),
        ("a\ue000", ["`\ue000` (U+E000) is not ASCII"]),
        ("\u0430", ["`\u0430` (U+0430 CYRILLIC SMALL LETTER A, which looks like `a`) is not ASCII"]),
        ("\udc80\udcff", ["the byte `\\x80` is not UTF-8, and a name is ASCII",
                           "the byte `\\xff` is not UTF-8, and a name is ASCII"]),
    ],
)  # fmt: skip
def test_faults_of_the_characters(text: str, faults: list[str]) -> None:
    assert [*text_faults(text)] == faults


def test_at_most_five_characters_are_told_one_by_one() -> None:
    letters = "\u00e4\u00f6\u00fc\u00df\u00e9\u00e8\u00ea"
    told = [[*text_faults(letters[:count])] for count in (5, 6, 7)]
    assert [len(faults) for faults in told] == [5, 6, 6]
    assert [faults[-1] for faults in told[1:]] == [f"{more} more characters are not ASCII" for more in (1, 2)]


def test_a_name_is_read_without_what_nobody_sees() -> None:
    for text in (
        "refs/tags/JAX-TPU-v0.7",
        "refs/JAX-TPU-v0.7",
        "tags/JAX-TPU-v0.7",
        "JAX\u200b-TPU\ufeff-v0.7",
    ):
        assert GRAMMAR.read(text).suggestion == "JAX-TPU-v0.7"


def test_an_ambiguity_is_told_by_a_name_and_its_two_readings() -> None:
    (fault,) = template_faults("{version}[-{os}][-{variant}]")
    said = "in `2.8-devel` the os could be absent or `devel`; put a separator between the fields"
    assert fault == f"it is ambiguous: {said}"


def test_two_names_that_are_equally_near_are_not_suggested() -> None:
    both = grammar("{framework}-{version}-x", "{framework}-{version}-y")
    assert both.read("PyTorch-2.8-x").name
    naming = both.read("pytorch-2.8-z")
    assert naming.faults
    assert naming.suggestion == ""


def test_the_faults_are_those_for_the_nearest_template() -> None:
    both = grammar("{date}", DEFAULT_TEMPLATE)
    assert both.read("20260130").name
    assert both.read("PyTorch-CUDA-v2.8").name
    assert both.read("pytorch-CUDA-v2.8").faults == ("the framework is written `PyTorch`, not `pytorch`",)
    assert both.read("20260231").faults == ("`20260231` is no day of the calendar",)


@settings(max_examples=100)
@given(st.text("abcd", max_size=6), st.text("abcd", max_size=6))
def test_distance_is_symmetric_and_zero_only_for_equals(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= distance(one, other) <= max(len(one), len(other))


@cache
def alignment(one: str, other: str) -> int:
    """Optimal string alignment, straight from its definition."""
    if not one or not other:
        return len(one) + len(other)
    best = min(
        alignment(one[:-1], other) + 1,
        alignment(one, other[:-1]) + 1,
        alignment(one[:-1], other[:-1]) + (one[-1] != other[-1]),
    )
    if one[-2:] == other[-2:][::-1] and len(one) > 1 and len(other) > 1:
        best = min(best, alignment(one[:-2], other[:-2]) + 1)
    return best


def test_distance_is_that_of_its_definition() -> None:
    words = ["".join(letters) for length in range(5) for letters in product("ab", repeat=length)]
    assert all(distance(one, other) == alignment(one, other) for one in words for other in words)


def test_a_swap_is_one_slip() -> None:
    assert distance("pytroch", "pytorch") == 1
    assert distance("cdua", "cuda") == 1


# ------------------------------------------------------------------------- teams' own conventions

PT = MappingProxyType({**BUILTIN_FRAMEWORKS, "pt": ("torch",), "th": ("torch",)})


@pytest.mark.parametrize(
    ("template", "text", "expected"),
    [
        (
            "{version}-{hardware:lower}-cudnn{cudnn}-{variant}",
            "2.8.0-cuda12.8-cudnn9-devel",
            {
                "hardware": "CUDA",
                "hardware_version": "12.8",
                "version": (2, 8, 0),
                "extra": (("cudnn", "9"), ("variant", "devel")),
            },
        ),
        (
            "{framework}{version}-{hardware:compact}-py{python:compact}",
            "pt2.8-cu128-py312",
            {
                "framework": "pt",
                "hardware": "CUDA",
                "hardware_version": "12.8",
                "version": (2, 8),
                "extra": (("python", "3.12"),),
            },
        ),
        (
            "{hardware:lower}_{os}_py{python}_{framework:lower}_release_{version}",
            "rocm7.2_ubuntu24.04_py3.12_pytorch_release_2.7.1",
            {
                "framework": "PyTorch",
                "hardware": "ROCm",
                "hardware_version": "7.2",
                "version": (2, 7, 1),
                "extra": (("os", "ubuntu24.04"), ("python", "3.12")),
            },
        ),
        ("v{version}[-{stage}]", "v2.8.0-rc3", {"version": (2, 8, 0), "stage": "rc", "stage_number": 3}),
        (
            "v{version}-rocm-{rocm}",
            "v2.7.1-rocm-6.4.4",
            {"hardware": "ROCm", "hardware_version": "6.4.4", "version": (2, 7, 1)},
        ),
        (
            "{release}-cuda{cuda}-{variant}-{os}",
            "25.06-cuda12.9-devel-ubuntu24.04",
            {
                "hardware": "CUDA",
                "hardware_version": "12.9",
                "extra": (("release", "25.06"), ("variant", "devel"), ("os", "ubuntu24.04")),
            },
        ),
        (
            "base-{hardware:lower}-py{python}-torch{version}",
            "base-cuda12.6.3-py3.10-torch2.8",
            {
                "hardware": "CUDA",
                "hardware_version": "12.6.3",
                "version": (2, 8),
                "extra": (("python", "3.10"),),
            },
        ),
        ("{date}", "2026.01.30", {"extra": (("date", "2026.01.30"),)}),
        ("{date}-{framework}", "20240229-JAX", {"framework": "JAX", "extra": (("date", "20240229"),)}),
        (
            "{version}[{stage}]-gpu-cuda{cuda}",
            "2.0.0rc1-gpu-cuda10.0",
            {
                "hardware": "CUDA",
                "hardware_version": "10.0",
                "version": (2, 0, 0),
                "stage": "rc",
                "stage_number": 1,
            },
        ),
        (
            "torch{version}-{hardware:compact}",
            "torch2.9.0-rocm6.4",
            {"hardware": "ROCm", "hardware_version": "6.4", "version": (2, 9, 0)},
        ),
        ("torch{version}-{hardware:compact}", "torch2.9.0-cpu", {"hardware": "CPU", "version": (2, 9, 0)}),
        (
            "env/{framework:lower}/{version}[-{stage:dotted}][-{date}]",
            "env/jax/0.7.1-rc.1-2026-01-30",
            {
                "framework": "JAX",
                "version": (0, 7, 1),
                "stage": "rc",
                "stage_number": 1,
                "extra": (("date", "2026-01-30"),),
            },
        ),
    ],
)
def test_a_convention_is_one_line(template: str, text: str, expected: dict[str, object]) -> None:
    own = grammar(template, frameworks=PT)
    name = read(text, own)
    assert name == replace(TagName(text), **expected)  # type: ignore[arg-type]
    assert expand(template, name) == text
    assert own.read(f"{text}-nothing").name is None
    assert own.read(f"x{text}").name is None
    assert own.read(f"{text}\n").name is None


@pytest.mark.parametrize(
    ("template", "text", "suggestion"),
    [
        ("{framework}{version}-{hardware:compact}", "PT2.8-CUDA12.8", "pt2.8-cu128"),
        ("{framework}{version}-{hardware:compact}", "pt2.8-cuda", ""),
        ("{framework:lower}-py{python}", "PyTorch-py312", "pytorch-py3.12"),
        ("{framework:lower}-py{python:compact}", "pytorch-py3.12", "pytorch-py312"),
        ("{framework:lower}-{os}", "pytorch-Ubuntu24.04", "pytorch-ubuntu24.04"),
        ("{version}[-{stage:dotted}]", "2.8-rc1", "2.8-rc.1"),
    ],
)
def test_suggestions_in_a_convention(template: str, text: str, suggestion: str) -> None:
    naming = grammar(template, frameworks=PT).read(text)
    assert naming.faults
    assert naming.suggestion == suggestion


@pytest.mark.parametrize("text", ["20260231", "20260001", "00000101", "2026-1-30", "2026-01.30", "26-01-30"])
def test_a_date_is_a_day_of_the_calendar(text: str) -> None:
    assert grammar("{date}").read(text).name is None


_AS_PYTORCH = "{version}-cuda{cuda}-cudnn{cudnn}-{variant}"


@pytest.mark.parametrize(
    ("template", "text", "said"),
    [
        (_AS_PYTORCH, "2.8.0-cuda12.8-cudnn9", "the variant is missing"),
        (_AS_PYTORCH, "2.8.0-cuda12.8-devel", "the cudnn is missing"),
        (_AS_PYTORCH, "2.8.0-cudnn9-devel", "the cuda is missing"),
        (_AS_PYTORCH, "cuda12.8-cudnn9-devel", "the version is missing"),
        ("v{version}-cuda{cuda}-py{python}", "v2.8.0-py3.12", "the cuda is missing"),
        ("{version}-py{python}-{os}", "2.8.0-py3.12", "the os is missing"),
        ("{framework:lower}-notebook-{date}", "pytorch-notebook", "the date is missing"),
    ],
)
def test_a_field_that_is_missing_is_named(template: str, text: str, said: str) -> None:
    """And not made up of a half of another one's number: 12.8 is neither a 12 nor an 8."""
    naming = grammar(template).read(text)
    assert naming.name is None and naming.faults == (said,) and not naming.suggestion, naming


def test_templates_are_tried_in_turn() -> None:
    both = grammar("v{version}", "{framework}-v{version}")
    assert read("v2.8", both).framework is None
    assert read("JAX-v2.8", both).framework == "JAX"


def test_the_longest_name_that_is_read() -> None:
    tail = f"{'.'.join(['123456'] * 4)}-{'.'.join(['12345678'] * 4)}-{'o' * 20}1234.1234.1234"
    for size, is_read in ((250, True), (251, False)):
        front = "x" * (size - len(tail))
        own = grammar(front + "{version}-{release}-{os}")
        assert (own.match(front + tail) is not None) is is_read
        assert (own.read(front + tail).faults == ()) is is_read


def test_a_matching_name_that_git_does_not_take_is_refused() -> None:
    naming = grammar("{version}.{variant}").read("2.8.lock")
    assert naming.faults == ("no part of a name ends with `.lock`",)


def test_fewer_stages() -> None:
    few = grammar(DEFAULT_TEMPLATE, stages=("rc",))
    assert few.read("PyTorch-CUDA-v2.8-rc1").name
    assert few.read("PyTorch-CUDA-v2.8-beta1").faults == ("`beta1` is no stage; the stages are rcN",)


def test_aliases_of_the_policy_are_suggested_and_never_read() -> None:
    own = grammar(DEFAULT_TEMPLATE, aliases=MappingProxyType({**BUILTIN_ALIASES, "mine": "JAX"}))
    naming = own.read("mine-TPU-v0.7.1")
    assert (naming.name, naming.suggestion) == (None, "JAX-TPU-v0.7.1")


def test_every_builtin_alias_means_something_that_is_known() -> None:
    known = {*BUILTIN_FRAMEWORKS, *BUILTIN_HARDWARE}
    for alias, meaning in BUILTIN_ALIASES.items():
        assert alias == alias.lower()
        assert meaning.rstrip("0123456789.") in known


# ------------------------------------------------------------------------------- faulty templates


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "it has no field"),
        ("plain", "it has no field"),
        ("v{versoin}", "did you mean `{version}`?"),
        ("{}", "`{}` is no field"),
        ("{version.__class__}", "is no field"),
        ("{version!r}", "is no field"),
        ("{version:lower}", "`{version}` takes none"),
        ("{framework:upper}", "there is `{framework:lower}`"),
        ("{version:}", "an empty modifier"),
        ("{tag}", "`{tag}` is no field"),
        ("{version", "a `{` stands alone"),
        ("version}", "a `}` stands alone"),
        ("{{version}}", "stands alone"),
        ("{version}[-{stage}", "a `[` is not closed"),
        ("{version}-{stage}]", "a `]` closes nothing"),
        ("{version}[-dev]", "the optional part `[-dev]` has no field"),
        ("{version}[]", "the optional part `[]` has no field"),
        ("{version}-{version}", "is there more than once"),
        ("{hardware}-{cuda}-{version}", "both state the hardware"),
        ("{cuda}-{rocm}-{version}", "both state the hardware"),
        ("v {version}", "U+0020"),
        ("v\u0435r{version}", "U+0435"),
        ("v\n{version}", "U+000A"),
        ("v*{version}", "`*` is not legal"),
        (".{version}", "not legal to git"),
        ("{version}/", "not legal to git"),
        ("{version}.lock", "not legal to git"),
        ("[{version}]", "not legal to git"),
        ("{hardware}{version}", "it is ambiguous"),
        ("{version}{release}", "it is ambiguous"),
        ("{version}.{cudnn}", "it is ambiguous"),
        ("{version}[-{os}][-{variant}]", "it is ambiguous"),
        ("{os}{variant}-{version}", "it is ambiguous"),
        ("{version}" + "x" * 192, "it is 201 characters long and may have 200"),
        ("{version}-{-attn}", "`{-attn}` is no field"),
        ("{version}-{cudas}", "did you mean `{cuda}`?"),
        ("{version}-{pithun}", "did you mean `{python}`?"),
        ("{version}-{" + "x" * 61 + "}", "is no field"),
        ("{version}[ {stage}]", "U+0020"),
        ("{version}[*{stage}]", "`*` is not legal"),
        ("{version}-{flash--attn}", "`{flash--attn}` is no field"),
        ("{version}-{Flash}", "`{Flash}` is no field"),
        ("{version}-{2fast}", "`{2fast}` is no field"),
        ("[-{version}]" * 9, "9 optional parts and may have 8"),
        ("[[[[{version}]]]]", "nested more than 3 deep"),
    ],
)
def test_a_faulty_template(template: str, said: str) -> None:
    faults = template_faults(template)
    assert any(said in fault for fault in faults), faults
    with pytest.raises(PolicyError):
        grammar(template)


@pytest.mark.parametrize(
    "template",
    [
        DEFAULT_TEMPLATE,
        "{framework}{version}",
        "{framework}{hardware}-{version}",
        "{version}{stage}",
        "{version}[[-{stage}]-{date}]",
        "x/{framework:lower}/{version}",
        "[{framework}-[{hardware}-]]{version}",
        "[[[{version}]-{date}]-{framework}]-x",
        "{version}[-a{stage}][-b{os}][-c{date}][-d{release}][-e{variant}][-f{cudnn}][-g{python}][-h{rocm}]",
        "{version}" + "x" * 191,
        "py{python:compact}-{version}",
        "{version}-{xformers2}-{flash-attn}",
        "{version}-{a1-2b}",
        "{version}-{codas}",
        "{version}[-{stage}.{date}]",
        "{version}-{pathan3}",
        "{version}-{" + "x" * 60 + "}",
    ],
)
def test_a_good_template(template: str) -> None:
    assert template_faults(template) == ()
    assert grammar(template)


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            ["{version}", "{hardware}", "{os}", "{variant}", "{stage}", "{release}", "[", "]", "-", "v", "."]
        ),
        max_size=12,
    )
)
def test_a_template_without_faults_makes_legal_names(parts: Sequence[str]) -> None:
    template = "".join(parts)
    if template_faults(template):
        return
    name = TagName(
        "", "JAX", "ROCm", "6.4", (2, 8), "rc", 2, (("os", "ubi9"), ("variant", "slim"), ("release", "3"))
    )
    text = expand(template, name)
    assert expand(template, read(text, grammar(template))) == text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"hardware": ("H100",)}, "cannot name hardware"),
        ({"hardware": ("CUDA", "cuda")}, "only in upper and lower case"),
        ({"hardware": ("JAX",)}, "both a framework and hardware"),
        ({"frameworks": {"Py Torch": ("torch",)}}, "cannot name a framework"),
        ({"frameworks": {"-x": ("x",)}}, "cannot name a framework"),
        ({"frameworks": {"a..b": ("x",)}}, "cannot name a framework"),
        ({"frameworks": {"(a+)+b": ("x",)}}, "cannot name a framework"),
        ({"frameworks": {"JAX-": ("x",)}}, "cannot name a framework"),
        ({"frameworks": {"x" * 41: ("x",)}}, "cannot name a framework"),
        ({"frameworks": {"Ab": ("x",), "aB": ("x",)}}, "only in upper and lower case"),
        ({"hardware": ("x" * 21,)}, "cannot name hardware"),
        ({"hardware": ("1X",)}, "cannot name hardware"),
    ],
)
def test_names_that_no_tag_could_be_read_by(more: dict[str, object], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        grammar(DEFAULT_TEMPLATE, **more)


def test_the_shortest_and_the_longest_names() -> None:
    longest, hardware = "F" + "9" * 39, "H" + "9" * 18 + "z"
    own = grammar(
        "{framework}_{hardware}_{version}",
        frameworks={"F": ("x",), longest: ("x",)},
        hardware=("Q", "Hz", hardware),
    )
    for framework in ("F", longest):
        for kind in ("Q", "Hz", hardware):
            name = read(f"{framework}_{kind}_2.8", own)
            assert (name.framework, name.hardware, name.hardware_version) == (framework, kind, None)


def test_names_are_literal_text_not_patterns() -> None:
    own = grammar("{framework}-{version}", frameworks={"C+a.b": ("x",)})
    assert read("C+a.b-2.8", own).framework == "C+a.b"
    assert own.read("CCaxb-2.8").name is None


# --------------------------------------------------------------------------------------- expand

NAME = read("PyTorch-CUDA12.8-v2.8.1-rc1")
STABLE = read("PyTorch-CUDA-v2.8")


@pytest.mark.parametrize(
    ("template", "name", "text"),
    [
        ("docker/{framework:lower}-{hardware:lower}/Dockerfile", NAME, "docker/pytorch-cuda12.8/Dockerfile"),
        ("docker/{framework:lower}-{hardware:kind}/Dockerfile", NAME, "docker/pytorch-cuda/Dockerfile"),
        ("Dockerfile", NAME, "Dockerfile"),
        ("{version}[-{stage}]", NAME, "2.8.1-rc1"),
        ("{version}[-{stage}]", STABLE, "2.8"),
        ("{series}", NAME, "2.8"),
        ("{tag}", NAME, "PyTorch-CUDA12.8-v2.8.1-rc1"),
        ("{tag:lower}", NAME, "pytorch-cuda12.8-v2.8.1-rc1"),
        ("{hardware:compact}", NAME, "cu128"),
        ("{hardware}[/{cuda}]", STABLE, "CUDA"),
        ("{hardware}[/{cuda}]", NAME, "CUDA12.8/12.8"),
        ("{framework}[-{hardware}[-{stage}]]", STABLE, "PyTorch-CUDA"),
        ("{stage:dotted}", NAME, "rc.1"),
    ],
)
def test_expand(template: str, name: TagName, text: str) -> None:
    assert expand(template, name) == text
    assert expansion_faults(template) == ()


def test_a_path_that_cannot_be_taken_apart_says_why() -> None:
    assert expansion_faults("x/{version") == ("a `{` stands alone: a field is written `{version}`",)
    with pytest.raises(UsageError) as caught:
        expand("x/{stage}", STABLE)
    assert (
        caught.value.fix == "put the part that needs `{stage}` into brackets, or leave it out of the template"
    )


@pytest.mark.parametrize(
    ("template", "name", "text"),
    [
        ("{series}", TagName("x", version=(2, 8, 1, 3)), "2.8"),
        ("{series}", TagName("x", extra=(("release", "25.06.1"),)), "25.06"),
        ("{series}", TagName("x", version=(2, 8), extra=(("release", "7"),)), "2.8"),
        ("{cuda}", TagName("x", hardware="CUDA", hardware_version="13"), "13"),
        ("{cuda:compact}", TagName("x", hardware="CUDA", hardware_version="13.0.1"), "130"),
        ("{cuda:compact}", TagName("x", hardware="CUDA", hardware_version="13"), None),
        ("{cuda}", TagName("x", hardware="CUDA"), None),
        ("{cuda}", TagName("x", hardware="ROCm", hardware_version="6.4"), None),
        ("{rocm}", TagName("x", hardware="ROCm", hardware_version="6.4"), "6.4"),
        ("{hardware}", TagName("x", hardware="CPU"), "CPU"),
        ("{hardware}", TagName("x", hardware_version="6.4"), None),
        ("{hardware:compact}", TagName("x", hardware="CUDA", hardware_version="13"), None),
        ("{hardware:compact}", TagName("x", hardware="CUDA"), None),
        ("{hardware:compact}", TagName("x", hardware="CUDA", hardware_version="12.8.1"), "cu128"),
        ("{hardware:compact}", TagName("x", hardware="XPU"), "xpu"),
        ("{hardware:compact}", TagName("x"), None),
        ("{framework}", TagName("x"), None),
        ("{framework:upper}", TagName("x", "JAX"), None),
        ("{version:lower}", TagName("x", version=(2, 8)), None),
        ("{stage:dotted}", TagName("x"), None),
        ("{tag:lower}", TagName("A/B"), "a/b"),
    ],
)  # fmt: skip
def test_what_a_name_does_not_carry_is_never_made_up(template: str, name: TagName, text: str | None) -> None:
    if text is None:
        with pytest.raises(UsageError, match="carries no"):
            expand(template, name)
    assert expand(f"a[-{template}]", name) == ("a" if text is None else f"a-{text}")


def test_packages_of_the_tags_are_fields_of_paths_too() -> None:
    assert field_names("{version}[-{flash-attn}]-{os}") == ("version", "flash-attn", "os")
    assert packages_of("{version}[-{flash-attn}]-{os}") == ("flash-attn",)
    for template in ("x/{flash-attn}", "x/{pithun}"):
        (package,) = packages_of(template)
        assert expansion_faults(template, (package,)) == ()
        (fault,) = expansion_faults(template)
        assert f"`{{{package}}}` is no field" in fault


@pytest.mark.parametrize(
    ("template", "name", "said"),
    [
        ("{version}-{stage}", STABLE, "carries no stage"),
        ("{python}", NAME, "carries no python"),
        ("{hardware:compact}", STABLE, "carries no hardware"),
        ("{rocm}", NAME, "carries no rocm"),
        ("{framework}", TagName("v1.0", version=(1, 0)), "carries no framework"),
        ("{nothing}", NAME, "carries no nothing"),
        ("[{No_thing}]", NAME, "has a field that does not exist"),
        ("{version", NAME, "cannot be read"),
    ],
)
def test_expand_names_what_is_missing(template: str, name: TagName, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        expand(template, name)


# ------------------------------------------------------------------------- which tags are judged


def test_ignored_tags() -> None:
    policy = replace(DEFAULT_TAG_POLICY, ignore=("v*", "nightly-*", "PyTorch-*"))
    own = Grammar(policy)
    assert not is_release_tag("v1.2.3", own, policy)
    assert not is_release_tag("nightly-1", own, policy)
    assert is_release_tag("V1.2.3", own, policy)
    assert is_release_tag("a-nightly-1", own, policy)
    # what the grammar reads is a release, whatever a pattern says
    assert is_release_tag("PyTorch-CUDA-v2.8", own, policy)
    assert not is_release_tag("PyTorch-cuda-v2.8", own, policy)


def test_without_patterns_every_tag_is_judged() -> None:
    assert is_release_tag("anything", GRAMMAR, DEFAULT_TAG_POLICY)
    assert is_release_tag("", GRAMMAR, DEFAULT_TAG_POLICY)


# ------------------------------------------------------------------------------ git is the oracle

AWKWARD = [
    "a", "@", "@{", "a@{b", "@{}", "a@b", ".", "..", ".a", "a.", "a/.b", "a./b", "a..b", "a/b", "/a", "a/",
    "a//b", "a.lock", "a.lock/b", "a.lockb", ".lock", "lock", "a b", "a\tb", "a~b", "a^b", "a:b", "a?b", "a*b",
    "a[b", "a]b", "a\\b", "-a", "--", "a\x7fb", "a\x01b", "é", "a\u200bb", "HEAD", "a/@", "@/a", "{a}", "a,b",
    "a'b", 'a"b', "a$b", "$(a)", "a;b", "a|b", "a&b", "a\nb",
]  # fmt: skip


def git_takes(text: str) -> bool:
    done = subprocess.run(["git", "check-ref-format", f"refs/tags/{text}"], capture_output=True)
    return done.returncode == 0


@pytest.mark.parametrize("text", AWKWARD)
def test_legality_is_gits(text: str) -> None:
    assert is_legal(text) == git_takes(text)


def test_an_empty_name_is_not_legal() -> None:
    assert not is_legal("")
    assert not git_takes("")


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab./@{}~^:?*[]\\ -\x01\x7flock\t"), min_size=1, max_size=8))
def test_legality_is_gits_for_any_text(text: str) -> None:
    assert is_legal(text) == git_takes(text)


def test_many_names_are_read_by_one_grammar() -> None:
    for number in range(1, 10_001):
        assert GRAMMAR.match(f"PyTorch-CUDA-v2.{number}-rc{number}") is not None


def test_the_default_policy_is_what_the_tables_say() -> None:
    assert (
        TagPolicy(
            (DEFAULT_TEMPLATE,), BUILTIN_FRAMEWORKS, BUILTIN_HARDWARE, BUILTIN_STAGES, (), BUILTIN_ALIASES
        )
        == DEFAULT_TAG_POLICY
    )


def test_text_that_is_missing_in_one_place_is_one_fault() -> None:
    policy = replace(DEFAULT_TAG_POLICY, templates=("v{version}-gpu[-{stage}]",))
    naming = Grammar(policy).read("2.9.0")
    assert naming.faults == ("`v` is missing before `2.9.0`", "`-gpu` is missing at the end")
    assert naming.suggestion == "v2.9.0-gpu"
