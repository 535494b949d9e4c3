"""Many signatures at once, by forks and by several programs: in every word what one at a time gives."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from datetime import datetime, timezone

import pytest
from signing import Workshop, root, tag_text

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

from adversary import CASES, payload_of

from envhooks.signatures import Verdict
from envhooks.signatures import parallel as forked
from envhooks.signatures import verify as signatures
from envhooks.signatures.parallel import verify_shared
from envhooks.signatures.payload import Payload, split
from envhooks.signatures.verify import verify_all

pytest_plugins = ("signing_fixture",)


def payloads(count: int) -> list[Payload]:
    return [split(tag_text(f"number {number}\n"), 40) for number in range(count)]


def judge(payload: Payload) -> Verdict:
    return Verdict("good", signer=payload.message)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_every_verdict_comes_back_in_its_place(workers: int, count: int) -> None:
    told: list[int] = []
    found = verify_shared(payloads(count), judge, workers, told.append)
    assert found == [judge(payload) for payload in payloads(count)]
    assert told == sorted(told) and told[-1:] == ([count] if count else [])


def test_what_a_fork_does_not_answer_is_not_verified() -> None:
    own = os.getpid()

    def fall_over(payload: Payload) -> Verdict:
        if os.getpid() != own:
            raise SystemExit(0)
        return judge(payload)

    found = verify_shared(payloads(6), fall_over, 2, lambda done: None)
    assert found[0::2] == [judge(payload) for payload in payloads(6)[0::2]]
    assert found[1::2] == [None] * 3


def test_an_interruption_ends_the_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    forks: list[int] = []
    fork = os.fork

    def forked() -> int:
        process = fork()
        forks.append(process)
        return process

    def interrupted(payload: Payload) -> Verdict:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fork", forked)
    with pytest.raises(KeyboardInterrupt):
        verify_shared(payloads(6), interrupted, 3, lambda done: None)
    assert forks
    for process in forks:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def test_an_interruption_while_it_forks_is_met_once_and_leaves_no_fork(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, fork = os.getpid(), os.fork
    forks = []

    def interrupted() -> int:
        process = fork()
        forks.append(process)
        os.kill(os.getpid(), signal.SIGINT)  # as a terminal gives it to each
        return process

    monkeypatch.setattr(os, "fork", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            verify_shared(payloads(6), judge, 3, lambda done: None)
    finally:
        if os.getpid() != own:
            os._exit(1)
        signal.signal(signal.SIGINT, before)
    assert forks
    for process in forks:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def test_the_whole_adversarial_set_at_once_is_judged_as_one_by_one(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the fast path in forks and by the plain path with two workers, all cases of one policy together."""
    monkeypatch.setattr(forked, "ENOUGH", 2)
    monkeypatch.setattr(signatures, "_processors", lambda: 2)
    groups: dict[tuple[tuple[str, bytes], ...], list[Payload]] = defaultdict(list)
    for build in CASES.values():
        case = build(workshop)
        payload = payload_of(case)
        if payload is not None and not case.environ:
            groups[tuple(sorted(case.files.items()))].append(payload)
    now = datetime.now(timezone.utc)
    judged = 0
    for files, cases in groups.items():
        signers = root(dict(files))
        alone = [verify_all([payload], signers, now, fast=False)[0] for payload in cases]
        assert verify_all(cases, signers, now, fast=True) == alone
        assert verify_all(cases, signers, now, fast=False, jobs=2) == alone
        judged += len(cases)
    assert judged > 150
