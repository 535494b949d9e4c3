"""git.py on every kind of repository, and against what a repository can bring along."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from support import Repo, run

from envhooks.base.errors import CannotJudge
from envhooks.git.environ import clean_environment, find_git
from envhooks.git.objects import BLOB_LIMIT, parse_tree
from envhooks.git.repository import Git


def make(path: Path, environ: dict[str, str], *options: str) -> Repo:
    path.mkdir(parents=True, exist_ok=True)
    run(["git", "init", "-q", *options, "."], path, environ, check=True)
    return Repo(path, environ)


@pytest.fixture(params=["sha1", "sha256", "sha1 reftable", "sha256 reftable"])
def repo(request: pytest.FixtureRequest, tmp_path: Path, environ: dict[str, str]) -> Repo:
    objects, *refs = request.param.split()
    options = [f"--object-format={objects}", *(f"--ref-format={name}" for name in refs)]
    if refs and run(["git", "init", "-q", *options, "tried"], tmp_path, environ).code:
        pytest.skip("this git has no reftable")
    return make(tmp_path / "repo", environ, *options)


def test_objects_of_both_formats_are_read(repo: Repo) -> None:
    commit = repo.commit_files({"a/b.txt": "hello\n"}, "One")
    with Git.open(repo.path) as git:
        assert git.oid_length == len(commit)
        assert git.commit(commit).date == 1793534400
        assert git.files(commit).read("a/b.txt") == b"hello\n"
        assert git.files(commit).list("a") == ("b.txt",)
        assert git.files(commit).read("a") is None
        assert git.files(commit).read("missing/x") is None
        assert git.read("0" * git.oid_length) is None


def test_only_object_ids_are_looked_up(repo: Repo) -> None:
    repo.commit()
    with Git.open(repo.path) as git:
        for name in ("HEAD", "main", "-x", "a" * 39, "A" * 40, "abc\nHEAD"):
            with pytest.raises(CannotJudge, match="not an object id"):
                git.read(name)


def test_refs_are_listed_by_full_name(repo: Repo) -> None:
    commit = repo.commit()
    repo.git("tag", "v1")
    repo.git("symbolic-ref", "refs/tags/alias", "refs/tags/v1")
    with Git.open(repo.path) as git:
        refs = {ref.name: ref for ref in git.refs("refs/tags/")}
        assert refs["refs/tags/v1"].oid == commit
        assert refs["refs/tags/v1"].symref == ""
        assert refs["refs/tags/alias"].symref == "refs/tags/v1"


NOWHERE = "refs/tags/alias"


def test_a_symbolic_ref_that_leads_nowhere_is_known(repo: Repo) -> None:
    repo.commit()
    repo.git("symbolic-ref", NOWHERE, "refs/tags/none")
    with Git.open(repo.path) as git:
        assert git.symbolic_target(NOWHERE) == "refs/tags/none"
        assert git.symbolic_target("refs/heads/main") == git.symbolic_target("refs/tags/none") == ""


def test_so_is_one_that_git_made_as_a_symbolic_link(tmp_path: Path, environ: dict[str, str]) -> None:
    """`core.preferSymlinkRefs`: its text is a ref, and no path from where it stands."""
    repo = make(tmp_path / "repo", environ)
    if (repo.path / ".git/reftable").exists():
        pytest.skip("in reftable nothing is a symbolic link")
    link = repo.path / ".git" / NOWHERE
    link.symlink_to("refs/tags/none")
    assert repo.git("symbolic-ref", NOWHERE) == "refs/tags/none"
    with Git.open(repo.path) as git:
        assert git.symbolic_target(NOWHERE) == "refs/tags/none"


@pytest.mark.parametrize("storage", ["files", "reftable"])
def test_so_is_one_in_refs_that_are_kept_elsewhere(
    storage: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    repo = make(tmp_path / "repo", environ)
    (tmp_path / "refs" / "reftable").mkdir(parents=True)
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "extensions.refStorage", f"{storage}://{tmp_path}/refs")
    if repo.try_git("symbolic-ref", NOWHERE, "refs/tags/none").code:
        pytest.skip("this git keeps refs in the git directory; 2.54 and newer can keep them elsewhere")
    with Git.open(repo.path) as git:
        assert git.symbolic_target(NOWHERE) == "refs/tags/none"
        assert git.ref_storage == f"{storage}://{tmp_path}/refs"


def test_a_path_cannot_leave_the_tree(repo: Repo) -> None:
    (repo.path / "out").symlink_to("../secret")
    (repo.path / "absolute").symlink_to("/etc/passwd")
    (repo.path / "loop").symlink_to("loop")
    (repo.path / "link").symlink_to("real.txt")
    commit = repo.commit_files({"real.txt": "x", "folder/y": "y"})
    with Git.open(repo.path) as git:
        files = git.files(commit)
        assert files.read("link") == b"x"
        assert files.read("folder/../real.txt") == b"x"
        for path in ("out", "absolute", "loop", "../real.txt", "folder/../../x"):
            with pytest.raises(CannotJudge):
                files.read(path)


def test_reachability_is_one_walk_for_many(repo: Repo) -> None:
    on_main = [repo.commit(f"{n}") for n in range(3)]
    repo.git("switch", "-q", "-c", "side", on_main[1])
    side = [repo.commit(f"side {n}") for n in range(2)]
    with Git.open(repo.path) as git:
        assert git.outside([*on_main, *side], [on_main[-1]]) == set(side)
        assert git.outside([], on_main) == frozenset()
        assert git.is_ancestor(on_main[0], on_main[2])
        assert not git.is_ancestor(on_main[2], on_main[0])


def test_a_shallow_clone_cannot_tell_what_is_on_main(repo: Repo, tmp_path: Path) -> None:
    repo.commit("one")
    tip = repo.commit("two")
    repo.cloned(tmp_path / "shallow", "--depth", "1")
    with Git.open(tmp_path / "shallow") as git:
        assert git.is_shallow
        with pytest.raises(CannotJudge, match="shallow"):
            git.outside([tip], [tip])


def test_replace_refs_and_grafts_are_not_believed(repo: Repo) -> None:
    first = repo.commit_files({"Dockerfile": "FROM good\n"})
    repo.git("switch", "-q", "--orphan", "side")
    evil = repo.commit_files({"Dockerfile": "FROM evil\n"})
    repo.git("replace", "-f", first, evil)
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/grafts").write_text(f"{first} {evil}\n")
    with Git.open(repo.path) as git:
        assert git.files(first).read("Dockerfile") == b"FROM good\n"
        assert git.outside([evil], [first]) == {evil}


def test_a_commit_graph_that_lies_is_not_believed(repo: Repo) -> None:
    """The graph is a file beside the objects, and git takes its word on who the parents are."""
    main = repo.commit("One")
    evil = repo.git("commit-tree", "-m", "evil", "HEAD^{tree}")
    repo.git("update-ref", "refs/heads/evil", evil)
    repo.git("commit-graph", "write", "--reachable")
    file = repo.path / ".git/objects/info/commit-graph"
    graph = bytearray(file.read_bytes())
    chunks = {
        bytes(graph[at : at + 4]): int.from_bytes(graph[at + 4 : at + 12], "big") for at in range(8, 68, 12)
    }
    order, width = sorted((main, evil)), len(main) // 2
    # gitformat-commit-graph(5), CDAT: the tree, then the position of the first parent
    at = chunks[b"CDAT"] + order.index(main) * (width + 16) + width
    assert graph[at : at + 4] == b"\x70\0\0\0", "it has no parent"
    graph[at : at + 4] = order.index(evil).to_bytes(4, "big")
    file.unlink()
    file.write_bytes(graph)
    assert repo.git("-c", "core.commitGraph=true", "rev-list", evil, f"^{main}") == "", "git is deceived"
    with Git.open(repo.path) as git:
        assert git.outside([evil], [main]) == {evil}


def test_bytes_under_the_id_of_others_are_not_believed(repo: Repo, tmp_path: Path) -> None:
    """`git cat-file` gives them out; a store that is borrowed (alternates) may hold such."""
    true, false = (repo.git("hash-object", "-w", "--stdin", stdin=text) for text in ("true", "false"))
    objects = repo.path / ".git/objects"
    borrowed = tmp_path / "borrowed" / true[:2]
    borrowed.mkdir(parents=True)
    (borrowed / true[2:]).write_bytes((objects / false[:2] / false[2:]).read_bytes())
    (objects / true[:2] / true[2:]).unlink()
    (objects / "info/alternates").write_text(f"{tmp_path}/borrowed\n")
    with Git.open(repo.path) as git:
        git.read_ahead([true, false])
        with pytest.raises(CannotJudge, match="its bytes have another id"):
            git.read(true)
        assert git.read(false) is not None


def test_git_is_not_looked_for_in_the_work_tree(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.path / "git").write_text("#!/bin/sh\nexit 0\n")
    (repo.path / "git").chmod(0o755)
    monkeypatch.chdir(repo.path)
    monkeypatch.setenv("PATH", f".:{repo.environ['PATH']}")
    assert Path(find_git()).parent != repo.path and Path(find_git()).is_absolute()


def test_hostile_repository_configuration_runs_nothing(repo: Repo, tmp_path: Path) -> None:
    commit = repo.commit_files({"f": "x"})
    trap = tmp_path / "trap"
    for key in (
        "core.fsmonitor",
        "gpg.program",
        "gpg.ssh.program",
        "core.sshCommand",
        "core.pager",
        "core.editor",
    ):
        repo.git("config", key, f"touch {trap}; false")
    repo.git("config", "alias.cat-file", f"!touch {trap}")
    with Git.open(repo.path) as git:
        assert git.files(commit).read("f") == b"x"
        git.refs("refs/")
        git.outside([commit], [commit])
    assert not trap.exists()


@pytest.mark.parametrize("waits", [True, False])
def test_hostile_environment_is_dropped(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    commit = repo.commit_files({"f": "x"})
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "empty"))
    monkeypatch.setenv("GIT_NAMESPACE", "other")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "envhooks.mode")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "warn")
    with Git.open(repo.path, waits=waits).await_answers() as git:
        assert git.files(commit).read("f") == b"x"
        assert git.setting("envhooks.mode") == ""


def test_quarantine_variables_stay_where_git_set_them() -> None:
    own = {"GIT_OBJECT_DIRECTORY": "/o", "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/a"}
    assert "GIT_OBJECT_DIRECTORY" not in clean_environment(own)
    quarantined = clean_environment({**own, "GIT_QUARANTINE_PATH": "/q", "GIT_DIR": "."})
    assert quarantined["GIT_OBJECT_DIRECTORY"] == "/o"
    assert quarantined["GIT_ALTERNATE_OBJECT_DIRECTORIES"] == "/a"
    assert quarantined["GIT_DIR"] == "."


def test_a_huge_blob_is_not_read(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = make(tmp_path / "repo", environ)
    (repo.path / "huge").write_bytes(b"\0" * (BLOB_LIMIT + 1))
    commit = repo.commit_files({"small": "s"})
    with Git.open(repo.path) as git:
        with pytest.raises(CannotJudge, match="too large"):
            git.files(commit).read("huge")
        assert git.files(commit).read("small") == b"s"


def test_no_repository_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="not a git repository"):
        Git.open(tmp_path)


def test_no_process_is_left_behind(tmp_path: Path, environ: dict[str, str]) -> None:
    """In a process of its own, which has no other children and no other files to be opened meanwhile."""
    repo = make(tmp_path / "repo", environ)
    broken = make(tmp_path / "broken", environ)
    (broken.path / ".git/config").write_text("[core\n")
    many = make(tmp_path / "many", environ)
    with (many.path / ".git/config").open("a") as file:
        file.writelines(f'[branch "{n:05}"]\n\tdescription = {"x" * 80}\n' for n in range(2000))
    (tmp_path / "empty").mkdir()
    script = """
