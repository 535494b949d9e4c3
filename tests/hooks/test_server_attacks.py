"""Attacks on a server's gate by accounts that may push and may not sign: by waiting, by names, by refs that never are.

A push is judged when it comes in and taken some time later; a client can make that time as long as it likes. An
`update` hook that waits stands for all of it.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from raw_client import Answer, oid_of, push
from smart_http import serve
from support import GOOD_TAG, OID_DIGITS, ZERO, Repo, run
from test_server_beliefs import BROKEN_TAG, bare_tag, closure, release, release_judged, side, stored

TAG = f"refs/tags/{GOOD_TAG}"
MAIN = "refs/heads/main"
STABLE = "PyTorch-CUDA-v2.8"
OTHER = GOOD_TAG.replace("rc1", "rc2")
Send = Callable[..., Answer]


@pytest.fixture
def send(guarded: Repo, server: Repo) -> Send:
    """Sends lines to the server's folder, past every client hook; `guarded` has the hooks on both sides."""

    def lines(*told: str | bytes, **more: object) -> Answer:
        return push(server.path, told, server.environ, **more)  # type: ignore[arg-type]

    return lines


@pytest.fixture
def by_http(guarded: Repo, server: Repo) -> Iterator[str]:
    server.git("config", "http.receivepack", "true")
    with serve(server.path.parent, server.environ) as url:
        yield f"{url}/{server.path.name}"


def policy(repo: Repo, text: str) -> None:
    """The policy file on main, published: what a test begins with, and no hook is asked."""
    repo.commit_files({".envhooks/policy.toml": text}, "A policy")
    repo.put("main")


def update_hook(server: Repo, body: str) -> Path:
    """The server's own `update` hook: $1 is the ref."""
    file = server.path / "hooks/update"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


class Held:
    """A push in another thread, held by the server's `update` hook at one of its refs."""

    def __init__(self, server: Repo, ref: str, before: str = "") -> None:
        self.folder = server.path.parent / "waiting"
        self.folder.mkdir()
        held, go = self.folder / "held", self.folder / "go"
        self.hook = update_hook(
            server,
            f"{before}\n[ -e '{held}' ] && exit 0\n"
            f"case $1 in {ref}) touch '{held}'; while [ ! -e '{go}' ]; do sleep 0.05; done;; esac",
        )
        self.answer: Answer | None = None

    @contextmanager
    def push(self, attempt: Callable[[], Answer]) -> Iterator[bool]:
        """Starts the push; yields whether it waits (or was refused before). Goes on with it afterwards."""

        def work() -> None:
            self.answer = attempt()

        thread = threading.Thread(target=work)
        thread.start()
        end = time.monotonic() + 60
        while thread.is_alive() and not (self.folder / "held").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        is_waiting = thread.is_alive()
        (self.folder / "held").touch()  # nobody else is held
        try:
            yield is_waiting
        finally:
            (self.folder / "go").touch()
            thread.join(60)
        assert self.answer is not None, "the push did not end"


def lies_on_main(server: Repo, tag: str = TAG, *branches: str) -> bool:
    """Whether a tag that is there lies on a protected branch; true where there is none."""
    if not stored(server, tag):
        return True
    names = [name for name in branches or (MAIN,) if stored(server, name)]
    return any(
        server.try_git("merge-base", "--is-ancestor", f"{tag}^{{commit}}", name).code == 0 for name in names
    )


# ------------------------------------------------------------------------------ deletions that wait

NOTHING = {
    "nothing": (ZERO, ()),
    "a broken object": (oid_of("tag", BROKEN_TAG), [("tag", BROKEN_TAG)]),
    "an object that nobody has": ("5" * OID_DIGITS, ()),
}


@pytest.mark.parametrize("told", NOTHING)
@pytest.mark.parametrize("what", ["a tag", "a protected branch"])
def test_a_deletion_does_not_wait_for_what_comes_in(
    told: str, what: str, send: Send, guarded: Repo, server: Repo
) -> None:
    policy(guarded, 'branch = ["main", "release/*"]\n')
    ref = TAG if what == "a tag" else "refs/heads/release/1"
    old, objects = NOTHING[told]
    beside = [f"{ZERO} {stored(server, MAIN)} refs/heads/beside"] if objects else []
    held = Held(server, ref)
    with held.push(lambda: send(f"{old} {ZERO} {ref}", *beside, objects=objects)):
        if what == "a tag":
            release_judged(guarded)
        else:
            guarded.git("push", "-q", "origin", "main:refs/heads/release/1")
    assert stored(server, ref), held.answer


