"""Scripts of the context that a RUN starts: what they install is told as if it stood in the RUN."""

from __future__ import annotations

from itertools import pairwise

import pytest
from memory_files import MemoryFiles

from envhooks.image import Environment
from envhooks.image.interpreter import read_environment

HEAD = "FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime\nWORKDIR /app\nCOPY . .\n"


def read(run: str, script: str, **files: str) -> Environment:
    tree = {path.replace("__", "/"): text.encode() for path, text in files.items()}
    dockerfile = f"{HEAD}RUN {run}\n".encode()
    return read_environment(
        MemoryFiles({"Dockerfile": dockerfile, "install.sh": script.encode(), **tree}), "Dockerfile"
    )


def torch(environment: Environment) -> str | None:
    found = [one for one in environment.find("torch") if one.exact]
    return found[-1].version if found else None


BASH = "#!/bin/bash\nset -e\n"


@pytest.mark.parametrize(
    ("run", "script", "told"),
    [
        ("bash install.sh", f"{BASH}pip install torch==2.7.1\n", "2.7.1"),
        ("chmod +x install.sh && ./install.sh", f"{BASH}pip install torch==2.7.1\n", "2.7.1"),
        ("/app/install.sh", "#!/bin/sh\npip install torch==2.7.1\n", "2.7.1"),
        ("sh -x install.sh", "pip install torch==2.7.1\n", "2.7.1"),
        ("bash install.sh 2.7.1", "pip install torch==$1\n", "2.7.1"),
        ("bash install.sh 2.7.1", "pip install torch==${1:-2.5.0}\n", "2.7.1"),
        ("bash install.sh", "pip install torch==${1:-2.5.0}\n", "2.5.0"),
        ("bash install.sh gpu", 'if [ "$1" = gpu ]; then pip install torch==2.8.0; fi\n', "2.8.0"),
        ("bash install.sh", 'if [ "$1" = gpu ]; then pip install torch==2.8.0; fi\n', "2.6.0"),
        ("bash install.sh", 'if [ $# -eq 1 ]; then pip install torch==2.8.0; fi\n', "2.6.0"),
        ("V=2.7.1 bash install.sh", "pip install torch==${V:-2.5.0}\n", "2.7.1"),
        (". ./install.sh", "pip install torch==2.7.1\n", "2.7.1"),
        ("source /app/install.sh && pip install torch==$V", "V=2.7.1\n", "2.7.1"),
        # a shell of its own: what it sets, where it stands and how it ends say nothing of what follows
        ("V=2.5.0; bash install.sh; pip install torch==$V", "V=2.7.1\n", "2.5.0"),
        ("bash install.sh && pip install torch==2.7.1", "exit 0\npip install torch==2.5.0\n", "2.7.1"),
        ("bash install.sh && pip install torch==2.7.1", "if [ -f /x ]; then exit 0; fi\n", "2.7.1"),
        # what is not known
        ("bash install.sh || true", "pip install torch==2.7.1\n", "2.7.1"),
        ("false || bash install.sh", "if [ -f /x ]; then pip install torch==2.7.1; fi\n", None),
        ("bash install.sh", "if [ -f /x ]; then pip install torch==2.7.1; fi\n", None),
        ("V=2.7.1; bash install.sh", "pip install torch==${V:-2.5.0}\n", None),
        ("bash install.sh 2.7.1 2.8.0", "shift\npip install torch==$1\n", None),
        ("bash install.sh 2.7.1", "set -- 2.8.0\npip install torch==$1\n", None),
        ("bash install.sh", 'get() { pip install "$@"; }\nget torch==2.7.1\n', None),
        ("bash install.sh gpu", 'get() { if [ "$1" = cpu ]; then pip install torch==2.7.1; fi; }\nget cpu\n', None),
        ("sed -i s/2.6/2.7/ install.sh && bash install.sh", "pip install torch==2.6.0\n", "2.6.0"),
    ],
)  # fmt: skip
def test_what_a_script_installs(run: str, script: str, told: str | None) -> None:
    assert torch(read(run, script)) == told


def test_the_place_is_the_line_of_the_script() -> None:
    environment = read("bash install.sh", f"{BASH}pip install torch==2.7.1\n")
    (package,) = environment.find("torch")
    assert (package.place.path, package.place.line) == ("install.sh", 3)


@pytest.mark.parametrize(
    ("run", "files"),
    [
        ("bash gone.sh", {}),
        ("sed -i s/2.6/2.7/ install.sh && bash install.sh", {}),
        ("bash tools/a.sh", {"tools__a.sh": "x" * 100_001}),
        ("bash tools/a.sh", {"tools__a.sh": "#!/usr/bin/env python3\nimport pip\n"}),
        ("bash tools/a.sh", {"tools__a.sh": "pip install numpy \0\n"}),
    ],
)
def test_a_script_that_cannot_be_followed_is_said(run: str, files: dict[str, str]) -> None:
    environment = read(run, "pip install torch==2.6.0\n", **files)
    assert any("installs is not followed" in one.why for one in environment.cannot_tell)


def test_a_script_goes_to_the_environment_that_it_is_started_in() -> None:
    environment = read(
        "conda create -n x python=3.10 && conda run -n x bash install.sh", "pip install torch==2.7.1\n"
    )
    assert torch(environment) is None  # the base has 2.6.0, and the other one 2.7.1


@pytest.mark.parametrize("calls", [2, 40, 1000])
def test_scripts_that_start_each_other_come_to_an_end(calls: int) -> None:
    itself = read("bash install.sh", "bash install.sh\n" * calls + "pip install torch==2.7.1\n")
    assert any("install.sh installs is not followed" in one.why for one in itself.cannot_tell)
    names = ("a", "b", "c", "d", "e")
    chain = {f"{one}.sh": f"bash {following}.sh\n" * calls for one, following in pairwise(names)}
    many = read("bash a.sh", "", **{**chain, "e.sh": "pip install torch==2.7.1\n"})
    assert torch(many) == "2.7.1" or any("is not followed" in one.why for one in many.cannot_tell)
