"""Who decides: remotes, branches and the policy, on real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import GOOD_TAG, OID_DIGITS, Repo, run

from envhooks.base.errors import PolicyError
from envhooks.base.refs import Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.policy.branches import protected_branch, release_remote, tracking_ref
from envhooks.policy.reader import default_policy
from envhooks.policy.root import read_trust_root
from envhooks.policy.trust import mends_the_policy, trust_context


@pytest.fixture
def empty(tmp_path: Path, environ: dict[str, str]) -> Repo:
    run(["git", "init", "-q", "repo"], tmp_path, environ, check=True)
    return Repo(tmp_path / "repo", environ)


def remote_of(repo: Repo) -> str | None:
    with Git.open(repo.path) as git:
        return release_remote(git)


def branch_of(repo: Repo) -> str:
    with Git.open(repo.path) as git:
        return protected_branch(git, release_remote(git))


# ------------------------------------------------------------------------------- release remote


def test_the_release_remote_by_its_order_of_precedence(empty: Repo) -> None:
    assert remote_of(empty) is None
    empty.git("remote", "add", "fork", "/fork")
    assert remote_of(empty) == "fork", "the only one"
    empty.git("remote", "add", "origin", "/origin")
    assert remote_of(empty) == "origin"
    empty.git("config", "branch.main.remote", "fork")
    assert remote_of(empty) == "fork", "local main's upstream"
    empty.git("config", "envhooks.remote", "origin")
    assert remote_of(empty) == "origin", "what is said outright"


def test_several_remotes_and_no_word_is_could_not_judge(empty: Repo) -> None:
    empty.git("remote", "add", "a", "/a")
    empty.git("remote", "add", "b", "/b")
    with pytest.raises(PolicyError, match="2 remotes") as error:
        remote_of(empty)
    assert error.value.fix == "git config envhooks.remote a"


# ----------------------------------------------------------------------------------- policy branch


def test_the_policy_branch_by_its_order_of_precedence(good: Repo) -> None:
    assert branch_of(good) == "main"
    good.git("branch", "master")
    with pytest.raises(PolicyError, match="both main and master"):
        branch_of(good)
    good.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert branch_of(good) == "main"
    good.git("config", "envhooks.branch", "trunk")
    assert branch_of(good) == "trunk"


def test_no_branch_at_all_is_could_not_judge(empty: Repo) -> None:
    with pytest.raises(PolicyError, match="neither a main nor a master"):
        branch_of(empty)


def test_a_server_takes_its_own_head(server: Repo) -> None:
    server.git("branch", "master", "main")
    assert branch_of(server) == "main"


def test_tracking_refs_follow_the_users_refspecs(empty: Repo) -> None:
    empty.git("remote", "add", "origin", "/x")
    empty.git("config", "--add", "remote.other.fetch", "+refs/heads/main:refs/elsewhere/m")
    with Git.open(empty.path) as git:
        assert tracking_ref(git, "origin", "main") == "refs/remotes/origin/main"
        assert tracking_ref(git, "other", "main") == "refs/elsewhere/m"
        assert tracking_ref(git, "other", "release") == "refs/remotes/other/release"


# ---------------------------------------------------------------------------------- the policy


def test_the_policy_is_read_from_the_remotes_main_not_from_the_work_tree(good: Repo) -> None:
    good.write({".envhooks/policy.toml": "broken ["})
    good.git("add", ".")
    with Git.open(good.path) as git:
        root = trust_context(git, Hook.CHECK).root
    assert root.where == "origin/main"
    assert root.has_signers


def test_a_different_local_policy_is_said_and_does_not_count(good: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["*"]\n'})
    with Git.open(good.path) as git:
        trust = trust_context(git, Hook.TAG)
    assert trust.root.policy.tag.ignore == ()
    assert any("another policy" in note for note in trust.notes)


def test_the_push_that_brings_a_policy_is_not_told_of_it(guarded: Repo) -> None:
    guarded.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["v*"]\n'})
    assert "another policy" not in guarded.try_git("push", "--dry-run", "origin", "main").said
    guarded.git("tag", "-s", "-m", "x", GOOD_TAG, "HEAD~")
    assert "another policy" in guarded.try_git("push", "--dry-run", "origin", "main", GOOD_TAG).said


def test_a_broken_policy_is_could_not_judge(good: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": "[tga]\n"})
    good.git("push", "-q", "origin", "main")
    with Git.open(good.path) as git, pytest.raises(PolicyError) as error:
        trust_context(git, Hook.CHECK)
    assert "policy.toml" in error.value.place


def test_the_first_day_has_the_defaults(empty: Repo) -> None:
    commit = empty.commit()
    with Git.open(empty.path) as git:
        root = read_trust_root(git, commit, "main")
    assert not root.has_signers
    assert root.tree == ""


def test_a_clone_of_one_tag_has_no_policy(good: Repo, tmp_path: Path) -> None:
    good.git("tag", "-m", "x", "t1")
    good.git("push", "-q", "origin", "t1")
    server = good.path.parent / "server.git"
    run(["git", "init", "-q", "ci"], tmp_path, good.environ, check=True)
    ci = Repo(tmp_path / "ci", good.environ)
    ci.git("remote", "add", "origin", str(server))
    ci.git("fetch", "-q", "origin", "refs/tags/t1:refs/tags/t1")
    ci.git("config", "envhooks.branch", "main")
    with Git.open(ci.path) as git, pytest.raises(PolicyError, match="not in this clone") as error:
        trust_context(git, Hook.CHECK)
    ci.git(*error.value.fix.split()[1:])  # the fix can be pasted
    with Git.open(ci.path) as git:
        assert trust_context(git, Hook.CHECK).root.where == "origin/main"


# ------------------------------------------------------------------------------------- mains


def mains(repo: Repo, hook: Hook, *updates: RefUpdate, to: str | None = None) -> list[str]:
    with Git.open(repo.path) as git:
        return [branch.name for branch in trust_context(git, hook, updates, to).mains]


def test_each_hook_takes_main_from_its_own_place(good: Repo, server: Repo) -> None:
    assert mains(good, Hook.TAG) == ["origin/main", "main"]
    assert mains(good, Hook.PUSH, to="origin") == ["origin/main"]
    assert mains(good, Hook.CHECK) == ["origin/main"]
    assert mains(server, Hook.RECEIVE) == ["main"]


def test_a_fast_forward_of_the_same_push_counts_and_a_rewrite_does_not(good: Repo) -> None:
    old = good.git("rev-parse", "main")
    new = good.commit("Newer")
    assert mains(good, Hook.PUSH, RefUpdate("refs/heads/main", old, new), to="origin")[1:] == [
        "main as this push moves it"
    ]
    good.git("commit", "-q", "--allow-empty", "--amend", "-m", "Other")
    other = good.git("rev-parse", "HEAD")
    assert mains(good, Hook.PUSH, RefUpdate("refs/heads/main", new, other), to="origin") == ["origin/main"]
    unknown = "1" * 40
    assert mains(good, Hook.PUSH, RefUpdate("refs/heads/main", unknown, other), to="origin") == [
        "origin/main"
    ]


def test_a_branch_that_is_not_protected_is_no_main(good: Repo, server: Repo) -> None:
    good.git("branch", "-q", "side")
    good.git("push", "-q", "origin", "side")
    assert mains(good, Hook.TAG) == ["origin/main", "main"]
    assert mains(good, Hook.PUSH, to="origin") == mains(good, Hook.CHECK) == ["origin/main"]
    assert mains(server, Hook.RECEIVE) == ["main"]


def test_a_protected_branch_that_a_push_takes_back_is_told_apart(good: Repo) -> None:
    old, new = good.git("rev-parse", "main"), good.commit("Newer")
    good.git("commit", "-q", "--allow-empty", "--amend", "-m", "Other")
    other = good.git("rev-parse", "HEAD")

    def apart(ref: str, old: str | None, new: str | None) -> frozenset[str]:
        with Git.open(good.path) as git:
            return trust_context(git, Hook.PUSH, [RefUpdate(ref, old, new)], "origin").apart

    assert apart("refs/heads/main", new, other) == {"main"}
    assert apart("refs/heads/main", "1" * 40, other) == {"main"}, "what the remote has is not here"
    for ref, before, after in (
        ("refs/heads/main", old, new), ("refs/heads/main", None, new), ("refs/heads/main", new, None),
        ("refs/heads/side", new, other), ("refs/tags/main", new, other),
    ):  # fmt: skip
        assert apart(ref, before, after) == frozenset()


def test_a_push_from_a_shallow_clone_goes_forward_as_far_as_the_clone_knows(
    good: Repo, tmp_path: Path
) -> None:
    good.commit("One more")
    good.git("push", "-q", "origin", "main")
    clone = Repo(good.path.parent / "server.git", good.environ).cloned(tmp_path / "shallow", "--depth=1")
    old, new = clone.git("rev-parse", "main"), clone.commit("Newer")
    moved = RefUpdate("refs/heads/main", old, new)
    assert mains(clone, Hook.PUSH, moved, to="origin") == ["origin/main", "main as this push moves it"]


def test_a_server_that_has_a_remote_goes_by_what_it_stores(good: Repo, server: Repo) -> None:
    """A mirror fetches somebody else's branches: neither their policy nor their main is the server's."""
    old = good.git("rev-parse", "main")
    new = good.commit_files({".envhooks/policy.toml": "[tga]\n"})
    good.git("push", "-q", "origin", "main:refs/remotes/up/main", "main:refs/remotes/up/trunk")
    server.git("remote", "add", "up", "/up")
    server.git("symbolic-ref", "refs/remotes/up/HEAD", "refs/remotes/up/trunk")
    with Git.open(server.path) as git:
        trust = trust_context(git, Hook.RECEIVE)
        assert (trust.root.where, trust.remote, trust.branch) == ("main", None, "main")
        assert [(one.name, one.tip) for one in trust.mains] == [("main", old)]
        assert trust.mains_fix == "git push --atomic <remote> main <tag>"
        mending = [RefUpdate("refs/heads/main", new, old)]
        assert mends_the_policy(git, Hook.RECEIVE, mending, lambda root: None)


def test_a_url_is_recognised_as_its_remote(good: Repo) -> None:
    assert mains(good, Hook.PUSH, to="../server.git") == ["origin/main"]
    assert mains(good, Hook.PUSH, to="/nowhere") == []


def test_branches_of_the_policy_are_globs(good: Repo) -> None:
    good.commit_files({".envhooks/policy.toml": 'branch = ["main", "release/*"]\n'})
    good.git("push", "-q", "origin", "main", "main:refs/heads/release/2.7", "main:refs/heads/other")
    assert mains(good, Hook.CHECK) == ["origin/main", "origin/release/2.7"]


def test_a_branch_is_found_where_a_refspec_keeps_it(good: Repo) -> None:
    good.git("update-ref", "refs/elsewhere/m", "refs/remotes/origin/main")
    good.git("update-ref", "-d", "refs/remotes/origin/main")
    good.git("config", "--replace-all", "remote.origin.fetch", "+refs/heads/main:refs/elsewhere/m")
    assert mains(good, Hook.CHECK) == ["origin/main"]
    with Git.open(good.path) as git:
        assert trust_context(git, Hook.CHECK).root.where == "origin/main"


def test_what_a_push_moves_counts_for_that_push_alone(good: Repo) -> None:
    old, new = good.git("rev-parse", "main"), good.commit("Newer")
    moved = RefUpdate("refs/heads/main", old, new)
    assert mains(good, Hook.PUSH, moved, to="origin") == ["origin/main", "main as this push moves it"]
    assert mains(good, Hook.CHECK, moved) == ["origin/main"]


def test_how_main_becomes_known_is_said_for_each_hook(good: Repo) -> None:
    def fix(hook: Hook, to: str | None = None) -> str:
        with Git.open(good.path) as git:
            return trust_context(git, hook, (), to).mains_fix

    assert fix(Hook.TAG) == fix(Hook.PUSH, "origin") == "git fetch origin"
    assert fix(Hook.CHECK) == "git fetch origin +refs/heads/main:refs/remotes/origin/main"
    assert "git remote add" in fix(Hook.PUSH, "https://example.org/x.git")


def test_a_local_branch_with_the_same_policy_is_no_other_policy(good: Repo) -> None:
    good.commit_files({"x": "y\n"})
    with Git.open(good.path) as git:
        assert trust_context(git, Hook.TAG).notes == ()
    good.git("rm", "-q", "-r", ".envhooks")
    good.git("commit", "-q", "-m", "No policy")
    with Git.open(good.path) as git:
        assert any("another policy" in note for note in trust_context(git, Hook.TAG).notes)


def test_only_a_check_has_to_have_the_remotes_main(good: Repo) -> None:
    """A tag that is made, and a push, are judged by what the clone has; a CI's clone of one tag would have nothing."""
    good.git("update-ref", "-d", "refs/remotes/origin/main")
    with Git.open(good.path) as git:
        for hook in (Hook.TAG, Hook.PUSH, Hook.CHECK):
            assert trust_context(git, hook, (), "origin").root.where == "main"
    good.git("checkout", "-q", "--detach")
    good.git("branch", "-q", "-D", "main")
    good.git("config", "envhooks.branch", "main")
    with Git.open(good.path) as git:
        for hook in (Hook.TAG, Hook.PUSH):
            assert not trust_context(git, hook, (), "origin").root.has_signers
        with pytest.raises(PolicyError, match="not in this clone"):
            trust_context(git, Hook.CHECK)
    good.git("remote", "remove", "origin")
    with Git.open(good.path) as git:
        assert not trust_context(git, Hook.CHECK).root.has_signers, "nobody else has one"


