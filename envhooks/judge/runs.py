"""One run of the gate: a hook's input -> Report. Every hook, the command line and CI come through here."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge, EnvhooksError, PolicyError, UsageError
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS, Change, Hook, RefUpdate
from envhooks.base.run import Step, no_step
from envhooks.git.objects import Ref
from envhooks.git.repository import Git
from envhooks.judge import engine
from envhooks.judge.collect import collect, release_tags, standing
from envhooks.judge.engine import judge
from envhooks.judge.facts import Forge, Inapplicable, Report, Subject, TagReport
from envhooks.judge.pushes import (
    as_stored,
    lies,
    possible,
    rewinds,
    shadows,
    shrinks,
    standing_lookalikes,
    standing_refusal,
)
from envhooks.policy.root import FOLDER, TrustRoot
from envhooks.policy.trust import TrustContext, mends_the_policy, proposed_policy, trust_context
from envhooks.tagname import Grammar, is_release_tag

Choose = Callable[[Git, TrustContext], Sequence[RefUpdate]]
"""Selection of the tags to judge, once it is known which names the policy counts as release tags."""


@dataclass(frozen=True)
class Work:
    """Settings of a run's execution; only the check ci-green depends on any of them."""

    jobs: int | None = None
    """Programs that verify signatures at once; None: as many as pay."""
    step: Step = no_step
    """Called with the progress of the run."""
    forge: Forge | Inapplicable | None = None
    """Tells of CI checks where `--online` asks for it, or why it cannot; None: it is not asked."""


@dataclass(frozen=True)
class Judgement:
    """A report, and what it was made from: the builds go on from there."""

    trust: TrustContext
    subjects: tuple[Subject, ...]
    report: Report


def load_checks(*, online: bool = True) -> tuple[engine.Check, ...]:
    """All checks.

    Raises:
        CannotJudge: one of them does not load. A gate that quietly lost a check is open.
    """
    try:
        return engine.load(online=online)
    except Exception as error:
        text = f"a check does not load: {type(error).__name__}: {printable(str(error))}"
        raise CannotJudge(text, fix="pip install --force-reinstall envhooks") from None


def judge_push(
    git: Git,
    hook: Hook,
    updates: Sequence[RefUpdate],
    pushed_to: str | None = None,
    *,
    taking: bool = False,
) -> Judgement:
    """The verdict on every release tag among the updates of a hook.

    A push that would leave the protected branch with an unreadable policy, or without signers, is an error of the
    whole run. One that only mends a policy which cannot be read passes: nothing else could mend it.
    With `taking` the updates are those of one transaction, which git has locked.
    """
    told: tuple[RefUpdate, ...] = ()
    stored: Mapping[str, Ref] = {}
    likely = tuple(updates)
    if hook is Hook.RECEIVE:
        stored = {ref.name: ref for ref in git.refs()}
        for update in updates:
            if update.ref not in stored and (target := git.symbolic_target(update.ref)):
                stored = {**stored, update.ref: Ref(update.ref, "", target)}
        updates, told = as_stored(updates, stored)
        if taking:
            updates = tuple(dict.fromkeys(updates))  # of an alias, and of the ref behind it
        _refuse_twice(updates)
        likely = possible(git, updates, told, stored)
    try:
        trust = trust_context(git, hook, likely, pushed_to, engine.ids())
    except PolicyError as error:
        default = TrustContext(hook, "", None, TrustRoot.default(), ())
        faulty = told or [*shadows(updates, default, [*stored])]
        if hook is Hook.TAG or faulty or not mends_the_policy(git, hook, updates, _read_wholly):
            raise
        note = f"the policy cannot be read, and this push mends it: {error.message}"
        return Judgement(default, (), Report(notes=(note,)))
    trust = replace(trust, is_taking=taking)
    proposal = proposed_policy(git, trust, updates, _read_wholly, engine.ids())
    released = _release_tags(updates, trust)
    judged = judge_at(git, trust, released)
    report = judged.report
    errors = [str(proposal.fault)] if proposal.fault else []
    notes = [*proposal.notes]
    refused: list[TagReport] = []
    if hook is Hook.RECEIVE:
        refused += lies(updates, told, trust)
        refused += shadows(updates, trust, [*stored])
        refused += _rewinds(git, updates, trust, [*stored.values()], {update.ref for update in likely})
        errors += shrinks(git, updates)
    elif hook is Hook.PUSH:
        tags = git.refs(TAGS)
        here = frozenset(ref.name for ref in git.refs(HEADS))
        refused += shadows(updates, trust, [ref.name for ref in tags], here)
        for rewound in _rewinds(git, updates, trust, tags, None):
            notes += [f"{finding.message}\n  fix: {finding.fix}" for finding in rewound.findings]
    report = replace(
        report,
        tags=(*refused, *report.tags),
        errors=(*errors, *report.errors),
        notes=(*report.notes, *notes),
    )
    return replace(judged, report=report)


