"""Images as their registry shows them, and the record beside an image as an OCI referrer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from envhooks.base.dataclass import dataclass, field
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable
from envhooks.builds.registry import (
    Descriptor,
    LoginWanted,
    Manifest,
    Reference,
    Registry,
    RegistryError,
    parse,
)
from envhooks.records.dsse import MAX_ENVELOPE, decode

ENVELOPE = "application/vnd.dsse.envelope.v1+json"
"""Media type of a DSSE envelope."""
KIND = "application/vnd.envhooks.record.v1+json"
"""Artifact type of the referrer that holds a record."""
_SHA256 = r"sha256:[0-9a-f]{64}"
MAX_REFERRERS = 100


@dataclass(frozen=True)
class Seen:
    """An image, as the registry shows it by its digest."""

    reference: Reference
    digest: str
    media_type: str
    size: int
    platforms: Mapping[str, str]
    """Platform -> digest of its manifest."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of the first platform's configuration: claims."""


def reference_of(text: str) -> Reference:
    """A reference with a digest.

    Raises:
        UsageError: it has none, or is not a reference at all.
    """
    try:
        found = parse(text)
    except CannotJudge as error:
        raise UsageError(error.message, fix="--image registry.example.com/team/name:2.8@sha256:...") from None
    if not re.fullmatch(_SHA256, found.digest):
        raise UsageError(
            f"`{printable(text, 200)}` has no digest, and only a digest says which image is meant",
            fix=f"--image {printable(found.name)}{':' + found.tag if found.tag else ''}@sha256:...",
        )
    return found


def look(reference: Reference, environ: Mapping[str, str], *, tls_verify: bool = True) -> Seen:
    """The image of a reference with digest; nothing of its layers is read.

    Raises:
        CannotJudge: the registry does not answer, or does not have it.
    """
    registry = Registry(reference, environ, tls_verify=tls_verify)
    manifest = registry.manifest(reference.digest)
    if manifest is None:
        raise CannotJudge("the registry does not have this image", place=printable(str(reference)))
    platforms: dict[str, str] = {}
    first = manifest
    if manifest.is_index:
        parts = [part for part in manifest.parts("manifests") if _platform(part.platform)]
        platforms = {_platform(part.platform): part.digest for part in parts}
        found = registry.manifest(parts[0].digest) if parts else None
        if found is None:
            raise CannotJudge("the index names no image of any platform", place=printable(str(reference)))
        first = found
    config = _config(registry, first)
    if not manifest.is_index and _platform(config):
        platforms = {_platform(config): manifest.digest}
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    texts = labels.items() if isinstance(labels, dict) else ()
    return Seen(
        reference,
        manifest.digest,
        manifest.media_type,
        len(manifest.body),
        platforms,
        {key: value for key, value in texts if isinstance(value, str)},
    )


def _config(registry: Registry, manifest: Manifest) -> dict[str, object]:
    descriptor = manifest.config
    if descriptor is None:
        return {}
    try:
        loaded = json.loads(registry.blob(descriptor.digest))
    except (ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _platform(raw: Mapping[str, object]) -> str:
    """`linux/arm64/v8`; empty for what is not an image (an attestation has `unknown/unknown`), or says nothing."""
    parts = [raw.get("os"), raw.get("architecture"), raw.get("variant") or None]
    words = [part for part in parts if isinstance(part, str) and re.fullmatch("[A-Za-z0-9._-]{1,40}", part)]
    return "/".join(words) if len(words) >= 2 and "unknown" not in words else ""


def attach(
    seen: Seen, envelopes: Iterable[bytes], environ: Mapping[str, str], *, tls_verify: bool = True
) -> str:
    """Store a record beside its image; answers the referrer's digest.

    Raises:
        CannotJudge: the registry does not take it.
    """
    registry = Registry(seen.reference, environ, tls_verify=tls_verify, push=True)
    layers = []
    for envelope in envelopes:
        stored = registry.put_blob(envelope)
        predicate = json.loads(decode(envelope).payload)["predicateType"]
        layers.append(
            Descriptor(
                ENVELOPE, stored.digest, stored.size, annotations={"in-toto.io/predicate-type": predicate}
            )
        )
    subject = Descriptor(seen.media_type, seen.digest, seen.size)
    return registry.attach(subject, KIND, layers).digest


def attached(
    reference: Reference, environ: Mapping[str, str], *, tls_verify: bool = True
) -> tuple[bytes, ...]:
    """The envelopes that stand beside an image; believed no more than the lines of a note.

    Raises:
        CannotJudge: the registry does not answer.
    """
    registry = Registry(reference, environ, tls_verify=tls_verify)
    found: list[bytes] = []
    for one in registry.referrers(reference.digest, KIND)[:MAX_REFERRERS]:
        for layer in _layers(registry, one.digest):
            if layer.media_type != ENVELOPE or layer.size > MAX_ENVELOPE:
                continue
            try:
                found.append(registry.blob(layer.digest, MAX_ENVELOPE).rstrip(b"\n"))
            except RegistryError:
                continue
    return tuple(dict.fromkeys(found))


def _layers(registry: Registry, digest: str) -> tuple[Descriptor, ...]:
    """The layers of a referrer; none of a damaged one, which anybody who may push could put beside the others."""
    try:
        manifest = registry.manifest(digest)
        return manifest.parts("layers") if manifest is not None else ()
    except LoginWanted:
        raise
    except RegistryError:
        return ()
