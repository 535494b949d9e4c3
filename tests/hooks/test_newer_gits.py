"""What newer Gits have added to the ground that the hooks stand on."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from support import GOOD_TAG, Done, Repo, first_on_path, run

from envhooks.hooks.managers import confighooks

BAD = "pytorch-2.8"
KEY = "hook.envhooks-reference-transaction"


def version(repo: Repo) -> tuple[int, ...]:
    return tuple(map(int, repo.git("--version").split()[2].split(".")[:2]))


def need(repo: Repo, *least: int) -> None:
    if version(repo) < least:
        number = ".".join(map(str, least))
        pytest.skip(f"this git is older than {number}; scripts/matrix runs this with the newest")


# --------------------------------------------------------------- config hooks that are switched off


@pytest.mark.parametrize("key", [f"{KEY}.enabled", "hook.reference-transaction.enabled"])
def test_a_config_hook_that_is_switched_off_is_told_and_the_fix_switches_it_on(key: str, good: Repo) -> None:
    """One hook by its name, or all config hooks of an event (Git 2.55)."""
    need(good, 2, 55)
    good.envhooks("install", check=True)
    good.git("config", key, "false")
    assert good.try_git("tag", BAD).code == 0
    good.git("tag", "-d", BAD)
    again = good.envhooks("install", check=True)
    assert f"git config {key} true" in again.flat, again
    told = good.envhooks("doctor")
    assert told.code == 1 and "git tag no longer comes through envhooks" in told.flat, told
    (fix,) = (fix for fix in told.fixes if "enabled" in fix)
    run(shlex.split(fix), good.path, good.environ, check=True)
    assert good.try_git("tag", BAD).code != 0 and not good.has_tag(BAD)
    assert "no longer comes" not in good.envhooks("doctor").flat


def test_an_empty_event_takes_back_those_before_it(good: Repo) -> None:
    need(good, 2, 55)
    good.envhooks("install", check=True)
    good.git("config", "--add", f"{KEY}.event", "")
    assert good.try_git("tag", BAD).code == 0
    good.git("tag", "-d", BAD)
    told = good.envhooks("doctor")
    assert told.code == 1 and "git tag no longer comes through envhooks" in told.flat, told
    good.envhooks("install", check=True)
    assert good.try_git("tag", BAD).code != 0
    later = {f"{KEY}.event": ("", confighooks.HOT), f"{KEY}.command": (confighooks.guard(confighooks.HOT),)}
    assert confighooks.is_wired(later, (2, 55), confighooks.HOT)


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ("envhooks-pre-push\nhook from hookdir\n", 0),
        ("disabled\tenvhooks-pre-push\nhook from hookdir\n", 2),
        ("event-disabled\tenvhooks-pre-push\nhook from hookdir\n", 2),
        ("hook from hookdir\n", 2),
    ],
)
def test_where_the_hooks_are_gone_a_config_hook_that_is_off_says_nothing(
    listed: str, code: int, good: Repo, tmp_path: Path
) -> None:
    """A git that answers `hook list` so; all else goes to the real one."""
    good.envhooks("install", check=True)
    (good.path / ".git/envhooks/pre-push").unlink()
    (tmp_path / "listed").write_text(listed)
    real = run(["sh", "-c", "command -v git"], good.path, good.environ, check=True).out.strip()
    play = f'#!/bin/sh\n[ "$1 $2" = "hook list" ] && exec cat {tmp_path}/listed\nexec {real} "$@"\n'
    environ = first_on_path(good.environ, tmp_path / "bin", {"git": play})
    line = f"x {'a' * 40} refs/tags/{GOOD_TAG} {'0' * 40}\n"
    done = run([str(good.path / ".git/hooks/pre-push"), "origin", "x"], good.path, environ, line)
    assert done.code == code, done


# ------------------------------------------------------------------ commands that move or rewrite refs


def test_a_migration_to_reftable_leaves_the_gate_in_place(guarded: Repo, server: Repo) -> None:
    """`git refs migrate` shows every ref to the hook, tags among them, as if it were made."""
    need(guarded, 2, 48)
    guarded.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    guarded.git("push", "-q", "origin", GOOD_TAG)
    before = server.git("for-each-ref")
    for repo in (guarded, server):
        now = repo.git("rev-parse", "--show-ref-format")
        for to in ("files", "reftable") if now == "reftable" else ("reftable", "files", "reftable"):
            done = repo.try_git("refs", "migrate", f"--ref-format={to}")
            assert done.code == 0 and "envhooks" not in done.said, done
        assert repo.git("rev-parse", "--show-ref-format") == "reftable"
    assert server.git("for-each-ref") == before
    refused = guarded.try_git("tag", "-s", "-m", "x", BAD)
    assert refused.code != 0 and "[tag-name]" in refused.err
    deleted = guarded.try_git("push", "--no-verify", "origin", f":{GOOD_TAG}")
    assert deleted.code != 0 and "[tag-immutable]" in deleted.err
    assert server.envhooks("check", "--all").code == guarded.envhooks("check", "--all").code == 0


def test_git_history_rewrites_branches_as_without_envhooks(guarded: Repo) -> None:
    need(guarded, 2, 54)
    guarded.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    tag = guarded.git("rev-parse", GOOD_TAG)
    guarded.commit("A typo")
    editor = {"GIT_EDITOR": "sh -c 'echo Mended >\"$1\"' sh"}
    done = Repo(guarded.path, {**guarded.environ, **editor}).try_git("history", "reword", "HEAD")
    assert done.code == 0 and "envhooks" not in done.said, done
    assert guarded.git("log", "-1", "--format=%s") == "Mended" and guarded.git("rev-parse", GOOD_TAG) == tag


# ------------------------------------------------------- bare repositories that have to be named (3.0)


@pytest.fixture
def named(server: Repo, tmp_path: Path) -> Repo:
    """The bare repository of a person whose git takes none that it only finds, as Git 3.0 has it by default."""
    need(server, 2, 38)
    file = tmp_path / "gitconfig"
    text = Path(server.environ["GIT_CONFIG_GLOBAL"]).read_text()
    file.write_text(f"{text}[safe]\n\tbareRepository = explicit\n")
    return Repo(server.path, {**server.environ, "GIT_CONFIG_GLOBAL": str(file)})


@pytest.mark.parametrize("verb", ["install --server --branch main", "check --all", "doctor"])
def test_a_bare_repository_that_has_to_be_named(verb: str, named: Repo) -> None:
    before = sorted(named.path.rglob("*"))
    refused = named.envhooks(*verb.split())
    assert refused.code == 2 and "safe.bareRepository" in refused.flat, refused
    assert sorted(named.path.rglob("*")) == before
    assert named.try_git("rev-parse", "--git-dir").code != 0
    (fix,) = refused.fixes
    assert fix.startswith(f"GIT_DIR={named.path} ") and fix.endswith(f"envhooks {verb}")
    pasted = run(["sh", "-c", fix], named.path, named.environ)
    assert pasted.code != 2 and "safe.bareRepository" not in pasted.said, pasted


def by_name(repo: Repo, *arguments: str) -> Done:
    return Repo(repo.path.parent, {**repo.environ, "GIT_DIR": str(repo.path)}).envhooks(*arguments)


def test_named_it_is_installed_and_judges(named: Repo, good: Repo) -> None:
    assert by_name(named, "install", "--server", "--branch", "main").code == 0
    good.environ["GIT_CONFIG_GLOBAL"] = named.environ["GIT_CONFIG_GLOBAL"]
    good.git("tag", "-s", "-m", "x", BAD)
    done = good.try_git("push", "origin", BAD)
    assert done.code != 0 and "[tag-name]" in done.err, done
    good.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    assert good.try_git("push", "origin", GOOD_TAG).code == 0
    assert by_name(named, "check", "--all").code == 0
    assert by_name(named, "uninstall").code == 0
    assert not (named.path / "envhooks").exists()
