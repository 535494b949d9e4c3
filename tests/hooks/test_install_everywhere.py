"""`envhooks install --global`: one install for all clones of a person, by the config hooks of Git 2.54 and newer."""

from __future__ import annotations

from pathlib import Path

import pytest
from installing import HAS_CONFIG_HOOKS, STAND_IN, Judge, put, snapshot
from support import Done, Repo, run

from envhooks.hooks import copies
from envhooks.hooks.managers import everywhere
from envhooks.hooks.managers.actions import WriteFile, apply

real = pytest.mark.skipif(not HAS_CONFIG_HOOKS, reason="this git has no config hooks")
ZERO = "0" * 40


@pytest.fixture
def person(good: Repo, home: Path, tmp_path: Path) -> Repo:
    """`good`, used by somebody with a home folder of their own."""
    own = tmp_path / "a home"
    own.mkdir()
    (own / ".gitconfig").write_bytes(b"# mine\n" + (home / ".gitconfig").read_bytes())
    good.environ.update(HOME=str(own), GIT_CONFIG_GLOBAL=str(own / ".gitconfig"))
    good.environ.pop("XDG_DATA_HOME", None)
    return good


def hooks(repo: Repo) -> Path:
    return Path(repo.environ["HOME"], ".local/share/envhooks")


def stand_in(repo: Repo, folder: Path) -> Path:
    """Have the hooks for all clones ask a stand-in; answers its log."""
    script = folder / "everywhere judge"
    log = folder / "everywhere.log"
    script.write_text(STAND_IN.format(log=log))
    script.chmod(0o755)
    (hooks(repo) / "python").write_text(f"{script}\n")
    return log


def without_policy(repo: Repo) -> Repo:
    """Another clone, of a project that knows nothing of envhooks."""
    path = repo.path.parent / "other"
    run(["git", "init", "-q", str(path)], repo.path.parent, repo.environ, check=True)
    other = Repo(path, repo.environ)
    other.commit_files({"x": "x"})
    other.git("remote", "add", "origin", "../other.git")
    run(["git", "init", "-q", "--bare", "../other.git"], path, repo.environ, check=True)
    other.git("push", "-q", "origin", "main")
    return other


@pytest.mark.skipif(HAS_CONFIG_HOOKS, reason="this git has config hooks")
def test_an_older_git_is_told_so(person: Repo) -> None:
    before = snapshot(Path(person.environ["HOME"]))
    done = person.envhooks("install", "--global")
    assert done.code == 2 and "take the config hooks of Git 2.54" in done.err
    assert "envhooks install # in each clone" in done.err
    assert snapshot(Path(person.environ["HOME"])) == before


@pytest.mark.parametrize("more", [["--server"], ["--branch", "main"], ["--remote", "origin"]])
def test_what_belongs_to_one_repository_is_refused_beside_it(person: Repo, more: list[str]) -> None:
    done = person.envhooks("install", "--global", *more)
    assert done.code == 2 and "belong to one repository" in done.err


@real
def test_in_and_out_again_without_a_trace(person: Repo) -> None:
    own, outside = Path(person.environ["HOME"]), Repo(Path(person.environ["HOME"]), person.environ)
    before = snapshot(own), snapshot(person.path)
    said = outside.envhooks("install", "--global", "--dry-run", check=True).out
    assert (snapshot(own), snapshot(person.path)) == before
    assert "would set hook.envhooks-pre-push.event to pre-push in your own configuration" in said
    done = outside.envhooks("install", "--global", check=True)
    assert "every clone of yours that has a policy" in done.out and done.err == ""
    assert "there is nothing to do" in outside.envhooks("install", "--global", check=True).out
    assert (own / ".gitconfig").read_bytes().startswith(b"# mine\n")
    outside.envhooks("uninstall", "--global", check=True)
    assert "there is nothing to do" in outside.envhooks("uninstall", "--global", check=True).out
    assert (snapshot(own), snapshot(person.path)) == before


