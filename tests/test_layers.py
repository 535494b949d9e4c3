"""Imports only point down, processes start only where they may, and nothing heavy is loaded by a door."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import envhooks

PACKAGE = Path(envhooks.__file__).parent
# The higher a module stands, the more it may know. A package stands as one.
LAYERS = [
    {
        "records",
        "registry",
        "model",
        "errors",
        "hygiene",
        "interruption",
        "executables",
        "",
    },
    {
        "tagname",
        "gitobjects",
        "objectbatch",
        "git",
        "workspace",
        "events",
        "policy",
        "lockfile",
        "environment",
        "signatures",
        "ci",
        "fetching",
    },
    {"law", "proposal", "rereading", "contents", "subject", "checks"},
    {
        "engine",
        "gate",
        "report",
        "install",
        "neighbours",
        "checkout",
        "builds",
    },
    {"cli"},
    {"__main__"},
]
# What neighbours on one layer may know of each other.
BESIDE = {
    ("model", "hygiene"),
    ("model", "records"),
    ("errors", "records"),
    ("hygiene", "records"),
    ("errors", "hygiene"),
    ("git", "gitobjects"),
    ("git", "objectbatch"),
    ("objectbatch", "gitobjects"),
    ("policy", "tagname"),
    ("subject", "law"),
    ("subject", "contents"),
    ("contents", "law"),
    ("contents", "rereading"),
    ("proposal", "law"),
    ("gate", "engine"),
    ("builds", "gate"),
    ("install", "neighbours"),
    ("neighbours", "install"),
}
# fetching: `git fetch` needs the person's own configuration and credentials, which git.py keeps away
PROCESSES = {"git", "objectbatch", "workspace", "fetching", "signatures", "builds"}
SOCKETS = {"builds"}


def modules() -> dict[Path, str]:
    """Every source file -> the module or package that it belongs to."""
    found = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        found[file] = "" if parts == ("__init__",) else parts[0]
    return found


def layer(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def imported(file: Path) -> set[str]:
    """Dotted names of everything a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(names: set[str]) -> set[str]:
    parts = (name.split(".") for name in names if name.startswith("envhooks."))
    known = set(modules().values())
    return {part[1] for part in parts if part[1] in known}


@pytest.mark.parametrize("file", sorted(modules()), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_down(file: Path) -> None:
    own = modules()[file]
    for other in ours(imported(file)) - {own}:
        assert layer(other) < layer(own) or (own, other) in BESIDE, f"{own} must not know {other}"


def test_checks_import_the_model_alone() -> None:
    for file in (PACKAGE / "checks").glob("*.py"):
        if file.name != "__init__.py":
            assert not imported(file) & {"os", "subprocess", "pathlib", "io", "socket"}, file.name


def test_only_some_modules_start_processes_or_open_sockets() -> None:
    for file, own in modules().items():
        names = imported(file)
        assert "subprocess" not in names or own in PROCESSES, f"{file.name} may not start a process"
        assert not names & {"socket", "urllib.request", "http.client"} or own in SOCKETS, (
            f"{file.name} may not connect"
        )


def test_the_doors_load_nothing_heavy() -> None:
    script = (
        "import sys; sys.path.append(sys.argv[1]);"
        "import envhooks.__main__, envhooks.cli.hook, envhooks.subject, envhooks.checks as c; c.load();"
        "import envhooks.signatures.ssh, envhooks.signatures.openpgp, envhooks.signatures.expiry;"
        "import envhooks.signatures.payload;"
        "import envhooks.environment.reader, envhooks.environment.compat, envhooks.environment.changelog;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-I", "-S", "-c", script, str(PACKAGE.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # what compiles the methods of each class, and what looks into sources, cost a third of a door's time
    heavy = {"dataclasses", "inspect", "ast"}
    heavy |= {"argparse", "git", "gnupg", "packaging", "cryptography", "pysequoia", "yaml", "asyncio", "http"}
    assert not set(done.stdout.split()) & (heavy | {"ssl", "socket", "logging", "pre_commit"})
