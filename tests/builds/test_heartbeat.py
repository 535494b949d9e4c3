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
from builder_parts import missing, need, new_log
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


CLAIMER = """
import sys, time
from pathlib import Path
from envhooks.builds.heartbeat import Heartbeat
from envhooks.builds.ledger import Intent, Ledger
ledger = Ledger(Path(sys.argv[1]))
(key,) = ledger.record("https://example.org/x", "origin", "client", [Intent("refs/tags/t", "a" * 40, "image")])
ledger.confirm(key)
assert ledger.claim(key) is not None
with Heartbeat(ledger, key, every=0.05):
    print(key, flush=True)
    time.sleep(300)
"""


def elsewhere(words: list[str], folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A process that claims a row in namespaces of its own, and the row's key."""
    tried = subprocess.run(["unshare", *words, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        missing(f"unshare {' '.join(words)}: {tried.stderr.strip()}")
    claimer = f"hostname elsewhere; exec {sys.executable} -c '{CLAIMER}' {folder}"
    script = claimer if "--uts" in words else claimer.partition("; ")[2]
    process = subprocess.Popen(["unshare", *words, "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_build_killed_with_its_container_frees_its_row(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of its process is somebody else's here, so the heartbeat alone tells."""
    need("unshare")
    monkeypatch.setattr(ledgers, "LAPSE", 1.0)
    words = ["--pid", "--fork", "--mount-proc", "--kill-child"]
    process, key = elsewhere(words, ledger.folder.parent)
    try:
        row = ledger.row(key)
        assert row is not None and owner.is_gone(row.owner) is None, "nobody here can see it"
        time.sleep(1.5)
        assert not ledger.reclaim(key), "its heart beats"
    finally:
        process.kill()
        process.communicate()
    row = ledger.row(key)
    assert row is not None and owner.is_gone(row.owner) is None
    until(lambda: ledger.reclaim(key))


def test_a_host_that_has_another_name_since_keeps_and_frees_its_rows(ledger: Ledger) -> None:
    """As by DHCP: the name of then is in the claim, and the process is to be seen all the same."""
    need("unshare", "hostname")
    process, key = elsewhere(["--uts"], ledger.folder.parent)
    try:
        row = ledger.row(key)
        assert row is not None and owner.host_of(row.owner) == "elsewhere"
        assert owner.is_gone(row.owner) is False and not ledger.reclaim(key)
    finally:
        process.kill()
        process.communicate()
    assert ledger.reclaim(key), "at once, with no heartbeat to wait for"
