"""One entry of the catalog is enough for every reader, and no reader knows of a framework what the others do not."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from memory_files import MemoryFiles

import envhooks
from envhooks.base.refs import RefUpdate
from envhooks.catalog.frameworks import FRAMEWORKS
from envhooks.catalog.hardware import HARDWARE
from envhooks.catalog.lookup import carried_by, words
from envhooks.changelog.reader import find_entry, read_changelog
from envhooks.checks import dockerfile_matches
from envhooks.image.interpreter import read_environment
from envhooks.judge.facts import Finding, Subject
from envhooks.policy import Policy
from envhooks.policy.reader import parse_policy
from envhooks.tagname import Grammar

OWN = b"""
[tag]
frameworks = { Warp = ["warp-lang"], Tinygrad = ["tinygrad"] }
hardware = ["CUDA", "ROCm", "CPU", "XPU", "TPU", "HPU", "NPU", "Neuron", "Maia"]
"""
POLICY = parse_policy(OWN, ".envhooks/policy.toml")
NAMES = [*POLICY.tag.frameworks]
KINDS = [*POLICY.tag.hardware]


def has_entry(tag: str, heading: str, policy: Policy = POLICY) -> bool:
    name = Grammar(policy.tag).match(tag)
    assert name is not None, tag
    text = f"# Changelog\n\n{heading}\n\nSomething.\n"
    vocabulary = words(policy.tag.frameworks, policy.tag.hardware)
    return find_entry(read_changelog(text.encode(), "CHANGELOG.md"), name, None, vocabulary) is not None


@pytest.mark.parametrize("own", NAMES)
def test_an_entry_of_another_framework_is_not_this_tags(own: str) -> None:
    spellings = {one.name: {one.name, *one.words} for one in FRAMEWORKS}
    for kind, other in itertools.product(KINDS, NAMES):
        tag = f"{own}-{kind}-v2.8"
        for spelling in {other, other.lower(), other.upper(), *spellings.get(other, ())}:
            taken = has_entry(tag, f"## {spelling} 2.8 - 2026-05-02")
            assert taken is (other == own), (tag, spelling)
        assert has_entry(tag, f"## {own} {kind} 2.8 - 2026-05-02"), tag


@pytest.mark.parametrize("own", KINDS)
def test_an_entry_for_other_hardware_is_not_this_tags(own: str) -> None:
    spellings = {one.name: {one.name, *one.words} for one in HARDWARE}
    for framework, other in itertools.product(NAMES, KINDS):
        tag = f"{framework}-{own}-v2.8"
        for spelling in {other, other.lower(), *spellings.get(other, ())}:
            taken = has_entry(tag, f"## {framework} {spelling} 2.8 - 2026-05-02")
            assert taken is (other == own), (tag, spelling)


@pytest.mark.parametrize(
    "heading", ["## 2.8 - 2026-05-02", "## [2.8] - 2026-05-02", "## v2.8 (2026-05-02)", "# Release 2.8"]
)
@pytest.mark.parametrize("framework", NAMES)
def test_an_entry_that_names_nothing_is_everyones(framework: str, heading: str) -> None:
    assert has_entry(f"{framework}-CUDA-v2.8", heading)


@pytest.mark.parametrize(
    "heading",
    [
        "## PyTorch Lightning 2.8",
        "## torchvision 2.8",
        "## PyTorch Geometric 2.8",
        "## CUDA 2.8",
        "## Python 2.8",
        "## PyTorch 2.7 with torchaudio 2.8",
    ],
)
def test_another_project_is_not_the_framework(heading: str) -> None:
    assert not has_entry("PyTorch-CUDA-v2.8", f"{heading} - 2026-05-02")


# ---------------------------------------------------------------------------------------- builds


def findings(tag: str, dockerfile: str, policy: Policy = POLICY) -> list[str]:
    name = Grammar(policy.tag).read(tag)
    environment = read_environment(
        MemoryFiles({"Dockerfile": dockerfile.encode()}), "Dockerfile", bases=policy.bases
    )
    subject = Subject(
        RefUpdate(f"refs/tags/{tag}", None, "a" * 40), {"naming": name, "environment": environment}
    )
    return [
        finding.message
        for finding in dockerfile_matches.check(subject, policy)
        if isinstance(finding, Finding) and finding.level == "error"
    ]


BUILDS = [
    (one.name, package, kind)
    for one in FRAMEWORKS
    for package, (kind, _) in one.builds.items()
    if package in one.packages
]


@pytest.mark.parametrize(("framework", "package", "kind"), BUILDS)
def test_a_build_for_other_hardware_refuses_the_tag(framework: str, package: str, kind: str) -> None:
    for other in KINDS:
        found = findings(
            f"{framework}-{other}-v2.7.2", f"FROM ubuntu:24.04\nRUN pip install {package}==2.7.2\n"
        )
        assert bool(found) is (other != kind), (package, other, found)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("torch==2.7.2+cu128", "CUDA"),
        ("torch==2.7.2+rocm6.4", "ROCm"),
        ("torch==2.7.2+cpu", "CPU"),
        ("torch==2.7.2+xpu", "XPU"),
        ("torch==2.7.2 --index-url https://host.example/whl/cpu", "CPU"),
        ("torch==2.7.2 --index-url https://host.example/whl/cu128", "CUDA"),
        ("torch==2.7.2 torch-npu==2.7.2", "NPU"),
        ("torch==2.7.2 habana-torch-plugin==1.2", "HPU"),
        ("torch==2.7.2 torch-neuronx==2.7", "Neuron"),
        ("torch==2.7.2 intel-extension-for-pytorch==2.7", "XPU"),
    ],
)
def test_what_else_tells_the_hardware(line: str, kind: str) -> None:
    for other in KINDS:
        found = findings(f"PyTorch-{other}-v2.7.2", f"FROM ubuntu:24.04\nRUN pip install {line}\n")
        assert bool(found) is (other != kind), (line, other, found)


def test_each_carrier_belongs_to_one_kind() -> None:
    patterns = {one.name: one.carriers for one in HARDWARE if one.carriers}
    packages = [
        "nvidia-cudnn-cu12",
        "cupy-cuda12x",
        "libtpu",
        "torch-npu",
        "cpuonly",
        "jax-rocm60-plugin",
        "habana-torch-plugin",
    ]
    for package in packages:
        fitting = [kind for kind, text in patterns.items() if re.fullmatch(text, package)]
        found = carried_by(package)
        assert found is not None and fitting == [found[0]], package


# --------------------------------------------------------------------------------- one entry only

NEW = """
import envhooks.catalog.frameworks as frameworks
frameworks.FRAMEWORKS = (*frameworks.FRAMEWORKS, frameworks.Framework(
    "Burn", ("burn-ml", "burn-ml-rocm"), aliases=("burnml",), builds={"burn-ml-rocm": ("ROCm", None)},
    by_local=("burn-ml",), companions=("burn-train",), calendar_image="nvidia/burn",
))
import sys
sys.path[:0] = sys.argv[1:]
from test_catalog import *
from envhooks.policy.reader import default_policy
from envhooks.builds.verify_image import expected
from envhooks.catalog.lookup import COMPANIONS, package_of, version_variables
from envhooks.image.compat import known
from envhooks.image.dockerfile.baseimage import contents, parse_reference

