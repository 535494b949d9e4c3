"""Records of a tag: proved, contradicted, or none, by real keys, notes and tags."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from json_values import with_any_value
from record_parts import (
    AMD64,
    DIGEST,
    IMAGE_POLICY,
    NOW,
    image_record,
    key_of,
    lines,
    make_key,
    make_tag,
    read_records,
    set_policy,
    tag_record,
    verifier,
    write_lines,
    write_record,
)
from support import GOOD_TAG, Repo

from envhooks.git import notes
from envhooks.git.repository import Git
from envhooks.records.dsse import pae
from envhooks.records.statement import StatementError, image_statement, read_statement, tag_statement
from envhooks.records.types import ImageRecord

KINDS = ("p256", "ed25519", "ssh")


def signed_repository(
    repo: Repo, folder: Path, kind: str, policy: str = IMAGE_POLICY, more: str = ""
) -> Path:
    """A policy that names a key of this kind, and the key's file."""
    if kind == "ssh":
        key = Path(repo.environ["HOME"]) / "id"
        public = key.with_suffix(".pub").read_text().rsplit(" ", 1)[0]
        line = f'alice@example.org namespaces="git,envhooks-record" {public}\n'
        repo.commit_files({".envhooks/allowed_signers": line})
        set_policy(repo, f'{policy}\n[[verifier]]\nname = "ci"\nssh = "alice@example.org"\n{more}')
        return key
    file, public = make_key(folder, "ci", kind)
    set_policy(repo, policy + verifier("ci", public, more))
    return file


