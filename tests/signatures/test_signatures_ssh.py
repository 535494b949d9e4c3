"""SSH certificates: the seconds between which they count, and whom they name, on both paths as ssh-keygen has it."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from signing import NOW, Workshop, root, ssh_files, tag_text

pytest.importorskip("cryptography")
pytest.importorskip("pysequoia")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_key,
)
from forge import number, ssh_armor, sshsig, to_be_signed

from envhooks.signatures.fast import Fast
from envhooks.signatures.payload import split
from envhooks.signatures.sshwire import pack
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


class Forger:
    """A CA that certifies anything, and a key that it certified."""

    type = b"ssh-ed25519"

    def __init__(self) -> None:
        self._ca, self._key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.ca, self.key = (
            one.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for one in (self._ca, self._key)
        )

    def line(self, principals: str) -> bytes:
        blob = b64encode(pack(self.type) + pack(self.ca)).decode()
        return f'{principals} cert-authority,namespaces="git" {self.type.decode()} {blob}\n'.encode()

    def sign(
        self, text: bytes, *, nonce: bytes = b"n" * 32, serial: int = 0, kind: int = 1, key_id: bytes = b"id",
        principals: tuple[bytes, ...] = (b"bot@ci.example.org",), after: int = 0, before: int = 2**64 - 1,
        critical: bytes = b"", extensions: bytes = b"", reserved: bytes = b"", tail: bytes = b"",
        tail_of_signature: bytes = b"",
    ) -> bytes:  # fmt: skip
        names = b"".join(map(pack, principals))
        body = b"".join((
            pack(self.type + b"-cert-v01@openssh.com"), pack(nonce), pack(self.key), number(serial, 8), number(kind),
            pack(key_id), pack(names), number(after, 8), number(before, 8), pack(critical), pack(extensions),
            pack(reserved), pack(pack(self.type) + pack(self.ca)),
        ))  # fmt: skip
        certificate = body + pack(pack(self.type) + pack(self._ca.sign(body)) + tail_of_signature) + tail
        made = pack(self.type) + pack(self._key.sign(to_be_signed(text)))
        return text + ssh_armor(sshsig(certificate, made))


def option(name: bytes, value: bytes = b"") -> bytes:
    return pack(name) + pack(value)


_SOON = int(NOW.timestamp())
GOOD: list[dict[str, Any]] = [
    {}, {"nonce": b""}, {"serial": 2**64 - 1}, {"key_id": b""}, {"key_id": "\u00e9".encode()}, {"key_id": b"\xff"},
    {"principals": (b"root@example.org", b"bot@ci.example.org")}, {"after": _SOON}, {"before": _SOON + 1},
    {"extensions": option(b"permit-pty")}, {"extensions": option(b"a") + option(b"b", pack(b"x"))}, {"reserved": b"x"},
]  # fmt: skip
ODD: list[dict[str, Any]] = [
    {"kind": 0}, {"kind": 2}, {"kind": 3}, {"key_id": b"i\0d"}, {"key_id": b"id\0"}, {"key_id": b"\0"},
    {"principals": ()}, {"principals": (b"",)}, {"principals": (b"bot@ci.example.org\0",)}, {"principals": (b"*",)},
    {"principals": (b"bot@ci.example.org\0x", b"bot@ci.example.org")}, {"principals": (b"BOT@CI.EXAMPLE.ORG",)},
    {"after": _SOON + 1}, {"before": _SOON}, {"before": 0}, {"after": 2**64 - 1}, {"after": 2**63, "before": 2**63 - 1},
    {"critical": option(b"force-command", pack(b"x"))}, {"critical": option(b"verify-required")}, {"critical": b"x"},
    {"extensions": b"x"}, {"extensions": option(b"b") + option(b"a")}, {"extensions": option(b"a") * 2},
    {"tail": b"x"}, {"tail_of_signature": b"x"},
]  # fmt: skip


def _name(changed: dict[str, Any]) -> str:
    """The same in every worker: each has a time of its own."""
    soon = {_SOON: "now", _SOON + 1: "now + 1 s"}
    return repr(
        {
            key: soon.get(value, value) if key in ("after", "before") else value
            for key, value in changed.items()
        }
    )


@pytest.mark.parametrize("changed", [*GOOD, *ODD], ids=_name)
def test_a_certificate_is_good_only_where_openssh_calls_it_good(changed: dict[str, Any]) -> None:
    forger = Forger()
    payload = split(forger.sign(tag_text(), **changed), 40)
    signers = root({"allowed_signers": forger.line("*@ci.example.org")})
    plain = verify_all([payload], signers, NOW, fast=False)[0]
    fast = Fast(signers, NOW).verify(payload)
    assert fast is None or fast == plain
    if changed in GOOD:
        assert plain.status == "good" and plain.signer == "bot@ci.example.org"
        assert fast == plain


@pytest.mark.parametrize("bits", ["256", "384", "521"])
def test_each_curve_of_ecdsa_is_good_on_both_paths(workshop: Workshop, bits: str) -> None:
    path = workshop.ssh(f"curve{bits}", "ecdsa", "-b", bits)
    raw, signers = workshop.ssh_sign(tag_text(), path), root(ssh_files(workshop, f"curve{bits}"))
    plain = verify_all([split(raw, 40)], signers, NOW, fast=False)[0]
    assert plain.status == "good" and Fast(signers, NOW).verify(split(raw, 40)) == plain
    other = split(raw.replace(b"First", b"Final"), 40)
    assert Fast(signers, NOW).verify(other) is None
