"""Conditions and words that the shell works out: followed where all that they ask is known, else unknown."""

from __future__ import annotations

import pytest
from reading import read

from envhooks.image import Environment

HEAD = 'FROM python:3.12\nARG V=2.8.0\nARG CUDA=12.8.1\nARG KIND=gpu\nARG EMPTY=""\nARG GIVEN\n'


def torch(environment: Environment) -> str | None:
    found = [one for one in environment.find("torch") if one.exact]
    return (f"{found[0].version}+{found[0].local}" if found[0].local else found[0].version) if found else None


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ('[ "$KIND" = gpu ]', True),
        ('[ "$KIND" = cpu ]', False),
        ('[ "$KIND" != cpu ]', True),
        ("[ $KIND == gpu ]", True),
        ('test "$KIND" = gpu', True),
        ('[ -z "$EMPTY" ]', True),
        ('[ -n "$EMPTY" ]', False),
        ('[ ! -n "$EMPTY" ]', True),
        ('! [ -n "$EMPTY" ]', True),
        ("[ $EMPTY ]", False),
        ("[ 3 -gt 2 ]", True),
        ("[ 3 -le 2 ]", False),
        ('[[ "$KIND" == g* ]]', True),
        ("[[ $KIND != g* ]]", False),
        ('[[ $KIND != "g"* ]]', False),
        ("[[ $KIND == *'p'u ]]", True),
        ('[[ $KIND == "g*" ]]', False),
        ('[[ $KIND == "g*"u ]]', None),
        ('[[ $KIND == "$GIVEN"* ]]', None),
        ('[[ $KIND == "[g]"* ]]', None),
        ("[[ -z $EMPTY ]]", True),
        ('[ "$GIVEN" = gpu ]', None),
        ('[ "$TARGETARCH" = amd64 ]', None),
        ('[ -z "$OTHER" ]', None),
        ("[ -f /etc/os-release ]", None),
        ('[ "$KIND" = gpu ] && [ -f x ]', None),
        ("[[ $KIND == gpu && -f x ]]", None),
        ("[[ $KIND =~ g.* ]]", None),
        ("nvidia-smi", None),
        ("true", True),
        ("false", False),
    ],
)
def test_an_arm_runs_where_its_condition_is_known(condition: str, runs: bool | None) -> None:
    head = f'{HEAD}SHELL ["/bin/bash", "-c"]\n'
    text = f"{head}RUN if {condition}; then W=2.8.0; else W=2.7.0; fi && pip install torch==$W\n"
    assert torch(read(text)) == {True: "2.8.0", False: "2.7.0", None: None}[runs]
    text = f"{head}RUN if {condition}; then pip install torch==2.8.0; else pip install torch==2.7.0; fi\n"
    assert torch(read(text)) == {True: "2.8.0", False: "2.7.0", None: None}[runs]


@pytest.mark.parametrize(
    ("run", "version"),
    [
        # the sh of Debian takes `==` and `[[` for an error, and an error is false to `if`
        ("if [ $KIND == gpu ]; then W=2.8.0; else W=2.7.0; fi; pip install torch==$W", None),
        ("if [[ $KIND = gpu ]]; then W=2.8.0; else W=2.7.0; fi; pip install torch==$W", None),
        ("if [ $KIND == cpu ]; then W=2.8.0; else W=2.7.0; fi; pip install torch==$W", "2.7.0"),
        ("if [[ $KIND = cpu ]]; then W=2.8.0; else W=2.7.0; fi; pip install torch==$W", "2.7.0"),
        ("if [ $KIND = gpu ]; then W=2.8.0; else W=2.7.0; fi; pip install torch==$W", "2.8.0"),
        (
            "bash -c 'if [[ $KIND = gpu ]]; then pip install torch==2.8.0; else pip install torch==1.0.0; fi'",
            "2.8.0",
        ),
        (
            "sh -c 'if [[ $KIND = gpu ]]; then pip install torch==2.8.0; else pip install torch==1.0.0; fi'",
            None,
        ),
        ("<<EOF\n#!/bin/bash\n[[ $KIND = gpu ]] && W=2.8.0\npip install torch==$W\nEOF", "2.8.0"),
        ("<<EOF\n#!/bin/sh\n[[ $KIND = gpu ]] && W=2.8.0\npip install torch==$W\nEOF", None),
        ("pip install torch==2.8.0 &> log.txt", None),
        ("pip install torch==2.8.0 > log.txt 2>&1", "2.8.0"),
    ],
)
def test_what_only_bash_knows_is_not_taken_for_what_sh_does(run: str, version: str | None) -> None:
    assert torch(read(f"{HEAD}RUN {run}\n")) == version


