"""A folder for the files that a verifier needs, which nobody else can read and of which nothing is left.

`tempfile` makes one too; it draws its names from `random`, removes by `shutil`, and both together are a twentieth of a
door's time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_VARIABLES = ("TMPDIR", "TEMP", "TMP")
_TRIES = 10


@contextmanager
def private_folder() -> Iterator[str]:
    """The absolute path of a new folder, as long as the context lasts.

    Raises:
        OSError: none can be made.
    """
    folder = _make()
    try:
        yield folder
    finally:
        _remove(folder)


def _make() -> str:
    usual = (os.environ.get(name, "") for name in _VARIABLES)
    place = next(filter(None, usual), "/tmp")  # noqa: S108 - a new folder in it, under a name that nobody can guess
    if os.path.isabs(place):
        for _ in range(_TRIES):
            folder = os.path.join(place, f"envhooks-{os.urandom(8).hex()}")
            try:
                os.mkdir(folder, 0o700)
                return folder
            except FileExistsError:
                continue
            except OSError:
                break
    from tempfile import mkdtemp  # which knows more places, and says best why there is none

    return mkdtemp(prefix="envhooks-")


def _remove(folder: str) -> None:
    """As far as it goes: what stands in the way is no fault of the tag that was verified."""
    for path, folders, files in os.walk(folder, topdown=False):
        for name in files:
            _try(os.unlink, os.path.join(path, name))
        for name in folders:
            inside = os.path.join(path, name)
            _try(os.unlink if os.path.islink(inside) else os.rmdir, inside)
    _try(os.rmdir, folder)


def _try(action: Callable[[str], None], path: str) -> None:
    with suppress(OSError):
        action(path)


def write(path: str, data: bytes) -> None:
    """Write a whole file."""
    with open(path, "wb") as file:
        file.write(data)
