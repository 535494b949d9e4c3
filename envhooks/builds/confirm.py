"""Judging once more, by what the remote really holds, and planning what is built of it.

A server may have refused main and taken the tag beside it, and a tag may have been moved since. So the
remote's own refs decide: the tag must be there as this very object, and its commit on the remote's main.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envhooks.base.dataclass import dataclass, replace
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS, Hook, RefUpdate
from envhooks.builds.builders import load
from envhooks.builds.context import Allowed
from envhooks.builds.plan import Facts, builder_options, matching, plan_builds
from envhooks.builds.remote import Remote, RemoteRefs, fetch_branches, is_release_remote
from envhooks.builds.types import Plan
from envhooks.builds.verify_image import published_settings
from envhooks.git.repository import Git
from envhooks.image import CannotTell, Environment
from envhooks.judge import engine
from envhooks.judge import runs as gate
from envhooks.judge.contents import dockerfile_section, section_for
from envhooks.judge.facts import Subject, TagReport
from envhooks.policy import BuildPolicy, Policy
from envhooks.policy.branches import matches
from envhooks.policy.reader import parse_policy
from envhooks.policy.root import FOLDER, tagged_policy
from envhooks.policy.trust import Branch, TrustContext, trust_context
from envhooks.signatures import Verdict
from envhooks.tagname import Grammar
from envhooks.tagname.names import TagName


@dataclass(frozen=True)
class Confirmed:
    """Verdicts on some tags by the remote's own refs."""

    trust: TrustContext
    refs: RemoteRefs
    tags: Mapping[str, TagReport]
    """Full ref name -> its report."""
    subjects: Mapping[str, Subject]
    errors: tuple[str, ...]
    """Reasons why the run could not judge at all."""

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self.trust.root.policy

    def fault(self, ref: str) -> tuple[str, bool]:
        """(why this tag is not built, whether that is final); ("", False) where it may be built."""
        if self.errors:
            return self.errors[0].partition("\n")[0], False
        report = self.tags.get(ref)
        if report is None:
            return "the policy no longer takes it for a release", True
        if report.verdict == "accepted":
            return "", False
        if report.undecided:
            check, unknown = next(iter(report.undecided.items()))
            return f"could not be judged again ({check}): {unknown.why}", False
        bad = next(finding for finding in report.findings if finding.level == "error")
        return f"refused when it was judged by the remote's own main ({bad.check}): {bad.message}", True


def stand_at(git: Git, remote: Remote) -> TrustContext:
    """The policy for what this remote holds: the same as the gate's.

    Raises:
        PolicyError: it cannot be found or read.
    """
    if remote.own:
        hook = Hook.RECEIVE if git.is_bare else Hook.CHECK
        return trust_context(git, hook, (), check_ids=engine.ids())
    found = trust_context(git, Hook.PUSH, (), remote.name or remote.url, engine.ids())
    return replace(found, hook=Hook.CHECK)


def confirm(
    git: Git,
    remote: Remote,
    refs: RemoteRefs,
    tags: Mapping[str, str],
    environ: Mapping[str, str],
) -> Confirmed:
    """Judge tags (full ref -> object id) that `refs` says the remote holds, by the remote's actual main.

    Raises:
        CannotJudge: the policy cannot be read, or the remote's main cannot be had.
    """
    # these object ids are the remote's own, which a shallow clone cannot tell by itself
    trust = replace(stand_at(git, remote), fetched=frozenset(tags))
    if not remote.own:
        trust = replace(trust, mains=_actual_mains(git, remote, refs, trust, environ))
    updates = [RefUpdate(ref, oid, oid) for ref, oid in tags.items()]
    judged = gate.judge_at(git, trust, updates)
    return Confirmed(
        trust,
        refs,
        {tag.ref: tag for tag in judged.report.tags},
        {subject.update.ref: subject for subject in judged.subjects},
        judged.report.errors,
    )


