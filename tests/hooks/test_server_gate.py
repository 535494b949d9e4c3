"""The server's gate beyond the tags: refs that deceive, refs that are none of its business, and the policy itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import GOOD_TAG, OID_DIGITS, WITHOUT_HOOKS, ZERO, Done, Repo, run

SIGNERS = ".envhooks/allowed_signers"


def push(repo: Repo, *arguments: str) -> Done:
    """Past the client's own hooks, as anybody can."""
    return repo.try_git("push", "--no-verify", *arguments)


def make_tag(repo: Repo, name: str = GOOD_TAG, *options: str) -> None:
    repo.git(*WITHOUT_HOOKS, "tag", *(options or ("-s", "-m", "A release")), name)


def gate(server: Repo, *updates: tuple[str, str, str]) -> Done:
    """The server's pre-receive hook, called as git calls it: (old, new, ref)."""
    stdin = "".join(f"{old} {new} {ref}\n" for old, new, ref in updates)
    # or the file would leave it to the config hook, where this git has them
    environ = {**server.environ, "ENVHOOKS_WIRING": "config"}
    return run([str(server.path / "hooks/pre-receive")], server.path, environ, stdin)


def refused(done: Done, *words: str) -> None:
    assert done.code != 0, done
    assert "Traceback" not in done.said
    for word in words:
        assert word in done.err, done.err


def tip(server: Repo) -> str:
    return server.git("rev-parse", "refs/heads/main")


def propose(repo: Repo, path: str, data: str | None) -> None:
    """A commit on the clone's main that changes the policy."""
    if data is None:
        repo.git("rm", "-q", "-r", path)
        repo.commit("Without it")
    else:
        repo.commit_files({path: data})


# ----------------------------------------------------------------------- refs that deceive


@pytest.mark.parametrize("ref", ["refs/replace/{head}", "refs/replace/x", "refs/" + GOOD_TAG, "refs/stash"])
def test_refs_that_show_one_thing_and_mean_another(guarded: Repo, server: Repo, ref: str) -> None:
    head = tip(server)
    ref = ref.format(head=head)
    refused(gate(server, (ZERO, head, ref)), "envhooks: nothing was taken", ref)
    refused(push(guarded, "origin", f"HEAD:{ref}"))
    assert server.try_git("rev-parse", "-q", "--verify", ref).code != 0
    assert gate(server, (head, ZERO, ref)).code == 0, "getting rid of one is in order"


def test_a_replacement_does_not_ride_along_with_a_good_tag(guarded: Repo, server: Repo) -> None:
    make_tag(guarded)
    head = tip(server)
    refused(push(guarded, "origin", GOOD_TAG, f"HEAD:refs/replace/{head}"), "replacement")
    assert not server.has_tag(GOOD_TAG)


def test_a_replacement_that_is_there_already_deceives_nobody(guarded: Repo, server: Repo) -> None:
    """It came in before the gate: the bad commit is shown as the good one, and judged as what it is."""
    good = tip(server)
    guarded.git("switch", "-q", "-c", "side")
    bad = guarded.commit_files({"Dockerfile": "FROM scratch\n"}, "Side")
    assert push(guarded, "origin", "side").code == 0
    server.git("replace", bad, good)
    make_tag(guarded)
    refused(push(guarded, "origin", GOOD_TAG), "[on-main]")


# --------------------------------------------------------------- refs that are not its business


def test_what_is_no_release_passes(guarded: Repo, server: Repo) -> None:
    """All in one push, which takes all or nothing."""
    refs = (
        "refs/heads/feature/refs/tags/x", "refs/heads/feature/x", "refs/notes/commits", "refs/merge-requests/1/head",
        "refs/pull/1/head", "refs/for/main", "refs/for/refs/heads/main", "refs/remotes/origin/main",
        "refs/keep-around/x", "refs/changes/01/1/1", "refs/tagsx/v1", "refs/envhooks/refs/replace/x",
    )  # fmt: skip
    for source in ("HEAD", ""):
        done = push(guarded, "origin", *(f"{source}:{ref}" for ref in refs))
        assert done.code == 0, done
        assert "envhooks:" not in done.err


