"""pyproject.toml: the dependencies of a project, PEP 621's, poetry's and uv's."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from envhooks.base.dataclass import replace
from envhooks.image.requirements.builder import Sink, with_extra
from envhooks.image.requirements.specs import Requirement, normal_name, normal_version, parse_requirement


def load_toml(
    sink: Sink, path: str, origin: tuple[str, int] | None = None
) -> tuple[dict[str, Any], str] | None:
    """(document, text), or None with a fault."""
    text = sink.text(path, origin)
    if text is None:
        return None
    from envhooks.image.requirements.tomltext import FAULTS, parse_toml  # late: most images need no TOML

    try:
        return parse_toml(text), text
    except FAULTS as error:
        sink.fault(f"this is not TOML: {error}", path)
        return None


class Lines:
    """Line numbers of texts, which TOML readers do not give: the first line that holds a text in quotes."""

    def __init__(self, text: str) -> None:
        self.first: dict[str, int] = {}
        for number, line in enumerate(text.split("\n"), 1):
            for match in re.finditer(r"\"([^\"]*)\"|'([^']*)'|\A([A-Za-z0-9_.-]+)(?=[ ]?=)", line):
                self.first.setdefault(match.group(1) or match.group(2) or match.group(3) or "", number)

    def of(self, *texts: str) -> int:
        """The line of the first of `texts` that is there; 0 for none."""
        return next((self.first[text] for text in texts if text in self.first), 0)


def table(value: object) -> dict[str, Any]:
    """The value where it is a table, else an empty one: hostile files have text in its place."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The value where it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def read_project(
    sink: Sink, path: str, only_extras: tuple[str, ...] | None = None, origin: tuple[str, int] | None = None
) -> bool:
    """Read what a project depends on. Its extras carry the marker `extra == "NAME"`.

    With `only_extras`, extras that it does not name are left out, and named ones carry no marker.
    """
    beside_it = posixpath.join(posixpath.dirname(path), "setup.py")
    if not sink.has(path) and sink.has(beside_it):
        _setup_files(sink, beside_it, only_extras)
        return True
    loaded = load_toml(sink, path, origin)
    if loaded is None:
        return True  # the fault says it
    document, text = loaded
    lines = Lines(text)
    tool = table(document.get("tool"))
    sources = table(table(tool.get("uv")).get("sources"))
    indexes = _uv_indexes(sink, table(tool.get("uv")))
    wanted = None if only_extras is None else {normal_name(extra) for extra in only_extras if extra}
    project = table(document.get("project"))
    found = [*_standard(sink, path, project, lines), *_poetry(sink, path, table(tool.get("poetry")), lines)]
    for requirement, extra in found:
        if extra and wanted is not None and normal_name(extra) not in wanted:
            continue
        marker = with_extra(requirement.marker, extra) if extra and wanted is None else requirement.marker
        sink.add(_bound(replace(requirement, marker=marker), sources, indexes), path)
    if "dependencies" in items(project.get("dynamic")) and not _listed(sink, path, tool, lines):
        why = "cannot tell the project's dependencies: they are computed when it is built"
        sink.fault(why, path, lines.of("dynamic"))
    if (not project and "poetry" not in tool) or "dependencies" in items(project.get("dynamic")):
        _setup_files(sink, beside_it, only_extras)
    return True


def _setup_files(sink: Sink, path: str, only_extras: tuple[str, ...] | None) -> None:
    from envhooks.image.requirements.setupfiles import read_setup

    read_setup(sink, path, only_extras, named=False)


def _listed(sink: Sink, path: str, tool: Mapping[str, Any], lines: Lines) -> bool:
    """Whether setuptools takes the dependencies from files: `dependencies = {file = ["requirements.txt"]}`."""
    files = table(table(table(tool.get("setuptools")).get("dynamic")).get("dependencies")).get("file")
    names = [files] if isinstance(files, str) else items(files)
    if not names or not all(isinstance(name, str) for name in names):
        return False
    from envhooks.image.requirements.setupfiles import take
    from envhooks.image.requirements.setupprogram import Item

    take(sink, path, [Item(name, lines.of(name), True) for name in names], "", ())
    return True


