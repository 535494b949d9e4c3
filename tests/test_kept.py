"""Verdicts are taken over only where nothing changed that they depend on; change anything, and they are made anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from support import CHANGELOG, GOOD_TAG, Repo

import envhooks
from envhooks import checks, gate, keptcontext, keptfile
from envhooks.git import Git
from envhooks.kept import LONGEST, Kept
from envhooks.law import stand
from envhooks.model import TAGS, Door, Report
from envhooks.subject import standing

LATER = "PyTorch-CUDA-v2.8-rc2"
BAD = "PyTorch-CUDA-v2.7-rc1"  # its Dockerfile says 2.8
ALL = {TAGS + GOOD_TAG, TAGS + LATER, TAGS + BAD}
NOW = datetime.now(timezone.utc)


@pytest.fixture
def audited(good: Repo) -> Repo:
    """A clone with two good tags and a refused one, whose verdicts are kept."""
    for tag in (GOOD_TAG, LATER, BAD):
        good.git("tag", "-s", "-m", "Candidate", tag)
    assert {tag.verdict for tag in audit(good).tags} == {"accepted", "refused"}
    assert reused(good) == ALL
    return good


def audit(repo: Repo, now: datetime = NOW, keep: bool = True) -> Report:
    with Git.open(repo.path) as git:
        return gate.judge_standing(git, gate.every_tag, work=gate.Work(kept=Kept(git, now) if keep else None))


def reused(repo: Repo, now: datetime = NOW) -> set[str]:
    """The refs whose verdicts would be taken over."""
    with Git.open(repo.path) as git:
        standpoint = stand(git, Door.CHECK, check_ids=checks.ids())
        found = Kept(git, now).find(standpoint, sorted(checks.ids()), standing(git, standpoint.law.locked))
        return set(found)


def publish(repo: Repo, **files: str) -> None:
    repo.commit("A change", **files)
    repo.git("push", "-q", "origin", "main")


def test_what_is_taken_over_reads_like_what_is_made_anew(audited: Repo) -> None:
    assert audit(audited) == audit(audited, keep=False)


def test_one_more_tag_costs_one_more_verdict(audited: Repo) -> None:
    audited.git("tag", "-s", "-m", "Release", "PyTorch-CUDA-v2.8")
    assert reused(audited) == ALL
    assert audit(audited) == audit(audited, keep=False)
    assert reused(audited) == {*ALL, TAGS + "PyTorch-CUDA-v2.8"}


def test_main_may_go_on_as_long_as_the_commits_stay_on_it(audited: Repo) -> None:
    publish(audited, other="text")
    assert reused(audited) == ALL


def test_a_commit_that_is_no_longer_on_main_is_judged_anew(audited: Repo) -> None:
    audited.git("commit", "-q", "--amend", "-m", "Another history")
    audited.git("push", "-q", "-f", "origin", "main")
    assert reused(audited) == set()
    assert {tag.verdict for tag in audit(audited).tags} == {"refused"}
    audited.git("reset", "-q", "--hard", GOOD_TAG)
    audited.git("push", "-q", "-f", "origin", "main")
    assert reused(audited) == set()


def test_another_object_under_the_name_is_judged_anew(audited: Repo) -> None:
    audited.git("tag", "-f", "-m", "Unsigned", GOOD_TAG)
    assert reused(audited) == ALL - {TAGS + GOOD_TAG}
    assert next(tag for tag in audit(audited).tags if tag.tag == GOOD_TAG).verdict == "refused"


def test_the_same_object_under_another_name_is_judged_anew(audited: Repo) -> None:
    oid = audited.git("rev-parse", GOOD_TAG)
    audited.git("update-ref", "refs/tags/PyTorch-CUDA-v2.8-rc9", oid)
    assert reused(audited) == ALL
    assert next(tag for tag in audit(audited).tags if tag.tag.endswith("rc9")).verdict == "refused"


def test_a_tag_that_became_a_symbolic_ref_is_judged_anew(audited: Repo) -> None:
    audited.git("update-ref", "refs/hidden/x", f"refs/tags/{GOOD_TAG}")
    audited.git("update-ref", "-d", f"refs/tags/{GOOD_TAG}")
    audited.git("symbolic-ref", f"refs/tags/{GOOD_TAG}", "refs/hidden/x")
    assert reused(audited) == ALL - {TAGS + GOOD_TAG}
    assert next(tag for tag in audit(audited).tags if tag.tag == GOOD_TAG).verdict == "refused"
    assert reused(audited) == ALL - {TAGS + GOOD_TAG}


CHANGES: dict[str, dict[str, str]] = {
    "the policy": {"_DOT_envhooks__policy_DOT_toml": "[checks]\non-main = 'warning'\n"},
    "a comment in it": {"_DOT_envhooks__policy_DOT_toml": "# a word\n"},
    "the signers": {"_DOT_envhooks__allowed_signers": "# nobody\n"},
    "a revoked key": {"_DOT_envhooks__revoked_keys": "SHA256:" + "A" * 43 + "\n"},
    "the ledger": {"_DOT_envhooks__tags_DOT_lock": ""},
    "a file of the law that nobody reads": {"_DOT_envhooks__README": "text\n"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_law_is_another_verdict(audited: Repo, what: str) -> None:
    publish(audited, **CHANGES[what])
    assert reused(audited) == set()
    assert audit(audited) == audit(audited, keep=False)


def _other_version(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(envhooks, "__version__", "999")


def _other_table(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "envhooks"
    shutil.copytree(Path(envhooks.__file__).parent, copy)  # with the dates of its files
    monkeypatch.setattr(envhooks, "__file__", str(copy / "__init__.py"))
    assert reused(repo) == ALL
    with (copy / "environment" / "compat.toml").open("a") as table:
        table.write("# a fact\n")


def _other_program(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ssh-keygen").write_text(f'#!/bin/sh\nexec {shutil.which("ssh-keygen")} "$@"\n')
    (tmp_path / "ssh-keygen").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def _other_library(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keptcontext, "find_spec", lambda name: None)


def _other_branches(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    repo.git("config", "remote.upstream.url", "../server.git")
    repo.git("config", "envhooks.remote", "upstream")


@pytest.mark.parametrize(
    "change", [_other_version, _other_table, _other_program, _other_library, _other_branches]
)
def test_another_judge_is_another_verdict(
    audited: Repo,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: Callable[[Repo, pytest.MonkeyPatch, Path], None],
) -> None:
    change(audited, monkeypatch, tmp_path)
    assert reused(audited) == set()


def test_other_checks_are_another_verdict(audited: Repo) -> None:
    with Git.open(audited.path) as git:
        standpoint = stand(git, Door.CHECK)
        ids = [*sorted(checks.ids()), "one-more"]
        assert Kept(git, NOW).find(standpoint, ids, standing(git, {})) == {}


def test_no_verdict_is_kept_for_longer_than_a_day_or_for_a_time_before_it(audited: Repo) -> None:
    assert reused(audited, NOW + timedelta(seconds=LONGEST - 1)) == ALL
    assert reused(audited, NOW + timedelta(seconds=LONGEST)) == set()
    assert reused(audited, NOW - timedelta(seconds=1)) == set()


def test_no_verdict_outlives_the_window_of_its_key(good: Repo) -> None:
    line = (good.path / ".envhooks" / "allowed_signers").read_text()
    end = NOW + timedelta(hours=1)
    window = f'namespaces="git",valid-before="{end:%Y%m%d%H%M%SZ}"'
    publish(good, _DOT_envhooks__allowed_signers=line.replace('namespaces="git"', window))
    good.git("tag", "-s", "-m", "Candidate", GOOD_TAG)
    (tag,) = audit(good).tags
    assert tag.verdict == "accepted"
    assert any("ends today" in finding.message for finding in tag.findings)
    assert reused(good, end - timedelta(seconds=3)) == {TAGS + GOOD_TAG}
    assert reused(good, end) == set()
    assert reused(good, end + timedelta(seconds=2)) == set()


def test_the_first_day_and_a_shallow_clone_keep_nothing(audited: Repo, tmp_path: Path) -> None:
    Repo(audited.path.parent, audited.environ).git(
        "clone", "-q", "--depth", "1", f"file://{audited.path}", "shallow"
    )
    shallow = Repo(audited.path.parent / "shallow", audited.environ)
    audit(shallow)
    assert reused(shallow) == set()
    publish(audited, _DOT_envhooks__allowed_signers="")
    audit(audited)
    assert reused(audited) == set()


def test_what_could_not_be_judged_is_not_kept(audited: Repo) -> None:
    tree = audited.git("rev-parse", f"{BAD}^{{tree}}")
    oid = audited.git("rev-parse", f"{tree}:CHANGELOG.md")
    publish(
        audited, CHANGELOG_DOT_md=CHANGELOG + "\nMore.\n", _DOT_envhooks__policy_DOT_toml="# another law\n"
    )
    (audited.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    assert "undecided" in {tag.verdict for tag in audit(audited).tags}
    assert reused(audited) == set()


# ----------------------------------------------------------------------------------------- the file


def kept_file(repo: Repo) -> Path:
    return repo.path / ".git" / "envhooks" / keptfile.NAME


def test_a_damaged_file_counts_as_none_and_is_replaced(audited: Repo) -> None:
    whole = kept_file(audited).read_bytes()
    assert kept_file(audited).stat().st_mode & 0o777 == 0o600
    places = {0, 10, 64, 65, 70, 130, len(whole) // 2, len(whole) - 1}
    for damaged in (b"", whole[:-1], whole + b"\n", b"{}", *(_flipped(whole, at) for at in places)):
        kept_file(audited).write_bytes(damaged)
        assert reused(audited) == set()
    assert audit(audited) == audit(audited, keep=False)
    assert reused(audited) == ALL


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_file_that_came_with_a_repository_is_not_believed(
    audited: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another-person"))
    assert reused(audited) == set()


def test_a_file_that_others_can_write_is_not_believed(audited: Repo) -> None:
    kept_file(audited).chmod(0o660)
    assert reused(audited) == set()
    kept_file(audited).chmod(0o600)
    moved = kept_file(audited).rename(audited.path / "moved")
    kept_file(audited).symlink_to(moved)
    assert reused(audited) == set()


def test_where_nothing_can_be_written_the_verdict_is_the_same(
    audited: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_file(audited).unlink()
    kept_file(audited).mkdir()
    assert audit(audited) == audit(audited, keep=False)
    monkeypatch.setenv("HOME", "relative")
    assert audit(audited) == audit(audited, keep=False)


# --------------------------------------------------------------------------------- who looks there


def test_ci_and_a_server_look_there_only_where_they_are_asked(audited: Repo, server: Repo) -> None:
    for repo, environ in ((audited, {"CI": "true"}), (server, {})):
        shutil.rmtree(repo.path / ".git" / "envhooks", ignore_errors=True)
        there = Repo(repo.path, {**repo.environ, **environ})
        folder = repo.path if repo is server else repo.path / ".git"
        if repo is server:
            audited.git("push", "-q", "origin", "--tags")
        assert there.envhooks("check", "--all").code == 1
        assert not (folder / "envhooks" / keptfile.NAME).exists()
        assert there.envhooks("check", "--all", "--cache").code == 1
        assert (folder / "envhooks" / keptfile.NAME).exists()


def test_it_can_be_told_not_to_look_there(audited: Repo) -> None:
    kept_file(audited).unlink()
    first = audited.envhooks("check", "--all", "--no-cache")
    assert not kept_file(audited).exists()
    assert audited.envhooks("check", "--all").out == first.out == audited.envhooks("check", "--all").out
    assert kept_file(audited).exists()


def test_the_doors_never_look_there() -> None:
    script = (
        "import sys, io; import envhooks.cli.hook, envhooks.gate, envhooks.builds.confirm, envhooks.cli.lock;"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert not {"envhooks.kept", "envhooks.keptfile"} & set(done.stdout.split())
