"""Records as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from envhooks.base.hygiene import printable
from envhooks.records.types import ImageRecord, Records, Signer, TagRecord

_SAID = {"proved": "proved", "contradicted": "contradicted", "none": "no record"}


def document(found: Iterable[Records]) -> dict[str, Any]:
    """All that is known, for programs."""
    return {"tags": [_document(one) for one in found]}


def _document(found: Records) -> dict[str, Any]:
    return {
        "tag": printable(found.tag),
        "object": found.object,
        "state": found.state,
        "yanked": printable(found.yanked) or None,
        "passed": [_passed(one) for one in found.passed],
        "images": [_image(one) for one in found.images],
        "faults": [printable(text) for text in found.faults],
        "notes": [printable(text) for text in found.notes],
    }


def _common(signer: Signer, time: datetime) -> dict[str, Any]:
    said_by = {"name": signer.name, "word": signer.word, "key": printable(signer.key)}
    return {"signer": said_by, "time": f"{time:%Y-%m-%dT%H:%M:%SZ}"}


def _passed(one: TagRecord) -> dict[str, Any]:
    return {
        **_common(one.signer, one.time),
        "commit": one.commit,
        "checks": [printable(check) for check in one.checks],
        "policy": one.policy_digest or None,
        "tag_signer": printable(one.tag_signer) or None,
        "envhooks": printable(one.version),
    }


def _image(one: ImageRecord) -> dict[str, Any]:
    return {
        **_common(one.signer, one.time),
        "reference": printable(one.reference, 2000),
        "name": printable(one.name, 2000),
        "references": [printable(text, 2000) for text in one.references],
        "digest": one.digest,
        "platforms": {printable(key): digest for key, digest in one.platforms.items()},
        "builder": printable(one.builder),
        "verified": printable(one.verified) or None,
        "bases": [{"name": printable(b.name), "digest": printable(b.digest) or None} for b in one.bases],
        "holds": {printable(key): printable(text) for key, text in one.holds.items()},
        "arguments": {printable(key): printable(text) for key, text in one.arguments.items()},
        "epoch": one.epoch,
        "policy": one.policy_digest or None,
    }


def as_text(found: Records) -> str:
    """One tag in full: the verdict, and a fault, first."""
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Records) -> Iterator[str]:
    yield f"{printable(found.tag)}: {_SAID[found.state]}{', and yanked' if found.yanked else ''}"
    if found.yanked:
        yield f"  must not be used: {printable(found.yanked)}"
    for text in found.faults:
        yield f"  error: {printable(text)}"
    for text in found.notes:
        yield f"  {printable(text)}"
    if found.state == "contradicted":
        return  # the rest of the note is not reliable
    for image in found.images:
        yield f"  image     {printable(image.reference, 2000)}"
        if image.references:
            yield f"            {printable(', '.join(image.references), 2000)}"
        for platform, digest in image.platforms.items():
            if digest != image.digest:
                yield f"            {printable(platform)} {digest}"
        yield f"            said by {_who(image.signer, image.time)}"
        how = f"built by {image.builder}" if image.builder != "by hand" else "recorded by hand"
        yield f"            {printable(how)}, {printable(image.verified) or 'what is inside was not looked at'}"
        for base in image.bases:
            digest = f"@{printable(base.digest)}" if base.digest else ", digest not known"
            yield f"  base      {printable(base.name)}{digest}"
    for one in found.passed:
        yield f"  passed    {len(one.checks)} checks, said by {_who(one.signer, one.time)}"
        policy = f"policy {one.policy_digest[:12]}" if one.policy_digest else "no policy yet"
        signer = f", tag signed by {printable(one.tag_signer)}" if one.tag_signer else ""
        yield f"            commit {one.commit[:12]}, {policy}{signer}"


def _who(signer: Signer, time: datetime) -> str:
    return f"{signer.name} ({signer.word}) at {time:%Y-%m-%d %H:%M} UTC"


def as_list(found: Iterable[Records]) -> str:
    """A line for each tag."""
    rows = []
    for one in found:
        image = one.image if one.state == "proved" else None
        said = f"{'cannot be read' if one.unread else _SAID[one.state]}{', yanked' if one.yanked else ''}"
        digest = image.digest[:19] if image else ""
        who = one.passed[0].signer.name if one.state == "proved" else ""
        when = f"{one.passed[0].time:%Y-%m-%d}" if one.state == "proved" else ""
        rows.append((printable(one.tag, 120), said, digest, who, when))
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(4)]
    text = (
        "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in text)
