"""`envhooks lock`: the ledger is written once, holds for ever, and never says what is not so."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from support import GOOD_TAG, WITHOUT_HOOKS, Repo, enact, run, said

from envhooks.policy.root import parse_lock

RC2, STABLE = "PyTorch-CUDA-v2.8-rc2", "PyTorch-CUDA-v2.8"
LOCK = ".envhooks/tags.lock"


def tag(repo: Repo, name: str = GOOD_TAG, *options: str) -> None:
    repo.git("tag", *(options or ("-s", "-m", "A release")), name)


def ledger(repo: Repo) -> dict[str, tuple[str, str, str, str]]:
    """Short tag name -> (id, SHA-256, signer, reason)."""
    found = parse_lock((repo.path / LOCK).read_bytes(), "x")
    return {ref[10:]: (t.oid, t.sha256, t.signer, t.reason) for ref, t in found.items()}


def verdicts(repo: Repo) -> dict[str, dict[str, object]]:
    document = json.loads(repo.envhooks("check", "--all", "--format", "json").out)
    assert not document["errors"], document
    return {entry["tag"]: entry for entry in document["tags"]}


def findings(entry: dict[str, object], check: str) -> list[dict[str, str]]:
    every = entry["findings"]
    assert isinstance(every, list)
    return [finding for finding in every if finding["check"] == check]


@pytest.fixture
def locked(good: Repo) -> Repo:
    """Two good tags, locked on main."""
    tag(good)
    tag(good, RC2)
    good.envhooks("lock", check=True)
    enact(good)
    return good


# -------------------------------------------------------------------------------------- writing


def test_every_good_tag_gets_its_line(good: Repo) -> None:
    tag(good, RC2)
    tag(good)
    tag(good, "old")
    done = good.envhooks("lock", check=True)
    oid = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    raw = run(["git", "cat-file", "tag", oid], good.path, good.environ, check=True).out.encode()
    assert ledger(good)[GOOD_TAG] == (oid, hashlib.sha256(raw).hexdigest(), "alice@example.org", "")
    assert list(ledger(good)) == [GOOD_TAG, RC2], "sorted, and the bad one left out"
    said(done, "not locked: old: [tag-name]", f"+refs/tags/{RC2} ", f"git add {LOCK}", "git push origin main")


def test_the_printed_commands_put_it_under_the_policy(good: Repo) -> None:
    tag(good)
    done = good.envhooks("lock", check=True)
    commands = [line.strip() for line in done.out.split("\n") if line.startswith("  git ")]
    assert len(commands) == 3
    for command in commands:
        run(["sh", "-c", command], good.path, good.environ, check=True)
    assert good.git("log", "-1", "--format=%s", "origin/main") == f"Lock {GOOD_TAG}"
    assert good.envhooks("check", "--all").code == 0


def test_lines_and_comments_that_are_there_stay(locked: Repo) -> None:
    file = locked.path / LOCK
    lines = file.read_text().split("\n")
    file.write_text("\n".join([*lines[:2], "# why rc2 was made", *lines[2:], "# the end"]))
    tag(locked, STABLE)
    before = ledger(locked)
    done = locked.envhooks("lock", check=True)
    after = file.read_text().split("\n")
    assert {name: ledger(locked)[name] for name in before} == before
    assert [line.split(" ")[0] for line in after if line.startswith("refs/")] == [
        f"refs/tags/{STABLE}",
        f"refs/tags/{GOOD_TAG}",
        f"refs/tags/{RC2}",
    ]
    at = after.index("# why rc2 was made")
    assert after[at + 1].startswith(f"refs/tags/{RC2} ")
    assert "# the end" in after and after[0] == lines[0]
    assert not [line for line in done.out.split("\n") if line.startswith("-refs")], done.out


def test_a_comment_in_another_encoding_stays_as_it_is(locked: Repo) -> None:
    file = locked.path / LOCK
    comment = "# gez\u00e4hlt\n".encode("latin-1")
    file.write_bytes(comment + file.read_bytes())
    tag(locked, STABLE)
    said(locked.envhooks("lock", check=True), " # gez\\xe4hlt", f"+refs/tags/{STABLE} ")
    assert file.read_bytes().startswith(comment) and STABLE in ledger(locked)


def test_a_second_run_has_nothing_to_do(locked: Repo) -> None:
    before = (locked.path / LOCK).read_bytes()
    done = locked.envhooks("lock", check=True)
    said(done, "up to date: 2 tags")
    assert (locked.path / LOCK).read_bytes() == before


def test_named_tags_alone(good: Repo) -> None:
    tag(good)
    tag(good, RC2)
    good.envhooks("lock", RC2, check=True)
    assert list(ledger(good)) == [RC2]


def test_a_named_tag_that_is_not_good_writes_nothing(good: Repo) -> None:
    tag(good)
    tag(good, RC2, "-a", "-m", "unsigned")
    done = good.envhooks("lock", GOOD_TAG, RC2)
    assert done.code == 1
    said(done, "tag-signed", "nothing was written", "--legacy")
    assert not (good.path / LOCK).exists()


def test_a_tag_that_is_good_but_for_a_signature_is_not_locked(good: Repo) -> None:
    """Where the policy switches tag-signed off, nobody's name may stand in the ledger."""
    off = '[checks]\ntag-signed = { level = "off", reason = "a trial" }\n'
    good.commit_files({".envhooks/policy.toml": off})
    good.git("push", "-q", "origin", "main")
    tag(good, GOOD_TAG, "-a", "-m", "unsigned")
    assert good.envhooks("check", GOOD_TAG).code == 0
    said(good.envhooks("lock", check=True), "no signature of an allowed key")
    assert not (good.path / LOCK).exists()


