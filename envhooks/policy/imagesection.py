"""Keys of `[image]` besides the name: further image tags, and the stamp that an image carries."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from envhooks.base.hygiene import printable
from envhooks.policy.values import Value, expandable

KEYS = ("aliases", "tags", "stamp")
ALIASES = ("semver",)
MAX_TAGS = 10


def image_options(keys: dict[str, Value], packages: Collection[str]) -> dict[str, Any]:
    """`image_aliases`, `image_tags` and `image_stamp` of the Policy, from the keys of `[image]`."""
    found: dict[str, Any] = {}
    if "aliases" in keys:
        found["image_aliases"] = tuple(one.choice(ALIASES) for one in keys["aliases"].texts())
    if "tags" in keys:
        found["image_tags"] = _tags(keys["tags"], packages)
    if "stamp" in keys:
        found["image_stamp"] = keys["stamp"].truth()
    for key in KEYS:
        if key in keys and "name" not in keys:
            keys[key].refuse(
                f"`{keys[key].name}` without the name of an image",
                'name = "registry.example.com/team/{tag:lower}"',
            )
    return found


def _tags(value: Value, packages: Collection[str]) -> tuple[str, ...]:
    found = value.texts()
    if len(found) > MAX_TAGS:
        value.refuse(f"`{value.name}` has {len(found)} templates and may have {MAX_TAGS}")
    for one in found:
        text = expandable(one, one.text(), packages)
        if not re.fullmatch(r"[A-Za-z0-9_.\-\[\]]*", re.sub(r"\{[^{}]*\}", "", text), re.ASCII):
            one.refuse(
                f"`{printable(text, 80)}` cannot be an image tag: letters, digits and any of `._-`",
                'tags = ["{version}[-{stage}]-py{python:compact}"]',
            )
        if not re.search(r"\{[^{}]+\}", text):
            one.refuse(
                f"`{printable(text, 80)}` would be the image tag of every release, and none of them may move it",
                'tags = ["{version}[-{stage}]-stable"]',
            )
    return tuple(one.text() for one in found)
