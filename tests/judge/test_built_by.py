"""`[dockerfile] built-by`: at a tag, the image is read as a file of the tagged commit says that it is built."""

from __future__ import annotations

import json
import sys

import pytest
from memory_files import MemoryFiles
from support import Repo, run

from envhooks.base.errors import CannotJudge
from envhooks.base.run import Budget
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.image.files import Budgeted
from envhooks.judge.contents import read_environment_at, section_for
from envhooks.judge.facts import TagReport
from envhooks.judge.runs import judge_as
from envhooks.policy import DockerfilePolicy
from envhooks.policy.reader import parse_policy
from envhooks.tagname import Grammar

TAG, OTHER = "PyTorch-CUDA12.8-v2.8.0", "PyTorch-CUDA12.8-v2.9.0"
BASE = """FROM nvidia/cuda:12.8.1-runtime-ubuntu24.04
ARG TORCH
RUN pip install torch==${TORCH}+cu128 --index-url https://download.pytorch.org/whl/cu128
"""
TRAIN = "FROM base\nARG NUMPY=1.26.4\nRUN pip install numpy==$NUMPY\n"
BAKE = """
target "base" {
  context = "base"
  args = { TORCH = "2.8.0" }
}
target "train" {
  context = "train"
  contexts = { base = "target:base" }
}
"""
POLICY = """
[dockerfile]
path = "train/Dockerfile"
built-by = { file = "docker-bake.hcl", name = "train" }
"""
COMPOSE = """
services:
  base: { build: { context: base, args: { TORCH: 2.8.0 } } }
  train: { build: { context: train, additional_contexts: { base: "service:base" } } }
"""
MAKE = """
.PHONY: base train
base:
\tdocker build -t base --build-arg TORCH=2.8.0 base
train: base
\tdocker build train
"""
WORKFLOW = """
jobs:
  images:
    steps:
    - run: docker build -t base --build-arg TORCH=2.8.0 base
    - run: docker build -t train train
"""
MATRIX = """
jobs:
  images:
    strategy: { matrix: { torch: [2.8.0, 2.9.0] } }
    steps:
    - run: docker build -t base --build-arg TORCH=${{ matrix.torch }} base
    - run: docker build -t train train
"""
ENTRY = (
    "# Changes\n\n## [2.8.0] - 2026-11-02\n\nPyTorch 2.8.0. Known issues: none. Upgrading: nothing to do.\n"
)
TREE = {
    ".envhooks/policy.toml": POLICY,
    "base/Dockerfile": BASE,
    "train/Dockerfile": TRAIN,
    "docker-bake.hcl": BAKE,
    "CHANGELOG.md": ENTRY + ENTRY.replace("2.8.0", "2.9.0").removeprefix("# Changes\n"),
}


def built_by(file: str, name: str = "train") -> str:
    named = f', name = "{name}"' if name else ""
    return f'[dockerfile]\npath = "train/Dockerfile"\nbuilt-by = {{ file = "{file}"{named} }}\n'


def committed(repo: Repo, **files: str) -> None:
    repo.commit_files({**TREE, **files})
    repo.git("push", "-q", "origin", "main")


def judged(repo: Repo, tag: str) -> TagReport:
    with Git.open(repo.path) as git:
        (report,) = judge_as(git, tag).tags
    return report


def errors(report: TagReport) -> list[tuple[str, str, str | None]]:
    return [(one.check, one.message, one.path) for one in report.findings if one.level == "error"]


def test_a_tag_over_a_base_image_of_the_same_tree(guarded: Repo, server: Repo) -> None:
    """Both sides, at the hooks: the tag that says what both Dockerfiles build, and one that does not."""
    committed(guarded)
    wrong = guarded.try_git("tag", "-s", "-m", "A release", OTHER)
    assert wrong.code != 0 and not guarded.has_tag(OTHER)
    assert "the tag says PyTorch 2.9.0, and the Dockerfile installs 2.8.0" in wrong.flat
    assert "base/Dockerfile:3" in wrong.said
    guarded.git("tag", "-s", "-m", "A release", TAG)
    guarded.git("push", "-q", "origin", TAG)
    assert server.has_tag(TAG)


