"""When a key that signs releases ends: by its own certificate, by its line, and what is said before it does."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from signing import root

pytest.importorskip("cryptography")

from forge import YEAR, PgpCertificate, PgpKey, ssh_policy

from envhooks.base.dataclass import replace
from envhooks.signatures import Verdict
from envhooks.signatures.signers import Certificate, OpenPgpEntry, SshEntry
from envhooks.signatures.signers.expiry import (
    all_with_warnings,
    certificate_until,
    ends_soon,
    is_revoked_by_owner,
    key_ends_soon,
    key_states,
    valid_until,
    with_warnings,
)
from envhooks.signatures.signers.lines import Window
from envhooks.signatures.sshwire import pack

MADE = 1_600_000_000
DAY = 86400
FIRST = MADE + YEAR


def certificate(expires_after: int = 0, flags: int = 0x03) -> PgpCertificate:
    return PgpCertificate(PgpKey(created=MADE), expires_after=expires_after, flags=flags)


def entry(made: PgpCertificate) -> OpenPgpEntry:
    (found,) = root(made.root()).openpgp
    return found


def states(made: PgpCertificate) -> list[tuple[int | None, bool, bool]]:
    """(end, may sign, is revoked) of each key."""
    return [(one.expires, one.may_sign, one.revoked) for one in key_states(entry(made).certificate)]


# ------------------------------------------------------------------------- by the certificate itself


def test_each_key_by_its_newest_own_signature() -> None:
    assert states(certificate()) == [(None, True, False)]
    assert states(certificate(expires_after=YEAR)) == [(FIRST, True, False)]
    assert states(certificate(flags=0x01)) == [(None, False, False)]
    renewed = certificate(expires_after=YEAR)
    renewed.expires_after, renewed.flags = 2 * YEAR, 0x01
    renewed.add_self_signature(created=MADE + 2)
    assert states(renewed) == [(MADE + 2 * YEAR, False, False)]
    renewed.expires_after, renewed.flags = 3 * YEAR, 0x03
    renewed.add_self_signature(created=MADE + 1)
    assert states(renewed) == [(MADE + 2 * YEAR, False, False)], "an older one"
    renewed.add_self_signature(created=MADE + 2)
    assert states(renewed) == [(MADE + 3 * YEAR, True, False)], "of the same second the last one"
    renewed.expires_after = 0
    renewed.add_self_signature(created=MADE + 3)
    assert states(renewed) == [(None, True, False)]


@pytest.mark.parametrize("kind", [0x10, 0x11, 0x12, 0x13, 0x1F])
def test_each_kind_of_self_signature_counts(kind: int) -> None:
    made = certificate()
    hashed = [(27, b"\x01"), (9, YEAR.to_bytes(4, "big"))]
    made.packets.append(made.key.signature(b"", kind, created=MADE + 2, hashed=hashed))
    assert states(made) == [(FIRST, False, False)]


@pytest.mark.parametrize("kind", [0x00, 0x0F, 0x14, 0x18, 0x19, 0x1E, 0x30])
def test_no_other_kind_does(kind: int) -> None:
    made = certificate()
    hashed = [(27, b"\x01"), (9, YEAR.to_bytes(4, "big"))]
    made.packets.append(made.key.signature(b"", kind, created=MADE + 2, hashed=hashed))
    assert states(made) == [(None, True, False)]


def test_a_signature_of_a_certificate_may_carry_more_beside_what_it_covers() -> None:
    """As some programs put the subkey's own signature there; that of a tag may not."""
    made = certificate(flags=0x01)
    ends = (9, YEAR.to_bytes(4, "big"))
    issuer = bytes.fromhex(made.key.fingerprint)[-8:]
    beside = [(16, issuer), (100, b"more")]
    made.packets.append(made.key.signature(b"", 0x13, created=MADE + 2, hashed=[ends], unhashed=beside))
    assert states(made) == [(FIRST, True, False)], "and without a word on its rights a key may sign"


