"""The list of differences from our peers, and the command that compares."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
JUDGED = ROOT / "tests" / "corpus" / "peers.tsv"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("compare_peers")


def test_each_judged_difference_says_why(scripts: Any) -> None:
    head, *rows = [line.split("\t") for line in JUDGED.read_text(encoding="utf-8").splitlines()]
    assert head == ["peer", "case", "theirs", "ours", "why"]
    assert len({(row[0], row[1]) for row in rows}) == len(rows) > 10
    for peer, case, theirs, ours, why in rows:
        assert peer in scripts.PEERS and case and theirs != ours and len(why) > 20, case


GO = """package patternmatcher // a table of our own

func TestMatches(t *testing.T) {
\ttests := []matchesTestCase{
\t\t{"**/*.lock", "a/uv.lock", true}, /* below a folder */
\t\t{"*.lock", "a/uv" + ".lock", false},
\t}
\tmultiPatternTests := []multiPatternTestCase{
\t\t{[]string{"*", `!uv.lock`}, "uv.lock", false},
\t}
}

var matchTests = []matchTest{
\t{"[", "a", false, filepath.ErrBadPattern},
\t{"a\\\\*b", "a*b", WRONG, nil},
}
"""
IGNORE = """func TestReadAll(t *testing.T) {
\tconst content = `/uv.lock
# no
! deps/`
\texpected := []string{
\t\t"uv.lock",
\t\t"!deps",
\t}
}
"""


@pytest.mark.parametrize(
    ("said", "known", "code", "printed"),
    [
        ("true", {}, 0, "7 of 7 alike, 0 differences judged"),
        ("false", {}, 1, "NEW patternmatcher_test.go:15"),
        ("false", {("patternmatcher", "patternmatcher_test.go:15"): "a reason"}, 0, "1 differences judged"),
        ("true", {("patternmatcher", "gone"): "a reason"}, 1, "GONE gone"),
    ],
)
def test_a_difference_is_told_unless_it_is_judged(
    said: str, known: dict[tuple[str, str], str], code: int, printed: str,
    scripts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    top = tmp_path / "moby" / "patternmatcher"
    (top / "ignorefile").mkdir(parents=True)
    (top / "patternmatcher_test.go").write_text(GO.replace("WRONG", said))
    (top / "ignorefile" / "ignorefile_test.go").write_text(IGNORE)
    git = ["git", "-C", str(top), "-c", "user.name=T", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    monkeypatch.setattr(importlib.import_module("peers.patternmatcher"), "COMMIT", commit.strip())
    assert scripts.compare("patternmatcher", tmp_path, known, verbose=False) == code
    assert printed in capsys.readouterr().out


def test_a_peer_that_cannot_be_had_is_no_good_answer(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "scripts" / "compare_peers.py"),
        "--from",
        str(tmp_path),
        "--only",
        "pip",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "pypa/pip" in done.stderr
