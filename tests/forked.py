"""Calls of envhooks, each in a process of its own that is forked from one where all is imported.

It is the program itself that runs, as `python -I -m envhooks` runs it, without the time in which Python imports it,
which is most of a call. The one that forks only imports: what envhooks works out or remembers, it does in the fork.
What Python or an import takes from the environment (`settings`) is the same in both, or a server of its own is started.

Three things are not as in a process that was started: its parent is the server, its command line is the server's, and
calls of one server share one seed of hashes. Tests of these, of start-up, terminals and signals start the real one:
`Repo.process`. `tests/test_forked.py` compares the two.

Run as a script this is the server. It reads requests from the socket whose number is its first argument, one at a time,
and ends with the process that started it. Its other arguments are modules to import.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

_SECONDS = 120
"""Until one of many calls is taken to wait for something."""
_HEAD = struct.Struct("!q")
_COMMAND = (sys.executable, "-I", "-m", "envhooks")
_NOT_BEFORE = {"envhooks.__main__", "envhooks.lineage.provider"}
"""Modules that are not imported beforehand: the program, and a plugin that only MLflow loads."""
_OF_OTHERS = (
    "cryptography.hazmat.primitives.asymmetric.ed25519", "cryptography.hazmat.primitives.asymmetric.padding",
    "cryptography.hazmat.primitives.serialization", "email.utils", "git", "gnupg", "http.client", "http.server",
    "packaging.requirements", "packaging.specifiers", "pysequoia", "rich.box", "rich.console", "rich.table",
    "rich.text", "sqlite3", "tarfile", "tomllib", "urllib.request", "yaml",
)  # fmt: skip
"""What verbs import when they need it."""
MLFLOW = (
    "mlflow", "mlflow.tracking", "mlflow.store.tracking.sqlalchemy_store", "mlflow.store.tracking.file_store",
    "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.model_registry.file_store",
)  # fmt: skip
_OF_A_VERB = {"lineage": MLFLOW}
"""What is imported in a server for one verb: it takes seconds."""


def settings(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What Python, the C library or an imported module takes from the environment before a call's own work.

    Of PATH that is which git there is: GitPython looks whether it runs.
    """
    prefixes = (
        "PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC_", "OPENSSL_", "GIT_PYTHON_", "COVERAGE_", "MLFLOW_",
    )  # fmt: skip
    taken = {key: value for key, value in environ.items() if key.startswith(prefixes)}
    git = shutil.which("git", path=environ.get("PATH", os.defpath))
    return tuple(sorted({**taken, "git": git or ""}.items()))


# ------------------------------------------------------------------------------------ the one that asks

_idle: dict[tuple[object, ...], list[_Server]] = {}
_lock = threading.Lock()


def call(
    argv: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    *,
    stdin: str = "",
    uid: int | None = None,
    seconds: int = 0,
    program: Path | None = None,
    modules: Sequence[str] = (),
) -> tuple[int, str, str]:
    """(exit code, standard output, stderr) of `envhooks ARGV` in a folder, as `subprocess.run` gives them.

    Args:
        stdin: what it reads.
        uid: the user as whom it runs.
        seconds: after how many it is ended by SIGALRM; 0: never.
        program: a Python program that runs in place of envhooks.
        modules: what is imported beforehand for that program.
    """
    umask = os.umask(0o077)
    os.umask(umask)
    request = {
        "argv": list(argv), "cwd": str(cwd), "environ": dict(environ), "uid": uid, "seconds": seconds,
        "umask": umask, "program": program and str(program),
    }  # fmt: skip
    more = tuple(modules) if program else _OF_A_VERB.get(next(iter(argv), ""), ())
    key = (settings(environ), more)
    with _lock:
        servers = _idle.setdefault(key, [])
        server = servers.pop() if servers else None
    if server is None:
        server = _Server(environ, more)
    # a server that failed is not put back
    code, out, err = server.call(request, stdin.encode("utf-8", "surrogateescape"))
    with _lock:
        _idle[key].append(server)
    return code, _text(out), _text(err)


def calls(
    argvs: Sequence[Sequence[str]],
    cwd: Path,
    environ: Mapping[str, str],
    *,
    uid: int | None = None,
    fresh: tuple[Path, Path],
) -> list[tuple[int, str, str]]:
    """What `call` gives for each, from the same beginning.

    Args:
        fresh: (folder, its copy): made anew where a call has changed it, so that none sees what another did.
    """
    again, done = Again(*fresh), []
    for argv in argvs:
        again.begin()
        done.append(call(argv, cwd, environ, uid=uid, seconds=_SECONDS))
    return done


