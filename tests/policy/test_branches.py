"""Which branch is protected, where releases go, and what a clone has of them, by configuration and refs alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import Repo, run

from envhooks.base.errors import PolicyError
from envhooks.base.refs import Hook
from envhooks.git.repository import Git
from envhooks.policy.branches import (
    BranchRefs,
    branch_by,
    named_remote,
    protected_branch,
    release_remote,
    tracking_ref,
)
from envhooks.policy.trust import trust_context


@pytest.fixture
def empty(tmp_path: Path, environ: dict[str, str]) -> Repo:
    run(["git", "init", "-q", "repo"], tmp_path, environ, check=True)
    return Repo(tmp_path / "repo", environ)


def configured(repo: Repo, text: str) -> Repo:
    """With these lines in its configuration; one call of git for each would take longer than the test."""
    place = repo.path / (".git/config" if (repo.path / ".git").exists() else "config")
    place.write_text(place.read_text() + text)
    return repo


@pytest.mark.parametrize(
    ("lines", "remote"),
    [
        ('[branch "master"]\nremote = fork', "fork"),
        ('[branch "main"]\nremote = fork\n[branch "master"]\nremote = third', "fork"),
        ('[branch "main"]\nremote = gone\n[branch "master"]\nremote = third', "third"),
        ('[branch "other"]\nremote = fork', "origin"),
        ('[envhooks]\nbranch = trunk\n[branch "trunk"]\nremote = fork', "fork"),
        ('[envhooks]\nbranch = trunk\n[branch "main"]\nremote = fork', "origin"),
    ],
)
def test_the_upstream_of_the_protected_branch_is_the_release_remote(
    empty: Repo, lines: str, remote: str
) -> None:
    remotes = "".join(f'[remote "{name}"]\nurl = /{name}\n' for name in ("origin", "fork", "third"))
    with Git.open(configured(empty, f"{remotes}{lines}\n").path) as git:
        assert release_remote(git) == remote


@pytest.mark.parametrize(
    ("spec", "branch", "ref"),
    [
        ("+refs/heads/*:refs/kept/*", "main", "refs/kept/main"),
        ("refs/heads/*:refs/kept/*", "release/2.7", "refs/kept/release/2.7"),
        ("refs/heads/*:refs/kept/*/tip", "main", "refs/kept/main/tip"),
        ("refs/heads/release/*:refs/kept/*", "release/2.7", "refs/kept/2.7"),
        ("refs/heads/release/*:refs/kept/*", "main", "refs/remotes/there/main"),
        ("refs/heads/*-lts:refs/kept/*", "2.7-lts", "refs/kept/2.7"),
        ("refs/heads/*-lts:refs/kept/*", "-lts", "refs/kept/"),
        ("refs/heads/*-lts:refs/kept/*", "main", "refs/remotes/there/main"),
        ("refs/heads/ab*ba:refs/kept/*", "aba", "refs/remotes/there/aba"),
        ("refs/heads/ab*ba:refs/kept/*", "abba", "refs/kept/"),
        ("refs/tags/*:refs/kept/*", "main", "refs/remotes/there/main"),
        ("refs/heads/*:refs/kept/all", "main", "refs/remotes/there/main"),
        ("refs/heads/main:refs/kept/*", "main", "refs/kept/*"),
        ("refs/heads/main:refs/kept/m", "main", "refs/kept/m"),
        ("refs/heads/main:refs/kept/m", "other", "refs/remotes/there/other"),
        ("refs/heads/main", "main", "refs/remotes/there/main"),
        ("refs/heads/*/*:refs/kept/*/*", "a/b", "refs/remotes/there/a/b"),
    ],
)
def test_where_a_fetch_keeps_a_branch(empty: Repo, spec: str, branch: str, ref: str) -> None:
    with Git.open(configured(empty, f'[remote "there"]\nurl = /x\nfetch = {spec}\n').path) as git:
        assert tracking_ref(git, "there", branch) == ref


def test_the_first_refspec_that_fits_counts(empty: Repo) -> None:
    lines = "fetch = refs/heads/x:refs/kept/x\nfetch = refs/heads/*:refs/a/*\nfetch = refs/heads/*:refs/b/*\n"
    with Git.open(configured(empty, f'[remote "there"]\nurl = /x\n{lines}').path) as git:
        assert tracking_ref(git, "there", "main") == "refs/a/main"
        assert tracking_ref(git, "there", "x") == "refs/kept/x"


def test_a_branch_of_the_remote_alone_is_found(good: Repo) -> None:
    good.git("checkout", "-q", "--detach")
    good.git("branch", "-q", "-D", "main")
    with Git.open(good.path) as git:
        assert protected_branch(git, "origin") == "main"
        with pytest.raises(PolicyError, match="neither a main nor a master") as here:
            protected_branch(git, None)
        with pytest.raises(PolicyError) as there:
            protected_branch(git, "other")
    assert (here.value.fix, there.value.fix) == ("git config envhooks.branch main", "envhooks check --fetch")


def test_a_server_with_a_detached_head_goes_by_the_usual_names(server: Repo) -> None:
    server.git("update-ref", "--no-deref", "HEAD", "main")
    with Git.open(server.path) as git:
        assert git.head() == "" and protected_branch(git, None) == "main"


def test_every_branch_is_protected_where_the_policy_says_so(good: Repo) -> None:
    """Each is listed once, by its short name; the remote's HEAD is another name of one of them."""
    good.commit_files({".envhooks/policy.toml": 'branch = ["*"]\n'})
    good.git("push", "-q", "origin", "main", "main:refs/heads/a/b")
    good.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    good.git("update-ref", "refs/remotes/other/main", "main")
    good.git("branch", "-q", "local")
    with Git.open(good.path) as git:
        refs = BranchRefs(git)
        assert branch_by(git, refs, "origin") == "main"
        assert sorted(refs.local()) == ["local", "main"]
        assert sorted(refs.tracked("origin")) == ["a/b", "main"] and [*refs.tracked("other")] == ["main"]
        named = [one.name for one in trust_context(git, Hook.TAG).mains]
    assert sorted(named) == ["local", "main", "origin/a/b", "origin/main"]


