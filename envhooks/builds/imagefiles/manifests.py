"""Manifests: from an index or a manifest to the images of each platform, their configuration and their layers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from envhooks.base.dataclass import dataclass
from envhooks.builds.imagefiles.layers import Layer, Source, new_hash
from envhooks.builds.imagefiles.limits import MAX_DOCUMENT, MAX_LAYERS, MAX_MANIFESTS, Unreadable, shown

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_MAX_DEPTH = 4
_DOCUMENT = (
    "mediaType",
    "schemaVersion",
    "config",
    "layers",
    "manifests",
    "os",
    "architecture",
    "variant",
    "rootfs",
)
_DESCRIPTOR = ("mediaType", "digest", "size", "platform", "artifactType", "annotations")
_PLATFORM = ("os", "architecture", "variant")
_SETTINGS = ("Env", "User", "Labels")
_ROOTFS = ("diff_ids",)
_REFERS = "vnd.docker.reference.type"
UNKNOWN = "unknown"
"""System of an entry that is no image: BuildKit's mark of an attestation."""
_DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"


class Blobs(Protocol):
    """Store of manifests, configurations and layers, by digest."""

    def manifest(self, digest: str) -> bytes:
        """A manifest's or index's bytes; the caller compares them with the digest."""

    def config(self, digest: str) -> bytes:
        """A configuration's bytes; the caller compares them with the digest."""

    def layer(self, digest: str) -> AbstractContextManager[Source]:
        """A layer's bytes, from their beginning; they are compared with the digest as they are read."""


@dataclass(frozen=True)
class PlatformImage:
    """The image of one platform."""

    platform: str
    """`linux/amd64`, `linux/arm64/v8`."""
    digest: str
    """Digest of its manifest; of its configuration where an archive has no manifest."""
    config: Mapping[str, Any]
    """`Env`, `Labels`, `User`, ... of its configuration."""
    layers: tuple[Layer, ...]
    configuration: str = ""
    """Digest of its configuration, which has those of the unpacked layers."""


def images(blobs: Blobs, digest: str, size: int = -1) -> tuple[PlatformImage, ...]:
    """The images that a manifest or an index names, all platforms of it.

    Args:
        blobs: where to read from.
        digest: of the manifest or index.
        size: its bytes, where that is stated.

    Raises:
        Unreadable: something is damaged, missing, or of a kind that is not an image.
    """
    found = tuple(_found(blobs, digest, size, "", [0], 0))
    if not found:
        raise Unreadable(f"{shown(digest)} names no image that could be run")
    return found


def _found(
    blobs: Blobs,
    digest: str,
    size: int,
    platform: str,
    count: list[int],
    depth: int,
    *,
    may_be_none: bool = False,
) -> Iterator[PlatformImage]:
    """The images below a manifest or index; with `may_be_none`, nothing where it is no image."""
    count[0] += 1
    if count[0] > MAX_MANIFESTS or depth > _MAX_DEPTH:
        raise Unreadable(f"the index names more than {MAX_MANIFESTS} manifests, or is nested too deeply")
    manifest = load(blobs.manifest, digest, size)
    kind = str(manifest.get("mediaType") or "")
    if "manifests" in manifest and {"config", "layers", "fsLayers"} & manifest.keys():
        # what it is would be for the registry to say (CVE-2021-41190)
        raise Unreadable(f"{shown(digest)} could be taken for an index and a manifest")
    if kind in INDEXES or (not kind and isinstance(manifest.get("manifests"), list)):
        for entry in descriptors(manifest, "manifests"):
            told = _platform(entry.get("platform"))
            if _is_run_by_nobody(entry, told):
                continue
            # an engine goes by the platform, whatever else an entry is called; without one it looks what it is
            is_loose = not told and (
                entry.get("artifactType") not in (None, *CONFIGS)
                or (isinstance(notes := entry.get("annotations"), dict) and _REFERS in notes)
            )
            where = descriptor(entry)
            yield from _found(blobs, *where, told or platform, count, depth + 1, may_be_none=is_loose)
        return
    if manifest.get("schemaVersion") == 1:
        raise Unreadable("it is of Docker's first schema, which no engine has written for years")
    config = manifest.get("config")
    if may_be_none and not (isinstance(config, dict) and config.get("mediaType") in CONFIGS):
        return
    if (kind and kind not in MANIFESTS) or not isinstance(config, dict):
        raise Unreadable(f"{shown(digest)} is {shown(kind) or 'something'} and no image")
    made = _image(blobs, digest, manifest, platform)
    if depth == 0 or made.platform.partition("/")[0] != UNKNOWN:
        yield made


def _is_run_by_nobody(entry: Mapping[str, Any], platform: str) -> bool:
    """Whether no engine takes an entry for an image: BuildKit's platform for what is about another entry, or no type.

    An annotation or an artifact type does not keep an engine from it.
    """
    if platform:
        return platform.partition("/")[0] == UNKNOWN
    return entry.get("mediaType") not in (*INDEXES, *MANIFESTS, None)


