"""`envhooks init`: the policy is written once, with the key that git signs with."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
from support import CHANGELOG, GOOD_TAG, Repo, run
from support import DOCKERFILE as GOOD_DOCKERFILE

from envhooks.policy import Policy
from envhooks.policy.reader import default_policy, parse_policy
from envhooks.signatures.signers import read_signers

pytestmark = pytest.mark.usefixtures("on_the_path")


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
    assert read_signers({"allowed_signers": signers}, "x").ssh
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
    assert "\nwrote .envhooks/policy.toml\n" in done.out and "none is committed" in done.out
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


def test_old_tags_can_be_held_as_they_are_by_the_printed_commands(fresh: Repo) -> None:
    for name in ("v1.0", "v1.1", "old", "nightly-20260101"):
        fresh.git("tag", name)
    done = fresh.envhooks("init", "--yes", check=True)
    assert "v{release}[-{stage}] reads 2 of 4" in done.out
    assert "not read by the template: nightly-20260101, old" in done.out
    commands = [line.strip() for line in done.out.split("\n") if line.startswith("  envhooks lock")]
    assert len(commands) == 2
    environ = {**fresh.environ, "PATH": f"{Path(sys.executable).parent}:{fresh.environ['PATH']}"}
    for command in commands:
        run(["sh", "-c", command], fresh.path, environ, check=True)
    fresh.commit("The ledger")
    checked = fresh.envhooks("check", "--all")
    assert checked.code == 0 and "4 tags: 4 good" in checked.out, checked.said


def test_without_a_signing_key_it_says_so(fresh: Repo) -> None:
    fresh.git("config", "user.signingkey", "/nowhere.pub")
    done = fresh.envhooks("init", check=False)
    assert done.code == 1
    assert not (fresh.path / ".envhooks/allowed_signers").exists()
    assert "user.signingkey" in done.out and "The policy names no signer yet" in done.out
    assert "envhooks install" not in done.out, "first things first"


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


# ------------------------------------------------------------------------------- what a repository has


def policy_of(repo: Repo) -> Policy:
    return parse_policy((repo.path / ".envhooks/policy.toml").read_bytes(), "x")


def test_tags_dockerfile_and_changelog_are_read(fresh: Repo) -> None:
    fresh.commit_files({".build/Dockerfile": GOOD_DOCKERFILE, "docs/CHANGES.md": CHANGELOG})
    for name in ("v1.0.0", "v1.1.0-rc1", "v1.1.0", "nightly-20260101"):
        fresh.git("tag", name)
    done = fresh.envhooks("init", check=True)
    policy = policy_of(fresh)
    assert policy.tag.templates == ("v{release}[-{stage}]",)
    assert policy.dockerfiles[0].path == ".build/Dockerfile"
    assert policy.changelog.path == "docs/CHANGES.md"
    assert "reads 3 of 4" in done.out and 'ignore = ["nightly-*"]' in done.out


def test_a_repository_of_many_images(fresh: Repo) -> None:
    fresh.commit_files(
        {
            "docker/pytorch/Dockerfile": GOOD_DOCKERFILE,
            "docker/tensorflow/Dockerfile": "FROM ubuntu:24.04\nRUN pip install tensorflow==2.16.1\n",
            "tests/data/Dockerfile": GOOD_DOCKERFILE.replace("2.8.0", "2.6.0"),
            "docker/tools.Dockerfile": "FROM ubuntu:24.04\n",
        }
    )
    for name in ("pytorch-2.8.0-cu128", "pytorch-2.7.1-cu128-rc1", "tensorflow-2.16.1-cu123"):
        fresh.git("tag", name)
    fresh.git("rm", "-q", "-r", "tests")
    fresh.commit()
    fresh.envhooks("init", check=True)
    policy = policy_of(fresh)
    assert policy.tag.templates == ("{framework:lower}-{version}-{hardware:compact}[-{stage}]",)
    assert policy.dockerfiles[0].path == "docker/{framework:lower}/Dockerfile"


def test_a_changelog_beside_each_image(fresh: Repo) -> None:
    """And numbers that are no framework's are the environment's own, though the name has a framework."""
    files = {}
    for name, text in (
        ("pytorch", GOOD_DOCKERFILE),
        ("tensorflow", "FROM ubuntu:24.04\nRUN pip install tensorflow==2.16.1\n"),
    ):
        files[f"images/{name}/Dockerfile"] = text
        files[f"images/{name}/CHANGELOG.md"] = "# Changes\n\n## 1.0.0 - 2026-01-09\n\nThe first.\n"
    fresh.commit_files(files)
    for name in ("pytorch/v1.0.0", "tensorflow/v1.0.0"):
        fresh.git("tag", name)
    fresh.envhooks("init", "--yes", check=True)
    policy = policy_of(fresh)
    assert policy.tag.templates == ("{framework:lower}/v{release}[-{stage}]",)
    assert policy.dockerfiles[0].path == "images/{framework:lower}/Dockerfile"
    assert policy.changelog.path == "images/{framework:lower}/CHANGELOG.md"
    assert not (fresh.path / "CHANGELOG.md").exists()
    fresh.envhooks("changelog", "pytorch/v1.1.0", "--commit", check=True)
    fresh.envhooks("tag", "pytorch/v1.1.0", check=True)


def test_of_several_images_the_one_for_work_is_not_taken(fresh: Repo) -> None:
    fresh.commit_files(
        {
            f"{folder}/Dockerfile": GOOD_DOCKERFILE
            for folder in ("dev", "ci", "tools/lint", "serving", "training")
        }
    )
    done = Repo(fresh.path, {**fresh.environ, "COLUMNS": "80"}).envhooks("init", check=True)
    assert policy_of(fresh).dockerfiles[0].path == "serving/Dockerfile"
    assert "training/Dockerfile" in done.out
    assert all(len(line) <= 80 for line in done.out.split("\n")), done.out


CPU = (
    "FROM python:3.12.3-slim\nRUN pip install torch==2.8.0 --index-url https://download.pytorch.org/whl/cpu\n"
)
JAX = "FROM python:3.12.3-slim\nRUN pip install 'jax[cuda12]==0.6.0'\n"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"cuda/Dockerfile": GOOD_DOCKERFILE, "cpu/Dockerfile": CPU}, "{hardware:kind}/Dockerfile"),
        ({"Dockerfile.cuda": GOOD_DOCKERFILE, "Dockerfile.cpu": CPU}, "Dockerfile.{hardware:kind}"),
        (
            {
                "pytorch-cuda.Dockerfile": GOOD_DOCKERFILE,
                "pytorch-cpu.Dockerfile": CPU,
                "jax-cuda.Dockerfile": JAX,
            },
            "{framework:lower}-{hardware:kind}.Dockerfile",
        ),
        ({"gpu/Dockerfile": GOOD_DOCKERFILE, "cpu/Dockerfile": CPU}, "cpu/Dockerfile"),
    ],
)
def test_each_image_is_told_by_its_path(fresh: Repo, files: dict[str, str], path: str) -> None:
    fresh.commit_files(files)
    done = fresh.envhooks("init", check=True)
    assert policy_of(fresh).dockerfiles[0].path == path, done.out
    assert ("others: " in done.out) is ("{" not in path)


def test_numbers_of_the_framework_are_its_version_and_the_framework_is_stated(fresh: Repo) -> None:
    fresh.commit_files({"Dockerfile": GOOD_DOCKERFILE})
    for name in ("v2.7.1", "v2.8.0-rc1", "v2.8.0"):
        fresh.git("tag", name)
    fresh.envhooks("init", check=True)
    policy = policy_of(fresh)
    assert policy.tag.templates == ("v{version}[-{stage}]",)
    assert dict(policy.tag.meanings["v{version}[-{stage}]"].constants) == {"framework": "PyTorch"}


@pytest.mark.parametrize(
    ("word", "dockerfile", "hardware"),
    [
        ("gpu", GOOD_DOCKERFILE, {"hardware": "CUDA"}),
        (
            "gpu",
            GOOD_DOCKERFILE.replace("cu128", "rocm6.4").replace("nvidia/cuda:", "x/y:"),
            {"hardware": "ROCm"},
        ),
        ("gpu", GOOD_DOCKERFILE.replace("cu128", "cpu").replace("nvidia/cuda:", "x/y:"), {}),
        ("fast", GOOD_DOCKERFILE, {}),
    ],
)
def test_a_word_of_the_names_that_stands_for_the_hardware_is_stated(
    fresh: Repo, word: str, dockerfile: str, hardware: dict[str, str]
) -> None:
    """`gpu` in a name is what the image is built for; where the Dockerfile says otherwise, nothing is proposed."""
    fresh.commit_files({"Dockerfile": dockerfile})
    for version in ("2.7.1", "2.8.0"):
        fresh.git("tag", f"v{version}-{word}")
    fresh.envhooks("init", check=True)
    policy = policy_of(fresh)
    (template,) = policy.tag.templates
    assert word in template
    assert dict(policy.tag.meanings[template].constants) == {"framework": "PyTorch", **hardware}


@pytest.mark.parametrize("name", ["a'b", "$(touch${IFS}x)", "-x", "a;b", "\u202ex"])
def test_hostile_names_of_tags_start_nothing(fresh: Repo, name: str) -> None:
    fresh.git("update-ref", f"refs/tags/{name}", "HEAD")
    done = fresh.envhooks("init", check=True)
    assert "Traceback" not in done.said and "\u202e" not in done.out
    listed = next(line for line in done.out.split("\n") if "--legacy $(" in line).split("$(", 1)[1]
    command = listed.partition(") --reason")[0]
    assert run(["sh", "-c", command], fresh.path, fresh.environ).out.rstrip() in (name, "")
    assert not (fresh.path / "x").exists()


def test_hostile_paths_are_passed_over_and_odd_ones_are_stated(fresh: Repo) -> None:
    names = ('a"b', "a\\b", "\u202ex", "{framework}", "a\nb", "\udcff")
    fresh.commit_files({f"{name}/Dockerfile": GOOD_DOCKERFILE for name in names})
    done = fresh.envhooks("init", check=True)
    assert policy_of(fresh).dockerfiles[0].path == 'a"b/Dockerfile'
    assert "Traceback" not in done.said and "\u202e" not in done.out
    fresh.git("mv", 'a"b', "größe 𝔸")
    fresh.commit()
    (fresh.path / ".envhooks/policy.toml").unlink()
    fresh.envhooks("init", check=True)
    assert policy_of(fresh).dockerfiles[0].path == "größe 𝔸/Dockerfile"


# ---------------------------------------------------------------------------------- signing setups


def home_of(tmp_path: Path, fresh: Repo, config: str, *keys: str) -> Repo:
    """The repository as somebody sees it who has such a configuration, and such keys in ~/.ssh."""
    home = tmp_path / "other home"
    (home / ".ssh").mkdir(parents=True)
    for key in keys:
        for suffix in ("", ".pub"):
            shutil.copy(f"{fresh.environ['HOME']}/id{suffix}", home / ".ssh" / f"{key}{suffix}")
    (home / ".gitconfig").write_text(f"[user]\n\tname = Bob\n\temail = bob@example.org\n{config}")
    names = {"HOME": str(home), "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"), "GNUPGHOME": str(home / "gpg")}
    return Repo(fresh.path, {**fresh.environ, **names})


def printed(out: str) -> list[str]:
    return [line.strip() for line in out.split("\n") if line.startswith("    ")]


@pytest.mark.parametrize(
    ("config", "keys", "commands"),
    [
        ("\tsigningkey = ~/.ssh/id_ed25519.pub\n", ["id_ed25519"], ["git config --global gpg.format ssh"]),
        ("\tsigningkey = ~/.ssh/mine\n", ["mine"], ["git config --global gpg.format ssh"]),
        (
            "",
            ["id_ed25519"],
            [
                "git config --global gpg.format ssh",
                "git config --global user.signingkey ~/.ssh/id_ed25519.pub",
            ],
        ),
        (
            "",
            [],
            [
                "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519",
                "git config --global gpg.format ssh",
                "git config --global user.signingkey ~/.ssh/id_ed25519.pub",
            ],
        ),
    ],
    ids=["format unset", "private key named", "nothing configured", "no key"],
)
def test_without_a_signer_the_printed_commands_make_one(
    fresh: Repo, tmp_path: Path, config: str, keys: list[str], commands: list[str]
) -> None:
    repo = home_of(tmp_path, fresh, config, *keys)
    done = repo.envhooks("init")
    assert done.code == 1 and "The policy names no signer yet" in done.out
    said = printed(done.out)
    assert [re.sub("^ssh-keygen -t ed25519.*", commands[0], line) for line in said] == commands
    for command in commands:
        run(["sh", "-c", command], repo.path, repo.environ, check=True)
    again = repo.envhooks("init", check=True)
    assert "signer: bob@example.org (ssh SHA256:" in again.out


def test_who_has_told_git_nothing_is_told_all_of_it(fresh: Repo, tmp_path: Path) -> None:
    """In an empty home, the printed commands and then `git commit` work."""
    repo = home_of(tmp_path, fresh, "")
    (Path(repo.environ["HOME"]) / ".gitconfig").write_text("")
    said = [line for line in printed(repo.envhooks("init", check=False).out) if line.startswith("git ")]
    assert [line.split()[3] for line in said[:2]] == ["user.name", "user.email"]
    key = "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519"
    for command in (key, *said):
        run(["sh", "-c", command], repo.path, repo.environ, check=True)
    repo.envhooks("init", check=True)
    repo.git("add", ".envhooks")
    repo.git("commit", "-q", "-m", "A policy")


# ----------------------------------------------------------------------------------------- --yes


def released(repo: Repo, name: str) -> None:
    """A first good signed tag is made, judged good and pushed."""
    repo.git("tag", "-s", "-m", "The first", name)
    done = repo.envhooks("check", name)
    assert done.code == 0, done.said
    repo.git("push", "-q", "origin", name)


def published(tmp_path: Path, environ: dict[str, str], files: dict[str, str], *tags: str) -> Repo:
    run(["git", "init", "-q", "--bare", "hub.git"], tmp_path, environ, check=True)
    run(["git", "init", "-q", "project"], tmp_path, environ, check=True)
    repo = Repo(tmp_path / "project", environ)
    repo.commit_files(files)
    for tag in tags:
        repo.git("tag", tag)
    repo.git("remote", "add", "origin", "../hub.git")
    repo.git("push", "-q", "-u", "origin", "main", "--tags")
    return repo


STABLE_LOG = CHANGELOG.replace("2.8-rc1", "v1.3.0").replace(
    "First", "No known issues, no upgrade notes. First"
)


@pytest.mark.parametrize(
    ("files", "tags", "name"),
    [
        ({"Dockerfile": GOOD_DOCKERFILE, "CHANGELOG.md": CHANGELOG}, (), GOOD_TAG),
        (
            {".build/Dockerfile": GOOD_DOCKERFILE, "HISTORY.md": STABLE_LOG},
            ("v1.2.0", "v1.1.0"),
            "v1.3.0",
        ),
        (
            {"docker/pytorch.Dockerfile": GOOD_DOCKERFILE, "CHANGELOG.md": CHANGELOG},
            ("pytorch-2.7.0-cu128", "pytorch-2.7.1-cu128"),
            "pytorch-2.8-cu128-rc1",
        ),
        ({"Dockerfile": GOOD_DOCKERFILE, "CHANGELOG.md": CHANGELOG}, ("v2.7.1", "v2.8.0-rc3"), "v2.8-rc1"),
    ],
    ids=["defaults", "a number of its own", "in a name of its own", "framework stated"],
)
def test_yes_leaves_a_repository_in_which_a_first_good_tag_works(
    tmp_path: Path, environ: dict[str, str], files: dict[str, str], tags: tuple[str, ...], name: str
) -> None:
    repo = published(tmp_path, environ, files, *tags)
    done = repo.envhooks("init", "--yes", check=True)
    assert "pushed: main to origin" in done.out and "ready: " in done.out
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("rev-parse", "main") == repo.git("rev-parse", "origin/main")
    if name == "v2.8-rc1":
        repo.git("tag", "-d", "v2.8.0-rc3")  # another spelling of it, which tag-order would refuse
    released(repo, name)
    unsigned = repo.try_git("tag", "-a", "-m", "x", f"{name}x")
    assert unsigned.code != 0


def test_yes_takes_what_an_earlier_init_wrote(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = published(tmp_path, environ, {"Dockerfile": GOOD_DOCKERFILE, "CHANGELOG.md": CHANGELOG})
    repo.envhooks("init", check=True)
    repo.write({"mine.txt": "not part of it\n"})
    repo.git("add", "mine.txt")
    repo.envhooks("init", "--yes", check=True)
    assert repo.git("status", "--porcelain") == "A  mine.txt"
    released(repo, GOOD_TAG)
    again = repo.envhooks("init", "--yes", check=True)
    assert "committed" not in again.out


def test_yes_pushes_nothing_but_its_own_commit(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = published(tmp_path, environ, {"Dockerfile": GOOD_DOCKERFILE, "CHANGELOG.md": CHANGELOG})
    repo.commit("Not for others yet")
    before = repo.git("rev-parse", "origin/main")
    done = repo.envhooks("init", "--yes")
    assert done.code == 1 and "not pushed" in done.out and "fix: git push origin main" in done.out
    assert repo.git("ls-remote", "origin", "refs/heads/main").split("\t")[0] == before


def test_yes_says_where_the_remote_takes_no_push(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = published(tmp_path, environ, {"Dockerfile": GOOD_DOCKERFILE, "CHANGELOG.md": CHANGELOG})
    hook = tmp_path / "hub.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    done = repo.envhooks("init", "--yes")
    assert done.code == 1 and "the push was refused" in done.out and "merge request" in done.out
    assert "Traceback" not in done.said


def test_yes_stays_off_another_branch(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = published(tmp_path, environ, {"Dockerfile": GOOD_DOCKERFILE})
    repo.git("checkout", "-q", "-b", "side")
    done = repo.envhooks("init", "--yes")
    assert done.code == 1 and "fix: git switch main && envhooks init --yes" in done.out
    assert repo.git("rev-parse", "side") == repo.git("rev-parse", "main")


def test_yes_begins_a_changelog_where_there_is_none(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = published(tmp_path, environ, {"Dockerfile": GOOD_DOCKERFILE})
    repo.envhooks("init", "--yes", check=True)
    assert repo.git("show", "origin/main:CHANGELOG.md") == "# Changelog\n\n## Unreleased"


def test_a_changelog_begun_by_a_run_without_a_signer_is_committed_by_the_next(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """Who has no key yet is told to make one and to run init again; then nothing is left uncommitted."""
    repo = published(tmp_path, environ, {"Dockerfile": GOOD_DOCKERFILE})
    key = repo.git("config", "user.signingkey")
    repo.git("config", "user.signingkey", "")
    assert repo.envhooks("init", "--yes").code == 1
    assert (repo.path / "CHANGELOG.md").is_file()
    repo.git("config", "user.signingkey", key)
    repo.envhooks("init", "--yes", check=True)
    assert repo.git("status", "--porcelain") == ""


def test_hundreds_of_tags_of_three_conventions_are_a_few_lines(fresh: Repo) -> None:
    """The template that reads most of them is proposed; only commands are longer than a line of the terminal."""
    names = [f"PyTorch-CUDA-v2.{minor}.{patch}" for minor in range(10) for patch in range(13)]
    names += [f"v1.{minor}.{patch}" for minor in range(10) for patch in range(10)]
    names += [f"release-2026{month:02d}{day:02d}" for month in range(1, 8) for day in range(1, 11)]
    head = fresh.git("rev-parse", "HEAD")
    fresh.git("update-ref", "--stdin", stdin="".join(f"create refs/tags/{name} {head}\n" for name in names))
    repo = Repo(fresh.path, {**fresh.environ, "COLUMNS": "80"})
    done = repo.envhooks("init", "--yes", check=True)
    assert "{framework}-{hardware}-v{version}[-{stage}] reads 130 of 300" in done.flat
    assert '\n    ignore = ["v*", "release-*"]\n' in done.out
    lines = done.said.split("\n")
    assert len(lines) < 40, done.said
    assert [line for line in lines if len(line) > 80 and not line.startswith("  envhooks ")] == []
