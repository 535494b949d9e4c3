"""The built wheel, in a fresh environment: every check and every hook is in it."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import venv
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest

from envhooks.judge import engine as checks

ROOT = Path(__file__).parent.parent
UV = [sys.executable, "-m", "uv"]
HOOKS = {"reference-transaction", "pre-push", "pre-receive", "post-receive"}


@pytest.fixture(scope="module")
def sources(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution."""
    folder = tmp_path_factory.mktemp("sources")
    with tarfile.open(next(wheel.parent.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


def test_the_wheel_holds_every_module_and_every_hook(wheel: Path) -> None:
    held = set(ZipFile(wheel).namelist())
    sources = {
        f"envhooks/{file.relative_to(ROOT / 'envhooks').as_posix()}"
        for file in (ROOT / "envhooks").rglob("*.py")
    }
    assert sources <= held
    assert {f"envhooks/hooks/scripts/{file.name}" for file in (ROOT / "hooks").iterdir()} <= held
    assert {f"envhooks/hooks/scripts/{hook}" for hook in HOOKS} <= held
    data = {
        f"envhooks/{file.relative_to(ROOT / 'envhooks').as_posix()}"
        for file in (ROOT / "envhooks").rglob("*")
        if file.suffix in {".json", ".toml", ".css", ".js", ".typed"}
    }
    assert len(data) > 10 and data <= held
    assert not [name for name in held if name.startswith("tests")]


def test_the_metadata_is_whole(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        said = message_from_bytes(archive.read(name))
        assert any(held.endswith("/licenses/LICENSE") for held in archive.namelist())
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == ">=3.10" and said["Author"] and said["Keywords"]
    labels = {url.partition(",")[0] for url in said.get_all("Project-URL", [])}
    assert {"Source", "Documentation", "Changelog", "Issues", "Security"} <= labels
    text = str(said.get_payload())
    relative = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("https://")]
    assert "docs/policy.md" in text and not relative, "an index shows the README without the repository"
    needed = [line for line in said.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert len(needed) <= 6, needed


def test_the_source_distribution_passes_its_own_tests(sources: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    for name in filter(None, tracked.stdout.split("\0")):
        assert (sources / name).exists(), name
    smoke = [
        "tests/tagname/test_proposal.py",
        "tests/policy/test_schema.py",
        "tests/test_docs.py",
        "tests/checks/test_on_main.py",
        "tests/test_own_releases.py",  # the project as a repository, made from files that are in none
    ]
    run = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *smoke]
    done = subprocess.run(run, cwd=sources, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def by_pip(wheel: Path, folder: Path) -> list[str]:
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", str(wheel)], check=True, capture_output=True)
    return [str(folder / "venv/bin/envhooks")]


def by_uv_tool(wheel: Path, folder: Path) -> list[str]:
    subprocess.run([*UV, "tool", "install", "--quiet", str(wheel)], check=True, capture_output=True)
    return [str(folder / "home/.local/bin/envhooks")]


def by_uvx(wheel: Path, folder: Path) -> list[str]:
    return [*UV, "tool", "run", "--quiet", "--from", str(wheel), "envhooks"]


def by_pipx(wheel: Path, folder: Path) -> list[str]:
    command = [*UV, "tool", "run", "--quiet", "pipx", "install", "--quiet", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return [str(folder / "home/.local/bin/envhooks")]


@pytest.mark.parametrize("way", [by_pip, by_pipx, by_uv_tool, by_uvx])
def test_however_it_is_installed_it_finds_its_checks_and_its_hooks(
    way: Callable[[Path, Path], list[str]], wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    envhooks = way(wheel, tmp_path)
    command = [*envhooks, "explain"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert {line.split()[0] for line in listed.stdout.split("\n") if line} == checks.ids()
    subprocess.run(["git", "init", "-q", "-b", "main", "repo"], check=True, cwd=tmp_path)
    command = [*envhooks, "install", "--branch", "main"]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path / "repo")
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "x"], check=True, cwd=tmp_path / "repo")
    command = ["git", "tag", "-a", "-m", "x", "v1"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path / "repo")
    assert refused.returncode != 0 and "v1: refused" in refused.stderr, refused
