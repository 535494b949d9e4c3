"""Claims live by their heartbeat, and what was started ends with whoever started it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builder_parts import new_log
from shop import until

from envhooks.builds import ledger as ledgers
from envhooks.builds import owner, process
from envhooks.builds.heartbeat import Heartbeat
from envhooks.builds.ledger import Intent, Ledger, is_stale


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def claimed(ledger: Ledger) -> str:
    intent = Intent("refs/tags/t", "a" * 40, "image")
    (key,) = ledger.record("https://example.org/x", "origin", "client", [intent])
    ledger.confirm(key)
    assert ledger.claim(key) is not None
    return key


def test_a_claim_that_cannot_be_seen_lapses_without_a_heartbeat(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = claimed(ledger)
    with sqlite3.connect(ledger.path) as db:  # of a process in another container
        db.execute("UPDATE builds SET owner=?", ("host\nboot/pid:[1]\n1\n1",))
    row = ledger.row(key)
    assert row is not None and not is_stale(row) and not ledger.reclaim(key)
    monkeypatch.setattr(ledgers, "LAPSE", 0.05)
    time.sleep(0.1)
    assert ledger.reclaim(key), "no day has to pass"


def test_a_heartbeat_keeps_it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    key = claimed(ledger)
    monkeypatch.setattr(ledgers, "LAPSE", 1.0)
    monkeypatch.setattr(owner, "is_gone", lambda text: None)
    with Heartbeat(ledger, key, every=0.05):
        time.sleep(2.0)
        row = ledger.row(key)
        assert row is not None and not is_stale(row)
        assert row.updated < row.beat, "how long it has been building can still be told"
    time.sleep(1.2)
    row = ledger.row(key)
    assert row is not None and is_stale(row)


def test_a_claim_that_is_taken_away_ends_the_engine(ledger: Ledger, tmp_path: Path) -> None:
    key = claimed(ledger)
    with Heartbeat(ledger, key, every=0.05) as heart:
        assert ledger.cancel([key], "cancelled") == 1
        ended = process.run(["sleep", "60"], new_log(), os.environ, cwd=tmp_path)
    assert heart.is_lost and ended.exit_code < 0


WATCHER = """
import os, sys
from pathlib import Path
from envhooks.builds.process import run
run(["sh", "-c", "sleep 300 & echo $$ $! > new; mv new pids; wait"], sys.stdout, os.environ, cwd=Path(sys.argv[1]))
"""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_the_engine_ends_with_the_watcher(tmp_path: Path) -> None:
    watcher = subprocess.Popen([sys.executable, "-c", WATCHER, str(tmp_path)], start_new_session=True)
    until((tmp_path / "pids").exists)
    engine = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(engine) == 2 and not any(map(gone, engine))
    os.killpg(watcher.pid, signal.SIGKILL)
    watcher.wait()
    until(lambda: all(map(gone, engine)))


def test_what_ended_by_itself_leaves_no_guard(tmp_path: Path) -> None:
    assert process.run(["true"], new_log(), os.environ, cwd=tmp_path).exit_code == 0
    assert not process._running
