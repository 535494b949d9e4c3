"""Verifying signed tags: envhooks' plain and fast paths against a loop of `git verify-tag`, side by side.

    .venv/bin/python benchmarks/signatures.py [TAGS]

Prints microseconds for each tag (the best of three runs, as what else the machine does only adds to it; each path in a
fresh process, because pysequoia keeps verified signatures) and the ratio to git's loop in the same run; then what the
verification of one tag adds to a hook, as a whole process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 3
ONE_RUNS = 25
PATHS = ("plain, 1 worker", "plain", "fast")
# what a fresh process does: read the tags first, then time the verification alone
PROBE = """
import sys, time
from datetime import datetime, timezone
from pathlib import Path
from envhooks.git.repository import Git
from envhooks.signatures.verify import verify_all
from envhooks.signatures.payload import split
from envhooks.signatures.signers import read_signers
path, fast, jobs = sys.argv[1], sys.argv[2] == "fast", int(sys.argv[3]) or None
trust = Path(path, "trust")
files = {f.relative_to(trust).as_posix(): f.read_bytes() for f in trust.rglob("*") if f.is_file()}
with Git.open(Path(path)) as git:
    objects = [git.read(ref.oid) for ref in git.refs("refs/tags/")]
    payloads = [split(found.data, git.oid_length) for found in objects]
start = time.perf_counter()
verdicts = verify_all(payloads, read_signers(files, "bench"), datetime.now(timezone.utc), jobs=jobs, fast=fast)
seconds = time.perf_counter() - start
assert all(verdict.status == "good" for verdict in verdicts), verdicts[0]
print(seconds)
"""
# a hook with one tag, as a whole process: everything but the verdict on its signature, or that as well
ONE = """
import sys
from datetime import datetime, timezone
from pathlib import Path
import envhooks.cli.hook
from envhooks.judge import engine as checks, runs as gate
from envhooks.git.repository import Git
from envhooks.signatures.payload import split
checks.load()
path, verify = sys.argv[1], sys.argv[2] == "verify"
trust = Path(path, "trust")
files = {f.relative_to(trust).as_posix(): f.read_bytes() for f in trust.rglob("*") if f.is_file()}
with Git.open(Path(path)) as git:
    payload = split(git.read(git.refs("refs/tags/v0")[0].oid).data, git.oid_length)
if verify:
    from envhooks.signatures.verify import verify_all
    from envhooks.signatures.signers import read_signers
    verdict, = verify_all([payload], read_signers(files, "bench"), datetime.now(timezone.utc))
    assert verdict.status == "good", verdict
"""


def run(*arguments: str, cwd: Path, stdin: str = "") -> str:
    done = subprocess.run(arguments, cwd=cwd, input=stdin, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make(kind: str, folder: Path, tags: int) -> Path:
    """A repository with signed tags, and the files that allow their signer."""
    repo = folder / kind
    trust = repo / "trust"
    (trust / "keys").mkdir(parents=True)
    run("git", "init", "-q", cwd=repo)
    run("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=repo)
    if kind.startswith("ssh"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"), cwd=folder)
        public = (folder / "key.pub").read_text().rsplit(" ", 1)[0]
        (trust / "allowed_signers").write_text(f'a@example.org namespaces="git" {public}\n')
        options = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={folder}/key.pub"]
    else:
        algorithm = "ed25519" if kind.endswith("ed25519") else "rsa3072"
        uid = f"{kind} <a@example.org>"
        gpg = ("gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "")
        run(*gpg, "--quick-generate-key", uid, algorithm, "sign", "1y", cwd=folder)
        listed = run("gpg", "--list-keys", "--with-colons", uid, cwd=folder)
        fpr = next(line.split(":")[9] for line in listed.split("\n") if line.startswith("fpr"))
        (trust / "keys" / f"{fpr}.asc").write_text(run("gpg", "--armor", "--export", fpr, cwd=folder) + "\n")
        (trust / "allowed_signers").write_text(f'a@example.org namespaces="git" openpgp {fpr}\n')
        options = ["-c", f"user.signingkey={fpr}"]
    for number in range(tags):
        run("git", *options, "tag", "-s", "-m", "A release", f"v{number}", cwd=repo)
    return repo


def loop_of_git(repo: Path) -> float:
    names = run("git", "tag", cwd=repo).split("\n")
    options = ["-c", "gpg.format=openpgp"]
    if "ssh" in repo.name:
        options = ["-c", f"gpg.ssh.allowedSignersFile={repo}/trust/allowed_signers"]
    start = time.perf_counter()
    for name in names:
        run("git", *options, "verify-tag", name, cwd=repo)
    return time.perf_counter() - start


def ours(repo: Path, path: str) -> float:
    """Seconds; where the path says nothing of workers, with as many as there are by default."""
    mode, jobs = path.partition(",")[0], "0" if path == "plain" else "1"
    return float(run(sys.executable, "-c", PROBE, str(repo), mode, jobs, cwd=repo))


def one_tag(repo: Path) -> tuple[float, float]:
    """Seconds of a hook without and with the verification of its one tag, the best of each, taken in turn."""
    taken: dict[str, list[float]] = {"skip": [], "verify": []}
    for _ in range(ONE_RUNS):
        for what, seconds in taken.items():
            start = time.perf_counter()
            run(sys.executable, "-I", "-c", ONE, str(repo), what, cwd=repo)
            seconds.append(time.perf_counter() - start)
    return min(taken["skip"]), min(taken["verify"])


def main() -> None:
    tags = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="eh-") as name:
        folder = Path(name)
        (folder / "gnupg").mkdir(mode=0o700)
        os.environ.update(HOME=name, GNUPGHOME=f"{name}/gnupg", GIT_CONFIG_GLOBAL=f"{name}/.gitconfig")
        os.environ.update(GIT_CONFIG_NOSYSTEM="1")
        (folder / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.org\n[gc]\n\tauto = 0\n")
        try:
            print(f"| {tags} tags | git verify-tag | " + " | ".join(PATHS) + " |")
            print("|---|---|" + "---|" * len(PATHS))
            single = []
            for kind in ("openpgp-ed25519", "openpgp-rsa3072", "ssh-ed25519"):
                repo = make(kind, folder, tags)
                rows = [[loop_of_git(repo), *(ours(repo, path) for path in PATHS)] for _ in range(RUNS)]
                base, *others = (min(column) for column in zip(*rows, strict=True))
                cells = [f"{second / tags * 1e6:.0f} us ({base / second:.1f}x)" for second in others]
                print(f"| {kind} | {base / tags * 1e6:.0f} us | " + " | ".join(cells) + " |", flush=True)
                skip, verify = (second * 1e3 for second in one_tag(repo))
                single.append(f"| {kind} | {skip:.1f} ms | {verify:.1f} ms | {verify - skip:.1f} ms |")
            print("\n| a hook with one tag | without its signature | with it | added |\n|---|---|---|---|")
            print("\n".join(single))
        finally:
            subprocess.run(["gpgconf", "--kill", "all"], check=False)


if __name__ == "__main__":
    main()
