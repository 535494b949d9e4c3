"""SHA-1, SHA-256 and the rest of SHA-2 from the interpreter itself.

`hashlib` loads OpenSSL for them, a twentieth of a door's time. The standard library's own `random` goes the same
way; an interpreter that was built without these modules has them from `hashlib`.
"""

from __future__ import annotations

from collections.abc import Callable

from envhooks.typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hashlib import sha1, sha224, sha256, sha384, sha512
else:
    try:
        from _sha1 import sha1
    except ImportError:
        from hashlib import sha1
    try:  # Python 3.12 and newer
        from _sha2 import sha224, sha256, sha384, sha512
    except ImportError:
        try:
            from _sha256 import sha224, sha256
            from _sha512 import sha384, sha512
        except ImportError:
            from hashlib import sha224, sha256, sha384, sha512


class Digest(Protocol):
    """What all of them give."""

    def digest(self) -> bytes:
        """The digest's bytes."""

    def hexdigest(self) -> str:
        """The digest in lower-case hexadecimal digits."""


_SHA: dict[str, Callable[[bytes], Digest]] = {
    "sha1": sha1,
    "sha224": sha224,
    "sha256": sha256,
    "sha384": sha384,
    "sha512": sha512,
}

__all__ = ["Digest", "new", "sha1", "sha224", "sha256", "sha384", "sha512"]


def new(name: str, data: bytes) -> Digest:
    """The digest of `data` by the name that `hashlib.new` takes.

    Raises:
        ValueError: nothing has this name.
    """
    if name in _SHA:
        return _SHA[name](data)
    import hashlib

    return hashlib.new(name, data)
