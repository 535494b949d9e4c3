"""SSH keys, certificates and signatures field by field, each limit from both sides."""

from __future__ import annotations

import pytest

pytest.importorskip("cryptography")

from forge import ED25519_ORDER, number, sshsig

from envhooks.signatures.sshwire import (
    SK_ECDSA,
    SK_ED25519,
    SshError,
    Wire,
    fingerprint,
    is_signature,
    pack,
    read_certificate,
    read_key,
    read_signature,
)

ED = pack(b"ssh-ed25519") + pack(b"\1" * 32)
CA = pack(b"ssh-ed25519") + pack(b"\2" * 32)
GOOD = pack(b"ssh-ed25519") + pack(bytes(64))
CURVES = {b"ecdsa-sha2-nistp256": (b"nistp256", 65), b"ecdsa-sha2-nistp384": (b"nistp384", 97),
          b"ecdsa-sha2-nistp521": (b"nistp521", 133)}  # fmt: skip


def mpint(value: int) -> bytes:
    return pack(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def rsa(bits: int, exponent: int = 65537, low: int = 1) -> bytes:
    return pack(b"ssh-rsa") + mpint(exponent) + mpint((1 << (bits - 1)) + low)


def refused(blob: bytes, said: str) -> None:
    with pytest.raises(SshError, match=said):
        read_key(blob)


# ----------------------------------------------------------------------------------------- keys


def test_rsa_keys() -> None:
    assert (read_key(rsa(2048)).type, read_key(rsa(2048)).bits) == ("ssh-rsa", 2048)
    refused(rsa(2047), "an RSA key of 2047 bits is too weak: 2048 are needed")
    assert read_key(rsa(1024), weak_too=True).bits == 1024
    assert read_key(rsa(2048, 3)).bits == 2048
    for odd in (rsa(2048, 1), rsa(2048, 4), rsa(2048, 2), rsa(2048, low=2)):
        refused(odd, "numbers that no RSA key can have")
    for spelled in (pack(b"\0\0\3"), pack(b"\x83"), pack(b""), pack(b"\0")):
        refused(pack(b"ssh-rsa") + spelled + mpint(1 << 2048 | 1), "integer that is not written canonically")


def test_keys_of_curves() -> None:
    for type_, (curve, size) in CURVES.items():
        good = pack(type_) + pack(curve) + pack(b"\4" + bytes(size - 1))
        assert (read_key(good).type, read_key(good).bits) == (type_.decode(), 0)
        for point in (b"\2" + bytes(size - 1), b"\4" + bytes(size - 2), b"\4" + bytes(size)):
            refused(pack(type_) + pack(curve) + pack(point), "does not hold a point of its curve")
        refused(pack(type_) + pack(b"nistp192") + pack(b"\4" + bytes(size - 1)), "a point of its curve")
        refused(good + b"\0", "bytes behind its end")
    for size in (31, 33):
        refused(pack(b"ssh-ed25519") + pack(bytes(size)), "not 32 bytes long")
    assert read_key(ED).fingerprint == fingerprint(ED) and len(fingerprint(ED)) == 50


def test_fido_keys_have_an_application() -> None:
    ed = pack(SK_ED25519.encode()) + pack(bytes(32))
    ec = pack(SK_ECDSA.encode()) + pack(b"nistp256") + pack(b"\4" + bytes(64))
    for fields in (ed, ec):
        assert read_key(fields + pack(b"ssh:")).bits == 0
        refused(fields, "ends before")
        refused(fields + pack(b"ssh:\n"), "cannot be printed")
        refused(fields + pack("é".encode()), "cannot be printed")
        refused(fields + pack(b"ssh:") + b"x", "bytes behind its end")


@pytest.mark.parametrize("type_", [b"ssh-dss", b"ssh-ed448", b"ssh-ed25519-cert-v01@openssh.com", b""])
def test_other_keys_are_not_accepted(type_: bytes) -> None:
    refused(pack(type_) + pack(bytes(32)), f"of type {type_.decode()} are not accepted")


def test_the_wire_is_read_within_its_bounds() -> None:
    wire = Wire(pack(b"ab") + number(7, 2) + b"\0\0\0\5x")
    assert (wire.string(), wire.number(2)) == (b"ab", 7)
    for read in (wire.string, lambda: wire.take(6), lambda: wire.number(8)):
        with pytest.raises(SshError, match="ends before"):
            read()
    assert wire.take(5) == b"\0\0\0\5x" and wire.take(0) == b""
    wire.end()
    with pytest.raises(SshError, match="ends before"):
        Wire(b"\0\0\0").string()


# --------------------------------------------------------------------------------- certificates


def certificate(
    *,
    principals: tuple[bytes, ...] = (b"alice",),
    kind: int = 1,
    critical: bytes = b"",
    ca: bytes = CA,
    by: bytes = GOOD,
    type_: bytes = b"ssh-ed25519-cert-v01@openssh.com",
    key: bytes = pack(b"\1" * 32),
    tail: bytes = b"",
) -> bytes:
    names = pack(b"".join(map(pack, principals)))
    window = number(5, 8) + number((1 << 64) - 1, 8)
    rest = pack(critical) + pack(b"") + pack(b"") + pack(ca) + pack(by)
    return (
        pack(type_)
        + pack(b"nonce")
        + key
        + number(9, 8)
        + number(kind)
        + pack(b"id")
        + names
        + window
        + rest
        + tail
    )


def test_the_fields_of_a_certificate() -> None:
    found = read_certificate(certificate(principals=(b"alice", b"bob@x"), kind=2))
    assert (found.key.type, found.key.blob, found.ca, found.kind) == ("ssh-ed25519", ED, CA, 2)
    assert (found.key_id, found.principals, found.has_critical_options) == ("id", ("alice", "bob@x"), False)
    assert (found.valid_after, found.valid_before) == (5, (1 << 64) - 1)
    assert read_certificate(certificate(critical=b"x")).has_critical_options
    assert read_certificate(certificate(principals=())).principals == ()
    sk = certificate(type_=b"sk-ssh-ed25519-cert-v01@openssh.com", key=pack(b"\1" * 32) + pack(b"ssh:"))
    assert read_certificate(sk).key.type == SK_ED25519
    assert read_certificate(sk).key.blob == pack(SK_ED25519.encode()) + pack(b"\1" * 32) + pack(b"ssh:")


def test_principals_within_the_limits_of_openssh() -> None:
    assert len(read_certificate(certificate(principals=(b"a",) * 256)).principals) == 256
    assert read_certificate(certificate(principals=(b"a" * 256,))).principals == ("a" * 256,)
    for principals in ((b"a",) * 257, (b"a" * 257,), (b"b", b"a" * 257)):
        with pytest.raises(SshError, match="too many principals, or too long ones"):
            read_certificate(certificate(principals=principals))


@pytest.mark.parametrize(
    ("blob", "said"),
    [
        (ED, "this is no SSH certificate"),
        (certificate(tail=b"x"), "bytes behind its end"),
        (certificate()[:-1], "ends before"),
        (certificate(ca=certificate()), "are not accepted"),
        (certificate(ca=rsa(1024)), "too weak"),
        (certificate(by=pack(b"ssh-ed25519") + pack(bytes(63))), "not 64 bytes long"),
        (certificate(by=pack(b"ssh-rsa") + pack(bytes(64))), "does not go with its key"),
        (certificate(ca=rsa(2048), by=pack(b"ssh-rsa") + pack(bytes(256))), "does not go with its key"),
        (certificate(principals=(b"a\n",)), "cannot be printed"),
        (certificate(type_=b"ssh-dss-cert-v01@openssh.com"), "are not accepted"),
    ],
)
def test_certificates_that_are_not_accepted(blob: bytes, said: str) -> None:
    with pytest.raises(SshError, match=said):
        read_certificate(blob)


def test_a_fido_ca_was_touched_when_it_certified() -> None:
    ca = pack(SK_ED25519.encode()) + pack(b"\2" * 32) + pack(b"ssh:")
    for flags, is_good in ((1, True), (5, True), (0, False), (4, False)):
        by = pack(SK_ED25519.encode()) + pack(bytes(64)) + bytes([flags]) + number(7)
        if is_good:
            assert read_certificate(certificate(ca=ca, by=by)).ca == ca
            continue
        with pytest.raises(SshError, match="was not touched when it signed"):
            read_certificate(certificate(ca=ca, by=by))


# ----------------------------------------------------------------------------------- signatures


def test_the_fields_of_a_signature() -> None:
    found = read_signature(sshsig(ED, GOOD, digest=b"sha256"))
    assert (found.key.blob, found.certificate, found.digest) == (ED, None, "sha256")
    assert (found.type, found.signature, found.trailer, found.is_touched) == (
        "ssh-ed25519",
        bytes(64),
        b"",
        True,
    )
    own = certificate()
    assert read_signature(sshsig(own, GOOD)).certificate == read_certificate(own)
    assert read_signature(sshsig(ED, GOOD, namespace=b"file"), b"file").digest == "sha512"
    for type_ in (b"rsa-sha2-256", b"rsa-sha2-512"):
        assert read_signature(sshsig(rsa(2048), pack(type_) + pack(b"\xff" * 256))).type == type_.decode()
    assert is_signature(sshsig(ED, GOOD)) and not is_signature(b"x" + sshsig(ED, GOOD))
    for other in (sshsig(ED, GOOD, version=2), b"x" + sshsig(ED, GOOD), sshsig(ED, GOOD)[1:], b""):
        with pytest.raises(SshError, match="another form than version 1"):
            read_signature(other)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (pack(b"ssh-ed25519") + pack(bytes(63)), "not 64 bytes long"),
        (pack(b"ssh-ed25519") + pack(bytes(65)), "not 64 bytes long"),
        (GOOD + b"\0", "bytes behind its end"),
        (pack(b"rsa-sha2-512") + pack(bytes(64)), "does not go with its key"),
        (pack(b"ssh-ed25519") + pack(bytes(32) + ED25519_ORDER.to_bytes(32, "little")), "otherwise than by"),
        (pack(b"ssh-ed25519") + pack(bytes(32) + b"\xff" * 32), "otherwise than by"),
    ],
)
def test_signatures_of_ed25519_that_are_not_accepted(raw: bytes, said: str) -> None:
    with pytest.raises(SshError, match=said):
        read_signature(sshsig(ED, raw))
    low = bytes(32) + (ED25519_ORDER - 1).to_bytes(32, "little")
    assert read_signature(sshsig(ED, pack(b"ssh-ed25519") + pack(low))).signature == low


