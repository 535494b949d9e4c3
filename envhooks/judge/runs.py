"""One run of the gate: what a door was told -> Report. Every door, the command line and CI come through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge, EnvhooksError, LawError
from envhooks.base.hygiene import printable
from envhooks.base.progress import Step, no_step
from envhooks.base.refs import TAGS, Change, Door, RefUpdate
from envhooks.git.objects import Ref
from envhooks.git.repository import Git
from envhooks.judge import registry
from envhooks.judge.collect import collect, release_tags, standing
from envhooks.judge.engine import judge
from envhooks.judge.facts import Subject
from envhooks.judge.findings import Report
from envhooks.judge.pushes import as_stored, lies, rewinds, shadows
from envhooks.policy.proposal import mends_the_law, proposed_law
from envhooks.policy.trust import FOLDER, Law, Standpoint, stand
from envhooks.tagname import Grammar, is_release_tag

Choose = Callable[[Git, Standpoint], Sequence[RefUpdate]]
"""Which tags to judge, once it is known what the law calls a release tag."""


@dataclass(frozen=True)
class Work:
    """How a run goes about it; no verdict depends on any of this."""

    jobs: int | None = None
    """Programs that verify signatures at once; None: as many as pay."""
    step: Step = no_step
    """Is told how far the run is."""


@dataclass(frozen=True)
class Judgement:
    """A report, and what it was made from: the builds go on from there."""

    standpoint: Standpoint
    subjects: tuple[Subject, ...]
    report: Report


def load_checks() -> tuple[registry.Check, ...]:
    """All checks.

    Raises:
        CannotJudge: one of them does not load. A gate that quietly lost a check is open.
    """
    try:
        return registry.load()
    except Exception as error:
        text = f"a check does not load: {type(error).__name__}: {printable(str(error))}"
        raise CannotJudge(text, fix="pip install --force-reinstall envhooks") from None


def judge_push(git: Git, door: Door, updates: Sequence[RefUpdate], pushed_to: str | None = None) -> Judgement:
    """The verdict on every release tag among the updates of a door.

    A push that would leave the law's branch with an unreadable law, or without signers, is an error of the
    whole run. One that only mends a law which cannot be read passes: nothing else could mend it.
    """
    told: tuple[RefUpdate, ...] = ()
    stored: Mapping[str, Ref] = {}
    if door is Door.RECEIVE:
        stored = {ref.name: ref for ref in git.refs()}
        for update in updates:
            if update.ref not in stored and (target := git.symbolic_target(update.ref)):
                stored = {**stored, update.ref: Ref(update.ref, "", target)}
        updates, told = as_stored(updates, stored)
        _refuse_twice(updates)
    try:
        standpoint = stand(git, door, updates, pushed_to, registry.ids())
    except LawError as error:
        default = Standpoint(door, "", None, Law.default(), ())
        faulty = told or [*shadows(updates, default, stored)]
        if door is Door.TAG or faulty or not mends_the_law(git, door, updates, _read_wholly):
            raise
        note = f"the law cannot be read, and this push mends it: {error.message}"
        return Judgement(default, (), Report(notes=(note,)))
    proposal = proposed_law(git, standpoint, updates, _read_wholly, registry.ids())
    released = _release_tags(updates, standpoint)
    judged = judge_at(git, standpoint, released)
    report = judged.report
    errors = [str(proposal.fault)] if proposal.fault else []
    notes = [*proposal.notes]
    if door is Door.RECEIVE:
        errors += lies(told, standpoint, released)
        errors += shadows(updates, standpoint, stored)
        errors += _rewinds(git, updates, standpoint, [*stored.values()])
    elif door is Door.PUSH:
        tags = git.refs(TAGS)
        errors += shadows(updates, standpoint, (ref.name for ref in tags))
        notes += _rewinds(git, updates, standpoint, tags)
    report = replace(report, errors=(*errors, *report.errors), notes=(*report.notes, *notes))
    return replace(judged, report=report)


def _refuse_twice(updates: Sequence[RefUpdate]) -> None:
    """Two updates of one ref, one of them through a symbolic ref, leave it open which one is judged."""
    seen: set[str] = set()
    for update in updates:
        if update.ref in seen:
            raise CannotJudge(f"two updates of one ref, through a symbolic one: {printable(update.ref)}")
        seen.add(update.ref)


def _rewinds(
    git: Git, updates: Sequence[RefUpdate], standpoint: Standpoint, refs: Sequence[Ref]
) -> tuple[str, ...]:
    policy, grammar = standpoint.law.policy, Grammar(standpoint.law.policy.tag)
    names = (ref for ref in refs if ref.name.startswith(TAGS))
    tags = (ref for ref in names if is_release_tag(ref.name[len(TAGS) :], grammar, policy.tag))
    return tuple(rewinds(git, updates, standpoint, tags))


def judge_standing(
    git: Git, choose: Choose, fetched: frozenset[str] = frozenset(), work: Work | None = None
) -> Report:
    """The verdict on tags as they stand: `envhooks check` and CI.

    `fetched` are the tags that are known to be as the remote has them, in a shallow clone too.
    """
    standpoint = replace(stand(git, Door.CHECK, check_ids=registry.ids()), fetched=fetched)
    return judge_at(git, standpoint, _release_tags(choose(git, standpoint), standpoint), work).report


def standing_judgement(git: Git, choose: Choose, fetched: frozenset[str] = frozenset()) -> Judgement:
    """Like `judge_standing`, with what the report was made from."""
    standpoint = replace(stand(git, Door.CHECK, check_ids=registry.ids()), fetched=fetched)
    return judge_at(git, standpoint, _release_tags(choose(git, standpoint), standpoint))


def _release_tags(updates: Sequence[RefUpdate], standpoint: Standpoint) -> tuple[RefUpdate, ...]:
    return release_tags(updates, standpoint.law.policy, standpoint.law.locked)


def every_tag(git: Git, standpoint: Standpoint) -> Sequence[RefUpdate]:
    """All tags of the repository, and those that tags.lock lists."""
    return standing(git, standpoint.law.locked)


def judge_at(
    git: Git, standpoint: Standpoint, updates: Sequence[RefUpdate], work: Work | None = None
) -> Judgement:
    """The verdict on these release tags, from where a door stands."""
    if not updates:
        return Judgement(standpoint, (), Report(notes=standpoint.notes))
    checks = load_checks()
    reads = {name for check in checks for name in (*check.reads, *check.may_read)}
    work = work or Work()
    subjects = collect(git, standpoint, updates, reads, work.jobs, work.step)
    report = judge(subjects, checks, standpoint.law.policy, standpoint.notes)
    report = replace(
        report, notes=(*report.notes, *_first_day(standpoint)), errors=_closed(standpoint, updates)
    )
    return Judgement(standpoint, subjects, report)


def _first_day(standpoint: Standpoint) -> tuple[str, ...]:
    if standpoint.law.has_signers or standpoint.door is Door.RECEIVE:
        return ()
    where = printable(standpoint.law.where) or "the protected branch"
    return (
        f"{where} names no signers in {FOLDER}/allowed_signers yet, so only the key that your own git signs with"
        " is accepted; to pin the signers: envhooks init",
    )


def _closed(standpoint: Standpoint, updates: Sequence[RefUpdate]) -> tuple[str, ...]:
    """A server takes release tags only from signers that main names: it has no key of its own to trust."""
    creates = any(update.change is not Change.DELETED for update in updates)
    if standpoint.door is not Door.RECEIVE or standpoint.law.has_signers or not creates:
        return ()
    return (
        f"{printable(standpoint.branch)} names no signers in {FOLDER}/allowed_signers, so this server takes no"
        f" release tags yet\n  fix: envhooks init, then commit and push {FOLDER}/",
    )


def _read_wholly(law: Law) -> None:
    """Read what a run would stumble over later.

    Raises:
        LawError: it cannot be read.
    """
    from envhooks.image.compat.rules import table_of
    from envhooks.signatures.signers.reader import read_signers

    read_signers(law.signer_files, f"{FOLDER} on {law.where}")
    table_of(law.policy)


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