def test_without_signers_there_is_nothing_to_go_by(good: Repo) -> None:
    good.git("rm", "-q", ".envhooks/allowed_signers")
    enact(good)
    tag(good)
    done = good.envhooks("lock")
    assert done.code == 2
    said(done, "no signers", "envhooks init")


def test_only_the_policy_on_the_branch_judges(good: Repo) -> None:
    """A signer who stands in the work tree alone gets no line."""
    stranger = (Path(good.environ["HOME"]) / "stranger.pub").read_text()
    good.write({".envhooks/allowed_signers": f"mallory@example.org {stranger}"})
    good.git("config", "user.signingkey", f"{good.environ['HOME']}/stranger.pub")
    tag(good)
    said(good.envhooks("lock"), "not allowed to sign")
    assert not (good.path / LOCK).exists()


@pytest.mark.parametrize("arguments", [["nothing"], ["--reason", "x"], ["--legacy", "old"], ["--legacy"]])
def test_called_wrongly(good: Repo, arguments: list[str]) -> None:
    tag(good, "old")
    done = good.envhooks("lock", *arguments)
    assert done.code == 2
    said(done)
    assert not (good.path / LOCK).exists()


def test_a_shallow_clone_locks_nothing(good: Repo, server: Repo, tmp_path: Path) -> None:
    tag(good)
    good.commit("Later")
    good.git("push", "-q", "origin", "main", GOOD_TAG)
    done = server.cloned(tmp_path / "ci", "--depth", "1").envhooks("lock")
    assert done.code == 2
    said(done, "shallow", "git fetch --unshallow")


def test_a_bare_repository_is_one_sentence(server: Repo) -> None:
    done = server.envhooks("lock")
    assert done.code == 2
    said(done, "no work tree")


@pytest.mark.parametrize("what", [".envhooks", LOCK])
def test_a_committed_link_leads_nowhere(good: Repo, tmp_path: Path, what: str) -> None:
    """Files of the user's own, outside of the repository, are neither read nor written."""
    tag(good)
    victim = tmp_path / "victim"
    if what == LOCK:
        victim.write_text("mine\n")
        (good.path / LOCK).symlink_to(victim)
    else:
        (good.path / what).rename(victim)
        (good.path / what).symlink_to(victim)
    done = good.envhooks("lock")
    assert done.code == 2
    said(done, "symbolic link")
    assert what == ".envhooks" or victim.read_text() == "mine\n"


