"""Patterns that are compiled when they are first used.

A door comes by some hundred and fifty of them and uses half; compiling the rest took a tenth of its time.
To a type checker these are what `re.compile` gives.
"""

from __future__ import annotations

import re

from envhooks.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from re import compile as compile
else:
    _METHODS = ("match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")

    class _Pattern:
        def __init__(self, text, flags):
            self._given = (text, flags)

        def __getattr__(self, name):
            """Compile; from then on the methods are found without coming by here."""
            if name.startswith("_"):  # whoever copies it asks for many of these
                raise AttributeError(name)
            compiled = re.compile(*self._given)
            self.__dict__.update((method, getattr(compiled, method)) for method in _METHODS)
            return getattr(compiled, name)

    def compile(text, flags=0):
        """A pattern for a module's constants. A faulty one is found when it is used: tests use them all."""
        return _Pattern(text, flags)
