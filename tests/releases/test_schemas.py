"""What the verbs about releases print as JSON fits the schemas that the package carries."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support import DOCKERFILE, GOOD_TAG, Repo

SCHEMAS = files("envhooks.releases") / "schemas"
PRODUCTION = '[deploy.production]\nstages = ["rc"]\n'


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}-v1.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(found)
    return found


@pytest.fixture
def tagged(good: Repo) -> Repo:
    good.commit_files({".envhooks/policy.toml": PRODUCTION})
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.commit_files({"Dockerfile": DOCKERFILE + "RUN pip install numpy\n"})
    good.git("tag", "-a", "PyTorch-CUDA-v2.8-rc2", "-m", "Unsigned")
    return good


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list", ["list"]),
        ("list", ["list", "--has", "numpy<2"]),
        ("list", ["list", "--unjudged"]),
        ("show", ["show", GOOD_TAG]),
        ("show", ["show", "PyTorch-CUDA-v2.8-rc2"]),
        ("diff", ["diff", GOOD_TAG, "PyTorch-CUDA-v2.8-rc2"]),
        (
            "gate",
            [
                "gate",
                GOOD_TAG,
                "PyTorch-CUDA-v2.8-rc2",
                "127.0.0.1:9/x@sha256:" + "0" * 64,
                "--for",
                "production",
            ],
        ),
        ("rollback", ["rollback", "PyTorch-CUDA-v2.8-rc2"]),
        ("driver", ["driver", GOOD_TAG]),
        ("driver", ["driver", "--have", "450"]),
    ],
)
def test_the_output_fits_its_schema(tagged: Repo, name: str, arguments: list[str]) -> None:
    done = tagged.envhooks(*arguments, "--format", "json")
    Draft202012Validator(schema(name)).validate(json.loads(done.out))


def test_each_schema_refuses_another_shape() -> None:
    for file in SCHEMAS.iterdir():
        found = schema(file.name.removesuffix("-v1.json"))
        assert not Draft202012Validator(found).is_valid({"version": 2})
        assert not Draft202012Validator(found).is_valid({"version": 1, "surprise": True})
