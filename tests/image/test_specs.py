from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Reference
from packaging.utils import canonicalize_name
from packaging.version import Version

from envhooks.image.requirements import marker_holds, normal_name, parse_requirement
from envhooks.image.requirements.condaspecs import parse_conda_spec
from envhooks.image.requirements.specs import normal_version

WHEEL = "torch-2.0.0%2Bcu118-cp310-cp310-linux_x86_64.whl"


@pytest.mark.parametrize(
    ("text", "name", "version", "local"),
    [
        ("torch==2.8.0+cu118", "torch", "2.8.0", "cu118"),
        ("torch == 2.13", "torch", "2.13", None),
        ("torch===2.8.0", "torch", "2.8.0", None),
        ("torch===2.8.0,<3", "torch", "2.8.0", None),
        ("torch==2.8.0,<3", "torch", "2.8.0", None),
        ("torch (==2.8.0)", "torch", "2.8.0", None),
        ("Jax_CUDA12.plugin==V0.7.1-RC.2", "jax-cuda12-plugin", "0.7.1rc2", None),
        (f"https://host.example/whl/cu118/{WHEEL}#sha256=00", "torch", "2.0.0", "cu118"),
        ("./wheels/torch-2.8.0-1-cp310-cp310-linux_x86_64.whl", "torch", "2.8.0", None),
        (f"torch @ https://host.example/{WHEEL} ; python_version < '3.11'", "torch", "2.0.0", "cu118"),
        ("foo @ https://host.example/foo-1.2.tar.gz", "foo", "1.2", None),
    ],
)
def test_an_exact_requirement(text: str, name: str, version: str, local: str | None) -> None:
    requirement = parse_requirement(text, 7)
    assert requirement is not None
    assert (requirement.name, requirement.version, requirement.local) == (name, version, local)
    assert requirement.exact
    assert requirement.line == 7


@pytest.mark.parametrize(
    "text",
    [
        "torch",
        "torch>=2.8.0",
        "torch~=2.8",
        "torch==2.8.*",
        "torch==2.8.0,==2.8.0+cu118",
        "torch==2.8.0,==2.8.*",
        "torch===unparsable",
        "torch>=2,<3",
        "git+https://host.example/x/torch.git@v2.8.0#egg=torch",
        "torch @ git+https://host.example/x/torch.git@v2.8.0",
        "torch @ https://host.example/torchvision-0.23.0-cp310-cp310-linux_x86_64.whl",
        "torch @ https://host.example/archive/torch-2.8.0.tar.gz",
        "torch @ https://host.example/download",
    ],
)
def test_what_is_not_certain_is_not_exact(text: str) -> None:
    requirement = parse_requirement(text)
    assert requirement is not None
    assert (requirement.name, requirement.exact, requirement.version) == ("torch", False, None)


@pytest.mark.parametrize(
    "text",
    ["", ".", "./folder", "-e .", "--pre", "torch==$V", "torch==${V}", "torch==", "torch=2.8", "torch>=2.0+cu118",
     "torch==2.8;", "torch 2.8", "torch==2.8 --hash=x", "[x]", "torch[a b]", "torch\n==2", "a" * 20_000, "@ x"],
)  # fmt: skip
def test_what_is_no_requirement(text: str) -> None:
    assert parse_requirement(text) is None


def test_the_parts_of_a_requirement() -> None:
    requirement = parse_requirement("jax[cuda12, K8s]==0.7.1 ; python_version >= '3.11'")
    assert requirement is not None
    assert requirement.extras == ("cuda12", "k8s")
    assert requirement.marker == "python_version >= '3.11'"
    assert requirement.specifier == "==0.7.1"
    nameless = parse_requirement("git+https://host.example/x/y.git")
    assert nameless is not None
    assert (nameless.name, nameless.url) == ("", "git+https://host.example/x/y.git")
    egg = parse_requirement("git+https://host.example/y.git@v1#egg=Foo_Bar[gpu]&subdirectory=z")
    assert egg is not None
    assert (egg.name, egg.extras, egg.exact) == ("foo-bar", ("gpu",), False)


_names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True)
_versions = st.from_regex(
    r"v?([0-9]!)?[0-9]{1,3}(\.[0-9]{1,2}){0,3}([-_.]?(a|beta|c|rc|preview)[-_.]?[0-9]?)?"
    r"(-[0-9]|[-_.]?(post|rev|r)[-_.]?[0-9]?)?([-_.]?dev[-_.]?[0-9]?)?(\+[a-z0-9]{1,5}([-_.][a-z0-9]{1,3})?)?(\.\*)?",
    fullmatch=True,
)
_clauses = st.tuples(
    st.sampled_from(["==", "===", "~=", ">=", "<=", "<", ">", "!=", "="]),
    st.sampled_from(["", " "]),
    _versions,
).map("".join)
_markers = st.sampled_from(["", "; python_version < '3.11'", ' ;sys_platform=="linux" and extra == "x"', ";"])
_texts = st.builds(
    lambda name, extras, clauses, join, marker, odd: f"{name}{extras}{join.join(clauses)}{odd}{marker}",
    _names,
    st.sampled_from(["", "", "[gpu]", " [ a , b.c ] ", "[]", "[a b]", "[a,]"]),
    st.lists(_clauses, max_size=3),
    st.sampled_from([",", " , ", " ", ""]),
    _markers,
    st.sampled_from(["", "", "", ",", " x", ")", "_"]),
).filter(lambda text: not ("===" in text and "," in text))  # where packaging's own versions differ


