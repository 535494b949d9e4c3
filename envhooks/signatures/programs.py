"""Running gpgv, gpg and ssh-keygen: by absolute path, in an environment of our own, with a time limit."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from envhooks.executables import find_program
from envhooks.signatures.verdicts import Undecided

__all__ = ["TIME_LIMIT", "clean_environment", "find_program", "run"]

TIME_LIMIT = 20.0
"""Seconds that one verification may take; it takes milliseconds."""
_KEPT = ("PATH", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "SYSTEMROOT")


def clean_environment(home: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment in which neither the user's settings nor the agent, the clock's zone or the language count."""
    kept = {key: environ[key] for key in _KEPT if key in environ}
    return {**kept, "HOME": home, "GNUPGHOME": home, "LC_ALL": "C", "TZ": "UTC"}


def run(
    command: Sequence[str], stdin: bytes, environ: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> int:
    """Run a program and give its exit code; what it prints for people is dropped, never read.

    Raises:
        Undecided: it cannot be started, or does not end in time.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            input=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            cwd=environ["HOME"],
            pass_fds=tuple(pass_fds),
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Undecided(f"{name} did not answer within {TIME_LIMIT:.0f} seconds") from None
    except OSError as error:
        raise Undecided(f"{name} cannot be started: {error.strerror}") from None
    if done.returncode < 0:
        raise Undecided(f"{name} was ended by signal {-done.returncode}")
    return done.returncode
