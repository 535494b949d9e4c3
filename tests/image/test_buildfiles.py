"""Bake and compose files: what they give to a build, and where they compute more than is followed."""

from __future__ import annotations

import json

import pytest
from support import Repo

from envhooks.base.errors import CannotJudge
from envhooks.image.buildfiles import BuildFile, Planned
from envhooks.image.makefiles import Makefile
from envhooks.image.text import Unknowns
from envhooks.image.workflows import workflow_builds

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

GROUPS = """
target "a" { dockerfile = "A" }
target "b" {}
group "g1" { targets = ["a", "gone"] }
group "all" { targets = ["g1", "b", "g1", "a", "all"] }
group "empty" { targets = [] }
group "round" { targets = ["round"] }
"""


def test_a_target_of_a_bake_file_with_what_it_inherits() -> None:
    assert BuildFile(BAKE.encode(), "docker-bake.hcl").planned("cuda") == Planned(
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


def test_a_group_of_one_target_is_that_target() -> None:
    assert BuildFile(GROUPS.encode(), "docker-bake.hcl").planned("g1").dockerfile == "A"


def test_an_argument_that_a_function_computes_is_named_and_not_guessed() -> None:
    found = BuildFile(BAKE.encode(), "docker-bake.hcl").planned("cpu")
    assert found.unknown == ("COMPUTED",) and dict(found.args) == {
        "TORCH_VERSION": "2.8.0",
        "EXTRA": "x-2.8.0-cu12.8",
    }


def test_a_bake_file_as_json() -> None:
    document = {
        "variable": {"V": {"default": "2.8.0"}},
        "target": {"a": {"args": {"TORCH": "${V}", "F": "${upper(V)}"}, "dockerfile": "D"}},
    }
    found = BuildFile(json.dumps(document).encode(), "docker-bake.json").planned("a")
    assert found == Planned("D", ".", None, (("TORCH", "2.8.0"),), ("F",))


COMPOSE = """
x-common: &common { build: { context: ./merged, args: { A: 1.12 } }, image: y }
services:
  train:
    build:
      context: ./docker
      dockerfile: cuda.Dockerfile
      target: runtime
      args:
        TORCH: '2.10'
        NUMBER: 2.10
        NOTHING:
        CUDA: ${CUDA:-12.8}
        TOKEN: ${TOKEN}
        PRICE: $$5
  listed:
    build: { context: ., args: ["TORCH=2.8.0", "FROM_ENVIRONMENT"] }
  short: { build: ./api }
  merged: { <<: [*common, { build: ./no }], image: x }
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
                ("NUMBER", "NOTHING", "TOKEN"),
            ),
        ),
        ("listed", Planned("Dockerfile", ".", None, (("TORCH", "2.8.0"),), ("FROM_ENVIRONMENT",))),
        ("short", Planned("Dockerfile", "./api", None, ())),
        ("merged", Planned("Dockerfile", "./merged", None, (("A", "1.12"),))),
    ],
)
def test_a_service_of_a_compose_file(service: str, expected: Planned) -> None:
    assert BuildFile(COMPOSE.encode(), "compose.yaml").planned(service) == expected


@pytest.mark.parametrize(
    ("path", "data", "name", "why"),
    [
        ("docker-bake.hcl", BAKE.encode(), "gone", "the targets are _common, cpu, cuda, loop, many"),
        ("docker-bake.hcl", BAKE.encode(), "default", "'default' is a group; name one of cuda, cpu"),
        ("docker-bake.hcl", GROUPS.encode(), "all", "'all' is a group; name one of b, a"),
        ("docker-bake.hcl", GROUPS.encode(), "empty", "no target 'empty'; the targets are a, b"),
        ("docker-bake.hcl", GROUPS.encode(), "round", "no target 'round'; the targets are a, b"),
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
        BuildFile(data, path).planned(name)


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


# ---------------------------------------------------------------- images of the same tree

STACK = """
target "base" {
  context = "base"
  args = { TORCH = "2.8.0" }
}
target "_middle" { contexts = { base = "target:base" } }
target "train" {
  inherits = ["_middle"]
  context = "train"
}
target "other" {
  context = "train"
  contexts = { base = "docker-image://team/base:1" }
}
target "loop" {
  context = "train"
  contexts = { base = "target:loop" }
}
target "gone" {
  context = "train"
  contexts = { base = "target:nowhere" }
}
target "stage" {
  context = "stage"
  contexts = { base = "target:base" }
}
"""
TREE = {
    "base/Dockerfile": "FROM nvidia/cuda:12.8.1-runtime-ubuntu24.04\nARG TORCH\nENV WHICH=2.7.0\n"
    "RUN pip install torch==$TORCH torchvision==0.23.0\nCOPY r.txt /r.txt\nARG LOST=1\n",
    "base/r.txt": "numpy==1.26.0\n",
    "train/Dockerfile": "FROM base\nRUN pip install -r /r.txt && pip install jax==${LOST:-0.5.0}\n"
    "RUN pip install x==$WHICH\n",
    "stage/Dockerfile": "FROM alpine AS base\nFROM base\n",
    "docker-bake.hcl": STACK,
}


def test_a_base_image_that_another_target_builds_is_followed(good: Repo) -> None:
    good.write(TREE)
    done = good.envhooks("env", "--bake", "docker-bake.hcl", "train", "--format", "json")
    assert done.code == 0, done.said
    document = json.loads(done.out)
    packages = {one["name"]: (one["version"], one["path"]) for one in document["packages"]}
    assert packages["torch"] == ("2.8.0", "base/Dockerfile") and packages["numpy"] == ("1.26.0", "base/r.txt")
    assert packages["x"] == ("2.7.0", "train/Dockerfile")  # ENV of the base image stays, and ARG does not
    assert "jax" not in packages or packages["jax"][0] != "1"
    assert document["base"] == {"image": "nvidia/cuda", "tag": "12.8.1-runtime-ubuntu24.04", "digest": None}
    assert {(one["kind"], one["version"], one["path"]) for one in document["hardware"]} == {
        ("CUDA", "12.8.1", "base/Dockerfile")
    }
    other = good.envhooks("env", "--built-by", "docker-bake.hcl", "train", "--format", "json")
    assert json.loads(other.out) == document  # by either option


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("other", 0, "the build puts something else in the place of base"),
        ("loop", 2, "stands on itself"),
        ("gone", 2, "there is no target 'nowhere'"),
        ("stage", 2, "base is a stage and an image that the same tree builds"),
    ],
)
def test_a_base_image_that_is_not_followed_is_said(good: Repo, target: str, code: int, said: str) -> None:
    good.write(TREE)
    done = good.envhooks("env", "--bake", "docker-bake.hcl", target)
    assert done.code == code and said in done.said and "torch 2.8.0" not in done.out


def test_a_service_that_stands_on_another_one(good: Repo) -> None:
    services = (
        "services:\n  base: {build: {context: base, args: {TORCH: 2.8.0}}}\n"
        "  train: {build: {context: train, additional_contexts: {base: 'service:base'}}}\n"
        "  listed: {build: {context: train, additional_contexts: ['base=service:base']}}\n"
    )
    good.write({**TREE, "compose.yaml": services})
    for service in ("train", "listed"):
        assert (
            "package   torch 2.8.0  (base/Dockerfile:4"
            in good.envhooks("env", "--bake", "compose.yaml", service).out
        )


@pytest.mark.parametrize(
    ("first", "second", "followed"),
    [
        ("docker build -t base --build-arg TORCH=2.8.0 base", "docker build train", True),
        ("docker build -t base:latest --build-arg TORCH=2.8.0 base", "docker build train", True),
        ("docker buildx build --load -t base --build-arg TORCH=2.8.0 base", "docker build train", True),
        ("docker build -t base --build-arg TORCH=2.8.0 base", "docker build --pull train", False),
        ("docker buildx build -t base --build-arg TORCH=2.8.0 base", "docker build train", False),
        ("docker build -t other --build-arg TORCH=2.8.0 base", "docker build train", False),
        ("docker build -t base --build-arg TORCH=$(date) base", "docker build train", False),
        ("true", "docker build train", False),
    ],
)
def test_a_base_image_that_the_line_before_builds(
    good: Repo, first: str, second: str, followed: bool
) -> None:
    recipe = f".PHONY: base\nbase:\n\t{first.replace('$', '$$')}\ntrain: base\n\t{second}\n"
    good.write({**TREE, "Makefile": recipe})
    done = good.envhooks("env", "--built-by", "Makefile", "train")
    assert done.code == 0 and ("torch 2.8.0  (base/Dockerfile:4" in done.out) is followed, done.said


def repeated(line: str, piece: str, last: str, levels: int = 12) -> str:
    """Lines that each hold the next one twenty times: read one by one, that would be 20^12 pieces."""
    made = (line.format(name=f"a{i}", pieces=piece.format(next=f"a{i + 1}") * 20) for i in range(levels))
    return "".join(made) + last.format(name=f"a{levels}")


def test_names_that_stand_on_each_other_many_times_are_worked_out_once() -> None:
    text = repeated(
        'variable "{name}" {{ default = "{pieces}" }}\n', "${{{next}}}", 'variable "{name}" {{}}\n'
    )
    text += 'target "t" { args = { X = "${a0}" } }\n'
    assert BuildFile(text.encode(), "docker-bake.hcl").planned("t").args == (("X", ""),)
    text = repeated(
        'target "{name}" {{ inherits = [{pieces}] }}\n',
        '"{next}",',
        'target "{name}" {{ args = {{ X = "1" }} }}\n',
    )
    assert BuildFile(text.encode(), "docker-bake.hcl").planned("a0").args == (("X", "1"),)


def test_a_makefile_whose_values_stand_on_each_other_is_given_up() -> None:
    text = repeated("{name} = {pieces}\n", "$({next})", "{name} =\nall:\n")
    with pytest.raises(CannotJudge, match="grow too much"):
        Makefile(f"{text}\tdocker build --build-arg X=$(a0) .\n", Unknowns()).builds("all")


def test_a_workflow_has_one_budget_for_its_whole_matrix() -> None:
    axis = list(range(16))
    lines = "".join(f"          echo {n} && docker ps\n" for n in range(2_000))
    text = f"jobs:\n  a:\n    strategy:\n      matrix: {{a: {axis}, b: {axis}}}\n    steps:\n      - run: |\n{lines}"
    with pytest.raises(CannotJudge, match="grow too much"):
        workflow_builds(text, ".github/workflows/w.yml")
    grown = "env: {E: " + "x" * 20_000 + "}\njobs: {a: {env: {F: '" + "${{env.E}}" * 2_000 + "'}, steps: []}}"
    with pytest.raises(CannotJudge, match="grow too much"):
        workflow_builds(grown, ".github/workflows/w.yml")


def test_images_that_stand_on_each_other_many_times(good: Repo) -> None:
    names = [f"x{n}" for n in range(20)]
    text = 'target "a7" { context = "base" }\n'
    for level in range(7):
        contexts = ", ".join(f'{name} = "target:a{level + 1}"' for name in names)
        text += f'target "a{level}" {{\n context = "base"\n contexts = {{ {contexts} }}\n}}\n'
    good.write({**TREE, "docker-bake.hcl": text})
    done = good.envhooks("env", "--bake", "docker-bake.hcl", "a0")
    assert done.code == 0, done.said
    deeper = 'target "b" {\n context = "base"\n contexts = { z = "target:a0", y = "target:a1" }\n}\n'
    good.write({"docker-bake.hcl": text + deeper.replace("b", "c", 1).replace("a0", "b") + deeper})
    done = good.envhooks("env", "--bake", "docker-bake.hcl", "c")
    assert done.code == 2 and "on more than 8 images" in done.err, done.said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("= 1\n", "begins no block of HCL"),
        ("target\n", "the block target has no body"),
        ('target "a" {\n dockerfile = "x"\n', "a block of this HCL file has no end"),
        ('target "a" {\n 1 = 2\n}\n', "a block of this HCL file has no end"),
        ('target "a" {\n tags = ["x"\n', "a list of this HCL file has no end"),
        ('target "a" {\n args = f(x\n', "("),
        ('target "a" {}\ntarget "a" {}\n', "the target a is there twice"),
    ],
)
def test_what_is_no_bake_file(text: str, why: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        BuildFile(text.encode(), "docker-bake.hcl").planned("a")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('target "a" {\n args = { V = "2.8" }\n}\n', "2.8"),
        ('x = { a = [1, 2] }\ntarget "a" {\n args = { V = "2.8" }\n}\n', "2.8"),
        ('group {\n}\ntarget "a" {\n args = { V = "2.8" }\n}\n', "2.8"),
        ('target "a" {\n args = { V = 2 }\n}\n', "2"),
        ('target "a" {\n args = { V = true }\n}\n', "true"),
        ('target "a" {\n args = { V = "a\\"b" }\n}\n', 'a"b'),
        ('target "a" {\n args = { V = 2.10 }\n}\n', None),
        ('target "a" {\n args = { V = (1 + 1) }\n}\n', None),
        ('target "a" {\n args = { V = ("2.8") }\n}\n', None),
        ('target "a" {\n args = { V = f("2.8") }\n}\n', None),
        ('target "a" {\n args = { V = null }\n}\n', None),
    ],
)
def test_values_of_a_bake_file(text: str, found: str | None) -> None:
    planned = BuildFile(text.encode(), "docker-bake.hcl").planned("a")
    assert dict(planned.args).get("V") == found
