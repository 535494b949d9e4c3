"""`envhooks propose`: what it makes is applied, committed, tagged and judged good, in a repository of its own."""

from __future__ import annotations

import pytest
from support import DOCKERFILE, GOOD_TAG, Repo

WHL = "https://download.pytorch.org/whl/"


def started(good: Repo, text: str = DOCKERFILE, tag: str = GOOD_TAG) -> Repo:
    """A repository with one release."""
    if text != DOCKERFILE:
        good.commit_files({"Dockerfile": text})
        good.git("push", "-q", "--no-verify", "origin", "main")
    good.git("tag", "-s", tag, "-m", "the first one")
    return good


def released(repo: Repo, tag: str) -> None:
    """Commit, push, tag and judge; every check has to be content."""
    repo.git("add", "-A")
    repo.git("commit", "-q", "-S", "-m", f"Move to {tag}")
    repo.git("push", "-q", "--no-verify", "origin", "main")
    repo.git("tag", "-s", tag, "-m", "Moved by the table.")
    done = repo.envhooks("check", tag)
    assert done.code == 0, done.said


def said_tag(out: str) -> str:
    return next(line for line in out.splitlines() if line.startswith("tag: ")).split()[1]


def test_the_whole_family_moves_and_check_says_good(good: Repo) -> None:
    started(good)
    done = good.envhooks("propose", "--framework", "2.9.1", "--hardware", "cu130", "--apply")
    assert done.code == 0, done.said
    text = (good.path / "Dockerfile").read_text()
    assert "torch==2.9.1+cu130 torchvision==0.24.1+cu130" in text
    assert f"{WHL}cu130" in text and "nvidia/cuda:13.0.3-devel-ubuntu24.04" in text
    assert "driver: NVIDIA 580.65.06 or newer (was 570)" in done.out
    assert said_tag(done.out) == "PyTorch-CUDA-v2.9.1-rc1"
    released(good, said_tag(done.out))


def test_the_printed_patch_applies(good: Repo) -> None:
    started(good)
    before = good.git("status", "--porcelain")
    done = good.envhooks("propose", "--framework", "2.9")
    assert done.code == 0, done.said
    assert good.git("status", "--porcelain") == before
    good.git("apply", stdin=done.out)
    assert "torch==2.9.1+cu128 torchvision==0.24.1+cu128" in (good.path / "Dockerfile").read_text()
    released(good, said_tag(done.out))


@pytest.mark.parametrize(
    ("options", "why", "nearest"),
    [
        (
            ["--framework", "2.9.1", "--hardware", "cu124"],
            "never published for cu124",
            "torch 2.9.1 for cu126",
        ),
        (["--framework", "2.9.1", "--hardware", "cu124"], "torch 2.9.1", "torch 2.6.0 for cu124"),
        (["--framework", "2.8.7"], "torch 2.8.7 was never published", "torch 2.8.0"),
        (["--framework", "2.6.0"], "never published for cu128", "torch 2.6.0 for cu126"),
    ],
)
def test_a_combination_that_was_never_published(
    good: Repo, options: list[str], why: str, nearest: str
) -> None:
    started(good)
    done = good.envhooks("propose", *options, "--apply")
    assert done.code == 1, done.said
    assert why in done.err and nearest in done.err, done.err
    assert not good.git("status", "--porcelain")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--framework", "99.1"], "newer than the table"),
        (["--framework", "two"], "no version"),
        (["--hardware", "cu"], "no build"),
        (["PyTorch"], "no name of a release"),
        (["--hardware", "cpu"], "would be another one"),
    ],
)
def test_it_cannot_tell(good: Repo, options: list[str], why: str) -> None:
    started(good)
    done = good.envhooks("propose", *options)
    assert done.code == 2 and why in done.said, done.said