@pytest.mark.parametrize(
    ("run", "version"),
    [
        ("[ $KIND = gpu ] && pip install torch==2.8.0; true", "2.8.0"),
        ("[ $KIND = cpu ] && pip install torch==2.8.0; true", None),
        ("pip install torch==2.7.0; [ $KIND = cpu ] && pip install torch==2.8.0; true", "2.7.0"),
        ("pip install torch==2.7.0; [ $KIND = cpu ] || pip install torch==2.8.0; true", "2.8.0"),
        ("pip install torch==2.7.0; [ $KIND = gpu ] || pip install torch==2.8.0; true", "2.7.0"),
        ("[ $KIND = cpu ] && W=2.6.0 || W=2.8.0; pip install torch==$W", "2.8.0"),
        ("[ $KIND = gpu ] && pip install torch==2.6.0 || pip install torch==2.8.0", None),
        ("[ -n $KIND ] && [ $KIND = gpu ] && pip install torch==2.8.0; true", "2.8.0"),
        ("[ -f x ] && [ $KIND = gpu ] && pip install torch==2.8.0; true", None),
        ("[ $KIND = gpu ] && { pip install torch==2.8.0; }; true", None),
        ("pip install torch==2.7.0; { [ $KIND = gpu ]; } && pip install torch==2.8.0; true", "2.8.0"),
        ("if [ $KIND = cpu ]; then x; fi && pip install torch==2.8.0", "2.8.0"),
        ("if [ $KIND = cpu ]; then W=1; fi || pip install torch==2.8.0; true", None),
        ("until [ $KIND = gpu ]; do :; done && pip install torch==2.8.0", "2.8.0"),
        ("f() { [ $KIND = cpu ]; } && pip install torch==2.8.0", "2.8.0"),
        ("([ $KIND = cpu ]) || pip install torch==2.8.0; true", None),
        ("! [ $KIND = cpu ] && pip install torch==2.8.0; true", "2.8.0"),
        ("[ $KIND = cpu ] | cat && pip install torch==2.8.0; true", "2.8.0"),
        ("pip install torch==2.7.0; [ $GIVEN = cpu ] && pip install torch==2.8.0; true", None),
    ],
)
def test_what_stands_behind_a_known_answer(run: str, version: str | None) -> None:
    assert torch(read(f"{HEAD}RUN {run}\n")) == version


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("if [ $KIND = tpu ]; then W=1.0.0; elif [ $KIND = gpu ]; then W=2.0.0; else W=3.0.0; fi", "2.0.0"),
        ("if [ $KIND = tpu ]; then W=1.0.0; elif [ $KIND = cpu ]; then W=2.0.0; else W=3.0.0; fi", "3.0.0"),
        ("if [ -f x ]; then W=1.0.0; elif [ $KIND = gpu ]; then W=2.0.0; else W=3.0.0; fi", None),
        ("if [ $KIND = gpu ]; then if [ -f x ]; then W=1.0.0; else W=2.0.0; fi; fi", None),
        ("if [ $KIND = gpu ]; then if [ -n x ]; then W=1.0.0; else W=2.0.0; fi; fi", "1.0.0"),
        ("case $KIND in cpu) W=1.0.0 ;; g*|tpu) W=2.0.0 ;; *) W=3.0.0 ;; esac", "2.0.0"),
        ('case "$KIND" in "cpu") W=1.0.0 ;; (other) W=2.0.0 ;; *) W=3.0.0 ;; esac', "3.0.0"),
        ("case $TARGETARCH in amd64) W=1.0.0 ;; *) W=3.0.0 ;; esac", None),
        ("case $TARGETARCH in arm64) exit 1 ;; *) W=3.0.0 ;; esac", "3.0.0"),
        ("case $TARGETARCH in arm64) exit 0 ;; *) W=3.0.0 ;; esac", None),
        ("case $TARGETARCH in arm64) exit 1 ;; amd64) W=3.0.0 ;; esac", None),
        ("if [ -f x ]; then W=1.0.0; else exit 1; fi", "1.0.0"),
        ("if [ -f x ]; then W=1.0.0; else (exit 1); W=2.0.0; fi", None),
        ("case $KIND in gpu) W=1.0.0 ;;& g*) W=2.0.0 ;; esac", None),
    ],
)
def test_arms_are_decided_in_their_order(script: str, version: str | None) -> None:
    assert torch(read(f"{HEAD}RUN {script}; pip install torch==$W\n")) == version


