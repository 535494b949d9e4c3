"""Every deceiving tag is refused and every good one accepted, by the plain path, by gpg, and by the fast path."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from signing import Workshop, root

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

from datetime import datetime, timezone

from adversary import CASES, CLASSES, Case, payload_of

from envhooks.signatures.fast import Fast
from envhooks.signatures.programs import find_program
from envhooks.signatures.verify import verify_all

pytest_plugins = ("signing_fixture",)


SLOW = {
    "control/pgp-expired-subkey-beside",  # a passed expiry is for GnuPG to weigh
    "control/pgp-expiry-extended",
    "control/pgp-rights-given-again",  # so is which of two signatures of the owner counts
    "control/pgp-signature-expiry-to-come",
    "control/ssh-krl-of-others",  # only ssh-keygen reads a KRL
}


@cache
def built(name: str, workshop: Workshop) -> Case:
    return CASES[name](workshop)


@pytest.fixture(scope="session")
def without_gpgv(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which gpg has to stand in for gpgv."""
    folder = tmp_path_factory.mktemp("bin")
    for program in ("gpg", "ssh-keygen"):
        (folder / program).symlink_to(str(find_program(program)))
    return str(folder)


@pytest.mark.parametrize("name", CASES)
def test_nothing_deceives_and_nothing_good_is_refused(
    name: str, workshop: Workshop, without_gpgv: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All paths, each on its own, and in every word the same."""
    case = built(name, workshop)
    for key, value in case.environ.items():
        monkeypatch.setenv(key, value)
    payload = payload_of(case)
    if payload is None:
        assert not case.good
        return
    signers, now = root(case.files), datetime.now(timezone.utc)
    plain = verify_all([payload], signers, now, fast=False)[0]
    if case.good:
        assert plain.status == "good" and plain.key and plain.signer and not plain.why, plain
    else:
        assert plain.status in ("bad", "unsigned") and plain.why, plain
    alone = Fast(signers, now).verify(payload)
    assert alone == plain if case.good and name not in SLOW else alone is None
    assert verify_all([payload], signers, now, fast=True)[0] == plain
    monkeypatch.setenv("PATH", without_gpgv)
    if payload.armor is not None and payload.armor.scheme == "openpgp":
        assert verify_all([payload], signers, now, fast=False)[0] == plain


def test_there_are_enough_cases_of_every_class() -> None:
    found = Counter(name.split("/")[0] for name in CASES)
    assert set(found) == set(CLASSES) and sum(found.values()) >= 250
    assert all(count >= 5 for count in found.values())


def test_controls_are_the_good_ones(workshop: Workshop) -> None:
    for name in CASES:
        assert built(name, workshop).good is name.startswith("control/")
