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
    assert len(rows) >= 350 and len({(row[0], row[1]) for row in rows}) == len(rows)
    for row in rows:
        repository, path, commit, context, package, version, hardware, python, reason = row
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository) and path and context, row
        assert re.fullmatch("[0-9a-f]{40}", commit), row
        assert re.fullmatch(r"-|[0-9]+(?:\.[0-9]+)+(?:a[0-9]+|\.post[0-9]+)?", version) and (
            version == "-" or package != "none"
        ), row
        assert re.fullmatch(r"-|[A-Za-z]+(?: [0-9.]+)?", hardware), row
        assert re.fullmatch(r"-|3(?:\.[0-9]+)+", python), row
        assert re.fullmatch("[a-z0-9-]+", reason), row


@pytest.mark.parametrize(
    ("version", "code", "said"),
    [("2.8.0", 0, "version: 1 of 1"), ("2.7.0", 1, "WRONG version"), ("-", 1, "the label cannot tell")],
)
def test_a_wrong_claim_is_told_and_fails_the_command(
    version: str, code: int, said: str, tmp_path: Path
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
    row = ["team/image", "Dockerfile", commit.strip(), ".", "torch", version, "-", "3.12", "direct"]
    labels.write_text(f"{head}\n" + "\t".join(row) + "\n")
    command = [sys.executable, str(SCRIPT), "--from", str(tmp_path), "--labels", str(labels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code and said in done.stdout, done.stdout + done.stderr


def test_a_repository_that_cannot_be_had_is_no_good_score(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--from", str(tmp_path), "--only", "determined-ai"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "determined-ai/environments" in done.stderr