def test_what_is_no_release_is_deleted_without_an_old_id(send: Send, guarded: Repo, server: Repo) -> None:
    """Git allows it, as the way out of a damaged ref."""
    guarded.put("main:refs/heads/feature", "main:refs/notes/x")
    for ref in ("refs/heads/feature", "refs/notes/x"):
        assert send(f"{ZERO} {ZERO} {ref}").took(ref)
        assert not stored(server, ref)


# ------------------------------------------------------------------------- what changes meanwhile


@pytest.mark.parametrize("name", ["refs/heads/x", "refs/tags/other", "refs/notes/x", "refs/pull/1/head"])
def test_the_tag_object_under_another_name_changes_nothing(
    name: str, send: Send, guarded: Repo, server: Repo
) -> None:
    policy(guarded, '[tag]\nignore = ["other"]\n')
    evil = side(guarded)
    tag, data = bare_tag(guarded, GOOD_TAG, evil)
    objects = [*closure(guarded, evil, "main"), ("tag", data)]
    main = stored(server, MAIN)
    held = Held(server, TAG, f'[ "$1" = {MAIN} ] && exit 1')
    lines = [f"{main} {evil} {MAIN}", f"{ZERO} {tag} {TAG}"]
    with held.push(lambda: send(*lines, objects=objects)):
        send(f"{ZERO} {tag} {name}", objects=objects)
    assert not stored(server, TAG), held.answer


@pytest.mark.parametrize("waits", ["the rewind", "the tag"])
@pytest.mark.parametrize("how", ["back", "away"])
def test_a_release_and_a_rewind_at_the_same_time(
    waits: str, how: str, send: Send, guarded: Repo, server: Repo
) -> None:
    policy(guarded, 'branch = ["main", "release/*"]\n')
    branch = MAIN if how == "back" else "refs/heads/release/1"
    first = guarded.git("rev-parse", "HEAD")
    second = guarded.commit_files({"new": "1"}, "To be released")
    guarded.put(f"HEAD:{branch}")
    tag, data = bare_tag(guarded, GOOD_TAG, second)
    there = first if how == "back" else ZERO
    rewind: Callable[[], Answer] = lambda: send(f"{second} {there} {branch}")  # noqa: E731
    take: Callable[[], Answer] = lambda: send(f"{ZERO} {tag} {TAG}", objects=[("tag", data)])  # noqa: E731
    one, other = (rewind, take) if waits == "the rewind" else (take, rewind)
    held = Held(server, branch if waits == "the rewind" else TAG)
    with held.push(one) as is_waiting:
        assert is_waiting, held.answer
        assert "ok" in other().refs.values()
    assert held.answer and "ok" not in held.answer.refs.values()
    assert lies_on_main(server, TAG, MAIN, branch), held.answer
    assert "envhooks" in held.answer.said


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize("order", [1, -1])
def test_a_release_and_a_rewind_in_one_push(
    atomic: bool, order: int, send: Send, guarded: Repo, server: Repo
) -> None:
    first = guarded.git("rev-parse", "HEAD")
    second = guarded.commit_files({"new": "1"}, "To be released")
    guarded.put("main")
    tag, data = bare_tag(guarded, GOOD_TAG, second)
    lines = [f"{second} {first} {MAIN}", f"{ZERO} {tag} {TAG}"][::order]
    answer = send(*lines, objects=[("tag", data)], atomic=atomic)
    assert lies_on_main(server), answer.said


def test_versions_are_compared_when_the_push_comes_in(send: Send, guarded: Repo, server: Repo) -> None:
    """A candidate that waits comes after the release: git takes the tags of one push one by one, in any order.

    The second look cannot tell a release of the same push from one that came in meanwhile, and refusing both would
    break `git push --tags`. The next audit does not judge the order of what stands there either.
    """
    tag, data = bare_tag(guarded, GOOD_TAG, "HEAD")
    held = Held(server, TAG)
    with held.push(lambda: send(f"{ZERO} {tag} {TAG}", objects=[("tag", data)])) as is_waiting:
        assert is_waiting, held.answer
        release_judged(guarded, STABLE)
    assert stored(server, TAG), held.answer
    # the same release by another name is compared again, for no push may bring both
    twin, bytes_of = bare_tag(guarded, f"{STABLE}.0", "HEAD")
    assert not stored(server, f"refs/tags/{STABLE}.0")
    send(f"{ZERO} {twin} refs/tags/{STABLE}.0", objects=[("tag", bytes_of)])
    assert not stored(server, f"refs/tags/{STABLE}.0")