@pytest.mark.parametrize(
    ("word", "version"),
    [
        ("$(echo $V | cut -d. -f1,2)", "2.8"),
        ("$(echo ${V} | cut -d'.' -f 1-2).1", "2.8.1"),
        ("$(cut -d. -f1 <<< $V).8", "2.8"),
        ("`echo $V`", "2.8.0"),
        ("$(printf '%s' $V)", "2.8.0"),
        ("$V+cu$(echo $CUDA | cut -d. -f1,2 | tr -d .)", "2.8.0+cu128"),
        ("$V+cu$(echo $CUDA | cut -d. -f-2 | sed 's/\\.//g')", "2.8.0+cu128"),
        ("$V+cu$(echo $CUDA | awk -F. '{print $1$2}')", "2.8.0+cu128"),
        (
            "$V+$(python3 -c \"print('cu' + ''.join('${CUDA}'.split('.')[:2]) if '${CUDA}' else 'cpu')\")",
            "2.8.0+cu128",
        ),
        ("$V+$(python -c \"print('$EMPTY' or 'cpu')\")", "2.8.0"),
        ("$(echo $GIVEN | cut -d. -f1,2)", None),
        ("$(cat version.txt)", None),
        ("$(echo $V | rev)", "0.8.2"),
        ("$(echo $V | sed 's/.*/1.0/')", "1.0"),
        ("$(echo $V > x)", None),
        ("$(echo $V; echo 1)", None),
        ("$(python -c \"print(open('x').read())\")", None),
        ('$(python -c "print(().__class__)")', None),
    ],
)
def test_simple_pipelines_are_worked_out(word: str, version: str | None) -> None:
    assert torch(read(f"{HEAD}RUN pip install torch=={word}\n")) == version


# ---------------------------------------------------------------- uv run, and lock files without WORKDIR

LOCK = """
version = 1

[[package]]
name = "image"
source = { virtual = "." }
dependencies = [{ name = "torch" }]

[[package]]
name = "torch"
version = "2.10.0"
source = { registry = "https://index.example.org/simple" }
"""


@pytest.mark.parametrize(
    ("command", "version"),
    [
        ("uv run --frozen python train.py", "2.10.0"),
        ("uv run --no-sync python train.py", None),
        ("uv run --isolated python train.py", None),
    ],
)
def test_uv_run_installs_the_project_first(command: str, version: str | None) -> None:
    mounts = "--mount=type=bind,source=uv.lock,target=uv.lock"
    environment = read(f"FROM python:3.12\nWORKDIR /app\nRUN {mounts} {command}\n", uv_dot_lock=LOCK)
    assert torch(environment) == version


