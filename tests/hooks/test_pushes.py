"""Real pushes through real hooks: what leaves, what is taken, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from smart_http import serve
from support import GOOD_TAG, WITHOUT_HOOKS, Done, Repo

RC2 = "PyTorch-CUDA-v2.8-rc2"
STABLE = "PyTorch-CUDA-v2.8"
BAD = "pytorch-2.8"


@pytest.fixture(params=["file", "http"])
def anywhere(request: pytest.FixtureRequest, guarded: Repo, server: Repo) -> Iterator[Repo]:
    """The guarded clone, pushing to a path or through smart HTTP: for how words and refs come through.

    Which words they are depends on no transport.
    """
    if request.param == "file":
        yield guarded
        return
    server.git("config", "http.receivepack", "true")
    with serve(server.path.parent, server.environ) as url:
        guarded.git("remote", "set-url", "origin", f"{url}/server.git")
        yield guarded


@pytest.fixture
def clone(guarded: Repo) -> Repo:
    return guarded


def make_tag(repo: Repo, name: str, at: str = "HEAD", *options: str) -> None:
    """A tag that came into being behind the hook's back: in another clone, or before envhooks."""
    options = options or ("-s", "-m", "A release")
    repo.git(*WITHOUT_HOOKS, "tag", *options, name, at)


def push(repo: Repo, *arguments: str) -> Done:
    return repo.try_git("push", *arguments)


def past_the_client(repo: Repo, *arguments: str) -> Done:
    return repo.try_git("push", "--no-verify", *arguments)


# -------------------------------------------------------------------------------------- git tag


def test_a_good_tag_is_made_and_pushed_without_a_word(anywhere: Repo, server: Repo) -> None:
    made = anywhere.try_git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    assert (made.code, made.said) == (0, "")
    pushed = push(anywhere, "origin", GOOD_TAG)
    assert pushed.code == 0
    assert "envhooks" not in pushed.said
    assert server.has_tag(GOOD_TAG)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-s", "-m", "x", BAD], "tag-name"),
        ([GOOD_TAG], "tag-annotated"),
        (["-a", "-m", "x", GOOD_TAG], "tag-signed"),
        (["-s", "-m", "x", "PyTorch-CUDA-v2.7-rc1"], "dockerfile-matches"),
        (["-s", "-m", "x", "PyTorch-CUDA-v2.8-rc9"], "changelog-entry"),
        (["-s", "-m", "CUDA 11.8 build", GOOD_TAG], "tag-message"),
    ],
)
def test_a_bad_tag_is_never_made(guarded: Repo, arguments: list[str], said: str) -> None:
    done = guarded.try_git("tag", *arguments)
    assert done.code != 0
    assert f"[{said}]" in done.err
    assert done.out == ""
    assert not guarded.has_tag(arguments[-1])


def test_a_tag_on_a_side_branch_is_never_made(guarded: Repo) -> None:
    guarded.git("switch", "-q", "-c", "side")
    guarded.commit("Not merged")
    done = guarded.try_git("tag", "-s", "-m", "x", GOOD_TAG)
    assert done.code != 0
    assert "[on-main]" in done.err


def test_an_unpublished_tag_is_remade_and_deleted_freely(guarded: Repo) -> None:
    guarded.git("tag", "-s", "-m", "x", GOOD_TAG)
    guarded.git("commit", "-q", "--allow-empty", "-m", "More")
    guarded.git("tag", "-f", "-s", "-m", "again", GOOD_TAG)
    guarded.git("tag", "-d", GOOD_TAG)
    assert not guarded.has_tag(GOOD_TAG)


def test_a_candidate_after_its_release_is_never_made(guarded: Repo) -> None:
    guarded.git("tag", "-s", "-m", "x", STABLE)
    done = guarded.try_git("tag", "-s", "-m", "x", RC2)
    assert done.code != 0
    assert "[tag-order]" in done.err


# ------------------------------------------------------------------------------------- git push


def test_a_bad_tag_alone_on_a_pushed_commit_is_refused(anywhere: Repo, server: Repo) -> None:
    make_tag(anywhere, BAD)
    done = push(anywhere, "origin", BAD)
    assert done.code != 0
    assert "[tag-name]" in done.err
    assert not server.has_tag(BAD)