@real
def test_a_clone_with_a_policy_is_judged_and_no_other(person: Repo, tmp_path: Path) -> None:
    person.envhooks("install", "--global", check=True)
    log = stand_in(person, tmp_path)
    other = without_policy(person)
    for name in ("BAD", "v1"):
        assert other.try_git("tag", name).code == 0
    done = other.try_git("push", "origin", "--tags")
    assert done.code == 0 and "envhooks" not in done.said and not log.exists()
    assert person.try_git("tag", "BAD").code != 0 and not person.has_tag("BAD")
    assert log.read_text().count("hook reference-transaction") == 1
    assert person.try_git("tag", "v1").code == 0
    person.git("update-ref", "refs/tags/BAD", "HEAD")
    assert person.try_git("push", "origin", "BAD").code != 0
    assert person.try_git("push", "origin", "v1").code == 0
    assert log.read_text().count("hook pre-push origin") == 2
    assert "config hook for all of your clones" in person.envhooks("doctor").out


@real
def test_a_clone_that_was_installed_by_itself_is_judged_once_by_its_own_hooks(
    person: Repo, tmp_path: Path
) -> None:
    person.envhooks("install", "--global", check=True)
    log = stand_in(person, tmp_path)
    person.envhooks("install", check=True)
    judge = Judge(person, tmp_path)
    assert person.try_git("tag", "BAD").code != 0
    assert judge.count("hook reference-transaction") == 1
    person.git("update-ref", "refs/tags/BAD", "HEAD")
    assert person.try_git("push", "origin", "BAD").code != 0
    assert judge.count("hook pre-push origin") == 1
    assert not log.exists()
    person.envhooks("uninstall", check=True)
    assert person.try_git("push", "origin", "BAD").code != 0
    assert log.read_text().count("hook pre-push origin") == 1


# ------------------------------------------------------------------- the scripts themselves, on every git


@pytest.fixture
def put_up(person: Repo, tmp_path: Path) -> Path:
    """The hooks for all clones as files, and a stand-in judge; answers its log."""
    folder = hooks(person)
    apply([*copies.copies(folder, copies.CLIENT), WriteFile(folder / everywhere.MARK, b"")], person.path)
    return stand_in(person, tmp_path)


def guarded(repo: Repo, event: str, line: str) -> Done:
    """Run the command as git does: by the shell, with the arguments added to the text."""
    command = everywhere.guard(event, hooks(repo))
    rest = ("origin", "a url") if event == "pre-push" else ("prepared",)
    return run(["sh", "-c", f'{command} "$@"', command, *rest], repo.path, repo.environ, line)


LINE = f"refs/tags/BAD {'a' * 40} refs/tags/BAD {ZERO}\n"


def test_a_policy_on_a_usual_branch_is_found(person: Repo, put_up: Path) -> None:
    assert guarded(person, "pre-push", LINE).code == 1
    assert put_up.read_text().count("hook pre-push origin a url") == 1
    person.git("checkout", "-q", "--detach")
    person.git("update-ref", "-d", "refs/heads/main")  # what the remote has says it too
    assert guarded(person, "pre-push", LINE).code == 1


def test_a_policy_on_a_branch_of_another_name_is_found_by_the_configuration(
    person: Repo, put_up: Path
) -> None:
    person.git("branch", "-m", "main", "trunk")
    person.git("update-ref", "-d", "refs/remotes/origin/main")
    assert guarded(person, "pre-push", LINE).code == 0
    person.git("config", "envhooks.branch", "trunk")
    assert guarded(person, "pre-push", LINE).code == 1


def test_a_clones_own_hook_comes_first(person: Repo, put_up: Path, tmp_path: Path) -> None:
    put(person)
    judge = Judge(person, tmp_path)
    assert guarded(person, "pre-push", LINE).code == 1
    assert judge.count("hook pre-push") == 1 and not put_up.exists()


def test_hooks_that_are_gone_refuse_where_there_is_a_policy_and_nowhere_else(person: Repo) -> None:
    done = guarded(person, "pre-push", LINE)
    assert done.code == 2 and "envhooks install --global" in done.err
    assert guarded(person, "pre-push", LINE.replace("refs/tags/", "refs/heads/")).code == 0
    assert guarded(without_policy(person), "pre-push", LINE).said == ""
    assert guarded(person, "reference-transaction", f"{ZERO} {'a' * 40} refs/tags/BAD\n").code == 0
