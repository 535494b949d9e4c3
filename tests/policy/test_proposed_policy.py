"""The policy that a push would leave behind: what it may not take away, what is remarked, what mends a broken one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from support import Repo

from envhooks.base.errors import CannotJudge, PolicyError
from envhooks.base.refs import Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.policy.root import TrustRoot
from envhooks.policy.trust import Proposal, mends_the_policy, proposed_policy, trust_context

LOCK = "".join(f"refs/tags/t{at} {at}{'a' * 39} {at}{'b' * 63} alice\n" for at in range(7))
MAIN, OTHER = "refs/heads/main", "refs/heads/other"


def accepts(root: TrustRoot) -> None:
    pass


def falls(root: TrustRoot) -> None:
    raise CannotJudge("the part that is read elsewhere is damaged")


@pytest.fixture
def stored(good: Repo, server: Repo) -> Repo:
    """A server whose main has signers and locked tags."""
    good.commit_files({".envhooks/tags.lock": LOCK})
    good.git("push", "-q", "origin", "main")
    return server


def pushed(good: Repo, files: dict[str, str], *removed: str) -> str:
    """Id of a commit on top of main, as the server has it before it takes the push."""
    if removed:
        good.git("rm", "-q", *removed)
    made = good.commit_files(files, "Proposed") if files else good.git("commit", "-q", "-m", "Proposed")
    made = good.git("rev-parse", "HEAD")
    good.git("push", "-q", "origin", "HEAD:refs/heads/waiting")
    return made


def proposal(server: Repo, updates: Iterable[RefUpdate], check: object = accepts) -> Proposal:
    with Git.open(server.path) as git:
        return proposed_policy(git, trust_context(git, Hook.RECEIVE), updates, check)  # type: ignore[arg-type]


def moves(server: Repo, new: str | None, ref: str = MAIN) -> RefUpdate:
    return RefUpdate(ref, server.git("rev-parse", "main"), new)


def test_other_branches_and_tags_propose_no_policy(good: Repo, stored: Repo) -> None:
    new = pushed(good, {".envhooks/policy.toml": "broken [\n"})
    for ref in (OTHER, "refs/tags/main", "refs/heads/main2"):
        assert proposal(stored, [moves(stored, new, ref)]) == Proposal()
    assert proposal(stored, []) == Proposal()
    assert isinstance(proposal(stored, [moves(stored, new, OTHER), moves(stored, new)]).fault, PolicyError)


def test_a_policy_that_cannot_be_read_is_no_policy(good: Repo, stored: Repo) -> None:
    new = pushed(good, {".envhooks/policy.toml": "[tga]\n"})
    fault = proposal(stored, [moves(stored, new)]).fault
    assert isinstance(fault, PolicyError) and "the main that is pushed" in fault.place
    fine = pushed(good, {".envhooks/policy.toml": ""})
    assert proposal(stored, [moves(stored, fine)]) == Proposal()
    fault = proposal(stored, [moves(stored, fine)], falls).fault
    assert fault is not None and fault.message == "the part that is read elsewhere is damaged"


def test_the_protected_branch_is_not_deleted_while_it_has_a_policy(good: Repo, stored: Repo) -> None:
    fault = proposal(stored, [moves(stored, None)]).fault
    assert fault is not None and "deleting main would take the policy away" in fault.message
    assert proposal(stored, [moves(stored, None, OTHER)]) == Proposal()
    good.git("push", "-q", "-f", "origin", f"{pushed(good, {}, '-r', '.envhooks')}:main")
    assert proposal(stored, [moves(stored, None)]) == Proposal()


@pytest.mark.parametrize("kept", ["", "# nobody\n"])
def test_the_last_signer_is_not_removed(good: Repo, stored: Repo, kept: str) -> None:
    files = {".envhooks/allowed_signers": kept} if kept else {}
    new = pushed(good, files, *(() if kept else (".envhooks/allowed_signers",)))
    fault = proposal(stored, [moves(stored, new)]).fault
    assert (
        fault is not None
        and fault.message == "this push would leave main with nobody in .envhooks/allowed_signers"
    )
    assert "envhooks.mode warn" in fault.fix
    good.git("push", "-q", "-f", "origin", f"{new}:main")
    assert proposal(stored, [moves(stored, new)]).fault is None, "there was nobody before it either"


@pytest.mark.parametrize(
    ("lock", "notes"),
    [
        (LOCK, ()),
        (LOCK + f"refs/tags/t9 {'9' * 40} {'9' * 64} alice\n", ()),
        (LOCK.replace("bob", "eve"), ()),
        (LOCK.split("\n", 1)[1], ("main as it is pushed drops or changes 1 of 7 locked tags: refs/tags/t0",)),
        (LOCK.replace("3aaa", "4aaa"), ("main as it is pushed drops or changes 1 of 7 locked tags: refs/tags/t3",)),
        (LOCK.replace("3bbb", "4bbb"), ("main as it is pushed drops or changes 1 of 7 locked tags: refs/tags/t3",)),
        (
            "".join(LOCK.splitlines(keepends=True)[5:]),
            ("main as it is pushed drops or changes 5 of 7 locked tags: "
             "refs/tags/t0, refs/tags/t1, refs/tags/t2, refs/tags/t3, refs/tags/t4",),
        ),
        (
            LOCK.splitlines(keepends=True)[6],
            ("main as it is pushed drops or changes 6 of 7 locked tags: "
             "refs/tags/t0, refs/tags/t1, refs/tags/t2, refs/tags/t3, refs/tags/t4, ...",),
        ),
    ],
)  # fmt: skip
def test_a_locked_tag_that_goes_is_remarked(
    good: Repo, stored: Repo, lock: str, notes: tuple[str, ...]
) -> None:
    new = pushed(good, {".envhooks/tags.lock": lock, "x": "y\n"})
    assert proposal(stored, [moves(stored, new)]) == Proposal(notes=notes)


def test_a_push_mends_the_policy_where_it_brings_one_and_no_tag(good: Repo, stored: Repo) -> None:
    def mends(*updates: RefUpdate, check: object = accepts, hook: Hook = Hook.RECEIVE) -> bool:
        with Git.open(stored.path if hook is Hook.RECEIVE else good.path) as git:
            return mends_the_policy(git, hook, updates, check)  # type: ignore[arg-type]

    old = stored.git("rev-parse", "main")
    broken, fine = (
        pushed(good, {".envhooks/policy.toml": "[tga]\n"}),
        pushed(good, {".envhooks/policy.toml": ""}),
    )
    main, tag = RefUpdate(MAIN, old, fine), RefUpdate("refs/tags/PyTorch-CUDA-v2.8", None, fine)
    assert mends(main) and mends(RefUpdate(OTHER, None, broken), main) and mends(main, hook=Hook.PUSH)
    assert not mends(main, tag) and not mends(tag) and not mends()
    assert not mends(RefUpdate(MAIN, old, broken)) and not mends(RefUpdate(MAIN, old, None))
    assert not mends(RefUpdate(OTHER, old, fine)) and not mends(main, check=falls)


# ------------------------------------------------------------------- the branches that a push moves


def test_only_a_protected_branch_that_goes_forward_counts(good: Repo, stored: Repo) -> None:
    old, first = stored.git("rev-parse", "main"), stored.git("rev-parse", "main~")
    new = pushed(good, {"x": "y\n"})

    def mains(*updates: RefUpdate) -> list[tuple[str, str, str, bool]]:
        with Git.open(stored.path) as git:
            found = trust_context(git, Hook.RECEIVE, updates).mains
        return [(one.name, one.tip, one.ref, one.is_proposed) for one in found]

    now = ("main", old, "", False)
    assert mains() == [now]
    assert mains(RefUpdate(MAIN, old, new)) == [now, ("main as this push moves it", new, MAIN, True)]
    for other in (
        RefUpdate(MAIN, old, first), RefUpdate(MAIN, old, None), RefUpdate(OTHER, old, new),
        RefUpdate(OTHER, None, new), RefUpdate("refs/tags/main", None, new),
        RefUpdate("refs/heads/main/x", None, new), RefUpdate("main", None, new),
    ):  # fmt: skip
        assert mains(other) == [now], other
    good.commit_files({".envhooks/policy.toml": 'branch = ["main", "release/*"]\n'})
    good.git("push", "-q", "origin", "HEAD:main")
    release = "refs/heads/release/2.7"
    assert mains(RefUpdate(release, None, new))[1:] == [
        ("release/2.7 as this push moves it", new, release, True)
    ]
