"""Many calls of envhooks, each in a process of its own that is forked from one where all is imported.

It is the program itself that runs, by its `main`, without the quarter of a second in which Python imports it. Run as a
script it reads calls as JSON from standard input, and writes what they did.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SECONDS = 120


def calls(
    argvs: Sequence[Sequence[str]],
    cwd: Path,
    environ: Mapping[str, str],
    *,
    stdin: str = "",
    uid: int | None = None,
    fresh: tuple[Path, Path] | None = None,
) -> list[tuple[int, str, str]]:
    """(exit code, standard output, stderr) of each call in a folder.

    Args:
        argvs: the words behind `envhooks`.
        stdin: what each of them reads.
        uid: the user as whom they run.
        fresh: (folder, its copy): made anew before each call, so that none sees what another did.
    """
    job = {
        "argvs": [list(argv) for argv in argvs],
        "cwd": str(cwd),
        "environ": dict(environ),
        "stdin": stdin,
        "uid": uid,
        "fresh": [str(folder) for folder in fresh or ()],
    }
    done = subprocess.run(
        [sys.executable, "-I", __file__],
        input=json.dumps(job),
        env=os.environ,  # of the one that forks; a call has its own
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [(code, out, err) for code, out, err in json.loads(done.stdout)]


def _main() -> None:
    job = json.load(sys.stdin)
    from envhooks import cli
    from envhooks.cli import _parser

    _parser.build(cli.verbs())
    found = []
    for argv in job["argvs"]:
        if job["fresh"]:
            folder, copy = job["fresh"]
            subprocess.run(["rm", "-rf", copy], check=True)
            subprocess.run(["cp", "-a", folder, copy], check=True)
        found.append(_call(argv, job))
    json.dump(found, sys.stdout)


def _call(argv: Sequence[str], job: Mapping[str, Any]) -> tuple[int, str, str]:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(job["stdin"].encode())
        given.seek(0)
        child = os.fork()
        if not child:
            _be(argv, job, given.fileno(), out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace"))
        return code, texts[0].decode(), texts[1].decode()


def _be(argv: Sequence[str], job: Mapping[str, Any], *files: int) -> None:
    """Become `envhooks ARGV`; does not return."""
    code = 99
    try:
        signal.alarm(SECONDS)
        for number, file in enumerate(files):
            os.dup2(file, number)
        if job["uid"] is not None:
            os.setgid(job["uid"])
            os.setuid(job["uid"])
        os.chdir(job["cwd"])
        os.environ.clear()
        os.environ.update(job["environ"])
        sys.argv = ["envhooks", *argv]
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8")
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding="utf-8")
        from envhooks.__main__ import main

        try:
            code = main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 98
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _main()
