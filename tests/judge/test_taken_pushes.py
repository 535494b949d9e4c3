"""A push as a repository takes it: what it really moves, what it lies about, and what it would take away."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from support import OID_DIGITS, Repo

from envhooks.base.dataclass import replace
from envhooks.base.refs import Hook, RefUpdate
from envhooks.git.objects import Ref
from envhooks.git.repository import Git
from envhooks.judge.facts import TagReport
from envhooks.judge.pushes import (
    as_stored,
    guard,
    lies,
    possible,
    rewinds,
    shadows,
    shrinks,
    standing_lookalikes,
    standing_refusal,
)
from envhooks.policy.trust import trust_context

A, B, C = "a" * OID_DIGITS, "b" * OID_DIGITS, "c" * OID_DIGITS
TAG = "refs/tags/PyTorch-CUDA-v2.8"
MAIN = "refs/heads/main"
NOTES = "refs/notes/envhooks"


def told(found: Iterable[TagReport]) -> list[tuple[str, str, str, str]]:
    """(ref, check, sentence, fix) of each refusal."""
    rows = []
    for report in found:
        (finding,) = report.findings
        assert (report.verdict, report.tag, finding.tag) == ("refused", report.ref, report.ref)
        rows.append((report.ref, finding.check, finding.message, finding.fix))
    return rows


# ------------------------------------------------------------------------------- what really moves


@pytest.mark.parametrize(
    ("update", "real", "is_told"),
    [
        ((TAG, A, B), (TAG, A, B), False),
        ((TAG, None, B), (TAG, A, B), True),
        ((TAG, C, None), (TAG, A, None), True),
        ((TAG, None, None), (TAG, A, None), True),
        ((TAG, A, None), (TAG, A, None), False),
        ((MAIN, None, B), (MAIN, None, B), False),
        ((MAIN, A, B), (MAIN, None, B), True),
        (("refs/heads/alias", A, B), (TAG, A, B), False),
        (("refs/heads/alias", B, C), (TAG, A, C), True),
        (("refs/heads/1", None, B), ("refs/heads/6", None, B), False),
        (("refs/heads/2", A, B), ("refs/heads/7", A, B), False),
        (("refs/heads/loop", None, B), ("refs/heads/loop", None, B), False),
        (("refs/heads/nowhere", None, B), ("refs/heads/not-yet", None, B), False),
        (("refs/heads/nowhere", A, B), ("refs/heads/not-yet", None, B), True),
    ],
)
def test_an_update_moves_what_is_stored(
    update: tuple[str, str | None, str | None], real: tuple[str, str | None, str | None], is_told: bool
) -> None:
    stored = {
        TAG: Ref(TAG, A),
        "refs/heads/alias": Ref("refs/heads/alias", A, TAG),
        "refs/heads/nowhere": Ref("refs/heads/nowhere", "", "refs/heads/not-yet"),
        "refs/heads/loop": Ref("refs/heads/loop", "", "refs/heads/loop"),
        "refs/heads/7": Ref("refs/heads/7", A),
        # git follows five, and no more: what is behind the sixth is not reached
        **{f"refs/heads/{at}": Ref(f"refs/heads/{at}", "", f"refs/heads/{at + 1}") for at in range(1, 7)},
    }
    _, old, new = update
    assert as_stored([RefUpdate(*update)], stored) == (
        (RefUpdate(*real),),
        (RefUpdate(real[0], old, new),) if is_told else (),
    )


def test_a_branch_that_git_is_sure_to_refuse_never_comes_into_being(good: Repo, server: Repo) -> None:
    commit, tree = server.git("rev-parse", "main"), server.git("rev-parse", "main^{tree}")
    good.git("push", "-q", "origin", "main:refs/heads/a/b/c", "main:refs/heads/Old")
    with Git.open(server.path) as git:
        stored = [ref.name for ref in git.refs()] + ["refs/tags/t/u"]

        def kept(*refs: str, oid: str | None = commit, lying: tuple[str, ...] = ()) -> list[str]:
            updates = [RefUpdate(f"refs/{ref}", None, oid) for ref in refs]
            tell = [RefUpdate(f"refs/{ref}", A, oid) for ref in lying]
            found = possible(git, updates, tell, stored)
            assert set(found) <= {*updates}
            return [update.ref.removeprefix("refs/") for update in found]

        for fine in (
            "heads/new",
            "heads/main",
            "heads/a/b/c",
            "heads/a/b/d",
            "heads/t",
            "heads/t/u/v",
            "tags/a/b",
        ):
            assert kept(fine) == [fine]
        for refused in (
            "heads/main/x", "heads/MAIN/x", "heads/a", "heads/A/B", "heads/a/b/c/d",
            "heads/x..y", "heads/x.lock", "heads/x y",
        ):  # fmt: skip
            assert kept(refused) == [], refused
            assert kept(refused, "heads/new", "tags/t") == ["heads/new", "tags/t"], refused
            assert kept(refused, oid=None) == [refused], "a deletion is no such branch"
        for oid in (tree, "1" * OID_DIGITS):
            assert kept("heads/new", "tags/t", oid=oid) == ["tags/t"]
        assert kept("heads/new", "heads/x", "tags/t", lying=("heads/new", "tags/t")) == ["heads/x", "tags/t"]
        assert kept("heads/p", "heads/p/q", "heads/r") == ["heads/r"]
        assert kept("heads/Main") == ["heads/Main"], "most file systems have room for both"
        assert len(kept("heads/New", "heads/new")) == 1, "of a push that brings both, one is enough to go by"
        assert kept("heads/p", "tags/p/q") == ["heads/p", "tags/p/q"]
        # what goes is in nobody's way, and goes whatever it is called
        for name in ("heads/q", "heads/NEW", "heads/x y", "heads/main"):
            both = [RefUpdate("refs/heads/q/r", None, commit), RefUpdate("refs/heads/new", None, commit)]
            updates = (*both, RefUpdate(f"refs/{name}", A, None))
            assert possible(git, updates, [], stored) == updates
        assert kept("tags/p/../q", "notes/x y") == ["tags/p/../q", "notes/x y"]


# --------------------------------------------------------------------------------- what it states


LOCK = f"refs/tags/odd {A} {'b' * 64} alice\n"


@pytest.fixture
def ruled(good: Repo, server: Repo) -> Repo:
    """A server with a tag in tags.lock and a second protected branch."""
    policy = 'branch = ["main", "release/*"]\n[tag]\nignore = ["v*"]\n'
    good.commit_files({".envhooks/policy.toml": policy, ".envhooks/tags.lock": LOCK})
    good.git("push", "-q", "origin", "main")
    return server


GUARDED = (TAG, "refs/tags/odd", "refs/tags/pytorch-cuda", MAIN, "refs/heads/release/2.7")
FREE = ("refs/tags/v1", "refs/heads/side", "refs/heads/release", "refs/notes/x", "main", "refs/main")


def test_what_a_push_may_not_be_wrong_about(ruled: Repo) -> None:
    with Git.open(ruled.path) as git:
        trust = trust_context(git, Hook.RECEIVE)
    assert [*map(guard(trust), (*GUARDED, *FREE))] == [True] * len(GUARDED) + [False] * len(FREE)
    for ref in (*GUARDED, *FREE):
        is_guarded = ref in GUARDED
        said = f"{ref}: the push says that it is %s, and that is not so here"
        for old, where in ((C, f"at {C}"), (None, "not there")):
            real, lie = RefUpdate(ref, A, B), RefUpdate(ref, old, B)
            row = (ref, "tag-immutable", said % where, "git fetch --tags, then push again")
            assert told(lies([real], [lie], trust)) == [row] * is_guarded
            assert [one.object for one in lies([real], [lie], trust)] == [B] * is_guarded
        gone = RefUpdate(ref, None, None)
        row = (ref, "tag-immutable", f"{ref}: the push deletes it, and it is not there", "")
        assert told(lies([gone], [], trust)) == [row] * is_guarded
        # it is told once, of what the push says of it
        assert [one.object for one in lies([gone], [RefUpdate(ref, C, None)], trust)] == [C] * is_guarded
        for honest in (RefUpdate(ref, A, B), RefUpdate(ref, A, None), RefUpdate(ref, None, B)):
            assert told(lies([honest], [], trust)) == []


def test_a_branch_of_the_protected_ones_name_is_guarded_whatever_the_patterns_are(
    good: Repo, server: Repo
) -> None:
    good.commit_files({".envhooks/policy.toml": 'branch = "release/*"\n'})
    good.git("push", "-q", "origin", "main")
    with Git.open(server.path) as git:
        is_guarded = guard(trust_context(git, Hook.RECEIVE))
    assert is_guarded(MAIN) and is_guarded("refs/heads/release/1") and not is_guarded("refs/heads/other")


# ------------------------------------------------------------------------------------- lookalikes


def test_what_would_be_taken_for_another_is_refused_where_it_is_made(ruled: Repo) -> None:
    with Git.open(ruled.path) as git:
        trust = trust_context(git, Hook.RECEIVE)

    def made(ref: str) -> RefUpdate:
        return RefUpdate(ref, None, B)

    def gone(ref: str) -> RefUpdate:
        return RefUpdate(ref, None, None)

    stored = [MAIN, TAG]
    twin = TAG.replace("CUDA", "cuda")
    branch = f"refs/heads/{TAG.removeprefix('refs/tags/')}"
    why = f"{branch}: a branch of a release's name would be taken in place of the tag"
    assert told(shadows([made(branch)], trust, stored)) == [(branch, "tag-name", why, "")]
    name = branch.removeprefix("refs/heads/")
    fix = f"git branch -m -- {name} work/{name}"
    assert told(shadows([made(branch)], trust, stored, {branch})) == [(branch, "tag-name", why, fix)]
    assert told(shadows([made(branch)], trust, stored, {MAIN}))[0][3] == ""
    # of a release that the same push brings, and of one that only could be made
    assert len(told(shadows([made(branch), made(TAG)], trust, [MAIN]))) == 1
    assert len(told(shadows([made(branch)], trust, [MAIN]))) == 1
    case = f"{twin} differs from {TAG} by the case of its letters only"
    assert told(shadows([made(twin)], trust, stored)) == [(twin, "tag-name", case, "")]
    assert told(shadows([RefUpdate(twin, A, B)], trust, [*stored, twin])) == [], "it was there before"
    for fine in (made("refs/heads/side"), made(TAG), RefUpdate(branch, A, None), gone(branch), gone(TAG)):
        assert told(shadows([fine], trust, stored)) == []
    missing = f"{twin} is not there, and may be taken for {TAG}"
    assert told(shadows([gone(twin)], trust, stored)) == [(twin, "tag-name", missing, "")]
    upper = "refs/heads/MAIN"
    missing = f"{upper} is not there, and may be taken for {MAIN}"
    assert told(shadows([gone(upper)], trust, stored)) == [(upper, "tag-name", missing, "")]
    assert told(shadows([gone("refs/heads/SIDE")], trust, [*stored, "refs/heads/side"])) == []
    taken = f"{upper} would be taken for the protected branch main"
    assert told(shadows([made(upper)], trust, stored)) == [(upper, "tag-name", taken, "")]
    release = "refs/heads/release/2.7"
    taken_too = told(shadows([made("refs/heads/Release/2.7")], trust, [*stored, release]))
    assert [row[2] for row in taken_too] == [
        "refs/heads/Release/2.7 would be taken for the protected branch release/2.7"
    ]
    assert told(shadows([made(upper)], trust, [])) == [(upper, "tag-name", taken, "")], "by the policy alone"


def test_what_is_taken_for_another_is_found_where_it_stands(ruled: Repo) -> None:
    with Git.open(ruled.path) as git:
        trust = trust_context(git, Hook.RECEIVE)
    name = TAG.removeprefix("refs/tags/")
    refs = [
        Ref(MAIN, A),
        Ref(TAG, A),
        Ref(f"refs/heads/{name}", A),
        Ref("refs/heads/Main", A),
        Ref("refs/HEADS/x", A),
    ]
    found = standing_lookalikes(refs, trust)
    assert [(one.ref, one.of) for one in found] == [
        (f"refs/heads/{name}", TAG), ("refs/heads/Main", MAIN), ("refs/HEADS/x", ""),
    ]  # fmt: skip
    refusal = standing_refusal(found[1])
    assert (refusal.object, refusal.commit) == (None, None)
    (row,) = told([refusal])
    said = "refs/heads/Main would be taken for the protected branch main"
    assert row == ("refs/heads/Main", "tag-name", said, "git branch -m -- Main work/Main")


# ------------------------------------------------------------------------- what it would take away


def test_a_protected_branch_is_not_taken_from_below_a_release(good: Repo, server: Repo) -> None:
    old = good.git("rev-parse", "main")
    first, second, third, fourth, top = (good.commit(f"Number {at}") for at in range(5))
    side = good.git("commit-tree", "-p", old, "-m", "Never merged", "main^{tree}")
    good.git("tag", "-m", "x", "annotated", second)
    good.git("tag", "-m", "x", "of-a-tag", "annotated")
    oid, nested = good.git("rev-parse", "annotated"), good.git("rev-parse", "of-a-tag")
    tree = good.git("rev-parse", "main^{tree}")
    blob = good.git("hash-object", "-w", "--stdin", stdin=f"object {first}\ntype commit\n")
    good.git("tag", "like-one", blob)
    good.git("push", "-q", "origin", "main", "annotated", "of-a-tag", "like-one", f"{side}:refs/heads/side")
    tags = [("refs/tags/one", first), ("refs/tags/two", oid)]

    def said(*moves: tuple[str, str | None, str | None], of: object = tags, sure: object = None) -> list[str]:
        updates = [RefUpdate(ref, old, new) for ref, old, new in moves]
        with Git.open(server.path) as git:
            trust = trust_context(git, Hook.RECEIVE, updates)
            found = told(rewinds(git, updates, trust, of, sure))  # type: ignore[arg-type]
        assert all(row[1::2] == ("on-main", "git pull --rebase, then push without --force") for row in found)
        return [row[2] for row in found]

    assert said((MAIN, top, old)) == ["main would no longer hold 2 published releases: one, two"]
    assert said((MAIN, top, first)) == ["main would no longer hold 1 published release: two"]
    assert said((MAIN, top, None)) == ["main would no longer hold 2 published releases: one, two"]
    assert said((MAIN, top, second)) == said((MAIN, top, third)) == [], "above its releases"
    assert said((MAIN, top, top)) == said() == said(("refs/heads/side", side, None)) == []
    assert said((MAIN, top, old), of=[]) == []
    # of tags that lead to no commit, or to one that lies on no protected branch, nothing is lost
    assert (
        said(
            (MAIN, top, old),
            of=[("refs/tags/t", tree), ("refs/tags/s", side), ("refs/tags/m", A), ("refs/tags/b", blob)],
        )
        == []
    )
    assert said((MAIN, top, old), of=[("refs/tags/n", nested)]) == [
        "main would no longer hold 1 published release: n"
    ]
    many = [(f"refs/tags/{at}", commit) for at, commit in enumerate((first, second, third, fourth))]
    assert said((MAIN, top, old), of=many[:3]) == ["main would no longer hold 3 published releases: 0, 1, 2"]
    assert said((MAIN, top, old), of=many) == ["main would no longer hold 4 published releases: 0, 1, 2, ..."]

    # a clone asks it of what the remote has, and of no branch of its own
    with Git.open(good.path) as git:
        for ref, remains in ((MAIN, 0), ("refs/heads/origin/main", 1)):
            moves = [RefUpdate(ref, top, old)]
            trust = trust_context(git, Hook.PUSH, moves, "origin")
            found = told(rewinds(git, moves, replace(trust, branch=ref.removeprefix("refs/heads/")), tags))
            assert len(found) == 1 - remains, ref

    # another protected branch may hold them: one that stands, or that the push is sure to make
    release = "refs/heads/release/1"
    good.commit_files({".envhooks/policy.toml": 'branch = ["main", "release/*"]\n'})
    good.git("push", "-q", "origin", "main")
    top = good.git("rev-parse", "main")
    back = (MAIN, top, old)
    made = (release, None, top)
    assert said(back, made) == said(back, made, sure={MAIN, release}) == []
    assert said(back, made, sure={MAIN}) == said(back, ("refs/heads/x", None, top)) == said(back)
    assert said(back) == ["main would no longer hold 2 published releases: one, two"]
    server.git("update-ref", release, second)
    assert said(back) == []
    assert said(back, (release, second, old)) == [
        "main would no longer hold 2 published releases: one, two",
        "release/1 would no longer hold 2 published releases: one, two",
    ]
    assert said(back, (release, second, top)) == []
    server.git("update-ref", release, old)
    assert said(back, (release, old, first)) == ["main would no longer hold 1 published release: two"]


def test_records_of_releases_are_only_added_to(good: Repo, server: Repo) -> None:
    at = good.git("rev-parse", "main")
    good.git("notes", "--ref", "envhooks", "add", "-m", "one", at)
    first = good.git("rev-parse", NOTES)
    good.git("notes", "--ref", "envhooks", "add", "-m", "two", f"{at}^{{tree}}")
    more = good.git("rev-parse", NOTES)
    good.git("notes", "--ref", "envhooks", "remove", at)
    less = good.git("rev-parse", NOTES)
    fresh = good.git("commit-tree", "-m", "Begun anew", f"{more}^{{tree}}")
    good.git("push", "-q", "origin", f"{less}:refs/heads/w1", f"{fresh}:refs/heads/w2")

    def said(old: str | None, new: str | None, ref: str = NOTES) -> list[str]:
        with Git.open(server.path) as git:
            return [*shrinks(git, [RefUpdate(ref, old, new)])]

    advice = "\n  advice: envhooks records --fetch, then push again without --force"
    assert said(None, first) == said(first, more) == said(first, first) == []
    assert said(more, None) == [f"{NOTES}: records of releases are never deleted"]
    assert said(more, f"{server.git('rev-parse', f'{at}^{{tree}}')}") == [
        f"{NOTES}: this is no commit of notes"
    ]
    assert said(more, less) == [f"{NOTES}: records of {at[:12]} would be lost or changed{advice}"]
    assert (
        said(more, at)[0].startswith(f"{NOTES}: records of ") and " and 1 more would be" in said(more, at)[0]
    )
    assert said(more, fresh) == [f"{NOTES}: the push does not go on from what is stored here{advice}"]
    assert said(more, less, "refs/notes/other") == said(more, None, "refs/notes/Envhooks") == []
    (case,) = said(None, more, "refs/notes/Envhooks")
    assert case.startswith("refs/notes/Envhooks: where case is ignored this would be taken for the records")
