"""The fast path on several processors: this process and forks of it, each with its share of the signatures.

A fork has all that it needs in its memory already, and answers with nothing but verdicts, through a pipe. What
does not come back, for whatever reason, counts as not verified and goes the plain path.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Sequence

from envhooks.base.run import as_in_a_fork, put_off
from envhooks.signatures import Verdict
from envhooks.signatures.payload import Payload

ENOUGH = 1000
"""Signatures from which on a fork pays."""
_Judge = Callable[[Payload], Verdict | None]


def verify_shared(
    payloads: Sequence[Payload], judge: _Judge, workers: int, step: Callable[[int], None]
) -> list[Verdict | None]:
    """Results of `judge` for each payload, in their order; `step` receives the number of finished ones."""
    workers = workers if hasattr(os, "fork") else 1
    found: list[Verdict | None] = [None] * len(payloads)
    forks: dict[int, tuple[int, int]] = {}
    try:
        if workers > 1:
            with put_off():
                for number in range(1, workers):
                    forks[number] = _fork(payloads[number::workers], judge)
        for done, at in enumerate(range(0, len(payloads), workers), 1):
            found[at] = judge(payloads[at])
            step(min(done * workers, len(payloads)))
        for number in range(1, workers):
            share = _collect(*forks[number])
            del forks[number]  # its number may be another process's from here on
            if share is not None and len(share) == len(found[number::workers]):
                found[number::workers] = share
    except BaseException:
        for process, _ in forks.values():
            _end(process)
        raise
    return found


def _fork(payloads: Sequence[Payload], judge: _Judge) -> tuple[int, int]:
    """(process, the pipe that its verdicts come through). To be called while signals are put off."""
    receiving, sending = os.pipe()
    process = os.fork()
    if process:
        os.close(sending)
        return process, receiving
    try:  # never further than this line: what is behind it belongs to the parent
        as_in_a_fork()
        os.close(receiving)
        answer = pickle.dumps([judge(payload) for payload in payloads])
        with os.fdopen(sending, "wb") as stream:
            stream.write(answer)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _collect(process: int, pipe: int) -> list[Verdict | None] | None:
    """The verdicts of a fork; None where it did not come to its end."""
    with os.fdopen(pipe, "rb") as stream:
        answer = stream.read()
    if os.waitpid(process, 0)[1]:
        return None
    share: list[Verdict | None] = pickle.loads(answer)  # noqa: S301 - from our own memory, through our own pipe
    return share


def _end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