def test_a_key_that_is_revoked_meanwhile_signs_nothing(send: Send, guarded: Repo, server: Repo) -> None:
    tag, data = bare_tag(guarded, GOOD_TAG, "HEAD")
    held = Held(server, TAG)
    stranger = (Path(guarded.environ["HOME"]) / "stranger.pub").read_text()
    with held.push(lambda: send(f"{ZERO} {tag} {TAG}", objects=[("tag", data)])) as is_waiting:
        assert is_waiting, held.answer
        guarded.commit_files({".envhooks/allowed_signers": f"bob@example.org {stranger}"}, "Bob alone")
        guarded.git("push", "-q", "origin", "main")
    assert not stored(server, TAG), held.answer


def test_a_branch_does_not_wait_for_the_tag_that_it_would_hide(
    send: Send, guarded: Repo, server: Repo
) -> None:
    policy(guarded, '[tag]\nignore = ["nightly*"]\n')
    tip = stored(server, MAIN)
    held = Held(server, "refs/heads/nightly")
    with held.push(lambda: send(f"{ZERO} {tip} refs/heads/nightly")):
        guarded.git("tag", "nightly")
        guarded.git("push", "-q", "origin", "nightly")
        assert stored(server, "refs/tags/nightly")
    # no release, and none of the gate's business
    assert stored(server, "refs/heads/nightly"), held.answer


# ---------------------------------------------------------------- branches that never come into being

NEVER: dict[str, Callable[[str, str], Sequence[str]]] = {
    "two dots": lambda tip, tag: [f"{ZERO} {tip} refs/heads/release/a..b"],
    ".lock": lambda tip, tag: [f"{ZERO} {tip} refs/heads/release/x.lock"],
    "a folder of the same name": lambda tip, tag: [f"{ZERO} {tip} refs/heads/release/y/z"],
    "a branch below a branch": lambda tip, tag: [
        f"{ZERO} {tip} refs/heads/release/q",
        f"{ZERO} {tip} refs/heads/release/q/r",
    ],
    "a tag object": lambda tip, tag: [f"{ZERO} {tag} refs/heads/release/t"],
    "no object": lambda tip, tag: [f"{ZERO} {'5' * OID_DIGITS} refs/heads/release/u"],
    "one that is there": lambda tip, tag: [f"{ZERO} {tip} refs/heads/release/y"],
    "a dash": lambda tip, tag: [f"{ZERO} {tip} refs/heads/release/-/.x"],
}


class Released(NamedTuple):
    """A server that protects `main` and `release/*`, with a release, and what an attacker has beside it."""

    folder: Path
    commits: tuple[str, str]
    """Of main: below the release, and its own."""
    tag: str
    evil: str
    """A commit that was never merged."""
    evil_tag: str
    objects: Sequence[tuple[str, bytes]]


@pytest.fixture(scope="module")
def released(
    guarded_template: Path, tmp_path_factory: pytest.TempPathFactory, session_environ: dict[str, str]
) -> Released:
    folder = tmp_path_factory.mktemp("released") / "repos"
    shutil.copytree(guarded_template, folder, symlinks=True)
    clone = Repo(folder / "clone", session_environ)
    policy(clone, 'branch = ["main", "release/*"]\n')
    first = clone.git("rev-parse", "HEAD")
    clone.put("main:refs/heads/release/y")
    second = clone.commit_files({"new": "1"}, "To be released")
    clone.put("main")
    tag, evil = release(clone), side(clone)
    evil_tag, data = bare_tag(clone, OTHER, evil)
    return Released(
        folder, (first, second), tag, evil, evil_tag, [*closure(clone, evil, "main"), ("tag", data)]
    )


