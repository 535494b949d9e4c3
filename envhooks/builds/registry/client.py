"""One repository in a registry: manifests, blobs, tags and referrers, each verified by its digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from envhooks.base.dataclass import dataclass, field
from envhooks.base.hygiene import printable
from envhooks.builds.registry import transport
from envhooks.builds.registry.errors import RegistryError
from envhooks.builds.registry.reference import DIGEST, TAG, Reference, parse
from envhooks.builds.web import json_object

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES = (OCI_INDEX, DOCKER_INDEX)
_ACCEPT = ", ".join((OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX))
MAX_PAGES = 200
"""Pages of tags or referrers that are read."""
MAX_BLOB = 8 << 20
"""Bytes of a blob that is read into memory; a configuration is some kilobytes."""


@dataclass(frozen=True)
class Descriptor:
    """A descriptor in a manifest (image-spec, descriptor.md)."""

    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, raw: object) -> Descriptor:
        """A descriptor out of JSON.

        Raises:
            RegistryError: it is not a descriptor.
        """
        found = raw if isinstance(raw, dict) else {}
        digest, size = found.get("digest"), found.get("size")
        if not (isinstance(digest, str) and re.fullmatch(DIGEST, digest)):
            raise RegistryError(f"a descriptor without a digest: {printable(json.dumps(raw), 100)}")
        if isinstance(size, bool) or not isinstance(size, int) or size < 0:
            raise RegistryError(f"a descriptor without a size: {digest}")
        annotations, platform = found.get("annotations"), found.get("platform")
        return cls(
            str(found.get("mediaType", "")),
            digest,
            size,
            str(found.get("artifactType", "")),
            texts(annotations),
            platform if isinstance(platform, dict) else {},
        )

    def json(self) -> dict[str, Any]:
        """The descriptor as JSON, what is empty left out."""
        raw: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        more = {
            "artifactType": self.artifact_type,
            "annotations": self.annotations,
            "platform": self.platform,
        }
        return raw | {key: dict(v) if isinstance(v, Mapping) else v for key, v in more.items() if v}


@dataclass(frozen=True)
class Manifest:
    """A manifest or an index, byte for byte."""

    digest: str
    media_type: str
    body: bytes = field(repr=False)

    @property
    def json(self) -> dict[str, Any]:
        """The parsed body; empty where it is no JSON object."""
        return json_object(self.body)

    @property
    def is_index(self) -> bool:
        """Whether it names the manifests of several platforms."""
        return self.media_type in INDEXES

    @property
    def annotations(self) -> dict[str, str]:
        """Its own annotations."""
        return texts(self.json.get("annotations"))

    @property
    def config(self) -> Descriptor | None:
        """The image's configuration; None for an index."""
        raw = self.json.get("config")
        return Descriptor.read(raw) if raw is not None else None

    def parts(self, key: str) -> tuple[Descriptor, ...]:
        """The descriptors below `manifests` or `layers`.

        Raises:
            RegistryError: what stands there is no list of descriptors.
        """
        raw = self.json.get(key, [])
        if not isinstance(raw, list) or len(raw) > 1000:
            raise RegistryError(f"`{key}` of {self.digest} is no list of at most 1000 descriptors")
        return tuple(map(Descriptor.read, raw))

    @property
    def descriptor(self) -> Descriptor:
        """Descriptor by which another manifest refers to this one."""
        return Descriptor(self.media_type, self.digest, len(self.body))


def texts(raw: object) -> dict[str, str]:
    """The pairs of a JSON object that are text."""
    return {k: v for k, v in raw.items() if isinstance(v, str)} if isinstance(raw, dict) else {}


def digest_of(data: bytes, like: str = "sha256:") -> str:
    """The digest of bytes, by the algorithm of another digest."""
    name = like.partition(":")[0]
    return f"{name}:{hashlib.new(name, data).hexdigest()}"


