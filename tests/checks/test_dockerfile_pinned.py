"""dockerfile-pinned: levels of what is not pinned."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from dockerfile_parts import at, environment, judged, pinned, subject, torch
from support import DOCKERFILE, Repo

from envhooks.base.dataclass import replace
from envhooks.checks import dockerfile_pinned
from envhooks.image import BaseImage, CannotTell, Unpinned
from envhooks.judge.facts import Unknown
from envhooks.policy.reader import default_policy, parse_policy


@pytest.mark.parametrize(
    ("unpinned", "level"),
    [
        (Unpinned("nvidia/cuda", "base", "nvidia/cuda:latest", "a moving tag", at(1)), "error"),
        (Unpinned("torch", "python", "torch>=2", "a range", at(3)), "error"),
        (Unpinned("torchvision", "python", "torchvision", "no version", at(3)), "error"),
        (Unpinned("jaxlib", "python", "jaxlib", "no version", at(3)), "error"),
        (Unpinned("numpy", "python", "numpy", "no version", at(3)), "warning"),
        (Unpinned("flash-thing", "python", "flash-thing>=2.0", "", at(3), swallowed=True), "error"),
        (Unpinned("git", "system", "git", "no version", at(2)), "note"),
        (Unpinned("pip", "installer", "pip", "no version", at(2)), "note"),
        (Unpinned("git", "system", "git>2", "", at(2), swallowed=True, manager="apt-get"), "error"),
        (Unpinned("pytorch", "python", "pytorch=2.3.0", "any build", at(3), manager="conda"), "warning"),
        (Unpinned("pytorch", "python", "pytorch=2.3", "any patch", at(3), manager="conda"), "error"),
        (Unpinned("pytorch", "python", "pytorch=2.3.0", "no pin of pip", at(3)), "error"),
    ],
)
def test_levels_of_what_is_not_pinned(unpinned: Unpinned, level: str) -> None:
    (finding,) = pinned(environment(unpinned=(unpinned,)))
    assert (finding.level, finding.got, finding.line) == (level, unpinned.text, unpinned.place.line)
    assert unpinned.why in finding.message


def test_what_is_pinned_is_silent() -> None:
    assert pinned(environment(torch("2.8.0"))) == []


@pytest.mark.parametrize("text", ["flash-attn>=2.0", "a[b]>=2.*", "x<3,>=1"])
def test_the_fix_quotes_a_swallowed_pin(tmp_path: Path, text: str) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM x\nRUN pip install {text}\n")
    swallowed = Unpinned("x", "python", text, "", at(2), swallowed=True)
    (finding,) = pinned(environment(unpinned=(swallowed,)))
    subprocess.run(["sh", "-c", finding.fix], cwd=tmp_path, check=True)
    assert (tmp_path / "Dockerfile").read_text() == f'FROM x\nRUN pip install "{text}"\n'


def test_doubts_are_reported_once() -> None:
    doubts = (
        CannotTell("base", "ARG BASE has no default", at(1)),
        CannotTell("torchvision", "computed", at(3)),
        CannotTell("torch", "computed", at(3)),
        CannotTell("numpy", "computed", at(3)),
        CannotTell("hardware", "computed", at(3)),
        CannotTell("packages", "what r.txt asks for is not known", at(4)),
    )
    found = pinned(environment(cannot_tell=doubts))
    assert [(one.level, one.line) for one in found] == [
        ("error", 1),
        ("error", 3),
        ("warning", 3),
        ("warning", 4),
    ]
    alone = pinned(environment(cannot_tell=doubts), naming=Unknown("no tag: a commit is judged"))
    assert [one.level for one in alone] == ["error", "error", "error", "warning", "warning"]


DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("image", "tag", "digest", "got"),
    [
        ("nvidia/cuda", "12.8.1-devel", None, "nvidia/cuda:12.8.1-devel"),
        ("nvidia/cuda", None, None, "nvidia/cuda"),
        ("nvidia/cuda", "12.8.1-devel", DIGEST, ""),
        ("scratch", None, None, ""),
    ],
)
def test_a_base_image_without_a_digest_is_refused_where_the_policy_wants_one(
    image: str, tag: str | None, digest: str | None, got: str
) -> None:
    built = replace(environment(torch("2.8.0")), base=BaseImage(image, tag, digest, at(1)))
    wanted = parse_policy(b"[checks]\ndockerfile-pinned = { base-digest = true }\n", ".envhooks/policy.toml")
    found = list(dockerfile_pinned.check(subject(built), wanted))
    assert [(one.level, one.got, one.expected, one.line) for one in found] == (
        [("error", got, f"{got}@sha256:<digest>", 1)] if got else []
    )
    assert list(dockerfile_pinned.check(subject(built), default_policy())) == []
    assert list(dockerfile_pinned.check(subject(environment(torch("2.8.0"))), wanted)) == []


def test_doubts_about_what_stands_in_a_fixed_base_are_none() -> None:
    """The next build gets the same, whatever it is; what is installed on top of it may change."""
    doubts = (CannotTell("numpy", "it comes with the base", at(1)), CannotTell("scipy", "computed", at(4)))
    built = environment(torch("2.8.0"), cannot_tell=doubts)
    for is_fixed, lines in ((True, [4]), (False, [1, 4])):
        base = BaseImage("pytorch/pytorch", "2.8.0", DIGEST, at(1), is_fixed)
        assert [one.line for one in pinned(replace(built, base=base))] == lines


def test_a_base_image_by_digest_on_request(good: Repo) -> None:
    policy = "[checks]\ndockerfile-pinned = { base-digest = true }\n"
    done = judged(good, policy)
    assert done.code == 1
    assert "by its digest" in done.flat
    pinned = DOCKERFILE.replace("ubuntu24.04", f"ubuntu24.04@sha256:{'a' * 64}")
    assert judged(good, policy, pinned).code == 0
