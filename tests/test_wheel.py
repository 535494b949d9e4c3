"""The built wheel, in a fresh environment: every check and every hook is in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
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
        # the project as a repository, made from files that are in none
        "tests/test_own_releases.py::test_nobody_releases_envhooks_before_a_maintainer_is_enrolled_by_the_commands_of_the_page",
    ]
    run = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *smoke]
    done = subprocess.run(run, cwd=sources, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_installed_by_pipx_it_finds_its_checks_and_its_hooks(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By pip, `uv tool` and uvx `tests/fixes/test_lost_interpreters.py` installs it, and has tags judged by it."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    command = [*UV, "tool", "run", "--quiet", "pipx", "install", "--quiet", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    envhooks = str(tmp_path / "home/.local/bin/envhooks")
    command = [envhooks, "explain", "--format", "json"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert {check["id"] for check in json.loads(listed.stdout)["checks"]} == checks.ids()
    subprocess.run(["git", "init", "-q", "-b", "main", "repo"], check=True, cwd=tmp_path)
    command = [envhooks, "install", "--branch", "main"]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path / "repo")
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "x"], check=True, cwd=tmp_path / "repo")
    command = ["git", "tag", "-a", "-m", "x", "v1"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path / "repo")
    assert refused.returncode != 0 and "v1: refused" in refused.stderr, refused
