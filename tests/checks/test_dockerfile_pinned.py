"""dockerfile-pinned: levels of what is not pinned."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from dockerfile_parts import at, environment, judged, pinned, torch
from support import DOCKERFILE, Repo

from envhooks.image import CannotTell, Unpinned
from envhooks.judge.facts import Unknown


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


def test_a_base_image_by_digest_on_request(good: Repo) -> None:
    policy = "[checks]\ndockerfile-pinned = { base-digest = true }\n"
    done = judged(good, policy)
    assert done.code == 1
    assert "by its digest" in done.flat
    pinned = DOCKERFILE.replace("ubuntu24.04", f"ubuntu24.04@sha256:{'a' * 64}")
    assert judged(good, policy, pinned).code == 0