def test_a_mirror_of_everything_passes_as_long_as_its_tags_are_good(guarded: Repo, server: Repo) -> None:
    make_tag(guarded)
    for ref in ("refs/notes/commits", "refs/merge-requests/7/head", "refs/pull/7/merge", "refs/heads/dev/a"):
        guarded.git("update-ref", ref, "HEAD")
    done = push(guarded, "--mirror", "origin")
    assert done.code == 0, done.err
    assert server.has_tag(GOOD_TAG)
    make_tag(guarded, "bad")
    refused(push(guarded, "--mirror", "origin"), "[tag-name]")
    assert not server.has_tag("bad")


# ------------------------------------------------------------------------------- the policy itself


@pytest.mark.parametrize(
    ("path", "data", "word"),
    [
        (".envhooks/policy.toml", "[tga]\n", "policy.toml"),
        (".envhooks/policy.toml", '[checks]\ntag-singed = "error"\n', "tag-singed"),
        (".envhooks/policy.toml", "[[compat.torch]]\nversion = 2\n", "compat"),
        (SIGNERS, "alice what\n", "allowed_signers:1"),
        (SIGNERS, "alice openpgp " + "A" * 40 + "\n", "certificate"),
        (".envhooks/revoked_keys", "what\n", "revoked_keys:1"),
        (".envhooks/tags.lock", "what\n", "tags.lock"),
        (".envhooks/tags.lock", f"refs/tags/x {'1' * (104 - OID_DIGITS)} {'2' * 64} alice\n", "tags.lock"),
    ],
)
def test_a_main_with_an_unreadable_policy_is_refused(
    guarded: Repo, server: Repo, path: str, data: str, word: str
) -> None:
    before = tip(server)
    propose(guarded, path, data)
    for attempt in (guarded.try_git("push", "origin", "main"), push(guarded, "origin", "main")):
        refused(attempt, word)
    assert tip(server) == before


def test_elsewhere_it_is_nobodys_policy(guarded: Repo, server: Repo) -> None:
    propose(guarded, ".envhooks/policy.toml", "[tga]\n")
    assert push(guarded, "origin", "main:refs/heads/topic").code == 0


def test_a_policy_that_can_be_read_is_taken(guarded: Repo, server: Repo) -> None:
    propose(guarded, ".envhooks/policy.toml", '[tag]\nignore = ["v*"]\n')
    assert guarded.try_git("push", "origin", "main").code == 0
    guarded.git("tag", "v1")
    assert guarded.try_git("push", "origin", "v1").code == 0


@pytest.mark.parametrize(
    ("path", "data"), [(SIGNERS, None), (SIGNERS, "# nobody\n\n"), (SIGNERS, ""), (".envhooks", None)]
)
def test_the_last_signer_is_not_removed_in_passing(
    guarded: Repo, server: Repo, path: str, data: str | None
) -> None:
    """Without signers every client would trust the key of whoever sits before it."""
    before = tip(server)
    propose(guarded, path, data)
    for attempt in (guarded.try_git("push", "origin", "main"), push(guarded, "origin", "main")):
        refused(attempt, "nobody in .envhooks/allowed_signers", "advice: keep one signer")
    assert tip(server) == before
    server.git("config", "envhooks.mode", "warn")
    assert push(guarded, "origin", "main").code == 0, (
        "to give the gate up is a decision of the server's owner"
    )


def test_one_signer_of_two_can_go(guarded: Repo, server: Repo) -> None:
    home = Path(guarded.environ["HOME"])
    stranger = (home / "stranger.pub").read_text()
    old = (guarded.path / SIGNERS).read_text()
    propose(guarded, SIGNERS, f"{old}bob@example.org {stranger}")
    assert guarded.try_git("push", "origin", "main").code == 0
    propose(guarded, SIGNERS, f"bob@example.org {stranger}")
    assert guarded.try_git("push", "origin", "main").code == 0


