"""From what a hook was told to Subjects: every fact that the checks READ, collected for all tags at once.

Collect first, judge after. A fact that cannot be had becomes `Unknown` with the reason, one that a tag
does not have `Inapplicable`; no collector decides anything about a tag.
"""

from __future__ import annotations

import hashlib
import shlex
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from envhooks.base.budget import MAX_RUN_SECONDS
from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.errors import CannotJudge
from envhooks.base.hygiene import printable
from envhooks.base.progress import Step, no_step
from envhooks.base.refs import HEADS, TAGS, Change, Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.image.facts import Environment
from envhooks.judge.contents import Contents, or_unknown
from envhooks.judge.facts import LISTED, Ancestry, Inapplicable, Publication, Subject, TagObject, Unknown
from envhooks.policy.lockfile import LockedTag
from envhooks.policy.trust import FOLDER, TrustContext, matches
from envhooks.policy.types import Policy
from envhooks.signatures.verdict import Verdict
from envhooks.tagname import Grammar, is_release_tag
from envhooks.tagname.names import Naming, TagName

if TYPE_CHECKING:
    from envhooks.signatures.payload import Payload
    from envhooks.signatures.signers.reader import Signers
    from envhooks.signatures.verify import PendingVerification

Fact = object
K = TypeVar("K")
CHUNK = 400
"""Tags whose objects are read ahead at once."""
SHALLOW = Unknown(
    "this clone is shallow, so nothing in it tells what the remote has (envhooks check --fetch asks the remote)",
    "git fetch --unshallow --tags --force",
)


@dataclass
class _Draft:
    """A Subject in the making."""

    update: RefUpdate
    naming: Naming
    facts: dict[str, Fact] = field(default_factory=dict)
    payload: Payload | None = None
    """The tag object's parts; None for a lightweight or malformed tag."""

    @property
    def tag(self) -> str:
        return self.update.ref[len(TAGS) :]

    @property
    def oid(self) -> str:
        """The object to look at: the new one, or the old one of a tag that is deleted."""
        oid = self.update.new or self.update.old
        assert oid is not None, "an update of nothing to nothing is no update"
        return oid


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
        and (update.ref in locked or is_release_tag(update.ref[len(TAGS) :], grammar, policy.tag))
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
    drafts = [_Draft(update, grammar.read(update.ref[len(TAGS) :])) for update in updates]
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


