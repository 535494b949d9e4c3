"""`envhooks driver`: base and wheels, each by its own published fact, against a node's driver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from support import GOOD_TAG, Repo

from envhooks.base.errors import CannotJudge
from envhooks.cli import run as envhooks
from envhooks.cli.driver import node_driver
from envhooks.image.compat.drivers import (
    driver_needs,
    full_driver,
    judge_driver,
    least_driver,
    toolkit_driver,
)
from envhooks.image.compat.table import key, load_table
from envhooks.image.files import FolderFiles
from envhooks.image.interpreter import read_environment

INDEX = "--index-url https://download.pytorch.org/whl"
BASE = "nvidia/cuda:12.8.1-base-ubuntu22.04"
CU126 = f"torch==2.8.0+cu126 {INDEX}/cu126"
CU128 = f"torch==2.8.0+cu128 {INDEX}/cu128"
CU130 = f"torch==2.9.0+cu130 {INDEX}/cu130"


def needs(folder: Path, text: str):  # type: ignore[no-untyped-def]
    (folder / "Dockerfile").write_text(text)
    return driver_needs(read_environment(FolderFiles(folder), "Dockerfile"))


# base, install -> least, full, have -> answer of each part
CASES = [
    # the base lets 570 in, the wheel wants 580 (artokun/comfyui-mcp#118)
    (BASE, CU130, "580.65.06", "580.65.06", "570.195", ["yes", "no"]),
    (BASE, CU128, "570", "570.124.06", "570.195", ["yes", "yes"]),
    (BASE, CU128, "570", "570.124.06", "550.54", ["branch", "minor"]),
    (BASE, CU128, "570", "570.124.06", "555.42.06", ["no", "minor"]),
    (BASE, CU128, "570", "570.124.06", "470.82.01", ["branch", "no"]),
    # a wheel alone: minor-version compatibility is told apart from its own toolkit's driver
    ("python:3.12-slim", CU126, "525.60.13", "560.28.03", "525.60.13", ["minor"]),
    ("python:3.12-slim", CU126, "525.60.13", "560.28.03", "525.60.12", ["no"]),
    ("python:3.12-slim", CU126, "525.60.13", "560.28.03", "560.28.03", ["yes"]),
    # PyPI's own build carries no local version
    ("python:3.12-slim", "torch==2.8.0", "525.60.13", "570.26", "520", ["no"]),
    # before CUDA 11 a toolkit's driver is the least one
    ("nvidia/cuda:10.2-base-ubuntu18.04", "x==1", "440", "440.33", "440.33", ["yes"]),
]  # fmt: skip


@pytest.mark.parametrize(("base", "install", "least", "full", "have", "answers"), CASES)
def test_each_part_by_its_own_fact(
    tmp_path: Path, base: str, install: str, least: str, full: str, have: str, answers: list[str]
) -> None:
    found = needs(tmp_path, f"FROM {base}\nRUN pip install {install}\n")
    assert (least_driver(found), full_driver(found)) == (least, full)
    assert [judge_driver(need, have).answer for need in found] == answers


def test_a_base_that_sets_no_condition_runs_by_minor_version_compatibility(tmp_path: Path) -> None:
    (need,) = needs(tmp_path, "FROM pytorch/pytorch:2.8.0-cuda12.9-cudnn9-runtime\n")
    assert [judge_driver(need, have).answer for have in ("575.51.03", "570.195", "525")] == [
        "yes",
        "minor",
        "no",
    ]


CONDITIONS = [
    ("cuda>=12.9", "575", (), "570.195", "no"),
    ("cuda>=12.9", "575", (), "575.51.03", "yes"),
    # a space is "or", a comma "and"
    ("cuda>=12.8 brand=tesla,driver>=535,driver<536", "570", ("535",), "535.216", "branch"),
    ("driver>=525,cuda>=12.6", "560", (), "560.28.03", "yes"),
    ("cuda>=12.6 driver>=535", "535", (), "550", "yes"),
    # for some GPUs only, a word that is not understood, a CUDA without a published driver, an argument
    ("brand=tesla,driver>=450", None, ("450",), "570", "unknown"),
    ("cuda>=12.8 whatever", None, (), "570", "unknown"),
    ("cuda>=99.1", None, (), "570", "unknown"),
    ("cuda>=$X", None, (), "570", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "least", "branches", "have", "answer"), CONDITIONS)
def test_a_condition_that_the_dockerfile_sets_itself(
    tmp_path: Path, text: str, least: str | None, branches: tuple[str, ...], have: str, answer: str
) -> None:
    for base in ("python:3.12-slim", BASE):  # whoever sets it anew replaces the base's
        found = needs(
            tmp_path, f'FROM {base}\nARG X\nENV NVIDIA_REQUIRE_CUDA="{text}"\nRUN pip install {CU128}\n'
        )
        (need,) = [one for one in found if one.at_start]
        assert (need.least, need.branches, judge_driver(need, have).answer) == (least, branches, answer)


@pytest.mark.parametrize(
    "line", ["NVIDIA_DISABLE_REQUIRE=1", "NVIDIA_DISABLE_REQUIRE=true", 'NVIDIA_REQUIRE_CUDA=""']
)
def test_a_condition_that_the_dockerfile_takes_back(tmp_path: Path, line: str) -> None:
    found = needs(tmp_path, f"FROM {BASE}\nENV {line}\nRUN pip install {CU128}\n")
    assert not any(need.at_start for need in found)
    assert [judge_driver(need, "535.216").answer for need in found] == ["minor", "minor"]
    kept = needs(
        tmp_path, f"FROM {BASE}\nARG {line}\nENV NVIDIA_DISABLE_REQUIRE=0\n"
    )  # an ARG is not in the image
    assert [need.at_start for need in kept] == [True]


def test_no_gpu_needs_no_driver(tmp_path: Path) -> None:
    assert not needs(tmp_path, f"FROM python:3.12-slim\nRUN pip install torch==2.8.0+cpu {INDEX}/cpu\n")


def test_rocm_is_told_by_its_own_matrix(tmp_path: Path) -> None:
    (need,) = needs(
        tmp_path, f"FROM python:3.12-slim\nRUN pip install torch==2.8.0+rocm6.3 {INDEX}/rocm6.3\n"
    )
    assert (need.kind, need.least) == ("ROCm", "6.1")
    assert judge_driver(need, "570").answer == "unknown"  # an NVIDIA driver answers nothing about it


def test_the_table_is_in_order() -> None:
    """Within one major a newer toolkit never came with an older driver: a slip of the pen would show here."""
    drivers = load_table().drivers
    rows = sorted(drivers.toolkit, key=key)
    assert [drivers.toolkit[row] for row in rows] == sorted(drivers.toolkit.values(), key=key)
    for major, least in drivers.minor.items():
        oldest = min((row for row in rows if row.startswith(major + ".")), key=key)
        assert key(least)[0] <= key(drivers.toolkit[oldest])[0]
    for cuda, branches in drivers.require.items():
        own = toolkit_driver(cuda, drivers)
        assert own and all(int(branch) < int(own.split(".")[0]) for branch in branches)


def test_a_tag_in_one_sentence(good: Repo) -> None:
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    done = good.envhooks("driver", GOOD_TAG, check=True)
    assert done.out.splitlines()[0] == (
        f"{GOOD_TAG}: needs NVIDIA driver 570 or newer (570.124.06 for all of its CUDA)"
    )
    assert all(len(line) <= 90 for line in done.out.splitlines()), done.out


@pytest.mark.parametrize(
    ("have", "code", "says"),
    [
        ("570.195", 0, "driver 570.195 is enough"),
        ("555.42.06", 1, "is too old: the container does not start"),
        ("550.54.14", 2, "on data-center and workstation GPUs only"),
        ("450", 1, "is too old"),
        ("R570", 0, "driver 570 is enough"),
    ],
)
def test_a_nodes_driver(good: Repo, have: str, code: int, says: str) -> None:
    done = good.envhooks("driver", "--have", have)
    assert done.code == code, done.said
    assert says in done.out.splitlines()[0]


@pytest.mark.parametrize("have", [" ", "newest", "5700000", "570; rm", "570.1.2.3.4", "RR570", "R"])
def test_what_is_no_driver_is_said(good: Repo, have: str) -> None:
    done = good.envhooks("driver", "--have", have)
    assert done.code == 2
    assert "is no driver version" in done.err
    assert "Traceback" not in done.said


def test_a_dockerfile_outside_of_any_repository(good: Repo, tmp_path: Path) -> None:
    (tmp_path / "Other").write_text("FROM nvidia/cuda:13.0.1-base-ubuntu24.04\n")
    done = good.envhooks("driver", str(tmp_path / "Other"), "--format", "json", check=True)
    document = json.loads(done.out)
    assert (document["least"], document["full"]) == ("580", "580.82.07")
    assert document["parts"][0]["branches"] == ["535", "550", "565", "570", "575"]


def test_unknown_is_said_and_is_two(good: Repo) -> None:
    good.write({"Dockerfile": "FROM example.org/team/base:7\nRUN pip install torch\n"})
    done = good.envhooks("driver")
    assert done.code == 2
    assert "cannot tell" in done.out
    good.write({"Dockerfile": "FROM nvidia/cuda:99.1.0-base-ubuntu24.04\n"})
    done = good.envhooks("driver")
    assert done.code == 2
    assert "no published driver is known for CUDA 99.1.0" in done.out


def admits(text: str, driver: str) -> bool:
    """Whether Kubernetes takes a node with this driver: a term of several, each expression of it."""
    numbers = [*driver.split("."), "", ""]
    labels = {
        f"nvidia.com/cuda.driver.{part}": numbers[at] for at, part in enumerate(("major", "minor", "rev"))
    }
    chosen = yaml.safe_load(text)["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    return any(
        all(
            labels[one["key"]] in one["values"]
            if one["operator"] == "In"
            else labels[one["key"]].isdigit() and int(labels[one["key"]]) > int(one["values"][0])
            for one in term["matchExpressions"]
        )
        for term in chosen["nodeSelectorTerms"]
    )


def test_a_node_selector(good: Repo) -> None:
    done = good.envhooks("driver", "--format", "node-selector", check=True)
    assert 'values: ["569"]' in done.out and "nvidia.com/cuda.driver.major" in done.out
    good.write({"Dockerfile": f"FROM python:3.12-slim\nRUN pip install {CU130}\n"})
    done = good.envhooks("driver", "--format", "node-selector", check=True)
    assert [
        has
        for has in (
            "580.10",
            "580.65.05",
            "580.65.06",
            "580.65.6",
            "580.126.16",
            "590.44.01",
            "575.57.08",
            "580.82",
        )
        if admits(done.out, has)
    ] == ["580.65.06", "580.65.6", "580.126.16", "590.44.01", "580.82"]
    good.write({"Dockerfile": "FROM nvidia/cuda:99.1.0-base-ubuntu24.04\n"})
    done = good.envhooks("driver", "--format", "node-selector")
    assert done.code == 2 and not done.out


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.124.06  Wed Feb 26 02:05:32 UTC 2025\n", "570.124.06"),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22)\n",
            "580.65.06",
        ),
    ],
)  # fmt: skip
def test_the_nodes_own_driver(tmp_path: Path, text: str, version: str) -> None:
    (tmp_path / "version").write_text(text + "GCC version:  gcc version 11.4.0\n")
    assert node_driver(tmp_path / "version") == version


@pytest.mark.parametrize("text", ["", "nonsense " * 5000, "Kernel Module  x"])
def test_a_node_without_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "version").write_text(text)
    with pytest.raises(CannotJudge, match="cannot be read"):
        node_driver(tmp_path / "version")
    with pytest.raises(CannotJudge, match="no NVIDIA driver"):
        node_driver(tmp_path / "gone")


CPU = f"torch==2.8.0+cpu {INDEX}/cpu"
ROCM = f"torch==2.8.0+rocm6.4 {INDEX}/rocm6.4"
PLAIN = "python:3.12-slim"


@pytest.mark.parametrize(
    ("base", "install", "options", "code", "said"),
    [
        (PLAIN, CPU, (), 0, "needs no NVIDIA or AMD driver"),
        (PLAIN, CPU, ("--have", "570.195"), 0, "is not asked for: no NVIDIA or AMD driver is needed"),
        (PLAIN, CPU, ("--format", "node-selector"), 0, "# needs no GPU driver: no node has to be chosen"),
        (PLAIN, ROCM, (), 0, "needs an AMD driver, see below"),
        (PLAIN, ROCM, ("--format", "node-selector"), 2, "no node can be chosen"),
        (PLAIN, "x==1", (), 2, "cannot tell: nothing in the files says for which hardware it is built"),
        (PLAIN, "x==1", ("--have", "570"), 2, "cannot be judged: nothing in the files says"),
        (PLAIN, "x==1", ("--format", "node-selector"), 2, "no node can be chosen: nothing in the files says"),
        (PLAIN, "torch==$V", (), 2, "cannot tell: torch: its version is not known"),
        ("nvidia/cuda:99.9.0-base-ubuntu22.04", "x==1", (), 2, "no published driver is known for CUDA 99.9"),
        (PLAIN, CU126, ("--have", "R520"), 1, "is too old: no GPU is found without 525.60.13"),
        (PLAIN, CU126, ("--have", "525.60.13"), 0, "is enough, by CUDA's minor-version compatibility"),
        (PLAIN, CU126, ("--have", "580.65"), 0, "driver 580.65 is enough"),
        (BASE, CU128, ("--have", "555.42"), 1, "is too old: the container does not start without 570"),
        (BASE, CU128, ("--have", "550.54"), 2, "is enough on data-center and workstation GPUs only"),
        (PLAIN, CU126, ("--have", "new"), 2, "new is no driver version"),
        (BASE, CU128, ("--format", "node-selector"), 0, 'values: ["569"]'),
        (PLAIN, CU126, ("--format", "node-selector"), 0, 'values: ["525"]'),
    ],
)  # fmt: skip
def test_what_is_printed_of_a_dockerfile(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    base: str,
    install: str,
    options: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nRUN pip install {install}\n")
    assert envhooks(["driver", str(tmp_path / "Dockerfile"), *options]) == code
    told = capsys.readouterr()
    assert said in " ".join((told.out + told.err).split()), told