@pytest.mark.parametrize("never", NEVER)
@pytest.mark.parametrize("atomic", [False, True])
def test_a_branch_that_never_comes_into_being_protects_nothing(
    never: str, atomic: bool, released: Released, tmp_path: Path, environ: dict[str, str]
) -> None:
    shutil.copytree(released.folder, tmp_path / "repos", symlinks=True)
    server = Repo(tmp_path / "repos" / "server.git", environ)
    first, second = released.commits
    protected = [MAIN, "refs/heads/release/y", "refs/heads/release/q"]
    for order in (1, -1):
        lines = [f"{second} {first} {MAIN}", *NEVER[never](second, released.tag)][::order]
        answer = push(server.path, lines, environ, atomic=atomic)
        assert lies_on_main(server, TAG, *protected), answer
        server.git("update-ref", MAIN, second)
        server.git("update-ref", "-d", "refs/heads/release/q")
    other = f"refs/tags/{OTHER}"
    for order in (1, -1):
        lines = [f"{ZERO} {released.evil_tag} {other}", *NEVER[never](released.evil, released.evil_tag)][
            ::order
        ]
        answer = push(server.path, lines, environ, objects=released.objects, atomic=atomic)
        assert lies_on_main(server, other, *protected), answer
        server.git("update-ref", "-d", "refs/heads/release/q")


@pytest.mark.parametrize("storage", ["as it is", "packed"])
def test_a_new_protected_branch_and_its_tag_at_once(storage: str, guarded: Repo, server: Repo) -> None:
    policy(guarded, 'branch = ["main", "release/*"]\n')
    if storage == "packed":
        server.git("pack-refs", "--all")
    guarded.git("switch", "-q", "-c", "release/2.8")
    guarded.commit_files({"new": "1"}, "To be released")
    guarded.git("tag", "-s", GOOD_TAG, "-m", "A release", check=None)
    if not guarded.has_tag(GOOD_TAG):
        tag, _ = bare_tag(guarded, GOOD_TAG, "HEAD")
        guarded.git("update-ref", TAG, tag)
    done = guarded.try_git("push", "--atomic", "origin", "release/2.8", GOOD_TAG)
    assert done.code == 0, done.err
    assert stored(server, TAG) and stored(server, "refs/heads/release/2.8")


def test_where_the_new_branch_is_refused_its_tag_is_too(guarded: Repo, server: Repo) -> None:
    policy(guarded, 'branch = ["main", "release/*"]\n')
    update_hook(server, "case $1 in refs/heads/*) exit 1;; esac")
    evil = side(guarded)
    tag, _ = bare_tag(guarded, GOOD_TAG, evil)
    guarded.git("update-ref", TAG, tag)
    for atomic in ((), ("--atomic",)):
        done = guarded.try_git(
            "push", "--no-verify", *atomic, "origin", "side:refs/heads/release/1", GOOD_TAG
        )
        assert done.code != 0 and not stored(server, TAG), done.err


# ------------------------------------------------------------------ names that are taken for another

ZWJ = "\u200d"
TAKEN_FOR_ANOTHER = [
    f"refs/heads/tags/{GOOD_TAG}",
    f"refs/heads/refs/tags/{GOOD_TAG}",
    f"refs/heads/heads/{GOOD_TAG}",
    f"refs/tags/tags/{GOOD_TAG}",
    f"refs/tags/refs/tags/{GOOD_TAG}",
    f"refs/refs/tags/{GOOD_TAG}",
    f"refs/tags/heads/{GOOD_TAG}",
    f"refs/remotes/{GOOD_TAG}",
    f"refs/remotes/{GOOD_TAG}/HEAD",
    f"refs/heads/{GOOD_TAG}{ZWJ}",
    f"refs/heads/{GOOD_TAG.replace('CUDA', 'CU' + ZWJ + 'DA')}",
    f"refs/tags/{GOOD_TAG}{ZWJ}",
    f"refs/heads/tag\u200cs/{GOOD_TAG}",
    f"refs/Tags/{GOOD_TAG}",
    f"refs/TAGS/{GOOD_TAG}",
    "refs/Tags/PyTorch-CUDA-v9.9",
    f"refs/tags\ufeff/{GOOD_TAG}",
    f"refs/Heads/{GOOD_TAG}",
    "refs/heads/MAIN",
    "refs/heads/Main",
    f"refs/heads/ma{ZWJ}in",
    "refs/heads\u200e/main",
    "refs/Heads/main",
    "refs/HEADS/main",
    "refs/heads./main",
    "refs/heads/heads/main",
    "refs/heads/refs/heads/main",
    "refs/tags/main",
    "refs/tags/MAIN",
    "refs/tags/heads/main",
    "refs/tags/refs/heads/main",
    "refs/main",
    "refs/remotes/main",
    "refs/remotes/main/HEAD",
    "refs/Replace/" + "a" * OID_DIGITS,
    # in a clone `origin/main` is the tag then, and not what was fetched
    "refs/tags/origin/main",
    "refs/tags/upstream/Main",
    "refs/tags/remotes/origin/main",
    # git keeps no ref whose name is a folder of another's: the release, or the records, could not come any more
    "refs/tags/PyTorch-CUDA-v9.9/x",
    "refs/tags/PyTorch-CUDA-v9.9/x/y",
    "refs/notes/envhooks/x",
    "refs/Notes/envhooks/x",
]


