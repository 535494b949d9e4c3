"""Ten thousand records, and what they cost: nothing at `git tag`, seconds in a list."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from record_parts import (
    IMAGE_POLICY,
    image_record,
    key_of,
    lines,
    make_key,
    make_tag,
    set_policy,
    tag_record,
    verifier,
    write_lines,
    write_record,
)
from support import GOOD_TAG, Repo

from envhooks.git import notes

TAGS = 5_000
"""Each with two records: that it passed, and its image."""
LIMIT = 3.0
"""Seconds on an idle machine."""


def many(repo: Repo, file: Path, count: int) -> None:
    """So many tags with their records, by two runs of git fast-import."""
    commit = repo.git("rev-parse", "HEAD")
    key = key_of(repo, file)
    repo.git("tag", "-a", "-m", "x", GOOD_TAG)
    then = datetime.now(timezone.utc) - timedelta(hours=1)
    template, image = tag_record(repo, time=then), image_record(time=then)
    made, imports = [], []
    for number in range(count):
        name = f"PyTorch-CUDA-v2.{number // 100}-rc{number % 100 + 1}"
        raw = f"object {commit}\ntype commit\ntag {name}\ntagger A <a@example.org> 1700000000 +0000\n\nx\n".encode()
        oid = hashlib.sha1(b"tag %d\0" % len(raw) + raw).hexdigest()
        record = template.__class__(
            **{**template.__dict__, "tag": name, "object": oid, "sha256": hashlib.sha256(raw).hexdigest()}
        )
        made.append((name, oid, raw))
        note = b"".join(b"%s\n" % line for line in lines(key, record, image))
        imports.append(
            b"M 100644 inline %s/%s\ndata %d\n%s\n" % (oid[:2].encode(), oid[2:].encode(), len(note), note)
        )
    repo.git("tag", "-d", GOOD_TAG)
    stream = b"".join(
        b"tag %s\nfrom %s\ntagger A <a@example.org> 1700000000 +0000\ndata 2\nx\n"
        % (name.encode(), commit.encode())
        for name, _, _ in made
    )
    stream += b"commit %s\ncommitter A <a@example.org> 1700000000 +0000\ndata 1\nx\n" % notes.REF.encode()
    stream += b"".join(imports)
    subprocess.run(
        ["git", "fast-import", "--quiet"], input=stream, cwd=repo.path, env=repo.environ, check=True
    )
    assert repo.git("rev-parse", f"refs/tags/{made[0][0]}") == made[0][1]


@pytest.fixture
def crowded(good: Repo, tmp_path: Path) -> Repo:
    file, public = make_key(tmp_path, "ci")
    set_policy(good, IMAGE_POLICY + verifier("ci", public))
    many(good, file, TAGS)
    return good


@pytest.mark.parametrize("how", ["lines", "bytes", "missing"])
def test_a_note_that_cannot_be_read_hides_no_other_release(good: Repo, tmp_path: Path, how: str) -> None:
    """Where no server guards them, anybody who may push can spoil a note: of one release, and not of all."""
    file, public = make_key(tmp_path, "ci")
    deploy = '[deploy.production]\nstages = ["rc"]\n'
    set_policy(good, IMAGE_POLICY + deploy + verifier("ci", public))
    other = GOOD_TAG.replace("rc1", "rc2")
    own = "registry.example.com/team/pytorch-cuda"
    for number, tag in enumerate((GOOD_TAG, other)):
        make_tag(good, tag)
        platforms = {"linux/amd64": f"sha256:{number + 5:064x}"}
        short = (f"{own}:{tag.split('-v')[1]}",)
        write_record(good, file, tag, digest=f"sha256:{number:064x}", references=short, platforms=platforms)
    spoiled = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    own_lines = good.git("notes", "--ref=envhooks", "show", spoiled)
    if how == "missing":
        listed = good.git("ls-tree", notes.REF).split("\n")
        tree = good.git(
            "mktree",
            "--missing",
            stdin="".join(
                (f"100644 blob {'1' * 40}\t{spoiled}" if spoiled in line else line) + "\n" for line in listed
            ),
        )
        good.git("update-ref", notes.REF, good.git("commit-tree", "-m", "x", "-p", notes.REF, tree))
    else:
        more = (b"x" * (notes.MAX_NOTE + 1),) if how == "bytes" else tuple(b"%d" % n for n in range(1001))
        write_lines(good, spoiled, more)
    shown = good.envhooks("records")
    assert shown.code == 2 and GOOD_TAG in shown.err, shown
    rows = dict(line.split("  ", 1) for line in shown.out.splitlines())
    assert rows[GOOD_TAG].strip() == "cannot be read" and rows[other].strip().startswith("proved")
    assert good.envhooks("site", "public").code == 0
    found = json.loads(good.envhooks("list", "--format", "json").out)["releases"]
    assert {one["tag"]: bool(one["image"]) for one in found} == {GOOD_TAG: False, other: True}
    audit = good.envhooks("check", "--all")
    assert audit.code == 2 and f"the records of {GOOD_TAG} could not be read" in audit.said, audit
    for what, code in (
        (other, 0),
        (f"{own}@sha256:{1:064x}", 0),
        (GOOD_TAG, 2),
        (f"{own}@sha256:{0:064x}", 2),
    ):
        done = good.envhooks("gate", what, "--for", "production")
        assert done.code == code, done.said
    both = good.envhooks("gate", GOOD_TAG, other, "--for", "production")
    assert both.code == 2 and f"{other} may run" in both.out, both
    # put right as git does it, in a commit on top, the history is no reproach
    good.git("notes", "--ref=envhooks", "add", "-f", "-m", own_lines, spoiled)
    assert good.envhooks("check", "--all").code == (2 if how == "missing" else 0), (
        "a history that is not whole"
    )


def test_ten_thousand_records_are_listed_in_seconds(crowded: Repo) -> None:
    before = os.times()
    start = time.monotonic()
    done = crowded.envhooks("records")
    wall = time.monotonic() - start
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert done.code == 0, done.err
    listed = done.out.splitlines()
    assert len(listed) == TAGS and all(line.split()[1] == "proved" for line in listed)
    # a machine that does other things as well is not held to the clock
    assert min(spent, wall) < LIMIT, (spent, wall)


def test_a_tag_costs_nothing_for_records(good: Repo, tmp_path: Path) -> None:
    """What judges a tag at `git tag` and `git push` loads nothing of records, whatever the policy says of them."""
    _, public = make_key(tmp_path, "ci")
    set_policy(good, verifier("ci", public))
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    tag = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    script = (
        "import os, sys; real = os._exit;"
        "os._exit = lambda code: (print(*sorted(sys.modules), flush=True), real(code));"
        "from envhooks.__main__ import main; main()"
    )
    line = f"refs/tags/{GOOD_TAG} {tag} refs/tags/{GOOD_TAG} {'0' * 40}\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, "hook", "pre-push", "origin", "x"],
        input=line, capture_output=True, text=True, cwd=good.path, env=good.environ, check=True,
    )  # fmt: skip
    loaded = done.stdout.split()
    assert "envhooks.judge.runs" in loaded
    assert not [
        name for name in loaded if name.startswith(("envhooks.records", "envhooks.git.notes", "crypto"))
    ]
