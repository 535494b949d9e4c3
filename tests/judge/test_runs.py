"""One run of the gate in this process: what a hook hands over, and the verdict on it with its errors and remarks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import GOOD_TAG, WITHOUT_HOOKS, Repo

from envhooks import checks
from envhooks.base.errors import CannotJudge, PolicyError, UsageError
from envhooks.base.refs import Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.judge import runs
from envhooks.judge.facts import CiCheck, CiStates, Inapplicable, Report

TAG, MAIN, SIDE = f"refs/tags/{GOOD_TAG}", "refs/heads/main", "refs/heads/side"
BROKEN = {".envhooks/policy.toml": "[tga]\n"}
Update = tuple[str, "str | None", "str | None"]


@pytest.fixture
def signed(good: Repo, server: Repo) -> str:
    """A good tag's object, here and on the server, where no tag names it."""
    good.git(*WITHOUT_HOOKS, "tag", "-s", "-m", "A release", GOOD_TAG)
    oid = good.git("rev-parse", TAG)
    good.git("push", "-q", "origin", f"{TAG}:refs/keep/tag")
    good.git("tag", "-d", GOOD_TAG)
    return oid


def judged(repo: Repo, hook: Hook, *updates: Update, to: str | None = None, taking: bool = False) -> Report:
    with Git.open(repo.path) as git:
        return runs.judge_push(git, hook, [RefUpdate(*one) for one in updates], to, taking=taking).report


def found(report: Report) -> tuple[int, list[tuple[str, str, list[str]]]]:
    """(exit code, (ref, verdict, the checks that refuse) of each report)."""
    rows: list[tuple[str, str, list[str]]] = [
        (one.ref, one.verdict, [finding.check for finding in one.findings if finding.level == "error"])
        for one in report.tags
    ]
    return report.exit_code, rows


# ------------------------------------------------------------------------------------------ a server


def test_a_server_judges_every_ref_of_a_push(good: Repo, server: Repo, signed: str) -> None:
    def said(*updates: Update, taking: bool = False) -> tuple[int, list[tuple[str, str, list[str]]]]:
        report = judged(server, Hook.RECEIVE, *updates, taking=taking)
        assert not report.errors and not report.notes
        return found(report)

    main = server.git("rev-parse", MAIN)
    accepted: tuple[str, str, list[str]] = (TAG, "accepted", [])
    assert said((TAG, None, signed)) == said((TAG, None, signed), taking=True) == (0, [accepted])
    assert said((SIDE, None, main)) == said() == (0, [])
    odd = ("refs/tags/odd", "refused", ["tag-name", "tag-annotated"])
    assert said(("refs/tags/odd", None, main)) == (1, [odd])
    branch = f"refs/heads/{GOOD_TAG}"
    assert said((branch, None, main), (TAG, None, signed)) == (
        1,
        [(branch, "refused", ["tag-name"]), accepted],
    )
    lie = (TAG, "refused", ["tag-immutable"])
    assert said((TAG, "1" * 40, signed)) == (1, [lie, accepted]), "it is judged by what is stored"
    assert said((TAG, None, None)) == (1, [lie])
    server.git("update-ref", TAG, signed)
    code, rows = said((TAG, None, None))
    assert code == 1 and rows[0] == lie and "tag-immutable" in rows[1][2]
    lost = (MAIN, "refused", ["on-main"])
    server.git("update-ref", "-d", TAG)
    assert said((MAIN, main, f"{main}"), (TAG, None, signed)) == (0, [accepted])
    root = good.git("commit-tree", "-m", "Begun anew", "main^{tree}")
    good.git("push", "-q", "origin", f"{root}:{SIDE}")
    assert said((MAIN, main, root)) == (0, []), "no release is lost"
    assert said((MAIN, main, root), (TAG, None, signed)) == (1, [lost, accepted]), "one of the same push is"
    assert said((MAIN, main, root), ("refs/tags/v1.0", None, main))[1][0][0] == MAIN


def test_a_release_of_a_branch_that_never_comes_into_being_is_lost(
    good: Repo, server: Repo, signed: str
) -> None:
    good.commit_files({".envhooks/policy.toml": 'branch = ["main", "release/*"]\n'})
    good.git("push", "-q", "origin", "main")
    main = server.git("rev-parse", MAIN)
    root = good.git("commit-tree", "-m", "Begun anew", "main^{tree}")
    good.git("push", "-q", "origin", f"{root}:{SIDE}")
    back, tag = (MAIN, main, root), (TAG, None, signed)
    kept, never = ("refs/heads/release/1", None, main), ("refs/heads/release/a..b", None, main)
    assert found(judged(server, Hook.RECEIVE, back, tag, kept))[0] == 0
    assert found(judged(server, Hook.RECEIVE, back, tag, never))[1][0][:2] == (MAIN, "refused")


