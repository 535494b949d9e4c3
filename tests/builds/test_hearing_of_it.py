"""Nobody is left in the dark: what is said at the push, at the next hook, and when a build ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from shop import Shop, shop, until
from support import GOOD_TAG

from envhooks.base.errors import CannotJudge
from envhooks.builds import notify
from envhooks.builds.process import cause

__all__ = ["shop"]


def failed(shop: Shop) -> None:
    shop.write_program('echo "disk full"; exit 3')
    shop.put(GOOD_TAG)
    assert shop.clone.envhooks("build", GOOD_TAG).code == 1


def test_the_next_tag_and_push_name_a_build_that_failed(shop: Shop) -> None:
    failed(shop)
    shop.clone.git("config", "envhooks.pauses", "600")
    doctor = shop.clone.envhooks("doctor")
    assert f"the build image of {GOOD_TAG} failed" in doctor.said
    made = shop.clone.try_git("tag", "-s", "-m", "Another", "PyTorch-CUDA-v2.8-rc2")
    assert made.code == 0
    assert f"the build image of {GOOD_TAG} failed: build-image ended with exit code 3: disk full" in made.err
    assert "envhooks builds" in made.err
    until(lambda: (row := shop.row()) is not None and (row.state, row.attempts) == ("confirmed", 2))
    pushed = shop.push("origin", "PyTorch-CUDA-v2.8-rc2")
    assert pushed.code == 0 and GOOD_TAG in pushed.err and "disk full" in pushed.err


def test_a_good_build_is_not_spoken_of(shop: Shop) -> None:
    assert shop.push().code == 0
    shop.await_state("done")
    made = shop.clone.try_git("tag", "-s", "-m", "Another", "PyTorch-CUDA-v2.8-rc2")
    assert made.code == 0 and "the build" not in made.err


def test_known_faults_are_said_at_the_push(shop: Shop) -> None:
    more = '\n[[build]]\nusing = "webhook"\nurl = "https://127.0.0.1:1/x"\nsecret = "HOOK_SECRET"\n'
    more += '\n[[build]]\nusing = "github"\nworkflo = "x.yml"\n'
    shop.clone.git("tag", "-d", GOOD_TAG)
    shop.write_policy(more=more)
    shop.tag()
    pushed = shop.push()
    assert pushed.code == 0
    assert "the environment variable HOOK_SECRET is not set" in pushed.err
    assert "[[build]] `github`" in pushed.err and "did you mean `workflow`" in pushed.err


def test_a_program_is_told_how_a_build_ended(shop: Shop, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = tmp_path / "tell"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" "$ENVHOOKS_STATE" "$ENVHOOKS_IMAGE" >> {told}\n')
    program.chmod(0o755)
    shop.clone.git("config", "envhooks.notify", f"{program} -x 'a b'")
    failed(shop)
    first, second, title, body, state, image = told.read_text().split("|")[:6]
    assert (first, second, title, state) == ("-x", "a b", f"{GOOD_TAG}: failed", "failed")
    assert "disk full" in body and image.endswith("/team/pytorch-cuda:2.8-rc1")
    told.unlink()
    shop.write_program()
    assert shop.clone.envhooks("builds", "--retry").code == 0
    assert "|done|" in told.read_text()


def test_a_program_that_is_not_there_stops_nothing(shop: Shop) -> None:
    shop.clone.git("config", "envhooks.notify", "/nowhere/tell")
    shop.put(GOOD_TAG)
    done = shop.clone.envhooks("build", GOOD_TAG)
    assert done.code == 0 and "envhooks.notify names no program" in done.err


@pytest.mark.parametrize("text", ["", "'", "./tell x", "nowhere-tell"])
def test_words_that_start_nothing(text: str) -> None:
    with pytest.raises(CannotJudge):
        notify.command(text, "t", "b", {"PATH": "/usr/bin:."})


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("a\nb\n\n", "b"),
        ("", ""),
        (
            "git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\n"
            "Please make sure you have the correct access rights\nand the repository exists.\n",
            "git@example.org: Permission denied (publickey).",
        ),
        ("x\nexit status 1", "x"),
        ("exit status 1", "exit status 1"),
    ],
)
def test_the_line_that_tells_the_cause(output: str, said: str) -> None:
    assert cause(output) == said


def test_of_a_long_line_the_end_is_kept() -> None:
    said = cause("Error: " + "wrapping: " * 100 + "no space left on device")
    assert (
        len(said) == 300
        and said.endswith("no space left on device")
        and said.startswith("\N{HORIZONTAL ELLIPSIS}")
    )


def test_the_watcher_tells_as_well(shop: Shop, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = tmp_path / "tell"
    program.write_text(f'#!/bin/sh\necho "$1" >> {told}\n')
    program.chmod(0o755)
    shop.clone.git("config", "envhooks.notify", str(program))
    assert shop.push().code == 0
    shop.await_state("done")
    until(told.exists)
    assert told.read_text() == f"{GOOD_TAG}: done\n"
