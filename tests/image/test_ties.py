"""Packages that pin their framework, indexes that end, old tags of nvidia/cuda, the driver that an image lets in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from memory_files import MemoryFiles
from support import Repo

from envhooks.image import CompatFault, Environment
from envhooks.image.compat import judge_environment, known, provenance
from envhooks.image.compat.family import Target, tied_to
from envhooks.image.compat.table import extended, load_table, release
from envhooks.image.compat.ties import load_ties
from envhooks.image.files import Files
from envhooks.image.interpreter import read_environment
from envhooks.judge.pins import mend_pins
from envhooks.policy.reader import parse_compat

PYTHON = "FROM python:3.12.3-slim-bookworm\n"
WHL = "https://download.pytorch.org/whl/"
FLASH = "https://host.example/flash_attn-2.8.3+cu12torch2.7cxx11abiFALSE-cp312-cp312-linux_x86_64.whl"
RADEON = "https://repo.radeon.com/rocm/manylinux/rocm-rel-6.4.1/"


def faults(text: str, day: str = "") -> list[CompatFault]:
    environment = read_environment(MemoryFiles({"Dockerfile": text.encode()}), "Dockerfile")
    return list(judge_environment(environment, day=day))


def short(text: str, day: str = "") -> list[tuple[str, str]]:
    return [(fault.rule, fault.level) for fault in faults(text, day) if fault.rule != "python"]


@pytest.mark.parametrize(
    ("install", "expected"),
    [
        ("vllm==0.10.0 torch==2.7.1 torchvision==0.22.1 torchaudio==2.7.1", []),
        ("vllm==0.10.0 torch==2.8.0", [("companion", "error")]),
        ("vllm==0.10.0 torchvision==0.23.0", [("companion", "error")]),
        ("vllm==99.0 torch==2.8.0", []),
        ("sglang==0.5.9 torch==2.8.0", [("companion", "error")]),
        ("torchtext==0.18.0 torch==2.8.0", []),
        ("torchtext==0.17.2 torch==2.8.0", [("companion", "error")]),
        ("lightning==2.6.0 torch==2.0.1", [("companion", "error")]),
        ("lightning==2.6.0 torch==2.8.0", []),
        ("lightning==1.8.0.post1 torch==1.8.1", [("companion", "error")]),
        ("tensorflow-text==2.15.0 tensorflow==2.16.1", [("companion", "error")]),
        ("tensorflow-text==2.15.0 tensorflow-cpu==2.15.1", []),
        (f"torch==2.8.0 {FLASH}", [("companion", "error")]),
        (f"torch==2.7.1 {FLASH}", []),
        (f"torch==2.7.1+cu118 {FLASH}", [("variant", "warning")]),
        ("torch==2.8.0+cu128 torch-scatter==2.1.2+pt28cu128", []),
        ("torch==2.8.0+cu128 torch-scatter==2.1.2+pt27cu128", [("companion", "error")]),
        ("torch==2.10.0+cu128 pyg-lib==0.5.0+pt210cu128", []),
        ("torch==2.8.0+cu128 natten==0.21.0+torch280cu128", []),
        ("torch==2.10.0+cu128 natten==0.21.5+torch2100cu128", []),
        ("torch==2.7.1+cu128 natten==0.21.0+torch280cu128", [("companion", "error")]),
    ],
)
def test_packages_that_pin_their_framework(install: str, expected: list[tuple[str, str]]) -> None:
    assert short(f"{PYTHON}RUN pip install {install}\n") == expected


def test_a_range_is_an_error_in_one_install_and_a_warning_in_two() -> None:
    both = f"{PYTHON}RUN pip install lightning==2.6.0\nRUN pip install torch==2.0.1\n"
    assert short(both) == [("companion", "warning")]


@pytest.mark.parametrize(
    ("option", "level"), [("", "error"), ("--no-deps ", "warning"), ("--no-dependencies ", "warning")]
)
def test_a_package_without_its_dependencies_is_a_warning(option: str, level: str) -> None:
    text = f"FROM python:3.10\nRUN pip install torch==2.1.0\nRUN pip install {option}xformers==0.0.23\n"
    (fault,) = faults(text)
    assert fault.level == level and fault.expected == "torch 2.1.1"
    assert ("without its dependencies" in fault.reason) == bool(option)


def test_the_torch_of_a_base_image_is_replaced() -> None:
    text = "FROM pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime\nRUN pip install vllm==0.10.0\n"
    (fault,) = [one for one in faults(text) if one.rule == "companion"]
    assert fault.level == "warning"
    assert "pip replaces the torch 2.8.0 of the base image" in fault.reason


@pytest.mark.parametrize(
    ("install", "target", "wanted"),
    [
        (  # nothing is named: the package is kept, and torch becomes what it asks for
            "vllm==0.10.0 torch==2.8.0 torchvision==0.23.0", Target(),
            "vllm==0.10.0 torch==2.7.1 torchvision==0.22.1",
        ),
        (  # the tag says PyTorch 2.8: torch is kept, and the package moves
            "vllm==0.10.0 torch==2.8.0", Target(("torch",), "2.8", "CUDA"), "vllm==0.11.0 torch==2.8.0",
        ),
        (  # the tag is of the package itself
            "vllm==0.10.0 torch==2.8.0", Target(("vllm",), "0.10.0", "CUDA"), "vllm==0.10.0 torch==2.7.1",
        ),
        (
            "vllm==0.10.0 torch==2.8.0 xformers==0.0.31", Target(("torch",), "2.8", "CUDA"),
            "vllm==0.11.0 torch==2.8.0 xformers==0.0.32.post1",
        ),
    ],
)  # fmt: skip
def test_one_command_moves_what_is_tied(tmp_path: Path, install: str, target: Target, wanted: str) -> None:
    text = f"{PYTHON}RUN pip install {install}\n"
    files = MemoryFiles({"Dockerfile": text.encode()})

    def read(edited: Files) -> Environment:
        return read_environment(edited, "Dockerfile")

    found = mend_pins(files, read, read(files), load_table(), target)
    assert found.fix, found.why_not
    (tmp_path / "Dockerfile").write_text(text)
    subprocess.run(["sh", "-c", found.fix], cwd=tmp_path, check=True)
    assert (tmp_path / "Dockerfile").read_text() == f"{PYTHON}RUN pip install {wanted}\n"


def test_a_package_that_has_no_release_for_it_is_said() -> None:
    files = MemoryFiles({"Dockerfile": f"{PYTHON}RUN pip install torchtext==0.9.0 torch==1.8.0\n".encode()})
    environment = read_environment(files, "Dockerfile")
    assert tied_to(environment, load_table(), {"torch": "2.0.1"}) == ({"torchtext": "0.15.2"}, "")
    versions, why = tied_to(environment, load_table(), {"torch": "1.4.0"})
    assert not versions and "no torchtext for torch 1.4.0; 0.9.0 asks for torch==1.8.0" in why


def test_what_is_known_of_a_package_that_pins_its_framework() -> None:
    (row,) = [one for one in known("vllm", "0.10.0") if one["vllm"] == "0.10.0"]
    assert "torch==2.7.1" in row["requires"]
    assert any("metadata" in line for line in provenance("vllm"))
    assert known("no-such-package", "") == ()


def test_the_ties_are_sound() -> None:
    """Every requirement of a tie names a release that the table has, and no tie contradicts torchvision's own."""
    table = load_table()
    for package, releases in load_ties().items():
        for version, requires in releases.items():
            assert requires, (package, version)
            pins = dict(line.split("==") for line in requires if line.count("==") == 1 and "," not in line)
            if "torch" in pins:
                row = table.torch[release(pins["torch"])]
                for name in {"torchvision", "torchaudio"} & pins.keys():
                    assert release(pins[name]) in getattr(row, name), (package, version)


