"""conda's environment.yml and conda-lock's lock file."""

from __future__ import annotations

import re

from envhooks.base.dataclass import replace
from envhooks.image.requirements.builder import Sink
from envhooks.image.requirements.condaspecs import parse_conda_spec
from envhooks.image.requirements.pipfiles import read_pip_lines
from envhooks.image.requirements.specs import Requirement, normal_name, parse_requirement
from envhooks.image.requirements.yamlnodes import Node, Scalar, YamlError, read_yaml


def _document(sink: Sink, path: str) -> dict[str, Node] | None:
    text = sink.text(path)
    if text is None:
        return None
    try:
        node = read_yaml(text)
    except YamlError as error:
        sink.fault(f"cannot tell what this environment holds: {error.why}", path, error.line)
        return None
    if not isinstance(node, dict):
        sink.fault("cannot tell what this environment holds: it is not a mapping", path, 1)
        return None
    return node


def read_environment(sink: Sink, path: str) -> None:
    """`conda env create -f environment.yml`: conda's packages, and what it hands to pip."""
    document = _document(sink, path)
    if document is None:
        return
    known = {
        "name",
        "channels",
        "dependencies",
        "variables",
        "prefix",
        "platforms",
        "category",
        "channel_priority",
    }
    for key in sorted(document.keys() - known):
        sink.fault(f"cannot tell what {key!r} means in an environment file", path)
    dependencies = document.get("dependencies", [])
    if isinstance(dependencies, Scalar) and not dependencies.text:
        dependencies = []
    if not isinstance(dependencies, list):
        sink.fault("cannot tell what this environment holds: its dependencies are not a list", path)
        return
    for item in dependencies:
        if isinstance(item, Scalar):
            requirement = parse_conda_spec(item.text, item.line)
            if requirement is None:
                sink.fault(f"{item.text!r} is not a conda specification", path, item.line)
            else:
                sink.add(requirement, path)
        else:
            _pip(sink, path, item)


def _pip(sink: Sink, path: str, item: Node) -> None:
    lines = item.get("pip") if isinstance(item, dict) and len(item) == 1 else None
    if isinstance(lines, Scalar) and not lines.text:
        return
    scalars = [line for line in lines if isinstance(line, Scalar)] if isinstance(lines, list) else []
    if not isinstance(lines, list) or len(scalars) != len(lines):
        sink.fault("cannot tell what a dependency that is neither text nor a list for pip installs", path)
        return
    read_pip_lines(sink, path, [(line.line, line.text) for line in scalars])


def _text(entry: dict[str, Node], key: str) -> str:
    value = entry.get(key)
    return value.text if isinstance(value, Scalar) else ""


def read_conda_lock(sink: Sink, path: str) -> None:
    """conda-lock's unified lock: every package with its version, once for each platform."""
    document = _document(sink, path)
    if document is None:
        return
    packages = document.get("package")
    if not isinstance(packages, list):
        sink.fault("cannot tell what this lock holds: it has no list of packages", path)
        return
    seen: set[tuple[str, str | None, str | None, str]] = set()
    for entry in packages:
        requirement = _locked(entry) if isinstance(entry, dict) else None
        if requirement is None:
            sink.fault("a package without name and version", path)
            continue
        if isinstance(entry, dict) and not _text(entry, "platform").startswith(("linux-", "noarch")):
            continue  # container images are Linux
        key = (requirement.name, requirement.version, requirement.local, requirement.how)
        if key not in seen:
            seen.add(key)
            sink.add(requirement, path)


def read_pixi_lock(sink: Sink, path: str) -> None:
    """pixi's lock, version 4 and later: the packages of its default environment on x86-64 Linux, by their URLs."""
    document = _document(sink, path)
    if document is None:
        return
    environments = document.get("environments")
    default = environments.get("default") if isinstance(environments, dict) else None
    packages = default.get("packages") if isinstance(default, dict) else None
    listed = packages.get("linux-64") if isinstance(packages, dict) else None
    if not isinstance(listed, list):
        sink.fault("cannot tell what this lock holds: it has no default environment for linux-64", path)
        return
    for item in listed:
        entry = item if isinstance(item, dict) else {}
        conda, pypi = _text(entry, "conda"), _text(entry, "pypi")
        node = entry.get("conda") or entry.get("pypi")
        line = node.line if isinstance(node, Scalar) else 0
        if not re.match(r"https?://", conda or pypi):
            continue  # a project of the tree itself
        requirement = parse_conda_spec(conda, line) if conda else parse_requirement(pypi, line)
        if requirement is None or not requirement.exact:
            sink.fault(f"no exact version of {conda or pypi!r} stands here", path, line)
        else:
            sink.add(requirement if conda else replace(requirement, how="lock"), path)


def _locked(entry: dict[str, Node]) -> Requirement | None:
    name, version, url = _text(entry, "name"), _text(entry, "version"), _text(entry, "url")
    node = entry.get("version")
    line = node.line if isinstance(node, Scalar) else 0
    if _text(entry, "manager") == "pip":
        requirement = parse_requirement(f"{name}=={version}", line)
        return (
            replace(requirement, how="lock", url=url or None) if requirement and requirement.exact else None
        )
    if not name or not re.fullmatch(r"[A-Za-z0-9_.!+]+", version):
        return None
    text = f"{name}=={version}"
    return Requirement(
        normal_name(name), f"=={version}", version, None, True, url or None, "", (), text, line, how="conda"
    )