@pytest.mark.parametrize("predicate", ["vsa", "svr"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_verifier_signed_is_proved(good: Repo, tmp_path: Path, kind: str, predicate: str) -> None:
    file = signed_repository(good, tmp_path, kind)
    make_tag(good)
    write_record(good, file, predicate=predicate)
    found = read_records(good)
    assert (found.state, found.faults, found.notes, found.exit_code) == ("proved", (), (), 0)
    assert found.image is not None and found.image.digest == DIGEST
    assert found.image.reference == f"registry.example.com/team/pytorch-cuda@{DIGEST}"
    assert found.image.signer.name == "ci"
    assert found.image.signer.word == ("person" if kind == "ssh" else "team")
    assert found.passed[0].policy_digest == good.git("rev-parse", "main:.envhooks")
    assert found.passed[0].checks == ("on-main", "tag-signed")


def test_without_a_record_there_is_none(good: Repo, tmp_path: Path) -> None:
    signed_repository(good, tmp_path, "p256")
    make_tag(good)
    found = read_records(good)
    assert (found.state, found.exit_code) == ("none", 2)


def test_a_tag_that_passed_without_an_image_is_no_proof_where_the_policy_names_one(
    good: Repo, tmp_path: Path
) -> None:
    file = signed_repository(good, tmp_path, "p256")
    oid = make_tag(good)
    write_lines(good, oid, lines(key_of(good, file), tag_record(good), None))
    found = read_records(good)
    assert found.state == "none" and found.passed and "which image is of the tag" in found.notes[0]


def test_a_tag_that_passed_is_proved_where_the_policy_names_no_image(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "p256", policy="")
    oid = make_tag(good)
    write_lines(good, oid, lines(key_of(good, file), tag_record(good), None))
    assert read_records(good).state == "proved"


@pytest.mark.parametrize("kind", KINDS)
def test_each_flipped_byte_of_the_note_is_seen(good: Repo, tmp_path: Path, kind: str) -> None:
    file = signed_repository(good, tmp_path, kind)
    oid = make_tag(good)
    both = lines(key_of(good, file), tag_record(good), image_record())
    whole = b"\n".join(both)
    with Git(good.path) as git:
        from record_parts import root_of

        from envhooks.records.reader import judge_lines, tag_facts
        from envhooks.records.verifiers import Verifiers

        root, facts = root_of(git), tag_facts(git, GOOD_TAG)
        verifiers = Verifiers(root, NOW)
        assert judge_lines(facts, whole.split(b"\n"), root.policy, verifiers).state == "proved"
        # each byte of the key id, the signature and the JSON around them; of the payload some
        step = 97 if kind == "ssh" else 7
        for at in (
            *range(0, len(whole), step),
            *range(len(both[0]) - 250, len(both[0]), 1 if step == 7 else 11),
        ):
            for bit in (1, 0x20):
                changed = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
                found = judge_lines(facts, [x for x in changed.split(b"\n") if x], root.policy, verifiers)
                assert found.state == "contradicted", (at, whole[at : at + 1])
    write_lines(good, oid, tuple((whole[:300] + bytes([whole[300] ^ 1]) + whole[301:]).split(b"\n")))
    assert read_records(good).exit_code == 1


def test_what_nobody_allowed_signed_is_refused(good: Repo, tmp_path: Path) -> None:
    signed_repository(good, tmp_path, "p256")
    stranger, _ = make_key(tmp_path, "stranger")
    make_tag(good)
    write_record(good, stranger)
    found = read_records(good)
    assert found.exit_code == 1 and "nobody whom the policy allows" in found.faults[0]


def test_what_a_stranger_adds_takes_nothing_from_a_proof(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "p256")
    stranger, _ = make_key(tmp_path, "stranger")
    oid = make_tag(good)
    write_record(good, file)
    other = image_record(digest="sha256:" + "e" * 64, platforms={})
    write_lines(good, oid, lines(key_of(good, stranger), tag_record(good), other))
    found = read_records(good)
    assert found.state == "proved" and len(found.images) == 1
    assert any("nobody whom the policy allows" in note for note in found.notes)


def test_a_record_of_another_tag_or_repository_proves_nothing(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "p256")
    make_tag(good)
    key = key_of(good, file)
    of_first = lines(key, tag_record(good), image_record())
    second = make_tag(good, "PyTorch-CUDA-v2.8-rc2")
    write_lines(good, second, of_first)
    found = read_records(good, "PyTorch-CUDA-v2.8-rc2")
    assert found.exit_code == 1 and "another tag" in found.faults[0]
    # the same name and the same key in another repository: other history, so another tag object
    for changes in ({"object": "1" * 40}, {"commit": "2" * 40}, {"sha256": "3" * 64}):
        other = tag_record(good, "PyTorch-CUDA-v2.8-rc2", **changes)
        third = tag_record(good, "PyTorch-CUDA-v2.8-rc2").object
        good.git("update-ref", "-d", notes.REF)
        write_lines(good, third, lines(key, other, image_record()))
        found = read_records(good, "PyTorch-CUDA-v2.8-rc2")
        assert found.exit_code == 1 and "of another repository" in found.faults[0], changes


DATES = (
    ("valid-before = 2026-11-29", False),
    ("valid-before = 2026-11-30", True),
    ("valid-after = 2026-12-01", False),
    ("valid-after = 2026-11-30", True),
    ("revoked = 2026-11-30T12:00:00Z", False),
    ("revoked = 2026-12-01", True),
    ('revoked = 2026-11-01\nreason = "the runner was broken into"', False),
    ("revoked = true", False),
    ("revoked = false", True),
)


@pytest.mark.parametrize("kind", ["p256", "ssh"])
@pytest.mark.parametrize(("rule", "counts"), DATES)
def test_a_key_counts_by_the_dates_of_the_policy(
    good: Repo, tmp_path: Path, kind: str, rule: str, counts: bool
) -> None:
    file = signed_repository(good, tmp_path, kind, more=rule)
    make_tag(good)
    write_record(good, file)
    found = read_records(good, now=NOW + timedelta(days=400))
    assert (found.state == "proved") is counts, found
    if not counts:
        assert found.exit_code == 1


@pytest.mark.parametrize(
    ("options", "counts"),
    [('valid-before="20261129Z"', False), ('valid-before="20270101Z"', True), ("", True)],
)
def test_the_window_of_an_ssh_key_is_held_against_the_time_of_the_record(
    good: Repo, tmp_path: Path, options: str, counts: bool
) -> None:
    file = signed_repository(good, tmp_path, "ssh")
    line = (good.path / ".envhooks/allowed_signers").read_text()
    line = line.replace('namespaces="git,', f'{options},namespaces="git,' if options else 'namespaces="git,')
    good.commit_files({".envhooks/allowed_signers": line})
    good.git("push", "-q", "origin", "main")
    make_tag(good)
    write_record(good, file)
    assert (read_records(good, now=NOW + timedelta(days=400)).state == "proved") is counts


def test_an_ssh_key_in_revoked_keys_signed_nothing(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "ssh")
    make_tag(good)
    write_record(good, file)
    assert read_records(good).state == "proved"
    good.commit_files({".envhooks/revoked_keys": file.with_suffix(".pub").read_bytes()})
    good.git("push", "-q", "origin", "main")
    found = read_records(good)
    assert found.exit_code == 1 and "revoked_keys" in found.faults[0]


def test_an_ssh_key_that_may_sign_tags_alone_signs_no_records(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "ssh")
    line = (good.path / ".envhooks/allowed_signers").read_text().replace(",envhooks-record", "")
    good.commit_files({".envhooks/allowed_signers": line})
    good.git("push", "-q", "origin", "main")
    make_tag(good)
    write_record(good, file)
    assert read_records(good).exit_code == 1


def test_the_future_is_not_believed(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "p256")
    make_tag(good)
    write_record(good, file)
    found = read_records(good, now=NOW - timedelta(days=1))
    assert found.exit_code == 1 and "to come" in found.faults[0]


@pytest.mark.parametrize(
    ("asked", "signers", "state"),
    [
        ('"team"', ("ci",), "proved"),
        ('"person"', ("ci",), "contradicted"),
        ('"person"', ("alice",), "proved"),
        ('"team"', ("alice",), "contradicted"),
        ('["team", "person"]', ("ci", "alice"), "proved"),
        ('["team", "person"]', ("ci",), "none"),
    ],
)
def test_a_policy_asks_for_the_word_of_the_team_or_of_a_person(
    good: Repo, tmp_path: Path, asked: str, signers: tuple[str, ...], state: str
) -> None:
    files = {name: make_key(tmp_path, name) for name in ("ci", "alice")}
    set_policy(
        good,
        f"{IMAGE_POLICY}[records]\nsigned-by = {asked}\n"
        + verifier("ci", files["ci"][1])
        + verifier("alice", files["alice"][1], 'word = "person"'),
    )
    make_tag(good)
    for name in signers:
        write_record(good, files[name][0])
    assert read_records(good).state == state


def test_two_images_of_one_name_contradict_each_other(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "p256")
    oid = make_tag(good)
    key = key_of(good, file)
    write_lines(good, oid, lines(key, tag_record(good), image_record()))
    write_lines(
        good, oid, lines(key, tag_record(good), image_record(digest="sha256:" + "e" * 64, platforms={}))
    )
    found = read_records(good)
    assert found.exit_code == 1 and "two images" in found.faults[0]


def test_a_yanked_release_is_proved_and_says_why_not_to_use_it(good: Repo, tmp_path: Path) -> None:
    yanked = f'[[yanked]]\ntag = "{GOOD_TAG}"\nreason = "wrong CUDA"\n'
    file = signed_repository(good, tmp_path, "p256", IMAGE_POLICY + yanked)
    make_tag(good)
    write_record(good, file)
    found = read_records(good)
    assert (found.state, found.yanked) == ("proved", "wrong CUDA")


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_securesystemslib_verifies_the_same_bytes(good: Repo, tmp_path: Path, kind: str) -> None:
    import json

    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer._key import SSlibKey

    file = signed_repository(good, tmp_path, kind)
    make_tag(good)
    text = (good.path / ".envhooks/policy.toml").read_text()
    public: Any = load_pem_public_key(text.split('"""')[1].strip().encode())
    for line in lines(key_of(good, file), tag_record(good), image_record()):
        value = json.loads(line)
        key = SSlibKey.from_crypto(public, keyid=value["signatures"][0]["keyid"])
        envelope = Envelope.from_dict(json.loads(line))
        assert envelope.pae() == pae(envelope.payload_type, envelope.payload)
        assert envelope.verify([key], 1)
        envelope.payload = envelope.payload.replace(b"PASSED", b"pASSED", 1)
        with pytest.raises(VerificationError):
            envelope.verify([key], 1)


def test_pae_is_that_of_the_specification() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


OTHER_NAME = "registry.example.com/team/elsewhere"
MORE = {"linux/arm64": "sha256:" + "f" * 64}


def two_images(good: Repo, tmp_path: Path, asked: str) -> tuple[str, Path]:
    """A tag of which the team says one image and a person another: (its object, the person's key).

    `asked` is whose word the policy asks for.
    """
    files = {name: make_key(tmp_path, name) for name in ("ci", "alice")}
    set_policy(
        good,
        f"{IMAGE_POLICY}[records]\nsigned-by = {asked}\n"
        + verifier("ci", files["ci"][1])
        + verifier("alice", files["alice"][1], 'word = "person"'),
    )
    oid = make_tag(good)
    for name, image in (("ci", image_record()), ("alice", of_another_name())):
        write_lines(good, oid, lines(key_of(good, files[name][0]), tag_record(good), image))
    return oid, files["alice"][0]


def of_another_name(**changes: Any) -> ImageRecord:
    """A later record, of other bytes under another name: no contradiction of the first."""
    time = NOW + timedelta(minutes=1)
    digest = "sha256:" + "e" * 64
    more = {"name": OTHER_NAME, "references": (f"{OTHER_NAME}:2.8-rc1",), "digest": digest, "platforms": {}}
    return image_record(**{**more, "time": time, **changes})


def test_an_image_by_the_wrong_word_is_not_the_image_of_the_tag(good: Repo, tmp_path: Path) -> None:
    """Nor the one that a gate lets run."""
    two_images(good, tmp_path, '"team"')
    found = read_records(good, now=NOW + timedelta(hours=1))
    assert found.state == "proved" and found.image is not None and found.image.digest == DIGEST
    assert [one.signer.name for one in found.images] == ["ci"]
    assert any("`alice` says" in text and "the word of the team" in text for text in found.notes)


def test_one_of_each_means_one_image(good: Repo, tmp_path: Path) -> None:
    oid, alice = two_images(good, tmp_path, '["team", "person"]')
    found = read_records(good, now=NOW + timedelta(hours=1))
    assert found.state != "proved" and found.image is None
    assert "the team and a person say different images of the tag" in (*found.faults, *found.notes)
    write_lines(good, oid, lines(key_of(good, alice), tag_record(good), image_record()))
    found = read_records(good, now=NOW + timedelta(hours=1))
    assert found.state == "proved" and found.image is not None and found.image.digest == DIGEST


def test_two_indexes_that_share_a_platform_are_two_images(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "p256")
    oid = make_tag(good)
    key = key_of(good, file)
    platforms = {"linux/amd64": AMD64, **MORE}
    other = image_record(digest="sha256:" + "e" * 64, platforms=platforms)
    write_lines(good, oid, lines(key, tag_record(good), image_record()))
    # one platform of it, by its own digest, is the same image
    write_lines(good, oid, lines(key, tag_record(good), image_record(digest=AMD64, platforms={})))
    assert read_records(good).state == "proved"
    write_lines(good, oid, lines(key, tag_record(good), other))
    found = read_records(good)
    assert found.exit_code == 1 and "two images" in found.faults[0]


@pytest.mark.parametrize("what", ["twice", "digests"])
def test_a_statement_that_others_would_read_otherwise_proves_nothing(
    good: Repo, tmp_path: Path, what: str
) -> None:
    file = signed_repository(good, tmp_path, "p256")
    oid = make_tag(good)
    key = key_of(good, file)
    tag = tag_record(good)
    payload = image_statement(image_record(), tag, "pkg:oci/pytorch-cuda", "vsa")
    assert payload.startswith(b'{"_type"')
    if what == "twice":
        payload = b'{"subject":[],' + payload[1:]
    else:
        said = json.loads(payload)
        said["subject"][0]["digest"]["sha512"] = "0" * 128
        payload = json.dumps(said, separators=(",", ":")).encode()
    write_lines(good, oid, (*lines(key, tag, None), key.envelope(payload).encode()))
    found = read_records(good)
    assert found.exit_code == 1 and found.image is None


@pytest.mark.parametrize(
    ("first", "second", "signers"),
    [
        ("valid-before = 2026-11-29", "", ["b"]),
        ("", "valid-after = 2026-12-01", ["ci"]),
        ("", "", ["b", "ci"]),
        ("valid-before = 2026-11-29", "valid-after = 2026-12-01", []),
        ("revoked = true", "", []),
        ("", "revoked = 2026-11-01", []),
        ("", "revoked = 2026-12-01", ["b", "ci"]),
    ],
)
def test_one_person_of_two_names(
    good: Repo, tmp_path: Path, first: str, second: str, signers: list[str]
) -> None:
    """Each name has its own dates; one that is revoked takes the key away under every name."""
    more = f'{first}\n[[verifier]]\nname = "b"\nssh = "alice@example.org"\n{second}\n'
    file = signed_repository(good, tmp_path, "ssh", more=more)
    oid = make_tag(good)
    write_lines(good, oid, lines(key_of(good, file), tag_record(good), image_record()))
    found = read_records(good)
    assert sorted(one.signer.name for one in found.images) == signers
    assert found.exit_code == (0 if signers else 1)


@pytest.mark.parametrize("predicate", ["vsa", "svr"])
@pytest.mark.parametrize("what", ["tag", "image"])
def test_any_value_in_any_place_of_a_statement_is_read_or_refused(
    good: Repo, predicate: Any, what: str
) -> None:
    """It is read before its signature is looked at, so anybody may have written it."""
    make_tag(good)
    tag = tag_record(good)
    payload = (
        tag_statement(tag, "r", predicate)
        if what == "tag"
        else image_statement(image_record(), tag, "r", predicate)
    )
    document = json.loads(payload)
    for changed in with_any_value(document):
        with suppress(StatementError):
            read_statement(json.dumps(changed).encode())


def test_a_statement_about_nothing_ends_in_a_sentence(good: Repo, tmp_path: Path) -> None:
    file = signed_repository(good, tmp_path, "p256")
    oid = make_tag(good)
    key, tag = key_of(good, file), tag_record(good)
    write_lines(good, oid, lines(key, tag, image_record()))
    said = json.loads(image_statement(image_record(), tag, "r", "vsa"))
    empty = json.dumps({**said, "subject": []}, separators=(",", ":")).encode()
    write_lines(good, oid, (key.envelope(empty).encode(),))
    done = good.envhooks("records", GOOD_TAG)
    assert done.code == 1 and "no statement about a release" in done.said and "Traceback" not in done.said