def _standard(
    sink: Sink, path: str, project: Mapping[str, Any], lines: Lines
) -> Iterator[tuple[Requirement, str]]:
    groups = [("", project.get("dependencies")), *table(project.get("optional-dependencies")).items()]
    for extra, texts in groups:
        for text in items(texts):
            line = lines.of(text) if isinstance(text, str) else 0
            requirement = parse_requirement(text, line) if isinstance(text, str) else None
            if requirement is None:
                sink.fault(f"{text!r} is not a requirement", path, line)
            else:
                yield requirement, extra


def _uv_indexes(sink: Sink, uv: Mapping[str, Any]) -> dict[str, str]:
    named: dict[str, str] = {}
    for index in items(uv.get("index")):
        url, name = table(index).get("url"), table(index).get("name")
        if not isinstance(url, str):
            continue
        if isinstance(name, str):
            named[name] = url
        if table(index).get("default") is True:
            sink.index_url = url
        elif table(index).get("explicit") is not True:  # an explicit one serves only who names it
            sink.extra_index_urls.append(url)
    if isinstance(uv.get("index-url"), str):
        sink.index_url = uv["index-url"]
    sink.extra_index_urls += [url for url in items(uv.get("extra-index-url")) if isinstance(url, str)]
    sink.find_links += [url for url in items(uv.get("find-links")) if isinstance(url, str)]
    return named


def _bound(requirement: Requirement, sources: Mapping[str, Any], indexes: Mapping[str, str]) -> Requirement:
    """The requirement with what [tool.uv.sources] says of it, where that holds everywhere."""
    for name, source in sources.items():
        if normal_name(name) != requirement.name:
            continue
        only = table(source) or (table(items(source)[0]) if len(items(source)) == 1 else {})
        if only.get("marker") or only.get("extra") or not only:
            return requirement  # which one holds depends on the platform or the extra
        if isinstance(only.get("index"), str):
            return replace(requirement, index=indexes.get(only["index"], ""))
        url = only.get("url") or only.get("git") or only.get("path")
        if isinstance(url, str):
            direct = parse_requirement(f"{requirement.name} @ {url}") if "git" not in only else None
            return replace(
                requirement, url=url, exact=direct.exact if direct else False,
                version=direct.version if direct else None, local=direct.local if direct else None,
            )  # fmt: skip
    return requirement


def _poetry(
    sink: Sink, path: str, poetry: Mapping[str, Any], lines: Lines
) -> Iterator[tuple[Requirement, str]]:
    extras = {
        normal_name(member): extra
        for extra, members in table(poetry.get("extras")).items()
        for member in items(members)
        if isinstance(member, str)
    }
    urls = {table(s).get("name"): table(s).get("url") for s in items(poetry.get("source"))}
    for name, value in table(poetry.get("dependencies")).items():
        if name.lower() == "python":
            continue
        for one in value if isinstance(value, list) else [value]:
            requirement = _poetry_one(name, one, lines.of(name), urls)
            if requirement is None:
                sink.fault(f"cannot tell what version of {name} this asks for", path, lines.of(name))
            else:
                yield (
                    requirement,
                    (extras.get(requirement.name, name) if table(one).get("optional") is True else ""),
                )


def _poetry_one(name: str, value: object, line: int, urls: Mapping[Any, Any]) -> Requirement | None:
    """One constraint of poetry's: `2.8.0` is exact there, `^2.8` and `~2.8` are ranges."""
    more = table(value)
    version = more.get("version", "" if more else None) if isinstance(value, dict) else value
    url = more.get("url") or more.get("git") or more.get("path")
    if not isinstance(version, str) or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        return None
    version = version.strip()
    public = version.partition("+")[0]
    spelled = f"{name}=={version}" if normal_version(public) else f"{name}{version}"
    requirement = parse_requirement(spelled, line) if version not in ("", "*") else None
    if requirement is None:
        requirement = Requirement(normal_name(name), version, None, None, False, None, "", (), name, line)
    if isinstance(url, str):
        direct = parse_requirement(f"{name} @ {url}", line) if "git" not in more else None
        requirement = direct or replace(requirement, url=url, exact=False, version=None, local=None)
    marker = more.get("markers") if isinstance(more.get("markers"), str) else ""
    index = urls.get(more.get("source")) if isinstance(more.get("source"), str) else ""
    shown = f"{name} = {value!r}" if isinstance(value, str) else requirement.text
    return replace(
        requirement, marker=marker or "", index=index if isinstance(index, str) else "", text=shown
    )
