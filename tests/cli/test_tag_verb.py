"""`envhooks tag`: everything is checked before anything exists; then it is annotated, signed and pushed."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support import CHANGELOG, DOCKERFILE, GOOD_TAG, Repo, run
from test_check_as import state

STABLE_ENTRY = CHANGELOG.replace(
    "PyTorch 2.8.0 for CUDA 12.8.", "PyTorch 2.8.0 for CUDA 12.8. No known issues; upgrading needs nothing."
)


def test_the_next_tag_is_proposed_annotated_signed_and_pushed(guarded: Repo, server: Repo) -> None:
    done = guarded.envhooks("tag", "--push")
    assert done.code == 0, done.said
    assert f"next: {GOOD_TAG} (the first release" in done.out
    raw = guarded.git("cat-file", "tag", GOOD_TAG)
    assert "\n\nPyTorch 2.8.0 for CUDA 12.8, rc1\n\nFirst candidate with PyTorch 2.8.0." in raw
    body = guarded.git("for-each-ref", "--format=%(contents:body)", f"refs/tags/{GOOD_TAG}")
    trailers = guarded.git("interpret-trailers", "--parse", stdin=f"subject\n\n{body}")
    assert trailers.split("\n") == [
        "Framework: PyTorch 2.8.0+cu128",
        "CUDA: 12.8.1, 12.8",
        "Base-Image: nvidia/cuda:12.8.1-devel-ubuntu24.04",
        "Least-NVIDIA-Driver: 570 (570.124.06 for all of CUDA)",
    ]
    assert server.git("rev-parse", f"refs/tags/{GOOD_TAG}") == guarded.git(
        "rev-parse", f"refs/tags/{GOOD_TAG}"
    )
    assert guarded.envhooks("check", GOOD_TAG).code == 0
    again = guarded.envhooks("tag")
    assert again.code == 2 and f"{GOOD_TAG} is of this commit already" in again.err


def test_main_is_sent_with_the_tag_or_neither_is(guarded: Repo, server: Repo) -> None:
    commit = guarded.commit_files({"README": "x"})
    done = guarded.envhooks("tag", "--push")
    assert done.code == 0 and f"pushed: main and {GOOD_TAG} to origin" in done.out, done.said
    assert server.git("rev-parse", "refs/heads/main") == commit
    server.git("config", "receive.denyUpdates", "true")
    hook = server.path / "hooks/update"
    hook.write_text("#!/bin/sh\ncase $1 in refs/heads/*) exit 1;; esac\n")
    hook.chmod(0o755)
    guarded.commit_files({"README": "y"})
    refused = guarded.envhooks("tag", "PyTorch-CUDA-v2.8-rc2", "--push")
    assert refused.code == 1 and "git push --atomic origin main PyTorch-CUDA-v2.8-rc2" in refused.err, (
        refused.said
    )
    assert not server.has_tag("PyTorch-CUDA-v2.8-rc2") and guarded.has_tag("PyTorch-CUDA-v2.8-rc2")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("PyTorch-CUDA-v2.7-rc1", "[dockerfile-matches]"),
        ("PyTorch-CUDA-2.8", "[tag-name]"),
        ("PyTorch-CUDA-v2.8-rc7", "envhooks changelog PyTorch-CUDA-v2.8-rc7"),
    ],
)
def test_a_refused_draft_leaves_nothing(guarded: Repo, name: str, said: str) -> None:
    guarded.git("status")
    before = state(guarded)
    done = guarded.envhooks("tag", name, "--push")
    assert done.code == 1 and said in done.out and done.out.endswith("nothing was made\n"), done.said
    assert state(guarded) == before


def test_a_key_that_would_be_refused_is_told_before_it_signs(guarded: Repo) -> None:
    home = os.environ["HOME"]
    guarded.git("config", "user.signingkey", f"{home}/stranger.pub")
    guarded.git("status")
    before = state(guarded)
    done = guarded.envhooks("tag", GOOD_TAG)
    assert done.code == 1 and "is not in .envhooks/allowed_signers on origin/main" in done.out, done.said
    assert "envhooks signers add" in done.out and state(guarded) == before


def test_a_dry_run_shows_all_and_makes_nothing(guarded: Repo) -> None:
    guarded.git("status")
    before = state(guarded)
    done = guarded.envhooks("tag", "--dry-run", "--push")
    assert done.code == 0 and f"git push --atomic origin {GOOD_TAG}" in done.out
    assert "    PyTorch 2.8.0 for CUDA 12.8, rc1\n" in done.out and state(guarded) == before


def test_the_stage_follows_the_last_tag(guarded: Repo) -> None:
    guarded.commit_files({"CHANGELOG.md": STABLE_ENTRY})
    guarded.git("push", "-q", "origin", "main")
    assert guarded.envhooks("tag", "--stage", "rc").code == 0
    guarded.commit_files({"README": "x"})
    second = guarded.envhooks("tag")
    assert second.code == 0 and "next: PyTorch-CUDA-v2.8-rc2 (after PyTorch-CUDA-v2.8-rc1)" in second.out, (
        second.said
    )
    stable = guarded.envhooks("tag", "--stage", "stable")
    assert stable.code == 0 and guarded.has_tag("PyTorch-CUDA-v2.8"), stable.said
    again = guarded.envhooks("tag", "--stage", "stable")
    assert again.code == 2 and "PyTorch-CUDA-v2.8 is out already" in again.err
    guarded.commit_files({"README": "y"})
    post = guarded.envhooks("tag", "--dry-run")
    assert "next: PyTorch-CUDA-v2.8-post1 (after PyTorch-CUDA-v2.8)" in post.out, post.said
    new = DOCKERFILE.replace("torch==2.8.0", "torch==2.9.1").replace(
        "torchvision==0.23.0", "torchvision==0.24.1"
    )
    guarded.commit_files({"Dockerfile": new})
    moved = guarded.envhooks("tag")
    assert "next: PyTorch-CUDA-v2.9.1-rc1 (after PyTorch-CUDA-v2.8)" in moved.out, moved.said
    assert moved.code == 1 and "envhooks changelog PyTorch-CUDA-v2.9.1-rc1" in moved.out
    guarded.envhooks("changelog", "PyTorch-CUDA-v2.9.1-rc1", check=True)
    drafted = guarded.envhooks("tag")
    assert drafted.code == 1 and "is written and not committed" in drafted.out
    assert "can be drafted" not in drafted.out, "it is"


POLICY = '[dockerfile]\npath = "{hardware:lower}/Dockerfile"\n'
CPU = "FROM python:3.12.3-slim\nRUN pip install torch==2.8.0+cpu --index-url https://download.pytorch.org/whl/cpu\n"
LINES_LOG = """\
# Changelog

