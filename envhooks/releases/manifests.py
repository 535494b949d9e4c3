"""Images that Kubernetes manifests name: documents of YAML or JSON, as `helm` and `kustomize` print them.

Where a resource may name an image differs by kind, and every operator adds kinds. A gate that knew the kinds would let
the next one pass: what counts is the key, wherever it stands, and every text that is an image with its digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds.registry.reference import parse
from envhooks.image.requirements.yamlnodes import Node, Scalar, YamlError, read_documents

MAX_BYTES = 16 << 20
"""Bytes of manifests that are read at once."""
MAX_DOCUMENTS = 2_000
MAX_IMAGES = 2_000
MAX_DEPTH = 100
"""Levels of a document: schemas of a custom resource that holds a pod have some 40."""
MAX_VISITS = 2_000_000
"""Values of one document with what its aliases stand for: 50 lines of aliases of aliases stand for 2**50."""

# `image`, `sidecarImage`, `runtime_image`
_KEY = re.compile(r"(?ai:image)|.*(?:[a-z0-9]Image|[_.-](?ai:image))")
# what these name is an image of a container in most kinds, and of a machine in some
_OTHER_KEY = re.compile(r"(?ai:.*image[_-]?(?:name|ref|reference|uri|url|id))")
_OPTION = re.compile(r"--?[A-Za-z0-9.-]*image(?:=(\S+))?")
# an operator starts what such a variable of its own names; `IMAGE_SIZE` and the like say no image
_VARIABLE = re.compile(r"(?:\w+_)?IMAGE|RELATED_IMAGE_\w+")
_SCHEME = re.compile(r"\A(?:docker-pullable|docker|oci)://")


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
    try:
        for number, node in enumerate(read_documents(text, merges=True, depth=MAX_DEPTH)):
            if number >= MAX_DOCUMENTS:
                raise CannotJudge(f"the manifests have more than {MAX_DOCUMENTS} documents")
            if isinstance(node, Scalar) and node.text:
                raise CannotJudge(
                    "the manifests cannot be read: a text stands where a resource should",
                    place=f"line {node.line}",
                )
            _refuse_unrendered(node)
            for use in _Document().uses(node, _resource(node), 0):
                found.append(use)
                if len(found) > MAX_IMAGES:
                    raise CannotJudge(f"the manifests name more than {MAX_IMAGES} images")
    except YamlError as error:
        raise CannotJudge(
            f"the manifests cannot be read: {printable(error.why)}", place=f"line {error.line}"
        ) from None
    if not found:
        raise CannotJudge("the manifests name no image: nothing was judged")
    return tuple(found)


def _refuse_unrendered(node: Node) -> None:
    """A compose file of which a service has its image elsewhere: the images that it does name would pass for all.

    Raises:
        CannotJudge: a service names none, or the file takes in others.
    """
    services = node.get("services") if isinstance(node, dict) and "apiVersion" not in node else None
    if not isinstance(node, dict) or not isinstance(services, dict):
        return
    fix = "give it what `docker compose config` prints, where each service has its image"
    if "include" in node:
        raise CannotJudge("the compose file includes others, whose images are not here", fix=fix)
    for name, service in services.items():
        if isinstance(service, dict) and "image" not in service:
            text = (
                f"the service {printable(name, 100)} names no image here: it is built, or extends another one"
            )
            raise CannotJudge(text, fix=fix)


def _resource(node: Node) -> str:
    if not isinstance(node, dict):
        return ""
    kind, metadata = node.get("kind"), node.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    texts = [one.text for one in (kind, name) if isinstance(one, Scalar) and one.text]
    return "/".join(texts)


class _Document:
    """One document, whose values are counted: an alias is the node that it names, and two of each make 2**depth."""

    def __init__(self) -> None:
        self._visits = 0

    def uses(self, node: Node, resource: str, depth: int) -> Iterator[ImageUse]:
        """The images of a node and of all below it; the items of a `List` are resources of their own."""
        self._visits += 1
        if self._visits > MAX_VISITS or depth > 2 * MAX_DEPTH:
            raise CannotJudge("the manifests cannot be read: aliases stand for too much")
        if isinstance(node, Scalar):
            yield from _made(_in_text(node.text), node, resource)
        elif isinstance(node, list):
            for before, item in zip((None, *node), node, strict=False):
                yield from _made(_after_option(before, item), item, resource)
                yield from self.uses(item, resource, depth + 1)
        else:
            own = _resource(node) if "kind" in node and "apiVersion" in node else resource
            yield from _made(_of_variable(node), node.get("value"), own)
            yield from _made(_of_repository(node), _first(node), own)
            for key, value in node.items():
                taken = _under(key, value, node)
                if taken is not None:
                    yield from _made(taken, value, own)
                elif isinstance(value, dict) and _KEY.fullmatch(key):
                    yield from _made(_joined(value), _first(value), own)
                    yield from self.uses({k: v for k, v in value.items() if k not in _PARTS}, own, depth + 1)
                elif key == "images" and isinstance(value, list):
                    for item in value:
                        yield from _made(_replaced(item), _first(item), own)
                        yield from self.uses(item, own, depth + 1)
                else:
                    yield from self.uses(value, own, depth + 1)


_PARTS = frozenset(("registry", "repository", "name", "tag", "digest", "reference"))


def _made(reference: str | None, at: Node | None, resource: str) -> Iterator[ImageUse]:
    if reference is not None and isinstance(at, Scalar):
        yield ImageUse(reference, at.line, resource)


def _first(node: Node) -> Node:
    """The first text of a mapping, for its line."""
    if isinstance(node, dict):
        return next((one for one in node.values() if isinstance(one, Scalar)), node)
    return node


def _under(key: str, value: Node, beside: Mapping[str, Node]) -> str | None:
    """The image that the text under a key names; None where it names none."""
    if not isinstance(value, Scalar):
        return None
    text = value.text.strip()
    if key.casefold() == "image":
        return _with_parts(text, beside)
    if _KEY.fullmatch(key):
        # `disableImage: true`
        is_word = text.casefold() in ("true", "false", "yes", "no") or text.isdigit()
        return text if text and not is_word and _is_reference(text) else _in_text(text)
    if _OTHER_KEY.fullmatch(key):
        text = _SCHEME.sub("", text)
        return text if _says_where(text) else None
    return _in_text(text)


def _with_parts(text: str, beside: Mapping[str, Node]) -> str:
    """An image with what stands beside it: `repository: nvcr.io/nvidia`, `image: driver`, `version: 550.1`."""
    repository, tag, digest, version = (
        _text(beside, key) for key in ("repository", "tag", "digest", "version")
    )
    if not text or "@" in text or ":" in text.rpartition("/")[2]:
        return text
    if repository and "/" not in text:
        text, tag = f"{repository.rstrip('/')}/{text}", tag or version
    return _whole(text, tag, digest)


def _joined(node: Mapping[str, Node]) -> str | None:
    """The image of a mapping under `image`, as charts and volumes have it; None where it names none."""
    if _text(node, "reference"):
        return _text(node, "reference")
    name = _text(node, "repository")
    if not name and (_text(node, "tag") or _text(node, "digest") or "/" in _text(node, "name")):
        name = _text(node, "name")
    if not name:
        return None
    registry = _text(node, "registry")
    whole = f"{registry.rstrip('/')}/{name}" if registry else name
    return _whole(whole, _text(node, "tag"), _text(node, "digest"))


def _whole(name: str, tag: str, digest: str) -> str:
    if tag.startswith(("sha256:", "sha512:")):
        tag, digest = "", digest or tag
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def _replaced(item: Node) -> str | None:
    """The image that an item of `images` puts in place, as kustomize has it: `newName`, `newTag`; or `old=new:tag`."""
    if isinstance(item, Scalar):
        text = item.text.strip().rpartition("=")[2]
        return text if _says_where(text) and not _in_text(item.text) else None
    if not isinstance(item, dict):
        return None
    tag, digest = _text(item, "newTag"), _text(item, "digest")
    name = _text(item, "newName") or (_text(item, "name") if tag or digest else "")
    return _whole(name, "" if digest else tag, digest) if name else None


def _of_variable(node: Mapping[str, Node]) -> str | None:
    """The image that an environment variable of a container names."""
    text = _text(node, "value")
    is_named = set(node) == {"name", "value"} and _VARIABLE.fullmatch(_text(node, "name"))
    return text if is_named and _says_where(text) and "@" not in text else None


def _of_repository(node: Mapping[str, Node]) -> str | None:
    """The image of `repository` with `tag` or `digest` under any key, as values of charts have it: `sidecar:`."""
    has_parts = "/" in _text(node, "repository") and (_text(node, "tag") or _text(node, "digest"))
    text = _joined(node) if has_parts and "image" not in node else None
    return text if text is not None and _is_reference(text) else None


def _after_option(before: Node | None, item: Node) -> str | None:
    """The image that follows an option: `[--sidecar-image, busybox:1.36]`."""
    if not isinstance(before, Scalar) or not isinstance(item, Scalar) or _in_text(item.text):
        return None
    is_option = _OPTION.fullmatch(before.text) and "=" not in before.text
    return item.text if is_option and _is_reference(item.text) else None


def _in_text(text: str) -> str | None:
    """The image of any other text: one with its digest, or the value of an option `--sidecar-image=`."""
    if len(text) > 1000:
        return None
    option = _OPTION.fullmatch(text)
    if option is not None and option[1]:
        return option[1] if _is_reference(option[1]) else None
    text = _SCHEME.sub("", text)
    return text if "@sha" in text and _is_reference(text) else None


def _text(node: Mapping[str, Node], key: str) -> str:
    found = node.get(key)
    return found.text.strip() if isinstance(found, Scalar) else ""


def _is_reference(text: str) -> bool:
    try:
        parse(text)
    except CannotJudge:
        return False
    return True


def _says_where(text: str) -> bool:
    """Whether a text is a reference with a tag, a digest or a host: `cat/dog` alone may be anything."""
    if not _is_reference(text) or re.fullmatch(r"sha(?:256|512):[0-9a-f]+", text):
        return False
    host, slash, _ = text.partition("/")
    return "@" in text or ":" in text or (bool(slash) and "." in host)