policy = default_policy()
name = Grammar(policy.tag).match("Burn-CUDA-v0.18")
assert name.framework == "Burn"
assert "Burn-CUDA-v0.18" in Grammar(policy.tag).read("burnml-cuda-0.18").suggestion
good = "FROM nvidia/cuda:12.8.1-devel-ubuntu24.04\\nRUN pip install burn-ml==0.18.0\\n"
assert not findings("Burn-CUDA-v0.18", good, policy)
assert findings("Burn-CUDA-v0.18", "FROM ubuntu:24.04\\nRUN pip install burn-ml==0.17.0\\n", policy)
assert findings("Burn-CUDA-v0.18", "FROM ubuntu:24.04\\nRUN pip install burn-ml-rocm==0.18.0\\n", policy)
assert findings("Burn-CUDA-v0.18", "FROM ubuntu:24.04\\nRUN pip install burn-ml==0.18.0+cpu\\n", policy)
held = contents(parse_reference("nvcr.io/nvidia/burn:25.08-py3"))
assert held.opaque[0][0] == "burn-ml" and held.hardware == (("CUDA", None),)
assert contents(parse_reference("team/burn:1")).opaque[0][0] == "burn-ml"
assert has_entry("Burn-CUDA-v0.18", "## Burn 0.18 - 2026-01-01", policy)
assert not has_entry("Burn-CUDA-v0.18", "## PyTorch 0.18 - 2026-01-01", policy)
assert not has_entry("PyTorch-CUDA-v0.18", "## Burn 0.18 - 2026-01-01", policy)
assert "burn-train" in COMPANIONS and package_of("Burn") == "burn-ml"
assert version_variables()[0].fullmatch("BURN_VERSION")
assert known("Burn", "0.18") == ()
assert expected(name, policy.tag).packages == ("burn-ml", "burn-ml-rocm")
print("understood")
"""


def test_a_framework_is_one_entry() -> None:
    argv = [sys.executable, "-c", NEW, str(Path(__file__).parent), str(Path(__file__).parents[1])]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout == "understood\n", done.stderr


def test_no_other_room_knows_a_framework_by_name() -> None:
    """Facts of compat.toml and their types, samples and help texts are not knowledge of what a name means."""
    package = Path(envhooks.__file__).parent
    allowed = {
        "catalog",
        "compat",
        "commented.py",
        "demo.py",
        "_demo_folder.py",
        "_demo_build.py",
        "verify_image.py",
    }
    names = re.compile(
        r"""["'](?:mindspore|mxnet|onnxruntime|paddlepaddle|oneflow|sglang|vllm)["'-]""", re.IGNORECASE
    )
    for file in package.rglob("*.py"):
        if not {file.name, *file.relative_to(package).parts} & allowed:
            assert not names.search(file.read_text(encoding="utf-8")), file
