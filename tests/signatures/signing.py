"""Real keys and signatures: gpg, ssh-keygen and git in folders of their own, made once for all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from envhooks.signatures import Verdict
from envhooks.signatures.payload import split
from envhooks.signatures.signers import Signers, read_signers
from envhooks.signatures.verify import verify_all

NAME = "PyTorch-CUDA-v2.8-rc1"
TARGET = "1f" * 20
# keys are made while the tests run, and none of them must lie in the future
NOW = datetime.now(timezone.utc) + timedelta(hours=1)


def tag_text(
    message: str | bytes = "First candidate\n",
    *,
    name: str = NAME,
    target: str = TARGET,
    kind: str = "commit",
) -> bytes:
    """A tag object without a signature, as git writes it."""
    body = message.encode() if isinstance(message, str) else message
    head = f"object {target}\ntype {kind}\ntag {name}\ntagger Alice <alice@example.org> 1790000000 +0000\n\n"
    return head.encode() + body


class Workshop:
    """Keys by name, made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "gnupg"
        self.home.mkdir(mode=0o700)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GNUPGHOME": str(self.home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        }
        self._pgp: dict[str, str] = {}
        self._ssh: dict[str, Path] = {}

    def run(self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> bytes:
        done = subprocess.run(
            arguments, input=stdin, capture_output=True, env=self.environ, cwd=cwd or self.folder
        )
        assert done.returncode == 0, (arguments, done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def close(self) -> None:
        subprocess.run(["gpgconf", "--kill", "all"], env=self.environ, capture_output=True)

    # ------------------------------------------------------------------------------- OpenPGP

    def gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return self.run("gpg", "-q", "--batch", "--yes", "--passphrase", "", *arguments, stdin=stdin)

    def pgp(self, name: str, *options: str, algorithm: str = "ed25519", expire: str = "never") -> str:
        """The primary fingerprint of a key; it can sign."""
        if name not in self._pgp:
            user = f"{name.capitalize()} <{name}@example.org>"
            self.gpg(*options, "--quick-gen-key", user, algorithm, "sign,cert", expire)
            listed = self.gpg("--with-colons", "--list-keys", f"={user}").decode()
            line = next(line for line in listed.split("\n") if line.startswith("fpr:"))
            self._pgp[name] = line.split(":")[9]
        return self._pgp[name]

    def export(self, name: str) -> bytes:
        return self.gpg("--armor", "--export", self._pgp[name])

    def pgp_sign(self, data: bytes, key: str, *options: str) -> bytes:
        """`data` with a detached signature behind it; `key` is a name or a fingerprint with `!`."""
        user = self._pgp.get(key, key)
        return data + self.gpg(*options, "--local-user", user, "--armor", "--detach-sign", stdin=data)

    # ----------------------------------------------------------------------------------- SSH

    def ssh(self, name: str, type_: str = "ed25519", *options: str) -> Path:
        """The path of a private key."""
        if name not in self._ssh:
            path = self.folder / f"ssh-{name}"
            self.run("ssh-keygen", "-q", "-t", type_, *options, "-N", "", "-C", name, "-f", str(path))
            self._ssh[name] = path
        return self._ssh[name]

    def public(self, name: str) -> str:
        """`type base64` of a key."""
        return " ".join(Path(f"{self._ssh[name]}.pub").read_text().split()[:2])

    def ssh_sign(self, data: bytes, key: Path, namespace: str = "git") -> bytes:
        """`data` with an SSH signature behind it."""
        return data + self.run("ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, stdin=data)

    def certify(self, name: str, ca: str, label: str, *options: str) -> Path:
        """A certificate of one key by another; the path to sign with."""
        source = self._ssh[name]
        copy = self.folder / f"{source.name}-{ca}-{label}"
        shutil.copy(source, copy)
        shutil.copy(f"{source}.pub", f"{copy}.pub")
        self.run("ssh-keygen", "-q", "-s", str(self._ssh[ca]), "-I", label, *options, f"{copy}.pub")
        return Path(f"{copy}-cert.pub")


def pgp_files(workshop: Workshop, *names: str, options: str = 'namespaces="git"') -> dict[str, bytes]:
    """The policy with these OpenPGP keys."""
    files = {f"keys/{workshop.pgp(name)}.asc": workshop.export(name) for name in names}
    lines = (f"{name}@example.org {options} openpgp {workshop.pgp(name)}\n" for name in names)
    return {**files, "allowed_signers": "".join(lines).encode()}


def ssh_files(workshop: Workshop, *names: str, options: str = 'namespaces="git"') -> dict[str, bytes]:
    """The policy with these SSH keys."""
    lines = (f"{name}@example.org {options} {workshop.public(name)}\n" for name in names)
    return {"allowed_signers": "".join(lines).encode()}


def root(files: Mapping[str, bytes]) -> Signers:
    return read_signers(files, ".envhooks on origin/main")


def verdict(raw: bytes, files: Mapping[str, bytes], *, fast: bool = False, now: datetime = NOW) -> Verdict:
    """The verdict on one tag of a SHA-1 repository."""
    return verify_all([split(raw, 40)], root(files), now, fast=fast)[0]
