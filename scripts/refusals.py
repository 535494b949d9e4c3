#!/usr/bin/env python3
"""The commonest refusals as a person meets them, in a throwaway repository with real keys, at 80 columns.

    scripts/refusals.py            prints docs/refusals.md
    scripts/refusals.py --write    writes it

A test compares the page with what is printed today. What differs from run to run (ids of objects, fingerprints) is
shown by a stand-in.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "refusals.md"
WIDTH = 80
MOST_LINES = 12
TAG = "PyTorch-CUDA-v2.8-rc1"
DOCKERFILE = """\
FROM nvidia/cuda:12.8.1-devel-ubuntu24.04
RUN apt-get update && apt-get install -y python3-pip
RUN pip install torch==2.8.0+cu128 torchvision==0.23.0+cu128 --index-url https://download.pytorch.org/whl/cu128
"""
CHANGELOG = """\
# Changelog

## 2.8-rc1 - 2026-10-12

First candidate with PyTorch 2.8.0. For trying out; risky in production.
"""
HEAD = f"""\
# The commonest refusals

What git says where a release is refused, and what each means. Written by `scripts/refusals.py`, which makes each
in a throwaway repository at {WIDTH} columns; a test holds that they are what is printed today.

The name of the tag and the verdict come first, then each fault with its check in brackets, what was found, what is
expected, and the command that mends it. `fix` is to be pasted as it stands; `advice` is for a person to decide.
`envhooks explain CHECK` says why a check refuses. More warnings than one of a kind are one line.
"""


class Stage:
    """A clone with a policy and hooks, its server, and two keys, of which the policy allows one."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.clone = folder / "clone"
        self.home.mkdir()
        dropped = ("GIT_", "GPG_", "SSH_", "XDG_", "CI", "GITHUB_", "GITLAB_", "NO_COLOR", "ENVHOOKS_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        self.environ: Mapping[str, str] = {
            **kept,
            # where envhooks is not on PATH, a fix names the interpreter that has it
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath))),
            "HOME": str(self.home),
            "GNUPGHOME": str(self.home / "gnupg"),
            "GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_DATE": "2026-11-01T12:00:00Z",
            "GIT_COMMITTER_DATE": "2026-11-01T12:00:00Z",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": str(WIDTH),
        }
        for name in ("id", "other"):
            key = str(self.home / name)
            self._do(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], folder)
        (self.home / ".gitconfig").write_text(
            "[user]\n\tname = Alice\n\temail = alice@example.org\n\tsigningkey = ~/id.pub\n"
            "[gpg]\n\tformat = ssh\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
        )
        self._do(["git", "init", "-q", "--bare", "server.git"], folder)
        self._do(["git", "init", "-q", "clone"], folder)
        kind, key, _ = (self.home / "id.pub").read_text().split()
        signer = f'alice@example.org namespaces="git" {kind} {key}\n'
        self.commit(
            {
                "Dockerfile": DOCKERFILE,
                "CHANGELOG.md": CHANGELOG,
                ".envhooks/policy.toml": "",
                ".envhooks/allowed_signers": signer,
            }
        )
        self.git("remote", "add", "origin", "../server.git")
        self.git("push", "-q", "-u", "origin", "main")
        self._do([sys.executable, "-m", "envhooks", "install"], self.clone)

    def _do(self, command: list[str], at: Path) -> str:
        done = subprocess.run(
            command, cwd=at, env=dict(self.environ), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def git(self, *arguments: str) -> str:
        """A git command that has to work."""
        return self._do(["git", *arguments], self.clone)

    def commit(self, files: Mapping[str, str], message: str = "Describe the environment") -> None:
        """Write files and commit them."""
        for name, text in files.items():
            file = self.clone / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)

    def publish(self, files: Mapping[str, str]) -> None:
        """Write files, commit and push them."""
        self.commit(files)
        self.git("push", "-q", "origin", "main")

    def refused(self, command: str) -> list[str]:
        """What envhooks says to a command that it refuses; git's own lines differ from version to version."""
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.clone,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stderr.rstrip("\n").split("\n")
        own = [line for line in said if not re.match("fatal: |error: |hint: |To ", line)]
        if done.returncode == 0 or not own or not own[0].startswith("envhooks: "):
            raise SystemExit(f"{command} was not refused: {done.stdout}{done.stderr}")
        return steady(own)


IDS = (
    "3b20337db7467b6b3cd0a8e2f3e0f0a1a7d2c9e4",
    "8d41c09e52fa6f0b7c3a1e94d5b2670f18ce3a95",
    "c57be1f2083d94a6e0517c2bd84f6913a7e05d28",
)
"""Stand-ins for ids of objects, one for each that a screen shows, in the order in which they come."""


