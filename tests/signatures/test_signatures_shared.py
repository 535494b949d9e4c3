"""Many signatures at once, by forks and by several programs: in every word what one at a time gives."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import datetime, timedelta, timezone

import pytest
from signing import NOW, Workshop, law, tag_text

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

from adversary import CASES, payload_of

from envhooks import signatures
from envhooks.model import Verdict
from envhooks.signatures import forked, verify_all
from envhooks.signatures.forked import verify_shared
from envhooks.signatures.payload import Payload, split
from envhooks.signatures.turning import next_turn, turning_points, turning_points_of

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


def test_an_interruption_ends_the_forks() -> None:
    def interrupted(payload: Payload) -> Verdict:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_shared(payloads(6), interrupted, 3, lambda done: None)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_whole_adversarial_set_at_once_is_judged_as_one_by_one(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the fast path in forks and by the plain path with two workers, all cases of one law together."""
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
        signers = law(dict(files))
        alone = [verify_all([payload], signers, now, fast=False)[0] for payload in cases]
        assert verify_all(cases, signers, now, fast=True) == alone
        assert verify_all(cases, signers, now, fast=False, jobs=2) == alone
        judged += len(cases)
    assert judged > 150


def test_no_ssh_verdict_changes_before_its_next_turn(workshop: Workshop) -> None:
    """What is kept until then stays true: looked at through the fast path, which has no clock of its own."""
    compared = 0
    for name, build in CASES.items():
        case = build(workshop)
        payload = payload_of(case)
        if payload is None or payload.armor is None or payload.armor.scheme != "ssh" or case.environ:
            continue
        signers = law(case.files)
        points = turning_points(signers) | turning_points_of(payload)
        until = min(next_turn(points, NOW.timestamp()), NOW.timestamp() + 10 * 365 * 86400)
        last = datetime.fromtimestamp(until, timezone.utc) - timedelta(seconds=1)
        if last > NOW:
            assert verify_all([payload], signers, last, fast=True) == verify_all([payload], signers, NOW), (
                name
            )
            compared += 1
    assert compared > 20


def test_a_turn_is_the_first_moment_ahead() -> None:
    assert next_turn([], 100.0) == float("inf")
    assert next_turn([50, 200, 150], 100.0) == 149
    assert next_turn([100], 100.0) == 100.0
    assert next_turn([99], 100.0) == 100.0
    assert next_turn([98], 100.0) == float("inf")
