"""What git writes to its hooks, read by line; and everything that it never would write, refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envhooks import hooks as events
from envhooks.base.errors import CannotJudge
from envhooks.base.refs import Change, RefUpdate

A, B = "a" * 40, "0b" * 20
ZERO = "0" * 40
A256, ZERO256 = "a1" * 32, "0" * 64
Parser = Callable[[bytes], tuple[RefUpdate, ...]]

oids = st.sampled_from([A, B, "1" * 40, "f0" * 20])
values = st.one_of(oids, st.just(ZERO))
# all that git-check-ref-format lets through, undecodable bytes as surrogates included
names = st.text(
    st.characters(min_codepoint=0x21, exclude_characters="\x7f", exclude_categories=["Cs"])
    | st.sampled_from([chr(0xDC80), chr(0xDCFF)]),
    min_size=1,
    max_size=12,
).filter(lambda name: name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") == name)
refs = st.builds(str.__add__, st.sampled_from(["refs/tags/", "refs/heads/", "refs/", ""]), names)
updates = st.lists(st.builds(RefUpdate, refs, values, values), max_size=5, unique_by=lambda u: u.ref)


def encode(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def expected(found: list[RefUpdate]) -> tuple[RefUpdate, ...]:
    return tuple(
        RefUpdate(u.ref, None if u.old == ZERO else u.old, None if u.new == ZERO else u.new) for u in found
    )


@settings(max_examples=100)
@given(updates)
def test_every_line_of_a_receive_comes_back(given_updates: list[RefUpdate]) -> None:
    data = encode(*(f"{u.old} {u.new} {u.ref}" for u in given_updates))
    assert events.pre_receive(data) == expected(given_updates)
    assert events.reference_transaction(data) == expected(given_updates)


@settings(max_examples=100)
@given(updates, st.text("ab ^{}()~1\u2028\x0c\x85\r", min_size=1))
def test_every_line_of_a_push_comes_back_whatever_the_local_side_is_called(
    given_updates: list[RefUpdate], local: str
) -> None:
    data = encode(*(f"{local} {u.new} {u.ref} {u.old}" for u in given_updates))
    assert events.pre_push(data) == expected(given_updates)


@pytest.mark.parametrize("parse", [events.pre_push, events.pre_receive, events.reference_transaction])
@settings(max_examples=150)
@given(data=st.one_of(st.binary(max_size=80), st.text("a0 \nrefs/tags:", max_size=60).map(str.encode)))
def test_any_bytes_end_in_updates_or_in_a_sentence(parse: Parser, data: bytes) -> None:
    try:
        found = parse(data)
    except CannotJudge as error:
        assert "\n" not in error.message
    else:
        assert len(found) <= data.count(b"\n") + 1


@pytest.mark.parametrize("parse", [events.pre_push, events.pre_receive, events.reference_transaction])
def test_nothing_is_no_update(parse: Parser) -> None:
    assert parse(b"") == ()


def test_a_push_is_told_from_the_side_of_the_remote() -> None:
    (update,) = events.pre_push(encode(f"refs/tags/local {A} refs/tags/remote {B}"))
    assert update == RefUpdate("refs/tags/remote", old=B, new=A)
    assert update.change is Change.MOVED


def test_a_push_that_deletes() -> None:
    (update,) = events.pre_push(encode(f"(delete) {ZERO} refs/tags/v1 {A}"))
    assert update == RefUpdate("refs/tags/v1", A, None)
    assert update.change is Change.DELETED


@pytest.mark.parametrize("local", ["HEAD~1 ", "HEAD^{/fix the pin}", f"x {A} refs/tags/other {B}", " "])
def test_blanks_on_the_local_side_do_not_shift_the_fields(local: str) -> None:
    (update,) = events.pre_push(encode(f"{local} {A} refs/tags/v1 {ZERO}"))
    assert update == RefUpdate("refs/tags/v1", None, A)


def test_sha_256() -> None:
    assert events.pre_receive(encode(f"{ZERO256} {A256} refs/tags/v1")) == (
        RefUpdate("refs/tags/v1", None, A256),
    )
    assert events.pre_push(encode(f"HEAD {A256} refs/tags/v1 {ZERO256}"))[0].old is None


def test_a_last_line_without_its_line_feed_is_read_too() -> None:
    assert len(events.pre_receive(f"{ZERO} {A} refs/tags/x\n{ZERO} {A} refs/tags/y".encode())) == 2


def test_bytes_that_are_no_utf_8_are_kept() -> None:
    (update,) = events.pre_receive(f"{ZERO} {A} refs/tags/".encode() + b"\xff\xfe\n")
    assert update.ref == "refs/tags/\udcff\udcfe"


def test_symbolic_refs_are_left_out() -> None:
    data = encode(
        "ref:refs/heads/a ref:refs/heads/b HEAD", f"{ZERO} ref:refs/heads/b S", f"{A} {B} refs/heads/b"
    )
    assert events.reference_transaction(data) == (RefUpdate("refs/heads/b", A, B),)


@pytest.mark.parametrize(
    "line", [f"{ZERO} ref:refs/heads/x refs/tags/v1", f"ref:refs/tags/x {A} refs/tags/v1"]
)
def test_a_tag_that_is_a_symbolic_ref_is_not_judged_but_refused(line: str) -> None:
    with pytest.raises(CannotJudge, match="symbolic"):
        events.reference_transaction(encode(line))


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "refs/tags/v1",
        f"{A} refs/tags/v1",
        f"{ZERO} {A} ",
        f"{ZERO} {A}  refs/tags/v1",
        f"{ZERO} {A} refs/tags/v1 more",
        f"{ZERO} {A} refs/tags/v1\r",
        f"{ZERO} {A} refs/tags/v\x001",
        f"{ZERO} {A} refs/tags/v\x7f1",
        f"{ZERO[:-1]} {A} refs/tags/v1",
        f"{ZERO} {A}\x0c refs/tags/v1",
        f"{ZERO} {A.upper()} refs/tags/v1",
        f"{ZERO} {'g' * 40} refs/tags/v1",
        f"{ZERO256} {A} refs/tags/v1",
        f"{ZERO} {'١' * 40} refs/tags/v1",
    ],
)
def test_a_malformed_line_is_never_skipped(line: str) -> None:
    good = f"{ZERO} {A} refs/heads/good"
    for lines in ([line], [good, line], [line, good]):
        data = encode(*lines) if lines != [""] else b"\n"
        for parse in (events.pre_receive, events.reference_transaction):
            with pytest.raises(CannotJudge, match="cannot be read"):
                parse(data)


@pytest.mark.parametrize(
    "line",
    [
        "",
        f"{A} refs/tags/v1 {ZERO}",
        f"HEAD {A} refs/tags/v1 {ZERO} ",
        f"HEAD {A} refs/tags/v1  {ZERO}",
        f"HEAD {A} refs/tags/v1 {ZERO256}",
        f"HEAD {A[:-1]} refs/tags/v1 {ZERO}",
        f"HEAD {A}  {ZERO}",
        f"HEAD {A} refs/tags/v1 {ZERO}\r",
    ],
)
def test_a_malformed_line_of_a_push_is_never_skipped(line: str) -> None:
    with pytest.raises(CannotJudge, match="cannot be read"):
        events.pre_push(encode(f"HEAD {A} refs/heads/main {B}", line))


def test_a_pushed_name_with_a_line_feed_does_not_become_a_line() -> None:
    # receive-pack gives the hook `<old> <new> refs/heads/x` + LF + a whole line that was part of the name
    with pytest.raises(CannotJudge, match="two updates"):
        events.pre_receive(
            encode(f"{A} {B} refs/heads/main", f"{ZERO} {A} refs/heads/x\n{A} {A} refs/heads/main")
        )


@pytest.mark.parametrize("parse", [events.pre_receive, events.reference_transaction])
def test_two_updates_of_one_ref_are_refused(parse: Parser) -> None:
    with pytest.raises(CannotJudge, match="two updates"):
        parse(encode(f"{ZERO} {A} refs/tags/v1", f"{ZERO} {B} refs/tags/v1"))


def test_what_is_said_of_a_hostile_line_is_safe_to_print() -> None:
    with pytest.raises(CannotJudge) as caught:
        events.pre_receive(b"\x1b[2J\xff refs/tags/v1\n")
    assert "\x1b" not in str(caught.value) and "\\x1b[2J\\xff" in str(caught.value)
