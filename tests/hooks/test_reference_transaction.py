"""The hook of `git tag`, with real git: what it judges, and what it must not even look at twice."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from stand_in import StandIn, hooks_of, stand_in
from support import ZERO, Done, Repo, run

from envhooks.hooks.copies import script_folder

# `upstream NAME...`: tags that appear on the remote; `in_main`: the clone itself, which has the hook
PRELUDE = """
set -e
upstream() (
  cd ../a; git commit -q --allow-empty -m more; for tag; do git tag -a "$tag" -m m; done
  git push -q ../up.git HEAD:refs/heads/main --tags
)
"""
ALIASES = {
    "rel": "tag -a -m x",
    "rel2": "!git tag -a -m y",
    "mytag": '!f(){ git fetch -q; git tag -m z "$1"; }; f',
}
STREAM = """feature done
commit refs/heads/imp
committer A <a@x> 1700000000 +0000
data 2
hi
tag BADIMPORT
from refs/heads/imp
tagger A <a@x> 1700000000 +0000
data 2
hi
done
"""

MADE_BY_TAG = [
    "git tag -a BAD -m v1",
    "git tag BAD",
    "git tag -f BAD",
    "git rel BAD",
    "git rel2 BAD",
    "git mytag BAD",
    "git -c a.b=c -C . --no-pager tag -a BAD -m x",
    "git --git-dir=.git tag BAD",
    "git --git-dir .git --work-tree . tag BAD",
    "git --namespace= --literal-pathspecs tag BAD",
    'sh -c "git tag BAD"',
    f"{sys.executable} -c \"import subprocess,sys; sys.exit(subprocess.call(['git','tag','BAD']))\"",
    'GIT_EDITOR="sh -c \\"echo hi >\\\\\\$1\\" -" git tag -a BAD',
    "cd ../wt && git tag BAD",
    "cd .git && git tag BAD",
    "git tag BAD $(git commit-tree -m x HEAD^{tree})",
    "GIT_DIR=.git git tag BAD",
    "nice git tag BAD",
    '"$(git --exec-path)/git" tag BAD',
]
NOT_MADE_BY_TAG = {
    "update-ref": "git update-ref refs/tags/BADREF HEAD; git rev-parse -q --verify refs/tags/BADREF",
    "tag deleted": "git update-ref refs/tags/BADREF HEAD; git tag -d BADREF",
    "tag listed": "git tag -l; git tag --contains HEAD",
    "fetch of one": "upstream BAD1; git fetch -q; git rev-parse -q --verify refs/tags/BAD1",
    "fetch of two": "upstream BAD1 BAD2; git fetch -q; git rev-parse -q --verify refs/tags/BAD2",
    "pull --tags": "upstream BAD1; git pull -q --tags origin main; git rev-parse -q --verify refs/tags/BAD1",
    "remote update": "upstream BAD1; git remote update; git rev-parse -q --verify refs/tags/BAD1",
    "fetch tag NAME": "upstream BAD1; git fetch -q origin tag BAD1; git rev-parse -q --verify refs/tags/BAD1",
    "fetch --all": "upstream BAD1; git fetch -q --all --tags; git rev-parse -q --verify refs/tags/BAD1",
    "pull --rebase": "upstream BAD1; git pull -q --rebase; git rev-parse -q --verify refs/tags/BAD1",
    "fetch with an alias": "upstream BAD1; git -c alias.tag2=fetch tag2 -q; git rev-parse -q --verify refs/tags/BAD1",
    "fetch of a moved one": "upstream BAD1; git fetch -q --tags; (cd ../a; git tag -f -a BAD1 -m moved;"
    " git push -q -f ../up.git BAD1); git fetch -q --tags --force",
    "pack-refs": "upstream BAD1 BAD2; git fetch -q; git pack-refs --all",
    "pack-refs of one": "git pack-refs --all; upstream BAD1; git fetch -q; git pack-refs --all",
    "gc": "upstream BAD1; git fetch -q; git gc -q --prune=now",
    "commit": "git commit -q --allow-empty -m z",
    "pushed into": "cd ../a; git tag BADPUSHED; git push -q ../b BADPUSHED:refs/tags/BADPUSHED",
    "worktree add": "git worktree add -q ../wt2 -b wt2",
    "branch called tag": "git branch tag; git checkout -q tag",
    "fast-import": "git fast-import --quiet <../stream; git rev-parse -q --verify refs/tags/BADIMPORT",
    "clone": "upstream BAD1; git clone -q --template=../template ../up.git ../cl;"
    " git -C ../cl rev-parse -q --verify refs/tags/BAD1",
    "clone --bare": "upstream BAD1; git clone -q --bare --template=../template ../up.git ../cl",
    "clone --mirror, remote update": "upstream BAD1; git clone -q --mirror --template=../template ../up.git ../cl;"
    " upstream BAD2; cd ../cl; git remote update; git rev-parse -q --verify refs/tags/BAD2",
    "bundle": "upstream BAD1; git -C ../a bundle create -q ../bundle --all;"
    " git fetch -q ../bundle 'refs/tags/*:refs/tags/*'",
    "symbolic-ref": "git symbolic-ref refs/tags/BADSYM refs/heads/main",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]) -> Path:
    """`a` with its server `up.git`, and `b`, a clone with the hook."""
    folder = tmp_path_factory.mktemp("hooks")
    script = """
      git init -q --bare up.git; git init -q a; cd a; git commit -q --allow-empty -m c1
      git tag -a v0.1 -m v0; git push -q ../up.git HEAD:refs/heads/main --tags; cd ..
      git init -q b; cd b; git remote add origin ../up.git; git fetch -q
      git checkout -q -b main --track origin/main
    """
    run(["sh", "-ec", script], folder, session_environ, check=True)
    clone = Repo(folder / "b", session_environ)
    for name, value in ALIASES.items():
        clone.git("config", f"alias.{name}", value)
    clone.envhooks("install", "--branch", "main", check=True)
    (folder / "stream").write_text(STREAM)
    return folder


@dataclass(frozen=True)
class Scene:
    """One copy of all that, and what its hook has asked."""

    repo: Repo
    python: StandIn

    def sh(self, script: str) -> Done:
        return run(["sh", "-c", PRELUDE + script], self.repo.path, self.repo.environ)


@pytest.fixture(params=["proc", "ps"])
def scene(request: pytest.FixtureRequest, made: Path, tmp_path: Path, environ: dict[str, str]) -> Scene:
    scene = build(made, tmp_path, environ)
    if request.param == "ps":
        if shutil.which("ps") is None:
            pytest.skip("there is no ps")
        rewrite(scene, "/proc/", "/no-such-folder/")  # as on macOS
    return scene


def build(made: Path, tmp_path: Path, environ: dict[str, str]) -> Scene:
    folder = tmp_path / "w"
    shutil.copytree(made, folder, symlinks=True)
    repo = Repo(folder / "b", environ)
    repo.git("worktree", "add", "-q", "../wt", "-b", "wt")
    python = stand_in(repo, tmp_path / "python")
    # a clone from this template runs the same hook
    hooks = folder / "template" / "hooks"
    hooks.mkdir(parents=True)
    text = (script_folder() / "hook-file.sh").read_text().replace("@event@", "reference-transaction")
    (hooks / "reference-transaction").write_text(text)
    (hooks / "reference-transaction").chmod(0o755)
    shutil.copytree(hooks_of(repo), folder / "template" / "envhooks")
    return Scene(repo, python)


def rewrite(scene: Scene, old: str, new: str) -> None:
    """The hook as it behaves on a system where `old` is not there."""
    for folder in (hooks_of(scene.repo), scene.repo.path.parent / "template" / "envhooks"):
        hook = folder / "reference-transaction"
        text = hook.read_text()
        assert old in text
        hook.write_text(text.replace(old, new))


@pytest.mark.parametrize("command", MADE_BY_TAG)
def test_a_tag_that_git_tag_makes_is_judged(scene: Scene, command: str) -> None:
    done = scene.sh(command)
    assert done.code != 0 and "stand-in: refused" in done.err, done
    assert not scene.repo.has_tag("BAD")
    assert scene.python.calls.startswith("-I hook reference-transaction prepared\n")
    assert scene.python.calls.count("refs/tags/BAD\n") == 1

    scene.python.forget()
    assert scene.sh(command.replace("BAD", "v1.0")).code == 0
    assert scene.repo.has_tag("v1.0")
    assert scene.python.calls.count("refs/tags/v1.0\n") == 1


@pytest.mark.parametrize("script", NOT_MADE_BY_TAG.values(), ids=NOT_MADE_BY_TAG)
def test_everything_else_passes_without_python(scene: Scene, script: str) -> None:
    done = scene.sh(script)
    assert done.code == 0, done
    assert not scene.python.was_called
    assert "envhooks" not in done.said


def test_a_tag_that_is_made_again_is_judged(scene: Scene) -> None:
    scene.sh("git tag v1; git commit -q --allow-empty -m later")
    scene.python.forget()
    assert scene.sh("git tag -f v1").code == 0
    assert scene.python.calls.count("refs/tags/v1\n") == 1
    scene.python.forget()
    assert scene.sh("git tag -f v1").code == 0  # where it is already
    assert not scene.python.was_called


NAMES = [
    "BAD;x",
    "BAD$(touch$IFS'pwned')",
    "BAD`id`",
    "BAD'x",
    'BAD"x',
    "BAD&|<>",
    "BAD%s%n",
    "BAD\udcff",
    "BAD#é",
    "BAD!{}",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_reaches_python_as_it_is(
    made: Path, tmp_path: Path, environ: dict[str, str], name: str
) -> None:
    scene = build(made, tmp_path, environ)
    assert scene.repo.try_git("tag", name).code != 0
    oid = scene.repo.git("rev-parse", "HEAD")
    # in ASCII: pytest-xdist cannot carry a surrogate home
    assert ascii(scene.python.calls.split("\n")[1]) == ascii(f"{ZERO} {oid} refs/tags/{name}")
    assert not (scene.repo.path / "pwned").exists()


def test_an_argument_with_a_line_feed_is_one(made: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    scene = build(made, tmp_path, environ)
    assert scene.sh("upstream BAD1; git -c 'a.b=x\ntag' fetch -q").code == 0
    assert scene.repo.has_tag("BAD1") and not scene.python.was_called


def test_an_empty_argument_does_not_shift_the_others(
    made: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    scene = build(made, tmp_path, environ)
    assert scene.repo.try_git("-C", "", "tag", "BAD").code != 0
    folder = scene.repo.path.parent / "with a tag"
    folder.symlink_to(scene.repo.path)
    assert scene.repo.try_git("-C", str(folder), "tag", "BAD").code != 0


class TestBlind:
    """A system that shows no processes at all."""

    @pytest.fixture
    def scene(self, made: Path, tmp_path: Path, environ: dict[str, str]) -> Scene:
        scene = build(made, tmp_path, environ)
        rewrite(scene, "/proc/", "/no-such-folder/")
        rewrite(scene, "ps -", "no-such-ps -")
        return scene

    def test_a_tag_passes_and_that_is_said_once(self, scene: Scene) -> None:
        first, second = scene.sh("git tag BAD"), scene.sh("git tag BAD2")
        assert first.code == second.code == 0
        assert first.err.count("\n") == 1 and "warning" in first.err
        assert second.err == ""
        assert not scene.python.was_called

    def test_nothing_is_refused_where_that_cannot_be_noted(self, scene: Scene) -> None:
        """A redirection that fails ends a POSIX shell in `:`, and so it did the hook."""
        (hooks_of(scene.repo) / "unknown-ancestor").symlink_to("/no/such/folder/file")
        done = scene.sh("git tag BAD")
        assert done.code == 0 and "warning" in done.err

    @pytest.mark.parametrize("script", ["tag deleted", "fetch of two", "commit", "worktree add", "pack-refs"])
    def test_what_does_not_look_like_a_new_tag_is_silent(self, scene: Scene, script: str) -> None:
        scene.sh("git tag v1")  # the one warning
        done = scene.sh(NOT_MADE_BY_TAG[script])
        assert done.code == 0 and "envhooks" not in done.said

    def test_trace2_tells(self, scene: Scene) -> None:
        scene.repo.environ["GIT_TRACE2_EVENT"] = os.devnull
        assert scene.sh("git tag BAD").code != 0
        done = scene.sh(NOT_MADE_BY_TAG["fetch of one"])
        assert done.code == 0 and "envhooks" not in done.said


class TestNobodyJudges:
    """Neither the recorded interpreter nor `envhooks` on PATH."""

    own = "~/.local/share/envhooks"
    fix = f"fix: python3 -m venv {own} && {own}/bin/pip install envhooks && {own}/bin/envhooks install\n"

    @pytest.fixture
    def scene(self, made: Path, tmp_path: Path, environ: dict[str, str]) -> Scene:
        environ["PATH"] = "/usr/bin:/bin"
        assert shutil.which("envhooks", path=environ["PATH"]) is None
        scene = build(made, tmp_path, environ)
        scene.repo.git("update-ref", "refs/tags/there", "HEAD")
        self.lose(scene)
        return scene

    def lose(self, scene: Scene) -> None:
        (hooks_of(scene.repo) / "python").write_text("/no/such/python\n")

    @pytest.mark.parametrize("command", ["git tag v1", "git tag -a -m x v1", "git tag -f there HEAD^{tree}"])
    def test_no_tag_is_made_or_moved(self, scene: Scene, command: str) -> None:
        done = scene.sh(command)
        assert done.code != 0
        assert done.err.count("envhooks: ") == 1 and self.fix in done.err

    @pytest.mark.parametrize(
        "command", ["git tag -d there", "git commit --allow-empty -qm x", "git branch x", "git fetch"]
    )
    def test_all_else_passes(self, scene: Scene, command: str) -> None:
        done = scene.sh(command)
        assert done.code == 0 and "envhooks" not in done.said

    def test_a_clone_installed_by_pre_commit_is_told_so(self, scene: Scene) -> None:
        python = "/home/x/.cache/pre-commit/repoabc/py_env-python3/bin/python"
        (hooks_of(scene.repo) / "python").write_text(f"{python}\n")
        assert "fix: pre-commit run --hook-stage manual envhooks-install\n" in scene.sh("git tag v1").err


class TestPackageIsGone(TestNobodyJudges):
    """The interpreter is there, the package is not any more."""

    fix = "-m pip install envhooks\n"

    def lose(self, scene: Scene) -> None:
        folder = scene.repo.path.parent / "bin"
        folder.mkdir()
        bare = folder / "python"
        bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')  # -S: no site-packages
        bare.chmod(0o755)
        (hooks_of(scene.repo) / "python").write_text(f"{bare}\n")
        (hooks_of(scene.repo) / "site").write_text("/no/such/folder\n")


class TestDoorsAreGone(TestNobodyJudges):
    """Somebody removed the folder with the hooks; the hook file is still there."""

    def lose(self, scene: Scene) -> None:
        shutil.rmtree(hooks_of(scene.repo))

    def test_a_clone_installed_by_pre_commit_is_told_so(self, scene: Scene) -> None:
        pytest.skip("what was recorded is gone too")


def test_envhooks_on_path_judges_where_the_recorded_interpreter_is_gone(
    made: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    folder = tmp_path / "on path"
    folder.mkdir()
    program = folder / "envhooks"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] || { echo "called: $*"; grep -q -v BAD; }\n')
    program.chmod(0o755)
    environ["PATH"] = f"{folder}:/usr/bin:/bin"
    scene = build(made, tmp_path, environ)
    (hooks_of(scene.repo) / "python").unlink()
    refused, taken = scene.sh("git tag BAD"), scene.sh("git tag v1")
    assert refused.code != 0 and "called: hook reference-transaction prepared" in refused.err
    assert taken.code == 0 and taken.out == ""


def test_a_program_of_the_work_tree_is_never_run(made: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    environ["PATH"] = ".:/usr/bin:/bin"
    scene = build(made, tmp_path, environ)
    (hooks_of(scene.repo) / "python").unlink()
    program = scene.repo.path / "envhooks"
    program.write_text("#!/bin/sh\n: >ran\n")
    program.chmod(0o755)
    assert scene.sh("git tag v1").code != 0
    assert not (scene.repo.path / "ran").exists()


def test_a_module_of_the_work_tree_is_never_imported(
    made: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    scene = build(made, tmp_path, environ)
    (hooks_of(scene.repo) / "python").write_text(f"{sys.executable}\n")
    trap = "import pathlib; pathlib.Path(r'{}').touch()\n".format(tmp_path / "imported")
    files = {
        "json.py": trap,
        "re.py": trap,
        "argparse.py": trap,
        "envhooks/__init__.py": trap,
        "sitecustomize.py": trap,
    }
    scene.repo.write({**files, "envhooks/__main__.py": trap})
    for site in (None, "", str(Path(sys.executable).parent)):
        if site is not None:
            (hooks_of(scene.repo) / "site").write_text(f"{site}\n")
        scene.sh("git tag v1")
        assert not (tmp_path / "imported").exists()


def test_an_interpreter_judges_where_its_packages_have_moved(
    made: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    """As those of an environment do that is made anew with another version of Python."""
    environ["PATH"] = "/usr/bin:/bin"
    scene = build(made, tmp_path, environ)
    (hooks_of(scene.repo) / "python").write_text(f"{sys.executable}\n")
    (hooks_of(scene.repo) / "site").write_text("/no/such/folder\n")
    done = scene.sh("git tag BAD")
    assert done.code != 0 and "[tag-name]" in done.err
    assert "not found any more" not in done.err and "Traceback" not in done.err
