"""Records that an identity signed through Sigstore: one of the tests' own, verified by the real client library."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from own_sigstore import OwnSigstore
from record_parts import (
    IMAGE_POLICY,
    image_record,
    make_tag,
    read_records,
    set_policy,
    tag_record,
    write_lines,
)
from support import GOOD_TAG, Repo

from envhooks.records.dsse import PAYLOAD_TYPE
from envhooks.records.identities import as_statement
from envhooks.records.statement import image_statement, tag_statement
from envhooks.records.verifiers import SIGSTORE_ROOT

IDENTITY = "https://github.com/team/envs/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"


@pytest.fixture
def sigstore(good: Repo, tmp_path: Path) -> OwnSigstore:
    """One that this clone trusts."""
    found = OwnSigstore()
    good.git("config", SIGSTORE_ROOT, str(found.trusted_root(tmp_path)))
    return found


def prepare(good: Repo, more: str = "") -> str:
    section = f'[[verifier]]\nname = "ci"\nidentity = "{IDENTITY}"\nissuer = "{ISSUER}"\n{more}\n'
    set_policy(good, IMAGE_POLICY + section)
    return make_tag(good)


def payloads(good: Repo, at: datetime) -> list[bytes]:
    tag = tag_record(good, time=at)
    return [
        tag_statement(tag, "gitoid:tag:sha1:x", "vsa"),
        image_statement(image_record(time=at), tag, "pkg:oci/x", "vsa"),
    ]


def sign(
    sigstore: OwnSigstore, good: Repo, at: datetime, *who: str, logged: datetime | None = None
) -> tuple[bytes, ...]:
    identity, issuer = who or (IDENTITY, ISSUER)
    return tuple(sigstore.sign(payload, identity, issuer, logged or at) for payload in payloads(good, at))


def test_an_identity_proves_a_record(good: Repo, sigstore: OwnSigstore) -> None:
    oid = prepare(good)
    write_lines(good, oid, sign(sigstore, good, sigstore.now))
    found = read_records(good, now=sigstore.now + timedelta(days=400))  # the certificate is long over
    assert (found.state, found.faults) == ("proved", ())
    assert found.passed[0].signer.key == f"{IDENTITY} ({ISSUER})" and found.passed[0].signer.word == "team"


@pytest.mark.parametrize(
    "who",
    [
        (IDENTITY.replace("main", "evil"), ISSUER),
        (IDENTITY + "x", ISSUER),
        (IDENTITY, "https://issuer.example.org"),
    ],
)
def test_another_identity_or_issuer_proves_nothing(
    good: Repo, sigstore: OwnSigstore, who: tuple[str, str]
) -> None:
    oid = prepare(good)
    write_lines(good, oid, sign(sigstore, good, sigstore.now, *who))
    found = read_records(good, now=sigstore.now)
    assert found.exit_code == 1 and "nobody whom the policy allows" in found.faults[0]


def test_another_sigstore_proves_nothing(good: Repo, sigstore: OwnSigstore) -> None:
    oid = prepare(good)
    write_lines(good, oid, sign(OwnSigstore(), good, sigstore.now))
    assert read_records(good, now=sigstore.now).exit_code == 1


def test_a_changed_bundle_proves_nothing(good: Repo, sigstore: OwnSigstore) -> None:
    oid = prepare(good)
    whole = sign(sigstore, good, sigstore.now)
    for at in range(40, len(whole[0]), 211):
        changed = whole[0][:at] + bytes([whole[0][at] ^ 1]) + whole[0][at + 1 :]
        if b"\n" in changed:
            continue
        write_lines(good, oid, (changed, whole[1]))
        assert read_records(good, now=sigstore.now).exit_code == 1, (at, whole[0][at - 20 : at + 20])
        good.git("update-ref", "-d", "refs/notes/envhooks")


@pytest.mark.parametrize(("days", "counts"), [(3, True), (1, False)])
def test_a_date_counts_by_the_public_log_and_not_by_the_signer_s_word(
    good: Repo, sigstore: OwnSigstore, days: int, counts: bool
) -> None:
    """The statement is dated five days back in both; what differs is when the log saw it."""
    until = datetime.now(timezone.utc) - timedelta(days=2)
    oid = prepare(good, f"revoked = {until:%Y-%m-%dT%H:%M:%SZ}")
    then = sigstore.now - timedelta(days=5)
    logged = sigstore.now - timedelta(days=days)
    write_lines(good, oid, sign(sigstore, good, then, logged=logged))
    assert (read_records(good, now=sigstore.now).state == "proved") is counts


def test_the_client_library_signs_the_very_bytes(good: Repo, sigstore: OwnSigstore) -> None:
    """As far as it signs without Fulcio and Rekor: what it puts into the envelope, and what it signs."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from sigstore import dsse

    prepare(good)
    key = ec.generate_private_key(ec.SECP256R1())
    for payload in payloads(good, sigstore.now):
        envelope = dsse._sign(key, as_statement(payload))
        assert dsse._verify(key.public_key(), envelope) == payload
        assert envelope._inner.payload_type == PAYLOAD_TYPE


def test_without_an_identity_of_this_machine_nothing_is_signed(good: Repo, sigstore: OwnSigstore) -> None:
    prepare(good)
    good.git("push", "-q", "origin", GOOD_TAG)
    done = good.envhooks("record", GOOD_TAG, "--key", "sigstore")
    assert done.code == 2 and "no identity" in done.err, done
    good.git("config", "envhooks.recordkey", "sigstore")
    done = good.envhooks("record", GOOD_TAG)
    assert done.code == 2 and "no identity" in done.err, done
