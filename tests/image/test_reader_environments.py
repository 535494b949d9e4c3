"""Which environment an install goes to: activated, left, named by an option, or known to no reader."""

from __future__ import annotations

import pytest
from reading import read, told

from envhooks.image import Environment

UP = "pip install torch==2.6.0"
DOWN = "pip install torch==2.5.0"
CONDA = "FROM continuumio/miniconda3\nRUN conda create -n ml python=3.11\n"
IN_ML = "ENV PATH=/opt/conda/envs/ml/bin:$PATH\n"
VENV = "FROM python:3.12\nRUN python -m venv /opt/v && python -m venv /opt/w\n"
IN_V = "ENV PATH=/opt/v/bin:$PATH\n"
HELD = "FROM python:3.12\nRUN pip install torch==2.7.0\n"


def torch(environment: Environment) -> str | None:
    return told(environment, "torch", "pytorch")


def whys(environment: Environment) -> str:
    return "\n".join(one.why for one in environment.cannot_tell)


@pytest.mark.parametrize(
    ("command", "version"),
    [
        (f"conda activate ml && {UP} && conda deactivate && {DOWN}", "2.6.0"),
        (f"source activate ml && {UP} && source deactivate; {DOWN}", "2.6.0"),
        (". /opt/conda/bin/activate ml && pip install torch==2.6.0", "2.6.0"),
        (f"conda activate ml && conda activate dev && conda deactivate && {DOWN}", "2.5.0"),
        (f"conda activate ml && conda activate ml && conda deactivate && {DOWN}", "2.7.0"),
        (f"conda activate ml && python -m venv /v && . /v/bin/activate && deactivate; {DOWN}", "2.5.0"),
        ("conda activate && pip install torch==2.5.0", "2.7.0"),
        ("source activate && conda deactivate && pip install torch==2.5.0", "2.7.0"),
        ("conda run --no-capture-output -n ml pip install torch==2.5.0", "2.5.0"),
        ("conda run --name=ml --cwd /srv pip install torch==2.5.0", "2.5.0"),
        ("conda run --cwd=/srv -n base pip install torch==2.5.0", "2.7.0"),
        ("micromamba shell init && pip install torch==2.5.0", "2.7.0"),
    ],
)  # fmt: skip
def test_an_environment_of_conda_is_entered_and_left(command: str, version: str) -> None:
    head = CONDA + "RUN conda activate ml && pip install torch==2.7.0\n"
    assert torch(read(f"{head}RUN {command}\n{IN_ML}")) == version


def test_conda_itself_activated_is_its_base() -> None:
    text = (
        CONDA
        + IN_ML
        + "RUN pip install torch==2.6.0\nRUN . /opt/conda/bin/activate && pip install torch==2.5.0\n"
    )
    assert torch(read(text)) == "2.6.0"


def test_a_shell_of_conda_names_its_environment() -> None:
    text = CONDA + 'SHELL ["conda", "run", "-n", "ml", "/bin/bash", "-c"]\nRUN pip install torch==2.6.0\n'
    assert torch(read(text + 'SHELL ["/bin/sh", "-c"]\nRUN pip install torch==2.5.0\n' + IN_ML)) == "2.6.0"


@pytest.mark.parametrize(
    ("command", "version"),
    [
        (f". /opt/v/bin/activate && {UP} && deactivate && {DOWN}", "2.6.0"),
        (f". /opt/v/bin/activate && {UP} && . /opt/w/bin/activate && pip install torch==1.0", "2.6.0"),
        ("deactivate; . /opt/v/bin/activate; pip install torch==2.5.0", "2.5.0"),
        (f"(. /opt/w/bin/activate && {DOWN}); /opt/v/bin/{UP}", "2.6.0"),
        # virtual environments replace each other: what is active behind the second is not followed
        (f". /opt/v/bin/activate; {UP}; . /opt/w/bin/activate; deactivate; {DOWN}", None),
        (f". /opt/v/bin/activate; {UP}; [ -f x ] && deactivate; {DOWN}", None),
        (f". /opt/v/bin/activate; {UP}; [ -f x ] && deactivate; pip uninstall -y torch", None),
        ("if [ -f x ]; then . /opt/v/bin/activate; fi; pip install torch==2.5.0", None),
    ],
)  # fmt: skip
def test_a_virtual_environment_is_entered_and_left(command: str, version: str | None) -> None:
    environment = read(f"{VENV}RUN {command}\n{IN_V}")
    assert torch(environment) == version
    assert version or "torch" in {one.what for one in environment.cannot_tell}


