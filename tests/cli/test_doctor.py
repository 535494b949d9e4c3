"""`envhooks doctor` on repositories in several states: what it says, and that its commands mend what it found."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from support import GOOD_TAG, Done, Repo, run

from envhooks.builds.ledger import Intent, Ledger
from envhooks.cli import doctor

pytestmark = pytest.mark.usefixtures("on_the_path")


def screen(done: Done) -> dict[str, str]:
    """First word of a line -> the rest of it, and of the lines into which it is broken."""
    assert "Traceback" not in done.said
    shown: dict[str, str] = {}
    for line in done.out.split("\n"):
        assert len(line) <= doctor.WIDTH or line.startswith("  fix: "), line
        found = re.match(r"([a-z]+) {2,}(.*)", line)
        if found:
            shown[label := found.group(1)] = found.group(2)
        elif line.startswith(" " * 6) and shown:
            shown[label] += f" {line.strip()}"
    return shown


def healthy(repo: Repo) -> None:
    done = repo.envhooks("doctor")
    assert done.code == 0, done.out
    assert "all is well here" in done.out
    assert done.fixes == []


def mended(repo: Repo, *wanted: str) -> None:
    """The doctor names these commands, and after them there is nothing left to name."""
    done = repo.envhooks("doctor")
    screen(done)
    assert done.code == 1, done.out
    assert done.fixes == list(wanted)
    for command in wanted:
        words = command.split(" ")
        repo.envhooks(*words[1:], check=True) if words[0] == "envhooks" else repo.git(*words[1:])
    healthy(repo)


def test_a_healthy_clone(guarded: Repo) -> None:
    healthy(guarded)
    shown = screen(guarded.envhooks("doctor"))
    assert "SHA-1 objects, refs in files" in shown["git"]
    assert "whole history" in shown["repository"]
    assert "reference-transaction: " in shown["hooks"] and "NOT WIRED" not in shown["hooks"]
    assert shown["neighbours"] == "none"
    assert ".envhooks/policy.toml on origin/main" in shown["policy"]
    assert shown["signers"] == "1 SSH, 0 OpenPGP in .envhooks/ on origin/main"
    assert re.search("gpg: [0-9.]+, gpgv: [0-9.]+, ssh: [0-9.p]+", shown["programs"])
    assert shown["mode"] == "enforce"


def test_a_healthy_server(guarded: Repo, server: Repo) -> None:
    healthy(server)
    shown = screen(server.envhooks("doctor"))
    assert "pre-receive: hooks/pre-receive" in shown["hooks"] or "config hook" in shown["hooks"]
    assert "(bare)" in shown["repository"]


def test_no_repository(tmp_path: Path, environ: dict[str, str]) -> None:
    done = Repo(tmp_path, environ).envhooks("doctor")
    assert done.code == 2
    assert "not a git repository" in done.err


def test_not_installed(good: Repo) -> None:
    mended(good, "envhooks install")


def test_a_server_without_its_hooks(server: Repo) -> None:
    server.git("config", "envhooks.branch", "main")
    mended(server, "envhooks install --server")


def test_a_hook_that_somebody_replaced(guarded: Repo) -> None:
    hook = guarded.path / ".git/hooks/pre-push"
    if not hook.exists():
        pytest.skip("this git is wired by config hooks alone")
    hook.write_text("#!/bin/sh\nexit 0\n")
    if "config hook" in screen(guarded.envhooks("doctor"))["hooks"]:
        healthy(guarded)
    else:
        mended(guarded, "envhooks install")


def test_warn_mode(guarded: Repo) -> None:
    guarded.git("config", "envhooks.mode", "warn")
    mended(guarded, "git config envhooks.mode enforce")
    guarded.git("config", "envhooks.mode", "wran")
    mended(guarded, "git config envhooks.mode enforce")


def test_a_shallow_clone(good: Repo, server: Repo, tmp_path: Path) -> None:
    good.commit("Later")
    good.git("push", "-q", "origin", "main")
    shallow = server.cloned(tmp_path / "shallow", "--depth", "1")
    shallow.envhooks("install", check=True)
    assert "(shallow)" in screen(shallow.envhooks("doctor"))["repository"]
    mended(shallow, "git fetch --unshallow --tags --force")


def test_a_policy_that_cannot_be_read(guarded: Repo) -> None:
    guarded.commit_files({".envhooks/policy.toml": "[tga]\n"})
    guarded.git("push", "-q", "--no-verify", "origin", "HEAD:refs/heads/other")
    guarded.git("update-ref", "refs/remotes/origin/main", "HEAD")
    done = guarded.envhooks("doctor")
    assert done.code == 1
    assert "cannot be read" in screen(done)["policy"]
    assert "tga" in done.out
    assert done.fixes


def test_signers_that_cannot_be_read(guarded: Repo) -> None:
    guarded.commit_files({".envhooks/allowed_signers": "alice what\n"})
    guarded.git("update-ref", "refs/remotes/origin/main", "HEAD")
    done = guarded.envhooks("doctor")
    assert done.code == 1
    assert "cannot be read" in screen(done)["signers"]
    assert "allowed_signers" in done.out


def test_the_first_day(guarded: Repo) -> None:
    guarded.git("rm", "-q", "-r", ".envhooks")
    guarded.commit("No policy")
    guarded.git("update-ref", "refs/remotes/origin/main", "HEAD")
    done = guarded.envhooks("doctor")
    assert done.code == 1
    assert "the defaults" in screen(done)["policy"]
    assert done.fixes == ["envhooks init"]


def test_another_local_policy(guarded: Repo) -> None:
    guarded.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["v*"]\n'})
    done = guarded.envhooks("doctor")
    assert done.code == 1
    assert "another policy" in done.out
    assert done.fixes == ["git push origin main"]
    behind = guarded.git("rev-parse", "HEAD~1")
    mended(guarded, "git push origin main")
    guarded.git("reset", "-q", "--hard", behind)
    mended(guarded, "git merge --ff-only origin/main")
    guarded.git("reset", "-q", "--hard", behind)
    guarded.git("switch", "-q", "-c", "side")
    mended(guarded, "git fetch origin main:main")
    guarded.git("switch", "-q", "main")
    guarded.git("reset", "-q", "--hard", behind)
    guarded.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["w*"]\n'})
    apart = guarded.envhooks("doctor")
    assert apart.code == 1 and not apart.fixes and "gone apart" in apart.out
    command = next(line for line in apart.out.split("\n") if line.startswith("    git log"))
    assert guarded.git(*command.split()[1:]).count("A change") == 2


def test_signers_that_wait_to_be_pushed(good: Repo) -> None:
    """They are there: nobody is sent to write them once more."""
    good.git("rm", "-q", "-r", ".envhooks")
    good.commit("Without a gate")
    good.git("push", "-q", "origin", "main")
    good.envhooks("init", check=True)
    good.commit("With one")
    good.envhooks("install", check=True)
    assert "may sign once origin has what main says" in screen(good.envhooks("doctor"))["you"]
    mended(good, "git push origin main")


def test_a_long_fix_is_never_broken(guarded: Repo) -> None:
    """It is pasted at any width, while what is read is broken."""
    remote = "origin-" + "of-a-long-name-" * 6
    guarded.git("remote", "rename", "origin", remote)
    guarded.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    guarded.envhooks("lock", GOOD_TAG, check=True)
    guarded.commit("Lock it")
    guarded.git("push", "-q", remote, "main", GOOD_TAG)
    guarded.git("update-ref", f"refs/tags/{GOOD_TAG}", "HEAD")
    guarded.environ["COLUMNS"] = "60"
    done = guarded.envhooks("doctor")
    (command,) = done.fixes
    assert len(command) > 100 and "\n  fix: " + command + "\n" in done.out
    others = [line for line in done.out.split("\n") if not line.startswith("  fix: ")]
    assert all(len(line) <= 60 for line in others)
    assert run(["sh", "-c", command], guarded.path, guarded.environ).code == 0
    assert guarded.envhooks("doctor").fixes == []


def test_nothing_says_which_branch(guarded: Repo) -> None:
    guarded.git("config", "--unset", "envhooks.branch")
    guarded.git("branch", "master")
    guarded.git("symbolic-ref", "-d", "refs/remotes/origin/HEAD", check=None)
    mended(guarded, "git config envhooks.branch main")


def test_neighbours(guarded: Repo) -> None:
    guarded.write(
        {
            ".pre-commit-config.yaml": "repos: []\n",
            ".husky/pre-push": "true\n",
            "lefthook.yml": "pre-push: {}\n",
        }
    )
    shown = screen(guarded.envhooks("doctor"))["neighbours"]
    assert "pre-commit (configured, not installed)" in shown
    assert "husky (configured, not installed)" in shown
    guarded.write({".git/hooks/pre-commit": "#!/usr/bin/env bash\n# File generated by pre-commit: x\n"})
    assert "pre-commit (installed)" in screen(guarded.envhooks("doctor"))["neighbours"]


def test_a_program_that_is_missing(guarded: Repo, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "ssh", "ssh-keygen", "gpg", "sh"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    done = Repo(guarded.path, {**guarded.environ, "PATH": str(tools)}).envhooks("doctor")
    assert done.code == 1
    assert "gpgv: missing" in done.out
    assert done.fixes == ["apt-get install gpgv"]


def test_other_formats_of_git(tmp_path: Path, environ: dict[str, str]) -> None:
    run(["git", "init", "-q", "--object-format=sha256", "repo"], tmp_path, environ, check=True)
    repo = Repo(tmp_path / "repo", environ)
    repo.commit()
    assert "SHA-256 objects" in screen(repo.envhooks("doctor"))["git"]


def test_hostile_configuration_and_long_paths(guarded: Repo, tmp_path: Path) -> None:
    far = tmp_path / ("long " * 30).strip() / "repo"
    far.parent.mkdir()
    shutil.copytree(guarded.path, far, symlinks=True)
    repo = Repo(far, guarded.environ)
    repo.git("config", "core.hooksPath", "hooks\x1b[2J\u202e" + "x" * 200)
    done = repo.envhooks("doctor")
    screen(done)
    assert "\x1b" not in done.out and "\u202e" not in done.out


def test_builds_that_wait_for_a_word(guarded: Repo) -> None:
    book = Ledger(guarded.path / ".git")
    intent = Intent(f"refs/tags/{GOOD_TAG}", "a" * 40, "image")
    book.record("https://example.org/x.git", "origin", "client", [intent], held="four tags in one push")
    done = guarded.envhooks("doctor")
    screen(done)
    assert done.code == 1
    assert "1 under way or waiting, 0 failed, of 1 so far" in done.out
    assert f"the build image of {GOOD_TAG} waits for your word: four tags in one push" in done.flat
    assert done.fixes == ["envhooks builds --retry"]


# ------------------------------------------------------------------- what would refuse the first tag


def on_main(repo: Repo, files: dict[str, str], *gone: str) -> None:
    """Files on the remote's main as last fetched, and others that are gone from there."""
    for path in gone:
        repo.git("rm", "-q", path)
    repo.commit_files(files)
    repo.git("push", "-q", "--no-verify", "origin", "main")


