"""What a push of the protected branch would mend: a release whose commit only the branch here has."""

from __future__ import annotations

from collections.abc import Iterable

from support import Repo

from envhooks.base.dataclass import replace
from envhooks.base.refs import Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.judge.facts import Unknown
from envhooks.judge.unpushed import has_diverged, unpushed
from envhooks.policy.trust import trust_context

MAIN = "refs/heads/main"


def test_the_branch_here_that_has_the_commit(good: Repo, server: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": 'branch = ["main", "release/*"]\n'})
    good.git("push", "-q", "origin", "main")
    published = good.git("rev-parse", "main")
    ahead = good.commit("Not pushed")
    good.git("branch", "-q", "a/side")
    good.git("branch", "-q", "release/1", published)
    good.git("switch", "-q", "a/side")
    aside = good.commit("Not merged")
    good.git("switch", "-q", "--detach", published)
    lonely = good.commit("On no branch")
    good.git("push", "-q", "origin", "main:refs/heads/waiting")
    with Git.open(good.path) as git:
        trust = trust_context(git, Hook.PUSH, (), "origin")

        def outside(commits: Iterable[str], tips: Iterable[str]) -> frozenset[str] | Unknown:
            return git.outside(commits, tips)

        def unknown(commits: Iterable[str], tips: Iterable[str]) -> frozenset[str] | Unknown:
            return Unknown("this clone is shallow")

        assert unpushed(git, trust, ahead, outside) == ("origin", "main")
        assert unpushed(git, trust, published, outside) == ("origin", "main")
        assert unpushed(git, trust, aside, outside) is None, "no branch that is protected"
        assert unpushed(git, trust, lonely, outside) is None
        assert unpushed(git, trust, ahead, unknown) is None
        assert unpushed(git, replace(trust, remote=None), ahead, outside) is None, "nowhere to push to"
        assert unpushed(git, replace(trust, hook=Hook.RECEIVE), ahead, outside) is None
    good.git("branch", "-q", "-f", "release/1", aside)
    with Git.open(good.path) as git:
        assert unpushed(git, trust, aside, outside) == ("origin", "release/1")
    with Git.open(server.path) as git:
        stored = trust_context(git, Hook.RECEIVE)
        assert unpushed(git, stored, ahead, outside) is None


def test_no_pattern_is_the_protected_branch_alone(good: Repo) -> None:
    good.git("branch", "-q", "other")
    good.git("switch", "-q", "--detach")
    commit = good.commit("On no branch")
    with Git.open(good.path) as git:
        trust = trust_context(git, Hook.TAG)
        assert unpushed(git, trust, commit, git.outside) is None
    good.git("branch", "-q", "-f", "other", commit)
    with Git.open(good.path) as git:
        assert unpushed(git, trust, commit, git.outside) is None
    good.git("branch", "-q", "-f", "main", commit)
    with Git.open(good.path) as git:
        assert unpushed(git, trust, commit, git.outside) == ("origin", "main")


def test_a_branch_that_the_remote_has_more_of_is_not_pushed_as_it_is(good: Repo) -> None:
    def diverged(moved: RefUpdate | None = None, branch: str = "main") -> bool:
        with Git.open(good.path) as git:
            trust = trust_context(git, Hook.PUSH, [moved] if moved else (), "origin")
            return has_diverged(git, trust, "origin", branch, git.outside)

    old = good.git("rev-parse", "main")
    assert not diverged(), "both are the same"
    new = good.commit("Newer")
    assert not diverged() and not diverged(RefUpdate(MAIN, old, new))
    assert diverged(RefUpdate(MAIN, "1" * 40, new)), "the push found another main there"
    good.git("push", "-q", "origin", "main")
    good.git("commit", "-q", "--allow-empty", "--amend", "-m", "Other")
    assert diverged()
    good.git("branch", "-q", "release")
    assert not diverged(branch="release"), "the remote has none of that name"
    with Git.open(good.path) as git:
        trust = trust_context(git, Hook.PUSH, (), "origin")
        assert has_diverged(git, trust, "origin", "main", lambda commits, tips: Unknown("shallow"))