def _refuse_twice(updates: Sequence[RefUpdate]) -> None:
    """Two updates of one ref, one of them through a symbolic ref, leave it open which one is judged."""
    seen: set[str] = set()
    for update in updates:
        if update.ref in seen:
            raise CannotJudge(f"two updates of one ref, through a symbolic one: {printable(update.ref)}")
        seen.add(update.ref)


def _rewinds(
    git: Git,
    updates: Sequence[RefUpdate],
    trust: TrustContext,
    refs: Sequence[Ref],
    sure: Container[str] | None,
) -> tuple[TagReport, ...]:
    policy, grammar = trust.root.policy, Grammar(trust.root.policy.tag)
    named = [(ref.name, ref.oid) for ref in refs]
    named += [(update.ref, update.new) for update in updates if update.new]
    tags = (
        (name, oid)
        for name, oid in named
        if name.startswith(TAGS) and is_release_tag(name.removeprefix(TAGS), grammar, policy.tag)
    )
    return tuple(rewinds(git, updates, trust, tags, sure))


def judge_standing(
    git: Git, choose: Choose, fetched: frozenset[str] | None = None, work: Work | None = None
) -> Report:
    """The verdict on tags as they stand: `envhooks check` and CI.

    `fetched` are the tags that are known to be as the remote has them, in a shallow clone too; None where it was not
    asked.
    """
    trust = _standing_trust(git, fetched)
    return judge_at(git, trust, _release_tags(choose(git, trust), trust), work).report


def with_lookalikes(git: Git, trust: TrustContext, report: Report) -> Report:
    """A report on all tags, with the other refs that would be mistaken for a release or a protected branch."""
    judged = {tag.ref for tag in report.tags}  # a ref that is mistaken for one of these is reported there
    found = [one for one in standing_lookalikes(git.refs(), trust) if one.of not in judged]
    return replace(report, tags=(*map(standing_refusal, found), *report.tags))


def standing_judgement(
    git: Git, choose: Choose, fetched: frozenset[str] | None = None, work: Work | None = None
) -> Judgement:
    """Like `judge_standing`, with what the report was made from."""
    trust = _standing_trust(git, fetched)
    return judge_at(git, trust, _release_tags(choose(git, trust), trust), work)


def judge_as(git: Git, tag: str, name: str = "HEAD", work: Work | None = None) -> Report:
    """The verdict on a tag that does not exist yet, at the commit that `name` leads to. Nothing is made for it.

    It is the verdict of the `git tag` hook. Checks of the tag object itself do not apply.

    Raises:
        UsageError: there is such a tag, or no such commit.
    """
    return judgement_as(git, [tag], name, work).report


def judgement_as(git: Git, tags: Sequence[str], name: str = "HEAD", work: Work | None = None) -> Judgement:
    """Like `judge_as`, of tags that are to be made together, with what the report was made from."""
    there = {ref.name for ref in git.refs(TAGS)}
    for tag in tags:
        if TAGS + tag in there:
            from envhooks.base.hygiene import word

            text = f"there is a tag {printable(tag)} already"
            raise UsageError(text, fix=f"envhooks check {word(tag)}")
    commit = None if name.startswith("-") else git.resolve(name)
    if commit is None:
        raise UsageError(f"there is no commit {printable(name)} in this repository")
    updates = [RefUpdate(TAGS + tag, None, commit) for tag in tags]
    trust = trust_context(git, Hook.TAG, updates, check_ids=engine.ids())
    judged = judge_at(git, replace(trust, is_draft=True), _release_tags(updates, trust), work)
    drafts = tuple(replace(one, object=None, commit=commit) for one in judged.report.tags)
    return replace(judged, report=replace(judged.report, tags=drafts))


