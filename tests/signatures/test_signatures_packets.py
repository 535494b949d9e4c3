"""OpenPGP's armor, lengths, keys and signatures byte by byte, each limit from both sides."""

from __future__ import annotations

import base64
import hashlib

import pytest

pytest.importorskip("cryptography")

from forge import ED25519_ORDER, Subpacket, area, crc24, mpi, number, packet
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.signatures import packets
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

LINES = [b"A" * 64, b"A" * 64, b"AAAA"]

# ---------------------------------------------------------------------------------------- armor


def test_lines_of_one_length_and_a_last_one_that_is_no_longer() -> None:
    assert decode_base64(LINES) == bytes(99)
    assert decode_base64([b"A" * 64]) == bytes(48) and decode_base64([b"A" * 100]) == bytes(75)
    for lines in ([b"AAAA", b"A" * 8], [b"A" * 64, b"A" * 60, b"A" * 64], [b"A" * 60, b"A" * 64, b"A" * 60]):
        with pytest.raises(ArmorError, match="wrapped evenly"):
            decode_base64(lines)
        assert decode_base64(lines, evenly=False) == bytes(sum(map(len, lines)) * 3 // 4)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b""],
        [b"AAAA", b""],
        [b"AAA*"],
        [b"AAAA "],
        [b"AAAA\n"],
        [b"*AAA", b"AAAA"],
        [b"A" * 101] * 4,
        [b"AA-_"],
    ],
)
def test_lines_that_are_not_base64(lines: list[bytes]) -> None:
    for evenly in (True, False):
        with pytest.raises(ArmorError, match="not base64"):
            decode_base64(lines, evenly=evenly)


def test_base64_that_is_damaged_or_spelled_otherwise() -> None:
    for lines in ([b"AAA"], [b"A==="], [b"A"], [b"AA==", b"AA=="]):
        with pytest.raises(ArmorError, match="damaged"):
            decode_base64(lines)
    assert decode_base64([b"AQ=="]) == b"\1"
    with pytest.raises(ArmorError, match="canonically"):
        decode_base64([b"AR=="])


@pytest.mark.parametrize(
    "header",
    [
        "Version: GnuPG v2",
        "Comment: ",
        "Hash: SHA256",
        "Charset: UTF-8",
        "MessageID: x",
        "Comment: " + "~" * 120,
    ],
)
def test_headers_that_programs_write(header: str) -> None:
    assert decode_openpgp([header.encode(), b"", *LINES]) == bytes(99)
    assert decode_openpgp([header.encode()] * 6 + [b"", *LINES]) == bytes(99)
    with pytest.raises(ArmorError, match="headers"):
        decode_openpgp([header.encode()] * 7 + [b"", *LINES])


@pytest.mark.parametrize(
    "header", ["Comment: " + "~" * 121, "Comment:x", " Comment: x", "Notes: x", "Comment: \t"]
)
def test_headers_that_none_writes(header: str) -> None:
    with pytest.raises(ArmorError, match="headers"):
        decode_openpgp([header.encode(), b"", *LINES])
    with pytest.raises(ArmorError, match="headers"):
        decode_openpgp([b"Comment: x", header.encode(), b"", *LINES])


def test_the_checksum_is_looked_at_where_there_is_one() -> None:
    good = b"=" + base64.b64encode(crc24(bytes(99)))
    assert decode_openpgp([b"", *LINES, good]) == decode_openpgp([b"", *LINES]) == bytes(99)
    with pytest.raises(ArmorError, match="checksum"):
        decode_openpgp([b"", *LINES, b"=AAAA"])
    with pytest.raises(ArmorError):
        decode_openpgp([b"", good])
    with pytest.raises(ArmorError, match="blank line"):
        decode_openpgp(LINES)


def test_a_last_line_that_only_looks_like_a_checksum_is_data() -> None:
    """Wrapped at 71 characters, padding may stand alone, and five characters may be left over."""
    for size, left in ((53, b"="), (57, None)):
        data = bytes(range(size))
        text = base64.b64encode(data)
        assert len(text[71:]) == 5 or text[71:] == left
        assert decode_openpgp([b"", text[:71], text[71:]]) == data


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40))
def test_the_checksum_is_that_of_rfc_9580(data: bytes) -> None:
    assert packets._crc24(data).to_bytes(3, "big") == crc24(data)
    assert packets._crc24(b"123456789") == 0x21CF02, "the catalogue's check value of CRC-24/OPENPGP"