def test_signatures_of_ecdsa_are_two_numbers() -> None:
    curve, size = CURVES[b"ecdsa-sha2-nistp256"]
    key, type_ = (
        pack(b"ecdsa-sha2-nistp256") + pack(curve) + pack(b"\4" + bytes(size - 1)),
        pack(b"ecdsa-sha2-nistp256"),
    )
    assert read_signature(sshsig(key, type_ + pack(mpint(5) + mpint(6)))).key.blob == key
    for numbers in (
        mpint(5),
        mpint(5) * 3,
        mpint(5) + pack(b"\0\0\6"),
        mpint(5) + pack(b"\x80"),
        mpint(5) + pack(b""),
    ):
        with pytest.raises(SshError):
            read_signature(sshsig(key, type_ + pack(numbers)))


def test_signatures_of_fido_keys_say_whether_they_were_touched() -> None:
    key = pack(SK_ED25519.encode()) + pack(bytes(32)) + pack(b"ssh:")
    raw = pack(SK_ED25519.encode()) + pack(bytes(64))
    for flags, is_touched in ((0, False), (1, True), (4, False), (5, True)):
        found = read_signature(sshsig(key, raw + bytes([flags]) + number(7)))
        assert (found.is_touched, found.trailer) == (is_touched, bytes([flags]) + number(7))
    for trailer in (b"", b"\1\0\0\0", b"\1" + bytes(5)):
        with pytest.raises(SshError):
            read_signature(sshsig(key, raw + trailer))
    with pytest.raises(SshError, match="not 64 bytes long"):
        read_signature(sshsig(key, pack(SK_ED25519.encode()) + pack(bytes(63)) + b"\1" + number(7)))
    late = raw[:-32] + ED25519_ORDER.to_bytes(32, "little") + b"\1" + number(7)
    with pytest.raises(SshError, match="otherwise than by"):
        read_signature(sshsig(key, late))
