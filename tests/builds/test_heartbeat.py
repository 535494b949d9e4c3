"""Claims live by their heartbeat, and what was started ends with whoever started it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from builder_parts import missing, need, new_log
from shop import Shop, shop, until
from support import GOOD_TAG

from envhooks.builds import owner, process, work
from envhooks.builds.heartbeat import Heartbeat
from envhooks.builds.ledger import Intent, Ledger, is_stale
from envhooks.git.repository import Git

__all__ = ["shop"]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def claimed(ledger: Ledger) -> str:
    intent = Intent("refs/tags/t", "a" * 40, "image")
    (key,) = ledger.record("https://example.org/x", "origin", "client", [intent])
    ledger.confirm(key)
    assert ledger.claim(key) is not None
    return key


def hours_ago(ledger: Ledger) -> None:
    """All that was written down was so long ago that a claim without a heartbeat has lapsed since."""
    with sqlite3.connect(ledger.path) as db:
        db.execute("UPDATE builds SET updated=updated-7200, beat=beat-7200")


def has_lapsed(ledger: Ledger, key: str) -> bool:
    row = ledger.row(key)
    assert row is not None
    return is_stale(row)


def test_a_claim_that_cannot_be_seen_lapses_without_a_heartbeat(ledger: Ledger) -> None:
    key = claimed(ledger)
    with sqlite3.connect(ledger.path) as db:  # of a process in another container
        db.execute("UPDATE builds SET owner=?", ("host\nboot/pid:[1]\n1\n1",))
    row = ledger.row(key)
    assert row is not None and not is_stale(row) and not ledger.reclaim(key)
    hours_ago(ledger)
    assert ledger.reclaim(key), "no day has to pass"


def test_a_heartbeat_keeps_it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    key = claimed(ledger)
    monkeypatch.setattr(owner, "is_gone", lambda text: None)
    with Heartbeat(ledger, key, every=0.05):
        hours_ago(ledger)
        until(lambda: not has_lapsed(ledger, key))
        row = ledger.row(key)
        assert row is not None and row.updated < row.beat, "how long it has been building can still be told"
    hours_ago(ledger)
    assert has_lapsed(ledger, key)


def test_a_build_is_claimed_until_it_is_recorded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What records may read gigabytes of layers; another process would begin the build anew meanwhile."""
    shop.server.git("fetch", "-q", str(shop.clone.path), f"refs/tags/{GOOD_TAG}:refs/tags/{GOOD_TAG}")
    ledger, oid = shop.ledger, shop.clone.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    url = str(shop.server.path)
    (key,) = ledger.record(url, "origin", "client", [Intent(f"refs/tags/{GOOD_TAG}", oid, "image")])
    monkeypatch.setattr(work, "Heartbeat", partial(Heartbeat, every=0.05))

    def record(*of_a_build: object) -> str:
        monkeypatch.setattr(owner, "is_gone", lambda text: None)  # as another container sees it
        hours_ago(ledger)
        until(lambda: not has_lapsed(ledger, key))
        return "recorded"

    said: list[str] = []
    with Git(shop.clone.path) as git:
        work.Worker(git, ledger, shop.clone.environ, said.append, record=record).run([key], ())
    row = ledger.row(key)
    assert row is not None and row.state == "done" and row.reason.endswith("; recorded"), said


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


def test_a_build_killed_with_its_container_frees_its_row(ledger: Ledger) -> None:
    """The number of its process is somebody else's here, so the heartbeat alone tells."""
    need("unshare")
    words = ["--pid", "--fork", "--mount-proc", "--kill-child"]
    process, key = elsewhere(words, ledger.folder.parent)
    try:
        row = ledger.row(key)
        assert row is not None and owner.is_gone(row.owner) is None, "nobody here can see it"
        hours_ago(ledger)
        until(lambda: not has_lapsed(ledger, key))
        assert not ledger.reclaim(key), "its heart beats"
    finally:
        process.kill()
        process.communicate()
    row = ledger.row(key)
    assert row is not None and owner.is_gone(row.owner) is None
    hours_ago(ledger)
    assert ledger.reclaim(key)


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
