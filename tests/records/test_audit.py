"""check --all finds records that were changed or taken away, and where tags.lock says something else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from record_parts import key_of, lines, make_key, make_tag, set_policy, tag_record, verifier, write_lines
from support import GOOD_TAG, Done, Repo, run

from envhooks.git import notes
from envhooks.records.keys import SigningKey

THEN = datetime.now(timezone.utc) - timedelta(hours=1)


def prepared(good: Repo, tmp_path: Path) -> tuple[SigningKey, str]:
    file, public = make_key(tmp_path, "ci")
    set_policy(good, verifier("ci", public))
    return key_of(good, file), make_tag(good)


def found(done: Done) -> list[str]:
    """Messages of findings about records, of all tags."""
    tags = json.loads(done.out)["tags"]
    return [one["message"] for tag in tags for one in tag["findings"] if one["check"] == "records"]


def audit(repo: Repo) -> Done:
    return repo.envhooks("check", "--all", "--format", "json")


def test_records_that_hold_are_not_spoken_of(good: Repo, tmp_path: Path) -> None:
    key, oid = prepared(good, tmp_path)
    assert audit(good).code == 0
    write_lines(good, oid, lines(key, tag_record(good, time=THEN), None))
    write_lines(good, oid, lines(key, tag_record(good, time=THEN, version="1"), None))
    done = audit(good)
    assert (done.code, found(done)) == (0, [])


@pytest.mark.parametrize("how", ["changed", "removed", "all removed"])
def test_what_was_changed_or_taken_away_is_found(good: Repo, tmp_path: Path, how: str) -> None:
    key, oid = prepared(good, tmp_path)
    write_lines(good, oid, lines(key, tag_record(good, time=THEN), None))
    write_lines(good, oid, lines(key, tag_record(good, time=THEN, version="1"), None))
    whole = good.git("notes", "--ref=envhooks", "show", oid).split("\n")
    if how == "changed":
        good.git(
            "notes", "--ref=envhooks", "add", "-f", "-m", whole[0] + "\n" + whole[1].replace("b", "c"), oid
        )
    elif how == "removed":
        good.git("notes", "--ref=envhooks", "add", "-f", "-m", whole[0], oid)
    else:
        good.git("notes", "--ref=envhooks", "remove", oid)
    done = audit(good)
    assert done.code == 1
    assert any("changed or taken away" in text for text in found(done)), done
    text = good.envhooks("check", "--all")
    assert text.code == 1 and "[records]" in text.out, text
    for form in ("sarif", "junit", "github", "gitlab"):
        assert "taken away" in good.envhooks("check", "--all", "--format", form).out, form
    # the fix, pasted as it stands, and all is well
    fixes = [
        finding["fix"]
        for tag in json.loads(done.out)["tags"]
        for finding in tag["findings"]
        if "taken away" in finding["message"]
    ]
    assert fixes[0].startswith("git update-ref")
    run(["sh", "-c", fixes[0]], good.path, good.environ, check=True)
    assert audit(good).code == 0
    assert good.git("notes", "--ref=envhooks", "show", oid).split("\n") == whole


def test_no_way_back_takes_a_good_record_away(good: Repo, tmp_path: Path) -> None:
    key, oid = prepared(good, tmp_path)
    write_lines(good, oid, lines(key, tag_record(good, time=THEN), None))
    good.git("notes", "--ref=envhooks", "remove", oid)
    write_lines(good, oid, lines(key, tag_record(good, time=THEN, version="1"), None))
    done = audit(good)
    assert done.code == 1 and "update-ref" not in done.out and "envhooks records --fetch" in done.out


def test_a_record_by_nobody_allowed_is_found(good: Repo, tmp_path: Path) -> None:
    prepared(good, tmp_path)
    stranger = key_of(good, make_key(tmp_path, "stranger")[0])
    oid = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    write_lines(good, oid, lines(stranger, tag_record(good, time=THEN), None))
    done = audit(good)
    assert done.code == 1 and "contradicted" in found(done)[0]


def test_tags_lock_and_records_are_held_against_each_other(good: Repo, tmp_path: Path) -> None:
    key, oid = prepared(good, tmp_path)
    good.envhooks("lock", check=True)
    good.commit_files({}, "Lock")
    good.git("push", "-q", "origin", "main")
    assert found(audit(good)) == ["tags.lock lists it, and no record says that it passed"]
    write_lines(good, oid, lines(key, tag_record(good, time=THEN), None))
    done = audit(good)
    assert (done.code, found(done)) == (0, [])
    write_lines(good, oid, lines(key, tag_record(good, time=THEN, tag_signer="eve@example.org"), None))
    done = audit(good)
    assert done.code == 1 and "different signers" in found(done)[0]


def test_a_record_of_another_object_by_a_locked_name_is_found(good: Repo, tmp_path: Path) -> None:
    key, oid = prepared(good, tmp_path)
    other = good.git("mktag", stdin=good.git("cat-file", "tag", oid).replace("Release", "Another") + "\n")
    good.git("update-ref", f"refs/tags/{GOOD_TAG}", other)
    record = tag_record(good, time=THEN)
    good.git("update-ref", f"refs/tags/{GOOD_TAG}", oid)
    good.envhooks("lock", check=True)
    good.commit_files({}, "Lock")
    good.git("push", "-q", "origin", "main")
    write_lines(good, other, lines(key, record, None))
    done = audit(good)
    assert done.code == 1 and "another object than tags.lock lists" in " ".join(found(done))


def test_what_is_recorded_and_not_locked_is_noted(good: Repo, tmp_path: Path) -> None:
    key, oid = prepared(good, tmp_path)
    good.envhooks("lock", check=True)
    good.commit_files({}, "Lock")
    good.git("push", "-q", "origin", "main")
    write_lines(good, oid, lines(key, tag_record(good, time=THEN), None))
    later = make_tag(good, "PyTorch-CUDA-v2.8-rc2")
    write_lines(good, later, lines(key, tag_record(good, "PyTorch-CUDA-v2.8-rc2", time=THEN), None))
    done = audit(good)
    assert done.code == 0 and found(done) == ["it is recorded, and tags.lock does not list it"]
    assert notes.REF in good.git("for-each-ref")


def test_a_release_that_is_yanked_by_a_misspelt_name_is_not_yanked(good: Repo) -> None:
    make_tag(good)
    wrong = GOOD_TAG.replace("2.8", "2.9")
    set_policy(good, f'[[yanked]]\ntag = "{wrong}"\nreason = "wrong CUDA"\n')
    done = good.envhooks("check", "--all")
    assert done.code == 2
    assert f"names {wrong}, and there is no such tag; did you mean {GOOD_TAG}?" in " ".join(done.said.split())
    assert good.envhooks("lint", "policy").code == 0  # the name itself is a release's
    set_policy(good, f'[[yanked]]\ntag = "{GOOD_TAG.lower()}"\nreason = "wrong CUDA"\n')
    done = good.envhooks("lint", "policy")
    assert done.code == 2 and f"did you mean {GOOD_TAG}?" in " ".join(done.said.split()), done
    set_policy(good, f'[[yanked]]\ntag = "{GOOD_TAG}"\nreason = "wrong CUDA"\n')
    assert good.envhooks("lint", "policy").code == 0
    assert good.envhooks("check", "--all").code == 0