def test_the_server_stops_what_no_verify_lets_through(anywhere: Repo, server: Repo) -> None:
    make_tag(anywhere, BAD)
    done = past_the_client(anywhere, "origin", BAD)
    assert done.code != 0
    assert "[tag-name]" in done.err
    assert not server.has_tag(BAD)


def test_main_and_tag_together(anywhere: Repo, server: Repo) -> None:
    commit = anywhere.commit("Newer than the remote")
    anywhere.git("tag", "-s", "-m", "x", GOOD_TAG)
    assert push(anywhere, "origin", GOOD_TAG).code != 0, "its commit is not on the remote's main"
    assert push(anywhere, "--atomic", "origin", "main", GOOD_TAG).code == 0
    assert server.git("rev-parse", f"refs/tags/{GOOD_TAG}^{{commit}}") == commit


@pytest.mark.parametrize("options", [[], ["--atomic"]])
def test_one_bad_tag_of_many_stops_them_all(anywhere: Repo, server: Repo, options: list[str]) -> None:
    for name in (GOOD_TAG, RC2, BAD):
        make_tag(anywhere, name)
    done = push(anywhere, *options, "origin", "--tags")
    assert done.code != 0
    assert BAD in done.err
    assert not server.git("for-each-ref", "refs/tags/")
    done = past_the_client(anywhere, *options, "origin", "--tags")
    assert done.code != 0
    assert not server.git("for-each-ref", "refs/tags/")


def test_many_good_tags_at_once(clone: Repo, server: Repo) -> None:
    for name in (STABLE, RC2, GOOD_TAG):
        make_tag(clone, name)
    assert push(clone, "origin", "--tags").code == 0
    assert len(server.git("for-each-ref", "refs/tags/").split("\n")) == 3


def test_two_names_of_one_release_do_not_come_together(clone: Repo, server: Repo) -> None:
    for name in (STABLE, f"{STABLE}.0", RC2):
        make_tag(clone, name)
    for done in (push(clone, "origin", "--tags"), past_the_client(clone, "origin", "--tags")):
        assert done.code != 0
        assert done.err.count("[tag-order]") == 2, "either could be the one that is meant"
        assert not server.git("for-each-ref", "refs/tags/")
    clone.git("tag", "-d", f"{STABLE}.0")
    assert push(clone, "origin", STABLE, RC2).code == 0


def test_a_published_tag_never_moves(anywhere: Repo, server: Repo) -> None:
    make_tag(anywhere, GOOD_TAG)
    assert push(anywhere, "origin", GOOD_TAG).code == 0
    before = server.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    anywhere.commit("Later")
    anywhere.git("push", "-q", "origin", "main")
    make_tag(anywhere, GOOD_TAG, "HEAD", "-f", "-s", "-m", "again")
    for attempt in (push, past_the_client):
        done = attempt(anywhere, "--force", "origin", GOOD_TAG)
        assert done.code != 0
        assert "[tag-immutable]" in done.err
    assert server.git("rev-parse", f"refs/tags/{GOOD_TAG}") == before


def test_a_published_release_is_not_deleted(clone: Repo, server: Repo) -> None:
    make_tag(clone, GOOD_TAG)
    assert push(clone, "origin", GOOD_TAG).code == 0
    for attempt in (push, past_the_client):
        done = attempt(clone, "origin", f":refs/tags/{GOOD_TAG}")
        assert done.code != 0
        assert "[tag-immutable]" in done.err
    assert server.has_tag(GOOD_TAG)


@pytest.mark.parametrize("options", [["-s", "-m", "x"], ["-a", "-m", "x"], ["-f"]])
def test_a_tag_that_was_never_good_can_be_taken_back(clone: Repo, server: Repo, options: list[str]) -> None:
    name = BAD if "-s" in options else GOOD_TAG
    make_tag(clone, name, "HEAD", *options)
    hook = server.path / "hooks" / "pre-receive"
    hook.rename(hook.with_suffix(".aside"))  # the accident: it came in before the gate was there
    server.git("config", "hook.envhooks-pre-receive.enabled", "false")
    assert past_the_client(clone, "origin", name).code == 0
    hook.with_suffix(".aside").rename(hook)
    server.git("config", "--unset", "hook.envhooks-pre-receive.enabled")
    assert push(clone, "origin", "--delete", name).code == 0
    assert not server.has_tag(name)


