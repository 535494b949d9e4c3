"""What is decided of an OpenPGP signature beside GnuPG: its packet, the key that made it, and what mends a refusal."""

from __future__ import annotations

import pytest
from signing import NOW, root, tag_text, verdict

pytest.importorskip("cryptography")

from forge import YEAR, PgpCertificate, PgpKey, armor, now

from envhooks.base.dataclass import replace
from envhooks.signatures import Refused
from envhooks.signatures.openpgp import Signed, accept, find_entry, holds, read_detached
from envhooks.signatures.payload import split
from envhooks.signatures.signers.lines import Window


def detached(raw: bytes) -> object:
    return read_detached(split(raw, 40), NOW)


@pytest.fixture(scope="module")
def made() -> PgpCertificate:
    return PgpCertificate()


@pytest.mark.parametrize("size", [0, 100, 190, 240, 300, 2000])
def test_the_two_bytes_in_the_clear_are_found_behind_an_area_of_any_size(
    made: PgpCertificate, size: int
) -> None:
    packet = made.key.signature(tag_text(), hashed=[(100, bytes(size))])
    assert detached(tag_text() + armor(packet, "SIGNATURE"))
    hashed = 12 + int.from_bytes(packet[10:12], "big")
    clear = hashed + 2 + int.from_bytes(packet[hashed : hashed + 2], "big")
    for at in (clear, clear + 1):
        changed = packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1 :]
        with pytest.raises(Refused, match="was changed"):
            detached(tag_text() + armor(changed, "SIGNATURE"))


def test_one_signature_and_nothing_else(made: PgpCertificate) -> None:
    text = tag_text()
    one = made.key.signature(text)
    said = "the signature block does not hold exactly one OpenPGP signature"
    for blob in (one + one, one + made.packets[0], made.packets[0], made.packets[1] + one):
        with pytest.raises(Refused, match=said):
            detached(text + armor(blob, "SIGNATURE"))
    with pytest.raises(Refused, match="not one over binary data"):
        detached(made.key.sign(text, kind=1))


def test_a_signature_is_as_long_as_gnupg_reads(made: PgpCertificate) -> None:
    text = tag_text()
    # R or S of a text may be a byte shorter, and stay so: EdDSA is deterministic
    short = max(len(made.key.signature(text, hashed=[(100, bytes([n]))])) for n in range(20)) - 1
    longest = 10_000 - short
    for size, is_read in ((longest - 1, True), (longest, True), (longest + 1, False)):
        packets = (made.key.signature(text, hashed=[(100, n.to_bytes(size, "big"))]) for n in range(99))
        packet = next(one for one in packets if len(one) == 10_000 - longest + size)
        if is_read:
            assert detached(text + armor(packet, "SIGNATURE"))
        else:
            with pytest.raises(Refused, match="does not hold exactly one"):
                detached(text + armor(packet, "SIGNATURE"))


def test_who_is_accepted(made: PgpCertificate) -> None:
    signers = root(made.root())
    facts = read_detached(split(made.key.sign(tag_text()), 40), NOW).facts
    key = made.key.fingerprint
    own = Signed(key, key)
    found = accept(own, facts, signers, NOW)
    assert (found.status, found.scheme, found.key, found.signer) == (
        "good",
        "openpgp",
        key,
        "alice@example.org",
    )

    def why(signed: Signed = own, **more: object) -> str:
        with pytest.raises(Refused) as caught:
            accept(signed, facts, replace(signers, **more), NOW)  # type: ignore[arg-type]
        assert caught.value.key in ("", key)
        return caught.value.why

    stranger = "B" * 40
    assert why(Signed(key, stranger)) == "the signing key is not allowed to sign releases"
    assert why(Signed(stranger, key)) == "the signing key is not in its certificate"
    for part in (Signed(key, key), Signed(stranger, key)):
        revoked = replace(signers.revoked, openpgp=frozenset((part.key,)))
        assert why(part, revoked=revoked) == "the signing key is listed in .envhooks/revoked_keys"
    (entry,) = signers.openpgp
    for window in (Window(None, int(NOW.timestamp()) - 1), Window(int(NOW.timestamp()) + 1, None)):
        assert why(openpgp=(replace(entry, window=window),)) == "the signing key is not allowed now"
    other = replace(entry, namespaces=("file",))
    assert why(openpgp=(other,)) == "the signing key is not allowed for git by its namespaces"
    assert find_entry(key, replace(signers, openpgp=(other, entry)), NOW) is entry, (
        "of several the one that allows it"
    )
    with pytest.raises(Refused, match="not allowed to sign releases"):
        find_entry(stranger, signers, NOW)


