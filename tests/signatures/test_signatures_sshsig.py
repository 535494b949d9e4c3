"""SSH signatures over records: who may make one, for what and when, in this process and by ssh-keygen alike."""

from __future__ import annotations

import base64
import importlib.util
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from signing import Workshop, root
from support import program

pytest.importorskip("cryptography")

from forge import ED25519_ORDER, Fido, SshEd25519

from envhooks.base.errors import CannotJudge
from envhooks.signatures import Refused, Undecided
from envhooks.signatures import sshsig as under_test
from envhooks.signatures.sshsig import lines_for, sign_message, verify_message

pytest_plugins = ("signing_fixture",)

SPACE, MESSAGE = "envhooks-record", b"what was built\n"
OPTIONS = f'namespaces="{SPACE}"'
AT = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
ALICE = ("alice@example.org",)


@pytest.fixture(params=["in this process", "by ssh-keygen"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to verify; each has to tell the same."""
    if request.param == "by ssh-keygen":
        found = importlib.util.find_spec
        monkeypatch.setattr(
            under_test, "find_spec", lambda name: None if name == "cryptography" else found(name)
        )
    return str(request.param)


def files(
    w: Workshop, options: str = OPTIONS, who: str = "alice@example.org", key: str = "alice"
) -> dict[str, bytes]:
    w.ssh(key)
    return {"allowed_signers": f"{who} {options} {w.public(key)}\n".encode()}


def signed(w: Workshop, message: bytes = MESSAGE, key: str = "alice", namespace: str = SPACE) -> bytes:
    return sign_message(message, str(w.ssh(key)), namespace, w.environ)


def verdict(
    blob: bytes, policy: dict[str, bytes], *, message: bytes = MESSAGE, who: tuple[str, ...] = ALICE,
    namespace: str = SPACE, at: datetime = AT,
) -> tuple[str, str]:  # fmt: skip
    return verify_message(blob, message, root(policy), who, namespace, at)


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_record_that_its_signer_signed(workshop: Workshop, path: str, kind: str) -> None:
    workshop.ssh(f"record-{kind}", kind)
    policy = files(workshop, key=f"record-{kind}")
    name, key = verdict(signed(workshop, key=f"record-{kind}"), policy, who=("bob@example.org", *ALICE))
    assert name == "alice@example.org" and key == root(policy).ssh[0].key.fingerprint


@pytest.mark.parametrize("change", [b"what was built", b"What was built\n", b"", MESSAGE + b"\n"])
def test_another_message_is_refused(workshop: Workshop, path: str, change: bytes) -> None:
    with pytest.raises(Refused, match="the statement or the signature was changed") as caught:
        verdict(signed(workshop), files(workshop), message=change)
    assert (caught.value.signer, caught.value.key[:7]) == ("alice@example.org", "SHA256:")
    assert caught.value.got == f"SSH key {caught.value.key}"


def test_a_changed_bit_of_the_signature_is_refused(workshop: Workshop, path: str) -> None:
    blob = signed(workshop)
    for at in range(0, len(blob), 1 if path == "in this process" else 40):
        with pytest.raises(Refused):
            verdict(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :], files(workshop))


def test_a_signature_for_another_purpose_is_refused(workshop: Workshop, path: str) -> None:
    everywhere = files(workshop, "")
    for namespace in ("git", "file", SPACE + "s", ""):
        blob = SshEd25519().sign(b"", namespace=namespace.encode())
        with pytest.raises(Refused, match="another purpose"):
            verdict(base64.b64decode(b"".join(blob.split(b"\n")[1:-2])), everywhere)
    with pytest.raises(Refused, match="another purpose"):
        verdict(signed(workshop, namespace="git"), everywhere)
    assert verdict(signed(workshop), everywhere)


@pytest.mark.parametrize(
    ("options", "who", "principals"),
    [
        ('namespaces="git"', "alice@example.org", ALICE),
        (OPTIONS, "alice@example.org", ("bob@example.org",)),
        (OPTIONS, "alice@example.org", ()),
        (OPTIONS, "*@example.org", ALICE),
        (f"cert-authority,{OPTIONS}", "alice@example.org", ALICE),
    ],
)
def test_a_line_that_does_not_speak_of_it_allows_nobody(
    workshop: Workshop, path: str, options: str, who: str, principals: tuple[str, ...]
) -> None:
    """Another namespace, another name, a pattern for a name, and the key of a CA as if it were a person's."""
    policy = files(workshop, options, who)
    assert lines_for(root(policy), "alice@example.org", SPACE) == () or not set(ALICE) & set(principals)
    with pytest.raises(Refused, match="not allowed to sign records") as caught:
        verdict(signed(workshop), policy, who=principals)
    assert caught.value.key == caught.value.signer == ""


def test_another_key_and_a_certificate_are_refused(workshop: Workshop, path: str) -> None:
    with pytest.raises(Refused, match="not allowed to sign records"):
        verdict(signed(workshop, key="mallory"), files(workshop))
    workshop.ssh("alice"), workshop.ssh("ca")
    certificate = workshop.certify("alice", "ca", "record", "-n", "alice@example.org")
    blob = sign_message(MESSAGE, str(certificate), SPACE, workshop.environ)
    with pytest.raises(Refused, match="not allowed to sign records"):
        verdict(blob, files(workshop))


def test_a_window_is_held_against_the_time_of_the_record(workshop: Workshop, path: str) -> None:
    window = f'{OPTIONS},valid-after="20260101Z",valid-before="20260701Z"'
    begin, end = datetime(2026, 1, 1, tzinfo=timezone.utc), datetime(2026, 7, 1, tzinfo=timezone.utc)
    blob, policy, second = signed(workshop), files(workshop, window), timedelta(seconds=1)
    for good in (begin, AT, end):
        assert verdict(blob, policy, at=good)
    for bad, said in (
        (begin - second, "the key was not allowed on 2025-12-31"),
        (end + second, "2026-07-01"),
    ):
        with pytest.raises(Refused, match=said) as caught:
            verdict(blob, policy, at=bad)
        assert caught.value.signer == "alice@example.org"
    two = {"allowed_signers": policy["allowed_signers"] + files(workshop)["allowed_signers"]}
    assert verdict(blob, two, at=end + second), "one of its lines goes on"


def test_a_revoked_key_signed_nothing(workshop: Workshop, path: str) -> None:
    blob, policy = signed(workshop), files(workshop)
    with pytest.raises(Refused, match="listed in "):
        verdict(blob, {**policy, "revoked_keys": workshop.public("alice").encode()})
    workshop.ssh("mallory")
    assert verdict(blob, {**policy, "revoked_keys": workshop.public("mallory").encode()})
    for name, is_good in (("alice", False), ("mallory", True)):
        krl = workshop.folder / f"krl-{name}"
        workshop.run("ssh-keygen", "-q", "-k", "-f", str(krl), f"{workshop.ssh(name)}.pub")
        listed = {**policy, "revoked_keys": krl.read_bytes()}
        if is_good:
            assert verdict(blob, listed)
        else:
            with pytest.raises(Refused, match="revokes the key"):
                verdict(blob, listed)


@pytest.mark.parametrize("curve", ["ed25519", "ecdsa"])
def test_a_fido_key_has_to_be_touched(path: str, curve: str) -> None:
    key = Fido(curve)
    policy = key.line(OPTIONS)

    def made(**options: object) -> bytes:
        text = key.sign(MESSAGE, namespace=SPACE.encode(), **options)  # type: ignore[arg-type]
        return base64.b64decode(b"".join(text.removeprefix(MESSAGE).split(b"\n")[1:-2]))

    assert verdict(made(), policy)
    with pytest.raises(Refused, match="was not touched"):
        verdict(made(flags=0), policy)
    with pytest.raises(Refused, match="was changed"):
        verdict(made(flags=0, shown_flags=1), policy)


def test_a_twin_of_a_signature_is_refused(path: str) -> None:
    key = SshEd25519()
    text = key.sign(MESSAGE, namespace=SPACE.encode(), more=ED25519_ORDER)
    blob = base64.b64decode(b"".join(text.removeprefix(MESSAGE).split(b"\n")[1:-2]))
    with pytest.raises(Refused, match="written otherwise"):
        verdict(blob, key.line(OPTIONS))


def test_without_ssh_keygen_nothing_is_known(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob, policy = signed(workshop), files(workshop)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert verdict(blob, policy), "it is good, and this process can tell"
    with pytest.raises(Undecided, match="ssh-keygen was not found"):
        verdict(blob, policy, message=b"another")
    with pytest.raises(CannotJudge, match="ssh-keygen was not found"):
        sign_message(MESSAGE, str(workshop.ssh("alice")), SPACE, {"PATH": str(tmp_path)})


def test_an_agent_signs_for_a_public_key(workshop: Workshop, tmp_path: Path) -> None:
    private = workshop.ssh("alice")
    socket = workshop.folder / "agent"  # a short path: a socket's has to fit into 107 bytes
    environ = {**workshop.environ, "SSH_AUTH_SOCK": str(socket)}
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], env=environ, stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        subprocess.run(["ssh-add", "-q", str(private)], env=environ, check=True)
        public = workshop.public("alice")
        (tmp_path / "only.pub").write_text(public + "\n")
        for key in (public, f"key::{public}", str(tmp_path / "only.pub")):
            assert verdict(sign_message(MESSAGE, key, SPACE, environ), files(workshop)), key
        workshop.ssh("mallory")
        with pytest.raises(CannotJudge, match="ssh-keygen does not sign the record") as caught:
            sign_message(MESSAGE, workshop.public("mallory"), SPACE, environ)
        assert caught.value.place.startswith("ssh-ed25519 ")
    finally:
        agent.terminate()
        agent.wait()
        socket.unlink(missing_ok=True)


@pytest.mark.parametrize("content", ["", "no key\n", None])
def test_what_is_no_key_signs_nothing(workshop: Workshop, tmp_path: Path, content: str | None) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
        key.chmod(0o600)
    with pytest.raises(CannotJudge, match="ssh-keygen does not sign the record") as caught:
        sign_message(MESSAGE, str(key), SPACE, workshop.environ)
    assert caught.value.place == str(key)


BEGUN = "-----BEGIN SSH SIGNATURE-----\n"


@pytest.mark.parametrize("told", ["", BEGUN, f"{BEGUN}?\n-----END SSH SIGNATURE-----\n"])
def test_a_program_that_ends_well_and_writes_no_signature_has_made_none(tmp_path: Path, told: str) -> None:
    program(tmp_path / "ssh-keygen", f"#!/bin/sh\nprintf '%s' '{told}'\n")
    with pytest.raises(CannotJudge):
        sign_message(MESSAGE, str(tmp_path / "key"), SPACE, {"PATH": f"{tmp_path}:/bin:/usr/bin"})
