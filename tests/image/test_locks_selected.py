"""Which packages of a lock a command installs: extras, groups, and the Python that decides a fork."""

from __future__ import annotations

import pytest
from memory_files import MemoryFiles

from envhooks.image.interpreter import read_environment

BASE = "FROM pytorch/pytorch:2.4.0-cuda12.4-cudnn9-runtime\n"


def read(dockerfile: str, files: dict[str, str]) -> str | None:
    tree = {name: text.encode() for name, text in files.items()} | {"Dockerfile": dockerfile.encode()}
    found = read_environment(MemoryFiles(tree), "Dockerfile")
    return next((one.version for one in reversed(found.find("torch")) if one.exact), None)


PROJECT = "[tool.poetry.group.other]\noptional = true\n"
SYSTEM = "WORKDIR /app\nCOPY . .\nENV POETRY_VIRTUALENVS_CREATE=false\nRUN poetry "


@pytest.mark.parametrize(
    ("more", "command", "version"),
    [
        # poetry 2: what brings a package stands in its groups and markers
        ('groups = ["main"]', "install", "2.8.0"),
        ('groups = ["main", "dev"]', "install --only main", "2.8.0"),
        ('groups = ["main"]\nmarkers = "extra == \\"gpu\\""', "install", "2.4.0"),
        ('groups = ["main"]\nmarkers = "extra == \\"gpu\\""', "install --extras gpu", "2.8.0"),
        ('groups = ["main"]\nmarkers = "extra == \\"gpu\\""', "install -E 'cpu gpu'", "2.8.0"),
        ('groups = ["main"]\nmarkers = "extra == \\"gpu\\""', "install --all-extras", "2.8.0"),
        ('groups = ["main"]\nmarkers = "extra == \\"GPU_12\\""', "install --extras gpu-12", "2.8.0"),
        (
            "groups = [\"main\"]\nmarkers = \"'gpu' == extra and sys_platform == 'linux'\"",
            "install -E gpu",
            "2.8.0",
        ),
        ('groups = ["main"]\nmarkers = "extra != \\"cpu\\""', "install --extras cpu", "2.4.0"),
        (
            'groups = ["main"]\nmarkers = "extra == \\"a\\" and sys_platform == \\"win32\\""',
            "install -E a",
            "2.4.0",
        ),
        ('groups = ["main"]\nmarkers = "platform_machine == \\"x86_64\\""', "install", None),
        ('groups = ["dev"]', "install --only main", "2.4.0"),
        ('groups = ["dev"]', "install --without dev", "2.4.0"),
        ('groups = ["dev"]', "install", None),  # unless the group is an optional one
        ('groups = ["dev"]', "install --with dev", "2.8.0"),
        ('groups = ["dev", "train"]', "install --without dev --with train", "2.8.0"),
        ('groups = ["train"]', "install --only main,train", "2.8.0"),
        # poetry 1: the lock says less
        ("optional = false", "install", "2.8.0"),
        ("optional = true", "install", "2.4.0"),
        ("optional = true", "install --extras gpu", None),
        ("optional = true", "install --extras own", "2.8.0"),
        (
            "optional = false",
            "install --only main",
            None,
        ),  # `own` names it: it may come for development alone
        ('category = "dev"', "install --no-dev", "2.4.0"),
        ('category = "dev"\noptional = false', "install --with dev", "2.8.0"),
    ],
)
def test_poetry(more: str, command: str, version: str | None) -> None:
    lock = f'[[package]]\nname = "torch"\nversion = "2.8.0"\n{more}\n'
    own = "" if "groups" in more else '[extras]\nown = ["torch (>=2)"]\n'
    files = {"poetry.lock": lock + own, "pyproject.toml": PROJECT}
    assert read(f"{BASE}{SYSTEM}{command}\n", files) == version


OLD = """[[package]]
name = "Lightning_Own"
version = "1"
optional = false
[package.dependencies]
torch = ">=2"
[[package]]
name = "torch"
version = "2.8.0"
optional = false
[extras]
gpu = ["triton"]
"""


@pytest.mark.parametrize(
    ("project", "command", "version"),
    [
        ('[tool.poetry.dependencies]\nlightning-own = "*"\n', "install --only main", "2.8.0"),
        ('[project]\ndependencies = ["lightning.own>=1"]\n', "install --without dev", "2.8.0"),
        ('[tool.poetry.group.dev.dependencies]\ntorch = "*"\n', "install --only main", None),
        ('[tool.poetry.group.dev.dependencies]\ntorch = "*"\n', "install --no-dev", None),
        ('[tool.poetry.group.dev.dependencies]\ntorch = "*"\n', "install", "2.8.0"),
        ("[", "install --only main", None),
        (None, "install --only main", None),
    ],
)
def test_what_the_project_itself_brings_by_a_lock_without_groups(
    project: str | None, command: str, version: str | None
) -> None:
    files = {"poetry.lock": OLD} | ({"pyproject.toml": project} if project is not None else {})
    assert read(f"{BASE}{SYSTEM}{command}\n", files) == version


