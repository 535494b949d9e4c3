"""The interpreter that judges is lost in each way in which people lose it, and the printed fix brings it back."""

from __future__ import annotations

import os
import shutil
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


@pytest.fixture
def published(bench: Bench, wheel: Path) -> Bench:
    """`bench` on a machine for which pip and uv find envhooks: its wheel stands for its release on PyPI."""
    links = " ".join(filter(None, (str(wheel.parent), os.environ.get("PIP_FIND_LINKS", ""))))
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


def test_a_virtual_environment_and_all_else_is_lost_in_turn(published: Bench, tmp_path: Path) -> None:
    """One after the other, as each fix leaves what the next way takes away: an environment takes long to make."""
    folder, git = tmp_path / "my env", published.repo.path / ".git"
    _on_the_path(published, "uv")  # a fraction of pip's time, which each fix below takes
    published.paste(f"uv venv -q -p python3 '{folder}' && uv pip install -q -p '{folder}' envhooks")
    published.paste(f"'{folder}/bin/envhooks' install")
    _lost_and_found(published, lambda: shutil.rmtree(folder), f"fix: python3 -m venv '{folder}' && ")

    def lose_all() -> None:
        """The environment and the folder with the hooks: nothing says where envhooks was."""
        shutil.rmtree(folder)
        shutil.rmtree(git / "envhooks")

    _lost_and_found(published, lose_all, "fix: python3 -m venv ~/.local/share/envhooks && ")

    own = f"{published.repo.environ['HOME']}/.local/share/envhooks/bin"
    assert (git / "envhooks/python").read_text().startswith(f"{own}/python")
    lose = lambda: published.paste(f"{own}/pip uninstall -q -y envhooks")  # noqa: E731
    _lost_and_found(published, lose, "/bin/python3 -m pip install envhooks")
