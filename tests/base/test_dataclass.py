"""The dataclasses of this project, held against those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from envhooks.base import dataclass as records

Define = Callable[[Any, Any], tuple[type, type]]


def both(dataclass: Any, field: Any) -> tuple[type, type]:
    """A class with every kind of field that is used here, and one that inherits from it."""

    @dataclass(frozen=True)
    class Tag:
        name: str = field(repr=False)
        count: int = 3
        facts: dict[str, int] = field(default_factory=dict)
        secret: str = field(repr=False, default="")
        LIMIT: ClassVar[int] = 9

    @dataclass(frozen=True)
    class Signed(Tag):
        by: str = "nobody"

    return Tag, Signed


def often(kinds: tuple[type, type]) -> tuple[type, type]:
    """The same, with what is compiled where many are made."""
    for kind in kinds:
        for _ in range(records.OFTEN):
            kind("a")
        assert "make" in "".join(kind.__init__.__code__.co_names)  # type: ignore[misc]
    return kinds


OURS = both(records.dataclass, records.field)
OFTEN = often(both(records.dataclass, records.field))
THEIRS = both(dataclasses.dataclass, dataclasses.field)
CALLS: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((), {}),
    (("a",), {}),
    (("a", 4), {}),
    (("a", 4, {"x": 1}, "s"), {}),
    (("a", 4, {"x": 1}, "s", "b"), {}),
    (("a", 4, {"x": 1}, "s", "b", "more"), {}),
    ((), {"name": "a"}),
    (("a",), {"name": "a"}),
    (("a",), {"secret": "s", "facts": {"y": 2}}),
    (("a",), {"unknown": 1}),
    ((), {"count": 1}),
    ((), {"name": "a", "by": "Alice"}),
]


def outcome(kind: type, values: tuple[object, ...], named: dict[str, object]) -> object:
    try:
        made = kind(*values, **named)
    except TypeError:
        return TypeError
    return dict(vars(made)), repr(made)


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_what_is_made_is_what_the_standard_library_makes(
    values: tuple[object, ...], named: dict[str, object]
) -> None:
    for kinds in (OURS, OFTEN):
        for ours, theirs in zip(kinds, THEIRS, strict=True):
            assert outcome(ours, values, named) == outcome(theirs, values, named)


def test_they_compare_and_hash_alike() -> None:
    for kinds in (OURS, OFTEN, THEIRS):
        tag, signed = kinds
        assert tag("a") == tag("a") != tag("a", 4)
        assert tag("a") != signed("a") and signed("a") != tag("a")
        assert tag("a") != "a"
        assert len({tag("a", 1, 0), tag("a", 1, 0), tag("b", 1, 0)}) == 2
        with pytest.raises(TypeError, match="unhashable"):
            hash(tag("a"))  # its facts are a dict


@pytest.mark.parametrize("tag", [OURS[0], OFTEN[0]])
def test_each_has_a_dict_of_its_own(tag: type) -> None:
    one, other = tag("a"), tag("b")
    one.facts["x"] = 1
    assert other.facts == {}


@pytest.mark.parametrize("kind", [*OURS, *OFTEN])
def test_a_frozen_one_does_not_change(kind: type) -> None:
    made = kind("a")
    with pytest.raises(AttributeError, match="name"):
        made.name = "b"
    with pytest.raises(AttributeError, match="name"):
        del made.name
    with pytest.raises(AttributeError, match="other"):
        made.other = "b"
    assert vars(made) == vars(kind("a"))


def test_one_that_changes_has_no_hash() -> None:
    @records.dataclass
    class Count:
        number: int = 0

    count = Count()
    count.number += 1
    assert count == Count(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(count)


def test_replace_makes_a_copy() -> None:
    _tag, signed = OURS
    made = signed("a", by="Alice")
    assert records.replace(made, count=9) == signed("a", 9, by="Alice")
    assert made == signed("a", by="Alice")
    with pytest.raises(TypeError, match="unknown"):
        records.replace(made, unknown=1)


def test_names_of_fields() -> None:
    tag: Any
    tag, signed = OURS
    assert records.field_names(signed) == tuple(field.name for field in dataclasses.fields(THEIRS[1]))
    assert records.required_fields(signed) == {"name"}
    match tag("a", 7):
        case tag(name, count):
            assert (name, count) == ("a", 7)
        case _:
            pytest.fail("no match")


def test_what_is_not_here_is_said_at_once() -> None:
    with pytest.raises(TypeError, match="b has no default"):

        @records.dataclass
        class Order:
            a: int = 1
            b: int  # type: ignore[misc]

    with pytest.raises(TypeError, match="__post_init__"):

        @records.dataclass
        class Late:
            a: int

            def __post_init__(self) -> None: ...


@records.dataclass(frozen=True)
class Outside:
    """What can be pickled has a name in a module."""

    name: str
    more: tuple[int, ...] = ()


def test_copies_and_pickles_are_equal() -> None:
    made = Outside("a", (1,))
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert other == made and hash(other) == hash(made) and repr(other) == repr(made)
