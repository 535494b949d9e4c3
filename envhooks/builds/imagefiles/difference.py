"""The difference of two images: packages, configuration, layers, and the files of the layers that differ."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.builds.imagefiles.installed import Contents, contents, keep
from envhooks.builds.imagefiles.layers import Layer, members, read_layers, unpack
from envhooks.builds.imagefiles.limits import SECONDS, Limits
from envhooks.builds.imagefiles.manifests import PlatformImage

MOST_FILES = 8
"""Files of one layer that are named."""
MOST_PACKAGES = 20
_CHUNK = 1 << 20
_KEYS = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "ExposedPorts", "Volumes", "StopSignal")


def differences(
    there: PlatformImage, made: PlatformImage, pythons: tuple[str, ...] = ("python3", "python")
) -> tuple[str, ...]:
    """Differences of two images, the most important first, one sentence each; empty where all agrees.

    Args:
        there: the first one, which the sentences name first.
        made: the second one.
    """
    found = [*_packages(there, made, pythons), *_config(there.config, made.config)]
    if len(there.layers) != len(made.layers):
        found.append(f"it had {len(there.layers)} layers and has {len(made.layers)}")
    for number, (one, other) in enumerate(zip(there.layers, made.layers, strict=False), 1):
        if _same(one, other):
            continue
        found.append(f"layer {number} of {len(there.layers)} differs{_files(one, other)}")
    return tuple(found)


def _same(one: Layer, other: Layer) -> bool:
    if one.unpacked and other.unpacked:
        return one.unpacked == other.unpacked  # packed in another way, it holds the same
    return bool(one.digest) and one.digest == other.digest


def _config(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for key in _KEYS:
        before, after = one.get(key), other.get(key)
        if (before or None) != (after or None):
            yield f"{key} was {_short(before)} and is {_short(after)}"


def _short(value: object) -> str:
    return printable(json.dumps(value, ensure_ascii=False), 120) if value else "nothing"


# ----------------------------------------------------------------------------------------- packages


def _packages(there: PlatformImage, made: PlatformImage, pythons: tuple[str, ...]) -> Iterator[str]:
    sides = []
    for image in (there, made):
        try:
            tree = read_layers(image.layers, keep, Limits(SECONDS))
            sides.append(_held(contents(tree, image.config, pythons)))
        except CannotJudge as error:
            yield f"the packages cannot be compared: {error.message}"
            return
    before, after = sides
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    for name in changed[:MOST_PACKAGES]:
        yield printable(
            f"{name} was {before.get(name, 'not there')} and is {after.get(name, 'not there')}", 300
        )
    if len(changed) > MOST_PACKAGES:
        yield f"and {len(changed) - MOST_PACKAGES} more packages differ"


def _held(found: Contents) -> dict[str, str]:
    """`numpy` -> its version, `python` and toolkits of the system among them."""
    held: dict[str, str] = {"the system": found.system} if found.system else {}
    for python in found.pythons:
        held |= {name: version for name, version in python.packages.items() if name not in held}
        if python.version:
            held.setdefault("python", python.version)
    for kind, version, _ in found.toolkits:
        held.setdefault(kind, version)
    return held


# -------------------------------------------------------------------------------------------- files


def _files(one: Layer, other: Layer) -> str:
    try:
        before, after = _listing(one), _listing(other)
    except (tarfile.TarError, zlib.error, ValueError, EOFError, OSError, CannotJudge) as error:
        return f", and cannot be read: {printable(str(error), 200)}"
    changed = [path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)]
    if not changed:
        return " in the order of its files alone"
    shown = [
        f"{printable(path, 200)} {_how(before.get(path), after.get(path))}" for path in changed[:MOST_FILES]
    ]
    more = f" and {len(changed) - MOST_FILES} more" if len(changed) > MOST_FILES else ""
    return f": {', '.join(shown)}{more}"


_Facts = tuple[Any, ...]


def _listing(layer: Layer) -> dict[str, _Facts]:
    """Path -> (kind, content's SHA-256, link, mode, owner, time) of each entry of a layer."""
    limits = Limits(SECONDS)
    found: dict[str, _Facts] = {}
    with layer.open() as source:
        for member, content in members(unpack(source)):
            limits.entry()
            limits.keep(len(member.name))
            size = member.size if member.isreg() else 0
            owner = (member.uid, member.gid)
            facts = (_hash(content, size, limits), member.linkname, member.mode, owner, member.mtime)
            found[member.name.strip("/")] = (member.type, *facts)
    return found


def _hash(content: Callable[[int], bytes], size: int, limits: Limits) -> str:
    digest, left = hashlib.sha256(), size
    while left > 0:
        data = content(min(_CHUNK, left))  # each call goes on from where the one before it ended
        if not data:
            raise EOFError("it ends in the middle of a file")
        limits.read(len(data))
        digest.update(data)
        left -= len(data)
    return digest.hexdigest()


def _how(before: _Facts | None, after: _Facts | None) -> str:
    if before is None:
        return "is new"
    if after is None:
        return "is gone"
    names = ("kind", "content", "link", "mode", "owner", "time")
    changed = [name for name, a, b in zip(names, before, after, strict=True) if a != b]
    return f"({', '.join(changed)})"