OTHERS = '[submodule "lib"]\nurl = /srv/x.git\n[remote "fork"]\nurl = /srv/y.git\n'


@pytest.mark.parametrize(
    ("lines", "pushed_to", "remote"),
    [
        ("url = /srv/x.git", "there", "there"),
        ("url = /srv/x.git", "/srv/x.git", "there"),
        ("url = /srv/x.git", "file:///srv/x", "there"),
        ("url = /srv/x.git", "/srv/z.git", None),
        ("url = /srv/x.git", None, None),
        ("url = /srv/r.git\npushurl = /srv/x.git", "/srv/x.git", "there"),
        ("url = /srv/r.git\npushurl = /srv/x.git", "/srv/r.git", "there"),
        ("url = near:x.git\n[url \"/srv/\"]\ninsteadOf = near:", "/srv/x.git", "there"),
        ("url = near:x.git\n[url \"/srv/\"]\npushInsteadOf = near:", "/srv/x.git", "there"),
        ("url = /r\npushurl = near:x.git\n[url \"/srv/\"]\npushInsteadOf = near:", "/srv/x.git", None),
        ("url = /r\npushurl = near:x.git\n[url \"/srv/\"]\ninsteadOf = near:", "/srv/x.git", "there"),
    ],
)  # fmt: skip
def test_the_remote_of_a_push_by_its_url(
    empty: Repo, lines: str, pushed_to: str | None, remote: str | None
) -> None:
    with Git.open(configured(empty, f'{OTHERS}[remote "there"]\n{lines}\n').path) as git:
        assert named_remote(git, pushed_to) == remote


def test_a_relative_url_counts_from_where_git_stands(good: Repo, server: Repo) -> None:
    with Git.open(good.path) as git:
        assert named_remote(git, str(server.path)) == "origin"
    with Git.open(configured(server, '[remote "mirror"]\nurl = ../mirror.git\n').path) as git:
        assert named_remote(git, str(server.path.parent / "mirror.git")) == "mirror"