def advised(done: Done) -> str:
    """The advice in one line: long ones are broken."""
    lines = done.out.split("  advice: ")[1].split("\nenvhooks: ")[0].split("\n")
    return " ".join(line.strip() for line in lines)


def stated(repo: Repo, advice: str) -> None:
    """Carry out an advice that says what the policy should state."""
    found = re.search(r"\[(\w+)\] (.*) in \.envhooks/policy\.toml", advice)
    assert found, advice
    on_main(repo, {".envhooks/policy.toml": f"[{found.group(1)}]\n{found.group(2)}\n"})


def test_a_dockerfile_elsewhere(guarded: Repo) -> None:
    text = (guarded.path / "Dockerfile").read_text()
    on_main(guarded, {".build/Dockerfile": text}, "Dockerfile")
    done = guarded.envhooks("doctor")
    assert done.code == 1
    assert (
        "fault: the policy looks for Dockerfile, which main does not have, and .build/Dockerfile is there"
        in done.flat
    )
    stated(guarded, advised(done))
    healthy(guarded)


def test_no_dockerfile_and_no_changelog_at_all(guarded: Repo) -> None:
    on_main(guarded, {}, "CHANGELOG.md")
    done = guarded.envhooks("doctor")
    assert done.code == 1 and "the policy looks for CHANGELOG.md" in done.out
    assert advised(done).startswith("envhooks changelog TAG --commit begins it; or ")
    guarded.envhooks("changelog", GOOD_TAG, "--commit", check=True)
    guarded.git("push", "-q", "origin", "main")
    healthy(guarded)
    on_main(guarded, {}, "CHANGELOG.md")
    stated(guarded, advised(guarded.envhooks("doctor")))
    healthy(guarded)
    on_main(guarded, {}, "Dockerfile")
    assert "the policy looks for Dockerfile, which main does not have" in guarded.envhooks("doctor").out


