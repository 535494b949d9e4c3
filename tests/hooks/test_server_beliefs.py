"""A server believes what it stores and what objects say, never what a push tells; by a client that lies."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from raw_client import Answer, oid_of, push
from smart_http import serve
from support import DOCKERFILE, GOOD_TAG, OID_DIGITS, WITHOUT_HOOKS, ZERO, Repo, run

TAG = f"refs/tags/{GOOD_TAG}"
STABLE = "PyTorch-CUDA-v2.8"
Attack = Callable[..., Answer]
"""Sends lines, with `objects` and `atomic`, to the server."""
BROKEN_TAG = b"object " + b"1" * OID_DIGITS + b"\ntype nothing\n"


@pytest.fixture(params=["file", "http"])
def where(request: pytest.FixtureRequest, guarded: Repo, server: Repo) -> Iterator[Path | str]:
    """The server's address; `guarded` has the hooks on both sides."""
    server.git("config", "http.receivepack", "true")
    if request.param == "file":
        yield server.path
    else:
        with serve(server.path.parent, server.environ) as url:
            yield f"{url}/{server.path.name}"


@pytest.fixture
def attack(where: Path | str, server: Repo) -> Attack:
    def send(*lines: str | bytes, **more: object) -> Answer:
        return push(where, lines, server.environ, **more)  # type: ignore[arg-type]

    return send


def release(repo: Repo, tag: str = GOOD_TAG, commit: str = "HEAD") -> str:
    """A good tag, published: what a test begins with, and no hook is asked."""
    repo.git(*WITHOUT_HOOKS, "tag", "-s", tag, commit, "-m", "A release")
    repo.put(tag)
    return repo.git("rev-parse", f"refs/tags/{tag}")


def release_judged(repo: Repo, tag: str = GOOD_TAG) -> None:
    """A good tag, published as everybody does, by every hook's leave."""
    repo.git("tag", "-s", tag, "-m", "A release")
    repo.git("push", "-q", "origin", tag)


def bare_tag(repo: Repo, tag: str, commit: str) -> tuple[str, bytes]:
    """Id and bytes of a signed tag object that no hook has seen."""
    repo.git(*WITHOUT_HOOKS, "tag", "-s", tag, commit, "-m", "A release")
    oid = repo.git("rev-parse", f"refs/tags/{tag}")
    data = raw(repo, oid)
    repo.git(*WITHOUT_HOOKS, "tag", "-d", tag)
    return oid, data


def raw(repo: Repo, oid: str) -> bytes:
    kind = repo.git("cat-file", "-t", oid)
    argv = ["git", "cat-file", kind, oid]
    return subprocess.run(argv, cwd=repo.path, env=repo.environ, capture_output=True, check=True).stdout


def closure(repo: Repo, commit: str, since: str) -> list[tuple[str, bytes]]:
    """The objects of a commit that `since` lacks."""
    listed = repo.git("rev-list", "--objects", commit, f"^{since}").split("\n")
    oids = [line.split()[0] for line in listed if line]
    return [(repo.git("cat-file", "-t", oid), raw(repo, oid)) for oid in oids]


def side(repo: Repo) -> str:
    """A commit that was never merged."""
    repo.git("switch", "-q", "-c", "side", check=None)
    commit = repo.commit_files({"new": "x"}, "Not merged")
    repo.git("switch", "-q", "main")
    return commit


def stored(server: Repo, ref: str) -> str:
    return server.git("rev-parse", "-q", "--verify", ref, check=None)


# ------------------------------------------------------------------------- deletions and moves

LIES: dict[str, Callable[[str, str], tuple[str, Sequence[tuple[str, bytes]]]]] = {
    "nothing was there": lambda tag, old: (f"{ZERO} {ZERO} {tag}", ()),
    "a broken object was there": lambda tag, old: (
        f"{oid_of('tag', BROKEN_TAG)} {ZERO} {tag}",
        [("tag", BROKEN_TAG)],
    ),
    "an object was there that nobody has": lambda tag, old: (f"{'5' * OID_DIGITS} {ZERO} {tag}", ()),
    "the truth": lambda tag, old: (f"{old} {ZERO} {tag}", ()),
}


