"""Dataclasses that cost a hook nothing to define: what this project uses of the standard library's, and no more.

`dataclasses` writes the methods of each class as source and compiles it, at every start, and imports `inspect`
to do so. With some 120 classes that was a third of the time of `git tag` (docs/speed.md has the figures). Here
the classes share their methods, and only one that is made often has its `__init__` compiled: an audit makes some of
them by the hundred thousand. To a type checker these are the standard ones, and tests/base/test_dataclass.py holds both
against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

_ABSENT = object()

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:

    def dataclass(cls=None, /, *, frozen=False):
        """Give a class `__init__`, `__repr__` and `__eq__` by its annotations.

        With `frozen`, its instances cannot be changed, and have a hash where their fields have one.

        Raises:
            TypeError: the class asks for what is not here: a `__post_init__`, or a default before a field without.
        """
        if cls is None:
            return lambda cls: _complete(cls, frozen)
        return _complete(cls, frozen)

    def field(*, default=_ABSENT, default_factory=None, repr=True):
        """A field that is not only a name: one made anew for each instance, or one that `repr` leaves out."""
        return _Field(default, default_factory, repr)

    def replace(record, /, **changes):
        """A copy with other values for some of its fields.

        Raises:
            TypeError: it has no such field.
        """
        values = record.__dict__
        return type(record)(**{name: values[name] for name in record.__match_args__} | changes)


def field_names(kind: type) -> tuple[str, ...]:
    """The names of a dataclass's fields, in the order of their definition."""
    names: tuple[str, ...] = kind.__match_args__  # type: ignore[attr-defined]
    return names


def required_fields(kind: type) -> frozenset[str]:
    """The names of the fields that have no default."""
    defaults, makers, _ = kind.__record__  # type: ignore[attr-defined]
    return frozenset(field_names(kind)).difference(defaults, makers)


OFTEN = 100
"""Instances of a class from which on compiling its `__init__` pays."""


class _Field:
    def __init__(self, default: object, make: Callable[[], object] | None, shown: bool) -> None:
        self.default, self.make, self.shown = default, make, shown


def _complete(cls: Any, frozen: bool) -> Any:
    if hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__}: no __post_init__ here")
    names: dict[str, None] = {}
    defaults: dict[str, object] = {}
    makers: dict[str, Callable[[], object]] = {}
    hidden: set[str] = set()
    for base in reversed(cls.__mro__[1:]):
        if "__record__" in base.__dict__:
            names |= dict.fromkeys(base.__match_args__)
            defaults |= base.__record__[0]
            makers |= base.__record__[1]
            hidden |= base.__record__[2]
    for name, kind in cls.__annotations__.items():
        if str(kind).startswith("ClassVar"):
            continue
        names[name] = None
        value = cls.__dict__.get(name, _ABSENT)
        if isinstance(value, _Field):
            delattr(cls, name)
            if not value.shown:
                hidden.add(name)
            if value.make is not None:
                makers[name] = value.make
                continue
            value = value.default
            if value is not _ABSENT:
                setattr(cls, name, value)
        if value is not _ABSENT:
            defaults[name] = value
        elif defaults or makers:
            raise TypeError(f"{cls.__name__}: {name} has no default and comes after one that has")
    order = tuple(names)
    cls.__record__ = (defaults, makers, hidden)
    cls.__values__ = staticmethod(attrgetter(*order) if order else _nothing)
    setattr(cls, "__match_args__", order)  # noqa: B010 - to mypy it is final
    cls.__init__ = _init(cls, order, frozen)
    cls.__repr__ = cls.__dict__.get("__repr__", _repr)
    if "__eq__" not in cls.__dict__:
        cls.__eq__ = _eq
        cls.__hash__ = _hash if frozen else None  # what can change has none, as in the standard library
    if frozen:
        cls.__setattr__, cls.__delattr__ = _refuse, _refuse
    return cls


def _init(cls: Any, names: tuple[str, ...], frozen: bool) -> Any:
    what, count, known = cls.__qualname__, len(names), frozenset(names)
    defaults, makers, _ = cls.__record__
    made = 0

    def __init__(self: Any, *values: object, **named: object) -> None:
        nonlocal made
        made += 1
        if made == OFTEN:
            cls.__init__ = _compiled(names, defaults, makers, frozen)
        state = self.__dict__
        if len(values) == count and not named:
            state.update(zip(names, values, strict=True))
            return
        state.update(defaults)
        state.update(zip(names, values))  # noqa: B905 - fewer values than names is the usual case
        if (
            len(values) > count
            or not known.issuperset(named)
            or not named.keys().isdisjoint(names[: len(values)])
        ):
            raise TypeError(
                f"{what} takes {', '.join(names)}, each once: not {len(values)} values and {list(named)}"
            )
        state.update(named)
        for name, make in makers.items():
            if name not in state:
                state[name] = make()
        if len(state) < count:
            raise TypeError(f"{what} misses {', '.join(name for name in names if name not in state)}")

    return __init__


def _compiled(
    names: tuple[str, ...], defaults: dict[str, object], makers: dict[str, Callable[[], object]], frozen: bool
) -> Any:
    known: dict[str, Any] = {"absent": _ABSENT, "put": object.__setattr__}
    takes, lines = ["self"], [" pass"]
    for number, name in enumerate(names):
        value = name
        if name in makers:
            known[f"make{number}"] = makers[name]
            takes.append(f"{name}=absent")
            value = f"make{number}() if {name} is absent else {name}"
        elif name in defaults:
            known[f"default{number}"] = defaults[name]
            takes.append(f"{name}=default{number}")
        else:
            takes.append(name)
        lines.append(f" put(self, {name!r}, {value})" if frozen else f" self.{name} = {value}")
    exec(f"def __init__({', '.join(takes)}):\n" + "\n".join(lines), known)  # noqa: S102 - names of our own fields
    return known["__init__"]


def _nothing(_record: object) -> tuple[()]:
    return ()


def _repr(self: Any) -> str:
    hidden = self.__record__[2]
    shown = (f"{name}={self.__dict__[name]!r}" for name in self.__match_args__ if name not in hidden)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: object) -> bool:
    values = self.__values__
    return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(self.__values__(self))


def _refuse(self: Any, name: str, *_value: object) -> None:
    raise AttributeError(f"{type(self).__qualname__} does not change: {name}")
