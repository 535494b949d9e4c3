"""A fix that calls envhooks works where no shell finds it by its name."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import Bench, copied
from support import GOOD_TAG, run

from envhooks.base.invocation import own_call, spelled


def test_the_name_stays_where_a_shell_finds_it(tmp_path: Path) -> None:
    program = tmp_path / "envhooks"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert own_call({"PATH": str(tmp_path)}) == "envhooks"
    assert spelled("fix: envhooks check x", {"PATH": str(tmp_path)}) == "fix: envhooks check x"


def test_else_the_interpreter_stands_for_it() -> None:
    said = spelled(
        "  fix:  envhooks lock x && envhooks check x\nenvhooks: the tag was not made", {"PATH": "/nowhere"}
    )
    assert said.count("-m envhooks lock") == said.count("-m envhooks check") == 1
    assert said.endswith("\nenvhooks: the tag was not made")


def without_envhooks_on_path(template: Path, folder: Path, environ: dict[str, str]) -> Bench:
    """A bench with the hooks, from whose PATH the folder of this interpreter is gone."""
    bench = copied(template, folder, environ)
    own = Path(sys.executable).parent
    folders = [one for one in environ["PATH"].split(":") if Path(one).resolve() != own.resolve()]
    bench.repo.environ["PATH"] = ":".join(folders)
    bench.hooks()
    return bench


def test_what_is_pasted_runs_without_envhooks_on_the_path(
    template: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    bench = without_envhooks_on_path(template, tmp_path, environ)
    bench.repo.git("commit", "-q", "--allow-empty", "-m", "x")
    bench.check, bench.said = "tag-signed", "the signing key is not allowed to sign releases"
    key = f"{environ['HOME']}/stranger.pub"
    shown = bench.refused("-c", f"user.signingkey={key}", "tag", "-s", "-m", "x", GOOD_TAG)
    command = shown.command("your own")
    assert run(["sh", "-c", "command -v envhooks"], bench.repo.path, bench.repo.environ).code != 0
    bench.paste(command.replace("signers add", f"signers add {key}"))


def test_a_deleted_environment_has_a_fix_for_its_kind(
    template: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    bench = without_envhooks_on_path(template, tmp_path, environ)
    recorded = bench.repo.path / ".git" / "envhooks" / "python"
    for python, fix in (
        (
            "/h/.cache/pre-commit/repo1/py_env-python3/bin/python",
            "pre-commit run --hook-stage manual envhooks-install",
        ),
        ("/h/.cache/prek/hooks/python-1/bin/python", "prek run --hook-stage manual envhooks-install"),
        ("/h/.cache/uv/archive-v0/x/bin/python", "uvx envhooks install"),
        (
            "/h/my env/bin/python",
            "python3 -m venv '/h/my env' && '/h/my env/bin/python' -m pip install envhooks",
        ),
    ):
        recorded.write_text(f"{python}\n")
        done = bench.repo.try_git("tag", "-s", "-m", "x", GOOD_TAG)
        assert done.code != 0 and f"fix: {fix}\n" in done.err


def test_uninstall_says_that_pre_commit_puts_the_hooks_back(
    template: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    bench = copied(template, tmp_path, environ)
    bench.hooks()
    assert "pre-commit" not in bench.repo.envhooks("uninstall", check=True).out
    bench.hooks()
    bench.repo.write({".pre-commit-config.yaml": "repos:\n-   hooks:\n    -   id: envhooks-install\n"})
    assert "take envhooks-install out" in bench.repo.envhooks("uninstall", check=True).out