def test_a_policy_adds_ties() -> None:
    text = '[[ties]]\npackage = "ours"\nversion = ["1.0"]\nrequires = ["torch==2.7.1"]\n'
    _, rows = parse_compat(text.encode(), "compat.toml")
    environment = read_environment(
        MemoryFiles({"Dockerfile": f"{PYTHON}RUN pip install ours==1.0 torch==2.8.0\n".encode()}),
        "Dockerfile",
    )
    assert [one.level for one in judge_environment(environment, extended(load_table(), rows))] == ["error"]
    assert not judge_environment(environment)


@pytest.mark.parametrize(
    ("pin", "index", "expected"),
    [
        ("torch==2.8.0", WHL + "cu124", [("variant", "error")]),
        ("torch==2.6.0", WHL + "cu124", []),
        ("torch==2.3.0", WHL + "cu124", [("variant", "error")]),
        ("torch==2.15.0", WHL + "cu124", [("variant", "error")]),
        ("torch==2.15.0", WHL + "cu134", []),
        ("torch==2.16.0", WHL + "cu124", [("unknown", "note")]),
        ("torch==2.8.0", "https://mirror.example/pytorch-wheels/cu124", [("variant", "error")]),
        ("torch==2.8.0+cu124", "https://builds.example/simple", [("variant", "warning")]),
        ("torch==2.6.0+rocm6.4.1", RADEON, []),
        ("torch==2.6.0+rocm6.0", WHL + "rocm6.0", [("variant", "warning")]),
        ("torch==2.0.1+rocm5.4.2", WHL + "rocm5.4.2", []),
        ("torch==2.2.0+rocm5.6", WHL + "rocm5.6", []),
        ("torch==1.12.1+rocm5.1.1", WHL + "rocm5.1.1", []),
        ("torch==1.8.0+cu111", WHL + "cu111", []),
        ("torch==1.4.0+cu92", "", []),
    ],
)
def test_an_index_that_never_had_the_release(pin: str, index: str, expected: list[tuple[str, str]]) -> None:
    more = f" --index-url {index}" if index else ""
    text = f"FROM debian:12.5\nRUN pip install {pin}{more}\n"
    assert [one for one in short(text) if one[0] in ("variant", "unknown")] == expected