# --------------------------------------------------------------------------------------- legacy


def test_legacy_tags_of_every_kind(good: Repo) -> None:
    good.git("tag", "v1.0")
    good.git("tag", "-a", "-m", "old", "v1.1")
    good.git("update-ref", "refs/tags/a-tree", "HEAD^{tree}")
    good.git("update-ref", "refs/tags/a-blob", good.git("rev-parse", "HEAD:Dockerfile"))
    tag(good)
    names = ["v1.0", "v1.1", "a-tree", "refs/tags/a-blob"]
    good.envhooks("lock", "--legacy", *names, "--reason", "made before the policy", check=True)
    lines = ledger(good)
    assert {name for name, line in lines.items() if line[2] == "legacy"} == {
        "v1.0",
        "v1.1",
        "a-tree",
        "a-blob",
    }
    assert lines["v1.0"][3] == "made before the policy"
    assert lines[GOOD_TAG][2] == "alice@example.org"
    assert good.envhooks("check", "--all").code == 1, "only the policy's ledger counts, not the work tree's"
    enact(good)
    found = verdicts(good)
    assert {entry["verdict"] for entry in found.values()} == {"accepted"}
    assert found["v1.0"]["passed"] == ["tag-immutable"]
    skipped = found["v1.0"]["not_applicable"]
    assert isinstance(skipped, dict)
    assert {"tag-name", "tag-annotated", "tag-signed", "on-main", "dockerfile-matches"} <= set(skipped)
    own = {check: why for check, why in skipped.items() if why != "the tag does not change"}
    assert set(own.values()) == {"admitted as legacy: made before the policy"}


def test_a_legacy_tag_that_moved_is_an_ordinary_bad_tag(good: Repo) -> None:
    good.git("tag", "v1.0")
    good.envhooks("lock", "--legacy", "v1.0", "--reason", "old", check=True)
    off = '[checks]\ntag-immutable = { level = "off", reason = "an attempt" }\n'
    good.write({".envhooks/policy.toml": off})
    enact(good)
    assert good.envhooks("check", "v1.0").code == 0
    good.git("tag", "-f", "v1.0", "HEAD")
    found = verdicts(good)["v1.0"]
    assert found["verdict"] == "refused", "what it was admitted as does not cover what it is now"


def test_legacy_tags_pass_the_hooks_as_they_are_listed(guarded: Repo, server: Repo) -> None:
    guarded.git(*WITHOUT_HOOKS, "tag", "v1.0")
    assert guarded.try_git("push", "origin", "v1.0").code != 0
    guarded.envhooks("lock", "--legacy", "v1.0", "--reason", "old", check=True)
    enact(guarded)
    assert guarded.try_git("push", "origin", "v1.0").code == 0
    assert server.has_tag("v1.0")
    guarded.commit("More")
    guarded.git(*WITHOUT_HOOKS, "tag", "-f", "v1.0")
    for options in ((), ("--no-verify",)):
        done = guarded.try_git("push", *options, "--force", "origin", "v1.0")
        assert done.code != 0 and "[tag-immutable]" in done.err
        assert guarded.try_git("push", *options, "origin", ":v1.0").code != 0, (
            "not even one that was never good"
        )


def test_a_good_tag_needs_no_admission(good: Repo) -> None:
    tag(good)
    good.envhooks("lock", "--legacy", GOOD_TAG, "--reason", "careful", check=True)
    assert ledger(good)[GOOD_TAG][2:] == ("alice@example.org", "")
    said(good.envhooks("lock", "--legacy", GOOD_TAG, "--reason", "again", check=True), "is locked already")


@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "b\u00f6se", "\x1b[2J", "x" * 300])
def test_a_reason_is_one_plain_line(good: Repo, reason: str) -> None:
    good.git("tag", "v1.0")
    done = good.envhooks("lock", "--legacy", "v1.0", "--reason", reason)
    assert done.code == 2
    said(done, "--reason")
    assert "\x1b" not in done.said


