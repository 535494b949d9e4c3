"""Several environments in one image: which of them counts, and what the others have that it does not see."""

from __future__ import annotations

import pytest
from reading import read, told

TORCH = "FROM pytorch/pytorch:2.1.0-cuda12.1-cudnn8-devel"
APP = f"{TORCH}\nRUN conda create -y -n app python=3.9"
VENV = f"{TORCH}\nRUN python -m venv /srv/v"
FILE = "name: app\ndependencies:\n  - python=3.9\n  - pip:\n    - pandas==2.0.0\n"


@pytest.mark.parametrize(
    "text",
    [
        f'{APP}\nSHELL ["conda", "run", "-n", "app", "/bin/bash", "-c"]\nRUN pip install pandas',
        f"{APP}\nENV PATH=/opt/conda/envs/app/bin:$PATH\nRUN pip install pandas",
        f"{APP}\nENV CONDA_DEFAULT_ENV=app",
        f'{APP}\nENTRYPOINT ["conda", "run", "--no-capture-output", "-n", "app", "python", "a.py"]',
        f'{APP}\nENTRYPOINT ["conda", "run", "-n", "app"]\nCMD ["python", "a.py"]',
        f'{APP}\nENTRYPOINT ["/entry.sh"]\nCMD ["/opt/conda/envs/app/bin/python", "a.py"]',
        f"{APP}\nCMD conda run -n app python a.py",
        f"{APP}\nCMD source activate app && python a.py",
        f'{APP}\nCMD ["bash", "-c", "conda activate app && python a.py"]',
        f'{VENV}\nCMD ["/srv/v/bin/python", "a.py"]',
        f'{VENV} && conda create -y -n app pytorch==2.0.0\nCMD ["/srv/v/bin/python", "a.py"]',
        f"{TORCH}\nCOPY e.yml .\nRUN conda env create -f e.yml\nENV PATH=/opt/conda/envs/app/bin:$PATH",
        # one that is not started, but has what brings a framework
        f"{APP} && conda run -n app pip install accelerate",
        f"{VENV} && /srv/v/bin/pip install timm==1.0.9",
        f"{TORCH}\nWORKDIR /app\nRUN uv venv && uv pip install torchvision",
        "FROM python:3.12\nRUN pip install torch==2.1.0 && python -m venv /v && /v/bin/pip install accelerate",
    ],
)
def test_what_another_environment_has_is_not_claimed_for_this_one(text: str) -> None:
    environment = read(text, e_dot_yml=FILE)
    assert told(environment) is None
    assert "torch" in {one.what for one in environment.cannot_tell}


@pytest.mark.parametrize(
    "text",
    [
        f"{VENV} && /srv/v/bin/pip install poetry==1.8.0\nRUN pip install pandas",
        f"{VENV}w --system-site-packages\nENV PATH=/srv/vw/bin:$PATH\nRUN pip install accelerate",
        f"{APP} && conda run -n app pip install --no-deps accelerate",
        f"{APP} && conda env remove -n app\nENV PATH=/opt/conda/envs/app/bin:$PATH",
        f'{APP} && conda run -n app pip install torch==2.1.0 accelerate\nCMD ["conda", "run", "-n", "app", "python"]',
        f'{APP}\nCMD ["conda", "run", "-n", "app", "a"]\nCMD ["python", "a.py"]',
        f'{TORCH}\nRUN pip install accelerate\nENTRYPOINT ["/opt/conda/bin/python", "a.py"]',
    ],
)
def test_another_environment_that_takes_no_part_changes_nothing(text: str) -> None:
    assert told(read(text)) == "2.1.0"


def test_the_environment_that_is_started_says_the_python() -> None:
    text = (
        'FROM python:3.12\nRUN conda create -y -n app python=3.9\nCMD ["conda", "run", "-n", "app", "python"]'
    )
    assert read(text).python == "3.9"
    assert read(f'{text}\nCMD ["python"]').python == "3.12"
    below = text.replace("3.12", "3.12 AS a")
    assert read(f"{below}\nFROM a").python == "3.9"
    assert read(f'{below}\nFROM a\nCMD ["python"]').python == "3.12"
    assert read(f'{below}\nFROM a\nENTRYPOINT ["python"]').python == "3.12"  # which takes back the CMD below
    assert read(f'{below.replace("CMD", "ENTRYPOINT")}\nFROM a\nCMD ["b"]').python == "3.9"


@pytest.mark.parametrize(
    ("made", "copied"),
    [
        ("RUN pip install .", "/usr/local/lib/python3.12/site-packages"),
        ("RUN pip install .", "/usr/local"),
        ("RUN python -m venv /v && /v/bin/pip install .", "/v"),
        ("RUN python -m venv /app/env && /app/env/bin/pip install .", "/app"),
    ],
)
def test_what_is_open_of_a_stage_is_open_where_its_packages_are_copied(made: str, copied: str) -> None:
    stage = f"FROM python:3.12 AS b\nCOPY pyproject.toml .\nRUN sed -i s/A/B/ pyproject.toml\n{made}\n"
    taken = read(
        f"{stage}FROM python:3.12\nCOPY --from=b {copied} {copied}", pyproject_dot_toml="[project]\n"
    )
    assert "packages" in {one.what for one in taken.cannot_tell}
    other = read(f"{stage}FROM python:3.12\nCOPY --from=b /bin/tool /bin/", pyproject_dot_toml="[project]\n")
    assert other.cannot_tell == ()
