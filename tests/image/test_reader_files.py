"""Files that a Dockerfile installs from: which file of the context it is, and what spoils it."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_files import MemoryFiles

from envhooks.base.errors import CannotJudge
from envhooks.image import Environment
from envhooks.image.files import FolderFiles
from envhooks.image.interpreter import read_environment

REQUIREMENTS = "# all\ntorch==2.8.0\nnumpy>=1\n"


def read(dockerfile: str, files: dict[str, str] | None = None, context: str = ".") -> Environment:
    tree = {"Dockerfile": dockerfile.encode(), "requirements.txt": REQUIREMENTS.encode()}
    tree |= {name: text.encode() for name, text in (files or {}).items()}
    return read_environment(MemoryFiles(tree), "Dockerfile", context=context)


def torch(environment: Environment) -> str | None:
    return next((f"{p.version} {p.place}" for p in environment.find("torch") if p.exact), None)


HERE = "2.8.0 requirements.txt:2"


@pytest.mark.parametrize(
    "lines",
    [
        "COPY requirements.txt /tmp/requirements.txt\nRUN pip install -r /tmp/requirements.txt",
        "COPY requirements.txt /tmp/\nRUN pip install -r /tmp/requirements.txt",
        "COPY requirements.txt /tmp\nRUN pip install -r /tmp/requirements.txt",
        "COPY requirements.txt /tmp/r.txt\nRUN pip install -r /tmp/r.txt",
        "COPY requirements.txt .\nRUN pip install -r requirements.txt",
        "COPY . .\nRUN pip install -r ./requirements.txt",
        "WORKDIR /app\nCOPY . .\nRUN pip install -r /app/requirements.txt",
        "WORKDIR /app\nCOPY . /src\nRUN cd /src && pip install -r requirements.txt",
        "WORKDIR /app\nWORKDIR sub\nCOPY . /app\nRUN pip install -r ../requirements.txt",
        "ENV APP=/app\nWORKDIR $APP\nADD requirements.txt ${APP}/\nRUN pip install -r $APP/requirements.txt",
        "WORKDIR $SOMEWHERE\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt",
        "COPY *.txt /x/\nRUN pip install -r /x/requirements.txt",
        "COPY req*.tx? /x/\nRUN pip install -r /x/requirements.txt",
        'COPY ["requirements.txt", "/x/"]\nRUN pip install -r/x/requirements.txt',
        "COPY a.txt requirements.txt b.txt /x/\nRUN pip install --requirement=/x/requirements.txt",
        "COPY --parents requirements.txt /x/\nRUN pip install -r /x/requirements.txt",
        "COPY ../../requirements.txt /x/\nRUN pip install -r /x/requirements.txt",
        "COPY /requirements.txt /x/\nRUN pip install -r /x/requirements.txt",
        "RUN --mount=type=bind,source=requirements.txt,target=/r.txt pip install -r /r.txt",
        "RUN --mount=source=.,target=/src,rw pip install -r /src/requirements.txt",
        "RUN --mount=type=cache,target=/root/.cache --mount=target=/src pip install -r /src/requirements.txt",
        "RUN <<EOF\nset -e\nEOF\nCOPY . /x\nRUN pip install --index-url https://x.example -r /x/requirements.txt",
        "COPY requirements.txt /x/\nRUN (cd /x; pip install -r requirements.txt)",
        "COPY requirements.txt /x/\nRUN uv pip install --system -r /x/requirements.txt",
        "COPY requirements.txt /x/\nRUN uv pip sync --system /x/requirements.txt",
        "COPY requirements.txt /x/\nRUN grep torch /x/requirements.txt && pip install -r /x/requirements.txt",
        "COPY requirements.txt /x/\nRUN pip install -r /x/requirements.txt && rm /x/requirements.txt",
    ],
)
def test_the_file_is_found(lines: str) -> None:
    assert torch(read(f"FROM python:3.12\n{lines}\n")) == HERE


@pytest.mark.parametrize(
    "lines",
    [
        "RUN pip install -r requirements.txt",
        "COPY requirements.txt /a/\nRUN pip install -r /b/requirements.txt",
        "WORKDIR /a\nCOPY . .\nWORKDIR /b\nRUN pip install -r requirements.txt",
        (
            "COPY requirements.txt /x/\n"
            "RUN sed -i s/2.8.0/2.7.0/ /x/requirements.txt && pip install -r /x/requirements.txt"
        ),
        "COPY requirements.txt /x/\nRUN sed -i.bak -e s/2.8.0/2.7.0/ /x/*.txt && pip install -r /x/requirements.txt",
        (
            "COPY requirements.txt /x/\nRUN echo torch==2.7.0 > /x/requirements.txt\n"
            "RUN pip install -r /x/requirements.txt"
        ),
        "COPY requirements.txt /x/\nRUN cd /x && cat other >> requirements.txt && pip install -r requirements.txt",
        "COPY requirements.txt /x/\nRUN cp /other /x/requirements.txt && pip install -r /x/requirements.txt",
        "COPY requirements.txt /x/\nRUN mv /other/requirements.txt /x && pip install -r /x/requirements.txt",
        "COPY requirements.txt /x/\nRUN rm -rf /x\nRUN pip install -r /x/requirements.txt",
        (
            "COPY requirements.txt /x/\n"
            "RUN curl -o /x/requirements.txt https://x.example && pip install -r /x/requirements.txt"
        ),
        (
            "COPY requirements.txt /x/\n"
            "RUN grep -v torch < a | tee /x/requirements.txt; pip install -r /x/requirements.txt"
        ),
        "RUN --mount=source=requirements.txt,target=/r.txt true\nRUN pip install -r /r.txt",
        "RUN pip install -r https://x.example/requirements.txt",
        "ARG F\nCOPY requirements.txt /x/\nRUN pip install -r /x/$F",
        "COPY --from=team/image:1 /requirements.txt /x/\nRUN pip install -r /x/requirements.txt",
        "ADD https://x.example/requirements.txt /x/\nRUN pip install -r /x/requirements.txt",
    ],
)
def test_the_file_is_not_known(lines: str) -> None:
    environment = read(f"FROM python:3.12\n{lines}\n")
    assert torch(environment) is None
    assert "packages" in {one.what for one in environment.cannot_tell}


def test_files_travel_between_stages() -> None:
    environment = read(
        "FROM alpine AS files\nWORKDIR /w\nCOPY . .\nFROM python:3.12\nCOPY --from=files /w/requirements.txt /r/\n"
        "RUN pip install -r /r/requirements.txt\n"
    )
    assert torch(environment) == HERE
    mounted = read(
        "FROM alpine AS files\nCOPY . /w\nFROM python:3.12\n"
        "RUN --mount=type=bind,from=files,source=/w,target=/m pip install -r /m/requirements.txt\n"
    )
    assert torch(mounted) == HERE


def test_the_context_is_a_folder_of_the_tree() -> None:
    environment = read(
        "FROM python:3.12\nCOPY requirements.txt /x/\nRUN pip install -r /x/requirements.txt\n",
        {"docker/requirements.txt": "torch==2.7.0\n"},
        context="docker",
    )
    assert torch(environment) == "2.7.0 docker/requirements.txt:1"
    with pytest.raises(CannotJudge, match="leaves the tree"):
        read("FROM a\n", context="..")


def test_inline_documents() -> None:
    environment = read(
        "FROM python:3.12\nCOPY <<EOF /x/r.txt\n# c\ntorch==2.8.0\nEOF\nRUN pip install -r /x/r.txt\n"
    )
    assert torch(environment) == "2.8.0 Dockerfile:4"
    quoted = read(
        "FROM python:3.12\nCOPY <<'EOF' <<B /x/\na==1\nEOF\ntorch==2.8.0\nB\nRUN pip install -r /x/B\n"
    )
    assert torch(quoted) == "2.8.0 Dockerfile:5"
    expanded = read(
        "FROM python:3.12\nARG V=1\nCOPY <<EOF /x/r.txt\ntorch==$V\nEOF\nRUN pip install -r /x/r.txt\n"
    )
    assert torch(expanded) is None


def test_includes_and_their_lines() -> None:
    environment = read(
        "FROM python:3.12\nCOPY . /x\nRUN pip install -r /x/all.txt\n",
        {
            "all.txt": "-r sub/gpu.txt\n--extra-index-url https://x.example/whl/cu128\n",
            "sub/gpu.txt": "\ntorch==2.8.0\n",
        },
    )
    assert torch(environment) == "2.8.0 sub/gpu.txt:2"
    assert [h.version for h in environment.hardware] == ["12.8"]


def test_constraints() -> None:
    files = {"c.txt": "torch==2.8.0\njax==0.7.0\n", "loose.txt": "torch>=2\n"}
    head = "FROM python:3.12\nCOPY . /x\n"
    environment = read(f"{head}RUN pip install torch -c /x/c.txt\n", files)
    assert (environment.packages[0].version, environment.find("jax")) == ("2.8.0", ())
    assert (
        read(f"{head}ENV PIP_CONSTRAINT=/x/c.txt\nRUN pip install torch\n", files).packages[0].version
        == "2.8.0"
    )
    assert read(f"{head}RUN pip install torch -c /x/loose.txt\n", files).packages[0].exact is False
    assert read(f"{head}RUN pip install 'torch<2' -c /x/c.txt\n", files).packages[0].exact is False


def test_what_a_constraint_file_includes_is_installed_by_pip_alone() -> None:
    files = {"c.txt": "-r more.txt\nnumpy==2.0\n", "more.txt": "torch==2.7.0\n"}
    head = "FROM python:3.12\nRUN pip install torch==2.8.0\nCOPY . .\n"
    assert torch(read(f"{head}RUN pip install -c c.txt numpy", files)) == "2.7.0 more.txt:1"
    assert torch(read(f"{head}RUN uv pip install --system -c c.txt numpy", files)) == "2.8.0 Dockerfile:2"


def test_projects() -> None:
    project = (
        '[project]\nname = "x"\ndependencies = ["torch==2.8.0"]\n'
        '[project.optional-dependencies]\ngpu = ["jax==0.7.0"]\n'
    )
    head = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"
    environment = read(f"{head}RUN pip install -e .\n", {"pyproject.toml": project})
    assert [package.name for package in environment.packages] == ["torch"]
    extra = read(f"{head}RUN pip install '.[gpu]'\n", {"pyproject.toml": project})
    assert [package.name for package in extra.packages] == ["torch", "jax"]
    absent = read("FROM python:3.12\nRUN git clone x y && pip install ./y\n")
    assert absent.packages == () and "packages" in {one.what for one in absent.cannot_tell}


LOCK = """version = 1
[[package]]
name = "x"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "torch" }]