@pytest.mark.parametrize("name", ["v\u202e1", "v\u00a01", "v\u20281"])
def test_a_name_that_deceives_is_not_written(good: Repo, name: str) -> None:
    good.git("update-ref", f"refs/tags/{name}", "HEAD")
    done = good.envhooks("lock", "--legacy", name, "--reason", "x")
    assert done.code == 2
    said(done, "cannot be written into tags.lock")
    assert "\u202e" not in done.said


def test_a_line_holds_a_tag_whose_name_is_not_utf_8(good: Repo) -> None:
    """By hand: `envhooks lock` writes no such line, and one that is there has to hold."""
    name = os.fsdecode(b"v1-\xe9")
    good.git("update-ref", f"refs/tags/{name}", "HEAD")
    oid = good.git("rev-parse", "HEAD")
    raw = run(["git", "cat-file", "commit", oid], good.path, good.environ, check=True).out.encode()
    line = f"refs/tags/{name} {oid} {hashlib.sha256(raw).hexdigest()} legacy old\n"
    (good.path / LOCK).write_bytes(os.fsencode(line))
    enact(good)
    said(good.envhooks("check", "--all", check=True), "v1-\\xe9: good")
    good.commit("More")
    good.git("update-ref", f"refs/tags/{name}", "HEAD")
    done = good.envhooks("check", "--all", check=False)
    said(done, "tags.lock lists this tag with another object", "v1-\\xe9")


def test_ignored_tags_are_held_to_the_ledger_alone(good: Repo) -> None:
    good.git("tag", "v1")
    good.envhooks("lock", "--legacy", "v1", "--reason", "old", check=True)
    good.write({".envhooks/policy.toml": '[tag]\nignore = ["v*"]\n'})
    enact(good)
    assert good.envhooks("check", "--all").code == 0
    good.commit("More")
    good.git("tag", "-f", "v1")
    done = good.envhooks("check", "--all")
    assert done.code == 1
    said(done, "[tag-immutable]")
    assert "[tag-name]" not in done.out


# ------------------------------------------------------------------- moved, deleted, rolled back


def test_moved_deleted_and_rolled_back_tags_are_found(locked: Repo) -> None:
    first = locked.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    locked.git("tag", "-f", "-s", "-m", "again", GOOD_TAG)
    locked.git("tag", "-d", RC2)
    found = verdicts(locked)
    assert found[GOOD_TAG]["verdict"] == found[RC2]["verdict"] == "refused"
    done = locked.envhooks("check", "--all")
    said(done, "with another object", "is not there", first, "git fetch origin +refs/tags/")
    assert done.code == 1
    locked.git("update-ref", f"refs/tags/{GOOD_TAG}", first)
    assert verdicts(locked)[GOOD_TAG]["verdict"] == "accepted"


def test_an_older_object_under_a_locked_name_is_found(good: Repo) -> None:
    """Rolled back: validly signed, of the same name, and superseded before it was locked."""
    tag(good)
    older = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    good.git("tag", "-f", "-s", "-m", "The real one", GOOD_TAG)
    good.envhooks("lock", check=True)
    enact(good)
    assert good.envhooks("check", "--all").code == 0
    good.git("update-ref", f"refs/tags/{GOOD_TAG}", older)
    done = good.envhooks("check", "--all")
    assert done.code == 1
    said(done, "[tag-immutable]", older)


def test_another_sha256_under_the_same_id_is_found(locked: Repo) -> None:
    file = locked.path / LOCK
    digest = ledger(locked)[GOOD_TAG][1]
    file.write_text(file.read_text().replace(digest, digest[::-1]))
    enact(locked)
    done = locked.envhooks("check", "--all")
    assert done.code == 1
    said(done, "other contents", digest)
    refused = locked.envhooks("lock")
    assert refused.code == 1
    said(refused, "another SHA-256", "nothing was written")


@pytest.mark.parametrize("what", ["moved", "gone"])
def test_lock_writes_nothing_over_a_mismatch(locked: Repo, what: str) -> None:
    before = (locked.path / LOCK).read_bytes()
    tag(locked, STABLE)
    locked.git("tag", *(("-f", "-s", "-m", "again") if what == "moved" else ("-d",)), GOOD_TAG)
    done = locked.envhooks("lock")
    assert done.code == 1
    said(done, f"tags.lock lists refs/tags/{GOOD_TAG}", "git fetch --force --tags")
    assert (locked.path / LOCK).read_bytes() == before


