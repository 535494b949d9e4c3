"""The names of `envhooks.typed` are those of `typing`, and at run time they only hold a place."""

from __future__ import annotations

import typing

from envhooks import typed


def test_all_of_them_are_standard_names() -> None:
    assert set(typed.__all__) <= set(dir(typing))
    assert not typed.TYPE_CHECKING


def test_they_can_stand_where_the_standard_ones_do() -> None:
    T = typed.TypeVar("T", bound="int")
    alias = typed.Literal["a", "b"]

    class Kept(typed.Protocol):
        def method(self) -> alias: ...

    class Of(typed.Generic[T]):
        def __init__(self, value: T) -> None:
            self.value = value

    assert Of[int] is Of and Of(3).value == 3
    assert Kept.method is not None