def test_a_vendors_wheel_is_not_judged_by_pytorchs_list() -> None:
    wheel = RADEON + "torch-2.6.0%2Brocm6.4.1.git1ded221d-cp310-cp310-linux_x86_64.whl"
    assert short(f"FROM rocm/dev-ubuntu-22.04:6.4.1\nRUN pip install {wheel}\n") == []


def test_what_is_not_known_is_never_expected_without_a_version() -> None:
    for fault in faults(f"{PYTHON}RUN pip install torch==2.16.0 torchvision==0.30.0\n"):
        assert fault.level == "note"
        assert any(character.isdigit() for character in fault.expected)


OLD = "FROM nvidia/cuda:10.2-cudnn7-devel-ubuntu18.04\n"


@pytest.mark.parametrize(
    ("day", "level"), [("", "error"), ("2021-06-30", "warning"), ("2024-01-01", "error")]
)
def test_an_old_tag_was_good_when_it_was_there(day: str, level: str) -> None:
    (fault,) = [one for one in faults(OLD, day) if one.rule in ("image", "gone")]
    assert fault.level == level
    assert "2023-07-18" in fault.reason
    assert (day in fault.reason) == (level == "warning" or not day)


def test_an_old_release_is_audited_and_a_new_one_refused(good: Repo) -> None:
    """The day counts for a tag that stands; a new one may say any day of itself."""
    good.environ["GIT_COMMITTER_DATE"] = "2021-06-30T12:00:00Z"
    entry = "# Changelog\n\n## 1.8-rc1 - 2021-06-02\n\nTry it. Risk.\n"
    good.commit_files({"Dockerfile": f"{OLD}RUN pip3 install torch==1.8.0\n", "CHANGELOG.md": entry})
    good.git("push", "-q", "--no-verify", "origin", "main")
    good.git("tag", "-s", "PyTorch-CUDA-v1.8-rc1", "-m", "x")
    audited = good.envhooks("check", "PyTorch-CUDA-v1.8-rc1")
    assert audited.code == 0 and "cannot be built again: it existed on 2021-06-30" in audited.out, (
        audited.said
    )
    good.git("tag", "-d", "PyTorch-CUDA-v1.8-rc1")
    good.envhooks("install", check=True)
    refused = good.try_git("tag", "-s", "PyTorch-CUDA-v1.8-rc1", "-m", "x")
    assert refused.code != 0 and "does not exist" in refused.err, refused