@pytest.mark.parametrize("locked", [False, True])
def test_a_published_tag_is_not_deleted(locked: bool, attack: Attack, guarded: Repo, server: Repo) -> None:
    old = release(guarded)
    if locked:
        guarded.envhooks("lock", check=True)
        guarded.commit("Lock it")
        guarded.put("main")
    for lie in LIES.values():
        line, objects = lie(TAG, old)
        beside = f"{ZERO} {server.git('rev-parse', 'main')} refs/heads/beside"  # so that there is a pack
        answer = attack(*([line, beside] if objects else [line]), objects=objects)
        assert stored(server, TAG) == old, answer.said
        assert not answer.took(TAG)
        assert "envhooks" in answer.said


def test_a_tag_does_not_come_back_as_another_object(attack: Attack, guarded: Repo, server: Repo) -> None:
    old = release(guarded)
    new, data = bare_tag(guarded, GOOD_TAG.replace("rc1", "rc2"), "HEAD")
    data = data.replace(b"rc2", b"rc1", 1)
    for told in (ZERO, "5" * OID_DIGITS, new):
        answer = attack(f"{told} {oid_of('tag', data)} {TAG}", objects=[("tag", data)])
        assert stored(server, TAG) == old and not answer.took(TAG), answer.said


def test_two_lines_for_one_ref(attack: Attack, guarded: Repo, server: Repo) -> None:
    old = release(guarded)
    answer = attack(f"{old} {old} {TAG}", f"{old} {ZERO} {TAG}")
    assert stored(server, TAG) == old, answer.said


def test_a_deletion_whose_object_is_missing(guarded: Repo, server: Repo) -> None:
    """A clear sentence, and not `the check fell over`."""
    old = release(guarded)
    server.git("unpack-objects", "-q", check=None)
    for pack in (server.path / "objects/pack").glob("*"):
        pack.chmod(0o644)
    (server.path / "objects" / old[:2] / old[2:]).unlink()
    answer = push(server.path, [f"{old} {ZERO} {TAG}"], server.environ)
    assert "fell over" not in answer.said and "fault of envhooks" not in answer.said
    assert not answer.took(TAG) and "is not deleted" in answer.said, answer.said


# ----------------------------------------------------------------------------- a main that never moves


@pytest.mark.parametrize("told", ["zero", "a line feed in a name", "the truth, refused by git"])
def test_a_main_that_never_moves_carries_no_tag(
    told: str, attack: Attack, guarded: Repo, server: Repo
) -> None:
    evil = side(guarded)
    tag, data = bare_tag(guarded, GOOD_TAG, evil)
    objects = [*closure(guarded, evil, "main"), ("tag", data)]
    main = stored(server, "refs/heads/main")
    lines: list[str | bytes]
    if told == "zero":
        lines = [f"{ZERO} {evil} refs/heads/main"]
    elif told == "a line feed in a name":
        lines = [f"{ZERO} {evil} refs/heads/x\n{main} {evil} refs/heads/main".encode()]
    else:
        update = server.path / "hooks/update"
        update.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ]\n')
        update.chmod(0o755)
        lines = [f"{main} {evil} refs/heads/main"]
    for order in ([*lines, f"{ZERO} {tag} {TAG}"], [f"{ZERO} {tag} {TAG}", *lines]):
        for atomic in (False, True):
            answer = attack(*order, objects=objects, atomic=atomic)
            assert not stored(server, TAG), answer.said
            assert stored(server, "refs/heads/main") == main


def test_a_main_that_moves_carries_its_tag(guarded: Repo, server: Repo) -> None:
    for atomic in ((), ("--atomic",)):
        number = 1 if atomic else 2
        tag = f"PyTorch-CUDA-v2.8-rc{number}" if atomic else "PyTorch-CUDA-v2.8-rc1"
        tag = "PyTorch-CUDA-v2.8-rc2" if atomic else tag
        guarded.commit_files({"new": str(number)}, "To be released")
        guarded.git("tag", "-s", tag, "-m", "A release")
        done = guarded.try_git("push", *atomic, "origin", "main", tag)
        assert done.code == 0, done.err
        assert server.has_tag(tag)
    assert not [file for file in (server.path / "envhooks/relook").iterdir() if file.name != ".keep"]


