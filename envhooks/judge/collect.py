"""From a hook's input to Subjects: every fact that the checks READ, collected for all tags at once.

Collect first, judge after. A fact that cannot be had becomes `Unknown` with the reason, one that a tag
does not have `Inapplicable`; no collector decides anything about a tag.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING

from envhooks.base.dataclass import replace
from envhooks.base.hygiene import printable
from envhooks.base.refs import TAGS, Change, Hook, RefUpdate
from envhooks.base.run import MAX_RUN_SECONDS, Step, no_step
from envhooks.git.repository import Git
from envhooks.image import Environment
from envhooks.judge.contents import Contents, may_differ, or_unknown, packages_of
from envhooks.judge.facts import Ancestry, Inapplicable, Subject, TagObject, Unknown
from envhooks.judge.names import SHALLOW, Draft, Fact, NameFacts
from envhooks.policy import Policy
from envhooks.policy.root import FOLDER
from envhooks.policy.trust import TrustContext
from envhooks.signatures import Verdict
from envhooks.tagname import Grammar, is_release_tag

if TYPE_CHECKING:
    from envhooks.signatures.signers import Signers
    from envhooks.signatures.verify import PendingVerification

NO_OBJECT = Inapplicable("no tag object yet")
NOT_SIGNED = Verdict("unsigned", "the tag is not signed", got="no object that could carry a signature")
CHUNK = 400
"""Tags whose objects are read ahead at once."""


def release_tags(
    updates: Iterable[RefUpdate], policy: Policy, locked: Collection[str] = ()
) -> tuple[RefUpdate, ...]:
    """The updates that are about release tags; everything else passes every hook untouched.

    `locked` are the refs that tags.lock lists: they are held to it even where the policy ignores their names.
    """
    grammar = Grammar(policy.tag)
    return tuple(
        update
        for update in updates
        if update.ref.startswith(TAGS)
        and (update.old or update.new)
        and (update.ref in locked or is_release_tag(update.ref.removeprefix(TAGS), grammar, policy.tag))
    )


def collect(
    git: Git,
    trust: TrustContext,
    updates: Sequence[RefUpdate],
    reads: Iterable[str],
    jobs: int | None = None,
    step: Step = no_step,
) -> tuple[Subject, ...]:
    """One Subject for each update of a release tag, with the facts named in `reads`.

    `jobs` programs verify signatures at once; None: as many as pay.

    Raises:
        CannotJudge: git itself fails. What concerns one tag only becomes an Unknown of that tag.
    """
    grammar = Grammar(trust.root.policy.tag)
    drafts = [Draft(update, grammar.read(update.ref.removeprefix(TAGS))) for update in updates]
    wanted = frozenset(reads)
    collector = _Collector(git, trust, grammar, drafts, wanted, jobs, step)
    try:
        for names, fill in collector.in_order():
            if not wanted.isdisjoint(names) or ("object" in names and drafts):
                fill()
        collector.finish()
    finally:
        collector.end()
    return tuple(Subject(draft.update, MappingProxyType(draft.facts)) for draft in drafts)


class _Collector(NameFacts):
    """The facts of one run; each method fills one or two of them into every draft."""

    def __init__(
        self,
        git: Git,
        trust: TrustContext,
        grammar: Grammar,
        drafts: list[Draft],
        wanted: frozenset[str],
        jobs: int | None,
        step: Step,
    ) -> None:
        self.wanted = wanted
        self.jobs = jobs
        self.step = step
        super().__init__(git, trust, grammar, drafts)
        on_server = trust.hook is Hook.RECEIVE
        self.reader = Contents(
            git,
            self.policy,
            time.monotonic() + MAX_RUN_SECONDS if on_server else float("inf"),
            at_work=not on_server,
        )
        self._verifying: PendingVerification | None = None
        self._fill_later: Callable[[Verdict], None] = lambda verdict: None

    def in_order(self) -> tuple[tuple[tuple[str, ...], Callable[[], None]], ...]:
        """Names of facts -> their collector, each behind those whose work it uses."""
        return (
            (("naming",), self.naming),
            (("shadows",), self.shadows),
            (("publication",), self.publication),
            (("taken",), self.taken),
            (("object",), self.objects),
            (("siblings",), self.siblings),
            (("ancestry",), self.ancestry),
            (("signature",), self.signatures),
            (("environment", "changelog"), self.contents),
            (("compatibility",), self.compatibility),
            (("pins",), self.pins),
        )

    # ------------------------------------------------------------------------------- the object

    def objects(self) -> None:
        if self.trust.is_draft:
            for draft in self.drafts:
                draft.facts["object"] = NO_OBJECT
            return
        for at in range(0, len(self.drafts), CHUNK):
            drafts = self.drafts[at : at + CHUNK]
            self.git.read_ahead(draft.oid for draft in drafts)
            for draft in drafts:
                draft.facts["object"] = SHALLOW if self._is_vague(draft) else self._object(draft)
            self.git.read_ahead(draft.payload.oid_target for draft in drafts if draft.payload)
            for draft in drafts:
                self._check_target(draft)
            self.step("tags read", at + len(drafts), len(self.drafts))

    def _object(self, draft: Draft) -> TagObject | Unknown:
        from envhooks.signatures.payload import PayloadError, split

        found = self.git.read(draft.oid)
        if found is None:
            words = (self.trust.remote or "origin", printable(draft.update.ref))
            fix = f"git fetch {' '.join(map(shlex.quote, words))}"
            return Unknown(f"the tag's object {draft.oid} is not in this repository", fix)
        if found.type != "tag":
            return TagObject(found.oid, found.type)
        if found.is_too_large:
            return TagObject(found.oid, "tag", fault="the tag object is over 32 MiB")
        try:
            draft.payload = split(found.data, self.git.oid_length)
        except PayloadError as error:
            return TagObject(found.oid, "tag", fault=error.message)
        return TagObject(found.oid, "tag", draft.payload.annotation())

    def _check_target(self, draft: Draft) -> None:
        """Check that the object that the tag names as its target exists, and has the type that the tag states."""
        tag = draft.facts["object"]
        if not isinstance(tag, TagObject) or tag.annotation is None:
            return
        annotation = tag.annotation
        kind = self.git.type_of(annotation.target)
        if kind is None:
            why = f"the tagged object {annotation.target} is not in this repository"
            draft.facts["object"] = Unknown(why, "git fetch --tags")
        elif kind != annotation.target_type:
            fault = f"it says that it points at a {annotation.target_type}, and that is a {kind}"
            draft.facts["object"] = TagObject(tag.oid, "tag", fault=fault)

    def _commit(self, draft: Draft) -> str | Unknown | Inapplicable:
        """The tagged commit, or why there is none to look at."""
        if self.trust.is_draft:
            return draft.oid
        found = draft.facts["object"]
        if isinstance(found, Unknown):
            return found
        assert isinstance(found, TagObject)
        if found.type == "commit":
            return found.oid
        if found.annotation is not None and found.annotation.target_type == "commit":
            return found.annotation.target
        return Inapplicable("the tag does not point at a commit")

    # ------------------------------------------------------------------------------------- main

    def ancestry(self) -> None:
        commits = [self._commit(draft) for draft in self.drafts]
        mains = self.trust.mains
        names = tuple(dict.fromkeys(branch.name for branch in mains))
        stored = [branch.tip for branch in mains if not branch.is_proposed]
        proposed = [branch for branch in mains if branch.is_proposed]
        if not mains:
            unknown = Unknown("no branch is known here on which a release may lie", self.trust.mains_fix)
            outside: frozenset[str] | Unknown = unknown
        else:
            outside = self._outside((commit for commit in commits if isinstance(commit, str)), stored)
        held: dict[str, tuple[tuple[str, str], ...]] = {}
        for branch in proposed if not isinstance(outside, Unknown) else ():
            assert not isinstance(outside, Unknown)
            left = self._outside(outside, [branch.tip])
            if isinstance(left, Unknown):
                outside = left
                break
            for oid in outside - left:
                held[oid] = (*held.get(oid, ()), (branch.ref, branch.tip))
        for draft, commit in zip(self.drafts, commits, strict=True):
            if not isinstance(commit, str):
                draft.facts["ancestry"] = commit
            elif isinstance(outside, Unknown):
                draft.facts["ancestry"] = outside
            else:
                proposals = held.get(commit, ())
                on_main = commit not in outside or bool(proposals)
                asked = self.trust.asked or self.trust.hook is Hook.RECEIVE
                remote = "" if asked else self.trust.remote or ""
                found = Ancestry(commit, on_main, names, proposals, remote=remote)
                draft.facts["ancestry"] = found if on_main else self._off_main(found)

    def _off_main(self, found: Ancestry) -> Ancestry:
        """With what is known of a commit that lies on no protected branch."""
        from envhooks.judge.unpushed import has_diverged, unpushed

        branch = unpushed(self.git, self.trust, found.commit, self._outside)
        diverged = branch is not None and has_diverged(self.git, self.trust, *branch, self._outside)
        return replace(found, unpushed=branch, diverged=diverged)

    def _outside(self, commits: Iterable[str], tips: Iterable[str]) -> frozenset[str] | Unknown:
        return or_unknown(lambda: self.git.outside(commits, tips, in_part=bool(self.trust.fetched)))

    # ------------------------------------------------------------------------------- signatures

    def signatures(self) -> None:
        from envhooks.signatures.signers.expiry import all_with_warnings
        from envhooks.signatures.verify import PendingVerification, verify_all

        signed = [draft for draft in self.drafts if draft.payload is not None]
        signers = self._signers(any(d.payload and d.payload.annotation().signed for d in signed))
        if isinstance(signers, Unknown):
            verdicts: list[Verdict | Unknown] = [signers] * len(signed)
        else:
            payloads = [draft.payload for draft in signed if draft.payload is not None]
            now = datetime.now(timezone.utc)
            if len(payloads) == 1:
                self._verifying = PendingVerification(payloads[0], signers, now)
                self._fill_later = lambda found: self._fill_signatures(
                    signed, all_with_warnings([found], signers, now)
                )
                return
            found = verify_all(payloads, signers, now, jobs=self.jobs, step=self.step)
            verdicts = [*all_with_warnings(found, signers, now)]
        self._fill_signatures(signed, verdicts)

    def _fill_signatures(self, signed: Sequence[Draft], verdicts: Sequence[Verdict | Unknown]) -> None:
        for draft, verdict in zip(signed, verdicts, strict=True):
            draft.facts["signature"] = verdict
            if isinstance(verdict, Verdict) and verdict.status == "undecided":
                draft.facts["signature"] = Unknown(verdict.why, verdict.fix, verdict.advice)
        if self.trust.hook is not Hook.RECEIVE and any(
            isinstance(verdict, Verdict) and verdict.status == "unsigned" for verdict in verdicts
        ):
            from envhooks.signatures.signers.setup import ways_to_a_key

            ways = ways_to_a_key(self.git.effective_config)
            for draft in signed:
                draft.facts["ways_to_a_key"] = ways
        for draft in self.drafts:
            found = draft.facts["object"]
            draft.facts.setdefault("signature", NOT_SIGNED if isinstance(found, TagObject) else found)

    def finish(self) -> None:
        """Wait for the verifier of a single tag, which was at work while the tag's files were read."""
        if self._verifying is not None:
            self._fill_later(self._verifying.verdict())

    def end(self) -> None:
        """End that verifier, should it still be at work."""
        if self._verifying is not None:
            self._verifying.end()

    def _signers(self, needed: bool) -> Signers | Unknown:
        from envhooks.signatures.signers import read_signers

        root = self.trust.root
        if root.has_signers or self.trust.hook is Hook.RECEIVE or not needed:
            found = read_signers(root.signer_files, f"{FOLDER} on {printable(root.where)}")
            return replace(found, keyless=root.policy.keyless)
        from envhooks.signatures.signers.ownkey import find_own_key

        config = self.git.effective_config
        own = or_unknown(lambda: find_own_key(config))
        if own is None:
            from envhooks.signatures.signers.setup import ways_to_a_key

            why = f"{FOLDER}/allowed_signers names nobody, and git has no signing key of yours"
            return Unknown(why, advice="\n".join((*ways_to_a_key(config), "then: envhooks init")))
        return own if isinstance(own, Unknown) else or_unknown(own.as_signers)

    # ---------------------------------------------------------------------- the tagged contents

    def contents(self) -> None:
        """The environment and the changelog, in one pass: the files of a commit are at hand for a while only."""
        readers: dict[str, Callable[[Draft, str, Policy], Fact]] = {
            "environment": self._environment,
            "changelog": self._changelog,
        }
        wanted = {fact: read for fact, read in readers.items() if fact in self.wanted}
        for at in range(0, len(self.drafts), CHUNK):
            drafts = self.drafts[at : at + CHUNK]
            commits = [self._commit(draft) for draft in drafts]
            self.reader.read_ahead(commit for commit in commits if isinstance(commit, str))
            for draft, commit in zip(drafts, commits, strict=True):
                self._fill_contents(draft, commit, wanted)
            self.step("tags read with their files", at + len(drafts), len(self.drafts))

    def _fill_contents(
        self,
        draft: Draft,
        commit: str | Unknown | Inapplicable,
        wanted: Mapping[str, Callable[[Draft, str, Policy], Fact]],
    ) -> None:
        if not isinstance(commit, str):
            draft.facts.update(dict.fromkeys(wanted, commit))
            return
        if draft.update.change is Change.DELETED:
            draft.facts.update(dict.fromkeys(wanted, Inapplicable("the tag is deleted")))
            return
        self.reader.begin()
        policy = self.reader.policy(commit)
        for fact, read in wanted.items():
            draft.facts[fact] = policy if isinstance(policy, Unknown) else read(draft, commit, policy)

    def _environment(self, draft: Draft, commit: str, policy: Policy) -> Fact:
        return self.reader.environment(commit, policy, draft.tag, draft.naming.name)

    def _changelog(self, draft: Draft, commit: str, policy: Policy) -> Fact:
        return self.reader.changelog(commit, policy, draft.naming.name)

    def compatibility(self) -> None:
        from envhooks.image.compat import judge_environment, table_of

        table = table_of(self.policy)
        judged: dict[tuple[int, str], Fact] = {}  # by identity: equal Dockerfiles share one Environment
        for draft in self.drafts:
            environment = draft.facts.get("environment")
            if isinstance(environment, Environment):
                if (one := (id(environment), draft.day())) not in judged:
                    judged[one] = judge_environment(environment, table, one[1])
                draft.facts["compatibility"] = judged[one]
            else:
                draft.facts["compatibility"] = environment

    def pins(self) -> None:
        """The repair of faulty pins, for tags whose pins are faulty or may differ from the name."""
        for draft in self.drafts:
            environment, commit = draft.facts.get("environment"), self._commit(draft)
            if not isinstance(environment, Environment) or not isinstance(commit, str):
                continue
            name, policy = draft.naming.name, self.reader.policy(commit)
            packages = packages_of(self.policy, name, environment)
            faulty = draft.facts.get("compatibility") or any(
                one.kind in ("python", "base") for one in environment.unpinned
            )
            if isinstance(policy, Policy) and (faulty or may_differ(environment, name, packages)):
                self.reader.begin()
                draft.facts["pins"] = self.reader.pins(commit, policy, draft.tag, name, environment)


def standing(git: Git, locked: Mapping[str, object]) -> tuple[RefUpdate, ...]:
    """All tags as they stand, and those that tags.lock lists but that are gone."""
    there = {ref.name: ref for ref in git.refs(TAGS)}
    gone = (
        RefUpdate(ref, getattr(tag, "oid", None), None) for ref, tag in locked.items() if ref not in there
    )
    return (*(RefUpdate(ref.name, ref.oid, ref.oid, ref.symref) for ref in there.values()), *gone)
