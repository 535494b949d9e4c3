"""All that verdicts depend on beside the tag itself and the time, as one digest."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import envhooks
from envhooks.git import Git, find_git
from envhooks.law import Standpoint
from envhooks.signatures.programs import find_program

_FORMAT = 1
"""Counts up where what is kept is written otherwise."""
_PROGRAMS = ("gpgv", "gpg", "ssh-keygen")
_LIBRARIES = ("cryptography", "packaging", "pysequoia", "tomli")


def context(git: Git, standpoint: Standpoint, check_ids: Iterable[str]) -> str:
    """The digest of the law, of where it stands, of the checks, and of the programs that judge."""
    law = standpoint.law
    return _digest(
        _FORMAT,
        envhooks.__version__,
        [*_package()],
        [*_judges()],
        sys.version,
        git.oid_length,
        git.is_shallow,
        standpoint.door.value,
        standpoint.branch,
        standpoint.remote,
        sorted(standpoint.fetched),
        [branch.name for branch in standpoint.mains],
        standpoint.mains_fix,
        law.where,
        law.tree,
        law.policy.origin,
        {path: hashlib.sha256(data).hexdigest() for path, data in sorted(law.signer_files.items())},
        sorted(check_ids),
    )


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _package() -> Iterator[tuple[str, int, int]]:
    """Every file of this package, the table of published facts too: a version alone does not tell a checkout."""
    top = Path(envhooks.__file__).parent
    for file in sorted(top.rglob("*")):
        if file.suffix != ".pyc" and file.is_file():
            about = file.stat()
            yield file.relative_to(top).as_posix(), about.st_size, about.st_mtime_ns


def _judges() -> Iterator[tuple[str, str, int, int]]:
    """The programs and libraries that verdicts are made with: another one may say otherwise."""
    files = {name: find_program(name) for name in _PROGRAMS} | {"git": find_git()}
    for name in _LIBRARIES:
        spec = find_spec(name)
        files[name] = spec.origin if spec is not None else None
    for name, file in sorted(files.items()):
        if file is not None and Path(file).exists():
            about = Path(file).stat()
            yield name, file, about.st_size, about.st_mtime_ns
