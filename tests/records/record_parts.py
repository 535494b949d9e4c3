"""What tests of records share: keys, a policy that names them, a tag, and statements about it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from support import GOOD_TAG, WITHOUT_HOOKS, Repo

from envhooks.base.dataclass import replace
from envhooks.base.refs import Hook
from envhooks.git import notes
from envhooks.git.repository import Git
from envhooks.policy.root import TrustRoot
from envhooks.policy.trust import trust_context
from envhooks.records import Records, read
from envhooks.records.keys import SigningKey, find_key
from envhooks.records.statement import UNSIGNED, image_statement, tag_statement
from envhooks.records.types import Base, ImageRecord, TagRecord

NOW = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
DIGEST = "sha256:" + "d" * 64
AMD64 = "sha256:" + "a" * 64
IMAGE_POLICY = '[image]\nname = "registry.example.com/team/{framework:lower}-{hardware:lower}"\n'


def make_key(folder: Path, name: str, kind: str = "p256") -> tuple[Path, str]:
    """A private key's file, and its public key in PEM."""
    private = (
        ec.generate_private_key(ec.SECP256R1()) if kind == "p256" else ed25519.Ed25519PrivateKey.generate()
    )
    file = folder / f"{name}.pem"
    file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return file, public.decode()


def verifier(name: str, public: str, more: str = "") -> str:
    return f'[[verifier]]\nname = "{name}"\nkey = """\n{public}"""\n{more}\n'


def set_policy(repo: Repo, text: str) -> None:
    repo.commit_files({".envhooks/policy.toml": text}, "Policy")
    repo.put("main")


def make_tag(repo: Repo, tag: str = GOOD_TAG) -> str:
    repo.git(*WITHOUT_HOOKS, "tag", "-s", tag, "-m", f"Release {tag}")
    return repo.git("rev-parse", f"refs/tags/{tag}")


def root_of(git: Git) -> TrustRoot:
    return trust_context(git, Hook.CHECK).root


def tag_record(repo: Repo, tag: str = GOOD_TAG, **changes: Any) -> TagRecord:
    oid = repo.git("rev-parse", f"refs/tags/{tag}")
    with Git(repo.path) as git:
        found = git.read(oid)
    assert found is not None
    record = TagRecord(
        UNSIGNED,
        NOW,
        tag,
        oid,
        hashlib.sha256(found.data).hexdigest(),
        repo.git("rev-parse", f"refs/tags/{tag}^{{commit}}"),
        ("on-main", "tag-signed"),
        repo.git("rev-parse", "origin/main:.envhooks"),
        "alice@example.org",
        "0.2.0",
    )
    return replace(record, **changes)


def image_record(**changes: Any) -> ImageRecord:
    name = "registry.example.com/team/pytorch-cuda"
    record = ImageRecord(
        UNSIGNED,
        NOW,
        name,
        (f"{name}:2.8-rc1",),
        DIGEST,
        {"linux/amd64": AMD64},
        "local",
        "registry",
        (Base("nvidia/cuda:12.8.1-devel-ubuntu24.04", "sha256:" + "b" * 64),),
        {"torch": "2.8.0"},
        "c" * 40,
        version="0.2.0",
    )
    return replace(record, **changes)


def lines(
    key: SigningKey, tag: TagRecord, image: ImageRecord | None, predicate: Any = "vsa"
) -> tuple[bytes, ...]:
    payloads = [tag_statement(tag, "git+https://example.com/team/envs@refs/tags/x", predicate)]
    if image is not None:
        payloads.append(image_statement(image, tag, "pkg:oci/pytorch-cuda", predicate))
    return tuple(key.envelope(payload).encode() for payload in payloads)


def key_of(repo: Repo, file: Path) -> SigningKey:
    with Git(repo.path) as git:
        return find_key(git, str(file), repo.environ)


def write_lines(repo: Repo, oid: str, new: tuple[bytes, ...]) -> None:
    with Git(repo.path) as git:
        notes.append(git, {oid: new}, "Record")


def write_record(
    repo: Repo, file: Path, tag: str = GOOD_TAG, *, time: datetime = NOW, predicate: Any = "vsa", **image: Any
) -> None:
    """Write onto a tag that it passed and which image is of it, signed by the key in a file."""
    passed = tag_record(repo, tag, time=time)
    both = lines(key_of(repo, file), passed, image_record(time=time, **image), predicate)
    write_lines(repo, passed.object, both)


def read_records(repo: Repo, tag: str = GOOD_TAG, now: datetime = NOW) -> Records:
    with Git(repo.path) as git:
        return read(git, root_of(git), tag, now)