def test_a_tag_of_a_tag_is_refused(clone: Repo) -> None:
    make_tag(clone, "inner")
    make_tag(clone, GOOD_TAG, "inner")
    for attempt in (push, past_the_client):
        done = attempt(clone, "origin", f"refs/tags/{GOOD_TAG}")
        assert done.code != 0
        assert "[tag-annotated]" in done.err


def test_a_tag_object_under_another_name_is_refused(clone: Repo) -> None:
    make_tag(clone, "PyTorch-CUDA-v2.8-rc2")
    signed = clone.git("rev-parse", "refs/tags/PyTorch-CUDA-v2.8-rc2")
    for attempt in (push, past_the_client):
        done = attempt(clone, "origin", f"{signed}:refs/tags/{GOOD_TAG}")
        assert done.code != 0
        assert "another name" in done.err


def test_follow_tags(clone: Repo, server: Repo) -> None:
    clone.commit("Newer")
    make_tag(clone, BAD)
    assert push(clone, "--follow-tags", "origin", "main").code != 0
    clone.git("tag", "-d", BAD)
    clone.git("tag", "-s", "-m", "x", GOOD_TAG)
    assert push(clone, "--follow-tags", "origin", "main").code == 0
    assert server.has_tag(GOOD_TAG)


def test_a_mirror_push(anywhere: Repo, server: Repo) -> None:
    make_tag(anywhere, GOOD_TAG)
    anywhere.git("notes", "add", "-m", "a note")
    anywhere.git("config", "remote.origin.mirror", "true")
    anywhere.git("update-ref", "-d", "refs/remotes/origin/main")
    anywhere.git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
    make_tag(anywhere, BAD)
    assert push(anywhere, "--mirror", "origin").code != 0
    anywhere.git("tag", "-d", BAD)
    done = push(anywhere, "--mirror", "origin")
    assert done.code == 0, done.err
    assert server.has_tag(GOOD_TAG)


def test_a_refused_main_does_not_carry_a_tag(anywhere: Repo, server: Repo) -> None:
    """`git push origin +main TAG` where the server takes no forced main."""
    server.git("config", "receive.denyNonFastForwards", "true")
    anywhere.git("reset", "-q", "--hard")
    anywhere.git("commit", "-q", "--amend", "-m", "Rewritten")
    make_tag(anywhere, GOOD_TAG)
    for attempt in (push, past_the_client):
        done = attempt(anywhere, "origin", "+main", GOOD_TAG)
        assert done.code != 0
        assert "[on-main]" in done.err
        assert not server.has_tag(GOOD_TAG)


def test_a_push_by_url(anywhere: Repo, server: Repo) -> None:
    url = anywhere.git("remote", "get-url", "origin")
    make_tag(anywhere, BAD)
    assert push(anywhere, url, BAD).code != 0
    anywhere.git("tag", "-s", "-m", "x", GOOD_TAG)
    assert push(anywhere, url, GOOD_TAG).code == 0


def test_what_is_no_release_tag_passes(clone: Repo, server: Repo) -> None:
    clone.commit("Work")
    assert push(clone, "origin", "main").code == 0
    assert push(clone, "origin", "main:refs/heads/feature").code == 0
    assert push(clone, "origin", ":refs/heads/feature").code == 0


def test_a_push_that_would_break_the_policy_is_refused(clone: Repo, server: Repo) -> None:
    before = server.git("rev-parse", "main")
    clone.commit_files({".envhooks/policy.toml": "[tga]\n"})
    for attempt in (push, past_the_client):
        done = attempt(clone, "origin", "main")
        assert done.code != 0
        assert "policy.toml" in done.err
        assert "tag" in done.err
    assert server.git("rev-parse", "main") == before


