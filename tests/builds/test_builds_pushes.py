"""Real pushes: what is built after them, once, and what is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import sshd
from builder_parts import missing
from shop import Shop, shop, until
from smart_http import serve
from support import GOOD_TAG, WITHOUT_HOOKS, Repo, run

from envhooks.builds.ledger import Intent, Ledger
from envhooks.builds.owner import start_time
from envhooks.builds.watcher import MAX_KEYS

__all__ = ["shop"]
RC2 = "PyTorch-CUDA-v2.8-rc2"
OWN = "registry.example.com/team/pytorch-cuda:2.8-rc1"


def server_hook(shop: Shop, event: str, body: str) -> None:
    file = shop.server.path / "hooks" / event
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


def write_changelog(shop: Shop, candidates: int) -> None:
    """Entries for so many candidates, and for the release behind them."""
    names = ["2.8", *(f"2.8-rc{number}" for number in range(candidates, 0, -1))]
    entries = "".join(
        f"\n## {name} - 2026-10-01\n\nFor trying; risky. No known issues, no upgrade notes.\n"
        for name in names
    )
    shop.clone.commit_files({"CHANGELOG.md": f"# Changelog\n{entries}"})
    shop.put("main")


def nothing_is_left(shop: Shop) -> None:
    assert not (shop.ledger.folder / "work").exists() or not any((shop.ledger.folder / "work").iterdir())


# ------------------------------------------------------------------------------------- it is built


def test_a_push_is_built_once_and_says_so(shop: Shop) -> None:
    shop.clone.git("config", "envhooks.recordkey", "/nowhere")
    done = shop.push()
    assert done.code == 0, done
    row = shop.await_state("done", "failed", "dropped")
    assert "recorded" not in row.reason, "the policy names no verifier"
    assert (row.state, row.attempts, row.remote) == ("done", 1, "origin")
    assert shop.built() == [f"{GOOD_TAG} {OWN} {row.key}"]
    assert shop.ledger.path.stat().st_mode & 0o777 == 0o600
    assert Path(row.log).stat().st_mode & 0o777 == 0o600
    nothing_is_left(shop)
    listed = shop.clone.envhooks("builds", check=True)
    assert GOOD_TAG in listed.out
    assert "done" in listed.out


def test_a_push_over_http_is_built(shop: Shop) -> None:
    shop.server.git("config", "http.receivepack", "true")
    with serve(shop.server.path.parent, shop.server.environ) as url:
        shop.clone.git("remote", "set-url", "origin", f"{url}/server.git")
        assert shop.push().code == 0
        assert shop.await_state("done", "failed", "dropped").state == "done"
    assert len(shop.built()) == 1


def test_what_was_built_is_not_built_again(shop: Shop) -> None:
    shop.push()
    shop.await_state("done")
    shop.server.git("update-ref", "-d", f"refs/tags/{GOOD_TAG}")
    assert shop.push().code == 0
    assert shop.clone.envhooks("builds", "--retry").code == 0
    again = shop.clone.envhooks("build", GOOD_TAG, check=True)
    assert "built already" in again.err
    assert len(shop.built()) == 1


def test_a_mirror_is_not_built_for_and_two_remotes_that_are_named_are_two_builds(
    shop: Shop, tmp_path: Path
) -> None:
    shop.clone.git("clone", "-q", "--bare", str(shop.server.path), str(tmp_path / "other.git"))
    shop.clone.git("remote", "add", "other", str(tmp_path / "other.git"))
    shop.clone.git("fetch", "-q", "other")
    assert shop.push("origin", GOOD_TAG).code == 0
    shop.await_state("done")
    pushed = shop.push("other", GOOD_TAG)
    assert pushed.code == 0 and "its image is built" not in pushed.err, pushed
    assert len(shop.ledger.rows()) == 1

    shop.write_policy(more='remotes = ["origin", "other"]\n', push=False)
    for remote in ("origin", "other"):
        shop.clone.git("push", "-q", "--no-verify", remote, "main")
    shop.allow()
    shop.tag(RC2)
    for number, remote in enumerate(("origin", "other"), start=2):
        assert shop.push(remote, RC2).code == 0
        shop.await_state("done", count=number)
    assert len(shop.built()) == 3
    assert len({line.rsplit(" ", 1)[1] for line in shop.built()}) == 3


def test_a_push_from_a_linked_worktree_goes_into_the_same_ledger(shop: Shop) -> None:
    shop.clone.git("worktree", "add", "-q", "../far/linked", "-b", "linked")
    linked = Repo(shop.clone.path.parent / "far" / "linked", shop.clone.environ)
    linked.git("remote", "set-url", "origin", str(shop.server.path))
    assert shop.push(repo=linked).code == 0
    shop.await_state("done")
    assert len(shop.built()) == 1
    assert GOOD_TAG in linked.envhooks("builds", check=True).out


def test_a_caller_that_captures_output_is_not_held_up(shop: Shop) -> None:
    gate = shop.folder / "gate"
    shop.write_program(f'while [ ! -e "{gate}" ]; do sleep 0.05; done')
    shop.push()  # returns with its output read to the end, while the build still waits for the gate
    assert shop.await_state("building").state == "building"
    assert not gate.exists()
    gate.touch()
    shop.await_state("done")


def test_in_ci_the_build_is_waited_for(shop: Shop) -> None:
    pushed = shop.push(CI="true")
    assert pushed.code == 0
    assert shop.state() == "done", pushed  # its output ends with the build
    assert "building with command" in pushed.err
    assert "envhooks builds --retry" in pushed.err


def test_ctrl_c_in_a_closed_terminal_reaches_no_build(shop: Shop) -> None:
    gate = shop.folder / "gate"
    shop.write_program(f'while [ ! -e "{gate}" ]; do sleep 0.05; done')
    inside = f"git push -q origin {GOOD_TAG}; sleep 600"
    terminal = subprocess.Popen(
        ["sh", "-c", inside], cwd=shop.clone.path, env=shop.clone.environ, start_new_session=True
    )
    try:
        shop.await_state("building")
    finally:
        os.killpg(terminal.pid, signal.SIGHUP)
        os.killpg(terminal.pid, signal.SIGKILL)
        terminal.wait()
    gate.touch()
    shop.await_state("done")
    assert len(shop.built()) == 1


def test_the_watcher_keeps_no_descriptor_and_no_url(shop: Shop) -> None:
    gate = shop.folder / "gate"
    shop.write_program(f'while [ ! -e "{gate}" ]; do sleep 0.05; done')
    shop.push()
    pid = int(shop.await_state("building").owner.split("\n")[2])
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"server.git" not in arguments
    open_files = [str(Path(f"/proc/{pid}/fd/{n}").readlink()) for n in ("1", "2")]
    gate.touch()
    shop.await_state("done")
    assert open_files == ["/dev/null", "/dev/null"]


# --------------------------------------------------------------------------------- it is not built


def test_a_rejected_push_builds_nothing(shop: Shop) -> None:
    server_hook(shop, "update", "exit 1")
    assert shop.push().code != 0
    row = shop.await_state("dropped")
    assert "does not hold this tag" in row.reason
    assert shop.built() == []


def test_pushed_again_after_a_rejection_it_is_built(shop: Shop) -> None:
    server_hook(shop, "update", "exit 1")
    shop.push()
    shop.await_state("dropped")
    (shop.server.path / "hooks/update").unlink()
    assert shop.push().code == 0
    shop.await_state("done")
    assert len(shop.built()) == 1


def test_a_partly_rejected_push_builds_what_was_taken(shop: Shop) -> None:
    shop.tag(RC2)
    server_hook(shop, "update", f"case $1 in */{RC2}) exit 1 ;; esac")
    assert shop.push("origin", GOOD_TAG, RC2).code != 0
    shop.await_state("done")
    shop.await_state("dropped")
    assert [line.split(" ")[0] for line in shop.built()] == [GOOD_TAG]


def test_an_atomic_push_builds_all_or_nothing(shop: Shop) -> None:
    shop.tag(RC2)
    server_hook(shop, "update", f"case $1 in */{RC2}) exit 1 ;; esac")
    assert shop.push("--atomic", "origin", GOOD_TAG, RC2).code != 0
    shop.await_state("dropped", count=2)
    assert shop.built() == []


def test_a_dry_run_builds_nothing(shop: Shop) -> None:
    assert shop.push("--dry-run", "origin", GOOD_TAG).code == 0
    shop.await_state("dropped")
    assert shop.built() == []


def test_another_hook_that_fails_builds_nothing(shop: Shop) -> None:
    hook = shop.clone.path / ".git/hooks/pre-push"
    hook.write_text(
        '#!/bin/sh\ninput=$(cat)\nprintf "%s\\n" "$input" | sh "$(dirname "$0")/../envhooks/pre-push" "$@"\nexit 1\n'
    )
    assert shop.push().code != 0
    shop.await_state("dropped")
    assert shop.built() == []


def test_without_consent_it_waits_with_a_sentence(shop: Shop) -> None:
    shop.write_policy(more="timeout = 5\n")
    shop.clone.git("tag", "-d", GOOD_TAG)
    shop.tag()
    pushed = shop.push()
    assert pushed.code == 0
    assert "envhooks builds --allow" in pushed.err
    until(lambda: (row := shop.row()) is not None and "--allow" in row.reason, shop.log)
    assert shop.state() == "pending"
    assert shop.built() == []
    assert shop.clone.envhooks("builds", "--retry").code == 2
    allowed = shop.clone.envhooks("builds", "--allow", check=True)
    assert "timeout" in allowed.err
    assert shop.built() == []
    assert shop.clone.envhooks("builds", "--retry").code == 0
    assert len(shop.built()) == 1


def test_many_tags_at_once_wait_for_a_word(shop: Shop) -> None:
    shop.clone.git("tag", "-d", GOOD_TAG)
    names = [f"PyTorch-CUDA-v2.8-rc{number}" for number in range(1, 5)]
    write_changelog(shop, 4)
    for name in names:
        shop.tag(name)
    pushed = shop.push("origin", *names)
    assert pushed.code == 0, pushed
    assert "envhooks builds --retry" in pushed.err
    assert [row.held for row in shop.ledger.rows()] == [1] * 4
    shop.tag_by_hook("PyTorch-CUDA-v2.8")  # a hook in between does not start them
    assert [row.state for row in shop.ledger.rows()] == ["pending"] * 4
    assert shop.built() == []
    assert shop.clone.envhooks("builds", "--retry").code == 0
    assert sorted(line.split(" ")[0] for line in shop.built()) == names


def test_a_mirror_push_of_more_tags_than_a_watcher_receives_starts_nothing(shop: Shop) -> None:
    tags = MAX_KEYS + 1
    shop.clone.git("tag", "-d", GOOD_TAG)
    write_changelog(shop, tags)
    # a mirror has no gate of its own; one would start Python for each tag
    shop.server.envhooks("uninstall", check=True)
    for number in range(1, tags + 1):
        shop.clone.git(*WITHOUT_HOOKS, "tag", "-s", "-m", "A release", f"PyTorch-CUDA-v2.8-rc{number}")
    pushed = shop.push("--mirror", "origin")
    assert pushed.code == 0, pushed.err[-2000:]
    rows = shop.ledger.rows()
    assert len(rows) == tags
    assert {(row.state, row.held) for row in rows} == {("pending", 1)}
    assert shop.built() == []


def test_a_tag_that_was_moved_on_the_remote_is_dropped(shop: Shop) -> None:
    # as if somebody had moved it between the push and the confirmation
    other = shop.clone.git("rev-parse", "HEAD")
    server_hook(shop, "post-receive", f"git update-ref refs/tags/{GOOD_TAG} {other}")
    assert shop.push().code == 0
    row = shop.await_state("dropped")
    assert "another object" in row.reason
    assert shop.built() == []


def test_a_tag_whose_main_the_server_refused_is_not_built(shop: Shop) -> None:
    shop.clone.git("tag", "-d", GOOD_TAG)
    shop.clone.commit("More work")
    shop.clone.git("config", "envhooks.pauses", "0.1")
    shop.server.drop_hook("pre-receive")
    server_hook(shop, "update", "case $1 in refs/heads/main) exit 1 ;; esac")
    shop.clone.git(*WITHOUT_HOOKS, "tag", "-s", "-m", "A release", GOOD_TAG)
    assert shop.push("origin", "main", GOOD_TAG).code != 0
    assert shop.server.has_tag(GOOD_TAG)
    row = shop.await_state("dropped")
    assert "on-main" in row.reason
    assert shop.built() == []


# ------------------------------------------------------------------------------- it is interrupted


def test_the_push_is_killed_before_the_server_has_it(shop: Shop) -> None:
    blocked = shop.folder / "blocked"
    server_hook(shop, "update", f'touch "{blocked}"; sleep 600')
    push = subprocess.Popen(
        ["git", "push", "-q", "origin", GOOD_TAG],
        cwd=shop.clone.path,
        env=shop.clone.environ,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    until(blocked.exists)
    assert shop.state() == "pending"
    os.killpg(push.pid, signal.SIGKILL)
    push.wait()
    shop.await_state("dropped")
    assert shop.built() == []


def test_the_push_is_killed_after_the_server_has_it(shop: Shop) -> None:
    taken, go = shop.folder / "taken", shop.folder / "go"
    server_hook(shop, "post-receive", f'touch "{taken}"; while [ ! -e "{go}" ]; do sleep 0.05; done')
    argv = ["git", "push", "-q", "origin", GOOD_TAG]
    push = subprocess.Popen(argv, cwd=shop.clone.path, env=shop.clone.environ, stderr=subprocess.DEVNULL)
    until(taken.exists)
    push.kill()
    push.wait()
    go.touch()
    shop.await_state("done")
    assert len(shop.built()) == 1


def watchers(mark: str) -> list[int]:
    """The watchers with this word in their environment: other tests have watchers of their own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_one = b"envhooks.records.after" in (folder / "cmdline").read_bytes()
            if is_one and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_a_watcher_killed_while_it_waits_forgets_nothing(shop: Shop) -> None:
    blocked, gate = shop.folder / "blocked", shop.folder / "gate"
    server_hook(shop, "update", f'touch "{blocked}"; while [ ! -e "{gate}" ]; do sleep 0.05; done')
    mark = f"SHOP={shop.folder}"
    environ = {**shop.clone.environ, "SHOP": str(shop.folder)}
    push = subprocess.Popen(["git", "push", "-q", "origin", GOOD_TAG], cwd=shop.clone.path, env=environ)
    until(blocked.exists)
    until(lambda: len(watchers(mark)) == 1)
    (pid,) = watchers(mark)
    os.kill(pid, signal.SIGKILL)
    gate.touch()
    assert push.wait() == 0
    assert shop.state() == "pending"
    assert shop.clone.envhooks("builds", "--retry").code == 0
    assert shop.state() == "done"
    assert len(shop.built()) == 1


