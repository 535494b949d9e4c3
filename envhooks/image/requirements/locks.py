"""Lock files of uv, poetry, Pipenv and PEP 751: every package with its exact version."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from envhooks.base.dataclass import replace
from envhooks.image.requirements.builder import Sink
from envhooks.image.requirements.projects import items, load_toml, table
from envhooks.image.requirements.specs import Requirement, normal_name, parse_requirement

_NAME_LINE = r"name[ ]*=[ ]*[\"']([^\"']*)[\"'][ ]*\Z"


def _name_lines(text: str) -> dict[str, list[int]]:
    """Name -> the lines `name = "..."` that follow a `[[package]]` head, in order."""
    found: dict[str, list[int]] = {}
    head = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("["):
            head = line.strip() in ("[[package]]", "[[packages]]")
        elif head and (match := re.match(_NAME_LINE, line)):
            found.setdefault(match.group(1), []).append(number)
    return found


def _entry(entry: Mapping[str, Any], line: int) -> Requirement | None:
    name, version = entry.get("name"), entry.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    requirement = parse_requirement(f"{name}=={version}", line)
    return replace(requirement, how="lock") if requirement and requirement.exact else None


def _of_source(requirement: Requirement, source: Mapping[str, Any]) -> Requirement:
    """The requirement with its index, or with the URL that it is taken from."""
    for key in ("registry", "index", "url"):
        if isinstance(source.get(key), str) and (key != "url" or source.get("type") == "legacy"):
            return replace(requirement, index=source[key])
    for key in ("url", "git"):
        if isinstance(source.get(key), str):
            return replace(requirement, url=source[key])
    return requirement


def read_lock(sink: Sink, path: str) -> None:
    """uv.lock, poetry.lock or pylock.toml: distinguished by their content."""
    loaded = load_toml(sink, path)
    if loaded is None:
        return
    document, text = loaded
    lines = {name: iter(numbers) for name, numbers in _name_lines(text).items()}
    packages = document.get("package", document.get("packages"))
    if not isinstance(packages, list):
        sink.fault("cannot tell what this lock holds: it has no list of packages", path)
        return
    extras = _extras(document) if path.endswith("poetry.lock") else {}
    for one in packages:
        entry, source = table(one), table(table(one).get("source"))
        name = entry.get("name")
        line = next(lines.get(name, iter(())), 0) if isinstance(name, str) else 0
        if {"editable", "virtual", "workspace", "directory"} & (source.keys() | entry.keys()):
            continue  # the project itself: it has no version of its own there
        if source.get("type") == "directory":
            continue
        requirement = _entry(entry, line)
        if requirement is None:
            sink.fault(f"no exact version of {name!r} stands here", path, line)
            continue
        marker = _marker(entry)
        condition = _condition(entry, path, extras.get(requirement.name, []))
        if condition:
            marker = f"({marker}) and ({condition})" if marker else condition
        requirement = replace(_of_source(requirement, source), marker=marker)
        if isinstance(entry.get("index"), str):
            requirement = replace(requirement, index=entry["index"])
        sink.add(requirement, path)


def _extras(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Package -> the extras of the project that name it, in poetry's lock."""
    found: dict[str, list[str]] = {}
    for extra, members in table(document.get("extras")).items():
        for member in items(members):
            if isinstance(member, str) and (match := re.match("[A-Za-z0-9._-]+", member)):
                found.setdefault(normal_name(match.group()), []).append(extra)
    return found


def _condition(entry: Mapping[str, Any], path: str, extras: list[str]) -> str:
    """The groups and extras that bring an entry, as a marker; empty where it comes anyway.

    pdm's groups are its extras, too: `extra == "train"`. poetry's are called `group:dev` here, and `?` is one that the
    lock does not name: poetry before 2.0 writes no groups.
    """
    groups = [one for one in items(entry.get("groups")) if isinstance(one, str)]
    if path.endswith("pdm.lock"):
        names = [] if "default" in groups else groups
    elif path.endswith("poetry.lock"):
        names = [] if "main" in groups else [f"group:{one}" for one in groups]
        if not groups and entry.get("category") == "dev":  # before poetry 1.5
            names = ["group:dev"]
        elif entry.get("optional") is True and "extra" not in str(entry.get("markers")):
            names = [*extras, "?"]
        elif not groups and extras:
            names = [*extras, "group:?"]
    else:
        names = []
    return " or ".join(f'extra == "{one}"' for one in names if not re.search("[\"']", one))


def _marker(entry: Mapping[str, Any]) -> str:
    """The condition of an entry: one text (PEP 751, poetry), or one of several (uv)."""
    for key in ("marker", "markers"):
        if isinstance(entry.get(key), str):
            return str(entry[key])
    forks = [fork for fork in items(entry.get("resolution-markers")) if isinstance(fork, str)]
    condition = " or ".join(f"({fork})" for fork in forks) if len(forks) > 1 else "".join(forks)
    return condition


def read_pipfile_lock(sink: Sink, path: str) -> None:
    """Pipfile.lock: its default packages; `develop` ones are not installed by `pipenv sync`."""
    text = sink.text(path)
    if text is None:
        return
    try:
        document = table(json.loads(text))
    except (ValueError, RecursionError) as error:
        sink.fault(f"this is not JSON: {error}", path)
        return
    sources = items(table(document.get("_meta")).get("sources"))
    urls = {
        table(s).get("name"): table(s).get("url") for s in sources if isinstance(table(s).get("name"), str)
    }
    first = [table(s).get("url") for s in sources]
    if first and isinstance(first[0], str):
        sink.index_url = first[0]
    numbers = {
        match.group(1): number
        for number, line in reversed(list(enumerate(text.split("\n"), 1)))
        if (match := re.match(r"[ ]*\"([^\"]+)\":[ ]*\{", line))
    }
    for name, one in table(document.get("default")).items():
        entry, line = table(one), numbers.get(name, 0)
        version = entry.get("version")
        requirement = parse_requirement(f"{name}{version}", line) if isinstance(version, str) else None
        if requirement is None:
            sink.fault(f"no exact version of {name!r} stands here", path, line)
            continue
        marker = entry["markers"] if isinstance(entry.get("markers"), str) else ""
        index = urls.get(entry.get("index")) if isinstance(entry.get("index"), str) else ""
        index = index if isinstance(index, str) else ""
        sink.add(replace(requirement, how="lock", marker=marker, index=index), path)
