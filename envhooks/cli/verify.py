"""hold an image against its tag by what is inside of it

Nothing of the image is run. IMAGE is a registry's image, `oci:FOLDER[:NAME]`, `oci-archive:FILE` or
`docker-archive:FILE` (of `docker save`). With --ask ENGINE it is an image that this engine has here.
Without TAG the image's own label says which tag is meant, and where it has none, the contents are only told.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from envhooks.base.commands import is_command
from envhooks.base.dataclass import dataclass
from envhooks.base.errors import EnvhooksError, UsageError
from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS, Hook
from envhooks.builds import stored, verify_files, verify_image
from envhooks.builds.imagefiles.limits import SECONDS
from envhooks.builds.imagefiles.manifests import PlatformImage
from envhooks.builds.imagefiles.sources import is_local, open_images, open_registry
from envhooks.builds.types import Expected
from envhooks.builds.verify_files import NAME_LABEL, Held, Inside
from envhooks.cli._manner import answer
from envhooks.cli._options import add_tls
from envhooks.cli._progress import Progress
from envhooks.git.repository import Git
from envhooks.policy.trust import trust_context
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar
from envhooks.tagname.names import TagPolicy

_CODES = {"agrees": 0, "contradicts": 1, "cannot tell": 2}

GROUP = "build and record"
EXITS = (
    "it agrees",
    "it contradicts the tag",
    "nobody can tell",
)
EXAMPLES = (
    ("envhooks verify registry.example/pytorch:2.8-rc1 PyTorch-CUDA-v2.8-rc1", ""),
    ("envhooks verify docker-archive:image.tar", ""),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """IMAGE, TAG, `--platform`, `--python`, `--timeout`."""
    parser.add_argument("image", metavar="IMAGE", help="the image: in a registry, a folder or an archive")
    parser.add_argument("tag", nargs="?", metavar="TAG", help="default: the tag that the image's label names")
    parser.add_argument(
        "--ask",
        choices=stored.ENGINES,
        metavar="ENGINE",
        help="take the image from buildah, podman or docker here",
    )
    parser.add_argument(
        "--platform", metavar="OS/ARCH", help="of an index, this platform; default: each of them"
    )
    parser.add_argument(
        "--python", metavar="PROGRAM", help="the interpreter in the image; default: python, then python3"
    )
    parser.add_argument(
        "--timeout", type=_minutes, default=SECONDS / 60, metavar="MINUTES", help="default: 30"
    )
    add_tls(parser)


def _minutes(text: str) -> float:
    found = float(text)
    if not 0 < found <= 24 * 60:
        raise ValueError
    return found


@dataclass(frozen=True)
class _Looked:
    inside: Inside
    held: Held | None
    """None where there is no tag to compare it with."""


def run(options: argparse.Namespace) -> int:
    """Read, compare, print."""
    policy = _tag_policy()
    pythons = (options.python,) if options.python else verify_image.PYTHONS
    seconds = options.timeout * 60
    with Progress() as progress:
        progress.wait(f"opening {options.image}")
        with _opened(options) as (digest, found):
            chosen = _of_platform(found, options.platform, options.image)
            insides = [verify_files.look_into(one, pythons, seconds, progress.step) for one in chosen]
    tag, is_label = _tag(options.tag, insides)
    wanted = _expected(policy, tag) if tag else None
    looked = [_Looked(one, verify_files.hold(wanted, one, tag) if wanted else None) for one in insides]
    code = max(_code(one) for one in looked)
    answer(_document(options.image, digest, tag, is_label, looked, code))
    print("\n".join(_lines(options.image, digest, tag, is_label, wanted, looked)))
    return code


def _opened(options: argparse.Namespace) -> AbstractContextManager[tuple[str, tuple[PlatformImage, ...]]]:
    image = options.image
    if options.ask:
        return stored.open_stored(
            options.ask, image, os.environ, seconds=options.timeout * 60, work_tree=stored.work_tree_here()
        )
    if is_local(image):
        return open_images(image)
    return open_registry(image.removeprefix("docker://"), os.environ, tls_verify=options.tls_verify)


def _tag_policy() -> TagPolicy:
    """The names of this repository's policy; outside of one, or where it has none, the names by default."""
    try:
        with Git.open(Path.cwd()) as git:
            return trust_context(git, Hook.CHECK).root.policy.tag
    except EnvhooksError:
        return DEFAULT_TAG_POLICY


def _of_platform(
    found: tuple[PlatformImage, ...], platform: str | None, image: str
) -> tuple[PlatformImage, ...]:
    if platform is None:
        return found
    words = platform.split("/")
    chosen = tuple(one for one in found if one.platform.split("/")[: len(words)] == words)
    if not chosen:
        known = ", ".join(one.platform for one in found)
        raise UsageError(
            f"it has no image for {printable(platform, 60)}, but for {known}", place=printable(image)
        )
    return chosen


