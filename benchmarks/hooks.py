"""(a) What git costs with the hooks in place, and (b) a tag and its push beside a hook that does nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.measure import medians, run, show, spend, table, verdict
from benchmarks.world import PEERS, Home, Shape, make

NOOP = """\
repos:
  - repo: local
    hooks:
      - id: noop
        name: noop
        language: system
        entry: "true"
        always_run: true
        pass_filenames: false
        stages: [pre-commit, pre-push]
"""


def _clones(home: Home, tags: int) -> tuple[Path, Path]:
    """A clone without hooks and one with them; their server holds the tags, and they do not yet."""
    source = make(home, "source", Shape(tags), ("ssh",))
    server = home.folder / "server.git"
    home.git(home.folder, "clone", "-q", "--bare", str(source), str(server))
    plain, guarded = home.folder / "plain", home.folder / "guarded"
    for clone in (plain, guarded):
        home.git(home.folder, "clone", "-q", "--no-tags", str(server), str(clone))
        home.git(clone, "config", "envhooks.branch", "main")
        for key, value in home.signers["ssh"].settings.items():
            home.git(clone, "config", key, value)
    home.envhooks(guarded, "install")
    return plain, guarded


def everyday(home: Home, smoke: bool) -> str:
    """(a) commit, fetch and gc, without hooks and with them."""
    tags, rounds = (3, 1) if smoke else (1000, 5)
    plain, guarded = _clones(home, tags)
    version = home.git(home.folder, "--version").removeprefix("git version ")
    numbers = tuple(map(int, version.split(".")[:2]))
    clones = (plain, guarded, _with_empty_hook(home, plain, numbers))

    def commit(clone: Path) -> float:
        return spend(["git", "commit", "-q", "--allow-empty", "-m", "A change"], clone, home.environ).seconds

    def fetch(clone: Path) -> float:
        copy = home.folder / f"{clone.name}-fetch"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(clone, copy, symlinks=True)
        return spend(["git", "fetch", "-q", "--tags", "origin"], copy, home.environ).seconds

    def gc_again(clone: Path) -> float:
        return spend(["git", "gc", "-q"], home.folder / f"{clone.name}-fetch", home.environ).seconds

    def gc(clone: Path) -> float:
        """The first one after a fetch: it packs the tags, and git asks the hook for each loose one that it prunes."""
        fetch(clone)
        return gc_again(clone)

    rows = []
    for what, how_often, works in (
        ("git commit", 1 if smoke else 30, [lambda _, c=clone: commit(c) for clone in clones]),
        (f"git fetch of {tags} tags", rounds, [lambda _, c=clone: fetch(c) for clone in clones]),
        (f"git gc after it, {tags} loose tags", rounds, [lambda _, c=clone: gc(c) for clone in clones]),
        (f"git gc with {tags} packed tags", rounds, [lambda _, c=clone: gc_again(c) for clone in clones]),
    ):
        without, with_, empty = medians(how_often, *works)
        limit = 1.1 * without + 0.005
        target = "at most 1.1 times + 5 ms"
        if "fetch" in what and numbers < (2, 51):
            limit, target = 0.008 * tags + without, "this Git asks for each tag: at most 8 ms a tag"
        met = verdict(with_ <= limit)
        if "loose" in what:
            target, met = "none: git starts the hook several times for each loose tag", ""
        rows.append([what, show(without), show(with_), f"{with_ / without:.2f}", target, met, show(empty)])
    head = [
        "",
        "without hooks",
        "with hooks",
        "ratio",
        "target",
        "",
        "with /bin/true as reference-transaction",
    ]
    return f"### Everyday commands, Git {version}\n\n{table(head, rows)}\n"


def _with_empty_hook(home: Home, plain: Path, version: tuple[int, ...]) -> Path:
    """A clone whose reference-transaction hook does nothing: what git itself takes for having one."""
    clone = home.folder / "empty"
    shutil.copytree(plain, clone, symlinks=True)
    if version >= (2, 54):
        home.git(clone, "config", "hook.empty.command", "/bin/true")
        home.git(clone, "config", "hook.empty.event", "reference-transaction")
    else:
        (clone / ".git/hooks/reference-transaction").symlink_to("/bin/true")
    return clone


def tag_and_push(home: Home, smoke: bool) -> str:
    """(b) `git tag -s` and a push of one tag: no gate, the gate, and no-op hooks of pre-commit and prek."""
    rounds = 1 if smoke else 9
    plain, guarded = _clones(home, 10)
    folders = {"no hook": plain, "envhooks": guarded}
    for tool in ("pre-commit", "prek"):
        if (PEERS / tool).exists():
            clone = home.folder / f"with-{tool}"
            shutil.copytree(plain, clone, symlinks=True)
            (clone / ".pre-commit-config.yaml").write_text(NOOP)
            home.git(clone, "add", "--all")
            run([str(PEERS / tool), "install", "-t", "pre-push"], clone, home.environ)
            folders[tool] = clone
    tagged = {
        name: (lambda number, c=folder: _tag(home, c, number))
        for name, folder in folders.items()
        if name in ("no hook", "envhooks")
    }
    runs = {
        name: (lambda _, n=name, c=folder: spend([str(PEERS / n), "run", "noop"], c, home.environ).seconds)
        for name, folder in folders.items()
        if name not in tagged
    }
    times = dict(zip([*tagged, *runs], medians(rounds, *tagged.values(), *runs.values()), strict=True))
    _, gate = times["no hook"], times["envhooks"] - times["no hook"]
    rows = [["git tag -s, no gate", show(times["no hook"]), "", ""]]
    rows.append(["git tag -s through the gate, all checks", show(times["envhooks"]), "", ""])
    rows.append(["the gate's part of it", show(gate), "", ""])
    for tool in runs:
        target = verdict(gate < 0.75 * times[tool]) if tool == "pre-commit" else ""
        rows.append([f"a no-op hook run by {tool}", show(times[tool]), f"{gate / times[tool]:.2f}", target])
    pushes = [lambda number, f=folder: _push(home, f, number) for folder in folders.values()]
    pushed = dict(zip(folders, medians(rounds, *pushes), strict=True))
    for name, seconds in pushed.items():
        target = ""
        if name == "pre-commit":
            target = verdict(pushed["envhooks"] < seconds + 0.1)
        ratio = f"{pushed['envhooks'] / seconds:.2f}"
        rows.append([f"git push of one tag, {name}", show(seconds), ratio, target])
    head = ["", "time", "envhooks to it", "under 0.75 of pre-commit's run; push under pre-commit's + 100 ms"]
    return f"### A tag, and its push\n\n{table(head, rows)}\n"


def _name(number: int) -> str:
    return f"PyTorch-CUDA-v2.6.0-rc{900 + number}"


def _tag(home: Home, clone: Path, number: int) -> float:
    """Tag a commit whose Dockerfile and changelog fit the name of an existing release."""
    name = "PyTorch-CUDA-v2.7.1-rc3"  # the last of ten releases: its entry stands in main's changelog
    run(["git", "tag", "-d", name], clone, home.environ, expect=(0, 1))
    return spend(["git", "tag", "-s", "-m", "Candidate", name, "origin/main"], clone, home.environ).seconds


def _push(home: Home, clone: Path, number: int) -> float:
    name = "PyTorch-CUDA-v2.7.1-rc3"
    run(["git", "tag", "-d", name], clone, home.environ, expect=(0, 1))
    hooks = ["-c", "core.hooksPath=/dev/null"]
    run(["git", *hooks, "tag", "-s", "-m", "Candidate", name, "origin/main"], clone, home.environ)
    server = home.folder / "server.git"
    run(["git", "update-ref", "-d", f"refs/tags/{name}"], server, home.environ)
    return spend(["git", "push", "-q", "origin", name], clone, home.environ).seconds
