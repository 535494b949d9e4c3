"""The interpreter that judges is lost in each way in which people lose it, and the printed fix brings it back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bench import Bench, copied
from neighbours import need
from support import GOOD_TAG, Repo, run

ROOT = Path(__file__).parent.parent.parent
OWN = Path(sys.executable).parent
CONFIG = """\
default_install_hook_types: [pre-commit, post-merge]
repos:
-   repo: file://{source}
    rev: {rev}
    hooks:
    -   id: envhooks-install
"""


@pytest.fixture
def bench(template: Path, tmp_path: Path, environ: dict[str, str]) -> Bench:
    """A clone of a person whose shell does not find envhooks, and whose caches are their own."""
    bench = copied(template, tmp_path, environ)
    folders = [one for one in environ["PATH"].split(os.pathsep) if Path(one).resolve() != OWN.resolve()]
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[include]\n\tpath = {environ['GIT_CONFIG_GLOBAL']}\n")
    bench.repo.environ.update(
        PATH=os.pathsep.join(folders),
        HOME=str(home),
        GIT_CONFIG_GLOBAL=str(home / ".gitconfig"),
        XDG_CACHE_HOME=str(home / ".cache"),
        PRE_COMMIT_HOME=str(home / ".cache" / "pre-commit"),
        PREK_HOME=str(home / ".cache" / "prek"),
        UV_CACHE_DIR=str(home / ".cache" / "uv"),
    )
    assert run(["sh", "-c", "command -v envhooks"], tmp_path, bench.repo.environ).code != 0
    return bench


@pytest.fixture(scope="session")
def index(shared: Path) -> Path:
    """A folder with this project's wheel, which stands for its release on PyPI."""
    import fcntl

    folder = shared / "index"
    with (shared / "index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
            subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def published(bench: Bench, index: Path) -> Bench:
    """`bench` on a machine for which pip and uv find envhooks."""
    links = " ".join(filter(None, (str(index), os.environ.get("PIP_FIND_LINKS", ""))))
    bench.repo.environ.update(
        PIP_FIND_LINKS=links,
        PIP_PRE="1",
        UV_FIND_LINKS=links.replace(" ", ","),
        UV_PRERELEASE="allow",
        UV_LINK_MODE="copy",
    )
    return bench


def _on_the_path(bench: Bench, *programs: str) -> None:
    """These programs, and nothing else of this environment's, are found by a shell."""
    folder = bench.repo.path.parent / "programs"
    folder.mkdir()
    for program in programs:
        need(OWN / program)
        (folder / program).symlink_to(OWN / program)
    bench.repo.environ["PATH"] = f"{folder}{os.pathsep}{bench.repo.environ['PATH']}"


def _tag(bench: Bench) -> None:
    bench.repo.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    bench.repo.git("tag", "-d", GOOD_TAG)


def _lost_and_found(bench: Bench, lose: Callable[[], object], fix: str) -> None:
    """A good tag is made, then refused as nobody judges; what is pasted then brings the judge back."""
    _tag(bench)
    lose()
    done = bench.repo.try_git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    assert done.code != 0, "nobody judged it"
    (line,) = [line for line in done.err.split("\n") if "  fix: " in line]
    assert fix in line
    bench.paste(line.partition("fix: ")[2])
    _tag(bench)
    assert bench.repo.try_git("tag", "-m", "x", "bad-one").code != 0, bench.log


@pytest.mark.parametrize("runner", ["pre-commit", "prek"])
def test_the_runner_was_cleaned(bench: Bench, source: Repo, runner: str) -> None:
    _on_the_path(bench, runner)
    text = CONFIG.format(source=source.path, rev=source.git("rev-parse", "HEAD"))
    bench.repo.commit_files({".pre-commit-config.yaml": text})
    bench.repo.git("push", "-q", "origin", "main")
    bench.paste(f"{runner} install && {runner} run --hook-stage manual envhooks-install")
    fix = f"{runner} run --hook-stage manual envhooks-install"
    _lost_and_found(bench, lambda: bench.paste(f"{runner} clean"), fix)
    # and the folder with the hooks, which had the interpreter's name
    _lost_and_found(bench, lambda: shutil.rmtree(bench.repo.path / ".git" / "envhooks"), fix)


def test_the_cache_of_uv_was_cleaned(published: Bench) -> None:
    _on_the_path(published, "uv", "uvx")
    published.paste("uvx envhooks install")
    _lost_and_found(published, lambda: published.paste("uv cache clean"), "fix: uvx envhooks install")


def test_the_tool_of_uv_was_removed(published: Bench) -> None:
    home = published.repo.environ["HOME"]
    published.repo.environ.update(UV_TOOL_DIR=f"{home}/share/uv/tools", UV_TOOL_BIN_DIR=f"{home}/bin")
    _on_the_path(published, "uv")
    published.paste(f"uv tool install envhooks && {home}/bin/envhooks install")
    lose = lambda: published.paste("uv tool uninstall envhooks")  # noqa: E731
    _lost_and_found(published, lose, "fix: uv tool install --force envhooks")


@pytest.mark.parametrize("name", ["venv", "my env"])
def test_a_virtual_environment_was_deleted(published: Bench, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    published.paste(f"python3 -m venv '{folder}' && '{folder}/bin/pip' install -q envhooks")
    published.paste(f"'{folder}/bin/envhooks' install")
    _lost_and_found(published, lambda: shutil.rmtree(folder), "fix: python3 -m venv ")


def test_the_package_was_taken_out(published: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    published.paste(f"python3 -m venv {folder} && {folder}/bin/pip install -q envhooks")
    published.paste(f"{folder}/bin/envhooks install")
    lose = lambda: published.paste(f"{folder}/bin/pip uninstall -q -y envhooks")  # noqa: E731
    _lost_and_found(published, lose, "/bin/python3 -m pip install envhooks")


def test_all_is_lost(published: Bench, tmp_path: Path) -> None:
    """The environment and the folder with the hooks: nothing says where envhooks was."""
    folder = tmp_path / "venv"
    published.paste(f"python3 -m venv {folder} && {folder}/bin/pip install -q envhooks")
    published.paste(f"{folder}/bin/envhooks install")

    def lose() -> None:
        shutil.rmtree(folder)
        shutil.rmtree(published.repo.path / ".git" / "envhooks")

    _lost_and_found(published, lose, "fix: python3 -m venv ~/.local/share/envhooks && ")
