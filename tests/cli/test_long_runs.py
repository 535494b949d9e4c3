"""Long runs on a terminal: what they show, and how they end in the midst of it, by Ctrl-C or a signal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from support import HEARS_SIGNALS, Repo, first_on_path, run

from envhooks.signatures.parallel import ENOUGH

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

ROOT = Path(__file__).parent.parent.parent
CTRL_C = b"\x03"
DEADLINE = 60.0
# a repository of so many signed tags, made in a home of its own of which nothing is left
MAKE = """\
import shutil, sys
from benchmarks.world import Shape, home, make
with home() as home:
    shutil.copytree(make(home, "made", Shape(int(sys.argv[2])), ("ssh", "openpgp")), sys.argv[1], symlinks=True)
"""
CHECK = "check --all --jobs 2"
# as where the extra `fast` is not installed: each signature is verified by a program
PLAIN = """\
import sys
sys.modules.update(cryptography=None, pysequoia=None)
from envhooks.__main__ import main
sys.exit(main())
"""
# in forks, but not so fast that they are gone before anybody can press a key
FORKED = """\
import sys, time
from envhooks.signatures.fast import Fast
verify = Fast.verify
def slowly(self, payload):
    time.sleep(0.01)
    return verify(self, payload)
Fast.verify = slowly
from envhooks.__main__ import main
sys.exit(main())
"""
# a session of its own, with stdin as the terminal that controls it
LEADER = f"""\
{HEARS_SIGNALS}
import fcntl, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-I", "-c", *sys.argv[1:]])
"""


@dataclass
class Terminal:
    """A run whose stdin and stderr are a terminal, in a session of its own."""

    process: subprocess.Popen[bytes]
    keyboard: int
    report: Path
    columns: int = 80
    shown: bytes = field(default=b"")

    @classmethod
    def start(cls, script: str, repo: Repo, report: Path, arguments: str, columns: int) -> Terminal:
        keyboard, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [sys.executable, "-I", "-c", LEADER, script, *arguments.split()]
        with report.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=repo.path, env=repo.environ, stdin=screen, stdout=out, stderr=screen
            )
        os.close(screen)
        return cls(process, keyboard, report, columns)

    def read_until(self, is_there: Callable[[], bool]) -> None:
        """Take in what is shown until it is so, or the terminal is closed."""
        end = time.monotonic() + DEADLINE
        while not is_there():
            assert time.monotonic() < end, self.shown
            if select.select([self.keyboard], [], [], 0.05)[0]:
                try:
                    data = os.read(self.keyboard, 65536)
                except OSError:  # EIO: nobody has it open any more
                    data = b""
                if not data:
                    return
                self.shown += data

    def press(self, *keys: bytes) -> None:
        for key in keys:
            os.write(self.keyboard, key)
            time.sleep(0.005)

    def end(self) -> int:
        """The exit code, once all is read."""
        self.read_until(lambda: False)
        return self.process.wait(DEADLINE)

    @property
    def lines(self) -> list[str]:
        """What a person sees at last: what comes is written over what stands there, or clears it."""
        found, at, column = [""], 0, 0
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]", self.shown.decode()):
            if part == "\n" or (column == self.columns and len(part) == 1 and part != "\r"):
                at, column = at + 1, 0
                found += [""] * (at == len(found))
            if part == "\r":
                column = 0
            elif part == "\x1b[1A":
                at -= 1
            elif part == "\x1b[2K":
                found[at] = ""
            elif len(part) == 1 and part != "\n":
                found[at] = found[at].ljust(column)[:column] + part + found[at][column + 1 :]
                column += 1
            else:
                assert part == "\n" or part.endswith("m"), "a colour, or nothing that stays behind"
        return [line.rstrip() for line in found]

    @property
    def family(self) -> list[str]:
        """The processes of this session that are not dead, without the one that leads it."""
        listed = run(
            ["ps", "-ww", "-A", "-o", "pgid=", "-o", "pid=", "-o", "stat=", "-o", "args="],
            Path("/"),
            os.environ,
        )
        found = (line.split(None, 3) for line in listed.out.splitlines())
        own = str(self.process.pid)
        return [line[3] for line in found if line[0] == own != line[1] and not line[2].startswith("Z")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]) -> Callable[[int], Path]:
    known: dict[int, Path] = {}

    def make(tags: int) -> Path:
        if tags not in known:
            known[tags] = tmp_path_factory.mktemp("tags") / "repo"
            environ = {**session_environ, "PYTHONDONTWRITEBYTECODE": "1"}
            run([sys.executable, "-c", MAKE, str(known[tags]), str(tags)], ROOT, environ, check=True)
        return known[tags]

    return make


@pytest.fixture
def many(made: Callable[[int], Path], tmp_path: Path, environ: dict[str, str]) -> Callable[[int], Repo]:
    """A repository of so many good tags, with programs that take their time and a TMPDIR of its own."""

    def repo(tags: int) -> Repo:
        shutil.copytree(made(tags), tmp_path / "repo", symlinks=True)
        (tmp_path / "tmp").mkdir()
        (tmp_path / "home").mkdir()
        (tmp_path / "pause").write_text("0.08")
        pause = f'#!/bin/sh\nsleep "$(cat {tmp_path}/pause)"\nexec '
        slow = {name: f'{pause}{shutil.which(name)} "$@"\n' for name in ("gpgv", "ssh-keygen")}
        own = {"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "home"), "TERM": "xterm"}
        return Repo(tmp_path / "repo", {**first_on_path(environ, tmp_path / "bin", slow), **own})

    return repo


Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a run, as `Terminal.start` does; what a failed test leaves is ended."""
    started: list[Terminal] = []

    def begin(script: str, repo: Repo, arguments: str = CHECK, columns: int = 80) -> Terminal:
        started.append(Terminal.start(script, repo, tmp_path / "report", arguments, columns))
        return started[-1]

    yield begin
    for terminal in started:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()


