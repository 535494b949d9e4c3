"""Subjects of the checks that read a tag, judged by the engine."""

from __future__ import annotations

from envhooks.base.dataclass import replace
from envhooks.base.refs import RefUpdate
from envhooks.judge import engine as checks
from envhooks.judge.engine import judge
from envhooks.judge.facts import Ancestry, Finding, Inapplicable, Publication, Subject, TagObject
from envhooks.policy.reader import default_policy
from envhooks.signatures import Verdict
from envhooks.signatures.payload import Annotation
from envhooks.tagname import DEFAULT_TAG_POLICY, Grammar
from envhooks.tagname.names import TagName

OLD, NEW, COMMIT = "0" * 39 + "1", "0" * 39 + "2", "c" * 40


NAME = "PyTorch-CUDA-v2.8-rc1"


READ = Grammar(DEFAULT_TAG_POLICY).read


def annotation(**more: object) -> Annotation:
    made = Annotation(NAME, COMMIT, "commit", "Alice <a@example.org>", 0, "First candidate\n", True)
    return replace(made, **more)  # type: ignore[arg-type]


def name(text: str) -> TagName:
    found = READ(text).name
    assert found is not None, text
    return found


def subject(old: str | None = None, new: str | None = NEW, tag: str = NAME, **facts: object) -> Subject:
    known: dict[str, object] = {
        "naming": READ(tag),
        "object": TagObject(NEW, "tag", annotation()),
        "publication": Publication(False),
        "siblings": (),
        "ancestry": Ancestry(COMMIT, True, ("origin/main",)),
        "signature": Verdict("good", scheme="ssh", key="SHA256:x", signer="alice@example.org"),
        "environment": Inapplicable("not looked at here"),
        "compatibility": Inapplicable("not looked at here"),
        "changelog": Inapplicable("not looked at here"),
    }
    return Subject(RefUpdate(f"refs/tags/{tag}", old, new), {**known, **facts})


def told(check: checks.Check) -> checks.Check:
    """The check with no other facts than those that it names: what it reads besides is there by another's leave."""

    def asked(subject: Subject) -> Subject:
        named = (*check.reads, *check.may_read)
        return replace(subject, facts={name: subject.facts[name] for name in named if name in subject.facts})

    return replace(
        check,
        judge=lambda subject, policy: check.judge(asked(subject), policy),
        not_applicable=lambda subject, policy: check.not_applicable(asked(subject), policy),
    )


def findings(judged: Subject, id: str) -> list[Finding]:
    report = judge([judged], map(told, checks.load()), default_policy())
    assert not report.tags[0].undecided, report.tags[0].undecided
    return [finding for finding in report.tags[0].findings if finding.check == id]
