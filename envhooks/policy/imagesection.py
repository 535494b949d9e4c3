"""Keys of `[image]` besides the name: further image tags, and the stamp that an image carries."""

from __future__ import annotations

from typing import Any

from envhooks.policy.values import Value

KEYS = ("aliases", "stamp")
ALIASES = ("semver",)


def image_options(keys: dict[str, Value]) -> dict[str, Any]:
    """`image_aliases` and `image_stamp` of the Policy, from the keys of `[image]`."""
    found: dict[str, Any] = {}
    if "aliases" in keys:
        found["image_aliases"] = tuple(one.choice(ALIASES) for one in keys["aliases"].texts())
    if "stamp" in keys:
        found["image_stamp"] = keys["stamp"].truth()
    for key in KEYS:
        if key in keys and "name" not in keys:
            keys[key].refuse(
                f"`{keys[key].name}` without the name of an image",
                'name = "registry.example.com/team/{tag:lower}"',
            )
    return found
