"""Files that list requirements -> frozen facts: pip, conda, uv, poetry, Pipenv and standard locks.

The reader of one kind of file is chosen by the file's name, as the tools choose theirs. What cannot
be told becomes a fault with its place; nothing is guessed and nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable

from envhooks.image.requirements.builder import MAX_REQUIREMENTS, Fault, RequirementsFile, Sink, TooMuchError
from envhooks.image.requirements.specs import Requirement, marker_holds, normal_name, parse_requirement

__all__ = [
    "Fault", "Requirement", "RequirementsFile", "marker_holds", "normal_name",
    "parse_requirement", "read_requirements",
]  # fmt: skip

_UNREADABLE = (
    "Pipfile",
    "pixi.toml",
    "meta.yaml",
    "meta.yml",
)


def read_requirements(read: Callable[[str], bytes | None], path: str) -> RequirementsFile:
    """Requirements of the file at `path`, and of the files that it includes.

    Args:
        read: bytes of a file of the tree, or None where there is none. Paths are relative to the top.
        path: the file; its name decides how it is read, and any unknown name is a pip requirement file.
    """
    sink = Sink(read)
    try:
        _reader(path.rpartition("/")[2])(sink, path)
    except TooMuchError:
        sink.fault(f"more than {MAX_REQUIREMENTS} requirements", path)
    return sink.result()


def _reader(name: str) -> Callable[[Sink, str], object]:
    """The reader for a file name, imported only here: most repositories need one of them."""
    lower = name.lower()
    if name in ("setup.py", "setup.cfg"):
        from envhooks.image.requirements.setupfiles import read_setup

        return read_setup
    if name in _UNREADABLE or lower.endswith(".py"):
        return lambda sink, path: sink.fault(f"cannot tell what {name} installs: it is not read", path)
    if name == "Pipfile.lock":
        from envhooks.image.requirements.locks import read_pipfile_lock

        return read_pipfile_lock
    if name == "pixi.lock":
        from envhooks.image.requirements.condafiles import read_pixi_lock

        return read_pixi_lock
    if lower in ("uv.lock", "poetry.lock", "pdm.lock") or (
        lower.startswith("pylock.") and lower.endswith(".toml")
    ):
        from envhooks.image.requirements.locks import read_lock

        return read_lock
    if lower.endswith(".toml"):
        from envhooks.image.requirements.projects import read_project

        return read_project
    if lower.endswith((".yml", ".yaml")):
        from envhooks.image.requirements.condafiles import read_conda_lock, read_environment

        return read_conda_lock if "conda-lock" in lower else read_environment
    from envhooks.image.requirements.pipfiles import read_pip_file

    return read_pip_file
