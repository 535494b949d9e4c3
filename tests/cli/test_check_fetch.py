"""`envhooks check --fetch` in the clones that CI makes, for good and for bad tags."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from support import DOCKERFILE, GOOD_TAG, Repo, run

from envhooks.base.errors import CannotJudge
from envhooks.git.fetch import Fetcher, legal_ref

OTHER = "PyTorch-CUDA-v2.8-rc2"


def url(server: Repo) -> str:
    return f"file://{server.path}"  # a plain path would be cloned by links, and never shallow


def empty(server: Repo, path: Path, tag: str) -> Repo:
    environ = {**server.environ, "GITHUB_ACTIONS": "true", "GITHUB_REF": f"refs/tags/{tag}"}
    run(["git", "init", "-q", str(path)], path.parent, environ, check=True)
    ci = Repo(path, environ)
    ci.git("remote", "add", "origin", url(server))
    return ci


def checkout_action(server: Repo, path: Path, tag: str) -> Repo:
    """As actions/checkout before v6.0.2: depth 1, and the commit under the tag's name."""
    ci = empty(server, path, tag)
    commit = server.git("rev-parse", f"refs/tags/{tag}^{{commit}}")
    ci.git("fetch", "-q", "--no-tags", "--prune", "--depth=1", "origin", f"+{commit}:refs/tags/{tag}")
    ci.git("checkout", "-q", "--force", f"refs/tags/{tag}")
    return ci


def single_tag(server: Repo, path: Path, tag: str) -> Repo:
    """`git clone --depth 1 --branch TAG`: a refspec for that tag alone, and no branch."""
    environ = {**server.environ, "GITLAB_CI": "true", "CI_COMMIT_TAG": tag}
    command = ["git", "clone", "-q", "--depth", "1", "--branch", tag, url(server), str(path)]
    run(command, path.parent, environ, check=True)
    return Repo(path, environ)


def full_without_branches(server: Repo, path: Path, tag: str) -> Repo:
    """All of the history, the tag as it is, and nothing that would say what main is."""
    ci = empty(server, path, tag)
    ci.git("fetch", "-q", "--no-tags", "origin", f"+refs/tags/{tag}:refs/tags/{tag}")
    ci.git("checkout", "-q", f"refs/tags/{tag}")
    return ci


def shallow_with_main(server: Repo, path: Path, tag: str) -> Repo:
    """Some history of main, and the tag below it left out."""
    environ = {**server.environ, "CI": "woodpecker", "CI_COMMIT_TAG": tag}
    run(["git", "clone", "-q", "--depth", "2", url(server), str(path)], path.parent, environ, check=True)
    return Repo(path, environ)


CLONES = [checkout_action, single_tag, full_without_branches, shallow_with_main]


def good_tag(repo: Repo) -> None:
    repo.git("tag", "-s", "-m", "A release", GOOD_TAG)


def unsigned(repo: Repo) -> None:
    repo.git("tag", "-a", "-m", "A release", GOOD_TAG)


def lightweight(repo: Repo) -> None:
    repo.git("tag", GOOD_TAG)


def off_main(repo: Repo) -> None:
    repo.git("switch", "-q", "-c", "side", "HEAD~1")
    repo.commit("Never merged")
    good_tag(repo)
    repo.git("switch", "-q", "main")


def off_main_of_old(repo: Repo) -> None:
    """Its history meets main's in a commit that no clone of depth 1 or 2 has."""
    repo.git("switch", "-q", "-c", "side", "HEAD~4")
    repo.commit("Never merged")
    good_tag(repo)
    repo.git("switch", "-q", "main")


def wrong_dockerfile(repo: Repo) -> None:
    repo.commit_files({"Dockerfile": DOCKERFILE.replace("torch==2.8.0", "torch==2.7.0")})
    good_tag(repo)


TAGS: list[tuple[Callable[[Repo], None], str | None]] = [
    (good_tag, None),
    (unsigned, "tag-signed"),
    (lightweight, "tag-annotated"),
    (off_main, "on-main"),
    (off_main_of_old, "on-main"),
    (wrong_dockerfile, "dockerfile-matches"),
]


@pytest.fixture(scope="module")
def released(
    template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]
) -> Callable[[Callable[[Repo], None]], Repo]:
    """The server with a tag in the midst of a history, made once for each kind of tag and only read."""

    @cache
    def release(make: Callable[[Repo], None]) -> Repo:
        folder = tmp_path_factory.mktemp("released") / "repos"
        shutil.copytree(template, folder, symlinks=True)
        repo = Repo(folder / "clone", session_environ)
        for number in range(5):
            repo.commit(f"Before {number}")
        make(repo)
        for number in range(3):
            repo.commit(f"After {number}")
        repo.git("push", "-q", "origin", "main", "--tags")
        return Repo(folder / "server.git", session_environ)

    return release


