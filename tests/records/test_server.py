"""A server with the gate: records are added, never changed or taken away, and by keys that count now."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from record_parts import key_of, lines, make_key, make_tag, set_policy, tag_record, verifier, write_lines
from support import GOOD_TAG, Done, Repo

from envhooks.git import notes
from envhooks.git.repository import Git
from envhooks.records.keys import SigningKey

THEN = datetime.now(timezone.utc) - timedelta(days=3)


def push(repo: Repo, *more: str) -> Done:
    return repo.try_git("push", "-q", "--no-verify", *more, "origin", notes.REF)


def prepared(guarded: Repo, tmp_path: Path, more: str = "") -> tuple[SigningKey, str]:
    file, public = make_key(tmp_path, "ci")
    set_policy(guarded, verifier("ci", public, more))
    oid = make_tag(guarded)
    guarded.put(GOOD_TAG)
    return key_of(guarded, file), oid


def test_lines_are_added(guarded: Repo, tmp_path: Path) -> None:
    key, oid = prepared(guarded, tmp_path)
    write_lines(guarded, oid, lines(key, tag_record(guarded, time=THEN), None))
    assert push(guarded).code == 0
    write_lines(guarded, oid, lines(key, tag_record(guarded, time=THEN, version="1"), None))
    assert push(guarded).code == 0


@pytest.mark.parametrize("how", ["deleted", "rewritten", "changed", "dropped", "rewound"])
def test_nothing_is_taken_away(guarded: Repo, server: Repo, tmp_path: Path, how: str) -> None:
    key, oid = prepared(guarded, tmp_path)
    write_lines(guarded, oid, lines(key, tag_record(guarded, time=THEN), None))
    first = guarded.git("rev-parse", notes.REF)
    write_lines(guarded, oid, lines(key, tag_record(guarded, time=THEN, version="1"), None))
    assert push(guarded).code == 0
    before = server.git("rev-parse", notes.REF)
    whole = guarded.git("notes", "--ref=envhooks", "show", oid)
    if how == "deleted":
        done = guarded.try_git("push", "-q", "--no-verify", "origin", f":{notes.REF}")
    else:
        if how == "rewritten":  # the same lines, on another history
            guarded.git("update-ref", "-d", notes.REF)
            write_lines(guarded, oid, tuple(whole.encode().split(b"\n")))
        elif how == "changed":
            guarded.git("notes", "--ref=envhooks", "add", "-f", "-m", whole.replace("sig", "sog"), oid)
        elif how == "dropped":
            guarded.git("notes", "--ref=envhooks", "remove", oid)
        else:
            guarded.git("update-ref", notes.REF, first)
        done = push(guarded, "--force")
    assert done.code != 0 and ("records of" in done.err or "go on from" in done.err), done
    assert server.git("rev-parse", notes.REF) == before


def test_no_other_ref_is_taken_for_the_records(guarded: Repo, server: Repo, tmp_path: Path) -> None:
    key, oid = prepared(guarded, tmp_path)
    write_lines(guarded, oid, lines(key, tag_record(guarded, time=THEN), None))
    done = guarded.try_git("push", "-q", "--no-verify", "origin", f"{notes.REF}:refs/notes/EnvHooks")
    assert done.code != 0 and "where case is ignored" in done.err
    # notes of somebody else's are none of this gate's business
    assert guarded.try_git("push", "-q", "--no-verify", "origin", f"{notes.REF}:refs/notes/commits").code == 0
    assert guarded.try_git("push", "-q", "--no-verify", "origin", ":refs/notes/commits").code == 0


def test_what_proves_nothing_is_not_taken(guarded: Repo, server: Repo, tmp_path: Path) -> None:
    key, oid = prepared(guarded, tmp_path)
    stranger = key_of(guarded, make_key(tmp_path, "stranger")[0])
    good = lines(key, tag_record(guarded, time=THEN), None)
    second = lines(key, tag_record(guarded, time=THEN, version="2"), None)
    other = guarded.git("rev-parse", "HEAD")
    cases = {
        "no verifier of the policy": (oid, lines(stranger, tag_record(guarded, time=THEN), None)),
        "no DSSE envelope": (oid, (b"anything",)),
        "no statement": (oid, (good[0][:200] + b"A" + good[0][201:],)),
        "was changed": (oid, (good[0].partition(b'"sig"')[0] + b'"sig"' + second[0].partition(b'"sig"')[2],)),
        "another tag object": (other, good),
        "to come": (
            oid,
            lines(key, tag_record(guarded, time=datetime.now(timezone.utc) + timedelta(days=9)), None),
        ),
    }
    for said, (annotated, new) in cases.items():
        write_lines(guarded, annotated, new)
        done = push(guarded)
        assert done.code != 0 and said in done.err, (said, done)
        guarded.git("update-ref", "-d", notes.REF)
    assert server.try_git("rev-parse", "-q", "--verify", notes.REF).code != 0


@pytest.mark.parametrize("rule", ["valid-before", "revoked"])
def test_a_key_that_has_ended_records_nothing_with_an_older_date(
    guarded: Repo, tmp_path: Path, rule: str
) -> None:
    yesterday = datetime.now(timezone.utc) - timedelta(days=2)
    key, oid = prepared(guarded, tmp_path, f"{rule} = {yesterday:%Y-%m-%d}")
    write_lines(guarded, oid, lines(key, tag_record(guarded, time=THEN - timedelta(days=9)), None))
    assert guarded.envhooks("records", GOOD_TAG).code == 0  # where it stands already, it counts
    done = push(guarded)
    assert done.code != 0 and "counted until" in done.err + "counted until" * ("revoked from" in done.err)


def test_trees_that_name_each_other_end_the_reading(good: Repo) -> None:
    """A tree of 256 folders that are all the same one, twenty deep, would never be walked to its end."""
    blob = good.git("hash-object", "-w", "--stdin", stdin="x")
    tree = good.git("mktree", stdin=f"100644 blob {blob}\t{'0' * 2}\n")
    for _ in range(12):
        names = "".join(f"040000 tree {tree}\t{number:02x}\n" for number in range(256))
        tree = good.git("mktree", stdin=names)
    commit = good.git("commit-tree", "-m", "x", tree)
    with Git(good.path) as git, pytest.raises(Exception, match="more than"):
        notes.blobs(git, commit)


def test_a_fan_out_of_git_s_own_loses_nothing(guarded: Repo, server: Repo, tmp_path: Path) -> None:
    key, oid = prepared(guarded, tmp_path)
    write_lines(guarded, oid, lines(key, tag_record(guarded, time=THEN), None))
    assert push(guarded).code == 0
    # git moves its notes into folders once there are many
    texts = tmp_path / "texts"
    texts.mkdir()
    for number in range(300):
        (texts / str(number)).write_text(str(number))
    paths = "".join(f"{file}\n" for file in texts.iterdir())
    blobs = guarded.git("hash-object", "-w", "--stdin-paths", stdin=paths).split()
    guarded.git("notes", "--ref=many", "add", "-m", "x", blobs[0])
    pairs = "".join(f"{blobs[0]} {blob}\n" for blob in blobs[1:])
    guarded.git("notes", "--ref=many", "copy", "--stdin", stdin=pairs)
    with Git(guarded.path) as git:
        many = notes.blobs(git, notes.tip(git, "refs/notes/many"))
        assert len(many) == 300
        merged = notes.unite(git, guarded.git("rev-parse", "refs/notes/many"), "Merge")
        assert len(notes.blobs(git, merged)) == 301 and notes.lines_of(git, merged, oid)
    assert guarded.git("notes", "--ref=envhooks", "list").count("\n") == 300
