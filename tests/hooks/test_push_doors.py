"""The hooks of a push, client and server, by themselves: what goes to Python, with how much of stdin."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from stand_in import StandIn, hooks_of, stand_in
from support import OID_DIGITS, WITHOUT_HOOKS, ZERO, Done, Repo, run

A, B = "a" * OID_DIGITS, "b" * OID_DIGITS


@pytest.fixture(scope="module")
def installed(
    template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]
) -> Path:
    """The clone and the server with their hooks, made once; the server's policy is on another branch."""
    folder = tmp_path_factory.mktemp("installed") / "repos"
    shutil.copytree(template, folder, symlinks=True)
    Repo(folder / "clone", session_environ).envhooks("install", "--branch", "main", check=True)
    server = Repo(folder / "server.git", session_environ)
    server.envhooks("install", "--server", "--branch", "trunk", check=True)
    return folder


@pytest.fixture
def clone(installed: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    shutil.copytree(installed, tmp_path / "repos", symlinks=True)
    return Repo(tmp_path / "repos" / "clone", environ)


@pytest.fixture
def served(clone: Repo) -> Repo:
    return Repo(clone.path.parent / "server.git", dict(clone.environ))


@pytest.fixture
def python(clone: Repo, served: Repo, tmp_path: Path) -> StandIn:
    (served.path / "hooks/pre-receive").unlink()
    hook_files_alone(served)
    return stand_in(clone, tmp_path / "python")


@pytest.fixture
def server_python(served: Repo, tmp_path: Path) -> StandIn:
    return stand_in(served, tmp_path / "server python")


def call(repo: Repo, event: str, stdin: str, *arguments: str) -> Done:
    """The hook as a config hook calls it; called otherwise, it steps back where git >= 2.54 has one."""
    environ = {**repo.environ, "ENVHOOKS_WIRING": "config"}
    return run(["sh", str(hooks_of(repo) / event), *arguments], repo.path, environ, stdin)


def hook_files_alone(repo: Repo) -> None:
    """As another, older git on the same clone sees it."""
    for event in ("pre-push", "pre-receive"):
        repo.try_git("config", "--remove-section", f"hook.envhooks-{event}")


# --------------------------------------------------------------------------------------- pre-push


@pytest.mark.parametrize(
    "line",
    [
        f"refs/tags/v1 {A} refs/tags/v1 {ZERO}",
        f"(delete) {ZERO} refs/tags/v1 {A}",
        f"HEAD~1  {A} refs/tags/v1 {ZERO}",
        f"refs/heads/main {A} refs/heads/main {B}",
        f"refs/heads/x {A} refs/heads/master {B}",
        f"refs/heads/x {A} refs/heads/release/2 {B}",
    ],
)
def test_a_push_that_may_be_of_interest_is_judged_whole(clone: Repo, python: StandIn, line: str) -> None:
    clone.git("config", "envhooks.branch", "release/2")
    stdin = f"refs/heads/a {A} refs/heads/a {B}\n{line}\n"
    done = call(clone, "pre-push", stdin, "origin", "../server.git")
    assert (done.code, done.said) == (0, "")
    assert python.calls == f"-I hook pre-push origin ../server.git\n{stdin}"


@pytest.mark.parametrize(
    "stdin",
    [
        "",
        f"refs/heads/x {A} refs/heads/x {B}\n",
        f"refs/heads/x {A} refs/heads/PyTorch-CUDA-v2.8 {B}\n",
        f"refs/heads/x {A} refs/heads/release {B}\nHEAD {A} refs/notes/x {B}\n",
    ],
)
def test_a_push_of_branches_is_judged_too(clone: Repo, python: StandIn, stdin: str) -> None:
    """Which names are releases only the policy tells."""
    done = call(clone, "pre-push", stdin, "origin", "../server.git")
    assert (done.code, done.said) == (0, "")
    assert python.calls == f"-I hook pre-push origin ../server.git\n{stdin}"


def test_a_large_push_arrives_whole(clone: Repo, python: StandIn) -> None:
    stdin = "".join(f"refs/tags/v{n} {A} refs/tags/v{n} {ZERO}\n" for n in range(5000))
    assert len(stdin) > 500_000  # more than a pipe holds, and than an argument may be long
    assert call(clone, "pre-push", stdin, "origin", "x").code == 0
    assert python.calls.partition("\n")[2] == stdin


def test_what_a_shell_would_take_to_pieces_arrives_whole(clone: Repo, python: StandIn) -> None:
    stdin = f"HEAD^{{/$(id) * `id` \\n %s '\"}} {A} refs/tags/$(id);`id`'\"\udcff\\ {ZERO}\n"
    url = "https://x/$(id) *`id`'\""
    call(clone, "pre-push", stdin, "a  b", url)
    # in ASCII: pytest-xdist cannot carry a surrogate home
    assert ascii(python.calls) == ascii(f"-I hook pre-push a  b {url}\n{stdin}")


def test_stdout_stays_clean(clone: Repo, python: StandIn) -> None:
    (hooks_of(clone) / "python").write_text(f"{clone.path.parent / 'talks'}\n")
    talks = clone.path.parent / "talks"
    talks.write_text("#!/bin/sh\necho a word\n")
    talks.chmod(0o755)
    clone.git("update-ref", "refs/tags/v1", "HEAD")
    done = clone.try_git("push", "--porcelain", "origin", "v1")
    assert "a word" in done.err and "a word" not in done.out
    assert done.out.startswith("To ")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"refs/tags/v1 {A} refs/tags/v1 {ZERO}", 2),
        (f"refs/tags/v1 {A} refs/tags/v1 {B}", 2),
        (f"HEAD^{{/fix the pin}} {A} refs/tags/v1 {ZERO}", 2),
        (f"(delete) {ZERO} refs/tags/v1 {A}", 0),
        (f"refs/heads/main {A} refs/heads/main {B}", 0),
        (f"refs/tags/v1 {A} refs/heads/main {B}", 0),
        (f"refs/tags/v1 {A} refs/heads/main {B}\nx {B} refs/tags/v1 {ZERO}", 2),
    ],
)
@pytest.mark.parametrize("lost", ["interpreter", "hooks"])
def test_nobody_judges(clone: Repo, lost: str, line: str, code: int) -> None:
    clone.environ["PATH"] = "/usr/bin:/bin"
    if lost == "interpreter":
        (hooks_of(clone) / "python").unlink()
    else:
        shutil.rmtree(hooks_of(clone))
    hook_files_alone(clone)
    hook = clone.path / ".git/hooks/pre-push"
    done = run([str(hook), "origin", "x"], clone.path, clone.environ, f"{line}\n")
    assert done.code == code and done.out == ""
    assert ("envhooks install" in done.err) is bool(code)


