"""Facts of a tag's name: its fields, other holders of the name, its publication, and its series.

Also refs that people, git or a file system take for a release tag, or for a protected branch: gitrevisions(7) looks
for a short name as `refs/NAME`, `refs/tags/NAME`, `refs/heads/NAME`, `refs/remotes/NAME` and `refs/remotes/NAME/HEAD`,
and `git clone -b NAME` takes the branch first. So `tags/v2.8` may be the tag `v2.8`, or the branch `tags/v2.8`. A file
system that ignores case keeps one of two names that differ by nothing else, that of macOS leaves out some characters
besides, and that of Windows a full stop at the end.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

from envhooks.base.dataclass import dataclass, field, replace
from envhooks.base.hygiene import printable
from envhooks.base.refs import HEADS, TAGS, Change, Hook, RefUpdate
from envhooks.git.objects import Ref
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
        return self.update.ref.removeprefix(TAGS)

    @property
    def oid(self) -> str:
        """The object to look at: the new one, or the old one of a tag that is deleted."""
        oid = self.update.new or self.update.old
        assert oid is not None, "an update of nothing to nothing is no update"
        return oid

    def day(self) -> str:
        """The day that a tag which stands says of itself, `2021-06-30`; empty for one that is made or moved now."""
        annotation = getattr(self.facts.get("object"), "annotation", None)
        if self.update.change is not Change.STANDING or annotation is None:
            return ""
        try:
            return datetime.fromtimestamp(annotation.date, timezone.utc).date().isoformat()
        except (ValueError, OverflowError, OSError):
            return ""


def grouped(names: Iterable[TagName], key: Callable[[TagName], K]) -> dict[K, list[TagName]]:
    """Names by their key, in their order."""
    groups: dict[K, list[TagName]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


class NameFacts:
    """Collector of the facts of a name and of the refs beside it; each method fills one into every draft."""

    def __init__(self, git: Git, trust: TrustContext, grammar: Grammar, drafts: list[Draft]) -> None:
        self.git = git
        self.trust = trust
        self.policy = trust.root.policy
        self.grammar = grammar
        self.drafts = drafts

    # ---------------------------------------------------------------------- name and publication

    def naming(self) -> None:
        """The grammar's reading of each name."""
        for draft in self.drafts:
            draft.facts["naming"] = draft.naming

    def shadows(self) -> None:
        """Refs for which git takes the tag's short name first, or that differ from it by case only."""
        found: dict[str, list[str]] = {draft.tag: [] for draft in self.drafts}
        if self.trust.hook in (Hook.CHECK, Hook.RECEIVE) or self.trust.is_draft:
            named: dict[str, list[str]] = {}
            for tag in found:
                named.setdefault(alike(tag), []).append(tag)
            for ref, there in as_on_remote(self.git.refs(), self.trust.remote):
                for tag in named.get(alike(core(there)), ()):
                    if ref != TAGS + tag:
                        found[tag].append(ref)
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
        """Publication of a tag with its entry of tags.lock, and the SHA-256 of the object here with the listed id."""
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
            names = frozenset(ref.removeprefix(TAGS) for ref in listed)
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
            others = (ref.name.removeprefix(TAGS) for ref in self.git.refs(TAGS) if ref.name not in made)
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
            series_names = series_of.get(own.series, []) if own else []
            if own and self.trust.is_taking:
                # what stands there may have come by the same push, and one transaction does not tell
                series_names = [one for one in series_names if one.order == own.order]
            if own and not self.trust.is_taking:
                beside = together.get(own.series, [])
                draft.facts["together"] = tuple(one for one in beside if one.text != own.text)
            draft.facts["siblings"] = (
                *(name for name in series_names if own and name.text != own.text),
                *twins,
            )

    def _made_together(self) -> tuple[TagName, ...]:
        """The names that this event creates or moves."""
        if self.trust.hook is Hook.CHECK or len(self.drafts) < 2:
            return ()
        return tuple(draft.naming.name for draft in self.drafts if draft.update.new and draft.naming.name)


