"""TOML text -> document, each text read once: a Dockerfile often asks the same lock three times."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

if sys.version_info >= (3, 11):
    from tomllib import TOMLDecodeError, loads
else:
    from tomli import TOMLDecodeError, loads

FAULTS = (TOMLDecodeError, RecursionError)
"""Errors that `parse_toml` raises for a text that is not TOML."""


@lru_cache(maxsize=4)  # a large lock takes a quarter of a second
def parse_toml(text: str) -> dict[str, Any]:
    """The document; it is shared, so callers must not change it.

    Raises:
        TOMLDecodeError: it is not TOML.
        RecursionError: it nests too deeply.
    """
    return loads(text)
