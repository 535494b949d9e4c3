"""Facts of a tag's name: its fields, other holders of the name, its publication, and its series.

They go into drafts of Subjects, which `envhooks.judge.collect` completes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.refs import HEADS, TAGS, Change, Hook, RefUpdate
from envhooks.git.repository import Git
from envhooks.judge.facts import LISTED, Publication, Unknown
from envhooks.policy.root import LockedTag
from envhooks.policy.trust import TrustContext
from envhooks.tagname import Grammar, is_release_tag
from envhooks.tagname.names import Naming, TagName

if TYPE_CHECKING:
    from envhooks.signatures.payload import Payload

Fact = object


K = TypeVar("K")


SHALLOW = Unknown(
    "this clone is shallow, so nothing in it tells what the remote has (envhooks check --fetch asks the remote)",
    "git fetch --unshallow --tags --force",
)


@dataclass
class Draft:
    """A Subject in the making."""

    update: RefUpdate
    naming: Naming
    facts: dict[str, Fact] = field(default_factory=dict)
    payload: Payload | None = None
    """The tag object's parts; None for a lightweight or malformed tag."""

    @property
    def tag(self) -> str:
        """The name after `refs/tags/`."""
        return self.update.ref[len(TAGS) :]

    @property
    def oid(self) -> str:
        """The object to look at: the new one, or the old one of a tag that is deleted."""
        oid = self.update.new or self.update.old
        assert oid is not None, "an update of nothing to nothing is no update"
        return oid


def grouped(names: Iterable[TagName], key: Callable[[TagName], K]) -> dict[K, list[TagName]]:
    """Names by their key, in their order."""
    groups: dict[K, list[TagName]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


if TYPE_CHECKING:
    pass


class NameFacts:
    """Collector of the facts that a name and the refs beside it tell; each method fills one into every draft."""

    def __init__(self, git: Git, trust: TrustContext, grammar: Grammar, drafts: list[Draft]) -> None:
        self.git = git
        self.trust = trust
        self.policy = trust.root.policy
        self.grammar = grammar
        self.drafts = drafts

    # ---------------------------------------------------------------------- name and publication

    def naming(self) -> None:
        """What the grammar makes of each name."""
        for draft in self.drafts:
            draft.facts["naming"] = draft.naming

    def shadows(self) -> None:
        """Refs for which git takes the tag's short name first, or that differ from it by case only."""
        tags = {draft.tag: draft for draft in self.drafts}
        found: dict[str, list[str]] = {tag: [] for tag in tags}
        if self.trust.hook in (Hook.CHECK, Hook.RECEIVE) or self.trust.is_draft:
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
        """Whether the remote has the tag, and what tags.lock says."""
        locked = self.trust.root.locked
        for draft in self.drafts:
            entry = locked.get(draft.update.ref)
            on_remote = draft.update.old is not None and self.trust.hook in (Hook.PUSH, Hook.RECEIVE)
            on_remote |= draft.update.ref in self.trust.fetched
            how = "the remote has it" if on_remote else LISTED if entry else ""
            standing = draft.update.change is Change.STANDING
            found = Publication(
                bool(how),
                how,
                unasked=standing and not how and self.trust.remote is not None and not self.trust.asked,
                here=self.trust.hook is not Hook.TAG or draft.update.change is not Change.CREATED,
                remote=self.trust.remote or "",
            )
            draft.facts["publication"] = self._locked(draft, found, entry) if entry else found

    def _locked(self, draft: Draft, found: Publication, entry: LockedTag) -> Publication | Unknown:
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

    def _is_vague(self, draft: Draft) -> bool:
        """Whether the clone may hold something else under this name than the remote."""
        return self.git.is_shallow and draft.update.ref not in self.trust.fetched

    def taken(self) -> None:
        """The names that a new release cannot have, where one of these tags needs another name."""
        changed = (Change.MOVED, Change.DELETED)
        needed = any(not d.naming.name or d.update.change in changed for d in self.drafts)
        if needed or self.trust.hook is not Hook.CHECK:
            listed = (*(ref.name for ref in self.git.refs(TAGS)), *self.trust.root.locked)
            names = frozenset(ref[len(TAGS) :] for ref in listed)
            for draft in self.drafts:
                draft.facts["taken"] = names

    def siblings(self) -> None:
        """The other release tags of the same series."""
        series = {draft.naming.name.series for draft in self.drafts if draft.naming.name}
        # what this event creates has no before and after; what only is told of, such as a tag that a push leaves where
        # it is, takes nothing away from what stands there
        made = {draft.update.ref for draft in self.drafts if draft.update.change is Change.CREATED}
        names: list[TagName] = []
        if self.trust.hook is not Hook.CHECK and series:
            others = (ref.name[len(TAGS) :] for ref in self.git.refs(TAGS) if ref.name not in made)
            read = (self.grammar.match(name) for name in others)
            names = [name for name in read if name is not None and name.series in series]
        series_of = grouped(names, lambda name: name.series)
        together = grouped(self._made_together(), lambda name: name.series)
        releases = {  # compared only where a series has several: `packaging` takes 10 ms to load
            key: grouped(group, lambda name: name.order) for key, group in together.items() if len(group) > 1
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
