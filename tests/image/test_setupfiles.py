"""setup.py and setup.cfg: what stands there is read, what is computed is doubt, and nothing is run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from memory_files import MemoryFiles

from envhooks.image import Environment
from envhooks.image.interpreter import read_environment
from envhooks.image.requirements import read_requirements

BASE = "FROM pytorch/pytorch:2.5.1-cuda12.1-cudnn9-runtime\nWORKDIR /app\nCOPY . .\nRUN pip install "


def asked(text: str, **files: str) -> list[tuple[str, str, str, int]]:
    """(requirement, marker, file, line) of a setup.py."""
    tree = {name.replace("__", "/").replace("_dot_", "."): one.encode() for name, one in files.items()}
    found = read_requirements({"setup.py": text.encode(), **tree}.get, "setup.py")
    return [(one.text, one.marker, one.path, one.line) for one in found.requirements]


def read(command: str, **files: str) -> Environment:
    tree = {name.replace("__", "/").replace("_dot_", "."): one.encode() for name, one in files.items()}
    files_ = MemoryFiles({"Dockerfile": f"{BASE}{command}\n".encode(), **tree})
    return read_environment(files_, "Dockerfile")


def torch(environment: Environment) -> str | None:
    return next((one.version for one in environment.find("torch") if one.exact), None)


HEAD = "import os\nfrom pathlib import Path\nfrom setuptools import setup, find_packages\n"
STATED = [
    "setup(name='x', install_requires=['torch==2.6.0', 'numpy'])",
    "setup(name='x', install_requires=('torch==2.6.0', 'numpy'))",
    "REQS = ['torch==2.6.0']\nMORE = REQS + ['numpy']\nsetup(install_requires=MORE)",
    "REQS: list[str] = ['torch==2.6.0', 'numpy']\nif __name__ == '__main__':\n    setup(install_requires=REQS)",
    "with open('requirements.txt') as f:\n    reqs = f.read().splitlines()\nsetup(install_requires=reqs)",
    "with open('README.md') as f:\n    long = f.read()\nwith open('requirements.txt') as f:\n"
    "    reqs = f.readlines()\nsetup(install_requires=reqs, long_description=long)",
    "setup(install_requires=open('requirements.txt').read().strip().split('\\n'))",
    "setup(install_requires=Path('requirements.txt').read_text().splitlines())",
    "here = os.path.dirname(os.path.abspath(__file__))\n"
    "with open(os.path.join(here, 'requirements.txt')) as f:\n    reqs = f.read().split('\\n')\n"
    "setup(install_requires=reqs)",
    "HERE = Path(__file__).parent\nsetup(install_requires=(HERE / 'requirements.txt').read_text().splitlines())",
    "setup(install_requires=[one.strip() for one in open('requirements.txt') if not one.startswith('#')])",
    "text = open('requirements.txt').read()\nsetup(install_requires=text.splitlines())",
]
COMPUTED = [
    "REQS = ['torch==2.6.0']\nREQS.remove('torch==2.6.0')\nsetup(install_requires=REQS)",
    "REQS = ['torch==2.6.0']\nREQS += ['numpy']\nsetup(install_requires=REQS)",
    "REQS = []\nREQS.append('torch==2.6.0')\nsetup(install_requires=REQS)",
    "REQS = ['torch==2.6.0']\nif os.name == 'x':\n    REQS = ['numpy']\nsetup(install_requires=REQS)",
    "if os.name == 'x':\n    REQS = ['torch==2.6.0']\nsetup(install_requires=REQS)",
    "REQS = ['torch==2.6.0']\nREQS[0] = 'torch'\nsetup(install_requires=REQS)",
    "REQS = ['torch==2.6.0']\nchange(REQS)\nsetup(install_requires=REQS)",
    "def reqs():\n    return ['torch==2.6.0']\nsetup(install_requires=reqs())",
    "def main():\n    REQS = ['torch==2.6.0']\n    setup(install_requires=REQS)\nmain()",
    "V = '2.6.0'\nsetup(install_requires=[f'torch=={V}', 'torch==2.6.0'][:1])",
    "setup(install_requires=[one for one in ['torch==2.6.0'] if 'torch' not in one])",
    "setup(install_requires=[one for one in open('requirements.txt') if 'torch' not in one])",
    "setup(install_requires=read('requirements.txt'))",
    "up = Path(__file__).parent.parent\nsetup(install_requires=(up / 'requirements.txt').read_text().splitlines())",
]


@pytest.mark.parametrize("program", STATED)
def test_what_stands_in_a_setup_py_is_asked_for(program: str) -> None:
    found = asked(
        HEAD + program, requirements_dot_txt="# those\ntorch==2.6.0\nnumpy  # any\n", README_dot_md="x"
    )
    assert [one[0] for one in found] == ["torch==2.6.0", "numpy"]
    files = {"setup_dot_py": HEAD + program, "requirements_dot_txt": "torch==2.6.0\n"}
    assert torch(read(".", **files)) == torch(read("-e .", **files)) == "2.6.0"


@pytest.mark.parametrize("program", COMPUTED)
def test_what_a_setup_py_computes_is_no_claim_and_a_doubt_where_it_may_change_something(program: str) -> None:
    files = {"setup_dot_py": HEAD + program, "requirements_dot_txt": "torch==2.6.0\n"}
    assert asked(HEAD + program, requirements_dot_txt="torch==2.6.0\n") == []
    environment = read(".", **files)
    assert torch(environment) is None
    assert any("computes" in one.why for one in environment.cannot_tell if one.what == "torch")
    assert torch(read("--no-deps .", **files)) == "2.5.1"


@pytest.mark.parametrize("asks", ["torch==2.5.1", "torch>=2.0", "numpy==1.26.4"])
def test_what_a_setup_py_may_ask_for_and_is_there_is_no_doubt(asks: str) -> None:
    program = f"{HEAD}REQS = []\nREQS.append('{asks}')\nsetup(install_requires=REQS)"
    assert torch(read(".", setup_dot_py=program)) == "2.5.1"


def test_places_are_those_of_the_file_in_which_a_requirement_stands() -> None:
    program = (
        "from setuptools import setup\nsetup(\n    install_requires=[\n        'torch==2.6.0',\n    ],\n)\n"
    )
    assert asked(program) == [("torch==2.6.0", "", "setup.py", 4)]
    program = "from setuptools import setup\nsetup(install_requires=open('reqs/all.txt').readlines())\n"
    assert asked(program, reqs__all_dot_txt="\ntorch==2.6.0\n") == [("torch==2.6.0", "", "reqs/all.txt", 2)]


@pytest.mark.parametrize(
    ("command", "version"),
    [(".", "2.5.1"), (".[gpu]", "2.6.0"), ("'.[all, GPU]'", "2.6.0"), (".[all]", "2.5.1")],
)
def test_an_extra_is_installed_where_it_is_asked_for(command: str, version: str) -> None:
    program = (
        "from setuptools import setup\nE = {'gpu': ['torch==2.6.0'], 'all': []}\nsetup(extras_require=E)\n"
    )
    assert torch(read(command, setup_dot_py=program)) == version


def test_options_in_a_file_that_setuptools_gets_are_not_pip_s() -> None:
    program = "from setuptools import setup\nsetup(install_requires=open('requirements.txt').readlines())\n"
    text = "--extra-index-url https://wheels.example.org/whl/cu118\ntorch==2.6.0\n"
    found = read_requirements(
        {"setup.py": program.encode(), "requirements.txt": text.encode()}.get, "setup.py"
    )
    assert found.requirements == () and found.extra_index_urls == () and "options" in found.faults[0][0]
    assert torch(read(".", setup_dot_py=program, requirements_dot_txt=text)) is None


SETUP_CFG = """\
[metadata]
name = x