def test_a_hook_loads_little_more_for_it(guarded: Repo) -> None:
    """And no reader of YAML for a bake file."""
    committed(guarded)
    program = (
        "import sys; from pathlib import Path; from envhooks.git.repository import Git\n"
        "from envhooks.judge.runs import judge_as\n"
        f"with Git.open(Path.cwd()) as git: assert judge_as(git, {TAG!r}).tags[0].verdict == 'accepted'\n"
        "print(len([name for name in sys.modules if name.startswith('envhooks.')]), 'yaml' in sys.modules)"
    )
    done = run([sys.executable, "-c", program], guarded.path, guarded.environ)
    number, has_yaml = done.out.split()
    assert int(number) <= 110 and has_yaml == "False", done.said


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("docker-bake.json", json.dumps({"target": {
            "base": {"context": "base", "args": {"TORCH": "2.8.0"}},
            "train": {"context": "train", "contexts": {"base": "target:base"}},
        }}), "train"),
        ("compose.yaml", COMPOSE, "train"),
        ("Makefile", MAKE, "train"),
        (".github/workflows/images.yml", WORKFLOW, "images"),
        ("build.sh", "docker build -t base --build-arg TORCH=2.8.0 base\ndocker build train\n", ""),
        # bake is started at the top: the paths are from there
        ("build/docker-bake.hcl", BAKE, "train"),
    ],
)  # fmt: skip
def test_whatever_states_the_build(good: Repo, path: str, text: str, name: str) -> None:
    committed(good, **{path: text, ".envhooks/policy.toml": built_by(path, name)})
    assert (judged(good, TAG).verdict, errors(judged(good, TAG))) == ("accepted", [])
    (wrong,) = errors(judged(good, OTHER))
    assert wrong == (
        "dockerfile-matches",
        "the tag says PyTorch 2.9.0, and the Dockerfile installs 2.8.0",
        "base/Dockerfile",
    )


def test_without_the_key_the_base_is_not_known(good: Repo) -> None:
    committed(good, **{".envhooks/policy.toml": '[dockerfile]\npath = "train/Dockerfile"\n'})
    assert judged(good, TAG).verdict == "refused"


def test_the_tagged_commit_is_read_and_not_the_work_tree(good: Repo) -> None:
    committed(good)
    good.write({"docker-bake.hcl": BAKE.replace("2.8.0", "2.9.0"), "base/Dockerfile": "FROM scratch\n"})
    assert judged(good, TAG).verdict == "accepted" and judged(good, OTHER).verdict == "refused"


def test_arguments_of_the_policy_come_before_those_of_the_file(good: Repo) -> None:
    bake = BAKE.replace('context = "train"', 'context = "train"\n  args = { TORCHVISION = "0.22.0" }')
    train = "FROM base\nARG TORCHVISION\nRUN pip install torchvision==$TORCHVISION\n"
    committed(good, **{"docker-bake.hcl": bake, "train/Dockerfile": train})
    found = errors(judged(good, TAG))
    assert any(check == "dockerfile-compatible" and "torchvision 0.22.0" in text for check, text, _ in found)
    committed(good, **{
        "docker-bake.hcl": bake, "train/Dockerfile": train,
        ".envhooks/policy.toml": f'{POLICY}args = {{ TORCHVISION = "0.23.0" }}\n',
    })  # fmt: skip
    assert judged(good, TAG).verdict == "accepted"
    lint = good.envhooks("lint", "policy")
    assert "the build gives TORCHVISION=0.22.0, and [dockerfile] of the policy 0.23.0" in lint.flat
    assert lint.code == 0, lint.said


def test_a_pin_that_is_open_is_named_in_the_dockerfile_in_which_it_stands(good: Repo) -> None:
    committed(
        good,
        **{"base/Dockerfile": BASE.replace("12.8.1-runtime-ubuntu24.04", "latest") + "RUN pip install jax\n"},
    )
    found = errors(judged(good, TAG))
    assert {(check, path) for check, _, path in found} >= {("dockerfile-pinned", "base/Dockerfile")}, found
    assert any("jax is not pinned" in text for _, text, _ in found), found