@pytest.mark.parametrize("workdir", ["", "WORKDIR /app\n"])
def test_a_lock_is_found_without_a_workdir(workdir: str) -> None:
    text = f"FROM team/base:1\n{workdir}COPY lib/uv.lock lib/pyproject.toml lib/\nRUN cd lib && uv sync --frozen\n"
    assert torch(read(text, lib__uv_dot_lock=LOCK, lib__pyproject_dot_toml="")) == "2.10.0"
    poetry = '[[package]]\nname = "torch"\nversion = "2.9.0"\n'
    text = f"FROM team/base:1\n{workdir}COPY poetry.lock .\nRUN poetry install\n"
    assert torch(read(text, poetry_dot_lock=poetry)) == "2.9.0"


PDM = """
[[package]]
name = "torch"
version = "2.8.0"
groups = ["{}"]
marker = "python_version >= '3.9'"
"""


@pytest.mark.parametrize(
    ("group", "command", "version"),
    [
        ("default", "pdm sync", "2.8.0"),
        ("default", "pdm install --prod", "2.8.0"),
        ("train", "pdm sync", None),
        ("train", "pdm sync -G train", "2.8.0"),
        ("default", "pdm add torch", None),
    ],
)
def test_pdm_installs_its_lock(group: str, command: str, version: str | None) -> None:
    environment = read(
        f"FROM python:3.12\nWORKDIR /a\nCOPY . .\nRUN {command}\n", pdm_dot_lock=PDM.format(group)
    )
    assert torch(environment) == version


PIXI = """
version: 6
environments:
  default:
    channels:
    - url: https://conda.example.org/conda-forge/
    packages:
      linux-64:
      - conda: https://conda.example.org/conda-forge/linux-64/pytorch-2.5.1-cuda126_py312_h1_0.conda
      - pypi: https://pypi.example.org/packages/numpy-2.1.0-cp312-cp312-manylinux_2_28_x86_64.whl
      - pypi: ./
      osx-arm64:
      - conda: https://conda.example.org/conda-forge/osx-arm64/pytorch-2.4.0-cpu_py312_0.conda
packages: []
"""


def test_pixi_installs_the_default_environment_of_its_lock() -> None:
    environment = read(
        "FROM team/pixi:1\nWORKDIR /a\nCOPY . .\nRUN pixi install --frozen\n", pixi_dot_lock=PIXI
    )
    assert {one.name: one.version for one in environment.packages} == {"pytorch": "2.5.1", "numpy": "2.1.0"}
    assert {(one.kind, one.version) for one in environment.hardware} == {("CUDA", "12.6")}
    named = read("FROM team/pixi:1\nWORKDIR /a\nCOPY . .\nRUN pixi install -e gpu\n", pixi_dot_lock=PIXI)
    assert named.packages == () and any("not followed" in one.why for one in named.cannot_tell)


# ---------------------------------------------------------------- wheels, homes, tools


def test_a_wheel_without_a_path_is_a_file_beside() -> None:
    wheel = "torch-2.8.0+cu128-cp312-cp312-linux_x86_64.whl"
    assert torch(read(f"FROM python:3.12\nCOPY {wheel} .\nRUN pip install {wheel}\n")) == "2.8.0+cu128"
    assert torch(read(f"FROM python:3.12\nRUN pip install './{wheel}'\n")) == "2.8.0+cu128"


def test_a_home_folder_brings_what_was_installed_for_its_user() -> None:
    text = (
        "FROM python:3.12 AS b\nRUN pip install {} torch==2.8.0\nFROM python:3.12\n"
        "COPY --from=b /root/.local /root/.local\n"
    )
    assert torch(read(text.format("--user"))) == "2.8.0"
    assert torch(read(text.format(""))) is None


@pytest.mark.parametrize("command", ["pipx install vllm", "uv tool install vllm", "conda-lock install x.yml"])
def test_an_installer_that_is_not_followed_is_a_doubt(command: str) -> None:
    assert any("not followed" in one.why for one in read(f"FROM python:3.12\nRUN {command}\n").cannot_tell)