[options]
install_requires =
    torch==2.6.0
    # a comment
    numpy>=1

[options.extras_require]
tf = tensorflow==2.16.1
"""


def test_setup_cfg_is_read_where_setup_py_states_nothing() -> None:
    environment = read(".", setup_dot_cfg=SETUP_CFG)
    assert torch(environment) == "2.6.0" and environment.find("tensorflow") == ()
    assert str(environment.find("torch")[0].place) == "setup.cfg:6"
    bare = "from setuptools import setup\nsetup()\n"
    assert torch(read(".", setup_dot_py=bare, setup_dot_cfg=SETUP_CFG)) == "2.6.0"
    own = "from setuptools import setup\nsetup(install_requires=['torch==2.4.0'])\n"
    assert torch(read(".", setup_dot_py=own, setup_dot_cfg=SETUP_CFG)) == "2.4.0"
    (text,) = read(".[tf]", setup_dot_cfg=SETUP_CFG).find("tensorflow")
    assert (text.version, text.place.line) == ("2.16.1", 11)
    listed = "[options]\ninstall_requires = file: requirements.txt\n"
    assert torch(read(".", setup_dot_cfg=listed, requirements_dot_txt="torch==2.6.0\n")) == "2.6.0"


@pytest.mark.parametrize(
    ("pyproject", "version"),
    [
        ("[build-system]\nrequires = ['setuptools']\n", "2.6.0"),
        ("[project]\nname = 'x'\ndynamic = ['version', 'dependencies']\n", "2.6.0"),
        ("[project]\nname = 'x'\n", "2.5.1"),
        ("[tool.poetry.dependencies]\npython = '^3.10'\n", "2.5.1"),
    ],
)
def test_a_pyproject_without_dependencies_of_its_own_leaves_them_to_setup_py(
    pyproject: str, version: str
) -> None:
    program = "from setuptools import setup\nsetup(install_requires=['torch==2.6.0'])\n"
    assert torch(read(".", pyproject_dot_toml=pyproject, setup_dot_py=program)) == version


@pytest.mark.parametrize("value", ["'requirements.txt'", "['requirements.txt']"])
def test_dependencies_that_pyproject_takes_from_a_file(value: str) -> None:
    pyproject = (
        "[project]\nname = 'x'\ndynamic = ['dependencies']\n"
        f"[tool.setuptools.dynamic]\ndependencies = {{file = {value}}}\n"
    )
    environment = read(".", pyproject_dot_toml=pyproject, requirements_dot_txt="\ntorch==2.6.0\n")
    assert torch(environment) == "2.6.0" and str(environment.find("torch")[0].place) == "requirements.txt:2"


def test_a_requirement_file_that_names_the_project_reads_its_setup_py() -> None:
    program = "from setuptools import setup\nsetup(install_requires=['torch==2.6.0'])\n"
    environment = read("-r requirements.txt", requirements_dot_txt="-e .\n", setup_dot_py=program)
    assert torch(environment) == "2.6.0"


@pytest.mark.parametrize(
    "program",
    [
        "print 'Python 2'\n",
        "setup(install_requires=['torch==2.6.0'])\nsetup()\n",
        "setup(**facts)\n",
        "x = 1\n",
        "\0",
        "(" * 5000,
        "x = " + "-" * 50_000 + "1\n",
        "x = " + "1 + " * 20_000 + "1\nsetup(install_requires=x)\n",
        "setup(install_requires=" + "['a'] + " * 5000 + "['b'])\n",
        "A = B\nB = A\nsetup(install_requires=A)\n",
        "#" + "x" * 300_000,
    ],
)
def test_a_program_that_is_none_or_too_much_is_no_claim(program: str) -> None:
    found = read_requirements({"setup.py": program.encode()}.get, "setup.py")
    assert found.requirements == () and "cannot tell" in found.faults[0][0]


def test_nothing_of_a_setup_py_runs_and_nothing_of_it_is_printed(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "setup.py").write_text(
        f"open({str(mark)!r}, 'w')\nfrom setuptools import setup\nsetup(install_requires=['a\\d', 'torch==2.6.0'])\n"
    )
    code = (
        "from pathlib import Path\nfrom envhooks.image.requirements import read_requirements\n"
        "read = lambda name: Path(name).read_bytes() if Path(name).exists() else None\n"
        "found = read_requirements(read, 'setup.py')\n"
        "print(*(one.text for one in found.requirements))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert (done.stdout, done.stderr, mark.exists()) == ("torch==2.6.0\n", "", False)


@pytest.mark.parametrize(
    ("line", "last", "asked_for"),
    [
        ("{name} = {next} + {next}\n", "['torch==2.8.0']", "A0"),
        ("{name} = os.path.join({next}, {next}, {next})\n", "'x'", "open(A0).read().splitlines()"),
    ],
)
def test_names_that_stand_on_each_other_many_times_are_too_much(line: str, last: str, asked_for: str) -> None:
    """Three names on each of nineteen lines are 3^19 expressions for who goes through them one by one."""
    lines = (line.format(name=f"A{n}", next=f"A{n + 1}") for n in range(19))
    program = f"import os\n{''.join(lines)}A19 = {last}\nsetup(install_requires={asked_for})\n"
    found = read_requirements({"setup.py": program.encode()}.get, "setup.py")
    assert found.requirements == ()
    assert found.faults[0][0] == "cannot tell what setup.py asks for: it is not read"
