"""Raw tag objects, taken apart."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import NAME, TARGET, tag_text

from envhooks.signatures.payload import SIZE_LIMIT, PayloadError, split

BLOCK = b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"
SSH = b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"
X509 = b"-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n"
HEAD = tag_text("").removesuffix(b"\n").split(b"\n")[:4]


def header(*lines: bytes) -> bytes:
    return b"\n".join(lines) + b"\n\nmessage\n"


def test_an_unsigned_tag() -> None:
    payload = split(tag_text("Subject\n\nBody\n"), 40)
    assert (payload.oid_target, payload.target_type, payload.name) == (TARGET, "commit", NAME)
    assert (payload.tagger, payload.date) == ("Alice <alice@example.org>", 1790000000)
    assert (payload.message, payload.armor, payload.fault) == ("Subject\n\nBody\n", None, "")
    annotation = payload.annotation()
    assert (annotation.name, annotation.target, annotation.signed) == (NAME, TARGET, False)
    assert (annotation.message, annotation.tagger, annotation.date) == (
        payload.message,
        payload.tagger,
        payload.date,
    )


@pytest.mark.parametrize("message", ["", "\n", "x", "x\n", "\n\n-----BEGIN\n"])
@pytest.mark.parametrize(("block", "scheme"), [(BLOCK, "openpgp"), (SSH, "ssh"), (X509, "x509")])
def test_a_signed_tag(message: str, block: bytes, scheme: str) -> None:
    text = tag_text(message)
    if not text.endswith(b"\n"):
        text += b"\n"
    payload = split(text + block, 40)
    assert payload.fault == "" and payload.armor is not None
    assert payload.armor.scheme == scheme and payload.armor.lines[-1] == b"AAAA"
    assert payload.signed == text and payload.annotation().signed
    assert payload.message.encode() == text.partition(b"\n\n")[2]


def test_a_sha256_repository_has_longer_ids() -> None:
    assert split(tag_text(target="ab" * 32), 64).oid_target == "ab" * 32
    for target, length in (("ab" * 32, 40), ("ab" * 20, 64)):
        with pytest.raises(PayloadError, match=f"{length} digits"):
            split(tag_text(target=target), length)


def test_bytes_that_are_not_utf8_are_kept() -> None:
    payload = split(tag_text(b"caf\xe9\n"), 40)
    assert payload.message == "caf\udce9\n" and payload.fault == ""
    assert split(header(HEAD[0], HEAD[1], b"tag caf\xe9", HEAD[3]), 40).name == "caf\udce9"


@pytest.mark.parametrize("tagger", ["Al <>", "A B <a b@c>", "Ünï <ü@example.org>", "a.b <x> 1"[:7]])
def test_taggers_that_git_writes(tagger: str) -> None:
    line = f"tagger {tagger} 1 -0330".encode()
    assert split(header(*HEAD[:3], line), 40).tagger == tagger


@pytest.mark.parametrize("kind", ["commit", "tree", "blob", "tag"])
def test_types_that_git_knows(kind: str) -> None:
    assert split(tag_text(kind=kind), 40).target_type == kind


def test_the_largest_object_and_the_latest_date_that_are_read() -> None:
    text = tag_text("a" * (SIZE_LIMIT - len(tag_text(""))))
    assert len(text) == SIZE_LIMIT and len(split(text, 40).signed) == SIZE_LIMIT
    line = b"tagger A <a> " + b"9" * 12 + b" +0000"
    assert split(header(*HEAD[:3], line), 40).date == 999_999_999_999


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "no blank line"),
        (b"\n\n", "no object line"),
        (b"\n".join(HEAD) + b"\n", "no blank line"),
        (tag_text("a\0b"), "NUL"),
        (tag_text("a" * SIZE_LIMIT), "bytes long"),
        (tag_text("a" * (SIZE_LIMIT - len(tag_text("")) + 1)), f"{SIZE_LIMIT + 1} bytes long"),
        (header(*HEAD[:3]), "no tagger line, as in tags that Git before 0.99.9 made: make it again"),
        (header(*HEAD, HEAD[2]), "more than one tag line"),
        (header(*HEAD, b"gpgsig AAAA"), "gpgsig"),
        (header(*HEAD, b"gpgsig-sha256 AAAA"), "gpgsig"),
        (header(HEAD[0], b"gpgsig x", *HEAD[1:]), "gpgsig"),
        (header(*HEAD, b"encoding latin1"), "does not write"),
        (header(*HEAD, b" continued"), "does not write"),
        (header(*HEAD, b"mergetag object"), "does not write"),
        (header(HEAD[1], HEAD[0], *HEAD[2:]), "order"),
        (header(HEAD[0], HEAD[1], HEAD[3]), "no tag line"),
        (header(b"object " + TARGET.upper().encode(), *HEAD[1:]), "40 digits"),
        (header(b"object " + b"0" * 39, *HEAD[1:]), "40 digits"),
        (header(HEAD[0] + b" ", *HEAD[1:]), "40 digits"),
        (header(HEAD[0] + b"\r", *HEAD[1:]), "40 digits"),
        (header(HEAD[0], b"type Commit", *HEAD[2:]), "type line"),
        (header(HEAD[0], b"type commit\r", *HEAD[2:]), "type line"),
        (header(HEAD[0], b"type commits", *HEAD[2:]), "type line"),
        (header(HEAD[0], HEAD[1], b"tag a b", HEAD[3]), "name line"),
        (header(HEAD[0], HEAD[1], b"tag ", HEAD[3]), "name line"),
        (header(HEAD[0], HEAD[1], b"tag a\x7f", HEAD[3]), "name line"),
        (header(HEAD[0], HEAD[1], b"tag a\rb", HEAD[3]), "name line"),
        (header(*HEAD[:3], b"tagger Alice 1 +0000"), "tagger line"),
        (header(*HEAD[:3], b"tagger Alice <a> 1"), "tagger line"),
        (header(*HEAD[:3], b"tagger Alice <a> -1 +0000"), "tagger line"),
        (header(*HEAD[:3], b"tagger Alice <a> 1 +00000"), "tagger line"),
        (header(*HEAD[:3], "tagger Alice <a> \u0661 +0000".encode()), "tagger line"),
        (header(*HEAD[:3], b"tagger <a> 1 +0000"), "tagger line"),
        (header(*HEAD[:3], b"tagger A <b> <c> 1 +0000"), "tagger line"),
        (header(*HEAD[:3], b"tagger  <a> 1 +0000"), "tagger line"),
        (header(*HEAD[:3], b"tagger A\x1bB <a> 1 +0000"), "tagger line"),
        (header(*HEAD[:3], b"tagger A <a\x1bb> 1 +0000"), "tagger line"),
        (header(*HEAD[:3], b"tagger A <a> " + b"9" * 13 + b" +0000"), "tagger line"),
    ],
)
def test_what_git_would_not_write(raw: bytes, sentence: str) -> None:
    with pytest.raises(PayloadError, match=sentence) as caught:
        split(raw, 40)
    assert caught.value.message == str(caught.value) and not caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (BLOCK + BLOCK, "2 signature blocks"),
        (SSH + b"more\n" + BLOCK, "2 signature blocks"),
        (BLOCK + b"more\n", "end with one whole"),
        (BLOCK + b"\n", "end with one whole"),
        (BLOCK + b"x", "end with one whole"),
        (b"-----BEGIN PGP MESSAGE----- \n", "in place of"),
        (BLOCK[:-1], "end with one whole"),
        (BLOCK[:-2], "end with one whole"),
        (BLOCK.replace(b"\n", b"\r\n"), "end with one whole"),
        (BLOCK.replace(b"END PGP", b"END SSH"), "end with one whole"),
        (b"-----BEGIN PGP SIGNATURE----- \n\nAAAA\n-----END PGP SIGNATURE-----\n", "end with one whole"),
        (b"-----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n", "end with one whole"),
        (BLOCK.replace(b"AAAA", b"-----END PGP SIGNATURE-----"), "end with one whole"),
        (b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n", "in place of"),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n", "in place of"),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n" + BLOCK, "2 signature blocks"),
        (b"a\rb\n" + BLOCK, "control characters"),
        (b"a\x1b[2Jb\n" + BLOCK, "control characters"),
        (b"a\x7fb\n" + BLOCK, "control characters"),
        (b"caf\xe9\n" + BLOCK, "not UTF-8"),
        (b"\xed\xa0\x80\n" + BLOCK, "not UTF-8"),
    ],
)
def test_signature_blocks_that_deceive(body: bytes, sentence: str) -> None:
    payload = split(tag_text(body), 40)
    assert sentence in payload.fault and payload.armor is None and payload.annotation().signed


@pytest.mark.parametrize("line", [b" -----BEGIN PGP SIGNATURE-----", b"> -----BEGIN SSH SIGNATURE-----"])
def test_a_quoted_block_is_text(line: bytes) -> None:
    payload = split(tag_text(line + b"\n" + BLOCK), 40)
    assert payload.fault == "" and payload.message == line.decode() + "\n"
    assert not split(tag_text(line + b"\n"), 40).annotation().signed


@pytest.mark.parametrize("what", ["CERTIFICATE", "PGP PUBLIC KEY BLOCK", "RSA PRIVATE KEY"])
def test_armor_of_another_kind_is_text(what: str) -> None:
    """Git takes none of them for a signature, so they are signed with the rest."""
    text = f"-----BEGIN {what}-----\nAAAA\n-----END {what}-----\n"
    alone, signed = split(tag_text(text), 40), split(tag_text(text) + BLOCK, 40)
    assert alone.fault == signed.fault == "" and alone.message == signed.message == text
    assert not alone.annotation().signed and signed.armor is not None


PIECES = st.sampled_from(
    [
        *HEAD,
        BLOCK,
        SSH,
        b"\n",
        b"\n\n",
        b"\r",
        b"\0",
        b"\xff",
        b"gpgsig",
        b"-----",
        b"-----BEGIN PGP MESSAGE-----",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=20), max_size=12).map(b"".join), st.sampled_from([40, 64]))
def test_nothing_but_a_payload_error_comes_out(raw: bytes, length: int) -> None:
    for data in (raw, tag_text(raw)):
        with contextlib.suppress(PayloadError):
            payload = split(data, length)
            assert data.startswith(payload.signed)
            if payload.armor is None and not payload.fault:
                assert payload.signed == data and b"\n-----BEGIN PGP SIGNATURE-----" not in data


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60).filter(lambda text: b"\0" not in text))
def test_the_signed_part_and_the_block_make_up_the_whole(text: bytes) -> None:
    raw = tag_text(text + b"\n") + SSH
    payload = split(raw, 40)
    if payload.armor is not None:
        assert payload.signed + SSH == raw
    else:
        assert payload.fault
