"""Asking a remote: with what the user has, and without a word of it in an argument."""

from __future__ import annotations

from pathlib import Path

import pytest
from smart_http import serve
from support import Repo, run

from envhooks.base.errors import CannotJudge
from envhooks.builds import remote as remotes
from envhooks.git.repository import Git


def test_an_environment_of_a_hook_is_cleaned() -> None:
    kept = remotes.user_environment(
        {
            "PATH": "/bin",
            "GIT_DIR": ".git",
            "GIT_PREFIX": "",
            "GIT_QUARANTINE_PATH": "x",
            "GIT_TRACE": "1",
            "GIT_SSH_COMMAND": "ssh -i key",
            "GIT_SSL_CAINFO": "/ca",
            "GIT_CONFIG_PARAMETERS": "'a'='b'",
            "GIT_EXEC_PATH": "/libexec",
            "PRE_COMMIT_RUNNING_LEGACY": "1",
            "GIT_TOKEN": "t",
            "ENVHOOKS_TOKEN": "t",
        }
    )
    assert set(kept) - {"GIT_TOKEN", "ENVHOOKS_TOKEN"} == {
        "PATH",
        "GIT_SSH_COMMAND",
        "GIT_SSL_CAINFO",
        "GIT_CONFIG_PARAMETERS",
        "GIT_EXEC_PATH",
    }


def test_the_refs_of_a_path_and_of_a_server(good: Repo, server: Repo) -> None:
    head = good.git("rev-parse", "HEAD")
    server.git("tag", "light", head)
    with Git(good.path, good.environ) as git, serve(server.path.parent, server.environ) as url:
        for target in (
            remotes.named(git, "origin", good.environ),
            remotes.pushed_to("x", f"{url}/server.git", Path()),
        ):
            refs = remotes.list_refs(git, target, good.environ)
            assert refs.tags == ("light",)
            assert refs.heads == {"main": head}


def test_what_a_clone_lacks_is_fetched_without_a_trace(good: Repo, server: Repo, tmp_path: Path) -> None:
    other = server.cloned(tmp_path / "other")
    tip = other.commit("Somebody else's work")
    other.git("push", "-q", "origin", "main")
    before = good.git("for-each-ref")
    with Git(good.path, good.environ) as git:
        target = remotes.named(git, "origin", good.environ)
        assert git.read(tip) is None
        remotes.fetch_branches(git, target, good.environ, ["main"])
        assert git.read(tip) is not None
    assert good.git("for-each-ref") == before
    assert not (good.path / ".git/FETCH_HEAD").exists()


def test_a_remote_that_is_not_there_is_said_without_its_password(good: Repo, server: Repo) -> None:
    with Git(good.path, good.environ) as git:
        target = remotes.pushed_to("x", "http://alice:hunter2@127.0.0.1:9/x.git", good.path)
        with pytest.raises(CannotJudge) as said:
            remotes.list_refs(git, target, good.environ)
    assert "127.0.0.1:9" in str(said.value)
    assert "hunter2" not in str(said.value)


def test_a_password_goes_through_the_environment(good: Repo) -> None:
    with Git(good.path, good.environ) as git:
        target = remotes.pushed_to("x", "https://al%40ice:p%25w'd$(x)@example.com/x.git", good.path)
        environ = remotes._network_environment(git, target, good.environ)
    # git itself asks the helper, as it would after a 401
    asked = run(
        ["git", "credential", "fill"], good.path, environ, "protocol=https\nhost=example.com\n\n", check=True
    )
    assert "username=al@ice\n" in asked.out
    assert "password=p%w'd$(x)\n" in asked.out
    settings = [value for key, value in environ.items() if key.startswith("GIT_CONFIG_VALUE_")]
    assert "https://example.com/x.git" in settings
    assert not any("p%" in value for value in settings)


def test_what_the_user_says_about_ssh_stays(good: Repo) -> None:
    with Git(good.path, good.environ) as git:
        target = remotes.pushed_to("x", "git@example.com:x.git", good.path)
        assert "BatchMode=yes" in remotes._network_environment(git, target, good.environ)["GIT_SSH_COMMAND"]
        own = {**good.environ, "GIT_SSH_COMMAND": "ssh -i key"}
        assert remotes._network_environment(git, target, own)["GIT_SSH_COMMAND"] == "ssh -i key"


def test_the_recorded_remote_is_found_again_with_its_secrets(good: Repo) -> None:
    good.git("remote", "set-url", "--push", "origin", "https://alice:hunter2@example.com/x.git")
    with Git(good.path, good.environ) as git:
        found = remotes.recorded(git, "origin", "https://example.com/x.git", good.environ)
        assert found.url == "https://alice:hunter2@example.com/x.git"
        moved = remotes.recorded(git, "origin", "https://example.com/other.git", good.environ)
        assert moved.url == "https://example.com/other.git"
        gone = remotes.recorded(git, "gone", "https://example.com/x.git", good.environ)
        assert gone.url == "https://example.com/x.git"
