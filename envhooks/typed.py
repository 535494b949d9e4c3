"""`typing` for a door: names that only a type checker reads, without the 2 ms that importing the real ones takes.

To a type checker these are the standard ones. At run time they hold a place in an annotation, in an alias or among the
bases of a class, and do nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import (
        IO,
        Any,
        BinaryIO,
        Generic,
        Literal,
        NoReturn,
        Protocol,
        TypeAlias,
        TypeVar,
    )
else:

    class _Form:
        def __class_getitem__(cls, item):
            return cls

    class Generic(_Form):
        """Of anything."""

    class Protocol(_Form):
        """Is kept by whatever has its methods."""

    class Literal(_Form):
        """One of some values."""

    def TypeVar(name, *constraints, **options):
        """Stands for a type."""
        return name

    IO = Any = BinaryIO = NoReturn = TypeAlias = object

__all__ = [
    "IO", "TYPE_CHECKING", "Any", "BinaryIO", "Generic", "Literal", "NoReturn", "Protocol", "TypeAlias", "TypeVar",
]  # fmt: skip
