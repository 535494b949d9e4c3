"""Holder of a claim: a process, identified by more than its number, which the system assigns again."""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache
from pathlib import Path


def start_time(pid: int) -> str | None:
    """Start time of a process, in the system's own unit; None where there is no such process."""
    proc = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = proc.read_bytes().rpartition(b") ")[2].split()
        except OSError:
            return None
        # field 3 is the state: a zombie is a process that has ended; field 22 the start (proc(5))
        return None if fields[:1] in ([b"Z"], [b"X"]) else fields[19].decode()
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip() or None


@lru_cache(maxsize=1)
def _machine() -> tuple[str, str]:
    """(host, boot and process namespace): numbers of processes mean something inside of one of these only."""
    boot = _read("/proc/sys/kernel/random/boot_id")
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return os.uname().nodename, f"{boot}/{namespace}"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def identity(pid: int) -> str:
    """A process, as `is_gone` takes it."""
    return "\n".join((*_machine(), str(pid), start_time(pid) or ""))


def myself() -> str:
    """This process, as `is_gone` takes it."""
    return identity(os.getpid())


def is_gone(owner: str) -> bool | None:
    """Whether the process has ended; None where it cannot be seen: another host or container, an earlier start."""
    fields = owner.split("\n")
    if len(fields) != 4 or not fields[2].isdigit():
        return True
    host, place, pid, started = fields
    own_host, own_place = _machine()
    # a host's name changes with its network, so it counts only where the system gives no other id
    is_here = place == own_place and (place != "/" or host == own_host)
    return start_time(int(pid)) != started if is_here else None


def host_of(owner: str) -> str:
    """The name of the host on which a claim was made, as it was then."""
    return owner.partition("\n")[0]


def nearest_push() -> int | None:
    """The process of the `git push` that runs this hook: the nearest git above; None where it is not found.

    The direct parent is a shell, and may be pre-commit's Python behind that.
    """
    pid = os.getppid()
    for _ in range(16):
        if pid <= 1:
            return None
        found = _program_and_parent(pid)
        if found is None:
            return None
        program, parent = found
        if program in ("git", "git.exe", "git-push"):
            return pid
        pid = parent
    return None


def _program_and_parent(pid: int) -> tuple[str, int] | None:
    try:
        head, _, rest = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")
        return head.partition(b" (")[2].decode("utf-8", "replace"), int(rest.split()[1])
    except (OSError, IndexError, ValueError):
        pass
    done = subprocess.run(
        ["ps", "-o", "ppid=,comm=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    parent, _, program = done.stdout.strip().partition(" ")
    return (program.strip().rpartition("/")[2], int(parent)) if parent.isdigit() else None