class _Collector:
    """The facts of one run; each method fills one or two of them into every draft."""

    def __init__(
        self,
        git: Git,
        trust: TrustContext,
        grammar: Grammar,
        drafts: list[_Draft],
        wanted: frozenset[str],
        jobs: int | None,
        step: Step,
    ) -> None:
        self.wanted = wanted
        self.jobs = jobs
        self.step = step
        self.git = git
        self.trust = trust
        self.policy = trust.root.policy
        self.grammar = grammar
        self.drafts = drafts
        on_server = trust.hook is Hook.RECEIVE
        self.reader = Contents(
            git, self.policy, time.monotonic() + MAX_RUN_SECONDS if on_server else float("inf")
        )
        self._verifying: PendingVerification | None = None
        self._fill_later: Callable[[Verdict], None] = lambda verdict: None

    def in_order(self) -> tuple[tuple[tuple[str, ...], Callable[[], None]], ...]:
        """Names of facts -> their collector, each behind those whose work it uses."""
        return (
            (("naming",), self.naming),
            (("shadows",), self.shadows),
            (("publication",), self.publication),
            (("object",), self.objects),
            (("siblings",), self.siblings),
            (("ancestry",), self.ancestry),
            (("signature",), self.signatures),
            (("environment", "changelog"), self.contents),
            (("compatibility",), self.compatibility),
        )

    # ---------------------------------------------------------------------- name and publication

    def naming(self) -> None:
        for draft in self.drafts:
            draft.facts["naming"] = draft.naming

    def shadows(self) -> None:
        """Refs for which git takes the tag's short name first, or that differ from it by case only."""
        tags = {draft.tag: draft for draft in self.drafts}
        found: dict[str, list[str]] = {tag: [] for tag in tags}
        if self.trust.hook in (Hook.CHECK, Hook.RECEIVE):
            alike: dict[str, list[str]] = {}
            for tag in tags:
                alike.setdefault(tag.casefold(), []).append(tag)
            remote = f"refs/remotes/{self.trust.remote}/" if self.trust.remote else ""
            for ref in self.git.refs():
                places = (HEADS, *((remote,) if remote else ()), TAGS, "refs/")
                prefix = next((one for one in places if ref.name.startswith(one)), "")
                name = ref.name[len(prefix) :]
                for tag in alike.get(name.casefold(), ()) if prefix else ():
                    if ref.name != TAGS + tag:
                        found[tag].append(ref.name)
        for draft in self.drafts:
            draft.facts["shadows"] = tuple(found[draft.tag])

    def publication(self) -> None:
        locked = self.trust.root.locked
        for draft in self.drafts:
            entry = locked.get(draft.update.ref)
            on_remote = draft.update.old is not None and self.trust.hook in (Hook.PUSH, Hook.RECEIVE)
            how = "the remote has it" if on_remote else LISTED if entry else ""
            found = Publication(bool(how), how)
            draft.facts["publication"] = self._locked(draft, found, entry) if entry else found

    def _locked(self, draft: _Draft, found: Publication, entry: LockedTag) -> Publication | Unknown:
        """What tags.lock says of the tag, beside the bytes that stand here under the id that it lists."""
        sha256 = ""
        if draft.update.new == entry.oid:
            held = self.git.read(entry.oid)
            if held is None or held.is_too_large:
                why = "is not in this repository" if held is None else "is over 32 MiB"
                return Unknown(
                    f"the tag's object {entry.oid} {why}", "git fetch --refetch" if not held else ""
                )
            sha256 = hashlib.sha256(held.data).hexdigest()
        elif self._is_vague(draft) and self.trust.hook is Hook.CHECK:
            return SHALLOW  # checkout actions leave tags out, or put a lightweight one there
        return replace(
            found,
            locked_oid=entry.oid,
            locked_sha256=entry.sha256,
            sha256=sha256,
            locked_by="" if entry.is_legacy else entry.signer,
            legacy=entry.reason if entry.is_legacy else "",
            ignored=not is_release_tag(draft.tag, self.grammar, self.policy.tag),
        )

    def _is_vague(self, draft: _Draft) -> bool:
        """Whether the clone may hold something else under this name than the remote."""
        return self.git.is_shallow and draft.update.ref not in self.trust.fetched

    def siblings(self) -> None:
        series = {draft.naming.name.series for draft in self.drafts if draft.naming.name}
        # what this event creates has no before and after; what only is told of, such as a tag that a push leaves where
        # it is, takes nothing away from what stands there
        made = {draft.update.ref for draft in self.drafts if draft.update.change is Change.CREATED}
        names: list[TagName] = []
        if self.trust.hook is not Hook.CHECK and series:
            others = (ref.name[len(TAGS) :] for ref in self.git.refs(TAGS) if ref.name not in made)
            read = (self.grammar.match(name) for name in others)
            names = [name for name in read if name is not None and name.series in series]
        series_of = _grouped(names, lambda name: name.series)
        together = _grouped(self._made_together(), lambda name: name.series)
        releases = {  # compared only where a series has several: `packaging` takes 10 ms to load
            key: _grouped(group, lambda name: name.order) for key, group in together.items() if len(group) > 1
        }
        for draft in self.drafts:
            own = draft.naming.name
            # what one push brings has no before and after, but two names of one release it must not have
            same = releases.get(own.series, {}).get(own.order, ()) if own and own.series in releases else ()
            twins = (name for name in same if own and name.text != own.text)
            series_names = series_of.get(own.series, ()) if own else ()
            draft.facts["siblings"] = (
                *(name for name in series_names if own and name.text != own.text),
                *twins,
            )

    def _made_together(self) -> tuple[TagName, ...]:
        """The names that this event creates or moves."""
        if self.trust.hook is Hook.CHECK or len(self.drafts) < 2:
            return ()
        return tuple(draft.naming.name for draft in self.drafts if draft.update.new and draft.naming.name)

    # ------------------------------------------------------------------------------- the object

    def objects(self) -> None:
        for at in range(0, len(self.drafts), CHUNK):
            drafts = self.drafts[at : at + CHUNK]
            self.git.read_ahead(draft.oid for draft in drafts)
            for draft in drafts:
                draft.facts["object"] = SHALLOW if self._is_vague(draft) else self._object(draft)
            self.git.read_ahead(draft.payload.oid_target for draft in drafts if draft.payload)
            for draft in drafts:
                self._check_target(draft)
            self.step("reading tags", at + len(drafts), len(self.drafts))

    def _object(self, draft: _Draft) -> TagObject | Unknown:
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

    def _check_target(self, draft: _Draft) -> None:
        """That the object is there which the tag says that it points at, and of the type that it says."""
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

    def _commit(self, draft: _Draft) -> str | Unknown | Inapplicable:
        """The tagged commit, or why there is none to look at."""
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
                unpushed = None if on_main else self._unpushed(commit)
                draft.facts["ancestry"] = Ancestry(commit, on_main, names, proposals, unpushed)

    def _unpushed(self, commit: str) -> tuple[str, str] | None:
        """The remote, and the protected branch here that has the commit while the remote's has not."""
        point = self.trust
        if point.remote is None or point.hook is Hook.RECEIVE:
            return None
        patterns = point.root.policy.branches or (point.branch,)
        for ref in self.git.refs(HEADS):
            name = ref.name[len(HEADS) :]
            if matches(name, patterns) and self._outside([commit], [ref.oid]) == frozenset():
                return point.remote, name
        return None

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

    def _fill_signatures(self, signed: Sequence[_Draft], verdicts: Sequence[Verdict | Unknown]) -> None:
        for draft, verdict in zip(signed, verdicts, strict=True):
            undecided = isinstance(verdict, Verdict) and verdict.status == "undecided"
            draft.facts["signature"] = Unknown(verdict.why, verdict.fix) if undecided else verdict
        for draft in self.drafts:
            draft.facts.setdefault("signature", Inapplicable("the tag has no object that could be signed"))

    def finish(self) -> None:
        """Wait for the verifier of a single tag, which was at work while the tag's files were read."""
        if self._verifying is not None:
            self._fill_later(self._verifying.verdict())

    def end(self) -> None:
        """End that verifier, should it still be at work."""
        if self._verifying is not None:
            self._verifying.end()

    def _signers(self, needed: bool) -> Signers | Unknown:
        from envhooks.signatures.signers.reader import read_signers

        root = self.trust.root
        if root.has_signers or self.trust.hook is Hook.RECEIVE or not needed:
            found = read_signers(root.signer_files, f"{FOLDER} on {printable(root.where)}")
            return replace(found, keyless=root.policy.keyless)
        from envhooks.signatures.signers.ownkey import find_own_key

        def own() -> Signers:
            config = {key: values[-1] for key, values in self.git.config.items()}
            key = find_own_key(config)
            if key is None:
                raise CannotJudge(
                    f"{FOLDER}/allowed_signers names nobody, and git has no signing key of yours",
                    fix="git config user.signingkey <your key> && envhooks init",
                )
            return key.as_signers()

        return or_unknown(own)

    # ---------------------------------------------------------------------- the tagged contents

    def contents(self) -> None:
        """The environment and the changelog, in one pass: the files of a commit are at hand for a while only."""
        readers: dict[str, Callable[[_Draft, str, Policy], Fact]] = {
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
            self.step("reading the tagged files", at + len(drafts), len(self.drafts))

    def _fill_contents(
        self,
        draft: _Draft,
        commit: str | Unknown | Inapplicable,
        wanted: Mapping[str, Callable[[_Draft, str, Policy], Fact]],
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

    def _environment(self, draft: _Draft, commit: str, policy: Policy) -> Fact:
        return self.reader.environment(commit, policy, draft.tag, draft.naming.name)

    def _changelog(self, draft: _Draft, commit: str, policy: Policy) -> Fact:
        return self.reader.changelog(commit, policy, draft.naming.name)

    def compatibility(self) -> None:
        from envhooks.image.compat.rules import judge_environment, table_of

        table = table_of(self.policy)
        judged: dict[int, Fact] = {}  # by identity: equal Dockerfiles share one Environment
        for draft in self.drafts:
            environment = draft.facts.get("environment")
            if isinstance(environment, Environment):
                if id(environment) not in judged:
                    judged[id(environment)] = judge_environment(environment, table)
                draft.facts["compatibility"] = judged[id(environment)]
            else:
                draft.facts["compatibility"] = environment


def _grouped(names: Iterable[TagName], key: Callable[[TagName], K]) -> dict[K, list[TagName]]:
    groups: dict[K, list[TagName]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def standing(git: Git, locked: Mapping[str, object]) -> tuple[RefUpdate, ...]:
    """All tags as they stand, and those that tags.lock lists but that are gone."""
    there = {ref.name: ref for ref in git.refs(TAGS)}
    gone = (
        RefUpdate(ref, getattr(tag, "oid", None), None) for ref, tag in locked.items() if ref not in there
    )
    return (*(RefUpdate(ref.name, ref.oid, ref.oid, ref.symref) for ref in there.values()), *gone)