def test_a_watcher_killed_while_it_builds_is_taken_over(shop: Shop) -> None:
    gate = shop.folder / "gate"
    shop.write_program(f'while [ ! -e "{gate}" ]; do sleep 0.05; done')
    shop.push()
    row = shop.await_state("building")
    until(lambda: len(shop.built()) == 1)
    pid = int(row.owner.split("\n")[2])
    os.kill(pid, signal.SIGKILL)
    until(lambda: start_time(pid) is None)
    assert "interrupted" in shop.clone.envhooks("builds").out
    gate.touch()
    shop.tag(RC2)
    assert shop.push("origin", RC2).code == 0  # the next hook takes it up
    shop.await_state("done", count=2)
    keys = [line.rsplit(" ", 1)[1] for line in shop.built() if line.startswith(GOOD_TAG + " ")]
    assert len(keys) == 2
    assert len(set(keys)) == 1  # at least once, with one idempotency key
    nothing_is_left(shop)


def test_a_watcher_killed_between_its_steps_forgets_nothing(shop: Shop) -> None:
    shop.put(GOOD_TAG)
    oid = shop.clone.git("rev-parse", GOOD_TAG)
    intent = Intent(f"refs/tags/{GOOD_TAG}", oid, "image")
    (key,) = shop.ledger.record(str(shop.server.path), "origin", "client", [intent])
    assert shop.ledger.confirm(key)  # and here it was killed
    shop.tag_by_hook(RC2)  # the next hook
    shop.await_state("done")
    assert len(shop.built()) == 1