import os, sys
from envhooks.base.errors import CannotJudge
from envhooks.git.repository import Git
def files(): return sorted(os.listdir("/dev/fd"))
before = files()
def look(path):
    assert files() == before, path
    try:
        print("left behind:", os.waitpid(-1, os.WNOHANG))
    except ChildProcessError:
        pass
for path in sys.argv[1:]:
    try:
        with Git.open(path, waits=False).await_answers() as git:
            print(len(git.config) if path.endswith("repo") else "not asked")
    except CannotJudge as error:
        print(error.message)
        look(path)  # here, where the error still holds whatever was not given back
    look(path)
"""
    paths = [repo.path, broken.path, many.path, tmp_path / "empty"]
    done = run([sys.executable, "-I", "-c", script, *map(str, paths)], tmp_path, environ, check=True)
    count, bad, unread, nowhere = done.out.split("\n")[:-1]
    assert int(count) > 3
    assert bad.startswith("git cannot read this repository: bad config line")
    assert unread == "not asked", "more than a pipe holds, and nobody takes it"
    assert nowhere == "this is not a git repository"
    assert done.err == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
@pytest.mark.parametrize("waits", [True, False])
def test_whom_the_person_trusts_is_trusted(tmp_path: Path, environ: dict[str, str], waits: bool) -> None:
    repo = make(tmp_path / "repo", environ)
    repo.git("config", "envhooks.mode", "warn")
    for path in (repo.path, repo.path / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(CannotJudge, match="belongs to another user"):
        Git(repo.path, environ, waits=waits).await_answers()
    trusting = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    with Git(repo.path, {**environ, **trusting}, waits=waits).await_answers() as git:
        assert git.setting("envhooks.mode") == "warn"


def test_worktrees_and_bare_repositories(repo: Repo, tmp_path: Path) -> None:
    repo.commit()
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    with Git.open(tmp_path / "linked") as git:
        assert git.common_dir == repo.path / ".git"
        assert git.git_dir != git.common_dir
        assert git.work_tree == tmp_path / "linked"
        assert git.hooks_dir == repo.path / ".git/hooks"
    with Git.open(tmp_path / "bare.git") as git:
        assert git.is_bare
        assert git.work_tree is None


def test_hooks_path_is_honoured(repo: Repo) -> None:
    repo.git("config", "core.hooksPath", ".husky/_")
    with Git.open(repo.path) as git:
        assert git.hooks_dir == repo.path / ".husky/_"


def test_a_missing_object_is_said_and_the_next_one_is_read(repo: Repo) -> None:
    first = repo.commit_files({"f": "x"})
    blob = repo.git("rev-parse", f"{first}:f")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with Git.open(repo.path) as git:
        with pytest.raises(CannotJudge, match="missing"):
            git.files(first).read("f")
        assert git.commit(first).tree


def test_a_damaged_object_is_said(repo: Repo) -> None:
    first = repo.commit_files({"f": "x" * 1000})
    blob = repo.git("rev-parse", f"{first}:f")
    file = repo.path / ".git/objects" / blob[:2] / blob[2:]
    file.chmod(0o644)
    file.write_bytes(b"rubbish")
    with Git.open(repo.path) as git, pytest.raises(CannotJudge):
        git.files(first).read("f")


def test_a_git_that_ends_is_said_and_the_next_question_starts_another(repo: Repo) -> None:
    commit = repo.commit_files({"f": "x"})
    blob = repo.git("rev-parse", f"{commit}:f")
    with Git.open(repo.path) as git:

        def kill() -> None:
            assert git.type_of(blob) == "blob", "it runs"
            process = git._batch._process
            assert process is not None
            process.kill()
            process.wait()

        for ask in (lambda: git.read(commit), lambda: git.copy_blob(blob, io.BytesIO())):
            kill()
            with pytest.raises(CannotJudge, match="cannot be read: no reason given"):
                ask()
        kill()
        git.read_ahead([commit, blob])
        assert git.commit(commit).tree
        assert git.copy_blob(blob, io.BytesIO()) == 1
        assert git.read(blob) is not None, "the answer before was read to its end"


@pytest.mark.parametrize("data", [b"100644", b"100644 name\0short", b" \0", b"\0" * 40])
def test_damaged_trees_are_refused(data: bytes) -> None:
    with pytest.raises(CannotJudge, match="damaged"):
        list(parse_tree(data, 20))


@pytest.mark.parametrize("name", ["li\nne", "end\n", "-c", "it's $x", "a\\b"])
def test_a_folder_of_an_odd_name(tmp_path: Path, environ: dict[str, str], name: str) -> None:
    """A line feed in a path is no end of an answer, neither in a clone nor in a second work tree of it."""
    folder = tmp_path / name
    run(["git", "init", "-q", "--", str(folder)], tmp_path, environ, check=True)
    repo = Repo(folder, environ)
    repo.commit()
    tree = tmp_path / f"tree {name}"
    repo.git("worktree", "add", "-q", "-b", "side", str(tree))
    repo.envhooks("install", check=True)
    for place in (folder, tree):
        with Git.open(place) as git:
            assert git.common_dir == folder / ".git" and git.work_tree == place
        assert "the tag was not made" in Repo(place, environ).try_git("tag", "-a", "-m", "x", "v1").err
