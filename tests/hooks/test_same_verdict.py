"""The same tag gives the same findings at every hook, on every way in."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import DOCKERFILE, GOOD_TAG, Done, Repo, run

Findings = set[tuple[str, str]]
"""Check ids and levels."""
Made = tuple[str, tuple[str, ...]]
"""A tag's name, and the arguments of git that make it: with a fixed clock always the very same object."""
SIGNED = ("-s", "-m", "A release")


def plain(repo: Repo) -> Made:
    return GOOD_TAG, ("tag", *SIGNED, GOOD_TAG)


def unsigned(repo: Repo) -> Made:
    return GOOD_TAG, ("tag", "-a", "-m", "A release", GOOD_TAG)


def lightweight(repo: Repo) -> Made:
    return GOOD_TAG, ("tag", GOOD_TAG)


def by_a_stranger(repo: Repo) -> Made:
    key = f"user.signingkey={repo.environ['HOME']}/stranger.pub"
    return GOOD_TAG, ("-c", key, "tag", *SIGNED, GOOD_TAG)


def misnamed(repo: Repo) -> Made:
    return "pytorch-cuda-2.8rc1", ("tag", *SIGNED, "pytorch-cuda-2.8rc1")


def of_a_tree(repo: Repo) -> Made:
    return GOOD_TAG, ("tag", *SIGNED, GOOD_TAG, "HEAD^{tree}")


def off_main(repo: Repo) -> Made:
    repo.git("switch", "-q", "-c", "side")
    repo.commit("Never merged")
    return GOOD_TAG, ("tag", *SIGNED, GOOD_TAG)


def another_version(repo: Repo) -> Made:
    return with_dockerfile(repo, DOCKERFILE.replace("torch==2.8.0", "torch==2.7.0"))


def swallowed_pin(repo: Repo) -> Made:
    return with_dockerfile(repo, DOCKERFILE + "RUN pip install numpy>=2 left-pad\n")


def with_dockerfile(repo: Repo, text: str) -> Made:
    repo.commit_files({"Dockerfile": text})
    repo.git("push", "-q", "origin", "main")
    return GOOD_TAG, ("tag", *SIGNED, GOOD_TAG)


def no_entry(repo: Repo) -> Made:
    return "PyTorch-CUDA-v2.8-rc3", ("tag", *SIGNED, "PyTorch-CUDA-v2.8-rc3")


def warned_of_only(repo: Repo) -> Made:
    changelog = "# Changelog\n\n## 2.8-rc1 - 2026-11-02\n\nPyTorch 2.8.0.\n"
    repo.commit_files({"CHANGELOG.md": changelog})
    repo.git("push", "-q", "origin", "main")
    return GOOD_TAG, ("tag", *SIGNED, GOOD_TAG)


def stable_without_sections(repo: Repo) -> Made:
    changelog = "# Changelog\n\n## 2.8 - 2026-11-02\n\nPyTorch 2.8.0.\n"
    repo.commit_files({"CHANGELOG.md": changelog})
    repo.git("push", "-q", "origin", "main")
    return "PyTorch-CUDA-v2.8", ("tag", *SIGNED, "PyTorch-CUDA-v2.8")


# How the tag is made, what each hook has to find, and whether it refuses.
TAGS: list[tuple[Callable[[Repo], Made], set[str], bool]] = [
    (plain, set(), False),
    (unsigned, {"tag-signed"}, True),
    (lightweight, {"tag-annotated"}, True),
    (by_a_stranger, {"tag-signed"}, True),
    (misnamed, {"tag-name"}, True),
    (of_a_tree, {"tag-annotated"}, True),
    (off_main, {"on-main"}, True),
    (another_version, {"dockerfile-matches", "dockerfile-compatible"}, True),
    (swallowed_pin, {"dockerfile-pinned"}, True),
    (no_entry, {"changelog-entry"}, True),
    (warned_of_only, {"changelog-sections"}, False),
    (stable_without_sections, {"changelog-sections"}, True),
]


def findings(said: str) -> Findings:
    """From the text that people see; git puts `remote: ` before what a server says."""
    lines = (re.match(r"(?:remote: )?  (error|warning) \[([a-z-]+)\] ", line) for line in said.split("\n"))
    return {(found.group(2), found.group(1)) for found in lines if found}


