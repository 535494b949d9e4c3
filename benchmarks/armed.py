"""Pushing one tag: with envhooks' hooks and a confirmed build armed, against pre-commit's pre-push with nothing to do.

    .venv/bin/python benchmarks/armed.py [ROUNDS]

Every round pushes a new signed tag from each of three clones, in turn, so that a busy machine is busy for all: one
without hooks, one whose pre-push is pre-commit's own script with a hook that is `true` and always runs, and one that
`envhooks install` was typed in, whose policy builds. The time is that of `git push`, whose output is read to its end.
Prints the medians, and exits with 1 where envhooks takes more than 100 ms longer than pre-commit. A build that was
armed and never confirmed is an error.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

LIMIT = 0.100
BIN = Path(sys.executable).parent
DOCKERFILE = """\
FROM nvidia/cuda:12.8.1-devel-ubuntu24.04
RUN pip install torch==2.8.0+cu128 --index-url https://download.pytorch.org/whl/cu128
"""
PRE_COMMIT = """\
repos:
- repo: local
  hooks:
  - {id: noop, name: noop, language: system, entry: 'true', stages: [pre-push], always_run: true, pass_filenames: false}
"""
POLICY = """\
[image]
name = "registry.example.com/team/{framework:lower}"

[[build]]
name = "image"
using = "command"
command = ["true", "{own}"]
"""
KINDS = ("no hook", "pre-commit, no-op", "envhooks, build armed")


def run(environ: Mapping[str, str], cwd: Path, *arguments: str) -> str:
    """Standard output of a command that has to work."""
    done = subprocess.run(arguments, cwd=cwd, env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the caller's git, keys or CI."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "SSH_", "GPG_", "CI", "XDG_"))}
    run(kept, folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"))
    (folder / ".gitconfig").write_text(
        f"[user]\n\tname = A\n\temail = a@example.org\n\tsigningkey = {folder}/key.pub\n[gpg]\n\tformat = ssh\n"
        "[init]\n\tdefaultBranch = main\n"
    )
    mine = {"HOME": str(folder), "GIT_CONFIG_GLOBAL": str(folder / ".gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}
    return {**kept, **mine, "PATH": f"{BIN}{os.pathsep}{kept['PATH']}"}


def make(folder: Path, environ: Mapping[str, str], kind: str, rounds: int) -> Path:
    """A clone and its server."""
    clone, server = folder / kind.replace(" ", "-"), folder / f"{kind.replace(' ', '-')}.git"
    run(environ, folder, "git", "init", "-q", "--bare", str(server))
    run(environ, folder, "git", "init", "-q", str(clone))
    key = (folder / "key.pub").read_text().rsplit(" ", 1)[0]
    entries = "".join(f"\n## 2.8-rc{n} - 2026-10-12\n\nFor trying; risky.\n" for n in range(rounds, 0, -1))
    files = {
        "Dockerfile": DOCKERFILE,
        "CHANGELOG.md": f"# Changelog\n{entries}",
        ".pre-commit-config.yaml": PRE_COMMIT,
        ".envhooks/policy.toml": POLICY,
        ".envhooks/allowed_signers": f'a@example.org namespaces="git" {key}\n',
    }
    for name, text in files.items():
        (clone / name).parent.mkdir(exist_ok=True)
        (clone / name).write_text(text)
    run(environ, clone, "git", "add", "--all")
    run(environ, clone, "git", "commit", "-q", "-m", "x")
    run(environ, clone, "git", "remote", "add", "origin", str(server))
    run(environ, clone, "git", "push", "-q", "-u", "origin", "main")
    if kind.startswith("pre-commit"):
        run(environ, clone, "pre-commit", "install", "-t", "pre-push")
    elif kind.startswith("envhooks"):
        run(environ, clone, "envhooks", "install")
    return clone


def push(clone: Path, environ: Mapping[str, str], tag: str, *, with_main: bool) -> float:
    """Seconds of `git push` with its output read to the end, as a program that runs it would."""
    run(environ, clone, "git", "tag", "-s", "-m", "x", tag)
    refs = ("main", tag) if with_main else (tag,)
    if with_main:
        run(environ, clone, "git", "commit", "-q", "--allow-empty", "-m", tag)
    start = time.perf_counter()
    run(environ, clone, "git", "push", "-q", "origin", *refs)
    return time.perf_counter() - start


def confirmed(clone: Path, environ: Mapping[str, str], rounds: int) -> bool:
    """Whether every build that was armed was also run."""
    for _ in range(600):
        if run(environ, clone, "envhooks", "builds").count("  done  ") == rounds:
            return True
        time.sleep(0.2)
    return False


def main() -> int:
    """Measure, and say whether the limit holds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    folder = Path(tempfile.mkdtemp(prefix="envhooks-push-")).resolve()
    try:
        environ = environment(folder)
        clones = {kind: make(folder, environ, kind, rounds) for kind in KINDS}
        seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for number in range(1, rounds + 1):
            for kind, clone in clones.items():
                # pre-commit runs its hooks only where a commit is new to the remote, so main goes along everywhere
                seconds[kind].append(push(clone, environ, f"PyTorch-CUDA-v2.8-rc{number}", with_main=True))
        if not confirmed(clones[KINDS[2]], environ, rounds):
            sys.exit("a build that was armed was not run")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    medians = {kind: statistics.median(times) for kind, times in seconds.items()}
    for kind, median in medians.items():
        low, high = min(seconds[kind]), max(seconds[kind])
        print(f"{kind:24} {median * 1000:6.0f} ms  ({low * 1000:.0f} to {high * 1000:.0f}, {rounds} pushes)")
    over = medians[KINDS[2]] - medians[KINDS[1]]
    print(f"envhooks takes {over * 1000:+.0f} ms against pre-commit; the limit is +{LIMIT * 1000:.0f} ms")
    return int(over > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