def test_a_dockerfile_by_a_template_of_its_path(guarded: Repo) -> None:
    policy = '[dockerfile]\npath = "docker/{framework:lower}/Dockerfile"\n'
    on_main(guarded, {".envhooks/policy.toml": policy})
    assert "the policy looks for docker/{framework:lower}/Dockerfile" in guarded.envhooks("doctor").out
    on_main(guarded, {"docker/pytorch/Dockerfile": "FROM x:1\n"})
    healthy(guarded)


def test_a_template_that_reads_no_tag(guarded: Repo) -> None:
    for name in ("v1.0", "v1.1"):
        guarded.git("update-ref", f"refs/tags/{name}", "HEAD")
    done = guarded.envhooks("doctor")
    assert done.code == 1 and "the policy's template reads none of the 2 tags here" in done.out
    assert "`v{release}[-{stage}]` reads 2 of them: [tag] templates" in advised(done)
    on_main(guarded, {".envhooks/policy.toml": '[tag]\ntemplates = ["v{release}[-{stage}]"]\n'})
    healthy(guarded)


def test_a_tag_that_was_moved_here(guarded: Repo) -> None:
    guarded.git("tag", "-s", "-m", "A release", GOOD_TAG)
    guarded.git("push", "-q", "origin", GOOD_TAG)
    guarded.envhooks("lock", check=True)
    on_main(guarded, {})
    healthy(guarded)
    guarded.git("update-ref", f"refs/tags/{GOOD_TAG}", "HEAD")
    mended(guarded, f"git fetch origin +refs/tags/{GOOD_TAG}:refs/tags/{GOOD_TAG}")


