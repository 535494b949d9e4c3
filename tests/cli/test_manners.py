"""The command line as a whole: one style of help, suggestions, versions and completion."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import Repo, run

import envhooks
from envhooks import cli
from envhooks.cli import _parser
from envhooks.cli.version import number
from envhooks.judge import engine

VERBS = [verb for verb in cli.verbs() if verb != "hook"]
"""All that are typed by people."""


def typed(*words: str, at: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "COLUMNS": "80", **environ}
    command = [sys.executable, "-m", "envhooks", *words]
    return subprocess.run(command, cwd=at, env=settings, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_helped_in_one_style(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"envhooks.cli.{verb}")
    assert module.GROUP in _parser.GROUPS, "a verb without a group is not in the list of verbs"
    summary = (module.__doc__ or "").strip().split("\n")[0]
    assert len(summary) <= 66 and not summary.endswith("."), "one line of `envhooks --help` at 80 columns"
    with pytest.raises(SystemExit):
        _parser.parse([verb, "--help"], cli.verbs())
    said = capsys.readouterr().out
    assert said.startswith(f"usage: envhooks {verb}")
    assert summary in " ".join(said.split())
    assert "\nexamples:\n" in said and said.endswith(_parser.exit_codes(module) + "\n")
    examples = said.split("\nexamples:\n")[1].split("\n\n")[0].split("\n")
    assert all(len(line) <= 80 for line in examples), "80 columns"
    assert all(len(line) <= 80 for line in _parser.exit_codes(module).split("\n")), "80 columns"
    assert not re.search("exit code|[012]: ", module.__doc__ or "", re.IGNORECASE), "they stand in EXITS"


def test_every_argument_is_explained_in_one_style() -> None:
    """What it takes is in capitals or a list of choices, and its sentence has neither a capital nor a full stop."""
    parser = _parser.build(VERBS)
    leaves = [leaf for verb in VERBS for leaf in _parser._leaves(parser.of_verb[verb])]
    for leaf in leaves:
        assert leaf.description, leaf.prog
        for action in leaf._actions:
            said, takes = action.help or "", str(action.metavar or "")
            assert said and not said.endswith(".") and "(default" not in said, f"{leaf.prog}: {action.dest}"
            assert not said[:2].istitle(), f"{leaf.prog}: {said}"
            if action.nargs != 0 and said != argparse.SUPPRESS:
                assert takes[:1].isupper() or takes[:1] in ("{", "(") or action.choices, (
                    f"{leaf.prog}: {action.dest}"
                )


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_is_a_command_that_parses(verb: str) -> None:
    module = importlib.import_module(f"envhooks.cli.{verb}")
    assert module.EXAMPLES
    for command, _ in module.EXAMPLES:
        words = shlex.split(
            command.replace('"$(', "").replace(')"', "").split(" | ")[-1 if "| envhooks" in command else 0]
        )
        words = words[words.index("envhooks") :]
        assert words[1] == verb
        assert _parser.parse(words[1:], cli.verbs()).run is module.run


def test_the_list_of_verbs_names_each_once_and_fits_a_terminal() -> None:
    said = typed("--help").stdout
    assert typed().stdout == said
    listed = [
        line.split()[0] for line in said.split("\n") if line.startswith("  ") and line.split()[0] in VERBS
    ]
    assert sorted(listed) == sorted(VERBS)
    assert all(len(line) <= 80 for line in said.split("\n"))
    assert len(said.split("\n")) < 66


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("chek",), "did you mean check?"),
        (("uninstal",), "did you mean uninstall?"),
        (("check", "--fech"), "did you mean --fetch?"),
        (("--hlep",), "did you mean --help?"),
        (("-q", "check"), "stands behind it: envhooks check -q"),
        (("list", "--lien", "PyTorch-CUDA"), "did you mean --line?"),
    ],
)
def test_a_slip_is_answered_by_the_nearest_word(words: tuple[str, ...], meant: str) -> None:
    done = typed(*words)
    assert done.returncode == 2
    assert meant in done.stderr and not done.stdout


@pytest.mark.parametrize("words", [("qqq",), ("check", "--qqq"), ("--qqq",), ("q\x1b[31m",)])
def test_nothing_is_suggested_for_what_is_near_to_nothing(words: tuple[str, ...]) -> None:
    done = typed(*words)
    assert done.returncode == 2
    assert "did you mean" not in done.stderr and "see: envhooks" in done.stderr
    assert "\x1b" not in done.stderr


def test_versions_are_those_of_the_programs() -> None:
    said = json.loads(typed("version", "--format", "json").stdout)
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout
    assert said["git"] in git and said["git"] != "missing"
    assert said["envhooks"] == envhooks.__version__
    text = typed("version").stdout
    head = ("schema", "version", "exit_code")
    assert all(version in text for name, version in said.items() if name not in head)
    shown = ", ".join(f"{name} {said[name]}" for name in ("git", "gpg", "ssh"))
    assert typed("--version").stdout == f"envhooks {envhooks.__version__} ({shown})\n"


def test_a_program_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    said = json.loads(typed("version", "--format", "json", PATH=str(tmp_path)).stdout)
    assert {said[name] for name in ("git", "gpg", "gpgv", "ssh")} == {"missing"}
    assert number("OpenSSH_9.2p1 Debian-2") == "9.2p1" and number("odd") == "odd" and number(None) == ""


def completed(line: str, tmp_path: Path, at: Path | None = None) -> set[str]:
    """What the shell is offered behind a line."""
    answer = tmp_path / "answer"
    typed(
        at=at,
        _ARGCOMPLETE="1",
        _ARGCOMPLETE_SHELL="bash",
        _ARGCOMPLETE_IFS="\n",
        _ARGCOMPLETE_STDOUT_FILENAME=str(answer),
        COMP_LINE=line,
        COMP_POINT=str(len(line)),
    )
    return {word.strip() for word in answer.read_text().split("\n")} if answer.exists() else set()


def test_a_shell_completes_verbs_options_choices_and_tags(good: Repo, tmp_path: Path) -> None:
    assert {"check", "changelog", "version"} <= completed("envhooks ", tmp_path)
    assert completed("envhooks chec", tmp_path) == {"check"}
    assert "--fetch" in completed("envhooks check --f", tmp_path)
    assert completed("envhooks list --format ", tmp_path) == {"json", "table", "text"}
    good.git("tag", "JAX-TPU-v9.9")
    assert completed("envhooks check JAX", tmp_path, good.path) == {"JAX-TPU-v9.9"}


def test_no_variable_of_completion_makes_a_verb_pass_unseen(good: Repo, tmp_path: Path) -> None:
    good.git("tag", "JAX-TPU-v9.9")
    settings = {"_ARGCOMPLETE": "1", "COMP_LINE": "envhooks ", "COMP_POINT": "9"}
    done = typed("check", "JAX-TPU-v9.9", at=good.path, **settings)
    assert done.returncode == 1 and "refused" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_completion_is_one_that_the_shell_reads(shell: str, tmp_path: Path) -> None:
    script = typed("completion", shell).stdout
    assert "envhooks" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    assert subprocess.run([program, "-n"], input=script, text=True, check=False).returncode == 0


def test_what_is_explained_can_be_read_by_programs() -> None:
    every = json.loads(typed("explain", "--format", "json").stdout)
    assert {check["id"] for check in every["checks"]} == engine.ids()
    one = json.loads(typed("explain", "on-main", "--format", "json").stdout)
    assert [check for check in every["checks"] if check["id"] == "on-main"] == one["checks"]
    shown = typed("explain", "on-main").stdout
    assert " ".join(one["checks"][0]["page"].split()) in " ".join(shown.split())
    assert all(len(line) <= 80 or line.startswith("    ") for line in shown.split("\n"))
    rows = json.loads(typed("explain", "dockerfile-compatible", "torch", "2.8", "--format", "json").stdout)[
        "rows"
    ]
    assert rows and all(row["torch"].startswith("2.8") for row in rows)


def test_the_doctor_and_the_list_of_signers_can_be_read_by_programs(good: Repo) -> None:
    screen, said = good.envhooks("doctor"), good.envhooks("doctor", "--format", "json")
    document = json.loads(said.out)
    assert said.code == screen.code == 1, "no hooks yet"
    assert any("install" in fault["fix"] for fault in document["faults"])
    assert len(document["faults"]) == screen.out.count("fault: ")
    assert {"git", "hooks", "programs"} <= document["shown"].keys()
    text, listed = (
        good.envhooks("signers", "list").out,
        good.envhooks("signers", "list", "--format", "json").out,
    )
    signers = json.loads(listed)["signers"]
    assert signers and all(signer["key"] in text and signer["who"] in text for signer in signers)


@pytest.mark.parametrize("words", [("list", "--help"), ("explain",), ("version",)])
def test_a_reader_that_goes_away_is_no_fault(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "envhooks", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout and child.stderr
        child.stdout.close()
        assert "Traceback" not in child.stderr.read()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.usefixtures("on_the_path")
def test_bash_itself_completes(good: Repo) -> None:
    line = "envhooks check --verb"
    script = (
        'eval "$(envhooks completion bash)"; COMP_TYPE=9; COMP_WORDS=(envhooks check --verb); COMP_CWORD=2; '
        f'COMP_LINE="{line}"; COMP_POINT={len(line)}; _python_argcomplete envhooks; echo "${{COMPREPLY[@]}}"'
    )
    done = run(["bash", "-c", script], good.path, good.environ)
    assert done.out.split() == ["--verbose"], done.err