@pytest.mark.parametrize("how", ["update hook", "denyNonFastForwards and a checked-out branch"])
def test_where_the_server_refuses_main_the_tag_is_refused_too(how: str, guarded: Repo, server: Repo) -> None:
    if how == "update hook":
        update = server.path / "hooks/update"
        update.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ]\n')
        update.chmod(0o755)
    else:
        server.git("config", "core.bare", "false")
        server.git("config", "receive.denyCurrentBranch", "refuse")
    evil = side(guarded)
    tag, _ = bare_tag(guarded, GOOD_TAG, evil)
    guarded.git("update-ref", TAG, tag)
    done = guarded.try_git("push", "--no-verify", "origin", "side:main", GOOD_TAG)
    assert done.code != 0
    assert not stored(server, TAG), done.err
    assert "only if this push moves it" in done.err


def test_without_the_second_look_a_tag_needs_a_stored_main(guarded: Repo, server: Repo) -> None:
    (server.path / "hooks/reference-transaction").unlink()
    guarded.commit_files({"new": "1"}, "To be released")
    guarded.git("tag", "-s", GOOD_TAG, "-m", "A release")
    done = guarded.try_git("push", "--atomic", "origin", "main", GOOD_TAG)
    assert done.code != 0 and "does not look again" in done.err
    guarded.git("push", "-q", "origin", "main")
    guarded.git("push", "-q", "origin", GOOD_TAG)


# ------------------------------------------------------------------------------------------- order


def test_a_release_is_not_hidden_from_the_order_of_versions(
    attack: Attack, guarded: Repo, server: Repo
) -> None:
    stable = release(guarded, STABLE)
    tag, data = bare_tag(guarded, "PyTorch-CUDA-v2.8-rc2", "HEAD")
    for new in (stable, ZERO, tag):  # a line that changes nothing, a deletion, a move
        line = f"{stable} {new} refs/tags/{STABLE}"
        answer = attack(line, f"{ZERO} {tag} refs/tags/PyTorch-CUDA-v2.8-rc2", objects=[("tag", data)])
        assert not stored(server, "refs/tags/PyTorch-CUDA-v2.8-rc2"), answer.said
        assert "tag-order" in answer.said and stored(server, f"refs/tags/{STABLE}") == stable


# ----------------------------------------------------------------------- refs that look like a release

LOOKALIKES = [
    f"refs/heads/{GOOD_TAG}",
    f"refs/heads/{GOOD_TAG.lower()}",
    "refs/heads/PyTorch-CUDA-v9.9",
    f"refs/{GOOD_TAG}",
    f"refs/tags/{GOOD_TAG.upper()}",
    "refs/replace/" + "a" * OID_DIGITS,
]


def test_no_other_ref_takes_the_name_of_a_release(attack: Attack, guarded: Repo, server: Repo) -> None:
    release(guarded)
    for ref in LOOKALIKES:
        answer = attack(f"{ZERO} {server.git('rev-parse', 'main')} {ref}")
        assert not answer.took(ref) and not stored(server, ref), answer.said


def test_nor_by_an_ordinary_push(guarded: Repo, server: Repo) -> None:
    guarded.git("branch", GOOD_TAG)
    done = guarded.try_git("push", "origin", f"refs/heads/{GOOD_TAG}")
    assert done.code != 0 and "branch of a release's name" in done.err
    run(["sh", "-c", done.fixes[0]], guarded.path, guarded.environ, check=True)
    assert guarded.try_git("push", "origin", f"work/{GOOD_TAG}").code == 0
    assert guarded.try_git("push", "origin", "HEAD:refs/heads/feature/v2.8").code == 0


def test_such_a_branch_can_be_deleted(guarded: Repo, server: Repo) -> None:
    server.git("update-ref", f"refs/heads/{GOOD_TAG}", "main")
    assert guarded.try_git("push", "origin", f":refs/heads/{GOOD_TAG}").code == 0


# ------------------------------------------------------------------------------- symbolic refs