def _actual_mains(
    git: Git, remote: Remote, refs: RemoteRefs, trust: TrustContext, environ: Mapping[str, str]
) -> tuple[Branch, ...]:
    patterns = trust.root.policy.branches or (trust.branch,)
    tips = {name: tip for name, tip in refs.heads.items() if matches(name, patterns)}
    if not tips:
        raise CannotJudge(
            f"{printable(remote.shown)} has no branch {printable(', '.join(patterns))}, on which a release has to lie"
        )
    missing = [name for name, tip in tips.items() if git.read(tip) is None]
    if missing:
        fetch_branches(git, remote, environ, missing)
    where = remote.name or "the remote"
    return tuple(Branch(f"{where}/{name}", tip) for name, tip in tips.items())


def sections_for(
    git: Git, policy: Policy, ref: str, remote: Remote, places: Sequence[str] = ()
) -> tuple[BuildPolicy, ...]:
    """The build sections for a tag on a remote; with `places`, of those values of `on` only.

    A section that names no remotes is for the one that releases go to: a mirror that lacks a release would move
    `latest`.
    """
    name = Grammar(policy.tag).match(ref.removeprefix(TAGS))
    if name is None:
        return ()
    found = matching(
        policy.builds, name, remote.name, remote.shown, is_release=is_release_remote(git, remote)
    )
    return tuple(build for build in found if not places or build.on in places)


def plan_for(git: Git, confirmed: Confirmed, ref: str, remote: Remote, build: BuildPolicy) -> Plan:
    """Plan of one section for a tag that was confirmed.

    Raises:
        CannotJudge: it cannot be determined, or the section says what its builder does not know.
    """
    builder = load(build.using)
    builder.check_options(builder_options(build))
    Allowed.by(build.options)
    published_settings(build)
    facts = _facts(git, confirmed, ref)
    tags = confirmed.refs.tags
    plans = plan_builds(
        confirmed.policy, ref.removeprefix(TAGS), facts, tags, remote_url=remote.shown, builds=(build,)
    )
    return plans[0]


def _facts(git: Git, confirmed: Confirmed, ref: str) -> Facts:
    report, subject = confirmed.tags[ref], confirmed.subjects[ref]
    if report.commit is None or report.object is None:
        raise CannotJudge("the tag names no commit", place=printable(ref))
    name = Grammar(confirmed.policy.tag).match(subject.tag)
    environment = subject.facts.get("environment")
    verdict = subject.facts.get("signature")
    signer = verdict.signer if isinstance(verdict, Verdict) else ""
    tag = Tagged(subject.tag, name, report.object, report.commit)
    return facts_of(git, confirmed.policy, tag, environment, signer)


@dataclass(frozen=True)
class Tagged:
    """A tag and the commit that it names."""

    tag: str
    """The name behind `refs/tags/`."""
    name: TagName | None
    """As the grammar reads it; None for a name that it refuses."""
    object: str
    commit: str


def facts_of(git: Git, root: Policy, tagged: Tagged, environment: object, signer: str) -> Facts:
    """Facts of a tag for its plan, from the tagged commit: what describes the environment is read there.

    Raises:
        CannotJudge: the build's context is no folder there, or the policy or the file of `built-by` there cannot be
            read.
    """
    files = git.files(tagged.commit)
    found = tagged_policy(files, tagged.commit[:12])
    described = parse_policy(found[1], f"{FOLDER}/policy.toml at {tagged.commit[:12]}") if found else root
    section = dockerfile_section(described, tagged.tag)
    section = section and section_for(section, tagged.name)
    below: tuple[str, ...] = ()
    if section and section.built_by and section.path and tagged.name:
        from envhooks.judge.builtby import stated

        by = stated(files, section, section.path)
        if isinstance(by, CannotTell):
            raise CannotJudge(by.why, place=str(by.place))
        section, below = by[0], tuple(by[1])
    if section and not files.find(section.context):
        raise CannotJudge(f"there is no folder {printable(section.context)} at the tagged commit")
    return Facts(
        tag_object=tagged.object,
        commit=tagged.commit,
        date=git.commit(tagged.commit).date,
        dockerfile=section.path if section and section.path and tagged.name else "",
        target=section.target if section else None,
        context=section.context if section else ".",
        args=section.args if section else (),
        base=environment.base if isinstance(environment, Environment) else None,
        signer=signer,
        below=below,
    )