def _tag(given: str | None, insides: list[Inside]) -> tuple[str, bool]:
    """(the tag's short name, whether only a label says so); an empty name where there is none."""
    if given:
        return given.removeprefix(TAGS), False
    named = {one.labels[NAME_LABEL] for one in insides if verify_files.OBJECT_LABEL in one.labels}
    return (named.pop(), True) if len(named) == 1 else ("", False)


def _expected(policy: TagPolicy, tag: str) -> Expected:
    naming = Grammar(policy).read(tag)
    if naming.name is None:
        near = f"envhooks verify IMAGE {naming.suggestion}" if naming.suggestion else ""
        raise UsageError(f"{printable(tag, 120)} is no release tag: {naming.faults[0]}", fix=near)
    return verify_image.expected(naming.name, policy)


def _code(one: _Looked) -> int:
    if one.held is not None:
        return _CODES[one.held.verdict]
    return 2 if one.inside.contents is None else 0


# ------------------------------------------------------------------------------------- what is printed


def _lines(
    image: str, digest: str, tag: str, is_label: bool, wanted: Expected | None, looked: list[_Looked]
) -> Iterator[str]:
    for one in looked:
        said = {"agrees": "agrees with", "contradicts": "contradicts", "cannot tell": "cannot tell for"}
        verdict = f": {said[one.held.verdict]} {printable(tag)}" if one.held else ""
        yield f"{printable(image, 400)} ({one.inside.image.platform}){verdict}"
        yield from _told(one.held)
        if one.inside.contents is not None:
            yield from _inside(one.inside, wanted)
        elif one.held is None:
            yield f"  cannot tell: {printable(one.inside.fault, 400)}"
        if one.inside.fix:
            yield f"  {'fix' if is_command(one.inside.fix) else 'advice'}: {one.inside.fix}"
        yield f"  {one.inside.image.digest}"
    if digest and digest not in [one.inside.image.digest for one in looked]:
        yield f"index:\n  {digest}"
    if not tag:
        yield "no tag was named, and no label names one, so nothing was compared"
    elif is_label:
        yield f"{printable(tag)} is what the image's own label says, which anybody can write"


def _inside(inside: Inside, wanted: Expected | None) -> Iterator[str]:
    found = inside.contents
    assert found is not None
    if found.system:
        yield f"  system: {printable(found.system, 100)}"
    for number, python in enumerate(found.pythons):
        mark = "" if number == 0 and found.has_default else " (not what `python` means)"
        if number == 0 or verify_files.carrier(wanted, python) if wanted else True:
            where = printable(python.prefix, 100)
            yield f"  {where}{mark}: {verify_files.describe(wanted, python)}"
    if not found.pythons:
        yield "  there is no Python in it"
    for kind, version, source in found.toolkits:
        yield f"  toolkit: {kind} {printable(version, 40)}, by {source}"
    for text in found.unread:
        yield f"  not read: {text}"
    if label := inside.labels.get(NAME_LABEL):
        yield f"  label: {printable(label, 120)}"


def _told(held: Held | None) -> Iterator[str]:
    if held is None:
        return
    for text in held.differences:
        yield f"  error: {text}"
    for text in (*held.doubts, *filter(None, (held.untold,))):
        yield f"  cannot tell: {text}"
    for text in held.notes:
        yield f"  note: {text}"


def _document(
    image: str, digest: str, tag: str, is_label: bool, looked: list[_Looked], code: int
) -> dict[str, Any]:
    """What programs may rely on."""
    return {
        "image": printable(image),
        "digest": digest or None,
        "tag": printable(tag) or None,
        "tag_from": "label" if is_label else "argument" if tag else None,
        "exit_code": code,
        "images": [_image_document(one) for one in looked],
    }


def _image_document(one: _Looked) -> dict[str, Any]:
    found, held = one.inside.contents, one.held
    return {
        "platform": one.inside.image.platform,
        "digest": one.inside.image.digest,
        "verdict": held.verdict if held else None,
        "differences": list(held.differences) if held else [],
        "cannot_tell": [*held.doubts, *filter(None, (held.untold,))] if held else [],
        "notes": list(held.notes) if held else [],
        "unreadable": printable(one.inside.fault) or None,
        "system": printable(found.system) if found else None,
        "labels": {printable(key): printable(value) for key, value in sorted(one.inside.labels.items())},
        "environments": [
            {
                "prefix": printable(python.prefix),
                "is_default": found is not None and number == 0 and found.has_default,
                "python": printable(python.version) or None,
                "packages": {printable(k): printable(v) for k, v in sorted(python.packages.items())},
            }
            for number, python in enumerate(found.pythons if found else ())
        ],
        "not_read": list(found.unread) if found else [],
        "toolkits": [
            {"kind": kind, "version": printable(version), "from": source}
            for kind, version, source in (found.toolkits if found else ())
        ],
    }
