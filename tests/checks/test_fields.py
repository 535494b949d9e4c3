"""dockerfile-matches, field by field: what agrees, what is another thing, what cannot be told, what is not compared."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles

from envhooks.base.dataclass import replace
from envhooks.base.refs import RefUpdate
from envhooks.checks import dockerfile_matches, dockerfile_pinned
from envhooks.image import Environment
from envhooks.image.interpreter import read_environment
from envhooks.judge.engine import judge, load
from envhooks.judge.facts import Finding, NotCompared, Subject, TagReport
from envhooks.policy import Policy
from envhooks.policy.reader import parse_policy
from envhooks.tagname import Grammar

CUDA = "FROM nvidia/cuda:12.8.1-cudnn9-devel-ubuntu24.04\n"
TORCH = "RUN pip install torch==2.8.0+cu128 --index-url https://download.pytorch.org/whl/cu128\n"
PYTORCH = "FROM pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel\n"
DIGEST = "sha256:" + "a" * 64


def policy_of(template: str, more: str = "", rest: str = "") -> Policy:
    text = f'[tag]\ntemplates = [{{ template = "{template}"{more} }}]\n{rest}'
    return parse_policy(text.encode(), ".envhooks/policy.toml")


def subject(policy: Policy, tag: str, dockerfile: str) -> Subject:
    naming = Grammar(policy.tag).read(tag)
    assert naming.name is not None, naming
    files = MemoryFiles({"Dockerfile": dockerfile.encode()})
    environment = read_environment(files, "Dockerfile", bases=policy.bases)
    return Subject(
        RefUpdate(f"refs/tags/{tag}", None, "a" * 40), {"naming": naming, "environment": environment}
    )


def errors(policy: Policy, tag: str, dockerfile: str) -> list[str]:
    yielded = dockerfile_matches.check(subject(policy, tag, dockerfile), policy)
    return [one.message for one in yielded if isinstance(one, Finding) and one.level == "error"]


def uncompared(policy: Policy, tag: str, dockerfile: str) -> dict[str, str]:
    yielded = dockerfile_matches.check(subject(policy, tag, dockerfile), policy)
    return {one.field: one.why for one in yielded if isinstance(one, NotCompared)}


CUDNN = CUDA + "RUN pip install nvidia-cudnn-cu12==8.9.7.29\n"
POST = CUDA + "RUN pip install flash-attn==2.7.4.post1\n"
RC = CUDA + "RUN pip install flash-attn==2.8.0rc1\n"
PYTHON = "FROM python:3.12-slim-bookworm\n"
# template, Dockerfile, a tag that agrees, one that does not, and what is said of it
FIELDS = [
    ("{python}", PYTHON, "3.12", "3.11", "says Python 3.11, and the Dockerfile has 3.12"),
    ("{python:compact}", PYTHON, "312", "39", "says Python 3.9"),
    ("{python}", "FROM ubuntu:24.04\nRUN conda create -n x python=3.10\n", "3.10", "3.12", "says Python 3.12"),
    ("c{cudnn}", CUDA, "c9", "c8", "says cuDNN 8, and the Dockerfile has 9"),
    ("c{cudnn}", CUDNN, "c8.9.7", "c9", "the Dockerfile installs 8.9.7.29"),
    ("{os}", CUDA, "ubuntu24.04", "ubuntu22.04", "says operating system ubuntu22.04"),
    ("{os}", CUDA, "noble", "jammy", "says operating system jammy"),
    ("{os}", PYTHON, "debian12", "debian11", "and the Dockerfile has debian12"),
    ("{os}", "FROM ubuntu:noble-20250101\n", "ubuntu24.04", "ubuntu22.04", "says operating system"),
    ("{os}", "FROM rockylinux:9.3\n", "rockylinux9", "rockylinux8", "says operating system rockylinux8"),
    ("{os}", "FROM debian:bookworm-slim AS x\nFROM x\n", "bookworm", "trixie", "says operating system trixie"),
    ("{variant}", CUDA, "devel", "runtime", "says variant runtime, and the Dockerfile has devel"),
    ("{variant}", PYTHON, "slim", "devel", "says variant devel"),
    ("{variant}", f"{CUDA}FROM nvidia/cuda:12.8.1-runtime-ubuntu24.04\n", "runtime", "devel", "says variant devel"),
    ("fa{flash-attn}", POST, "fa2.7.4.post1", "fa2.7.3", "says flash-attn 2.7.3"),
    ("fa{flash-attn}", POST, "fa2.7", "fa2.8", "says flash-attn 2.8"),
    ("fa{flash-attn}", CUDA + "RUN pip install flash-attn==2.7.4\n", "fa2.7.4", "fa2.7.4.post1", "installs 2.7.4"),
    ("fa{flash-attn}", RC, "fa2.8.0rc1", "fa2.8.0", "says flash-attn 2.8.0"),
    ("fa{flash-attn}", CUDA + "RUN pip install 'flash-attn>=2.8'\n", "", "fa2.8", "leaves its version open"),
    ("fa{flash-attn}", CUDA, "", "fa2.8", "installs no flash-attn"),
    ("t{torch}", CUDA + "RUN conda install pytorch==2.5.0\n", "t2.5.0", "t2.5.1", "says torch 2.5.1"),
    ("{version}", CUDA + TORCH, "2.8.0", "2.9.0", "says PyTorch 2.9.0"),
    ("{version}", CUDA, "", "2.9.0", "installs no framework"),
    ("{version}", "FROM team/base:1\n", "", "2.9.0", "which framework this installs cannot be told"),
    ("{version}", CUDA + TORCH + "RUN pip install tensorflow==2.9.0\n", "", "2.9.0", "and does not say of what"),
    ("{version}", CUDA + TORCH + "RUN pip install tensorflow==2.9.0\n", "", "2.8.0", "PyTorch and TensorFlow"),
    ("{version}", CUDA + "RUN pip install 'torch>=2'\n", "", "2.9.0", "leaves the version of PyTorch open"),
    ("c{cuda}", CUDA, "c12.8", "c12.6", "says CUDA 12.6"),
    ("c{cuda}", "FROM ubuntu:24.04\nRUN pip install jax-cuda12-plugin==0.7.1\n", "c12", "c12.8", "says just CUDA 12"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "dockerfile", "good", "wrong", "said"), FIELDS)
def test_a_field_is_compared(template: str, dockerfile: str, good: str, wrong: str, said: str) -> None:
    policy = policy_of(template)
    if good:
        assert errors(policy, good, dockerfile) == []
        assert uncompared(policy, good, dockerfile) == {}
    (message,) = errors(policy, wrong, dockerfile)
    assert said in message


@pytest.mark.parametrize(
    ("template", "tag", "said"),
    [
        ("{version}-py{python}", "2.8.0-py3.12", "Python 3.12, and which one this has cannot be told"),
        (
            "{version}-{os}",
            "2.8.0-ubuntu24.04",
            "operating system ubuntu24.04, and which one this has cannot be told",
        ),
        ("{version}-x{xformers}", "2.8.0-x0.0.31", "installs no xformers"),
    ],
)
def test_what_could_be_compared_and_cannot_be_told_is_refused_with_the_way_out(
    template: str, tag: str, said: str
) -> None:
    policy = policy_of(template)
    assert [said in message for message in errors(policy, tag, PYTORCH)] == [True]
    own = policy_of(
        template,
        rest='[[base]]\nimage = "pytorch/pytorch"\ntag = "2.8.0-cuda12.8-cudnn9-devel"\n'
        'holds = { torch = "2.8.0", python = "3.12", os = "ubuntu24.04", xformers = "0.0.31" }\n',
    )
    assert errors(own, tag, PYTORCH) == []
    lenient = policy_of(
        template, rest='[checks]\ndockerfile-matches = { allow-cannot-tell = true, reason = "x" }\n'
    )
    assert errors(lenient, tag, PYTORCH) == ([] if "cannot" in said else errors(policy, tag, PYTORCH))


def test_what_no_dockerfile_states_is_not_compared_and_the_report_says_so() -> None:
    policy = policy_of("{version}-{release}-{date}", ', framework = "PyTorch"')
    told = uncompared(policy, "2.8.0-7-2026-01-30", CUDA + TORCH)
    assert told.keys() == {"release", "date"}
    assert set(uncompared(policy_of("{version}-{variant}"), "2.8.0-mine", "FROM ubuntu:24.04\n" + TORCH)) == {
        "variant"
    }
    stage = "FROM ubuntu:24.04 AS mine\n" + TORCH
    assert uncompared(policy_of("{version}-{variant}"), "2.8.0-mine", stage) == {}


def report(policy: Policy, tag: str, dockerfile: str) -> TagReport:
    found = subject(policy, tag, dockerfile)
    own = [check for check in load() if check.id == "dockerfile-matches"]
    (made,) = judge([found], [replace(own[0], needs=())], policy).tags
    return made


@pytest.mark.parametrize(
    ("template", "good", "bad", "dockerfile"),
    [
        ("env-{hardware}", "env-CUDA", "env-ROCm", CUDA),
        ("env-{python}", "env-3.12", "env-3.11", PYTHON),
        ("env-{python}-{date}", "env-3.12-2026-01-30", "env-3.11-2026-01-30", PYTHON),
    ],
)
def test_a_name_that_tells_one_thing_is_compared(template: str, good: str, bad: str, dockerfile: str) -> None:
    policy = policy_of(template)
    assert report(policy, good, dockerfile).passed == ("dockerfile-matches",)
    assert [one.check for one in report(policy, bad, dockerfile).findings] == ["dockerfile-matches"]


LENIENT = '[checks]\ndockerfile-matches = { allow-cannot-tell = true, reason = "computed" }\n'


@pytest.mark.parametrize(
    ("template", "tag", "dockerfile", "said"),
    [
        ("{framework}-{version}", "PyTorch-2.8", CUDA + "RUN pip install torch==$(cat v)\n", "version of PyTorch"),
        ("{framework}-{version}", "PyTorch-2.8", CUDA + "RUN ./install.sh\n", "whether this installs PyTorch"),
        ("{version}", "2.8", CUDA + "RUN pip install torch==$(cat v)\n", "cannot be told: its version is not known"),
        ("{version}", "2.8", CUDA + "RUN ./install.sh\n", "which framework this installs cannot be told"),
        ("{version}-py{python}", "2.8-py3.12", CUDA + TORCH, "Python 3.12, and which one this has cannot be told"),
        ("x{xformers}", "x0.0.31", CUDA + "RUN pip install xformers==$(cat v)\n", "which version of xformers"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_a_warning_only_where_the_policy_says_so(
    template: str, tag: str, dockerfile: str, said: str
) -> None:
    for rest, level in (("", "error"), (LENIENT, "warning")):
        (found,) = report(policy_of(template, rest=rest), tag, dockerfile).findings
        assert said in found.message and found.level == level, found


def test_doubts_about_other_packages_excuse_nothing() -> None:
    """What the policy lets pass is a framework that cannot be told, and not one that is not there."""
    dockerfile = CUDA + "RUN pip install numpy==$(cat version)\n"
    for rest in ("", LENIENT):
        (found,) = report(policy_of("{version}", rest=rest), "2.8", dockerfile).findings
        assert (
            found.level == "error"
            and "installs no framework that it could be the version of" in found.message
        )


def test_two_frameworks_of_the_version_are_both_right() -> None:
    both = CUDA + "RUN pip install torch==2.16.0 tensorflow==2.16.0\n"
    policy = policy_of("{version}")
    assert errors(policy, "2.16", both) == []
    (found,) = errors(policy, "2.17", both)
    assert "does not say of what: the Dockerfile installs PyTorch and TensorFlow" in found


@pytest.mark.parametrize("version", ["", "==$(cat version)", "==2.8.0"])
def test_a_version_is_not_that_of_one_framework_where_another_stands_beside_it(version: str) -> None:
    """Whether the other's version is open, computed or another one: the name does not say which of the two it means."""
    beside = CUDA + f"RUN pip install torch{version} tensorflow==2.16.0\n"
    for rest in ("", LENIENT):
        (found,) = errors(policy_of("{version}", rest=rest), "2.16", beside)
        assert "does not say of what: the Dockerfile installs PyTorch and TensorFlow" in found
    assert errors(policy_of("{version}", ', framework = "TensorFlow"'), "2.16", beside) == []


