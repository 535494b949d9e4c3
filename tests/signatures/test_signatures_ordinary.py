"""Certificates and signatures with something odd in them: what the fast path calls good, GnuPG calls good."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from signing import NOW, Workshop, pgp_files, root, tag_text

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

from forge import YEAR, PgpKey, Subpacket, armor, mpi, now, number, packet

from envhooks.signatures import Verdict
from envhooks.signatures.fast import Fast
from envhooks.signatures.packets import CRITICAL
from envhooks.signatures.payload import split
from envhooks.signatures.verify import verify_all

pytest_plugins = ("signing_fixture",)

STRANGER = PgpKey()
USERS = (b"Alice <alice@example.org>", b"Alice <alice@example.com>")
NOTATION = number(0x80000000) + number(3, 2) + number(1, 2) + b"a@bz"


@dataclass
class Made:
    """One signature of a sketch."""

    kind: int
    created: int
    flags: list[Subpacket] = field(default_factory=list)
    more: list[Subpacket] = field(default_factory=list)
    uncovered: list[Subpacket] = field(default_factory=list)
    digest: int = 8
    issuer: str = "usual"
    by_stranger: bool = False

    def over(self, data: bytes, key: PgpKey) -> bytes:
        named = STRANGER if self.issuer == "stranger" else key
        full = (33, b"\x04" + bytes.fromhex(named.fingerprint))
        short = (16, full[1][-8:])
        hashed, unhashed = {
            "usual": ([full], [short]),
            "stranger": ([full], [short]),
            "fingerprint": ([full], []),
            "id": ([], [short]),
            "covered id": ([short], []),
            "outside": ([], [full]),
            "none": ([], []),
        }[self.issuer]
        return (STRANGER if self.by_stranger else key).signature(
            data,
            self.kind,
            digest=self.digest,
            plain=True,
            hashed=[(2, number(self.created)), *hashed, *self.flags, *self.more],
            unhashed=[*unhashed, *self.uncovered],
        )


class Sketch:
    """A key with a subkey, as a program would make them, and a tag that one of the two signed."""

    def __init__(self, signer: str) -> None:
        self.primary, self.subkey = PgpKey(), PgpKey()
        born = self.primary.created
        self.signer = self.primary if signer == "primary" else self.subkey
        self.own = [Made(0x13, born + 1, [(27, b"\x03")])]
        self.others = list(self.own)
        """Those on a second user id; the same ones, unless something is odd about them."""
        self.binding = [Made(0x18, born + 1, [(27, b"\x02")])]
        self.back = [Made(0x19, born + 1)]
        self.back_is_covered = True
        self.tag = Made(0, born + YEAR)
        self.users = 1
        self.without = ""
        self.order: Callable[[list[bytes]], object] = lambda packets: None

    def signature(self, name: str) -> Made:
        found = getattr(self, name)
        return found if isinstance(found, Made) else found[0]

    def built(self) -> tuple[bytes, dict[str, bytes]]:
        """The tag, and the policy that allows the key."""
        packets = [packet(6, self.primary.body)]
        own, binding, back = (
            [] if self.without == name else getattr(self, name) for name in ("own", "binding", "back")
        )
        for user, signatures in zip(USERS[: self.users], (own, self.others), strict=False):
            data = self.primary.hashed_form + b"\xb4" + number(len(user)) + user
            packets += [packet(13, user), *(made.over(data, self.primary) for made in signatures)]
        both = self.primary.hashed_form + self.subkey.hashed_form
        backs: list[Subpacket] = [(32, made.over(both, self.subkey)[6:]) for made in back]
        packets.append(packet(14, self.subkey.body))
        for made in binding:
            usual = made.more, made.uncovered
            where = "more" if self.back_is_covered else "uncovered"
            setattr(made, where, [*getattr(made, where), *backs])
            packets.append(made.over(both, self.primary))
            made.more, made.uncovered = usual
        self.order(packets)
        fingerprint = self.primary.fingerprint
        line = f'alice@example.org namespaces="git" openpgp {fingerprint}\n'
        files = {
            "allowed_signers": line.encode(),
            f"keys/{fingerprint}.asc": armor(b"".join(packets), "PUBLIC KEY BLOCK"),
        }
        text = tag_text()
        return text + armor(self.tag.over(text, self.signer), "SIGNATURE"), files


Odd = Callable[[Sketch], object]
ODD: dict[str, Odd] = {}


def odd(name: str) -> Callable[[Odd], Odd]:
    def register(make: Odd) -> Odd:
        ODD[name] = make
        return make

    return register


# -------------------------------------------------------------------------- of each of the four signatures

FIELDS: dict[str, object] = {
    "issuer": ("stranger", "fingerprint", "id", "covered id", "outside", "none"),
    "digest": (2, 10, 11, 12),
    "created": (0, PgpKey().created - 99, now() - 60, now() + 3 * 86400),
    "kind": (0x00, 0x01, 0x10, 0x13, 0x18, 0x19, 0x1F, 0x20, 0x28, 0x30, 0x40),
    "by_stranger": (True,),
    "flags": ([], [(27, b"")], [(27, b"\x00")], [(27, b"\x01")], [(27, b"\x02")], [(27, b"\x03\x00")], [(27, b"\x0c")],
              [(27, b"\x03"), (27, b"\x01")], [(27, b"\x01"), (27, b"\x03")], [(CRITICAL | 27, b"\x03")]),
    "more": ([(3, number(86400))], [(3, number(9 * YEAR))], [(3, number(0))],
             [(9, number(0))], [(9, number(YEAR // 2))], [(9, number(2 * YEAR))], [(9, number(9 * YEAR))],
             [(9, number(YEAR)), (9, number(9 * YEAR))], [(9, number(9 * YEAR)), (9, number(YEAR))],
             [(2, number(now() - 99))], [(4, b"\x00")], [(7, b"\x00")], [(12, b"\x80\x16" + b"x" * 20)],
             [(11, b"\x09\x08")], [(20, NOTATION)], [(25, b"\x01")], [(26, b"https://example.org")],
             [(28, b"alice@example.org")], [(30, b"\x01")],
             [(CRITICAL | 20, NOTATION)], [(CRITICAL | 26, b"x")], [(CRITICAL | 28, b"alice@example.org")],
             [(29, b"\x01")], [(31, b"\x16\x08" + b"x" * 32)], [(32, b"\x04\x00")], [(35, b"\x04" + b"x" * 20)],
             [(100, b"x")], [(CRITICAL | 100, b"x")], [(20, b"x" * 9900)], [(20, b"x" * 10100)]),
    "uncovered": ([(27, b"\x01")], [(9, number(YEAR))], [(20, NOTATION)], [(3, number(86400))], [(2, number(now()))],
                  [(32, b"\x04\x00")], [(CRITICAL | 100, b"x")]),
}  # fmt: skip


def _with_field(signature: str, name: str, value: object) -> Odd:
    return lambda sketch: setattr(sketch.signature(signature), name, value)


for _signature in ("own", "binding", "back", "tag"):
    for _name, _values in FIELDS.items():
        assert isinstance(_values, tuple)
        for _at, _value in enumerate(_values):
            ODD[f"{_signature}, {_name} {_at}"] = _with_field(_signature, _name, _value)


# ------------------------------------------------------------------------------------ of the certificate


def _of(made: Made, **changed: object) -> Made:
    return Made(**{**vars(made), **changed})


for _place in ("own", "binding", "back"):
    for _when in (50, 2 * YEAR):
        for _at, _flags in enumerate(([], [(27, b"\x01")], [(27, b"\x03")], [(27, b"\x02")])):

            def _second(s: Sketch, place: str = _place, when: int = _when, flags: object = _flags) -> None:
                found = getattr(s, place)
                found.append(_of(found[0], created=s.primary.created + when, flags=flags))

            ODD[f"a second {_place} {_at}, {_when} later"] = _second

    def _none(sketch: Sketch, place: str = _place) -> None:
        sketch.without = place

    def _by_another(sketch: Sketch, place: str = _place) -> None:
        found = getattr(sketch, place)
        found.append(_of(found[0], by_stranger=True, issuer="stranger"))

    def _broken(sketch: Sketch, place: str = _place) -> None:
        found = getattr(sketch, place)
        found.append(_of(found[0], by_stranger=True))

    ODD[f"no {_place}"], ODD[f"a stranger's {_place}"], ODD[f"a broken {_place}"] = (
        _none,
        _by_another,
        _broken,
    )


@odd("consent outside of what is covered")
def _(s: Sketch) -> None:
    s.back_is_covered = False


@odd("a second user id")
def _(s: Sketch) -> None:
    s.users = 2


for _at, _changed in enumerate(
    ({"flags": [(27, b"\x01")]}, {"flags": []}, {"more": [(9, number(9 * YEAR))]}, {"more": [(9, number(YEAR))]},
     {"by_stranger": True}, {"by_stranger": True, "issuer": "stranger"},
     {"more": [(25, b"\x01")], "flags": [(27, b"\x01")]})
):  # fmt: skip

    def _differs(s: Sketch, changed: dict[str, object] = _changed) -> None:  # type: ignore[assignment]
        s.users, s.others = 2, [_of(s.own[0], **changed)]

    ODD[f"a second user id that differs {_at}"] = _differs


def _moved(old: int, new: int) -> Odd:
    def move(s: Sketch) -> None:
        s.order = lambda packets: packets.insert(new, packets.pop(old))

    return move


for _old in range(1, 5):
    for _new in range(1, 5):
        if _old != _new:
            ODD[f"packet {_old} at {_new}"] = _moved(_old, _new)


def _added(at: int, make: Callable[[Sketch], bytes]) -> Odd:
    def add(s: Sketch) -> None:
        s.order = lambda packets: packets.insert(at, make(s))

    return add


def _on_the_key(kind: int, flags: bytes) -> Callable[[Sketch], bytes]:
    made = Made(kind, now() - YEAR, [(27, flags)] if flags else [(29, b"\x01")])
    return lambda s: made.over(s.primary.hashed_form, s.primary)


def _on_the_subkey(s: Sketch) -> bytes:
    made = Made(0x28, now() - YEAR, [(29, b"\x01")])
    return made.over(s.primary.hashed_form + s.subkey.hashed_form, s.primary)


ODD["direct signature"] = _added(1, _on_the_key(0x1F, b"\x03"))
ODD["direct signature of less"] = _added(1, _on_the_key(0x1F, b"\x01"))
ODD["revoked"] = _added(1, _on_the_key(0x20, b""))
ODD["revoked behind"] = _added(3, _on_the_key(0x20, b""))
ODD["subkey revoked"] = _added(5, _on_the_subkey)
ODD["user id again"] = _added(1, lambda s: packet(13, USERS[0]))
ODD["user id without a signature"] = _added(1, lambda s: packet(13, USERS[1]))
ODD["long user id"] = _added(1, lambda s: packet(13, b"x" * 2049))
ODD["subkey again"] = _added(5, lambda s: packet(14, s.subkey.body))
ODD["primary as subkey"] = _added(5, lambda s: packet(14, s.primary.body))
ODD["photo"] = _added(3, lambda s: packet(17, b"\x05\x01\x10\x00\x01\x01" + bytes(12)))
ODD["key of version 5"] = _added(
    5, lambda s: packet(14, b"\x05" + s.subkey.body[1:6] + number(51) + s.subkey.body[6:])
)
ODD["key of tomorrow"] = _added(5, lambda s: packet(14, PgpKey(created=now() + 9 * 86400).body))
ODD["weak key"] = _added(
    5, lambda s: packet(14, s.subkey.body[:5] + b"\x01" + mpi(b"\x80" * 64) + mpi(b"\x03"))
)


ODD["signature of version 5"] = _added(3, lambda s: packet(2, b"\x05\x10\x16\x08" + bytes(8)))
ODD["damaged signature"] = _added(3, lambda s: packet(2, b"\x04\x10\x16\x08\xff\xff"))


def both(raw: bytes, files: dict[str, bytes]) -> tuple[Verdict | None, Verdict]:
    """What is made of a tag in this process, and by GnuPG."""
    payload, signers = split(raw, 40), root(files)
    return Fast(signers, NOW).verify(payload), verify_all([payload], signers, NOW, fast=False)[0]


def is_good_here_and_so_there(sketch: Sketch, about: object) -> bool:
    """Whether this process calls it good; GnuPG is asked only then, as it takes its time."""
    raw, files = sketch.built()
    payload, signers = split(raw, 40), root(files)
    fast = Fast(signers, NOW).verify(payload)
    if fast is not None:
        assert [fast] == verify_all([payload], signers, NOW, fast=False), about
    return fast is not None


@pytest.mark.parametrize("signer", ["primary", "subkey"])
def test_an_ordinary_one_is_good_on_both_paths(signer: str) -> None:
    fast, plain = both(*Sketch(signer).built())
    assert fast == plain and plain.status == "good"


@pytest.mark.parametrize(
    "name",
    ["own, issuer 2", "own, issuer 3", "tag, issuer 2", "tag, issuer 3",
      "own, digest 1", "own, kind 2",
     "own, flags 9", "own, more 6", "own, more 13", "own, more 14", "own, more 15", "own, more 18", "binding, more 6",
     "tag, more 14", "tag, more 16", "tag, more 17", "consent outside of what is covered",
     "a second user id"],
)  # fmt: skip
def test_what_programs_write_is_good_on_both_paths(name: str) -> None:
    for signer in ("primary", "subkey"):
        sketch = Sketch(signer)
        ODD[name](sketch)
        fast, plain = both(*sketch.built())
        assert fast == plain and plain.status == "good", (name, signer)


@pytest.mark.parametrize("signer", ["primary", "subkey"])
def test_an_odd_one_is_good_only_where_gnupg_calls_it_good(signer: str) -> None:
    found = []
    for name, make in ODD.items():
        sketch = Sketch(signer)
        make(sketch)
        found.append(is_good_here_and_so_there(sketch, name))
    assert 50 < sum(found) < len(found) / 2


@pytest.mark.parametrize(
    "name",
    ["photo", "long user id", "user id again", "subkey again", "direct signature", "a second user id that differs 2",
     "key of version 5", "key of tomorrow", "signature of version 5", "damaged signature", "a second own 2, 50 later",
     "a stranger's own", "own, more 7", "binding, more 7", "back, digest 3", "own, more 20", "own, uncovered 2",
     "tag, issuer 4", "tag, more 1", "tag, more 21", "tag, more 27"],
)  # fmt: skip
def test_what_is_not_known_here_is_left_to_gnupg(name: str) -> None:
    """Whether it calls it good or not, and also where Sequoia has the same answer today."""
    for signer in ("primary", "subkey"):
        sketch = Sketch(signer)
        ODD[name](sketch)
        raw, files = sketch.built()
        assert Fast(root(files), NOW).verify(split(raw, 40)) is None, signer


def test_a_key_in_two_lines_is_left_to_gnupg() -> None:
    raw, files = Sketch("primary").built()
    twice = {**files, "allowed_signers": files["allowed_signers"] * 2}
    fast, plain = both(raw, twice)
    assert fast is None and plain.status == "good"
    other = Sketch("subkey").built()[1]
    beside = {**files, **other, "allowed_signers": files["allowed_signers"] + other["allowed_signers"]}
    fast, plain = both(raw, beside)
    assert fast == plain and plain.status == "good"


def test_two_odd_things_together() -> None:
    """Pairs, as one may hide the other; the same ones each time."""
    drawn = random.Random(1)
    for _ in range(700):
        names = drawn.sample(sorted(ODD), 2)
        sketch = Sketch(drawn.choice(("primary", "subkey")))
        for name in names:
            ODD[name](sketch)
        is_good_here_and_so_there(sketch, names)


def test_keys_that_gpg_makes_are_ordinary(workshop: Workshop) -> None:
    """One with an expiry, a preferred user id and subkeys to sign and to encrypt."""
    name = workshop.pgp("olga", expire="5y")
    workshop.gpg("--quick-add-key", name, "ed25519", "sign", "3y")
    workshop.gpg("--quick-add-key", name, "cv25519", "encr", "3y")
    workshop.gpg("--quick-add-uid", name, "Olga <olga@example.com>")
    fast, plain = both(workshop.pgp_sign(tag_text(), "olga"), pgp_files(workshop, "olga"))
    assert fast == plain and plain.status == "good"
