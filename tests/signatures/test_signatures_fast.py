"""The fast path: chosen where it pays, equal to the plain path, and never alone in a refusal."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from signing import NOW, TARGET, Workshop, pgp_files, root, ssh_files, tag_text, verdict

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

from adversary import GIT, KINDS
from forge import YEAR, PgpCertificate, PgpKey, now
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.dataclass import replace
from envhooks.signatures import Refused
from envhooks.signatures.fast import Fast
from envhooks.signatures.openpgp import read_detached
from envhooks.signatures.payload import Armor, Payload, PayloadError, split
from envhooks.signatures.signers import Signers
from envhooks.signatures.verify import verify_all

pytest_plugins = ("signing_fixture",)


def many(workshop: Workshop) -> tuple[list[Payload], Signers]:
    workshop.pgp("alice")
    key = workshop.ssh("alice")
    files = pgp_files(workshop, "alice")
    files["allowed_signers"] += ssh_files(workshop, "alice")["allowed_signers"]
    texts = [tag_text(f"number {number}\n") for number in range(3)]
    raws = [workshop.pgp_sign(text, "alice") for text in texts] + [
        workshop.ssh_sign(text, key) for text in texts
    ]
    raws.append(raws[0].replace(b"number", b"Number"))
    raws.append(raws[3].replace(b"number", b"Number"))
    return [split(raw, 40) for raw in raws], root(files)


def test_both_paths_tell_the_same(workshop: Workshop) -> None:
    payloads, signers = many(workshop)
    plain = verify_all(payloads, signers, NOW, fast=False)
    assert [verdict.status for verdict in plain] == ["good"] * 6 + ["bad"] * 2
    assert verify_all(payloads, signers, NOW, fast=True) == plain == verify_all(payloads, signers, NOW)
    alone = Fast(signers, NOW)
    assert [alone.verify(payload) for payload in payloads] == [*plain[:6], None, None]


def test_it_is_chosen_for_many_tags_only(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads, signers = many(workshop)
    monkeypatch.setenv("PATH", str(tmp_path))  # no gpgv: what is good now was verified in this process
    assert {verdict.status for verdict in verify_all(payloads[:6], signers, NOW)} == {"good"}
    assert {verdict.status for verdict in verify_all(payloads[:2], signers, NOW)} == {"undecided"}
    assert {verdict.status for verdict in verify_all(payloads[:6], signers, NOW, fast=False)} == {"undecided"}
    assert {verdict.status for verdict in verify_all(payloads[:2], signers, NOW, fast=True)} == {"good"}


@pytest.mark.parametrize("library", ["pysequoia", "cryptography"])
def test_a_library_that_is_missing_costs_time_only(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    payloads, signers = many(workshop)
    plain = verify_all(payloads, signers, NOW, fast=False)
    monkeypatch.setitem(sys.modules, library, None)
    assert verify_all(payloads, signers, NOW, fast=True) == plain
    done = [Fast(signers, NOW).verify(payload) is not None for payload in payloads[:6]]
    assert done == [library != "pysequoia"] * 3 + [library != "cryptography"] * 3


def test_expiry_is_looked_at_now_and_not_at_the_date_of_the_signature() -> None:
    made = PgpCertificate(expires_after=5 * YEAR)
    payload = split(made.key.sign(tag_text(), created=now() - YEAR), 40)
    signers = root(made.root())
    assert Fast(signers, NOW).verify(payload) is not None
    assert Fast(signers, NOW + timedelta(days=366)).verify(payload) is None
    assert Fast(signers, NOW - timedelta(days=5 * 365)).verify(payload) is None


def test_a_certificate_that_gnupg_alone_can_weigh_is_left_to_it() -> None:
    for spoil in ("revoked", "expired", "sha1", "subkey-revoked"):
        made, subkey = PgpCertificate(digest=2 if spoil == "sha1" else 8), PgpKey()
        made.add_subkey(subkey, expires_after=YEAR if spoil == "expired" else 0)
        if spoil == "revoked":
            made.revoke(1, at=now())
        if spoil == "subkey-revoked":
            made.revoke_subkey(subkey, 1, at=now())
        payload = split(made.key.sign(tag_text(), created=now() - YEAR), 40)
        assert Fast(root(made.root()), NOW).verify(payload) is None


def test_a_key_without_the_right_to_sign_is_told_from_one_that_sha1_vouches_for() -> None:
    certifies, by_sha1, encrypts = PgpCertificate(flags=0x01), PgpCertificate(digest=2), PgpCertificate()
    subkey = PgpKey()
    encrypts.add_subkey(subkey, crossed=False, flags=0x0C)
    for made, key in ((certifies, certifies.key), (encrypts, subkey)):
        found = verdict(key.sign(tag_text()), made.root())
        assert found.why == "the signing key has no right to sign, by its own certificate"
        fingerprint = made.key.fingerprint
        assert found.fix.startswith(f"gpg --quick-add-key {fingerprint} ed25519 sign 2y && gpg --armor")
        assert found.fix.endswith(f"--export {fingerprint} > .envhooks/keys/{fingerprint}.asc")
    found = verdict(by_sha1.key.sign(tag_text()), by_sha1.root())
    assert "by more than SHA-1" in found.why and "--quick-set-expire" in found.fix


@pytest.mark.parametrize(
    ("digest", "why"),
    [
        (2, "the signature uses a digest that is too weak"),
        (11, "the signature uses a digest that is too weak"),
        (12, "the signature uses SHA-3, which GnuPG does not know"),
        (14, "the signature uses SHA-3, which GnuPG does not know"),
    ],
)
def test_a_digest_that_is_not_accepted_is_told_with_those_that_are(digest: int, why: str) -> None:
    made = PgpCertificate()
    found = verdict(made.key.sign(tag_text(), digest=digest), made.root())
    assert (found.why, found.expected) == (why, "SHA-256, SHA-384 or SHA-512")


def test_the_clock_of_a_signer_may_be_a_day_ahead() -> None:
    made, at = PgpCertificate(), NOW.replace(microsecond=0)
    created = int(at.timestamp()) + 86_400
    assert read_detached(split(made.key.sign(tag_text(), created=created), 40), at).facts.created == created
    with pytest.raises(Refused, match="dated in the future"):
        read_detached(split(made.key.sign(tag_text(), created=created + 1), 40), at)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_anywhere_is_not_accepted(workshop: Workshop, kind: str) -> None:
    """Every byte of an object, by three changes each."""
    alice = KINDS[kind][0](workshop)
    raw = alice.sign(tag_text("m\n"))
    fast = Fast(root(alice.files(GIT)), NOW)
    assert fast.verify(split(raw, 40)) is not None
    for at in range(len(raw)):
        for change in (0x01, 0x20, 0x80):
            try:
                payload = split(raw[:at] + bytes([raw[at] ^ change]) + raw[at + 1 :], 40)
            except PayloadError:
                continue
            assert fast.verify(payload) is None, (at, change)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_edit_of_a_signed_tag_is_accepted(workshop: Workshop, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    alice = KINDS[kind][0](workshop)
    raw = _signed(kind, alice.sign)
    at = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(at, min(len(raw), at + 40)))
    put = data.draw(
        st.binary(max_size=20) | st.sampled_from([b"\n", b"=", b"A", b"-----BEGIN", raw[:at], raw[at:]])
    )
    changed = raw[:at] + put + raw[end:]
    try:
        payload = split(changed, 40)
    except PayloadError:
        return
    assert (
        changed == raw or _same_but_for_line_breaks(changed, raw) or not _accepted(payload, alice.files(GIT))
    )


_SIGNED: dict[str, bytes] = {}


def _signed(kind: str, sign: object) -> bytes:
    if kind not in _SIGNED:
        assert callable(sign)
        _SIGNED[kind] = sign(tag_text("m\n"))
    return _SIGNED[kind]


def _accepted(payload: Payload, files: dict[str, bytes]) -> bool:
    return Fast(root(files), NOW).verify(payload) is not None


def _same_but_for_line_breaks(one: bytes, other: bytes) -> bool:
    """Armor may be wrapped at another column, or lose its checksum: the signature is the same."""
    first, second = split(one, 40), split(other, 40)
    if first.signed != second.signed or first.armor is None or second.armor is None:
        return False
    return _body(first.armor) == _body(second.armor)


def _body(armor: Armor) -> bytes:
    return b"".join(line for line in armor.lines if not (len(line) == 5 and line.startswith(b"=")))


def test_other_object_formats_do_not_get_mixed_up(workshop: Workshop) -> None:
    alice = KINDS["ssh-ed25519"][0](workshop)
    with pytest.raises(PayloadError):
        split(alice.sign(tag_text(target=TARGET)), 64)


def test_what_sequoia_would_weigh_otherwise_is_left_to_gnupg() -> None:
    """A signature that ends by itself, has it or not, one with an unknown remark, and a key that two lines name."""
    made = PgpCertificate()
    signers = root(made.root())
    text = tag_text()
    plain = split(made.key.sign(text), 40)
    ends = split(made.key.sign(text, hashed=[(3, (9 * YEAR).to_bytes(4, "big"))]), 40)
    assert Fast(signers, NOW).verify(plain) is not None
    assert Fast(signers, NOW).verify(ends) is None
    odd = split(made.key.sign(text, hashed=[(100, b"a remark that nobody knows")]), 40)
    assert Fast(signers, NOW).verify(odd) is None
    (line,) = signers.openpgp
    assert Fast(replace(signers, openpgp=(line, line)), NOW).verify(plain) is None
    assert (
        verdict(made.key.sign(text, hashed=[(3, (9 * YEAR).to_bytes(4, "big"))]), made.root()).status
        == "good"
    )