def test_the_remote_is_down_and_comes_back(shop: Shop) -> None:
    away = shop.server.path.with_name("away.git")
    server_hook(shop, "post-receive", f'cd / && mv "{shop.server.path}" "{away}"')
    shop.clone.git("config", "envhooks.pauses", "0.05 " * 19 + "0.05")
    pushed = shop.push()
    until(
        lambda: (row := shop.row()) is not None and "does not answer" in row.reason,
        lambda: (pushed, shop.log()),
    )
    away.rename(shop.server.path)
    shop.clone.envhooks("builds", "--retry")
    shop.await_state("done")
    assert len(shop.built()) == 1


def test_the_builder_is_down_and_comes_back(shop: Shop) -> None:
    up = shop.folder / "up"
    shop.write_program(f'[ -e "{up}" ] || {{ echo "no registry"; exit 7; }}')
    shop.clone.git("config", "envhooks.pauses", "0.05 0.05 0.05")
    shop.push()
    row = shop.await_state("failed")
    assert row.attempts == 4
    assert "exit code 7" in row.reason
    retried = shop.clone.envhooks("builds", "--retry")
    assert retried.code == 1
    assert "no registry" in retried.err
    assert "again: envhooks builds --retry" in retried.err
    up.touch()
    assert shop.clone.envhooks("builds", "--retry").code == 0
    assert shop.state() == "done"