def test_a_push_with_real_git(clone: Repo, served: Repo, python: StandIn) -> None:
    clone.git("update-ref", "refs/tags/BAD", "HEAD")
    clone.git("update-ref", "refs/tags/v1", "HEAD")
    assert (
        clone.try_git("push", "origin", "v1", "BAD").code != 0
    )  # the second of two; its commit is there already
    assert not served.has_tag("BAD") and not served.has_tag("v1")
    assert clone.try_git("push", "origin", "v1").code == 0
    assert (
        clone.try_git("push", "--no-verify", "origin", "BAD").code == 0
    )  # git's own way round, and the only one
    python.forget()
    assert clone.try_git("push", "origin", ":BAD").code != 0
    assert f"(delete) {ZERO} refs/tags/BAD" in python.calls


def test_variables_are_no_way_round(clone: Repo, python: StandIn) -> None:
    clone.git("update-ref", "refs/tags/BAD", "HEAD")
    for name, value in {"ENVHOOKS_SKIP": "1", "ENVHOOKS_WIRING": "config", "SKIP": "envhooks"}.items():
        clone.environ[name] = value
    assert clone.try_git("push", "origin", "BAD").code != 0


# ------------------------------------------------------------------------------------ pre-receive


@pytest.mark.parametrize(
    "ref",
    [
        "refs/tags/v1",
        "refs/heads/main",
        "refs/heads/master",
        "refs/heads/trunk",
        "refs/replace/" + A,
        "refs/v1",
        "v1",
        "",
    ],
)
@pytest.mark.parametrize("old", [ZERO, A])
def test_a_receive_that_may_be_of_interest_is_judged_whole(
    served: Repo, server_python: StandIn, old: str, ref: str
) -> None:
    stdin = f"{A} {B} refs/heads/x\n{old} {B} {ref}\n{A} {B} refs/heads/y\n"
    done = call(served, "pre-receive", stdin)
    assert (done.code, done.said) == (0, "")
    assert server_python.calls == f"-I hook pre-receive\n{stdin}"


@pytest.mark.parametrize("ref", ["refs/heads/x", "refs/heads/main/x", "refs/notes/commits", "refs/for/main"])
def test_a_receive_of_anything_is_judged_whole(served: Repo, server_python: StandIn, ref: str) -> None:
    stdin = f"{A} {B} {ref}\n{ZERO} {B} refs/heads/z\n"
    done = call(served, "pre-receive", stdin)
    assert (done.code, done.said) == (0, "")
    assert server_python.calls == f"-I hook pre-receive\n{stdin}"


def test_a_receive_with_real_git(clone: Repo, served: Repo, server_python: StandIn) -> None:
    for name in ("BAD", "v1"):
        clone.git("update-ref", f"refs/tags/{name}", "HEAD")
    done = clone.try_git("push", "--no-verify", "origin", "v1", "BAD")
    assert done.code != 0 and "stand-in: refused" in done.err
    assert not served.has_tag("v1")
    assert clone.try_git("push", "--no-verify", "origin", "v1").code == 0
    server_python.forget()
    assert clone.try_git("push", "--no-verify", "origin", "HEAD:refs/heads/feature").code == 0
    assert server_python.calls.endswith("refs/heads/feature\n")


def test_the_pushed_objects_are_visible(clone: Repo, served: Repo, tmp_path: Path) -> None:
    looks = tmp_path / "looks"
    looks.write_text('#!/bin/sh\nwhile read -r old new ref; do git cat-file -p "$new"; done\n')
    looks.chmod(0o755)
    (hooks_of(served) / "python").write_text(f"{looks}\n")
    clone.git(
        *WITHOUT_HOOKS,
        "tag",
        "-a",
        "-m",
        "only in quarantine yet",
        "v1",
    )
    assert "only in quarantine yet" in clone.try_git("push", "--no-verify", "origin", "v1").err


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"{ZERO} {A} refs/tags/v1", 2),
        (f"{B} {A} refs/tags/v1", 2),
        (f"{A} {ZERO} refs/tags/v1", 0),
        (f"{A} {B} refs/heads/main", 0),
    ],
)
@pytest.mark.parametrize("lost", ["interpreter", "hooks"])
def test_nobody_judges_on_the_server(served: Repo, lost: str, line: str, code: int) -> None:
    served.environ["PATH"] = "/usr/bin:/bin"
    if lost == "interpreter":
        (hooks_of(served) / "python").unlink()
    else:
        shutil.rmtree(hooks_of(served))
    hook_files_alone(served)
    done = run([str(served.path / "hooks/pre-receive")], served.path, served.environ, f"{line}\n")
    assert done.code == code and done.out == ""
    assert ("envhooks install" in done.err) is bool(code)