def verdicts(repo: Repo, *options: str) -> object:
    done = repo.envhooks("check", "--all", "--format", "json", *options)
    assert done.code == 0, done.said
    return json.loads(done.out)["tags"]


def nothing_left(terminal: Terminal, repo: Repo) -> None:
    end = time.monotonic() + DEADLINE  # a `sleep` of a program above is nobody's child to wait for
    while terminal.family and time.monotonic() < end:
        time.sleep(0.02)
    assert terminal.family == []
    assert list(Path(repo.environ["TMPDIR"]).iterdir()) == []


def interrupted(
    terminal: Terminal, repo: Repo, code: int, how: Callable[[Terminal], object], running: str
) -> None:
    """End the run while it verifies; `running` is a pattern of processes that it has then."""

    def is_in_the_midst() -> bool:
        found = b"signatures verified" in terminal.shown and re.search(running, "\n".join(terminal.family))
        return bool(found)

    terminal.read_until(is_in_the_midst)
    how(terminal)
    assert terminal.end() == code
    word = {130: "interrupted", 143: "ended by SIGTERM"}[code]
    # keys that are pressed afterwards are shown by the terminal itself, wherever the cursor is
    said = [line.replace("^C", "").rstrip() for line in terminal.lines]
    assert "\n".join(filter(None, said)) == f"envhooks: {word}"
    assert terminal.report.read_bytes() == b""
    nothing_left(terminal, repo)


WAYS = {
    "ctrl-c": (130, lambda terminal: terminal.press(CTRL_C)),
    "ctrl-c, three times": (130, lambda terminal: terminal.press(CTRL_C, CTRL_C, CTRL_C)),
    "sigterm": (143, lambda terminal: terminal.process.terminate()),
}


@pytest.mark.parametrize("way", WAYS)
def test_programs_and_folders_are_gone(
    way: str, many: Callable[[int], Repo], start: Start, tmp_path: Path
) -> None:
    """The next run is none the worse."""
    repo = many(60)
    (tmp_path / "pause").write_text("0.4")  # long enough to be met at it on a busy machine
    terminal = start(PLAIN, repo)
    interrupted(terminal, repo, *WAYS[way], "gpgv --homedir|ssh-keygen -Y verify")
    (tmp_path / "pause").write_text("0")
    assert verdicts(repo) == verdicts(repo)


