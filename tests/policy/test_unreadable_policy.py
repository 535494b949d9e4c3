"""A file of the policy that is there and cannot be read is an error of the policy, never absent."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support import GOOD_TAG, Repo

FILES = ("policy.toml", "allowed_signers", "revoked_keys", "tags.lock", "keys", "keys/" + "A" * 40 + ".asc")
WAYS = ("a dangling link", "a link out", "a link inside", "a folder", "a submodule", "a file")


def put(repo: Repo, name: str, way: str) -> None:
    """Commit something else under the name of a file of the policy, without a check out."""
    path = f".envhooks/{name}"
    link = {"a dangling link": "nowhere", "a link out": "../CHANGELOG.md", "a link inside": "allowed_signers"}
    repo.git("rm", "-q", "-r", "--cached", "--ignore-unmatch", path)
    if way in link:
        oid = _blob(repo, link[way])
        repo.git("update-index", "--add", "--cacheinfo", f"120000,{oid},{path}")
    elif way == "a folder":
        repo.git("update-index", "--add", "--cacheinfo", f"100644,{_blob(repo, 'x')},{path}/x")
    elif way == "a submodule":
        repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.git('rev-parse', 'main')},{path}")
    else:
        repo.git("update-index", "--add", "--cacheinfo", f"100644,{_blob(repo, 'x')},{path}")
    repo.git("commit", "-q", "-m", "Change the policy")


def _blob(repo: Repo, text: str) -> str:
    argv = ["git", "hash-object", "-w", "--stdin"]
    done = subprocess.run(
        argv, cwd=repo.path, env=repo.environ, input=text.encode(), capture_output=True, check=True
    )
    return done.stdout.decode().strip()


CASES = [
    (name, way)
    for name in FILES
    for way in WAYS
    if not (name == "keys" and way == "a folder") and not (name != "keys" and way == "a file")
]


@pytest.fixture(scope="module")
def tagged_template(
    template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]
) -> Path:
    """`template` with a tag that is good, and a server that judges."""
    folder = tmp_path_factory.mktemp("tagged") / "repos"
    shutil.copytree(template, folder, symlinks=True)
    clone, server = (Repo(folder / name, session_environ) for name in ("clone", "server.git"))
    clone.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    assert clone.envhooks("check", GOOD_TAG).code == 0
    server.envhooks("install", "--server", "--branch", "main", check=True)
    return folder


@pytest.fixture
def tagged(tagged_template: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    """The clone of a copy of `tagged_template`."""
    shutil.copytree(tagged_template, tmp_path / "repos", symlinks=True)
    return Repo(tmp_path / "repos" / "clone", environ)


@pytest.mark.parametrize(("name", "way"), CASES)
def test_it_stops_the_judging_and_the_push_that_brings_it(name: str, way: str, tagged: Repo) -> None:
    put(tagged, name, way)
    pushed = tagged.try_git("push", "origin", "main")
    assert pushed.code != 0 and ".envhooks/" in pushed.err, pushed.err
    assert "has to be a" in pushed.err or "cannot" in pushed.err or "is not" in pushed.err
    tagged.git("update-ref", "refs/remotes/origin/main", "main")
    done = tagged.envhooks("check", GOOD_TAG)
    assert done.code == 2 and f".envhooks/{name.split('/')[0]}" in done.said, done.said
    assert "Traceback" not in done.said


@pytest.mark.parametrize("way", ["a dangling link", "a link out", "a submodule", "a file"])
def test_the_folder_itself(way: str, good: Repo) -> None:
    """Not the first day, on which the user's own key would be enough."""
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.git("rm", "-q", "-r", "--cached", ".envhooks")
    mode, oid = {
        "a dangling link": ("120000", _blob(good, "nowhere")),
        "a link out": ("120000", _blob(good, "/etc")),
        "a submodule": ("160000", good.git("rev-parse", "main")),
        "a file": ("100644", _blob(good, "x")),
    }[way]
    good.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},.envhooks")
    good.git("commit", "-q", "-m", "Change the policy")
    good.git("update-ref", "refs/remotes/origin/main", "main")
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 2 and "has to be a folder" in done.said


@pytest.mark.parametrize("way", ["a dangling link", "a link out", "a submodule", "a folder"])
def test_the_policy_of_the_tagged_commit(way: str, good: Repo) -> None:
    put(good, "policy.toml", way)
    tagged = good.git("rev-parse", "main")
    good.git("reset", "-q", "--hard")
    tip = good.git("commit-tree", "main~1^{tree}", "-p", "main", "-m", "Put it right")
    for ref in ("refs/heads/main", "refs/remotes/origin/main"):
        good.git("update-ref", ref, tip)
    good.git("tag", "-s", GOOD_TAG, tagged, "-m", "First candidate")
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 2 and "has to be a file" in done.said, done.said


def test_a_push_that_mends_it_passes(good: Repo, server: Repo) -> None:
    put(good, "revoked_keys", "a link out")
    good.git("push", "-q", "origin", "main")
    server.envhooks("install", "--server", "--branch", "main", check=True)
    good.git("revert", "--no-edit", "HEAD")
    good.git("push", "-q", "origin", "main")