@pytest.mark.parametrize("published", [True, False])
def test_names_that_are_taken_for_another(published: bool, send: Send, guarded: Repo, server: Repo) -> None:
    policy(guarded, '[tag]\nignore = ["main", "MAIN", "heads*", "r*", "origin*", "up*", "*/*"]\n')
    names = TAKEN_FOR_ANOTHER
    if published:
        release(guarded)
        names = [ref for ref in names if "main" not in ref.lower()]  # to which a release is nothing
    tip = stored(server, MAIN)
    taken = []
    for ref in names:
        answer = send(f"{ZERO} {tip} {ref}")
        if answer.took(ref) or "envhooks" not in answer.said or "Traceback" in answer.said:
            taken.append((ref, answer.said))
    assert not taken, taken
    assert stored(server, MAIN) == tip


TAKEN_FOR_NO_OTHER = [
    "refs/heads/mainline",
    "refs/heads/feature/main",
    "refs/heads/maintenance/PyTorch",
    f"refs/heads/work/{GOOD_TAG}",
    "refs/heads/tags/feature",
    "refs/heads/über",
    "refs/remotes/origin/main",
    "refs/remotes/origin/HEAD",
    f"refs/remotes/origin/work/{GOOD_TAG}",
    "refs/heads/HEAD-of-things",
    "refs/notes/main",
    "refs/notes/envhooks-of-others",
    "refs/pull/1/head",
    "refs/heads/origin/main",
    "refs/tags/origin/mainline",
    "refs/tags/nightly/PyTorch-CUDA-v9.9",
]


def test_names_that_are_taken_for_no_other(send: Send, guarded: Repo, server: Repo) -> None:
    """All in one push, which takes all or nothing."""
    policy(guarded, '[tag]\nignore = ["*/*"]\n')
    release(guarded)
    answer = send(*(f"{ZERO} {stored(server, MAIN)} {ref}" for ref in TAKEN_FOR_NO_OTHER))
    assert all(answer.took(ref) for ref in TAKEN_FOR_NO_OTHER), answer.said


@pytest.mark.parametrize("ref", ["refs/Heads/main", f"refs/Tags/{GOOD_TAG}", "refs/heads/MAIN"])
def test_a_deletion_under_another_case(ref: str, send: Send, guarded: Repo, server: Repo) -> None:
    """A file system that ignores case would delete the protected branch, or the tag."""
    tag = release(guarded)
    tip = stored(server, MAIN)
    for old in (ZERO, tip, tag):
        answer = send(f"{old} {ZERO} {ref}")
        assert "envhooks" in answer.said and not answer.took(ref), answer.said
    server.git("update-ref", ref, tip)
    assert send(f"{tip} {ZERO} {ref}").took(ref), "one that is there can go"


STANDING = [
    f"refs/heads/{GOOD_TAG}",
    f"refs/heads/tags/{GOOD_TAG}",
    f"refs/remotes/origin/{GOOD_TAG}",
    f"refs/remotes/origin/tags/{GOOD_TAG}",
    f"refs/remotes/origin/{GOOD_TAG.upper()}",
    "refs/heads/MAIN",
    "refs/heads/heads/main",
    "refs/tags/main",
    f"refs/{GOOD_TAG}",
]


