"""Releases of envhooks itself: by this repository's own policy nobody may make one until a maintainer is enrolled."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from support import Done, Repo, run

from envhooks import __version__

ROOT = Path(__file__).parent.parent
TAG = "v" + __version__.partition(".dev")[0]
RELEASE = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
ENROL = re.findall(
    r"^    (envhooks signers add|git .*allowed_signers)$",
    (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
    re.M,
)


@pytest.fixture
def ours(source: Repo, tmp_path: Path, on_the_path: Path, environ: dict[str, str]) -> Repo:
    """A maintainer's clone of this project, and a remote of it, with an entry for the release."""
    run(["git", "clone", "-q", "--bare", str(source.path), "origin.git"], tmp_path, environ, check=True)
    run(["git", "clone", "-q", "origin.git", "clone"], tmp_path, environ, check=True)
    repo = Repo(tmp_path / "clone", environ)
    shutil.rmtree(repo.path / ".git" / "hooks", ignore_errors=True)
    log = repo.path / "CHANGELOG.md"
    entry = f"# Changelog\n\n## {TAG[1:]} - 2026-12-01\n\nWhat is new.\n"
    log.write_text(log.read_text(encoding="utf-8").replace("# Changelog\n", entry, 1), encoding="utf-8")
    repo.git("commit", "-qam", "Changelog")
    repo.git("push", "-q", "origin", "main")
    return repo


def as_stranger(repo: Repo, *arguments: str) -> Done:
    """The verdict of a CI, whose git signs with no key."""
    environ = {**repo.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    return Repo(repo.path, environ).envhooks("check", *arguments)


def test_nobody_releases_envhooks_before_a_maintainer_is_enrolled_by_the_commands_of_the_page(
    ours: Repo,
) -> None:
    ours.git("tag", "-s", "-m", f"envhooks {TAG}", TAG)
    done = as_stranger(ours, TAG)
    assert done.code == 2 and "[tag-signed] .envhooks/allowed_signers names nobody" in done.out, done.said
    ours.git("tag", "-d", TAG)

    assert len(ENROL) >= 3
    for command in ENROL:
        assert run(["sh", "-c", command], ours.path, ours.environ).code == 0, command
    ours.git("push", "-q", "origin", "main")
    ours.envhooks("install", check=True)
    ours.git("tag", "-s", "-m", f"envhooks {TAG}", TAG)
    ours.git("push", "-q", "origin", TAG)
    done = as_stranger(ours, TAG)
    assert done.code == 0 and f"{TAG}: good" in done.out, done.said


@pytest.mark.parametrize(
    ("tag", "check"),
    [("PyTorch-CUDA-v2.8", "tag-name"), ("v99.0.0", "changelog-entry"), ("0.2.0", "tag-name")],
)
def test_what_is_no_release_of_envhooks_is_refused(ours: Repo, tag: str, check: str) -> None:
    ours.envhooks("install", check=True)
    done = ours.try_git("tag", "-s", "-m", "x", tag)
    assert done.code != 0 and f"[{check}]" in done.err, done.said


def test_the_hooks_come_to_a_contributor_by_pre_commit(ours: Repo) -> None:
    """With this repository's own configuration, in the environment that the tests run in."""
    if not (Path(sys.executable).parent / "envhooks").exists():
        pytest.skip("NOT TESTED: envhooks is not installed beside this interpreter")
    (ours.path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    for hook in ("envhooks-changelog", "envhooks-policy", "envhooks-install"):
        command = [
            sys.executable,
            "-m",
            "pre_commit",
            "run",
            "--all-files",
            "--hook-stage",
            "pre-commit",
            hook,
        ]
        done = run(command, ours.path, ours.environ)
        assert done.code == 0 and "Passed" in done.out, done.said
    assert ours.try_git("tag", "-a", "-m", "x", TAG).code != 0


def test_the_release_waits_for_the_verdict_of_envhooks() -> None:
    jobs = RELEASE["jobs"]
    assert [step.get("uses") for step in jobs["tag"]["steps"]][-1] == "./"
    assert set(jobs["build"]["needs"]) == {"test", "tag"} and jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["environment"] == "pypi" and jobs["publish"]["permissions"] == {
        "id-token": "write"
    }


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v0.2.0", "0.2.0"),
        ("v0.2.0-rc1", "0.2.0rc1"),
        ("v1.0-alpha2", "1.0a2"),
        ("v0.2.0-post1", "0.2.0.post1"),
    ],
)
def test_the_version_of_the_files_is_the_tags(
    tag: str, version: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    script = next(step["run"] for step in RELEASE["jobs"]["build"]["steps"] if "TAG" in step.get("env", {}))
    (line,) = [line for line in script.split("\n") if line.startswith("version=")]
    done = run(["bash", "-c", f'{line}; echo "$version"'], tmp_path, {**environ, "TAG": tag}, check=True)
    assert done.out.strip() == version