@pytest.mark.parametrize("clone", CLONES)
@pytest.mark.parametrize(("make", "refused_by"), TAGS)
def test_a_clone_of_ci_is_judged_right_with_fetch_and_not_at_all_without(
    clone: Callable[[Repo, Path, str], Repo],
    make: Callable[[Repo], None],
    refused_by: str | None,
    released: Callable[[Callable[[Repo], None]], Repo],
    tmp_path: Path,
) -> None:
    server = released(make)
    ci = clone(server, tmp_path / "ci", GOOD_TAG)
    without = ci.envhooks("check")
    assert without.code == 2, without
    assert "git fetch" in without.said or "envhooks check --fetch" in without.said
    done = ci.envhooks("check", "--fetch", "--format", "json")
    assert done.code == (1 if refused_by else 0), done
    (tag,) = json.loads(done.out)["tags"]
    errors = {finding["check"] for finding in tag["findings"] if finding["level"] == "error"}
    assert (refused_by in errors) if refused_by else not errors
    assert tag["tag"] == GOOD_TAG
    assert tag["object"] == server.git("rev-parse", f"refs/tags/{GOOD_TAG}"), "not the copy, but the real one"


def test_no_more_history_than_it_takes(
    released: Callable[[Callable[[Repo], None]], Repo], tmp_path: Path
) -> None:
    ci = checkout_action(released(good_tag), tmp_path / "ci", GOOD_TAG)
    ci.envhooks("check", "--fetch", check=True)
    assert ci.git("rev-parse", "--is-shallow-repository") == "true", "the tag is seen to lie below main's tip"


def test_a_moved_tag_is_judged_as_the_remote_has_it_now(good: Repo, server: Repo, tmp_path: Path) -> None:
    good_tag(good)
    good.git("push", "-q", "origin", "--tags")
    ci = full_without_branches(server, tmp_path / "ci", GOOD_TAG)
    good.git("tag", "-f", "-a", "-m", "unsigned", GOOD_TAG)
    good.git("push", "-q", "-f", "origin", GOOD_TAG)
    assert ci.envhooks("check", "--fetch").code == 1


def test_an_unpublished_tag_of_ones_own_stays(good: Repo, server: Repo) -> None:
    """By hand `--fetch` replaces a lightweight copy, and never a tag that somebody made."""
    good.git("tag", "-a", "-m", "x", OTHER)
    good.git("push", "-q", "origin", OTHER)
    good.git("tag", "-f", "-s", "-m", "Mine", OTHER)
    mine = good.git("rev-parse", OTHER)
    good_tag(good)
    assert good.envhooks("check", "--fetch", OTHER).code == 0
    assert good.git("rev-parse", OTHER) == mine
    assert good.envhooks("check", "--fetch", GOOD_TAG).code == 0, "the remote need not have it"


def test_all_tags_of_the_remote(good: Repo, server: Repo, tmp_path: Path) -> None:
    good_tag(good)
    good.git("tag", OTHER)
    good.commit("Later")
    good.git("push", "-q", "origin", "main", "--tags")
    ci = checkout_action(server, tmp_path / "ci", GOOD_TAG)
    document = json.loads(ci.envhooks("check", "--all", "--fetch", "--format", "json").out)
    assert {tag["tag"]: tag["verdict"] for tag in document["tags"]} == {
        GOOD_TAG: "accepted",
        OTHER: "refused",
    }


def test_tags_at_head(released: Callable[[Callable[[Repo], None]], Repo], tmp_path: Path) -> None:
    server = released(good_tag)
    ci = checkout_action(server, tmp_path / "ci", GOOD_TAG)
    plain = Repo(ci.path, server.environ)
    assert f"{GOOD_TAG}: good" in plain.envhooks("check", "--fetch", check=True).out


def test_protected_branches_besides_the_policies(good: Repo, server: Repo, tmp_path: Path) -> None:
    good.commit_files({".envhooks/policy.toml": 'branch = ["main", "release/*"]\n'})
    good.git("switch", "-q", "-c", "release/2.8")
    good.commit("Back-port")
    good_tag(good)
    good.git("push", "-q", "origin", "main", "release/2.8", "--tags")
    ci = checkout_action(server, tmp_path / "ci", GOOD_TAG)
    assert ci.envhooks("check", "--fetch").code == 0


def test_the_remotes_head_says_which_branch_carries_the_policy(
    good: Repo, server: Repo, tmp_path: Path
) -> None:
    good.git("branch", "-m", "main", "trunk")
    good_tag(good)
    good.git("push", "-q", "origin", "trunk", GOOD_TAG)
    server.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    ci = checkout_action(server, tmp_path / "ci", GOOD_TAG)
    done = ci.envhooks("check", "--fetch")
    assert done.code == 0, done


# ------------------------------------------------------------------------------------ what goes wrong


def test_a_remote_that_is_gone_is_one_sentence(good: Repo, server: Repo, tmp_path: Path) -> None:
    good_tag(good)
    good.git("push", "-q", "origin", "--tags")
    ci = checkout_action(server, tmp_path / "ci", GOOD_TAG)
    ci.git("remote", "set-url", "origin", "https://user:secret@127.0.0.1:9/x.git")
    done = ci.envhooks("check", "--fetch")
    assert done.code == 2
    assert "Traceback" not in done.said
    assert "secret" not in done.said
    assert "ls-remote failed" in done.err


