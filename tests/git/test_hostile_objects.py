"""Objects that are made to be read in two ways, or that are damaged: what is judged is what a checkout leaves."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import CHANGELOG, DOCKERFILE, GOOD_TAG, Repo, run

from envhooks.base.errors import CannotJudge
from envhooks.git.objects import GitObject, parse_commit, parse_tree
from envhooks.git.repository import Git

Entry = tuple[str, str, str]
"""Mode, name and object id."""


def write(repo: Repo, kind: str, data: bytes) -> str:
    """The id of an object that is written whatever git thinks of it."""
    argv = ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"]
    return _raw(repo, argv, data)


def _raw(repo: Repo, argv: list[str], data: bytes) -> str:
    return (
        subprocess.run(argv, cwd=repo.path, env=repo.environ, input=data, capture_output=True, check=True)
        .stdout.decode()
        .strip()
    )


def raw_tree(entries: list[Entry]) -> bytes:
    return b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)


def tagged(repo: Repo, tree: str) -> str:
    """A tagged commit of a tree below main's tip, as origin has it: what such a tag lies on was merged."""
    commit = repo.git("commit-tree", tree, "-p", "main", "-m", "A change")
    tip = repo.git("commit-tree", "main^{tree}", "-p", commit, "-m", "Put it right")
    for ref in ("refs/heads/main", "refs/remotes/origin/main"):
        repo.git("update-ref", ref, tip)
    repo.git("tag", "-s", GOOD_TAG, commit, "-m", "First candidate")
    return commit


def blob(repo: Repo, text: str) -> str:
    return write(repo, "blob", text.encode())


def top(repo: Repo) -> list[Entry]:
    lines = repo.git("ls-tree", "main").split("\n")
    return [(line.split()[0].lstrip("0"), line.split("\t")[1], line.split()[2]) for line in lines]


WRONG = DOCKERFILE.replace("2.8.0", "2.7.0")

TREES: dict[str, Callable[[Repo, list[Entry]], list[Entry]]] = {
    "two files of one name, the good one first": lambda repo, entries: [
        *(entry for entry in entries if entry[1] < "Dockerfile"),
        ("100644", "Dockerfile", blob(repo, DOCKERFILE)),
        ("100644", "Dockerfile", blob(repo, WRONG)),
        *(entry for entry in entries if entry[1] > "Dockerfile"),
    ],
    "a file and a folder of one name": lambda repo, entries: [
        *entries,
        ("40000", "Dockerfile", repo.git("rev-parse", "main^{tree}")),
    ],
    "not sorted": lambda repo, entries: list(reversed(entries)),
    "an entry called .git": lambda repo, entries: [("40000", ".GIT", entries[0][2]), *entries],
    "an entry called git~1": lambda repo, entries: [*entries, ("100644", "git~1", blob(repo, "x"))],
    "an entry called ..": lambda repo, entries: [("100644", "..", blob(repo, "x")), *entries],
    "a name with a slash": lambda repo, entries: [*entries, ("100644", "a/b", blob(repo, "x"))],
    "an empty name": lambda repo, entries: [("100644", "", blob(repo, "x")), *entries],
    "a mode that is none": lambda repo, entries: [*entries, ("999999", "z", blob(repo, "x"))],
    "a mode of no kind": lambda repo, entries: [*entries, ("10644", "z", blob(repo, "x"))],
}


@pytest.mark.parametrize("what", TREES)
def test_a_tree_that_reads_in_two_ways_is_not_judged(what: str, good: Repo) -> None:
    good.git("tag", "-s", "PyTorch-CUDA-v2.8-rc2", "-m", "Second candidate")
    tree = write(good, "tree", raw_tree(TREES[what](good, top(good))))
    tagged(good, tree)
    done = good.envhooks("check", "--all", "--format", "json")
    assert done.code == 2
    assert "fault of envhooks" not in done.said and "Traceback" not in done.said
    assert "a tree object" in done.out
    healthy = good.envhooks("check", "PyTorch-CUDA-v2.8-rc2")
    assert healthy.code == 0, healthy.said


def test_such_a_tree_on_the_way_to_the_policy(good: Repo) -> None:
    folder = good.git("rev-parse", "main:.envhooks")
    signers = good.git("rev-parse", "main:.envhooks/allowed_signers")
    policy = good.git("rev-parse", "main:.envhooks/policy.toml")
    lines = [("100644", "allowed_signers", signers)] * 2 + [("100644", "policy.toml", policy)]
    twice = write(good, "tree", raw_tree(lines))
    entries = [(mode, name, twice if oid == folder else oid) for mode, name, oid in top(good)]
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    tip = good.git("commit-tree", write(good, "tree", raw_tree(entries)), "-p", "main", "-m", "Sign twice")
    good.git("update-ref", "refs/remotes/origin/main", tip)
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 2 and "two entries of the name allowed_signers" in done.said


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_of_a_tree_raise_anything_else(data: bytes) -> None:
    try:
        entries = list(parse_tree(data, 20))
    except CannotJudge:
        return
    names = [entry.name for entry in entries]
    assert len(set(names)) == len(names)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_of_a_commit_raise(data: bytes) -> None:
    parse_commit(GitObject("0" * 40, "commit", len(data), data))


