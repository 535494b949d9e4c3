"""Headers of a layer's archive, where every reader reads them alike.

Engines read layers with Go's `archive/tar`, and this is Python's `tarfile`. Where a header means one file to the one
and another file to the other, an image could show one environment here and run another. Such a header is refused:
engines write none.
"""

from __future__ import annotations

import tarfile
from typing import Any

from envhooks.builds.imagefiles.limits import Unreadable

_MAX_HEADER = 1 << 20
"""Bytes of one extended header: the longest paths and attributes fit many times."""
_MAX_GLOBAL = 64
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_GNU = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_EXTENDED = (*_PAX, *_GNU, tarfile.XGLTYPE)
_MEANING = ("path", "linkpath", "size")
"""Keys of PAX that say which file it is, and where the next header is."""


class Member(tarfile.TarInfo):
    """A header whose extension is bounded, as tarfile reads it into memory whole, and that has one meaning."""

    is_old = False
    """Whether its type is that of V7, where a slash at the end of the name makes a folder of a file."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Any:
        """The header in 512 bytes; Unreadable where its name depends on the reader."""
        found = super().frombuf(buf, encoding, errors)
        data = bytes(buf)
        # Go takes a prefix from POSIX headers only; tarfile takes it from GNU's as well, which has times there
        is_posix = data[257:263] == b"ustar\0" and data[508:512] != b"tar\0"
        if not is_posix and found.type not in (*_GNU, tarfile.GNUTYPE_SPARSE) and data[345:500].strip(b"\0"):
            raise Unreadable("the name in a header is written in a way that readers take for different names")
        found.is_old = data[156:157] == tarfile.AREGTYPE
        return found

    def _proc_member(self, archive: Any) -> Any:
        if self.type in _EXTENDED and not 0 <= self.size <= _MAX_HEADER:
            raise Unreadable("an extended header is larger than 1 MiB")
        if self.size < 0:
            raise Unreadable("a file has a negative size")
        if len(archive.pax_headers) > _MAX_GLOBAL:
            raise Unreadable("it has too many global headers")
        if any(key in _MEANING or key.startswith("GNU.sparse.") for key in archive.pax_headers):
            raise Unreadable(
                "a global header names or measures the files behind it, which engines do not heed"
            )
        archive.extended = self._extended(getattr(archive, "extended", ()))
        return super()._proc_member(archive)  # type: ignore[misc]

    def _extended(self, before: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """The extended headers that the next header gets, this one included; none behind a file's own header."""
        if self.type not in _EXTENDED:
            if before and self.is_old:
                raise Unreadable("an extended header belongs to one of the oldest form")
            return ()
        if self.type == tarfile.XGLTYPE:
            if before:
                raise Unreadable("a global header stands between a file and its extended header")
            return ()
        kind = tarfile.XHDTYPE if self.type in _PAX else self.type
        if kind in before or (before and tarfile.XHDTYPE in (kind, *before)):
            raise Unreadable("it has extended headers in a row that say the same of one file")
        return (*before, kind)

    def _apply_pax_info(self, headers: Any, encoding: str, errors: str) -> None:
        if any(headers.get(key) == "" for key in _MEANING):
            raise Unreadable("an extended header has an empty name or size, which readers take differently")
        super()._apply_pax_info(headers, encoding, errors)  # type: ignore[misc]

    def _proc_sparse(self, *arguments: Any) -> Any:
        raise Unreadable("it has a sparse file, which no engine writes into a layer")

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _proc_sparse
