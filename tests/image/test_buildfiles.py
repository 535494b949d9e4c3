"""Bake and compose files: what they give to a build, and where they compute more than is followed."""

from __future__ import annotations

import json

import pytest
from support import Repo

from envhooks.base.errors import CannotJudge
from envhooks.image.buildfiles import Planned, planned

BAKE = """
# comments, in each of the three forms
variable "TORCH" { default = "2.8.0" }
variable "CUDA" {
  type = string   // of two
  default = "12.8"
  validation { condition = CUDA != "" }
}
variable "NAMES" { default = [for one in ["a"] : upper(one)] }
function "bump" {
  params = [x]
  result = x + 1
}
group "default" { targets = ["cuda", "cpu"] }
target "_common" {
  context = "."
  args = {
    TORCH_VERSION = TORCH
    "EXTRA" = "x-${TORCH}-cu${CUDA}"
    COMPUTED = replace(CUDA, ".", "")
  }
  labels = { "a.b" = "c" }
}
target "cuda" {
  inherits = ["_common"]
  dockerfile = "docker/Dockerfile"
  target = "runtime"
  args = { CUDA_VERSION = "${CUDA}.1", COMPUTED = "128" }
}
target "cpu" { inherits = ["_common"] }
target "loop" { inherits = ["loop"] }
target "many" {
  matrix = { v = ["1", "2"] }
  name = "many-${v}"
}
"""


def test_a_target_of_a_bake_file_with_what_it_inherits() -> None:
    assert planned(BAKE.encode(), "docker-bake.hcl", "cuda") == Planned(
        "docker/Dockerfile",
        ".",
        "runtime",
        (
            ("TORCH_VERSION", "2.8.0"),
            ("EXTRA", "x-2.8.0-cu12.8"),
            ("COMPUTED", "128"),
            ("CUDA_VERSION", "12.8.1"),
        ),
    )


def test_an_argument_that_a_function_computes_is_named_and_not_guessed() -> None:
    found = planned(BAKE.encode(), "docker-bake.hcl", "cpu")
    assert found.unknown == ("COMPUTED",) and dict(found.args) == {
        "TORCH_VERSION": "2.8.0",
        "EXTRA": "x-2.8.0-cu12.8",
    }


def test_a_bake_file_as_json() -> None:
    document = {
        "variable": {"V": {"default": "2.8.0"}},
        "target": {"a": {"args": {"TORCH": "${V}", "F": "${upper(V)}"}, "dockerfile": "D"}},
    }
    found = planned(json.dumps(document).encode(), "docker-bake.json", "a")
    assert found == Planned("D", ".", None, (("TORCH", "2.8.0"),), ("F",))


COMPOSE = """
services:
  train:
    build:
      context: ./docker
      dockerfile: cuda.Dockerfile
      target: runtime
      args:
        TORCH: 2.10
        CUDA: ${CUDA:-12.8}
        TOKEN: ${TOKEN}
        PRICE: $$5
  listed:
    build: { context: ., args: ["TORCH=2.8.0", "FROM_ENVIRONMENT"] }
  short: { build: ./api }
  image_only: { image: redis }
"""


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (
            "train",
            Planned(
                "cuda.Dockerfile",
                "./docker",
                "runtime",
                (("TORCH", "2.10"), ("CUDA", "12.8"), ("PRICE", "$5")),
                ("TOKEN",),
            ),
        ),
        ("listed", Planned("Dockerfile", ".", None, (("TORCH", "2.8.0"),), ("FROM_ENVIRONMENT",))),
        ("short", Planned("Dockerfile", "./api", None, ())),
    ],
)
def test_a_service_of_a_compose_file(service: str, expected: Planned) -> None:
    assert planned(COMPOSE.encode(), "compose.yaml", service) == expected


@pytest.mark.parametrize(
    ("path", "data", "name", "why"),
    [
        ("docker-bake.hcl", BAKE.encode(), "gone", "the targets are _common, cpu, cuda, loop, many"),
        ("docker-bake.hcl", BAKE.encode(), "default", "the targets are cuda, cpu"),
        ("docker-bake.hcl", BAKE.encode(), "loop", "inherits itself"),
        ("docker-bake.hcl", BAKE.encode(), "many", "not followed"),
        ("docker-bake.hcl", b'target "a" {', "a", "no end"),
        ("docker-bake.hcl", b"{", "a", "no block"),
        ("docker-bake.hcl", b'target "a" { x = ' + b"[" * 50_000, "a", "nested too deeply"),
        ("docker-bake.hcl", b"\xff", "a", "UTF-8"),
        ("docker-bake.json", b"[" * 100_000, "a", "JSON"),
        ("docker-bake.json", b"[]", "a", "no target"),
        ("compose.yml", b"a: [", "a", "YAML"),
        ("compose.yml", COMPOSE.encode(), "image_only", "no service 'image_only' that is built"),
        ("docker-bake.hcl", b"#" * 2_000_000, "a", "larger"),
    ],
)
def test_what_is_no_build_is_a_sentence(path: str, data: bytes, name: str, why: str) -> None:
    with pytest.raises(CannotJudge, match=why):
        planned(data, path, name)


