"""Builds that scripts, Makefiles and workflows state: what they certainly give, and what they leave unknown."""

from __future__ import annotations

import pytest

from envhooks.base.errors import CannotJudge
from envhooks.image.buildcommands import Built, commands
from envhooks.image.makefiles import Makefile
from envhooks.image.requirements.yamlnodes import read_yaml
from envhooks.image.text import Unknowns
from envhooks.image.workflows import _combinations, workflow_builds


def shell(text: str, **values: str) -> list[Built]:
    return commands(text, values, Unknowns())


def make(text: str, target: str) -> list[Built]:
    return Makefile(text, Unknowns()).builds(target)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker build .", Built("Dockerfile", ".", None, (), line=1)),
        (
            "docker build -f docker/a.Dockerfile --build-arg TORCH=2.8.0 --target run -t team/a:1 docker",
            Built("docker/a.Dockerfile", "docker", "run", (("TORCH", "2.8.0"),), names=("team/a:1",), line=1),
        ),
        (
            "V=2.8.0\nsudo docker buildx build --build-arg=TORCH=${V} "
            "--build-arg CU=$(echo 12.8.1 | cut -d. -f1,2 | tr -d .) .",
            Built("Dockerfile", ".", None, (("TORCH", "2.8.0"), ("CU", "128")), line=2, stored=False),
        ),
        (
            "export DOCKER_BUILDKIT=1\nV=${V:-2.7.0}\ncd docker && docker build --build-arg TORCH=$V ..",
            Built("Dockerfile", ".", None, (("TORCH", "2.7.0"),), line=3),
        ),
        (
            "for V in 1 2; do docker build --build-arg A=$V --build-arg B=2 . ; done",
            Built("Dockerfile", ".", None, (("B", "2"),), ("A",), line=1, stored=False),
        ),
        (
            "docker build --build-arg A --pull .",
            Built("Dockerfile", ".", None, (), ("A",), line=1, pulls=True),
        ),
        ("docker build --build-arg A=$UNSET .", Built("Dockerfile", ".", None, (), ("A",), line=1)),
        (
            "docker build --build-arg A=1 --build-arg A=2 .",
            Built("Dockerfile", ".", None, (("A", "2"),), line=1),
        ),
        ("podman build --build-arg A=1 .", Built("Dockerfile", ".", None, (("A", "1"),), line=1)),
        ("buildah bud -f D .", Built("D", ".", None, (), line=1)),
        (
            "[ -f x ] && V=1 || V=2\ndocker build --build-arg A=$V .",
            Built("Dockerfile", ".", None, (), ("A",), line=2),
        ),
    ],
)
def test_one_build_of_a_script(text: str, expected: Built) -> None:
    assert shell(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "docker build",
        "docker build -",
        "docker build https://example.org/a.git",
        "docker build $FOLDER",
        "docker build -f $FILE .",
        "docker build --build-arg $ARGS .",
        "docker build a b",
        "docker run image build .",
        "echo docker build .",
        "# docker build .",
        "docker build --build-context base=docker-image://x .",
        "source env.sh; cd $X; docker build .",
    ],
)
def test_what_is_no_build_that_is_known(text: str) -> None:
    assert [one for one in shell(text) if one.context] == []


MAKE = """
TORCH ?= 2.8.0
CUDA := 12.8.1
NAME = team/$(KIND)
KIND = cuda
SHORT := $(shell echo $(CUDA) | tr -d .)
ifeq ($(CI),true)
FLAGS = --push
endif
base:
	docker build -t $(NAME)-base -f base/Dockerfile base
image: base  # the product
	@docker build --build-arg TORCH=$(TORCH) --build-arg CUDA=${CUDA} \\
	--build-arg SHORT=$(SHORT) \\
	-f docker/Dockerfile -t $(NAME):$@ .
own: TORCH = 2.9.0
own:
	-V=$$(echo $(TORCH)); docker build --build-arg TORCH=$$V .
flags:
	docker build $(FLAGS) .
loop: loop
	docker build .
"""