def test_the_fields_of_a_tag(good: Repo) -> None:
    policy = (
        '[dockerfile]\npath = "base/Dockerfile"\n'
        'built-by = { file = "{framework:lower}.yaml", name = "v{version}" }\n'
    )
    services = "services: { v2.8.0: { build: { context: base, args: { TORCH: 2.8.0 } } } }\n"
    committed(good, **{".envhooks/policy.toml": policy, "pytorch.yaml": services})
    assert judged(good, TAG).verdict == "accepted", errors(judged(good, TAG))
    (fault,) = [one for one in errors(judged(good, OTHER)) if one[0] == "dockerfile-matches"]
    assert "there is no service 'v2.9.0' that is built; the services are v2.8.0" in fault[1]
    assert good.envhooks("lint", "policy").code == 0  # a tag is needed to tell more


NOT_FOLLOWED: dict[str, tuple[dict[str, str | bytes], str, str]] = {
    "missing": ({".envhooks/policy.toml": built_by("gone.hcl")}, "there is no such file", "gone.hcl"),
    "no target": ({".envhooks/policy.toml": built_by("docker-bake.hcl", "gone")}, "there is no target 'gone'", ""),
    "no name": ({".envhooks/policy.toml": built_by("docker-bake.hcl", "")}, "none is named", ""),
    "another Dockerfile": ({".envhooks/policy.toml": built_by("docker-bake.hcl", "base")}, "not of train/", ""),
    "no HCL": ({"docker-bake.hcl": "{"}, "begins no block", ""),
    "no text": ({"docker-bake.hcl": b"\xff"}, "not UTF-8", ""),
    "nested": ({"docker-bake.hcl": 'target "train" { a = ' + "[" * 50_000}, "nested too deeply", ""),
    "large": ({"docker-bake.hcl": "#" * 2_000_000}, "larger than 1 MiB", ""),
    "recursive": ({"docker-bake.hcl": BAKE.replace("target:base", "target:train")}, "stands on itself", ""),
    "inherits itself": (
        {"docker-bake.hcl": BAKE.replace('context = "train"', 'inherits = ["train"]')}, "inherits itself", "",
    ),
    "inherits from elsewhere": (
        {"docker-bake.hcl": BAKE.replace('context = "train"', 'context = "train"\ninherits = ["x"]')},
        "inherits one that is not in this file", "",
    ),
    "twice": ({"docker-bake.hcl": BAKE + BAKE}, "is there twice", ""),
    "computed": (
        {"docker-bake.hcl": BAKE.replace('context = "train"', 'context = "train"\nargs = { A = f(B) }')},
        "computes A in a way that is not followed", "",
    ),
    "all computed": (
        {"docker-bake.hcl": BAKE.replace('context = "train"', 'context = "train"\nargs = merge(A, B)')},
        "args of the target train is computed", "",
    ),
    "inline": (
        {"docker-bake.hcl": BAKE.replace('context = "train"', 'context = "train"\ndockerfile-inline = "FROM x"')},
        "stands in the file", "",
    ),
    "override": ({"docker-bake.override.hcl": ""}, "docker-bake.override.hcl changes what it says", ""),
    "composed override": (
        {"compose.yaml": COMPOSE, "compose.override.yml": "", ".envhooks/policy.toml": built_by("compose.yaml")},
        "compose.override.yml changes", "compose.yaml",
    ),
    "composed variables": (
        {"compose.yaml": COMPOSE.replace("2.8.0", '"${T:-2.8.0}"'), ".env": "T=2.9.0\n",
         ".envhooks/policy.toml": built_by("compose.yaml")},
        ".env sets variables of it", "compose.yaml",
    ),
    "extends": (
        {"compose.yaml": COMPOSE.replace("train: { ", "train: { extends: base, "),
         ".envhooks/policy.toml": built_by("compose.yaml")},
        "extends another", "compose.yaml",
    ),
    "no build": (
        {"Makefile": "train:\n\ttrue\n", ".envhooks/policy.toml": built_by("Makefile")},
        "no build of train/Dockerfile in it", "Makefile",
    ),
    "two bases": (
        {".github/workflows/i.yml": MATRIX, ".envhooks/policy.toml": built_by(".github/workflows/i.yml", "images")},
        "it has 2 builds of train/Dockerfile that differ", ".github/workflows/i.yml",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NOT_FOLLOWED)
def test_what_is_not_followed_refuses_the_tag_in_one_sentence(good: Repo, what: str) -> None:
    files, why, path = NOT_FOLLOWED[what]
    good.commit_files({**TREE, **files})
    good.git("push", "-q", "origin", "main")
    report = judged(good, TAG)
    found = [one for one in errors(report) if one[0] == "dockerfile-matches"]
    assert report.verdict == "refused" and not report.undecided and len(found) == 1, report
    assert found[0][1].startswith("cannot tell what this builds: ") and why in found[0][1], found
    assert found[0][2] == (path or "docker-bake.hcl") and "\n" not in found[0][1]
    lint = good.envhooks("lint", "policy")
    assert lint.code == 1 and why in lint.flat, lint.said


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("target:base", "docker-image://team/base:1"), "the build puts something else in the place of base"),
        (('TORCH = "2.8.0"', "TORCH = timestamp()"), "the build puts something else in the place of base"),
    ],
)
def test_a_base_that_is_not_followed_is_not_known(good: Repo, change: tuple[str, str], why: str) -> None:
    committed(good, **{"docker-bake.hcl": BAKE.replace(*change)})
    report = judged(good, TAG)
    assert report.verdict == "refused" and any(why in text for _, text, _ in errors(report)), errors(report)