def test_passed_means_compared() -> None:
    nothing = report(policy_of("env-{date}"), "env-2026-01-30", CUDA)
    assert nothing.passed == () and "the date" in nothing.not_applicable["dockerfile-matches"]
    some = report(policy_of("{version}-{date}"), "2.8.0-2026-01-30", CUDA + TORCH)
    assert some.passed == ("dockerfile-matches",) and some.not_compared.keys() == {"date"}


def test_the_policy_says_that_a_field_is_the_bases() -> None:
    mixed = "FROM nvidia/cuda:12.8.1-devel-ubuntu24.04\n" + TORCH.replace("cu128", "cu126")
    assert errors(policy_of("{version}-cuda{cuda}"), "2.8.0-cuda12.8", mixed)
    own = policy_of("{version}-cuda{cuda}", ', base = ["cuda"]')
    assert errors(own, "2.8.0-cuda12.8", mixed) == []
    (message,) = errors(own, "2.8.0-cuda12.6", mixed)
    assert "the base image carries 12.8.1" in message
    assert errors(own, "2.8.0-cuda12.8", "FROM ubuntu:24.04\n" + TORCH)


def test_a_constant_is_compared_like_a_field() -> None:
    policy = policy_of(
        "v{version}", ', framework = "PyTorch", hardware = "CUDA12.8", python = "3.12", os = "noble"'
    )
    dockerfile = "FROM python:3.12-bookworm\n" + TORCH
    assert [message.split(",")[0] for message in errors(policy, "v2.8.0", dockerfile)] == [
        "the tag says operating system noble"
    ]
    jax = policy_of("v{version}", ', framework = "JAX"')
    assert "installs no JAX" in errors(jax, "v2.8.0", dockerfile)[0]