class Registry:
    """One repository of a registry.

    Args:
        image: its name, with or without tag and digest: `registry.example.com/team/pytorch-cuda`.
        environ: where logins and proxies are found; the process's environment where one is meant.
        tls_verify: as `tls_verify` of a build section.
        push: whether anything is going to be written.

    Every method raises RegistryUnavailable where the registry does not answer, LoginWanted where it wants
    another login, and RegistryError where its answer cannot be.
    """

    def __init__(
        self,
        image: str | Reference,
        environ: Mapping[str, str],
        *,
        tls_verify: bool = True,
        push: bool = False,
    ) -> None:
        self.image = parse(image) if isinstance(image, str) else image
        self._transport = transport.Transport(self.image, environ, tls_verify=tls_verify, push=push)

    # ----------------------------------------------------------------------------------------- manifests

    def head(self, reference: str) -> str | None:
        """The digest of the manifest under a tag or digest; None where the registry has none."""
        path = f"manifests/{self._checked(reference)}"
        answer = self._transport.request("HEAD", path, headers={"Accept": _ACCEPT}, accept=(200, 404))
        if answer.status == 404:
            return None
        digest = answer.headers.get("docker-content-digest", "")
        if re.fullmatch(DIGEST, digest):
            return digest
        found = self.manifest(reference)  # registries need not send the header
        return found.digest if found else None

    def manifest(self, reference: str) -> Manifest | None:
        """The manifest of a tag or digest, verified by its digest; None where the registry has none."""
        path = f"manifests/{self._checked(reference)}"
        answer = self._transport.request("GET", path, headers={"Accept": _ACCEPT}, accept=(200, 404))
        if answer.status == 404:
            return None
        asked = reference if re.fullmatch(DIGEST, reference) else ""
        told = asked or answer.headers.get("docker-content-digest", "")
        digest = digest_of(answer.body, told if re.fullmatch(DIGEST, told) else "sha256:")
        if re.fullmatch(DIGEST, told) and told != digest:
            raise RegistryError(
                f"{self._transport.name} answered {printable(reference)} with bytes of another digest"
            )
        kind = Manifest(digest, "", answer.body).json.get("mediaType")
        if not isinstance(kind, str):
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        return Manifest(digest, kind, answer.body)

    def put_manifest(self, reference: str, body: bytes, media_type: str) -> str:
        """Store a manifest under a tag or its digest, and answer its digest."""
        return self._put_manifest(reference, body, media_type)[0]

    def _put_manifest(self, reference: str, body: bytes, media_type: str) -> tuple[str, bool]:
        """(digest, whether the registry lists it among the referrers of its subject by itself)."""
        path = f"manifests/{self._checked(reference)}"
        headers = {"Content-Type": media_type}
        answer = self._transport.request("PUT", path, body=lambda: body, headers=headers, accept=(200, 201))
        digest = digest_of(body, reference if re.fullmatch(DIGEST, reference) else "sha256:")
        told = answer.headers.get("docker-content-digest", digest)
        if told != digest:
            raise RegistryError(f"{self._transport.name} stored {digest} as {printable(told, 100)}")
        return digest, "oci-subject" in answer.headers

    # --------------------------------------------------------------------------------------------- blobs

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has a blob."""
        path = f"blobs/{self._checked_digest(digest)}"
        return self._transport.request("HEAD", path, accept=(200, 404)).status == 200

    def blob(self, digest: str, limit: int = MAX_BLOB) -> bytes:
        """A small blob, verified by its digest.

        Raises:
            RegistryError: it is not there, longer than `limit` bytes, or of another digest.
        """
        path = f"blobs/{self._checked_digest(digest)}"
        data = self._transport.request("GET", path, limit=limit).body
        if digest_of(data, digest) != digest:
            raise RegistryError(f"{self._transport.name} answered {digest} with other bytes")
        return data

    @contextmanager
    def open_blob(self, digest: str) -> Iterator[transport.Readable]:
        """A blob as a stream that ends with a RegistryError where the bytes were not those of the digest.

        What was read counts only when the end was reached without one.
        """
        path = f"blobs/{self._checked_digest(digest)}"
        with self._transport.stream("GET", path) as (_, data):
            yield _Checked(data, digest)

    def put_blob(self, data: bytes | Path, digest: str = "") -> Descriptor:
        """Store bytes, or a file's; what the repository has already is not sent again.

        Args:
            data: the bytes, or the file that holds them.
            digest: theirs, where it is known; a file needs it.

        Returns:
            Its descriptor, without a media type.
        """
        digest = digest or digest_of(data if isinstance(data, bytes) else data.read_bytes())
        size = len(data) if isinstance(data, bytes) else data.stat().st_size
        if not self.has_blob(digest):
            answer = self._transport.request(
                "POST", "blobs/uploads/", body=lambda: b"", accept=(202,), once=True
            )
            where = self._transport.joined(answer.url, answer.headers.get("location", ""))
            where += ("&" if "?" in where else "?") + urlencode({"digest": digest})
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            self._transport.request(
                "PUT",
                where,
                body=lambda: data if isinstance(data, bytes) else data.open("rb"),
                headers=headers,
                accept=(201,),
                once=True,
            )
        return Descriptor("", digest, size)

    # ------------------------------------------------------------------------------------ what there is

    def tags(self) -> tuple[str, ...]:
        """Every tag of the repository; none where there is no such repository."""
        found: list[str] = []
        for answer in self._pages("tags/list?n=1000"):
            names = answer.json().get("tags") or []
            found += [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
        return tuple(found)

    def referrers(self, digest: str, artifact_type: str = "") -> tuple[Descriptor, ...]:
        """The manifests that name this one as their subject, by the API or its stand-in tag."""
        checked = self._checked_digest(digest)
        query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
        found: list[Descriptor] = []
        for answer in self._pages(f"referrers/{checked}{query}"):
            raw = answer.json().get("manifests")
            found += map(Descriptor.read, raw) if isinstance(raw, list) else ()
        if not found:
            index = self.manifest(fallback_tag(digest))
            found = list(index.parts("manifests")) if index is not None and index.is_index else []
        return tuple(one for one in found if not artifact_type or one.artifact_type == artifact_type)

    def attach(
        self,
        subject: Descriptor,
        artifact_type: str,
        layers: Sequence[Descriptor],
        annotations: Mapping[str, str] | None = None,
    ) -> Descriptor:
        """Store an artifact manifest that refers to `subject`; its layers are stored before.

        Where the registry keeps no list of referrers, the index under the stand-in tag is brought up to date.
        """
        empty = self.put_blob(b"{}")
        raw = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": {"mediaType": OCI_EMPTY, "digest": empty.digest, "size": 2},
            "layers": [layer.json() for layer in layers],
            "subject": Descriptor(subject.media_type, subject.digest, subject.size).json(),
            "annotations": dict(annotations or {}),
        }
        body = json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
        digest, is_listed = self._put_manifest(digest_of(body), body, OCI_MANIFEST)
        made = Descriptor(OCI_MANIFEST, digest, len(body), artifact_type, dict(annotations or {}))
        if not is_listed:
            self._list(subject.digest, made)
        return made

    def _list(self, subject: str, made: Descriptor) -> None:
        """Add to the index under the stand-in tag, as distribution-spec has it; look again for a lost race."""
        tag = fallback_tag(subject)
        for _ in range(5):
            found = self.manifest(tag)
            there = list(found.parts("manifests")) if found is not None and found.is_index else []
            if any(one.digest == made.digest for one in there):
                return
            raw = {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [one.json() for one in (*there, made)],
            }
            self.put_manifest(tag, json.dumps(raw, separators=(",", ":")).encode(), OCI_INDEX)
        raise RegistryError(f"others keep changing the list of referrers {tag}")

    def _pages(self, path: str) -> Iterator[transport.Answer]:
        """Each page of a list; none where there is no such list."""
        for _ in range(MAX_PAGES):
            answer = self._transport.request("GET", path, accept=(200, 404))
            if answer.status == 404:
                return
            yield answer
            more = re.search(r'<([^>]+)>\s*;\s*rel="?next"?', answer.headers.get("link", ""))
            if more is None:
                return
            path = self._transport.joined(answer.url, more[1])
        raise RegistryError(f"{self._transport.name} lists more than {MAX_PAGES} pages")

    # -------------------------------------------------------------------------------------------- words

    def _checked(self, reference: str) -> str:
        if not re.fullmatch(f"{TAG}|{DIGEST}", reference, re.ASCII):
            raise RegistryError(f"`{printable(reference, 100)}` is no tag and no digest of an image")
        return quote(reference, safe=":")

    def _checked_digest(self, digest: str) -> str:
        if not re.fullmatch(DIGEST, digest):
            raise RegistryError(f"`{printable(digest, 100)}` is no digest")
        return digest


def fallback_tag(digest: str) -> str:
    """The tag that lists a manifest's referrers where the registry has no API for it (distribution-spec 1.1)."""
    name, _, value = digest.partition(":")
    return f"{name}-{value[:64]}"


class _Checked:
    """A stream that is compared with a digest while it is read."""

    def __init__(self, data: transport.Readable, digest: str) -> None:
        self._data, self._digest = data, digest
        self._hash = hashlib.new(digest.partition(":")[0])

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end.

        Raises:
            RegistryError: the end is reached, and the bytes were others.
        """
        found = self._data.read(size)
        self._hash.update(found)
        if (size < 0 or (size and not found)) and self._hash.hexdigest() != self._digest.partition(":")[2]:
            raise RegistryError(f"the registry answered {self._digest} with other bytes")
        return found