def test_a_policy_that_is_only_pushed_does_not_judge_its_own_push(clone: Repo, home_key: str) -> None:
    """The signers of the old main count: nobody lets himself in with the push that adds him."""
    stranger = f'mallory@example.org namespaces="git" {home_key}\n'
    clone.commit_files({".envhooks/allowed_signers": stranger})
    clone.git("config", "user.signingkey", str(home_path(clone) / "stranger.pub"))
    make_tag(clone, GOOD_TAG)
    for attempt in (push, past_the_client):
        done = attempt(clone, "--atomic", "origin", "main", GOOD_TAG)
        assert done.code != 0
        assert "[tag-signed]" in done.err


def home_path(repo: Repo) -> Path:
    return Path(repo.environ["HOME"])


@pytest.fixture
def home_key(guarded: Repo) -> str:
    return (home_path(guarded) / "stranger.pub").read_text().rsplit(" ", 1)[0]


def test_shadowing_refs_are_refused_by_the_server(clone: Repo, server: Repo) -> None:
    head = clone.git("rev-parse", "HEAD")
    for ref in (f"refs/replace/{head}", f"refs/{GOOD_TAG}"):
        done = past_the_client(clone, "origin", f"HEAD:{ref}")
        assert done.code != 0, ref
    assert past_the_client(clone, "origin", "HEAD:refs/notes/commits").code == 0
    assert past_the_client(clone, "origin", "HEAD:refs/for/main").code == 0


def test_porcelain_output_stays_clean(anywhere: Repo) -> None:
    make_tag(anywhere, BAD)
    done = push(anywhere, "--porcelain", "origin", BAD)
    assert done.code != 0
    assert "envhooks" not in done.out


def test_warn_mode_reports_and_lets_pass(clone: Repo, server: Repo) -> None:
    clone.git("config", "envhooks.mode", "warn")
    server.git("config", "envhooks.mode", "warn")
    made = clone.try_git("tag", "-s", "-m", "x", BAD)
    assert made.code == 0
    assert "envhooks.mode" in made.err
    pushed = push(clone, "origin", BAD)
    assert pushed.code == 0
    assert "[tag-name]" in pushed.err
    assert server.has_tag(BAD)


def test_hostile_names_are_escaped(guarded: Repo) -> None:
    name = "v\u202e1\u200b$(touch${IFS}pwned)"
    done = guarded.try_git("tag", name)
    assert done.code != 0
    assert "\u202e" not in done.said
    assert "\u200b" not in done.said
    assert not (guarded.path / "pwned").exists()


def _moved_on(repo: Repo, server: Repo, *options: str) -> Repo:
    """A clone, perhaps shallow, whose remote has a commit by now that it has not."""
    repo.git("push", "-q", "origin", "main")
    colleague = server.cloned(repo.path.parent / "colleague", *options)
    colleague.envhooks("install", check=True)
    repo.commit("Theirs")
    repo.git("push", "-q", "origin", "main")
    colleague.commit("Mine")
    return colleague


@pytest.mark.parametrize("options", [(), ("--depth", "1")])
def test_a_branch_that_has_moved_on_is_left_to_git(
    guarded: Repo, server: Repo, options: tuple[str, ...]
) -> None:
    """No tag is in it, so the words are git's, as without the hook."""
    guarded.commit("Older")
    colleague = _moved_on(guarded, server, *options)
    done = colleague.try_git("push", "origin", "main")
    assert done.code != 0 and "fetch first" in done.err and "envhooks" not in done.err, done.err
    colleague.git("pull", "-q", "--rebase", "origin", "main")
    assert "envhooks" not in (done := colleague.try_git("push", "origin", "main")).err and done.code == 0


def test_a_forced_branch_may_not_lose_a_release_that_is_known(guarded: Repo, server: Repo) -> None:
    guarded.commit("Released")
    guarded.git("tag", "-s", "-m", "x", GOOD_TAG)
    guarded.git("push", "-q", "--atomic", "origin", "main", GOOD_TAG)
    colleague = _moved_on(guarded, server)
    assert colleague.try_git("push", "--force", "--dry-run", "origin", "main").code == 0
    colleague.git("reset", "-q", "--hard", "HEAD~2")
    done = colleague.try_git("push", "--force", "origin", "main")
    assert done.code != 0 and "would no longer hold 1 published release" in done.err, done.err