BUILD = "docker build -t base --build-arg TORCH=2.8.0 base"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("build.sh", f"{BUILD}\ndocker tag team/other base\ndocker build train\n"),
        ("build.sh", f"{BUILD}\ndocker pull base:latest\ndocker build train\n"),
        ("build.sh", f"{BUILD}\ndocker load -i images.tar\ndocker build train\n"),
        ("build.sh", f"{BUILD}\ndocker build -t base -f $1 base\ndocker build train\n"),
        ("build.sh", f'if [ "$1" ]; then\n{BUILD}\nfi\ndocker build train\n'),
        ("Makefile", f"train:\nifeq ($(A),1)\n\t{BUILD}\nendif\n\tdocker build train\n"),
        ("Makefile", f"base:\n\t{BUILD}\ntrain: base\n\tdocker build train\n"),  # the folder `base` is there
        (
            ".github/workflows/i.yml",
            f"jobs: {{train: {{steps: [{{if: always(), run: {BUILD}}}, {{run: docker build train}}]}}}}\n",
        ),
        (
            ".github/workflows/i.yml",
            f"jobs: {{train: {{steps: [{{run: {BUILD}}}, {{uses: docker/bake-action@v6}}, "
            "{run: docker build train}]}}\n",
        ),
    ],
)
def test_a_base_that_may_be_another_one_when_the_image_is_built_is_not_known(
    good: Repo, path: str, text: str
) -> None:
    policy = built_by(path, "" if path == "build.sh" else "train")
    committed(good, **{path: text, ".envhooks/policy.toml": policy})
    report = judged(good, TAG)
    assert report.verdict == "refused" and not report.undecided
    assert any("puts something else in the place of base" in text for _, text, _ in errors(report)), errors(
        report
    )


def test_an_image_over_a_known_name_that_is_not_followed_is_not_the_registrys(good: Repo) -> None:
    known = "pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime"
    make = f"train:\n\tdocker build -t {known} --build-arg TORCH=$$(cat version) base\n\tdocker build train\n"
    committed(good, **{
        "Makefile": make, "train/Dockerfile": f"FROM {known}\n", ".envhooks/policy.toml": built_by("Makefile"),
    })  # fmt: skip
    assert judged(good, TAG).verdict == "refused"


