"""A real sshd on loopback, with keys made for one test; it ends with the block."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import run

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/client.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
"""


@dataclass(frozen=True)
class Sshd:
    """Where it listens, and how a client gets in."""

    url: str
    """`ssh://USER@127.0.0.1:PORT`; an absolute path follows."""
    command: str
    """What `core.sshCommand` has to say."""


def program() -> str | None:
    """sshd wants to be called by its absolute path."""
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextmanager
def serve(folder: Path, environ: Mapping[str, str]) -> Iterator[Sshd]:
    """Start it, with host and client keys in `folder`."""
    folder.mkdir()
    for name in ("host", "client"):
        run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
            folder,
            environ,
            check=True,
        )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # what the package's service makes at each start
    config = folder / "config"
    config.write_text(CONFIG.format(folder=folder, port=_free_port()))
    path = program()
    assert path is not None
    process = subprocess.Popen(
        [path, "-D", "-e", "-f", str(config)],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        port = _port(process)
        host = (folder / "host.pub").read_text().rsplit(" ", 1)[0]
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}\n")
        command = (
            f"ssh -F none -i {folder}/client -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/known_hosts"
        )
        yield Sshd(f"ssh://{getpass.getuser()}@127.0.0.1:{port}", command)
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    """sshd takes no port 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line.decode("utf-8", "replace")
        if found := re.search(r"listening on 127\.0\.0\.1 port ([0-9]+)", said):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return int(found[1])
    raise AssertionError(f"sshd did not start: {said}")