@settings(max_examples=400, deadline=None)
@given(_texts)
@example("torch (>=1, <2)")
@example("torch(==2.8.0+cu118)")
@example("a==1.0.dev1")
@example("a==1.*.dev")
@example("a>=1.*")
@example("a~=1")
@example("a-==1")
def test_it_agrees_with_packaging(text: str) -> None:
    ours = parse_requirement(text)
    try:
        reference = Reference(text)
    except InvalidRequirement:
        assert ours is None
        return
    assert ours is not None
    assert ours.name == canonicalize_name(reference.name)
    assert set(ours.extras) == {canonicalize_name(extra) for extra in reference.extras}
    assert bool(ours.marker) == (reference.marker is not None)
    pins = [one for one in reference.specifier if one.operator in ("==", "===") and "*" not in one.version]
    if ours.exact:
        assert ours.version is not None
        (pin,) = pins
        assert str(Version(ours.version)) == ours.version == Version(pin.version).public
        assert ours.local == Version(pin.version).local
        assert reference.specifier.contains(pin.version, prereleases=True) or len(reference.specifier) > 1
    elif len(reference.specifier) == 1 and pins and pins[0].operator == "==":
        raise AssertionError("one == is exact")


@settings(max_examples=600, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="a1=.-+[]<>!~@:/; #$*,()'\"git", max_size=60))
def test_nothing_raises(text: str) -> None:
    parse_requirement(text)
    parse_conda_spec(text)
    marker_holds(text)


@given(_versions)
def test_the_normal_form_is_pep_440s(text: str) -> None:
    public = text.partition("+")[0].removesuffix(".*")
    assert normal_version(public) == str(Version(public))


def test_hostile_text_costs_nothing() -> None:
    for text in (
        "a" * 9000 + "-",
        "a==1" + ".1" * 4900,
        "a-1" * 3000 + ".whl",
        "https://" + "a-" * 4000,
        "a[" + "b," * 4000,
    ):
        parse_requirement(text)
        parse_conda_spec(text)
    assert normal_version("1" * 9000) == "1" * 9000


@pytest.mark.parametrize(
    ("text", "name", "specifier", "version"),
    [
        ("pytorch=1.9", "pytorch", "=1.9", None),
        ("pytorch=1.9.*", "pytorch", "=1.9.*", None),
        ("pytorch==1.9.0", "pytorch", "==1.9.0", "1.9.0"),
        ("pytorch == 1.9.0", "pytorch", "== 1.9.0", "1.9.0"),
        ("pytorch==1.9.*", "pytorch", "==1.9.*", None),
        ("pytorch=1.5.0=py3.8_cuda9.2.148_0", "pytorch", "=1.5.0=py3.8_cuda9.2.148_0", "1.5.0"),
        ("pytorch==2.1.0=*cuda*", "pytorch", "==2.1.0=*cuda*", "2.1.0"),
        ("pytorch=2.1.0=", "pytorch", "=2.1.0=", None),
        ("pytorch::pytorch=2.1", "pytorch", "=2.1", None),
        ("nvidia/label/cuda-12.1.0::cuda-toolkit", "cuda-toolkit", "", None),
        ("conda-forge/linux-64::numpy==1.26", "numpy", "==1.26", "1.26"),
        ("numpy 1.26 py310_0", "numpy", "1.26 py310_0", "1.26"),
        ("pytorch>=1.9,<2", "pytorch", ">=1.9,<2", None),
        ("pytorch=1.9|1.10", "pytorch", "=1.9|1.10", None),
        ("pytorch[version='1.9']", "pytorch", "[version='1.9']", None),
        ("Typing_Extensions", "typing-extensions", "", None),
    ],
)
def test_conda_specifications(text: str, name: str, specifier: str, version: str | None) -> None:
    requirement = parse_conda_spec(text, 3)
    assert requirement is not None
    assert (requirement.name, requirement.specifier, requirement.version) == (name, specifier, version)
    assert requirement.exact is (version is not None)
    assert (requirement.how, requirement.line) == ("conda", 3)


def test_a_conda_file_is_exact() -> None:
    requirement = parse_conda_spec(
        "https://host.example/linux-64/pytorch-2.1.0-py3.10_cuda12.1_0.tar.bz2#0123"
    )
    assert requirement is not None
    assert (requirement.name, requirement.version, requirement.exact) == ("pytorch", "2.1.0", True)


@pytest.mark.parametrize(
    "text", ["", "-r x", "pytorch=$V", "pytorch={{ v }}", "a;b", "pip:", "https://host.example/x"]
)
def test_what_is_no_conda_specification(text: str) -> None:
    assert parse_conda_spec(text) is None


@pytest.mark.parametrize(
    ("marker", "python", "holds"),
    [
        ("", None, True),
        ("sys_platform == 'linux'", None, True),
        ("platform_system == 'Windows'", None, False),
        ("platform_machine == 'x86_64'", None, None),
        ("python_version >= '3.11'", None, None),
        ("python_version >= '3.11'", "3.12", True),
        ("python_full_version < '3.11'", "3.12.4", False),
        ("extra == 'gpu'", None, False),
        ("no such thing", None, None),
        ("platform_release > '5'", None, None),
        ("(" * 900 + "os_name == 'posix'" + ")" * 900, None, True),
    ],
)
def test_markers_in_a_linux_image(marker: str, python: str | None, holds: bool | None) -> None:
    if len(marker) > 1000:  # nested as deep as its length allows: any answer, no crash
        marker_holds(marker, python)
    else:
        assert marker_holds(marker, python) is holds


def test_names_are_compared_by_pep_503() -> None:
    assert normal_name("Jax__CUDA12.-plugin") == canonicalize_name("Jax__CUDA12.-plugin")
