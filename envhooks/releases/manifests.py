"""Images that Kubernetes manifests name: documents of YAML or JSON, as `helm` and `kustomize` print them.

Every text under a key `image` counts, wherever it stands: a gate that knew the kinds of resources would let the next
kind pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.image.requirements.yamlnodes import Node, Scalar, YamlError, read_yaml

MAX_BYTES = 16 << 20
"""Bytes of manifests that are read at once."""
MAX_DOCUMENTS = 2_000
MAX_IMAGES = 2_000
# at the first column three dashes end a document, whatever stood before
_SEPARATOR = re.compile(r"^---(?=[ \t\r]|$)", re.MULTILINE)


@dataclass(frozen=True)
class ImageUse:
    """One place in which a manifest names an image."""

    reference: str
    """As it is written; empty where the key `image` has no text."""
    line: int
    """Counts from 1, over all documents."""
    resource: str
    """Kind and name: `Deployment/train`; empty where the document states none."""


def image_uses(data: bytes) -> tuple[ImageUse, ...]:
    """The images that manifests name, in their order.

    Raises:
        CannotJudge: it is not UTF-8 or no YAML, too large, or names no image: nothing was judged then.
    """
    if len(data) > MAX_BYTES:
        raise CannotJudge(f"the manifests are over {MAX_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CannotJudge("the manifests are not UTF-8") from None
    found: list[ImageUse] = []
    for number, (offset, part) in enumerate(_documents(text)):
        if number >= MAX_DOCUMENTS:
            raise CannotJudge(f"the manifests have more than {MAX_DOCUMENTS} documents")
        try:
            node = read_yaml(part)
        except YamlError as error:
            raise CannotJudge(
                f"the manifests cannot be read: {printable(error.why)}", place=f"line {offset + error.line}"
            ) from None
        if isinstance(node, Scalar) and node.text:
            raise CannotJudge(
                "the manifests cannot be read: a text stands where a resource should",
                place=f"line {offset + 1}",
            )
        for scalar, resource in _images(node, _resource(node)):
            found.append(ImageUse(scalar.text.strip(), offset + scalar.line, resource))
            if len(found) > MAX_IMAGES:
                raise CannotJudge(f"the manifests name more than {MAX_IMAGES} images")
    if not found:
        raise CannotJudge("the manifests name no image: nothing was judged")
    return tuple(found)


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """(lines before it, text) of every document."""
    at = 0
    for match in (*_SEPARATOR.finditer(text), None):
        end = match.start() if match else len(text)
        part = text[at:end]
        if part.strip():
            yield text.count("\n", 0, at), part
        at = match.end() if match else end


def _resource(node: Node) -> str:
    if not isinstance(node, dict):
        return ""
    kind, metadata = node.get("kind"), node.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    texts = [one.text for one in (kind, name) if isinstance(one, Scalar) and one.text]
    return "/".join(texts)


def _images(node: Node, resource: str) -> Iterator[tuple[Scalar, str]]:
    """Every text under a key `image`; the items of a `List` are resources of their own."""
    if isinstance(node, list):
        for item in node:
            yield from _images(item, resource)
    elif isinstance(node, dict):
        own = _resource(node) if "kind" in node and "apiVersion" in node else resource
        for key, value in node.items():
            if key == "image" and isinstance(value, Scalar):
                yield value, own
            else:
                yield from _images(value, own)