@pytest.mark.parametrize(
    ("groups", "command", "version"),
    [
        ('["default", "x"]', "pdm install --prod", "2.8.0"),
        ('["x", "train"]', "pdm install -G train", "2.8.0"),
        ('["train"]', "pdm install -G :all", "2.8.0"),
        ('["train"]', "pdm install --prod", None),
        ('["train"]', "pdm install", None),
    ],
)
def test_pdm(groups: str, command: str, version: str | None) -> None:
    lock = f'[[package]]\nname = "torch"\nversion = "2.8.0"\ngroups = {groups}\n'
    text = f"FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN {command}\n"
    assert read(text, {"pdm.lock": lock}) == version


UV = """version = 1
requires-python = ">=3.9"
[[package]]
name = "own"
version = "1"
source = { editable = "." }
dependencies = [
    { name = "torch", version = "2.5.1", marker = "python_full_version < '3.10'" },
    { name = "torch", version = "2.8.0", marker = "python_full_version >= '3.10'" },
]
[package.dev-dependencies]
gpu = [{ name = "triton", version = "3.4.0" }]
[[package]]
name = "torch"
version = "2.5.1"
source = { registry = "https://index.example.org/simple" }
[[package]]
name = "torch"
version = "2.8.0"
source = { registry = "https://index.example.org/simple" }
[[package]]
name = "triton"
version = "3.4.0"
source = { registry = "https://index.example.org/simple" }
"""


@pytest.mark.parametrize(
    ("base", "more", "files", "version"),
    [
        ("python:3.12", "", {}, "2.8.0"),
        ("python:3.9", "", {}, "2.5.1"),
        ("python:3.8", "", {}, None),  # older than the lock is for: uv brings another one
        ("ubuntu:24.04", "", {}, None),
        ("python:3.12", "", {".python-version": "3.9\n"}, "2.5.1"),
        ("ubuntu:24.04", "", {".python-version": "cpython-3.12.4\n"}, "2.8.0"),
        ("python:3.12", "", {".python-version": "pypy3.9\n"}, None),
        ("python:3.12", "RUN echo 3.9 >.python-version\n", {".python-version": "3.12\n"}, None),
        ("python:3.12", "ENV UV_PYTHON=3.9\n", {}, None),
        ("python:3.12", "RUN uv venv --python 3.9\n", {}, "2.5.1"),
    ],
)
def test_the_python_that_decides_a_fork_of_uv(
    base: str, more: str, files: dict[str, str], version: str | None
) -> None:
    text = f"FROM {base}\nWORKDIR /app\nCOPY . .\n{more}RUN uv sync --frozen\n"
    assert read(text, {"uv.lock": UV, "pyproject.toml": "[project]\nname = 'own'\n"} | files) == version


@pytest.mark.parametrize(
    ("groups", "flags", "there"),
    [
        ('["gpu"]', "", True),
        ('"all"', "", True),
        ('["gpu"]', "--no-default-groups", False),
        ('["gpu"]', "--no-group gpu", False),
        ('["gpu"]', "--no-dev", True),
        ("[]", "--group gpu", True),
        ("[]", "", False),
        ("7", "", False),
    ],
)
def test_groups_that_uv_installs_unasked(groups: str, flags: str, there: bool) -> None:
    files = {"uv.lock": UV, "pyproject.toml": f"[tool.uv]\ndefault-groups = {groups}\n"}
    tree = {name: text.encode() for name, text in files.items()}
    text = f"FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN uv sync --frozen {flags}\n"
    found = read_environment(MemoryFiles(tree | {"Dockerfile": text.encode()}), "Dockerfile")
    assert bool(found.find("triton")) == there


FORKED = """version = 1
conflicts = [[{ package = "own", extra = "new" }, { package = "other", extra = "new" }]]
[[package]]
name = "own"
version = "1"
source = { editable = "." }
dependencies = [
    { name = "torch", version = "2.7.0", marker = "extra == 'extra-5-other-new'" },
    { name = "torch", version = "2.8.0", marker = "extra != 'extra-5-other-new'" },
]
[package.optional-dependencies]
new = [{ name = "triton" }]
[[package]]
name = "torch"
version = "2.7.0"
source = { registry = "https://index.example.org/simple" }
[[package]]
name = "torch"
version = "2.8.0"
source = { registry = "https://index.example.org/simple" }
"""


def test_an_extra_of_another_member_is_not_the_project_s_own() -> None:
    text = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN uv sync --frozen --extra new\n"
    assert read(text, {"uv.lock": FORKED}) is None
    assert read(text, {"uv.lock": FORKED.replace("extra-5-other-new", "extra-3-own-new")}) == "2.7.0"
