"""What the server of calls forks is what Python starts: the same world around it, and the same answers."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import forked
import pytest
from support import GOOD_TAG, Repo, run

WORLD = """\
import gc, io, json, locale, os, resource, signal, stat, sys, tempfile, threading, time, warnings
try:
    raise ValueError
except ValueError as error:
    frames = error.__traceback__.tb_frame.f_code.co_name
def stream(file, number):
    kind = os.fstat(number).st_mode
    return [type(file).__name__, file.encoding, file.errors, file.name, file.mode, file.newlines, file.fileno(),
        file.isatty(), file.line_buffering, file.write_through, file.seekable(), file.closed, stat.S_ISFIFO(kind),
        stat.S_ISREG(kind), os.get_inheritable(number)]
fds = sorted(int(fd) for fd in os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else [0, 1, 2, 3]
print(json.dumps({
    "streams": [stream(sys.stdin, 0), stream(sys.stdout, 1), stream(sys.stderr, 2)],
    "the first ones": [sys.__stdin__ is sys.stdin, sys.__stdout__ is sys.stdout, sys.__stderr__ is sys.stderr],
    "files": fds,
    "signals": {str(one): str(signal.getsignal(one)) for one in sorted(signal.valid_signals())},
    "mask": sorted(str(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "wakeup": signal.set_wakeup_fd(-1), "alarm": signal.alarm(0), "timer": signal.getitimer(signal.ITIMER_REAL),
    "limits": [resource.getrlimit(one) for one in range(10)],
    "argv": sys.argv, "orig": sys.orig_argv, "flags": str(sys.flags), "path": sys.path, "prefix": sys.prefix,
    "executable": sys.executable, "warn": sys.warnoptions, "options": sys._xoptions, "recursion":
    sys.getrecursionlimit(), "filesystem": [sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()],
    "name": __name__, "frames": frames, "hooks": [sys.excepthook is sys.__excepthook__, sys.gettrace()],
    "finders": [getattr(one, "__name__", type(one).__name__) for one in sys.meta_path],
    "filters": len(warnings.filters) >= 0,
    "gc": [gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks],
    "locale": [locale.setlocale(locale.LC_ALL), locale.getpreferredencoding()],
    "time": [time.tzname, time.timezone, time.daylight],
    "cwd": os.getcwd(), "umask": os.umask(0), "environ": dict(os.environ), "ids": [os.getuid(), os.getgid()],
    "group": [os.getpgrp(), os.getsid(0)], "nice": os.nice(0),
    "threads": [one.name for one in threading.enumerate()],
    "temporary": [tempfile.tempdir, tempfile.gettempdir()],
    "said": sys.stdin.read(),
}))
sys.exit(7)
"""


def test_the_world_around_a_call_is_that_of_a_process_that_was_started(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "world.py"
    program.write_text(WORLD)
    folder = tmp_path / "tmp"
    folder.mkdir()
    environ.update(HOME=str(tmp_path), TMPDIR=str(folder), ODD="a\udcffb", COLUMNS="40")
    del environ["GIT_TERMINAL_PROMPT"]
    before = os.umask(0o027)
    try:
        started = run(
            [sys.executable, "-I", str(program), "a", "ü\udcfe"], folder, environ, "a\nü", check=None
        )
        code, out, err = forked.call(["a", "ü\udcfe"], folder, environ, stdin="a\nü", program=program)
    finally:
        os.umask(before)
    assert (started.code, started.err, code, err) == (7, "", 7, "")
    worlds = json.loads(started.out), json.loads(out)
    assert worlds[1] == worlds[0]
    assert worlds[1]["temporary"] == [None, str(folder)] and worlds[1]["umask"] == 0o027


CALLS: tuple[list[str], ...] = (
    ["--version"],
    ["--help"],
    [],
    ["no-such-verb"],
    ["check"],
    ["check", GOOD_TAG],
    ["check", "--all", "--format", "json"],
    ["check", "--as", "PyTorch-CUDA-v2.8-rc2"],
    ["list"],
    ["list", "--format", "json"],
    ["show", GOOD_TAG],
    ["show", "a\udcff b\x1b[31m"],
    ["doctor"],
    ["explain", "on-main"],
    ["env"],
    ["lint"],
    ["signers", "list"],
    ["gate", "-", "--for", "production"],
    ["tag", "PyTorch-CUDA-v2.8-beta"],
    ["hook", "pre-push", "origin", "../server.git"],
    ["hook", "reference-transaction", "prepared"],
)


@pytest.mark.parametrize("argv", CALLS, ids=lambda argv: " ".join(argv).encode("ascii", "replace").decode())
def test_a_call_says_what_a_process_says(argv: list[str], good: Repo) -> None:
    good.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    commit = good.git("rev-parse", "HEAD")
    stdin = f"{'0' * 40} {commit} refs/tags/bad\n" if argv[:1] == ["hook"] else "image: x\r\n"
    assert good.envhooks(*argv, stdin=stdin) == good.process(*argv, stdin=stdin)


def test_what_an_environment_changes_before_the_start_has_a_process_of_its_own(good: Repo) -> None:
    good.environ.update(LC_ALL="C", PYTHONCOERCECLOCALE="0")
    assert good.envhooks("explain") == good.process("explain")
    good.environ["PATH"] = "/nonexistent"
    assert good.envhooks("version", "--format", "json") == good.process("version", "--format", "json")


def test_much_is_read_and_written(tmp_path: Path, environ: dict[str, str]) -> None:
    program = tmp_path / "twice.py"
    program.write_text(
        "import os, sys\nall = sys.stdin.read()\nsys.stdout.write(all)\nsys.stderr.write(all * 2)\n"
        "sys.stdout.flush()\nsys.stderr.flush()\nos.kill(os.getpid(), 9)\n"
    )
    text = "0123456789\n" * 100_000
    assert forked.call([], tmp_path, environ, stdin=text, program=program) == (-9, text, text * 2)
    program.write_text("print('nothing was read')\n")
    assert forked.call([], tmp_path, environ, stdin=text, program=program) == (0, "nothing was read\n", "")


def test_two_at_once_do_not_wait_for_each_other(tmp_path: Path, environ: dict[str, str]) -> None:
    program = tmp_path / "meet.py"
    program.write_text("import sys\nfor word in sys.argv[1:]:\n    open(word[1:], word[0]).close()\n")
    for name in ("a", "b"):
        os.mkfifo(tmp_path / name)
    with ThreadPoolExecutor() as threads:
        done = [
            threads.submit(forked.call, words, tmp_path, environ, seconds=60, program=program)
            for words in (["wa", "rb"], ["ra", "wb"])
        ]
    assert [one.result() for one in done] == [(0, "", "")] * 2


def test_no_call_sees_what_another_did(tmp_path: Path, environ: dict[str, str]) -> None:
    program = tmp_path / "leave.py"
    program.write_text(
        "import os, sys, random\nimport envhooks\nprint(getattr(envhooks, 'left', None), os.environ.get('LEFT'))\n"
        "envhooks.left = os.environ['LEFT'] = 'something'\nos.chdir('/')\nprint(random.random())\n"
    )
    first, second = (forked.call([], tmp_path, environ, program=program) for _ in range(2))
    assert first[1].startswith("None None\n") and second[1].startswith("None None\n")
    assert first[1] != second[1], "each has a seed of its own for what is random"


def test_the_server_ends_with_the_one_that_started_it(tmp_path: Path, environ: dict[str, str]) -> None:
    program = tmp_path / "caller.py"
    program.write_text(
        "import os, sys\nsys.path.insert(0, sys.argv[1])\nimport forked\nfrom pathlib import Path\n"
        "print(forked.call(['version'], Path('.'), dict(os.environ))[0])\n"
        "print(next(iter(forked._idle.values()))[0]._process.pid)\n"
    )
    here = str(Path(forked.__file__).parent)
    done = run([sys.executable, "-I", str(program), here], tmp_path, environ, check=True)
    code, server = done.out.split()
    assert code == "0"
    end = time.monotonic() + 60
    while Path(f"/proc/{server}/cmdline").exists() and Path(f"/proc/{server}/cmdline").read_bytes():
        assert time.monotonic() < end, "it is there still"
        time.sleep(0.02)
