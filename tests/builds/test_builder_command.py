"""A program of the user's own: no shell, nothing from the repository."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path
from typing import Any

import pytest
from builder_parts import PLAN, new_log
from support import Repo

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.builds.builders import command


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """Writes its arguments, its environment and its folder, each on a line of its own."""
    program = tmp_path / "bin" / "image-tool"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\nenv | grep ^ENVHOOKS_\necho "at $(pwd): $(ls -A)"\n'
        'echo "$NEXT"\nexit "${CODE:-0}"\n'
    )
    program.chmod(0o755)
    return program


def plan(*argv: str, **options: Any) -> Any:
    return replace(PLAN, using="command", options={"command": list(argv), **options})


def test_a_program_gets_the_plan(tool: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    log = new_log()
    argv = (str(tool), "--to={own}", "{images}", "{{{tag}}}", "$(id); *", "{context}", "")
    digest = "sha256:" + "e" * 64
    result = command.build(plan(*argv), tmp_path, log, {**environ, "NEXT": digest})
    assert (result.status, result.digest) == ("done", digest)
    said = log.getvalue().split("\n")
    assert f"<--to={PLAN.own}>" in said and f"<{' '.join(PLAN.images)}>" in said
    assert f"<{{{PLAN.tag}}}>" in said and "<$(id); *>" in said and f"<{tmp_path}>" in said and "<>" in said
    assert f"ENVHOOKS_COMMIT={PLAN.commit}" in said and f"ENVHOOKS_KEY={PLAN.key}" in said
    assert f"ENVHOOKS_DOCKERFILE={tmp_path}/Dockerfile" in said
    at = next(line for line in said if line.startswith("at "))
    assert at.endswith(": ") and str(tmp_path) not in at, "an empty folder, not the tree"


def test_the_exit_code_decides(tool: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    result = command.build(plan(str(tool)), tmp_path, new_log(), {**environ, "CODE": "3"})
    assert result.status == "failed" and result.message.startswith("image-tool ended with exit code 3: at ")


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path, environ: dict[str, str]) -> None:
    result = command.build(plan("sleep", "600", timeout=0.005), tmp_path, new_log(), environ)
    assert result.status == "failed" and result.message.startswith("sleep was ended after 0.005 minutes")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="no process descriptors on this system")
def test_the_children_of_a_program_that_is_ended_end_too(tmp_path: Path, environ: dict[str, str]) -> None:
    log = new_log()
    script = "sleep 600 >/dev/null 2>&1 & echo child $!; wait"
    command.build(plan("sh", "-c", script, timeout=0.01), tmp_path, log, environ)
    child = int(log.getvalue().rpartition("child ")[2])
    try:
        descriptor = os.pidfd_open(child)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 10)[0], "it still runs"
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        os.close(descriptor)


def test_git_variables_of_a_hook_do_not_reach_it(tmp_path: Path, environ: dict[str, str]) -> None:
    log = new_log()
    command.build(plan("env"), tmp_path, log, {**environ, "GIT_DIR": "/somewhere", "MINE": "yes"})
    assert "GIT_DIR" not in log.getvalue() and "MINE=yes" in log.getvalue()


def test_the_dry_run_is_the_log_s_first_line(tool: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    log = new_log()
    made = plan(str(tool), "{tag}", "two words")
    command.build(made, tmp_path, log, environ)
    assert log.getvalue().split("\n")[0] == "$ " + command.commands(made, tmp_path)[0]
    assert command.commands(made, tmp_path) == (f"{tool} {PLAN.tag} 'two words'",)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "has no `command`"),
        ({"command": []}, "has no `command`"),
        ({"command": "make image"}, "a list of words"),
        ({"command": ["make", 3]}, "a list of texts"),
        ({"command": ["./build.sh"]}, "inside the repository"),
        ({"command": ["scripts/build.sh"]}, "inside the repository"),
        ({"command": ["../x"]}, "inside the repository"),
        ({"command": ["~/x"]}, "inside the repository"),
        ({"command": ["{context}/build.sh"]}, "made from the tag"),
        ({"command": ["sh", "{context}/build.sh"]}, "would run a file of the repository"),
        (
            {"command": ["/usr/bin/python3.11", "-m", "x", "{context}/a.py"]},
            "would run a file of the repository",
        ),
        ({"command": ["env", "-C", "{context}", "make"]}, "would run a file of the repository"),
        ({"command": ["make", "-C", "{context}"]}, "would run a file of the repository"),
        ({"command": ["x", "{imag}"]}, "did you mean `{image}`"),
        ({"command": ["x", "{tag.__class__}"]}, "is no field"),
        ({"command": ["x", "{tag"]}, "a brace that stands alone"),
        ({"command": ["x"], "shell": True}, "`shell` is no key"),
        ({"command": ["x"], "timeout": "long"}, "minutes"),
        ({"command": ["x\0y"]}, "a list of texts"),
    ],
)
def test_what_a_command_may_not_say(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError) as found:
        command.check_options(options)
    assert said in found.value.message


def test_a_program_in_a_work_tree_is_refused(tool: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    work = tmp_path / "work"
    (work / ".git").mkdir(parents=True)
    inside = work / "image-tool"
    inside.write_bytes(tool.read_bytes())
    inside.chmod(0o755)
    link = tmp_path / "bin" / "linked"
    link.symlink_to(inside)
    by_path = {**environ, "PATH": f"{work}:{environ['PATH']}"}
    for argv, env in (
        ((str(inside),), environ),
        ((str(link),), environ),
        (("image-tool",), by_path),
        (("sh", str(inside)), environ),
    ):
        with pytest.raises(PolicyError, match="lies in the work tree"):
            command.build(plan(*argv), tmp_path, new_log(), env)


@pytest.mark.parametrize(
    ("how", "is_refused"),
    [
        ("another", False),
        ("remote", True),
        ("commit", True),
        ("tag", True),
        ("itself", True),
        ("nested", True),
    ],
)
def test_only_a_clone_of_what_is_built_is_refused(
    tool: Path, tmp_path: Path, environ: dict[str, str], how: str, is_refused: bool
) -> None:
    """Homebrew's programs lie in a repository of its own, and so do those of many a person's tools."""
    brew = Repo(tmp_path / "opt/homebrew", environ)
    brew.path.mkdir(parents=True)
    brew.git("init", "-q", "-b", "main")
    brew.commit_files({"README": "tools\n"}, "Begin")
    brew.git("tag", "-a", "-m", "x", "v1")
    brew.git("remote", "add", "origin", "https://github.com/Homebrew/brew")
    program = brew.path / "bin" / "image-tool"
    made = plan(str(program))
    if how == "remote":
        brew.git("remote", "add", "team", "git@github.com:team/environments")
    elif how == "commit":
        made = replace(made, commit=brew.git("rev-parse", "HEAD"))
    elif how == "tag":
        made = replace(made, tag_object=brew.git("rev-parse", "v1"))
    elif how == "itself":
        made = replace(made, remote_url=str(brew.path))
    elif how == "nested":  # another one inside of a clone of what is built
        made = replace(made, commit=brew.git("rev-parse", "HEAD"))
        inner = Repo(brew.path / "vendor", environ)
        inner.path.mkdir()
        inner.git("init", "-q")
        program = inner.path / "image-tool"
        made = replace(made, options={"command": [str(program)]})
    program.parent.mkdir(exist_ok=True)
    program.write_bytes(tool.read_bytes())
    program.chmod(0o755)
    if is_refused:
        with pytest.raises(PolicyError, match=r"a clone of|the repository that is built"):
            command.commands(made, tmp_path)
        with pytest.raises(PolicyError, match="lies in the work tree"):
            command.build(made, tmp_path, new_log(), environ)
    else:
        assert command.commands(made, tmp_path) == (str(program),)
        assert command.build(made, tmp_path, new_log(), environ).status == "done"


def test_the_current_folder_on_path_is_passed_over(
    tool: Path, tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tool.parent)
    for path in ("", ".", ":/nowhere", "bin"):
        with pytest.raises(CannotJudge, match="was not found"):
            command.build(plan("image-tool"), tmp_path, new_log(), {**environ, "PATH": path})


def test_what_a_person_is_shown() -> None:
    said = command.describe({"command": ["/opt/build", "{own}", "a b"]})
    assert said[0] == "runs /opt/build '{own}' 'a b'" and "your rights" in said[1]
