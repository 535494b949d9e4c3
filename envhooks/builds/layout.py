"""OCI image layouts (image-spec, image-layout.md): an image on disk, and from there into a registry without a name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TextIO

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds.registry import Manifest, Registry
from envhooks.builds.registry.client import INDEXES, Descriptor, digest_of
from envhooks.builds.registry.reference import DIGEST

MAX_MANIFEST = 4 << 20
MAX_DEPTH = 3


def root(folder: Path) -> Manifest:
    """The one image of a layout: a manifest, or an index of platforms.

    Raises:
        CannotJudge: it is not a layout, or holds no image or several.
    """
    index = _json(folder / "index.json")
    found = index.get("manifests")
    if not isinstance(found, list) or len(found) != 1:
        raise CannotJudge("the image layout does not hold one image", place=printable(str(folder)))
    return read(folder, Descriptor.read(found[0]))


def read(folder: Path, wanted: Descriptor) -> Manifest:
    """A manifest of a layout, verified by its digest.

    Raises:
        CannotJudge: it is not there, or is another one.
    """
    body = _bytes(blob(folder, wanted.digest))
    if digest_of(body, wanted.digest) != wanted.digest:
        raise CannotJudge(f"a file of the image layout is not {wanted.digest}", place=printable(str(folder)))
    return Manifest(wanted.digest, wanted.media_type, body)


def blob(folder: Path, digest: str) -> Path:
    """Path of a blob in a layout."""
    if not re.fullmatch(DIGEST, digest):
        raise CannotJudge(f"`{printable(digest, 100)}` is no digest", place=printable(str(folder)))
    return folder.joinpath("blobs", *digest.split(":"))


def push(folder: Path, registry: Registry, log: TextIO) -> Manifest:
    """Send an image into a registry, with all that it names and without a tag; what is there is not sent again.

    Raises:
        CannotJudge: the layout is not whole, or the registry does not take it.
    """
    top = root(folder)
    _push(folder, registry, top, log, MAX_DEPTH)
    return top


def _push(folder: Path, registry: Registry, manifest: Manifest, log: TextIO, depth: int) -> None:
    if depth == 0:
        raise CannotJudge("the image layout nests indexes too deep", place=printable(str(folder)))
    for part in manifest.parts("manifests") if manifest.media_type in INDEXES else ():
        _push(folder, registry, read(folder, part), log, depth - 1)
    config = manifest.config
    for part in (*((config,) if config else ()), *manifest.parts("layers")):
        file = blob(folder, part.digest)
        if (
            not file.is_file()
            and part.media_type.find("foreign") < 0
            and "nondistributable" not in part.media_type
        ):
            raise CannotJudge(f"the image layout lacks {part.digest}", place=printable(str(folder)))
        if file.is_file():
            log.write(f"{part.digest}: {file.stat().st_size} bytes\n")
            registry.put_blob(file, part.digest)
    registry.put_manifest(manifest.digest, manifest.body, manifest.media_type)


def _json(file: Path) -> dict[str, object]:
    try:
        found = json.loads(_bytes(file))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CannotJudge("a file of the image layout is no JSON object", place=printable(str(file)))
    return found


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            found = stream.read(MAX_MANIFEST + 1)
    except OSError as error:
        raise CannotJudge(
            f"the image layout cannot be read: {error.strerror}", place=printable(str(file))
        ) from None
    if len(found) > MAX_MANIFEST:
        raise CannotJudge(f"a manifest of more than {MAX_MANIFEST} bytes", place=printable(str(file)))
    return found
