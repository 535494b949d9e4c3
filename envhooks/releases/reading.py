"""Releases read from a repository, all of them or named ones, and judged where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from envhooks.base.dataclass import replace
from envhooks.base.errors import CannotJudge, UsageError
from envhooks.base.hygiene import printable, word
from envhooks.base.refs import TAGS, Hook, RefUpdate
from envhooks.changelog import Changelog
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.judge import engine
from envhooks.judge.collect import collect, release_tags
from envhooks.judge.facts import Inapplicable, Subject, TagObject, TagReport, Unknown
from envhooks.judge.runs import Work, every_tag, judge_at
from envhooks.policy.trust import TrustContext, trust_context
from envhooks.records import reader
from envhooks.releases.facts import Release
from envhooks.signatures import Verdict
from envhooks.tagname.names import Naming

_FACTS = ("naming", "object", "environment")


class Releases:
    """The release tags of a repository, read for one command."""

    def __init__(self, git: Git, work: Work | None = None) -> None:
        """`work` says how many programs verify signatures at once, and receives the progress of a long run.

        Raises:
            EnvhooksError: the policy or the protected branch cannot be read.
        """
        self.git = git
        self.trust: TrustContext = trust_context(git, Hook.CHECK, check_ids=engine.ids())
        self._work = work or Work()
        self._updates = [
            update
            for update in release_tags(
                every_tag(git, self.trust), self.trust.root.policy, self.trust.root.locked
            )
            if update.new
        ]

    def read(self, tags: Sequence[str] | None = None, *, entries: bool = False) -> tuple[Release, ...]:
        """The releases with their environments and without a verdict, in the order of lines and versions.

        Args:
            tags: short names or full refs; None for every release tag.
            entries: read the changelog entries as well.

        Raises:
            UsageError: a named tag does not exist, or is not a release's.
        """
        updates = self._updates if tags is None else [self._named(tag) for tag in tags]
        facts = (*_FACTS, "changelog") if entries else _FACTS
        subjects = collect(self.git, self.trust, updates, facts, jobs=self._work.jobs, step=self._work.step)
        return tuple(sorted((_release(subject) for subject in subjects), key=_order))

    def has(self, tag: str) -> bool:
        """Whether a release tag of this name is here, short or as a full ref."""
        ref = tag if tag.startswith(TAGS) else TAGS + tag
        return any(update.ref == ref for update in self._updates)

    def commit(self, revision: str) -> str | None:
        """Id of the commit that a revision names, as git reads it: `main~2`, an id; None where there is none."""
        if not revision or revision.startswith("-") or "\0" in revision:
            return None
        try:
            told = self.git.ask(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
            )
        except CannotJudge:
            return None
        return told.decode("ascii", "replace").strip() or None

    def judge(self, releases: Iterable[Release]) -> tuple[Release, ...]:
        """The same releases with verdict and signer, by today's policy and every check."""
        known = {TAGS + release.tag: release for release in releases}
        updates = [update for update in self._updates if update.ref in known]
        outcome = judge_at(self.git, self.trust, updates, self._work)
        reports = {report.ref: report for report in outcome.report.tags}
        judged = []
        for subject in outcome.subjects:
            ref = subject.update.ref
            report = reports[ref]
            signature = subject.facts.get("signature")
            signer = signature.signer if isinstance(signature, Verdict) and signature.status == "good" else ""
            # what kept the whole run from judging leaves no tag accepted
            verdict = "undecided" if outcome.report.errors else report.verdict
            why = _why(report) or (outcome.report.errors[0] if outcome.report.errors else "")
            judged.append(replace(known[ref], verdict=verdict, why=why, signer=signer, passed=report.passed))
        return tuple(sorted(judged, key=_order))

    def with_records(self, releases: Iterable[Release]) -> tuple[Release, ...]:
        """The same releases with their records; contradicted ones keep their faults."""
        asked = tuple(releases)
        if len(asked) == 1:  # the notes of all other releases need not be read and verified for it
            return (replace(asked[0], records=reader.read(self.git, self.trust.root, asked[0].tag)),)
        found = reader.read_all(self.git, self.trust.root, step=self._work.step)
        return tuple(replace(one, records=found.get(one.tag)) for one in asked)

    def _named(self, tag: str) -> RefUpdate:
        ref = tag if tag.startswith(TAGS) else TAGS + tag
        found = next((update for update in self._updates if update.ref == ref), None)
        if found is not None:
            return found
        short = printable(ref.removeprefix(TAGS))
        if any(one.name == ref for one in self.git.refs(TAGS)):
            raise UsageError(f"{short} is a tag that the policy leaves alone, and no release")
        raise UsageError(
            f"there is no tag {short} in this repository",
            fix=f"git fetch {word(self.trust.remote or 'origin')} {word(f'{ref}:{ref}')}",
        )


def environment_at(releases: Releases, commit: str, like: str) -> Environment | Unknown | Inapplicable:
    """The environment of any commit, by the Dockerfile that the tag name `like` has; `like` may be empty."""
    update = RefUpdate(TAGS + like, commit, commit)
    subject = collect(releases.git, releases.trust, [update], _FACTS)[0]
    return _environment(subject)


def _release(subject: Subject) -> Release:
    found = subject.facts.get("object")
    naming = subject.facts.get("naming")
    changelog = subject.facts.get("changelog")
    annotation = found.annotation if isinstance(found, TagObject) else None
    commit = annotation.target if annotation and annotation.target_type == "commit" else None
    if isinstance(found, TagObject) and found.type == "commit":
        commit = found.oid
    return Release(
        tag=subject.tag,
        object=subject.update.new or "",
        commit=commit,
        name=naming.name if isinstance(naming, Naming) else None,
        date=_date(annotation.date) if annotation else "",
        seconds=annotation.date if annotation else 0,
        environment=_environment(subject),
        entry=changelog.entry.body.strip() if isinstance(changelog, Changelog) and changelog.entry else "",
    )


def _environment(subject: Subject) -> Environment | Unknown | Inapplicable:
    found = subject.facts.get("environment")
    if isinstance(found, (Environment, Unknown, Inapplicable)):
        return found
    return Unknown("the tag leads to no commit")


def _why(report: TagReport) -> str:
    error = next((finding.message for finding in report.findings if finding.level == "error"), "")
    return error or next((f"{check}: {unknown.why}" for check, unknown in report.undecided.items()), "")


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""  # a tagger's date is whatever the client wrote


def _order(release: Release) -> tuple[bool, tuple[str, ...], object, str]:
    """Sort key: by line, then by version; names that were not read come last."""
    name = release.name
    if name is None:
        return (True, (), 0, release.tag)
    return (False, name.line, name.order, release.tag)