@pytest.mark.parametrize("published", [True, False])
def test_such_names_are_found_where_they_stand(published: bool, good: Repo, server: Repo) -> None:
    policy(good, '[tag]\nignore = ["main"]\n')
    names = STANDING
    if published:
        release(good)
    else:  # in another case it is the name of a release only where the release is there
        names = [ref for ref in names if not ref.endswith(GOOD_TAG.upper())]
    assert good.envhooks("check", "--all").code == 0
    for ref in names:
        good.git("update-ref", ref, "HEAD")
        for command in (("check", "--all"), ("doctor",)):
            done = good.envhooks(*command)
            assert done.code == 1 and ref.removeprefix("refs/") in done.said, done.said
            assert "Traceback" not in done.said
        good.git("update-ref", "-d", ref)


# ------------------------------------------------------------------------ the server in other shapes


def test_one_repository_is_clone_and_server_at_once(good: Repo, server: Repo) -> None:
    good.git("config", "receive.denyCurrentBranch", "ignore")
    good.envhooks("install", check=True)
    good.envhooks("install", "--server", "--branch", "main", check=True)
    refused = good.try_git("tag", "bad")
    assert refused.code != 0 and "the tag was not made" in refused.err
    assert good.try_git("branch", "feature").code == 0
    assert good.try_git("tag", "-s", GOOD_TAG, "-m", "A release").code == 0
    assert good.try_git("push", "origin", GOOD_TAG).code == 0
    good.git("fetch", "-q", "origin")
    good.git("pack-refs", "--all")
    good.git("gc", "-q")
    good.git("tag", "-d", GOOD_TAG)
    other = Repo(good.path.parent / "other", good.environ)
    good.git("clone", "-q", str(good.path), str(other.path))
    other.commit_files({"new": "1"}, "More")
    other.git("tag", "-s", GOOD_TAG, "-m", "A release")
    assert other.try_git("push", "--atomic", "origin", "main", GOOD_TAG).code == 0
    assert good.has_tag(GOOD_TAG)
    assert other.try_git("push", "origin", f":refs/tags/{GOOD_TAG}").code != 0
    assert good.has_tag(GOOD_TAG)


@pytest.mark.parametrize("when", ["at once", "meanwhile"])
def test_warn_mode_refuses_nothing(when: str, send: Send, guarded: Repo, server: Repo) -> None:
    server.git("config", "envhooks.mode", "warn")
    evil = side(guarded)
    tag, data = bare_tag(guarded, GOOD_TAG, evil)
    objects = [*closure(guarded, evil, "main"), ("tag", data)]
    main = stored(server, MAIN)
    held = Held(server, TAG, f'[ "$1" = {MAIN} ] && exit 1')
    lines = [f"{main} {evil} {MAIN}"] if when == "meanwhile" else []
    with held.push(lambda: send(*lines, f"{ZERO} {tag} {TAG}", objects=objects)):
        pass
    assert stored(server, TAG), held.answer
    server.git("config", "envhooks.mode", "warn")
    assert send(f"{ZERO} {ZERO} {TAG}").took(TAG)


@pytest.mark.parametrize("format", ["sha1", "sha256"])
def test_repositories_of_both_hashes(format: str, guarded: Repo, tmp_path: Path) -> None:
    """A repository of SHA-256 has ids of 64 digits, and so has its zero."""
    environ = guarded.environ
    run(["git", "init", "-q", "--bare", f"--object-format={format}", "h.git"], tmp_path, environ, check=True)
    run(["git", "init", "-q", f"--object-format={format}", "-b", "main", "h"], tmp_path, environ, check=True)
    server, clone = Repo(tmp_path / "h.git", environ), Repo(tmp_path / "h", environ)
    for key, value in _own_settings(guarded):
        clone.git("config", key, value)
    listed = guarded.git("ls-tree", "-r", "--name-only", "HEAD").split("\n")
    clone.commit_files({name: (guarded.path / name).read_bytes() for name in listed}, "All")
    clone.git("remote", "add", "origin", str(server.path))
    clone.git("push", "-q", "-u", "origin", "main")
    clone.git("fetch", "-q", "origin")
    server.envhooks("install", "--server", "--branch", "main", check=True)
    policy(clone, 'branch = ["main", "release/*"]\n')
    update = update_hook(server, f'[ "$1" != {MAIN} ]')
    clone.commit_files({"new": "1"}, "To be released")
    clone.git("tag", "-s", GOOD_TAG, "-m", "A release")
    done = clone.try_git("push", "origin", "main", GOOD_TAG)
    assert done.code != 0 and not stored(server, TAG), done.err
    done = clone.try_git("push", "--atomic", "origin", "main:refs/heads/release/1", GOOD_TAG)
    assert done.code == 0 and stored(server, TAG), done.err
    update.unlink()
    done = clone.try_git("push", "origin", ":refs/heads/release/1")
    assert done.code != 0 and stored(server, "refs/heads/release/1"), done.err