def test_a_work_tree_that_contradicts_the_policy_is_not_believed(locked: Repo) -> None:
    file = locked.path / LOCK
    file.write_text(file.read_text().replace("alice@", "mallory@"))
    done = locked.envhooks("lock")
    assert done.code == 2
    said(done, "differently", "git checkout origin/main")


def test_lines_of_the_policy_are_not_lost_on_an_old_branch(locked: Repo) -> None:
    (locked.path / LOCK).unlink()
    locked.envhooks("lock", check=True)
    assert list(ledger(locked)) == [GOOD_TAG, RC2]


@pytest.mark.parametrize(
    "line",
    ["rubbish", f"refs/tags/x {'1' * 64} {'2' * 64} alice", f"refs/tags/x {'1' * 40} {'2' * 64} legacy"],
    ids=["rubbish", "id-of-a-sha256-repository", "legacy-without-a-reason"],
)
def test_a_ledger_that_cannot_be_read_is_not_written_over(locked: Repo, line: str) -> None:
    file = locked.path / LOCK
    file.write_text(f"{file.read_text()}{line}\n")
    before = file.read_bytes()
    done = locked.envhooks("lock")
    assert done.code == 2
    said(done, "tags.lock:4")
    assert file.read_bytes() == before
    enact(locked)
    assert locked.envhooks("check", "--all").code == 2


def test_a_shallow_clone_does_not_call_tags_deleted_that_it_never_fetched(
    locked: Repo, server: Repo, tmp_path: Path
) -> None:
    locked.git("push", "-q", "origin", "--tags")
    ci = server.cloned(tmp_path / "ci", "--depth", "1", "--no-tags")
    done = ci.envhooks("check", "--all")
    assert done.code == 2
    said(done, "shallow")
    assert "is not there" not in done.said
    assert ci.envhooks("check", "--all", "--fetch").code == 0


# ----------------------------------------------------------------------------------- keys that end


@pytest.mark.parametrize("fate", ["expired", "removed", "revoked"])
def test_a_locked_tag_outlives_its_key(locked: Repo, fate: str) -> None:
    home = Path(locked.environ["HOME"])
    key, other = (" ".join((home / name).read_text().split()[:2]) for name in ("id.pub", "stranger.pub"))
    window = ',valid-before="20250101Z"' if fate == "expired" else ""
    own = "" if fate == "removed" else f'alice@example.org namespaces="git"{window} {key}\n'
    locked.write({".envhooks/allowed_signers": f'{own}bob@example.org namespaces="git" {other}\n'})
    if fate == "revoked":
        locked.write({".envhooks/revoked_keys": f"{key}\n"})
    enact(locked)
    tag(locked, STABLE)
    found = verdicts(locked)
    assert found[GOOD_TAG]["verdict"] == "accepted"
    (note,) = findings(found[GOOD_TAG], "tag-signed")
    assert note["level"] == "note" and "tags.lock vouches" in note["message"]
    assert found[STABLE]["verdict"] == "refused", "what is not locked has to be good now"
    said(locked.envhooks("check", GOOD_TAG), "revoked" if fate == "revoked" else "allowed")
    assert locked.envhooks("lock", check=True).code == 0
    assert STABLE not in ledger(locked)


def test_the_ledger_of_the_tagged_commit_does_not_count(good: Repo) -> None:
    """A tag that brings its own ledger along is judged by main's."""
    tag(good, GOOD_TAG, "-a", "-m", "unsigned")
    oid = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    raw = run(["git", "cat-file", "tag", oid], good.path, good.environ, check=True).out.encode()
    line = f"refs/tags/{GOOD_TAG} {oid} {hashlib.sha256(raw).hexdigest()} alice@example.org\n"
    good.git("switch", "-q", "-c", "side")
    good.commit_files({LOCK: line})
    assert good.envhooks("check", GOOD_TAG).code == 1
