"""The gate in a real gitolite: its own rules go on, and neither its setup nor its hook driver moves the gate away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from installing import snapshot
from support import GOOD_TAG, Repo, run

SHELL = Path("/usr/share/gitolite3/gitolite-shell")
# Takes ssh's place, and starts what sshd would: `ssh USER@HOST COMMAND`.
SSH = """#!/bin/sh
export HOME='{home}' GIT_CONFIG_GLOBAL='{home}/.gitconfig'
export SSH_ORIGINAL_COMMAND="$2" SSH_CONNECTION='127.0.0.1 1 127.0.0.1 22'
exec {shell} "${{1%@*}}"
"""
CONF = """
repo environments
    -   refs/heads/locked = @all
    RW+ = alice
"""
CALLER = """#!/bin/sh
exec sh "$(git rev-parse --git-common-dir)/envhooks/pre-receive"
"""

pytestmark = pytest.mark.skipif(
    not SHELL.exists() or shutil.which("gitolite") is None,
    reason="NOT TESTED: gitolite is missing: apt-get install gitolite3",
)


@pytest.fixture
def git_user(tmp_path: Path, environ: dict[str, str]) -> dict[str, str]:
    """The environment of gitolite's own user, in whose home it is set up."""
    home = tmp_path / "git"
    home.mkdir()
    server = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    server |= {"HOME": str(home), "GIT_CONFIG_GLOBAL": str(home / ".gitconfig")}
    (home / ".gitconfig").write_text(
        "[init]\n\tdefaultBranch = main\n[user]\n\tname = x\n\temail = x@example.org\n"
    )
    shutil.copy(Path(environ["HOME"]) / "id.pub", home / "alice.pub")
    run(["gitolite", "setup", "-pk", str(home / "alice.pub")], home, server, check=True)
    configure(server, CONF)
    return server


def configure(server: dict[str, str], text: str) -> None:
    """As a push to gitolite-admin does: the rules, then compile and setup."""
    conf = Path(server["HOME"], ".gitolite/conf/gitolite.conf")
    conf.write_text(conf.read_text() + text)
    run(["gitolite", "setup"], conf.parent, server, check=True)


@pytest.fixture
def hosted(git_user: dict[str, str]) -> Repo:
    return Repo(Path(git_user["HOME"], "repositories/environments.git"), git_user)


@pytest.fixture
def clone(good: Repo, hosted: Repo, tmp_path: Path) -> Repo:
    """`good`, whose origin is the repository in gitolite."""
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH.format(home=hosted.environ["HOME"], shell=SHELL))
    ssh.chmod(0o755)
    good.environ.update(GIT_SSH=str(ssh), GIT_SSH_VARIANT="simple")
    good.git("remote", "set-url", "origin", "alice@gitolite:environments")
    good.git("push", "-q", "origin", "main")
    return good


def tell(clone: Repo, hosted: Repo) -> None:
    """The gate and gitolite both judge, and what both find good is taken."""
    clone.git("tag", "-f", "-a", "-m", "x", GOOD_TAG)
    done = clone.try_git("push", "origin", GOOD_TAG)
    assert done.code != 0 and "[tag-signed]" in done.err
    done = clone.try_git("push", "origin", "HEAD:refs/heads/locked")
    assert done.code != 0 and "DENIED by refs/heads/locked" in done.err
    clone.git("tag", "-f", "-s", "-m", "x", GOOD_TAG)
    done = clone.try_git("push", "origin", GOOD_TAG)
    assert done.code == 0, done
    assert hosted.has_tag(GOOD_TAG)
    done = clone.try_git("push", "origin", "HEAD:refs/heads/side")
    assert done.code == 0, done
    hosted.git("update-ref", "-d", f"refs/tags/{GOOD_TAG}")
    hosted.git("update-ref", "-d", "refs/heads/side")


def wiring(hosted: Repo) -> dict[str, tuple[int, bytes]]:
    parts = ("hooks/", "custom_hooks/", "config", "envhooks/")
    return {name: value for name, value in snapshot(hosted.path).items() if name.startswith(parts)}


def test_in_the_repository_itself(clone: Repo, hosted: Repo) -> None:
    before = wiring(hosted)
    hosted.envhooks("install", "--server", "--branch", "main", check=True)
    tell(clone, hosted)
    configure(hosted.environ, "\n")
    tell(clone, hosted)
    assert "there is nothing to do" in hosted.envhooks("install", "--server", check=True).out
    hosted.envhooks("uninstall", check=True)
    assert wiring(hosted) == before


def test_by_gitolites_own_hooks_of_one_repository(clone: Repo, hosted: Repo) -> None:
    home = Path(hosted.environ["HOME"])
    rc = home / ".gitolite.rc"
    text = rc.read_text().replace(
        '# LOCAL_CODE                =>  "$ENV{HOME}/local"', 'LOCAL_CODE => "$ENV{HOME}/local"'
    )
    rc.write_text(text.replace("# 'repo-specific-hooks',", "'repo-specific-hooks',"))
    script = home / "local/hooks/repo-specific/envhooks"
    script.parent.mkdir(parents=True)
    script.write_text(CALLER)
    script.chmod(0o755)
    configure(hosted.environ, "    option hook.pre-receive = envhooks\n")
    driver = (hosted.path / "hooks/pre-receive").readlink()
    hosted.envhooks("install", "--server", "--branch", "main", check=True)
    assert (hosted.path / "hooks/pre-receive").readlink() == driver
    tell(clone, hosted)
    configure(hosted.environ, "\n")  # writes its driver anew, and deletes what lies beside it
    tell(clone, hosted)
    assert "there is nothing to do" in hosted.envhooks("install", "--server", check=True).out
    assert "pre-receive: " in (said := hosted.envhooks("doctor").out) and "NOT WIRED" not in said
