"""A large server, for docs/scale.md: one more tag beside 100,000 others, and pushes among 10,000 repositories.

Bare repositories with the hooks of `envhooks install --server`, and real `git push` over a file path: what the client
does is in every time, and stands in the column without the gate too.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from benchmarks.measure import Spent, fit, medians, run, show, spend, table
from benchmarks.world import ENVHOOKS, START, Home, Shape, make, tag_name

SIZES = (1000, 10_000, 100_000)
REPOSITORIES = 10_000
WORKERS = (1, 2, 4)
PUSHES = 400
"""For each number of workers, with the gate and without."""
HOOKS = ("pre-receive", "post-receive")
"""The first judges; the second looks for builds that the policy gives to the server."""
NOBODY = "0" * 40


@dataclass(frozen=True)
class Guarded:
    """A server with the gate, and a client of it that has main and no tag."""

    home: Home
    server: Path
    client: Path
    number: int
    """Of the one release that main has and that is not tagged yet."""

    @property
    def tag(self) -> str:
        return f"refs/tags/{tag_name(self.number)}"

    def sign(self, salt: object, *, good: bool = True) -> str:
        """A new tag object in the client; a bad one carries the signature of other words."""
        commit = self.home.git(self.client, "rev-parse", "main")
        head = f"object {commit}\ntype commit\ntag {tag_name(self.number)}\n"
        unsigned = f"{head}tagger Alice <alice@example.org> {START} +0000\n\nOne more, {salt}\n".encode()
        block = self.home.signers["ssh"].sign(unsigned if good else b"other words\n" + unsigned)
        command = ("hash-object", "-t", "tag", "-w", "--stdin")
        return self.home.git(self.client, *command, stdin=unsigned + block)

    def commit(self, salt: object) -> str:
        """A new commit in the client, on top of main."""
        return self.home.git(
            self.client, "commit-tree", "-p", "main", "-m", f"A change, {salt}", "main^{tree}"
        )

    def push(
        self, oid: str, ref: str, environ: Mapping[str, str], *, ok: bool = True, memory: bool = False
    ) -> Spent:
        """Push one object; the server is put back as it was."""
        before = self.held(ref)
        command = ["git", "push", "-q", str(self.server), f"{oid}:{ref}"]
        spent = spend(command, self.client, environ, expect=(0 if ok else 1,), memory=memory)
        if (self.held(ref) == oid) != ok:
            raise RuntimeError(f"{ref} was {'refused' if ok else 'taken'}")
        if ok:
            put_back = ["update-ref", ref, before] if before else ["update-ref", "-d", ref]
            self.home.git(self.server, *put_back)
        return spent

    def held(self, ref: str) -> str:
        """What the server has under a ref; empty for nothing."""
        return self.home.git(self.server, "for-each-ref", "--format=%(objectname)", ref)

    def hook(self, event: str, oid: str, *, memory: bool = False) -> Spent:
        """One hook by itself, told what git would tell it; the object has to be there."""
        # the variable spares it the question whether git runs another wiring of it, which none does here
        environ = {**self.home.environ, "GIT_DIR": ".", "ENVHOOKS_WIRING": "config"}
        line = f"{NOBODY} {oid} {self.tag}\n".encode()
        return spend(["sh", f"./envhooks/{event}"], self.server, environ, line, memory=memory)


def server(home: Home, smoke: bool) -> str:
    """The tables of one large repository, those of many small ones, and what follows on paper."""
    large, beside = _large(home, (2, 4) if smoke else SIZES, smoke)
    many, alone, an_hour = _many(home, smoke)
    paper = (
        f"On paper: both hooks take {show(alone)} of a core for one tag in a small repository, so one core judges"
        f" {3600 / alone:,.0f} release-tag pushes an hour if it does nothing else; beside"
        + ",".join(f" {size:,} tags {3600 / cpu:,.0f} ({show(cpu)})" for size, cpu in beside.items())
        + f". Measured with one worker, git and the client included: {an_hour:,.0f} an hour.\n\n"
    )
    return large + many + paper


def _without_gate(home: Home) -> dict[str, str]:
    """An environment in which git runs no hook, so that the same repositories are measured without the gate."""
    config = home.folder / ".gitconfig-no-hooks"
    off = "".join(f'[hook "envhooks-{event}"]\n\tenabled = false\n' for event in HOOKS)
    config.write_text(f"{(home.folder / '.gitconfig').read_text()}[core]\n\thooksPath = /dev/null\n{off}")
    return {**home.environ, "GIT_CONFIG_GLOBAL": str(config)}


def _guarded(home: Home, name: str, tags: int) -> Guarded:
    """A server that holds so many tags, without its gate yet."""
    source = make(home, name, Shape(tags + 1))
    server, client = home.folder / f"{name}.git", home.folder / f"{name}-client"
    home.git(home.folder, "clone", "-q", "--template=", "--bare", str(source), str(server))
    clone = ("clone", "-q", "--template=", "--bare", "--no-tags", "--single-branch")
    home.git(home.folder, *clone, str(source), str(client))
    home.git(server, "config", "--remove-section", "remote.origin")
    home.git(server, "update-ref", "-d", f"refs/tags/{tag_name(tags)}")
    home.git(server, "pack-refs", "--all")
    shutil.rmtree(source)
    return Guarded(home, server, client, tags)


def _install(repo: Guarded) -> None:
    repo.home.envhooks(repo.server, "install", "--server", "--branch", "main")


def _spent(repo: Guarded, event: str, oid: str, rounds: int) -> tuple[float, float]:
    """Seconds that a hook takes, and seconds of a processor: the medians."""
    seconds, cpus = [], []
    for _ in range(rounds):
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(repo.hook(event, oid).seconds)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
    return statistics.median(seconds), statistics.median(cpus)


# ------------------------------------------------------------------------------ one large repository


def _large(home: Home, sizes: Sequence[int], smoke: bool) -> tuple[str, dict[int, float]]:
    """The tables, and for each number of tags the seconds of a processor that the gate takes for one more."""
    pushes, hooks, audits, cpus = [], [], [], {}
    hook_points, audit_points = [], []
    for size in sizes:
        repo = _guarded(home, f"large-{size}", size)
        _install(repo)
        rounds = 1 if smoke else 5 if size < 50_000 else 3
        pushes.append([f"{size:,}", *map(show, _pushes(repo, rounds))])
        seconds, cpu, cells = _hook(repo, rounds)
        hooks.append([f"{size:,}", *cells])
        cpus[size] = cpu
        hook_points.append((float(size), seconds))
        audit = _audit(repo, smoke)
        audits.append(
            [f"{size:,}", show(audit.seconds), show(audit.seconds / size), f"{audit.megabytes:.0f} MB"]
        )
        audit_points.append((float(size), audit.seconds))
        for folder in (repo.server, repo.client):
            shutil.rmtree(folder)
    head = ["tags there", "tag, no gate", "tag, gate", "bad tag, refused", "branch, no gate", "branch, gate"]
    text = f"### One push to a repository with many tags\n\n{table([*head, 'main, no gate', 'main, gate'], pushes)}\n"
    text += "The branch is not main: the hook sees that in sh, and nothing is judged.\n\n"
    head = ["tags there", *HOOKS, "both, of a processor", "memory", "`git push` without gate, memory"]
    head += ["all tags in tags.lock: pre-receive", "memory"]
    text += f"### The hooks by themselves, one tag\n\n{table(head, hooks)}\n"
    text += f"`pre-receive`. {_line(hook_points, 'tag there')}"
    head = ["tags", "time", "a tag", "memory"]
    text += f"### `envhooks check --all`, cold, on the server\n\n{table(head, audits)}\n"
    text += _line(audit_points, "tag")
    return text, cpus


def _line(points: Sequence[tuple[float, float]], what: str) -> str:
    slope, start, quality = fit(points)
    line = f"{show(max(start, 0))} + {slope * 1e6:.1f} us for each {what}"
    return f"Fit of a straight line: {line}, R² {quality:.3f}.\n\n"


def _pushes(repo: Guarded, rounds: int) -> list[float]:
    """A good tag, a bad one, a branch and main: the medians in the order of the table."""
    gate, none = repo.home.environ, _without_gate(repo.home)

    def tag(environ: Mapping[str, str], *, good: bool = True) -> Callable[[int], float]:
        return lambda n: repo.push(repo.sign((n, id(environ)), good=good), repo.tag, environ, ok=good).seconds

    def branch(environ: Mapping[str, str], ref: str) -> Callable[[int], float]:
        return lambda n: repo.push(repo.commit((n, id(environ), ref)), ref, environ).seconds

    topic, main = "refs/heads/topic/one", "refs/heads/main"
    works = [tag(none), tag(gate), tag(gate, good=False), branch(none, topic), branch(gate, topic)]
    return medians(rounds, *works, branch(none, main), branch(gate, main))


def _hooks(repo: Guarded, oid: str, rounds: int) -> tuple[float, float, float]:
    """Seconds of pre-receive, of post-receive, and those of a processor that both take; the server has the object."""
    before, cpu = _spent(repo, HOOKS[0], oid, rounds)
    repo.home.git(repo.server, "update-ref", repo.tag, oid)
    after, more = _spent(repo, HOOKS[1], oid, rounds)
    repo.home.git(repo.server, "update-ref", "-d", repo.tag)
    return before, after, cpu + more


def _hook(repo: Guarded, rounds: int) -> tuple[float, float, list[str]]:
    """What the gate takes by itself: seconds of pre-receive, of a processor, and the cells of the table."""
    without = repo.push(repo.sign("light"), repo.tag, _without_gate(repo.home), memory=True)
    oid = repo.sign("by hand")
    repo.push(oid, repo.tag, repo.home.environ)
    before, after, cpu = _hooks(repo, oid, rounds)
    spent = repo.hook(HOOKS[0], oid, memory=True)
    cells = [show(before), show(after), show(cpu), f"{spent.megabytes:.0f} MB", f"{without.megabytes:.0f} MB"]
    _lock(repo)
    locked, _ = _spent(repo, HOOKS[0], oid, rounds)
    spent = repo.hook(HOOKS[0], oid, memory=True)
    return before, cpu, [*cells, show(locked), f"{spent.megabytes:.0f} MB"]


def _lock(repo: Guarded) -> None:
    """Commit a tags.lock of all tags that the server has to its main."""
    listed = repo.home.git(repo.server, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags/")
    tags = [line.split() for line in listed.split("\n")]
    asked = "".join(f"{oid}\n" for oid, _ in tags).encode()
    stream = BytesIO(run(["git", "cat-file", "--batch", "--buffer"], repo.server, repo.home.environ, asked))
    lines = []
    for oid, ref in tags:
        size = int(stream.readline().split()[2])
        lines.append(f"{ref} {oid} {hashlib.sha256(stream.read(size)).hexdigest()} bob@example.org\n")
        stream.read(1)
    lock = "".join(lines).encode()
    head = b"commit refs/heads/main\ncommitter Alice <alice@example.org> %d +0000\ndata 4\nLock\n" % START
    body = b"from refs/heads/main^0\nM 100644 inline .envhooks/tags.lock\ndata %d\n%s\n" % (len(lock), lock)
    repo.home.git(repo.server, "fast-import", "--quiet", stdin=head + body)


def _audit(repo: Guarded, smoke: bool) -> Spent:
    """Judge all tags, with main as it was before tags.lock; the better of two runs where they are short."""
    repo.home.git(repo.server, "update-ref", "refs/heads/main", "refs/heads/main~1")
    command = [*ENVHOOKS, "check", "--all"]  # a bare repository keeps no verdicts
    spent = spend(command, repo.server, repo.home.environ, memory=True)
    if smoke or spent.seconds > 30:
        return spent
    return min(
        spent, spend(command, repo.server, repo.home.environ, memory=True), key=lambda one: one.seconds
    )


# ------------------------------------------------------------------------------ many small repositories


def _many(home: Home, smoke: bool) -> tuple[str, float, float]:
    """The tables, seconds of a processor for judging one tag, and pushes an hour with the gate by one worker."""
    count, pushes, crews = (5, 2, WORKERS[:1]) if smoke else (REPOSITORIES, PUSHES, WORKERS)
    repo = _guarded(home, "small", 5)
    plain = _held(repo.server)
    _install(repo)
    installed = _held(repo.server)
    copies = _copies(repo.server, home.folder / "many", count)
    drawn = random.Random(1).sample(copies, 2 * len(crews) * pushes + 1)
    oid = repo.sign("one")
    environs = {"no gate": _without_gate(home), "gate": home.environ}
    before = _processes(home)
    rows, rates, left = [], {}, {}
    for workers in crews:
        row = [str(workers)]
        for name, environ in environs.items():
            targets = [drawn.pop() for _ in range(pushes)]
            took, each = _push_all(repo, oid, targets, workers, environ)
            rates[workers, name] = pushes / took
            worst = statistics.quantiles(each, n=100, method="inclusive")[98]
            row += [f"{pushes / took:.1f}", show(statistics.median(each)), show(worst)]
            left[name] = _more(_held(targets[0]), installed)
        rows.append(row)
    bad = repo.sign("bad", good=False)
    Guarded(home, drawn.pop(), repo.client, repo.number).push(bad, repo.tag, home.environ, ok=False)
    remain = len(_processes(home) - before)
    repo.push(oid, repo.tag, home.environ)  # leaves the object there
    cpu = _hooks(repo, oid, 1 if smoke else 9)[2]
    head = ["workers"]
    for name in environs:
        head += [f"{name}: pushes a second", "median", "99th percentile"]
    text = f"### Pushes of one tag among {count:,} repositories\n\n{table(head, rows)}\n"
    text += (
        f"{pushes} pushes a cell, each to a repository drawn at random, by so many clients at once on the machine"
        " of the server. The repositories are copies of one that share its files as hard links. A bad tag was"
        f" refused by one of them; processes that remain after all pushes: {remain}.\n\n"
    )
    costs = {"`envhooks install --server`": _more(installed, plain)}
    costs |= {f"a push of a tag, {name}": more for name, more in left.items()}
    rows = [[what, str(files), str(folders), f"{size:,}"] for what, (files, folders, size) in costs.items()]
    text += (
        f"What stays on the disk, for each repository:\n\n{table(['', 'files', 'folders', 'bytes'], rows)}\n"
    )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(shutil.rmtree, copies))
    return text, cpu, rates[1, "gate"] * 3600


def _copies(template: Path, folder: Path, count: int) -> list[Path]:
    """Copies whose files are hard links: git and envhooks replace files and never write into one that is there.

    Nothing in the template says where it lies: the hook files find the hooks beside them.
    """
    held = [path.relative_to(template) for path in sorted(template.rglob("*"))]
    needed = {"refs", *(str(path.parent) for path in held)}  # git makes the empty ones when it comes to it
    folders = [path for path in held if (template / path).is_dir() and str(path) in needed]
    files = [path for path in held if (template / path).is_file()]
    copies = [folder / f"{number}.git" for number in range(count)]
    folder.mkdir()
    for copy in copies:
        copy.mkdir()
        for path in folders:
            (copy / path).mkdir()
        for path in files:
            os.link(template / path, copy / path)
    return copies


def _push_all(
    repo: Guarded, oid: str, targets: Sequence[Path], workers: int, environ: Mapping[str, str]
) -> tuple[float, list[float]]:
    """Seconds for all of the pushes, and for each."""

    def push(target: Path) -> float:
        start = time.perf_counter()
        command = ["git", "push", "-q", str(target), f"{oid}:{repo.tag}"]
        subprocess.run(command, cwd=repo.client, env=dict(environ), capture_output=True, check=True)
        return time.perf_counter() - start

    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        each = list(pool.map(push, targets))
    took = time.perf_counter() - start
    if not all((target / repo.tag).is_file() for target in targets):
        raise RuntimeError("a push did not leave its tag")
    return took, each


def _held(repo: Path) -> dict[str, int | None]:
    """Path -> bytes of each file of a repository; None for a folder."""
    paths = {str(path.relative_to(repo)): path for path in repo.rglob("*")}
    return {name: None if path.is_dir() else path.stat().st_size for name, path in paths.items()}


def _more(after: Mapping[str, int | None], before: Mapping[str, int | None]) -> tuple[int, int, int]:
    """How many files, folders and bytes there are more."""
    new = [size for name, size in after.items() if name not in before]
    grown = sum((size or 0) - (before[name] or 0) for name, size in after.items() if name in before)
    return sum(size is not None for size in new), new.count(None), sum(size or 0 for size in new) + grown


def _processes(home: Home) -> set[str]:
    """The processes that were started with this home, by number, where the system tells."""
    mine = b"HOME=" + os.fsencode(home.folder)
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mine in path.read_bytes().split(b"\0"):
                found.add(path.parent.name)
        except OSError:
            continue  # it has ended, or is another user's
    return found