BEGIN, END = b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b"-----END PGP PUBLIC KEY BLOCK-----"


def test_a_certificate_file_is_one_block_and_nothing_around_it() -> None:
    whole = [BEGIN, b"Comment: x", b"", b"AAAA", b"AAAAAAAA", END]
    assert decode_certificate(b"\n".join(whole)) == bytes(9), "pasted, so wrapped anyhow"
    assert decode_certificate(b"\r\n \n" + b" \t\r\n".join(whole) + b"\n\n") == bytes(9)
    for lines in (
        whole[1:],
        whole[:-1],
        [b"x", *whole],
        [*whole, b"x"],
        [END, *whole[1:]],
        [*whole[:-1], BEGIN],
    ):
        with pytest.raises(ArmorError, match="not one armored OpenPGP public key block"):
            decode_certificate(b"\n".join(lines))
    for data in (b"", b"\n", BEGIN, BEGIN + b"\n" + END):
        with pytest.raises(ArmorError):
            decode_certificate(data)
    with pytest.raises(ArmorError):
        decode_certificate(b"\n".join([BEGIN, b"", b"AAAA~", END]))


# -------------------------------------------------------------------------------------- packets


def test_lengths_in_every_spelling() -> None:
    """RFC 9580, 4.2: one, two and five octets, and those of the old format."""
    for size in (0, 191, 192, 193, 8383):
        short = bytes([size]) if size < 192 else number(size - 192 + 0xC000, 2)
        for head in (
            b"\xcd" + short,
            b"\xcd\xff" + number(size),
            b"\xb5" + number(size, 2),
            b"\xb6" + number(size),
        ):
            (one,) = read_packets(head + bytes(size))
            assert (one.tag, one.body, one.raw) == (13, bytes(size), head + bytes(size))
    (one,) = read_packets(b"\xb4\xff" + bytes(255))
    assert (one.tag, len(one.body)) == (13, 255)


def test_packets_stand_one_behind_the_other() -> None:
    first, second = packet(13, b"a"), packet(14, b"bc")
    assert [(one.tag, one.body, one.raw) for one in read_packets(first + second)] == [
        (13, b"a", first), (14, b"bc", second),
    ]  # fmt: skip
    assert read_packets(b"") == ()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xcd\xe0" + bytes(300), "state its length"), (b"\xcd\xfe" + bytes(300), "state its length"),
        (b"\xb7" + bytes(9), "state its length"), (b"\x4d\x00", "not OpenPGP packets"),
        (b"\x00", "not OpenPGP packets"), (b"-----BEGIN", "not OpenPGP packets"),
        (b"\xcd\x02a", "ends before"), (b"\xcd", "ends before"), (b"\xcd\xc0", "ends before"),
        (b"\xcd\xff\x00\x00", "ends before"), (b"\xb5\x00", "ends before"),
    ],
)  # fmt: skip
def test_what_is_no_packet(data: bytes, sentence: str) -> None:
    with pytest.raises(PacketError, match=sentence):
        read_packets(data)


# ----------------------------------------------------------------------------------------- keys

# RFC 9580, A.3: the primary key of the sample certificate, and its fingerprint
SAMPLE = bytes.fromhex("0663877fe31b00000020f94da7bb48d60a61e567706a6587d0331999bb9d891a08242ead84543df895a3")
SAMPLE_FINGERPRINT = "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9"


def key_body(version: int, algorithm: int, modulus: int) -> bytes:
    width = (modulus.bit_length() + 7) // 8
    material = mpi(modulus.to_bytes(width, "big")) + mpi(b"\1\0\1")
    return (
        bytes([version])
        + number(77)
        + bytes([algorithm])
        + (number(len(material)) if version > 4 else b"")
        + material
    )


def test_the_fingerprint_of_each_version() -> None:
    assert read_key(SAMPLE).fingerprint == SAMPLE_FINGERPRINT
    assert (read_key(SAMPLE).version, read_key(SAMPLE).created) == (6, 0x63877FE3)
    fourth, fifth = key_body(4, 1, 1 << 2047), key_body(5, 1, 1 << 2047)
    assert (
        read_key(fourth).fingerprint
        == hashlib.sha1(b"\x99" + number(len(fourth), 2) + fourth).hexdigest().upper()
    )
    assert (
        read_key(fifth).fingerprint
        == hashlib.sha256(b"\x9a" + number(len(fifth)) + fifth).hexdigest().upper()
    )
    assert read_key(fourth).modulus == read_key(fifth).modulus == 1 << 2047
    for version in (2, 3, 7):
        with pytest.raises(PacketError, match=f"version {version}"):
            read_key(bytes([version]) + fourth[1:])
    with pytest.raises(PacketError, match="far too long"):
        read_key(fourth + bytes(1 << 16))


