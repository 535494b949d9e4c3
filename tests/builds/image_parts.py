"""Images written layer by layer, as engines write them: layouts and archives in every way of packing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"
Entry = tuple[str, "bytes | str | None"]
"""(path, bytes of a file | target of a link | None for a folder)."""

METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\nSummary: x\n\nName: other\n"


def layer(*entries: Entry, links: Mapping[str, str] | None = None) -> bytes:
    """A layer's archive; `links` are hard links, path -> path."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in entries:
            info = tarfile.TarInfo(path)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
        for path, target in (links or {}).items():
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.LNKTYPE, target
            archive.addfile(info)
    return made.getvalue()


def dist(site: str, name: str, version: str) -> Entry:
    """An installed distribution."""
    info = f"{site}/{name.replace('-', '_')}-{version}.dist-info/METADATA"
    return info, METADATA.format(name, version).encode()


def torch(site: str, version: str = "2.8.0+cu128", cuda: str | None = "12.8") -> tuple[Entry, ...]:
    """torch as its wheel leaves it behind."""
    text = f"from typing import Optional\n__version__ = {version!r}\ncuda: Optional[str] = {cuda!r}\nhip = None\n"
    return dist(site, "torch", version), (f"{site}/torch/version.py", text.encode())


SITE = "usr/local/lib/python3.11/site-packages"
PYTHON: tuple[Entry, ...] = (
    ("usr/local/bin/python3.11", b"\x7fELF"),
    ("usr/local/bin/python3", "python3.11"),
    ("usr/local/bin/python", "python3"),
)
ENV = ("PATH=/usr/local/bin:/usr/bin:/bin", "PYTHON_VERSION=3.11.9")


def digest(data: bytes) -> str:
    """`sha256:...`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def pack(data: bytes, how: str) -> bytes:
    """A layer packed with gzip, in two members of it, with zstd, or not at all."""
    if how == "gzip":
        return gzip.compress(data, 1)
    if how == "members":
        half = len(data) // 2
        return gzip.compress(data[:half], 1) + gzip.compress(data[half:], 1)
    if how == "zstd":
        import zstandard

        return zstandard.ZstdCompressor().compress(data)
    return data


class Layout:
    """A folder in the OCI layout."""

    def __init__(self, folder: Path) -> None:
        """Make it."""
        self.folder = folder
        (folder / "blobs/sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.entries: list[dict[str, Any]] = []

    def blob(self, data: bytes, kind: str) -> dict[str, Any]:
        """Store a blob; its descriptor."""
        name = digest(data)
        (self.folder / "blobs/sha256" / name.partition(":")[2]).write_bytes(data)
        return {"mediaType": kind, "digest": name, "size": len(data)}

    def image(
        self,
        *layers: bytes,
        how: str = "gzip",
        env: Sequence[str] = ENV,
        docker: bool = False,
        platform: str = "linux/amd64",
        **config: Any,
    ) -> dict[str, Any]:
        """Store an image; the descriptor of its manifest."""
        system, _, cpu = platform.partition("/")
        written = {
            "os": system,
            "architecture": cpu,
            "config": {"Env": list(env), **config},
            "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
        }
        kinds = {"gzip": "tar+gzip", "members": "tar+gzip", "zstd": "tar+zstd", "plain": "tar"}
        kind = f"{DOCKER}.image.rootfs.diff.tar.gzip" if docker else f"{OCI}.layer.v1.{kinds[how]}"
        kind_of_manifest = f"{DOCKER}.distribution.manifest.v2+json" if docker else f"{OCI}.manifest.v1+json"
        kind_of_config = f"{DOCKER}.container.image.v1+json" if docker else f"{OCI}.config.v1+json"
        manifest = {
            "schemaVersion": 2,
            "mediaType": kind_of_manifest,
            "config": self.blob(json.dumps(written).encode(), kind_of_config),
            "layers": [self.blob(pack(one, how), kind) for one in layers],
        }
        found = self.blob(json.dumps(manifest).encode(), kind_of_manifest)
        return {**found, "platform": {"os": system, "architecture": cpu}}

    def index(self, *entries: dict[str, Any], docker: bool = False) -> dict[str, Any]:
        """Store an index of images; its descriptor."""
        kind = f"{DOCKER}.distribution.manifest.list.v2+json" if docker else f"{OCI}.index.v1+json"
        document = {"schemaVersion": 2, "mediaType": kind, "manifests": list(entries)}
        return self.blob(json.dumps(document).encode(), kind)

    def publish(self, entry: dict[str, Any], name: str = "") -> str:
        """Put an entry into index.json; the layout's name for `envhooks verify`."""
        if name:
            entry = {**entry, "annotations": {"org.opencontainers.image.ref.name": name}}
        self.entries.append(entry)
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.entries}))
        return f"oci:{self.folder}{f':{name}' if name else ''}"


def docker_archive(file: Path, *layers: bytes, env: Sequence[str] = ENV, tag: str = "team/image:2.8") -> str:
    """An archive of `docker save` as it was before Docker 25, a layer that is there twice being a link."""
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {"Env": list(env)},
            "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
        }
    ).encode()
    entries: list[Entry] = [("config.json", config)]
    names, seen = [], dict[bytes, str]()
    for number, one in enumerate(layers):
        name = f"{number}/layer.tar"
        entries.append((name, f"../{seen[one]}" if one in seen else one))
        seen.setdefault(one, name)
        names.append(name)
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": names}]
    entries.append(("manifest.json", json.dumps(manifest).encode()))
    file.write_bytes(layer(*entries))
    return f"docker-archive:{file}"