def test_what_failed_is_taken_up_by_the_next_hook(shop: Shop) -> None:
    up = shop.folder / "up"
    shop.write_program(f'[ -e "{up}" ] || exit 7')
    shop.clone.git("config", "envhooks.pauses", "0.05")
    shop.push()
    shop.await_state("failed")
    up.touch()
    shop.tag_by_hook(RC2)
    shop.await_state("done")


def test_three_retries_at_once_build_once(shop: Shop) -> None:
    shop.clone.git("config", "envhooks.pauses", "0.05")
    shop.write_program("exit 7")
    shop.push()
    shop.await_state("failed")
    (shop.folder / "built").unlink()
    shop.write_program("sleep 0.3")
    argv = [sys.executable, "-I", "-m", "envhooks", "builds", "--retry"]
    running = [
        subprocess.Popen(
            argv, cwd=shop.clone.path, env=shop.clone.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    for process in running:
        process.communicate()
    assert len(shop.built()) == 1


# -------------------------------------------------------------------------------------- secrets


def shown_with(secret: bytes) -> set[int]:
    """The processes that have it among their arguments at this moment."""
    found = set()
    for name in os.listdir("/proc"):  # noqa: PTH208 - a glob falls over a process that ends meanwhile
        with suppress(OSError):
            if name.isdigit() and secret in Path(f"/proc/{name}/cmdline").read_bytes():
                found.add(int(name))
    return found


def test_a_password_in_the_url_reaches_no_disk_and_no_process_list(shop: Shop) -> None:
    shop.server.git("config", "http.receivepack", "true")
    shop.write_policy(
        more='remotes = ["http://*"]\n'
    )  # a bare URL is no remote that releases go to by itself
    shop.allow()
    taken, go, gate = (shop.folder / name for name in ("taken", "go", "gate"))
    server_hook(shop, "post-receive", f'touch "{taken}"; while [ ! -e "{go}" ]; do sleep 0.05; done')
    shop.write_program(f'while [ ! -e "{gate}" ]; do sleep 0.05; done')
    with serve(shop.server.path.parent, shop.server.environ, "alice:hunter2") as url:
        secret = url.replace("://", "://alice:hunter2@")
        shop.clone.commit("Work")  # for main goes along: of a bare URL no main is known
        argv = ["git", "push", "-q", f"{secret}/server.git", "main", GOOD_TAG]
        push = subprocess.Popen(argv, cwd=shop.clone.path, env=shop.clone.environ)
        until(taken.exists)
        gits_own = shown_with(b"hunter2")  # `git push URL` itself shows it; what comes after that is ours
        assert push.pid in gits_own
        go.touch()
        ours: set[int] = set()

        def builds() -> bool:
            ours.update(shown_with(b"hunter2") - gits_own)
            return shop.state() == "building"

        until(builds, shop.log)
        assert push.wait() == 0
        row = shop.await_state("building")
        gate.touch()
        shop.await_state("done")
    assert not ours
    assert row.url == f"{url}/server.git"
    files = [file for file in (shop.clone.path / ".git").rglob("*") if file.is_file()]
    assert not [file for file in files if b"hunter2" in file.read_bytes()]
    assert "hunter2" not in "".join(shop.built())


def test_a_push_over_ssh_is_built(shop: Shop) -> None:
    if sshd.program() is None:
        missing("sshd (apt-get install openssh-server)")
    with sshd.serve(shop.folder / "ssh", shop.clone.environ) as server:
        shop.clone.git("remote", "set-url", "origin", f"{server.url}{shop.server.path}")
        shop.clone.git("config", "core.sshCommand", server.command)
        pushed = shop.push()
        assert pushed.code == 0, pushed
        row = shop.await_state("done", "failed", "dropped")
    assert (row.state, row.url) == ("done", f"{server.url}{shop.server.path}")
    assert len(shop.built()) == 1


# ------------------------------------------------------------------------------------ on a server


@pytest.fixture
def built_there(shop: Shop) -> Shop:
    """The policy has the server build, and its administrator allowed it."""
    shop.write_policy(on="server")
    shop.server.envhooks("builds", "--allow", check=True)
    shop.clone.git("tag", "-d", GOOD_TAG)
    shop.tag()
    return shop


def test_a_server_builds_what_it_took(built_there: Shop) -> None:
    pushed = built_there.push()
    assert pushed.code == 0, pushed
    ledger = Ledger(built_there.server.path)
    until(lambda: any(row.state == "done" for row in ledger.rows()), lambda: (pushed, ledger.rows()))
    row = ledger.rows()[0]
    assert (row.place, row.url) == ("server", str(built_there.server.path))
    assert len(built_there.built()) == 1
    assert built_there.ledger.rows() == ()  # nothing from the clone


def test_a_server_without_consent_waits(built_there: Shop) -> None:
    built_there.server.git("config", "--remove-section", "envhooks.allow.image")
    pushed = built_there.push()
    assert "envhooks builds --allow" in pushed.err
    assert built_there.built() == []


def test_the_server_starts_no_python_for_branches(built_there: Shop) -> None:
    (built_there.server.path / "envhooks/python").write_text("/nonexistent\n")
    for hook in ("pre-receive", "reference-transaction"):  # which refuse the tag where there is no Python
        built_there.server.drop_hook(hook)
    environ = {**built_there.clone.environ, "PATH": "/usr/bin:/bin"}
    built_there.clone.commit("Work")
    assert run(["git", "push", "--no-verify", "origin", "main"], built_there.clone.path, environ).code == 0
    said = run(["git", "push", "--no-verify", "origin", GOOD_TAG], built_there.clone.path, environ).err
    assert "nothing is" in said


@pytest.mark.parametrize("way", ["damaged", "a folder", "cannot be made"])
def test_a_ledger_that_cannot_be_used_stops_no_push_and_is_said(shop: Shop, way: str) -> None:
    """The tag is good: that nothing notes its build is said beside the push, with what helps."""
    path = shop.ledger.path
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if way == "a folder":
        path.mkdir()
    elif way == "cannot be made":  # as where nobody may write, which holds for root as well
        path.symlink_to("/nowhere/at/all")
    else:
        path.write_bytes(b"no database, and long enough to be taken for one " * 100)
    done = shop.push()
    assert done.code == 0, done.said
    assert shop.server.git("rev-parse", f"refs/tags/{GOOD_TAG}"), "it is there"
    assert "the ledger of builds cannot be used" in done.err and "Traceback" not in done.err, done.err
    if way == "damaged":
        assert f"mv {path} {path}.damaged" in done.err, done.err
    assert shop.built() == []
