"""Parsers that a push reaches, and those of files that state builds, each as a function of bytes.

Whatever the bytes, only documented errors come out.
What comes out is also printed, so that nothing a parser says can carry a control character to a terminal.
"""

from __future__ import annotations

from collections.abc import Callable

from memory_files import MemoryFiles

from envhooks import hooks
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable_block
from envhooks.changelog.drafting import changelog_for
from envhooks.git.addresses import identity, redact, redact_text
from envhooks.git.objects import GitObject, parse_commit, parse_tree
from envhooks.image.buildcommands import commands
from envhooks.image.buildfiles import BuildFile
from envhooks.image.interpreter import read_environment
from envhooks.image.makefiles import Makefile
from envhooks.image.statedbuilds import images_below
from envhooks.image.text import Unknowns
from envhooks.image.workflows import workflow_builds
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import parse_lock
from envhooks.records.dsse import EnvelopeError, decode
from envhooks.records.statement import StatementError, read_statement
from envhooks.signatures import packets, sshwire
from envhooks.signatures.packets import ArmorError, PacketError, decode_certificate
from envhooks.signatures.payload import PayloadError, split
from envhooks.signatures.signers import read_signers
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar

GRAMMAR = Grammar(DEFAULT_TAG_POLICY)
NAME = GRAMMAR.match("PyTorch-CUDA-v2.8-rc1")
CONTEXT = b"FROM nvidia/cuda:12.8.1-devel-ubuntu24.04\nWORKDIR /app\nCOPY . .\nRUN "
COMMANDS = {
    "requirements.txt": b"pip install -r requirements.txt\n",
    "environment.yml": b"conda env update -f environment.yml\n",
    "pyproject.toml": b"pip install .\n",
    "setuptools": b"pip install .\n",
    "setup.cfg": b"pip install .\n",
    "uv.lock": b"uv sync --frozen\n",
    "poetry.lock": b"poetry install\n",
    "Pipfile.lock": b"pipenv sync\n",
    "conda-lock.yml": b"conda-lock install -n a\n",
}

NAMES = {"setuptools": "setup.py"}
"""The file of a target that is not called as its file is: a folder `setup.py` would be taken for a program."""


def _file(name: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        files = {"Dockerfile": CONTEXT + COMMANDS[name], NAMES.get(name, name): data}
        return read_environment(MemoryFiles(files), "Dockerfile")

    return read


def _workflow(data: bytes) -> object:
    return workflow_builds(data.decode("utf-8", "replace"), "w.yml")


def _makefile(data: bytes) -> object:
    make = Makefile(data.decode("utf-8", "replace"), Unknowns())
    return [make.builds(target) for target in list(make.recipes)[:5]]


def _script(data: bytes) -> object:
    return commands(data.decode("utf-8", "replace"), {"V": "2.8.0"}, Unknowns())


def _planned(path: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        file = BuildFile(data, path)
        return [images_below(file, path, file.planned(name)) for name in file.names[:5]]

    return read


def _changelog(data: bytes) -> object:
    assert NAME is not None
    return changelog_for(data, "CHANGELOG.md", NAME, None)


def _address(data: bytes) -> object:
    from pathlib import Path

    url = data.decode("utf-8", "surrogateescape").replace("\0", "")
    return identity(url, Path("/nowhere")), redact(url), redact_text(url)


TARGETS: dict[str, Callable[[bytes], object]] = {
    "pre-receive": hooks.pre_receive,
    "pre-push": hooks.pre_push,
    "reference-transaction": hooks.reference_transaction,
    "tag": lambda data: split(data, 40),
    "tag of SHA-256": lambda data: split(data, 64),
    "commit": lambda data: parse_commit(GitObject("0" * 40, "commit", len(data), data)),
    "tree": lambda data: list(parse_tree(data, 20)),
    "packets": lambda data: [packet.tag for packet in packets.read_packets(data)],
    "ssh signature": sshwire.read_signature,
    "certificate": decode_certificate,
    "allowed_signers": lambda data: read_signers({"allowed_signers": data}, ".envhooks"),
    "revoked_keys": lambda data: read_signers({"allowed_signers": b"", "revoked_keys": data}, ".envhooks"),
    "tags.lock": lambda data: parse_lock(data, ".envhooks/tags.lock", 40),
    "policy.toml": lambda data: parse_policy(data, ".envhooks/policy.toml"),
    "name": lambda data: GRAMMAR.read(data.decode("utf-8", "surrogateescape")),
    "Dockerfile": lambda data: read_environment(MemoryFiles({"Dockerfile": data}), "Dockerfile"),
    "RUN": lambda data: read_environment(MemoryFiles({"Dockerfile": CONTEXT + data}), "Dockerfile"),
    "changelog": _changelog,
    "address": _address,
    "workflow": _workflow,
    "Makefile": _makefile,
    "build.sh": _script,
    "docker-bake.hcl": _planned("docker-bake.hcl"),
    "compose.yaml": _planned("compose.yaml"),
    "envelope": decode,
    "statement": read_statement,
    **{name: _file(name) for name in COMMANDS},
}
EXPECTED = (
    EnvhooksError,
    PayloadError,
    PacketError,
    ArmorError,
    sshwire.SshError,
    EnvelopeError,
    StatementError,
)


def run(target: str, data: bytes) -> None:
    """One input through one parser.

    Raises:
        Exception: anything that is not documented, and so a fault.
    """
    try:
        found = TARGETS[target](data)
    except EXPECTED as error:
        found = error
    said = printable_block(str(found))
    assert not any((ord(char) < 32 and char != "\n") or 0x7F <= ord(char) < 0xA0 for char in said)
