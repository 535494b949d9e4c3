"""What single instructions bring to a RUN, and the Dockerfiles that no build takes."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles

from envhooks.base.errors import CannotJudge
from envhooks.image import Environment
from envhooks.image.interpreter import read_environment

HELD = "FROM python:3.12\nRUN pip install torch==2.7.0\n"
TREE = {"requirements.txt": "torch==2.6.0\n", "a/requirements.txt": "torch==2.5.0\n"}
WHEEL = "https://download.pytorch.org/whl/cu128/torch-2.6.0%2Bcu128-cp312-cp312-linux_x86_64.whl"
FROM_A, FROM_B = "pip install -r /a/requirements.txt", "pip install -r /b/requirements.txt"


def read(dockerfile: str) -> Environment:
    tree = {name: text.encode() for name, text in TREE.items()}
    return read_environment(MemoryFiles({"Dockerfile": dockerfile.encode(), **tree}), "Dockerfile")


def torch(environment: Environment) -> str | None:
    found = [one for one in environment.find("torch") if one.exact]
    if not found:
        return None
    return f"{found[-1].version}+{found[-1].local}" if found[-1].local else found[-1].version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (f"COPY $WHAT /a/\nRUN {FROM_A}", "2.7.0"),
        (f"COPY --exclude=*.txt . /a/\nRUN {FROM_A}", None),
        (f"COPY --exclude=*.md . /a/\nRUN {FROM_A}", "2.6.0"),
        (f"COPY a/./requirements.txt /b/\nRUN {FROM_B}", "2.5.0"),
        (f"COPY */requirements.txt /b/\nRUN {FROM_B}", "2.5.0"),
        (f"COPY a/req*.txt /b/\nRUN {FROM_B}", "2.5.0"),
        (f"COPY --parents a/requirements.txt /\nRUN {FROM_A}", "2.5.0"),
        (f"COPY --parents a/./requirements.txt /b\nRUN {FROM_B}", "2.5.0"),
        ("COPY <<E /b/r.txt\ntorch==2.6.0\nE\nRUN pip install -r /b/r.txt", "2.6.0"),
        (f"RUN --network=none --mount=type=bind,source=a,target=/a {FROM_A}", "2.5.0"),
        (f"RUN --mount=source=a,target=/a --mount=source=.,target=/b {FROM_B}", "2.6.0"),
        (f"RUN --mount=type=bind,from=alpine,target=/a {FROM_A}", "2.7.0"),
        (f"RUN --mount=type=bind,'source=a',\"target=/a\" {FROM_A}", "2.5.0"),
        (f"RUN --mount=type=bind,source=\\a,target=/a {FROM_A}", "2.5.0"),
        (f"RUN --mount=type=bind,\"source=\\a\",target=/a {FROM_A}", "2.5.0"),
        ("RUN []\nRUN pip install torch==2.6.0", "2.6.0"),
        ('RUN ["pip", "install", "torch==2.6.0"]', "2.6.0"),
        ("RUN [NaN]", "2.7.0"),
        ('SHELL ["pwsh"]\nRUN pip install torch==2.6.0', "2.7.0"),
        ('SHELL ["pwsh"]\nRUN <<E\nWrite-Host x\nE', "2.7.0"),
        (f"RUN pip install {WHEEL}", "2.6.0+cu128"),
        ("RUN pip install torch==2.6.0+$X", "2.6.0"),
        ("RUN pip install torch==$X", None),
        ("RUN [ -f x ] && pip install torch==2.7.0", "2.7.0"),
        ("RUN [ -f x ] && pip install torch==2.6.0", "2.6.0"),
        ("RUN [ -f x ] && pip install torch==2.6.0; true", None),
        ("RUN pip install torch >2.6.0", "2.7.0"),
        ("RUN set -- 2.6.0 && pip install torch==$1", None),
        ("RUN eval pip install torch==2.6.0", "2.6.0"),
        ("RUN eval \"$X\"", "2.7.0"),
        ("RUN read -r X && pip install torch==$X", None),
        ("RUN unset -f V; unset V; pip install torch==2.6.0$V", "2.6.0"),
        ("RUN export A V=2.6.0; pip install torch==$V", "2.6.0"),
        ("RUN su - x -c 'pip install torch==2.6.0'", "2.6.0"),
        ("RUN bash -c -e 'pip install torch==2.6.0'", "2.6.0"),
        ("RUN bash -c", "2.7.0"),
        ("RUN sh -x", "2.7.0"),
        ("RUN f() { pip install \"$@\"; }; f torch==2.6.0", None),
        ("RUN conda", "2.7.0"),
        ("RUN conda env update -f missing.txt", "2.7.0"),
        ("RUN conda env create", "2.7.0"),
        ("RUN pipenv", "2.7.0"),
        ("RUN pipenv lock", "2.7.0"),
        ("RUN poetry config virtualenvs.path /x", "2.7.0"),
        ("RUN uv python install 3.11 3.12", "2.7.0"),
        ("RUN uv venv /w && uv sync --active", "2.7.0"),
        ("RUN uv run --no-sync train.py && uv run train.py", "2.7.0"),
        ("ARG HTTP_PROXY=2.6.0\nRUN pip install torch==$HTTP_PROXY", "2.6.0"),
        ("ARG HTTP_PROXY\nRUN pip install torch==2.6.0$HTTP_PROXY", None),
        ("RUN cat <<$X\na\n$X\nRUN pip install torch==2.6.0", "2.6.0"),
        ("ONBUILD RUN pip install torch==2.6.0", "2.7.0"),
        ("HEALTHCHECK CMD pip install torch==2.6.0", "2.7.0"),
    ],
)  # fmt: skip
def test_what_an_instruction_brings(text: str, version: str | None) -> None:
    assert torch(read(f"{HELD}{text}\n")) == version


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("RUN a\nFROM b", "Dockerfile:1: RUN stands before the first FROM"),
        ("FROM a b", "Dockerfile:1: FROM needs an image, or an image AS a name"),
        ("FROM a of b", "Dockerfile:1: FROM needs an image, or an image AS a name"),
        ("FROM a AS 1b", "Dockerfile:1: the name of the stage is not one that BuildKit takes"),
        ("FROM ''", "Dockerfile:1: FROM names an empty image"),
        ("ARG X=\nFROM $X", "Dockerfile:2: FROM names an empty image"),
        ("ARG X\nFROM ${X:+}", "Dockerfile:2: FROM names an empty image"),
        ("FROM a\nCOPY b", "Dockerfile:2: COPY needs a source and a target"),
        ("FROM a\nONBUILD ONBUILD RUN b", "Dockerfile:2: ONBUILD may not carry ONBUILD"),
    ],
)
def test_a_dockerfile_that_no_build_takes(text: str, why: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        read(f"{text}\n")
    assert str(caught.value).startswith(why)
