"""Streams of every kind: closed, full, without a reader, narrow, without colour; and the shells that complete."""

from __future__ import annotations

import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import GOOD_TAG, HEARS_SIGNALS, Repo, first_on_path
from test_documents import LEAVES

from envhooks import cli
from envhooks.cli import _parser
from envhooks.cli._terminal import use_colour

ENVHOOKS = f"{shlex.quote(sys.executable)} -I -m envhooks"
VERBS = ("version", "explain", "doctor", "list", "check --all")


def sh(command: str, repo: Repo, **environ: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in a repository; `E` stands for envhooks."""
    script = f'set -o pipefail; E() {{ {ENVHOOKS} "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", script], cwd=repo.path, env={**repo.environ, **environ}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_standard_output_that_cannot_be_written_is_one_sentence(verb: str, good: Repo) -> None:
    good.git("tag", GOOD_TAG)
    for way, why in (("> /dev/full", "No space left on device"), (">&-", "it is closed")):
        done = sh(f"E {verb} {way}", good)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"envhooks: standard output cannot be written: {why}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_a_reader_that_goes_away_ends_it_silently_as_a_shell_counts(verb: str, good: Repo) -> None:
    good.git("tag", GOOD_TAG)
    done = sh(f"E {verb} | true", good)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_the_first_line_is_there_whoever_takes_no_more(good: Repo) -> None:
    done = sh("E explain | head -1", good)
    assert done.stdout.startswith("changelog-entry") and not done.stderr


@pytest.mark.parametrize("way", ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"])
def test_other_streams_change_no_answer(way: str, good: Repo) -> None:
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    plain, odd = sh(f"E check {GOOD_TAG}", good), sh(f"E check {GOOD_TAG} {way}", good)
    assert (odd.returncode, odd.stdout, odd.stderr) == (0, plain.stdout, "")
    wrong = sh(f"E show v0 {way}", good)
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr
    assert "v0" not in wrong.stdout or wrong.stdout.startswith("{"), "what is wrong stays off standard output"


def test_manifests_of_a_closed_standard_input_are_none(good: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": '[deploy.production]\nstages = ["rc"]\n'})
    good.git("push", "-q", "origin", "main")
    done = sh("E gate - --for production <&-", good)
    assert done.returncode in (0, 2) and "fault of envhooks" not in done.stderr


def test_a_program_that_is_interrupted_says_one_line(good: Repo) -> None:
    slow = good.path.parent / "bin"
    environ = first_on_path(good.environ, slow, {"git": f"#!/bin/sh\n: > {slow}/started\nexec sleep 30\n"})
    start = f"{HEARS_SIGNALS}os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-I", "-c", start, "-I", "-m", "envhooks", "list", "--format", "json"]
    with subprocess.Popen(
        command, cwd=good.path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        end = time.monotonic() + 60
        while not (slow / "started").exists() and time.monotonic() < end:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, "", "envhooks: interrupted\n")


# ------------------------------------------------------------------------------------------- the look


@pytest.mark.parametrize("name", sorted({*LEAVES} - {"hook"}))
@pytest.mark.parametrize("width", [80, 40])
def test_help_fits(
    name: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit):
        _parser.parse([*name.split(), "--help"], cli.verbs())
    said = capsys.readouterr().out
    prose, _, examples = said.partition("\nexamples:\n")
    for line in prose.split("\n"):
        words = line.split()
        assert len(line) <= width or len(words) == 1 or line.startswith("    "), line
    assert all(len(line) <= 80 or "sha256:" in line for line in examples.split("\n"))
    assert "-q, --quiet" in said and "-v, --verbose" in said


@pytest.mark.parametrize(
    ("environ", "is_terminal", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour(
    environ: dict[str, str], is_terminal: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    class Stream:
        def isatty(self) -> bool:
            return is_terminal

    assert use_colour(Stream()) is wanted


@pytest.mark.parametrize("verb", ["list --format text", "show --format text", "check"])
def test_colour_is_forced_and_forbidden_for_every_kind_of_output(verb: str, good: Repo) -> None:
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    line = f"E {verb}" + ("" if verb.startswith("list") else f" {GOOD_TAG}")
    assert "\x1b" not in sh(line, good).stdout
    assert "\x1b" in sh(line, good, FORCE_COLOR="1", TERM="xterm").stdout
    assert "\x1b" not in sh(line, good, FORCE_COLOR="1", NO_COLOR="1").stdout


# ----------------------------------------------------------------------------------------- completion


COMPLETED = {
    "envhooks chec": "check",
    "envhooks check --fe": "--fetch",
    "envhooks check --format sa": "sarif",
    "envhooks list --stage al": "alpha",
    "envhooks show JAX": "JAX-TPU-v9.9",
    "envhooks gate x --for prod": "production",
    "envhooks explain tag-s": "tag-signed",
    "envhooks build x --build im": "image",
    "envhooks record x --remote ori": "origin",
    "envhooks signers rev": "revoke",
    "envhooks signers list --format js": "json",
}


@pytest.fixture
def offered(good: Repo, on_the_path: Path) -> Repo:
    """A repository with one of each that is completed."""
    assert on_the_path.is_dir()
    good.commit_files(
        {
            ".envhooks/policy.toml": '[deploy.production]\nstages = ["rc"]\n[[build]]\nname = "image"\n'
            'using = "command"\nregistry = false\ncommand = ["true"]\n'
        }
    )
    good.git("push", "-q", "origin", "main")
    good.git("tag", "JAX-TPU-v9.9")
    return good


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize("line", COMPLETED)
def test_shells_complete_options_and_values(shell: str, line: str, offered: Repo) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    if shell == "fish":
        script = f"envhooks completion fish | source; complete -C {shlex.quote(line)}"
    else:
        words = line.split(" ")
        script = (
            f'eval "$(envhooks completion bash)"; COMP_TYPE=9; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; '
            f'COMP_LINE="{line}"; COMP_POINT={len(line)}; _python_argcomplete envhooks; '
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
    environ = {**offered.environ, "XDG_CONFIG_HOME": str(offered.path.parent), "TERM": "dumb"}
    done = subprocess.run(
        [program, "-c", script], cwd=offered.path, env=environ, capture_output=True, text=True, check=False
    )
    found = [text.split("\t")[0].strip() for text in done.stdout.split("\n") if text.strip()]
    assert found == [COMPLETED[line]], done.stderr


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize("line", ["envhooks check --fe", "envhooks show JAX", "envhooks gate x --for prod"])
def test_zsh_completes_what_is_typed(line: str, offered: Repo) -> None:
    """At a terminal: its completion runs in the line editor alone."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(offered.path)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {**offered.environ, "TERM": "xterm", "PS1": "> "})
    shown = b""

    def until(wanted: bytes) -> None:
        nonlocal shown
        end = time.monotonic() + 60
        while wanted not in shown:
            assert time.monotonic() < end, shown
            shown += os.read(terminal, 4096)

    try:
        setup = 'autoload -U compinit; compinit -u -D; eval "$(envhooks completion zsh)"; echo rea""dy\n'
        os.write(terminal, setup.encode())
        until(b"ready")
        shown = b""
        os.write(terminal, f"{line}\t".encode())
        rest = COMPLETED[line][len(line.rsplit(" ", 1)[1]) :]
        until(rest.encode())
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)