def test_no_remote(good: Repo) -> None:
    good.git("remote", "remove", "origin")
    good_tag(good)
    done = good.envhooks("check", "--fetch", GOOD_TAG)
    assert done.code == 2
    assert "no remote to fetch from" in done.err


def test_a_tag_that_the_remote_does_not_have(good: Repo) -> None:
    done = good.envhooks("check", "--fetch", OTHER)
    assert done.code == 2
    assert f"there is no tag {OTHER}" in done.err


@pytest.mark.parametrize(
    "name",
    [
        "*", "x*", "-x", "--upload-pack=touch pwned", "a:refs/heads/main", "a b", "a\nb", "x^{}", "a..b", "@{u}",
        "a.lock", "", "a/", "[x]", "?", "~1", "a\\b", "x\x7f",
    ],
)  # fmt: skip
def test_a_hostile_name_is_no_option_and_no_refspec(good: Repo, name: str) -> None:
    good.git("remote", "set-head", "origin", "main")
    before = good.git("for-each-ref")
    done = good.envhooks("check", "--fetch", f"refs/tags/{name}")
    assert done.code == 2
    assert "Traceback" not in done.said
    assert good.git("for-each-ref") == before
    assert not (good.path / "pwned").exists()
    if name != "-x":
        with pytest.raises(CannotJudge):
            legal_ref(f"refs/tags/{name}")


def test_what_git_allows_in_a_name_is_fetched_by_it(good: Repo, server: Repo, tmp_path: Path) -> None:
    for name in ("-x", "$(touch${IFS}pwned)", "%0a;;error;;x", "a;b&c", "é"):
        good.git("update-ref", f"refs/tags/{name}", "HEAD")
        good.git("push", "-q", "origin", f"refs/tags/{name}:refs/tags/{name}")
    ci = empty(server, tmp_path / "ci", "-x")
    done = ci.envhooks("check", "--all", "--fetch")
    assert done.code == 1, done
    assert len(ci.git("for-each-ref", "refs/tags").split("\n")) == 5
    assert not (ci.path / "pwned").exists()


def test_it_never_asks(good: Repo, server: Repo, tmp_path: Path) -> None:
    """Whatever would ask is switched off, and there is no terminal to ask on."""
    good_tag(good)
    good.git("push", "-q", "origin", "--tags")
    wrapper = tmp_path / "ssh"
    wrapper.write_text(
        f'#!/bin/sh\nenv | grep -E "ASK|PROMPT|GCM" | sort > {tmp_path}/seen\n'
        f"if (: < /dev/tty) 2>/dev/null; then echo tty >> {tmp_path}/seen; fi\nexit 1\n"
    )
    wrapper.chmod(0o755)
    environ = {
        **good.environ,
        "GIT_SSH": str(wrapper),
        "GIT_ASKPASS": "/bin/asks",
        "SSH_ASKPASS": "/bin/asks",
    }
    good.git("remote", "set-url", "origin", "ssh://git@localhost/x.git")
    done = Repo(good.path, environ).envhooks("check", "--fetch", GOOD_TAG)
    assert done.code == 2
    seen = (tmp_path / "seen").read_text().split("\n")
    assert "GIT_TERMINAL_PROMPT=0" in seen
    assert "GIT_ASKPASS=" in seen
    assert "SSH_ASKPASS=" in seen
    assert "tty" not in seen


def test_ssh_is_told_not_to_ask_unless_the_user_says_how_to_call_it(good: Repo) -> None:
    def command(environ: dict[str, str]) -> str:
        return Fetcher(good.path, "origin", environ)._environ.get("GIT_SSH_COMMAND", "")

    assert "BatchMode=yes" in command(good.environ)
    assert command({**good.environ, "GIT_SSH_COMMAND": "ssh -i key"}) == "ssh -i key"
    good.git("config", "core.sshCommand", "ssh -i deploy-key")  # as actions/checkout does with ssh-key
    assert command(good.environ) == ""


def test_a_shallow_clone_without_tags_is_told_where_they_are(good: Repo, server: Repo) -> None:
    """Nothing to judge is no fault, but in a CI's checkout it is seldom what was meant."""
    good.git("tag", "-s", "-m", "x", GOOD_TAG)
    good.git("push", "-q", "origin", GOOD_TAG)
    checkout = server.cloned(good.path.parent / "checkout", "--depth", "1", "--no-tags")
    done = checkout.envhooks("check")
    assert done.code == 0 and "envhooks check --fetch" in done.err, done.said
    done = checkout.envhooks("check", "--all")
    assert done.code == 2 and "envhooks check --all --fetch" in done.err, "nobody has looked at any"
    assert f"{GOOD_TAG}: good" in checkout.envhooks("check", "--all", "--fetch").out
