"""Records as `check --all` looks at them: changed or taken away, contradicted, or other than what tags.lock says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from envhooks.base.dataclass import replace
from envhooks.base.errors import EnvhooksError
from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS
from envhooks.base.run import Step, no_step
from envhooks.git import notes
from envhooks.git.repository import Git
from envhooks.judge.facts import Finding, Report, TagReport
from envhooks.policy.root import TrustRoot
from envhooks.records.dsse import EnvelopeError, decode
from envhooks.records.reader import read_all
from envhooks.records.statement import StatementError, read_statement
from envhooks.records.taking import fault
from envhooks.records.types import Records
from envhooks.records.verifiers import verifiers_of

_LOOKED_AT = 50
"""Commits of notes among which one is looked for that nothing is missing from."""
CHECK = "records"
"""Id of these findings in reports, beside the ids of the checks."""


def with_records(git: Git, root: TrustRoot, report: Report, step: Step = no_step) -> Report:
    """The report with what the records of its tags say; as it was where there are no records and no verifiers."""
    report = replace(report, errors=(*report.errors, *_yanked_of_nothing(git, root)))
    try:
        tip = notes.tip(git)
        if tip is None and not root.policy.verifiers:
            return report
        unread: dict[str, str] = {}
        gone = _gone(git, tip, root, unread) if tip else {}
        back = _way_back(git, tip, root) if tip and gone else ""
        others = _other_objects(git, tip, root, unread)
        found = read_all(git, root, step=step) if root.policy.verifiers else {}
    except EnvhooksError as error:
        return replace(report, errors=(*report.errors, f"records could not be read: {error}"))
    tags = tuple(
        _with(tag, root, found.get(tag.tag), gone, others.get(tag.tag, ()), back) for tag in report.tags
    )
    known = {tag.object for tag in report.tags}
    unread |= {one.object: one.unread for one in found.values() if one.unread}
    names = {tag.object: printable(tag.tag) for tag in report.tags if tag.object}
    why = {names.get(oid, oid[:12]): text for oid, text in unread.items()}
    unreadable = tuple(f"the records of {what} could not be read: {text}" for what, text in why.items())
    lost = tuple(
        f"{notes.REF}: {_changed(count)} of {oid[:12]}, which is no release tag here"
        for oid, count in gone.items()
        if oid not in known
    )
    return replace(report, tags=tags, errors=(*report.errors, *unreadable, *lost))


def _yanked_of_nothing(git: Git, root: TrustRoot) -> Iterator[str]:
    """A sentence for each `[[yanked]]` that no tag here is called by: a misspelt one yanks nothing."""
    if not root.policy.yanked:
        return
    tags = dict.fromkeys(ref.name.removeprefix(TAGS) for ref in git.refs(TAGS))
    for tag in root.policy.yanked:
        if tag not in tags:
            from envhooks.base.near import nearest  # where nothing is misspelt, nobody needs it

            near = nearest(tag, tags)
            hint = f"; did you mean {printable(near, 120)}?" if near else ""
            yield f"`[[yanked]]` names {printable(tag, 120)}, and there is no such tag{hint}"


def _gone(git: Git, tip: str, root: TrustRoot, unread: dict[str, str] | None = None) -> dict[str, int]:
    """Annotated object -> number of records that its note had once and has no more.

    A lost line that never proved anything, such as a damaged one, does not count.
    """
    vanished = notes.vanished(git, tip, unread)
    if not vanished:
        return {}
    verifiers = verifiers_of(git, root)
    counts = {
        oid: sum(verifiers.are_none or not fault(line, oid, verifiers) for line in lines)
        for oid, lines in vanished.items()
    }
    return {oid: count for oid, count in counts.items() if count}


def _way_back(git: Git, tip: str, root: TrustRoot) -> str:
    """The command that puts the notes back to where nothing was missing; empty where good lines would go with it."""
    verifiers = verifiers_of(git, root)
    commits = git.ask("rev-list", "--first-parent", f"--max-count={_LOOKED_AT}", tip).decode().split()
    good = next((commit for commit in commits[1:] if not _gone(git, commit, root)), None)
    if good is None:
        return ""
    for oid in notes.lost(git, tip, good):
        kept = set(notes.lines_of(git, good, oid))
        if any(
            line not in kept and not fault(line, oid, verifiers) for line in notes.lines_of(git, tip, oid)
        ):
            return ""
    return f"git update-ref {notes.REF} {good[:12]}"


def _changed(count: int) -> str:
    return f"{count} record{'s' * (count > 1)} {'were' if count > 1 else 'was'} changed or taken away"


def _with(
    tag: TagReport,
    root: TrustRoot,
    records: Records | None,
    gone: Mapping[str, int],
    others: tuple[str, ...],
    back: str,
) -> TagReport:
    findings = tuple(
        replace(finding, check=CHECK, tag=tag.tag)
        for finding in _findings(tag, root, records, gone.get(tag.object or "", 0), others, back)
    )
    if not findings:
        return tag
    is_refused = any(finding.level == "error" for finding in findings) and tag.verdict == "accepted"
    return replace(tag, findings=(*tag.findings, *findings), verdict="refused" if is_refused else tag.verdict)


def _findings(
    tag: TagReport, root: TrustRoot, records: Records | None, gone: int, others: tuple[str, ...], back: str
) -> Iterator[Finding]:
    if gone:
        yield Finding(
            f"{_changed(gone)} since somebody wrote {'them' if gone > 1 else 'it'}",
            fix=back or "envhooks records --fetch",
        )
    locked = root.locked.get(tag.ref)
    for oid in others:
        if locked is not None and oid != locked.oid:
            yield Finding(
                "a record says that this tag is another object than tags.lock lists",
                got=oid,
                expected=locked.oid,
            )
    if records is None:
        return
    if records.state == "contradicted":
        for fault in records.faults:
            yield Finding(
                f"its record is contradicted: {fault}", fix="" if gone else "envhooks records --fetch"
            )
        return
    is_locked = locked is not None and not locked.is_legacy
    if is_locked and not records.passed:
        yield Finding("tags.lock lists it, and no record says that it passed", "note")
    for one in records.passed:
        if locked is not None and is_locked and one.tag_signer and one.tag_signer != locked.signer:
            yield Finding(
                "tags.lock and its record name different signers of the tag",
                got=f"{one.tag_signer}, by the record of `{one.signer.name}`",
                expected=f"{locked.signer}, by tags.lock",
            )
    if root.locked and locked is None and records.passed:
        yield Finding("it is recorded, and tags.lock does not list it", "note", fix="envhooks lock")


def _other_objects(
    git: Git, tip: str | None, root: TrustRoot, unread: dict[str, str]
) -> dict[str, tuple[str, ...]]:
    """Tag -> other objects than its own that statements call by its name, of the tags that tags.lock lists.

    Only statements that stand on the object which they are about: a copy on another one is seen where it is read.
    """
    own = {ref.oid: ref.name.removeprefix(TAGS) for ref in git.refs(TAGS)}
    found: dict[str, tuple[str, ...]] = {}
    if not root.locked:
        return found
    for oid, lines in notes.all_lines(git, tip, unread).items():
        if oid in own:
            continue
        for line in lines:
            try:
                statement = read_statement(decode(line).payload)
            except (EnvelopeError, StatementError):
                continue
            if statement.object == oid and TAGS + statement.tag in root.locked:
                found[statement.tag] = tuple(dict.fromkeys((*found.get(statement.tag, ()), oid)))
    return found