def test_an_alias_does_not_go_round_the_protected_branch(attack: Attack, guarded: Repo, server: Repo) -> None:
    server.git("symbolic-ref", "refs/heads/master", "refs/heads/main")
    server.git("symbolic-ref", "refs/heads/other", "refs/heads/master")
    main = stored(server, "refs/heads/main")
    guarded.git("switch", "-q", "-c", "away")
    guarded.git("rm", "-q", ".envhooks/allowed_signers")
    evil = guarded.commit("Nobody signs")
    for alias in ("master", "other"):
        answer = attack(f"{main} {evil} refs/heads/{alias}", objects=closure(guarded, evil, "main"))
        assert stored(server, "refs/heads/main") == main, answer.said
        answer = attack(f"{main} {ZERO} refs/heads/{alias}")
        assert stored(server, "refs/heads/main") == main, answer.said


def test_an_alias_of_a_tag(attack: Attack, guarded: Repo, server: Repo) -> None:
    old = release(guarded)
    server.git("symbolic-ref", "refs/heads/alias", TAG)
    main = server.git("rev-parse", "main")
    for line in (f"{old} {main} refs/heads/alias", f"{old} {ZERO} refs/heads/alias"):
        answer = attack(line)
        assert stored(server, TAG) == old, answer.said


def test_an_alias_that_leads_nowhere_yet(attack: Attack, guarded: Repo, server: Repo) -> None:
    """What is pushed to it makes the ref behind it."""
    server.git("symbolic-ref", "refs/heads/alias", TAG)
    answer = attack(f"{ZERO} {server.git('rev-parse', 'main')} refs/heads/alias")
    assert not stored(server, TAG), answer.said


# ----------------------------------------------------------------------------------- rewinding main


@pytest.mark.parametrize("how", ["rewound", "replaced", "deleted"])
def test_main_is_not_taken_from_below_a_release(how: str, guarded: Repo, server: Repo) -> None:
    server.git("config", "receive.denyDeleteCurrent", "ignore")
    first = guarded.git("rev-parse", "main")
    guarded.commit_files({"new": "1"}, "To be released")
    guarded.put("main")
    release(guarded)
    main = stored(server, "refs/heads/main")
    other = guarded.git("commit-tree", "main^{tree}", "-p", first, "-m", "Another history")
    target = {
        "rewound": f"+{first}:refs/heads/main",
        "replaced": f"+{other}:refs/heads/main",
        "deleted": ":main",
    }[how]
    if how != "deleted":
        said = guarded.try_git("push", "--dry-run", "origin", target).err
        assert "would no longer hold 1 published release" in said
    done = guarded.try_git("push", "--no-verify", "origin", target)
    assert done.code != 0 and stored(server, "refs/heads/main") == main, done.err
    assert "published release" in done.err or "take the" in done.err


def test_main_may_be_rewound_above_its_releases(guarded: Repo, server: Repo) -> None:
    release(guarded)
    tip = guarded.git("rev-parse", "main")
    guarded.commit_files({"new": "1"}, "A mistake")
    guarded.put("main")
    assert guarded.try_git("push", "origin", f"+{tip}:refs/heads/main").code == 0


# ------------------------------------------------------------------------------------ namespaces


def test_a_namespace_is_not_judged_by_the_whole_repository(guarded: Repo, server: Repo) -> None:
    tag, data = bare_tag(guarded, GOOD_TAG, "HEAD")
    environ = {**server.environ, "GIT_NAMESPACE": "team"}
    answer = push(server.path, [f"{ZERO} {tag} {TAG}"], environ, objects=[("tag", data)])
    assert not answer.took(TAG) and "namespace" in answer.said


# --------------------------------------------------------------------------------------- pictures


def test_a_good_push_of_everything_at_once(guarded: Repo, server: Repo) -> None:
    guarded.commit_files({"Dockerfile": DOCKERFILE + "# more\n"}, "More")
    guarded.git("tag", "-s", GOOD_TAG, "-m", "A release")
    guarded.git("branch", "feature")
    done = guarded.try_git("push", "origin", "main", "feature", GOOD_TAG)
    assert done.code == 0, done.err
