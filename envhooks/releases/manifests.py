"""Images that Kubernetes manifests name: documents of YAML or JSON, as `helm` and `kustomize` print them.

Where a resource may name an image differs by kind, and every operator adds kinds. A gate that knew the kinds would let
the next one pass: what counts is the key, wherever it stands, and every text that is an image with its digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from envhooks.base.dataclass import dataclass
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.image.requirements.yamlnodes import Node, Scalar, YamlError, read_documents
from envhooks.releases.manifest_texts import (
    images_in,
    is_image_option,
    is_reference,
    says_where,
    without_scheme,
)

MAX_BYTES = 16 << 20
"""Bytes of manifests that are read at once."""
MAX_DOCUMENTS = 2_000
MAX_IMAGES = 2_000
MAX_DEPTH = 100
"""Levels of a document: schemas of a custom resource that holds a pod have some 40."""
MAX_VISITS = 2_000_000
"""Values of one document with what its aliases stand for: 50 lines of aliases of aliases stand for 2**50."""

# `image`, `sidecarImage`, `runtime_image`, and several: `initImages`
_KEY = re.compile(r"(?ai:images?)|.*(?:[a-z0-9]Images?|[_.-](?ai:images?))")
# what these name is an image of a container in most kinds, and of a machine in some
_OTHER_KEY = re.compile(r"(?ai:.*image[_-]?(?:name|ref|reference|uri|url|id))")
_REPOSITORY_KEY = re.compile(r"(?ai:(.*image)[._-]?(?:repository|repo))")
# an operator starts what such a variable of its own names; `IMAGE_SIZE` and the like say no image
_VARIABLE = re.compile(r"(?:\w+_)?IMAGE(?:_(?:NAME|REF|REFERENCE|URI|URL))?|RELATED_IMAGE_\w+")
_SUM = re.compile(r"[0-9a-f]{64}")

_ELSEWHERE = {
    ("helm.toolkit.fluxcd.io", "HelmRelease"): "a chart",
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): "a folder of a repository",
    ("helm.cattle.io", "HelmChart"): "a chart",
    ("argoproj.io", "Application"): "a folder or chart of a repository",
    ("argoproj.io", "ApplicationSet"): "folders or charts of a repository",
}
"""Group and kind of a resource -> what it has a controller deploy, none of whose images stand in it."""


@dataclass(frozen=True)
class ImageUse:
    """One place in which a manifest names an image."""

    reference: str
    """As it is written; empty where the key `image` has no text."""
    line: int
    """Counts from 1, over all documents."""
    resource: str
    """Kind and name: `Deployment/train`; empty where the document states none."""
    why: str = ""
    """Why no image can be told here: the resource has others deployed, which it does not state."""


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
    """A compose file or kustomization that takes in others: the images that it does name would pass for all.

    Raises:
        CannotJudge: a service names no image, or the file takes in others.
    """
    if not isinstance(node, dict):
        return
    if _is_kustomization(node):
        fix = "give it what `kustomize build .` prints, where each resource has its image"
        raise CannotJudge("a kustomization takes in other files, whose images are not here", fix=fix)
    services = node.get("services") if "apiVersion" not in node else None
    if not isinstance(services, dict):
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


def _is_kustomization(node: Mapping[str, Node]) -> bool:
    """Whether it is the file of kustomize, of which kind and version may be left out."""
    if _group(node) == "kustomize.config.k8s.io":
        return True
    lists = ("resources", "bases", "components")
    return "apiVersion" not in node and any(isinstance(node.get(key), list) for key in lists)


def _group(node: Mapping[str, Node]) -> str:
    return _text(node, "apiVersion").partition("/")[0]


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
            yield from _made(images_in(node.text), node, resource)
        elif isinstance(node, list):
            for before, item in zip((None, *node), node, strict=False):
                yield from _made(_after_option(before, item), item, resource)
                yield from self.uses(item, resource, depth + 1)
        else:
            yield from self._of_mapping(node, resource, depth)

    def _of_mapping(self, node: dict[str, Node], resource: str, depth: int) -> Iterator[ImageUse]:
        if "kind" in node and "apiVersion" in node:
            resource = _resource(node)
            deployed = _ELSEWHERE.get((_group(node), _text(node, "kind")))
            if deployed and isinstance(node["kind"], Scalar):
                why = f"it has {deployed} deployed, whose images are not here: render that, and judge it too"
                yield ImageUse("", node["kind"].line, resource, why)
        is_prose = _group(node) == "apiextensions.k8s.io" and "items" not in node
        yield from _made(_of_variable(node), node.get("value"), resource)
        yield from _made(_of_repository(node), _first(node), resource)
        beside = _Beside(node)
        for key, value in node.items():
            taken = _under(key, value, beside)
            if taken is not None:
                yield from _made(taken, value, resource)
            elif _KEY.fullmatch(key) and not isinstance(value, Scalar):
                yield from self._under_image(value, node, resource, depth)
            elif (
                not is_prose
            ):  # a definition of resources starts nothing: examples in its descriptions are prose
                yield from self.uses(value, resource, depth + 1)

    def _under_image(
        self, value: Node, beside: Mapping[str, Node], resource: str, depth: int
    ) -> Iterator[ImageUse]:
        """What stands under a key for an image and is no text: its parts, or several of them."""
        if isinstance(value, list):
            for item in value:
                yield from _made(_replaced(item), _first(item), resource)
                if _replaced(item) is None or isinstance(item, dict):
                    yield from self.uses(item, resource, depth + 1)
            return
        assert isinstance(value, dict)
        joined = _joined(value, beside)
        yield from _made(joined, _first(value), resource)
        for key, one in value.items():
            if isinstance(one, Scalar) and joined is None and says_where(without_scheme(one.text.strip())):
                yield from _made(without_scheme(one.text.strip()), one, resource)
            elif key not in _PARTS:
                yield from self.uses({key: one}, resource, depth + 1)


_PARTS = frozenset(("registry", "repository", "name", "tag", "digest", "reference"))


def _made(references: str | Sequence[str] | None, at: Node | None, resource: str) -> Iterator[ImageUse]:
    if references is None or not isinstance(at, Scalar):
        return
    for reference in (references,) if isinstance(references, str) else references:
        yield ImageUse(reference, at.line, resource)


def _first(node: Node) -> Node:
    """The first text of a mapping, for its line."""
    if isinstance(node, dict):
        return next((one for one in node.values() if isinstance(one, Scalar)), node)
    return node


def _under(key: str, value: Node, beside: _Beside) -> str | Sequence[str] | None:
    """The images that the text under a key names; None where it is no text."""
    if not isinstance(value, Scalar):
        return None
    text = value.text.strip()
    if key.casefold() == "image":
        return _with_parts(key, text, beside)
    if _KEY.fullmatch(key):
        # `disableImage: true`
        is_word = text.casefold() in ("true", "false", "yes", "no") or text.isdigit()
        is_one = text and not is_word and is_reference(text)
        return _with_parts(key, text, beside) if is_one else images_in(text)
    if _OTHER_KEY.fullmatch(key):
        text = without_scheme(text)
        return text if says_where(text) else ()
    repository = _REPOSITORY_KEY.fullmatch(key)
    if repository is not None and is_reference(text):
        found = _with_parts(repository[1], text, beside)
        return found if "/" in text or found != text else ()
    return images_in(text)


def _with_parts(key: str, text: str, beside: _Beside) -> str | Sequence[str]:
    """An image with what stands beside it: `repository: nvcr.io/nvidia`, `image: driver`, `version: 550.1`.

    Two images where a version may be its tag or that of something else.
    """
    repository, plain_sum = _text(beside.node, "repository"), _text(beside.node, "sha")
    tag, digest, version = (
        beside.own(key, part) or _text(beside.node, part) for part in ("tag", "digest", "version")
    )
    if not digest and _SUM.fullmatch(plain_sum):
        digest = f"sha256:{plain_sum}"
    if not text or "@" in text:
        return text
    if ":" in text.rpartition("/")[2]:
        return _whole(text, "", digest)
    if repository and "/" not in text:
        return _whole(f"{repository.rstrip('/')}/{text}", tag or version, digest)
    if version and not tag and not digest and is_reference(f"{text}:{version}"):
        return (f"{text}:{version}", text)
    return _whole(text, tag, digest)


class _Beside:
    """The mapping in which an image stands, asked for its parts: a key has them under names of its own."""

    def __init__(self, node: Mapping[str, Node]) -> None:
        self.node = node

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        return {_letters(key): key for key in self.node}

    def own(self, key: str, part: str) -> str:
        """The text of a part that is named after a key: `sidecarImageTag`, `sidecar_image_tag`, `image.tag`."""
        found = self._keys.get(_letters(key) + part)
        return _text(self.node, found) if found is not None else ""


def _letters(key: str) -> str:
    return re.sub(r"[._-]", "", key).casefold()


def _joined(node: Mapping[str, Node], beside: Mapping[str, Node] | None = None) -> str | None:
    """The image of a mapping under `image`, as charts and volumes have it; None where it names none.

    Args:
        node: the mapping.
        beside: the one in which it stands, which has the tag in some: `image: {repository: x}`, `tag: y`.
    """
    if _text(node, "reference"):
        return _text(node, "reference")
    tag, digest = (_text(node, key) or _text(beside or {}, key) for key in ("tag", "digest"))
    name = _text(node, "repository")
    if not name and (tag or digest or "/" in _text(node, "name")):
        name = _text(node, "name")
    if not name:
        return None
    registry = _text(node, "registry")
    whole = f"{registry.rstrip('/')}/{name}" if registry else name
    return whole if "@" in whole or ":" in whole.rpartition("/")[2] else _whole(whole, tag, digest)


def _whole(name: str, tag: str, digest: str) -> str:
    if tag.startswith(("sha256:", "sha512:")):
        tag, digest = "", digest or tag
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def _replaced(item: Node) -> str | None:
    """The image that an item of `images` puts in place, as kustomize has it: `newName`, `newTag`; or `old=new:tag`."""
    if isinstance(item, Scalar):
        text = item.text.strip().rpartition("=")[2]
        return text if says_where(text) else None
    if not isinstance(item, dict):
        return None
    tag, digest = _text(item, "newTag"), _text(item, "digest")
    name = _text(item, "newName") or (_text(item, "name") if tag or digest else "")
    return _whole(name, "" if digest else tag, digest) if name else None


def _of_variable(node: Mapping[str, Node]) -> str | None:
    """The image that an environment variable of a container names."""
    text = _text(node, "value") if set(node) == {"name", "value"} else ""
    is_named = _VARIABLE.fullmatch(_text(node, "name"))
    return text if is_named and says_where(text) and text not in images_in(text) else None


def _of_repository(node: Mapping[str, Node]) -> str | None:
    """The image of `repository` with `tag` or `digest` under any key, as values of charts have it: `sidecar:`."""
    has_parts = _text(node, "repository") and (_text(node, "tag") or _text(node, "digest"))
    text = _joined(node) if has_parts and "image" not in node else None
    return text if text is not None and is_reference(text) else None


def _after_option(before: Node | None, item: Node) -> str | None:
    """The image that follows an option: `[--sidecar-image, busybox:1.36]`."""
    if not isinstance(before, Scalar) or not isinstance(item, Scalar) or images_in(item.text):
        return None
    return item.text if is_image_option(before.text) and is_reference(item.text) else None


def _text(node: Mapping[str, Node], key: str) -> str:
    """The text under a key; empty where there is none.

    Raises:
        CannotJudge: it is a tag that YAML takes for another number: `2.10` is 2.1 to it.
    """
    found = node.get(key)
    if not isinstance(found, Scalar):
        return ""
    if found.text and not found.is_as_written and _letters(key).endswith(("tag", "version")):
        text = f"`{printable(key, 60)}: {printable(found.text, 60)}` is a number or date to YAML; put it in quotes"
        raise CannotJudge(text, place=f"line {found.line}")
    return found.text.strip()