def test_a_number_is_below_the_modulus_of_its_key() -> None:
    made = PgpCertificate(PgpKey(bits=2048))
    signers = root(made.root())
    facts = read_detached(split(made.key.sign(tag_text()), 40), NOW).facts
    own = Signed(made.key.fingerprint, made.key.fingerprint)
    for number, is_good in (
        (made.key.modulus - 1, True),
        (made.key.modulus, False),
        (made.key.modulus + 1, False),
    ):
        told = replace(facts, numbers=(number,))
        if is_good:
            assert accept(own, told, signers, NOW).status == "good"
        else:
            with pytest.raises(Refused):
                accept(own, told, signers, NOW)


def test_a_key_that_is_too_weak() -> None:
    made = PgpCertificate(PgpKey(bits=1024))
    facts = read_detached(split(made.key.sign(tag_text()), 40), NOW).facts
    own = Signed(made.key.fingerprint, made.key.fingerprint)
    with pytest.raises(Refused, match="the signing key is too weak"):
        accept(own, facts, root(made.root()), NOW)


def test_a_claim_names_a_key_by_16_digits_or_more(made: PgpCertificate) -> None:
    (entry,) = root(made.root()).openpgp
    key = made.key.fingerprint
    assert [holds(entry, key[-length:]) for length in (40, 17, 16, 15, 8)] == [True, True, True, False, False]
    assert not holds(entry, "") and not holds(entry, key[:16]) and not holds(entry, "B" * 16)


EXTEND = "gpg --cert-digest-algo SHA256 --quick-set-expire {key} 1y"
EXPORT = "gpg --armor --export-options export-minimal --export {key} > .envhooks/keys/{key}.asc"


@pytest.mark.parametrize(
    ("primary", "subkey", "signs", "parts"),
    [
        (YEAR, None, "primary", ["primary"]),
        (0, YEAR, "subkey", ["subkey"]),
        (YEAR, 0, "subkey", ["primary"]),
        (YEAR, YEAR, "subkey", ["primary", "subkey"]),
        (9 * YEAR, YEAR, "subkey", ["subkey"]),
    ],
)
def test_the_parts_of_a_key_that_have_ended_are_extended(
    primary: int, subkey: int | None, signs: str, parts: list[str]
) -> None:
    made, second = PgpCertificate(expires_after=primary), PgpKey()
    made.add_subkey(PgpKey(), expires_after=YEAR)  # another that has ended is not the one that signed
    if subkey is not None:
        made.add_subkey(second, expires_after=subkey)
    by = second if signs == "subkey" else made.key
    found = verdict(by.sign(tag_text(), created=now() - 10), made.root())
    key = made.key.fingerprint
    extend = EXTEND.format(key=key)
    steps = [extend if part == "primary" else f"{extend} {second.fingerprint}" for part in parts]
    assert (found.status, found.why) == ("bad", "the signing key has expired")
    assert found.fix == " && ".join([*steps, EXPORT.format(key=key)])
    assert (found.key, found.signer, found.got) == (key, "alice@example.org", f"OpenPGP key {key}")


def test_a_window_that_has_not_begun_is_told_with_its_line(made: PgpCertificate) -> None:
    options = 'namespaces="git",valid-after="20900101Z"'
    found = verdict(made.key.sign(tag_text()), made.root(options))
    assert (found.status, found.why) == ("bad", "the signing key is not allowed now")
    assert found.expected == "a time within the window in .envhooks/allowed_signers:1"


def test_a_refusal_is_about_the_key_that_signed(made: PgpCertificate) -> None:
    ended = PgpCertificate(expires_after=YEAR)
    files = {**made.root(), **ended.root()}
    files["allowed_signers"] = made.root()["allowed_signers"] + ended.root()["allowed_signers"].replace(
        b"alice@", b"bob@"
    )
    found = verdict(ended.key.sign(tag_text(), created=now() - 10), files)
    key = ended.key.fingerprint
    assert (found.status, found.key, found.signer, found.got) == (
        "bad",
        key,
        "bob@example.org",
        f"OpenPGP key {key}",
    )
    assert found.fix == f"{EXTEND.format(key=key)} && {EXPORT.format(key=key)}"