@pytest.mark.parametrize(("algorithm", "kind"), [(1, "RSA"), (2, "RSA"), (3, "RSA"), (17, "DSA")])
def test_a_key_is_weak_below_2048_bits(algorithm: int, kind: str) -> None:
    for bits, is_weak in ((1024, True), (2047, True), (2048, False), (4096, False)):
        key = read_key(key_body(4, algorithm, (1 << bits) - 1))
        assert (key.is_weak, key.kind, key.bits, key.algorithm) == (
            is_weak,
            f"{kind}-{bits}",
            bits,
            algorithm,
        )
        assert key.modulus == (0 if kind == "DSA" else (1 << bits) - 1)
    with pytest.raises(PacketError, match="ends before"):
        read_key(key_body(4, algorithm, 1 << 2047)[:90])


def test_keys_of_curves_are_never_weak() -> None:
    for algorithm in (18, 19, 22):
        key = read_key(b"\4" + number(1) + bytes([algorithm]) + b"\x09" + bytes(20))
        assert (key.is_weak, key.bits, key.modulus) == (False, 0, 0)


# ----------------------------------------------------------------------------------- signatures

DATE, ISSUER = (2, number(1_700_000_000)), (16, b"ABCDEFGH")


def signature(
    *numbers: int,
    algorithm: int = 22,
    hashed: tuple[Subpacket, ...] = (DATE,),
    unhashed: tuple[Subpacket, ...] = (ISSUER,),
    version: int = 4,
    tail: bytes = b"",
) -> bytes:
    made = b"".join(mpi(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in numbers)
    return bytes([version, 0, algorithm, 8]) + area(hashed) + area(unhashed) + b"\xab\xcd" + made + tail


@pytest.mark.parametrize(("algorithm", "count"), [(1, 1), (3, 1), (17, 2), (19, 2), (22, 2)])
def test_each_algorithm_has_its_numbers(algorithm: int, count: int) -> None:
    facts = read_signature(signature(*[9] * count, algorithm=algorithm), detached=True)
    assert (facts.kind, facts.algorithm, facts.digest, facts.numbers) == (0, algorithm, 8, (9,) * count)
    with pytest.raises(PacketError, match="ends before"):
        read_signature(signature(*[9] * (count - 1), algorithm=algorithm), detached=True)
    for more in (
        signature(*[9] * (count + 1), algorithm=algorithm),
        signature(*[9] * count, algorithm=algorithm, tail=b"\0"),
    ):
        with pytest.raises(PacketError, match="behind its end"):
            read_signature(more, detached=True)


@pytest.mark.parametrize("algorithm", [0, 2, 16, 18, 20, 23, 27])
def test_algorithms_that_are_not_judged(algorithm: int) -> None:
    with pytest.raises(PacketError, match=f"algorithm {algorithm}, which is not judged"):
        read_signature(signature(9, 9, algorithm=algorithm), detached=True)
    assert read_signature(signature(9, algorithm=algorithm), detached=False).numbers == (), "of a certificate"


def test_the_number_of_an_ed25519_signature_lies_below_the_order() -> None:
    def turned(value: int) -> int:
        return int.from_bytes(value.to_bytes(32, "little"), "big")

    assert read_signature(signature(9, turned(ED25519_ORDER - 1)), detached=True).numbers[0] == 9
    for high in (ED25519_ORDER, ED25519_ORDER + 1, (1 << 256) - 1):
        with pytest.raises(PacketError, match="otherwise than by a signing program"):
            read_signature(signature(9, turned(high)), detached=True)
    assert read_signature(signature(9, turned(ED25519_ORDER), algorithm=19), detached=True).algorithm == 19
    of_ed448 = signature((1 << 455) - 1, (1 << 455) - 1)
    assert len(read_signature(of_ed448, detached=True).numbers) == 2, "of another curve, with another order"


def test_what_a_signature_says_of_itself() -> None:
    hashed = (DATE, (3, number(5)), (9, number(7)), (27, b"\x03\x00"), (33, b"\4" + b"F" * 12 + b"ABCDEFGH"))
    facts = read_signature(signature(9, 9, hashed=hashed), detached=True)
    assert (facts.created, facts.expires_after, facts.key_expires_after) == (1_700_000_000, 5, 7)
    assert (facts.issuer, facts.key_flags) == ((b"F" * 12 + b"ABCDEFGH").hex().upper(), 3)
    nothing = read_signature(signature(9, 9, hashed=(), unhashed=()), detached=True)
    assert (nothing.created, nothing.expires_after, nothing.key_expires_after) == (None, 0, 0)
    assert (nothing.issuer, nothing.key_flags) == ("", None)
    assert read_signature(signature(9, 9), detached=True).issuer == b"ABCDEFGH".hex().upper()
    # the key id of version 6 is the beginning of its fingerprint
    sixth = signature(9, 9, hashed=(DATE, (33, b"\6ABCDEFGH" + b"F" * 24)))
    assert read_signature(sixth, detached=True).issuer == (b"ABCDEFGH" + b"F" * 24).hex().upper()
    twice = (
        (3, number(5)),
        (3, number(9)),
        (3, number(6)),
        (9, number(2)),
        (9, number(1)),
        (27, b""),
        (27, b"\1"),
    )
    facts = read_signature(signature(9, 9, hashed=twice), detached=False)
    assert (facts.expires_after, facts.key_expires_after, facts.key_flags) == (9, 2, 1)
    critical = read_signature(signature(9, 9, hashed=((0x82, number(5)),)), detached=True)
    assert critical.created == 5, "the bit that says that it matters is not of the type"


@pytest.mark.parametrize(
    ("hashed", "unhashed", "sentence"),
    [
        ((DATE, DATE), (), "several dates"), (((2, b"\0\0\0"),), (), "damaged date"),
        (((3, bytes(5)),), (), "damaged date"), (((9, b""),), (), "damaged date"),
        ((DATE, ISSUER), ((16, b"ABCDEFGX"),), "several issuers"),
        ((DATE, (33, b"\4" + b"F" * 20)), ((33, b"\4" + b"G" * 20),), "several issuers"),
        ((DATE, (33, b"\4" + b"F" * 20)), (ISSUER,), "contradict each other"),
        ((DATE,), (ISSUER, (20, bytes(8))), "outside of what it covers"),
        ((DATE,), (ISSUER, DATE), "outside of what it covers"),
    ],
)  # fmt: skip
def test_signatures_that_contradict_themselves(
    hashed: tuple[Subpacket, ...], unhashed: tuple[Subpacket, ...], sentence: str
) -> None:
    with pytest.raises(PacketError, match=sentence):
        read_signature(signature(9, 9, hashed=hashed, unhashed=unhashed), detached=True)


def test_only_version_4_is_judged() -> None:
    for version in (3, 5, 6):
        with pytest.raises(PacketError, match=f"version {version}, and only version 4 is judged"):
            read_signature(signature(9, 9, version=version), detached=True)


def test_subpackets_with_lengths_in_every_spelling() -> None:
    def with_area(hashed: bytes) -> bytes:
        return b"\4\0\x16\x08" + number(len(hashed), 2) + hashed + b"\0\0" + b"\xab\xcd" + mpi(b"\1") * 2

    date = b"\x05\x02" + number(77)
    for size in (1, 191, 192, 8383, 9000):
        lengths = [b"\xff" + number(size)]
        if size < 192:
            lengths.append(bytes([size]))
        elif size <= 8383:
            lengths.append(number(size - 192 + 0xC000, 2))
        for length in lengths:
            facts = read_signature(with_area(length + b"\x14" + bytes(size - 1) + date), detached=True)
            assert facts.created == 77, (size, length)
    for damaged in (b"\0" + date, b"\x06\x02" + number(77), b"\xff\0\0", date + b"\x05"):
        with pytest.raises(PacketError):
            read_signature(with_area(damaged), detached=True)


def test_an_integer_says_its_own_length() -> None:
    made = signature(9, 9)
    head = made[: -len(mpi(b"\x09")) * 2]
    for numbers in (b"\0\5\x09" + mpi(b"\x09"), b"\0\3\x09" + mpi(b"\x09"), b"\0\x0c\0\x09" + mpi(b"\x09")):
        with pytest.raises(PacketError, match="canonically"):
            read_signature(head + numbers, detached=True)
