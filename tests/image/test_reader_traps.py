"""The traps that real Dockerfiles hold, each from both sides: what is claimed, and what is not."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles
from reading import read

from envhooks.base.errors import CannotJudge
from envhooks.image import Environment
from envhooks.image.interpreter import read_environment

WHL = "https://wheels.example.org/whl"


def exact(environment: Environment, name: str) -> str | None:
    """The exact version that is claimed, with its local part; None where none is."""
    found = environment.find(name)
    assert len(found) <= 1, found
    if not found or not found[0].exact:
        return None
    return f"{found[0].version}+{found[0].local}" if found[0].local else found[0].version


def doubts(environment: Environment) -> set[str]:
    return {one.what for one in environment.cannot_tell}


def wheel(environment: Environment) -> set[tuple[str, str | None]]:
    return {(one.kind, one.version) for one in environment.hardware if one.source == "wheel"}


# ---------------------------------------------------------------- 1: the product stage


def test_the_last_stage_is_the_product() -> None:
    environment = read(
        "FROM python:3.12 AS a\nRUN pip install torch==2.7.0\nFROM python:3.12\nRUN pip install torch==2.8.0\n"
    )
    assert (environment.target, exact(environment, "torch")) == ("1", "2.8.0")


def test_a_trailing_scratch_export_is_passed_over() -> None:
    environment = read(
        "FROM python:3.12 AS runtime\nRUN pip install torch==2.8.0\n"
        "FROM scratch AS wheel-export\nCOPY --from=runtime /wheels /\n"
    )
    assert (environment.target, exact(environment, "torch")) == ("runtime", "2.8.0")


def test_a_scratch_stage_that_takes_the_whole_system_is_the_product() -> None:
    environment = read(
        "FROM nvidia/cuda:12.8.1-base-ubuntu24.04 AS build\nRUN pip install torch==2.8.0\n"
        "FROM scratch\nCOPY --from=build / /\n"
    )
    assert (environment.target, exact(environment, "torch")) == ("1", "2.8.0")
    assert [(h.kind, h.version) for h in environment.hardware] == [("CUDA", "12.8.1")]


def test_the_policy_names_the_target() -> None:
    files = MemoryFiles(
        {"D": b"FROM a AS x\nRUN pip install torch==1.0\nFROM x AS test\nRUN pip install torch==2.0\n"}
    )
    assert exact(read_environment(files, "D", target="X"), "torch") == "1.0"
    assert exact(read_environment(files, "D", target="1"), "torch") == "2.0"
    with pytest.raises(CannotJudge, match="there is no stage 'y'; the stages are x, test"):
        read_environment(files, "D", target="y")


# ---------------------------------------------------------------- 2: what reaches the product


def test_a_pin_in_a_builder_stage_does_not_reach_the_product() -> None:
    environment = read(
        "FROM python:3.12 AS b\nRUN pip install torch==2.8.0\nFROM python:3.12\nCOPY --from=b /app /app\n"
    )
    assert environment.find("torch") == ()


@pytest.mark.parametrize(
    "copy",
    [
        "COPY --from=b /usr/local/lib/python3.12/site-packages /usr/local/lib/python3.12/site-packages",
        "COPY --from=b /usr/local /usr/local",
        "COPY --from=b /usr/local/ /usr/local/",
        "COPY --from=0 /usr/local/lib/ /usr/local/lib/",
        "COPY --from=B / /",
        'COPY --from=b ["/usr", "/usr"]',
        "COPY --link --chown=1:1 --from=b /usr/local /usr/local",
    ],
)
def test_a_copied_site_packages_brings_its_packages(copy: str) -> None:
    environment = read(f"FROM python:3.12 AS b\nRUN pip install torch==2.8.0\nFROM python:3.12\n{copy}\n")
    assert exact(environment, "torch") == "2.8.0"


def test_a_copied_virtual_environment_brings_its_packages() -> None:
    head = (
        "FROM python:3.12 AS b\nRUN python -m venv /opt/venv\n"
        "ENV PATH=/opt/venv/bin:$PATH\nRUN pip install torch==2.8.0\n"
    )
    assert exact(read(head + "FROM python:3.12\nCOPY --from=b /opt/venv /opt/venv\n"), "torch") == "2.8.0"
    assert exact(read(head + "FROM python:3.12\nCOPY --from=b /opt /opt\n"), "torch") == "2.8.0"
    assert exact(read(head + "FROM python:3.12\nCOPY --from=b /usr/local /usr/local\n"), "torch") is None


def test_a_prefix_that_conda_makes_is_an_environment_that_path_leads_to() -> None:
    environment = read(
        "FROM ubuntu:24.04 AS build\nRUN conda create -y -p /opt/app python=3.11\n"
        "ENV PATH=/opt/app/bin:$PATH\nRUN pip install torch==2.8.0\n"
        "FROM ubuntu:24.04\nCOPY --from=build /opt/app /opt/app\nENV PATH=/opt/app/bin:$PATH\n"
    )
    assert (exact(environment, "torch"), environment.python) == ("2.8.0", "3.11")


def test_a_prefix_is_copied_to_where_python_looks() -> None:
    environment = read(
        "FROM python:3.12 AS b\nRUN pip install --prefix=/install torch==2.8.0\n"
        "FROM python:3.12\nCOPY --from=b /install /usr/local\n"
    )
    assert exact(environment, "torch") == "2.8.0"


def test_from_a_stage_inherits_everything() -> None:
    environment = read(
        "FROM pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel AS base\nENV V=0.23.0\nFROM base AS mid\n"
        "FROM MID\nRUN pip install torchvision==$V\n"
    )
    assert (exact(environment, "torch"), exact(environment, "torchvision")) == ("2.8.0", "0.23.0")
    assert environment.base is not None and environment.base.image == "pytorch/pytorch"


def test_stages_that_copy_in_a_circle_are_refused() -> None:
    with pytest.raises(CannotJudge, match="in a circle"):
        read("FROM a AS x\nCOPY --from=y / /\nFROM a AS y\nCOPY --from=x / /\nFROM x\nRUN true\n")


# ---------------------------------------------------------------- 3 and 4: ARG in FROM, two scopes


def test_the_tag_is_put_together_from_arguments() -> None:
    environment = read('ARG V=12.8.1\nARG BASE=${BASE:-"nvidia/cuda:${V}-devel-ubuntu22.04"}\nFROM ${BASE}\n')
    assert environment.base is not None
    assert (environment.base.image, environment.base.tag) == ("nvidia/cuda", "12.8.1-devel-ubuntu22.04")
    assert [(h.kind, h.version, h.source) for h in environment.hardware] == [("CUDA", "12.8.1", "base")]


@pytest.mark.parametrize(("given", "version"), [({}, "1.0"), ({"X": "1"}, "2.0")])
def test_an_argument_chooses_the_stage(given: dict[str, str], version: str) -> None:
    text = (
        "ARG X\nFROM python:3.12 AS source_copy\nRUN pip install torch==1.0\n"
        "FROM python:3.12 AS source_no_copy\nRUN pip install torch==2.0\nFROM source_${X:+no_}copy\n"
    )
    assert exact(read_environment(MemoryFiles({"D": text.encode()}), "D", args=given), "torch") == version


def test_a_stage_does_not_see_global_arguments_until_it_declares_them() -> None:
    head = "ARG V=2.8.0\nFROM python:3.12\n"
    assert exact(read(f"{head}ARG V\nRUN pip install torch==$V\n"), "torch") == "2.8.0"
    hidden = read(f"{head}RUN pip install torch==$V\n")
    assert exact(hidden, "torch") is None and "torch" in doubts(hidden)


def test_one_name_has_two_meanings() -> None:
    environment = read("ARG V=3.12\nFROM python:$V\nARG V=2.8.0\nRUN pip install torch==$V\n")
    assert (environment.python, exact(environment, "torch")) == ("3.12", "2.8.0")


def test_given_build_arguments_override_defaults() -> None:
    files = MemoryFiles({"D": b"ARG P=3.11\nFROM python:$P\nARG V=2.7.0\nRUN pip install torch==${V}\n"})
    environment = read_environment(files, "D", args={"P": "3.12", "V": "2.8.0", "UNUSED": "1"})
    assert (environment.python, exact(environment, "torch")) == ("3.12", "2.8.0")


def test_arguments_without_a_value_are_not_empty() -> None:
    environment = read("ARG TAG\nFROM pytorch/pytorch:$TAG\nARG V\nRUN pip install torchvision==$V\n")
    assert doubts(environment) >= {"base", "torchvision"}
    assert environment.base is not None and environment.base.tag is None
    assert environment.find("torchvision") == ()
    assert (
        "ARG V has no default value"
        in {one.why for one in environment.cannot_tell if one.what == "torchvision"}.pop()
    )


def test_the_builder_s_own_arguments_are_unknown() -> None:
    environment = read("FROM python:3.12\nARG TARGETARCH\nRUN pip install torch==2.8.0+${TARGETARCH}\n")
    assert exact(environment, "torch") == "2.8.0"
    assert "hardware" in doubts(environment)
    assert "base" in doubts(read("FROM image:$TARGETARCH\n"))


def test_env_beats_arg_and_takes_the_old_value_in_its_own_line() -> None:
    environment = read("FROM a\nARG V=1.0\nENV V=2.0\nENV V=3.0 W=$V\nRUN pip install torch==$W jax==$V\n")
    assert (exact(environment, "torch"), exact(environment, "jax")) == ("2.0", "3.0")
    unclear = read("FROM a\nENV V=1.0\nARG V=2.0\nRUN pip install torch==$V\n")
    assert exact(unclear, "torch") is None  # builders differ on which of the two RUN sees
    same = read("FROM a\nENV V=1.0\nARG V=1.0\nRUN pip install torch==$V\n")
    assert exact(same, "torch") == "1.0"


# ---------------------------------------------------------------- 5: stale hints


def test_a_variable_that_nothing_installs_claims_nothing() -> None:
    environment = read(
        "FROM python:3.12\nARG PYTORCH_VERSION=2.8.0\nENV TORCH_VERSION=2.8.0\nRUN pip install torch==2.7.0\n"
    )
    assert exact(environment, "torch") == "2.7.0"
    assert read("FROM python:3.12\nARG PYTORCH_VERSION=2.8.0\n").packages == ()


# ---------------------------------------------------------------- 6: the shell


@pytest.mark.parametrize(
    "run",
    [
        "V=2.8.0 && pip install torch==$V",
        "V=2.8.0; pip install torch==${V}",
        'export V="2.8.0" && pip install "torch==${V}"',
        "V='torch=='2.8.0; pip install $V",
        "V=2.8.0+x; pip install torch==${V%+*}",
        "V=v2.8.0; pip install torch==${V#v}",
        "V=2_8_0; pip install torch==${V//_/.}",
        "pip install torch==${UNSET_HERE_:=2.8.0}" if False else "A= ; pip install torch==${A:-2.8.0}",
        'bash -c "pip install torch==2.8.0"',
        "bash -lc 'V=2.8.0; pip install torch==$V'",
        "sh -ec 'pip install torch==2.8.0'",
        "sudo -H -u root pip3 install torch==2.8.0",
        "env A=b python3 -m pip install torch==2.8.0",
        "python3.12 -m pip --no-cache-dir install --upgrade torch==2.8.0",
        "/usr/bin/python3 -m pip install torch==2.8.0",
        "eval 'pip install torch==2.8.0'",
        "(cd /x && pip install torch==2.8.0)",
        "{ pip install torch==2.8.0; }",
        "pip install torch==2.8.0 | tee log",
        "yes | pip install torch==2.8.0",
        "pip install torch==2.8.0 || true",
        "apt-get update && apt-get install -y git && pip install torch==2.8.0 && rm -rf /x",
        "set -eux; pip install torch==2.8.0",
        "[ -n x ] && pip install torch==2.8.0",
        "test -d /x || mkdir /x; pip install torch==2.8.0",
        "if true; then echo; fi; pip install torch==2.8.0",
        "uv pip install --system torch==2.8.0",
        "timeout 600 pip install torch==2.8.0",
        "pip install torch==2.8.0 # and then",
        "pip install --no-cache-dir 'torch == 2.8.0'",
        "pip install -q torch==2.8.0 2>&1 >/dev/null",
        "pip install torch\\==2.8.0",
        "P='pip install --no-cache-dir'; $P torch==2.8.0",
        "unset V; pip install torch==2.8.0$V",
        "su -c 'pip install torch==2.8.0'",
    ],
)
def test_plain_shell_is_followed(run: str) -> None:
    assert exact(read(f"FROM python:3.12\nRUN {run}\n"), "torch") == "2.8.0"


@pytest.mark.parametrize(
    "run",
    [
        "if [ $A = 1 ]; then pip install torch==2.8.0; else pip install torch==2.7.0; fi",
        'if [ "$A" ]; then pip install torch==2.8.0; fi',
        "case $A in 1) pip install torch==2.8.0 ;; esac",
        "for v in 2.8.0 2.7.0; do pip install torch==$v; done",
        "while read v; do pip install torch==2.8.0; done < versions",
        "pip install torch==$(cat version)",
        "pip install torch==`cat version`",
        "V=$(cat version); pip install torch==$V",
        "V=$((2+0)).8.0; pip install torch==$V",
        "if [ -e x ]; then V=2.8.0; else V=2.7.0; fi; pip install torch==$V",
        "read V < version; pip install torch==$V",
        "A=(2.8.0 2.7.0); pip install torch==${A[0]}",
        "pip install torch==${V:0:5}",
        "pip install torch==$1",
        "pip install other==1 || pip install torch==2.8.0",
        "[ -f x ] && pip install torch==2.8.0; true",
        "[ -f x ] && pip install torch==2.8.0 || true",
        "command -v nvcc && pip install torch==2.8.0; echo",
        "install() { pip install torch==2.8.0; }; install",
        'retry() { "$@"; }; retry pip install torch==2.8.0',
        "python -c \"import subprocess; subprocess.run(['pip', 'install', 'torch==2.8.0'])\"",
        "echo torch==2.8.0 | xargs pip install",
        "if [ -e x ]; then exit 0; fi; pip install torch==2.8.0",
        "true || pip install torch==2.8.0",
        "exit 0; pip install torch==2.8.0",
        "source ./versions.sh; pip install torch==$V",
        "pip install torch==2.8.0$(true)",
        "pip install torch==2.{7,8}.0",
        "pip install torch==2.8.0 'unclosed",
        "echo pip install torch==2.8.0",
        "# pip install torch==2.8.0",
        "true # && pip install torch==2.8.0",
        "pip download torch==2.8.0",
        "pip wheel torch==2.8.0 -w /wheels",
        "pip install --dry-run torch==2.8.0",
        "pip install torch==2.8.*",
        "pip install 'torch>=2.8.0'",
        "pip install torch==",
        "uv tool install torch==2.8.0",
    ],
)
def test_what_the_shell_decides_is_never_claimed(run: str) -> None:
    assert exact(read(f"FROM python:3.12\nRUN {run}\n"), "torch") is None


@pytest.mark.parametrize("ended", ["exit 0 | cat", "(exit 0)", "cat x | exit 0", "sh -c 'exit 0'"])
def test_an_exit_ends_its_own_shell_alone(ended: str) -> None:
    environment = read(f"FROM python:3.12\nRUN pip install torch==2.7.0; {ended}; pip install torch==2.8.0\n")
    assert exact(environment, "torch") == "2.8.0"


def test_a_condition_takes_back_an_earlier_claim() -> None:
    environment = read(
        "FROM python:3.12\nRUN pip install torch==2.8.0\nRUN if [ $A ]; then pip install torch==2.7.0; fi\n"
    )
    assert exact(environment, "torch") is None and "torch" in doubts(environment)
    same = read(
        "FROM python:3.12\nRUN pip install torch==2.8.0\nRUN if [ $A ]; then pip install torch==2.8.0; fi\n"
    )
    assert exact(same, "torch") == "2.8.0"


def test_exec_form_has_no_shell() -> None:
    assert exact(read('FROM a\nENV V=2.8.0\nRUN ["pip", "install", "torch==2.8.0"]\n'), "torch") == "2.8.0"
    assert exact(read('FROM a\nENV V=2.8.0\nRUN ["pip", "install", "torch==$V"]\n'), "torch") is None
    assert (
        exact(read('FROM a\nENV V=2.8.0\nRUN ["bash", "-c", "pip install torch==$V"]\n'), "torch") == "2.8.0"
    )
    assert (
        exact(read('FROM a\nRUN ["pip", "install", "flash-attn>=2", "torch==2.8.0"]\n'), "torch") == "2.8.0"
    )


def test_heredocs_are_scripts() -> None:
    assert exact(read("FROM a\nRUN <<EOF\nset -e\npip install \\\n  torch==2.8.0\nEOF\n"), "torch") == "2.8.0"
    assert exact(read("FROM a\nENV V=2.8.0\nRUN <<'EOF'\npip install torch==$V\nEOF\n"), "torch") == "2.8.0"
    assert exact(read("FROM a\nRUN <<EOF bash\npip install torch==2.8.0\nEOF\n"), "torch") == "2.8.0"
    assert exact(read("FROM a\nRUN bash <<-EOF\n\tpip install torch==2.8.0\n\tEOF\n"), "torch") == "2.8.0"
    assert exact(read("FROM a\nRUN <<EOF\n#!/bin/bash\npip install torch==2.8.0\nEOF\n"), "torch") == "2.8.0"
    python = read(
        "FROM a\nRUN <<EOF\n#!/usr/bin/env python3\n"
        "os.system('pip install torch==2.8.0')\npip install torch==2.8.0\nEOF\n"
    )
    assert exact(python, "torch") is None and "packages" in doubts(python)
    assert exact(read("FROM a\nRUN python3 <<EOF\npip install torch==2.8.0\nEOF\n"), "torch") is None


def test_lines_are_those_of_the_pins() -> None:
    environment = read(
        "FROM a\n\nRUN pip install \\\n    # why\n    torch==2.8.0 \\\n"
        "\n    jax==0.7.0\nRUN <<EOF\n\npip install numpy==1.0\nEOF\n"
    )
    assert [(p.name, p.place.line) for p in environment.packages] == [("torch", 5), ("jax", 7), ("numpy", 10)]


def test_other_shells_are_not_read() -> None:
    environment = read('FROM a\nSHELL ["powershell", "-Command"]\nRUN pip install torch==2.8.0\n')
    assert environment.packages == () and "packages" in doubts(environment)
    back = read('FROM a\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN pip install torch==2.8.0\n')
    assert exact(back, "torch") == "2.8.0"


# ---------------------------------------------------------------- 7: indexes


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (f"RUN pip install torch==2.8.0 --index-url {WHL}/cu128", ("CUDA", "12.8")),
        (f"RUN pip install torch==2.8.0 -i {WHL}/cu118/", ("CUDA", "11.8")),
        (f"RUN pip install torch==2.8.0 --index-url={WHL}/cpu", ("CPU", None)),
        (f"RUN pip install torch==2.8.0 --index-url {WHL}/rocm6.4", ("ROCm", "6.4")),
        (f"RUN pip install torch==2.8.0 --index-url {WHL}/xpu", ("XPU", None)),
        (f"ENV PIP_INDEX_URL={WHL}/cu128\nRUN pip install torch==2.8.0", ("CUDA", "12.8")),
        (f"ARG PIP_INDEX_URL={WHL}/cu128\nRUN pip install torch==2.8.0", ("CUDA", "12.8")),
        (f"RUN PIP_INDEX_URL={WHL}/cu128 pip install torch==2.8.0", ("CUDA", "12.8")),
        (f"RUN pip config set global.index-url {WHL}/cu128\nRUN pip install torch==2.8.0", ("CUDA", "12.8")),
        (f"ENV UV_INDEX_URL={WHL}/cu128\nRUN uv pip install --system torch==2.8.0", ("CUDA", "12.8")),
        (f"ENV UV_EXTRA_INDEX_URL={WHL}/cu126\nRUN uv pip install --system torch==2.8.0", ("CUDA", "12.6")),
        ("ENV UV_TORCH_BACKEND=cu128\nRUN uv pip install --system torch==2.8.0", ("CUDA", "12.8")),
        ("RUN uv pip install --system torch==2.8.0 --torch-backend=cpu", ("CPU", None)),
        ("RUN pip install torch==2.8.0+cu128", ("CUDA", "12.8")),
        ("RUN pip install torch==1.4.0+cu92", ("CUDA", "9.2")),
        ("RUN pip install torch==2.8.0+cpu", ("CPU", None)),
        ("RUN pip install jaxlib==0.4.26+cuda12.cudnn89", ("CUDA", "12")),
        ("RUN pip install 'jax[cuda12]==0.7.0'", ("CUDA", "12")),
        (f"RUN pip install torch==2.8.0 --extra-index-url {WHL}/cu128", ("CUDA", "12.8")),
    ],
)
def test_the_wheel_s_hardware(how: str, expected: tuple[str, str | None]) -> None:
    assert wheel(read(f"FROM python:3.12\n{how}\n")) == {expected}


@pytest.mark.parametrize(
    ("first", "then", "stays"),
    [
        ("torch", "torch>=2.0.0", True),
        ("torch", "torch", True),
        ("'torch>=2.1'", "torch>=2.0,!=2.4.0", True),
        ("torch", "torch<2.5", False),
        ("torch", "torch==2.5.*", False),
        ("torch", "torch~=2.5", False),
        ("'torch<2.5'", "torch>=2.0", False),
        ("torch", "torch==2.5.0", False),
    ],
)
def test_the_newest_build_serves_a_file_that_asks_for_no_newer_one_than_that(
    first: str, then: str, stays: bool
) -> None:
    environment = read(
        f"FROM python:3.12\nRUN pip install {first} --index-url {WHL}/cpu\n"
        "COPY requirements.txt .\nRUN pip install -r requirements.txt\n",
        requirements_dot_txt=f"{then}\n",
    )
    assert wheel(environment) == ({("CPU", None)} if stays else set())
    assert exact(environment, "torch") == ("2.5.0" if then.endswith("==2.5.0") else None)


def test_an_upgrade_takes_the_newest_build_of_another_index() -> None:
    environment = read(
        f"FROM python:3.12\nRUN pip install torch --index-url {WHL}/cpu\nRUN pip install -U torch\n"
    )
    assert wheel(environment) == set()


@pytest.mark.parametrize(
    "how",
    [
        "RUN pip install torch==2.8.0",
        f"RUN pip install torch==2.6.0 --extra-index-url {WHL}/cu121",  # there is none: the usual build is taken
        f"ARG X\nRUN pip install torch==2.8.0 --index-url {WHL}/$X",
        "RUN uv pip install --system torch==2.8.0 --torch-backend=auto",
        f"RUN pip install numpy==1.0 --index-url {WHL}/cu128",
        f"RUN pip install torch==2.8.0 -f {WHL}/cu111/stable.html",
        "ENV UV_TORCH_BACKEND=cu128\nRUN pip install torch==2.8.0",
        f"ENV PIP_INDEX_URL={WHL}/cu128\nRUN uv pip install --system torch==2.8.0",
    ],
)
def test_hardware_that_is_not_certain_is_not_claimed(how: str) -> None:
    assert wheel(read(f"FROM python:3.12\n{how}\n")) == set()


def test_the_index_that_decides_is_shown() -> None:
    environment = read(
        f"FROM a\nRUN pip install torch==2.6.0 --extra-index-url https://x.example --extra-index-url {WHL}/cu121\n"
    )
    assert environment.packages[0].index == f"{WHL}/cu121"
    assert "hardware" in doubts(environment)


# ---------------------------------------------------------------- 8 and 9: twice, uninstalled, hidden


def test_the_last_install_wins() -> None:
    assert (
        exact(read("FROM a\nRUN pip install torch==2.7.0\nRUN pip install torch==2.8.0\n"), "torch")
        == "2.8.0"
    )
    assert exact(read("FROM a\nRUN pip install torch==2.7.0\nRUN pip install -U torch\n"), "torch") is None
    assert exact(read("FROM a\nRUN pip install torch==2.7.0\nRUN pip install torch\n"), "torch") == "2.7.0"
    assert (
        exact(read("FROM a\nRUN pip install torch==2.7.0\nRUN pip install 'torch>=2.8'\n"), "torch") is None
    )
    assert (
        exact(read("FROM a\nRUN pip install torch==2.7.0\nRUN pip install 'torch>=2.1'\n"), "torch")
        == "2.7.0"
    )


def test_uninstall_removes() -> None:
    assert read("FROM a\nRUN pip install torch==2.7.0 && pip uninstall -y torch\n").find("torch") == ()
    assert exact(read("FROM a\nRUN pip install torch==2.7.0 && pip uninstall -y other\n"), "torch") == "2.7.0"
    assert exact(read("FROM a\nRUN pip uninstall -y torch && pip install torch==2.7.0\n"), "torch") == "2.7.0"
    maybe = read("FROM a\nRUN pip install torch==2.7.0\nRUN if [ -e x ]; then pip uninstall -y torch; fi\n")
    assert exact(maybe, "torch") is None and "torch" in doubts(maybe)


BASE = "FROM pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel\n"


def test_a_virtual_environment_hides_the_base_image_s_packages() -> None:
    assert exact(read(BASE), "torch") == "2.8.0"
    hidden = read(f"{BASE}RUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n")
    assert exact(hidden, "torch") is None and "torch" in doubts(hidden)
    seen = read(f"{BASE}RUN python -m venv --system-site-packages /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n")
    assert exact(seen, "torch") == "2.8.0"
    other = read(
        f"{BASE}RUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\nRUN pip install torch==2.7.0\n"
    )
    assert exact(other, "torch") == "2.7.0"


def test_two_environments_with_two_versions() -> None:
    environment = read(
        "FROM a\nRUN pip install torch==2.8.0\nRUN python -m venv /v && /v/bin/pip install torch==2.7.0\n"
    )
    assert exact(environment, "torch") is None and "torch" in doubts(environment)
    active = read(
        "FROM a\nRUN pip install torch==2.8.0\nRUN uv venv /v\nENV VIRTUAL_ENV=/v\nRUN uv pip install torch==2.7.0\n"
    )
    assert exact(active, "torch") == "2.7.0"


# ---------------------------------------------------------------- 10: conda


@pytest.mark.parametrize(
    ("spec", "version"),
    [
        ("pytorch==1.9.0", "1.9.0"),
        ("pytorch=1.9", None),
        ("pytorch=1.9.0", "1.9.0"),
        ("pytorch=1.5.0=py3.8_cuda9.2.148_cudnn7.6.3_0", "1.5.0"),
        ("pytorch::pytorch==1.9.0", "1.9.0"),
        ("'pytorch>=1.9'", None),
        ("pytorch", None),
    ],
)
def test_conda_s_one_sign_is_fuzzy(spec: str, version: str | None) -> None:
    assert (
        exact(read(f"FROM condaforge/miniforge3\nRUN conda install -y -c pytorch {spec}\n"), "pytorch")
        == version
    )


def test_conda_s_companions_and_python() -> None:
    environment = read(
        "FROM continuumio/miniconda3:1\nRUN mamba create -n x python=3.10 pytorch==2.1.0 pytorch-cuda=11.8 -c nvidia\n"
    )
    assert environment.python == "3.10"
    assert wheel(environment) == {("CUDA", "11.8")}
    assert wheel(read("FROM a\nRUN conda install pytorch==2.1.0 cpuonly\n")) == {("CPU", None)}
    assert wheel(read("FROM a\nRUN conda install pytorch=1.5.0=py3.8_cuda9.2.148_cudnn7.6.3_0\n")) == {
        ("CUDA", "9.2.148")
    }


def test_conda_s_bound_of_a_solve_is_no_build() -> None:
    bound = "FROM a\nRUN conda install cuda-version=12.0 {}\n"
    build = "pytorch=1.13.1=py3.9_cuda11.7_cudnn8.5.0_0"
    assert wheel(read(bound.format(build))) == {("CUDA", "11.7")}
    assert wheel(read(bound.format("pytorch==1.13.1"))) == {("CUDA", "12.0")}


def test_an_exact_pip_version_of_two_numbers() -> None:
    assert exact(read("FROM a\nRUN pip install torch==2.13\n"), "torch") == "2.13"


def test_environment_yml() -> None:
    yml = (
        "name: x\nchannels: [pytorch]\ndependencies:\n  - python=3.9\n"
        "  - pytorch==1.9.0\n  - pip:\n    - jax==0.4.1\n"
    )
    environment = read(
        "FROM condaforge/miniforge3:1\nCOPY environment.yml /tmp/\nRUN conda env create -f /tmp/environment.yml\n",
        environment_dot_yml=yml,
    )
    assert (exact(environment, "pytorch"), exact(environment, "jax"), environment.python) == (
        "1.9.0",
        "0.4.1",
        "3.9",
    )
    assert str(environment.find("pytorch")[0].place) == "environment.yml:5"


@pytest.mark.parametrize(
    ("run", "version"),
    [
        ("conda remove -y pytorch", None),
        ("conda remove -n base --all", None),
        ("conda remove -n other pytorch", "2.1.0"),
        ("conda remove -y numpy", "2.1.0"),
        ("mamba env remove -n other", "2.1.0"),
        ("conda env list", "2.1.0"),
        ("conda info", "2.1.0"),
        ("conda install --dry-run pytorch==2.2.0", "2.1.0"),
        ("conda install -d pytorch==2.2.0", "2.1.0"),
        ("conda install pytorch==2.2.0", "2.2.0"),
        ("conda install 'pytorch[version=2'", None),
        ("conda create -n y --clone base", "2.1.0"),
        ("test -e /x && conda remove -y pytorch || true", None),
        ("conda remove -y $(cat gone)", "2.1.0"),
    ],
)
def test_what_conda_takes_away_and_what_it_only_says(run: str, version: str | None) -> None:
    environment = read(
        f"FROM condaforge/miniforge3:24.9.2-0\nRUN conda install -y pytorch==2.1.0\nRUN {run}\n"
    )
    assert exact(environment, "pytorch") == version


def test_what_conda_may_take_away_is_doubted_where_it_is() -> None:
    environment = read(
        "FROM condaforge/miniforge3:24.9.2-0\nRUN conda create -n other pytorch==2.1.0\n"
        "RUN test -e /x && conda remove -n other pytorch || true\nENV PATH=/opt/conda/envs/other/bin:$PATH\n"
    )
    assert exact(environment, "pytorch") is None
    assert [one.what for one in environment.cannot_tell] == ["pytorch"]


def test_a_list_of_specifications_is_read_line_by_line() -> None:
    environment = read(
        "FROM condaforge/miniforge3:24.9.2-0\nCOPY specs.txt .\nRUN conda install -y --file specs.txt\n",
        specs_dot_txt="# made by hand\n@EXPLICIT\npytorch==2.1.0  # ours\n\npython=3.10\n==\npytorch-cuda=12.1\n",
    )
    assert (exact(environment, "pytorch"), environment.python) == ("2.1.0", "3.10")
    assert wheel(environment) == {("CUDA", "12.1")}
    assert str(environment.find("pytorch")[0].place) == "specs.txt:3"


# ---------------------------------------------------------------- what a project's tool adds and takes away


_UV = "FROM python:3.12.1-slim\nWORKDIR /app\nENV UV_PROJECT_ENVIRONMENT=/usr/local\n"
_PIP = "FROM python:3.12.1-slim\nWORKDIR /app\nRUN pip install torch==2.7.0\n"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (_UV + "RUN uv init && uv add torch==2.8.0\n", "2.8.0"),
        (_UV + "COPY r.txt .\nRUN uv add -r r.txt\n", "2.6.0"),
        (_UV + "RUN uv add torch==2.8.0 && uv remove Torch\n", None),
        (_UV + "RUN uv add torch==2.8.0 && uv remove numpy\n", "2.8.0"),
        (_UV + "RUN uv add torch==2.8.0\nRUN test -e /x && uv remove torch || true\n", None),
        (_UV + "RUN uv add torch==2.8.0 && uv && uv tool install ruff\n", "2.8.0"),
        (_PIP + "RUN poetry config virtualenvs.create false && poetry add torch@2.8.0\n", None),
        (_PIP + "RUN poetry config virtualenvs.create false && poetry remove torch\n", None),
        (_PIP + "RUN poetry config virtualenvs.in-project true && poetry remove torch && poetry\n", "2.7.0"),
        (_PIP + "ENV POETRY_VIRTUALENVS_CREATE=0\nRUN poetry add numpy\n", "2.7.0"),
        (_PIP + "RUN poetry add torch && poetry lock\n", "2.7.0"),
        (_PIP + "RUN pdm add torch\n", None),
        (_PIP + "RUN pdm remove torch && pdm\n", "2.7.0"),
        (_PIP + "RUN pdm sync -L other.lock\n", "2.7.0"),
        (_PIP + "RUN pixi add torch\n", None),
        (_PIP + "RUN pipenv install --system torch\n", None),
        (_PIP + "RUN pipenv uninstall --system torch\n", None),
        (_PIP + "RUN pipenv uninstall torch && pipenv run x && pipenv install\n", "2.7.0"),
        (_PIP + "COPY r.txt .\nRUN pip uninstall -y -r r.txt\n", None),
        (_PIP + "RUN pip uninstall -y Torch\n", None),
    ],
)
def test_what_a_project_s_tool_takes_away_is_claimed_no_longer(text: str, version: str | None) -> None:
    assert exact(read(text, r_dot_txt="torch==2.6.0\n"), "torch") == version


@pytest.mark.parametrize(
    ("run", "python"),
    [
        ("uv python install 3.11 && uv venv /v", "3.11"),
        ("uv venv --python 3.10 /v", "3.10"),
        ("UV_PYTHON=cpython-3.12.1 uv venv /v", "3.12.1"),
        ("python3.11 -m venv --prompt x /v", "3.11"),
        ("virtualenv -p python3.9 /v", "3.9"),
        ("virtualenv --python /usr/bin/python3.9 /v", "3.9"),
        ("virtualenv -p python3 /v", None),
        ("virtualenv --system-site-packages /v", None),
    ],
)
def test_a_virtual_environment_has_the_python_that_made_it(run: str, python: str | None) -> None:
    environment = read(
        f"FROM ubuntu:24.04\nRUN {run}\nENV PATH=/v/bin:$PATH\nRUN /v/bin/pip install torch==2.8.0\n"
    )
    assert (exact(environment, "torch"), environment.python) == ("2.8.0", python)


# ---------------------------------------------------------------- 11: the swallowed pin


@pytest.mark.parametrize(
    ("run", "names"),
    [
        ("pip install flash-attn>=2.0", ["flash-attn>=2.0"]),
        ("pip install 'flash-attn>=2.0'", []),
        ("pip install a>=1 b==2 c<3", ["a>=1", "c<3"]),
        ("pip install a > log.txt", []),
        ("pip install a >log 2>&1", []),
        ("pip install a >= 2.0", ["a>="]),
        ("conda install numpy>=1.2", ["numpy>=1.2"]),
        ("uv pip install --system a>1", ["a>1"]),
        ("echo a>=2", []),
    ],
)
def test_an_unquoted_pin_is_a_redirect(run: str, names: list[str]) -> None:
    environment = read(f"FROM a\nRUN {run}\n")
    assert [one.text for one in environment.unpinned if one.swallowed] == names
    assert all(not package.specifier.startswith(">") for package in environment.packages if names)


# ---------------------------------------------------------------- 12 and 13: no Dockerfile at all


@pytest.mark.parametrize(
    "text",
    [
        "FROM <<base_image>>\n",
        "{{ if .Gpu }}\nFROM a\n{{ end }}\n",
        "FROM a\n{% if x %}\nRUN b\n{% endif %}\n",
        "FROM %%BASE%%\n",
        "FROM a:{{ version }}\n",
        "ARG X={{ x }}\nFROM a\n",
        "FROM a\n%%INSTALL%%\n",
        "FROM @BASE_IMAGE@\n",
    ],
)
def test_templates(text: str) -> None:
    with pytest.raises(CannotJudge, match="this is a template, not a Dockerfile") as caught:
        read(text)
    assert caught.value.place.startswith("Dockerfile:")


def test_braces_in_a_run_are_no_template() -> None:
    assert (
        exact(read("FROM a\nRUN docker ps --format '{{.Names}}' && pip install torch==2.8.0\n"), "torch")
        == "2.8.0"
    )


@pytest.mark.parametrize("text", ["RUN pip install torch==2.8.0\n", "ARG A=1\n", "COPY a b\nRUN c\n"])
def test_fragments(text: str) -> None:
    with pytest.raises(CannotJudge, match="this is a fragment, not a Dockerfile"):
        read(text)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
def test_no_instructions(text: str) -> None:
    with pytest.raises(CannotJudge, match="no instructions"):
        read(text)


# ---------------------------------------------------------------- 14: ONBUILD


def test_onbuild_runs_in_the_stage_that_is_built_from_it() -> None:
    head = "FROM python:3.12 AS b\nONBUILD RUN pip install torch==2.8.0\n"
    assert read(head).packages == ()
    assert exact(read(f"{head}FROM b\n"), "torch") == "2.8.0"
    assert read(f"{head}FROM b AS c\nFROM python:3.12\n").packages == ()


# ---------------------------------------------------------------- 15: names instead of tags


def test_a_version_in_the_image_s_name_is_not_guessed() -> None:
    environment = read("FROM registry.example.com/team/pytorch-installer-2.6.0:latest\n")
    assert environment.packages == () and "torch" in doubts(environment)
    assert [one.kind for one in environment.unpinned] == ["base"]


def test_calendar_tags_cannot_be_told() -> None:
    environment = read("FROM registry.example.com/nvidia/pytorch:25.08-py3\n")
    assert environment.packages == () and "torch" in doubts(environment)
    pinned = read("FROM registry.example.com/nvidia/pytorch:25.08-py3\nRUN pip install torch==2.8.0\n")
    assert exact(pinned, "torch") == "2.8.0"


def test_an_unknown_base_may_hold_anything() -> None:
    assert "packages" in doubts(read("FROM team/base:1.2\n"))
    assert doubts(read("FROM ubuntu:24.04\n")) == set()


# ---------------------------------------------------------------- 16: names of files


@pytest.mark.parametrize("name", ["Dockerfile.cuda", "docker/x.Dockerfile", "Containerfile", "Dockerfile-uv"])
def test_any_file_name(name: str) -> None:
    files = MemoryFiles({name: b"FROM python:3.12\nRUN pip install torch==2.8.0\n"})
    environment = read_environment(files, name)
    assert (environment.path, environment.packages[0].place.path) == (name, name)
    with pytest.raises(CannotJudge, match="there is no such Dockerfile"):
        read_environment(files, "Dockerfile")
