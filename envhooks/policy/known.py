"""Additions of a policy to the known facts: base images in the catalog's words (`[[base]]`), and `[[compat.torch]]`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from envhooks.base.hygiene import printable
from envhooks.catalog.families import Family
from envhooks.catalog.lookup import KINDS
from envhooks.catalog.tags import TemplateFault, pattern
from envhooks.policy.values import Value

_HARDWARE_KEYS = MappingProxyType({"cuda": "CUDA", "rocm": "ROCm", **{kind.lower(): kind for kind in KINDS}})
_DIGEST = "sha256:[0-9a-f]{64}"
_VERSION = r"[0-9]+(?:\.[0-9]+){0,3}(?:(?:a|b|rc)[0-9]+)?"


def bases(value: Value) -> tuple[Family, ...]:
    """`[[base]]`: a team's own base images, in the words of the catalog's families."""
    return tuple(map(_base, value.tables()))


def _base(value: Value) -> Family:
    keys = value.table(("image", "tag", "digest", "holds"))
    if "image" not in keys:
        value.refuse(f"`{value.name}` names no image", 'image = "team/base"')
    if "tag" not in keys and "holds" not in keys:
        value.refuse(
            f"`{value.name}` says neither how its tags are read nor what it holds",
            'tag = "{torch}-cu{cuda:compact}", or holds = { torch = "2.8.0" }',
        )
    tags: Sequence[Value] = ()
    if "tag" in keys:
        tags = [keys["tag"]] if isinstance(keys["tag"].raw, str) else keys["tag"].texts()
    for one in (keys["image"], *tags):
        try:
            pattern(one.text())
        except TemplateFault as error:
            one.refuse(f"`{one.name}` cannot be read: {error}")
    digest = keys["digest"].text() if "digest" in keys else ""
    if digest and not re.fullmatch(_DIGEST, digest):
        keys["digest"].refuse(
            f"`{keys['digest'].name}` is no digest", f'digest = "sha256:{"0123456789abcdef" * 4}"'
        )
    holds: dict[str, str | None] = {}
    for name, one in keys["holds"].table().items() if "holds" in keys else ():
        version = one.text()
        if name not in ("os", "variant") and not re.fullmatch(_VERSION, version):
            one.refuse(f"`{one.name}` is no version: {printable(version, 60)}", f'{name} = "2.8.0"')
        holds[_HARDWARE_KEYS.get(name.lower(), name)] = version
    # what stands beside a tag is true of the tags of that form, and of no other
    own = {one.text(): holds for one in tags}
    return Family(keys["image"].text(), own, {} if own and not digest else holds, digest=digest)


def compat(value: Value) -> MappingProxyType[str, tuple[MappingProxyType[str, object], ...]]:
    """`[[compat.torch]]` and the like, as they stand; what a row may say is known where it is read."""
    return compat_rows(value.table(("torch", "tensorflow", "jax", "ties")))


def compat_rows(
    keys: Mapping[str, Value],
) -> MappingProxyType[str, tuple[MappingProxyType[str, object], ...]]:
    """Rows of published facts: package -> its rows, as they stand."""
    found = {}
    for name, rows in keys.items():
        for row in rows.tables():
            keys = row.table()
            if "version" not in keys:
                row.refuse(f"a row of `{rows.name}` has no version", 'version = "2.16.0"')
            for item in keys.values():
                if not isinstance(item.raw, bool):
                    item.texts(may_be_empty=True)
        found[name] = tuple(MappingProxyType(dict(row.raw)) for row in rows.tables())
    return MappingProxyType(found)
