"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(file: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file, or replace it: a reader sees what was there or what is new, and never a half.

    Args:
        file: in a folder that is there. A link is replaced, and not written through.
        data: what it holds then.
        mode: its permissions; by default those that it has, and 0644 for a new one.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    if mode is None:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        temporary.chmod(mode)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
