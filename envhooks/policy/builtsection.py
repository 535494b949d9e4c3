"""The key of `[dockerfile]` that names the file which says how the image is built."""

from __future__ import annotations

from collections.abc import Collection

from envhooks.policy.values import Value, expandable, path_in_tree


def built_by(keys: dict[str, Value], packages: Collection[str]) -> tuple[str, str]:
    """`built-by = { file = "docker-bake.hcl", name = "train" }`; what the file says is not said a second time."""
    value = keys["built-by"]
    inner = value.table(("file", "name"))
    for key in ("context", "target"):
        if key in keys:
            keys[key].refuse(f"`{keys[key].name}` is what the file of `built-by` says: leave it out")
    if "path" in keys and keys["path"].raw is False:
        keys["path"].refuse(f"`{keys['path'].name}` is false, and `built-by` says how it is built")
    if "file" not in inner:
        value.refuse(
            f"`{value.name}` has no `file`", 'built-by = { file = "docker-bake.hcl", name = "train" }'
        )
    file = expandable(inner["file"], path_in_tree(inner["file"]), packages)
    name = expandable(inner["name"], inner["name"].text(), packages) if "name" in inner else ""
    return file, name
