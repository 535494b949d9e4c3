"""setup.py and setup.cfg: what a project of setuptools depends on, where that stands there as text.

A setup.py is a program, and nothing of it is run. Followed are lists that stand in the call of setup() or under one
name, and the lines of a file beside; of all else, what may be meant is told (`RequirementsFile.perhaps`).
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator

from envhooks.base.dataclass import replace
from envhooks.image.requirements.builder import Sink, beside, with_extra
from envhooks.image.requirements.setupprogram import Item, Program, parse_program
from envhooks.image.requirements.specs import normal_name, parse_requirement

_COMPUTED = "cannot tell what setup.py asks for: its install_requires is computed"


def read_setup(
    sink: Sink, path: str, only_extras: tuple[str, ...] | None = None, *, named: bool = True
) -> None:
    """Read the setup.py or setup.cfg at `path`, and the setup.cfg beside a setup.py that states nothing.

    Args:
        sink: takes the requirements; an extra's carry the marker `extra == "NAME"`.
        path: the file.
        only_extras: as for `read_project`.
        named: whether a file that is not there is a fault.
    """
    for name in ("setup.py", "setup.cfg"):
        other = posixpath.join(posixpath.dirname(path), name)
        if (other != path or not named) and not sink.has(other):
            continue
        if name == "setup.cfg":
            _config(sink, other, only_extras)
        elif path.endswith(".py") and _program(sink, other, only_extras):
            return


# ------------------------------------------------------------------------------ setup.cfg


def _config(sink: Sink, path: str, only_extras: tuple[str, ...] | None) -> None:
    text = sink.text(path)
    if text is None:
        return
    import configparser  # late: few projects have one

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        sink.fault(f"cannot tell what setup.cfg asks for: {str(error).splitlines()[0]}", path)
        return
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        lines.setdefault(line.partition("=")[2].strip() if line[:1].isalpha() else line.strip(), number)
    values = [("", parser.get("options", "install_requires", fallback=""))]
    if parser.has_section("options.extras_require"):
        values += parser.items("options.extras_require")
    for extra, value in values:
        if value.strip().startswith("file:"):
            items = [Item(name.strip(), 0, True) for name in value.strip()[5:].split(",")]
        else:
            words = value.split("\n") if "\n" in value else value.split(";")
            items = [Item(word.strip(), lines.get(word.strip(), 0)) for word in words if word.strip()]
        take(sink, path, items, extra, only_extras)


# ------------------------------------------------------------------------------ setup.py


def _program(sink: Sink, path: str, only_extras: tuple[str, ...] | None) -> bool:
    """Read a setup.py; False where it states no dependencies at all, as setup.cfg may then."""
    text = sink.text(path)
    if text is None:
        return True
    try:
        module = Program(parse_program(text))
        given = module.setup()
        asked = module.items(given["install_requires"]) if "install_requires" in given else []
        extras = module.table(given["extras_require"]) if "extras_require" in given else {}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        sink.fault("cannot tell what setup.py asks for: it is not read", path)
        return True
    if asked is None:
        sink.fault(_COMPUTED, path, given["install_requires"].lineno)
        _perhaps(sink, path, module)
    else:
        take(sink, path, asked, "", only_extras)
    for extra, items in (extras or {}).items():
        take(sink, path, items, extra, only_extras)
    if extras is None and only_extras != ("",):
        sink.fault("cannot tell what the extras of setup.py ask for: they are computed", path)
    return "install_requires" in given


def take(sink: Sink, path: str, items: list[Item], extra: str, only_extras: tuple[str, ...] | None) -> None:
    """Add the entries of one list of the file at `path`, which is of an extra or, with an empty name, of all."""
    wanted = None if only_extras is None else {normal_name(one) for one in only_extras if one}
    if extra and wanted is not None and normal_name(extra.partition(":")[0]) not in wanted:
        return
    for item in items:
        for where, text, line in _texts(sink, path, item):
            requirement = parse_requirement(text, line)
            if requirement is None:
                sink.fault(f"{text!r} is not a requirement", where, line)
                continue
            marker = requirement.marker
            if extra and wanted is None:
                marker = with_extra(marker, extra)
            sink.add(replace(requirement, marker=marker), where)


def _texts(sink: Sink, path: str, item: Item) -> Iterator[tuple[str, str, int]]:
    """(file, requirement, line) of an entry; of a file, each of its lines."""
    if not item.is_file:
        yield path, item.text, item.line
        return
    other = beside(path, item.text)
    text = sink.text(other, (path, item.line)) if other else None
    if other is None or text is None:
        return
    lines = [(number, line.partition(" #")[0].strip()) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if any(line.startswith("-") or line.endswith("\\") for _, line in lines):
        sink.fault(f"cannot tell what {path} makes of the options in {other}", path, item.line)
        sink.perhaps += [found for number, line in lines if (found := parse_requirement(line, number))]
        return
    yield from ((other, line, number) for number, line in lines)


def _perhaps(sink: Sink, path: str, module: Program) -> None:
    """What a program may ask for: each requirement that stands in it, and those of files that it names."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or len(node.value) > 200:
            continue
        found = parse_requirement(node.value, node.lineno)
        if found is not None and found.specifier:
            sink.perhaps.append(found)
        elif re.fullmatch(r"[A-Za-z0-9_./-]+\.(?:txt|in)", node.value):
            other = beside(path, node.value)
            if other is not None and sink.has(other):
                lines = (sink.text(other) or "").split("\n")
                sink.perhaps += [
                    one for line in lines if (one := parse_requirement(line.partition(" #")[0].strip()))
                ]