[[package]]
name = "torch"
version = "2.8.0"
source = { registry = "https://x.example/simple" }
"""


def test_locks() -> None:
    environment = read("FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN uv sync --frozen\n", {"uv.lock": LOCK})
    assert torch(environment) == "2.8.0 uv.lock:9"
    assert environment.packages[0].how == "lock"
    mounted = read(
        "FROM python:3.12\nWORKDIR /app\nRUN --mount=type=bind,source=uv.lock,target=uv.lock uv sync --locked\n",
        {"uv.lock": LOCK},
    )
    assert torch(mounted) == "2.8.0 uv.lock:9"
    without = read("FROM python:3.12\nRUN uv sync\n")
    assert torch(without) is None and "packages" in {one.what for one in without.cannot_tell}
    poetry = read(
        (
            "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"
            "RUN poetry config virtualenvs.create false && poetry install --no-root\n"
        ),
        {"poetry.lock": '[[package]]\nname = "torch"\nversion = "2.8.0"\noptional = false\n'},
    )
    assert torch(poetry) == "2.8.0 poetry.lock:2"
    pipfile = {"Pipfile.lock": '{\n"_meta": {},\n"default": {\n "torch": {"version": "==2.8.0"}}}\n'}
    head = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"
    assert torch(read(f"{head}RUN pipenv install --system --deploy\n", pipfile)) == "2.8.0 Pipfile.lock:4"
    assert torch(read(f"{head}RUN pipenv install\n", pipfile)) is None


def test_two_versions_in_one_lock() -> None:
    fork = (
        LOCK
        + '\n[[package]]\nname = "torch"\nversion = "2.7.0"\nsource = { registry = "https://x.example/simple" }\n'
    )
    environment = read("FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN uv sync\n", {"uv.lock": fork})
    assert torch(environment) is None and "torch" in {one.what for one in environment.cannot_tell}


def test_markers() -> None:
    head = "FROM python:3.12\nCOPY r.txt /x/\nRUN pip install -r /x/r.txt\n"

    def one(text: str) -> str | None:
        return torch(read(head, {"r.txt": text}))

    assert one("torch==2.8.0 ; sys_platform == 'linux'\n") == "2.8.0 r.txt:1"
    assert one("torch==2.8.0 ; sys_platform == 'darwin'\n") is None
    assert (
        one("torch==2.7.0 ; sys_platform == 'darwin'\ntorch==2.8.0 ; sys_platform != 'darwin'\n")
        == "2.8.0 r.txt:2"
    )
    assert (
        one("torch==2.7.0 ; python_version < '3.10'\ntorch==2.8.0 ; python_version >= '3.10'\n")
        == "2.8.0 r.txt:2"
    )
    assert (
        one("torch==2.7.0 ; platform_machine == 'aarch64'\ntorch==2.8.0 ; platform_machine != 'aarch64'\n")
        is None
    )


def test_python() -> None:
    assert read("FROM python:3.12\n").python == "3.12"
    assert (
        read(
            "FROM ubuntu:24.04\nRUN uv venv --python 3.11 /v\nENV VIRTUAL_ENV=/v\nRUN uv pip install a==1\n"
        ).python
        == "3.11"
    )
    assert read("FROM ubuntu:24.04\nRUN uv python install 3.10\n").python is None
    assert (
        read("FROM mambaorg/micromamba:2\nRUN micromamba install -y -n base python=3.11.4\n").python
        == "3.11.4"
    )
    loose = read("FROM mambaorg/micromamba:2\nRUN micromamba install -y -n base 'python>=3.9'\n")
    assert loose.python is None and "python" in {one.what for one in loose.cannot_tell}


def test_what_is_not_pinned() -> None:
    environment = read(
        "FROM ubuntu\nRUN apt-get update && apt-get install -y --no-install-recommends git=1:2.3 curl\n"
        "RUN pip install -U pip setuptools==70.0 requests 'numpy>=1'\n"
        "RUN pip install git+https://x.example/a/b.git@main\n"
        "RUN apk add --no-cache bash vim=9.0\n"
    )
    found = {(one.kind, one.text) for one in environment.unpinned}
    assert found == {
        ("base", "ubuntu"),
        ("system", "curl"),
        ("installer", "pip"),
        ("python", "requests"),
        ("python", "numpy>=1"),
        ("python", "git+https://x.example/a/b.git@main"),
        ("system", "bash"),
    }
    pinned = read(f"FROM a@sha256:{'0' * 64}\nRUN pip install git+https://x.example/a/b.git@{'0' * 40}\n")
    assert pinned.unpinned == ()


CONFLICT = """version = 1
conflicts = [[{ package = "x", extra = "cpu" }, { package = "x", extra = "gpu" }]]

