"""The file in which verdicts are kept between runs: written whole, and believed only where this user wrote it.

It lies in the git common directory, where whoever packs a repository could put one as well. So it carries a
keyed digest of all that is in it, and the key lies in the home of the person. Nothing is read from a file whose
digest is not right: it counts as none, and the next run writes another.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

NAME = "verdicts"
_KEY_BYTES = 32
_LIMIT = 256 << 20
"""Bytes of the largest file that is read: a hundred thousand tags take some 100 MB."""


def load(common_dir: Path, environ: Mapping[str, str] = os.environ) -> bytes | None:
    """What `save` wrote last; None where there is nothing, or nothing that can be believed."""
    key = _key(environ, make=False)
    data = _own_bytes(common_dir / "envhooks" / NAME, _LIMIT) if key else None
    if not key or not data:
        return None
    digest, _, contents = data.partition(b"\n")
    return contents if _digest(contents, key) == digest else None


def save(common_dir: Path, contents: bytes, environ: Mapping[str, str] = os.environ) -> None:
    """Keep `contents` in the place of what is there; where that is not possible, nothing is kept."""
    try:
        folder = common_dir / "envhooks"
        if not _is_own(common_dir):
            return  # somebody else's repository: what is written there would be in that person's way
        folder.mkdir(exist_ok=True)
        key = _key(environ, make=True)
        if key is not None:
            _replace(folder / NAME, _digest(contents, key) + b"\n" + contents)
    except OSError:
        return


def _replace(file: Path, data: bytes) -> None:
    """Write a file whole or not at all, for its owner alone."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _digest(contents: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(contents, key=key, digest_size=32).hexdigest().encode()


def _key(environ: Mapping[str, str], *, make: bool) -> bytes | None:
    """The secret of this user on this machine; None where there is none and none is to be made."""
    home = environ.get("HOME", "")
    state = Path(environ.get("XDG_STATE_HOME") or Path(home, ".local", "state"))
    if not state.is_absolute():
        return None
    file = state / "envhooks" / "verdicts.key"
    key = _own_bytes(file, _KEY_BYTES)
    if key is None and make:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(file, os.urandom(_KEY_BYTES))
        key = _own_bytes(file, _KEY_BYTES)
    return key if key is not None and len(key) == _KEY_BYTES else None


def _own_bytes(file: Path, limit: int) -> bytes | None:
    """The bytes of a file that belongs to this user and that nobody else may read or write."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            about = os.fstat(stream.fileno())
            private = stat.S_ISREG(about.st_mode) and not about.st_mode & 0o077
            if not private or about.st_uid != os.geteuid() or about.st_size > limit:
                return None
            return stream.read(limit)
    except OSError:
        return None


def _is_own(folder: Path) -> bool:
    return folder.stat().st_uid == os.geteuid()
