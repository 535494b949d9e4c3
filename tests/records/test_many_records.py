"""Ten thousand records, and what they cost: nothing at `git tag`, seconds in a list."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from record_parts import IMAGE_POLICY, image_record, key_of, lines, make_key, set_policy, tag_record, verifier
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
