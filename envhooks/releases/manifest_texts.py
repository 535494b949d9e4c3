"""Images in the texts of manifests that stand below no key for an image: options, settings, scripts."""

from __future__ import annotations

import re

from envhooks.base.errors import CannotJudge
from envhooks.builds.registry.reference import parse

_OPTION = re.compile(r"--?(?:[A-Za-z0-9._-]*[a-z0-9]Image|[A-Za-z0-9._-]*(?ai:image))(?:=(\S+))?")
_SCHEME = re.compile(r"\A(?:docker-pullable|docker|oci)://")
_BETWEEN = re.compile(r"[\s\"'`,;=()<>|\[\]{}\\]+")
# a text of another kind has seldom a domain, a path and a tag: `config.d/x:ro` has no domain
_HOST = re.compile(
    r"(?ai:localhost|(?:[a-z0-9-]+\.)+(?:[a-z]{2,}|[0-9]{1,3})|[a-z0-9.-]+(?=:))(?::[0-9]{1,5})?"
)
_MOUNT = re.compile(r"r[ow]|z|Z")  # `data.example/x:ro`
_LONGEST = 600
"""Characters of a word that may be an image: host, path of at most 255, tag of 128, digest."""


def is_reference(text: str) -> bool:
    """Whether a text can be read as the name of an image."""
    try:
        parse(text)
    except CannotJudge:
        return False
    return True


def says_where(text: str) -> bool:
    """Whether a text is a reference with a tag, a digest or a host: `cat/dog` alone may be anything."""
    if not is_reference(text) or re.fullmatch(r"sha(?:256|512):[0-9a-f]+", text):
        return False
    host, slash, _ = text.partition("/")
    return "@" in text or ":" in text or (bool(slash) and "." in host)


def without_scheme(text: str) -> str:
    """An image as a container engine tells it, without `docker-pullable://`."""
    return _SCHEME.sub("", text)


def is_image_option(text: str) -> bool:
    """Whether the next argument is the image: `--sidecar-image`."""
    return _OPTION.fullmatch(text) is not None and "=" not in text


def images_in(text: str) -> tuple[str, ...]:
    """The images that any text names, in their order: the value of `--sidecar-image=`, and each word of it
    that is an image with its digest, or with a domain, a path and a tag."""
    option = _OPTION.fullmatch(text)
    if option is not None and option[1] and is_reference(option[1]):
        return (option[1],)
    if "/" not in text and "@sha" not in text:
        return ()
    words = (without_scheme(word.rstrip(".:")) for word in _BETWEEN.split(text) if len(word) <= _LONGEST)
    return tuple(dict.fromkeys(word for word in words if _is_whole(word)))


def _is_whole(word: str) -> bool:
    if "@sha" in word:
        return is_reference(word)
    host, slash, path = word.partition("/")
    if not slash or ":" not in path or not _HOST.fullmatch(host) or not is_reference(word):
        return False
    return not _MOUNT.fullmatch(path.rpartition(":")[2])