[[package]]
name = "x"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "numpy" }]

[package.optional-dependencies]
cpu = [{ name = "torch", version = "2.8.0+cpu", source = { registry = "https://x.example/whl/cpu" } }]
gpu = [{ name = "torch", version = "2.8.0+cu128", source = { registry = "https://x.example/whl/cu128" } }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]
docs = [{ name = "sphinx" }]

[[package]]
name = "torch"
version = "2.8.0+cpu"
source = { registry = "https://x.example/whl/cpu" }

[[package]]
name = "torch"
version = "2.8.0+cu128"
source = { registry = "https://x.example/whl/cu128" }
dependencies = [{ name = "triton", marker = "sys_platform == 'linux' or extra == 'extra-1-x-cpu'" }]

[[package]]
name = "triton"
version = "3.4.0"
source = { registry = "https://x.example/simple" }

[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://x.example/simple" }
dependencies = [{ name = "colorama", marker = "sys_platform == 'win32'" }]

[[package]]
name = "colorama"
version = "0.4.6"
source = { registry = "https://x.example/simple" }

[[package]]
name = "pytest"
version = "8.0.0"
source = { registry = "https://x.example/simple" }

[[package]]
name = "sphinx"
version = "8.0.0"
source = { registry = "https://x.example/simple" }
"""


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("", {"numpy": None, "pytest": None}),
        ("--no-dev", {"numpy": None}),
        ("--extra gpu --no-dev", {"numpy": None, "torch": "cu128", "triton": None}),
        ("--no-dev --extra cpu", {"numpy": None, "torch": "cpu"}),
        ("--only-group docs", {"sphinx": None}),
        ("--group docs --no-group dev", {"numpy": None, "sphinx": None}),
    ],
)
def test_a_lock_holds_more_than_is_installed(flags: str, expected: dict[str, str | None]) -> None:
    environment = read(
        f"FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN uv sync {flags}\n", {"uv.lock": CONFLICT}
    )
    assert {package.name: package.local for package in environment.packages} == expected
    hardware = {(one.kind, one.version) for one in environment.hardware}
    assert hardware == {"cu128": {("CUDA", "12.8")}, "cpu": {("CPU", None)}}.get(
        expected.get("torch") or "", set()
    )


def test_what_is_there_already_stays() -> None:
    head = "FROM python:3.12\nCOPY . /x\nRUN pip install torch==2.8.0\n"
    files = {"c.txt": "torch==2.7.0\n", "m.txt": "torch>=2.1 ; platform_machine == 'aarch64'\n"}
    assert torch(read(f"{head}RUN pip install torch\n", files)) == "2.8.0 Dockerfile:3"
    assert torch(read(f"{head}RUN if [ -e x ]; then pip install torch; fi\n", files)) == "2.8.0 Dockerfile:3"
    assert torch(read(f"{head}RUN pip install -r /x/m.txt\n", files)) == "2.8.0 Dockerfile:3"
    assert torch(read(f"{head}RUN pip install torch -c /x/c.txt\n", files)) == "2.7.0 Dockerfile:4"
    assert torch(read(f"{head}RUN if [ -e x ]; then pip install -U torch; fi\n", files)) is None
    assert torch(read(f"{head}RUN pip install git+https://x.example/pytorch.git\n", files)) is None


def test_an_unknown_source_spoils_what_it_may_bring(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.8.0\n")
    (tmp_path / "Dockerfile").write_text(
        "FROM python:3.12\nARG DIR\nCOPY requirements.txt $DIR/x.txt /a/\nRUN pip install -r /a/x.txt\n"
    )
    environment = read_environment(FolderFiles(tmp_path), "Dockerfile")
    assert environment.packages == ()
    assert "what is copied to its place is not known" in environment.cannot_tell[0].why


CLONE = (
    "FROM pytorch/pytorch:2.0.1-cuda11.7-cudnn8-runtime\n"
    + "RUN git clone https://h/own.git && cd own && pip install -r {}\n"
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("torch==2.3.1\n", None),
        ("torch>=2.3\n", None),
        ("torch>=2.0\n", "2.0.1"),
        ("torch==2.3.1; sys_platform == 'win32'\n", "2.0.1"),
        ("numpy==1.26\n", "2.0.1"),
    ],
)
@pytest.mark.parametrize("name", ["requirements.txt", "requirements/gpu.txt"])
def test_a_clone_s_file_is_not_known_and_ours_may_speak_against_the_base(
    name: str, text: str, version: str | None
) -> None:
    files = MemoryFiles({"docker/Dockerfile": CLONE.format(name).encode(), name: text.encode()})
    environment = read_environment(files, "docker/Dockerfile", context="docker")
    assert [package.version for package in environment.find("torch")] == ([version] if version else [])
    assert {"packages", *([] if version else ["torch"])} <= {one.what for one in environment.cannot_tell}


MARKED = "torch==2.7.1+cu128; platform_machine != 'aarch64'\n{}; platform_machine == 'aarch64'\n"


@pytest.mark.parametrize(
    ("other", "version"), [("torch==2.7.1", "2.7.1"), ("torch==2.7.0", None), ("torch>=2.7.1", None)]
)
def test_pins_of_one_version_under_markers_that_leave_no_gap(other: str, version: str | None) -> None:
    files = MemoryFiles(
        {
            "Dockerfile": b"FROM python:3.12\nCOPY r.txt .\nRUN pip install -r r.txt\n",
            "r.txt": MARKED.format(other).encode(),
        }
    )
    environment = read_environment(files, "Dockerfile")
    found = [(one.version, one.local) for one in environment.find("torch") if one.exact]
    assert found == ([(version, None)] if version else [])
    assert environment.cannot_tell


def test_a_condition_that_changes_the_build_only_takes_back_the_build_only() -> None:
    text = "FROM python:3.12\nRUN pip install torch==2.7.1+cpu\nRUN if [ $GPU ]; then pip install -U torch=={}; fi\n"
    for other, expected in (("2.7.1+cu128", [("2.7.1", None)]), ("2.7.2+cu128", [])):
        files = MemoryFiles({"Dockerfile": text.format(other).encode()})
        environment = read_environment(files, "Dockerfile")
        assert [(one.version, one.local) for one in environment.find("torch") if one.exact] == expected
        assert environment.hardware == ()
        assert environment.cannot_tell
