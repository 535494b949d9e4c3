"""(c) `envhooks check --all` over signed tags, beside what git and its direct peers need."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.measure import Spent, fit, medians, run, show, spend, table, verdict
from benchmarks.world import ENVHOOKS, PEERS, Home, Shape, make

VERIFYING = Path(__file__).with_name("verifying.py")
KINDS = {"OpenPGP Ed25519": ("openpgp",), "SSH Ed25519": ("ssh",), "mixed": ("openpgp", "ssh")}


def _without_fast(home: Home) -> dict[str, str]:
    """An environment in which the libraries of the extra `fast` cannot be imported."""
    folder = home.folder / "without-fast"
    for library in ("pysequoia", "cryptography"):
        (folder / library).mkdir(parents=True, exist_ok=True)
        (folder / library / "__init__.py").write_text("raise ImportError('left out')\n")
    return {**home.environ, "PYTHONPATH": str(folder)}


def _check(home: Home, repo: Path, *, jobs: int | None = None) -> Spent:
    """Judge all tags."""
    options = [] if jobs is None else [f"--jobs={jobs}"]
    return spend([*ENVHOOKS, "check", "--all", *options], repo, home.environ, memory=True)


def _git_options(repo: Path) -> list[str]:
    allowed = repo.parent / "allowed_signers"
    return ["-c", f"gpg.ssh.allowedSignersFile={allowed}"]


def _each_of_git(home: Home, repo: Path, names: list[str]) -> float:
    """Seconds a tag of a loop of `git verify-tag`."""
    return sum(
        spend(["git", *_git_options(repo), "verify-tag", name], repo, home.environ).seconds for name in names
    ) / len(names)


def _one_of_git(home: Home, repo: Path, names: list[str]) -> float:
    arguments = ["git", *_git_options(repo), "verify-tag", *names]
    return spend(arguments, repo, home.environ).seconds / len(names)


def _ours(home: Home, repo: Path, path: str, limit: int) -> float:
    environ = home.environ
    return float(run([sys.executable, str(VERIFYING), path, str(limit)], repo, environ))


def _peers(home: Home, repo: Path, kind: str, names: list[str]) -> dict[str, float]:
    """Seconds a tag of the direct peers that are installed; neither takes more than one tag at once."""
    signed = {"OpenPGP Ed25519": "gpg", "SSH Ed25519": "ssh"}.get(kind)
    commands = {
        "tag-validate (signature)": ["verify", "--skip-version-validation", "--require-signed", str(signed)],
        "commit-check (name only)": ["--tag", "--tag-regex", "PyTorch.*", "--rev"],
    }
    found = {}
    for title, arguments in commands.items():
        program = PEERS / title.split()[0]
        if program.exists() and (signed or "name" in title):
            spent = [
                spend([str(program), *arguments, name], repo, home.environ, expect=(0, 1)).seconds
                for name in names
            ]
            found[title] = sorted(spent)[len(spent) // 2]
    return found


def audit(home: Home, smoke: bool) -> str:
    """(c) the tables of signatures alone, and of whole runs."""
    sizes = (20, 40) if smoke else (100, 1000, 10_000)
    signatures, whole, fits, peers = [], [], [], {}
    for kind, keys in KINDS.items():
        points = []
        for size in sizes:
            repo = make(home, f"{'-'.join(keys)}-{size}", Shape(size), keys)
            names = home.git(repo, "for-each-ref", "--format=%(refname:short)", "refs/tags/").split("\n")
            rounds = 3 if size <= 1000 else 1 if smoke else 2
            spent: list[Spent] = []

            def whole_run(_: int, repo: Path = repo, spent: list[Spent] = spent) -> float:
                spent.append(_check(home, repo))
                return spent[-1].seconds

            (seconds,) = medians(rounds, whole_run)
            points.append((float(size), seconds))
            memory = max(one.megabytes for one in spent)
            targets = (
                f"15 s: {verdict(seconds < 15)}; 300 MB: {verdict(memory < 300)}" if size == 10_000 else ""
            )
            whole.append([kind, str(size), show(seconds), f"{memory:.0f} MB", targets])
            if size == sizes[-1]:
                signatures.append(_signatures(home, repo, kind, names, smoke))
                peers[kind] = _peers(home, repo, kind, names[: 2 if smoke else 5])
            shutil.rmtree(repo)
        slope, start, quality = fit(points)
        fits.append([kind, f"{slope * 1e3:.2f} ms", show(max(start, 0)), f"{quality:.4f}"])
    return _tables(signatures, whole, fits, peers)


def _signatures(home: Home, repo: Path, kind: str, names: list[str], smoke: bool) -> list[str]:
    """One row: microseconds a tag, and the ratio to the loop."""
    sample = names[:: max(1, len(names) // (10 if smoke else 200))]
    loop, one, plain, fast = medians(
        1 if smoke else 3,
        lambda _: _each_of_git(home, repo, sample),
        lambda _: _one_of_git(home, repo, sample),
        lambda _: _ours(home, repo, "plain", len(sample) * 2),
        lambda _: _ours(home, repo, "fast", len(names)),
    )
    cells = [f"{second * 1e6:.0f} ({loop / second:.1f}x)" for second in (one, plain, fast)]
    return [
        f"{kind}, {len(names)} tags",
        f"{loop * 1e6:.0f}",
        *cells,
        f"fast 50x: {verdict(loop / fast >= 50)}; plain 3x: {verdict(loop / plain >= 3)}",
    ]


def _tables(
    signatures: list[list[str]],
    whole: list[list[str]],
    fits: list[list[str]],
    peers: dict[str, dict[str, float]],
) -> str:
    head = [
        "",
        "loop of `git verify-tag`",
        "one `git verify-tag`",
        "envhooks plain",
        "envhooks fast",
        "target",
    ]
    text = f"### Signatures alone, microseconds a tag (ratio to the loop)\n\n{table(head, signatures)}\n"
    text += (
        "The loop, the one call and the plain path take a sample of the tags, the fast path all of them.\n\n"
    )
    head = ["", "tags", "seconds", "memory", "target"]
    text += f"### `envhooks check --all`, all checks\n\n{table(head, whole)}\n"
    head = ["", "a tag", "without tags", "R squared"]
    text += f"Fit of a straight line:\n\n{table(head, fits)}\n"
    rows = [[kind, name, show(seconds)] for kind, found in peers.items() for name, seconds in found.items()]
    if rows:
        text += f"### Peers, one tag a run\n\n{table(['', 'peer', 'a tag'], rows)}\n"
    return text


def plain(home: Home, smoke: bool) -> str:
    """A whole run with and without the extra `fast`."""
    size, rounds = (3, 1) if smoke else (1000, 2)
    without = _without_fast(home)
    command = [sys.executable, "-m", "envhooks", "check", "--all"]
    rows = []
    for kind, keys in KINDS.items():
        repo = make(home, f"plain-{'-'.join(keys)}", Shape(size), keys)

        def whole(environ: dict[str, str], repo: Path = repo) -> float:
            return spend(command, repo, environ).seconds

        times = medians(rounds, lambda _, run=whole: run(home.environ), lambda _, run=whole: run(without))
        rows.append([kind, str(size), *map(show, times), f"{times[1] / times[0]:.1f}"])
        shutil.rmtree(repo)
    head = ["", "tags", "with the extra `fast`", "without it", "ratio"]
    return f"### With and without the libraries\n\n{table(head, rows)}\n"
