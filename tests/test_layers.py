"""Imports only point down, processes start only where they may, and nothing heavy is loaded by a hook."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import GOOD_TAG, Repo

import envhooks

PACKAGE = Path(envhooks.__file__).parent
# A package knows those before it, and nobody else. The same holds inside of image/.
PACKAGES = (
    "base",
    "catalog",
    "tagname",
    "git",
    "signatures",
    "changelog",
    "policy",
    "image",
    "judge",
    "checks",
    "report",
    "indexes",
    "builds",
    "records",
    "releases",
    "lineage",
    "hooks",
    "cli",
    "__main__",
)
ROOMS_OF_IMAGE = (
    "text",
    "files",
    "ignorefile",
    "requirements",
    "hcl",
    "buildfiles",
    "dockerfile",
    "shell",
    "buildcommands",
    "makefiles",
    "workflows",
    "statedbuilds",
    "compat",
    "stage",
    "installers",
    "interpreter",
)
# git/fetch: `git fetch` needs the person's own configuration and credentials, which git/repository keeps away
PROCESSES = {"git", "signatures", "indexes", "builds"}
SOCKETS = {"indexes", "builds"}
MODULES_OF_A_HOOK = 88
"""Fewer modules of envhooks are loaded to judge one tag, beside the checks: there may always be one more of those."""
HEAVY = {
    "argparse", "ast", "asyncio", "cryptography", "dataclasses", "email", "git", "gnupg", "http", "inspect", "logging",
    "packaging", "pre_commit", "pysequoia", "rich", "socket", "ssl", "yaml",
}  # fmt: skip


def modules() -> dict[str, Path]:
    """Dotted name below `envhooks` -> source file."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()
CHECKS = [file for file in (PACKAGE / "checks").glob("*.py") if file.stem != "__init__"]
OUR_NAMES = {f"envhooks.{name}" for name in MODULES}


def imported(file: Path) -> set[str]:
    """Dotted names of everything a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from envhooks.git import batch` takes nothing from the package itself
            names |= parts if parts <= OUR_NAMES else {node.module} | parts
    return names


def ours(file: Path) -> set[str]:
    """The modules of envhooks that a file imports."""
    names = {name.removeprefix("envhooks.") for name in imported(file) if name.startswith("envhooks.")}
    return names & MODULES.keys()


def room(name: str, order: tuple[str, ...], depth: int) -> int:
    parts = name.split(".")
    return order.index(parts[depth]) if len(parts) > depth else -1


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_imports_point_down(name: str) -> None:
    for other in ours(MODULES[name]):
        own, below = room(name, PACKAGES, 0), room(other, PACKAGES, 0)
        assert below <= own, f"{name} must not know {other}"
        if name.startswith("image.") and other.startswith("image."):
            own, below = room(name, ROOMS_OF_IMAGE, 1), room(other, ROOMS_OF_IMAGE, 1)
            assert below <= own, f"{name} must not know {other}"


def test_every_package_has_its_place_in_the_list() -> None:
    there = {name.split(".")[0] for name in MODULES if name}
    assert there == set(PACKAGES)
    assert {name.split(".")[1] for name in MODULES if name.startswith("image.")} == set(ROOMS_OF_IMAGE)
    assert not [name for name in MODULES if name and "." not in name and name not in PACKAGES]


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle; empty where none do."""
    state: dict[str, int] = {}

    def visit(name: str, path: list[str]) -> list[str]:
        state[name] = 1
        for other in sorted(graph[name]):
            if state.get(other) == 1:
                return [*path[path.index(other) :], other] if other in path else [name, other]
            if other not in state and (found := visit(other, [*path, other])):
                return found
        state[name] = 2
        return []

    return next((found for name in graph if name not in state and (found := visit(name, [name]))), [])


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: ours(file) - {name} for name, file in MODULES.items()}
    assert circle(graph) == []


def test_checks_import_facts_alone() -> None:
    allowed = {
        "base.dataclass", "base.hygiene", "base.place", "base.refs", "catalog.lookup",
        "changelog", "image", "judge.facts", "judge.fixes", "policy", "signatures",
        "tagname.names",
    }  # fmt: skip
    for name, file in MODULES.items():
        if name.startswith("checks."):
            assert ours(file) <= allowed, name
            assert not imported(file) & {"os", "subprocess", "pathlib", "io", "socket"}, name


def test_only_some_packages_start_processes_or_open_sockets() -> None:
    for name, file in MODULES.items():
        names, own = imported(file), name.split(".")[0]
        assert "subprocess" not in names or own in PROCESSES, f"{name} may not start a process"
        assert not names & {"socket", "urllib.request", "http.client"} or own in SOCKETS, (
            f"{name} may not connect"
        )


def test_no_module_is_longer_than_anybody_reads() -> None:
    long = {name: len(file.read_text(encoding="utf-8").split("\n")) for name, file in MODULES.items()}
    assert not {name: lines for name, lines in long.items() if lines > 401}


POLICY = """\
[tag]
ignore = ["v*"]

[checks]
changelog-sections = { level = "off", reason = "none yet" }
"""


@pytest.mark.parametrize("policy", ["", POLICY])
def test_a_hook_loads_nothing_heavy_and_few_modules(good: Repo, policy: str) -> None:
    """What judging one good tag at `git push` has loaded when it is done."""
    good.commit_files({".envhooks/policy.toml": policy})
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    tag = good.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    script = (
        "import os, sys; sys.path.append(sys.argv.pop(1)); real = os._exit;"
        "os._exit = lambda code: (print(*sorted(sys.modules), flush=True), real(code));"
        "from envhooks.__main__ import main; main()"
    )
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        script,
        str(PACKAGE.parent),
        "hook",
        "pre-push",
        "origin",
        "x",
    ]
    line = f"refs/tags/{GOOD_TAG} {tag} refs/tags/{GOOD_TAG} {'0' * 40}\n"
    done = subprocess.run(command, input=line, capture_output=True, text=True, cwd=good.path, check=True)
    loaded = set(done.stdout.split())
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert "envhooks.signatures.ssh" in loaded
    ours = {name for name in loaded if name.partition(".")[0] == "envhooks"}
    assert len(ours - {f"envhooks.checks.{file.stem}" for file in CHECKS}) < MODULES_OF_A_HOOK
