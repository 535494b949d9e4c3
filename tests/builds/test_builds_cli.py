"""`envhooks build` and `envhooks builds`, as a person and as a program uses them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shop import DEADLINE, Shop, shop, until
from support import GOOD_TAG, WITHOUT_HOOKS

from envhooks.base.dataclass import replace
from envhooks.builds import show

__all__ = ["shop"]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


@pytest.fixture
def held(shop: Shop) -> Shop:
    """The remote holds the tag, and nothing was armed."""
    shop.put(GOOD_TAG)
    return shop


def test_a_dry_run_prints_what_is_then_executed(held: Shop) -> None:
    printed = held.clone.envhooks("build", GOOD_TAG, "--dry-run", check=True)
    assert held.built() == []
    assert held.ledger.rows() == ()
    (line,) = printed.out.splitlines()
    done = held.clone.envhooks("build", GOOD_TAG, check=True)
    assert f"| $ {line}\n" in done.err
    assert line == f"{held.program} {held.built()[0]}"
    assert held.state() == "done"


def test_what_the_remote_does_not_hold_is_not_built(shop: Shop) -> None:
    said = shop.clone.envhooks("build", GOOD_TAG)
    assert said.code == 2
    assert f"git push origin {GOOD_TAG}" in said.err
    assert shop.clone.envhooks("build", "nonsense").code == 2


def test_a_bad_tag_is_not_built(shop: Shop) -> None:
    shop.clone.git(*WITHOUT_HOOKS, "tag", "-a", "-m", "unsigned", "PyTorch-CUDA-v2.8")
    shop.server.git("fetch", "-q", str(shop.clone.path), "refs/tags/*:refs/tags/*")
    said = shop.clone.envhooks("build", "PyTorch-CUDA-v2.8")
    assert said.code == 1
    assert "tag-signed" in said.err
    assert shop.built() == []


def test_it_needs_consent_which_allow_gives(held: Shop) -> None:
    held.clone.git("config", "--remove-section", "envhooks.allow.image")
    said = held.clone.envhooks("build", GOOD_TAG)
    assert said.code == 2
    assert str(held.program) in said.err
    assert held.built() == []
    assert held.clone.envhooks("build", GOOD_TAG, "--allow").code == 0
    assert len(held.built()) == 1


def test_a_failure_says_the_step_the_log_and_what_to_type(held: Shop) -> None:
    held.write_program('echo "disk full"; exit 3')
    said = held.clone.envhooks("build", GOOD_TAG)
    assert said.code == 1
    assert "exit code 3" in said.err
    assert "| disk full" in said.err
    assert f"again: envhooks build {GOOD_TAG}" in said.err


def test_the_table_shows_how_the_log_of_a_failure_ends(held: Shop) -> None:
    """A few lines, none of them long, and nothing in them that moves the cursor."""
    held.write_program('seq 1 40; printf "%0900d\\n" 7; printf "\\033[2Jdisk full\\r\\n\\n"; exit 3')
    assert held.clone.envhooks("build", GOOD_TAG).code == 1
    row = held.row()
    assert row
    said = held.clone.envhooks("builds", check=True)
    head, built, image, why, *rest = said.out.splitlines()
    assert image == "    registry.example.com/team/pytorch-cuda:2.8-rc1"
    assert head.startswith("TAG") and f"{GOOD_TAG}  image" in built and "  failed  " in built
    assert "exit code 3: \\x1b[2Jdisk full" in why
    assert rest == [
        *(f"    | {number}" for number in (38, 39, 40)),
        f"    | {'0' * 159}…",
        "    | \\x1b[2Jdisk full",
        f"    log: {row.log}",
        "    again: envhooks builds --retry",
    ]
    (build,) = json.loads(held.clone.envhooks("builds", "--format", "json", check=True).out)["builds"]
    assert (build["state"], build["reason"], build["log"]) == ("failed", row.reason, row.log)
    assert build["image"] == "registry.example.com/team/pytorch-cuda:2.8-rc1"

    # a process that was killed while it built left a log as well
    killed = show.table([replace(row, state="building", owner="", reason="")], "AGAIN").splitlines()
    assert "  interrupted  " in killed[1]
    assert killed[3:] == [*rest[:-1], "    again: AGAIN"]

    # once the log is gone, it is passed over
    Path(row.log).unlink()
    assert held.clone.envhooks("builds", check=True).out.splitlines()[3:] == [why, rest[-1]]

    # said once, where it failed just now
    again = held.clone.envhooks("builds", "--retry")
    assert again.code == 1
    assert "|" not in again.out and "again:" not in again.out
    assert again.err.count("again: envhooks builds --retry") == 1

    held.write_program()
    assert held.clone.envhooks("builds", "--retry").code == 0
    assert "again:" not in held.clone.envhooks("builds", check=True).out


def test_an_unknown_section_or_remote_is_said(held: Shop) -> None:
    said = held.clone.envhooks("build", GOOD_TAG, "--build", "docs")
    assert said.code == 2
    assert "image" in said.err
    assert held.clone.envhooks("build", GOOD_TAG, "--remote", "nowhere").code == 2


def test_a_tag_of_the_remote_decides_about_aliases(held: Shop) -> None:
    held.write_policy(more="")
    held.clone.git("tag", "-d", GOOD_TAG)
    # this clone has never seen v2.9, and it is what latest goes by
    head = held.server.git("rev-parse", "main")
    held.server.git(
        "-c", "user.name=x", "-c", "user.email=x@x", "tag", "-a", "-m", "x", "PyTorch-CUDA-v2.9", head
    )
    held.tag("PyTorch-CUDA-v2.8")
    held.put("PyTorch-CUDA-v2.8")
    printed = held.clone.envhooks("build", "PyTorch-CUDA-v2.8", "--dry-run", check=True)
    assert "latest is left alone: PyTorch-CUDA-v2.9" in printed.err


def add_submodule(shop: Shop) -> None:
    shop.clone.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor")
    shop.clone.git("commit", "-q", "-m", "A submodule")


def add_pointer(shop: Shop) -> None:
    shop.clone.commit_files({"models/weights.bin": POINTER})


@pytest.mark.parametrize(
    ("add", "place", "why", "allowance"),
    [
        (add_submodule, "vendor", "this is a submodule, and a build does not fetch", 'submodules = "ignore"'),
        (
            add_pointer,
            "models/weights.bin",
            "this is a pointer of Git LFS, and the file itself",
            'lfs = "pointers"',
        ),
    ],
)
def test_what_is_not_in_the_commit_is_exit_2_unless_it_is_allowed(
    shop: Shop, add: Callable[[Shop], None], place: str, why: str, allowance: str
) -> None:
    """Reason and fix, in a dry run too; and that fix helps."""
    shop.clone.git("tag", "-d", GOOD_TAG)
    add(shop)
    shop.tag()
    shop.put("main", GOOD_TAG)
    commit = shop.clone.git("rev-parse", f"{GOOD_TAG}^{{commit}}")[:12]
    dry = shop.clone.envhooks("build", GOOD_TAG, "--dry-run")
    assert (dry.code, dry.out) == (2, "")
    wet = shop.clone.envhooks("build", GOOD_TAG)
    for said in (dry.err, wet.err, wet.out, shop.clone.envhooks("builds", check=True).out):
        assert f"{commit}:{place}: {why}" in said
        assert re.search(rf"\n +advice: {re.escape(allowance)} in the \[\[build]] section", said)
        assert "\\n" not in said
    assert wet.code == 2
    assert shop.clone.envhooks("builds", "--retry").code == 2
    assert shop.built() == []

    # the policy is main's, so the tag that is there can be built by it
    shop.write_policy(more=allowance + "\n")
    printed = shop.clone.envhooks("build", GOOD_TAG, "--dry-run", check=True)
    assert printed.out.startswith(f"{shop.program} {GOOD_TAG} ")
    assert shop.built() == []
    shop.clone.envhooks("build", GOOD_TAG, "--allow", check=True)
    assert len(shop.built()) == 1
    assert list((shop.ledger.folder / "work").glob("*")) == []


def test_programs_read_json(held: Shop) -> None:
    empty = held.clone.envhooks("builds", "--format", "json", check=True)
    assert json.loads(empty.out)["builds"] == []
    held.clone.envhooks("build", GOOD_TAG, check=True)
    (build,) = json.loads(held.clone.envhooks("builds", "--format", "json", check=True).out)["builds"]
    assert (build["tag"], build["state"], build["attempts"]) == (GOOD_TAG, "done", 1)
    assert len(build["key"]) == 64


def test_follow_ends_when_nothing_goes_on(held: Shop) -> None:
    assert held.clone.envhooks("builds", "--follow").code == 0
    held.clone.envhooks("build", GOOD_TAG, check=True)
    assert "done" in held.clone.envhooks("builds", "--follow", check=True).out


def test_the_end_is_said_below_the_whole_log(held: Shop) -> None:
    """A log that ends within one look of --follow was shown after the state in which it ended."""
    go, read = held.folder / "go", held.folder / "read"
    held.write_program(f'echo first; until [ -e "{go}" ]; do sleep 0.05; done; echo the last words')
    argv = [sys.executable, "-I", "-m", "envhooks"]
    one: dict[str, Any] = {"cwd": held.clone.path, "env": held.clone.environ, "stdout": subprocess.DEVNULL}
    building = subprocess.Popen([*argv, "build", GOOD_TAG, "--allow"], stderr=subprocess.DEVNULL, **one)
    until(lambda: held.state() == "building")
    with read.open("w") as said:
        following = subprocess.Popen([*argv, "builds", "--follow"], stderr=said, **one)
    until(lambda: "| first" in read.read_text(), read.read_text)
    go.touch()
    assert (building.wait(DEADLINE), following.wait(DEADLINE)) == (0, 0)
    text = read.read_text()
    assert text.index("| the last words") < text.index(f"{GOOD_TAG} (image): done"), text


def test_pauses_that_are_none_are_said(shop: Shop) -> None:
    shop.clone.git("config", "envhooks.pauses", "soon")
    shop.push()
    shop.await_state("done")
    assert "envhooks.pauses" in shop.log()


def test_in_ci_the_sections_of_ci_are_meant(held: Shop) -> None:
    more = (
        f'[[build]]\nname = "ci"\nusing = "command"\non = "ci"\ncommand = ["{held.program}", "{{build}}"]\n'
    )
    held.clone.git("tag", "-d", GOOD_TAG)
    held.write_policy(more=more)
    environ = {**held.clone.environ, "CI": "true"}
    from support import Repo

    held.clone.git("fetch", "-q", "--tags")
    printed = Repo(held.clone.path, environ).envhooks("build", GOOD_TAG, "--dry-run", check=True)
    assert printed.out == f"{held.program} ci\n"


def test_a_build_is_cancelled_and_forgotten(held: Shop) -> None:
    held.write_program("exit 3")
    assert held.clone.envhooks("build", GOOD_TAG, "--allow").code == 1
    cancelled = held.clone.envhooks("builds", "--cancel", GOOD_TAG)
    assert cancelled.code == 0, cancelled.said
    row = held.row()
    assert row is not None and (row.state, row.reason) == ("dropped", "cancelled by a person")
    assert "nothing was waiting" in held.clone.envhooks("builds", "--cancel", GOOD_TAG).err
    assert held.clone.envhooks("builds", "--retry").code == 0 and len(held.built()) == 1
    forgotten = held.clone.envhooks("builds", "--forget", GOOD_TAG)
    assert forgotten.code == 0 and "what is published stays published" in forgotten.err
    assert held.ledger.rows() == ()
    unknown = held.clone.envhooks("builds", "--forget", "no\x1b[2J")
    assert unknown.code == 2 and "nothing was built of no\\x1b[2J" in unknown.err


def test_what_is_being_built_is_ended_when_it_is_cancelled(held: Shop) -> None:
    held.write_program("sleep 600")
    running = subprocess.Popen(
        [sys.executable, "-m", "envhooks", "build", GOOD_TAG, "--allow"],
        cwd=held.clone.path,
        env=held.clone.environ,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        held.await_state("building")
        until(lambda: bool(held.built()))
        refused = held.clone.envhooks("builds", "--forget", GOOD_TAG)
        assert refused.code == 2 and f"envhooks builds --cancel {GOOD_TAG}" in refused.err
        assert held.clone.envhooks("builds", "--cancel", GOOD_TAG).code == 0
        running.wait(30)
    finally:
        running.kill()
        running.wait()
    row = held.row()
    assert row is not None and row.state == "dropped" and len(held.built()) == 1


def test_only_a_local_build_is_built_beside(held: Shop) -> None:
    done = held.clone.envhooks("build", GOOD_TAG, "--again", "--allow")
    assert done.code == 2 and "only a local build that goes to a registry" in done.err
