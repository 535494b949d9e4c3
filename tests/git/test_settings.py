"""Settings that a branch could bring along do not count; those of a person do, wherever they lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import GOOD_TAG, Repo

from envhooks.git.repository import Git

EVIL = '[envhooks]\n\tbranch = evil\n\tmode = warn\n[remote "origin"]\n\turl = /evil\n'


def branch(repo: Path, environ: dict[str, str] | None = None) -> str:
    with Git.open(repo) if environ is None else Git(repo, environ) as git:
        return git.setting("envhooks.branch")


INCLUDES = {
    "relative": ("include.path", "../.gitconfig"),
    "on a condition": ("includeIf.gitdir:**.path", "../.gitconfig"),
    "on a branch": ("includeIf.onbranch:**.path", "../.gitconfig"),
    "through a link": ("include.path", "linked"),
    "nested": ("include.path", "outer"),
}


@pytest.mark.parametrize("below", [".", "sub"])
@pytest.mark.parametrize("how", INCLUDES)
def test_what_a_work_tree_holds_chooses_nothing(how: str, below: str, good: Repo) -> None:
    good.commit_files({".gitconfig": EVIL, "sub/x": ""})
    (good.path / ".git/linked").symlink_to("../.gitconfig")
    (good.path / ".git/outer").write_text("[include]\n\tpath = ../.gitconfig\n")
    key, value = INCLUDES[how]
    good.git("config", "--local", key, value)
    assert good.git("config", "envhooks.branch") == "evil"
    assert branch(good.path / below) == ""
    with Git.open(good.path / below) as git:
        assert git.config["remote.origin.url"] == ("../server.git",)
    good.git("tag", GOOD_TAG)
    assert good.envhooks("check", GOOD_TAG).code == 1


def test_nor_does_another_work_tree_of_the_same_or_of_another_repository(good: Repo, tmp_path: Path) -> None:
    good.commit_files({".gitconfig": EVIL})
    good.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other")
    for file in (tmp_path / "linked/.gitconfig", good.path / ".gitconfig"):
        good.git("config", "--local", "include.path", str(file))
        assert branch(tmp_path / "linked") == branch(good.path) == ""


def test_a_server_inside_of_a_work_tree(good: Repo) -> None:
    good.git("init", "-q", "--bare", "inner.git")
    inner = Repo(good.path / "inner.git", good.environ)
    inner.git("config", "envhooks.branch", "trunk")
    assert branch(inner.path) == "trunk"
    (good.path / ".gitconfig").write_text(EVIL)
    inner.git("config", "include.path", str(good.path / ".gitconfig"))
    assert branch(inner.path) == "trunk"


def test_the_persons_own_files_count_where_the_home_is_a_work_tree(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    repo = Repo(tmp_path, {key: value for key, value in environ.items() if key != "GIT_CONFIG_GLOBAL"})
    repo.environ["HOME"] = str(tmp_path)
    repo.git("init", "-q")
    (tmp_path / ".gitconfig").write_text("[envhooks]\n\tbranch = mine\n")
    assert branch(tmp_path, repo.environ) == "mine"
    (tmp_path / ".gitconfig").write_text("[include]\n\tpath = .team\n")
    (tmp_path / ".team").write_text("[envhooks]\n\tbranch = theirs\n")
    assert branch(tmp_path, repo.environ) == ""


def test_a_persons_file_outside_of_every_work_tree_counts(good: Repo, tmp_path: Path) -> None:
    (tmp_path / "team.inc").write_text("[envhooks]\n\tbranch = team\n")
    good.git("config", "--local", "include.path", str(tmp_path / "team.inc"))
    assert branch(good.path) == "team"


def test_the_configuration_of_one_work_tree_counts_there(good: Repo, tmp_path: Path) -> None:
    good.git("config", "extensions.worktreeConfig", "true")
    good.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "other")
    Repo(tmp_path / "linked", good.environ).git("config", "--worktree", "envhooks.branch", "there")
    assert (branch(tmp_path / "linked"), branch(good.path)) == ("there", "")


@pytest.mark.parametrize("protocol", ["ext", "file", "https"])
def test_no_protocol_is_allowed_whatever_the_configuration_says(
    protocol: str, good: Repo, tmp_path: Path
) -> None:
    """`-c protocol.allow=never` is overruled by `protocol.ext.allow`, and a lazy fetch would run its program."""
    good.commit_files({"Dockerfile": "FROM scratch\n"})
    good.git("push", "-q", "origin", "main")
    oid = good.git("rev-parse", "main:Dockerfile")
    witness = tmp_path / "ran"
    url = {"ext": f"ext::touch {witness}", "file": f"file://{good.path}", "https": "https://127.0.0.1:1/x"}[
        protocol
    ]
    for key, value in (
        (f"protocol.{protocol}.allow", "always"),
        ("protocol.allow", "always"),
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "promisor"),
        ("remote.promisor.promisor", "true"),
        ("remote.promisor.url", url),
    ):
        good.git("config", key, value)
    (good.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate", check=None)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 2 and not witness.exists(), done.said