def test_an_alias_moves_what_is_behind_it(good: Repo, server: Repo, signed: str) -> None:
    main, new = server.git("rev-parse", MAIN), good.commit("Newer")
    good.git("push", "-q", "origin", "main:refs/heads/waiting")
    server.git("symbolic-ref", "refs/heads/alias", MAIN)
    server.git("symbolic-ref", "refs/heads/next", TAG)
    assert found(judged(server, Hook.RECEIVE, ("refs/heads/next", None, signed))) == (
        0,
        [(TAG, "accepted", [])],
    )
    both = (("refs/heads/alias", main, new), (MAIN, main, new))
    with pytest.raises(CannotJudge, match="two updates of one ref, through a symbolic one: refs/heads/main"):
        judged(server, Hook.RECEIVE, *both)
    assert judged(server, Hook.RECEIVE, *both, taking=True).exit_code == 0
    with pytest.raises(CannotJudge, match="two updates of one ref"):
        judged(server, Hook.RECEIVE, both[0], (MAIN, main, main), taking=True)


def test_a_server_takes_no_release_while_nobody_may_sign(good: Repo, server: Repo, signed: str) -> None:
    good.git("rm", "-q", ".envhooks/allowed_signers")
    good.git("commit", "-q", "-m", "Nobody")
    good.git("push", "-q", "origin", "main")
    report = judged(server, Hook.RECEIVE, (TAG, None, signed))
    assert report.exit_code == 2 and "main names no signers in .envhooks/allowed_signers" in report.errors[0]
    assert not any(
        "no release tags yet" in one
        for one in judged(good, Hook.PUSH, (TAG, None, signed), to="origin").errors
    )
    server.git("update-ref", TAG, signed)
    report = judged(server, Hook.RECEIVE, (TAG, signed, None))
    assert (report.exit_code, report.errors, report.notes) == (1, (), ()), "what goes is judged as ever"


def test_records_of_releases_and_the_policy_are_errors_of_the_whole_push(
    good: Repo, server: Repo, signed: str
) -> None:
    main = server.git("rev-parse", MAIN)
    good.git("rm", "-q", ".envhooks/allowed_signers")
    good.git("commit", "-q", "-m", "Nobody")
    nobody = good.git("rev-parse", "HEAD")
    good.git("push", "-q", "origin", f"HEAD:{SIDE}")
    server.git("update-ref", "refs/notes/envhooks", main)
    updates = ((MAIN, main, nobody), ("refs/notes/envhooks", main, None), (TAG, None, signed))
    report = judged(server, Hook.RECEIVE, *updates)
    assert found(report) == (2, [(TAG, "accepted", [])])
    assert "with nobody in .envhooks/allowed_signers" in report.errors[0]
    assert "records of releases are never deleted" in report.errors[1] and len(report.errors) == 2
    assert judged(good, Hook.PUSH, updates[1], to="origin").errors == (), (
        "a clone leaves its own to the server"
    )


# -------------------------------------------------------------------------- a policy that cannot be read


def test_a_push_that_mends_the_policy_is_taken_and_no_other(good: Repo, server: Repo, signed: str) -> None:
    good.commit_files(BROKEN, "Break it")
    good.git("push", "-q", "origin", "main")
    broken = good.git("rev-parse", "HEAD")
    mended = good.commit_files({".envhooks/policy.toml": ""}, "Mend it")
    good.git("push", "-q", "origin", f"main:{SIDE}")
    server.git("update-ref", TAG, signed)
    mends = (MAIN, broken, mended)

    def said(hook: Hook, *updates: Update) -> Report:
        return judged(server if hook is Hook.RECEIVE else good, hook, *updates, to="origin")

    for hook in (Hook.RECEIVE, Hook.PUSH):
        report = said(hook, mends)
        assert (report.exit_code, report.tags, report.errors) == (0, (), ())
        (note,) = report.notes
        assert note.startswith("the policy cannot be read, and this push mends it: `tga` is no key")
        for updates in (
            [(SIDE, mended, broken)], [(MAIN, broken, broken)], [mends, (TAG, None, signed)], [],
            [mends, (f"refs/heads/{GOOD_TAG}", None, mended)], [mends, ("refs/replace/x", None, mended)],
        ):  # fmt: skip
            if hook is Hook.PUSH and updates[1:] and "heads" in updates[1][0]:
                continue  # a clone does not know that the server has this tag
            with pytest.raises(PolicyError, match="`tga` is no key"):
                said(hook, *updates)
    with pytest.raises(PolicyError):
        said(Hook.TAG, mends)
    with pytest.raises(PolicyError):
        said(Hook.RECEIVE, (MAIN, "1" * 40, mended))


