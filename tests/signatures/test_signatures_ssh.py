"""SSH certificates: the seconds between which they count, and whom they name, on both paths as ssh-keygen has it."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from signing import NOW, Workshop, root, tag_text

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

from cryptography.hazmat.primitives.serialization import (
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_key,
)

from envhooks.signatures.fast import Fast
from envhooks.signatures.payload import split
from envhooks.signatures.verify import verify_all

pytest_plugins = ("signing_fixture",)

BEGIN, END = datetime(2025, 1, 1, tzinfo=timezone.utc), datetime(2027, 1, 1, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


def ca_line(workshop: Workshop, principals: str) -> bytes:
    return f'{principals} cert-authority,namespaces="git" {workshop.public("ca")}\n'.encode()


def certified(workshop: Workshop, label: str, *options: str) -> bytes:
    """A tag that is signed with a certificate."""
    workshop.ssh("bot")
    workshop.ssh("ca")
    return workshop.ssh_sign(tag_text(), workshop.certify("bot", "ca", label, *options))


def keygen(workshop: Workshop, folder: Path, raw: bytes, line: bytes, principal: str, at: datetime) -> bool:
    """Whether ssh-keygen itself accepts it, for this principal and at this moment."""
    payload = split(raw, 40)
    (folder / "allowed").write_bytes(line)
    (folder / "sig").write_bytes(raw[len(payload.signed) :])
    command = ["ssh-keygen", "-Y", "verify", "-n", "git", "-f", str(folder / "allowed"), "-I", principal,
               "-s", str(folder / "sig"), f"-Overify-time={at:%Y%m%d%H%M%S}"]  # fmt: skip
    environ = {**workshop.environ, "TZ": "UTC"}
    return subprocess.run(command, input=payload.signed, capture_output=True, env=environ).returncode == 0


@pytest.mark.parametrize(
    ("at", "is_good"),
    [(BEGIN - SECOND, False), (BEGIN, True), (END - SECOND, True), (END, False), (END + SECOND, False)],
)
def test_a_certificate_counts_from_its_first_second_up_to_its_last(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: datetime, is_good: bool
) -> None:
    monkeypatch.setitem(workshop.environ, "TZ", "UTC")
    window = f"{BEGIN:%Y%m%d%H%M%S}:{END:%Y%m%d%H%M%S}"
    raw = certified(workshop, "to-the-second", "-n", "bot@ci.example.org", "-V", window)
    line = ca_line(workshop, "*@ci.example.org")
    assert keygen(workshop, tmp_path, raw, line, "bot@ci.example.org", at) is is_good
    signers, payload = root({"allowed_signers": line}), split(raw, 40)
    plain = verify_all([payload], signers, at, fast=False)[0]
    assert (plain.status == "good") is is_good
    assert Fast(signers, at).verify(payload) == (plain if is_good else None)
    if not is_good:
        assert plain.got.startswith(
            "it counts from 2025-01-01" if at < BEGIN else "it counted until 2027-01-01"
        )


@pytest.mark.parametrize("principals", [[b""], [b"", b"root@example.org"]])
def test_a_certificate_for_nobody_in_particular_is_nobodys(
    workshop: Workshop, tmp_path: Path, principals: list[bytes]
) -> None:
    """An empty principal, which ssh-keygen does not write, fits a pattern such as `*`."""
    workshop.ssh("bot")
    ca = load_ssh_private_key(workshop.ssh("ca").read_bytes(), None)
    key = load_ssh_public_key(Path(f"{workshop.ssh('bot')}.pub").read_bytes())
    built = SSHCertificateBuilder().public_key(key).type(SSHCertificateType.USER).valid_principals(principals)  # type: ignore[arg-type]
    made = built.valid_after(0).valid_before(2**64 - 1).sign(ca)  # type: ignore[arg-type]
    (tmp_path / "key").write_bytes(workshop.ssh("bot").read_bytes())
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key-cert.pub").write_bytes(made.public_bytes())
    payload = split(workshop.ssh_sign(tag_text(), tmp_path / "key-cert.pub"), 40)
    for pattern, is_good in (("*@ci.example.org", False), ("*", len(principals) > 1)):
        signers = root({"allowed_signers": ca_line(workshop, pattern)})
        plain = verify_all([payload], signers, NOW, fast=False)[0]
        assert (plain.status == "good") is is_good, pattern
        assert plain.signer == ("root@example.org" if is_good else "")
        assert Fast(signers, NOW).verify(payload) == (plain if is_good else None)


def test_a_certificate_names_whom_it_speaks_for_in_the_refusal(workshop: Workshop) -> None:
    signers = root({"allowed_signers": ca_line(workshop, "*@ci.example.org") if workshop.ssh("ca") else b""})
    for label, options, got in (
        ("nobody", (), "a certificate without principals"),
        ("two", ("-n", "root@example.org,eve@example.org"), "root@example.org, eve@example.org"),
    ):
        raw = certified(workshop, label, *options)
        found = verify_all([split(raw, 40)], signers, NOW, fast=False)[0]
        assert (found.status, found.got) == ("bad", got)
        assert found.expected == "*@ci.example.org (.envhooks/allowed_signers:1)"
