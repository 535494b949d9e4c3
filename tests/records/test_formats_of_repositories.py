"""Records in repositories of every format: SHA-256 objects, and refs in reftable."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from record_parts import (
    image_record,
    key_of,
    lines,
    make_key,
    read_records,
    tag_record,
    verifier,
    write_lines,
)
from support import GOOD_TAG, Repo, run

from envhooks.git import notes
from envhooks.git.repository import Git


@pytest.mark.parametrize("options", [("--object-format=sha256",), ("--ref-format=reftable",)])
def test_records_are_written_merged_and_read(
    tmp_path: Path, environ: dict[str, str], options: tuple[str]
) -> None:
    done = run(["git", "init", "-q", *options, "clone"], tmp_path, environ)
    if done.code:
        pytest.skip(f"missing: a git that knows {options[0]}")
    repo = Repo(tmp_path / "clone", environ)
    file, public = make_key(tmp_path, "ci")
    repo.commit_files({".envhooks/policy.toml": verifier("ci", public)})
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.git("tag", "-a", "-m", "x", GOOD_TAG)
    then = datetime.now(timezone.utc) - timedelta(hours=1)
    record = tag_record(repo, time=then)
    key = key_of(repo, file)
    first, second = lines(key, record, image_record(time=then))
    write_lines(repo, record.object, (first,))
    theirs = repo.git("rev-parse", notes.REF)
    repo.git("update-ref", "-d", notes.REF)
    write_lines(repo, record.object, (second,))
    with Git(repo.path) as git:
        notes.unite(git, theirs, "Merge")
        assert set(notes.lines_of(git, notes.tip(git), record.object)) == {first, second}
        assert notes.vanished(git, notes.tip(git) or "") == {}
    found = read_records(repo, now=datetime.now(timezone.utc))
    assert (found.state, found.faults) == ("proved", ()) and found.image is not None
    assert repo.git("notes", "--ref=envhooks", "show", record.object).count("\n") == 1
