"""Programs and modules, found by the folders that they lie in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping


def find_program(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The absolute path of a program, or None.

    Relative entries of PATH are passed over: through them a repository could bring its own git, or verifier.
    """
    folders = [folder for folder in environ.get("PATH", "").split(os.pathsep) if _is_absolute(folder)]
    if os.name == "nt":  # where an extension makes a program
        import shutil

        return shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    files = (os.path.join(folder, name) for folder in folders)
    return next((file for file in files if os.path.isfile(file) and os.access(file, os.X_OK)), None)


def _is_absolute(folder: str) -> bool:
    return os.path.isabs(folder) and (os.name != "nt" or bool(os.path.splitdrive(folder)[0]))


def module_names(folders: Iterable[str]) -> tuple[str, ...]:
    """The modules in a package's `__path__`, by name; those with a leading underscore are left out.

    `pkgutil.iter_modules` would do the same and import `inspect` for it, a tenth of a hook's time.
    """
    names = (name for folder in folders for name in os.listdir(folder))
    return tuple(sorted(name[:-3] for name in names if name.endswith(".py") and not name.startswith("_")))