def test_the_same_version_in_any_environment_is_known() -> None:
    text = (
        VENV
        + "RUN pip install torch==2.5.0\nRUN [ -f x ] && . /opt/v/bin/activate; pip install torch==2.5.0\n"
    )
    assert torch(read(text)) == "2.5.0"


@pytest.mark.parametrize(
    "python",
    ["python -m pip", "python -mpip", "python -Impip", "python3 -Im pip", "python -W ignore -Bm pip",
     "python -IWignore -X dev -m pip", "python3.12 -I -m pip", "env -- A=1 pip", "sudo -- pip",
     "nohup command pip", "timeout -k 5 60 pip", "env A=1 pip --log x", "pip --timeout 60"],
)  # fmt: skip
def test_options_in_front_of_pip_hide_no_install(python: str) -> None:
    assert torch(read(f"{HELD}RUN {python} install torch==2.6.0\n")) == "2.6.0"


@pytest.mark.parametrize(
    ("command", "version", "why"),
    [
        ("python $FLAGS -m pip install torch==2.6.0", "2.7.0", "installs is not followed"),
        ("python -Ic 'import pip; pip.main([\"install\"])'", "2.7.0", "what python -c installs is not followed"),
        ("$PIP install torch==2.6.0", "2.7.0", "the program is not known"),
        ("bash <<EOF\npip install torch==$V\nEOF", "2.7.0", "a here-document that the shell expands"),
        ("bash <<EOF\necho $V\nEOF", "2.7.0", ""),
        ("bash Miniforge3.sh -b -p /opt/conda", "2.7.0", ""),
        ("env", "2.7.0", ""),
        ("source", "2.7.0", ""),
        ("$NOTHING", "2.7.0", ""),
        ("sh -c \"$X\"", "2.7.0", ""),
        ("printf '%s' pip && pip install torch==2.6.0", "2.6.0", ""),
        ("pip install -- torch==2.6.0", "2.6.0", ""),
        ("pip install --no-index torch==2.6.0", "2.6.0", ""),
        ("pip install --extra-index https://download.pytorch.org/whl/cu128 torch==2.6.0", "2.6.0", "usual index"),
        ("pip install -r", "2.7.0", ""),
        ("pip install --requirement", "2.7.0", ""),
        ("pip install --group dev", "2.7.0", "the dependency group dev is not followed"),
        ("pip install 'torch=={{ version }}'", "2.7.0", "is a placeholder"),
        ("pip install -c missing.txt torch==2.6.0", "2.6.0", "what missing.txt asks for is not known"),
        ("pip install -e git+https://host.example/torch.git@v1#egg=torch", None, ""),
        ("pip uninstall -y torch", None, ""),
        ("pip uninstall -y torch[extra]", None, ""),
        ("pip uninstall -y ./torch", "2.7.0", ""),
        ("pip uninstall -y $WHAT", "2.7.0", "what is uninstalled is not known"),
        ("pip uninstall -y -r old.txt", None, "what old.txt uninstalls is not followed"),
        ("uv pip", "2.7.0", ""),
        ("uv pip uninstall --system torch", None, ""),
        ("uv pip uninstall torch", None, ""),
        ("uv pip list", "2.7.0", ""),
        ("pip-sync --dry-run requirements.txt", "2.7.0", ""),
        ("pip-sync --python-executable /x requirements.txt", "2.7.0", "what pip-sync installs is not followed"),
        ("pip config list", "2.7.0", ""),
        ("sed s/a/b/ requirements.txt && perl -ne print requirements.txt", "2.7.0", ""),
    ],
)  # fmt: skip
def test_what_a_command_brings_takes_away_or_leaves_open(command: str, version: str | None, why: str) -> None:
    environment = read(f"{HELD}RUN {command}\n")
    assert torch(environment) == version
    assert why in whys(environment) and (why or not environment.cannot_tell)


@pytest.mark.parametrize(
    ("command", "version"),
    [("uv pip", "2.6.0"), ("uv pip --no-cache", "2.6.0"), ("VIRTUAL_ENV=/opt/v uv pip", None)],
)
def test_uv_goes_by_its_own_environment(command: str, version: str | None) -> None:
    text = "FROM python:3.12\nWORKDIR /srv\nRUN pip install torch==2.7.0\nRUN uv venv\n"
    text += f"RUN {command} install torch==2.6.0\nENV PATH=/srv/.venv/bin:$PATH\n"
    assert torch(read(text)) == version
