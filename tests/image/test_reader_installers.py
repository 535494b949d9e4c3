"""Installers beside pip: what they certainly bring is told, what they may bring is a doubt, a tool apart is nothing."""

from __future__ import annotations

import pytest
from reading import read, told

from envhooks.image import Environment

HEAD = "FROM python:3.12\nRUN pip install torch==2.7.0\n"


def torch(environment: Environment) -> str | None:
    return told(environment, "torch", "pytorch")


def doubts(environment: Environment) -> set[str]:
    return {one.what for one in environment.cannot_tell}


@pytest.mark.parametrize(
    "command",
    [
        "pipx install poetry",
        "pipx install 'poetry>=1.8'",
        "python -m pipx install ruff",
        "pipx inject poetry poetry-plugin-export",
        "pipx run ruff check .",
        "uv tool install ruff",
        "uv tool run ruff check",
        "uvx ruff check",
        "rye install ruff",
        "hatch build",
        "rye version",
        "flit publish",
        "curl -LsSf https://astral.sh/uv/install.sh | sh",
        "curl https://sh.rustup.rs -sSf | sh -s -- -y",
        "spack install zlib",
        "brew install wget",
        "apt-get install -y python3-pip=1 libtorch-dev=2",
        "pip download numpy==1.26.0",
    ],
)
def test_a_tool_apart_brings_nothing(command: str) -> None:
    environment = read(f"FROM python:3.12\nRUN {command}\n")
    assert not environment.cannot_tell and not environment.packages


@pytest.mark.parametrize(
    "command",
    [
        "pipx install vllm==0.10.0",
        "uv tool install torch",
        "uvx $TOOL",
        "hatch env create",
        "hatch run train",
        "rye sync",
        "flit install --deps production",
        "mamba-lock install",
        "conda-lock install",
        "conda-lock install -n train --extras gpu conda-lock.yml",
        "python setup.py install",
        "curl -sSL https://example.com/install.sh | sh",
        "wget -qO- https://example.com/install.sh | sudo bash -s -- --gpu",
        "easy_install anything",
        "spack install",
        "pip-sync",
    ],
)
def test_what_may_bring_a_framework_is_a_doubt(command: str) -> None:
    environment = read(f"FROM python:3.12\nRUN {command}\n")
    assert "packages" in doubts(environment) and not environment.find("torch", "vllm")


@pytest.mark.parametrize(
    "command",
    [
        "easy_install torch",
        "python -m easy_install torch==2.8.0",
        "spack install py-torch@2.8.0 +cuda",
        "guix install python-pytorch",
        "nix-env -iA nixpkgs.python3Packages.torch",
        "pip install git+https://github.com/pytorch/pytorch@v2.8.0",
        "git clone https://github.com/pytorch/pytorch && cd pytorch && python setup.py develop",
        "cd /opt/pytorch && pip install -v --no-build-isolation -e .",
        "pip download torch==2.8.0 && pip install *.whl",
        "pip wheel torch==2.8.0 -w /w && pip install /w/*.whl",
        "pip wheel -r all.txt --wheel-dir=/w && pip install /w/torch-*.whl",
        "pip-sync other.txt",
        "uv pip sync other.txt --system",
        "pdm add torch",
        "POETRY_VIRTUALENVS_CREATE=false poetry add torch@2.8.0",
        "pip install torchaudio",
        "pip install timm",
        "pip install ultralytics==8.3.0",
    ],
)
def test_what_another_installer_may_replace_is_taken_back(command: str) -> None:
    environment = read(f"{HEAD}COPY other.txt .\nRUN {command}\n", {"other.txt": "numpy==1.26.0\n"})
    assert torch(environment) is None and "torch" in doubts(environment)


