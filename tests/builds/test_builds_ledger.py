"""The ledger under parallel processes and `kill -9`, with real ones."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from shop import until
from support import Repo, run

from envhooks.base.errors import CannotJudge
from envhooks.builds import owner
from envhooks.builds.ledger import Intent, Ledger, is_waiting_for_push
from envhooks.builds.work import resumable

URL = "https://example.com/env.git"
INTENT = Intent("refs/tags/x", "a" * 40, "image")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def record(ledger: Ledger, *intents: Intent, held: str = "", push: str = "") -> tuple[str, ...]:
    return ledger.record(URL, "origin", "client", intents or (INTENT,), held=held, push=push)


def state(ledger: Ledger) -> str:
    (row,) = ledger.rows()
    return row.state


def confirmed(ledger: Ledger) -> str:
    (key,) = record(ledger)
    assert ledger.confirm(key)
    return key


CLAIM = """
import sys, time
from pathlib import Path
from envhooks.builds.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
{before}
row = ledger.claim(sys.argv[2])
print("claimed" if row else "no", flush=True)
{after}
"""


def process(ledger: Ledger, key: str, before: str = "", after: str = "") -> subprocess.Popen[str]:
    script = CLAIM.format(before=before, after=after)
    argv = [sys.executable, "-I", "-c", script, str(ledger.folder.parent), key]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


# ------------------------------------------------------------------------------------- its states


def test_the_usual_way(ledger: Ledger) -> None:
    assert not ledger.exists
    assert ledger.rows() == ()
    (key,) = record(ledger)
    assert state(ledger) == "pending"
    assert ledger.claim(key) is None  # not before the remote has it
    assert ledger.confirm(key)
    row = ledger.claim(key, "/log")
    assert row is not None
    assert (row.state, row.attempts, row.log) == ("building", 1, "/log")
    assert ledger.claim(key) is None
    assert ledger.finish(key, "done", "well", digest="sha256:" + "0" * 64)
    assert not ledger.finish(key, "failed", "again")
    assert state(ledger) == "done"


def test_the_file_is_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ledger = Ledger(tmp_path)
        record(ledger)
    finally:
        os.umask(before)
    assert ledger.path.stat().st_mode & 0o777 == 0o600


def test_one_row_for_each_remote_tag_object_and_build(ledger: Ledger) -> None:
    record(ledger)
    assert len(record(ledger)) == 1
    record(ledger, Intent("refs/tags/x", "b" * 40, "image"), Intent("refs/tags/x", "a" * 40, "docs"))
    ledger.record("https://example.com/other.git", "other", "client", [INTENT])
    assert len(ledger.rows()) == 4


def test_what_was_dropped_or_failed_is_open_when_it_is_pushed_again(ledger: Ledger) -> None:
    (key,) = record(ledger)
    assert ledger.drop(key, "not there")
    assert record(ledger) == (key,)
    assert state(ledger) == "pending"
    ledger.confirm(key)
    ledger.claim(key)
    assert not ledger.drop(key, "while it is built")
    ledger.finish(key, "failed", "no")
    assert record(ledger) == (key,)


def test_what_is_done_is_not(ledger: Ledger) -> None:
    key = confirmed(ledger)
    ledger.claim(key)
    ledger.finish(key, "done", "well")
    assert record(ledger) == ()
    assert not ledger.confirm(key)
    assert not ledger.drop(key, "x")
    ledger.release([key])
    ledger.reopen([key])
    assert state(ledger) == "done"


def test_what_is_held_is_let_go_by_a_word(ledger: Ledger) -> None:
    (key,) = record(ledger, held="many tags")
    (row,) = ledger.rows()
    assert (row.held, row.reason) == (1, "many tags")
    ledger.release([key])
    assert ledger.rows()[0].held == 0


def test_a_row_waits_for_its_push(ledger: Ledger) -> None:
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        record(ledger, push=owner.identity(sleeper.pid))
        assert is_waiting_for_push(ledger.rows()[0])
    finally:
        sleeper.kill()
        sleeper.wait()
    assert not is_waiting_for_push(ledger.rows()[0])


@pytest.mark.parametrize(("hours", "waits"), [(-1, True), (1, True), (-25, False), (25, False)])
def test_a_push_that_cannot_be_seen_is_waited_for_a_day_by_a_clock_that_may_be_set_back(
    ledger: Ledger, hours: int, waits: bool
) -> None:
    """A row of the future would be waited for until that time comes, years later after a wrong clock."""
    elsewhere = "host\nboot/pid:[1]\n1\n1"
    record(ledger, push=elsewhere)
    with sqlite3.connect(ledger.path) as db:
        db.execute("UPDATE builds SET updated=updated+?", (hours * 3600,))
    assert is_waiting_for_push(ledger.rows()[0]) is waits


def test_a_file_that_is_no_ledger_is_said(ledger: Ledger) -> None:
    ledger.folder.mkdir()
    ledger.path.write_text("not a database, but long enough to be taken for one " * 10)
    with pytest.raises(CannotJudge, match="ledger") as error:
        record(ledger)
    subprocess.run(error.value.fix, shell=True, check=True)
    assert len(record(ledger)) == 1


@pytest.mark.parametrize("what", ["a folder", "read-only", "of another user"])
def test_a_ledger_that_cannot_be_written_is_said_with_the_way_out(good: Repo, what: str) -> None:
    """Pushed once as root, or by a colleague with whom the clone is shared: doctor goes on, and says it."""
    ledger = Ledger(good.path / ".git")
    ledger.folder.mkdir()
    if what == "a folder":
        ledger.path.mkdir()
    else:
        record(ledger)
        ledger.path.chmod(0o400 if what == "read-only" else 0o600)
    if what == "of another user":
        if os.geteuid():
            pytest.skip("only root can give a file away")
        os.chown(ledger.path, 65534, 65534)
    if not os.geteuid() and not shutil.which("setpriv"):
        pytest.skip("root may write everywhere")
    # root may write everywhere, unless that is taken from it
    plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if not os.geteuid() else []
    argv = [*plain, sys.executable, "-I", "-m", "envhooks"]
    done = run([*argv, "builds", "--retry"], good.path, good.environ)
    assert done.code == 2 and "the ledger of builds cannot be used" in done.err, done
    words = {"of another user": "it belongs to the user 65534", "read-only": "it is not writable"}
    assert words.get(what, "") in done.err
    (fix,) = done.fixes
    doctor = run([*argv, "doctor"], good.path, good.environ)
    assert "mode" in doctor.out and (fix in doctor.out) is (what != "read-only"), doctor
    run(["sh", "-c", fix], good.path, good.environ, check=True)
    assert run([*argv, "builds", "--retry"], good.path, good.environ, check=True)


def test_a_ledger_that_is_damaged_in_the_middle_is_said(ledger: Ledger) -> None:
    record(ledger, *(Intent(f"refs/tags/{n}", "a" * 40, "image") for n in range(200)))
    with ledger.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(CannotJudge, match="ledger") as error:
        ledger.rows()
    assert error.value.fix.startswith("mv ")


def test_an_ending_says_whether_it_is_tried_again_and_from_where(ledger: Ledger) -> None:
    key = confirmed(ledger)
    ledger.claim(key)
    ledger.keep(key, step="publish", digest="sha256:1", image="r/x:1")
    assert ledger.is_mine(key)
    assert ledger.finish(key, "failed", "the registry is down", after=5e9)
    (row,) = ledger.rows()
    assert (row.step, row.digest, row.image, row.after) == ("publish", "sha256:1", "r/x:1", 5e9)
    ledger.keep(key, digest="not mine")
    ledger.release([key])
    ledger.confirm(key)
    row = ledger.claim(key) or row
    assert (row.step, row.digest, row.after, row.attempts) == ("publish", "sha256:1", 0, 2)
    assert ledger.finish(key, "final", "another tag object")
    assert record(ledger) == () and state(ledger) == "final"
    ledger.reopen([key])
    ledger.release([key])
    assert state(ledger) == "final"
    ledger.release([key], also=("final", "done"))
    assert state(ledger) == "pending" and ledger.rows()[0].step == ""


def test_rows_are_cancelled_and_forgotten(ledger: Ledger) -> None:
    key = confirmed(ledger)
    ledger.claim(key)
    assert ledger.forget([key]) == 0  # it is being built
    assert ledger.cancel([key], "cancelled here") == 1
    assert not ledger.is_mine(key) and not ledger.finish(key, "done", "too late")
    assert state(ledger) == "dropped" and ledger.cancel([key], "again") == 0
    assert ledger.forget([key, "no such key"]) == 1 and ledger.rows() == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/team/env",
        "https://github.com/team/env.git/",
        "https://user@GitHub.com:443/team/env.git",
        "git@github.com:team/env.git",
        "ssh://git@github.com/team/env",
        "git://github.com/team/env.git",
    ],
)
def test_one_repository_has_one_row_however_it_is_spelled(ledger: Ledger, url: str) -> None:
    (key,) = ledger.record("https://github.com/team/env.git", "origin", "client", [INTENT])
    assert ledger.record(url, "other", "client", [INTENT]) == (key,)
    (row,) = ledger.rows()
    assert (row.url, row.remote) == (url, "other")  # the last one is asked


# what envhooks 0.2 made
OLD = """
CREATE TABLE builds (
    key TEXT PRIMARY KEY, url TEXT NOT NULL, remote TEXT NOT NULL, place TEXT NOT NULL, ref TEXT NOT NULL,
    tag_object TEXT NOT NULL, build TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL, updated REAL NOT NULL, digest TEXT NOT NULL DEFAULT '',
    run_url TEXT NOT NULL DEFAULT '', log TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    held INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT '',
    UNIQUE (url, ref, tag_object, build)
)
"""


def test_the_file_of_an_earlier_envhooks_is_taken_over(ledger: Ledger) -> None:
    ledger.folder.mkdir()
    with closing(sqlite3.connect(ledger.path)) as db:
        db.execute(OLD)
        for number, (url, state) in enumerate(
            [
                ("https://example.com/env.git", "failed"),
                ("git@example.com:env.git", "done"),
                ("https://example.com/env", "dropped"),
                ("https://example.com/other.git", "pending"),
            ]
        ):
            values = (
                f"k{number}",
                url,
                "origin",
                "client",
                "refs/tags/x",
                "a" * 40,
                "image",
                state,
                3,
                number,
                7.5,
            )
            marks = ",".join("?" * len(values))
            db.execute(
                "INSERT INTO builds (key, url, remote, place, ref, tag_object, build, state, attempts, created,"
                f" updated) VALUES ({marks})",
                values,
            )
        db.commit()
    rows = ledger.rows()
    assert [(row.url, row.state, row.attempts) for row in rows] == [
        ("git@example.com:env.git", "done", 3),
        ("https://example.com/other.git", "pending", 3),
    ]
    assert record(ledger) == ()  # the same repository, tag object and build: done
    assert Ledger(ledger.folder.parent).rows() == rows


def test_a_file_of_a_later_envhooks_is_left_alone(ledger: Ledger) -> None:
    record(ledger)
    with closing(sqlite3.connect(ledger.path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(CannotJudge, match="a later envhooks"):
        ledger.rows()


# ------------------------------------------------------------------------ parallel and killed


def test_of_many_processes_one_has_the_claim(ledger: Ledger) -> None:
    key = confirmed(ledger)
    start = ledger.folder.parent / "start"
    wait = f"while not Path({str(start)!r}).exists(): time.sleep(0.005)"
    running = [process(ledger, key, before=wait, after="sys.stdin.read()") for _ in range(6)]
    start.touch()
    said = [running_one.communicate()[0].strip() for running_one in running]
    assert sorted(said) == ["claimed"] + ["no"] * 5
    assert ledger.rows()[0].attempts == 1


def test_the_claim_of_a_killed_process_is_taken_back(ledger: Ledger) -> None:
    key = confirmed(ledger)
    builder = process(ledger, key, after="time.sleep(600)")
    assert builder.stdout is not None
    assert builder.stdout.readline() == "claimed\n"
    assert not ledger.reclaim(key)  # it lives
    assert ledger.claim(key) is None
    builder.kill()
    # not even waited for: a zombie builds nothing
    until(lambda: ledger.reclaim(key))
    builder.wait()
    assert state(ledger) == "confirmed"
    assert "killed" in ledger.rows()[0].reason
    row = ledger.claim(key)
    assert row is not None
    assert row.attempts == 2


def test_a_process_with_the_number_of_a_dead_one_holds_nothing() -> None:
    host, place, pid, started = owner.myself().split("\n")
    assert owner.is_gone(owner.myself()) is False
    assert owner.is_gone("\n".join((host, place, pid, started + "1"))) is True
    # a restart, or another machine: its heartbeat tells
    assert owner.is_gone("\n".join((host, "another boot/x", pid, started))) is None
    # a host's name changes with its network
    assert owner.is_gone("\n".join(("renamed", place, pid, started))) is False
    assert owner.is_gone("\n".join(("elsewhere", "b/n", pid, started))) is None
    assert owner.is_gone("") is True


WRITER = """
import sys
from pathlib import Path
from envhooks.builds.ledger import Intent, Ledger
ledger = Ledger(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    (key,) = ledger.record("u", "o", "client", [Intent(f"refs/tags/{sys.argv[2]}-{number}", "a" * 40, "image")])
    ledger.confirm(key)
    ledger.claim(key)
    ledger.finish(key, "done", "x" * 3000)
    print(number, flush=True)
"""


def test_kill_9_at_any_point_leaves_it_whole(ledger: Ledger) -> None:
    allowed = {"pending", "confirmed", "building", "done"}
    for turn in range(8):
        argv = [sys.executable, "-I", "-c", WRITER, str(ledger.folder.parent), str(turn)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(turn + 1):
                last = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
        rows = [row for row in ledger.rows() if row.tag.startswith(f"{turn}-")]
        assert {row.state for row in rows} <= allowed
        # what it had said was done is done
        assert [row.state for row in rows[:last]] == ["done"] * last
        for row in rows[last:]:
            if row.state == "building":
                assert ledger.reclaim(row.key)
    assert {row.state for row in ledger.rows()} <= allowed - {"building"}


def test_a_service_that_asked_for_a_day_is_not_waited_for_by_a_watcher(ledger: Ledger) -> None:
    key = confirmed(ledger)
    ledger.claim(key)
    ledger.finish(key, "confirmed", "429", time.time() + 24 * 3600)
    assert resumable(ledger.rows()) == ()
    ledger.claim(key)
    ledger.finish(key, "confirmed", "429", time.time() + 60)
    assert resumable(ledger.rows()) == (key,)
    ledger.claim(key)
    ledger.finish(key, "final", "another tag object")
    assert resumable(ledger.rows()) == ()


def test_a_disk_that_is_full_is_said_and_takes_nothing(ledger: Ledger) -> None:
    record(ledger)
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from envhooks.base.errors import CannotJudge\n"
        "from envhooks.builds.ledger import Intent, Ledger\n"
        "ledger = Ledger(Path(sys.argv[1])); size = ledger.path.stat().st_size\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "many = [Intent(f'refs/tags/{n}', 'b' * 40, 'image') for n in range(500)]\n"
        "try: ledger.record('https://example.com/env.git', 'origin', 'client', many)\n"
        "except CannotJudge as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(ledger.folder.parent)], capture_output=True, text=True, check=True
    )
    assert "the ledger of builds cannot be used" in done.stdout, done
    assert "rollback" not in done.stdout  # SQLite's own cause, not what came of it
    assert [row.ref for row in ledger.rows()] == ["refs/tags/x"]