def from_json(done: Done) -> Findings:
    (tag,) = json.loads(done.out)["tags"]
    assert tag["undecided"] == {}
    return {(found["check"], found["level"]) for found in tag["findings"] if found["level"] != "note"}


@pytest.mark.parametrize(("make", "ids", "refused"), TAGS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_hook_finds_the_same(
    make: Callable[[Repo], Made],
    ids: set[str],
    refused: bool,
    good: Repo,
    server: Repo,
    source: Repo,
    cache: Path,
    tmp_path: Path,
) -> None:
    name, command = make(good)
    good.git(*command)
    oid = good.git("rev-parse", f"refs/tags/{name}")
    seen = {
        "envhooks check": findings(good.envhooks("check", name).said),
        "json": from_json(good.envhooks("check", name, "--format", "json")),
        "envhooks hook": by_hook(good, name, oid),
        "pre-commit, manual stage": by_pre_commit(good, source, cache, name, refused),
        "a clone of CI": in_ci(good, tmp_path, name),
    }
    good.envhooks("install", check=True)
    seen["git push"] = findings(pushed(good, name, refused))
    server.envhooks("install", "--server", "--branch", "main", check=True)
    server.git("update-ref", "-d", f"refs/tags/{name}", check=None)
    seen["pre-receive"] = findings(pushed(good, name, refused, "--no-verify"))
    seen["git tag"] = findings(made_again(good, name, command, refused))
    expected = seen["json"]
    assert {check for check, _ in expected} >= ids
    assert ("error" in {level for _, level in expected}) is refused
    assert seen == dict.fromkeys(seen, expected)


def by_hook(repo: Repo, name: str, oid: str) -> Findings:
    line = f"refs/tags/{name} {oid} refs/tags/{name} {'0' * len(oid)}\n"
    return findings(repo.envhooks("hook", "pre-push", "origin", "../server.git", stdin=line).err)


def by_pre_commit(repo: Repo, source: Repo, cache: Path, name: str, refused: bool) -> Findings:
    """The hook of the manifest, as a CI runs it that leaves the choice of hooks to pre-commit."""
    config = repo.path.parent / "manual.yaml"
    rev = source.git("rev-parse", "HEAD")
    config.write_text(
        f"repos: [{{repo: file://{source.path}, rev: {rev}, hooks: [{{id: envhooks-tags}}]}}]\n"
    )
    of_ci = {"PRE_COMMIT_HOME": str(cache), "GITHUB_ACTIONS": "true", "GITHUB_REF": f"refs/tags/{name}"}
    command = ["run", "--config", str(config), "--hook-stage", "manual", "--verbose", "envhooks-tags"]
    done = run([sys.executable, "-m", "pre_commit", *command], repo.path, {**repo.environ, **of_ci})
    assert (done.code != 0) is refused, done
    assert f"{name}: {'refused' if refused else 'good'}" in done.out
    return findings(done.out)


def pushed(repo: Repo, name: str, refused: bool, *options: str) -> str:
    done = repo.try_git("push", *options, "origin", f"refs/tags/{name}")
    assert (done.code != 0) is refused, done
    return done.err


def made_again(repo: Repo, name: str, command: tuple[str, ...], refused: bool) -> str:
    repo.git("update-ref", "-d", f"refs/tags/{name}")
    done = repo.try_git(*command)
    assert (done.code != 0) is refused, done
    return done.err


def in_ci(repo: Repo, tmp_path: Path, name: str) -> Findings:
    """Of depth 1, with the commit under the tag's name, from a server of its own that took all of it."""
    published = tmp_path / "published.git"
    shutil.copytree(repo.path.parent / "server.git", published)
    repo.git("push", "-q", "--no-verify", str(published), f"refs/tags/{name}")
    ci = Repo(tmp_path / "ci", {**repo.environ, "GITHUB_ACTIONS": "true", "GITHUB_REF": f"refs/tags/{name}"})
    run(["git", "init", "-q", "ci"], tmp_path, ci.environ, check=True)
    ci.git("remote", "add", "origin", f"file://{published}")
    peeled = repo.git("rev-parse", f"refs/tags/{name}^{{}}")
    ci.git("fetch", "-q", "--depth=1", "origin", f"+{peeled}:refs/tags/{name}", check=None)
    assert ci.envhooks("check").code == 2
    return from_json(ci.envhooks("check", "--fetch", "--format", "json"))