# ------------------------------------------------------------------------------------ lookalikes

REPLACE = "refs/replace/"
_IGNORED = "[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]"
"""Characters that HFS+ leaves out of a name: git's own `next_hfs_char`."""
_FOLDERS = "(?:(?:refs|tags|heads|remotes)/)*"
"""All that git puts before a short name."""
_DEEPEST = 20
"""Folders of a tag's name that are looked at."""


@dataclass(frozen=True)
class Lookalike:
    """A ref that would be mistaken for another."""

    ref: str
    why: str
    """One sentence without a final full stop, fit to print."""
    of: str = ""
    """The tag or the branch that it is mistaken for, as a full ref; empty where it is no particular one."""
    fix: str = ""


def plain(name: str) -> str:
    """A name without what file systems leave out of it; its case is kept."""
    if not name.isascii():
        import unicodedata

        name = unicodedata.normalize("NFC", re.sub(_IGNORED, "", name))
    return re.sub(r"\.+(?=/|$)", "", name)


def alike(name: str) -> str:
    """Comparison key: equal for names that a file system of macOS or Windows does not distinguish."""
    name = plain(name)
    if name.isascii():
        return name.lower()
    import unicodedata

    return unicodedata.normalize("NFC", name.casefold())


def core(ref: str) -> str:
    """A ref's name without all the folders that git puts before a short name."""
    name = plain(ref)
    found = re.match(_FOLDERS, name, re.IGNORECASE)
    rest = name[found.end() :] if found else name
    is_remote = re.match("refs/remotes/.+/HEAD$", name, re.IGNORECASE)
    return rest[: -len("/HEAD")] if is_remote and "/" in rest else rest


class Known:
    """The release tags and protected branches of a repository, by what is taken for them."""

    def __init__(self, grammar: Grammar, tags: Iterable[str], branches: Iterable[str]) -> None:
        """`tags` are full refs, all that are there or come in; `branches` short names of protected branches."""
        self.grammar = grammar
        self._tags: dict[str, set[str]] = {}
        for ref in tags:
            self._tags.setdefault(alike(ref.removeprefix(TAGS)), set()).add(ref)
        self._branches = {alike(name): HEADS + name for name in sorted(branches, reverse=True) if name}

    def lookalike(self, ref: str, *, is_new: bool = True) -> Lookalike | None:
        """The other ref that this one would be mistaken for; None without one.

        A tag that differs from another by its case alone is reported only where it `is_new`.
        """
        shown, name = printable(ref), core(ref)
        folded = alike(ref)
        for folder in (TAGS, HEADS, REPLACE):
            if folded.startswith(folder) and not ref.startswith(folder):
                why = f"{shown}: a file system that ignores case takes it for a ref below {folder}"
                return Lookalike(ref, why)
        if ref.startswith(REPLACE):
            return Lookalike(ref, f"{shown}: a replacement would show one object and mean another")
        if not ref.startswith("refs/"):
            return None
        branch = self._branches.get(alike(name))
        if branch is not None and ref != branch:
            return Lookalike(
                ref,
                f"{shown} would be taken for the protected branch {printable(branch.removeprefix(HEADS))}",
                branch,
            )
        if ref.startswith(TAGS) and (of := self._tracked(name)):
            why = f"{shown}: a clone would take it for the protected branch of its remote, {printable(name)}"
            return Lookalike(ref, why, of)
        return self._of_a_tag(ref, shown, name, is_new)

    def _tracked(self, name: str) -> str:
        """The protected branch whose short name in most clones this is: `origin/main`; else empty."""
        remote, _, branch = alike(name).partition("/")
        return self._branches.get(branch, "") if remote in ("origin", "upstream") else ""

    def in_the_way(self, ref: str) -> Lookalike | None:
        """The release that a tag below its name keeps from being made: for git that name is a folder then."""
        parts = ref.removeprefix(TAGS).split("/")[:_DEEPEST] if ref.startswith(TAGS) else []
        if len(parts) < 2 or self.grammar.match("/".join(parts)) is not None:
            return None
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        of = next((one for one in above if self.grammar.match(one) is not None), "")
        why = f"{printable(ref)}: beside it git can make no tag {printable(of)}"
        return Lookalike(ref, why, TAGS + of) if of else None

    def _of_a_tag(self, ref: str, shown: str, name: str, is_new: bool) -> Lookalike | None:
        others = sorted(self._tags.get(alike(name), set()) - {ref})
        reads = self.grammar.match
        release = next((one for one in others if reads(one.removeprefix(TAGS)) is not None), None)
        of = release or (TAGS + name if reads(name) is not None else "")
        if ref.startswith(TAGS) and alike(ref.removeprefix(TAGS)) == alike(
            name
        ):  # a tag without more folders
            twin = release or (others[0] if others and reads(name) is not None else None)
            if twin is None or not is_new:
                return None
            return Lookalike(
                ref, f"{shown} differs from {printable(twin)} by the case of its letters only", twin
            )
        if of:
            kind = "branch" if ref.startswith(HEADS) else "tag" if ref.startswith(TAGS) else "ref"
            where = "in place of" if kind == "branch" else "in front of"
            why = f"{shown}: a {kind} of a release's name would be taken {where} the tag"
            return Lookalike(ref, why, of)
        if ref.count("/") == 1:
            return Lookalike(
                ref, f"{shown}: a ref directly below refs/ would stand in front of the tag of that name"
            )
        return None