def _standing_trust(git: Git, fetched: frozenset[str] | None) -> TrustContext:
    trust = trust_context(git, Hook.CHECK, check_ids=engine.ids())
    return trust if fetched is None else replace(trust, fetched=fetched, asked=True)


def _release_tags(updates: Sequence[RefUpdate], trust: TrustContext) -> tuple[RefUpdate, ...]:
    return release_tags(updates, trust.root.policy, trust.root.locked)


def every_tag(git: Git, trust: TrustContext) -> Sequence[RefUpdate]:
    """All tags of the repository, and those that tags.lock lists."""
    return standing(git, trust.root.locked)


def judge_at(
    git: Git, trust: TrustContext, updates: Sequence[RefUpdate], work: Work | None = None
) -> Judgement:
    """The verdict on these release tags, from where a hook stands."""
    if not updates:
        return Judgement(trust, (), Report(notes=trust.notes))
    work = work or Work()
    checks = load_checks(online=work.forge is not None)
    reads = {name for check in checks for name in (*check.reads, *check.may_read)}
    subjects = collect(git, trust, updates, reads, work.jobs, work.step)
    notes: tuple[str, ...] = ()
    if work.forge is not None:
        subjects, notes = _asked(work.forge, subjects, trust.is_draft)
    report = judge(subjects, checks, trust.root.policy, trust.notes)
    report = replace(
        report, notes=(*report.notes, *_first_day(trust), *notes), errors=_closed(trust, updates)
    )
    return Judgement(trust, subjects, report)


def _asked(
    forge: Forge | Inapplicable, subjects: Sequence[Subject], is_draft: bool
) -> tuple[tuple[Subject, ...], tuple[str, ...]]:
    """The subjects with the CI checks of their commits, and notes on signatures that the forge does not show."""
    found, notes = [], []
    for subject in subjects:
        commit = subject.update.new if is_draft else engine.commit_of(subject)
        known = forge if isinstance(forge, Inapplicable) else Inapplicable("the tag leads to no commit")
        fact = forge.ci(commit) if commit and not isinstance(forge, Inapplicable) else known
        found.append(replace(subject, facts={**subject.facts, "ci": fact}))
        if is_draft or isinstance(forge, Inapplicable) or not subject.update.new:
            continue
        hidden = forge.hidden_signature(subject.update.new)
        if hidden:
            shown = printable(subject.tag)
            notes.append(f"GitHub does not show the signature of {shown} as verified: {hidden}")
    return tuple(found), tuple(notes)


def _first_day(trust: TrustContext) -> tuple[str, ...]:
    if trust.root.has_signers or trust.hook is Hook.RECEIVE:
        return ()
    where = printable(trust.root.where) or "the protected branch"
    return (
        f"{where} names no signers in {FOLDER}/allowed_signers yet, so only the key that your own git signs with"
        " is accepted; to pin the signers: envhooks init",
    )


def _closed(trust: TrustContext, updates: Sequence[RefUpdate]) -> tuple[str, ...]:
    """A server takes release tags only from signers that main names: it has no key of its own to trust."""
    creates = any(update.change is not Change.DELETED for update in updates)
    if trust.hook is not Hook.RECEIVE or trust.root.has_signers or not creates:
        return ()
    return (
        f"{printable(trust.branch)} names no signers in {FOLDER}/allowed_signers, so this server takes no"
        f" release tags yet\n  advice: envhooks init, then commit and push {FOLDER}/",
    )


def _read_wholly(root: TrustRoot) -> None:
    """Read what a run would stumble over later.

    Raises:
        PolicyError: it cannot be read.
    """
    from envhooks.image.compat import table_of
    from envhooks.signatures.signers import read_signers

    read_signers(root.signer_files, f"{FOLDER} on {root.where}")
    table_of(root.policy)


def warn_only(git: Git) -> bool:
    """Whether `git config envhooks.mode warn` lets this clone or server report without refusing.

    Raises:
        CannotJudge: the mode is neither `enforce` nor `warn`.
    """
    mode = git.setting("envhooks.mode") or "enforce"
    if mode not in ("enforce", "warn"):
        text = f"envhooks.mode is neither enforce nor warn: {printable(mode)}"
        raise CannotJudge(text, fix="git config envhooks.mode enforce")
    return mode == "warn"


def failed(error: EnvhooksError) -> Report:
    """The report of a run that could not judge at all."""
    return Report(errors=(str(error),))
