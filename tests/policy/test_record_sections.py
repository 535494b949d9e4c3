"""`[[verifier]]`, `[records]` and `[[yanked]]`: each key on both sides."""

from __future__ import annotations

import base64
from datetime import datetime, timezone

import pytest

from envhooks.base.errors import PolicyError
from envhooks.policy import Policy, Verifier
from envhooks.policy.reader import parse_policy

SSH = '[[verifier]]\nname = "ci"\nssh = "alice"\n'
KEYLESS = '[[verifier]]\nname = "ci"\nidentity = "a@b.c"\n'
ED25519 = bytes.fromhex("302a300506032b6570032100") + bytes(range(32))
P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + bytes(64)


def parse(text: str) -> Policy:
    return parse_policy(text.encode(), ".envhooks/policy.toml on origin/main")


def refused(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    return caught.value


def pem(der: bytes, name: str = "ci") -> str:
    block = f"-----BEGIN PUBLIC KEY-----\n{base64.encodebytes(der).decode()}-----END PUBLIC KEY-----\n"
    return f'[[verifier]]\nname = "{name}"\nkey = """\n{block}"""\n'


def seconds(*when: int) -> float:
    return datetime(*when, tzinfo=timezone.utc).timestamp()  # type: ignore[misc, arg-type]


def test_each_kind_of_verifier() -> None:
    assert parse(SSH).verifiers == (Verifier("ci", "person", ssh="alice"),)
    assert parse(SSH + 'word = "team"').verifiers == (Verifier("ci", "team", ssh="alice"),)
    for key in (ED25519, P256):
        assert parse(pem(key)).verifiers == (Verifier("ci", "team", key=key),)
    found = parse(KEYLESS + 'issuer = "https://i.example"').verifiers
    assert found == (Verifier("ci", "team", identity="a@b.c", issuer="https://i.example"),)
    assert parse(SSH + SSH.replace("ci", "cd")).verifiers[1].name == "cd", "one person may have two names"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[verifier]]\nssh = "alice"', "has no `name`"),
        ('[[verifier]]\nname = "ci"', "has one of `key`, `ssh`, `identity`"),
        (SSH + 'identity = "a@b.c"\nissuer = "https://i.example"', "has one of"),
        (KEYLESS, "go together"),
        (SSH + 'issuer = "https://i.example"', "go together"),
        (KEYLESS + 'issuer = "http://i.example"', "no https:// URL"),
        (KEYLESS.replace("a@", "*@") + 'issuer = "https://i.example"', "compared whole"),
        (SSH.replace("alice", "al ice"), "compared whole"),
        (SSH.replace("alice", "al\u00efce"), "compared whole"),
        (SSH.replace('"ci"', '"c i"'), "cannot be a name"),
        (SSH + 'word = "person "', "cannot be `person `"),
        (SSH + 'reason = "lost"', "says why a key is revoked"),
        (SSH + 'revoked = false\nreason = "lost"', "says why a key is revoked"),
        (SSH + "valid-after = 2026-03-04\nvalid-before = 2026-03-03", "earlier than"),
        (SSH + SSH, "two verifiers are called `ci`"),
        (pem(ED25519) + pem(ED25519, "cd"), "the key of `cd` stands in another"),
        (SSH * 33, "names 33 signers of records and may name 32"),
        (pem(ED25519[:-1]), "no public key of P-256 or Ed25519"),
        (pem(ED25519 + b"x"), "no public key of P-256 or Ed25519"),
        (pem(P256 + b"x"), "no public key of P-256 or Ed25519"),
        (pem(P256[:-65] + bytes([2]) + P256[-64:]), "no public key of P-256 or Ed25519"),
        (pem(ED25519).replace("MCow", "M*ow"), "no public key of P-256 or Ed25519"),
        (pem(ED25519).replace("PUBLIC", "PRIVATE"), "is a PRIVATE key"),
        ('[[verifier]]\nname = "ci"\nkey = 1', "a public key in PEM"),
    ],
)
def test_a_verifier_that_is_none(text: str, said: str) -> None:
    assert said in refused(text).message


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-03", seconds(2026, 3, 3)), ('"2026-03-03"', seconds(2026, 3, 3)),
        ("2026-03-03T12:30:00", seconds(2026, 3, 3, 12, 30)), ("2026-03-03T12:30:00Z", seconds(2026, 3, 3, 12, 30)),
        ('"2026-03-03T12:30Z"', seconds(2026, 3, 3, 12, 30)), ('"2026-03-03T12:30:05"', seconds(2026, 3, 3, 12, 30, 5)),
        ('"2026-03-03T12:30:05+02:00"', seconds(2026, 3, 3, 10, 30, 5)),
        ("2026-03-03T12:30:05-02:00", seconds(2026, 3, 3, 14, 30, 5)),
    ],
)  # fmt: skip
def test_moments(written: str, moment: float) -> None:
    (one,) = parse(f"{SSH}valid-after = {written}").verifiers
    assert (one.after, one.before, one.revoked) == (moment, None, None)
    (one,) = parse(f"{SSH}revoked = {written}\nreason = 'lost'").verifiers
    assert (one.revoked, one.reason) == (moment, "lost")


@pytest.mark.parametrize(
    "written",
    ['"2026-W01-1"', '"20260303"', '"2026-03-03T12"', '"2026-03-03 12:30"', '"2026-03-03T12:30:05.5"', '"2026-02-30"',
     '"2026-03-03T24:00"', '"\u0662\u0660\u0662\u0666-03-03"', '"2026-03-03z"', '"today"', "12:30:00", "2026", "true"],
)  # fmt: skip
def test_what_is_no_moment_to_any_python(written: str) -> None:
    error = refused(f"{SSH}valid-after = {written}")
    assert error.message.endswith("must be a date") and error.fix == "valid-after = 2026-03-03"


def test_the_last_day_counts_whole_and_a_revocation_may_be_of_all() -> None:
    (one,) = parse(SSH + "valid-after = 2026-03-03\nvalid-before = 2026-03-03").verifiers
    assert (one.after, one.before) == (seconds(2026, 3, 3), seconds(2026, 3, 3, 23, 59, 59))
    assert parse(SSH + 'valid-before = "2026-03-03"').verifiers[0].before == one.before
    assert parse(SSH + "valid-before = 2026-03-03T00:00:00Z").verifiers[0].before == one.after
    assert parse(SSH + 'valid-before = "2026-03-03T00:00Z"').verifiers[0].before == one.after
    assert parse(SSH + "revoked = true").verifiers[0].revoked == 0.0
    assert parse(SSH + "revoked = false").verifiers[0].revoked is None


def test_records_and_yanked() -> None:
    assert parse("").records.words == () and parse("").records.predicate == "vsa"
    told = parse('[records]\nsigned-by = ["team", "person"]\npredicate = "svr"').records
    assert (told.words, told.predicate) == (("team", "person"), "svr")
    assert "cannot be `anyone`" in refused('[records]\nsigned-by = "anyone"').message
    assert "cannot be `slsa`" in refused('[records]\npredicate = "slsa"').message
    one = '[[yanked]]\ntag = "refs/tags/v1"\nreason = "CVE"\n'
    assert dict(parse(one).yanked) == {"v1": "CVE"} and not parse("").yanked
    assert "is yanked twice" in refused(one + one.replace("refs/tags/", "")).message
    assert "has no `reason`" in refused('[[yanked]]\ntag = "v1"').message
    assert "has no `tag`" in refused('[[yanked]]\nreason = "CVE"').message
    assert "cannot be a tag: `..` is not legal" in refused('[[yanked]]\ntag = "a..b"\nreason = "x"').message
