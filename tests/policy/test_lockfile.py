"""tags.lock: every line that is written reads back, and every other one is said to be none."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks.base.dataclass import replace
from envhooks.base.errors import PolicyError
from envhooks.policy.root import LEGACY, LockedTag, TrustRoot, parse_lock
from envhooks.signatures.signers import KeylessSigner

OID, DIGEST = "1a" * 20, "2f" * 32
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
        f"refs/tags/ {OID} {DIGEST} alice",
        f"refs/tags/x {OID} {DIGEST} ",
        f"refs/tags/x {OID} {DIGEST[:-1]} alice",
        f"refs/tags/x {OID} {DIGEST}0 alice",
        f"refs/tags/x {OID[:-1]} {DIGEST} alice",
        f"x# refs/tags/x {OID} {DIGEST} alice",
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


def test_each_part_of_a_line_and_what_is_none() -> None:
    data = (
        f"# Published tags\n\n \t\nrefs/tags/a {OID} {DIGEST} alice\n#refs/tags/b {OID} {DIGEST} bob\n"
        f"refs/tags/c {OID} {DIGEST} legacy  older than the policy # \n"
    )
    signed, admitted = parse_lock(data.encode(), "x", 40).values()
    assert (signed.ref, signed.oid, signed.sha256, signed.signer) == ("refs/tags/a", OID, DIGEST, "alice")
    assert not signed.is_legacy and not signed.reason
    assert admitted.is_legacy and (admitted.ref, admitted.reason) == (
        "refs/tags/c",
        "older than the policy #",
    )
    assert str(signed) == f"refs/tags/a {OID} {DIGEST} alice"
    assert str(admitted) == f"refs/tags/c {OID} {DIGEST} legacy older than the policy #"


@pytest.mark.parametrize(
    ("line", "said", "fix"),
    [
        ("rubbish", "not a line of tags.lock", "git log -p -- .envhooks/tags.lock"),
        (f"refs/tags/x {OID} {DIGEST} legacy", "without a reason", ""),
        (f"refs/tags/a {OID} {DIGEST} bob", "stands twice", "remove one of the lines"),
    ],
)
def test_where_a_fault_stands(line: str, said: str, fix: str) -> None:
    data = f"# one\nrefs/tags/a {OID} {DIGEST} alice\n{line}\n"
    with pytest.raises(PolicyError, match=said) as caught:
        parse_lock(data.encode(), ".envhooks/tags.lock on origin/main", 40)
    assert caught.value.place == ".envhooks/tags.lock:3 on origin/main"
    assert caught.value.fix == fix


@pytest.mark.parametrize(
    ("text", "names_some"),
    [
        ("", False), ("\n \t\n", False), ("# alice\n  # bob\n", False), ("alice ssh-ed25519 A", True),
        ("# nobody\n\n  alice ssh-ed25519 A # x", True),
    ],
)  # fmt: skip
def test_a_policy_names_somebody_or_nobody(text: str, names_some: bool) -> None:
    empty = TrustRoot.default("main")
    assert not empty.has_signers and (empty.where, empty.tree) == ("main", "")
    files = {"allowed_signers": text.encode(), "revoked_keys": b"x"}
    assert replace(empty, signer_files=files).has_signers is names_some
    keyless = replace(empty.policy, keyless=(KeylessSigner("a@b.c", "https://i.example"),))
    assert replace(empty, policy=keyless).has_signers


def test_an_id_of_the_other_kind_of_repository() -> None:
    line = f"refs/tags/x {DIGEST} {DIGEST} alice\n".encode()
    assert parse_lock(line, "x", 64) == parse_lock(line, "x")
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