## PyTorch-CPU-v2.8-rc2 and PyTorch-CUDA-v2.8-rc2 - 2026-10-20

Second, to try out; not for production.

## PyTorch-CPU-v2.8-rc1 and PyTorch-CUDA-v2.8-rc1 - 2026-10-12

First, to try out; not for production.
"""


@pytest.fixture
def lines(guarded: Repo) -> Repo:
    """A repository of two lines, each with a first release."""
    guarded.commit_files(
        {
            ".envhooks/policy.toml": POLICY,
            "cuda/Dockerfile": DOCKERFILE,
            "cpu/Dockerfile": CPU,
            "CHANGELOG.md": LINES_LOG,
        }
    )
    guarded.git("push", "-q", "origin", "main")
    for name in ("PyTorch-CPU-v2.8-rc1", GOOD_TAG):
        done = guarded.envhooks("tag", name)
        assert done.code == 0, done.said
    return guarded


def test_several_lines_are_tagged_together_or_not_at_all(lines: Repo) -> None:
    lines.commit_files({"README": "x"})
    lines.git("push", "-q", "origin", "main")
    asked = lines.envhooks("tag")
    assert asked.code == 2 and "there are 2 lines" in asked.err and "--all-lines" in asked.err
    done = lines.envhooks("tag", "--all-lines", "--push")
    assert done.code == 0, done.said
    made = ("PyTorch-CPU-v2.8-rc2", "PyTorch-CUDA-v2.8-rc2")
    assert all(lines.has_tag(name) for name in made)
    lines.commit_files({"README": "y", "cpu/Dockerfile": CPU.replace("==2.8.0+cpu", "")})
    lines.git("status")
    before = state(lines)
    refused = lines.envhooks("tag", "--all-lines")
    assert refused.code != 0 and state(lines) == before, refused.said


def test_what_is_wrong_after_all_is_taken_back(good: Repo) -> None:
    """No hooks are installed, and the program that signs makes something else than it should."""
    program = good.path.parent / "signs-badly"
    program.write_text(
        '#!/bin/sh\nfor last; do :; done\nprintf "%s\\n" "-----BEGIN SSH SIGNATURE-----" x'
        ' "-----END SSH SIGNATURE-----" > "$last.sig"\n'
    )
    program.chmod(0o755)
    good.git("config", "gpg.ssh.program", str(program))
    done = good.envhooks("tag", GOOD_TAG)
    assert done.code == 1 and "no tag was made" in done.err, done.said
    assert not good.has_tag(GOOD_TAG)


def test_on_a_terminal_a_push_is_asked_for(guarded: Repo, server: Repo) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "envhooks", "tag", "--push"],
        cwd=guarded.path, env=guarded.environ, stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    said = b""
    while b"[y/N] " not in said:
        said += os.read(leader, 1024)
    os.write(leader, b"n\n")
    assert process.wait(60) == 0
    os.close(leader)
    assert b"push PyTorch-CUDA-v2.8-rc1 to origin?" in said
    assert guarded.has_tag(GOOD_TAG) and not server.has_tag(GOOD_TAG)


def test_a_name_that_the_policy_leaves_alone_is_no_release(guarded: Repo) -> None:
    guarded.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["nightly-*"]\n'})
    guarded.git("push", "-q", "origin", "main")
    done = guarded.envhooks("tag", "nightly-1")
    assert done.code == 2 and "leaves nightly-1 alone" in done.err


def test_what_the_remote_would_refuse_is_said_before_a_tag_is_made(
    guarded: Repo, server: Repo, tmp_path: Path
) -> None:
    other = server.cloned(tmp_path / "else")
    other.commit("Theirs")
    other.git("push", "-q", "origin", "main")
    guarded.commit_files({"mine": "x"}, "Mine")
    done = guarded.envhooks("tag", "--push")
    assert done.code == 1 and "have gone apart" in done.out and "nothing was made" in done.out, done.said
    assert not guarded.has_tag(GOOD_TAG)
    command = next(line for line in done.out.split("\n") if line.startswith("  git "))
    run(["sh", "-c", command], guarded.path, guarded.environ, check=True)
    done = guarded.envhooks("tag", "--push")
    assert done.code == 0 and server.has_tag(GOOD_TAG), done.said


def test_a_name_that_the_remote_has_is_not_made_again(guarded: Repo, server: Repo, tmp_path: Path) -> None:
    other = server.cloned(tmp_path / "else")
    other.git("tag", "-s", "-m", "x", GOOD_TAG)
    other.git("push", "-q", "origin", GOOD_TAG)
    done = guarded.envhooks("tag", GOOD_TAG, "--push")
    assert done.code == 1 and f"origin has a tag {GOOD_TAG} already" in done.flat, done.said
    assert not guarded.has_tag(GOOD_TAG)
    command = next(line for line in done.out.split("\n") if line.startswith("  git "))
    run(["sh", "-c", command], guarded.path, guarded.environ, check=True)
    assert guarded.git("rev-parse", GOOD_TAG) == server.git("rev-parse", GOOD_TAG)


def test_files_that_are_not_committed_are_named(guarded: Repo) -> None:
    """The commit is judged and tagged; who has edited the Dockerfile since has to know."""
    guarded.write({"Dockerfile": DOCKERFILE.replace("2.8.0", "2.7.1"), "new": "which git does not know"})
    done = guarded.envhooks("tag", "--dry-run")
    assert "note: not committed, and so not in the tag: Dockerfile\n" in done.out, done.said
    guarded.git("stash", "-q")
    assert "not committed" not in guarded.envhooks("tag", "--dry-run").out


def test_a_draft_of_a_wrong_name_is_made_under_the_right_one(guarded: Repo) -> None:
    """No tag is there that could be renamed: the command that is printed makes it at the commit that was meant."""
    meant = guarded.git("rev-parse", "HEAD")
    done = guarded.envhooks("tag", "pytorch-cuda-2.8rc1")
    (fix,) = done.fixes
    words = fix.split()
    assert words[-4:-2] == ["tag", GOOD_TAG] and meant.startswith(words[-1]), fix
    guarded.commit("A later one")
    assert guarded.envhooks("tag", *words[-3:]).code == 0
    assert guarded.git("rev-parse", f"{GOOD_TAG}^{{commit}}") == meant


@pytest.mark.parametrize(
    ("tagged", "stage", "said"),
    [
        ((), "post", "a `post` is a rebuild of a stable release, and there is none"),
        (("PyTorch-CUDA-v2.8-rc1",), "post", "a `post` is a rebuild of a stable release, and there is none"),
        (
            ("PyTorch-CUDA-v2.8-rc1",),
            "beta",
            "v2.8-rc1 is out already, and no beta follows it; the next one is",
        ),
        (
            ("PyTorch-CUDA-v2.8",),
            "rc",
            "PyTorch-CUDA-v2.8 is out already, and no rc follows it; a rebuild of it",
        ),
    ],
)
def test_a_stage_in_which_no_release_can_be_good_is_not_proposed(
    guarded: Repo, tagged: tuple[str, ...], stage: str, said: str
) -> None:
    """tag-order would refuse the name, whatever the changelog says."""
    guarded.commit_files({"CHANGELOG.md": STABLE_ENTRY})
    guarded.git("push", "-q", "origin", "main")
    for name in tagged:
        guarded.envhooks("tag", name, check=True)
    guarded.commit_files({"README": "x"})
    guarded.git("status")
    before = state(guarded)
    done = guarded.envhooks("tag", "--stage", stage)
    assert done.code == 2 and said in done.flat and state(guarded) == before, done.said


@pytest.mark.parametrize(
    ("policy", "arguments", "said"),
    [
        (
            '[tag]\ntemplates = ["{version}-cuda{cuda}"]\n[dockerfile]\npath = "Dockerfile"\n',
            ("--stage", "rc"),
            "{version}-cuda{cuda} writes no stage, so each release is stable",
        ),
        (POLICY, (), "which Dockerfile it is depends on the name: give the first release its name"),
        (
            '[dockerfile]\npath = "Dockerfile"\nbuilt-by = { file = "compose.yaml", name = "{hardware:lower}" }\n',
            (),
            "which Dockerfile it is depends on the name: give the first release its name",
        ),
    ],
)
def test_why_there_is_no_proposal(guarded: Repo, policy: str, arguments: tuple[str, ...], said: str) -> None:
    guarded.commit_files({".envhooks/policy.toml": policy})
    guarded.git("push", "-q", "origin", "main")
    done = guarded.envhooks("tag", *arguments)
    assert done.code == 2 and said in done.flat, done.said


def test_a_number_that_alone_counts_the_releases_is_proposed_whole(guarded: Repo) -> None:
    policy = '[tag]\ntemplates = [{ template = "{cuda}-{variant}-{os}", base = ["cuda"] }]\n'
    guarded.commit_files(
        {
            ".envhooks/policy.toml": policy,
            "Dockerfile": "FROM nvidia/cuda:12.8.1-devel-ubuntu24.04\nRUN pip install torch==2.8.0+cu128\n",
        }
    )
    guarded.git("push", "-q", "origin", "main")
    done = guarded.envhooks("tag", "--dry-run")
    assert "next: 12.8.1-devel-ubuntu24.04 " in done.out, done.said
