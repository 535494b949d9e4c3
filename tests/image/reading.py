"""What the reader makes of a Dockerfile that a test writes down."""

from __future__ import annotations

from collections.abc import Mapping

from memory_files import MemoryFiles

from envhooks.image import Environment
from envhooks.image.interpreter import read_environment


def read(
    dockerfile: str, files: Mapping[str, str] | None = None, path: str = "Dockerfile", **named: str
) -> Environment:
    """The Environment of a Dockerfile; other files by their paths, or by name with `__` for `/` and `_dot_` for `.`."""
    texts = {name.replace("__", "/").replace("_dot_", "."): text for name, text in named.items()}
    tree = {name: text.encode() for name, text in {**(files or {}), **texts, path: dockerfile}.items()}
    return read_environment(MemoryFiles(tree), path)


def told(environment: Environment, *names: str) -> str | None:
    """The version that is stated exactly of a package, of torch by default; None where none is."""
    found = [one for one in environment.find(*(names or ("torch",))) if one.exact]
    return found[-1].version if found else None
