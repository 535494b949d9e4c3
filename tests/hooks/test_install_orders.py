"""Real hook managers and envhooks, installed in every order: which hooks stand, who else runs, what is left afterwards.

Each order is tried twice in the same folder: once without envhooks, which shows whose hooks run and what lies where,
and once with it. Beside envhooks the same hooks run; after its uninstall the same files lie there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from installing import HAS_CONFIG_HOOKS, Judge, faults, plan, put, snapshot, take_out
from neighbours import FILES, NEIGHBOURS, need, ran
from support import Repo

from envhooks.hooks.managers.actions import Plan

US = "envhooks"
NAMES = {
    "E": US, "f": "a hook", "c": "pre-commit", "C": "pre-commit -f", "k": "prek", "K": "prek -f", "h": "husky",
    "l": "lefthook",
}  # fmt: skip
BOTH, TAG, NONE = "git tag and git push", "git tag", "neither"

# The order, and which hooks stand afterwards on Git before 2.54, which knows hook files only. Where one is lost, what
# came later replaced its file or moved core.hooksPath; that is noticed, and one `envhooks install` mends it.
# On Git 2.54 and newer config hooks stand beside all of them: there both hooks stand after every order.
ORDERS = {
    "fE": BOTH,
    # one manager, and envhooks before, after and between
    "Ec": BOTH, "cE": BOTH, "cEc": BOTH, "EcE": BOTH, "fcE": BOTH, "fEc": BOTH,
    "Ek": BOTH, "kE": BOTH, "kEk": BOTH, "EkE": BOTH, "fkE": BOTH, "fEk": BOTH,
    "Eh": NONE, "hE": BOTH, "hEh": BOTH, "EhE": BOTH, "fhE": BOTH, "fEh": NONE,
    "El": TAG, "lE": BOTH, "lEl": TAG, "ElE": BOTH, "flE": BOTH, "fEl": TAG,
    # told to leave nobody else's hook in place
    "EC": TAG, "ECE": BOTH, "EK": TAG, "EKE": BOTH,
    # two managers
    "chE": BOTH, "lhE": BOTH,
    "clE": BOTH, "cEl": TAG, "lEc": BOTH, "kEl": TAG, "lEk": BOTH,
    "cEh": NONE, "khE": BOTH, "lEh": NONE, "hkE": BOTH, "hEk": TAG,
    "Elc": TAG,
}  # fmt: skip


Left = tuple[dict[str, tuple[int, bytes]], set[str]]


@pytest.fixture(scope="module")
def start(template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]) -> Repo:
    """A clone in which every neighbour is configured and none is installed; what is tried is a copy of it."""
    folder = tmp_path_factory.mktemp("orders") / "start"
    shutil.copytree(template, folder, symlinks=True)
    clone = Repo(folder / "clone", session_environ)
    clone.commit_files(FILES, "Configure them all")
    clone.put("main")
    return clone


@pytest.fixture(scope="module")
def known() -> dict[str, Left]:
    """Order of the neighbours alone -> what it leaves behind, and whose hooks run; many have one in common."""
    return {}


def begin(start: Repo) -> Repo:
    """The start again, always in the same folder: some managers write its path into their hooks."""
    folder = start.path.parent.with_name("repos")
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(start.path.parent, folder, symlinks=True)
    environ = {**start.environ, "PRE_COMMIT_HOME": str(folder.parent / "pre-commit")}
    return Repo(folder / "clone", environ)


def carry_out(repo: Repo, order: str) -> None:
    for letter in order:
        if letter == "E":
            put(repo)
        else:
            NEIGHBOURS[NAMES[letter]].install(repo)


def state(repo: Repo) -> dict[str, tuple[int, bytes]]:
    """Everything but what commits and pushes leave behind, and the index, which holds the times of files."""
    left = ("objects/", "logs/", "refs/", "reftable/", "packed-refs", "index", "COMMIT_EDITMSG")
    found = snapshot(repo.path)
    return {name: value for name, value in found.items() if not name.removeprefix(".git/").startswith(left)}


def pushes(repo: Repo) -> set[str]:
    """Push a commit, and tell whose own hooks ran."""
    ran(repo)
    repo.write({"work": repo.git("rev-list", "--count", "HEAD")})
    repo.git("add", "work")
    repo.git("commit", "-q", "--no-verify", "-m", "Work")  # it is the push that is looked at
    done = repo.try_git("push", "-q", "origin", "main")
    assert done.code == 0, done
    return ran(repo)


def hooks(repo: Repo, folder: Path) -> str:
    """Which hooks stand; what comes through one is judged once and vetoed or let pass."""
    judge = Judge(repo, folder)
    vetoed = repo.try_git("tag", "BAD").code != 0
    assert judge.count("hook reference-transaction") == vetoed
    assert repo.try_git("tag", "v1").code == 0
    assert judge.count("hook reference-transaction") == vetoed
    repo.git("update-ref", "refs/tags/BAD", "HEAD")
    refused = repo.try_git("push", "origin", "BAD").code != 0
    assert judge.count("hook pre-push origin") == refused
    done = repo.try_git("push", "origin", "v1")
    assert done.code == 0, done
    assert judge.count("refs/tags/v1 ") == 2 * refused  # local and remote ref of one line
    repo.git("push", "-q", "--no-verify", "origin", ":v1", *([] if refused else [":BAD"]))
    repo.git("update-ref", "-d", "refs/tags/BAD")
    repo.git("update-ref", "-d", "refs/tags/v1")
    return {(True, True): BOTH, (True, False): TAG, (False, False): NONE}[vetoed, refused]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ", ".join(NAMES[letter] for letter in order))
def test_every_order(order: str, start: Repo, known: dict[str, Left], tmp_path: Path) -> None:
    need(*(NEIGHBOURS[NAMES[letter]].program for letter in order if letter != "E"))
    others = order.replace("E", "")
    if others not in known:
        without = begin(start)
        carry_out(without, others)
        known[others] = state(without), pushes(without)
    before, theirs = known[others]

    repo = begin(start)
    carry_out(repo, order)
    standing = hooks(repo, tmp_path)
    assert standing == (BOTH if HAS_CONFIG_HOOKS else ORDERS[order])
    assert len(faults(repo)) == {BOTH: 0, TAG: 1, NONE: 2}[standing]
    assert pushes(repo) == theirs
    if standing != BOTH:
        put(repo)
        assert hooks(repo, tmp_path) == BOTH
        assert pushes(repo) == theirs
    (repo.path / ".git/envhooks/python").unlink()  # the stand-in's
    put(repo)
    assert plan(repo) == Plan() and faults(repo) == ()
    take_out(repo)
    assert faults(repo) == ()
    assert pushes(repo) == theirs
    assert different(state(repo), before) == []


def different(after: dict[str, tuple[int, bytes]], before: dict[str, tuple[int, bytes]]) -> list[str]:
    names = sorted({*after, *before} - {"work"})
    return [name for name in names if after.get(name) != before.get(name)]


def test_there_are_42_of_them() -> None:
    assert len(ORDERS) == 42