def test_a_target_of_a_makefile_behind_what_it_needs() -> None:
    base, image = make(MAKE, "image")
    assert (base.dockerfile, base.context, base.names) == ("base/Dockerfile", "base", ("team/cuda-base",))
    assert image.args == (("TORCH", "2.8.0"), ("CUDA", "12.8.1")) and image.unknown == ("SHORT",)
    assert image.names == ("team/cuda:image",) and image.line == 13


def test_variables_of_a_target_and_conditions_of_a_makefile() -> None:
    assert make(MAKE, "own")[0].args == (("TORCH", "2.9.0"),)
    assert [one.dockerfile for one in make(MAKE, "flags")] == [""]  # it is none that is followed
    assert len(make(MAKE, "loop")) == 1 and make(MAKE, "gone") == []
    assert make("include a.mk\nV ?= 1\nx:\n\tdocker build --build-arg V=$(V) .\n", "x")[0].unknown == ("V",)
    assert make("A = $(A)\nx:\n\tdocker build --build-arg V=$(A) .\n", "x")[0].unknown == ("V",)
    assert make("V = 1\nV += 2\nx:\n\tdocker build --build-arg V=$(V) .\n", "x")[0].unknown == ("V",)


@pytest.mark.parametrize(
    "text",
    [
        "A = "
        + "$(B)" * 400
        + "\nB = "
        + "$(C)" * 400
        + "\nC = "
        + "x" * 400
        + "\nx:\n\tdocker build $(A) .\n",
        "x:\n\tdocker build --build-arg A=" + "$(" * 30_000,
        "\n".join(f"x{n}: x{n + 1}" for n in range(3000)) + "\nx0:\n\tdocker build .\n",
        "a" * 70_000 + ":" * 70_000,
        "x: " + "y " * 30_000 + "\n\tdocker build .\\\n" * 5_000,
    ],
)
def test_a_hostile_makefile_ends(text: str) -> None:
    try:
        make(text, "x")
    except CannotJudge as error:
        assert "grow" in str(error)


WORKFLOW = """
on: push
env: { KIND: gpu, TORCH: 1.0.0 }
jobs:
  image:
    strategy:
      matrix:
        torch: [2.8.0, 2.10]
        cuda: ["12.8.1", "12.6.3"]
        exclude: [{ torch: 2.10, cuda: 12.6.3 }]
        include:
        - { torch: 2.8.0, python: "3.12" }
        - { torch: 2.6.0, cuda: 12.4.1, python: "3.10" }
    env: { TORCH: "${{ matrix.torch }}" }
    steps:
    - uses: actions/checkout@v6
    - uses: docker/build-push-action@v6
      with:
        context: .
        file: docker/${{ env.KIND }}.Dockerfile
        target: runtime
        tags: team/image:${{ matrix.torch }}, team/image:${{ github.sha }}
        build-args: |
          TORCH=${{ matrix.torch }}
          CUDA_VERSION=${{ matrix.cuda }}
          PYTHON=${{ matrix.python }}
          SHA=${{ github.sha }}
  script:
    defaults: { run: { working-directory: docker } }
    steps:
    - run: echo "TAG=1" >> $GITHUB_ENV
    - run: |
        V=${TORCH%.*}
        docker build --build-arg TORCH=$V --build-arg TAG=${{ env.TAG }} .
  computed:
    strategy: { matrix: { v: "${{ fromJSON(needs.a.outputs.v) }}" } }
    steps:
    - uses: docker/build-push-action@v6
      with: { build-args: "V=${{ matrix.v }}" }
"""


def test_each_combination_of_a_matrix() -> None:
    found = workflow_builds(WORKFLOW, "w.yml", "image")
    assert [dict(one.args) for one in found] == [
        {"TORCH": "2.8.0", "CUDA_VERSION": "12.8.1", "PYTHON": "3.12"},
        {"TORCH": "2.8.0", "CUDA_VERSION": "12.6.3", "PYTHON": "3.12"},
        {"CUDA_VERSION": "12.8.1"},  # 2.10 is 2.1 to GitHub
        {"TORCH": "2.6.0", "CUDA_VERSION": "12.4.1", "PYTHON": "3.10"},
    ]
    assert found[0].unknown == ("SHA",) and found[2].unknown == ("TORCH", "PYTHON", "SHA")
    first = found[0]
    assert (first.dockerfile, first.context, first.target) == ("docker/gpu.Dockerfile", ".", "runtime")
    assert first.names == ("team/image:2.8.0",) and first.line == 17
    assert first.label == "image: torch=2.8.0, cuda=12.8.1, python=3.12"


