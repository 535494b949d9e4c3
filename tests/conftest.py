"""The one good repository: a clone and its server, a policy on main, a key that the policy allows."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import forked
import pytest
from hypothesis import HealthCheck, settings
from support import CHANGELOG, DOCKERFILE, Repo, first_on_path, isolated_environment, one_at_a_time, run

# a busy machine is no fault of what is tested
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors, for those that wait: for a watcher, a timeout, a disk."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """The tests themselves, three million objects, are made without the collector, which never looks through them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    """The servers of calls end with this process, and the time they took is part of its own."""
    forked.end()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with an SSH signing key that git is told to use."""
    home = tmp_path_factory.mktemp("home")
    environ = isolated_environment(home)
    for name in ("id", "stranger"):
        run(
            [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                f"{name}@example.org",
                "-f",
                str(home / name),
            ],
            home,
            environ,
            check=True,
        )
    # the folders that git has in a new repository, without the thirteen samples of hooks that each test would copy
    for name in ("hooks", "info"):
        (home / "template" / name).mkdir(parents=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Alice\n\temail = alice@example.org\n"
        f"\tsigningkey = {home}/id.pub\n"
        f"[gpg]\n\tformat = ssh\n[init]\n\tdefaultBranch = main\n\ttemplateDir = {home}/template\n"
        '[protocol "file"]\n\tallow = always\n'
        "[advice]\n\tdetachedHead = false\n[core]\n\tfsync = none\n[maintenance]\n\tauto = false\n[gc]\n\tauto = 0\n"
        "[receive]\n\tautogc = false\n"
    )
    return home


@pytest.fixture(scope="session")
def session_environ(home: Path) -> dict[str, str]:
    return isolated_environment(home)


@pytest.fixture(autouse=True)
def environ(session_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The test's own process sees no more of the developer's machine than its children do."""
    for name in set(os.environ) - set(session_environ):
        monkeypatch.delenv(name)
    for name, value in session_environ.items():
        monkeypatch.setenv(name, value)
    return dict(session_environ)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, home: Path, session_environ: dict[str, str]) -> Path:
    """A folder with `clone` and `server.git`, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    run(["git", "init", "-q", "--bare", "server.git"], folder, session_environ, check=True)
    run(["git", "init", "-q", "clone"], folder, session_environ, check=True)
    clone = Repo(folder / "clone", session_environ)
    key = (home / "id.pub").read_text().rsplit(" ", 1)[0]
    clone.commit_files(
        {
            "Dockerfile": DOCKERFILE,
            "CHANGELOG.md": CHANGELOG,
            ".envhooks/policy.toml": "",
            ".envhooks/allowed_signers": f'alice@example.org namespaces="git" {key}\n',
        },
        "Describe the environment",
    )
    clone.git("remote", "add", "origin", "../server.git")
    clone.git("push", "-q", "-u", "origin", "main")
    return folder


@pytest.fixture
def good(template: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    """A clone in which a good release tag can be made; no hooks yet."""
    shutil.copytree(template, tmp_path / "repos", symlinks=True)
    return Repo(tmp_path / "repos" / "clone", environ)


@pytest.fixture
def server(good: Repo) -> Repo:
    """The bare repository that `good` pushes to."""
    return Repo(good.path.parent / "server.git", good.environ)


@pytest.fixture(scope="session")
def guarded_template(
    tmp_path_factory: pytest.TempPathFactory, template: Path, session_environ: dict[str, str]
) -> Path:
    """`template` with the hooks in place, in the clone and on the server: nothing in them names a folder."""
    folder = tmp_path_factory.mktemp("guarded") / "repos"
    shutil.copytree(template, folder, symlinks=True)
    _install(Repo(folder / "clone", session_environ), Repo(folder / "server.git", session_environ))
    return folder


def _install(clone: Repo, server: Repo) -> None:
    clone.envhooks("install", check=True)
    server.envhooks("install", "--server", "--branch", "main", check=True)


@pytest.fixture
def guarded(good: Repo, server: Repo, template: Path, guarded_template: Path) -> Repo:
    """`good` with the hooks in place, in the clone and on the server."""
    folder = good.path.parent
    places = ("clone/.git", "server.git")
    if any((folder / at / "config").read_bytes() != (template / at / "config").read_bytes() for at in places):
        _install(good, server)  # another fixture has configured something
        return good
    for at in places:
        for name in ("envhooks", "hooks"):
            shutil.copytree(
                guarded_template / at / name, folder / at / name, symlinks=True, dirs_exist_ok=True
            )
        shutil.copy2(guarded_template / at / "config", folder / at / "config")
    return good


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run's that all of its processes share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def source(shared: Path, session_environ: dict[str, str]) -> Repo:
    """This project as a repository that pre-commit can clone, at what the work tree holds now; made once."""
    repo = Repo(shared / "source", session_environ)
    with one_at_a_time(shared, "source"):
        if not (repo.path / ".git").exists():
            root = Path(__file__).parent.parent
            repo.path.mkdir(exist_ok=True)
            # pre-commit passes over what git's environment says of formats, and cannot fetch across two
            repo.git("init", "-q", "--object-format=sha1")
            # by the rules of .gitignore, with the repository or without one, as the source distribution is
            command = ["ls-files", "-z", "--cached", "--others", "--exclude-from=.gitignore"]
            where = (
                [] if (root / ".git").exists() else ["--git-dir", str(repo.path / ".git"), "--work-tree", "."]
            )
            listed = run(["git", *where, *command], root, session_environ, check=True).out
            names = [name for name in listed.split("\0") if name and (root / name).is_file()]
            repo.write({name: (root / name).read_bytes() for name in names})
            repo.commit("As it is")
    return repo


@pytest.fixture(scope="session")
def wheel(shared: Path) -> Path:
    """The wheel, alone with the source distribution in its folder; built once a run.

    Two builds at once in one source folder would be in each other's way.
    """
    folder = shared / "wheel"
    with one_at_a_time(shared, "wheel"):
        if not list(folder.glob("*.whl")):
            # the wheel is built from the source distribution, as an index's users would build it
            root = Path(__file__).parent.parent
            build = [sys.executable, "-m", "build", "--outdir", str(folder), str(root)]
            subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def cache(shared: Path) -> Path:
    """One PRE_COMMIT_HOME for the whole run: its environments are built once, and it locks itself."""
    return shared / "pre-commit"


@pytest.fixture
def on_the_path(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shell that finds envhooks by its name: the folder that is put in front of PATH."""
    folder = tmp_path_factory.mktemp("bin")
    own = f'#!/bin/sh\nexec {sys.executable} -I -m envhooks "$@"\n'
    environ.update(first_on_path(environ, folder, {"envhooks": own}))
    return folder
