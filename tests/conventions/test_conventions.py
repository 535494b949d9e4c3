"""Each convention of docs/conventions.md: its tag is good, and one wrong field after the other is refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from support import Repo

from envhooks.base.dataclass import dataclass
from envhooks.git.repository import Git
from envhooks.judge.facts import TagReport
from envhooks.judge.runs import judge_as
from envhooks.policy.reader import parse_policy
from envhooks.tagname import Grammar, expand

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"


@dataclass(frozen=True)
class Convention:
    """One heading of the page, with its blocks."""

    tag: str
    policy: str
    dockerfile: str
    files: Mapping[str, str]
    """The blocks that begin with the path of their file."""


def conventions() -> Iterator[Convention]:
    text = PAGE.read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        match = re.match(r"`([^`]+)`.*?```toml\n(.*?)```.*?```dockerfile\n(.*?)```", part, re.DOTALL)
        assert match is not None, part[:200]
        named = re.findall(r"^```(?:dockerfile|text)\n(# (\S+)\n.*?)^```", part, re.DOTALL | re.MULTILINE)
        tag, policy, dockerfile = match.groups()
        yield Convention(tag, policy, dockerfile, {path: text for text, path in named})


DOCUMENTED = {one.tag: one for one in conventions()}

# tag -> (wrong tag, the check that refuses it, what its sentence says): one field after the other
WRONG = {
    "2.8.0-cuda12.8-cudnn9-devel": [
        ("2.9.0-cuda12.8-cudnn9-devel", "dockerfile-matches", "says PyTorch 2.9.0"),
        ("2.8.0-cuda12.6-cudnn9-devel", "dockerfile-matches", "says CUDA 12.6"),
        ("2.8.0-cuda12.8-cudnn8-devel", "dockerfile-matches", "says cuDNN 8"),
        ("2.8.0-cuda12.8-cudnn9-runtime", "dockerfile-matches", "says variant runtime"),
    ],
    "12.8.1-cudnn-devel-ubuntu24.04": [
        ("12.6.3-cudnn-devel-ubuntu24.04", "dockerfile-matches", "says CUDA 12.6.3"),
        ("12.8.1-cudnn-runtime-ubuntu24.04", "dockerfile-matches", "says variant runtime"),
        ("12.8.1-cudnn-devel-ubuntu22.04", "dockerfile-matches", "says operating system ubuntu22.04"),
        ("12.8.1-cudnn-devel-jammy", "dockerfile-matches", "says operating system jammy"),
    ],
    "2.8.0-gpu-py312-cu129-ubuntu22.04-ec2": [
        ("2.7.0-gpu-py312-cu129-ubuntu22.04-ec2", "dockerfile-matches", "says PyTorch 2.7.0"),
        ("2.8.0-gpu-py311-cu129-ubuntu22.04-ec2", "dockerfile-matches", "says Python 3.11"),
        ("2.8.0-gpu-py312-cu128-ubuntu22.04-ec2", "dockerfile-matches", "says CUDA 12.8"),
        ("2.8.0-gpu-py312-cu129-ubuntu24.04-ec2", "dockerfile-matches", "says operating system ubuntu24.04"),
    ],
    "rocm6.4_ubuntu24.04_py3.12_pytorch_release_2.7.1": [
        ("rocm6.3_ubuntu24.04_py3.12_pytorch_release_2.7.1", "dockerfile-matches", "says ROCm 6.3"),
        ("cuda6.4_ubuntu24.04_py3.12_pytorch_release_2.7.1", "dockerfile-matches", "says CUDA6.4"),
        (
            "rocm6.4_ubuntu22.04_py3.12_pytorch_release_2.7.1",
            "dockerfile-matches",
            "operating system ubuntu22.04",
        ),
        ("rocm6.4_ubuntu24.04_py3.10_pytorch_release_2.7.1", "dockerfile-matches", "says Python 3.10"),
        ("rocm6.4_ubuntu24.04_py3.12_jax_release_2.7.1", "dockerfile-matches", "installs no JAX"),
        ("rocm6.4_ubuntu24.04_py3.12_pytorch_release_2.7.0", "dockerfile-matches", "says PyTorch 2.7.0"),
    ],
    "pytorch-notebook-2026-01-30": [
        ("jax-notebook-2026-01-30", "dockerfile-matches", "installs no JAX"),
        ("pytorch-notebook-2026-01-31", "changelog-entry", "no entry for this release"),
        ("pytorch-notebook-2026-01-01", "tag-order", "the date is lower"),
    ],
    "v2.19.0-gpu": [
        ("v2.18.0-gpu", "dockerfile-matches", "says TensorFlow 2.18.0"),
        ("v2.19.0", "dockerfile-matches", "says CPU"),
        ("v2.19.0-rc1-gpu", "changelog-entry", "no entry for this release"),
    ],
    "release/pytorch-2.8.0-cu128": [
        ("release/tensorflow-2.8.0-cu128", "dockerfile-matches", "installs no TensorFlow"),
        ("release/pytorch-2.7.0-cu128", "dockerfile-matches", "says PyTorch 2.7.0"),
        ("release/pytorch-2.8.0-cu129", "dockerfile-matches", "says CUDA 12.9"),
        ("release/pytorch-2.8.0-cpu", "dockerfile-matches", "says CPU"),
        ("release/pytorch-2.8.0-rc1-cu128", "changelog-entry", "no entry for this release"),
    ],
    "th2.8.0-cu128-flashattn2.8.3": [
        ("th2.7.0-cu128-flashattn2.8.3", "dockerfile-matches", "says PyTorch 2.7.0"),
        ("th2.8.0-cu126-flashattn2.8.3", "dockerfile-matches", "says CUDA 12.6"),
        ("th2.8.0-cu128-flashattn2.7.4", "dockerfile-matches", "says flash-attn 2.7.4"),
        ("th2.8.0-cu128-flashattn2.8.3.post1", "dockerfile-matches", "says flash-attn 2.8.3.post1"),
    ],
    "images/pytorch-cuda/v2.1.0": [
        ("images/jax-cuda/v2.1.0", "dockerfile-matches", "installs no JAX"),
        ("images/pytorch-cpu/v2.1.0", "dockerfile-matches", "says CPU"),
        ("images/pytorch-cuda/v2.1.1", "changelog-entry", "no entry for this release"),
        ("images/pytorch-cuda/v2.1.0-rc1", "changelog-entry", "no entry for this release"),
    ],
    "train/2.8.0-cu128": [
        ("train/2.7.0-cu128", "dockerfile-matches", "says PyTorch 2.7.0"),
        ("train/2.8.0-cu126", "dockerfile-matches", "says CUDA 12.6"),
        ("train/2.8.0-rc1-cu128", "changelog-entry", "no entry for this release"),
    ],
}


def repository(good: Repo, one: Convention) -> None:
    """The convention as a repository has it: policy, Dockerfile, and a changelog with the entry of its tag."""
    policy = parse_policy(one.policy.encode(), ".envhooks/policy.toml")
    grammar = Grammar(policy.tag)
    name = grammar.match(one.tag)
    assert name is not None
    heading = name.release_text or one.tag
    day = "" if name.field("date") else " - 2026-11-02"
    entry = (
        f"# Changes\n\n## [{heading}]{day}\n\nPyTorch 2.8.0. Known issues: none. Upgrading: nothing to do.\n"
    )
    files = {".envhooks/policy.toml": one.policy, "Dockerfile": one.dockerfile, "CHANGELOG.md": entry}
    files |= one.files
    if policy.changelog.path and "{" in policy.changelog.path:
        section = policy.dockerfiles[0]
        for tag in (one.tag, *(wrong for wrong, _, _ in WRONG[one.tag])):
            other = grammar.match(tag)
            assert other is not None and section.path
            files[expand(section.path, other)] = one.dockerfile
            files[expand(policy.changelog.path, other)] = entry
    good.commit_files(files)
    good.git("push", "-q", "origin", "main")


def judged(repo: Repo, tag: str) -> TagReport:
    with Git.open(repo.path) as git:
        (report,) = judge_as(git, tag).tags
    return report


def errors(report: TagReport) -> list[tuple[str, str]]:
    return [(one.check, one.message) for one in report.findings if one.level == "error"]


def test_each_convention_of_the_page_is_tested_and_no_other() -> None:
    assert DOCUMENTED.keys() == WRONG.keys()


@pytest.mark.parametrize("one", DOCUMENTED.values(), ids=DOCUMENTED)
def test_a_good_tag_is_good_and_each_wrong_field_is_refused_by_name(good: Repo, one: Convention) -> None:
    repository(good, one)
    if "{date}" in one.policy:  # a line of dates has an order
        good.git("tag", "-s", "-m", "Earlier", "pytorch-notebook-2026-01-15")
    report = judged(good, one.tag)
    assert (report.verdict, errors(report), dict(report.undecided)) == ("accepted", [], {})
    for wrong, check, said in WRONG[one.tag]:
        report = judged(good, wrong)
        assert report.verdict == "refused", wrong
        assert any(id == check and said in message for id, message in errors(report)), (wrong, errors(report))
    good.git("tag", "-s", "-m", "A release", one.tag)
    done = good.envhooks("check", one.tag)
    assert done.code == 0, done.said


def test_a_wrong_field_is_the_only_fault(good: Repo) -> None:
    """The sentence is about that field, and not about the others, which agree."""
    one = DOCUMENTED["2.8.0-cuda12.8-cudnn9-devel"]
    repository(good, one)
    for wrong, _, said in WRONG[one.tag]:
        matches = [message for check, message in errors(judged(good, wrong)) if check == "dockerfile-matches"]
        assert len(matches) == 1 and said in matches[0]


PROPOSED = {
    "2.8.0-cuda12.8-cudnn9-devel": "2.8.0-cuda12.8-cudnn9-devel",
    "12.8.1-cudnn-devel-ubuntu24.04": "12.8.1-cudnn-devel-ubuntu24.04",
    "2.8.0-gpu-py312-cu129-ubuntu22.04-ec2": "2.8.0-gpu-py312-cu129-ubuntu22.04-ec2",
    "rocm6.4_ubuntu24.04_py3.12_pytorch_release_2.7.1": "rocm_ubuntu24.04_py3.12_pytorch_release_2.7.1",
    "pytorch-notebook-2026-01-30": f"pytorch-notebook-{date.today():%Y%m%d}",
    "v2.19.0-gpu": "v2.19.0-rc1-gpu",
    "release/pytorch-2.8.0-cu128": "release/pytorch-2.8.0-rc1-cu128",
    "th2.8.0-cu128-flashattn2.8.3": "th2.8.0-cu128-flashattn2.8.3",
    "images/pytorch-cuda/v2.1.0": "",
    "train/2.8.0-cu128": "train/2.8.0-rc1-cu128",
}
"""Tag of a convention -> the first name of it that `envhooks tag` proposes; none where a number is one's own."""


