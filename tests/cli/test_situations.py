"""Every verb in every situation that a new user meets: a sentence and a way out, never a traceback.

The verbs and their arguments come from the parsers, so that a new one is met by every situation.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from forked import Again, calls
from jsonschema import Draft202012Validator
from support import GOOD_TAG, Repo
from test_documents import LEAVES, WITHOUT_JSON, schema_of

from envhooks import cli
from envhooks.base.commands import is_command
from envhooks.base.invocation import own_call
from envhooks.cli import _parser

WIDTH = 80
ASKED = {name: name.split() for name in LEAVES if name not in ("hook", "demo")}
NEEDED = {
    "build": [GOOD_TAG], "changelog": [GOOD_TAG], "compat": ["update", "--index", "http://127.0.0.1:9/"],
    "completion": ["bash"], "diff": [GOOD_TAG], "gate": [GOOD_TAG, "--for", "production"],
    "lineage": [GOOD_TAG, "--tracking-uri", "sqlite:///mlflow.db"],
    "lint": ["policy"], "record": [GOOD_TAG], "reproduce": [GOOD_TAG, "--print"],
    "rollback": [GOOD_TAG], "show": [GOOD_TAG], "signers revoke": ["alice@example.org"], "site": ["public"],
    "verify": ["oci:image"],
}  # fmt: skip
"""Verb -> the arguments without which it is not understood."""
USUAL = {name: [*words, *NEEDED.get(name, [])] for name, words in ASKED.items()}
NOBODY = 65534


def not_a_repository(good: Repo) -> Path:
    folder = good.path.parent / "plain"
    folder.mkdir()
    return folder


def empty(good: Repo) -> Path:
    good.git("init", "-q", "../empty")
    return good.path.parent / "empty"


def no_policy(good: Repo) -> Path:
    good.git("rm", "-rq", ".envhooks")
    good.git("commit", "-qm", "No policy")
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    return good.path


def no_remote(good: Repo) -> Path:
    good.git("remote", "remove", "origin")
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    return good.path


def dead_remote(good: Repo) -> Path:
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.git("remote", "set-url", "origin", "../gone.git")
    return good.path


def shallow(good: Repo) -> Path:
    good.commit("Second")
    good.git("push", "-q", "origin", "main")
    good.git("clone", "-q", "--depth=1", f"file://{good.path.parent}/server.git", "../shallow")
    return good.path.parent / "shallow"


def detached(good: Repo) -> Path:
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.git("checkout", "-q", "--detach")
    return good.path


def unborn(good: Repo) -> Path:
    good.git("checkout", "-q", "--orphan", "other")
    good.git("rm", "-rfq", ".")
    return good.path


def bare(good: Repo) -> Path:
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.git("push", "-q", "origin", GOOD_TAG)
    return good.path.parent / "server.git"


def worktree(good: Repo) -> Path:
    good.git("worktree", "add", "-q", "--detach", "../beside")
    return good.path.parent / "beside"


def inside_of_git(good: Repo) -> Path:
    return good.path / ".git"


def odd_names(good: Repo) -> Path:
    folder = good.path / os.fsdecode(b"d\xff\xfe")
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM x\n")
    good.commit("Odd")
    good.git("push", "-q", "origin", "main")
    subprocess.run(
        [b"git", b"tag", b"-a", b"-m", b"x", b"v1\xff\xc3("], cwd=good.path, env=good.environ, check=True
    )
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    return good.path


def broken_policy(good: Repo) -> Path:
    good.commit_files({".envhooks/policy.toml": "[tag\ntemplates = 1\n"})
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    return good.path


def files_in_the_way(good: Repo) -> Path:
    """Nothing can be written where it belongs, for root either."""
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    for name in (".envhooks", ".git/hooks", ".git/envhooks", "public"):
        if (good.path / name).is_dir():
            shutil.rmtree(good.path / name)
        (good.path / name).write_text("in the way\n")
    return good.path


def read_only(good: Repo) -> Path:
    if not os.geteuid():
        pytest.skip("root writes everywhere")
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    for folder, _, _ in os.walk(good.path):
        Path(folder).chmod(0o555)
    return good.path


def fine(good: Repo) -> Path:
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    good.git("push", "-q", "origin", GOOD_TAG)
    return good.path


SITUATIONS: tuple[Callable[[Repo], Path], ...] = (
    not_a_repository, empty, no_policy, no_remote, dead_remote, shallow, detached, unborn, bare, worktree,
    inside_of_git, odd_names, broken_policy, files_in_the_way, read_only, fine,
)  # fmt: skip


def faults(name: str, argv: list[str], code: int, out: str, err: str) -> Iterator[str]:
    """What is wrong about the way in which a verb ended."""
    is_json = "--format=json" in argv
    if code not in (0, 1, 2):
        yield f"exit code {code}"
    for text in ("Traceback", "a fault of envhooks itself", "[Errno", "<class", "b'"):
        if text in out + err:
            yield f"holds {text}"
    if code == 2 and not (err.strip() or (out.strip() and not is_json)):
        yield "nothing says why"
    if is_json and name not in WITHOUT_JSON:
        yield from faults_of_document(code, out)
    for line in err.split("\n") if is_json else (*err.split("\n"), *out.split("\n")):
        if not fits(line):
            yield f"{len(line)} columns: {line}"
    for line in err.split("\n"):
        if line.startswith("  fix: "):
            yield from faults_of_fix(line.removeprefix("  fix: "))


def faults_of_document(code: int, out: str) -> Iterator[str]:
    """What is wrong about the object on standard output."""
    try:
        document = json.loads(out)
    except ValueError:
        yield f"no JSON: {out!r}"
        return
    for error in Draft202012Validator(schema_of(document)).iter_errors(document):
        yield f"against its schema: {error.message}"
    if document["exit_code"] != code or ("error" in document and code != 2):
        yield f"exit_code {document['exit_code']}"


def fits(line: str) -> bool:
    """Whether a line is not wider than the terminal, or cannot be broken: a command, or one long word."""
    if len(line) <= WIDTH or line.startswith(("  ", "#", "envhooks: git ", "+", "-")):
        return True
    if (
        max(map(len, line.split())) > WIDTH - 20
    ):  # a path of the tests' folder, behind a word that goes with it
        return True
    return len(textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False)) == 1


def faults_of_fix(fix: str) -> Iterator[str]:
    """A fix is a command that the shell reads; where it calls envhooks, envhooks understands it."""
    if not is_command(fix) or subprocess.run(["sh", "-n", "-c", fix], check=False).returncode:
        yield f"no command: {fix}"
        return
    call = own_call()
    for part in fix.split(" && "):
        if part.startswith((call, "envhooks ")):
            words = shlex.split(part.removeprefix(call).removeprefix("envhooks"), comments=True)
            try:
                _parser.parse(words, cli.verbs())
            except SystemExit:
                yield f"is not understood: {part}"


def every(
    good: Repo,
    at: Path,
    given: Iterable[tuple[str, list[str]]] = tuple(USUAL.items()),
    *,
    turn: int | None = None,
    **environ: str,
) -> None:
    """Each verb from the same beginning, in both forms, or in one: which one comes in turn, from this number on."""
    fresh = good.path.parent.parent / "fresh"
    shutil.copytree(good.path.parent, fresh, symlinks=True)
    argvs = [
        (name, [*argv[: len(name.split())], *extra, *argv[len(name.split()) :]])
        for number, (name, argv) in enumerate(given, turn or 0)
        for form, extra in enumerate(([], ["--format=json"]))
        if (turn is None or form == number % 2) and not (extra and name in WITHOUT_JSON)
    ]
    settings = {**good.environ, "COLUMNS": str(WIDTH), **environ}
    done = calls([argv for _, argv in argvs], at, settings, fresh=(fresh, good.path.parent))
    found = [
        f"envhooks {shlex.join(argv)}: {code}: {fault}\n{textwrap.indent(out[:600] + err[:2000], '    ')}"
        for (name, argv), (code, out, err) in zip(argvs, done, strict=True)
        for fault in faults(name, argv, code, out, err)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("turn", "situation"), [*enumerate(SITUATIONS)], ids=[one.__name__ for one in SITUATIONS]
)
def test_every_verb(turn: int, situation: Callable[[Repo], Path], good: Repo) -> None:
    """In one form, and in the other one in the next situation: each form meets each verb and each situation."""
    every(good, situation(good), turn=turn)


def test_without_git(good: Repo) -> None:
    at = fine(good)
    nothing = good.path.parent.parent / "nothing"
    nothing.mkdir()
    every(good, at, PATH=str(nothing))


def test_odd_arguments(good: Repo) -> None:
    """An empty one, a dash, one that is not there, one that is no text, the same twice, and `--` before it.

    In one of the two forms each, in turn.
    """
    every(good, fine(good), odd_calls(), turn=0)


def odd_calls() -> Iterator[tuple[str, list[str]]]:
    for name, words in ASKED.items():
        needed = NEEDED.get(name, [])
        at = next((at for at, word in enumerate(needed) if word.startswith("--")), len(needed))
        plain, options = needed[:at] or [GOOD_TAG], needed[at:]
        for odd in ("", "-", "v0-no-such", "a\udcff b\x1b[31m"):
            yield name, [*words, odd, *options]
        yield name, [*words, *plain, *plain, *options]
        yield name, [*words, *options, "--", *plain]
        yield name, [*words, *plain, *options, "--no-such-option", ""]


def test_a_terminal_that_knows_ascii_alone(good: Repo) -> None:
    """Python takes this from the environment as it starts: each verb is a process of its own."""
    environ = {**good.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "COLUMNS": "80"}
    at, found = odd_names(good), []
    original = good.path.parent.parent / "original"
    shutil.copytree(good.path.parent, original, symlinks=True)
    again = Again(original, good.path.parent)
    for name in sorted({*USUAL} - {"lineage", "compat"}):
        argv = [*USUAL[name], "é\udcff"] if name in ("check", "show") else USUAL[name]
        command = [sys.executable, "-m", "envhooks", *argv]
        again.begin()
        done = subprocess.run(command, cwd=at, env=environ, capture_output=True, check=False)
        said = done.stdout.decode("ascii", "surrogateescape"), done.stderr.decode("ascii", "surrogateescape")
        found += [f"{name}: {fault}" for fault in faults(name, argv, done.returncode, *said)]
    assert not found, "\n".join(found)
