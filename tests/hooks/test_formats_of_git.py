"""The hooks in repositories of every object and ref format, from the first install to the last tag."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import CHANGELOG, DOCKERFILE, GOOD_TAG, WITHOUT_HOOKS, Repo, program, run

BAD = "pytorch-2.8"
REF = f"refs/tags/{GOOD_TAG}"


@pytest.fixture(params=["sha256", "sha1 reftable", "sha256 reftable"])
def formats(request: pytest.FixtureRequest, tmp_path: Path, environ: dict[str, str]) -> list[str]:
    """The options of `git init`; formats that this git lacks are passed over."""
    objects, *refs = request.param.split()
    options = [f"--object-format={objects}", *(f"--ref-format={name}" for name in refs)]
    if run(["git", "init", "-q", *options, "tried"], tmp_path, environ).code:
        pytest.skip("this git has no reftable")
    return options


@pytest.fixture
def server(formats: list[str], tmp_path: Path, environ: dict[str, str]) -> Repo:
    run(["git", "init", "-q", "--bare", *formats, "server.git"], tmp_path, environ, check=True)
    return Repo(tmp_path / "server.git", environ)


@pytest.fixture
def clone(formats: list[str], server: Repo, home: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    """A guarded clone of a guarded server, in the same format."""
    run(["git", "init", "-q", *formats, "clone"], tmp_path, environ, check=True)
    made = Repo(tmp_path / "clone", environ)
    key = (home / "id.pub").read_text().rsplit(" ", 1)[0]
    root = {
        ".envhooks/policy.toml": "",
        ".envhooks/allowed_signers": f'alice@example.org namespaces="git" {key}\n',
    }
    made.commit_files({"Dockerfile": DOCKERFILE, "CHANGELOG.md": CHANGELOG, **root})
    made.git("remote", "add", "origin", "../server.git")
    made.git("push", "-q", "-u", "origin", "main")
    made.envhooks("install", check=True)
    server.envhooks("install", "--server", "--branch", "main", check=True)
    return made


def behind_the_hooks(repo: Repo, name: str, *options: str) -> None:
    repo.git(*WITHOUT_HOOKS, "tag", "-s", "-m", "x", *options, name)


def test_from_the_first_tag_to_one_that_would_move(clone: Repo, server: Repo) -> None:
    refused = clone.try_git("tag", "-s", "-m", "x", BAD)
    assert refused.code != 0 and "[tag-name]" in refused.err and not clone.has_tag(BAD)
    made = clone.try_git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    assert (made.code, made.said) == (0, "")
    assert clone.try_git("push", "origin", GOOD_TAG).code == 0
    assert server.git("rev-parse", REF) == clone.git("rev-parse", REF)
    checked = clone.envhooks("check", GOOD_TAG)
    assert checked.code == 0, checked
    clone.commit("Later")
    clone.git("push", "-q", "origin", "main")
    behind_the_hooks(clone, GOOD_TAG, "-f")
    for way_round in ([], ["--no-verify"]):
        moved = clone.try_git("push", *way_round, "--force", "origin", GOOD_TAG)
        assert moved.code != 0 and "[tag-immutable]" in moved.err


def test_the_server_stops_what_went_past_the_clients_hooks(clone: Repo, server: Repo) -> None:
    behind_the_hooks(clone, BAD)
    for way_round in ([], ["--no-verify"]):
        done = clone.try_git("push", *way_round, "origin", BAD)
        assert done.code != 0 and "[tag-name]" in done.err
    assert not server.has_tag(BAD)


def test_the_server_keeps_what_is_published(clone: Repo, server: Repo) -> None:
    """Deletions, replacements and symbolic refs, one that leads nowhere yet among them."""
    clone.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    clone.git("push", "-q", "origin", GOOD_TAG)
    stored = server.git("rev-parse", REF)
    server.git("symbolic-ref", "refs/heads/alias", REF)
    server.git("symbolic-ref", "refs/heads/nowhere", f"refs/tags/{BAD}")
    for refspec, word in [
        (f":{REF}", "tag-immutable"),
        (f"main:refs/replace/{stored}", "replace"),
        (":refs/heads/alias", "envhooks"),
        ("main:refs/heads/nowhere", "envhooks"),
    ]:
        done = clone.try_git("push", "--no-verify", "--force", "origin", refspec)
        assert done.code != 0 and word in done.err, done
    assert server.git("rev-parse", REF) == stored and not server.has_tag(BAD)
    found = server.envhooks("check", "--all")
    assert found.code == 0 and GOOD_TAG in found.out, found


def test_the_second_look_sees_what_git_stores(clone: Repo, server: Repo) -> None:
    """Main and its tag are judged together; another main is there before git takes them."""
    clone.commit("To be released")
    clone.git("tag", "-s", "-m", "First candidate", GOOD_TAG)
    update = program(server.path / "hooks/update", '#!/bin/sh\n[ "$1" != refs/heads/main ]\n')
    done = clone.try_git("push", "origin", "main", GOOD_TAG)
    assert done.code != 0 and not server.has_tag(GOOD_TAG), done
    assert "only if this push moves it" in done.err, done
    update.unlink()
    assert clone.try_git("push", "origin", "main", GOOD_TAG).code == 0


def test_a_linked_work_tree_is_guarded_like_its_repository(clone: Repo, server: Repo, tmp_path: Path) -> None:
    clone.git("worktree", "add", "-q", "-b", "beside", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", clone.environ)
    refused = linked.try_git("tag", "-s", "-m", "x", BAD)
    assert refused.code != 0 and "[tag-name]" in refused.err and not clone.has_tag(BAD)
    assert linked.try_git("tag", "-s", "-m", "First candidate", GOOD_TAG).code == 0
    assert linked.envhooks("check", GOOD_TAG).code == 0
    assert linked.try_git("push", "origin", GOOD_TAG).code == 0 and server.has_tag(GOOD_TAG)


def test_doctor_tells_the_formats(clone: Repo, formats: list[str]) -> None:
    objects = "SHA-256" if "--object-format=sha256" in formats else "SHA-1"
    refs = "reftable" if "--ref-format=reftable" in formats else "files"
    assert f"here {objects} objects, refs in {refs}" in clone.envhooks("doctor").flat


def test_everyday_work_is_as_without_envhooks(clone: Repo) -> None:
    behind_the_hooks(clone, BAD)
    work = (
        "commit --allow-empty -qm x",
        "pack-refs --all",
        "gc -q",
        "fetch -q --tags",
        f"tag -d {BAD}",
        "fsck",
    )
    for command in work:
        done = clone.try_git(*command.split())
        assert done.code == 0 and "envhooks" not in done.said, done


def test_nothing_is_left_after_uninstall(clone: Repo) -> None:
    clone.envhooks("uninstall", check=True)
    assert not (clone.path / ".git/envhooks").exists()
    assert "envhooks" not in (clone.path / ".git/config").read_text()
    assert clone.try_git("tag", BAD).code == 0
