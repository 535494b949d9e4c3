"""Armor, OpenPGP packets and SSH's wire format: strict, and never surprised."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import Workshop, tag_text

from envhooks.signatures.packets import (
    ArmorError,
    PacketError,
    decode_base64,
    decode_certificate,
    decode_openpgp,
    read_key,
    read_packets,
    read_signature,
)
from envhooks.signatures.payload import split
from envhooks.signatures.sshwire import SshError, pack, read_certificate
from envhooks.signatures.sshwire import read_key as read_ssh_key
from envhooks.signatures.sshwire import read_signature as read_ssh_signature

pytest_plugins = ("signing_fixture",)


def pgp_lines(workshop: Workshop) -> list[bytes]:
    workshop.pgp("alice")
    armor = split(workshop.pgp_sign(tag_text(), "alice"), 40).armor
    assert armor is not None
    return list(armor.lines)


def test_armor_as_gnupg_writes_it(workshop: Workshop) -> None:
    lines = pgp_lines(workshop)
    blob = decode_openpgp(lines)
    assert decode_openpgp([b"Version: GnuPG v1", b"Comment: x", *lines]) == blob
    assert decode_openpgp([line for line in lines if not line.startswith(b"=")]) == blob
    assert [packet.tag for packet in read_packets(blob)] == [2]


def test_armor_that_no_program_writes(workshop: Workshop) -> None:
    lines = pgp_lines(workshop)
    assert lines[0] == b"" and lines[-1].startswith(b"=")
    data = lines[1:-1]
    checksum = b"=AAAA" if lines[-1] != b"=AAAA" else b"=AAAB"
    for changed in (
        [], [b""], data, [b"X-Evil: 1", *lines], [b"Comment: \x1b", *lines], [b"Comment:x", *lines],
        [b"Comment: x"] * 7 + lines, [b"Comment: " + b"x" * 200, *lines],
        [b"", *data, checksum], [b"", *data, b"=!!!!"], [b"", *data, b"", lines[-1]], [b"", b" ", *data],
        [b"", *data, b"AAAA"] if data[-1].endswith(b"=") else [b"", *data, b"AAA"],
        [b"", data[0][:-1], *data[1:]], [b"", data[0] + b"\r", *data[1:]],
    ):  # fmt: skip
        with pytest.raises((ArmorError, PacketError)):
            read_signature(read_packets(decode_openpgp(changed))[0].body, detached=True)


def test_base64_has_one_spelling() -> None:
    assert decode_base64([b"AA=="]) == b"\0"
    for lines in (
        [b"AB=="],
        [b"AA="],
        [b"AA"],
        [b"A"],
        [b"AA==", b"AA=="],
        [b"A A="],
        [b""],
        [],
        [b"AAAA\n"],
    ):
        with pytest.raises(ArmorError):
            decode_base64(lines)


def test_packets_of_a_signature(workshop: Workshop) -> None:
    fingerprint = workshop.pgp("alice")
    body = read_packets(decode_openpgp(pgp_lines(workshop)))[0].body
    facts = read_signature(body, detached=True)
    assert (facts.kind, facts.algorithm, facts.issuer, facts.expires_after) == (0, 22, fingerprint, 0)
    assert facts.created and facts.digest in (8, 10)
    for changed in (b"\x03" + body[1:], b"\x06" + body[1:], body + b"\0", body[:-1], body[:6], b""):
        with pytest.raises(PacketError):
            read_signature(changed, detached=True)


@pytest.mark.parametrize("name", ["alice", "rosa"])
def test_fingerprints_are_computed_from_the_key(workshop: Workshop, name: str) -> None:
    fingerprint = workshop.pgp(name, algorithm="rsa" if name == "rosa" else "ed25519")
    key = read_key(read_packets(workshop.gpg("--export", fingerprint))[0].body)
    assert key.fingerprint == fingerprint and key.version == 4 and not key.is_weak
    assert key.bits == (3072 if name == "rosa" else 0)


@pytest.mark.parametrize(
    "data",
    [b"\0", b"\x8b", b"\xc2\xe0", b"\xc2", b"\xc2\xff\0\0", b"\x88\x05abc", b"\xc2\xff\xff\xff\xff\xff"],
)
def test_packets_without_a_length(data: bytes) -> None:
    with pytest.raises(PacketError):
        read_packets(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_nothing_unexpected_comes_out(data: bytes) -> None:
    with contextlib.suppress(ArmorError):
        decode_certificate(data)
    with contextlib.suppress(ArmorError):
        decode_openpgp(data.split(b"\n"))
    with contextlib.suppress(PacketError):
        assert b"".join(packet.raw for packet in read_packets(data)) == data
    for detached in (True, False):
        with contextlib.suppress(PacketError):
            read_signature(b"\x04" + data, detached=detached)
    with contextlib.suppress(PacketError):
        read_key(data)
    with contextlib.suppress(PacketError):
        read_key(b"\x04" + data)
    for reader in (read_ssh_key, read_certificate, read_ssh_signature):
        for prefix in (b"", b"SSHSIG\0\0\0\x01", pack(b"ssh-rsa"), pack(b"ssh-ed25519-cert-v01@openssh.com")):
            with contextlib.suppress(SshError):
                reader(prefix + data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_sshsig_is_an_ssh_error(workshop: Workshop, data: st.DataObject) -> None:
    blob = sshsig(workshop)
    assert read_ssh_signature(blob).key.type == "ssh-ed25519"
    at = data.draw(st.integers(0, len(blob) - 1))
    changed = data.draw(
        st.sampled_from(
            [blob[:at], blob[:at] + b"\0" + blob[at:], blob + b"\0", blob[:at] + b"\xff" + blob[at + 1 :]]
        )
    )
    with contextlib.suppress(SshError):
        assert read_ssh_signature(changed).blob == changed


_CACHE: list[bytes] = []


def sshsig(workshop: Workshop) -> bytes:
    if not _CACHE:
        armor = split(workshop.ssh_sign(tag_text(), workshop.ssh("alice")), 40).armor
        assert armor is not None
        _CACHE.append(base64.b64decode(b"".join(armor.lines)))
    return _CACHE[0]


def test_an_sshsig_is_for_git_and_of_today() -> None:
    key = pack(b"ssh-ed25519") + pack(b"\1" * 32)
    raw = pack(b"ssh-ed25519") + pack(b"\2" * 64)

    def blob(
        namespace: bytes = b"git", reserved: bytes = b"", digest: bytes = b"sha512", raw: bytes = raw
    ) -> bytes:
        return b"SSHSIG\0\0\0\1" + b"".join(map(pack, (key, namespace, reserved, digest, raw)))

    assert read_ssh_signature(blob()).digest == "sha512"
    for changed, sentence in (
        (blob(namespace=b"file"), "another purpose"),
        (blob(reserved=b"x"), "reserved"),
        (blob(digest=b"sha1"), "digest"),
        (blob(raw=pack(b"ssh-rsa") + pack(b"\2" * 64)), "algorithm"),
        (blob(raw=pack(b"ssh-ed25519") + pack(b"\2" * 63)), "64 bytes"),
        (blob(raw=raw + b"\0"), "behind its end"),
        (blob() + b"\0", "behind its end"),
    ):
        with pytest.raises(SshError, match=sentence):
            read_ssh_signature(changed)


def test_a_certificate_and_its_key(workshop: Workshop) -> None:
    workshop.ssh("alice")
    workshop.ssh("ca")
    path = workshop.certify("alice", "ca", "plain", "-n", "alice,bob", "-V", "20250101:20300101")
    blob = base64.b64decode(path.read_text().split()[1])
    found = read_certificate(blob)
    assert base64.b64encode(found.key.blob).decode() == workshop.public("alice").split()[1]
    assert base64.b64encode(found.ca).decode() == workshop.public("ca").split()[1]
    assert (found.kind, found.key_id, found.principals) == (1, "plain", ("alice", "bob"))
    assert found.valid_after < found.valid_before and not found.has_critical_options
    with pytest.raises(SshError):
        read_certificate(blob + b"\0")
    with pytest.raises(SshError, match="no SSH certificate"):
        read_certificate(found.key.blob)