@pytest.mark.parametrize("way", WAYS)
def test_forks_are_gone(way: str, many: Callable[[int], Repo], start: Start) -> None:
    repo = many(ENOUGH)
    terminal = start(FORKED, repo)
    interrupted(terminal, repo, *WAYS[way], "from envhooks.signatures.fast import Fast")
    assert not (repo.path / ".git" / "envhooks").exists()


def test_a_terminal_that_is_closed_ends_it_too(
    many: Callable[[int], Repo], start: Start, tmp_path: Path
) -> None:
    repo = many(60)
    (tmp_path / "pause").write_text("0.4")
    terminal = start(PLAIN, repo)
    terminal.read_until(lambda: b"signatures verified" in terminal.shown)
    os.close(terminal.keyboard)
    assert terminal.process.wait(DEADLINE) == 128 + signal.SIGHUP
    nothing_left(terminal, repo)


@pytest.mark.parametrize("columns", [80, 40])
def test_a_bar_comes_after_a_second_and_goes_away(
    columns: int, many: Callable[[int], Repo], start: Start
) -> None:
    repo = many(60)
    started = time.monotonic()
    terminal = start(PLAIN, repo, columns=columns)
    terminal.read_until(lambda: b"of 60 signatures" in terminal.shown)
    assert time.monotonic() - started >= 1
    assert len(terminal.lines) == 1 and re.fullmatch(r"\S+ +[0-9]+ of 60 signatures.*", terminal.lines[0])
    assert terminal.end() == 0
    assert terminal.lines == ["", ""], "the line, and the one on which the cursor is"
    assert b"60 tags: 60 good;" in terminal.report.read_bytes()
    assert b"\x1b" not in terminal.report.read_bytes()
    nothing_left(terminal, repo)


@pytest.mark.parametrize("way", ["no terminal", "--quiet", "--verbose", "TERM=dumb"])
def test_no_bar(way: str, many: Callable[[int], Repo], start: Start) -> None:
    repo = many(60)
    started = time.monotonic()
    if way == "no terminal":
        done = run([sys.executable, "-I", "-c", PLAIN, *CHECK.split()], repo.path, repo.environ)
        assert (done.code, done.err) == (0, "")
    else:
        option = way if way.startswith("-") else ""
        own = replace(repo, environ={**repo.environ, **({} if option else {"TERM": "dumb"})})
        terminal = start(PLAIN, own, f"{CHECK} {option}")
        assert terminal.end() == 0
        assert b"signatures verified" not in terminal.shown and b"\x1b" not in terminal.shown
    assert time.monotonic() - started > 2


def test_without_colour_the_bar_has_none(many: Callable[[int], Repo], start: Start) -> None:
    repo = many(60)
    terminal = start(PLAIN, replace(repo, environ={**repo.environ, "NO_COLOR": "1"}))
    assert terminal.end() == 0
    assert b"signatures verified" in terminal.shown
    assert not re.search(rb"\x1b\[[0-9;]*[34][0-9]", terminal.shown)


@pytest.mark.parametrize("columns", [80, 40])
def test_who_does_not_answer_is_waited_for_in_one_line(columns: int, guarded: Repo, start: Start) -> None:
    """Drawn while nothing is told; Ctrl-C takes it away, and the terminal is as it was."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        repo = replace(guarded, environ={**guarded.environ, "TERM": "xterm"})
        terminal = start(PLAIN, repo, f"compat update --index {address}", columns)
        before = termios.tcgetattr(terminal.keyboard)
        terminal.read_until(lambda: terminal.shown.count(b" 0 of ") > 3)
        assert re.match(r"\S+ +0 of [0-9]+ packages", terminal.lines[0]) and len(terminal.lines) == 1
        assert termios.tcgetattr(terminal.keyboard) == before
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    assert [line.replace("^C", "") for line in terminal.lines if line] == ["envhooks: interrupted"]
    assert terminal.report.read_bytes() == b""