IMAGE = """
[image]
name = "registry.example.com/team/train"
[[build]]
using = "{using}"
{more}
"""


def test_what_builds_the_release_is_told_what_the_file_says(good: Repo) -> None:
    """The plan has context, stage and arguments of the file; a local build would take `base` from a registry."""
    bake = BAKE.replace(
        'context = "train"', 'context = "train"\n  target = "last"\n  args = { NUMPY = "1.26.0" }'
    )
    more = 'command = ["/usr/bin/true", "{dockerfile}", "{context}", "{target}"]'
    files = {"docker-bake.hcl": bake, "train/Dockerfile": TRAIN.replace("FROM base", "FROM base AS last")}
    committed(good, **files, **{".envhooks/policy.toml": POLICY + IMAGE.format(using="command", more=more)})
    good.git("tag", "-s", "-m", "A release", TAG)
    good.git("push", "-q", "origin", TAG)
    done = good.envhooks("build", TAG, "--dry-run")
    assert done.code == 0 and "/train/Dockerfile" in done.out and "/train last" in done.out, done.said
    # the same tag of a commit on which the team builds locally
    committed(good, **{".envhooks/policy.toml": POLICY + IMAGE.format(using="local", more="")})
    refused = good.envhooks("build", TAG, "--dry-run")
    assert refused.code == 2 and "a `local` build does not build base first" in refused.flat, refused.said


def read(files: dict[str, str], budget: Budget | None = None) -> Environment:
    tree = MemoryFiles({path: text.encode() for path, text in files.items()})
    section = DockerfilePolicy(path="train/Dockerfile", built_by=("docker-bake.hcl", "train"))
    return read_environment_at(Budgeted(tree, budget or Budget()), section, "train/Dockerfile")


def test_a_budget_that_is_spent_is_not_told_of_the_file() -> None:
    """Else a tag would be refused for a fault that it does not have, and so would every other with these files."""
    budget = Budget(until=0.0)
    with pytest.raises(CannotJudge, match="longer than"):
        read(TREE, budget)


def test_targets_that_stand_on_each_other_many_times_end() -> None:
    """Two names on each line: gone through one by one, that would be 2^60 images."""
    lines = [
        f'target "t{n}" {{ context = "base"\n contexts = {{ a = "target:t{n + 1}", b = "target:t{n + 1}" }} }}\n'
        for n in range(60)
    ]
    bake = BAKE.replace("target:base", "target:t0") + "".join(lines) + 'target "t60" { context = "base" }\n'
    (doubt,) = read({**TREE, "docker-bake.hcl": bake}).cannot_tell
    assert "stands on itself, or on more than 8 images" in doubt.why


def test_every_word_of_the_key_is_read(good: Repo) -> None:
    policy = parse_policy(POLICY.encode(), "policy")
    assert policy.dockerfiles[0].built_by == ("docker-bake.hcl", "train")
    name = Grammar(policy.tag).match(TAG)
    section = DockerfilePolicy(path="d", built_by=("{framework:lower}.hcl", "{hardware:lower}"))
    assert section.has_fields and section_for(section, name).built_by == ("pytorch.hcl", "cuda12.8")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('built-by = "docker-bake.hcl"', "must be a table"),
        ("built-by = {}", "has no `file`"),
        ('built-by = { file = "../x" }', "leads out"),
        ('built-by = { file = "/x" }', "absolute"),
        ('built-by = { file = "{nothing}" }', "cannot be used"),
        ('built-by = { file = "x", target = "y" }', "`target` is no key"),
        ('built-by = { file = "x" }\ncontext = "y"', "leave it out"),
        ('built-by = { file = "x" }\ntarget = "y"', "leave it out"),
        ('built-by = { file = "x" }\npath = false', "is false"),
    ],
)
def test_what_the_policy_may_not_say(good: Repo, line: str, why: str) -> None:
    good.write({".envhooks/policy.toml": f"[dockerfile]\n{line}\n"})
    done = good.envhooks("lint", "policy")
    assert done.code == 2 and why in done.flat, done.said