def test_a_parent_further_down_is_none() -> None:
    data = b"tree " + b"1" * 40 + b"\nparent " + b"2" * 40 + b"\nauthor x\nparent " + b"3" * 40 + b"\n\n"
    assert parse_commit(GitObject("0" * 40, "commit", len(data), data)).parents == ("2" * 40,)


def plant(repo: Repo, tags: Mapping[str, str]) -> None:
    """Tags of any objects: `git update-ref` takes no damaged ones, a file does, and reftable by way of files."""
    in_reftable = (repo.path / ".git/reftable").exists()
    if in_reftable:
        repo.git("refs", "migrate", "--ref-format=files")
    for tag, oid in tags.items():
        file = repo.path / ".git/refs/tags" / tag
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{oid}\n")
    if in_reftable:
        repo.git("refs", "migrate", "--ref-format=reftable")


@pytest.mark.parametrize("seed", range(6))
def test_damaged_objects_hurt_their_own_tag_alone(seed: int, good: Repo) -> None:
    """Bytes of a commit, a tree and a tag are changed at random; a healthy tag keeps its verdict."""
    chance = random.Random(seed)
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    damaged = {}
    for number, kind in enumerate(["commit", "tree", "tag"] * 3):
        source = {"commit": "main", "tree": "main^{tree}", "tag": f"refs/tags/{GOOD_TAG}"}[kind]
        data = bytearray(
            subprocess.run(
                ["git", "cat-file", kind, source],
                cwd=good.path,
                env=good.environ,
                capture_output=True,
                check=True,
            ).stdout
        )
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        oid = _raw(good, ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"], bytes(data))
        if kind == "tree":
            oid = write(
                good, "commit", f"tree {oid}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n".encode()
            )
        damaged[f"PyTorch-CUDA-v2.8-rc{number + 10}"] = oid
    plant(good, damaged)
    done = good.envhooks("check", "--all", "--format", "json")
    assert done.code in (1, 2) and "fault of envhooks" not in done.said, done.said
    assert good.envhooks("check", GOOD_TAG).code == 0


DATES = ["4102444800", "0", "1", "99999999999", "2147483648"]


@pytest.mark.parametrize("date", DATES)
def test_the_date_of_a_root_does_not_decide_what_is_on_main(date: str, good: Repo) -> None:
    """`rev-list` ends its walk by dates, and listed a commit that lies on main."""
    tree = good.git("rev-parse", "main^{tree}")
    environ = {**good.environ, "GIT_COMMITTER_DATE": f"@{date} +0000", "GIT_AUTHOR_DATE": f"@{date} +0000"}
    root = run(["git", "commit-tree", tree, "-m", "root"], good.path, environ, check=True).out.strip()
    tip = root
    for _ in range(12):
        tip = good.git("commit-tree", tree, "-p", tip, "-m", "on")
    good.git("update-ref", "refs/heads/main", tip)
    good.git("push", "-q", "--force", "origin", "main")
    good.git("tag", "-s", GOOD_TAG, root, "-m", "First candidate")
    done = good.envhooks("check", GOOD_TAG)
    assert done.code == 0, done.said


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_reachability_is_that_of_the_graph_whatever_the_dates(good: Repo, data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 14))
    parents: list[list[int]] = []
    oids: list[str] = []
    tree = good.git("rev-parse", "main^{tree}")
    for number in range(size):
        above = data.draw(st.lists(st.integers(0, number - 1), max_size=2, unique=True)) if number else []
        date = data.draw(st.sampled_from([0, 1, 10**9, 4 * 10**9, 9 * 10**10]))
        lines = "".join(f"parent {oids[one]}\n" for one in above)
        who = f"a <a@b> {date} +0000"
        text = f"tree {tree}\n{lines}author {who}\ncommitter {who}\n\n{number}\n"
        oids.append(write(good, "commit", text.encode()))
        parents.append(above)
    tip = data.draw(st.integers(0, size - 1))
    reached, todo = {tip}, [tip]
    while todo:
        for one in parents[todo.pop()]:
            if one not in reached:
                reached.add(one)
                todo.append(one)
    with Git.open(good.path) as git:
        outside = git.outside(oids, [oids[tip]])
    assert outside == {oid for number, oid in enumerate(oids) if number not in reached}


def test_a_link_longer_than_any_system_has_is_no_link(good: Repo) -> None:
    for size in (1_000, 200_000):
        link = blob(good, "./" * size + "CHANGELOG.md")
        entries = [
            ("120000" if name == "CHANGELOG.md" else mode, name, link if name == "CHANGELOG.md" else oid)
            for mode, name, oid in top(good)
        ]
        good.git("tag", "-d", GOOD_TAG, check=None)
        tagged(good, write(good, "tree", raw_tree(entries)))
        done = good.envhooks("check", GOOD_TAG)
        assert done.code == 2, done.said
        assert ("longer than 4095 bytes" in done.said) is (size > 4000)


def test_links_that_are_followed_are_as_before(good: Repo) -> None:
    (good.path / "docs").mkdir()
    (good.path / "docs/LOG.md").write_text(CHANGELOG)
    (good.path / "CHANGELOG.md").unlink()
    (good.path / "CHANGELOG.md").symlink_to("./docs/../docs/LOG.md")
    good.commit("Link it")
    good.git("push", "-q", "origin", "main")
    good.git("tag", "-s", GOOD_TAG, "-m", "First candidate")
    assert good.envhooks("check", GOOD_TAG).code == 0
