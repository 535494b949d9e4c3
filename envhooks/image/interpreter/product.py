"""Which stage is the product: the last one, unless that only exports files."""

from __future__ import annotations

import re

from envhooks.image.dockerfile.stages import Build, Stage
from envhooks.image.stage.installed import holds_packages


def product_of(build: Build) -> int:
    """Index of the product stage.

    A trailing `FROM scratch` that takes some files out of another stage (`AS wheel-export`) makes no
    image that anybody runs. One that takes a whole system or an environment is the product.
    """
    for stage in reversed(build.stages):
        if not _exports(build, stage):
            return stage.index
    return len(build.stages) - 1


def _exports(build: Build, stage: Stage) -> bool:
    head = stage
    while head.parent is not None:
        if any(one.command == "RUN" for one in head.body):
            return False
        head = build.stages[head.parent]
    if head.base != "scratch" or any(one.command == "RUN" for one in head.body):
        return False
    for one in (*head.body, *stage.body):
        if one.command == "ADD":
            return False  # a root file system as an archive
        if one.command in ("COPY", "CMD", "ENTRYPOINT") and _whole(
            build, one.command, one.text, one.flag("from")
        ):
            return False
    return True


def _whole(build: Build, command: str, text: str, origin: str | None) -> bool:
    if command != "COPY":
        return True  # it can be started
    sources = re.split(r"[\t\v\f\r ]+", text)[:-1]
    return origin is not None and any(
        holds_packages("/" + source.strip("/")) and "wheel" not in source for source in sources
    )
