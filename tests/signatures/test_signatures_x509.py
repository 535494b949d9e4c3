"""Tags that gitsign signed. The real program asks Sigstore over the network, so a stand-in is asked here: what it is
given, and what is made of its answers, is what these tests are about."""

from __future__ import annotations

import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest
from signing import tag_text

from envhooks.signatures import Verdict
from envhooks.signatures.payload import split
from envhooks.signatures.signers import KeylessSigner, Signers
from envhooks.signatures.verify import verify_all

BLOCK = b"-----BEGIN SIGNED MESSAGE-----\nMIIEAwYJKoZIhvcNAQcCoIID9DCCA/AC\nAQExDQ==\n-----END SIGNED MESSAGE-----\n"
RAW = tag_text() + BLOCK
CI = KeylessSigner("https://github.com/team/envs/release.yml@refs/heads/main", "https://token.example")
ALICE = KeylessSigner("--alice@example.org", "https://accounts.example")
# it knows the one verb and one identity, and writes down what it was asked, where, and with which environment
STAND_IN = f"""#!/bin/sh
[ "$1" = verify-tag ] || exit 1
[ "$2" = --help ] && exit 0
here=$(dirname "$0")
echo "$@" >>"$here/asked"
env >"$here/environment"
git cat-file tag refs/tags/candidate >"$here/object" || exit 1
[ "$2 $3" = "--certificate-identity={CI.identity} --certificate-oidc-issuer={CI.issuer}" ]
"""


@pytest.fixture
def gitsign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the stand-in, first on PATH."""
    program = tmp_path / "gitsign"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def judged(raw: bytes, *keyless: KeylessSigner, digits: int = 40) -> Verdict:
    signers = Signers("origin/main", keyless=keyless)
    return verify_all([split(raw, digits)], signers, datetime.now(timezone.utc))[0]


def test_it_is_asked_about_these_very_bytes_for_each_identity(
    gitsign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITSIGN_REKOR_URL", "https://evil.example")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "0")
    way_out = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in way_out:
        monkeypatch.setenv(name, f"of {name}")
    found = judged(RAW, ALICE, CI)
    assert found == Verdict("good", scheme="x509", key=f"{CI.identity} ({CI.issuer})", signer=CI.identity)
    assert (gitsign / "object").read_bytes() == RAW
    asked = (gitsign / "asked").read_text().splitlines()
    # a value that begins with dashes stays a value
    assert (
        asked[0]
        == f"verify-tag --certificate-identity={ALICE.identity} --certificate-oidc-issuer={ALICE.issuer} candidate"
    )
    assert len(asked) == 2
    environ = (gitsign / "environment").read_text()
    assert "evil" not in environ and "GIT_CONFIG_COUNT" not in environ
    assert {f"{name}=of {name}" for name in way_out} | {"GIT_CONFIG_NOSYSTEM=1"} <= set(environ.split("\n"))


def test_another_identity_is_refused(gitsign: Path) -> None:
    found = judged(RAW, ALICE)
    assert found.status == "bad" and "none of the identities" in found.why and "[[gitsign]]" in found.expected


def test_what_is_no_base64_is_refused_unasked(gitsign: Path) -> None:
    found = judged(RAW.replace(b"AQExDQ==", b"AQEx:Q=="), CI)
    assert found.status == "bad" and not (gitsign / "asked").exists()


@pytest.mark.parametrize("keyless", [(), (CI,)])
def test_without_an_identity_or_the_program_nothing_is_known(
    keyless: tuple[KeylessSigner, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = judged(RAW, *keyless)
    assert found.status == "undecided" and (found.fix if keyless else found.advice)
    assert ("gitsign was not found" in found.why) is bool(keyless)


def test_a_gitsign_without_the_verb(gitsign: Path) -> None:
    (gitsign / "gitsign").write_text("#!/bin/sh\nexit 1\n")
    assert "too old" in judged(RAW, CI).why


def test_a_sha256_repository_is_more_than_it_reads(gitsign: Path) -> None:
    assert judged(tag_text(target="ab" * 32) + BLOCK, CI, digits=64).status == "undecided"


def test_a_repository_further_up_is_not_taken_for_ours(
    gitsign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert judged(RAW, CI).status == "good"