@pytest.mark.parametrize("one", DOCUMENTED.values(), ids=DOCUMENTED)
def test_the_first_name_that_is_proposed_is_good(good: Repo, one: Convention) -> None:
    """Each field is what the Dockerfile has."""
    repository(good, one)
    name = PROPOSED[one.tag]
    done = good.envhooks("tag", "--dry-run")
    if not name:
        assert done.code == 2 and "no next name can be told" in done.err, done.said
        return
    assert f"next: {name} (the first release" in done.out, done.said
    wrong = [check for check, _ in errors(judged(good, name)) if check != "changelog-entry"]
    assert not wrong, (name, wrong)


def test_the_name_after_a_release_goes_by_the_field_that_the_template_means(good: Repo) -> None:
    """The CUDA of the base image, where the template speaks of that, and not the wheel's."""
    repository(good, DOCUMENTED["12.8.1-cudnn-devel-ubuntu24.04"])
    good.git("tag", "-s", "-m", "A release", "12.8.1-cudnn-devel-ubuntu24.04")
    good.commit_files({"Dockerfile": (good.path / "Dockerfile").read_text().replace("12.8.1", "12.9.1")})
    assert "next: 12.9.1-cudnn-devel-ubuntu24.04 (after" in good.envhooks("tag", "--dry-run").out
    again = good.envhooks("tag", "--dry-run", "--at", "HEAD~1")
    assert again.code == 2 and "is of this commit already" in again.err