@pytest.mark.parametrize(
    ("install", "wanted"),
    [
        (  # PyPI's own build, which has to come from another index then
            "RUN pip install --no-cache-dir torch==2.8.0 torchvision==0.23.0",
            f"RUN pip install --extra-index-url {WHL}cu130 --no-cache-dir torch==2.9.1+cu130 torchvision==0.24.1+cu130",
        ),
        (  # by variables
            f"ARG TORCH=2.8.0\nRUN pip install torch==${{TORCH}} --index-url {WHL}cu128",
            f"ARG TORCH=2.9.1\nRUN pip install torch==${{TORCH}} --index-url {WHL}cu130",
        ),
        (  # by a word for uv
            "RUN uv pip install --system --torch-backend=cu128 torch==2.8.0",
            "RUN uv pip install --system --torch-backend=cu130 torch==2.9.1",
        ),
        (
            "ENV UV_TORCH_BACKEND=cu128\nRUN uv pip install --system torch==2.8.0",
            "ENV UV_TORCH_BACKEND=cu130\nRUN uv pip install --system torch==2.9.1",
        ),
        (  # version and build in variables of their own
            f"ARG TORCH=2.8.0\nARG CU=cu128\nRUN pip install torch==${{TORCH}}+${{CU}} torchvision==0.23.0+${{CU}} "
            f"--index-url {WHL}${{CU}}",
            f"ARG TORCH=2.9.1\nARG CU=cu130\nRUN pip install torch==${{TORCH}}+${{CU}} torchvision==0.24.1+${{CU}} "
            f"--index-url {WHL}${{CU}}",
        ),
        (  # a serving framework that pins its torch
            f"RUN pip install vllm==0.10.2 torch==2.8.0+cu128 --extra-index-url {WHL}cu128",
            f"RUN pip install vllm==0.16.0 torch==2.9.1+cu130 --extra-index-url {WHL}cu130",
        ),
    ],
)
def test_ways_to_install(good: Repo, install: str, wanted: str) -> None:
    head = "FROM nvidia/cuda:12.8.1-base-ubuntu24.04\n"
    started(good, f"{head}{install}\n")
    done = good.envhooks("propose", "--framework", "2.9.1", "--hardware", "cu130", "--apply")
    assert done.code == 0, done.said
    assert wanted in (good.path / "Dockerfile").read_text()


def test_conda_moves_with_its_cuda(good: Repo) -> None:
    install = (
        "RUN conda install -y pytorch==2.3.0 torchvision==0.18.0 pytorch-cuda=12.1 -c pytorch -c nvidia\n"
    )
    started(good, f"FROM continuumio/miniconda3:24.1.2-0\n{install}", "PyTorch-CUDA-v2.3-rc1")
    done = good.envhooks("propose", "--framework", "2.4.0", "--hardware", "cu124", "--apply")
    assert done.code == 0, done.said
    assert "pytorch==2.4.0 torchvision==0.19.0 pytorch-cuda=12.4 -c" in (good.path / "Dockerfile").read_text()


def test_a_base_image_by_a_variable(good: Repo) -> None:
    text = DOCKERFILE.replace(
        "FROM nvidia/cuda:12.8.1-", "ARG CUDA_VERSION=12.8.1\nFROM nvidia/cuda:${CUDA_VERSION}-"
    )
    started(good, text)
    done = good.envhooks("propose", "--framework", "2.9.1", "--hardware", "cu130", "--apply")
    assert done.code == 0, done.said
    assert (
        "ARG CUDA_VERSION=13.0.3\nFROM nvidia/cuda:${CUDA_VERSION}-devel"
        in (good.path / "Dockerfile").read_text()
    )


def test_requirement_files_move_as_well(good: Repo) -> None:
    good.commit_files({"requirements.txt": "torch==2.8.0\ntorchaudio==2.8.0\nnumpy==2.1.0\n"})
    started(good, "FROM python:3.12.3-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n")
    done = good.envhooks("propose", "--framework", "2.9.1", "--hardware", "cu130", "--apply")
    assert done.code == 0, done.said
    assert (good.path / "requirements.txt").read_text() == (
        f"--extra-index-url {WHL}cu130\ntorch==2.9.1+cu130\ntorchaudio==2.9.1+cu130\nnumpy==2.1.0\n"
    )