def _own_settings(repo: Repo) -> list[tuple[str, str]]:
    listed = repo.git("config", "--local", "--list").split("\n")
    pairs = [line.partition("=")[::2] for line in listed]
    return [(key, value) for key, value in pairs if key.startswith(("user.", "gpg.", "commit.", "tag."))]


def test_a_push_through_an_alias_is_taken(send: Send, guarded: Repo, server: Repo) -> None:
    """The transaction then holds the alias and the branch behind it."""
    server.git("symbolic-ref", "refs/heads/trunk", MAIN)
    main = stored(server, MAIN)
    new = guarded.commit_files({"new": "1"}, "To be released")
    tag, data = bare_tag(guarded, GOOD_TAG, new)
    objects = [*closure(guarded, new, main), ("tag", data)]
    answer = send(f"{main} {new} refs/heads/trunk", f"{ZERO} {tag} {TAG}", objects=objects, atomic=True)
    assert answer.took("refs/heads/trunk") and stored(server, MAIN) == new, answer.said
    assert stored(server, TAG) == tag, answer.said


def test_an_old_copy_of_the_hook_carries_no_main(guarded: Repo, server: Repo) -> None:
    """A package that was upgraded where the hooks were not installed again."""
    copy = server.path / "envhooks/reference-transaction"
    copy.write_text("#!/bin/sh\nexit 0\n")
    guarded.commit_files({"new": "1"}, "To be released")
    guarded.git("tag", "-s", GOOD_TAG, "-m", "A release")
    done = guarded.try_git("push", "--atomic", "origin", "main", GOOD_TAG)
    assert done.code != 0 and "envhooks install --server" in done.err, done.err
    server.envhooks("install", "--server", check=True)
    assert guarded.try_git("push", "--atomic", "origin", "main", GOOD_TAG).code == 0


def test_what_the_owner_of_the_server_does_is_not_asked(guarded: Repo, server: Repo) -> None:
    release(guarded)
    server.git("pack-refs", "--all")
    server.git("gc", "-q")
    server.git("update-ref", "refs/tags/bad", "main")
    server.git("tag", "worse")
    server.git("update-ref", "-d", TAG)


# ------------------------------------------------------------------------------- what a pusher reads


def test_the_reason_reaches_a_pusher_by_http(by_http: str, guarded: Repo, server: Repo) -> None:
    """Where the second look refuses by HTTP, git lets its client wait: what can be refused before is."""
    guarded.git("remote", "set-url", "origin", by_http)
    update_hook(server, f'[ "$1" != {MAIN} ]')
    evil = side(guarded)
    tag, _ = bare_tag(guarded, GOOD_TAG, evil)
    guarded.git("update-ref", TAG, tag)
    done = guarded.try_git("push", "--no-verify", "origin", "side:main", GOOD_TAG)
    assert done.code != 0 and not stored(server, TAG), done.err
    assert "the server's update hook may refuse that" in done.err, done.err
    assert "advice: git push, of the branch alone; then of the tag" in done.err


@pytest.mark.parametrize("atomic", [(), ("--atomic",)])
def test_a_good_push_by_http_says_nothing_of_the_tag(
    atomic: tuple[str, ...], by_http: str, guarded: Repo, server: Repo
) -> None:
    guarded.git("remote", "set-url", "origin", by_http)
    guarded.commit_files({"new": "1"}, "To be released")
    guarded.git("tag", "-s", GOOD_TAG, "-m", "A release")
    done = guarded.try_git("push", *atomic, "origin", "main", GOOD_TAG)
    assert done.code == 0 and "envhooks" not in done.err, done.err
    assert stored(server, TAG)
