"""The built wheel, in a fresh environment: every check and every hook is in it."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from envhooks import cli, report
from envhooks.judge import engine as checks

ROOT = Path(__file__).parent.parent
HOOKS = {"reference-transaction", "pre-push", "pre-receive", "post-receive"}
CHECKS = {
    "tag-name", "tag-annotated", "tag-signed", "tag-message", "tag-immutable", "tag-order", "on-main",
    "dockerfile-matches", "dockerfile-pinned", "dockerfile-compatible", "changelog-entry", "changelog-sections",
}  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_expected_set_is_there() -> None:
    assert checks.ids() == CHECKS
    assert {
        "check",
        "demo",
        "doctor",
        "env",
        "explain",
        "hook",
        "init",
        "install",
        "lint",
        "lock",
        "signers",
        "uninstall",
    } <= set(cli.verbs())
    assert set(report.formats()) == {"text", "json", "sarif", "github", "gitlab", "junit"}


def test_the_wheel_holds_every_module_and_every_hook(wheel: Path) -> None:
    held = set(ZipFile(wheel).namelist())
    sources = {
        f"envhooks/{file.relative_to(ROOT / 'envhooks').as_posix()}"
        for file in (ROOT / "envhooks").rglob("*.py")
    }
    assert sources <= held
    assert {f"envhooks/hooks/scripts/{file.name}" for file in (ROOT / "hooks").iterdir()} <= held
    assert {f"envhooks/hooks/scripts/{hook}" for hook in HOOKS} <= held
    assert {
        "envhooks/py.typed",
        "envhooks/image/compat/compat.toml",
        "envhooks/report/schema-v1.json",
    } <= held
    assert not [name for name in held if name.startswith("tests")]


def test_an_installed_wheel_finds_its_checks_and_its_hooks(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", str(wheel)], check=True, capture_output=True)
    listed = subprocess.run(
        [str(tmp_path / "venv/bin/envhooks"), "explain"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert {line.split()[0] for line in listed.stdout.split("\n") if line} == CHECKS
    subprocess.run(["git", "init", "-q", "-b", "main", "repo"], check=True, cwd=tmp_path)
    install = [str(tmp_path / "venv/bin/envhooks"), "install", "--branch", "main"]
    subprocess.run(install, check=True, capture_output=True, cwd=tmp_path / "repo")
    assert (tmp_path / "repo/.git/envhooks/reference-transaction").exists()
