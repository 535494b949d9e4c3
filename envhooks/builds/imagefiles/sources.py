"""Sources of an image: a folder in the OCI layout, an archive of `docker save`, or a registry.

`oci:DIR[:NAME]`, `oci-archive:FILE[:NAME]` and `docker-archive:FILE[:NAME]` are skopeo's and podman's words.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from envhooks.base.errors import CannotJudge, UsageError
from envhooks.builds.imagefiles.headers import Member
from envhooks.builds.imagefiles.layers import Layer, Source, unpack
from envhooks.builds.imagefiles.limits import MAX_DOCUMENT, MAX_UNPACKED, Unreadable, shown
from envhooks.builds.imagefiles.manifests import (
    PlatformImage,
    descriptor,
    descriptors,
    diff_ids,
    digest_of,
    document,
    images,
    parse,
    refuse_spellings,
    run_config,
)
from envhooks.builds.registry import Registry
from envhooks.builds.registry import parse as parse_reference

SCHEMES = ("oci", "oci-archive", "docker-archive")
_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"
_MAX_FILES = 20_000
_CHUNK = 1 << 20


@contextmanager
def open_images(text: str) -> Iterator[tuple[str, tuple[PlatformImage, ...]]]:
    """(digest or empty, images of all platforms) of a local image; its files stay open as long as the block runs.

    Raises:
        UsageError: there is no such file, or it holds several images and none was named.
        Unreadable: it is damaged, or no image.
    """
    scheme, _, rest = text.partition(":")
    path, name = _path_and_name(rest)
    with ExitStack() as stack:
        files: _Files = _Folder(path) if scheme == "oci" else stack.enter_context(_archive(path))
        if scheme != "oci" and files.has("index.json") and files.has("manifest.json"):
            _refuse_two_minds(files)
        if scheme == "docker-archive" or (scheme == "oci-archive" and not files.has("index.json")):
            yield _docker_archive(files, path, name)
        else:
            yield _layout(files, path, name)


def is_local(text: str) -> bool:
    """Whether an image's name says that it is a file or a folder here."""
    return text.partition(":")[0] in SCHEMES and ":" in text


def _path_and_name(rest: str) -> tuple[Path, str]:
    """`DIR:NAME`; where there is a file of the whole text, that is meant."""
    if not rest:
        raise UsageError("this names no file", fix="envhooks verify oci:FOLDER TAG")
    if Path(rest).exists():
        return Path(rest), ""
    for match in re.finditer("[:@]", rest):
        if Path(rest[: match.start()]).exists():
            return Path(rest[: match.start()]), rest[match.end() :]
    raise UsageError("there is no such file or folder", place=shown(rest, 300))


class _Files(Protocol):
    """Files of a layout, in a folder or an archive."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A regular file."""


class _Folder:
    """A folder: files in it, never through a link that leads out."""

    def __init__(self, top: Path) -> None:
        self._top = top

    def has(self, name: str) -> bool:
        return (self._top / name).is_file()

    def open(self, name: str) -> IO[bytes]:
        path = self._top / name
        try:
            if not path.resolve().is_relative_to(self._top.resolve()):
                raise Unreadable(f"{shown(name)} leads out of the folder")
            return _regular(path, name)
        except OSError as error:
            raise Unreadable(f"{shown(name)} cannot be read: {shown(error.strerror)}") from None


def _regular(path: Path, name: object) -> IO[bytes]:
    """A file that ends: a pipe that nobody writes to would be waited for, and a device fills the disk."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Unreadable(f"{shown(name)} is no regular file")
    return os.fdopen(handle, "rb")


class _Archive:
    """An archive of files; links in it are followed by name, as old `docker save` has them."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members: dict[str, tarfile.TarInfo] = {}
        while (member := archive.next()) is not None:
            if len(self._members) >= _MAX_FILES:
                raise Unreadable(f"the archive has more than {_MAX_FILES} files")
            name = posixpath.normpath(member.name).lstrip("/")
            if not member.isdir():
                if name in self._members:
                    # skopeo and podman take the first one, and docker, which unpacks all of it, the last
                    raise Unreadable(f"{shown(name)} stands twice in the archive")
                self._members[name] = member

    def has(self, name: str) -> bool:
        return self._member(name) is not None

    def _member(self, name: str) -> tarfile.TarInfo | None:
        for _ in range(8):
            member = self._members.get(posixpath.normpath(name))
            if member is None or member.isreg():
                return member
            if member.issym():
                name = posixpath.join(posixpath.dirname(name), member.linkname)
            elif member.islnk():
                name = member.linkname
            else:
                return None
        return None

    def open(self, name: str) -> IO[bytes]:
        member = self._member(name)
        found = None if member is None else self._archive.extractfile(member)
        if found is None:
            raise Unreadable(f"{shown(name)} is missing in the archive")
        return found


