"""What a RUN removes again, by name, by its files, or by a list that nobody can read here, is claimed no longer."""

from __future__ import annotations

import pytest
from reading import read, told

PIP = "FROM python:3.12\nRUN pip install torch==2.8.0 torchvision==0.23.0\nRUN "
IMAGE = "FROM pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel\nRUN "
SITE = "/usr/local/lib/python3.12/site-packages"


@pytest.mark.parametrize(
    "text",
    [
        f"{PIP}rm -rf {SITE}/torch {SITE}/torch-2.8.0.dist-info",
        f"{PIP}rm -rf {SITE}/torch*",
        f"{PIP}rm -rf {SITE}",
        f"{PIP}rm -rf /usr/local/lib/python3.12/dist-packages/*",
        f"{PIP}mv {SITE}/torch /tmp/",
        f"{PIP}cd {SITE} && rm -r ./torch/",
        f"{IMAGE}rm -rf /opt/conda",
        f"{IMAGE}rm -rf /opt/conda/lib/python3.11/site-packages/torch",
        f"{IMAGE}conda uninstall -y pytorch",
        f"{IMAGE}conda remove --force pytorch torchvision",
        "FROM python:3.12\nRUN python -m venv /v && /v/bin/pip install torch==2.8.0 && rm -rf /v",
        f"{PIP}pip install pip-autoremove && pip-autoremove -y torch",
        f"{PIP}pip freeze | xargs pip uninstall -y",
        f"{PIP}pip list | grep torch | cut -d' ' -f1 | xargs -n1 pip uninstall -y",
        f"{PIP}for p in torch torchvision; do pip uninstall -y $p; done",
        f"{PIP}pip uninstall -y $(pip freeze | grep -i torch)",
        f"{PIP}for p in torch==2.7.0 numpy; do pip install $p; done",
    ],
)
def test_what_is_removed_is_not_claimed(text: str) -> None:
    environment = read(text)
    assert told(environment) is None
    assert "torch" in {one.what for one in environment.cannot_tell}


@pytest.mark.parametrize(
    "text",
    [
        f"{PIP}rm -rf {SITE}/numpy* /root/.cache /tmp/torch /var/lib/apt/lists/*",
        f"{PIP}rm -rf {SITE}/torch/test {SITE}/torchvision",
        f"{PIP}mv /tmp/a.py {SITE}/torch/",
        f"{PIP}rm -rf torch",
        f"{PIP}pip uninstall -y numpy",
        f"{PIP}pip uninstall $(pip help install | grep -o ..break-system-packages) -y rich",
        f"{PIP}rm -rf /opt /v",
        f"{IMAGE}conda remove -y numpy",
        f"{PIP}rm -rf {SITE}/torch\nRUN pip install torch==2.8.0",
        f"{PIP}for p in a b; do echo $p; done",
        f"{PIP}find . -name x | xargs pip install numpy",
    ],
)
def test_what_is_not_removed_stays(text: str) -> None:
    assert told(read(text)) == "2.8.0"
