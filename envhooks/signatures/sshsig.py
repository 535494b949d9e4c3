"""SSH signatures over other things than tags: a namespace of their own, judged at a time of their own.

In this process where `cryptography` is installed, which can only say "good"; by ssh-keygen else.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.signatures import Refused, Undecided
from envhooks.signatures.packets import ArmorError, decode_base64
from envhooks.signatures.programs import TIME_LIMIT, clean_environment, find_program, run
from envhooks.signatures.signers import FOLDER, Signers, SshEntry
from envhooks.signatures.signers.lines import matches, moment
from envhooks.signatures.sshwire import SshError, SshSignature, read_signature

_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"


def lines_for(signers: Signers, principal: str, namespace: str) -> tuple[SshEntry, ...]:
    """The lines of allowed_signers with a plain key whose principals hold this one and whose namespaces this one."""
    return tuple(
        entry
        for entry in signers.ssh
        if not entry.is_ca
        and principal in entry.principals
        and (entry.namespaces is None or matches(namespace, entry.namespaces))
    )


def verify_message(
    blob: bytes, message: bytes, signers: Signers, principals: tuple[str, ...], namespace: str, at: datetime
) -> tuple[str, str]:
    """(principal, `SHA256:...` of the key) by whom an SSHSIG over the message was made for the namespace.

    Windows in allowed_signers are compared with `at`; a key in revoked_keys signed nothing, whenever it was.

    Raises:
        Refused: it must not be accepted; `key` and `signer` are set where a line holds the key.
        Undecided: ssh-keygen did not run.
    """
    try:
        signature = read_signature(blob, namespace.encode())
    except SshError as error:
        raise Refused(str(error)) from None
    key = signature.key
    found = [
        (name, entry)
        for name in principals
        for entry in lines_for(signers, name, namespace)
        if entry.key.blob == key.blob
    ]
    if signature.certificate is not None or not found:
        raise Refused("the key is not allowed to sign records", got=f"SSH key {key.fingerprint}")
    name, entry = next((one for one in found if not one[1].window.fault(at)), found[0])
    about = {"key": key.fingerprint, "signer": name, "got": f"SSH key {key.fingerprint}"}
    if not signature.is_touched:
        raise Refused("the FIDO key that signed was not touched, so nobody need have been there", **about)
    if key.fingerprint in signers.revoked.ssh:
        raise Refused(f"the key is listed in {FOLDER}/revoked_keys", **about)
    if entry.window.fault(at):
        text = f"the key was not allowed on {moment(int(at.timestamp()))}: {entry.window.fault(at)}"
        raise Refused(text, **about)
    if not _is_good_here(signature, message, namespace, signers):
        _ask_program(signature, entry, message, namespace, signers, at, about)
    return name, key.fingerprint


def _is_good_here(signature: SshSignature, message: bytes, namespace: str, signers: Signers) -> bool:
    if signers.revoked.krl is not None or find_spec("cryptography") is None:
        return False
    from envhooks.signatures.fast import verify_ssh

    try:
        verify_ssh(signature, message, namespace.encode())
    except Exception:
        return False  # ssh-keygen has the last word
    return True


def _ask_program(
    signature: SshSignature,
    entry: SshEntry,
    message: bytes,
    namespace: str,
    signers: Signers,
    at: datetime,
    about: Mapping[str, str],
) -> None:
    program = find_program("ssh-keygen")
    if program is None:
        raise Undecided(
            "ssh-keygen was not found, and it is needed for SSH signatures", "apt-get install openssh-client"
        )
    with tempfile.TemporaryDirectory(prefix="envhooks-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        key = base64.b64encode(entry.key.blob).decode()
        (folder / "allowed").write_text(f'signer namespaces="{namespace}" {entry.key.type} {key}\n', "ascii")
        (folder / "sig").write_bytes(_armored(signature.blob))
        revoked: list[str] = []
        if signers.revoked.krl is not None:
            (folder / "krl").write_bytes(signers.revoked.krl)
            revoked = ["-r", str(folder / "krl")]
        time = at.astimezone(timezone.utc).strftime("%Y%m%d%H%M%S")
        command = [program, "-Y", "verify", "-n", namespace, f"-Overify-time={time}", *revoked,
                   "-f", str(folder / "allowed"), "-I", "signer", "-s", str(folder / "sig")]  # fmt: skip
        if run(command, message, clean_environment(name)):
            why = "the signature does not fit: the statement or the signature was changed"
            if revoked:
                why += f", or {FOLDER}/revoked_keys revokes the key"
            raise Refused(why, **about)


def _armored(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    lines = b"\n".join(text[at : at + 70] for at in range(0, len(text), 70))
    return b"%s\n%s\n%s\n" % (_BEGIN, lines, _END)


def sign_message(
    message: bytes, key: str, namespace: str, environ: Mapping[str, str] = os.environ, *, asks: bool = False
) -> bytes:
    """The SSHSIG over a message. `key` is a file, private or public (then an agent signs), or the public key itself.

    With `asks` ssh-keygen may ask for a passphrase on the terminal.

    Raises:
        CannotJudge: ssh-keygen is not there, or does not sign.
    """
    program = find_program("ssh-keygen", environ)
    if program is None:
        raise CannotJudge(
            "ssh-keygen was not found, and it signs the record", fix="apt-get install openssh-client"
        )
    with tempfile.TemporaryDirectory(prefix="envhooks-", ignore_cleanup_errors=True) as folder:
        file, more = str(Path(key).expanduser()), []
        if key.startswith(("key::", "ssh-", "ecdsa-", "sk-")):
            file, more = f"{folder}/key.pub", ["-U"]
            Path(file).write_text(key.removeprefix("key::") + "\n", "utf-8")
        silent = {} if asks else {"SSH_ASKPASS_REQUIRE": "never", "SSH_ASKPASS": ""}
        try:
            done = subprocess.run(
                [program, "-q", "-Y", "sign", "-n", namespace, *more, "-f", file],
                input=message,
                capture_output=True,
                env={**environ, **silent, "LC_ALL": "C"},
                start_new_session=not asks,
                timeout=None if asks else TIME_LIMIT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotJudge(f"ssh-keygen does not sign: {printable(str(error), 200)}") from None
    lines = done.stdout.split(b"\n")
    if done.returncode or lines[0] != _BEGIN:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise CannotJudge(
            f"ssh-keygen does not sign the record: {printable(said, 200)}", place=printable(key, 120)
        )
    try:
        return decode_base64(lines[1 : lines.index(_END)])
    except (ArmorError, ValueError):
        raise CannotJudge("ssh-keygen wrote no signature") from None
