"""OpenPGP keys whose subkeys sign: what the certificate of the policy lacks is said before anything is made."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from support import GOOD_TAG, Repo, gnupg_home, program, run
from test_check_as import state


@dataclass(frozen=True)
class Carol:
    """A repository whose git signs with Carol's key; the policy has its certificate with one subkey."""

    repo: Repo
    primary: str
    first: str

    def sh(self, command: str) -> str:
        return run(["sh", "-c", command], self.repo.path, self.repo.environ, check=True).out

    def parts(self) -> list[str]:
        listed = self.sh("gpg --with-colons --list-keys carol").split("\n")
        return [line.split(":")[9] for line in listed if line.startswith("fpr:")]

    def add_subkey(self, faked: str = "", expire: str = "never") -> str:
        time = f"--faked-system-time {faked}" if faked else ""
        self.sh(f"gpg -q {time} --quick-add-key {self.primary} ed25519 sign {expire}")
        return self.parts()[-1]

    def uses(self, key: str) -> None:
        self.repo.git("config", "user.signingkey", key)

    def merged(self) -> None:
        self.repo.commit("The certificate of today")
        self.repo.git("push", "-q", "origin", "main")


@pytest.fixture(scope="module")
def carols_keys(tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]) -> Carol:
    """Carol's home of GnuPG with her key and its first subkey, which nobody uses; made once."""
    home = gnupg_home(tmp_path_factory.mktemp("carol") / "gnupg")
    repo = Repo(home, {**session_environ, "GNUPGHOME": str(home)})
    made = Carol(repo, "", "")
    try:
        made.sh(
            "gpg -q --faked-system-time 20200101T000000"
            " --quick-gen-key 'Carol <carol@example.org>' ed25519 cert never"
        )
        made = Carol(repo, made.parts()[0], "")
        return Carol(repo, made.primary, made.add_subkey("20210101T000000"))
    finally:
        run(["gpgconf", "--kill", "all"], home, repo.environ)


@pytest.fixture
def carol(guarded: Repo, carols_keys: Carol) -> Iterator[Carol]:
    home = guarded.path.parent / "gnupg"
    shutil.copytree(carols_keys.repo.path, home, ignore=shutil.ignore_patterns("S.*"))
    gnupg_home(home)
    repo = Repo(guarded.path, {**guarded.environ, "GNUPGHOME": str(home)})
    made = Carol(repo, carols_keys.primary, carols_keys.first)
    try:
        repo.git("config", "gpg.format", "openpgp")
        made.uses(f"{made.first}!")
        repo.envhooks("signers", "add", "--principal", "carol@example.org", check=True)
        made.merged()
        yield made
    finally:
        run(["gpgconf", "--kill", "all"], repo.path, repo.environ)


@pytest.mark.parametrize("exactly", [True, False])
def test_a_subkey_signs_for_its_primary_key(carol: Carol, exactly: bool) -> None:
    carol.uses(f"{carol.first}!" if exactly else carol.primary)
    done = carol.repo.envhooks("tag", "--push")
    assert done.code == 0, done.said
    checked = carol.repo.envhooks("check", GOOD_TAG)
    assert checked.code == 0, checked.said


@pytest.mark.parametrize("exactly", [True, False])
def test_a_subkey_that_the_policy_has_not_seen_is_told_before_it_signs(carol: Carol, exactly: bool) -> None:
    new = carol.add_subkey()
    carol.uses(f"{new}!" if exactly else carol.primary)
    before = state(carol.repo)
    done = carol.repo.envhooks("tag")
    assert done.code == 1 and f"lacks the subkey that signs, {new}" in done.flat, done.said
    assert state(carol.repo) == before
    assert "envhooks signers add --renew\n" in done.out
    doctor = carol.repo.envhooks("doctor")
    assert doctor.code == 1 and "may not sign now" in doctor.flat, doctor.said
    assert f"lacks the subkey that signs, {new}" in doctor.flat and "signers add --renew" in doctor.flat
    first = carol.repo.envhooks("signers", "add")
    assert first.code == 2 and "envhooks signers add --renew\n" in first.err, "what tag-signed advises"
    carol.repo.envhooks("signers", "add", "--renew", check=True)
    carol.merged()
    assert carol.repo.envhooks("tag").code == 0


def test_the_older_subkey_still_signs(carol: Carol) -> None:
    carol.add_subkey()
    assert carol.repo.envhooks("tag").code == 0


@pytest.mark.parametrize("why", ["has expired", "is revoked"])
def test_a_named_subkey_that_cannot_sign_has_a_fix(carol: Carol, why: str) -> None:
    if why == "has expired":
        named = carol.add_subkey("20220101T000000", "1y")
    else:
        named = carol.add_subkey()
        keystrokes = shlex.quote("key 2\nrevkey\ny\n0\n\ny\nsave\n")
        carol.sh(
            f"printf %s {keystrokes} | gpg -q --no-batch --no-tty --command-fd 0 --edit-key {carol.primary}"
        )
    carol.uses(f"{named}!")
    before = state(carol.repo)
    done = carol.repo.envhooks("tag")
    assert done.code == 1 and f"user.signingkey {named}! {why}:" in done.flat, done.said
    assert state(carol.repo) == before
    carol.sh(done.out.split(f"{why}:\n")[1].split("\n")[0])
    if why == "has expired":
        carol.repo.envhooks("signers", "add", "--renew", check=True)
        carol.merged()
    assert carol.repo.envhooks("tag").code == 0


@pytest.mark.parametrize("is_extended", [True, False])
def test_a_subkey_that_has_expired_in_the_policy(carol: Carol, is_extended: bool) -> None:
    """By its owner's fresh word it goes on; the fix of the refusal is the same word, and of this subkey."""
    ending = carol.add_subkey("20220101T000000", "1y")
    carol.uses(f"{ending}!")
    (carol.repo.path / f".envhooks/keys/{carol.primary}.asc").write_text(
        carol.sh(f"gpg --faked-system-time 20220601T000000 --armor --export {carol.primary}")
    )
    carol.merged()
    if is_extended:
        carol.sh(f"gpg -q --quick-set-expire {carol.primary} never {ending}")
        done = carol.repo.envhooks("tag")
        assert done.code == 1 and "lets the part that signs" in done.flat, done.said
        carol.repo.envhooks("signers", "add", "--renew", check=True)
        carol.merged()
        assert carol.repo.envhooks("tag").code == 0
        return
    then = program(
        carol.repo.path.parent / "faked-gpg", '#!/bin/sh\nexec gpg --faked-system-time 20220601T000000 "$@"\n'
    )
    done = carol.repo.try_git("-c", f"gpg.program={then}", "tag", "-s", "-m", "x", GOOD_TAG)
    assert done.code and "has expired" in done.err, done.said
    (fix,) = done.fixes
    carol.sh(fix)
    carol.merged()
    assert carol.repo.envhooks("tag").code == 0


def test_a_subkey_that_the_policy_revokes_is_told_before_it_signs(carol: Carol) -> None:
    carol.repo.envhooks("signers", "revoke", carol.first, check=True)
    carol.merged()
    before = state(carol.repo)
    done = carol.repo.envhooks("tag")
    assert done.code == 1 and f"the subkey that signs, {carol.first}, is revoked on" in done.flat, done.said
    assert state(carol.repo) == before
    assert "may not sign now" in carol.repo.envhooks("doctor").flat