def test_three_numbers_of_conda_are_one_release(good: Repo) -> None:
    install = "RUN conda install -y pytorch=2.3.0 torchvision={} pytorch-cuda=12.1 -c pytorch -c nvidia\n"
    good.commit_files(
        {
            "Dockerfile": "FROM continuumio/miniconda3:24.1.2-0\n" + install.format("0.18.0"),
            "CHANGELOG.md": "# Changelog\n\n## 2.3-rc1 - 2026-11-02\n\nTry it. Risk.\n",
        }
    )
    good.git("push", "-q", "--no-verify", "origin", "main")
    good.git("tag", "-s", "PyTorch-CUDA-v2.3-rc1", "-m", "x")
    done = good.envhooks("check", "--verbose", "PyTorch-CUDA-v2.3-rc1")
    assert done.code == 0 and "pytorch is not pinned" in done.out, done.said
    wrong = faults("FROM continuumio/miniconda3:24.1.2-0\n" + install.format("0.19.0"))
    assert [(one.rule, one.level) for one in wrong] == [("companion", "error")]
    two = "FROM continuumio/miniconda3:24.1.2-0\n" + install.format("0.18.0").replace("2.3.0", "2.3")
    assert faults(two) == []  # which of them comes is not told


def test_the_list_of_tied_packages_is_that_of_the_file() -> None:
    assert load_table().tied == load_ties().keys()


def test_a_tag_with_two_numbers_that_never_was() -> None:
    assert short("FROM nvidia/cuda:11.8-base-ubuntu22.04\n", "2021-06-30") == [("image", "error")]


@pytest.mark.parametrize(
    ("image", "cuda", "level", "said"),
    [
        (
            "12.8.1-base-ubuntu22.04",
            "cu130",
            "warning",
            "driver 570, and CUDA 13.0 finds no GPU before 580",
        ),
        ("13.0.1-base-ubuntu22.04", "cu128", "note", "carries its own runtime"),
        ("13.0.1-devel-ubuntu22.04", "cu128", "warning", "compiled in the image"),
        ("12.4.1-runtime-ubuntu22.04", "cu128", "note", "carries its own runtime"),
    ],
)
def test_the_driver_that_the_image_lets_in(image: str, cuda: str, level: str, said: str) -> None:
    text = f"FROM nvidia/cuda:{image}\nRUN pip install torch==2.9.1 --index-url {WHL}{cuda}\n"
    (fault,) = [one for one in faults(text) if one.rule == "image-cuda"]
    assert (fault.level, said in fault.reason) == (level, True), fault.reason


@pytest.mark.parametrize(
    ("extra", "image", "level"),
    [
        ("[and-cuda]", "12.8.1", "note"),
        ("", "12.8.1", "note"),
        ("", "12.1.1", "warning"),
        ("[and-cuda]", "12.1.1", "note"),
    ],
)
def test_a_tensorflow_that_brings_its_runtime(extra: str, image: str, level: str) -> None:
    text = f"FROM nvidia/cuda:{image}-runtime-ubuntu22.04\nRUN pip install tensorflow{extra}==2.15.0\n"
    (fault,) = [one for one in faults(text) if one.rule == "image-cuda"]
    assert fault.level == level, fault.reason