def _image(blobs: Blobs, digest: str, manifest: Mapping[str, Any], platform: str) -> PlatformImage:
    kind = manifest["config"].get("mediaType")
    if kind not in CONFIGS:
        raise Unreadable(f"{shown(digest)} holds {shown(kind)} and no image")
    config = load(blobs.config, *descriptor(manifest["config"]))
    entries = descriptors(manifest, "layers")
    if len(entries) > MAX_LAYERS:
        raise Unreadable(f"the image has {len(entries)} layers, more than {MAX_LAYERS}")
    stored = [descriptor(entry) for entry in entries]
    unpacked = diff_ids(config, len(stored))

    def layer(number: int) -> Layer:
        name = stored[number][0]
        return Layer(lambda: blobs.layer(name), name, unpacked[number])

    layers = tuple(layer(number) for number in range(len(stored)))
    own = _platform(config)
    if platform and own and platform.split("/")[:2] != own.split("/")[:2]:
        raise Unreadable(f"the index calls {shown(digest, 20)} {platform}, and its configuration says {own}")
    return PlatformImage(
        platform or own or UNKNOWN, digest, run_config(config), layers, manifest["config"]["digest"]
    )


def run_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """`config` of an image's configuration; empty where it has none.

    Raises:
        Unreadable: a key of it is written in two ways.
    """
    found = config.get("config")
    if not isinstance(found, dict):
        return {}
    refuse_spellings(found, _SETTINGS)
    return found


def diff_ids(config: Mapping[str, Any], count: int) -> tuple[str, ...]:
    """The digests of the unpacked layers, as a configuration states them.

    Raises:
        Unreadable: it states another number of layers than there are.
    """
    rootfs = config.get("rootfs")
    refuse_spellings(rootfs if isinstance(rootfs, dict) else {}, _ROOTFS)
    listed = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(listed, list) or len(listed) != count:
        raise Unreadable("the configuration and the manifest tell of different layers")
    return tuple(str(one) for one in listed)


def load(read: Callable[[str], bytes], digest: str, size: int) -> dict[str, Any]:
    """A JSON document, compared with its digest.

    Raises:
        Unreadable: it is too large, not the one that the digest names, or no JSON object.
    """
    if size > MAX_DOCUMENT:
        raise Unreadable(f"{shown(digest)} has {size} bytes, more than a manifest can have")
    data = read(digest)
    made = new_hash(digest)
    made.update(data)
    if made.hexdigest() != digest.partition(":")[2]:
        raise Unreadable(f"the bytes are not those of {shown(digest)}")
    return document(data, digest)


def document(data: bytes, name: str) -> dict[str, Any]:
    """A manifest, an index or a configuration, whose keys everybody reads alike.

    Raises:
        Unreadable: it is none of them.
    """
    found = parse(data, name)
    refuse_spellings(found, _DOCUMENT)
    return found


def parse(data: bytes, name: str) -> dict[str, Any]:
    """A JSON object, in which no key stands twice: Go merges the values, where Python takes the last.

    Raises:
        Unreadable: it is not one.
    """
    try:
        found = json.loads(data, object_pairs_hook=lambda pairs: _once(pairs, name))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unreadable(f"{shown(name)} is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key in found if sum(key == other for other, _ in pairs) > 1)
        raise Unreadable(f"`{shown(twice, 40)}` stands twice in {shown(name)}")
    return found


def refuse_spellings(found: Mapping[str, Any], names: Collection[str]) -> None:
    """Refuse another spelling of these keys: engines are written in Go, which takes `Layers` for `layers`.

    Raises:
        Unreadable: there is one.
    """
    folded = {name.casefold() for name in names}
    for key in found:
        if key not in names and key.casefold() in folded:
            raise Unreadable(f"`{shown(key, 40)}` is another spelling of a key that engines read")


def digest_of(data: bytes) -> str:
    """`sha256:...` of some bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptors(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The entries of a list in a manifest.

    Raises:
        Unreadable: it is none.
    """
    found = document.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(f"`{key}` of a manifest is no list of descriptors")
    return found


def descriptor(entry: Mapping[str, Any]) -> tuple[str, int]:
    """(digest, bytes) of a descriptor.

    Raises:
        Unreadable: it states no digest that can be checked, or no size.
    """
    refuse_spellings(entry, _DESCRIPTOR)
    digest, size = entry.get("digest"), entry.get("size")
    if not isinstance(digest, str) or not re.fullmatch(_DIGEST, digest):
        raise Unreadable(f"a descriptor has no digest that can be checked: {shown(digest)}")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise Unreadable(f"a descriptor has no size: {shown(digest)}")
    return digest, size


def _platform(value: object) -> str:
    """`linux/amd64` of a platform object or of a configuration; empty where it states none."""
    if not isinstance(value, dict):
        return ""
    refuse_spellings(value, _PLATFORM)
    words = [value.get(key) for key in _PLATFORM]
    if not all(word is None or isinstance(word, str) for word in words) or not words[0] or not words[1]:
        return ""
    return shown("/".join(word for word in words if word), 100)
