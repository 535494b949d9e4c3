"""`envhooks init`: the policy is written once, with the key that git signs with."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import GOOD_TAG, Repo, run

from envhooks.policy.reader import default_policy, parse_policy
from envhooks.signatures.signers.reader import read_signers


@pytest.fixture
def fresh(tmp_path: Path, environ: dict[str, str]) -> Repo:
    run(["git", "init", "-q", "repo"], tmp_path, environ, check=True)
    repo = Repo(tmp_path / "repo", environ)
    repo.commit()
    return repo


def test_init_writes_a_policy_that_means_the_defaults(fresh: Repo) -> None:
    done = fresh.envhooks("init", check=True)
    policy = (fresh.path / ".envhooks/policy.toml").read_bytes()
    assert parse_policy(policy, "the defaults") == default_policy()
    signers = (fresh.path / ".envhooks/allowed_signers").read_bytes()
    assert not read_signers({"allowed_signers": signers}, "x").is_empty
    assert "git add .envhooks" in done.out
    assert "envhooks install" in done.out


def test_the_printed_commands_bring_it_under_the_policy(fresh: Repo) -> None:
    fresh.envhooks("init", check=True)
    fresh.git("add", ".envhooks")
    fresh.git("commit", "-q", "-m", "Say who may release what")
    fresh.envhooks("install", check=True)
    refused = fresh.try_git("tag", "-a", "-m", "x", GOOD_TAG)
    assert refused.code != 0
    assert "[tag-signed]" in refused.err
    assert "envhooks init" not in refused.err, "the first day is over"


def test_a_repository_without_a_commit_begins_with_its_policy(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    run(["git", "init", "-q", "-b", "main", "new"], tmp_path, environ, check=True)
    repo = Repo(tmp_path / "new", environ)
    done = repo.envhooks("init", check=True)
    assert done.out.startswith("wrote .envhooks/policy.toml\n") and "not looked at" not in done.out
    repo.git("add", ".envhooks")
    repo.git("commit", "-q", "-m", "Say who may release what")
    repo.envhooks("install", check=True)
    assert "[tag-signed]" in repo.try_git("tag", "-a", "-m", "x", GOOD_TAG).err


def test_nothing_that_exists_is_overwritten(fresh: Repo) -> None:
    fresh.write({".envhooks/policy.toml": "# mine\n"})
    done = fresh.envhooks("init", check=True)
    assert (fresh.path / ".envhooks/policy.toml").read_text() == "# mine\n"
    assert "kept  .envhooks/policy.toml" in done.out
    again = fresh.envhooks("init", check=True)
    assert "kept  .envhooks/allowed_signers" in again.out


def test_old_tags_that_would_be_refused_are_named(fresh: Repo) -> None:
    fresh.git("tag", "v1.0")
    done = fresh.envhooks("init", check=True)
    assert "would refuse v1.0" in done.out


def test_without_a_signing_key_it_says_so(fresh: Repo) -> None:
    fresh.git("config", "user.signingkey", "/nowhere.pub")
    done = fresh.envhooks("init", check=True)
    assert not (fresh.path / ".envhooks/allowed_signers").exists()
    assert "user.signingkey" in done.out


def test_a_bare_repository_is_one_sentence(server: Repo) -> None:
    done = server.envhooks("init")
    assert done.code == 2
    assert "no work tree" in done.err


def test_openpgp_keys_are_exported(fresh: Repo, tmp_path: Path) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    environ = {**fresh.environ, "GNUPGHOME": str(home)}
    gpg = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
    try:
        run(
            [*gpg, "--quick-generate-key", "Bob <bob@example.org>", "ed25519", "sign", "1d"],
            tmp_path,
            environ,
            check=True,
        )
        listed = run(["gpg", "--list-keys", "--with-colons"], tmp_path, environ, check=True).out
        fingerprint = next(line.split(":")[9] for line in listed.split("\n") if line.startswith("fpr"))
        repo = Repo(fresh.path, environ)
        repo.git("config", "gpg.format", "openpgp")
        repo.git("config", "user.signingkey", fingerprint)
        repo.envhooks("init", check=True)
        assert (
            (repo.path / f".envhooks/keys/{fingerprint}.asc")
            .read_text()
            .startswith("-----BEGIN PGP PUBLIC KEY")
        )
        assert fingerprint in (repo.path / ".envhooks/allowed_signers").read_text()
        repo.commit("Policy", CHANGELOG_DOT_md="## 2.8-rc1 - 2026-01-01\n\nx\n", Dockerfile=DOCKERFILE)
        repo.git("tag", "-s", "-m", "x", GOOD_TAG)
        done = repo.envhooks("check", GOOD_TAG)
        assert done.code == 0, done.said
    finally:
        run(["gpgconf", "--kill", "all"], tmp_path, environ)


DOCKERFILE = "FROM nvidia/cuda:12.8.1-base-ubuntu24.04\nRUN pip install torch==2.8.0+cu128\n"