def test_what_is_there_already(good: Repo) -> None:
    started(good)
    done = good.envhooks("propose", "--framework", "2.8.0", "--hardware", "cu128")
    assert done.code == 0 and "already" in done.out, done.said


def test_the_torch_of_an_image_moves_with_its_tag(good: Repo) -> None:
    text = (
        "FROM pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime\nRUN pip install torchaudio==2.8.0 vllm==0.10.2\n"
    )
    started(good, text)
    done = good.envhooks("propose", "--framework", "2.9.1", "--hardware", "cu130", "--apply")
    assert done.code == 0, done.said
    assert (good.path / "Dockerfile").read_text() == (
        "FROM pytorch/pytorch:2.9.1-cuda13.0-cudnn9-runtime\nRUN pip install torchaudio==2.9.1 vllm==0.16.0\n"
    )
    assert "imagetools inspect pytorch/pytorch:2.9.1-cuda13.0-cudnn9-runtime" in done.out
    released(good, said_tag(done.out))


def test_an_image_of_a_build_that_never_was(good: Repo) -> None:
    started(good, "FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime\n", "PyTorch-CUDA-v2.6-rc1")
    done = good.envhooks("propose", "--framework", "2.9.1")
    assert done.code == 1 and "never published for cu124" in done.err, done.said


@pytest.mark.parametrize("image", ["nvcr.io/nvidia/pytorch:25.08-py3", "pytorch/pytorch@sha256:" + "0" * 64])
def test_the_torch_of_another_image_is_not_moved(good: Repo, image: str) -> None:
    started(good, f"FROM {image}\n")
    done = good.envhooks("propose", "--framework", "2.9.1")
    assert done.code == 2, done.said


def test_nothing_is_written_through_a_link(good: Repo) -> None:
    started(good)
    (good.path / "real").write_text((good.path / "Dockerfile").read_text())
    (good.path / "Dockerfile").unlink()
    (good.path / "Dockerfile").symlink_to("real")
    done = good.envhooks("propose", "--framework", "2.9.1", "--apply")
    assert done.code == 2 and "link" in done.said, done.said


@pytest.mark.parametrize(("rocm", "code"), [("6.4", 0), ("5.5", 2)])
def test_rocm_as_far_as_the_table_knows(good: Repo, rocm: str, code: int) -> None:
    text = f"FROM rocm/dev-ubuntu-22.04:6.3.1\nRUN pip install torch==2.7.1 --index-url {WHL}rocm6.3\n"
    started(good, text, "PyTorch-ROCm-v2.7-rc1")
    done = good.envhooks("propose", "--framework", "2.8.0", "--hardware", f"rocm{rocm}", "--apply")
    assert done.code == code, done.said
    assert (f"torch==2.8.0 --index-url {WHL}rocm6.4" in (good.path / "Dockerfile").read_text()) == (code == 0)


@pytest.mark.parametrize(
    ("version", "code", "said"), [("0.9.2", 0, "jaxlib==0.9.2"), ("0.7.5", 1, "never published")]
)
def test_jax_with_its_plugin(good: Repo, version: str, code: int, said: str) -> None:
    install = "RUN pip install jax==0.7.0 jaxlib==0.7.0 jax-cuda12-plugin==0.7.0\n"
    started(good, f"FROM nvidia/cuda:12.8.1-base-ubuntu24.04\n{install}", "JAX-CUDA-v0.7-rc1")
    done = good.envhooks("propose", "--framework", version)
    assert done.code == code and said in done.said, done.said


def test_a_base_image_for_other_hardware_is_said(good: Repo) -> None:
    """No published fact says which base a team takes for other hardware: it stays, and the patch is not whole."""
    done = good.envhooks("propose", "--framework", "2.9.1", "--hardware", "rocm6.4")
    assert "the base image nvidia/cuda is for CUDA and stays: choose one for ROCm" in " ".join(
        done.said.split()
    )
    done = good.envhooks("propose", "--framework", "2.9.1", "--hardware", "cu130")
    assert "stays" not in done.said, done.said