# --------------------------------------------------------------------- bases that cannot change


FIXED = [
    "nvcr.io/nvidia/pytorch:25.08-py3",
    f"team/pytorch-base@{DIGEST}",
    f"team/pytorch-base:latest@{DIGEST}",
    "quay.io/jupyter/pytorch-notebook:2026-01-26",
    "quay.io/jupyter/pytorch-notebook:cuda12-2026-01-26",
    "quay.io/jupyter/scipy-notebook:2026-01-26",
]
MOVING = [
    "team/pytorch-base:7",
    "quay.io/jupyter/pytorch-notebook:cuda12-latest",
    "intel/intel-extension-for-pytorch:2.8.10-xpu",
]


def environment(dockerfile: str) -> Environment:
    return read_environment(MemoryFiles({"Dockerfile": dockerfile.encode()}), "Dockerfile")


def unpinned(image: str) -> list[str]:
    policy = policy_of("{version}")
    found = Subject(RefUpdate("refs/tags/x", None, "a" * 40), {"environment": environment(f"FROM {image}\n")})
    return [finding.message for finding in dockerfile_pinned.check(found, policy)]


@pytest.mark.parametrize("image", FIXED)
def test_what_is_in_a_base_that_cannot_change_is_pinned(image: str) -> None:
    assert unpinned(image) == []


