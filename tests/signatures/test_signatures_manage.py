"""Keys on their way into the policy, in memory: nothing but a sentence comes of bytes that are no key."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import Workshop

from envhooks.base.errors import EnvhooksError, PolicyError
from envhooks.signatures import packets
from envhooks.signatures.packets import decode_certificate
from envhooks.signatures.signers.lines import read_line
from envhooks.signatures.signers.manage import armor, check_principal, read_date, read_keys, signer_line

pytest_plugins = ("signing_fixture",)
NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)
_BEGIN = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"


@given(
    st.sampled_from([b"", b"\x98", b"\x99\x01", b"ssh-ed25519 ", b"ssh-rsa AAAA", _BEGIN]),
    st.binary(max_size=200),
)
@settings(max_examples=200)
def test_bytes_of_any_kind_are_refused_in_a_sentence(head: bytes, tail: bytes) -> None:
    try:
        assert read_keys(head + tail, "x", NOW)
    except PolicyError as error:
        assert error.message


@pytest.mark.parametrize("blank", ["\x0b", "\x1f", "\x85", "\u2028", "\u3000"])
def test_a_line_of_odd_blanks_is_an_empty_line(blank: str) -> None:
    with pytest.raises(PolicyError, match="no public key"):
        read_keys(f"\n{blank}\n".encode(), "x", NOW)


def test_a_changed_byte_makes_no_other_key(workshop: Workshop) -> None:
    fingerprint = workshop.pgp("carol")
    blob = decode_certificate(workshop.export("carol"))
    for at in range(0, len(blob), 3):
        try:
            (key,) = read_keys(
                blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :], "x", datetime.now(timezone.utc)
            )
        except EnvhooksError:
            continue
        found = packets.read_key(packets.read_packets(decode_certificate(key.certificate or b""))[0].body)
        assert key.key == found.fingerprint, "the name of the key is always that of its bytes"
    assert len(fingerprint) == 40


def test_armor_reads_back(workshop: Workshop) -> None:
    workshop.pgp("carol")
    blob = decode_certificate(workshop.export("carol"))
    assert decode_certificate(armor(blob)) == blob


@given(st.text(max_size=30))
@settings(max_examples=200)
def test_a_principal_stands_for_itself_alone(text: str) -> None:
    try:
        check_principal(text)
    except EnvhooksError:
        return
    line = read_line(f'{text} namespaces="git" openpgp {"A" * 40}', 1, "x")
    assert line is not None and line.principals == (text,) and not line.is_ca


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
@settings(max_examples=100)
def test_a_window_reads_back(one: int, other: int) -> None:
    after, before = sorted((one, other + 1))
    if after == before:
        return
    line = read_line(signer_line("a@b.org", f"openpgp {'A' * 40}", after, before), 1, "x")
    assert line is not None and (line.window.after, line.window.before) == (after, before)


@pytest.mark.parametrize(
    ("text", "digits"),
    [("2027-01-31", "202701310000"), ("20270131", "202701310000"), ("2027-01-31T12:30Z", "202701311230")],
)
def test_dates(text: str, digits: str) -> None:
    assert datetime.fromtimestamp(read_date(text), timezone.utc).strftime("%Y%m%d%H%M") == digits


@pytest.mark.parametrize(
    "text", ["", "2027", "2027-02-30", "2027-01-31T25:00", "1y", "2027-01-31\n", "2027-01-31+02:00"]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError):
        read_date(text)