@pytest.mark.parametrize(
    "command",
    [
        "pip wheel torch==2.8.0 -w /w && pip install /w/flash_attn-*.whl",
        "pip wheel numpy==1.26.0 -w /w && pip install /w/*.whl",
        "pip install /w/*.whl",
        "pip-sync same.txt",
        "uv pip sync --system same.txt",
        "pip install flash-attn deepspeed accelerate",
        "pip install timm torchvision==0.22.0",
        "apt-get install -y python3-torch",
        "cd /opt/apex && pip install -v .",
        "pip install -c same.txt ultralytics",
    ],
)
def test_what_leaves_the_framework_alone_leaves_the_claim(command: str) -> None:
    files = {"same.txt": "torch==2.7.0\nnumpy==1.26.0\n"}
    assert torch(read(f"{HEAD}COPY same.txt .\nRUN {command}\n", files)) == "2.7.0"


def test_pip_sync_installs_what_its_files_ask_for() -> None:
    text = "FROM python:3.12\nRUN pip install numpy==1.0.0\nCOPY r.txt .\nRUN pip-sync r.txt\n"
    environment = read(text, {"r.txt": "torch==2.8.0+cu128\n"})
    assert torch(environment) == "2.8.0" and doubts(environment) == {"numpy"}
    tools = read(text.replace("pip-sync", "python -m piptools sync"), {"r.txt": "torch==2.8.0\n"})
    assert torch(tools) == "2.8.0"


LOCK = """
package:
- {name: pytorch, version: 2.5.1, manager: conda, platform: linux-64, url: "https://example.org/p.conda"}
- {name: python, version: 3.12.1, manager: conda, platform: linux-64, url: "https://example.org/q.conda"}
"""


def test_conda_lock_installs_its_lock() -> None:
    text = "FROM condaforge/miniforge3:24.9.2-0\nCOPY conda-lock.yml .\nRUN conda-lock install {}\n"
    files = {"conda-lock.yml": LOCK}
    assert torch(read(text.format("-n train"), files)) == "2.5.1"
    assert torch(read(text.format("--prefix /opt/conda conda-lock.yml"), files)) == "2.5.1"
    assert torch(read(text.format("-n train other.yml"), files)) is None


@pytest.mark.parametrize(
    "command",
    ["apt-get install -y python3-torch", "apk add py3-torch", "dnf install -y python3-torch-1.13.1-1"],
)
def test_a_framework_of_the_system_is_a_doubt_where_pip_brings_none(command: str) -> None:
    assert doubts(read(f"FROM ubuntu:24.04\nRUN {command}\n")) == {"torch"}


def test_wheels_of_a_builder_are_remembered() -> None:
    text = (
        "FROM python:3.12 AS b\nRUN pip wheel torch==2.8.0 -w /wheels\n"
        f"{HEAD}COPY --from=b {{}} /w/\nRUN pip install /w/*.whl\n"
    )
    assert torch(read(text.format("/wheels"))) is None
    assert torch(read(text.format("/wheels/*.whl"))) is None
    assert torch(read(text.format("/other"))) == "2.7.0"


def test_the_doubt_says_what_to_pin() -> None:
    environment = read(f"{HEAD}RUN pip install xformers\n")
    assert [one.advice for one in environment.cannot_tell] == ["pin xformers to its release for torch 2.7.0"]


@pytest.mark.parametrize(
    "head",
    ["FROM tensorflow/serving:2.15.1-devel AS build_image\n", "FROM ubuntu:24.04 AS build_image\n", ""],
)
def test_a_server_that_is_copied_holds_its_framework(head: str) -> None:
    copied = (
        "COPY --from=build_image /usr/local/bin/tensorflow_model_server /usr/bin/tensorflow_model_server\n"
    )
    environment = read(f"{head}FROM nvidia/cuda:12.8.1-base-ubuntu24.04\n{copied}")
    assert doubts(environment) == {"tensorflow"}
    assert (
        doubts(read(f"{head}FROM ubuntu:24.04\n{copied.replace('tensorflow_model_server', 'other')}"))
        == set()
    )