def among(
    known: Known, made: Iterable[str], stored: Container[str], here: Container[str] = ()
) -> Iterator[Lookalike]:
    """The lookalikes among the refs that a push makes; `here` are the refs of the clone that pushes."""
    for ref in made:
        found = known.lookalike(ref, is_new=ref not in stored)
        if found is None and ref not in stored:
            found = known.in_the_way(ref)
        if found is not None:
            yield Lookalike(ref, found.why, found.of, renaming(ref) if ref in here else "")


def deleted_as_another(
    gone: Collection[str], stored: Iterable[str], guarded: Callable[[str], bool]
) -> Iterator[Lookalike]:
    """Deletions of refs that are not there, where a file system that ignores case would take a guarded one away."""
    names = {alike(ref): ref for ref in stored if guarded(ref)} if gone else {}
    for ref in gone:
        other = names.get(alike(ref))
        if other is not None and other != ref:
            yield Lookalike(
                ref, f"{printable(ref)} is not there, and may be taken for {printable(other)}", other
            )


def standing(known: Known, refs: Iterable[tuple[str, str]]) -> Iterator[Lookalike]:
    """The lookalikes among refs as they stand: pairs of a ref's name and the name that it has on the remote."""
    for ref, there in refs:
        found = known.lookalike(there)
        if found is not None and found.of != ref:
            why = found.why.replace(printable(there), printable(ref), 1) if there != ref else found.why
            yield Lookalike(ref, why, found.of, renaming(ref))


def renaming(ref: str) -> str:
    """The command that gives a local branch another name; what a remote has, its owners decide."""
    import shlex

    if not ref.startswith(HEADS):
        return ""
    name = printable(ref.removeprefix(HEADS))
    return f"git branch -m -- {shlex.quote(name)} {shlex.quote(f'work/{name}')}"


def as_on_remote(refs: Iterable[Ref], remote: str | None) -> Iterator[tuple[str, str]]:
    """Each ref with its name on the release remote, as last fetched; symbolic refs left out."""
    prefix = f"refs/remotes/{remote}/" if remote else ""
    for ref in refs:
        if not ref.symref:
            is_fetched = prefix and ref.name.startswith(prefix)
            yield ref.name, HEADS + ref.name[len(prefix) :] if is_fetched else ref.name