@contextmanager
def _archive(path: Path) -> Iterator[_Archive]:
    """An archive, packed or not; a packed one is unpacked into a temporary file, as it is not read in order."""
    try:
        with ExitStack() as stack:
            file = stack.enter_context(_regular(path, path))
            if file.read(512)[257:262] != b"ustar":
                file.seek(0)
                file = stack.enter_context(_unpacked(file))
            file.seek(0)
            with tarfile.TarFile(fileobj=file, tarinfo=Member) as archive:
                yield _Archive(archive)
    except (tarfile.TarError, OSError) as error:
        raise Unreadable(f"{shown(path)} cannot be read: {shown(error, 200)}") from None


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as copy:
        source, size = unpack(file), 0
        while data := source.read(_CHUNK):
            size += len(data)
            if size > MAX_UNPACKED:
                raise Unreadable(f"the archive unpacks to more than {MAX_UNPACKED >> 30} GiB")
            copy.write(data)
        yield copy


def _small(files: _Files, name: str) -> bytes:
    with files.open(name) as file:
        data = file.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise Unreadable(f"{shown(name)} has more than {MAX_DOCUMENT >> 20} MiB")
    return data


# ------------------------------------------------------------------------------------ a registry


@contextmanager
def open_registry(
    text: str, environ: Mapping[str, str], *, tls_verify: bool = True
) -> Iterator[tuple[str, tuple[PlatformImage, ...]]]:
    """(digest, images of all platforms) of an image in a registry; layers are read as they come.

    Raises:
        CannotJudge: it is not a reference, or the registry has no such image, or does not answer.
        Unreadable: it is not an image.
    """
    reference = parse_reference(text)
    registry = Registry(reference, environ, tls_verify=tls_verify)
    asked = reference.digest or reference.tag or "latest"
    digest = registry.head(asked)
    if digest is None:
        raise CannotJudge("the registry has no such image", place=shown(text, 300))
    yield digest, images(_RegistryBlobs(registry), digest)