class Again:
    """A folder in which each of many calls begins as the first one did."""

    def __init__(self, original: Path, folder: Path) -> None:
        self._original, self._folder = original, folder
        self._begun: list[tuple[object, ...]] = []

    def begin(self) -> None:
        """Copy the original anew, unless nothing below the folder was made, removed, written or chmodded since."""
        if not self._begun or self._begun != self._stamps():
            subprocess.run(["rm", "-rf", self._folder], check=True)
            subprocess.run(["cp", "-a", self._original, self._folder], check=True)
            self._begun = self._stamps()

    def _stamps(self) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for at, folders, files in os.walk(self._folder):
            for name in (".", *folders, *files):
                one = os.lstat(f"{at}/{name}")
                stamp = one.st_ino, one.st_mode, one.st_size, one.st_mtime_ns, one.st_ctime_ns
                found.append((at, name, *stamp))
        return found


def end() -> None:
    """End all servers."""
    for server in [one for servers in _idle.values() for one in servers]:
        server.end()
    _idle.clear()


def _text(data: bytes) -> str:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape").read()


class _Server:
    """A process that forks calls, one at a time."""

    def __init__(self, environ: Mapping[str, str], modules: Sequence[str]) -> None:
        self._socket, theirs = socket.socketpair()
        # its streams are what those of a call are, as Python looks at them when it opens them
        self._process = subprocess.Popen(
            [*_COMMAND[:2], __file__, str(theirs.fileno()), *modules],
            cwd="/",
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def end(self) -> None:
        self._socket.close()
        self._process.communicate()

    def call(self, request: Mapping[str, Any], stdin: bytes) -> tuple[int, bytes, bytes]:
        pipes = [os.pipe() for _ in range(3)]
        ours, theirs = (pipes[0][1], pipes[1][0], pipes[2][0]), (pipes[0][0], pipes[1][1], pipes[2][1])
        data, answer = json.dumps(request).encode(), b""
        # of a server that is gone, or goes, the pipes have an end and there is no answer
        with suppress(OSError):
            socket.send_fds(self._socket, [_HEAD.pack(len(data))], theirs)
            self._socket.sendall(data)
        for number in theirs:
            os.close(number)
        with ThreadPoolExecutor(2) as threads:
            read = [threads.submit(_read, number) for number in ours[1:]]
            with suppress(BrokenPipeError), os.fdopen(ours[0], "wb") as given:
                given.write(stdin)
        with suppress(OSError):
            answer = self._socket.recv(_HEAD.size, socket.MSG_WAITALL)
        if len(answer) != _HEAD.size:
            raise AssertionError(f"the server of calls ended: {self._process.communicate()!r}")
        return _HEAD.unpack(answer)[0], read[0].result(), read[1].result()


def _read(number: int) -> bytes:
    with os.fdopen(number, "rb") as pipe:
        return pipe.read()


# --------------------------------------------------------------------------------------- the one that forks


def _import_all(more: Sequence[str]) -> None:
    """Import the modules of envhooks, what they import when it is needed, and these."""
    import envhooks

    names = {module.name for module in pkgutil.walk_packages(envhooks.__path__, "envhooks.")}
    for name in (*sorted(names - _NOT_BEFORE), *_OF_OTHERS, *more):
        with suppress(ImportError):  # an extra that is not there, or a git that GitPython does not find
            importlib.import_module(name)


def _serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork one process for each request; returns the request in the fork, None where nobody asks any more."""
    while True:
        head, files, _, _ = socket.recv_fds(channel, _HEAD.size, 3)
        if not head:
            return None
        request: dict[str, Any] = json.loads(channel.recv(_HEAD.unpack(head)[0], socket.MSG_WAITALL))
        child = os.fork()
        if not child:
            _become(request, files)
            return request
        for number in files:
            os.close(number)
        channel.sendall(_HEAD.pack(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def _become(request: Mapping[str, Any], files: Sequence[int]) -> None:
    """Take the streams, the folder, the environment and the words of a call."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, 256)
    signal.alarm(request["seconds"])
    if request["uid"] is not None:
        os.setgid(request["uid"])
        os.setuid(request["uid"])
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environ"])


def _main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    _import_all(sys.argv[2:])
    gc.collect()
    gc.freeze()  # or the first collection of each fork copies all of it
    request = _serve(channel)
    if request is None:
        return
    channel.detach()
    # from here on as after `python -I -m envhooks`
    program, argv = request["program"], request["argv"]
    sys.argv = [program or "-m", *argv]
    sys.orig_argv = [*((sys.executable, "-I", program) if program else _COMMAND), *argv]
    if program:
        runpy.run_path(program, run_name="__main__")
    else:
        runpy.run_module("envhooks", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
