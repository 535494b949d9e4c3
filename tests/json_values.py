"""A document with any value in any place of it: what readers of what strangers wrote have to stand."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

_VALUES: tuple[Any, ...] = (None, 1, 1.5, "x", "", [], {}, [1], [None], True, "\ud800", {"a": 1}, 10**30)


def with_any_value(document: Any) -> Iterator[Any]:
    """Copies of a document of JSON, each with one of its values, itself included, replaced by another one."""
    for at in _places(document):
        for value in _VALUES:
            yield _changed(document, at, value)


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a document."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _places(one, (*at, key))


def _changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    made = copy.copy(value)
    made[at[0]] = _changed(value[at[0]], at[1:], new)
    return made
