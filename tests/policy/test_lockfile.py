"""tags.lock: every line that is written reads back, and every other one is said to be none."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.errors import PolicyError
from envhooks.policy.root import LEGACY, LockedTag, parse_lock

OID, DIGEST = "1" * 40, "2" * 64
GRAPHIC = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


@given(
    st.dictionaries(
        st.text(GRAPHIC, min_size=1, max_size=40),
        st.tuples(
            st.text("0123456789abcdef", min_size=40, max_size=40), st.text(GRAPHIC, min_size=1, max_size=20)
        ),
        max_size=5,
    )
)
@settings(max_examples=80)
def test_what_is_written_reads_back(tags: dict[str, tuple[str, str]]) -> None:
    lines = [
        LockedTag(f"refs/tags/{name}", oid, DIGEST, signer, "why" if signer == LEGACY else "")
        for name, (oid, signer) in tags.items()
    ]
    data = "".join(f"{line}\n" for line in lines).encode()
    assert parse_lock(data, "x", 40) == {line.ref: line for line in lines}


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(max_examples=200)
def test_bytes_of_any_kind_are_read_or_refused(data: bytes) -> None:
    try:
        found = parse_lock(data, "x")
    except PolicyError:
        return
    assert all(ref.startswith("refs/tags/") for ref in found)


@pytest.mark.parametrize(
    "line",
    [
        f"refs/heads/x {OID} {DIGEST} alice",
        f"x {OID} {DIGEST} alice",
        f"refs/tags/x {OID} {DIGEST}",
        f"refs/tags/x {OID.upper()[:39]}F {DIGEST} alice",
        f"refs/tags/x {OID} {DIGEST} alice\r",
        f"refs/tags/x  {OID} {DIGEST} alice",
        f"refs/tags/x {OID} {DIGEST} alice b\u00f6se",
        f"refs/tags/x\u2028y {OID} {DIGEST} alice",
        f" refs/tags/x {OID} {DIGEST} alice",
        f"refs/tags/x {OID} {DIGEST} legacy",
        f"refs/tags/x {OID} {DIGEST} legacy  ",
        f"refs/tags/x {OID} {DIGEST} a\nrefs/tags/x {OID} {DIGEST} a",
    ],
)
def test_what_is_no_line(line: str) -> None:
    with pytest.raises(PolicyError):
        parse_lock(f"{line}\n".encode(), "x")


def test_an_id_of_the_other_kind_of_repository() -> None:
    line = f"refs/tags/x {DIGEST} {DIGEST} alice\n".encode()
    assert parse_lock(line, "x", 64)
    with pytest.raises(PolicyError):
        parse_lock(line, "x", 40)


def test_a_ref_is_locked_by_its_bytes() -> None:
    """Two names that are not UTF-8 are two refs, and each is the one that git lists."""
    lines = [
        b"refs/tags/v1-%s %s %s legacy old\n" % (byte, OID.encode(), DIGEST.encode())
        for byte in (b"\xe9", b"\xe8")
    ]
    found = parse_lock(b"".join(lines), "x", 40)
    assert list(found) == [os.fsdecode(b"refs/tags/v1-\xe9"), os.fsdecode(b"refs/tags/v1-\xe8")]
    with pytest.raises(PolicyError, match="twice"):
        parse_lock(lines[0] * 2, "x", 40)
