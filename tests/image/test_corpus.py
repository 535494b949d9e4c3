"""The labels of the corpus, and the command that scores the reader by them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LABELS = ROOT / "tests" / "corpus" / "dockerfiles.tsv"
SCRIPT = ROOT / "scripts" / "score_corpus.py"


def test_each_label_says_what_it_is_of_and_what_it_rests_on() -> None:
    head, *rows = [line.split("\t") for line in LABELS.read_text(encoding="utf-8").splitlines()]
    assert head == [
        "repository",
        "path",
        "commit",
        "context",
        "package",
        "version",
        "hardware",
        "python",
        "reason",
    ]
    assert len(rows) >= 500 and len({(row[0], row[1]) for row in rows}) == len(rows)
    for row in rows:
        repository, path, commit, context, package, version, hardware, python, reason = row
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository) and path and context, row
        assert re.fullmatch("[0-9a-f]{40}", commit), row
        assert re.fullmatch(r"-|[0-9]+(?:\.[0-9]+)+(?:a[0-9]+|\.post[0-9]+)?", version) and (
            version == "-" or package != "none"
        ), row
        assert re.fullmatch(r"-|[A-Za-z]+(?: [0-9.]+)?", hardware), row
        assert re.fullmatch(r"-|[23](?:\.[0-9]+)+", python), row
        assert re.fullmatch("[a-z0-9-]+", reason), row


@pytest.mark.parametrize(
    ("package", "version", "code", "said"),
    [
        ("torch", "2.8.0", 0, "version: 1 of 1"),
        ("torch", "2.7.0", 1, "WRONG version"),
        ("torch", "-", 1, "the label cannot tell"),
        ("jax", "0.4.20", 1, "says that there is none"),
        ("jax", "-", 0, "version: 0 of 0"),
    ],
)
def test_a_wrong_claim_is_told_and_fails_the_command(
    package: str, version: str, code: int, said: str, tmp_path: Path
) -> None:
    store = tmp_path / "team" / "image"
    store.mkdir(parents=True)
    (store / "Dockerfile").write_text("FROM python:3.12\nRUN pip install torch==2.8.0\n")
    git = ["git", "-C", str(store), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    labels = tmp_path / "labels.tsv"
    head = LABELS.read_text(encoding="utf-8").splitlines()[0]
    row = ["team/image", "Dockerfile", commit.strip(), ".", package, version, "-", "3.12", "direct"]
    labels.write_text(f"{head}\n" + "\t".join(row) + "\n")
    command = [sys.executable, str(SCRIPT), "--from", str(tmp_path), "--labels", str(labels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code and said in done.stdout, done.stdout + done.stderr


def test_a_repository_that_cannot_be_had_is_no_good_score(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--from", str(tmp_path), "--only", "determined-ai"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "determined-ai/environments" in done.stderr


LOCKS = ROOT / "tests" / "corpus" / "locks.tsv"
SCORE_LOCKS = ROOT / "scripts" / "score_locks.py"


def test_each_label_of_a_lock_says_what_it_is_of() -> None:
    head, *rows = [line.split("\t") for line in LOCKS.read_text(encoding="utf-8").splitlines()]
    assert head == [
        "repository",
        "path",
        "commit",
        "base",
        "command",
        "package",
        "version",
        "build",
        "reason",
    ]
    assert len({(row[0], row[1], row[3], row[4], row[5]) for row in rows}) == len(rows) >= 60
    assert len({row[0] for row in rows}) >= 10
    for row in rows:
        repository, path, commit, base, command, package, version, build, reason = row
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository) and path and base and command and package, row
        assert re.fullmatch("[0-9a-f]{40}", commit), row
        assert re.fullmatch(r"-|none|[0-9]+(?:\.[0-9]+)+", version) and re.fullmatch(
            r"-|[a-z]+[0-9]*", build
        ), row
        assert build == "-" or version not in ("-", "none"), row
        assert re.fullmatch("[a-z0-9-]+", reason), row


@pytest.mark.parametrize(
    ("version", "build", "code", "said"),
    [
        ("2.8.0", "cu128", 0, "1 of 1 versions, 0 without their build, 0 left in doubt rightly, 0 wrong"),
        ("2.7.0", "-", 1, "says 2.8.0, the label 2.7.0"),
        ("2.8.0", "-", 1, "says the build cu128, the label -"),
        ("none", "-", 1, "says 2.8.0, the label none"),
        ("-", "-", 1, "says 2.8.0, the label -"),
    ],
)
def test_a_wrong_claim_about_a_lock_is_told(
    version: str, build: str, code: int, said: str, tmp_path: Path
) -> None:
    store = tmp_path / "team" / "image" / "sub"
    store.mkdir(parents=True)
    (store / "poetry.lock").write_text('[[package]]\nname = "torch"\nversion = "2.8.0+cu128"\n')
    git = ["git", "-C", str(store.parent), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    row = [
        "team/image",
        "sub/poetry.lock",
        commit.strip(),
        "python:3.12",
        "poetry install",
        "torch",
        version,
        build,
    ]
    labels = tmp_path / "locks.tsv"
    labels.write_text(
        LOCKS.read_text(encoding="utf-8").splitlines()[0] + "\n" + "\t".join([*row, "x"]) + "\n"
    )
    arguments = [sys.executable, str(SCORE_LOCKS), "--from", str(tmp_path), "--labels", str(labels)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == code and said in done.stdout, done.stdout + done.stderr
