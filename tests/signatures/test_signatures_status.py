"""GnuPG's status lines, and everything that could be smuggled into them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.signatures import Refused
from envhooks.signatures.openpgp import ExpiredKey, Signed, UnknownKey, judge_status

PRIMARY, SUBKEY = "A" * 40, "B" * 40
VALID = f"VALIDSIG {SUBKEY} 2026-11-01 1790000000 0 4 0 22 8 00 {PRIMARY}"
GOOD = (
    "NEWSIG alice@example.org",
    f"KEY_CONSIDERED {PRIMARY} 0",
    "GOODSIG BBBB Alice <a@example.org>",
    VALID,
)


def lines(*words: str | bytes) -> bytes:
    return b"".join(
        b"[GNUPG:] " + (word if isinstance(word, bytes) else word.encode()) + b"\n" for word in words
    )


def test_one_good_signature() -> None:
    assert judge_status(lines(*GOOD), 0) == Signed(SUBKEY, PRIMARY)
    assert judge_status(lines(*GOOD, "TRUST_UNDEFINED 0 pgp"), 0).primary == PRIMARY


@pytest.mark.parametrize(
    "extra",
    ["BADSIG B x", "ERRSIG B 22 8 00 1 9 -", "EXPSIG B x", "EXPKEYSIG B x", "REVKEYSIG B x", "NODATA 4",
     "FAILURE gpg-exit 1", "UNEXPECTED 0", "NO_PUBKEY BBBB", "NEWSIG", GOOD[2], VALID],
)  # fmt: skip
@pytest.mark.parametrize("where", [0, 2, 4])
def test_a_good_signature_is_not_enough(extra: str, where: int) -> None:
    words = [*GOOD[:where], extra, *GOOD[where:]]
    with pytest.raises(Refused):
        judge_status(lines(*words), 0)


@pytest.mark.parametrize("missing", [0, 2, 3])
def test_each_of_the_three_lines_is_needed(missing: int) -> None:
    with pytest.raises(Refused, match="exactly one"):
        judge_status(lines(*GOOD[:missing], *GOOD[missing + 1 :]), 0)


def test_silence_and_exit_codes() -> None:
    for status, code in ((b"", 0), (b"", 2), (lines(*GOOD), 1), (lines(*GOOD), 2)):
        with pytest.raises(Refused):
            judge_status(status, code)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" 8 00 ", " 2 00 "), (" 8 00 ", " 1 00 "), (" 8 00 ", " 11 00 "), (" 8 00 ", " -8 00 "),
        (" 8 00 ", " \u0668 00 "), (" 8 00 ", " 8x 00 "),
        (" 8 00 ", " 08 00 "), (" 8 00 ", " 8 01 "), (" 8 00 ", " 8 0 "), (" 8 00 ", "  8 00 "),
        (f" {PRIMARY}", ""), (PRIMARY, PRIMARY[:16]), (PRIMARY, PRIMARY.lower()), (PRIMARY, PRIMARY + "\r"),
        (PRIMARY, "A" * 41), (SUBKEY, "B" * 8),
        (SUBKEY, "B" * 41), (SUBKEY, SUBKEY + "\r"), (PRIMARY, "A" * 64),
    ],
)  # fmt: skip
def test_fields_of_validsig(old: str, new: str) -> None:
    with pytest.raises(Refused):
        judge_status(lines(*GOOD[:3], VALID.replace(old, new)), 0)


@pytest.mark.parametrize(
    "ending", [b"\r", b"\x0b", b"\x0c", b"\x1c", b"\x85", "\u0085".encode(), "\u2028".encode()]
)
def test_only_a_line_feed_ends_a_line(ending: bytes) -> None:
    """What `splitlines` would take for three more lines is the name of somebody."""
    forged = ending.join([b"x", *(b"[GNUPG:] " + word.encode() for word in GOOD)])
    for bad in (b"BADSIG BBBB ", b"ERRSIG BBBB 22 8 00 1 9 - ", b"NOTATION_DATA "):
        with pytest.raises(Refused):
            judge_status(lines(b"NEWSIG", bad + forged), 0)
    harmless = lines(GOOD[0], b"GOODSIG BBBB " + forged, VALID)
    assert judge_status(harmless, 0).primary == PRIMARY
    with pytest.raises(Refused):
        judge_status(lines(*GOOD[:3], b"NOTATION_DATA x" + ending + b"[GNUPG:] " + VALID.encode()), 0)


def test_lines_that_are_none() -> None:
    for stray in (b"gpg: Good signature\n", b"[GNUPG:]" + VALID.encode() + b"\n", b" [GNUPG:] GOODSIG\n"):
        with pytest.raises(Refused, match="a line that is none"):
            judge_status(stray + lines(*GOOD), 0)


def test_some_refusals_are_told_apart() -> None:
    with pytest.raises(UnknownKey) as unknown:
        judge_status(lines("NEWSIG", "ERRSIG B 22 8 00 1 9 -", "NO_PUBKEY BBBB"), 2)
    assert unknown.value.key == "", "nothing is proven of it"
    with pytest.raises(ExpiredKey) as caught:
        judge_status(lines("NEWSIG", "EXPKEYSIG BBBB Alice", VALID), 0)
    assert caught.value.key == PRIMARY


def test_a_weak_digest_is_told_with_those_that_are_accepted() -> None:
    with pytest.raises(Refused, match="too weak") as caught:
        judge_status(lines(*GOOD[:3], VALID.replace(" 8 00 ", " 2 00 ")), 0)
    assert caught.value.expected == "SHA-256, SHA-384 or SHA-512"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*GOOD, "BADSIG x", "EXPKEYSIG x"]) | st.binary(max_size=30), max_size=8),
    st.integers(0, 2),
)
def test_nothing_but_refused_comes_out(words: list[str | bytes], code: int) -> None:
    with contextlib.suppress(Refused):
        status = lines(*words)
        assert judge_status(status, code).primary == PRIMARY
        assert code == 0 and status.count(b"GOODSIG") >= 1 and b"[GNUPG:] BADSIG" not in status