def steady(lines: Iterable[str]) -> list[str]:
    """The lines of one screen, with ids and fingerprints by stand-ins of the same length."""
    known: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        return known.setdefault(found[0][:12], IDS[min(len(known), len(IDS) - 1)])[: len(found[0])]

    shown = (re.sub(r"\b[0-9a-f]{12}(?:[0-9a-f]{28})?\b", stand_in, line) for line in lines)
    named = "SHA256:b2Fh0nEwQmVvZ3Rkc2FsdGVkaGFzaG9mYWtleXNpZ24"
    return [re.sub(r"SHA256:[A-Za-z0-9+/]{43}", named, line) for line in shown]


@dataclass(frozen=True)
class Case:
    """One refusal: how one comes to it, and what is typed."""

    title: str
    words: str
    command: str
    prepare: Callable[[Stage], object] = lambda stage: None


def _unpushed(stage: Stage) -> None:
    stage.commit({"notes.txt": "x"}, "Notes")


def _published(stage: Stage) -> None:
    stage.git("tag", "-s", "-m", "First candidate", TAG)
    stage.git("push", "-q", "origin", TAG)
    stage.publish({"notes.txt": "x"})
    stage.git("tag", "-f", "-s", "-m", "Once more", TAG)


def _with(**files: str) -> Callable[[Stage], object]:
    named = {name.replace("_md", ".md"): text for name, text in files.items()}
    return lambda stage: stage.publish(named)


CASES = (
    Case(
        "The tag is not signed",
        "`git tag -a` makes a tag that nobody vouches for.",
        f"git tag -a -m 'First candidate' {TAG}",
    ),
    Case(
        "The tag is lightweight",
        "`git tag NAME` alone makes a second name for a commit, which can carry no signature.",
        f"git tag {TAG}",
    ),
    Case(
        "The key is not allowed",
        "The signature is good, and nobody said that this key may release.",
        f"git -c user.signingkey=~/other.pub tag -s -m 'First candidate' {TAG}",
    ),
    Case(
        "The name is not a release's",
        "The repository's template is another: `expected` shows it.",
        "git tag -s -m 'First candidate' v2.8-rc1",
    ),
    Case(
        "The commit is not on the remote's main yet",
        "Main is one commit ahead of the remote, and the tag alone is pushed.",
        f"git push origin {TAG}",
        lambda stage: (_unpushed(stage), stage.git("tag", "-s", "-m", "First candidate", TAG)),
    ),
    Case(
        "The changelog has no entry",
        "Everything is in order but the text that a reader will look for.",
        f"git tag -s -m 'First candidate' {TAG}",
        _with(CHANGELOG_md="# Changelog\n\n## Unreleased\n\n- PyTorch 2.8.0\n"),
    ),
    Case(
        "The Dockerfile installs another version",
        "The name says 2.8, and the image would hold 2.7.1.",
        f"git tag -s -m 'First candidate' {TAG}",
        _with(Dockerfile=DOCKERFILE.replace("2.8.0", "2.7.1").replace("0.23.0", "0.22.1")),
    ),
    Case(
        "A package that belongs to the framework is not pinned",
        "The next build of the same tag may install another version.",
        f"git tag -s -m 'First candidate' {TAG}",
        _with(Dockerfile=DOCKERFILE.replace("torchvision==0.23.0+cu128", "torchvision")),
    ),
    Case(
        "Two pins do not go together",
        "This torchvision was built for another torch: the build, or the first import, would fail.",
        f"git tag -s -m 'First candidate' {TAG}",
        _with(Dockerfile=DOCKERFILE.replace("0.23.0", "0.22.1")),
    ),
    Case(
        "The tag was published",
        "Others have built and pulled what this name meant; it is made again and pushed by force.",
        f"git push --force origin {TAG}",
        _published,
    ),
)


def screens() -> Iterator[tuple[Case, list[str]]]:
    """Each case with the lines that it prints."""
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            stage = Stage(Path(folder).resolve())
            case.prepare(stage)
            yield case, stage.refused(case.command)


def rows(lines: list[str]) -> int:
    """Lines of a terminal that is WIDTH columns wide; a command to paste is one line that the terminal breaks."""
    return sum(max(1, -(-len(line) // WIDTH)) for line in lines)


def page(shown: Iterator[tuple[Case, list[str]]]) -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for case, lines in shown:
        text = "\n".join((f"$ {case.command}", *lines))
        parts.append(f"## {case.title}\n\n{case.words}\n\n```\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    written = page(screens())
    if "--write" in sys.argv[1:]:
        PAGE.write_text(written, encoding="utf-8")
    else:
        print(written, end="")