def test_a_step_that_runs_a_script_and_a_matrix_that_is_computed() -> None:
    (script,) = workflow_builds(WORKFLOW, "w.yml", "script")
    assert (script.dockerfile, script.context) == ("docker/Dockerfile", "docker")
    assert script.args == (("TORCH", "1.0"),) and script.unknown == ("TAG",)
    (computed,) = workflow_builds(WORKFLOW, "w.yml", "computed")
    assert computed.args == () and computed.unknown == ("V",)
    assert len(workflow_builds(WORKFLOW, "w.yml")) == 6


BOMB = "a: &a [x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)
MANY = (
    "jobs: {a: {strategy: {matrix: {"
    + ", ".join(f"k{n}: [1, 2, 3, 4]" for n in range(9))
    + "}}, steps: [{uses: docker/build-push-action@v6}]}}"
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("jobs: [", "not YAML"),
        ("jobs: " + "[" * 5000, "not YAML"),
        (MANY, "more than 256 combinations"),
        ("jobs: {}", "no job 'x'; the jobs are none"),
        ("- a", "no job 'x'"),
        ("a: 1\na: 2", "not YAML"),
        ("#" * 2_000_000, "larger"),
        ("jobs: !!python/object:os.system {}", "not YAML"),
    ],
)
def test_what_is_no_workflow_is_a_sentence(text: str, why: str) -> None:
    with pytest.raises(CannotJudge, match=why):
        workflow_builds(text, "w.yml", "" if text is MANY else "x")


@pytest.mark.parametrize(
    "text",
    [
        "jobs: {x: {strategy: {matrix: []}, steps: 7}}",
        "jobs: {x: {strategy: x, steps: [1, [], {uses: []}, {run: []}, {with: 3, uses: docker/build-push-action@v6}]}}",
        'jobs: {x: {env: [1], strategy: {matrix: {include: x, a: [[1]]}}, steps: [{run: "docker build \'"}]}}',
        "jobs: {x: [1]}",
        BOMB + "jobs: {x: {}}",
    ],
)
def test_odd_values_of_a_workflow_are_passed_over(text: str) -> None:
    assert all(one.args == () for one in workflow_builds(text, "w.yml", "x"))


@pytest.mark.parametrize(
    ("matrix", "found"),
    [
        ("cuda: [a, b]\n", [{"cuda": "a"}, {"cuda": "b"}]),
        ("cuda: [{major: '12', minor: '8'}]\n", [{"cuda.major": "12", "cuda.minor": "8"}]),
        ("cuda: [{major: '12'}, {major: '13'}]\nexclude: [{cuda: {major: '12'}}]\n", [{"cuda.major": "13"}]),
        ("cuda: [a]\ninclude: [{cuda: b}, {cuda: a, py: c}]\n", [{"cuda": "a", "py": "c"}, {"cuda": "b"}]),
        # what is computed leaves all of it unknown: an entry without it would take away others
        ("cuda: [{major: '${{ x }}'}]\n", [None]),
        ("cuda: ${{ fromJSON(x) }}\n", [None]),
        ("cuda: [[a]]\n", [None]),
        ("cuda: [a]\nexclude: [{cuda: {major: '${{ x }}'}}]\n", [None]),
        ("cuda: [a]\nexclude: ${{ fromJSON(x) }}\n", [None]),
        ("cuda: [a]\ninclude: [{cuda: [b]}]\n", [None]),
        ("{}\n", [None]),
    ],
)
def test_combinations_of_a_matrix(matrix: str, found: list[dict[str, str] | None]) -> None:
    assert _combinations(read_yaml(matrix)) == found