def test_whose_key_signs_here(guarded: Repo, tmp_path: Path) -> None:
    assert "may sign" in screen(guarded.envhooks("doctor"))["you"]
    guarded.git("config", "user.signingkey", f"{guarded.environ['HOME']}/stranger.pub")
    other = guarded.envhooks("doctor")
    assert other.code == 0 and "is no signer here: envhooks signers add" in screen(other)["you"]
    guarded.git("config", "gpg.format", "openpgp")
    done = guarded.envhooks("doctor")
    assert done.code == 1 and done.fixes == ["git config gpg.format ssh"]


def _moved_on_the_server(repo: Repo, *options: str) -> None:
    """A good tag is here, and the server has another object under its name."""
    repo.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    repo.git("push", "-q", "origin", GOOD_TAG)
    if "lock" in options:
        repo.envhooks("lock", GOOD_TAG, check=True)
        repo.commit("Lock it")
        repo.git("push", "-q", "origin", "main")
    server = Repo(repo.path.parent / "server.git", repo.environ)
    server.git("update-ref", f"refs/tags/{GOOD_TAG}", "HEAD")


def test_a_tag_that_the_remote_has_otherwise(good: Repo) -> None:
    good.envhooks("install", check=True)
    _moved_on_the_server(good)
    healthy(good)  # nothing here says so
    done = good.envhooks("doctor", "--online")
    assert done.code == 1 and f"{GOOD_TAG} is another object here than on origin" in done.out
    (line,) = [line for line in done.out.split("\n") if "git fetch origin" in line]
    assert run(["sh", "-c", line[line.index("git fetch") :]], good.path, good.environ).code == 0
    assert good.envhooks("doctor", "--online").code == 0


def test_a_locked_tag_that_was_moved_on_the_remote(good: Repo) -> None:
    good.envhooks("install", check=True)
    _moved_on_the_server(good, "lock")
    healthy(good)
    done = good.envhooks("doctor", "--online")
    assert done.code == 1 and "tags.lock says: it was moved there" in re.sub(r"\s+", " ", done.out)
    (line,) = [line for line in done.out.split("\n") if "git push --force" in line]
    assert run(["sh", "-c", line[line.index("git push") :]], good.path, good.environ).code == 0
    assert good.envhooks("doctor", "--online").code == 0


def test_other_tags_and_a_remote_that_is_away(good: Repo) -> None:
    good.envhooks("install", check=True)
    good.commit_files({".envhooks/policy.toml": '[tag]\nignore = ["v*"]\n'})
    good.git("push", "-q", "origin", "main")
    good.git("tag", "v1")
    good.git("push", "-q", "origin", "v1", GOOD_TAG, check=None)
    good.git("tag", "-f", "v1", "HEAD~1")
    assert good.envhooks("doctor", "--online").code == 0, "no release, and nothing that is judged"
    good.git("remote", "set-url", "origin", "../away.git")
    done = good.envhooks("doctor", "--online")
    assert done.code == 1 and "so its tags were not compared" in done.out