def test_subkeys_have_ends_and_rights_of_their_own() -> None:
    made, signs, encrypts, gone = (
        certificate(expires_after=3 * YEAR),
        *(PgpKey(created=MADE + 9) for _ in "123"),
    )
    made.add_subkey(signs, expires_after=YEAR)
    made.add_subkey(encrypts, flags=0x0C, crossed=False)
    made.add_subkey(gone)
    made.revoke_subkey(gone, 1, at=MADE + 20)
    assert states(made) == [
        (MADE + 3 * YEAR, True, False), (MADE + 9 + YEAR, True, False), (None, False, False), (None, True, True),
    ]  # fmt: skip
    assert [one.key.fingerprint for one in key_states(entry(made).certificate)] == [
        made.key.fingerprint, signs.fingerprint, encrypts.fingerprint, gone.fingerprint,
    ]  # fmt: skip


def test_somebody_elses_word_on_a_key_does_not_count() -> None:
    made, other = certificate(), certificate(expires_after=YEAR, flags=0x01)
    subkey, stranger = PgpKey(created=MADE + 9), PgpKey(created=MADE)
    made.packets.append(other.packets[-1])
    revoked = stranger.signature(made.key.hashed_form, 0x20, created=MADE + 5)
    made.packets.append(revoked)
    made.packets.append(made.key.signature(b"", 0x18, created=MADE + 6, hashed=[(27, b"\x01")]))
    made.add_subkey(subkey, signer=stranger, flags=0x0C)
    assert states(made) == [(None, True, False), (None, True, False)]
    assert not is_revoked_by_owner(entry(made))


def test_a_revocation_by_the_owner() -> None:
    made = certificate()
    made.revoke(1, at=MADE + 5)
    assert states(made) == [(None, True, True)] and is_revoked_by_owner(entry(made))
    by_subkey = certificate()
    subkey = PgpKey(created=MADE + 9)
    by_subkey.add_subkey(subkey)
    by_subkey.revoke_subkey(subkey, 1, at=MADE + 20)
    assert not is_revoked_by_owner(entry(by_subkey)), "of a subkey alone"
    damaged = replace(entry(made), certificate=replace(entry(made).certificate, data=b"\xc6\x05abc"))
    assert not is_revoked_by_owner(damaged) and certificate_until(damaged.certificate) is None
    assert not is_revoked_by_owner(ssh())


def until(made: PgpCertificate) -> int | None:
    found: Certificate = entry(made).certificate
    return certificate_until(found)


def test_a_certificate_lasts_as_long_as_its_last_key_that_may_sign() -> None:
    assert until(certificate()) is None and until(certificate(expires_after=YEAR)) == FIRST

    def made(expires: int, flags: int, *subkeys: tuple[int, int, bool]) -> int | None:
        one = certificate(expires_after=expires, flags=flags)
        for lasts, right, is_revoked in subkeys:
            subkey = PgpKey(created=MADE)
            one.add_subkey(subkey, expires_after=lasts, flags=right)
            if is_revoked:
                one.revoke_subkey(subkey, 1, at=MADE + 20)
        return until(one)

    signs, encrypts = 0x02, 0x0C
    assert made(0, 1, (YEAR, signs, False)) == FIRST
    assert made(0, 1, (YEAR, signs, False), (2 * YEAR, signs, False)) == MADE + 2 * YEAR
    assert made(0, 1, (2 * YEAR, signs, False), (YEAR, signs, False)) == MADE + 2 * YEAR
    assert made(0, 1, (YEAR, signs, False), (0, signs, False)) is None
    assert made(0, 1, (YEAR, signs, False), (0, signs, True)) == FIRST
    assert made(0, 1, (YEAR, signs, False), (0, encrypts, False)) == FIRST
    assert made(0, 3, (YEAR, signs, False)) is None, "the primary key goes on"
    assert made(YEAR, 1, (2 * YEAR, signs, False)) == FIRST, "all of it ends with the primary key"
    assert made(YEAR, 1, (0, signs, True)) == FIRST and made(0, 1) is None


# ---------------------------------------------------------------------------------------- by its line


