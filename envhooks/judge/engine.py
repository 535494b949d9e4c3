"""judge(subjects, checks, policy) -> Report: pure, and the only place where a verdict is made.

The checks are found as one file each in the folder `envhooks/checks`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType, ModuleType
from typing import Literal, TypeVar

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.errors import CannotJudge
from envhooks.base.folders import module_names
from envhooks.base.hygiene import printable
from envhooks.base.refs import Change
from envhooks.judge.facts import (
    Finding,
    Inapplicable,
    NotCompared,
    Report,
    Subject,
    TagObject,
    TagReport,
    TagVerdict,
    Unknown,
)
from envhooks.policy import CheckSetting, Policy
from envhooks.signatures.payload import Annotation

_PACKAGE = "envhooks.checks"
"""Imported by name, as a plugin is: a check imports the facts and findings of this package."""
_UNLESS_DELETED = (Change.CREATED, Change.MOVED, Change.STANDING)


@dataclass(frozen=True)
class Check:
    """A check as the engine sees it."""

    id: str
    """The file's name with hyphens."""
    summary: str
    """A sentence without a full stop, `Refuses a tag that ...`: the first line of the docstring."""
    page: str
    """Its reason and its remedy: the rest of the docstring."""
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    may_read: tuple[str, ...]
    level: Literal["error", "warning"]
    changes: tuple[Change, ...]
    judge: Callable[[Subject, Policy], Iterator[Finding | NotCompared]]
    not_applicable: Callable[[Subject, Policy], str]
    admitted: bool = False
    """Whether it judges tags that tags.lock admits (`Subject.admitted`), too."""
    alone: bool = False
    """Whether it speaks all the same where the policy lowered what it needs, or switched it off."""


def ids() -> frozenset[str]:
    """The ids of all checks, by the files of the folder; no check is imported."""
    return frozenset(
        name.replace("_", "-") for name in module_names(importlib.import_module(_PACKAGE).__path__)
    )


_ONLINE = frozenset(("ci-green",))
"""Checks whose facts a forge tells; no hook loads them."""


def load(*, online: bool = True) -> tuple[Check, ...]:
    """All checks, by id; without `online` those whose facts are here.

    Raises:
        ImportError, AttributeError: a check that is broken. The caller must refuse to judge: a gate
            that quietly lost a check is open.
    """
    chosen = ids() if online else ids() - _ONLINE
    return tuple(
        _read(importlib.import_module(f"{_PACKAGE}.{id.replace('-', '_')}")) for id in sorted(chosen)
    )


def _read(module: ModuleType) -> Check:
    summary, _, page = (module.__doc__ or "").strip().partition("\n")
    return Check(
        id=module.__name__.rpartition(".")[2].replace("_", "-"),
        summary=summary,
        page=page.strip(),
        needs=tuple(module.NEEDS),
        reads=tuple(module.READS),
        may_read=tuple(getattr(module, "MAY_READ", ())),
        level=getattr(module, "LEVEL", "error"),
        changes=tuple(getattr(module, "CHANGES", _UNLESS_DELETED)),
        judge=module.check,
        not_applicable=getattr(module, "not_applicable", lambda subject, policy: ""),
        admitted=getattr(module, "ADMITTED", False),
        alone=getattr(module, "ALONE", False),
    )


T = TypeVar("T")


