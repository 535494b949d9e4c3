"""Layers of an image read as streams: unpacked, laid over each other, and checked against their digests.

Nothing is written to disk, and a layer is gone through once from its beginning to its end.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any, Protocol, cast

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.run import Step, no_step
from envhooks.builds.imagefiles.headers import Member
from envhooks.builds.imagefiles.limits import MAX_LAYERS, Limits, Unreadable, shown
from envhooks.builds.imagefiles.tree import OPAQUE, WHITEOUT, Tree, split

_CHUNK = 1 << 18
_ZSTD_WINDOW = 1 << 27
"""Bytes that a zstd stream may refer back: what the reference decoder takes by default."""
_ZSTD_HINT = "pip install 'envhooks[zstd]'"


class Source(Protocol):
    """A stream of bytes, read from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; fewer only at the end or where no more are there yet, none at the end."""


@dataclass(frozen=True)
class Layer:
    """One layer of an image, lowest first in a list of them."""

    open: Callable[[], AbstractContextManager[Source]]
    """The layer as it is stored: packed, or a plain archive."""
    digest: str
    """`sha256:...` of the stored bytes; empty where none is stated."""
    unpacked: str
    """`sha256:...` of the archive in it; empty where none is stated."""


Keep = Callable[[str], "int | None"]
"""Path without a leading slash -> bytes to keep of such a file; None for nothing of it."""


def read_layers(layers: Sequence[Layer], keep: Keep, limits: Limits, step: Step = no_step) -> Tree:
    """The file tree that the layers make.

    Raises:
        Unreadable: a layer that is damaged, packed in an unknown way, too large, or not of the stated digest.
    """
    if len(layers) > MAX_LAYERS:
        raise Unreadable(f"the image has {len(layers)} layers, more than {MAX_LAYERS}")
    tree = Tree(limits)
    for number, layer in enumerate(layers, 1):
        step("layers read", number - 1, len(layers))
        tree.begin_layer()
        try:
            with layer.open() as source:
                _read_layer(layer, source, tree, keep, limits)
        except (tarfile.TarError, zlib.error, ValueError, EOFError, OSError) as error:
            raise Unreadable(f"layer {number} of {len(layers)} cannot be read: {shown(error, 200)}") from None
        except CannotJudge as error:
            where = f"layer {number} of {len(layers)}: "
            raise Unreadable(where + error.message.removeprefix(where), fix=error.fix) from None
    return tree


def _read_layer(layer: Layer, source: Source, tree: Tree, keep: Keep, limits: Limits) -> None:
    # the time is looked at with every piece that comes in, as a packed one may unpack to nothing for long
    stored = _Counted(source, layer.digest, "the bytes", lambda count: limits.look())
    # an engine that has a layer of the stated unpacked digest takes its own, whatever is stored beside it
    archive = _Counted(unpack(stored), layer.unpacked, "unpacked, the bytes", limits.read)
    for member, content in members(archive):
        limits.entry()
        _apply(member, content, tree, keep)
    # behind the end mark an archive may be filled up; all of it counts for the digest
    for counted in (archive, stored):
        while counted.read(_CHUNK):
            pass
        counted.check()


class _Counted:
    """A source that is hashed and counted as it is read."""

    def __init__(self, source: Source, digest: str, what: str, count: Callable[[int], None]) -> None:
        self._source = source
        self._digest = digest
        self._what = what
        self._hash = new_hash(digest)
        self._count = count
        self.size = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self.size += len(data)
        if self._hash is not None:
            self._hash.update(data)
        self._count(len(data))
        return data

    def check(self) -> None:
        if self._hash is not None and self._hash.hexdigest() != self._digest.partition(":")[2]:
            raise Unreadable(f"{self._what} are not those of {shown(self._digest)}")


def new_hash(digest: str) -> Any:
    """A hash object for a digest's algorithm; None for no digest.

    Raises:
        Unreadable: another algorithm than those that the image specification registers.
    """
    if not digest:
        return None
    match = re.fullmatch(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", digest)
    if match is None:
        raise Unreadable(f"{shown(digest)} is no digest that can be checked")
    return hashlib.new(digest.partition(":")[0])


# ------------------------------------------------------------------------------------ unpacking


def unpack(source: Source) -> Source:
    """The archive in a layer, recognised by its first bytes and not by its media type.

    Raises:
        Unreadable: packed in a way that cannot be read here.
    """
    head = b""
    while len(head) < 512 and (data := source.read(512 - len(head))):
        head += data
    joined = _Joined(head, source)
    if head[:2] == b"\x1f\x8b":
        return _Gzip(joined)
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[:1] in b"PQRSTUVWXYZ[\\]^_"):
        return _zstd(joined)
    if not head or head[257:262] == b"ustar" or not head.strip(b"\0"):
        return joined
    raise Unreadable(f"it is packed in a way that is not known, beginning with {head[:4].hex()}")


class _Joined:
    """The first bytes, and then the rest."""

    def __init__(self, head: bytes, rest: Source) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._rest.read(size)


class _Gzip:
    """Gzip of any number of members, as estargz writes them: one for each file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pending = b""
        self._member: Any = None

    def read(self, size: int, /) -> bytes:
        while True:
            packed = self._pending or self._source.read(_CHUNK)
            self._pending = b""
            if not packed and self._member is None:
                return b""
            if self._member is None:
                packed = packed.lstrip(b"\0")  # some writers fill up the last block
                if not packed:
                    continue
                self._member = zlib.decompressobj(31)
            elif not packed:
                data = self._member.decompress(b"", size)
                if not data:
                    raise Unreadable("it ends in the middle")
                return bytes(data)
            data = self._member.decompress(packed, size)
            self._pending = self._member.unconsumed_tail
            if self._member.eof:
                self._pending = self._member.unused_data
                self._member = None
            if data:
                return bytes(data)