class _RegistryBlobs:
    """Manifests and blobs of one repository."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def manifest(self, digest: str) -> bytes:
        found = self._registry.manifest(digest)
        if found is None:
            raise Unreadable(f"the registry has no manifest {shown(digest)}")
        return found.body

    def config(self, digest: str) -> bytes:
        return self._registry.blob(digest, MAX_DOCUMENT)

    def layer(self, digest: str) -> AbstractContextManager[Source]:
        return self._registry.open_blob(digest)


# ------------------------------------------------------------------------------------ the OCI layout


class _LayoutBlobs:
    """Blobs of a layout: `blobs/ALGORITHM/HEX`."""

    def __init__(self, files: _Files) -> None:
        self._files = files

    def manifest(self, digest: str) -> bytes:
        return _small(self._files, _blob(digest))

    config = manifest

    def layer(self, digest: str) -> AbstractContextManager[Source]:
        return self._files.open(_blob(digest))


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _layout(files: _Files, path: Path, name: str) -> tuple[str, tuple[PlatformImage, ...]]:
    if not files.has("index.json"):
        raise UsageError("this is no OCI layout: it has no index.json", place=shown(path, 300))
    index = parse(_small(files, "index.json"), "index.json")
    entries = descriptors(index, "manifests")
    chosen = [one for one in entries if not name or name in _names(one)]
    if len(chosen) != 1:
        known = ", ".join(shown(names[0]) for one in entries if (names := _names(one))) or "none has a name"
        what = f"no image {shown(name)}" if not chosen and name else f"{len(chosen)} images"
        raise UsageError(
            f"there is {what} in it: {known}", place=shown(path, 300), fix=f"oci:{shown(path)}:NAME"
        )
    digest, size = descriptor(chosen[0])
    return digest, images(_LayoutBlobs(files), digest, size)


def _names(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """All by which an entry can be called: its annotations, and its digest."""
    annotations = entry.get("annotations")
    table = annotations if isinstance(annotations, dict) else {}
    found = [table[key] for key in (_NAME, _CONTAINERD_NAME) if isinstance(table.get(key), str)]
    return (*found, str(entry.get("digest")))


# ------------------------------------------------------------------------------------ docker save


def _docker_archive(files: _Files, path: Path, name: str) -> tuple[str, tuple[PlatformImage, ...]]:
    if not files.has("manifest.json"):
        raise UsageError(
            "this is no archive of `docker save`: it has no manifest.json", place=shown(path, 300)
        )
    entries = _saved(files)
    chosen = [one for one in entries if not name or name in _tags(one)]
    if len(chosen) != 1:
        known = [shown(tag) for one in entries for tag in _tags(one)]
        what = f"no image {shown(name)}" if not chosen and name else f"{len(chosen)} images"
        fix = f"docker-archive:{shown(path)}:NAME"
        raise UsageError(
            f"there is {what} in it: {', '.join(known) or 'none'}", place=shown(path, 300), fix=fix
        )
    refuse_spellings(chosen[0], _SAVED)
    config_name, names = chosen[0].get("Config"), chosen[0].get("Layers")
    if not isinstance(config_name, str) or not isinstance(names, list):
        raise Unreadable("manifest.json names no configuration or no layers")
    data = _small(files, config_name)
    config = document(data, config_name)
    unpacked = diff_ids(config, len(names))
    digest = digest_of(data)

    def layer(number: int) -> Layer:
        file = str(names[number])
        # no digest of the stored bytes is stated here, so the unpacked ones are compared
        return Layer(lambda: files.open(file), "", unpacked[number])

    layers = tuple(layer(number) for number in range(len(names)))
    words = [config.get(key) for key in ("os", "architecture")]
    platform = "/".join(word for word in words if isinstance(word, str)) or "unknown"
    return "", (PlatformImage(shown(platform, 100), digest, run_config(config), layers),)


def _refuse_two_minds(files: _Files) -> None:
    """Refuse an archive whose two lists of contents name other images: docker loads it by the one or the other.

    Since Docker 25 `docker save` writes both.

    Raises:
        Unreadable: an image stands in one of them alone, or under another name.
    """
    blobs = _LayoutBlobs(files)
    index = parse(_small(files, "index.json"), "index.json")
    told: dict[str, set[str]] = {}
    for entry in descriptors(index, "manifests"):
        found = {one.configuration for one in images(blobs, *descriptor(entry))}
        for name in _names(entry):
            told.setdefault(_whole(name), set()).update(found)
    anything = set[str]().union(*told.values())
    for entry in _saved(files):
        refuse_spellings(entry, _SAVED)
        config = digest_of(_small(files, str(entry.get("Config"))))
        own = [told[name] for name in map(_whole, _tags(entry)) if name in told]
        if config not in anything or any(config not in one for one in own):
            raise Unreadable("its index.json and its manifest.json tell of different images")


def _whole(name: str) -> str:
    """The name of an image with its registry: `team/image:2.8` is Docker Hub's."""
    try:
        return str(parse_reference(name))
    except CannotJudge:
        return name


_SAVED = ("Config", "Layers", "RepoTags")


def _saved(files: _Files) -> list[dict[str, Any]]:
    """The entries of manifest.json."""
    listed = parse(b'{"images": %s}' % _small(files, "manifest.json"), "manifest.json")["images"]
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _tags(entry: Mapping[str, Any]) -> list[str]:
    """The names of an image in an archive."""
    found = entry.get("RepoTags")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