# ------------------------------------------------------------------------------- the trust root


def test_each_file_of_the_folder_is_read(empty: Repo) -> None:
    oid, digest, key = "1a" * (OID_DIGITS // 2), "2f" * 32, "A" * 40
    row = 'torchvision = ["0.31.0"]\n'
    empty.commit_files(
        {
            ".envhooks/policy.toml": f'branch = "trunk"\n[[compat.torch]]\nversion = "2.17.0"\n{row}',
            ".envhooks/compat.toml": f'compiled = "2026-11-30"\n[[torch]]\nversion = "2.16.0"\n{row}',
            ".envhooks/allowed_signers": "alice ssh-ed25519 A\n",
            ".envhooks/revoked_keys": "# none\n",
            f".envhooks/keys/{key}.asc": "a key\n",
            ".envhooks/tags.lock": f"refs/tags/x {oid} {digest} alice\n",
            ".envhooks/notes.txt": "not of the policy\n",
        },
        "State a policy",
    )
    with Git.open(empty.path) as git:
        root = read_trust_root(git, empty.git("rev-parse", "HEAD"), "origin/main")
    assert (root.where, root.tree) == ("origin/main", empty.git("rev-parse", "HEAD:.envhooks"))
    assert root.policy.origin == ".envhooks/policy.toml on origin/main"
    assert root.policy.branches == ("trunk",) and root.policy.compat_day == "2026-11-30"
    assert [one["version"] for one in root.policy.compat["torch"]] == ["2.16.0", "2.17.0"]
    assert dict(root.signer_files) == {
        "allowed_signers": b"alice ssh-ed25519 A\n",
        "revoked_keys": b"# none\n",
        f"keys/{key}.asc": b"a key\n",
    }
    assert [(tag.ref, tag.oid, tag.sha256) for tag in root.locked.values()] == [("refs/tags/x", oid, digest)]


def test_what_is_not_there_is_the_default(empty: Repo) -> None:
    empty.commit_files({"README.md": "x\n"}, "Begin")
    empty.commit_files({".envhooks/allowed_signers": "alice ssh-ed25519 A\n"}, "Name somebody")
    with Git.open(empty.path) as git:
        for commit in (None, empty.git("rev-parse", "HEAD~1")):
            root = read_trust_root(git, commit, "")
            assert (root.policy, root.tree, dict(root.signer_files)) == (default_policy(), "", {})
        root = read_trust_root(git, empty.git("rev-parse", "HEAD"), "")
    assert root.policy == default_policy() and not root.locked and root.has_signers
    assert list(root.signer_files) == ["allowed_signers"]


@pytest.mark.parametrize(
    ("mode", "path", "said"),
    [
        ("100644", ".envhooks", "this is a file and has to be a folder"),
        ("120000", ".envhooks", "this is a symbolic link and has to be a folder"),
        ("100644", ".envhooks/keys", "this is a file and has to be a folder"),
        ("120000", ".envhooks/policy.toml", "this is a symbolic link and has to be a file"),
        ("160000", ".envhooks/tags.lock", "this is a submodule and has to be a file"),
        ("040000", ".envhooks/revoked_keys", "this is a folder and has to be a file"),
    ],
)
def test_something_else_under_a_name_of_the_policy(empty: Repo, mode: str, path: str, said: str) -> None:
    empty.commit_files({"README.md": "x\n"}, "Begin")
    oid = empty.git("rev-parse", "HEAD" if mode == "160000" else "HEAD:README.md")
    if mode == "040000":
        mode, path = "100644", f"{path}/x"
    empty.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},{path}")
    empty.git("commit", "-q", "-m", "Something else")
    named = path.removesuffix("/x")
    with Git.open(empty.path) as git, pytest.raises(PolicyError) as caught:
        read_trust_root(git, empty.git("rev-parse", "HEAD"), "origin/main")
    assert caught.value.message == f"{said}: the policy is read in place only"
    assert caught.value.place == f"{named} on origin/main"
    assert caught.value.fix.startswith(
        f"git rm --cached {named}, then commit a fi" if "be a file" in said else "git rm"
    )
