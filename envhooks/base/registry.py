"""What is found by its folder: checks, verbs, formats and builders are one file each."""

from __future__ import annotations

import os
from collections.abc import Iterable


def module_names(folders: Iterable[str]) -> tuple[str, ...]:
    """The modules in a package's `__path__`, by name; what begins with an underscore is shared by them, and is none.

    `pkgutil.iter_modules` would do the same and import `inspect` for it, a tenth of a hook's time.
    """
    names = (name for folder in folders for name in os.listdir(folder))
    return tuple(sorted(name[:-3] for name in names if name.endswith(".py") and not name.startswith("_")))