@pytest.mark.parametrize("image", MOVING)
def test_what_is_in_a_base_that_can_change_is_doubted(image: str) -> None:
    assert unpinned(image)


@pytest.mark.parametrize("image", [*FIXED[:5], MOVING[0]])
def test_which_version_is_in_it_is_told_by_the_policy_for_that_one_alone(image: str) -> None:
    plain = policy_of("{framework}-v{version}")
    found = dockerfile_matches.check(subject(plain, "PyTorch-v2.8.0", f"FROM {image}\n"), plain)
    (finding,) = [one for one in found if isinstance(one, Finding)]
    assert "cannot tell which version of PyTorch" in finding.message
    name, _, digest = image.partition("@")
    tag = name.partition(":")[2]
    key = f'digest = "{digest}"' if digest else f'tag = "{tag}"'
    assert key in finding.advice and 'holds = { torch = "..." }' in finding.advice
    base = f'[[base]]\nimage = "{name.partition(":")[0]}"\n{key}\nholds = {{ torch = "2.8.0" }}\n'
    own = policy_of("{framework}-v{version}", rest=base)
    assert errors(own, "PyTorch-v2.8.0", f"FROM {image}\n") == []
    assert "says PyTorch 2.7.0" in errors(own, "PyTorch-v2.7.0", f"FROM {image}\n")[0]
    other = (
        image.replace("a" * 64, "b" * 64)
        if digest
        else image.replace(tag, "25.09-py3" if "nvcr" in image else "9")
    )
    assert "cannot tell which version of PyTorch" in errors(own, "PyTorch-v2.8.0", f"FROM {other}\n")[0]


def test_several_tags_of_one_image_have_a_section_each() -> None:
    base = '[[base]]\nimage = "nvidia/pytorch"\ntag = "{}"\nholds = {{ torch = "{}" }}\n'
    policy = policy_of(
        "{framework}-v{version}", rest=base.format("25.08-py3", "2.8.0") + base.format("25.01-py3", "2.6.0")
    )
    assert errors(policy, "PyTorch-v2.8.0", "FROM nvcr.io/nvidia/pytorch:25.08-py3\n") == []
    assert errors(policy, "PyTorch-v2.6.0", "FROM nvcr.io/nvidia/pytorch:25.01-py3\n") == []
    assert errors(policy, "PyTorch-v2.8.0", "FROM nvcr.io/nvidia/pytorch:25.01-py3\n")


def test_what_the_policy_leaves_open_of_a_published_image_is_as_published() -> None:
    base = '[[base]]\nimage = "nvcr.io/nvidia/pytorch"\ntag = "25.08-py3"\nholds = {{ torch = "2.8.0"{} }}\n'
    image = "FROM nvcr.io/nvidia/pytorch:25.08-py3\n"
    policy = policy_of("{framework}-{hardware}-v{version}", rest=base.format(""))
    assert errors(policy, "PyTorch-CUDA-v2.8.0", image) == []
    assert "built for CUDA" in errors(policy, "PyTorch-ROCm-v2.8.0", image)[0]
    told = policy_of("{framework}-{hardware}-v{version}", rest=base.format(', cuda = "13.0"'))
    assert errors(told, "PyTorch-CUDA13.0-v2.8.0", image) == []
    assert "says CUDA 12.8" in errors(told, "PyTorch-CUDA12.8-v2.8.0", image)[0]
    other = policy_of("{framework}-{hardware}-v{version}", rest=base.format(', rocm = "6.4"'))
    assert "built for ROCm" in errors(other, "PyTorch-CUDA-v2.8.0", image)[0]
