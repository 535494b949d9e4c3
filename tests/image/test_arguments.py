"""ARG, ENV and stages as BuildKit's builds use them, seen by the version that they come to.

Each case has a relative among the tests of whole builds in github.com/moby/buildkit, written here with a pin instead of
an `echo`.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from memory_files import MemoryFiles

from envhooks.base.errors import CannotJudge
from envhooks.image.interpreter import read_environment


def read(text: str, args: Mapping[str, str] | None = None, target: str | None = None) -> str | None:
    files = MemoryFiles({"Dockerfile": text.encode()})
    found = read_environment(files, "Dockerfile", args=args or {}, target=target)
    return next((one.version for one in found.find("torch") if one.exact), None)


PYTHON = "FROM python:3.12\n"
GIVEN = {"V": "2.7.0"}


@pytest.mark.parametrize(
    ("text", "args", "version"),
    [
        # several arguments on one line, each seen by the next line, and again in the stage that asks for it
        (
            'ARG A="x y" M=2.8\nARG V="$M.0"\nFROM python:3.12\n'
            "ARG V B='1 2' A\nRUN pip install torch==$V",
            {},
            "2.8.0",
        ),
        ('ARG M="2.8"\nFROM python:3.12\nARG M\nARG V="$M.0"\nRUN pip install torch==$V', {}, "2.8.0"),
        # a default in the stage comes before the global one, what is given before both
        ("ARG V=2.6.0\nFROM python:3.12\nARG V=2.8.0\nRUN pip install torch==$V", {}, "2.8.0"),
        ("ARG V=2.6.0\nFROM python:3.12\nARG V=2.8.0\nRUN pip install torch==$V", GIVEN, "2.7.0"),
        # an argument that no line of the stage asks for is not there
        ("ARG V=2.8.0\nFROM python:3.12\nRUN pip install torch==$V", {}, None),
        ("ARG V=2.8.0\nFROM python:3.12\nRUN pip install torch==$V", GIVEN, None),
        # the old form of ENV takes the quotes off, and trims as the shell does
        (f'{PYTHON}ARG V\nENV T "torch==${{V:-2.8.0}}"\nRUN pip install $T', {}, "2.8.0"),
        (f'{PYTHON}ARG V\nENV T "torch==${{V:-2.8.0}}"\nRUN pip install $T', {"V": ""}, "2.8.0"),
        (f'{PYTHON}ARG V\nENV T "torch==${{V:-2.8.0}}"\nRUN pip install $T', GIVEN, "2.7.0"),
        (f'{PYTHON}ENV W v2.8.0-gpu\nENV V "${{W%%-*}}"\nRUN pip install torch==${{V#v}}', {}, "2.8.0"),
        # one line of ENV does not see its own values
        (f"{PYTHON}ENV V=2.8.0\nENV V=2.6.0 W=$V\nRUN pip install torch==$W", {}, "2.8.0"),
        # an empty argument is set, one without a value is not
        (f"{PYTHON}ARG V=\nRUN pip install torch==${{V-2.8.0}}", {}, None),
        (f"{PYTHON}ARG V\nRUN pip install torch==${{V-2.8.0}}", {}, "2.8.0"),
        # names are those of the file, whatever the case of instructions and stages
        ("from python:3.12 as Base\nenv V=2.8.0\nfrom bASE\nrun pip install torch==$V", {}, "2.8.0"),
        # what a stage declares its children see; a stage beside them does not
        ("FROM python:3.12 AS a\nARG V=2.8.0\nFROM a\nRUN pip install torch==$V", {}, "2.8.0"),
        ("FROM python:3.12 AS a\nARG V=2.8.0\nFROM python:3.12\nRUN pip install torch==$V", {}, None),
        # a trigger runs in the child, with the child's arguments, and not in the grandchild
        (
            "FROM python:3.12 AS a\nONBUILD ARG V=2.8.0\nONBUILD RUN pip install torch==$V\nFROM a",
            {},
            "2.8.0",
        ),
        (
            "FROM python:3.12 AS a\nONBUILD RUN pip install torch==2.8.0\nFROM a AS b\n"
            "RUN pip install torch==2.7.0\nFROM b",
            {},
            "2.7.0",
        ),
        # a stage may copy from one that stands behind it
        (
            "FROM python:3.12\nCOPY --from=late /r.txt /r.txt\nRUN pip install -r /r.txt\nFROM scratch AS late\n"
            "COPY <<EOF /r.txt\ntorch==2.8.0\nEOF\n",
            {},
            "2.8.0",
        ),
        # an escaped dollar is a dollar
        (f"{PYTHON}ENV V=2.8.0\nENV W=\\$V\nRUN pip install torch==$W", {}, None),
    ],
)  # fmt: skip
def test_values_of_arguments(text: str, args: dict[str, str], version: str | None) -> None:
    target = "0" if "--from=late" in text else None
    assert read(text, args, target) == version


@pytest.mark.parametrize(
    "text",
    [
        'ARG V=${V:?"which one"}\nFROM python:3.12\nARG V\nRUN pip install torch==$V',
        PYTHON + 'ARG V\nARG W=${V:?"which one"}\nRUN pip install torch==$V',
    ],
)
def test_an_argument_that_must_be_given(text: str) -> None:
    with pytest.raises(CannotJudge, match="V: which one"):
        read(text)
    assert read(text, GIVEN) == "2.7.0"


@pytest.mark.parametrize(
    "carried", ["FROM scratch", "from x", "MAINTAINER me", "ONBUILD RUN x", "onbuild ARG a"]
)
def test_triggers_that_buildkit_refuses(carried: str) -> None:
    with pytest.raises(CannotJudge, match="Dockerfile:2: ONBUILD may not carry"):
        read(f"{PYTHON}ONBUILD {carried}\n")


def test_a_heredoc_is_no_target() -> None:
    with pytest.raises(CannotJudge, match="Dockerfile:2: a heredoc is no target of COPY"):
        read(f"{PYTHON}COPY r.txt <<EOF\ntorch==2.8.0\nEOF\n")
    assert read(f'{PYTHON}COPY ["r.txt", "<<EOF"]\nRUN pip install torch==2.8.0') == "2.8.0"