def test_a_check_that_there_is_not_is_a_fault_of_the_policy_wherever_it_is_read(
    good: Repo, server: Repo, signed: str
) -> None:
    main = good.git("rev-parse", MAIN)
    odd = good.commit_files({".envhooks/policy.toml": '[checks]\ntag-nmae = "error"\n'})
    good.git("push", "-q", "origin", f"main:{SIDE}")
    report = judged(server, Hook.RECEIVE, (MAIN, main, odd))
    assert report.exit_code == 2 and "`tag-nmae` is no" in report.errors[0], "nor does a push bring it"
    good.git("push", "-q", "origin", "main")
    for repo, hook in ((server, Hook.RECEIVE), (good, Hook.PUSH), (good, Hook.TAG)):
        with pytest.raises(PolicyError, match="`tag-nmae` is no"):
            judged(repo, hook, (TAG, None, signed), to="origin")
    with Git.open(good.path) as git:
        with pytest.raises(PolicyError, match="`tag-nmae` is no"):
            runs.judge_as(git, GOOD_TAG)
        with pytest.raises(PolicyError, match="`tag-nmae` is no"):
            runs.judge_standing(git, runs.every_tag)


# -------------------------------------------------------------------------------------------- a clone


def test_a_clone_refuses_names_and_only_remarks_on_what_the_server_decides(
    good: Repo, server: Repo, signed: str
) -> None:
    main, branch = good.git("rev-parse", MAIN), f"refs/heads/{GOOD_TAG}"
    good.git("update-ref", TAG, signed)
    root = good.git("commit-tree", "-m", "Begun anew", "main^{tree}")

    def said(*updates: Update) -> Report:
        return judged(good, Hook.PUSH, *updates, to="origin")

    assert found(said((TAG, None, signed))) == (0, [(TAG, "accepted", [])])
    report = said((branch, None, main))
    assert found(report) == (1, [(branch, "refused", ["tag-name"])]) and report.tags[0].findings[0].fix == ""
    good.git("branch", "-q", GOOD_TAG)
    assert (
        said((branch, None, main)).tags[0].findings[0].fix == f"git branch -m -- {GOOD_TAG} work/{GOOD_TAG}"
    )
    report = said((MAIN, main, root))
    fix = "git pull --rebase, then push without --force"
    assert found(report) == (0, [])
    assert report.notes == (f"main would no longer hold 1 published release: {GOOD_TAG}\n  fix: {fix}",)


def test_on_the_first_day_a_clone_says_whose_key_counts(good: Repo, signed: str) -> None:
    good.git("rm", "-q", "-r", ".envhooks")
    good.git("commit", "-q", "-m", "No policy")
    good.git("push", "-q", "origin", "main")
    (note,) = judged(good, Hook.TAG, (TAG, None, signed)).notes
    assert note.startswith("origin/main names no signers in .envhooks/allowed_signers yet")
    assert judged(good, Hook.PUSH, (SIDE, None, signed), to="origin").notes == (), "no tag is judged"


# --------------------------------------------------------------------------- tags that stand, or could be


def test_a_tag_that_is_not_made_yet(good: Repo) -> None:
    with Git.open(good.path) as git:
        report = runs.judge_as(git, GOOD_TAG)
        assert found(report) == (0, [(TAG, "accepted", [])])
        head = good.git("rev-parse", "HEAD")
        assert [(one.object, one.commit) for one in report.tags] == [(None, head)]
        assert runs.judge_as(git, GOOD_TAG, head[:9]).exit_code == 0
        assert found(runs.judge_as(git, "odd")) == (1, [("refs/tags/odd", "refused", ["tag-name"])])
        for name in ("nothing", "-x", "HEAD^{tree}"):
            with pytest.raises(UsageError, match=f"there is no commit {name}".replace("^", r"\^")):
                runs.judge_as(git, GOOD_TAG, name)
    good.git("tag", GOOD_TAG)
    with Git.open(good.path) as git:
        with pytest.raises(UsageError, match=f"there is a tag {GOOD_TAG} already") as caught:
            runs.judgement_as(git, ["odd", GOOD_TAG])
        assert caught.value.fix == f"envhooks check {GOOD_TAG}"


class Told:
    """A forge that remembers what it was asked."""

    def __init__(self) -> None:
        self.commits: list[str] = []
        self.tags: list[str] = []

    def ci(self, commit: str) -> CiStates:
        self.commits.append(commit)
        return CiStates((CiCheck("test", "failure", False),), "a forge")

    def hidden_signature(self, oid: str) -> str:
        self.tags.append(oid)
        return "unknown_key" if len(self.tags) == 1 else ""