def ssh(before: int | None = None, options: str = 'namespaces="git"') -> SshEntry:
    blob = pack(b"ssh-ed25519") + pack(b"\1" * 32)
    (found,) = root(ssh_policy(blob, b"ssh-ed25519", options)).ssh
    return replace(found, window=Window(None, before))


def test_the_earlier_of_both_ends_counts() -> None:
    own = entry(certificate(expires_after=YEAR))
    assert valid_until(own) == FIRST and valid_until(entry(certificate())) is None
    for before, end in ((FIRST - 1, FIRST - 1), (FIRST + 1, FIRST), (None, FIRST)):
        assert valid_until(replace(own, window=Window(None, before))) == end
    assert valid_until(replace(entry(certificate()), window=Window(None, 5))) == 5
    assert valid_until(ssh(7)) == 7 and valid_until(ssh()) is None


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


@pytest.mark.parametrize(
    ("left", "when"),
    [
        (30 * DAY, "in 30 days"), (30 * DAY + 1, ""), (30 * DAY - 1, "in 29 days"), (2 * DAY, "in 2 days"),
        (2 * DAY - 1, "tomorrow"), (DAY, "tomorrow"), (DAY - 1, "today"), (0, "today"), (-1, ""), (-DAY, ""),
    ],
)  # fmt: skip
def test_what_is_said_before_a_key_ends(left: int, when: str) -> None:
    said = ends_soon(ssh(FIRST), at(FIRST - left))
    assert said == (
        f"the signing key of alice@example.org ends {when}, on 2021-09-13 12:26 UTC (.envhooks/allowed_signers:1);"
        " to renew it: envhooks signers add --renew"
    ) * bool(when)
    assert ends_soon(ssh(), at(FIRST - left)) == ""


def test_a_key_in_several_lines_ends_with_the_last_of_them() -> None:
    now = at(FIRST)
    soon, sooner, later, past = (ssh(FIRST + days * DAY) for days in (9, 3, 99, -1))
    elsewhere = ssh(FIRST + 99 * DAY, 'namespaces="file"')
    assert "in 9 days" in key_ends_soon([sooner, soon], now) and "in 9 days" in key_ends_soon(
        [soon, sooner], now
    )
    assert key_ends_soon([sooner, later], now) == key_ends_soon([later, sooner], now) == ""
    assert key_ends_soon([ssh(), sooner], now) == key_ends_soon([sooner, ssh()], now) == ""
    assert "in 3 days" in key_ends_soon([sooner, elsewhere], now), "a line that is not for git"
    assert "in 3 days" in key_ends_soon([sooner, past], now) and "in 3 days" in key_ends_soon(
        [past, sooner], now
    )
    assert key_ends_soon([past], now) == key_ends_soon([], now) == ""
    assert "today" in key_ends_soon([ssh(FIRST)], now)


def test_a_good_verdict_is_warned_of() -> None:
    now = at(FIRST - 9 * DAY)
    made = certificate(expires_after=YEAR)
    listed = root(made.root())
    one = ssh(FIRST)
    signers = replace(listed, ssh=(one,))
    keys = {"ssh": one.key.fingerprint, "openpgp": made.key.fingerprint}
    good = [Verdict("good", scheme=scheme, key=key, signer="alice") for scheme, key in keys.items()]
    bad = replace(good[0], status="bad")
    other = replace(good[0], key="SHA256:other")
    for verdict in good:
        (warning,) = with_warnings(verdict, signers, now).warnings
        assert warning.startswith("the signing key of alice@example.org ends in 9 days")
        noted = replace(verdict, warnings=("a note",))
        assert with_warnings(noted, signers, now).warnings == ("a note", warning)
        assert all_with_warnings([noted], signers, now) == [with_warnings(noted, signers, now)]
        assert with_warnings(verdict, signers, at(FIRST - 99 * DAY)) == verdict
    for verdict in (bad, other):
        assert with_warnings(verdict, signers, now) == verdict
    every = [*good, bad, other, good[0], replace(good[1], warnings=("a note",)), bad]
    assert all_with_warnings(every, signers, now) == [with_warnings(one, signers, now) for one in every]
    assert all_with_warnings([], signers, now) == []