def test_env_reads_the_dockerfile_as_the_bake_file_builds_it(good: Repo) -> None:
    good.write(
        {
            "docker/Dockerfile": "FROM python:3.12 AS runtime\nARG TORCH_VERSION=1.0.0\n"
            "RUN pip install torch==$TORCH_VERSION\n"
            "FROM python:3.12 AS dev\n",
            "docker-bake.hcl": BAKE,
            ".envhooks/policy.toml": '[dockerfile]\npath = "docker/Dockerfile"\nargs = { CUDA_VERSION = "12.6.3" }\n',
        }
    )
    done = good.envhooks("env", "--bake", "docker-bake.hcl", "cuda")
    assert done.code == 0 and "package   torch 2.8.0" in done.out and "stage runtime" in done.out, done.said
    assert "the build gives CUDA_VERSION=12.8.1, and [dockerfile] of the policy 12.6.3" in done.err
    given = good.envhooks("env", "--bake", "docker-bake.hcl", "cuda", "--arg", "TORCH_VERSION=2.9.0")
    assert "package   torch 2.9.0" in given.out
    lost = good.envhooks("env", "--bake", "docker-bake.hcl", "cpu")
    assert lost.code == 2 and "computes COMPUTED in a way that is not followed" in lost.err
    assert "--arg COMPUTED=<value>" in lost.err


WORKFLOW = """
jobs:
  image:
    strategy: { matrix: { cuda: [12.8.1, 12.6.3] } }
    steps:
    - uses: docker/build-push-action@v6
      with:
        file: docker/Dockerfile
        build-args: |
          CUDA_VERSION=${{ matrix.cuda }}
          TORCH_VERSION=2.9.0
"""


def test_env_says_by_which_arguments_the_repository_builds_a_dockerfile(good: Repo) -> None:
    good.write(
        {
            "docker/Dockerfile": "FROM python:3.12\nARG TORCH_VERSION=1.0.0\nRUN pip install torch==$TORCH_VERSION\n",
            ".github/workflows/image.yml": WORKFLOW,
            ".github/workflows/broken.yml": "jobs: [",
            "Makefile": "V := 2.8.0\nimage:\n\tdocker build --build-arg TORCH_VERSION=$(V) -f docker/Dockerfile .\n",
            "build.sh": 'docker build --build-arg "TORCH_VERSION=$1" -f docker/Dockerfile .\n',
            ".envhooks/policy.toml": '[dockerfile]\npath = "docker/Dockerfile"\nargs = { CUDA_VERSION = "11.8.0" }\n',
        }
    )
    plain = good.envhooks("env", "docker/Dockerfile", "--context", ".")
    assert "built by  CUDA_VERSION=12.8.1, TORCH_VERSION=2.9.0  (.github/workflows/image.yml:6" in plain.out
    assert "built by  TORCH_VERSION=2.8.0  (Makefile:3, image)" in plain.out
    assert "built by  TORCH_VERSION=?  (build.sh:1)" in plain.out
    warned = (
        "image.yml:6 builds with CUDA_VERSION=12.8.1 or 12.6.3, and [dockerfile] of the policy has 11.8.0"
    )
    assert plain.code == 0 and warned in plain.err
    builds = json.loads(good.envhooks("env", "docker/Dockerfile", "--context", ".", "--format", "json").out)[
        "builds"
    ]
    assert [one["args"].get("TORCH_VERSION") for one in builds] == ["2.9.0", "2.9.0", "2.8.0", None]

    path = ".github/workflows/image.yml"
    several = good.envhooks("env", "--built-by", path, "image")
    assert several.code == 2 and "it has 2 builds: image: cuda=12.8.1; image: cuda=12.6.3" in several.err
    assert "--arg CUDA_VERSION=12.8.1" in several.err
    one = good.envhooks("env", "--built-by", path, "image", "--arg", "CUDA_VERSION=12.6.3")
    assert one.code == 0 and "package   torch 2.9.0" in one.out
    assert "the build gives CUDA_VERSION=12.6.3, and [dockerfile] of the policy 11.8.0" in one.err
    assert "package   torch 2.8.0" in good.envhooks("env", "--built-by", "Makefile", "image").out
    lost = good.envhooks("env", "--built-by", "build.sh")
    assert lost.code == 2 and "it computes TORCH_VERSION in a way that is not followed" in lost.err
    assert (
        "package   torch 2.7.0"
        in good.envhooks("env", "--built-by", "build.sh", "--arg", "TORCH_VERSION=2.7.0").out
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("gone.yml",), "there is no such file"),
        (("Makefile", "gone"), "there is no target 'gone' with a recipe; the targets are all"),
        (("Makefile", "a", "b"), "at most one name"),
        (("build.sh", "a"), "have names in them"),
        (("Makefile", "all"), "no build in it that can be followed"),
        ((".github/workflows/a.yml", "x"), "there is no job 'x'"),
    ],
)
def test_a_build_that_is_not_there_is_a_sentence(good: Repo, arguments: tuple[str, ...], why: str) -> None:
    good.write({"Makefile": "all:\n\ttrue\n", "build.sh": "true\n", ".github/workflows/a.yml": "jobs: {}\n"})
    done = good.envhooks("env", "--built-by", *arguments)
    assert done.code == 2 and why in done.err, done.said