def in_order(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The checks with each behind those that it needs, else by id.

    Raises:
        CannotJudge: a need that no check has, or needs that go round in a circle.
    """
    known = {check.id: check for check in sorted(checks, key=lambda check: check.id)}
    for check in known.values():
        missing = [need for need in check.needs if need not in known]
        if missing:
            raise CannotJudge(f"the check {check.id} needs {missing[0]}, which is not there")
    try:
        sorter = TopologicalSorter({check.id: check.needs for check in known.values()})
        return tuple(known[id] for id in sorter.static_order())
    except CycleError as error:
        raise CannotJudge(f"checks need each other in a circle: {' -> '.join(error.args[1])}") from None


@dataclass
class _Outcome:
    """Intermediate results for one tag; lives only while it is judged."""

    findings: list[Finding] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    not_applicable: dict[str, str] = field(default_factory=dict)
    undecided: dict[str, Unknown] = field(default_factory=dict)
    not_compared: dict[str, str] = field(default_factory=dict)
    blocking: dict[str, str] = field(default_factory=dict)
    """Check id -> why what needs it stays silent."""
    lowered: dict[str, Unknown | None] = field(default_factory=dict)
    """Those of them that are no errors by the policy -> why they could not judge, in which case what needs them cannot
    either; None where they refuse the tag.
    """


def judge(
    subjects: Sequence[Subject], checks: Iterable[Check], policy: Policy, notes: Sequence[str] = ()
) -> Report:
    """The verdict on every subject.

    Raises:
        CannotJudge: there are no checks. Nothing checked is not success.
    """
    ordered = in_order(checks)
    if not ordered:
        raise CannotJudge(
            "there are no checks, so nothing can be judged", fix="pip install --force-reinstall envhooks"
        )
    return Report(tuple(_judge_one(subject, ordered, policy) for subject in subjects), notes=tuple(notes))


def _judge_one(subject: Subject, checks: Sequence[Check], policy: Policy) -> TagReport:
    outcome = _Outcome()
    for check in checks:
        _apply(check, subject, policy, policy.checks.get(check.id), outcome)
    return TagReport(
        tag=subject.tag,
        ref=subject.update.ref,
        change=subject.change,
        object=subject.update.new or subject.update.old,
        commit=commit_of(subject),
        verdict=_verdict(outcome),
        findings=tuple(outcome.findings),
        passed=tuple(outcome.passed),
        not_applicable=MappingProxyType(outcome.not_applicable),
        undecided=MappingProxyType(outcome.undecided),
        not_compared=MappingProxyType(outcome.not_compared),
    )


def _apply(
    check: Check, subject: Subject, policy: Policy, setting: CheckSetting | None, outcome: _Outcome
) -> None:
    silence, untold = "", None
    if outcome.blocking:
        blocking = [need for need in check.needs if need in outcome.blocking]
        if check.alone:
            blocking = [need for need in blocking if need not in outcome.lowered]
        untold = next(filter(None, map(outcome.lowered.get, blocking)), None)
        silence = next((outcome.blocking[need] for need in blocking if not outcome.lowered.get(need)), "")
    reason = silence or _not_applicable(check, subject)
    if reason:
        outcome.not_applicable[check.id] = reason
        if silence:
            outcome.blocking[check.id] = silence
        return
    level = setting.level if setting else check.level
    unknown = untold or _first(Unknown, check, subject)
    findings, crash = ((), unknown) if unknown else _run(check, subject, policy)
    if isinstance(findings, str):  # its own reason why it does not apply
        outcome.not_applicable[check.id] = findings
    elif crash is not None:
        outcome.blocking[check.id] = f"{check.id} could not judge"
        if level != "error":
            outcome.lowered[check.id] = crash
        if level == "warning":
            text = f"could not be judged: {crash.why}"
            outcome.findings.append(
                Finding(text, "warning", fix=crash.fix, advice=crash.advice, check=check.id, tag=subject.tag)
            )
        elif level != "off":
            outcome.undecided[check.id] = crash
    else:
        _record(check, subject, findings, level, outcome)
    if setting is not None and level == "off":
        # it was run all the same: what NEEDS it must not meet a tag that it would refuse
        outcome.not_applicable[check.id] = f"switched off by the policy: {setting.reason}"


def _record(
    check: Check,
    subject: Subject,
    yielded: Sequence[Finding | NotCompared],
    level: str,
    outcome: _Outcome,
) -> None:
    findings = [one for one in yielded if isinstance(one, Finding)]
    refuses = any(finding.level == "error" for finding in findings)
    if refuses:
        outcome.blocking[check.id] = f"{check.id} refuses the tag"
        if level != "error":
            outcome.lowered[check.id] = None
    if level == "off":
        return
    for finding in findings:
        own = "warning" if finding.level == "error" and level == "warning" else finding.level
        outcome.findings.append(replace(finding, check=check.id, tag=subject.tag, level=own))
    outcome.not_compared.update({one.field: one.why for one in yielded if isinstance(one, NotCompared)})
    if not refuses:
        outcome.passed.append(check.id)


def _not_applicable(check: Check, subject: Subject) -> str:
    if subject.change not in check.changes:
        return (
            f"the tag is {subject.change.value}"
            if subject.change.value != "standing"
            else "the tag does not change"
        )
    if subject.admitted and not check.admitted:
        return subject.admitted
    missing = _first(Inapplicable, check, subject)
    return missing.why if missing else ""


def _first(kind: type[T], check: Check, subject: Subject) -> T | None:
    """The first fact of this kind among those that a check reads."""
    for name in check.reads:
        fact = subject.facts.get(name)
        if isinstance(fact, kind):
            return fact
    return None


def _run(
    check: Check, subject: Subject, policy: Policy
) -> tuple[Sequence[Finding | NotCompared] | str, Unknown | None]:
    try:
        reason = check.not_applicable(subject, policy)
        return (reason, None) if reason else (tuple(check.judge(subject, policy)), None)
    except Exception as error:  # fail closed: a check that raises has not passed
        return (), Unknown(f"the check fell over: {type(error).__name__}: {printable(str(error))}")


def _verdict(outcome: _Outcome) -> TagVerdict:
    if outcome.undecided:
        return "undecided"
    return "refused" if any(finding.level == "error" for finding in outcome.findings) else "accepted"


def commit_of(subject: Subject) -> str | None:
    """Id of the commit that a tag leads to; None where it leads to none."""
    found = subject.facts.get("object")
    if not isinstance(found, TagObject):
        return None
    if found.type == "commit":
        return found.oid
    annotation: Annotation | None = found.annotation
    return annotation.target if annotation is not None and annotation.target_type == "commit" else None