def _zstd(source: Source) -> Source:
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]  # Python 3.14
    except ImportError:
        pass
    else:
        return _Errors(cast(Source, zstd.ZstdFile(_File(source), "rb")), zstd.ZstdError)
    try:
        import zstandard
    except ImportError:
        raise Unreadable("it is packed with zstd, which this Python cannot read", fix=_ZSTD_HINT) from None
    opened = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(
        cast("IO[bytes]", _File(source)), read_across_frames=True
    )
    return _Errors(opened, zstandard.ZstdError)


class _Errors:
    """A source whose library has an error of its own."""

    def __init__(self, source: Source, error: type[Exception]) -> None:
        self._source = source
        self._error = error

    def read(self, size: int, /) -> bytes:
        try:
            return self._source.read(size)
        except self._error as error:
            raise Unreadable(f"it is damaged: {shown(error, 200)}") from None


class _File(io.RawIOBase):
    """A source as the file object that a library wants."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(_CHUNK if size < 0 else size)

    def readinto(self, buffer: Any, /) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


# ------------------------------------------------------------------------------------ the archive


class _Forward:
    """A file object that only goes forward, as tarfile uses one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def read(self, size: int) -> bytes:
        parts, left = [], size
        while left > 0 and (data := self._source.read(min(left, _CHUNK))):
            parts.append(data)
            left -= len(data)
        self._at += size - left
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def tell(self) -> int:
        return self._at

    def seek(self, position: int, whence: int = 0) -> int:
        if whence or position < self._at:
            raise Unreadable("it points backwards")
        while self._at < position:
            data = self._source.read(min(position - self._at, _CHUNK))
            if not data:
                raise Unreadable("it ends in the middle of a file")
            self._at += len(data)
        return self._at


def members(source: Source) -> Iterator[tuple[tarfile.TarInfo, Callable[[int], bytes]]]:
    """Each header, and a way to read the beginning of its content before the next one is asked for.

    `TarFile.next` takes a damaged header for the end of the archive; an engine does not.
    """
    stream = _Forward(source)
    archive = tarfile.TarFile(fileobj=io.BytesIO(bytes(tarfile.RECORDSIZE)), tarinfo=Member)
    archive.fileobj = cast("IO[bytes]", stream)
    archive.offset = 0
    while True:
        stream.seek(archive.offset)
        try:
            member = Member.fromtarfile(archive)
        except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
            return  # with an end mark or without: Go's reader takes both
        except RecursionError:
            raise Unreadable("it has too many extended headers in a row") from None
        yield member, lambda size, left=member.size: stream.read(min(size, left))  # type: ignore[misc]


def _apply(member: tarfile.TarInfo, content: Callable[[int], bytes], tree: Tree, keep: Keep) -> None:
    parts = split(member.name)
    name = parts[-1] if parts else ""
    if name.startswith(WHITEOUT):
        if name[len(WHITEOUT) :] in ("", ".", ".."):
            raise Unreadable("a whiteout names nothing that could be hidden")
        if name == OPAQUE:
            tree.hide(parts[:-1], inside=True)
        elif not name.startswith(".wh..wh."):  # aufs's own bookkeeping
            tree.hide((*parts[:-1], name[len(WHITEOUT) :]), inside=False)
    elif member.isdir():
        tree.put_folder(parts)
    elif member.issym():
        tree.put_link(parts, member.linkname)
    elif member.islnk():
        _apply_hard_link(member, parts, tree, keep)
    elif member.isreg():
        limit = keep("/".join(parts))
        if limit is None:
            tree.put_other(parts)
        else:
            data = content(limit)
            if len(data) < min(limit, member.size):
                raise Unreadable("it ends in the middle of a file")
            tree.put_file(parts, data)
    else:
        tree.put_other(parts)


def _apply_hard_link(member: tarfile.TarInfo, parts: tuple[str, ...], tree: Tree, keep: Keep) -> None:
    """A second name of a file that came before, in this layer or a lower one."""
    target = tree.at("/" + "/".join(split(member.linkname)), follow=False)
    if target is not None and target.link is not None:
        tree.put_link(parts, target.link)
    elif keep("/".join(parts)) is None:
        tree.put_other(parts)
    else:
        tree.put_file(parts, target.data if target is not None and target.is_file else None)