def test_the_policy_is_read_at_the_old_main(guarded: Repo, server: Repo) -> None:
    """Nobody lets himself in, switches a check off or admits a tag with the push that carries the tag."""
    home = Path(guarded.environ["HOME"])
    old = (guarded.path / SIGNERS).read_text()
    guarded.write({SIGNERS: f"{old}mallory@example.org {(home / 'stranger.pub').read_text()}"})
    guarded.write({".envhooks/policy.toml": '[checks]\ntag-signed = { level = "off", reason = "x" }\n'})
    guarded.commit("A policy of my own")
    guarded.git("config", "user.signingkey", str(home / "stranger.pub"))
    make_tag(guarded)
    oid = guarded.git("rev-parse", f"refs/tags/{GOOD_TAG}")
    for arguments in (("main", GOOD_TAG), (GOOD_TAG, "main"), ("--atomic", "main", GOOD_TAG)):
        refused(push(guarded, "origin", *arguments), "[tag-signed]")
    assert push(guarded, "origin", "main").code == 0
    assert push(guarded, "origin", GOOD_TAG).code == 0, "once it is the policy, it counts"
    assert server.git("rev-parse", f"refs/tags/{GOOD_TAG}") == oid


def test_a_ledger_that_is_only_pushed_admits_nothing(guarded: Repo, server: Repo) -> None:
    make_tag(guarded, "v1.0", "-a", "-m", "old")
    guarded.envhooks("lock", "--legacy", "v1.0", "--reason", "x", check=True)
    guarded.commit("Admit it")
    refused(push(guarded, "--atomic", "origin", "main", "v1.0"), "[tag-name]")
    assert push(guarded, "origin", "main").code == 0
    assert push(guarded, "origin", "v1.0").code == 0


def test_deleting_main_is_refused(guarded: Repo, server: Repo) -> None:
    server.git("config", "receive.denyDeleteCurrent", "ignore")
    refused(push(guarded, "origin", ":main"), "deleting main")
    refused(guarded.try_git("push", "origin", ":main"), "deleting main")
    assert tip(server)


def test_a_forced_main_carries_no_tag(guarded: Repo, server: Repo) -> None:
    guarded.git("commit", "-q", "--amend", "-m", "Rewritten")
    make_tag(guarded)
    refused(push(guarded, "--force", "origin", "main", GOOD_TAG), "[on-main]")
    assert not server.has_tag(GOOD_TAG)


def test_dropping_a_line_of_the_ledger_is_seen(guarded: Repo, server: Repo) -> None:
    make_tag(guarded)
    guarded.envhooks("lock", check=True)
    guarded.commit("Lock")
    first = guarded.try_git("push", "origin", "main")
    assert first.code == 0
    assert "locked tags" not in first.err
    (guarded.path / ".envhooks/tags.lock").write_text("")
    guarded.commit("Unlock")
    done = push(guarded, "origin", "main")
    assert done.code == 0, "what people decide on main is theirs to decide"
    assert f"drops or changes 1 of 1 locked tags: refs/tags/{GOOD_TAG}" in done.err


def test_the_first_day_of_a_server(guarded: Repo, server: Repo, tmp_path: Path) -> None:
    """No signers, no release tags; and a policy can be brought in."""
    run(["git", "init", "-q", "--bare", "young.git"], tmp_path, guarded.environ, check=True)
    young = Repo(tmp_path / "young.git", guarded.environ)
    young.envhooks("install", "--server", "--branch", "main", check=True)
    make_tag(guarded)
    url = str(young.path)
    refused(push(guarded, url, "HEAD:refs/heads/main", GOOD_TAG), "takes no release tags yet")
    assert push(guarded, url, "HEAD:refs/heads/main").code == 0
    assert push(guarded, url, GOOD_TAG).code == 0


@pytest.mark.parametrize("path", [SIGNERS, ".envhooks/policy.toml", ".envhooks/tags.lock"])
def test_a_policy_that_broke_before_the_gate_was_there_can_be_mended(
    guarded: Repo, server: Repo, path: str
) -> None:
    server.envhooks("uninstall", check=True)
    make_tag(guarded)
    good = guarded.git("show", f"HEAD:{path}", check=None)
    propose(guarded, path, "rubbish\n")
    assert push(guarded, "origin", "main").code == 0
    server.envhooks("install", "--server", "--branch", "main", check=True)
    name = path.rpartition("/")[2]
    refused(push(guarded, "origin", GOOD_TAG), name)
    propose(guarded, path, "more rubbish\n")
    refused(push(guarded, "origin", "main"), name)
    propose(guarded, path, f"{good}\n")
    refused(push(guarded, "origin", "main", GOOD_TAG), name)
    refused(push(guarded, "origin", "main", "HEAD:refs/replace/x"))
    assert guarded.try_git("push", "origin", "main").code == 0
    assert push(guarded, "origin", GOOD_TAG).code == 0