def test_the_forge_is_asked_of_the_commit_and_of_the_tag(good: Repo, signed: str) -> None:
    commit, tree = good.git("rev-parse", "HEAD"), good.git("rev-parse", "HEAD^{tree}")
    with Git.open(good.path) as git:
        told = Told()
        report = runs.judge_as(git, GOOD_TAG, work=runs.Work(forge=told))
        assert (told.commits, told.tags, report.notes) == ([commit], [], ()), "there is no tag yet"
        assert "ci-green" in [one.check for one in report.tags[0].findings] and report.exit_code == 0

        trust = runs.standing_judgement(git, runs.every_tag).trust
        updates = [
            RefUpdate(TAG, signed, signed), RefUpdate("refs/tags/light", commit, commit),
            RefUpdate("refs/tags/tree", tree, tree), RefUpdate("refs/tags/gone", signed, None),
        ]  # fmt: skip
        told = Told()
        judgement = runs.judge_at(git, trust, updates, runs.Work(forge=told))
        assert (told.commits, told.tags) == ([commit] * 3, [signed, commit, tree])
        states = [subject.facts["ci"] for subject in judgement.subjects]
        assert [isinstance(one, CiStates) for one in states] == [True, True, False, True]
        assert states[2] == Inapplicable("the tag leads to no commit")
        note = f"GitHub does not show the signature of {GOOD_TAG} as verified: unknown_key"
        assert judgement.report.notes == (note,)

        why = Inapplicable("no token")
        judgement = runs.judge_at(git, trust, updates[:1], runs.Work(forge=why))
        assert judgement.subjects[0].facts["ci"] is why and not judgement.report.notes
        assert judgement.report.tags[0].not_applicable["ci-green"] == "no token"
        report = runs.judge_at(git, trust, updates[:1]).report
        assert "ci-green" not in report.tags[0].not_applicable, "a hook does not load it"


def test_a_run_that_could_not_judge_at_all() -> None:
    report = runs.failed(CannotJudge("git is broken", fix="git fsck"))
    assert (report.exit_code, report.tags, report.errors) == (2, (), ("git is broken\n  fix: git fsck",))


def test_refs_that_are_mistaken_for_another_are_told_with_all_tags(good: Repo, signed: str) -> None:
    branch, other = f"refs/heads/{GOOD_TAG}", "refs/heads/PyTorch-CUDA-v2.8"
    good.git("update-ref", TAG, signed)
    for ref in (branch, other):
        good.git("update-ref", ref, "main")
    with Git.open(good.path) as git:
        judgement = runs.standing_judgement(git, runs.every_tag, frozenset((TAG,)))
        assert [one.update.ref for one in judgement.subjects] == [TAG]
        assert judgement.trust.asked and judgement.trust.fetched == {TAG}
        assert runs.judge_standing(git, runs.every_tag, frozenset((TAG,))) == judgement.report
        assert not runs.standing_judgement(git, runs.every_tag).trust.asked
        told = runs.with_lookalikes(git, judgement.trust, judgement.report)
    assert [one.ref for one in told.tags] == [other, TAG], "the first is told with its tag"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise ValueError('x\\x1b')", r"ValueError: x\x1b"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("NEEDS = READS = ()", "AttributeError: module 'envhooks.checks.zz_broken' has no attribute 'check'"),
        ("def check(", "SyntaxError: "),
    ],
)
def test_a_check_that_does_not_load_is_could_not_judge(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that quietly lost a check is open."""
    (tmp_path / "zz_broken.py").write_text(f"{text}\n")
    monkeypatch.setattr(checks, "__path__", [*checks.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "envhooks.checks.zz_broken", raising=False)
    try:
        with pytest.raises(CannotJudge, match="a check does not load: ") as caught:
            runs.load_checks()
    finally:
        sys.modules.pop("envhooks.checks.zz_broken", None)
    assert said in caught.value.message and caught.value.fix == "pip install --force-reinstall envhooks"


def test_ci_green_is_loaded_where_the_forge_is_asked() -> None:
    online, here = ({one.id for one in runs.load_checks(online=asks)} for asks in (True, False))
    assert online - here == {"ci-green"} and not here - online


@pytest.mark.parametrize(
    ("mode", "warns"), [(None, False), ("enforce", False), ("warn", True), ("Warn", None), ("off", None)]
)
def test_the_mode_of_a_clone(good: Repo, mode: str | None, warns: bool | None) -> None:
    if mode is not None:
        good.git("config", "envhooks.mode", mode)
    with Git.open(good.path) as git:
        if warns is not None:
            assert runs.warn_only(git) == warns
            return
        with pytest.raises(CannotJudge, match="neither enforce nor warn") as caught:
            runs.warn_only(git)
        assert caught.value.fix == "git config envhooks.mode enforce"
