"""What is collected of a tag: by each hook, of a tag that is made, moved, deleted or stands."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support import DOCKERFILE, OID_DIGITS, Repo

from envhooks.base.dataclass import replace
from envhooks.base.refs import Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.judge.collect import NO_OBJECT, collect, release_tags, standing
from envhooks.judge.facts import Ancestry, Inapplicable, Publication, Subject, TagObject, Unknown
from envhooks.judge.names import SHALLOW, Draft
from envhooks.policy.trust import TrustContext, trust_context
from envhooks.signatures import Verdict
from envhooks.signatures.payload import Annotation
from envhooks.tagname.names import Naming

NAME = "PyTorch-CUDA-v2.8"
TAG = f"refs/tags/{NAME}"
RC1, RC2 = f"{TAG}-rc1", f"{TAG}-rc2"
MAIN = "refs/heads/main"
GONE = "1" * OID_DIGITS


@pytest.fixture
def git(good: Repo) -> Iterator[Git]:
    with Git.open(good.path) as git:
        yield git


def made(repo: Repo, name: str, at: str = "HEAD") -> str:
    """Id of a tag object that no ref names."""
    repo.git("tag", "-a", "-m", "x", name, at)
    oid = repo.git("rev-parse", f"refs/tags/{name}")
    repo.git("tag", "-d", name)
    return oid


def of(
    git: Git, trust: TrustContext, *updates: tuple[str, str | None, str | None], reads: str
) -> tuple[Subject, ...]:
    return collect(git, trust, [RefUpdate(*update) for update in updates], reads.split())


# -------------------------------------------------------------------------------------- publication


def test_what_is_known_of_a_publication(good: Repo, git: Git) -> None:
    one, two = made(good, NAME), made(good, f"{NAME}-rc1")
    trust = {hook: trust_context(git, hook, (), "origin") for hook in (Hook.TAG, Hook.PUSH, Hook.CHECK)}
    trust[Hook.RECEIVE] = replace(trust[Hook.TAG], hook=Hook.RECEIVE, remote=None)

    def known(hook: Hook, old: str | None, new: str | None, **more: object) -> Publication | Unknown:
        given = replace(trust[hook], **more)  # type: ignore[arg-type]
        (subject,) = of(git, given, (TAG, old, new), reads="publication")
        found = subject.facts["publication"]
        assert isinstance(found, (Publication, Unknown))
        return found

    there = "the remote has it"
    for hook in trust:
        remote = "" if hook is Hook.RECEIVE else "origin"
        is_told = hook in (Hook.PUSH, Hook.RECEIVE)
        here = hook is not Hook.TAG
        assert known(hook, None, one) == Publication(False, here=here, remote=remote)
        for new in (two, None):
            how = there if is_told else ""
            assert known(hook, one, new) == Publication(is_told, how, remote=remote)
        assert known(hook, one, one, fetched=frozenset((TAG,))) == Publication(True, there, remote=remote)
        assert known(hook, None, one, fetched=frozenset((RC1,))) == known(hook, None, one)
        stands = known(hook, one, one)
        unasked = not is_told and hook is not Hook.RECEIVE
        assert stands == Publication(is_told, there * is_told, unasked=unasked, remote=remote)
        asked = known(hook, one, one, asked=True)
        assert asked == Publication(is_told, there * is_told, remote=remote)
        alone = known(hook, one, one, remote=None)
        assert isinstance(alone, Publication) and not alone.unasked and alone.remote == ""


def test_what_tags_lock_says_of_it(good: Repo) -> None:
    oid, other = made(good, NAME), made(good, f"{NAME}-rc1")
    argv = ["git", "cat-file", "tag", oid]
    data = subprocess.run(argv, cwd=good.path, env=good.environ, capture_output=True, check=True).stdout
    digest = hashlib.sha256(data).hexdigest()
    lines = (
        f"{TAG} {oid} {'b' * 64} alice", f"{RC1} {other} {'c' * 64} legacy older than the policy",
        f"{RC2} {GONE} {'d' * 64} alice", f"refs/tags/old {oid} {digest} alice",
    )  # fmt: skip
    good.commit_files(
        {
            ".envhooks/tags.lock": "".join(f"{line}\n" for line in lines),
            ".envhooks/policy.toml": '[tag]\nignore = ["old", "v*"]\n',
        }
    )
    good.git("push", "-q", "origin", "main")
    with Git.open(good.path) as git:
        trust = trust_context(git, Hook.CHECK)

        def known(ref: str, old: str | None, new: str | None, hook: Hook = Hook.CHECK) -> object:
            (subject,) = of(git, replace(trust, hook=hook), (ref, old, new), reads="publication")
            return subject.facts["publication"]

        listed = Publication(True, "tags.lock lists it", remote="origin")
        first = replace(listed, locked_oid=oid, locked_sha256="b" * 64)
        assert known(TAG, oid, oid) == replace(first, sha256=digest), "of the bytes that stand here"
        assert known(TAG, other, other) == known(TAG, oid, None) == known(TAG, None, other) == first
        told = replace(first, how="the remote has it", sha256=digest)
        assert known(TAG, oid, oid, Hook.PUSH) == known(TAG, oid, oid, Hook.RECEIVE) == told
        legacy = known(RC1, oid, oid)
        assert legacy == replace(
            listed, locked_oid=other, locked_sha256="c" * 64, legacy="older than the policy"
        )
        ignored = known("refs/tags/old", oid, oid)
        assert ignored == replace(listed, locked_oid=oid, locked_sha256=digest, sha256=digest, ignored=True)
        missing = known(RC2, GONE, GONE)
        assert missing == Unknown(f"the tag's object {GONE} is not in this repository", "git fetch --refetch")
        assert release_tags(
            [RefUpdate(ref, None, oid) for ref in (TAG, "refs/tags/old", "refs/tags/v1", MAIN)],
            trust.root.policy, trust.root.locked,
        ) == (RefUpdate(TAG, None, oid), RefUpdate("refs/tags/old", None, oid))  # fmt: skip
        assert release_tags([RefUpdate(TAG, None, None)], trust.root.policy) == ()
        gone = [update.ref for update in standing(git, trust.root.locked)]
        assert gone == [TAG, RC1, RC2, "refs/tags/old"]
        assert {(one.old, one.new) for one in standing(git, {TAG: trust.root.locked[TAG]})} == {(oid, None)}
    good.git("update-ref", TAG, oid)
    good.git("symbolic-ref", "refs/tags/alias", MAIN)
    with Git.open(good.path) as git:
        main = good.git("rev-parse", MAIN)
        assert [*standing(git, {TAG: trust.root.locked[TAG], RC1: trust.root.locked[RC1]})] == [
            RefUpdate(TAG, oid, oid), RefUpdate("refs/tags/alias", main, main, MAIN), RefUpdate(RC1, other, None),
        ]  # fmt: skip


# ------------------------------------------------------------------------------------- other names


def test_refs_that_are_taken_for_the_tag(good: Repo, git: Git) -> None:
    oid = made(good, NAME)
    lower = f"refs/tags/{NAME.lower()}"
    for ref in (
        f"refs/heads/{NAME}",
        lower,
        f"refs/tags/tags/{NAME}",
        "refs/heads/other",
        f"refs/notes/{NAME}",
    ):
        good.git("update-ref", ref, "main")
    good.git("update-ref", f"refs/remotes/origin/{NAME}", "main")
    good.git("update-ref", f"refs/remotes/fork/{NAME}", "main")
    good.git("update-ref", TAG, oid)
    good.git("symbolic-ref", f"refs/{NAME}", "refs/heads/main")
    trust = trust_context(git, Hook.CHECK)
    found = [
        f"refs/heads/{NAME}", f"refs/remotes/origin/{NAME}", lower, f"refs/tags/tags/{NAME}",
    ]  # fmt: skip
    for given, expected in (
        (trust, found),
        (replace(trust, hook=Hook.RECEIVE), found),
        (replace(trust, hook=Hook.TAG, is_draft=True), found),
        (replace(trust, hook=Hook.TAG), []),
        (replace(trust, hook=Hook.PUSH), []),
        (replace(trust, remote=None), [one for one in found if "remotes" not in one]),
    ):
        first, second = of(git, given, (TAG, None, oid), (RC1, None, oid), reads="shadows")
        assert sorted(first.shadows) == sorted(expected) and second.shadows == ()


def test_names_that_a_new_release_cannot_have(good: Repo, git: Git) -> None:
    oid = made(good, NAME)
    good.git("tag", "v1")
    good.git("tag", NAME)
    trust = trust_context(git, Hook.CHECK)
    names = {"v1", NAME}
    for hook, updates, expected in (
        (Hook.CHECK, [(TAG, oid, oid)], set()),
        (Hook.CHECK, [(TAG, oid, None)], names),
        (Hook.CHECK, [(TAG, oid, GONE)], names),
        (Hook.CHECK, [("refs/tags/no-name", oid, oid)], names),
        (Hook.TAG, [(TAG, None, oid)], names),
        (Hook.PUSH, [(TAG, None, oid)], names),
    ):
        for subject in of(git, replace(trust, hook=hook), *updates, reads="taken"):
            assert subject.taken == expected, (hook, updates)
    first, second = of(git, trust, (TAG, oid, oid), (RC1, oid, None), reads="taken")
    assert first.taken == second.taken == names


def test_the_other_releases_of_its_series(good: Repo, git: Git) -> None:
    oid = made(good, NAME)
    for name in (f"{NAME}-rc1", f"{NAME}-rc2", f"{NAME}.0", "PyTorch-ROCm-v2.8", "PyTorch-CUDA-v2.7", "odd"):
        good.git("tag", name)
    trust = trust_context(git, Hook.TAG)

    def known(*updates: tuple[str, str | None, str | None], **more: object) -> list[tuple[list[str], object]]:
        given = replace(trust, **more)  # type: ignore[arg-type]
        return [
            (
                sorted(one.text.removeprefix(NAME) for one in subject.facts["siblings"]),  # type: ignore[attr-defined]
                [one.text.removeprefix(NAME) for one in subject.facts["together"]]  # type: ignore[attr-defined]
                if "together" in subject.facts
                else None,
            )
            for subject in of(git, given, *updates, reads="siblings")
        ]

    stands = ["-rc1", "-rc2", ".0"]
    new, zero, rc2 = (TAG, None, oid), (f"{TAG}.0", oid, oid), (RC2, None, oid)
    assert known(new) == known(new, hook=Hook.PUSH) == known(new, hook=Hook.RECEIVE) == [(stands, [])]
    assert known((TAG, oid, GONE)) == known((TAG, oid, None)) == [(stands, [])]
    assert known(new, hook=Hook.CHECK) == [([], [])]
    assert known(zero) == [(["-rc1", "-rc2"], [])], "it is no sibling of its own"
    assert known(("refs/tags/odd", None, oid)) == [([], None)]
    assert known(("refs/tags/PyTorch-CUDA-v2.9", None, oid)) == [([], [])]
    # what one event makes has no order among itself, but is one release at most
    assert known(new, rc2) == [(["-rc1", ".0"], ["-rc2"]), (["-rc1", ".0"], [""])]
    assert known(new, rc2, (f"{TAG}.0", None, oid)) == [
        (["-rc1", ".0"], ["-rc2", ".0"]), (["-rc1"], ["", ".0"]), (["", "-rc1"], ["", "-rc2"]),
    ]  # fmt: skip
    assert known(new, (RC2, oid, None)) == [(stands, []), (["-rc1", ".0"], [""])]
    assert known(new, rc2, hook=Hook.CHECK) == [([], []), ([], [])]
    # of a transaction of a push, whose others are judged for themselves, the same release alone counts
    assert known(new, is_taking=True) == [([".0"], None)]
    assert known(rc2, is_taking=True) == [([], None)]


# ---------------------------------------------------------------------------------- object and commit


def test_the_object_of_a_tag_and_its_faults(good: Repo, git: Git) -> None:
    oid, commit = made(good, NAME), good.git("rev-parse", "HEAD")
    tree = good.git("rev-parse", "HEAD^{tree}")
    head = "type commit\ntag x\ntagger A <a@b.c> 0 +0000\n\nx\n"

    def written(text: str) -> str:
        return good.git("hash-object", "-t", "tag", "-w", "--stdin", "--literally", stdin=text)

    lies = written(f"object {tree}\n{head}")
    nowhere = written(f"object {GONE}\n{head}")
    broken = written("object nothing\n")
    trust = trust_context(git, Hook.TAG)

    def known(new: str | None, old: str | None = None, **more: object) -> tuple[object, object]:
        given = replace(trust, **more)  # type: ignore[arg-type]
        (subject,) = of(git, given, (TAG, old, new), reads="object ancestry")
        return subject.facts["object"], subject.facts["ancestry"]

    found, ancestry = known(oid)
    assert isinstance(found, TagObject) and found.annotation is not None and not found.fault
    assert (found.oid, found.type, found.annotation.target) == (oid, "tag", commit)
    assert ancestry == Ancestry(commit, True, ("origin/main", "main"), remote="origin")
    assert known(commit) == (TagObject(commit, "commit"), ancestry)
    assert known(None, oid) == (found, ancestry), "of a tag that goes, the old one"
    pointless = Inapplicable("the tag does not point at a commit")
    assert known(tree) == (TagObject(tree, "tree"), pointless)
    said = "it says that it points at a commit, and that is a tree"
    assert known(lies) == (TagObject(lies, "tag", fault=said), pointless)
    unknown = Unknown(f"the tagged object {GONE} is not in this repository", "git fetch --tags")
    assert known(nowhere) == (unknown, unknown)
    fetch = f"git fetch origin {TAG}"
    missing = Unknown(f"the tag's object {GONE} is not in this repository", fetch)
    assert known(GONE) == known(GONE, remote=None) == (missing, missing)
    found, ancestry = known(broken)
    assert isinstance(found, TagObject) and found.annotation is None and found.fault
    assert ancestry == pointless
    draft = known(commit, is_draft=True)
    assert draft[0] == Inapplicable("no tag object yet") and draft[1] == known(commit)[1]


@pytest.mark.parametrize(
    ("date", "day"),
    [
        (0, "1970-01-01"), (1_625_011_199, "2021-06-29"), (1_625_011_200, "2021-06-30"), (-86_400, "1969-12-31"),
        (10**11, "5138-11-16"), (10**12, ""), (10**20, ""), (-(10**14), ""),
    ],
)  # fmt: skip
def test_the_day_of_a_tag_that_stands(date: int, day: str) -> None:
    note = Annotation(NAME, GONE, "commit", "Alice <a@b.c>", date, "x\n", True)
    for update, counts in (
        ((GONE, GONE), True),
        ((None, GONE), False),
        ((GONE, None), False),
        (("2" * OID_DIGITS, GONE), False),
    ):
        draft = Draft(RefUpdate(TAG, *update), Naming(None), {"object": TagObject(GONE, "tag", note)})
        assert draft.day() == (day if counts else "")
    for known in (TagObject(GONE, "commit"), Unknown("x"), NO_OBJECT):
        assert Draft(RefUpdate(TAG, GONE, GONE), Naming(None), {"object": known}).day() == ""
    assert Draft(RefUpdate(TAG, GONE, GONE), Naming(None)).day() == ""


def test_a_shallow_clone_knows_what_was_fetched_and_no_more(good: Repo) -> None:
    good.git("tag", "-a", "-m", "x", NAME)
    good.git("push", "-q", "origin", NAME)
    good.commit("More")
    good.git("push", "-q", "origin", "main")
    server = Repo(good.path.parent / "server.git", good.environ)
    clone = server.cloned(good.path.parent / "shallow", "--depth=1", f"--branch={NAME}")
    oid, other = clone.git("rev-parse", TAG), made(clone, NAME + "-rc1")
    clone.git("update-ref", "refs/remotes/origin/main", "HEAD")
    with Git.open(clone.path) as git:
        trust = trust_context(git, Hook.CHECK)
        for fetched in ((), (TAG,)):
            given = replace(trust, fetched=frozenset(fetched))
            (subject,) = of(git, given, (TAG, oid, oid), reads="object ancestry")
            is_known = isinstance(subject.facts["object"], TagObject)
            assert is_known == bool(fetched) == isinstance(subject.facts["ancestry"], Ancestry)
            assert is_known or subject.facts["object"] == subject.facts["ancestry"] == SHALLOW
        lock = f"{TAG} {oid} {'b' * 64} alice\n"
        clone.commit_files({".envhooks/tags.lock": lock})
        clone.git("update-ref", "refs/remotes/origin/main", "HEAD")
    with Git.open(clone.path) as git:
        trust = trust_context(git, Hook.CHECK)

        def published(new: str, hook: Hook, *fetched: str) -> object:
            given = replace(trust, hook=hook, fetched=frozenset(fetched))
            return of(git, given, (TAG, new, new), reads="publication")[0].facts["publication"]

        assert published(other, Hook.CHECK) == SHALLOW, "a checkout may have put another object there"
        for found in (
            published(oid, Hook.CHECK),
            published(other, Hook.CHECK, TAG),
            published(other, Hook.PUSH),
        ):
            assert isinstance(found, Publication) and found.locked_oid == oid


def test_the_signatures_of_one_tag_and_of_several(good: Repo) -> None:
    good.git("tag", "-s", "-m", "x", NAME)
    good.git("tag", "-a", "-m", "x", f"{NAME}-rc1")
    good.git(
        "-c",
        "user.signingkey=" + str(Path(good.environ["HOME"]) / "stranger.pub"),
        "tag",
        "-s",
        "-m",
        "x",
        "rc2",
    )
    signed, bare, strange = (
        good.git("rev-parse", f"refs/tags/{name}") for name in (NAME, f"{NAME}-rc1", "rc2")
    )
    light = good.git("rev-parse", "HEAD")
    updates = [(f"{TAG}-rc{at}", None, oid) for at, oid in enumerate((bare, signed, light, strange, GONE))]
    statuses = ["unsigned", "good", "unsigned", "bad", None]
    with Git.open(good.path) as git:
        trust = trust_context(git, Hook.TAG)

        def status(found: Sequence[Subject]) -> list[str | None]:
            facts = [one.facts["signature"] for one in found]
            return [one.status if isinstance(one, Verdict) else None for one in facts]

        for hook in (Hook.TAG, Hook.RECEIVE):
            given = replace(trust, hook=hook)
            assert status(of(git, given, *updates, reads="signature")) == statuses
            for update, expected in zip(updates, statuses, strict=True):
                (found,) = of(git, given, update, reads="signature")
                assert status([found]) == [expected]
                told = "ways_to_a_key" in found.facts
                assert told == (hook is Hook.TAG and update[2] == bare), "where a tag object could be signed"
        assert found.facts["signature"] == found.facts["object"], "what is not here is not unsigned"


def test_whose_signatures_count(good: Repo) -> None:
    """Those of the policy; on the first day a clone's own key, and on a server nobody's."""
    good.git("tag", "-s", "-m", "x", NAME)
    oid = good.git("rev-parse", TAG)
    good.git("rm", "-q", "-r", ".envhooks")
    good.git("commit", "-q", "-m", "No policy")
    good.git("push", "-q", "origin", "main")

    def fact(hook: Hook) -> object:
        with Git.open(good.path) as git:
            trust = replace(trust_context(git, Hook.TAG), hook=hook)
            return of(git, trust, (TAG, None, oid), reads="signature")[0].facts["signature"]

    own, server = fact(Hook.TAG), fact(Hook.RECEIVE)
    assert isinstance(own, Verdict) and own.status == "good"
    assert isinstance(server, Verdict) and server.status == "bad" and "not allowed" in server.why
    good.git("config", "user.signingkey", "")
    unknown = fact(Hook.CHECK)
    assert isinstance(unknown, Unknown) and unknown.advice.endswith("\nthen: envhooks init")


def test_what_a_tagged_commit_holds(good: Repo) -> None:
    good.git("tag", "-a", "-m", "x", NAME)
    oid, tree, light = (good.git("rev-parse", one) for one in (TAG, "HEAD^{tree}", "HEAD"))
    broken = DOCKERFILE.replace("torchvision==0.23.0+cu128", "torchvision==0.19.0+cu128")
    other = good.commit_files({"Dockerfile": broken, "CHANGELOG.md": "nothing\n"})
    updates = [
        (TAG, None, oid), (RC1, oid, None), (RC2, None, tree), (f"{TAG}-rc3", None, GONE),
        (f"{TAG}-rc4", None, other), (f"{TAG}-rc5", oid, light),
    ]  # fmt: skip
    with Git.open(good.path) as git:
        trust = trust_context(git, Hook.TAG)
        found = of(git, trust, *updates, reads="environment changelog compatibility pins")
        for fact in ("environment", "changelog", "compatibility"):
            assert found[1].facts[fact] == Inapplicable("the tag is deleted")
            assert found[2].facts[fact] == Inapplicable("the tag does not point at a commit")
            assert found[3].facts[fact] == found[3].facts["object"] and isinstance(
                found[3].facts[fact], Unknown
            )
        assert found[0].environment == found[5].environment != found[4].environment
        assert found[0].environment.path == "Dockerfile" and len(found[0].compatibility) == 0
        assert "torchvision 0.19.0" in found[4].compatibility[0].one
        assert found[0].changelog.exists and found[0].changelog.entry and not found[4].changelog.entry
        assert [one.pins is not None for one in found] == [False] * 4 + [True, False]
        for wanted in ("environment", "changelog"):
            (alone,) = of(git, trust, updates[0], reads=wanted)
            assert {"environment", "changelog"} & alone.facts.keys() == {wanted}
            assert alone.facts[wanted] == found[0].facts[wanted]
        for one in updates:
            assert of(git, trust, one, reads="environment")[0].facts["environment"] in (
                each.facts["environment"] for each in found
            )


def test_a_server_reads_for_so_long_and_a_clone_as_long_as_it_takes(
    good: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = good.git("rev-parse", "HEAD")
    for seconds, is_read in ((3600.0, True), (-1.0, False)):
        monkeypatch.setattr("envhooks.judge.collect.MAX_RUN_SECONDS", seconds)
        with Git.open(good.path) as git:
            trust = trust_context(git, Hook.TAG)
            for hook in (Hook.TAG, Hook.PUSH, Hook.CHECK, Hook.RECEIVE):
                (found,) = of(git, replace(trust, hook=hook), (TAG, None, commit), reads="environment")
                told = isinstance(found.facts["environment"], Environment)
                assert told == (is_read or hook is not Hook.RECEIVE), hook
                assert told or isinstance(found.facts["environment"], Unknown)


def test_the_branches_on_which_a_commit_lies(good: Repo, git: Git) -> None:
    published = good.git("rev-parse", "HEAD")
    ahead = good.commit("Not pushed")
    good.git("switch", "-q", "--detach", published)
    aside = good.commit("On no branch")
    names = ("origin/main", "main as this push moves it")
    moves = RefUpdate(MAIN, published, ahead)

    def known(*commits: str, hook: Hook = Hook.PUSH, **more: object) -> list[object]:
        trust = replace(trust_context(git, hook, [moves], "origin"), **more)  # type: ignore[arg-type]
        updates = [(f"{TAG}-rc{at}", None, commit) for at, commit in enumerate(commits)]
        return [one.facts["ancestry"] for one in of(git, trust, *updates, reads="object ancestry")]

    assert known(published, ahead, aside) == [
        Ancestry(published, True, names, remote="origin"),
        Ancestry(ahead, True, names, ((MAIN, ahead),), remote="origin"),
        Ancestry(aside, False, names, remote="origin"),
    ]
    assert known(published, asked=True) == [Ancestry(published, True, names)]
    assert known(published, hook=Hook.RECEIVE)[0] == Ancestry(published, True, ("main", names[1])), (
        "it is asked"
    )
    unknown = Unknown("no branch is known here on which a release may lie", "git fetch origin")
    assert known(published, aside, mains=()) == [unknown, unknown]
    check = known(ahead, hook=Hook.CHECK)
    assert check == [Ancestry(ahead, False, ("origin/main",), unpushed=("origin", "main"), remote="origin")]
